# SPDX-License-Identifier: MIT
"""What the tests of the command line share."""

import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/boot"))

import scenario  # noqa: E402


@pytest.fixture(scope="session")
def faults(tmp_path_factory):
    """The environment in which a step of a program fails, see faults.c."""
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    scenario.run("gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library,
                 TOP / "tests/host/faults.c", "-ldl")
    return {"LD_PRELOAD": str(library)}
