# SPDX-License-Identifier: MIT
"""The classic setups on stock kernels that dropped them, held against the same transcripts."""

import re

import pytest

import stock
from stock import scenario
import test_golden
from test_golden import DATA, normal, transcript


# These kernels have real-root-dev of their own, and show it to everybody.
HAVE_SYSCTL = {"6.1"}


class Case(test_golden.Case):
    """The same trees; the entry names a stock kernel."""

    def __init__(self, version, name):
        super().__init__(name, DATA["case"][name])
        self.name = f"linux-{version}-{name}"
        self.work = scenario.BUILD / "images" / self.name
        self.source = self.work / "source"
        self.entry = re.sub(r"^kernel .*\n", "linux \\\\overmount\\\\vmlinuz\n"
                            "initrd \\\\overmount\\\\linux.cpio\n", self.entry, flags=re.M)


def run(version, name):
    cmdline, lines = transcript(name)
    case = DATA["case"][name]
    shop = Case(version, name)
    if "compress" in case:
        # Compressed bytes that come as initrd are an archive to the stage.
        shop.entry = re.sub(r"^initrd( +\\initrd\.img)$", r"ramdisk\1", shop.entry, flags=re.M)
    disks = shop.disks()
    image = shop.work / "esp" / shop.spec["esp"][0]["path"] if "esp" in shop.spec else None
    if case.get("initrd_path") == "init":
        # An archive with an /init of its own: nothing of ours is in between.
        archive = image
    elif case.get("initrd") == "cpio":
        archive = stock.direct(version, shop, shop.entry, layers=[image])
    else:
        archive = stock.direct(version, shop, shop.entry, [image] if image else [])
    with stock.machine(version, shop.work, disks if "gpt" in case else disks[1:],
                       archive, cmdline) as machine:
        machine.finish(90)
        text = machine.text
    ours = [line for line in text.splitlines() if line.startswith("T ")]
    return ours, normal(lines + case.get("extra", []), True), text


@pytest.mark.parametrize("name", DATA["case"])
@pytest.mark.parametrize("version", stock.KERNELS)
def test_golden_on_linux(version, name):
    ours, want, text = run(version, name)
    if version in HAVE_SYSCTL:
        ours = [re.sub(r"^(T init sysctl=)\d+$", r"\1none", line) for line in ours]
    assert normal(ours, False) == want, text[-6000:]
