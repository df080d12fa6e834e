# SPDX-License-Identifier: MIT
"""`overmount boot`: the verdict is the last line and the exit status; `make run` at a terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

import scenario

STAGE = scenario.BUILD / "efi/overmount.efi"


def overmount_boot(*args):
    result = subprocess.run([str(scenario.OVERMOUNT), "boot", *map(str, args)], text=True,
                            capture_output=True, timeout=150, errors="replace")
    lines = (result.stdout + result.stderr).replace("\r", "").strip().splitlines()
    return result.returncode, lines[-1] if lines else "", "\n".join(lines)


@pytest.mark.parametrize("name, status, verdict", [
    ("ramfs-only", 0, "verdict: power off"),
    ("init-dies", 1, "verdict: stopped"),
    ("reboot", 1, "verdict: reboot"),
    ("digest-mismatch", 1, "verdict: menu"),
    ("no-entries", 1, "verdict: firmware"),
])
def test_verdict(name, status, verdict):
    shop = scenario.Workshop("ramfs-only" if name == "no-entries" else name)
    shop.work = scenario.BUILD / "images" / f"command-{name}"
    shop.disks(options="")
    if name == "no-entries":
        for entry in (shop.work / "esp/loader/entries").iterdir():
            entry.unlink()
    got, last, text = overmount_boot(shop.work / "esp")
    assert got == status, text[-3000:]
    assert verdict in last, text[-3000:]


def test_disk_entry_and_timeout():
    shop = scenario.Workshop("ramfs-only")
    shop.work = scenario.BUILD / "images" / "command-disk"
    disk = shop.disks(options="")[0]
    got, last, text = overmount_boot(disk)
    assert (got, "power off" in last) == (0, True), text[-3000:]
    got, last, text = overmount_boot(shop.work / "esp/loader/entries/boot.conf")
    assert (got, "power off" in last) == (0, True), text[-3000:]
    got, last, text = overmount_boot("--timeout", 1, disk)
    assert (got, "timeout" in last) == (1, True), text[-3000:]


def test_usage():
    assert overmount_boot()[0] == 2
    assert overmount_boot("--timeout", "soon", "x")[0] == 2
    assert overmount_boot("/nonexistent/entry.conf")[0] == 1


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *command):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True)
        os.close(slave)
        self.text, self.seen = "", 0

    def expect(self, pattern, timeout=90):
        end = time.monotonic() + timeout
        while True:
            match = re.compile(pattern, re.M).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            assert time.monotonic() < end, f"{pattern} not seen:\n{self.text[-3000:]}"
            if select.select([self.master], [], [], 1)[0]:
                try:
                    self.text += os.read(self.master, 4096).decode("utf-8", "replace") \
                        .replace("\r", "")
                except OSError:         # the other end is closed
                    time.sleep(0.2)

    def send(self, line):
        os.write(self.master, line.encode())


def test_run_at_a_terminal():
    run = Terminal(sys.executable, str(scenario.TOP / "tests/boot/run.py"), "demo")
    try:
        run.expect(r"^overmount:.*# ")
        assert run.text.count("An entry with a mistake") == 1, "the menu is on the line twice"
        run.send("echo pid=$$; grep -c ' / / .*ext2' /proc/self/mountinfo\n")
        run.expect(r"^pid=1$")
        run.expect(r"^1$")
        run.send("echo one two | tr a-z A-Z\n")
        run.expect(r"^ONE TWO$")
        run.send("sleep 1000 &\n")
        run.send("jobs; kill %1; wait; echo done-waiting\n")
        run.expect(r"^\[1\].*Running")
        run.expect(r"^done-waiting$")
        run.send("sleep 1000\n")
        time.sleep(1)
        run.send("\x03")                # Ctrl-C goes to the program and not to the machine
        run.send("echo still=$$\n")
        run.expect(r"^still=1$")
        run.send("poweroff -f\n")
        assert run.process.wait(timeout=60) == 0
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        os.close(run.master)
