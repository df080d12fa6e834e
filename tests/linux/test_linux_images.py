# SPDX-License-Identifier: MIT
"""Images as roots of stock kernels, from the firmware to init: OVMF, the stage, Linux, our /init."""

import pytest

import stock
from menu import Menu
from stock import scenario

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
STAYS = TREE | {"files": TREE["files"] | {"linuxrc": (
    "#!/bin/busybox sh\n/bin/busybox mount -t proc proc /proc\necho 0x100 > /proc/sys/kernel/real-root-dev\n")}}
# Nothing in it that could run: that it has no init shows that it was mounted and read.
BARE = {"dirs": ["etc"]}
EXT2 = {"image": "ext2", "mib": 8}
# Nearly nothing but holes: some KiB that become more than the machine has.
BOMB = {"image": "ext2", "mib": 600, "compress": "gzip -9"}
# name: kernels, what is made, the lines of the entry, what init has to see, what must be in the log
CASES = {
    "overlay over squashfs": (
        "7.3", {"disk": ({"image": "squashfs"}, TREE)},
        "root /dev/vda\nroot-overlay tmpfs\n",
        ["pid 1 marker IMAGE", "root overlay rw", "wrote new"],
        ["root: /dev/vda is squashfs, mounted read-only", "root: a tmpfs over it takes what is written"]),
    "overlay over the initrd that stays": (
        "6.1", {"images": [(EXT2, STAYS)]},
        "initrd {0}\nroot /dev/vdz\nroot-overlay tmpfs\n",
        ["pid 1 marker IMAGE", "root overlay rw", "wrote new"],
        ["linuxrc: chose the root: the initrd stays", "root: a tmpfs over it takes what is written",
         "overmount: the final root covers /", "root: the initrd stays"]),
    "a ram disk of the kernel": (
        # The second unpacks to more than both files have, and is all there.
        "6.1", {"images": [(EXT2, TREE), (EXT2 | {"mib": 20, "compress": "gzip -n"}, TREE)]},
        "initrd {0}\nramdisk index=1 {1}\ninitrd-attach ramdisk\noptions root=/dev/ram0 rw\n",
        ["pid 1 marker IMAGE", "root ext2 rw 1:0", "wrote new", "ram0 4096", "ram1 20971520 IMAGE"],
        ["mounted read-write"]),
    # Absolute roots of both kinds: a tmpfs has an end of its own, a ramfs (root= is given) has none.
    "a packed image that is too large": (
        "7.3", {"images": [(BOMB, TREE)], "disk": (EXT2, TREE)},
        "ramdisk {0}\nroot /dev/ram0\nroot /dev/vda\n",
        ["pid 1 marker IMAGE", "root ext2 ro 254:0"],
        ["unpack: /.overmount/ramdisk.0: gzip: no space left (ENOSPC)", "root: /dev/ram0: "]),
    "a packed image that is too large, root= given": (
        "6.1", {"images": [(BOMB, TREE)], "disk": (EXT2, TREE)},
        "ramdisk {0}\nroot /dev/ram0\nroot /dev/vda\noptions root=/dev/vda\n",
        ["pid 1 marker IMAGE", "root ext2 ro 254:0"],
        ["unpack: /.overmount/ramdisk.0: gzip: no space left (ENOSPC)", "root: /dev/ram0: "]),
    # What only a stock kernel mounts, with its modules.
    "vfat": (
        "6.1 7.3", {"images": [({"image": "vfat", "mib": 4}, TREE)], "modules": ["vfat"]},
        "initrd {0}\noptions root=/dev/ram0 rw\n",
        ["pid 1 marker IMAGE", "root vfat rw 7:0", "wrote new", "ram0 4096"],
        ["root: /dev/ram0 is vfat, mounted read-write"]),
    "xfs": (
        "6.1 7.3", {"images": [({"image": "xfs", "mib": 16}, TREE)], "modules": ["xfs"]},
        "ramdisk {0}\nroot /dev/ram0 rw\n",
        ["pid 1 marker IMAGE", "root xfs rw 7:0", "wrote new", "ram0 4096"],
        ["root: /dev/ram0 is xfs, mounted read-write"]),
    "btrfs, and udf without an init": (
        "6.1 7.3", {"images": [({"image": "btrfs", "mib": 16}, TREE), ({"image": "udf"}, BARE)],
                    "modules": ["btrfs", "udf"]},
        "ramdisk {0}\nramdisk index=1 {1}\nroot /dev/ram1\nroot /dev/ram0 rw\n",
        # Its device number is its own.
        ["pid 1 marker IMAGE", "root btrfs rw 0:", "wrote new", "ram0 4096"],
        ["root: /dev/ram1: mounted, but has no init", "root: /dev/ram0 is btrfs, mounted read-write"]),
    "xfs and the firmware's RAM disk": (
        "7.3", {"images": [({"image": "xfs", "mib": 16}, TREE)], "modules": ["xfs"]},
        "initrd {0}\ninitrd-attach pmem\noptions root=/dev/ram0 rw\n",
        ["pid 1 marker IMAGE", "root xfs rw 259:0", "wrote new", "ram0 4096"],
        ["root: /dev/ram0 is xfs, mounted read-write"]),
}
ROWS = [(version, name) for name, case in CASES.items() for version in case[0].split()
        if version in stock.KERNELS]


@pytest.fixture(scope="module")
def menu():
    """All cases in one menu, and the number of the disk of each."""
    result = Menu("linux-images")
    result.cases = {}
    for version, name in ROWS:
        if not stock.there(version):
            continue
        _, spec, lines, *_ = CASES[name]
        paths = [result.image(tree, **item) for item, tree in spec.get("images", [])]
        item, tree = spec.get("disk", (EXT2, TREE))
        disk = result.disk(tree, **item)
        ramfs = result.ramfs(version, *spec.get("modules", ["ext4"]))
        result.cases[version, name] = result.add(version, lines.format(*paths), ramfs=ramfs), disk
    result.start()
    yield result
    result.remove()


@pytest.mark.parametrize("version, name", ROWS)
def test_image(menu, version, name):
    stock.tree(version)
    seen, logged = CASES[name][3:]
    verdict, text = menu.boot(*menu.cases[version, name])
    told = [line[2:].strip() for line in text.splitlines() if line.startswith("T ")]
    for want in seen:
        assert any(line.startswith(want) for line in told), (want, text[-6000:])
    for want in logged:
        assert f"overmount: {want}" in text or want in text, (want, text[-6000:])
    assert verdict == "poweroff", text[-6000:]
