# SPDX-License-Identifier: MIT
"""Building twice gives the same bytes: stage, stub, disk images."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
sys.path.insert(0, str(TOP / "tests/boot"))

import scenario  # noqa: E402


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """A second build of stage and stub, elsewhere and from nothing."""
    target = tmp_path_factory.mktemp("again")
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("MAKE") and key != "MFLAGS"}
    subprocess.run(["make", "-s", "-j2", "DEV=1", f"B={target}", "efi", "stub"], cwd=TOP,
                   env=environment, check=True, stdout=subprocess.DEVNULL)
    return target


@pytest.mark.parametrize("name", ["efi/overmount.efi", "stub/overmount-stub.elf"])
def test_binary(again, name):
    assert (again / name).read_bytes() == (BUILD / name).read_bytes()


def test_disks(tmp_path):
    first, second = [], []
    for round_disks in (first, second):
        shop = scenario.Workshop("gpt-partuuid")
        shop.work = tmp_path / "work"
        for disk in shop.disks():
            round_disks.append(disk.read_bytes())
        shutil.rmtree(shop.work)
    assert first == second
