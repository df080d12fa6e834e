# SPDX-License-Identifier: MIT
"""`overmount install`: an ESP is filled, updated and emptied; what is not ours stays as it was.

The stage, the stub and the kernels are the smallest files that are recognised as such; the boot
of an ESP that was filled like this is in tests/boot/test_installed.py.
"""

import errno
import functools
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import uuid
import zlib
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/boot"))

import scenario  # noqa: E402
from kernel_modules import index, make_module  # noqa: E402

CORPUS = TOP / "tests/fuzz/corpus/elf"
MACHINE = "0123456789abcdef0123456789abcdef"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
RECORD = "EFI/overmount/installed"
STAGE = "EFI/overmount/overmount.efi"
DEFAULT = "EFI/BOOT/BOOTX64.EFI"
NEW_ID = f"EFI/overmount/{MACHINE}/6.1.0-30-amd64"
OLD_ID = f"EFI/overmount/{MACHINE}/6.1.0-9-amd64"
NEW_ENTRY = f"loader/entries/overmount-{MACHINE}-6.1.0-30-amd64.conf"
OLD_ENTRY = f"loader/entries/overmount-{MACHINE}-6.1.0-9-amd64.conf"
STUB_ENTRY = f"loader/entries/overmount-{MACHINE}-stub.conf"
FILES = {STAGE, "EFI/overmount/overmount-stub.elf", f"{NEW_ID}/linux", f"{NEW_ID}/initrd",
         f"{OLD_ID}/linux", NEW_ENTRY, OLD_ENTRY, STUB_ENTRY, DEFAULT, RECORD}
KEPT_NAME = "\\" + NEW_ENTRY.replace("/", "\\")


class Place:
    """A system to boot, programs to install, an ESP and firmware variables."""

    def __init__(self, base):
        self.base = base
        self.esp, self.root, self.programs = base / "esp", base / "root", base / "programs"
        self.efivars = base / "efivars"
        for directory in (self.esp, self.efivars):
            directory.mkdir(parents=True)
        self.kernel = (CORPUS / "linux.pe").read_bytes()
        put = scenario.write_file
        put(self.root / "etc/machine-id", f"{MACHINE}\n".encode())
        put(self.root / "etc/os-release",
            b'NAME="Debian"\nID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
        put(self.root / "etc/kernel/cmdline",
            b'# what all kernels get\nroot=UUID=1111-2222 ro\n  "quiet  words"\n')
        put(self.root / "boot/vmlinuz-6.1.0-30-amd64", self.kernel)
        put(self.root / "boot/initrd.img-6.1.0-30-amd64", b"070701 the initrd")
        put(self.root / "boot/vmlinuz-6.1.0-9-amd64", self.kernel + b"old")
        put(self.root / "boot/vmlinuz-rescue", b"no kernel at all")
        put(self.programs / "overmount.efi", (CORPUS / "other.pe").read_bytes())
        put(self.programs / "overmount-stub.elf", (CORPUS / "good.elf").read_bytes())

    def install(self, *args, status=0, env=None):
        result = subprocess.run(
            [str(scenario.OVERMOUNT), "install", "--esp", str(self.esp), "--root", str(self.root),
             "--from", str(self.programs), *map(str, args)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        if status is not None:
            assert result.returncode == status, result.stdout
            return result.stdout
        return result

    def newer_programs(self):
        with (self.programs / "overmount.efi").open("ab") as file:
            file.write(b"newer")

    def tree(self):
        """What is on the ESP: names, bytes, and when and as which inode it was written."""
        return {str(path.relative_to(self.esp)):
                (path.read_bytes() if path.is_file() else None, path.stat().st_ino,
                 path.stat().st_mtime_ns) for path in sorted(self.esp.rglob("*"))}

    def bytes(self):
        return {name: value[0] for name, value in self.tree().items()}

    def files(self):
        return {name for name, value in self.bytes().items() if value is not None}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def record_of(place):
    """(kind, name) -> digest, as the file says."""
    lines = (place.esp / RECORD).read_text().splitlines()
    assert lines[0] == "overmount installed 1"
    record = {}
    for line in lines[1:]:
        words = line.split(" ")
        key = (words[0], words[-1])
        assert key not in record, "named twice"
        record[key] = words[1] if len(words) == 3 else None
    return record


def check_whole(place, foreign=()):
    """Everything is there, right, and recorded with its digest."""
    assert place.files() == FILES | set(foreign)
    record = record_of(place)
    assert {name for kind, name in record if kind == "file"} == FILES - {RECORD} - set(foreign)
    for (kind, name), digest in record.items():
        if kind == "file":
            assert digest == hashlib.sha256((place.esp / name).read_bytes()).hexdigest()
    stage = (place.programs / "overmount.efi").read_bytes()
    assert (place.esp / STAGE).read_bytes() == stage


# ---------------------------------------------------------------- fresh, twice, update

def test_fresh(place):
    place.install()
    check_whole(place)
    assert (place.esp / DEFAULT).read_bytes() == (place.esp / STAGE).read_bytes()
    assert (place.esp / f"{NEW_ID}/linux").read_bytes() == place.kernel
    assert (place.esp / f"{NEW_ID}/initrd").read_bytes() == b"070701 the initrd"


def entry(path):
    """Key -> value, as any loader of the specification reads it."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split(maxsplit=1) for line in lines)


def test_entries(place):
    place.install()
    assert entry(place.esp / NEW_ENTRY) == {
        "title": "Debian GNU/Linux 12 (bookworm)", "version": "6.1.0-30-amd64",
        "machine-id": MACHINE, "sort-key": "debian",
        "options": 'root=UUID=1111-2222 ro "quiet  words"',
        "linux": f"/{NEW_ID}/linux", "initrd": f"/{NEW_ID}/initrd"}
    assert "initrd" not in entry(place.esp / OLD_ENTRY)
    assert entry(place.esp / STUB_ENTRY)["kernel"] == "/EFI/overmount/overmount-stub.elf"
    (place.esp / f"{NEW_ID}/initrd").write_bytes((TOP / "tests/fuzz/corpus/cpio/gnu-newc").read_bytes())
    scenario.run(scenario.OVERMOUNT, "check", place.esp / NEW_ENTRY, place.esp / OLD_ENTRY)


@pytest.mark.parametrize("given, found, options", [
    (["--options", "root=/dev/vda2  rw"], None, "root=/dev/vda2 rw"),
    ([], "root=/dev/vda2 ro\n", "root=/dev/vda2 ro"),
    ([], None, None),       # of another system than the running one nothing is known
])
def test_options(place, given, found, options):
    (place.root / "etc/kernel/cmdline").unlink()
    if found:
        scenario.write_file(place.root / "usr/lib/kernel/cmdline", found.encode())
    text = place.install(*given)
    assert entry(place.esp / NEW_ENTRY).get("options") == options
    assert (place.esp / STUB_ENTRY).exists() == bool(options)
    assert bool(options) != ("the options name no root=" in text)


def test_options_of_the_running_system(tmp_path):
    """BOOT_IMAGE= and initrd= are the old loader's own."""
    if Path("/etc/kernel/cmdline").exists() or Path("/usr/lib/kernel/cmdline").exists():
        pytest.skip("this system has a command line for its kernels")
    place = Place(tmp_path)
    scenario.run(scenario.OVERMOUNT, "install", "--esp", place.esp, "--from", place.programs,
                 "--kernels", place.root / "boot")
    want = [word for word in Path("/proc/cmdline").read_text().split()
            if not word.startswith(("BOOT_IMAGE=", "initrd="))]
    made = next((place.esp / "loader/entries").glob("*-6.1.0-9-amd64.conf"))
    assert entry(made).get("options", "").split() == want


def test_kernels_of_several_folders(place):
    other = place.base / "other"
    scenario.write_file(other / "vmlinuz-7.3.4", place.kernel)
    scenario.write_file(other / "initramfs-7.3.4.img", b"of dracut")
    scenario.write_file(other / "vmlinuz-6.1.0-9-amd64", b"MZ a second one of that version")
    text = place.install("--kernels", place.root / "boot", "--kernels", other)
    assert place.files() > FILES
    assert (place.esp / f"EFI/overmount/{MACHINE}/7.3.4/initrd").read_bytes() == b"of dracut"
    assert (place.esp / f"{OLD_ID}/linux").read_bytes() == place.kernel + b"old"
    assert "vmlinuz-rescue: is no Linux kernel" in text


def test_nobody_listens(place):
    """As in `| head -1`: what was begun is done, and the exit status tells."""
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([scenario.OVERMOUNT, "install", "--esp", place.esp, "--root", place.root,
                             "--from", place.programs], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert result.returncode == 1 and b"standard output" in result.stderr
    check_whole(place)


def test_twice_touches_nothing(place):
    place.install()
    before = place.tree()
    assert "write" not in place.install() and place.tree() == before
    place.install("--prune")
    assert place.tree() == before


def test_a_folder_that_is_no_esp_yet(place):
    """A mount point that nothing is mounted on looks the same: it is said."""
    note = f"note    {place.esp} is no FAT file system"
    if subprocess.run(["stat", "-f", "-c", "%T", place.esp], capture_output=True).stdout == b"msdos\n":
        pytest.skip("the tests run on FAT")
    assert note in place.install("--dry-run") and note in place.install()
    assert note not in place.install("--remove")


def test_update(place):
    place.install()
    before = place.tree()
    place.newer_programs()
    text = place.install()
    check_whole(place)
    assert f"replace \\{STAGE}".replace("/", "\\") in text
    after = place.tree()
    changed = {name for name in FILES if before[name] != after[name]}
    assert changed == {STAGE, DEFAULT, RECORD}
    assert (place.esp / DEFAULT).read_bytes().endswith(b"newer")


def test_a_kernel_that_is_gone(place):
    place.install()
    (place.root / "boot/vmlinuz-6.1.0-9-amd64").unlink()
    text = place.install()
    check_whole(place)
    assert text.count("--prune removes it") == 2
    place.install("--prune")
    assert place.files() == FILES - {OLD_ENTRY, f"{OLD_ID}/linux"}
    assert not (place.esp / OLD_ID).exists() and (place.esp / NEW_ID).exists()
    assert not [name for _, name in record_of(place) if "6.1.0-9" in name]
    before = place.tree()
    place.install("--prune")
    assert place.tree() == before


@pytest.mark.parametrize("version, names, want", [
    ("6.4.0-150600.1-default", ["initrd-{}"], "initrd-{}"),        # openSUSE
    ("6.12.0-1.fc41", ["initramfs-{}.img"], "initramfs-{}.img"),
    ("6.12.0", ["initrd-{}", "initrd.img-{}", "initramfs-{}.img"], "initrd.img-{}"),
    ("linux", ["initramfs-{}.img", "initramfs-{}-fallback.img"], "initramfs-{}.img"),     # Arch
])
def test_names_of_initrds(place, version, names, want):
    scenario.write_file(place.root / f"boot/vmlinuz-{version}", place.kernel)
    for name in names:
        scenario.write_file(place.root / "boot" / name.format(version), name.encode())
    place.install()
    assert (place.esp / f"EFI/overmount/{MACHINE}/{version}/initrd").read_bytes() == want.encode()


def test_kernels_that_are_none(place):
    """What is no file is passed over; so is what FAT would call by another name."""
    boot = place.root / "boot"
    (boot / "vmlinuz-6.1.0-30-AMD64").write_bytes(place.kernel)
    (boot / "vmlinuz-old").symlink_to("nowhere")
    (boot / "vmlinuz-folder").mkdir()
    (boot / "vmlinuz-6.1.").write_bytes(place.kernel)
    (boot / "vmlinuz-new").symlink_to("vmlinuz-6.1.0-9-amd64")
    text = place.install()
    for name in ("old", "folder"):
        assert f"vmlinuz-{name}: is no file, and no link to one" in text
    assert "vmlinuz-6.1.: such a version cannot be a name on FAT" in text
    assert "error" not in text
    assert text.count("the same version was found before") == 1
    assert "EFI/overmount/" + MACHINE + "/new/linux" in place.files()


def test_case_of_a_name_that_changes(place):
    """On FAT it is the same file: it is ours, and --prune takes it for the one that is wanted."""
    place.install()
    (place.root / "boot/vmlinuz-6.1.0-9-amd64").rename(place.root / "boot/vmlinuz-6.1.0-9-AMD64")
    for args in ([], ["--prune"]):
        place.install(*args)
        assert place.files() == FILES
    assert entry(place.esp / OLD_ENTRY)["version"] == "6.1.0-9-AMD64"
    place.install("--remove")
    assert place.tree() == {}


def test_a_kernel_that_cannot_be_read(place):
    """It may be one that boots: nobody says that it is gone, and --prune does not remove it."""
    place.install()
    before = place.tree()
    (place.root / "boot/vmlinuz-6.1.0-9-amd64").chmod(0)
    for args in ([], ["--prune"]):
        result = subprocess.run(["unshare", "--user", scenario.OVERMOUNT, "install", "--esp", place.esp,
                                 "--root", place.root, "--from", place.programs, *args], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert result.returncode == 1 and "vmlinuz-6.1.0-9-amd64: error: cannot open" in result.stdout
        assert place.tree() == before


def test_prune_without_any_kernel(place):
    """As it looks when /boot is not mounted."""
    place.install()
    shutil.rmtree(place.root / "boot")
    before = place.tree()
    assert "is /boot mounted?" in place.install("--prune", status=1)
    assert place.tree() == before
    assert place.install().count("--prune removes it") == 5


def test_what_make_install_put_there(place):
    """Without --from: what was installed with the program."""
    scenario.run("make", "-C", TOP, "install", f"DESTDIR={place.base}/image", "PREFIX=/usr")
    program = place.base / "image/usr/bin/overmount"
    scenario.run(program, "install", "--esp", place.esp, "--root", place.root)
    for name in ("overmount.efi", "overmount-stub.elf"):
        assert (place.esp / "EFI/overmount" / name).read_bytes() == \
            (program.parent.parent / "lib/overmount" / name).read_bytes()


# ---------------------------------------------------------------- entries without an initramfs

RELEASE = "6.1.0-30-amd64"
NEW_INIT = f"{NEW_ID}/linux.cpio"
NEW_INIT_ENTRY = f"loader/entries/overmount-{MACHINE}-{RELEASE}-init.conf"
OLD_INIT_ENTRY = f"loader/entries/overmount-{MACHINE}-6.1.0-9-amd64-init.conf"


def modules(place, release=RELEASE):
    """disk needs bus."""
    lib = place.root / "lib/modules"
    make_module(lib / release / "kernel/bus.ko", ["bus_register"], [], [])
    make_module(lib / release / "kernel/disk.ko", [], ["bus_register"], [])
    make_module(lib / release / "kernel/other.ko", [], [], [])
    index(lib, release)


@pytest.fixture
def modular(place):
    modules(place)
    scenario.write_file(place.programs / "init", b"\x7fELF the init", 0o755)
    return place


def in_archive(place, path=NEW_INIT):
    """Path -> content of the regular files, read by another archiver."""
    out = place.base / "unpacked"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    scenario.run("bsdtar", "-xf", place.esp / path, "-C", out, "--exclude", "./dev",
                 "--exclude", "dev")
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*")
            if file.is_file() and ".overmount" not in file.parts}


def test_an_entry_without_an_initramfs(modular):
    text = modular.install("--module", "disk", "--module", "inside")     # the latter is built in
    assert modular.files() == FILES | {NEW_INIT, NEW_INIT_ENTRY}
    plain, init = entry(modular.esp / NEW_ENTRY), entry(modular.esp / NEW_INIT_ENTRY)
    assert init == {**plain, "title": plain["title"] + ", without an initramfs",
                    "initrd": f"/{NEW_INIT}", "root": "UUID=1111-2222", "root-wait": "10"}
    found = in_archive(modular)
    folder = f"lib/modules/{RELEASE}"
    order = found.pop(f"{folder}/overmount.order").decode().splitlines()
    assert order == ["kernel/bus.ko", "kernel/disk.ko"]
    built = modular.root / folder
    assert found == {"init": b"\x7fELF the init",
                     **{f"{folder}/{name}": (built / name).read_bytes() for name in order}}
    assert f"6.1.0-9-amd64: there is no {modular.root}/lib/modules/6.1.0-9-amd64" in text
    scenario.run(scenario.OVERMOUNT, "check", modular.esp / NEW_INIT_ENTRY)
    record = record_of(modular)
    for name in (NEW_INIT, NEW_INIT_ENTRY):
        assert record["file", name] == hashlib.sha256((modular.esp / name).read_bytes()).hexdigest()


def test_the_archive_is_that_of_image_build(modular):
    modular.install("--module", "disk", "--module", "other")
    made = modular.base / "made.cpio"
    scenario.run(scenario.OVERMOUNT, "image", "build", "-o", made, "--modules", RELEASE, "--module",
                 "disk", "--module", "other", "--modules-dir", modular.root / "lib/modules", "--init",
                 modular.programs / "init")
    assert (modular.esp / NEW_INIT).read_bytes() == made.read_bytes()


def test_a_kernel_without_an_initrd(modular):
    """It has one way to start, so it has one entry."""
    assert "6.1.0-9-amd64: there is none; --module makes one" in modular.install()
    modules(modular, "6.1.0-9-amd64")
    modular.install("--module", "disk", "--prune")
    assert modular.files() == FILES - {OLD_ENTRY} | {
        NEW_INIT, NEW_INIT_ENTRY, f"{OLD_ID}/linux.cpio", OLD_INIT_ENTRY}
    assert entry(modular.esp / OLD_INIT_ENTRY)["initrd"] == f"/{OLD_ID}/linux.cpio"


@pytest.mark.parametrize("change", ["module", "bytes", "init"])
def test_modules_that_change(modular, change):
    modular.install("--module", "disk")
    before = modular.tree()
    assert modular.install("--module", "disk").count("skip") == 2 and modular.tree() == before
    more = []
    if change == "module":
        more = ["--module", "other"]
    elif change == "bytes":
        make_module(modular.root / f"lib/modules/{RELEASE}/kernel/disk.ko", [], ["bus_register"],
                    ["version=2"])
    else:
        (modular.programs / "init").write_bytes(b"\x7fELF a newer one")
    text = modular.install("--module", "disk", *more)
    after = modular.tree()
    assert {name for name in after if before[name] != after[name] and after[name][0] is not None} == \
        {NEW_INIT, RECORD}
    assert "replace \\" + NEW_INIT.replace("/", "\\") in text
    modular.install("--remove")
    assert modular.tree() == {}


def test_modules_are_not_asked_for_any_more(modular):
    modular.install("--module", "disk")
    assert modular.install().count("--prune removes it") == 2
    modular.install("--prune")
    check_whole(modular)


@pytest.mark.parametrize("args", [[], ["--prune"], ["--remove"]])
def test_dry_run_with_modules(modular, args):
    for step in ([], ["--module", "disk"]):
        before = modular.tree()
        said = modular.install("--dry-run", *step, *args)
        assert modular.tree() == before
        assert said == "dry run: nothing is touched\n" + modular.install(*step, *args)


@pytest.mark.parametrize("name", [NEW_INIT, NEW_INIT_ENTRY])
def test_a_foreign_archive_is_kept(modular, name):
    scenario.write_file(modular.esp / name, b"somebody else's")
    assert "was not written by overmount install" in modular.install("--module", "disk")
    modular.install("--remove")
    assert modular.files() == {name} and modular.bytes()[name] == b"somebody else's"


@pytest.mark.parametrize("options, root, wait", [
    ("root=/dev/vda2 rw", "/dev/vda2", "10"),
    ('ro root="LABEL=my disk"', '"LABEL=my disk"', "10"),
    ("root=PARTUUID=0001-02/PARTNROFF=1 rootwait", "PARTUUID=0001-02/PARTNROFF=1", None),
    ("root=UUID=1-2 rootwait=3", "UUID=1-2", None),
    ("root=/dev/nfs nfsroot=10.0.0.1:/srv/root ip=dhcp", "nfs:10.0.0.1:/srv/root", "10"),
    ("root=UUID=1 root=fe02", "fe02", "10"),
])
def test_the_root_of_the_options(modular, options, root, wait):
    modular.install("--module", "disk", "--options", options)
    lines = entry(modular.esp / NEW_INIT_ENTRY)
    assert (lines["root"], lines.get("root-wait"), lines["options"]) == (root, wait, options)
    scenario.run(scenario.OVERMOUNT, "check", modular.esp / NEW_INIT_ENTRY)


@pytest.mark.parametrize("args, words", [
    (["--module", "disk", "--options", "quiet"], "name no root="),
    (["--module", "disk", "--options", "root=/dev/ram0"], "name no root="),
    (["--module", "disk", "--options", "root=ZFS=pool/root"], "name no root="),
    (["--module", "dusk"], "has no module 'dusk'"),
    (["--module", "disk", "--init", "/nonexistent"], "/nonexistent"),
    (["--module", "auto"], "is no mounted file system"),
    (["--module", "disk", "--modules-dir", "/nonexistent"], None),
])
def test_modules_that_are_refused(modular, args, words):
    """Nothing is touched, and nothing is left where archives are made."""
    scratch = modular.base / "scratch"
    scratch.mkdir()
    text = modular.install(*args, status=1 if words else 0, env={"TMPDIR": str(scratch)})
    if words:
        assert words in text and modular.tree() == {}
    else:
        check_whole(modular)
    assert list(scratch.iterdir()) == []


def test_the_disk_of_a_root_with_blanks_in_its_name(place):
    """mountinfo has \\040 there."""
    root = place.base / "my root"
    script = ('mkdir "$1"\nmount -t tmpfs none "$1"\ncp -a "$2/." "$1"\n'
              'shift 2\n"$@"')
    result = in_a_namespace(script, root, place.root, scenario.OVERMOUNT, "install", "--esp", place.esp,
                            "--root", root, "--from", place.programs, "--module", "auto")
    assert result.returncode == 1 and "is on no block device" in result.stdout, result.stdout


# ---------------------------------------------------------------- entries that are counted

def counted(name, counters):
    return name.replace(".conf", f"{counters}.conf")


def rename(place, name, to):
    (place.esp / name).rename(place.esp / to)
    return to


def shown(name):
    return "\\" + name.replace("/", "\\")


@pytest.mark.parametrize("counters", ["+3", "+2-1", "+0-3", "+003-00"])
def test_a_counted_entry_is_ours(place, counters):
    """What the user or the stage renamed keeps its counters; the record goes on without them."""
    place.install()
    name = rename(place, NEW_ENTRY, counted(NEW_ENTRY, counters))
    before = place.tree()
    assert "write" not in place.install() and place.tree() == before
    said = place.install("--dry-run", "--options", "root=/dev/other")
    assert place.tree() == before
    text = place.install("--options", "root=/dev/other")
    assert said == "dry run: nothing is touched\n" + text
    assert f"replace {shown(name)}  " in text and KEPT_NAME + "  " not in text
    assert place.files() == FILES - {NEW_ENTRY} | {name}
    assert entry(place.esp / name)["options"] == "root=/dev/other"
    assert record_of(place)["file", NEW_ENTRY] == \
        hashlib.sha256((place.esp / name).read_bytes()).hexdigest()
    said = place.install("--dry-run", "--remove")
    assert f"remove  {shown(name)}\n" in said
    assert said == "dry run: nothing is touched\n" + place.install("--remove")
    assert place.tree() == {}


def test_counters_that_change_between_runs(place):
    """Tried once, then good: systemd-bless-boot(8) takes the counters away."""
    place.install()
    name = rename(place, NEW_ENTRY, counted(NEW_ENTRY, "+3"))
    place.install("--options", "root=/dev/a")
    name = rename(place, name, counted(NEW_ENTRY, "+2-1"))
    place.install("--options", "root=/dev/b")
    assert place.files() == FILES - {NEW_ENTRY} | {name}
    rename(place, name, NEW_ENTRY)
    place.install("--options", "root=/dev/c")
    check_whole(place)
    assert entry(place.esp / NEW_ENTRY)["options"] == "root=/dev/c"


def test_a_counted_entry_of_a_kernel_that_is_gone(place):
    place.install()
    name = rename(place, OLD_ENTRY, counted(OLD_ENTRY, "+2-1"))
    (place.root / "boot/vmlinuz-6.1.0-9-amd64").unlink()
    assert f"keep    {shown(name)}  is not found any more" in place.install()
    assert name in place.files()
    place.install("--prune")
    assert place.files() == FILES - {OLD_ENTRY, f"{OLD_ID}/linux"}


@pytest.mark.parametrize("before", [True, False])
def test_a_foreign_counted_entry_is_kept(place, before):
    """It is the entry of that name, so there is no second one."""
    name = counted(NEW_ENTRY, "+3")
    if before:
        place.install()
        rename(place, NEW_ENTRY, name)
    scenario.write_file(place.esp / name, b"title mine\nefi /mine.efi\n")
    mine = place.tree()[name]
    text = place.install("--options", "root=/dev/other")
    why = "was changed" if before else "was not written by overmount install"
    assert f"keep    {shown(name)}  {why}" in text
    assert place.files() == FILES - {NEW_ENTRY} | {name}
    said = place.install("--dry-run", "--remove")
    assert said == "dry run: nothing is touched\n" + place.install("--remove")
    assert place.files() == {name} and place.tree()[name] == mine


@pytest.mark.parametrize("ours", ["", "+3", "+2-1"])
def test_ours_among_several(place, ours):
    """Of entries that are the same but for the counters the one with our bytes is ours."""
    place.install()
    name = rename(place, NEW_ENTRY, counted(NEW_ENTRY, ours))
    others = {counted(NEW_ENTRY, counters) for counters in ("", "+3", "+2-1", "+1-1")} - {name}
    for other in others:
        scenario.write_file(place.esp / other, b"title mine\n")
    before = {other: place.tree()[other] for other in others}
    place.install("--options", "root=/dev/other")
    assert entry(place.esp / name)["options"] == "root=/dev/other"
    place.install("--remove")
    assert place.tree().keys() & FILES <= others and name not in place.files()
    assert {other: place.tree()[other] for other in others} == before


def test_a_copy_with_counters_goes_with_the_entry(place):
    """It would name a kernel that is not there any more."""
    place.install()
    shutil.copy(place.esp / NEW_ENTRY, place.esp / counted(NEW_ENTRY, "+3"))
    said = place.install("--dry-run", "--remove")
    assert said == "dry run: nothing is touched\n" + place.install("--remove")
    assert place.tree() == {}


@pytest.mark.parametrize("name", ["+x", "+3-", "+", "+3-1-1", "-3", "+3.conf.old", "x+3"])
def test_names_that_only_look_counted(place, name):
    place.install()
    other = rename(place, NEW_ENTRY, counted(NEW_ENTRY, name).replace(".old.conf", ".old"))
    place.install()
    assert place.files() == FILES | {other}
    place.install("--remove")
    assert place.files() == {other}


@pytest.mark.parametrize("version", ["6.1.0+3", "6.1.0+3-1"])
def test_a_version_that_looks_like_counters(place, version):
    """The stage would rename it at each start, and give it up in the end."""
    scenario.write_file(place.root / f"boot/vmlinuz-{version}", place.kernel)
    place.install()
    name = f"loader/entries/overmount-{MACHINE}-{version}-linux.conf"
    assert entry(place.esp / name)["version"] == version
    place.install("--remove")
    assert place.tree() == {}


# ---------------------------------------------------------------- what is not ours

def test_a_changed_file_is_kept(place):
    place.install()
    theirs = (place.esp / NEW_ENTRY).read_text() + "# mine\n"
    (place.esp / NEW_ENTRY).write_text(theirs)
    (place.esp / f"{OLD_ID}/linux").write_bytes(b"my own kernel")
    place.newer_programs()
    text = place.install("--options", "root=/dev/other")
    assert f"keep    {KEPT_NAME}  was changed" in text
    assert (place.esp / NEW_ENTRY).read_text() == theirs
    assert "root=/dev/other" in (place.esp / OLD_ENTRY).read_text()
    text = place.install("--remove")
    assert f"keep    {KEPT_NAME}  was changed" in text
    assert place.files() == {NEW_ENTRY, f"{OLD_ID}/linux"}
    assert (place.esp / NEW_ENTRY).read_text() == theirs


def test_a_change_that_is_taken_back(place):
    place.install()
    ours = (place.esp / NEW_ENTRY).read_bytes()
    (place.esp / NEW_ENTRY).write_bytes(b"title mine\n")
    place.install()
    (place.esp / NEW_ENTRY).write_bytes(ours)
    place.install("--remove")
    assert place.files() == set()


@pytest.mark.parametrize("name", [DEFAULT, STAGE, NEW_ENTRY, "efi/Boot/bootx64.efi"])
def test_a_foreign_file_is_kept(place, name):
    """Whatever the case of its name: on FAT it is the same file."""
    scenario.write_file(place.esp / name, b"somebody else's")
    before = place.tree()
    text = place.install()
    assert "was not written by overmount install" in text
    place.install("--remove")
    after = place.tree()
    assert place.files() == {name}
    assert before[name] == after[name]


def test_a_foreign_loader_is_replaced_when_asked_for(place):
    scenario.write_file(place.esp / DEFAULT, b"MZ GRUB")
    scenario.write_file(place.esp / "EFI/debian/grubx64.efi", b"MZ GRUB")
    place.install("--default-loader")
    check_whole(place, {"EFI/debian/grubx64.efi"} - FILES)
    place.install("--remove")
    assert place.files() == {"EFI/debian/grubx64.efi"}


def test_remove_leaves_what_was_there(place):
    for name in ("loader/loader.conf", "loader/entries/arch.conf", "EFI/Microsoft/bootmgfw.efi",
                 "EFI/overmount/overmount.conf", "README"):
        scenario.write_file(place.esp / name, f"of {name}".encode())
    (place.esp / "EFI/BOOT").mkdir()        # an empty folder is somebody's, too
    before = place.tree()
    place.install()
    place.newer_programs()
    place.install()
    place.install("--remove")
    after = place.tree()
    assert set(before) == set(after)
    assert {name: value for name, value in before.items() if value[0] is not None} == \
        {name: value for name, value in after.items() if value[0] is not None}
    assert "nothing is installed" in place.install("--remove")


@pytest.mark.parametrize("steps", [
    [], ["fresh"], ["fresh", "newer"], ["fresh", "changed"], ["fresh", "kernel-gone"],
])
@pytest.mark.parametrize("args", [[], ["--prune"], ["--remove"], ["--default-loader"]])
def test_dry_run(place, steps, args):
    """The same lines as the run itself, and nothing is touched."""
    scenario.write_file(place.esp / DEFAULT, b"MZ GRUB")
    for step in steps:
        if step == "fresh":
            place.install()
        elif step == "newer":
            place.newer_programs()
        elif step == "changed":
            (place.esp / NEW_ENTRY).write_text("title mine\n")
        else:
            (place.root / "boot/vmlinuz-6.1.0-9-amd64").unlink()
    before = place.tree()
    said = place.install("--dry-run", *args)
    assert place.tree() == before
    assert said == "dry run: nothing is touched\n" + place.install(*args)


# ---------------------------------------------------------------- refusals

@pytest.mark.parametrize("args, status, words", [
    (["--no-such-option"], 2, "unknown option"),
    (["more"], 2, "nothing but options"),
    (["--init", "/bin/true"], 2, "belong to --module"),
    (["--module", "x"] * 129, 2, "too many of them"),
    (["--kernels", "/nonexistent"], 1, "/nonexistent"),
    (["--from", "/nonexistent"], 1, "/nonexistent/efi/overmount.efi"),
    (["--options", "root=/dev/x init=" + "y" * 5000], 1, "options"),
    (["--efi-variables", "--efivars", "/nonexistent", "--partition", "/dev/null:1"], 1, "/dev/null"),
])
def test_refusals_touch_nothing(place, args, status, words):
    assert words in place.install(*args, status=status)
    assert place.tree() == {}


def test_esp_is_needed():
    for args, status in (([], 2), (["--esp", "/nonexistent"], 1), (["--help"], 0)):
        result = subprocess.run([str(scenario.OVERMOUNT), "install", *args], capture_output=True)
        assert result.returncode == status


@pytest.mark.parametrize("name", ["overmount.efi", "overmount-stub.elf"])
def test_wrong_programs_are_refused(place, name):
    shutil.copy(CORPUS / "arm64.elf", place.programs / name)
    assert str(place.programs / name) in place.install(status=1)
    assert place.tree() == {}


@pytest.mark.parametrize("damage", [
    lambda text: "", lambda text: text.replace("installed 1", "installed 2"),
    lambda text: text + "file 00 x\n", lambda text: text[:-1],
    lambda text: text + f"file {'0' * 64} ../etc/passwd\n",
    lambda text: text + f"file {'0' * 64} /etc/passwd\n",
    lambda text: text + f"variable {'0' * 64} ../x\n",
    lambda text: text + "folder x\n",
])
@pytest.mark.parametrize("args", [[], ["--remove"]])
def test_a_damaged_record_is_refused(place, damage, args):
    place.install()
    (place.esp / RECORD).write_text(damage((place.esp / RECORD).read_text()))
    before = place.tree()
    assert f"{RECORD}:" in place.install(*args, status=1)
    assert place.tree() == before


def test_a_record_of_another_version(place):
    place.install()
    record = (place.esp / RECORD).read_text().replace("installed 1\n", "installed 2\nsomething new\n")
    (place.esp / RECORD).write_text(record)
    assert "was written by another version of overmount install" in place.install(status=1)


def test_something_in_the_way(place):
    scenario.write_file(place.esp / "loader", b"a file")
    assert "is in the way" in place.install(status=1)
    assert place.files() == {"loader"}


def test_links_lead_nowhere(place):
    """FAT has none; in a folder that becomes an ESP they are not followed out of it."""
    outside = place.base / "outside"
    (outside / "overmount").mkdir(parents=True)
    (place.esp / "EFI").symlink_to(outside)
    assert "is in the way" in place.install(status=1)
    assert [path.name for path in outside.rglob("*")] == ["overmount"]


# ---------------------------------------------------------------- full, read-only, failing disks

def in_a_namespace(script, *args):
    """Run as root of a user namespace with mounts of its own."""
    return subprocess.run(["unshare", "--map-root-user", "--mount", "sh", "-ec", script, "sh",
                           *map(str, args)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)




@pytest.mark.parametrize("size, mode, words", [
    ("64k", "rw", "No space left on device"), ("1m", "ro", "Read-only file system"),
])
def test_a_real_disk_says_no(place, size, mode, words):
    if in_a_namespace("true").returncode != 0:
        pytest.skip("no user namespaces here; the same with a preloaded library is tested below")
    (place.programs / "overmount.efi").open("ab").write(bytes(40000))
    line = [scenario.OVERMOUNT, "install", "--esp", place.esp, "--root", place.root,
            "--from", place.programs]
    script = f'mount -t tmpfs -o size={size} none "$1"\n' \
             f'mount -o remount,{mode},size={size} none "$1"\nesp=$1; shift\n' \
             '"$@" && exit 9\n' \
             'find "$esp" -type f | sort; cat "$esp"/EFI/overmount/installed || true\n' \
             'mount -o remount,rw,size=4m none "$esp"\n"$@" >/dev/null\n' \
             'find "$esp" -type f | wc -l\n"$@" --remove >/dev/null; find "$esp" | wc -l'
    result = in_a_namespace(script, place.esp, *line)
    assert result.returncode == 0, result.stdout
    assert words in result.stdout and "overmount-new" not in result.stdout, result.stdout
    assert result.stdout.splitlines()[-2:] == [str(len(FILES)), "1"], result.stdout


def check_between(place, old, new):
    """Whatever happened, each file is the old one, the new one, or (if new) not there; and every
    entry that is there names files that are there."""
    for name, data in place.bytes().items():
        if data is None or name == RECORD or name.endswith(".overmount-new"):
            continue
        assert data in (old.get(name), new.get(name)), name
    for name in old:
        assert name in place.bytes(), name
    for conf in (place.esp / "loader/entries").glob("*.conf"):
        for key, value in entry(conf).items():
            if key in ("linux", "initrd", "kernel"):
                assert (place.esp / value.lstrip("/")).is_file()


def but_efi(tree):
    """\\EFI has to be there before the record can say that it was not."""
    return {**tree, RECORD: tree[RECORD].replace(b"directory EFI\n", b"")}


def fresh_copy(directory, tree):
    shutil.rmtree(directory)
    shutil.copytree(tree, directory)


def each_failure(prepare, run, faults, kind, error):
    """The N-th step of RUN fails, for each N until there is none; of the many allocations some."""
    at = 0
    while True:
        at += 1 if kind != "memory" or at < 20 else 37
        prepare()
        result = run(status=None, env={**faults, "FAULT_KIND": kind, "FAULT_AT": str(at),
                                       "FAULT_ERRNO": str(error)})
        if result.returncode == 0:
            return
        assert result.returncode == (99 if error == 0 else 1), result.stdout
        yield at


@pytest.mark.parametrize("before, steps", [("nothing", 60), ("older", 15)])
@pytest.mark.parametrize("kind, error", [
    ("disk", errno.ENOSPC), ("disk", 0), ("memory", errno.ENOMEM), ("stream", errno.ENOMEM),
])
def test_every_step_may_fail(place, faults, before, steps, kind, error):
    """Nothing is half there, and the next run finishes."""
    if before == "older":
        place.install()
        place.newer_programs()
    start = place.base / "start"
    shutil.copytree(place.esp, start)
    old = place.bytes()
    place.install()
    new = place.bytes()
    at = 0
    for at in each_failure(lambda: fresh_copy(place.esp, start), place.install, faults, kind, error):
        check_between(place, old, new)
        place.install()
        assert but_efi(place.bytes()) == but_efi(new), f"after step {at}"
    assert at > steps or (kind, at) == ("stream", 2)
    assert place.bytes() == new


def test_every_step_may_fail_while_boots_are_counted(place, faults):
    """A start between the run that was cut off and the next one: another counter, nothing is left."""
    place.install()
    name, tried = counted(NEW_ENTRY, "+3"), counted(NEW_ENTRY, "+2-1")
    rename(place, NEW_ENTRY, name)
    start = place.base / "start"
    shutil.copytree(place.esp, start)
    update = functools.partial(place.install, "--options", "root=/dev/other")
    at = 0
    for at in each_failure(lambda: fresh_copy(place.esp, start), update, faults, "disk", 0):
        rename(place, name, tried)
        update()
        assert place.files() == FILES - {NEW_ENTRY} | {tried}, f"after step {at}"
        assert entry(place.esp / tried)["options"] == "root=/dev/other"
    assert at > 15


@pytest.mark.parametrize("error", [errno.EIO, 0])
def test_every_step_of_remove_may_fail(place, faults, error):
    scenario.write_file(place.esp / "EFI/debian/grubx64.efi", b"MZ GRUB")
    place.install()
    whole = place.base / "whole"
    shutil.copytree(place.esp, whole)
    at = 0
    for at in each_failure(lambda: fresh_copy(place.esp, whole),
                           functools.partial(place.install, "--remove"), faults, "disk", error):
        place.install("--remove")
        assert place.files() == {"EFI/debian/grubx64.efi"}, f"after step {at}"
    assert at > 25
    assert place.bytes().keys() == {"EFI", "EFI/debian", "EFI/debian/grubx64.efi"}


def test_a_disk_of_every_size(place, faults):
    """Short writes, then none: as a disk fills up."""
    place.install()
    new = place.bytes()
    total = sum(len(data) for data in new.values() if data)
    for size in range(0, total, total // 17):
        shutil.rmtree(place.esp)
        place.esp.mkdir()
        text = place.install(status=1, env={**faults, "FAULT_BYTES": str(size)})
        assert "No space left on device" in text
        check_between(place, {}, new)
        assert not [name for name in place.files() if name.endswith("-new")]
    place.install()
    assert but_efi(place.bytes()) == but_efi(new)


# ---------------------------------------------------------------- the firmware's variables

PARTUUID = "c0ffee00-1234-4567-89ab-0123456789ab"


@pytest.fixture
def disk(place):
    """Two partitions, the second is the ESP; sgdisk makes the table."""
    esp = place.base / "esp.img"
    esp.write_bytes(bytes(3 << 20))
    data = place.base / "data.img"
    data.write_bytes(bytes(1 << 20))
    path = place.base / "disk.img"
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", path, f"{data}:8300:data",
                 f"{esp}:ef00:esp:{PARTUUID}")
    return path


def variable(place, name):
    return place.efivars / f"{name}-{GLOBAL}"


def write_variable(place, name, data, attributes=7):
    variable(place, name).write_bytes(struct.pack("<I", attributes) + data)


def order_of(place):
    data = variable(place, "BootOrder").read_bytes()
    assert struct.unpack_from("<I", data)[0] == 7
    return [number for number, in struct.iter_unpack("<H", data[4:])]


def option_decode(data):
    """EFI_LOAD_OPTION, read as UEFI 2.10 says: 3.1.3, 10.3.1, 10.3.5.1, 10.3.5.4."""
    attributes, list_len = struct.unpack_from("<IH", data)
    end = 6
    while data[end:end + 2] != b"\0\0":
        end += 2
    option = {"attributes": attributes, "description": data[6:end].decode("utf-16-le"), "path": []}
    at, stop = end + 2, end + 2 + list_len
    while at < stop:
        kind, sub, length = struct.unpack_from("<BBH", data, at)
        node = data[at + 4:at + length]
        if (kind, sub) == (4, 1):
            number, start, size, guid, form, signature = struct.unpack("<IQQ16sBB", node)
            node = ("HD", number, form, signature, str(uuid.UUID(bytes_le=guid)), start, size)
        elif (kind, sub) == (4, 4):
            text = node.decode("utf-16-le")
            assert text.endswith("\0")
            node = ("File", text[:-1])
        elif (kind, sub) == (0x7f, 0xff):
            assert length == 4 and at + length == stop
            node = ("End",)
        option["path"].append(node)
        at += length
    option["data"] = data[stop:]
    return option


def sgdisk_says(disk, number):
    text = scenario.run("/usr/sbin/sgdisk", "-i", str(number), disk)
    words = {line.split(":")[0]: line.split(":")[1].split()[0] for line in text.splitlines()
             if ":" in line}
    return (int(words["First sector"]),
            int(words["Last sector"]) - int(words["First sector"]) + 1,
            words["Partition unique GUID"].lower())


def register(place, disk, *args, **options):
    return place.install("--efi-variables", "--efivars", place.efivars, "--partition", f"{disk}:2",
                         *args, **options)


def test_the_boot_option(place, disk):
    register(place, disk)
    data = variable(place, "Boot0000").read_bytes()
    assert struct.unpack_from("<I", data)[0] == 7    # non-volatile, boot services, run time
    start, size, guid = sgdisk_says(disk, 2)
    assert guid == PARTUUID
    assert option_decode(data[4:]) == {
        "attributes": 1, "description": "overmount", "data": b"",
        "path": [("HD", 2, 2, 2, PARTUUID, start, size),
                 ("File", "\\EFI\\overmount\\overmount.efi"), ("End",)]}
    assert order_of(place) == [0]


def test_other_boot_options_stay(place, disk):
    write_variable(place, "Boot0000", b"\1\0\0\0\0\0W\0\0\0")
    write_variable(place, "Boot0002", b"\1\0\0\0\0\0X\0\0\0")
    write_variable(place, "BootOrder", struct.pack("<HH", 2, 0))
    write_variable(place, "Boot0001x", b"not a boot option")
    before = {path: path.read_bytes() for path in place.efivars.iterdir()}
    register(place, disk)
    assert order_of(place) == [1, 2, 0]
    changed = {path.name.split("-")[0] for path in place.efivars.iterdir()
               if before.get(path) != path.read_bytes()}
    assert changed == {"Boot0001", "BootOrder"}
    again = {path: path.stat().st_mtime_ns for path in place.efivars.iterdir()}
    tree = place.tree()
    register(place, disk)
    assert again == {path: path.stat().st_mtime_ns for path in place.efivars.iterdir()}
    assert place.tree() == tree
    register(place, disk, "--remove")
    assert {path: path.read_bytes() for path in place.efivars.iterdir()} == before
    assert place.files() == set()


def test_the_users_order_stays(place, disk):
    write_variable(place, "Boot0007", b"\1\0\0\0\0\0W\0\0\0")
    register(place, disk)
    write_variable(place, "BootOrder", struct.pack("<HH", 7, 0))
    register(place, disk)
    assert order_of(place) == [7, 0]


def test_a_changed_boot_option_is_kept(place, disk):
    register(place, disk)
    data = variable(place, "Boot0000").read_bytes()
    renamed = data.replace("overmount\0".encode("utf-16-le"), "my own\0".encode("utf-16-le"), 1)
    variable(place, "Boot0000").write_bytes(renamed)
    assert "keep    Boot0000" in register(place, disk)
    assert variable(place, "Boot0000").read_bytes() == renamed
    assert [path.name for path in place.efivars.glob("Boot0*")] == [f"Boot0000-{GLOBAL}"]
    assert "keep    Boot0000  was changed" in register(place, disk, "--remove")
    assert variable(place, "Boot0000").read_bytes() == renamed
    assert place.files() == set()


def test_the_esp_moved(place, disk):
    register(place, disk)
    scenario.run("/usr/sbin/sgdisk", "-u", "2:00000000-0000-4000-8000-000000000001", disk)
    register(place, disk)
    option = option_decode(variable(place, "Boot0000").read_bytes()[4:])
    assert option["path"][0][4] == "00000000-0000-4000-8000-000000000001"
    assert order_of(place) == [0]
    assert ("variable", "Boot0000") in record_of(place)


def test_variables_are_touched_only_when_asked_for(place, disk):
    place.install()
    assert list(place.efivars.iterdir()) == []
    register(place, disk)
    before = {path: path.read_bytes() for path in place.efivars.iterdir()}
    place.newer_programs()
    place.install()
    assert "--efi-variables removes it" in place.install("--remove", "--efivars", place.efivars)
    assert {path: path.read_bytes() for path in place.efivars.iterdir()} == before
    assert place.files() == {RECORD}
    register(place, disk, "--remove")
    assert list(place.efivars.iterdir()) == [] and place.tree() == {}


@pytest.mark.parametrize("where", ["/nonexistent", None])
def test_without_the_variables_nothing_is_removed(place, disk, where):
    """A variable that cannot be seen is not gone: the record must go on to name it."""
    register(place, disk)
    before = place.tree()
    if where is None and Path("/sys/firmware/efi/efivars").exists():
        pytest.skip("this machine has variables of its own")
    args = ["--efivars", where] if where else []
    assert "is efivarfs mounted?" in place.install("--remove", "--efi-variables", *args, status=1)
    assert place.tree() == before
    register(place, disk, "--remove")
    assert place.tree() == {}


def test_a_folder_that_is_no_efivarfs(place, disk):
    """The usual place of a machine that was not booted by UEFI, or a chroot."""
    line = [scenario.OVERMOUNT, "install", "--esp", place.esp, "--root", place.root, "--from",
            place.programs, "--efi-variables", "--partition", f"{disk}:2"]
    script = "mount -t tmpfs none /sys/firmware\nmkdir -p /sys/firmware/efi/efivars\n" + '"$@"'
    result = in_a_namespace(script, *line)
    assert result.returncode == 1 and "has no efivarfs mounted on it" in result.stdout, result.stdout
    assert place.tree() == {}


def test_a_number_that_only_the_order_names(place, disk):
    """Somebody's old place in the order is not for us."""
    write_variable(place, "Boot0002", b"\1\0\0\0\0\0X\0\0\0")
    write_variable(place, "BootOrder", struct.pack("<HHH", 2, 0, 1))
    register(place, disk)
    assert order_of(place) == [3, 2, 0, 1]


def other_way(data):
    """With the way to the disk in front, as some firmware writes it back: ACPI and PCI nodes."""
    length = struct.unpack_from("<H", data, 4)[0]
    way = bytes.fromhex("02010c00d041030a00000000" "010106000000")
    at = data.index(bytes([4, 1, 42, 0]))
    return data[:4] + struct.pack("<H", length + len(way)) + data[6:at] + way + data[at:]


@pytest.mark.parametrize("change", [
    other_way,
    lambda data: data.replace("EFI".encode("utf-16-le"), "efi".encode("utf-16-le")),
    lambda data: data.replace("overmount\0".encode("utf-16-le"), "mine\0".encode("utf-16-le"), 1),
], ids=["way", "case", "name"])
def test_the_same_file_said_otherwise(place, disk, change):
    """No second boot option for what is there already, whoever wrote it."""
    register(place, disk)
    data = variable(place, "Boot0000").read_bytes()
    changed = data[:4] + change(data[4:])
    assert changed != data
    variable(place, "Boot0000").write_bytes(changed)
    assert "keep    Boot0000  names the stage" in register(place, disk)
    assert [path.name for path in place.efivars.glob("Boot0*")] == [f"Boot0000-{GLOBAL}"]
    assert variable(place, "Boot0000").read_bytes() == changed


def test_dry_run_with_variables(place, disk):
    for args in ([], ["--remove"]):
        before = {path: path.read_bytes() for path in place.efivars.iterdir()}
        said = register(place, disk, "--dry-run", *args)
        assert {path: path.read_bytes() for path in place.efivars.iterdir()} == before
        assert said == "dry run: nothing is touched\n" + register(place, disk, *args)


@pytest.mark.parametrize("error", [errno.ENOSPC, 0])
def test_every_step_with_variables_may_fail(place, disk, faults, error):
    """Also when the firmware has no room for another variable."""
    write_variable(place, "BootOrder", struct.pack("<H", 9))
    write_variable(place, "Boot0009", b"\1\0\0\0\0\0W\0\0\0")
    start = place.base / "start"
    shutil.copytree(place.efivars, start)
    place.install()
    whole = place.base / "whole"
    shutil.copytree(place.esp, whole)
    def prepare():
        fresh_copy(place.esp, whole)
        fresh_copy(place.efivars, start)

    at = 0
    for at in each_failure(prepare, functools.partial(register, place, disk), faults, "disk", error):
        # A write of a variable is one call: it is there whole, or empty and was never booted.
        register(place, disk)
        assert [number for number in order_of(place) if number != 9]
        assert order_of(place)[-1] == 9
        register(place, disk, "--remove")
        assert order_of(place) == [9] and place.files() == set()
    assert at > 8


@pytest.mark.parametrize("what, words", [
    ("{disk}:1", "no EFI system partition"), ("{disk}:3", "no EFI system partition"),
    ("{disk}:4000", "no partition 4000"), ("{disk}", "expected DISK:NUMBER"),
    ("/dev/null:1", "no GUID partition table"), (None, "is not the file system of a partition"),
])
def test_partitions_that_are_none(place, disk, what, words):
    args = ["--partition", what.format(disk=disk)] if what else []
    if not args and Path(f"/sys/dev/block/{os.major(os.stat(place.esp).st_dev)}:"
                         f"{os.minor(os.stat(place.esp).st_dev)}/partition").exists():
        pytest.skip("the tests run on a partition")
    assert words in place.install("--efi-variables", "--efivars", place.efivars, *args, status=1)
    assert place.tree() == {}


def patch(disk, at, data):
    with disk.open("r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        file.write(data)


FIRST_HEADER, FIRST_ENTRIES, LAST_HEADER, LAST_ENTRIES = 512, 1024, -512, -33 * 512


@pytest.mark.parametrize("damage", [[FIRST_HEADER + 40], [FIRST_ENTRIES + 200], [FIRST_HEADER],
                                    [LAST_HEADER + 40], [LAST_ENTRIES + 200]])
def test_one_partition_table_is_enough(place, disk, damage):
    """UEFI 2.10, 5.3.2: where the checksums of one are wrong, the other one counts."""
    start, size, guid = sgdisk_says(disk, 2)
    for at in damage:
        patch(disk, at, b"\xa5\x5a")
    register(place, disk)
    path = option_decode(variable(place, "Boot0000").read_bytes()[4:])["path"]
    assert path[0] == ("HD", 2, 2, 2, guid, start, size)


@pytest.mark.parametrize("damage, words", [
    ([FIRST_HEADER + 40, LAST_HEADER + 40], "checksum of the header is wrong"),
    ([FIRST_ENTRIES + 200, LAST_ENTRIES + 200], "checksum of the entries is wrong"),
    ([FIRST_HEADER + 40, LAST_ENTRIES + 200], "checksum of the header is wrong"),
])
def test_partition_tables_that_are_damaged(place, disk, damage, words):
    for at in damage:
        patch(disk, at, b"\xa5\x5a")
    assert words in register(place, disk, status=1)
    assert place.tree() == {} and not list(place.efivars.iterdir())


@pytest.mark.parametrize("block", [2048, 4096])
def test_larger_blocks(place, disk, block):
    """A table as a disk with such blocks has it, made anew from the one that sgdisk made."""
    data = disk.read_bytes()
    header, entries = bytearray(data[512:604]), data[1024:1024 + 128 * 128]
    struct.pack_into("<QQQQ", header, 24, 1, 2047, 4, 2040)
    struct.pack_into("<Q", header, 72, 2)
    struct.pack_into("<I", header, 88, zlib.crc32(entries))
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    disk.write_bytes((bytes(block) + header.ljust(block, b"\0") + entries).ljust(block * 2048, b"\0"))
    register(place, disk)
    path = option_decode(variable(place, "Boot0000").read_bytes()[4:])["path"]
    assert path[0][:5] == ("HD", 2, 2, 2, PARTUUID)
