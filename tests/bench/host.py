# SPDX-License-Identifier: MIT
"""The host: sizes, SHA-256, and assembly against peers."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import WORK, heading, scenario, table

ROUNDS = 3


def measure(command, output, cwd=None):
    """Best wall time of some rounds, its CPU time, and the largest memory in KiB."""
    best = None
    memory = tempfile.NamedTemporaryFile()
    for _ in range(ROUNDS):
        Path(output).unlink(missing_ok=True)
        os.sync()
        begin = time.monotonic()
        # time(1) in between: a child's largest memory begins with that of the process it came
        # from, and this one is large.
        process = subprocess.Popen(["time", "-f", "%M", "-o", memory.name, "sh", "-c", command],
                                   cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        if status != 0:
            raise SystemExit(f"{command}: status {status}")
        row = (wall, usage.ru_utime + usage.ru_stime, int(Path(memory.name).read_text()))
        best = row if best is None or row < best else best
    return best


def instructions(command, cwd=None):
    """User-space instructions as counted by valgrind, or None without it."""
    if not shutil.which("valgrind"):
        return None
    result = subprocess.run(["valgrind", "--tool=none", "--log-file=/dev/null", "true"])
    if result.returncode != 0:
        return None
    log = WORK / "callgrind.log"
    subprocess.run(f"valgrind --tool=callgrind --callgrind-out-file=/dev/null "
                   f"--log-file={log} --trace-children=yes {command}", shell=True, cwd=cwd,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    counts = [int(count) for count in re.findall(r"Collected : (\d+)", log.read_text())]
    return max(counts) if counts else None


def trees():
    many, large = WORK / "many", WORK / "large"
    if not many.exists():
        for number in range(10000):
            scenario.write_file(many / f"{number % 100:02}" / f"file-{number:05}",
                                f"{number}\n".encode() * (1 + number % 400))
    if not large.exists():
        block = os.urandom(1 << 20)
        for number in range(64):
            scenario.write_file(large / f"file-{number:02}", block * 16)
    return many, large


def assembly():
    heading(f"Assembly on the host, best of {ROUNDS}")
    lines = []
    out = WORK / "out.cpio"
    many, large = trees()
    for tree, name in ((many, "10,000 files"), (large, "1 GiB in 64 files")):
        peers = {
            "overmount": measure(f"{scenario.OVERMOUNT} image build -o {out} {tree}", out),
            "GNU cpio": measure(f"find . -print0 | sort -z | cpio -0 -o -H newc -O {out}", out,
                                cwd=tree),
            "bsdtar": measure(f"bsdtar --format newc -cf {out} .", out, cwd=tree),
        }
        first = peers["overmount"][0]
        lines += [(name, tool, f"{wall:.3f}", f"{cpu:.3f}", f"{memory / 1024:.1f}",
                   f"{first / wall:.2f}") for tool, (wall, cpu, memory) in peers.items()]
        out.unlink()
    table(("tree", "tool", "wall s", "CPU s", "largest memory MiB", "ours takes of it"), lines)
    print()
    table(("tool", "instructions for 10,000 files"),
          [(tool, f"{instructions(command) or 0:,}") for tool, command in (
              ("overmount", f"{scenario.OVERMOUNT} image build -o {out} {many}"),
              ("bsdtar", f"bsdtar --format newc -cf {out} -C {many} ."))])


def digest():
    heading("SHA-256 on this processor")
    sys.stdout.flush()
    subprocess.run([scenario.BUILD / "bench" / "digest"], check=True)


def library_bytes():
    """Bytes of the distribution's libraries in the stub, by the linker's map."""
    text = (scenario.BUILD / "stub/overmount-stub.elf.map").read_text()
    pieces = re.findall(r"^ (?:\.\S+)?\s+0xf\w+\s+(0x\w+) \S*/lib(?!overmount)\w+\.a\(", text, re.M)
    return sum(int(piece, 16) for piece in pieces)


def sizes():
    heading("Sizes")
    lines = []
    for name, path, target, bought in (
            ("overmount.efi", "efi/overmount.efi", 200, 0),
            ("stub", "stub/overmount-stub.elf", 256, library_bytes())):
        data = (scenario.BUILD / path).read_bytes()
        lines.append((name, f"{(len(data) - bought) / 1024:.1f}", target, f"{bought / 1024:.1f}",
                      hashlib.sha256(data).hexdigest()[:16]))
    table(("file", "KiB", "target under", "KiB of libraries", "sha256"), lines)


def main():
    sizes()
    digest()
    assembly()
