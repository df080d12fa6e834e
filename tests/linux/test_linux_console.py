# SPDX-License-Identifier: MIT
"""Archives in which the kernel finds no console for PID 1: init has one all the same, and the story too."""

import re
import shutil
import types

import pytest

import stock
from stock import scenario

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
for fd in 0 1 2; do echo "T fd $fd $($b readlink /proc/1/fd/$fd) $($b stat -L -c %t:%T /proc/1/fd/$fd)"; done
echo "T logged $($b dmesg | $b grep -c '] overmount: ')"
echo "T by 1"; echo "T by 2" >&2
read -r line; echo "T read $line"
$b poweroff -f
"""
TREES = {
    "root": {"dirs": ["proc", "dev"], "copies": {"bin/busybox": scenario.BUSYBOX},
             "files": {"sbin/init": INIT}},
    # A kernel has a node of its own then, under whatever is unpacked.
    "nothing at all": {"files": {".wh.dev": ""}},
    # And with this it has none: 0, 1 and 2 are closed.
    "leads nowhere": {"links": {"dev/console": "nowhere"}},
}


@pytest.mark.parametrize("version", stock.KERNELS)
@pytest.mark.parametrize("dev", list(TREES)[1:])
def test_init_has_a_console(version, dev):
    work = scenario.BUILD / "images" / f"linux-{version}-console-{dev.replace(' ', '-')}"
    shutil.rmtree(work, ignore_errors=True)
    for tree in ("root", dev):
        scenario.write_tree(TREES, tree, work / tree)
    scenario.run("mksquashfs", work / "root", work / "root.squashfs", "-all-root", "-quiet")
    archive = stock.direct(version, types.SimpleNamespace(work=work),
                           "title Console\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\linux.cpio\n"
                           "root /dev/vda\n", layers=[work / dev], options=["--no-devices"])
    with stock.machine(version, work, [work / "root.squashfs"], archive) as machine:
        machine.expect(r"^T by 1\nT by 2$", 90)
        machine.send("word\r")
        machine.finish(30)
        text = machine.text
    assert ("unable to open an initial console" in text) == (dev == "leads nowhere"), text[-4000:]
    ours = re.findall(r"\] overmount: (.*)", text)
    told = re.findall(r"^T (.*)", text, re.M)
    assert told == [*(f"fd {fd} /dev/console 5:1" for fd in range(3)), f"logged {len(ours)}", "by 1", "by 2",
                    "read word"], text[-4000:]
    assert "root: /dev/vda is squashfs, mounted read-only" in ours, text[-4000:]
    assert any(re.fullmatch(r"absolute root: \d+ dentries, .*", line) for line in ours), text[-4000:]
