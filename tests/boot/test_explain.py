# SPDX-License-Identifier: MIT
"""What `overmount explain` says, the stub then says too: from the root to init, word by word."""

import re
import subprocess

import pytest

import scenario
from machine import Machine

STORY = re.compile(r"overmount: (root: .*?|overmount: .*?|absolute root: \d+ dentries.*?|init: .*?)\r?$",
                   re.M)


@pytest.mark.parametrize("name, options", [
    ("ramfs-only", []),
    ("ramdisk-ext2", []),
    ("romfs-root", []),
    ("gpt-partuuid", []),
    ("unknown-root", ["--missing", "1", "--missing", "2"]),
])
def test_same_story(name, options):
    shop = scenario.Workshop(name)
    shop.name, shop.work = f"explain-{name}", scenario.BUILD / "images" / f"explain-{name}"
    disks = shop.disks()
    entry = next((shop.work / "esp/loader/entries").iterdir())
    told = subprocess.run([str(scenario.OVERMOUNT), "explain", *options, str(entry)], text=True,
                          capture_output=True)
    with Machine(shop.work, disks, memory=shop.spec.get("memory", 256)) as machine:
        machine.finish(60)
        text = machine.text
    seen = STORY.findall(text[text.index("kernel: overmount stub"):])
    assert seen and seen == STORY.findall(told.stdout), told.stdout + text[-3000:]
    for disk in disks:
        disk.unlink()
