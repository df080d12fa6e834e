# SPDX-License-Identifier: MIT
"""A Debian 12 with sysvinit and no initramfs, as it came from debootstrap, through firmware, stage
and our /init.  Its scripts find /dev, /proc, /sys and /run as after a kernel that mounted the root
itself: what they want to be there is there once, and nothing is warned of on the way in and out.
"""

import re

import pytest

import stock
from stock import scenario
from distribution import UUID, log_in_by_init, script_disk, start, with_kernel
from machine import Timeout

# How the system is left on each kernel.
ENDS = [(version, ("reboot", "poweroff")[number % 2]) for number, version in enumerate(stock.KERNELS)]
SEEN = """
echo "T release=$(uname -r)"
echo "T pid1=$(readlink /proc/1/exe) $(tr '\\0' ' ' </proc/1/cmdline)"
echo "T runlevel=$(runlevel)"
echo "T mtab=$(readlink /etc/mtab)"
echo "T source=$(findmnt -no SOURCE /)"
echo "T device=$(mountpoint -d /) $(mountpoint -x /dev/vdb)"
echo "T label=$(readlink -f /dev/disk/by-label/debian)"
echo "T console=$(stat -c "%F %t:%T" /dev/console)"
echo "T standard=$(readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr | tr '\\n' ' ')"
echo "T fsck=$(sed -n 's/, .* files, .*//p' /var/log/fsck/checkroot)"
sed "s/^/T mount /" /proc/self/mountinfo
"""
EXPECTED = {
    "pid1": "/usr/sbin/init init [2]", "runlevel": "N 2", "mtab": "/proc/mounts", "source": "/dev/vdb",
    "device": "254:16 254:16", "label": "/dev/vdb", "console": "character special file 5:1",
    "standard": "/proc/self/fd fd/0 fd/1 fd/2", "fsck": "debian: clean",
}
# As mountkernfs.sh and mountdevsubfs.sh of initscripts mount them, and checkroot.sh the root; that
# /dev has none of their options says that they found it.
MOUNTS = {
    "/": "ext4 rw", "/dev": "devtmpfs rw", "/dev/pts": "devpts rw,nosuid,noexec",
    "/dev/shm": "tmpfs rw,nosuid,nodev,noexec", "/proc": "proc rw,nosuid,nodev,noexec",
    "/run": "tmpfs rw,nosuid,noexec", "/run/lock": "tmpfs rw,nosuid,nodev,noexec",
    "/sys": "sysfs rw,nosuid,nodev,noexec", "/sys/kernel/security": "securityfs rw",
    "/sys/fs/pstore": "pstore rw", "/sys/firmware/efi/efivars": "efivarfs rw", "/mnt": "ext2 ro",
}
# What debootstrap leaves to the first boot.
FIRST_BOOT = ["Creating compatibility symlink from /etc/mtab to /proc/mounts. ... (warning)."]


@pytest.fixture(scope="module")
def debian():
    return stock.fetched("debian.sh", "sysvinit")


def check_seen(text, release):
    seen = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[a-z0-9]+=", line))
    assert seen == EXPECTED | {"release": release}, text
    mounts = re.findall(r"^mount \d+ \d+ \S+ \S+ (\S+) (\S+) .*- (\S+) ", text, re.M)
    assert len(mounts) == len({place for place, _, _ in mounts}), text
    assert {place: f"{kind} {options.replace(',relatime', '')}"
            for place, options, kind in mounts} == MOUNTS, text


def complaints(text):
    return re.findall(r"^.*(?:warn|fail|error|cannot|unable|busy|already|denied|exist|W: ).*$", text,
                      re.M | re.I)


def check_clean(root):
    """Nobody has to repair or replay anything: it was written back and made read-only."""
    found = scenario.run("/usr/sbin/dumpe2fs", "-h", root)
    assert UUID in found and re.search(r"^Filesystem state: +clean$", found, re.M), found
    assert "has_journal" in found and "needs_recovery" not in found, found


@pytest.mark.parametrize("version, end", ENDS)
def test_sysvinit(debian, tmp_path, version, end):
    root = tmp_path / "root.ext4"
    scenario.run("cp", "--sparse=always", debian / "root.ext4", root)
    disks = [with_kernel(version, debian, tmp_path, options="loglevel=4"), root,
             script_disk(tmp_path, seen=SEEN)]
    try:
        with start(tmp_path, disks, True, ()) as machine:
            text = log_in_by_init(machine, "seen")
            machine.send(f"{end}\n")
            machine.expect(rf"^INIT: Switching to runlevel: {'6' if end == 'reboot' else '0'}$", 60)
            if end == "reboot":
                machine.expect(r"entry: overmount-debian-\S+-init\.conf", 120)
            else:
                assert machine.finish(120) == "quit", machine.text[-2000:]
            _, up, down = re.split(r"^INIT: (?:version .* booting|Switching to .*)$", machine.text, 2, re.M)
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text, stock.release(version))
    assert complaints(up[:up.index("login: ")]) == FIRST_BOOT, up
    assert complaints(down) == [] and "Unmounting local filesystems" in down, down
    check_clean(root)
    root.unlink()
