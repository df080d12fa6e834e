# SPDX-License-Identifier: MIT
"""Image roots that travel with the boot, against the same tree unpacked as an archive.

All through the firmware and the stage, so that a RAM disk of the firmware can be among them.
OVERMOUNT_BENCH_IMAGES has the sizes in MiB (512 takes the better part of an hour), _KINDS what the
tree is packed as, _KERNEL the Linux, _ROUNDS how many boots a number is the median of.
"""

import os
import random
import shutil
import statistics
import sys

import arrival
from common import ICOUNT, KERNEL, Bench, heading, scenario, table
from machine import Machine

sys.path.insert(0, str(scenario.TOP / "tests" / "linux"))

import stock  # noqa: E402

SIZES = [int(word) for word in os.environ.get("OVERMOUNT_BENCH_IMAGES", "16 128 512").split()]
ROUNDS = int(os.environ.get("OVERMOUNT_BENCH_ROUNDS", "1"))
KINDS = os.environ.get("OVERMOUNT_BENCH_KINDS", "cpio squashfs erofs").split()
MODULES = ["virtio_pci", "virtio_blk", "loop", "brd", "nfit", "nd_pmem", "squashfs", "erofs"]
ATTACH = ("loop", "pmem", "ramdisk")
# Since then an erofs needs no device: it is mounted from its file, where there is no loop device.
FROM_FILE = (6, 12)
# A tree of that many bytes gives a squashfs of one.
TREE_OVER_IMAGE = 1.58
IMAGES = {
    "cpio": "{overmount} image build --no-manifest -o {image} {tree}",
    "squashfs": "env -u SOURCE_DATE_EPOCH mksquashfs {tree} {image} -quiet -no-progress -all-root -comp zstd",
    "erofs": "env -u SOURCE_DATE_EPOCH mkfs.erofs --all-root -zlz4hc {image} {tree}",
}
ENTRY = "title Bench\nlinux \\vmlinuz\nramfs \\linux.cpio\ninit /sbin/init\n{lines}options {options}\n"


def pools(mib=8):
    """Text of words as often as in a language, which packs to a third, and bytes that do not pack."""
    source = random.Random("text")
    words = [bytes(source.choices(b"etaoinshrdlucmfwypvbgkjqxz", k=source.randint(2, 11)))
             for _ in range(20000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    text = b" ".join(source.choices(words, weights, k=mib << 18))[:mib << 20]
    return text, scenario.pseudo_random("bytes", mib << 20)


def fill(tree, size):
    """Files of 2 KiB to 8 MiB, two thirds of their bytes text."""
    text, noise = pools()
    source, number = random.Random(size), 0
    while size > 0:
        length = min(size, int(2 ** source.uniform(11, 23)))
        data = bytearray()
        while len(data) < length:
            pool = text if source.random() < 0.667 else noise
            at = source.randrange(len(pool) - 65536)
            data += pool[at:at + source.randint(4096, 65536)]
        scenario.write_file(tree / "usr" / f"{number % 40:02}" / f"file-{number:05}", bytes(data[:length]))
        size -= length
        number += 1


def images(mib):
    """The tree as every kind; made once."""
    folder = arrival.work(f"image-roots/{mib}")
    made = {name: folder / f"root.{name}" for name in KINDS}
    tree = folder / "tree"
    fresh = arrival.PROGRAM.stat().st_mtime
    if all(path.exists() and path.stat().st_mtime > fresh for path in made.values()):
        return made
    shutil.rmtree(tree, ignore_errors=True)
    arrival.tree(tree)
    fill(tree, int(mib * TREE_OVER_IMAGE * (1 << 20)))
    for name, path in made.items():
        path.unlink(missing_ok=True)
        scenario.run(*[word.format(overmount=scenario.OVERMOUNT, image=path, tree=tree)
                       for word in IMAGES[name].split()])
    shutil.rmtree(tree)
    return made


class Way:
    """What a root can be: its row, the entry's lines, what lies on the ESP, what is a disk beside it."""

    def __init__(self, row, image, lines, travels=True, options="", without=()):
        self.row, self.image, self.lines, self.options = row, image, lines, options
        self.files, self.disks = ({"root.img": image}, []) if travels else ({}, [image])
        self.modules = [name for name in MODULES if name not in without]


def ways(made):
    release = tuple(map(int, stock.release(KERNEL).split(".")[:2]))
    for kind, image in made.items():
        if kind == "cpio":
            yield Way(kind, image, "root ramfs\nramfs \\root.img\n")
            continue
        yield Way(f"{kind}, on a disk", image, "root /dev/vdb\n", travels=False)
        for attach in ATTACH:
            yield Way(f"{kind}, {attach}", image,
                      f"initrd \\root.img\ninitrd-attach {attach}\nroot /dev/ram0\n")
        if kind == "erofs" and release >= FROM_FILE:
            # With a root= the absolute root is a ramfs, which this needs.
            yield Way("erofs, from its file", image, "file \\root.img /root.img\n",
                      options=" root=image:/root.img", without=["loop"])


def boot(mib, way):
    entry = ENTRY.format(lines=way.lines, options=arrival.CONSOLE + way.options)
    shop = Bench(f"image-root-{KERNEL}-{mib}", {"esp": [], "tree": {}}, entry)
    shutil.rmtree(shop.work, ignore_errors=True)
    esp = shop.work / "esp"
    esp.mkdir(parents=True)
    shutil.copyfile(stock.tree(KERNEL) / "vmlinuz", esp / "vmlinuz")
    stock.MODULES = way.modules
    stock.base(KERNEL, esp)
    for target, path in way.files.items():
        shutil.copyfile(path, esp / target)
    shop.esp(options="")
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", shop.work / "esp.img", esp)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", shop.work / "boot.img", f"{shop.work}/esp.img:ef00:esp")
    shutil.rmtree(esp)
    (shop.work / "esp.img").unlink()
    memory = 512 + 6 * mib
    row = arrival.numbers(Machine(shop.work, [shop.work / "boot.img", *way.disks], memory, ICOUNT), 1800)
    (shop.work / "boot.img").unlink()
    # What the firmware reserves is missing in MemTotal.
    row["used"] = memory - row["free"] / 1024
    return row


def median(mib, way):
    boots = [boot(mib, way) for _ in range(ROUNDS)]
    return {key: statistics.median(row[key] for row in boots) for key in boots[0]}


def main():
    heading(f"Roots that travel with the boot: Linux {KERNEL}, through firmware and stage")
    print("Virtual ms until the final init: from reset, from the kernel's first line, of it /init's loading of\n"
          "modules, and behind them. Memory: the machine's less what is free or can be dropped when that\n"
          "init has started; where the root is on a disk, this is the kernel's own.\n")
    for mib in SIZES:
        made, rows = images(mib), []
        for way in ways(made):
            row = median(mib, way)
            rows.append((way.row, f"{way.image.stat().st_size / (1 << 20):.0f}", f"{row['reset']:.0f}",
                         f"{row['kernel']:.0f}", f"{row['modules']:.0f}", f"{row['init'] - row['modules']:.1f}",
                         f"{row['used']:.0f}"))
            print("| " + " | ".join(rows[-1]) + " |", file=sys.stderr, flush=True)
        table((f"{mib} MiB", "MiB travel", "from reset", "from the kernel", "modules",
               "behind them", "MiB used"), rows)
        print()
