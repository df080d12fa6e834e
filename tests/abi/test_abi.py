# SPDX-License-Identifier: MIT
"""Linux as the oracle: the same static programs on stock kernels and on the stub, compared.

Each kernel is booted once and runs every case; a case is equal when its output is, line by line.
What may differ stands in differences.toml with its reason, and no longer than it differs.
"""

import difflib
import functools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "boot"))

import scenario  # noqa: E402
from kernels import FETCHED, KERNELS, tree  # noqa: E402
from machine import Machine  # noqa: E402

ABI = scenario.BUILD / "programs" / "abi"
FRAME = re.compile(r"^==== (\S+)\n(.*?)^==== end \1: ([^\n]*)\n", re.M | re.S)
SECONDS = 90


def cases(only=os.environ.get("OVERMOUNT_ABI_ONLY", "")):
    if not ABI.exists():
        return ["session", "klibc"]
    listing = subprocess.run([ABI, "list"], text=True, capture_output=True, check=True)
    return [name for name in listing.stdout.split() + ["session", "klibc"] if name.startswith(only)]


def workshop(name):
    shop = scenario.Workshop(name, HERE / "scenario")
    tree = shop.trees["root"]
    tree["files"] = {name: (HERE / name).read_text() for name in ("session.sh", "klibc.sh")}
    tree["copies"] = {f"klibc/{path.name}": path for path in
                      [*Path("/usr/lib/klibc/bin").iterdir(), *Path("/lib").glob("klibc-*.so")]}
    if os.environ.get("OVERMOUNT_ABI_ONLY"):
        tree["files"]["only"] = os.environ["OVERMOUNT_ABI_ONLY"] + "\n"
    tree["programs"]["bin/busybox"] = scenario.BUSYBOX
    return shop


def frames(text, who):
    """Case -> its lines and how it ended; other text is the kernel's own."""
    found = {}
    for name, body, status in FRAME.findall(text):
        lines = [line[2:] for line in body.splitlines() if line.startswith("| ")]
        found[name] = lines + [f"({status})"]
    if "==== done" not in text:
        raise scenario.Failure(f"{who} did not come to the end; last output:\n{text[-2000:]}")
    return found


def once(function):
    """Each kernel is booted once, also when that fails."""
    @functools.cache
    def attempt(*args):
        try:
            return function(*args), None
        except scenario.Failure as error:
            return None, error

    def result(*args):
        value, error = attempt(*args)
        if error:
            raise error
        return value
    return result


@once
def stub():
    shop = workshop("abi")
    with Machine(shop.work, shop.disks()) as machine:
        verdict = machine.finish(SECONDS)
        found = frames(machine.text, "the stub")
    if verdict != "poweroff":
        raise scenario.Failure(f"the stub's verdict is {verdict}, see {shop.work}/serial.log")
    return found


@once
def linux(version):
    """The frames of a stock kernel."""
    kernel = tree(version) / "vmlinuz"
    shop = workshop(f"abi-linux-{version}")
    shop.work.mkdir(parents=True, exist_ok=True)
    archive = shop.work / "initramfs.cpio"
    scenario.shutil.rmtree(shop.work / "trees", ignore_errors=True)
    shop.make(shop.spec["esp"][0], archive)
    machine = Machine(shop.work, [])
    machine.line = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", "512",
                    "-smp", "1", "-no-reboot", "-display", "none", "-vga", "none",
                    "-monitor", "none", "-net", "none", "-serial", "stdio",
                    "-kernel", str(kernel), "-initrd", str(archive),
                    "-append", "console=ttyS0 quiet loglevel=0 panic=-1 rdinit=/init"]
    with machine:
        machine.finish(SECONDS)
        return frames(machine.text, f"Linux {version}")


def differences(version):
    """Case -> reason, and whether it has to differ: of a kernel of one's own it is not known what holds
    for some of ours only."""
    entries = tomllib.loads((HERE / "differences.toml").read_text()).get("difference", [])
    for entry in entries:
        assert entry["reason"].strip(), entry
    return {entry["case"]: (entry["reason"], "kernels" not in entry or version in FETCHED)
            for entry in entries if version in entry.get("kernels", [version]) or version not in FETCHED}


@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("version", KERNELS)
def test_case(version, case):
    try:
        oracle = linux(version)
        mine = stub().get(case, ["(no output)"])
    except scenario.Failure as error:
        pytest.fail(str(error), pytrace=False)
    want = oracle[case]     # a case that Linux does not come back from is not a case
    allowed, always = differences(version).get(case, (None, False))
    if mine == want:
        if always:
            pytest.fail(f"{case} no longer differs: take it out of differences.toml "
                        f"({allowed})", pytrace=False)
        return
    if not allowed:
        text = "\n".join(difflib.unified_diff(want, mine, f"Linux {version}", "stub",
                                              lineterm="", n=2))
        pytest.fail(f"{case}:\n{text}", pytrace=False)


def test_differences_name_cases():
    entries = tomllib.loads((HERE / "differences.toml").read_text()).get("difference", [])
    unknown = {entry["case"] for entry in entries} - set(cases(""))
    assert not unknown, f"differences.toml names cases that do not exist: {unknown}"
