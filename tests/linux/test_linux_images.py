# SPDX-License-Identifier: MIT
"""Images as roots of stock kernels, from the firmware to init: OVMF, the stage, Linux, our /init."""

import shutil

import pytest

import stock
from stock import scenario
from machine import Machine

DIRS = ["proc", "dev", "etc", "tmp", "mnt", "sbin"]
BUSYBOX = {"bin/busybox": scenario.BUSYBOX}
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
echo "T pid $$ marker $($b cat /etc/marker)"
echo "T root $($b awk '$5 == "/" { for (i = 1; i <= NF; i++) if ($i == "-") t = $(i + 1) " " substr($6, 1, 2) " " $3 }
	END { print t }' /proc/self/mountinfo)"
if echo new 2> /dev/null > /etc/new; then echo "T wrote $($b cat /etc/new)"; else echo "T refused"; fi
[ ! -b /dev/ram0 ] || echo "T ram0 $($b head -c 4096 /dev/ram0 | $b wc -c)"
[ ! -b /dev/ram1 ] || $b mount /dev/ram1 /mnt && echo "T ram1 $($b wc -c < /dev/ram1) $($b cat /mnt/etc/marker)"
$b poweroff -f
"""
TREE = {"dirs": DIRS, "copies": BUSYBOX, "files": {"etc/marker": "IMAGE\n", "sbin/init": INIT}}
STAYS = "#!/bin/busybox sh\n/bin/busybox mount -t proc proc /proc\necho 0x100 > /proc/sys/kernel/real-root-dev\n"
IMAGE = {"path": "overmount/root.img", "tree": "root"}
DISK = {"tree": "root"}
# Nearly nothing but holes: some KiB that become more than the machine has.
BOMB = {"tree": "root", "image": "ext2", "mib": 600, "compress": "gzip -9"}

# name: kernel, what is made, the lines of the entry, what init has to see, what must be in the log
CASES = {
    "overlay over squashfs": (
        "7.3", {"disk": [DISK | {"image": "squashfs"}]},
        "root /dev/vda\nroot-overlay tmpfs\n",
        ["pid 1 marker IMAGE", "root overlay rw", "wrote new"],
        ["root: /dev/vda is squashfs, mounted read-only", "root: a tmpfs over it takes what is written"]),
    "overlay over the initrd that stays": (
        "6.1", {"esp": [IMAGE | {"image": "ext2", "mib": 8, "tree": "stays"}]},
        "initrd \\overmount\\root.img\nroot /dev/vdz\nroot-overlay tmpfs\n",
        ["pid 1 marker IMAGE", "root overlay rw", "wrote new"],
        ["linuxrc: chose the root: the initrd stays", "root: a tmpfs over it takes what is written",
         "overmount: the final root covers /", "root: the initrd stays"]),
    "a ram disk of the kernel": (
        # The second unpacks to more than both files have, and is all there.
        "6.1", {"esp": [IMAGE | {"image": "ext2", "mib": 8},
                        {"path": "overmount/more.img", "image": "ext2", "mib": 20, "tree": "root",
                         "compress": "gzip -n"}]},
        "initrd \\overmount\\root.img\nramdisk index=1 \\overmount\\more.img\n"
        "initrd-attach ramdisk\noptions root=/dev/ram0 rw\n",
        ["pid 1 marker IMAGE", "root ext2 rw 1:0", "wrote new", "ram0 4096", "ram1 20971520 IMAGE"],
        ["mounted read-write"]),
    # Absolute roots of both kinds: a tmpfs has an end of its own, a ramfs (root= is given) has none.
    "a packed image that is too large": (
        "7.3", {"esp": [BOMB | {"path": "overmount/bomb.gz"}], "disk": [DISK | {"image": "ext2", "mib": 8}]},
        "ramdisk \\overmount\\bomb.gz\nroot /dev/ram0\nroot /dev/vda\n",
        ["pid 1 marker IMAGE", "root ext2 ro 254:0"],
        ["unpack: /.overmount/ramdisk.0: gzip: no space left (ENOSPC)", "root: /dev/ram0: "]),
    "a packed image that is too large, root= given": (
        "6.1", {"esp": [BOMB | {"path": "overmount/bomb.gz"}], "disk": [DISK | {"image": "ext2", "mib": 8}]},
        "ramdisk \\overmount\\bomb.gz\nroot /dev/ram0\nroot /dev/vda\noptions root=/dev/vda\n",
        ["pid 1 marker IMAGE", "root ext2 ro 254:0"],
        ["unpack: /.overmount/ramdisk.0: gzip: no space left (ENOSPC)", "root: /dev/ram0: "]),
}


class Case(scenario.Workshop):
    def __init__(self, name, version, spec, lines):
        self.name = "linux-image-" + name.replace(" ", "-").replace(",", "")
        self.work = scenario.BUILD / "images" / self.name
        self.source = self.work / "source"
        self.digests, self.faults, self.spec, self.version = {}, {}, spec, version
        self.trees = {"root": TREE, "stays": TREE | {"files": TREE["files"] | {"linuxrc": STAYS}}}
        self.entry = ("title Image\nlinux \\overmount\\vmlinuz\nramfs \\overmount\\linux.cpio\n" + lines +
                      f"options {stock.CONSOLE}\n")

    def disks(self, **options):
        self.source.mkdir(parents=True, exist_ok=True)
        return super().disks(**options)

    def esp(self, **_):
        scenario.write_file(self.source / "boot.conf", self.entry.encode())
        esp = self.work / "esp"
        (esp / "overmount").mkdir(parents=True)
        shutil.copyfile(stock.tree(self.version) / "vmlinuz", esp / "overmount/vmlinuz")
        stock.base(self.version, esp / "overmount", ["brd", "nfit", "nd_pmem", "ext4"])
        return super().esp(options="")


@pytest.mark.parametrize("name", CASES)
def test_image(name):
    version, spec, lines, seen, logged = CASES[name]
    shop = Case(name, version, spec, lines)
    disks = shop.disks()
    # The kernel has no driver for SATA here: what it finds first is the root disk.
    with Machine(shop.work, disks, 512, sata_boot=True) as machine:
        machine.finish(120)
        text = machine.text
    told = [line[2:].strip() for line in text.splitlines() if line.startswith("T ")]
    for want in seen:
        assert any(line.startswith(want) for line in told), (want, text[-6000:])
    for want in logged:
        assert f"overmount: {want}" in text or want in text, (want, text[-6000:])
    shop.remove(disks)
