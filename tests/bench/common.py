# SPDX-License-Identifier: MIT
"""What the figures of several subjects need.

Under -icount guest time counts instructions, so the numbers of a boot repeat on any host.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "boot"))

import scenario  # noqa: E402

WORK = scenario.BUILD / "bench"
ICOUNT = ["-icount", "shift=3,sleep=off"]
# The stock Linux of what boots one.
KERNEL = os.environ.get("OVERMOUNT_BENCH_KERNEL", "6.1")


def heading(text):
    print(f"\n### {text}\n")


def table(head, rows):
    """A table of markdown; what is not text is a number that is printed as it stands."""
    for number, row in enumerate([head, *rows]):
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
        if number == 0:
            print("|" + "---|" * len(row))


class Bench(scenario.Workshop):
    """A scenario that is made here instead of read from images/."""

    def __init__(self, name, spec, entry):
        self.name, self.spec = name, spec
        self.work = WORK / name
        self.source = WORK / f"{name}-source"
        self.source.mkdir(parents=True, exist_ok=True)
        (self.source / "boot.conf").write_text(entry)
        self.trees = tomllib.loads((scenario.IMAGES / "trees.toml").read_text())["tree"]
        self.trees.update(spec["tree"])
        self.digests = {}


def stamp(text, pattern):
    match = re.search(r"\[ *(\d+\.\d+)\] overmount: " + pattern, text)
    if not match:
        raise SystemExit(f"not in the log: {pattern}\n{text[-3000:]}")
    return float(match.group(1)) * 1000
