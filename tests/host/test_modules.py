# SPDX-License-Identifier: MIT
"""The layer for a stock Linux: which modules come along, in which order, and with what."""

import gzip
import lzma
import re
import subprocess

import pytest

from test_cli import overmount, scenario
from kernel_modules import index, make_module

RELEASE = "9.9.9-test"
# name -> what it exports, what it wants of others, its .modinfo
MODULES = {
    "bus": (["bus_register"], [], []),
    "disk_core": (["disk_add"], ["bus_register"], []),
    "disk-pci": ([], ["disk_add", "bus_register"], ["alias=pci:v00001AF4d*", "firmware=disk/fw.bin",
                                                    "firmware=disk/not-here.bin"]),
    "crc_fast": ([], [], []),
    "filesystem": ([], [], ["softdep=pre: crc_fast post: late_a", "alias=fs-some"]),
    "late_a": ([], [], ["softdep=post: late_b late_c"]),
    "late_b": ([], [], ["softdep=pre: late_a post: late_c"]),
    "late_c": ([], [], ["softdep=pre: late_b late_a"]),
    "fat": (["fat_fill"], [], []),
    "vfat": ([], ["fat_fill"], []),
    "nls_cp437": ([], [], []),
    "nls_iso8859-1": ([], [], []),
}


@pytest.fixture(scope="module")
def lib(tmp_path_factory):
    """A folder like /lib/modules; read only."""
    lib = tmp_path_factory.mktemp("system") / "lib/modules"
    base = lib / RELEASE
    for name, what in MODULES.items():
        make_module(base / "kernel" / f"{name}.ko", *what)
    # Compressed as distributions do it; what the archive has is the plain module.
    packed = base / "kernel/disk-pci.ko"
    scenario.write_file(base / "kernel/disk-pci.ko.xz",
                        lzma.compress(packed.read_bytes(), check=lzma.CHECK_CRC32))
    packed.rename(lib / "disk-pci.plain")
    subprocess.run(["zstd", "-q", "--rm", base / "kernel/filesystem.ko"], check=True)
    scenario.write_file(lib.parent / "firmware/disk/fw.bin.xz", lzma.compress(b"FIRMWARE"))
    index(lib, RELEASE)
    return lib


def build(lib, tmp_path, *names, status=0):
    """What the command says, and the archive as a folder."""
    modules = [word for name in names for word in ("--module", name)]
    text = overmount("image", "build", "-o", tmp_path / "linux.cpio", "--modules", RELEASE,
                     "--modules-dir", lib, *modules, status=status)
    tree = tmp_path / "tree"
    tree.mkdir()
    if status == 0:
        subprocess.run(["cpio", "-i", "-d", "--quiet", "--no-preserve-owner"], cwd=tree, check=True,
                       stdin=(tmp_path / "linux.cpio").open())
    return text, tree


def order(tree):
    lines = (tree / "lib/modules" / RELEASE / "overmount.order").read_text().splitlines()
    return [line.removeprefix("kernel/").removesuffix(".ko") for line in lines]


@pytest.mark.parametrize("names, wanted", [
    (["bus"], ["bus"]),
    (["disk-pci"], ["bus", "disk_core", "disk-pci"]),
    (["disk_pci"], ["bus", "disk_core", "disk-pci"]),
    (["disk_core", "bus", "disk-pci"], ["bus", "disk_core", "disk-pci"]),
    (["pci:v00001AF4d00001001"], ["bus", "disk_core", "disk-pci"]),
    # Of the tables that FAT asks for while it mounts, those that this kernel has.
    (["vfat"], ["fat", "nls_cp437", "nls_iso8859-1", "vfat"]),
    (["msdos"], ["nls_cp437", "nls_iso8859-1"]),
    (["inside"], []), (["inside", "bus"], ["bus"]), ([], []),
], ids=lambda value: "+".join(value))
def test_order(lib, tmp_path, names, wanted):
    """Whatever a module needs stands before it, once; what is built in is no file."""
    text, tree = build(lib, tmp_path, *names)
    assert order(tree) == wanted, text
    files = {path.stem for path in (tree / "lib/modules").rglob("*.ko")}
    assert files == set(wanted)


def test_soft_dependencies(lib, tmp_path):
    """Before and after, and in a circle, as they may be."""
    _, tree = build(lib, tmp_path, "fs-some")
    found = order(tree)
    assert found[:2] == ["crc_fast", "filesystem"]
    assert sorted(found[2:]) == ["late_a", "late_b", "late_c"]


def test_files(lib, tmp_path):
    """The module unpacked, its firmware if it is there, and /init."""
    _, tree = build(lib, tmp_path, "disk-pci")
    base = tree / "lib/modules" / RELEASE
    assert (base / "kernel/disk-pci.ko").read_bytes() == (lib / "disk-pci.plain").read_bytes()
    assert {path.name: path.read_bytes() for path in (tree / "lib/firmware").rglob("*")
            if path.is_file()} == {"fw.bin": b"FIRMWARE"}
    assert (tree / "init").read_bytes() == (scenario.BUILD / "linux/init").read_bytes()
    assert (tree / "init").stat().st_mode & 0o777 == 0o755


GZIP = gzip.compress(b"what the device itself unpacks", mtime=0)


@pytest.mark.parametrize("files, got", [
    ({"x.bin": GZIP}, GZIP),
    ({"x.bin.zst": "zstd", "x.bin.xz": lzma.compress(b"xz")}, b"zstd"),
    ({"updates/x.bin": b"newer", "x.bin": b"older"}, b"newer"),
    ({f"updates/{RELEASE}/x.bin": b"1", "updates/x.bin": b"2", f"{RELEASE}/x.bin": b"3"}, b"1"),
    ({f"{RELEASE}/x.bin": b"3", "x.bin": b"4"}, b"3"),
    ({"x.bin": b"plain", "updates/x.bin.xz": lzma.compress(b"packed")}, b"plain"),
], ids=["looks-packed", "zst-first", "updates", "of-the-release", "release", "plain-first"])
def test_which_firmware(tmp_path, files, got):
    """Where and in which order the kernel itself looks (firmware_class)."""
    lib = tmp_path / "lib/modules"
    make_module(lib / RELEASE / "kernel/some.kof/one.ko", [], [], ["firmware=x.bin"])
    index(lib, RELEASE)
    for name, data in files.items():
        if data == "zstd":
            data = subprocess.run(["zstd", "-qc"], input=b"zstd", capture_output=True, check=True).stdout
        scenario.write_file(lib.parent / "firmware" / name, data)
    _, tree = build(lib, tmp_path, "one")
    assert (tree / "lib/firmware/x.bin").read_bytes() == got
    assert (tree / f"lib/modules/{RELEASE}/kernel/some.kof/one.ko").is_file()


def test_a_module_that_is_elsewhere(tmp_path):
    """Its index names it with a path of its own: not to be left out without a word."""
    lib = tmp_path / "lib/modules"
    make_module(lib / RELEASE / "kernel/one.ko", [], [], [])
    index(lib, RELEASE)
    (lib / RELEASE / "kernel/one.ko").rename(tmp_path / "one.ko")
    subprocess.run(["/usr/sbin/depmod", "-b", tmp_path, RELEASE, tmp_path / "one.ko"], check=True)
    text, _ = build(lib, tmp_path, "one", status=1)
    assert f"{tmp_path}/one.ko: error: is no module below" in text


@pytest.mark.parametrize("given", ["lib/modules", "lib/modules/", "./lib/../lib/modules", "link"])
def test_a_folder_by_any_name(lib, tmp_path, given, monkeypatch):
    """It may be relative, and a symbolic link: the modules come along all the same."""
    (tmp_path / "link").symlink_to(lib)
    (tmp_path / "lib").symlink_to(lib.parent)
    monkeypatch.chdir(tmp_path)
    _, tree = build(given, tmp_path, "disk-pci")
    assert order(tree) == ["bus", "disk_core", "disk-pci"]


@pytest.mark.parametrize("release", ["lib", "lib/modules", f"lib/modules/{RELEASE}"])
def test_a_layer_that_hides_the_modules(lib, tmp_path, release):
    """A tree with /lib -> /usr/lib on top: the archive would boot without a single module."""
    layer = tmp_path / "layer"
    (layer / "usr/lib").mkdir(parents=True)
    words = ["image", "build", "-o", tmp_path / "out", "--modules", RELEASE, "--modules-dir", lib, "--module",
             "bus", layer]
    overmount(*words)
    (layer / release).parent.mkdir(parents=True, exist_ok=True)
    (layer / release).symlink_to("/usr/lib")
    assert f"/lib/modules/{RELEASE}/overmount.order: error: is hidden by a layer" in overmount(*words, status=1)


def test_two_releases_in_one_archive(lib, tmp_path):
    other = tmp_path / "lib/modules"
    for release in (RELEASE, "8.8.8"):
        make_module(other / release / "kernel/one.ko", [], [], [])
        index(other, release)
    overmount("image", "build", "-o", tmp_path / "both.cpio", "--modules", RELEASE, "--modules",
              "8.8.8", "--modules-dir", other, "--module", "one")
    names = scenario.run("bsdtar", "-tf", tmp_path / "both.cpio").splitlines()
    for release in (RELEASE, "8.8.8"):
        assert f"lib/modules/{release}/kernel/one.ko" in names
        assert f"lib/modules/{release}/overmount.order" in names


@pytest.mark.parametrize("name, words", [
    ("nowhere", f"error: has no module 'nowhere'\nhint: .*depmod -b DIR {RELEASE}"),
    ("broken", r"broken\.ko\.xz: error: cannot be read or unpacked"),
    ("gone", r"gone\.ko: error: "),
])
def test_refused(tmp_path, name, words):
    """And no archive is left behind."""
    lib = tmp_path / "lib/modules"
    kernel = lib / RELEASE / "kernel"
    for module in ("broken", "gone"):
        make_module(kernel / f"{module}.ko", [], [], [])
    packed = lzma.compress((kernel / "broken.ko").read_bytes(), check=lzma.CHECK_CRC32)
    scenario.write_file(kernel / "broken.ko.xz", packed)
    (kernel / "broken.ko").unlink()
    index(lib, RELEASE)
    scenario.write_file(kernel / "broken.ko.xz", packed[:len(packed) // 2])
    (kernel / "gone.ko").unlink()
    text, _ = build(lib, tmp_path, name, status=1)
    assert re.search(words, text), text
    assert not (tmp_path / "linux.cpio").exists()


def test_a_folder_without_modules(tmp_path):
    text, _ = build(tmp_path, tmp_path, "bus", status=1)
    assert re.search("has no index of modules\nhint: depmod -b DIR", text), text
