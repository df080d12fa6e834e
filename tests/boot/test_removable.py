# SPDX-License-Identifier: MIT
"""Ram disks from volumes that come and go: asked for, plugged in, changed, wrong, unreadable."""

import hashlib
import subprocess

import pytest

import classic_doc
import scenario
from machine import Machine
from monitor import Monitor

ESC = "\x1b"
# Entries of docs/classic.md, and the volumes that they ask for: label, name, bytes of the image.
PAGE = {"root-floppy": [("ROOTDISK", "root.img", slice(0, None))],
        "root-floppies": [("ROOT1", "root.1", slice(0, 700000)), ("ROOT2", "root.2", slice(700000, None))]}
IMAGE = scenario.pseudo_random("removable", 300 << 10)
SUM = hashlib.md5(IMAGE).hexdigest()
CUTS = [0, 70000, 200000, len(IMAGE)]
START_KIB = 7
BASE = {"from": "system", "files": {
    "etc/test": 'echo "T ram0 $(md5sum < /dev/ram0 | cut -d " " -f 1)"\n'}}


def volume(path, label, name, data):
    """A floppy with one file."""
    subprocess.run(["mformat", "-C", "-f", "1440", "-v", label, "-i", path, "::"], check=True)
    subprocess.run(["mcopy", "-i", path, "-", f"::{name}"], input=data, check=True)
    return path


class Shop(scenario.Workshop):
    """One entry; floppies DISK1 to DISK3 with the parts of the image, and WRONG with another file."""

    def __init__(self, work, lines, config="timeout 0\nconsole serial\n"):
        self.name = "removable"
        self.work = work / "work"
        self.source = work / "source"
        self.digests = {}
        self.trees = scenario.tomllib.loads(
            (scenario.IMAGES / "trees.toml").read_text())["tree"] | {"base": BASE}
        self.spec = {"config": config, "esp": [
            {"path": "overmount/base.cpio", "archive": "newc", "tree": "base"}]}
        scenario.write_file(self.source / "boot.conf", (
            "title Removable\nkernel \\overmount\\stub.elf\nramfs \\overmount\\base.cpio\n"
            "root ramfs\n" + lines).encode())
        self.floppies = {}
        for number in (1, 2, 3):
            self.floppies[number] = volume(work / f"disk{number}.img", f"DISK{number}", "part.img",
                                           IMAGE[CUTS[number - 1]:CUTS[number]])
        self.floppies["wrong"] = volume(work / "wrong.img", "WRONG", "other.img", b"something")
        self.floppies["empty"] = volume(work / "empty.img", "DISK1", "other.img", b"something")
        self.floppies["whole"] = volume(work / "whole.img", "DISK1", "part.img", IMAGE)
        # What is meant lies behind a start that another image had for itself.
        self.floppies["start"] = volume(work / "start.img", "DISK1", "part.img",
                                        bytes(START_KIB << 10) + IMAGE)

    def esp(self, **options):
        esp = super().esp(**options)
        scenario.write_file(esp / "overmount/start.img", bytes(START_KIB << 10) + IMAGE)
        return esp


class Drives:
    """Sticks that are plugged in and out, and one drive whose medium changes."""

    def __init__(self, shop, memory=256):
        socket = shop.work / "monitor"
        self.shop, self.count = shop, 0
        self.machine = Machine(shop.work, shop.disks(), memory, [
            "-qmp", f"unix:{socket},server=on,wait=off", "-device", "qemu-xhci,id=usb",
            "-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-cd,id=drive,bus=scsi.0"])
        self.socket = socket

    def __enter__(self):
        self.machine.__enter__()
        self.monitor = Monitor(self.socket)
        return self

    def __exit__(self, *reason):
        self.monitor.close()
        self.machine.__exit__(*reason)

    def node(self, name, bad=None):
        """The floppy as a node; a read of the sector that holds BAD fails."""
        self.count += 1
        path = self.shop.floppies[name]
        node = {"driver": "raw", "node-name": f"n{self.count}", "read-only": True,
                "file": {"driver": "file", "filename": str(path), "read-only": True}}
        if bad is not None:
            sector = path.read_bytes().index(bad) // 512
            node["file"] = {"driver": "blkdebug", "image": node["file"], "read-only": True,
                            "inject-error": [{"event": "read_aio", "errno": 5, "sector": sector}]}
        self.monitor.call("blockdev-add", **node)
        return node["node-name"]

    def plug(self, name, bad=None):
        node = self.node(name, bad)
        self.monitor.call("device_add", driver="usb-storage", id=f"u{node}", drive=node,
                          bus="usb.0", removable=True)
        return f"u{node}"

    def unplug(self, stick):
        self.monitor.call("device_del", id=stick)

    def insert(self, name):
        self.monitor.call("blockdev-open-tray", id="drive", force=True)
        self.monitor.call("blockdev-remove-medium", id="drive")
        self.monitor.call("blockdev-insert-medium", id="drive", **{"node-name": self.node(name)})
        self.monitor.call("blockdev-close-tray", id="drive")

    def boots(self):
        self.machine.expect(f"^T ram0 {SUM}$", 60)
        assert self.machine.finish(30) == "poweroff"


def asked(machine, number, count):
    machine.expect(rf"insert volume {number} of {count}, labelled 'DISK{number}' \(/part\.img\); "
                   r"Enter: read it, Esc: give up", 30)


ONE = "ramdisk LABEL=DISK1:/part.img\nramdisk-prompt yes\n"
TWO = "ramdisk LABEL=DISK1:/part.img LABEL=disk2:\\part.img\n"
THREE = "ramdisk " + " ".join(f"LABEL=DISK{n}:/part.img" for n in (1, 2, 3)) + "\nramdisk-prompt yes\n"


def test_what_is_there_is_not_asked_for(tmp_path):
    parts = "ramdisk " + " ".join(f"LABEL=disk{n}:\\part.img" for n in (1, 2, 3)) + "\n"
    with Drives(Shop(tmp_path, parts, "timeout 2\nconsole serial\n")) as drives:
        for number in (3, 1, 2):
            drives.plug(number)
        drives.boots()
        assert "insert volume" not in drives.machine.text


def test_what_is_missing_is_named(tmp_path):
    with Drives(Shop(tmp_path, TWO)) as drives:
        drives.machine.expect(r"error: ramdisk 0: volume 1 of 2, labelled 'DISK1' \(/part\.img\): no volume has "
                              r"this label; there are: .*; 'ramdisk-prompt yes' would ask for it", 30)
        drives.machine.expect(r"Esc: firmware", 20)
        drives.machine.send(ESC)
        assert drives.machine.finish(30) == "firmware"
        assert "0 pages, 0 files held" in drives.machine.text


def test_plugged_in_one_after_the_other(tmp_path):
    """A wrong one and one without the file are survived; the right one is enough, without a key."""
    with Drives(Shop(tmp_path, THREE)) as drives:
        machine = drives.machine
        asked(machine, 1, 3)
        drives.plug("wrong")
        machine.expect(r"a medium was inserted", 20)
        machine.expect(r"volume 1 of 3, labelled 'DISK1' .*: no volume has this label; there are: .*'WRONG'", 20)
        asked(machine, 1, 3)
        stick = drives.plug("empty")
        machine.expect(r"the volume has no such file", 20)
        asked(machine, 1, 3)
        drives.unplug(stick)
        drives.plug(1)
        machine.expect(r"volume 1 of 3, .* 70000 bytes", 20)
        asked(machine, 2, 3)
        drives.plug(2)
        machine.expect(r"volume 2 of 3, .* 130000 bytes", 20)
        asked(machine, 3, 3)
        # Enter without a new medium looks again.
        machine.send("\r")
        machine.expect(r"no volume has this label", 20)
        asked(machine, 3, 3)
        drives.plug(3)
        machine.expect(r"volume 3 of 3, ", 20)
        drives.boots()


def test_unreadable_then_another_copy(tmp_path):
    with Drives(Shop(tmp_path, ONE)) as drives:
        asked(drives.machine, 1, 1)
        stick = drives.plug("whole", bad=IMAGE[150000:150100])
        drives.machine.expect(r"part\.img cannot be read", 30)
        asked(drives.machine, 1, 1)
        drives.unplug(stick)
        drives.plug("whole")
        drives.boots()


def test_one_drive_for_all(tmp_path):
    """As with the boot and root floppies of old: the medium in the drive changes."""
    with Drives(Shop(tmp_path, THREE)) as drives:
        asked(drives.machine, 1, 3)
        for number in (1, 2, 3):
            drives.insert(number)
            drives.machine.expect(rf"volume {number} of 3, .* bytes", 20)
            if number == 1:
                asked(drives.machine, 2, 3)
                drives.insert("wrong")
                drives.machine.expect(r"there are: .*'WRONG'", 20)
        drives.boots()


@pytest.mark.parametrize("at", [1, 2])
def test_escape_gives_everything_back(tmp_path, at):
    with Drives(Shop(tmp_path, THREE)) as drives:
        machine = drives.machine
        asked(machine, 1, 3)
        if at == 2:
            drives.plug(1)
            asked(machine, 2, 3)
        machine.send(ESC)
        machine.expect(rf"error: ramdisk 0: given up at volume {at} of 3", 20)
        machine.expect(r"Esc: firmware", 20)
        machine.send("p")
        machine.expect(r"ram disk 0: LABEL=DISK1:/part\.img and 2 more volumes, asked for first", 20)
        machine.send(" ")
        machine.expect(r"Esc: firmware", 20)
        machine.send(ESC)
        assert machine.finish(30) == "firmware"
        assert "0 pages, 0 files held" in machine.text


@pytest.mark.parametrize("lines", [
    "ramdisk LABEL=DISK1:/part.img\noptions prompt_ramdisk=1 load_ramdisk=1 root=/dev/fd0 "
    f"ramdisk_start={START_KIB}\n",
    f"ramdisk start={START_KIB} \\overmount\\start.img\nramdisk-prompt yes\n",
], ids=["classic parameters", "a file of the boot volume"])
def test_start_and_prompt(tmp_path, lines):
    """ramdisk_start= in KiB, and a question even where everything is there."""
    shop = Shop(tmp_path, lines)
    with Drives(shop) as drives:
        drives.machine.expect(r"insert volume 1 of 1", 30)
        if "LABEL" in lines:
            drives.plug("start")
        else:
            drives.machine.send("\r")
        drives.boots()


def test_a_digest_is_part_of_being_right(tmp_path):
    digest = hashlib.sha256(IMAGE).hexdigest()
    line = f"ramdisk LABEL=DISK1:/part.img#sha256={digest}\nramdisk-prompt yes\n"
    with Drives(Shop(tmp_path, line)) as drives:
        asked(drives.machine, 1, 1)
        stick = drives.plug(1)
        drives.machine.expect(r"sha256 does not match", 30)
        drives.unplug(stick)
        drives.plug("whole")
        drives.boots()


@pytest.mark.parametrize("name", PAGE)
def test_root_floppies(tmp_path, name):
    """The entries of docs/classic.md: the root comes from one floppy, or from two, packed as a whole."""
    shop = Shop(tmp_path, "")
    shop.trees["floppy"] = {"from": "marked", "busybox": True}
    scenario.write_file(shop.source / "boot.conf", (
        f"title Floppy\nkernel \\overmount\\stub.elf\n{classic_doc.ENTRIES[name]}").encode())
    image = tmp_path / "root.img"
    shop.make({"image": "romfs", "tree": "floppy", "compress": "xz --check=crc32"}, image)
    with Drives(shop) as drives:
        for number, (label, file, part) in enumerate(PAGE[name]):
            drives.machine.expect(rf"insert volume {number + 1} of {len(PAGE[name])}, labelled '{label}'", 30)
            shop.floppies[label] = volume(tmp_path / f"{label}.img", label, file, image.read_bytes()[part])
            drives.insert(label)
        drives.machine.expect(r"root: /dev/ram0 is romfs, mounted read-only", 30)
        drives.machine.expect(r"^T mountinfo .* - romfs /dev/root ro", 20)
        assert drives.machine.finish(30) == "poweroff"
