# SPDX-License-Identifier: MIT
"""The front door: what is installed, what is only asked for elsewhere, what the README promises."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text()
SHELL_TOOLS = ("sh", "cut", "cat", "make", "env")


def deps(*args, path):
    return subprocess.run([TOP / "mk/deps.sh", *args], env={"PATH": str(path)}, text=True,
                          capture_output=True)


def links(folder, *tools):
    folder.mkdir(exist_ok=True)
    for tool in tools:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def listed(kind):
    """The packages of one list, as dpkg-query is asked for them."""
    text = (TOP / "mk/deps.sh").read_text()
    lists = dict(re.findall(r"^(run|test|bench)=.*?'\n(.*?)^'", text, re.M | re.S))
    wanted = {"run": ["run"], "test": ["run", "test"], "bench": ["run", "test", "bench"]}[kind]
    return [line.split("\t")[0] for name in wanted for line in lists[name].splitlines()]


@pytest.fixture
def elsewhere(tmp_path):
    """A distribution without dpkg that has a shell and make, and nothing that looks like ours."""
    return links(tmp_path / "bin", *SHELL_TOOLS)


@pytest.mark.parametrize("verb", ["run", "test"])
def test_elsewhere_the_list_and_a_stop(elsewhere, verb):
    # The folders for tools of the administrator are looked into as well; mke2fs is there.
    result = subprocess.run(["make", "-s", verb], cwd=TOP, text=True, capture_output=True,
                            env={"PATH": str(elsewhere)})
    assert result.returncode != 0
    assert "This is not Debian, so nothing is installed for you." in result.stderr
    wanted = ["gcc\t(gcc)", "archive.h\t(libarchive-dev)", "libz.a\t(zlib1g-dev)",
              "qemu-system-x86_64\t(qemu-system-x86)"]
    for_tests = ["cmocka.h\t(libcmocka-dev)", "clang\t(clang)", "module:pytest\t(python3-pytest)"]
    for line in wanted + (for_tests if verb == "test" else []):
        assert f"\n  {line}\n" in result.stderr, result.stderr
    if verb == "run":
        assert "cmocka" not in result.stderr
    assert "CC " not in result.stdout


def test_elsewhere_with_everything(tmp_path):
    """No dpkg-query, but all that is needed: it goes on without a word."""
    everything = tmp_path / "bin"
    everything.mkdir()
    for folder in ("/bin", "/usr/sbin", "/usr/bin"):
        for tool in Path(folder).iterdir():
            if tool.name != "dpkg-query" and not (everything / tool.name).exists():
                (everything / tool.name).symlink_to(tool)
    result = deps("test", path=everything)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_nothing_to_install_here():
    result = deps("test", path=os.environ["PATH"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_readme_has_a_reason_for_each_package():
    table = README[README.index("\n## Dependencies"):README.index("\n## Figures")]
    named = []
    for row in re.findall(r"^\| (.*?) \| ", table, re.M)[1:]:
        for name in row.split(", "):
            named.append(named[-1] + name if name.startswith("-") else name)
    assert sorted(named) == sorted(listed("bench"))


def test_help_has_the_verbs():
    text = subprocess.run(["make", "-s", "help"], cwd=TOP, text=True, capture_output=True,
                          check=True).stdout
    for verb in "run test check boot bench gdb fuzz lint install clean".split():
        assert re.search(rf"^  make {verb} +\S", text, re.M), verb
    assert "S=NAME" in text


def test_install_and_uninstall(tmp_path):
    def make(verb):
        subprocess.run(["make", "-s", verb, f"DESTDIR={tmp_path}", "PREFIX=/opt/om", "DEV=1"],
                       cwd=TOP, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return sorted(str(path.relative_to(tmp_path / "opt/om"))
                      for path in tmp_path.rglob("*") if path.is_file())

    installed = make("install")
    assert {"bin/overmount", "lib/overmount/overmount.efi", "lib/overmount/overmount-stub.elf",
            "share/man/man1/overmount.1", "share/man/man5/overmount.conf.5"} <= set(installed)
    version = subprocess.run([tmp_path / "opt/om/bin/overmount", "--version"], text=True,
                             capture_output=True, check=True).stdout
    assert version.startswith("overmount ")
    assert make("uninstall") == []


@pytest.mark.parametrize("page", sorted((TOP / "man").iterdir()), ids=lambda page: page.name)
def test_manual_page_is_clean(page):
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                            capture_output=True)
    assert result.stdout == ""


def test_ci_runs_the_command_of_the_readme():
    command = (TOP / ".ci/run").read_text().splitlines()[-1].removeprefix("CI=true ")
    assert re.search(rf"^    {re.escape(command)} +#", README, re.M)
