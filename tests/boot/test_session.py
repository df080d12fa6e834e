# SPDX-License-Identifier: MIT
"""What a person does in the shell that `make run` ends in, on the same disk over two boots."""

import pytest

import scenario
from machine import Machine, Timeout

PROMPT = r"overmount:\S+# "


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = scenario.Workshop("demo")
    shop.work = tmp_path_factory.mktemp("session") / "work"
    shop.made = shop.disks()
    return shop


def do(machine, line, pattern, timeout=20):
    """Type LINE; wait for PATTERN and the next prompt."""
    machine.send(line + "\n")
    match = machine.expect(pattern, timeout)
    machine.expect(PROMPT, timeout)
    return match


def enter(machine):
    machine.expect(r"> ext2 on the disk", 30)
    machine.send("\r")
    machine.expect(r"overmount: init: /sbin/init", 40)
    machine.expect(PROMPT, 30)


def test_session(shop):
    try:
        with Machine(shop.work / "one", shop.made, 512) as machine:
            enter(machine)
            do(machine, "echo pid=$$", r"^pid=1$")
            do(machine, "cat /proc/self/mountinfo",
               r"^(\d+) \d+ 0:\d+ / / .* - (?:ramfs|rootfs) .*\n(?:.*\n)*?"
               r"\d+ \1 254:2 / / rw.* - ext2 /dev/root rw")
            do(machine, "ls / | head -n 3", r"^bin\s")
            do(machine, "seq 1 1000 | sort -rn | head -n 1 | tr 0 o", r"^1ooo$")
            do(machine, "mkdir -p /root/a/b && echo made", r"^made$")
            do(machine, "mount -t tmpfs tmpfs /mnt && mount | grep /mnt", r"^tmpfs on /mnt type tmpfs")
            do(machine, "umount /mnt && echo unmounted", r"^unmounted$")

            # Job control: stop, list, continue in the background, bring back, interrupt.
            machine.send("sh -c 'echo rea''dy; exec sleep 1000'\n")
            machine.expect(r"^ready$", 10)      # said by the job itself: it has the terminal
            machine.send("\x1a")
            machine.expect(r"\[1\]\+\s+Stopped", 10)
            machine.expect(PROMPT, 10)
            do(machine, "bg", r"^\[1\] sh -c")
            do(machine, "jobs", r"\[1\]\+?\s+Running")
            machine.send("fg\n")
            machine.expect(r"^sh -c", 10)
            machine.send("\x03")
            machine.expect(PROMPT, 10)
            do(machine, "echo status=$?", r"^status=130$")

            # vi: a new file of two lines.
            machine.send("vi /root/note\n")
            machine.expect(r"- /root/note 1/1", 20)    # what is typed earlier, vi throws away
            machine.send("ifirst line\rsecond line")
            machine.expect(r"second ?line", 10)
            machine.send("\x1b")                 # an escape sequence is what comes at once
            machine.expect(r"- /root/note", 10)
            machine.send(":wq\r")
            machine.expect(PROMPT, 20)
            do(machine, "cat /root/note", r"^first line\nsecond line$")
            machine.send("poweroff -f\n")
            assert machine.finish(30) == "poweroff"
        with Machine(shop.work / "two", shop.made, 512) as machine:
            enter(machine)
            do(machine, "cat /root/note", r"^first line\nsecond line$")
            machine.send("poweroff -f\n")
            assert machine.finish(30) == "poweroff"
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    # What the stub wrote is a clean file system for others, too.
    part = shop.work / "part.img"
    table = scenario.run("sgdisk", "-i", "2", shop.made[0])
    first = int(table.split("First sector: ")[1].split()[0])
    count = int(table.split("Partition size: ")[1].split()[0])
    scenario.run("dd", f"if={shop.made[0]}", f"of={part}", "bs=512", f"skip={first}",
                 f"count={count}", "status=none")
    scenario.run("/sbin/e2fsck", "-fn", part)
    assert scenario.run("/sbin/debugfs", "-R", "cat /root/note", part) == "first line\nsecond line\n"
