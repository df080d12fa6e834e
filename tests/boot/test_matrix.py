# SPDX-License-Identifier: MIT
"""Every possible combination of the classic setups on the stub; see matrix.toml and matrix.py."""

import shutil
import subprocess

import pytest

import matrix
import scenario
from frozen import Frozen
from machine import Machine

SHARD = 60
SHARDS = [matrix.POSSIBLE[at::-(-len(matrix.POSSIBLE) // SHARD)]
          for at in range(-(-len(matrix.POSSIBLE) // SHARD))]
# These start the firmware for themselves.
WHOLE = matrix.POSSIBLE[::len(matrix.POSSIBLE) // 40]


def complaint(one, verdict, text):
    """What is wrong with this boot, or an empty text."""
    seen = [line for line in text.splitlines() if line.startswith("T ")]
    want = one.lines()
    if (verdict, seen) == (one.verdict(), want):
        return ""
    return "\n".join([f"{one.number}: {one}", one.entry(), f"verdict {verdict}", "expected:", *want,
                      "seen:", *seen, text[-2000:], ""])


@pytest.mark.parametrize("number", range(len(SHARDS)))
def test_shard(number):
    shop = matrix.Shard(f"matrix-{number}", SHARDS[number],
                        "timeout forever\nconsole serial\n")
    disks = shop.disks()
    frozen = Frozen(shop, disks, [f"c{one.number:04}.conf" for one in SHARDS[number]])
    complaints = []
    for one in SHARDS[number]:
        complaints.append(complaint(one, *frozen.thaw(f"c{one.number:04}.conf")))
    frozen.remove()
    complaints = [text for text in complaints if text]
    assert not complaints, f"{len(complaints)} of {len(SHARDS[number])}\n" + "\n".join(complaints[:5])


@pytest.mark.parametrize("one", WHOLE, ids=str)
def test_whole_boot(one):
    shop = matrix.Shard(f"matrix-whole-{one.number}", [one], "timeout 0\nconsole serial\n")
    disks = shop.disks()
    with Machine(shop.work, disks, sata_boot=True) as machine:
        assert not complaint(one, machine.finish(60), machine.text)
    shutil.rmtree(shop.work)


def test_every_combination_is_accounted_for():
    values = 1
    for axis in matrix.AXES.values():
        values *= len(axis)
    impossible = [one for one in matrix.COMBINATIONS if one.impossible()]
    assert len(matrix.COMBINATIONS) == values == len(impossible) + len(matrix.POSSIBLE)
    assert all(one.impossible()["why"] for one in impossible)
    assert len(WHOLE) >= 40


@pytest.mark.parametrize("rule", [rule for rule in matrix.DATA["impossible"] if "refused" in rule],
                         ids=lambda rule: rule["why"])
def test_impossible_is_refused(rule):
    """Where the reason is that the entry is refused, it is, in these words."""
    some = [one for one in matrix.COMBINATIONS if one.impossible() is rule][::7]
    shop = matrix.Shard("matrix-refused", some, "timeout 0\n")
    shutil.rmtree(shop.work, ignore_errors=True)
    esp = shop.esp()
    for one in some:
        result = subprocess.run([str(scenario.OVERMOUNT), "check",
                                 str(esp / f"loader/entries/c{one.number:04}.conf")], text=True,
                                capture_output=True)
        assert result.returncode == 1, one
        assert rule["refused"] in result.stderr, one
    shutil.rmtree(shop.work)
