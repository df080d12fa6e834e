# SPDX-License-Identifier: MIT
"""Stock Linux kernels under test: Debian's 6.1 and 7.3, fetched by mk/linux.sh, or what KERNEL names.

Every test gets them here.  A word of KERNEL with a slash is a folder with one's own kernel; its last
part is what the tests call it.
"""

import functools
import os
from pathlib import Path

import pytest

from fetched import bring, fetched

FETCHED = ["6.1", "7.3"]
WORDS = {Path(word).name: word for word in (os.environ.get("KERNEL") or " ".join(FETCHED)).split()}
KERNELS = list(WORDS)


@functools.cache
def tree(version):
    """The folder with vmlinuz and lib/modules of a kernel."""
    if version not in KERNELS:
        pytest.skip(f"KERNEL leaves {version} out")
    return fetched("linux.sh", WORDS[version], "modules")


def there(version):
    """Can it be had?"""
    path, _ = bring("linux.sh", WORDS[version], "modules")
    return path is not None


def release(version):
    """As its uname -r says."""
    return next((tree(version) / "lib/modules").iterdir()).name


def spread(version):
    """For what holds on every kernel and is tried on one of them: VERSION, or the first of KERNEL."""
    return version if version in KERNELS else KERNELS[0]
