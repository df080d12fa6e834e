# SPDX-License-Identifier: MIT
"""Figures, never a test: host assembly against peers, stage and stub by the guest's own clock.

Under -icount guest time counts instructions, so the numbers of a boot repeat on any host.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "boot"))

import scenario  # noqa: E402
from machine import Machine  # noqa: E402

WORK = scenario.BUILD / "bench"
ROUNDS = 3
ICOUNT = ["-icount", "shift=3,sleep=off"]


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


def host():
    print("\nHost assembly (best of %d; wall s, CPU s, largest memory)" % ROUNDS)
    for tree, name in zip(trees(), ("10,000 files", "1 GiB in 64 files")):
        out = WORK / "out.cpio"
        ours = f"{scenario.OVERMOUNT} image build -o {out} {tree}"
        rows = {
            "overmount": measure(ours, out),
            "GNU cpio": measure(f"find . -print0 | sort -z | cpio -0 -o -H newc -O {out}", out,
                                cwd=tree),
            "bsdtar": measure(f"bsdtar --format newc -cf {out} .", out, cwd=tree),
        }
        first = rows["overmount"][0]
        print(f"  {name}")
        for tool, (wall, cpu, memory) in rows.items():
            print(f"    {tool:10} {wall:7.3f} {cpu:7.3f} {memory / 1024:8.1f} MiB"
                  f"   ours takes {first / wall:.2f} of it")
        out.unlink()
    many = WORK / "many"
    out = WORK / "out.cpio"
    for tool, command in (("overmount", f"{scenario.OVERMOUNT} image build -o {out} {many}"),
                          ("bsdtar", f"bsdtar --format newc -cf {out} -C {many} .")):
        print(f"    {tool}: {instructions(command) or 0:,} instructions for 10,000 files")


class Bench(scenario.Workshop):
    """A scenario that is made here instead of read from images/."""

    def __init__(self, name, spec, entry):
        self.name, self.spec = name, spec
        self.work = WORK / name
        self.source = WORK / f"{name}-source"
        self.source.mkdir(parents=True, exist_ok=True)
        (self.source / "boot.conf").write_text(entry)
        import tomllib
        self.trees = tomllib.loads((scenario.IMAGES / "trees.toml").read_text())["tree"]
        self.trees.update(spec["tree"])
        self.digests = {}


ENTRY = "title Bench\nkernel \\overmount\\stub.elf\nramfs \\overmount\\base.cpio{digest}\nroot ramfs\n"
# Three names beside what is measured: the 270 links that a busybox may have would be files, too.
TREE = {"copies": {"bin/busybox": "/bin/busybox"}, "links": {"bin/sh": "busybox"}}
INIT = "#!/bin/sh\nexec /bin/busybox poweroff -f\n"


def stamp(text, pattern):
    match = re.search(r"\[ *(\d+\.\d+)\] overmount: " + pattern, text)
    if not match:
        raise SystemExit(f"not in the log: {pattern}\n{text[-3000:]}")
    return float(match.group(1)) * 1000


def boot(name, tree, digest=False, plain=False, align=True):
    spec = {"esp": [{"path": "overmount/base.cpio", "archive": "newc", "tree": "bench"}],
            "tree": {"bench": {**TREE, "files": {"sbin/init": INIT}, **tree}},
            "memory": 768}
    entry = ENTRY.format(digest="#sha256=@overmount/base.cpio@" if digest else "")
    shop = Bench(name, spec, entry)
    disks = shop.disks(stage="efi-faults" if plain else "efi")
    extra = list(ICOUNT)
    if plain:
        extra += ["-fw_cfg", "name=opt/overmount/plain-read,string=1"]
    with Machine(shop.work, disks, spec["memory"], extra) as machine:
        verdict = machine.finish(600)
        text = machine.text
    for disk in disks:
        disk.unlink()
    if verdict != "poweroff":
        raise SystemExit(f"{name}: {verdict}\n{text[-3000:]}")
    result = {"stage": stamp(text, "handoff:") - stamp(text, "entry:"),
              "stub": stamp(text, "init: /sbin/init")}
    read = re.search(r"plain read: (\d+) bytes in (\d+) us", text)
    if read:
        result["bytes"], result["plain"] = int(read.group(1)), int(read.group(2)) / 1000
    return result


def guest():
    print("\nGuest time under -icount shift=3 (ms: virtual time, 8 ns an instruction)")
    print("    The plain read opens the same files (kernel and archive) in the same boot and reads each\n"
          "    by the stage's own routine into new pages; it is done twice and the second counts, so\n"
          "    the firmware's caches are as warm as the assembly finds them.  The stage is timed from\n"
          "    its line `entry:` to its line `handoff:`, right before it leaves the firmware.")
    print("    absolute root        stage  plain read  ratio    stub until PID 1")
    for mib in (1, 16, 128):
        row = boot(f"mib-{mib}", {"big": {"big": mib}}, plain=True)
        print(f"    {mib:4} MiB in one file {row['stage']:8.1f} {row['plain']:8.1f}"
              f" {row['stage'] / row['plain']:8.2f} {row['stub']:12.1f}")
    for count in (10, 10000):
        row = boot(f"files-{count}", {"many": {"many": count}}, plain=True)
        print(f"    {count:6} files      {row['stage']:8.1f} {row['plain']:8.1f}"
              f" {row['stage'] / row['plain']:8.2f} {row['stub']:12.1f}")
    without = boot("digest-off", {"big": {"big": 16}})
    with_digest = boot("digest-on", {"big": {"big": 16}}, digest=True)
    mib = 16 + scenario.BUSYBOX.stat().st_size / (1 << 20)
    cost = (with_digest["stage"] - without["stage"]) / mib
    print(f"    SHA-256 costs {cost:.1f} ms a MiB in a guest without SHA instructions "
          "(TCG has none)")


def digest():
    print("\nSHA-256 on this processor")
    sys.stdout.flush()
    subprocess.run([scenario.BUILD / "bench" / "digest"], check=True)


def library_bytes():
    """Bytes of the distribution's libraries in the stub, by the linker's map."""
    text = (scenario.BUILD / "stub/overmount-stub.elf.map").read_text()
    pieces = re.findall(r"^ (?:\.\S+)?\s+0xf\w+\s+(0x\w+) \S*/lib(?!overmount)\w+\.a\(", text, re.M)
    return sum(int(piece, 16) for piece in pieces)


def sizes():
    print("\nSizes")
    for name, path, target, bought in (
            ("overmount.efi", "efi/overmount.efi", 200, 0),
            ("stub", "stub/overmount-stub.elf", 256, library_bytes())):
        data = (scenario.BUILD / path).read_bytes()
        print(f"    {name:14} {(len(data) - bought) / 1024:6.1f} KiB (target under {target})" +
              (f" and {bought / 1024:.1f} KiB of libraries" if bought else "") +
              f"  sha256 {hashlib.sha256(data).hexdigest()[:16]}")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    parts = {"sizes": sizes, "digest": digest, "host": host, "guest": guest}
    for name in sys.argv[1:] or parts:
        parts[name]()


main()
