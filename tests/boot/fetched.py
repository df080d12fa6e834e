# SPDX-License-Identifier: MIT
"""What a script of mk/ brings from Debian's mirror: stock kernels, a distribution."""

import functools
import os
import subprocess

import pytest

import scenario


@functools.cache
def ask(script, *args):
    """Once, also when it fails: many tests want the same."""
    return subprocess.run([scenario.TOP / "mk" / script, *args], text=True, capture_output=True)


def fetched(script, *args):
    """The path that it prints.  A test that cannot have it is skipped and says why; it fails where
    CI is set, as nobody reads there what was left out."""
    result = ask(script, *args)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"mk/{script} failed"])[-1]
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return scenario.Path(result.stdout.strip())
