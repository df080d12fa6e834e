# SPDX-License-Identifier: MIT
"""Large images as the whole system, with no memory to waste: a set-top box (busybox as it comes, on an
uncompressed squashfs) and an erofs of 100 MiB, both by root=/dev/ram0, from the firmware to the shell."""

import hashlib
import re
import shutil
import struct

import pytest

import stock
from stock import scenario
from machine import Machine
from monitor import Monitor

INITTAB = """::sysinit:/etc/rcS
ttyS0::askfirst:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/etc/down
"""
RCS = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
hostname appliance
"""
SEEN = r"""echo "T one=$(cat /proc/1/comm) root=$(awk '$2 == "/" { r = $3 " " substr($4, 1, 2) } END { print r }' /proc/mounts)"
echo "T digest=$(md5sum < /big/0)"; echo > /tmp/new && echo "T tmp"; echo > /new || echo "T refused"
kill -9 1; echo "T alive"
"""
FILE_MIB = 20
UNPACKED = ["-noI", "-noD", "-noF", "-noX"]
# kernel, image, MiB, further lines, copies of the image that memory has room for, MiB of memory, the end
CASES = {
    # An archive with the image in it and the file that the kernel makes of it; the first is gone by the time that
    # /init runs, whose loop device is no copy.
    "set-top box": ("6.1", {"image": "squashfs", "options": UNPACKED}, 100, "", 2, 344, "poweroff"),
    "erofs": ("7.3", {"image": "erofs"}, 100, "", 2, 352, "poweroff"),
    # The firmware's RAM disk is where the stage has read it to.
    "set-top box without a copy": ("7.3", {"image": "squashfs", "options": UNPACKED}, 100,
                                   "initrd-attach pmem\n", 1, 256, "reboot"),
}


class Appliance(scenario.Workshop):
    """A boot volume with that kernel, our /init and the image, which is made of the tree "system"."""

    def __init__(self, name, version, image, lines, system):
        self.name = "linux-appliance-" + name.replace(" ", "-")
        self.work = scenario.BUILD / "images" / self.name
        self.source = self.work / "source"
        self.digests, self.faults, self.version = {}, {}, version
        self.trees = {"system": system}
        self.spec = {"esp": [image | {"path": "overmount/root.img", "tree": "system"}]}
        self.entry = (f"title Appliance\nlinux \\overmount\\vmlinuz\nramfs \\overmount\\linux.cpio\n{lines}"
                      f"options {stock.CONSOLE}\n")

    def esp(self, **_):
        scenario.write_file(self.source / "boot.conf", self.entry.encode())
        target = self.work / "esp/overmount"
        target.mkdir(parents=True)
        shutil.copyfile(stock.tree(self.version) / "vmlinuz", target / "vmlinuz")
        stock.base(self.version, target, ["brd", "nfit", "nd_pmem"])
        return super().esp(options="")


def kernel_mib(version):
    """What the kernel needs to unpack itself: init_size of its header."""
    return struct.unpack_from("<I", (stock.tree(version) / "vmlinuz").read_bytes(), 0x260)[0] >> 20


@pytest.mark.parametrize("name", CASES)
def test_appliance(name):
    version, image, mib, lines, copies, memory, end = CASES[name]
    # With one copy more there would not even be room for the kernel.
    assert memory < (copies + 1) * mib + kernel_mib(version)
    big = {f"big/{number}": FILE_MIB for number in range(mib // FILE_MIB)}
    system = {"busybox": True, "dirs": ["proc", "sys", "dev", "tmp", "sbin"], "big": big,
              "files": {"etc/inittab": INITTAB, "etc/rcS": RCS, "etc/down": "#!/bin/sh\necho T shutdown\n"},
              "links": {"sbin/init": "../bin/busybox", "linuxrc": "bin/busybox"}}
    shop = Appliance(name, version, image, f"initrd \\overmount\\root.img\n{lines}options root=/dev/ram0\n", system)
    disks = shop.disks()
    assert (shop.work / "esp/overmount/root.img").stat().st_size >= mib << 20
    digest = hashlib.md5(scenario.pseudo_random("big/0", FILE_MIB << 20)).hexdigest()
    with Machine(shop.work, disks, memory, ["-qmp", f"unix:{shop.work}/monitor,server=on,wait=off"],
                 sata_boot=True) as machine:
        monitor = Monitor(shop.work / "monitor")
        machine.expect(r"Please press Enter to activate this console", 120)
        machine.send("\n")
        machine.expect(r"# ", 20)
        for line in SEEN.splitlines():
            machine.send(line + "\n")
        machine.expect(r"^T alive\n.*# ", 60)
        machine.send(f"{end}\n")
        machine.finish(60)
        assert monitor.reason() == end, machine.text[-3000:]
        monitor.close()
        told = re.findall(r"^(?:/ # )?T (.*)", machine.text, re.M)
    kind = image["image"]
    assert told == [f"one=init root={kind} ro", f"digest={digest}  -", "tmp", "refused", "alive", "shutdown"], \
        machine.text[-4000:]
    shop.remove(disks)
