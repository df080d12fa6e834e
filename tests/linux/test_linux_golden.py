# SPDX-License-Identifier: MIT
"""The classic setups on stock kernels that dropped them, held against the same transcripts; from the
firmware on, and with every way to attach the image."""

import re

import pytest

import stock
from menu import Menu
from test_golden import DATA, Case, normal, transcript


# What the image is to the kernel: the major number of /dev/ram0.
MAJOR = {"loop": 7, "ramdisk": 1, "pmem": 259}
# The image as a loop device, everywhere; and as the other two things it can be.
ATTACHED = [("6.1", "L1-ram0-ext2", "ramdisk"), ("7.3", "L1-ram0-ext2", "pmem"),
            ("6.1", "L3-exit0-initrd-dir", "pmem"), ("7.3", "L3-exit0-initrd-dir", "ramdisk"),
            ("6.1", "L2-ram0-pivot", "pmem"), ("7.3", "L2-ram0-pivot", "ramdisk")]
CASES = [(version, name, "loop") for version in stock.KERNELS for name in DATA["case"]] + \
    [case for case in ATTACHED if case[0] in stock.KERNELS]


def add(menu, version, name, attach):
    """Its entry in the menu, as docs/classic.md has it, and the number of its disk."""
    case = DATA["case"][name]
    shop = Case(name, case)
    lines = re.sub(r"^(title|kernel|options) .*\n", "", shop.entry, flags=re.M)
    if "compress" in case:
        # Compressed bytes that come as initrd are an archive to the stage.
        lines = lines.replace("initrd ", "ramdisk ")
    for item in shop.spec.get("esp", []):
        path = menu.image(shop.trees["initrd"], **{key: value for key, value in item.items()
                                                   if key not in ("path", "tree")})
        lines = lines.replace("\\" + item["path"], path)
    if attach != "loop":
        lines += f"initrd-attach {attach}\n"
    disk = 0
    for item in [*shop.spec.get("disk", []), *shop.spec.get("partition", [])]:
        disk = menu.disk(shop.trees["disk"], **{key: value for key, value in item.items() if key != "tree"})
    # An archive with an /init of its own: nothing of ours is in between.
    ours = {} if case.get("initrd_path") != "init" else {"ramfs": ""}
    return menu.add(version, lines, transcript(name)[0], **ours), disk


@pytest.fixture(scope="module")
def menu():
    """All cases in one menu, and what is where in it."""
    result = Menu("linux-golden")
    result.cases = {}
    for case in CASES:
        if stock.there(case[0]):
            result.cases[case] = add(result, *case)
    result.start()
    yield result
    result.remove()


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_golden_on_linux(menu, case):
    version, name, attach = case
    stock.tree(version)
    verdict, text = menu.boot(*menu.cases[case])
    ours = [line for line in text.splitlines() if line.startswith("T ")]
    if stock.has_linuxrc(version):
        # It shows real-root-dev to everybody.
        ours = [re.sub(r"^(T init sysctl=)\d+$", r"\1none", line) for line in ours]
    want = normal(transcript(name)[1] + DATA["case"][name].get("extra", []), True)
    assert normal(ours, False) == want, text[-6000:]
    assert "ram0" not in text or re.search(rf"devices: ram0 {MAJOR[attach]}:", text), text[-6000:]
    # What nothing can be mounted for is kept, ends PID 1, and panic=-1 says what follows.
    assert ("failure: kept for the menu of the next start" in text) == ("verdict" in DATA["case"][name])
    assert verdict == ("reboot" if "verdict" in DATA["case"][name] else "poweroff")
