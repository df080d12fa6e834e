# SPDX-License-Identifier: MIT
"""A root through dm-verity on stock kernels; the trees of hashes are veritysetup's."""

import hashlib
import os
import re
import shutil
import struct

import pytest

import stock
from menu import Menu
from stock import scenario

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
echo "T pid $$"
echo "T root $($b awk '$5 == "/" { print $3, $(NF - 2), substr($6, 1, 2) }' /proc/self/mountinfo)"
for d in /sys/block/dm-*; do echo "T dm $($b cat $d/dm/name $d/dm/uuid $d/ro | $b tr '\\n' ' ')"; done
if echo new 2> /dev/null > /etc/new; then echo "T wrote $($b cat /etc/new)"; else echo "T refused"; fi
echo 3 > /proc/sys/vm/drop_caches
echo "T read $($b sha256sum < /bin/busybox)"
$b poweroff -f
"""
TREES = {"root": {"dirs": ["proc", "dev", "sys", "etc", "sbin", "tmp"],
                  "copies": {"bin/busybox": scenario.BUSYBOX}, "files": {"sbin/init": INIT}}}
UUID = "6b8b4567-327b-23c6-643c-986966334873"
DM = f"dm root CRYPT-VERITY-{UUID.replace('-', '')}-root 1"
READ = "read " + hashlib.sha256(scenario.BUSYBOX.read_bytes()).hexdigest()
STORY = re.compile(r"overmount: ((?:root|verity|overmount|init): .*?)\r?$", re.M)
HASH = re.compile(r"Root hash:\s+([0-9a-f]+)")


class Shop:
    def __init__(self, name):
        self.work = scenario.BUILD / "images" / f"linux-verity-{name}"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        scenario.write_tree(TREES, "root", self.work / "tree")

    def image(self, kind):
        path, tree = self.work / f"root.{kind}", self.work / "tree"
        if kind == "squashfs":
            scenario.run("mksquashfs", tree, path, "-all-root", "-noappend", "-quiet")
        elif kind == "erofs":
            scenario.run("mkfs.erofs", "--all-root", path, tree)
        else:
            scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", path, "--size", "8", "--type",
                         kind, tree)
        return path

    def hashes(self, data, target, *options):
        """The root hash of the tree that now lies on TARGET."""
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        told = scenario.run("veritysetup", "format", "--uuid", UUID, *options, data, target,
                            env=os.environ | {"PATH": path})
        return HASH.search(told)[1]

    def disk(self, *images):
        target = self.work / "disk"
        scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", target,
                     *(f"{image}:8300:part-{number}" for number, image in enumerate(images, 1)))
        return target

    def layer(self, image):
        """A layer of the absolute root that has IMAGE in it; for the stage it is a file of the ESP."""
        (self.work / "esp/overmount").mkdir(parents=True)
        shutil.copyfile(image, self.work / "esp/overmount" / image.name)
        scenario.write_tree({"layer": {"copies": {image.name: image}}}, "layer", self.work / "layer")
        return self.work / "layer"

    def boot(self, version, lines, disks=(), layers=()):
        text = "\n".join(["title Verity", "linux \\overmount\\vmlinuz",
                          "initrd \\overmount\\linux.cpio", *lines, ""])
        archive = stock.direct(version, self, text, layers=layers,
                               modules=["dm_verity", "sha512", "ext4"])
        with stock.machine(version, self.work, disks, archive) as machine:
            machine.finish(90)
        return machine.text


def explained(shop):
    """The story as the host tells it before anything has run."""
    return STORY.findall(scenario.run(scenario.OVERMOUNT, "explain",
                                      shop.work / "esp/loader/entries/direct.conf"))


def check(text, seen, story):
    """What init saw, and these lines in this order."""
    told = [line[2:].strip() for line in text.splitlines() if line.startswith("T ")]
    for want in seen:
        assert any(re.match(want, line) for line in told), (want, text[-6000:])
    lines = STORY.findall(text)
    rest = iter(lines)
    assert all(any(line == want for line in rest) for want in story), "\n".join(lines) + text[-3000:]


def flip(image, at):
    data = bytearray(image.read_bytes())
    data[at] ^= 0x10
    image.write_bytes(data)


def on(version):
    return pytest.mark.skipif(version not in stock.KERNELS, reason=f"KERNEL leaves {version} out")


@on("7.3")
def test_partitions():
    """Data and tree on partitions; who wants to write is told, and the host has said it all before."""
    shop = Shop("partitions")
    data, tree = shop.image("ext4"), shop.work / "tree.img"
    # No larger than the blocks of the file system, which has 1 KiB.
    root_hash = shop.hashes(data, tree, "--data-block-size", "1024")
    text = shop.boot("7.3", ["root /dev/vda1 rw", f"root-verity {root_hash} hash=/dev/vda2"],
                     [shop.disk(data, tree)])
    story = explained(shop)
    assert "verity: /dev/dm-0 is /dev/vda1, as far as it matches the hash tree on /dev/vda2" in story
    assert "root: /dev/dm-0 is write-protected, trying read-only" in story
    check(text, ["pid 1", r"root 25\d:0 ext4 ro", DM, "refused", READ], story)


@on("6.1")
def test_image_and_overlay():
    """An image in the absolute root with its tree behind it: the loop device outlives the file."""
    shop = Shop("image")
    image = shop.image("erofs")
    size = image.stat().st_size
    root_hash = shop.hashes(image, image, "--hash", "sha512", "--hash-offset", str(size),
                            "--data-blocks", str(size // 4096))
    text = shop.boot("6.1", ["file \\overmount\\root.erofs /root.erofs",
                             "root image:/root.erofs", f"root-verity {root_hash} offset={size}",
                             "root-overlay tmpfs"], layers=[shop.layer(image)])
    story = explained(shop)
    assert "verity: /dev/dm-0 is /dev/loop0, as far as it matches the hash tree on /dev/loop0" in story
    assert "root: a tmpfs over it takes what is written" in story
    check(text, ["pid 1", r"root 0:\d+ overlay rw", DM, "wrote new", READ], story)


# On which kernel ram disks are attached how, and the number of the first one: pmem's go by who is found first.
RAM_DISKS = {("7.3", "pmem"): "259:[01]", ("6.1", "ramdisk"): "1:0"}


@pytest.fixture(scope="module")
def menu():
    """Through firmware and stage, which has to register RAM disks: the image, and the tree beside it."""
    result = Menu("linux-verity")
    shop = Shop(f"ram-disks-{result.name}")
    data, tree = shop.image("squashfs"), shop.work / "tree.img"
    root_hash = shop.hashes(data, tree)
    lines = (f"ramdisk {result.image(None, copy=data)}\nramdisk index=1 {result.image(None, copy=tree)}\n"
             f"root /dev/ram0\nroot-verity {root_hash} hash=/dev/ram1\n")
    result.cases = {(version, attach): result.add(version, f"{lines}initrd-attach {attach}\n",
                                                  ramfs=result.ramfs(version, "dm_verity"))
                    for version, attach in RAM_DISKS if version in stock.KERNELS and stock.there(version)}
    result.start()
    yield result
    result.remove()


@pytest.mark.parametrize("version, attach", RAM_DISKS)
def test_ram_disk(menu, version, attach):
    stock.tree(version)
    verdict, text = menu.boot(menu.cases[version, attach])
    check(text, ["pid 1", r"root 25\d:0 squashfs ro", DM, "refused", READ],
          ["verity: /dev/dm-0 is /dev/ram0, as far as it matches the hash tree on /dev/ram1",
           "root: /dev/dm-0 is squashfs, mounted read-only"])
    assert re.search(f"devices: ram0 {RAM_DISKS[version, attach]}, ", text), text[-4000:]
    assert verdict == "poweroff"


@on("6.1")
def test_flipped_bit():
    """One bit is enough, the reason is verity's, and the next candidate has the only device; the hashes
    travel in the absolute root."""
    shop = Shop("flipped")
    good, tree, bad = shop.image("squashfs"), shop.work / "tree.img", shop.work / "bad.img"
    root_hash = shop.hashes(good, tree, "--salt", "-")
    shutil.copyfile(good, bad)
    # Where the mount finds the root directory: squashfs' table of inodes.
    flip(bad, struct.unpack_from("<Q", good.read_bytes(), 64)[0] + 8)
    text = shop.boot("6.1", ["root PARTLABEL=part-1", "root PARTLABEL=part-2",
                             f"root-verity {root_hash} hash=image:/tree.img"],
                     [shop.disk(bad, good)], [shop.layer(tree)])
    check(text, ["pid 1", r"root 25\d:0 squashfs ro", DM, "refused", READ],
          ["verity: /dev/dm-0 is /dev/vda1, as far as it matches the hash tree on /dev/loop0",
           "root: PARTLABEL=part-1: verity: what was read does not match the root hash",
           "verity: /dev/dm-0 is /dev/vda2, as far as it matches the hash tree on /dev/loop0",
           "root: /dev/dm-0 is squashfs, mounted read-only"])


@on("7.3")
def test_wrong_hash():
    """Nothing of it is mounted, and the table says for each candidate what does not fit."""
    shop = Shop("wrong")
    data, tree = shop.image("squashfs"), shop.work / "tree.img"
    root_hash = shop.hashes(data, tree)
    wrong = root_hash[:-1] + "0123456789abcdef"[int(root_hash[-1], 16) ^ 1]
    small = shop.work / "small.img"
    small.write_bytes(data.read_bytes()[:1 << 16])
    text = shop.boot("7.3", ["root /dev/vda1", "root /dev/vda2", "root ramfs",
                             f"root-verity {wrong} hash=PARTLABEL=part-3"], [shop.disk(data, small, tree)])
    mismatch = "root: {}/dev/vda1: verity: what was read does not match the root hash"
    check(text, [], [mismatch.format(""), "root: no candidate works", mismatch.format("1. "),
                     "root: 3. ramfs: its root-verity cannot be checked here, so it is not mounted"])
    assert re.search(r"root: 2\. /dev/vda2: verity: the superblock speaks of \d+ bytes of data, and "
                     r"/dev/vda2 has \d+", text), text[-4000:]
    assert "mounted read" not in text and "devices: dm-" not in text
