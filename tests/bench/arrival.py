# SPDX-License-Identifier: MIT
"""What tests/bench/arrived.c tells, the final init of the figures on stock Linux."""

import re
import statistics

from common import WORK, scenario

PROGRAM = scenario.BUILD / "bench" / "arrived"
# Under icount an idle processor jumps to its next timer, whenever that is; one that polls waits
# for the disk about as long as the host needs.
CONSOLE = "console=ttyS0 panic=-1 idle=poll quiet loglevel=1"
DIRECTORIES = ("dev", "proc", "sys", "run", "tmp", "root", "mnt", "sbin", "etc")


def tree(target):
    """What a root has to have for all that hand over to it."""
    for name in DIRECTORIES:
        (target / name).mkdir(parents=True, exist_ok=True)
    scenario.write_file(target / "sbin/init", PROGRAM.read_bytes(), 0o755)
    # Without it systemd takes it for no system.
    scenario.write_file(target / "etc/os-release", b"ID=bench\nNAME=bench\n")
    return target


def numbers(machine, limit=600):
    """Boots: milliseconds of virtual time, and KiB of memory, until the final init."""
    with machine:
        machine.finish(limit)
        text = machine.text
    ticks = re.search(r"bench: ticks (\d+) (\d+) (\d+)", text)
    log = re.search(r"bench: log (\d+) (-?\d+) (\d+) (\d+)", text)
    if not ticks or not log or "bench: end" not in text:
        raise SystemExit(f"the final init was not reached; see {machine.log}\n{text[-3000:]}")
    first, *marked = map(int, ticks.groups())
    run, modules, *logged = map(int, log.groups())
    scale = (marked[1] - marked[0]) / (logged[1] - logged[0])       # ticks a microsecond
    result = {"reset": first / 1e6,
              "kernel": (logged[0] * scale - (marked[0] - first)) / 1e6,
              "init": ((logged[0] - run) * scale - (marked[0] - first)) / 1e6,
              "modules": (modules - run) * scale / 1e6 if modules >= 0 else None}
    result.update((name, int(kib)) for name, kib in re.findall(r"bench: (\w+) (\d+)$", text, re.M))
    # Not MemAvailable, which leaves out what the kernel keeps in reserve.  Cached counts a tmpfs
    # (Shmem) and a ramfs (Unevictable), too.
    result["free"] = sum(result[name] for name in ("MemFree", "Kept", "Buffers", "Cached")) - \
        result["Shmem"] - result["Unevictable"]
    return result


def spread(values):
    """Median, and from the smallest to the largest."""
    return f"{statistics.median(values):.1f}", f"{min(values):.1f} to {max(values):.1f}"


def work(name):
    path = WORK / name
    path.mkdir(parents=True, exist_ok=True)
    return path
