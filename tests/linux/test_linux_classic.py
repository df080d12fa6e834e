# SPDX-License-Identifier: MIT
"""The classic flow on stock kernels, from the firmware on: what has `linux` in tests/boot/classic.toml,
what is in classic.toml here, and every kind of image that these kernels can mount."""

import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import stock
from stock import scenario
import classic_doc
import test_classic
from test_classic import DATA

HERE = Path(__file__).parent
OWN = tomllib.loads((HERE / "classic.toml").read_text())["case"]
LINES = classic_doc.ENTRIES | classic_doc.ON_LINUX
# An initramfs of the time: what it does is named by the case.
EARLY = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc && $b mount -t devtmpfs dev /dev || echo "T something was mounted"
case=$($b sed 's/.*case=\\([0-9]*\\).*/\\1/' /proc/cmdline)
. /etc/early/$case
$b umount /proc; $b umount /dev
exec $b switch_root /new /sbin/init
"""
# Volumes that the root is on: their file, and which part of the image.
FLOPPIES = {"ROOTDISK": ("root.img", slice(0, None)), "ROOT1": ("root.1", slice(0, 700000)),
            "ROOT2": ("root.2", slice(700000, None))}
# Debian's kernels for the cloud have no driver for these.
UNKNOWN = ["cramfs", "minix"]
LEFT_OUT = ["minix", "minix of the second version", "minix of the third version", "squashfs with lzma"]
# And what the stub knows nothing of.
FURTHER = [{"name": "iso9660", "image": "iso9660"}]
PACKED = {"6.1": ["bzip2", "lzma", "xz"], "7.3": ["lz4", "zstd", "gzip"]}


def cases_of(version):
    """With what differs from the stub: a ram disk is a loop device, and who gives up resets."""
    shared = [case | {"expect": [re.sub(r" 1:\d\$$", r" 7:\\d+$", text) for text in case["expect"]]}
              for case in DATA["case"]]
    # Another kernel: what all of them have.
    wanted = {version} if version in PACKED else set(PACKED)
    return [case for case in [*shared, *OWN] if wanted <= set(case.get("linux", "").split())]


class Shop(test_classic.FlowShop):
    OPTIONS = stock.CONSOLE
    START = "linux \\overmount\\vmlinuz\nramfs \\overmount\\linux.cpio\n"
    MEMORY, LINUX = 448, True
    IMAGE = {"path": "overmount/root.squashfs", "image": "squashfs", "tree": "RAM"}

    def __init__(self, version):
        self.version = version
        self.PLACES = test_classic.PLACES | {
            "\\early.cpio": "\\overmount\\early.cpio", "\\appliance.squashfs": "\\overmount\\root.squashfs",
            "6.1.0-50-cloud-amd64": stock.release(version)}
        super().__init__(f"linux-classic-{version}", [
            case | {"entry": LINES[case["doc"]]} if "doc" in case else case for case in cases_of(version)])
        early = {f"etc/early/{number}": case["early"] for number, case in enumerate(self.cases) if "early" in case}
        self.trees["EARLY"] = self.tree_of("EARLY", early | {"etc/early/start": EARLY})
        self.spec["esp"] += [{"path": "overmount/early.cpio", "archive": "newc", "tree": "EARLY"},
                             self.IMAGE]
        self.images()

    def images(self):
        """One entry with as many ram disks as there can be: each is tried as root, and has no init that
        could run, but the last one, which is packed and has."""
        # No program in it: what is wrong with its init shows that the file system was read.
        self.trees["BARE"] = {"dirs": ["etc"], "files": {"sbin/init": "not executable\n" * 999}}
        lines, self.kinds = [], []
        for image in [*DATA["image"], *FURTHER]:
            if image["name"] in LEFT_OUT:
                continue
            item = {key: image[key] for key in ("image", "mib", "options") if key in image}
            known = not any(image["name"].startswith(name) for name in UNKNOWN)
            self.kinds.append((image.get("type", image["image"]), known))
            lines.append(f"ramdisk {self.image(**item, tree='BARE')}")
        packed = PACKED.get(self.version, PACKED["7.3"])
        for pack in packed[:2]:
            self.kinds.append(("ext2", True))
            lines.append("ramdisk " + self.image(image="ext2", mib=4, tree="BARE", compress=DATA["pack"][pack]))
        lines.append("ramdisk " + self.image(image="squashfs", tree="RAM",
                                             compress=DATA["pack"][packed[2]]))
        lines += [f"root /dev/ram{number}" for number in range(len(lines))]
        self.every = self.add(len(self.cases), "\n".join(lines))

    def expected(self):
        for number, (kind, known) in enumerate(self.kinds):
            yield rf"root: /dev/ram{number}: " + ("mounted, but has no init: .*EACCES" if known else
                                                  rf"cannot be mounted .* looks like .*{kind[:6]}")
        yield rf"root: /dev/ram{len(self.kinds)} is squashfs, mounted read-only"
        yield r"^T init pid=1 RAM squashfs ro 7:\d+$"

    def esp(self, **options):
        target = self.work / "esp" / "overmount"
        target.mkdir(parents=True)
        shutil.copyfile(stock.tree(self.version) / "vmlinuz", target / "vmlinuz")
        stock.base(self.version, target, ["brd", "isofs"])
        return super().esp(**options)

    def digest(self):
        """Of IMAGE, which is the same every time."""
        self.make(self.IMAGE, self.work / "probe.img")
        return hashlib.md5((self.work / "probe.img").read_bytes()).hexdigest()

    def disks(self, **options):
        disks = super().disks(**options)
        image = (self.work / "esp/overmount/romfs.img").read_bytes()
        for label, (name, part) in FLOPPIES.items():
            path = self.work / f"{label}.img"
            subprocess.run(["mformat", "-C", "-f", "2880", "-v", label, "-i", path, "::"], check=True)
            subprocess.run(["mcopy", "-i", path, "-", f"::{name}"], input=image[part], check=True)
            disks.append(path)
        return disks


@pytest.mark.parametrize("version", stock.KERNELS)
def test_flow(version):
    shop = Shop(version)
    digest = shop.digest()
    cases = [*shop.cases, {"name": "every kind of image", "expect": list(shop.expected())}]
    cases = [case | {"expect": [text.replace("SUM", digest) for text in case["expect"]],
                     "verdict": {"stopped": "reboot"}.get(case.get("verdict"), case.get("verdict", "poweroff"))}
             for case in cases]
    complaints, _ = test_classic.thaw(shop, cases, list(shop.entries))
    test_classic.judge(complaints, len(shop.entries))


def test_every_entry_of_the_pages_is_booted():
    """On stock kernels: here, or in test_linux_golden.py."""
    golden = tomllib.loads((scenario.TOP / "tests/golden/cases.toml").read_text())["case"]
    here = {case["doc"] for case in [*DATA["case"], *OWN] if "doc" in case and "linux" in case}
    assert sorted([*golden, *here]) == sorted(LINES)
