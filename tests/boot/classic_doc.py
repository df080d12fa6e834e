# SPDX-License-Identifier: MIT
"""What docs/classic.md says: the entries that it gives, and the transcripts that it shows."""

import difflib
import re

import scenario

PAGE = (scenario.TOP / "docs" / "classic.md").read_text()
COLUMN = 66


def blocks(kind, page=PAGE):
    """The words behind KIND, each -> the lines of the block."""
    return {word: text
            for words, text in re.findall(rf"^```{kind} ([^\n]+)\n(.*?)^```$", page, re.M | re.S)
            for word in words.split()}


# Name of who boots it -> the entry without title and kernel; and those that are for a stock Linux.
ENTRIES = blocks("conf")
ON_LINUX = blocks("conf", (scenario.TOP / "docs" / "linux.md").read_text())


def key(line):
    """What two lines that say the same of another boot have in common."""
    return line.partition("=")[0]


def beside(theirs, ours):
    """Two columns; | between them where they differ, < or > where only one side has the line."""
    rows = [("Linux 6.1", " ", "overmount")]
    match = difflib.SequenceMatcher(None, [key(line) for line in theirs], [key(line) for line in ours], False)
    for what, a, a_end, b, b_end in match.get_opcodes():
        if what == "equal":
            rows += [(old, " " if old == new else "|", new)
                     for old, new in zip(theirs[a:a_end], ours[b:b_end])]
        else:
            rows += [(old, "<", "") for old in theirs[a:a_end]]
            rows += [("", ">", new) for new in ours[b:b_end]]
    return "".join(f"{old[:COLUMN]:{COLUMN}} {sign} {new}".rstrip() + "\n" for old, sign, new in rows)


# Name of a transcript -> the two columns that the page shows.
SHOWN = blocks("beside")
