# SPDX-License-Identifier: MIT
"""What a script of mk/ brings from Debian's mirror: stock kernels, a distribution."""

import functools
import os
import subprocess

import pytest

import scenario


@functools.cache
def bring(script, *args):
    """The path that it prints and None, or None and why not; asked once, as many want the same."""
    result = subprocess.run([scenario.TOP / "mk" / script, *args], text=True, capture_output=True)
    if result.returncode != 0:
        return None, (result.stderr.strip().splitlines() or [f"mk/{script} failed"])[-1]
    return scenario.Path(result.stdout.strip()), None


def fetched(script, *args):
    """The path that it prints.  A test that cannot have it is skipped and says why; it fails where
    CI is set, as nobody reads there what was left out."""
    path, reason = bring(script, *args)
    if reason:
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path
