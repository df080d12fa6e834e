# SPDX-License-Identifier: MIT
"""The stage for stock Linux: its own share of a boot, and the memory that it holds meanwhile."""

import os
import re

import initrds
from initrds import ROUNDS
from common import ICOUNT, heading, stamp, table
from machine import Machine

SIZES = [int(word) for word in os.environ.get("OVERMOUNT_BENCH_MIB", "2 32 128 512").split()]
# What is in a boot, in microseconds, as the stage logs it at level debug.
LINES = {
    "bytes": r"plain read: (\d+) bytes",
    "plain": r"plain read: \d+ bytes in (\d+) us",
    "load": r"loaded by the firmware in (\d+) us",
    "free": r"the file given back in (\d+) us",
    "callback": r"bytes read to their place in (\d+) us",
    "held": r"memory: (\d+) KiB held",
    "program": r"(\d+) KiB of program",
    "initrd": r"KiB of program for (\d+) KiB of initrd",
}


def share(work, disks, memory, extra):
    """One boot up to the end of the callback."""
    # All memory is there before: to touch a page first costs the host, whoever does it.
    there = ["-object", f"memory-backend-ram,id=all,size={memory}M,prealloc=on",
             "-machine", "memory-backend=all"]
    with Machine(work, disks, memory, [*there, *extra, "-snapshot", "-fw_cfg",
                                       "name=opt/overmount/plain-read,string=1"]) as machine:
        machine.expect(LINES["initrd"], 600)
        text = machine.text
    found = {name: int(re.search(pattern, text).group(1)) for name, pattern in LINES.items()}
    # From the stage's entry on, without the plain read in between.
    waited = stamp(text, "entry:") - stamp(text, "config:")
    found["variables"] = (stamp(text, r"start: \\") - stamp(text, "start: loaded by")) * 1000
    found["stage"] = (stamp(text, r"start: \\") - waited) * 1000 + found["callback"]
    return found


def least(boots):
    """Of each figure the least: whatever disturbs a boot makes it slower."""
    return {name: min(boot[name] for boot in boots) for name in boots[0]}


def ms(usec):
    return f"{usec / 1000:.1f}"


def row(name, found):
    firmware = found["load"] + found["free"] + found["variables"]
    return (name, ms(found["stage"]), ms(found["plain"]), f"{found['stage'] / found['plain']:.2f}",
            ms(found["load"]), ms(found["free"]), ms(found["variables"]),
            f"{(found['stage'] - firmware) / found['plain']:.2f}", ms(found["callback"]))


def measure(mib, count):
    """Virtual time and wall clock for one initrd."""
    one = initrds.shop(f"linux-{mib}-{count}", initrds.pieces(mib, count),
                       config="log-level debug\n")
    disks = one.disks(stage="efi-faults", options="")
    memory = 640 + 4 * mib
    found = [least([share(one.work, disks, memory, extra) for _ in range(ROUNDS)])
             for extra in (ICOUNT, [])]
    one.remove(disks)
    return found


def main():
    rows, walls, memory = [], [], []
    for mib in SIZES:
        for count, pieces in ((1, "one piece"), (10, "ten pieces")):
            name = f"{mib} MiB in {pieces}"
            virtual, wall = measure(mib, count)
            rows.append(row(name, virtual))
            walls.append(row(name, wall))
            held = virtual["held"] + virtual["program"]
            memory.append((name, virtual["held"], virtual["program"], virtual["initrd"],
                           f"{1 + held / virtual['initrd']:.3f}"))
    print(f"""
The stage's share is from its entry to StartImage and the LoadFile2 callback.  The plain read opens
the same files (kernel and pieces) in the same boot and reads each by the stage's own routine into
new pages; it is done twice and the second counts.  Least of {ROUNDS} boots.  Three parts of the
share are the firmware's: its copy of the kernel (LoadImage); what OVMF clears byte by byte when pages
are given back, here those of the kernel's file; and the twelve variables of the Boot Loader Interface
and ours, for each of which it clears a buffer of 256 KiB.""")
    head = ("initrd", "stage", "plain read", "ratio", "LoadImage", "file given back",
            "variables", "ratio without these three", "callback alone")
    heading("The stage for stock Linux: virtual ms, 8 ns an instruction")
    table(head, rows)
    heading("The same by wall clock, ms")
    table(head, walls)
    heading("Memory while the kernel's buffer is filled, KiB")
    table(("initrd", "held", "program", "handed over", "ratio"), memory)
