# SPDX-License-Identifier: MIT
"""Figures, never a test.  One module here for each subject; its main() measures and prints.

    make bench                      all of them
    make bench BENCH="host stub"    some

The stage and the loaders for stock Linux take long; OVERMOUNT_BENCH_ROUNDS=1, _MIB="2 32",
_SUITES=bookworm and _KERNEL=7.3 make it less, or other.  The loaders are fetched by mk/loaders.sh.
"""

import importlib
import sys

from common import WORK

SUBJECTS = ("host", "stub", "stage_linux", "loaders", "init")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or SUBJECTS:
        importlib.import_module(name).main()


main()
