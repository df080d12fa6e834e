# SPDX-License-Identifier: MIT
"""System calls of /init fail, one in each run, in the boots that use most of them: tests/programs/each_call_fails.c.
One machine for all runs, whose own /init has loaded the modules and mounted the disk they come from.  Every seventeenth
call, as an emulated processor takes its time; EVERY=1 in the environment is all of them, for half an hour."""

import os
import re
import shutil

import pytest

import stock
from stock import scenario
from test_linux_root import Shop

UUID = "0a1b2c3d-1111-2222-3333-444455556666"
PROGRAM = scenario.BUILD / "programs" / "each_call_fails"
FINAL = {"dirs": ["dev", "proc", "etc", "initrd"], "copies": {"sbin/arrived": PROGRAM}, "files": {"etc/final": "\n"}}
# What /linuxrc writes is the number of /dev/vdb.
INITRD = {"dirs": ["dev", "proc"], "copies": {"linuxrc": PROGRAM}, "files": {"number": "65040\n"}}
EVERY = int(os.environ.get("EVERY", 17))
# name: how the absolute root lies, the error, the lines of the entry, what the absolute root has
STORIES = {
    "disk": ("pivot", "eio", f"root UUID={UUID} rw\n", {}),
    "image": ("move", "enomem", "root image:/root.img\nroot-overlay tmpfs\n",
              {"root.img": {"tree": "final", "image": "ext2", "mib": 2}}),
    "tree": ("pivot", "enomem", "root tar:/root.tar\n", {"root.tar": {"tree": "final", "archive": "ustar"}}),
    "linuxrc": ("pivot", "eio", "initrd \\overmount\\initrd.img\nroot /dev/vdz\n",
                {".overmount/ramdisk.0": {"tree": "initrd", "image": "ext2", "mib": 2}}),
}
SCRIPT = "#!/bin/busybox sh\nb=/bin/busybox\n$b mount -t proc proc /proc\n{}$b poweroff -f\n"


class Story(scenario.Workshop):
    """Makes what STORIES name."""

    def __init__(self, work):
        self.work, self.digests, self.faults = work, {}, {}
        self.trees = {"final": FINAL, "initrd": INITRD}


def stories(version, work):
    """The folder that the machine runs them from."""
    shop, target = Story(work / "parts"), work / "stories"
    shop.work.mkdir()
    esp = work / "esp"
    for name, (_, _, lines, files) in STORIES.items():
        tree = target / name / "tree"
        for path, item in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            shop.make(item, tree / path)
        conf = esp / "loader/entries" / f"{name}.conf"
        scenario.write_file(conf, (f"title Story\nlinux \\overmount\\vmlinuz\nramfs \\overmount\\linux.cpio\n{lines}"
                                   "init /sbin/arrived word\n").encode())
        if "initrd" in lines:
            shutil.copyfile(tree / ".overmount/ramdisk.0", esp / "overmount/initrd.img")
        (tree / ".overmount").mkdir(parents=True, exist_ok=True)
        scenario.run(scenario.OVERMOUNT, "descriptor", "build", "--esp", esp, "-o",
                     tree / ".overmount/root.descriptor", conf)
        scenario.write_file(tree / "init", (scenario.BUILD / "linux/init").read_bytes(), 0o755)
    return target


@pytest.mark.parametrize("version", ["7.3"])
def test_system_calls_fail(version):
    shop = Shop(f"linux-{version}-faults")
    archive = stock.direct(version, shop, "title Faults\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\linux.cpio\n"
                           "root /dev/vda\n", modules=["ext4"])
    # Another one first for each, as they begin with the same calls.
    runs = "".join(f"/each_call_fails /stories/{name} {way} {error} {1 + 3 * number % EVERY} 9999 {EVERY}\n"
                   for number, (name, (way, error, *_)) in enumerate(STORIES.items()))
    root = shop.work / "root"
    scenario.write_tree({"root": {"dirs": ["dev", "proc", "mnt"], "copies": {"bin/busybox": scenario.BUSYBOX,
                                  "each_call_fails": PROGRAM}, "files": {"sbin/init": SCRIPT.format(runs)}}},
                        "root", root)
    shutil.copytree(stories(version, shop.work), root / "stories")
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", shop.work / "disk", "--size", "32", "--type", "ext4", root)
    Story(shop.work / "parts").make({"tree": "final", "image": "ext4", "mib": 8, "uuid": UUID}, shop.work / "final")
    with stock.machine(version, shop.work, [shop.work / "disk", shop.work / "final"], archive) as machine:
        machine.finish(max(500, 7200 // EVERY))
        text = machine.text
    told = re.findall(r"^F /stories/(\w+) .*: (\d+) good, (\d+) bad of (\d+) calls", text, re.M)
    assert [name for name, *_ in told] == list(STORIES), text[-6000:]
    assert all(bad == "0" and int(good) >= int(calls) // EVERY > 10 for _, good, bad, calls in told), text[-30000:]
    shutil.rmtree(shop.work)
