# SPDX-License-Identifier: MIT
"""The classic setups on the stub, held against what a real Linux printed (tests/golden/).

The entries are those that docs/classic.md gives, and so are the transcripts that it shows.
"""

import re
import tomllib

import pytest

import classic_doc
import scenario
from machine import Machine

GOLDEN = scenario.TOP / "tests" / "golden"
DATA = tomllib.loads((GOLDEN / "cases.toml").read_text())
BUSYBOX = {"bin/busybox": scenario.BUSYBOX}
DIRS = ["proc", "dev", "etc", "tmp", "mnt", "sys"]


def transcript(name):
    """Command line and T lines."""
    lines = (GOLDEN / f"{name}.txt").read_text().splitlines()
    return lines[0].removeprefix("# "), [line for line in lines if line.startswith("T ")]


def old_lines(name):
    """What was printed there, with the end that the kernel made of it."""
    return [line.rstrip() for line in (GOLDEN / f"{name}.txt").read_text().splitlines()
            if line.startswith(("T ", "K Kernel panic"))]


def normal(lines, theirs):
    """The lines without what may differ; tests/golden/README.md says why."""
    result = []
    for line in lines:
        line = re.sub(r"^(T \w+ root=)[^,]*,([^,]*),(r[ow]).*", r"\1\2,\3", line).rstrip()
        if theirs:
            line = re.sub(r"pid=\d+", "pid=1", line)
            line = re.sub(r"^(T init sysctl=).*", r"\1none", line)
        result.append(line)
    return result


class Case(scenario.Workshop):
    def __init__(self, name, case):
        self.name = f"golden-{name}"
        self.work = scenario.BUILD / "images" / self.name
        self.source = self.work / "source"
        self.digests = {}
        init = DATA["init"].lstrip().replace("NAME", "init") + DATA["init_end"]
        linuxrc = "#!/bin/busybox sh\n" if case.get("silent") else \
            DATA["init"].lstrip().replace("NAME", "linuxrc")
        linuxrc += case.get("linuxrc", "") + "\n"
        scripts = {"init": init, "pivot": DATA["pivot"].lstrip()}
        initrd = {case.get("initrd_path", "sbin/init"): scripts[case.get("initrd_init", "init")]}
        if "linuxrc" in case:
            initrd["linuxrc"] = linuxrc
        self.trees = {
            "initrd": {"dirs": [*DIRS, "sbin"], "copies": BUSYBOX, "links": {"bin/sh": "busybox"},
                       "files": initrd | {"etc/marker": "INITRD\n"}},
            "disk": {"dirs": [*DIRS, "sbin", *case.get("disk_dirs", [])], "copies": BUSYBOX,
                     "links": {"bin/sh": "busybox"},
                     "files": {case.get("disk_path", "sbin/init"): init,
                               "etc/marker": "FINALROOT\n"}},
        }
        self.spec = {}
        self.entry = f"title Golden\nkernel \\overmount\\stub.elf\n{classic_doc.ENTRIES[name]}"
        kind = case.get("initrd")
        if kind:
            how = {"archive": "newc"} if kind == "cpio" else {"image": kind}
            how |= {"mib": 8} if kind == "ext2" else {}
            how |= {"compress": case["compress"]} if "compress" in case else {}
            path = re.search(r"^initrd +\\(\S+)$", self.entry, re.M).group(1)
            self.spec["esp"] = [{"path": path, "tree": "initrd"} | how]
        if "gpt" in case:
            self.spec["partition"] = [{"image": "ext2", "mib": 8, "tree": "disk",
                                       "partuuid": case["gpt"]}]
        elif "disk" in case:
            self.spec["disk"] = [{"image": case["disk"], "mib": 8, "tree": "disk"}]

    def disks(self, **options):
        self.source.mkdir(parents=True, exist_ok=True)
        return super().disks(**options)

    def esp(self, **options):
        scenario.write_file(self.source / "boot.conf", self.entry.encode())
        return super().esp(**options)


def boot(name):
    """The verdict and everything that was said."""
    case = DATA["case"][name]
    shop = Case(name, case)
    disks = shop.disks()
    # The stub does not drive SATA: what it finds first is the root disk, as in the transcripts.
    with Machine(shop.work, disks, sata_boot="gpt" not in case) as machine:
        verdict = machine.finish(90)
    for disk in disks:
        disk.unlink()
    return verdict, machine.text


def said(text):
    return [line.rstrip() for line in text.splitlines() if line.startswith("T ")]


@pytest.mark.parametrize("name", DATA["case"])
def test_golden(name):
    case = DATA["case"][name]
    cmdline, lines = transcript(name)
    assert f"options {cmdline}\n" in classic_doc.ENTRIES[name]
    verdict, text = boot(name)
    ours = said(text)
    want = normal(lines + case.get("extra", []), True)
    assert normal(ours, False) == want, text[-5000:]
    assert verdict == case.get("verdict", "poweroff"), text[-5000:]
    if name in classic_doc.SHOWN:
        shown = classic_doc.beside(old_lines(name), ours)
        assert classic_doc.SHOWN[name] == shown, f"docs/classic.md does not show this:\n{shown}"


def test_every_transcript_is_accounted_for():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(DATA["case"])
