# SPDX-License-Identifier: MIT
"""Boot the setups of the three warts; what Linux 6.1 printed and what the stub prints, side by side."""

import sys

import classic_doc
import test_golden

for name in sys.argv[1:] or classic_doc.SHOWN:
    print(f"{name}: options {test_golden.transcript(name)[0]}\n", flush=True)
    _, text = test_golden.boot(name)
    print(classic_doc.beside(test_golden.old_lines(name), test_golden.said(text)))
