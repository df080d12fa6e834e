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
tell() { echo "T $*" > /dev/ttyS0; }
for fd in 0 1 2; do tell fd $fd $($b readlink /proc/1/fd/$fd) $($b stat -L -c %t:%T /proc/1/fd/$fd); done
tell logged $($b dmesg | $b grep -c '] overmount: ')
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


def boot(version, dev, console="ttyS0"):
    """A machine with such an archive, and a squashfs as its disk."""
    work = scenario.BUILD / "images" / f"linux-{version}-console-{dev.replace(' ', '-')}-{console}"
    shutil.rmtree(work, ignore_errors=True)
    for tree in ("root", dev):
        scenario.write_tree(TREES, tree, work / tree)
    scenario.run("mksquashfs", work / "root", work / "root.squashfs", "-all-root", "-quiet")
    archive = stock.direct(version, types.SimpleNamespace(work=work),
                           "title Console\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\linux.cpio\n"
                           "root /dev/vda\n", layers=[work / dev], options=["--no-devices"])
    machine = stock.machine(version, work, [work / "root.squashfs"], archive)
    machine.line = [word.replace("console=ttyS0", f"console={console}") for word in machine.line]
    return machine


@pytest.mark.parametrize("version", stock.KERNELS)
@pytest.mark.parametrize("dev", list(TREES)[1:])
def test_init_has_a_console(version, dev):
    with boot(version, dev) as machine:
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


def test_no_device_is_a_console():
    """Init has its three descriptors, and the story is in the kernel's log."""
    with boot(stock.KERNELS[-1], "leads nowhere", "ttyS9") as machine:
        machine.finish(90)
        text = machine.text
    told = re.findall(r"^T (.*)", text, re.M)
    # /dev/null, of a devtmpfs that is not in sight any more.
    assert told[:3] == [f"fd {fd} /null 1:3" for fd in range(3)], text[-4000:]
    assert len(told) == 4 and int(told[3].removeprefix("logged ")) > 4 and "] overmount" not in text, text[-4000:]
