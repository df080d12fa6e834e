# SPDX-License-Identifier: MIT
"""Stage and host command make the same absolute root from the same ESP, to the last byte."""

import hashlib
import os
import re

import scenario
from machine import Machine


def test_same_bytes():
    shop = scenario.Workshop("layers")
    shop.name, shop.work = "same-bytes", scenario.BUILD / "images" / "same-bytes"
    disks = shop.disks()
    esp = shop.work / "esp"
    # The kernel that only looks at what it got; it prints the digest of the archive.
    entry = esp / "loader/entries/boot.conf"
    scenario.write_file(esp / "overmount/stub.elf",
                        (scenario.BUILD / "tests/handoff-kernel.elf").read_bytes())
    # The newest file gives the time of all on the disk.
    os.utime(esp / "overmount/stub.elf", (scenario.EPOCH, scenario.EPOCH))
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", shop.work / "esp.img", esp)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", disks[0],
                 f"{shop.work / 'esp.img'}:ef00:esp")
    with Machine(shop.work, disks) as machine:
        assert machine.finish(60) == "poweroff", machine.text[-3000:]
        text = machine.text
    found = re.search(r"^# archive sha256 ([0-9a-f]{64})$", text, re.M)
    assert found, text[-3000:]
    image = shop.work / "host.cpio"
    scenario.run(scenario.OVERMOUNT, "image", "build", "-o", image, "--entry", entry, "--esp", esp)
    assert hashlib.sha256(image.read_bytes()).hexdigest() == found.group(1)
    for disk in disks:
        disk.unlink()
