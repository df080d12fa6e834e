# SPDX-License-Identifier: MIT
"""A Debian 12 as its own tools make it."""

import re
import subprocess
import types

import pytest

import stock
from stock import scenario
from machine import Timeout

UUID = "01234567-89ab-4cde-8f01-23456789abcd"       # as mk/debian.sh makes it
SEEN = """
echo "T pid1=$(cat /proc/1/comm)"
echo "T root=$(findmnt -rno FSTYPE,UUID /)"
echo "T state=$(systemctl is-system-running --wait)"
echo "T failed=$(systemctl --failed --no-legend --plain)"
echo "T $(systemd-analyze | head -n 1)"
"""


@pytest.fixture(scope="module")
def debian():
    made = subprocess.run([scenario.TOP / "mk/debian.sh"], text=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip((made.stderr.strip().splitlines() or ["mk/debian.sh failed"])[-1])
    return scenario.Path(made.stdout.strip())


def script_disk(work, script):
    """The script, and what else is below work/script."""
    scenario.write_file(work / "script/inside.sh", f"{script}\necho T done\n".encode())
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", work / "script.img", "--size", 64,
                 work / "script")
    return work / "script.img"


def log_in(machine, disk):
    """Wait for the login prompt, and run the script of DISK; what it said."""
    machine.expect(r"login: ", 240)
    machine.send("root\n")
    machine.expect(r"root@\S+# ?$", 60)
    machine.send(f"mount -r /dev/{disk} /mnt && sh /mnt/inside.sh\n")
    machine.expect(r"^T done", 180)
    return "\n".join(line[2:].rstrip() for line in machine.text.splitlines()
                     if line.startswith("T "))


def check_seen(text):
    lines = text.splitlines()
    for line in ("pid1=systemd", f"root=ext4 {UUID}", "failed=", "state=running"):
        assert line in lines, text
    assert re.search(r"^Startup finished in .*kernel\) \+ .*userspace\)", text, re.M), text


@pytest.mark.parametrize("version", stock.KERNELS)
def test_debian_without_an_initrd(debian, tmp_path, version):
    """Our /init and two drivers are all that there is before systemd; also on a kernel that this
    Debian knows nothing of."""
    shop = types.SimpleNamespace(work=tmp_path)
    try:
        archive = stock.direct(version, shop, "title Debian\nlinux \\overmount\\vmlinuz\n"
                               "initrd \\overmount\\linux.cpio\nroot-wait 10\n"
                               f"root UUID={UUID}\n", modules=["ext4"])
    except stock.NoKernel as error:
        pytest.skip(str(error))
    disks = [debian / "root.ext4", script_disk(tmp_path, SEEN)]
    try:
        with stock.machine(version, tmp_path, disks, archive, memory=768,
                           extra=["-snapshot"]) as machine:
            machine.expect(r"overmount: root: /dev/vda is ext4, mounted read-only", 60)
            machine.expect(r"overmount: init: /sbin/init", 20)
            text = log_in(machine, "vdb")
            machine.send("systemctl poweroff\n")
            assert machine.finish(120) == "quit", machine.text[-2000:]
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text)
