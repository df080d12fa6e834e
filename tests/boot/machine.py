# SPDX-License-Identifier: MIT
"""One virtual machine: QEMU under TCG with OVMF, its serial line, and how it ended."""

import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

# isa-debug-exit gives (value << 1) | 1; the values are enum boot_verdict of kernel-stub/include/boot.h.
EXITS = {33: "poweroff", 35: "stopped", 37: "panic", 39: "reboot", 41: "leak", 0: "quit"}

# The stage's last line when it goes back to the firmware, which then would look for other things to boot.
TO_FIRMWARE = re.compile(r"exit: to the firmware: ([A-Z_a-z ]+);[^\n]*\n")
# The handoff kernel ends like this when it has no debug-exit device.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][A-Z0-9]?")


class Timeout(Exception):
    pass


def drive(disk, faults):
    """The file, or one that QEMU's blkdebug reports EIO for: FAULTS are (iotype, sector)."""
    if not faults:
        return f"file={disk}"
    words = ["file.driver=blkdebug", f"file.image.driver=file,file.image.filename={disk}"]
    for number, (iotype, sector) in enumerate(faults):
        rule = f"file.inject-error.{number}"
        words += [f"{rule}.event=none", f"{rule}.iotype={iotype}", f"{rule}.errno=5",
                  f"{rule}.once=off"] + [f"{rule}.sector={sector}"] * (sector >= 0)
    return ",".join(words)


def command(disks, memory=256, variables=None, extra=(), sata_boot=False, faults=None):
    """The QEMU command line; the first disk is booted, out of sight of the stub if on SATA."""
    line = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", str(memory),
            "-smp", "1", "-no-reboot", "-display", "none", "-vga", "none", "-monitor", "none",
            "-net", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
    for number, disk in enumerate(disks):
        boot = ",bootindex=1" if number == 0 else ""
        driver = "ide-hd" if number == 0 and sata_boot else "virtio-blk-pci"
        line += ["-drive", f"if=none,id=d{number},format=raw,{drive(disk, (faults or {}).get(disk))}",
                 "-device", f"{driver},drive=d{number}{boot}"]
    return line + list(extra)


class Machine:
    """Started on entry, always stopped on exit."""

    def __init__(self, work, disks, memory=256, extra=(), echo=None, sata_boot=False,
                 faults=None):
        work = Path(work)
        work.mkdir(parents=True, exist_ok=True)
        self.variables = work / "vars.fd"
        shutil.copyfile(VARIABLES, self.variables)
        self.line = command(disks, memory, self.variables, ["-serial", "stdio", *extra],
                            sata_boot, faults)
        self.raw = b""
        self.seen = 0           # how far expect() has come in the text
        self.echo = echo
        self.log = work / "serial.log"
        self.verdict = None
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.line, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.write_bytes(self.raw)

    @property
    def text(self):
        text = self.raw.decode("utf-8", "replace").replace("\r", "")
        return ESCAPES.sub("", text)

    def _pump(self, seconds):
        """Read what comes; False at the end of the machine."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, seconds))
        if not ready:
            return True
        data = self.process.stdout.read()
        if data is None:
            return True
        if data == b"":
            return False
        self.raw += data
        if self.echo:
            self.echo(data)
        return True

    def expect(self, pattern, timeout):
        """Wait until PATTERN appears after the last match; gives the match."""
        end = time.monotonic() + timeout
        compiled = re.compile(pattern, re.M)
        running = True
        while True:
            match = compiled.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if not running or time.monotonic() > end:
                raise Timeout(f"{'end' if not running else 'timeout'} while waiting for "
                              f"{pattern!r}; last output:\n{self.text[-1500:]}")
            running = self._pump(min(1.0, end - time.monotonic()))

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, timeout):
        """Run to the end: the verdict, also in self.verdict."""
        end = time.monotonic() + timeout
        while self._pump(min(1.0, end - time.monotonic())):
            back = TO_FIRMWARE.search(self.text)
            if back:
                self.verdict = "firmware"
                return self.verdict
            if time.monotonic() > end:
                self.verdict = "timeout"
                return self.verdict
        code = self.process.wait(timeout=10)
        self.verdict = EXITS.get(code, f"qemu exit {code}")
        return self.verdict
