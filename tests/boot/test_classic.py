# SPDX-License-Identifier: MIT
"""The classic flow, case by case: classic.toml.  One firmware start for many cases, see frozen.py."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import classic_doc
import scenario
import test_removable
from frozen import Frozen

DATA = tomllib.loads((Path(__file__).parent / "classic.toml").read_text())
CASES = DATA["case"]
NUMBERS = {case["name"]: number for number, case in enumerate(CASES)}
INITRD_MIB = 4
ROOM_KIB = 1024         # of memory in use that may differ: caches, tables
TAIL = b"what is behind it"
# What docs/classic.md calls them.
PLACES = {"\\root.img": "\\overmount\\romfs.img", "\\system.": "\\overmount\\tree."}
DIRS = ["proc", "dev", "etc", "tmp", "mnt", "sbin"]
GPT = "aaaaaaaa-2222-3333-4444-5555555555"


def program(name):
    return DATA["programs"][name].lstrip()


def script(text):
    """As a file that is sourced: never empty, so that the shell finds one."""
    return text.lstrip() or ":\n"


class Shop(scenario.Workshop):
    """ENTRIES: what stands in the menu, name -> lines; the images that they name; the disks."""

    START, OPTIONS = "kernel \\overmount\\stub.elf\n", scenario.TEST_OPTIONS
    PLACES = PLACES
    MEMORY, LINUX = 128, False

    def __init__(self, name, cases=CASES):
        self.name = name
        self.work = scenario.BUILD / "images" / name
        self.source = self.work / "source"
        self.digests = {}
        self.trees = {}
        self.spec = {"config": "timeout forever\nconsole serial\n", "esp": [], "disk": [
            {"image": "ext2", "mib": 8, "tree": "WHOLE", "label": "wholedisk",
             "uuid": "bbbbbbbb-2222-3333-4444-555555555555"}]}
        self.entries = {}
        self.cases = cases
        tests = {f"etc/test/{number}": script(case.get("test", "")) for number, case in enumerate([*cases, {}])}
        for marker in ("GPT1", "GPT2", "MBR1", "MBR2", "MBR5", "WHOLE", "TREE", "RAM"):
            self.trees[marker] = self.tree_of(marker, tests | {"sbin/init": program("init"),
                                                               "etc/other": program("other")})
        self.trees["GPT2"]["dirs"] = [*DIRS, "initrd"]
        self.trees["INITRD"] = self.tree_of("INITRD", tests | {
            "sbin/init": program("init"), "linuxrc": program("linuxrc")} | {
            f"etc/linuxrc/{number}": script(case.get("linuxrc", ""))
            for number, case in enumerate(cases)})

    @staticmethod
    def tree_of(marker, files):
        return {"dirs": DIRS, "copies": {"bin/busybox": scenario.BUSYBOX}, "links": {"bin/sh": "busybox"},
                "files": {"etc/marker": marker + "\n"} | files}

    def add(self, number, lines):
        """A menu entry; its name."""
        name = f"c{len(self.entries):03}.conf"
        options = f"options case={number} {self.OPTIONS}"
        # What follows `--` is init's: ours come first.
        lines = re.sub(r"^options", options, lines, count=1, flags=re.M) if "options" in lines else \
            f"{lines}\n{options}"
        self.entries[name] = (f"title    case {number}\nsort-key c{len(self.entries):03}\n"
                              f"{self.START}{lines}\n")
        return name

    def image(self, **item):
        self.spec["esp"].append({"path": f"overmount/{len(self.spec['esp'])}.img"} | item)
        return "\\" + self.spec["esp"][-1]["path"].replace("/", "\\")

    def esp(self, **_):
        for name, text in self.entries.items():
            scenario.write_file(self.source / name, text.encode())
        return super().esp(options="")

    def part(self, marker, **item):
        path = self.work / f"{marker}.part"
        self.make({"image": "ext2", "mib": 4, "tree": marker} | item, path)
        return path

    def gpt(self, path):
        parts = [f"{self.part('GPT1')}:8300:first root:{GPT}01", f"{self.part('GPT2')}:8300:second root:{GPT}02"]
        scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", path, *parts)

    def mbr(self, path):
        """Two primary partitions and a logical one."""
        path.write_bytes(bytes(24 << 20))
        subprocess.run(["/usr/sbin/sfdisk", "--quiet", path], check=True, text=True, input=(
            "label: dos\nlabel-id: 0x1234abcd\nunit: sectors\n"
            "1: start=2048, size=8192, type=83\n2: start=10240, size=8192, type=83\n"
            "4: start=20480, size=20480, type=5\n5: start=22528, size=8192, type=83\n"))
        with path.open("r+b") as disk:
            for marker, start in (("MBR1", 2048), ("MBR2", 10240), ("MBR5", 22528)):
                disk.seek(start * 512)
                disk.write(self.part(marker).read_bytes())

    def disks(self, **options):
        boot, whole = super().disks(**options)
        self.gpt(self.work / "gpt.img")
        self.mbr(self.work / "mbr.img")
        for part in self.work.glob("*.part"):
            part.unlink()
        return [boot, self.work / "gpt.img", self.work / "mbr.img", whole]


class FlowShop(Shop):
    """All of the cases."""

    def __init__(self, name="classic-flow", cases=CASES):
        super().__init__(name, cases)
        initrd = self.image(image="ext2", mib=INITRD_MIB, tree="INITRD")
        for number, case in enumerate(cases):
            own = initrd
            if "files" in case or "programs" in case:
                files = dict(self.trees["INITRD"]["files"])
                del files["linuxrc"]
                self.trees[f"INITRD-{number}"] = dict(self.trees["INITRD"], files=files | {
                    path: text.lstrip() for path, text in case.get("files", {}).items()},
                    programs=case.get("programs", {}))
                own = self.image(image="ext2", mib=INITRD_MIB, tree=f"INITRD-{number}")
            lines = case["entry"] if "entry" in case else classic_doc.ENTRIES[case["doc"]]
            for name, path in ({"INITRD": own, "\\initrd.img": own} | self.PLACES).items():
                lines = lines.replace(name, path)
            self.add(number, lines.strip())
        for path, item in (("tree.tar", {"archive": "ustar", "tree": "TREE"}),
                           ("tree.cpio", {"archive": "newc", "tree": "TREE"}),
                           ("tree.cpio.gz", {"archive": "newc", "tree": "TREE", "compress": "gzip -1n"}),
                           ("ext2.img", {"image": "ext2", "mib": 4, "tree": "RAM"}),
                           ("romfs.img", {"image": "romfs", "tree": "RAM"}),
                           ("cut.img.gz", {"image": "romfs", "tree": "RAM", "compress": "gzip -1n",
                                           "truncate": 1000})):
            self.spec["esp"].append(item | {"path": f"overmount/{path}"})

    def esp(self, **options):
        esp = super().esp(**options)
        romfs = (esp / "overmount/romfs.img").read_bytes()
        self.longer = romfs + TAIL
        cuts = [0, 70000, 200000, len(romfs)]
        files = {f"romfs.{part + 1}": romfs[cuts[part]:cuts[part + 1]] for part in range(3)}
        files |= {"longer.img": self.longer, "started.img": bytes(7 << 10) + romfs,
                  "unknown.img": b"nothing that is known\n" * 2979, "xfs.img": b"XFSB" + bytes(65532)}
        for name, data in files.items():
            scenario.write_file(esp / "overmount" / name, data)
        return esp

    def filled(self, pattern):
        """The numbers that are known when the images are made."""
        sectors = len(self.longer) // 512
        return pattern.replace("LONGER_KIB", str((sectors + 1) // 2)).replace("LONGER", str(sectors))


def complaint(case, verdict, text):
    try:
        scenario.check_text(text, case)
    except scenario.Failure as error:
        return f"{case['name']}: {error}\n{text[-2500:]}\n"
    want = case.get("verdict", "poweroff")
    return "" if verdict == want else f"{case['name']}: verdict {verdict}, expected {want}\n{text[-2500:]}\n"


def thaw(shop, cases, entries):
    """Boot every case; the complaints, and KiB in use at the end of each."""
    disks = shop.disks()
    frozen = Frozen(shop, disks, list(shop.entries), shop.MEMORY, shop.LINUX)
    complaints, used = [], {}
    for case, entry in zip(cases, entries):
        verdict, text = frozen.thaw(entry, keys=case.get("keys", ()))
        complaints.append(complaint(case, verdict, text))
        match = re.search(r"^T used (\d+)", text, re.M)
        if match:
            used[case["name"]] = int(match.group(1))
    frozen.remove()
    return [text for text in complaints if text], used


def judge(complaints, count):
    """All of them in short, then the first ones with the machine's words."""
    heads = [text.partition("\n")[0] for text in complaints]
    assert not complaints, "\n".join([f"{len(heads)} of {count}", *heads, "", *complaints[:4]])


def test_flow():
    shop = FlowShop()
    # The tail's place is known once romfs.img is there, and the tests in the images want it before.
    probe = shop.work / "probe.img"
    shop.work.mkdir(parents=True, exist_ok=True)
    scenario.shutil.rmtree(shop.work / "trees", ignore_errors=True)
    shop.make({"image": "romfs", "tree": "RAM"}, probe)
    shop.longer = probe.read_bytes() + TAIL
    cases = [dict(case, expect=[shop.filled(pattern) for pattern in case["expect"]]) for case in CASES]
    for tree in shop.trees.values():
        tree["files"] = {path: shop.filled(text) for path, text in tree["files"].items()}
    complaints, used = thaw(shop, cases, list(shop.entries))
    for case in CASES:
        name, like = case["name"], case.get("used_like")
        if like and abs(used.get(name, 1 << 30) - used[like]) > ROOM_KIB:
            complaints.append(f"{name}: {used.get(name)} KiB are in use, with '{like}' {used[like]}")
    judge(complaints, len(CASES))


def images():
    """Each image, plain and packed: its name, how it is made, what init has to see."""
    for image in DATA["image"]:
        item = {key: image[key] for key in ("image", "mib", "options") if key in image} | {"tree": "RAM"}
        kind, mode = image.get("type", image["image"]), image.get("mode", "ro")
        case = {"expect": [rf"root: /dev/ram0 is {kind}, mounted read-{'write' if mode == 'rw' else 'only'}",
                           rf"^T init pid=1 RAM {kind} {mode} 1:0$"] +
                          (["^T writable$"] if mode == "rw" else []) + ["^T end$"],
                "reject": [] if mode == "rw" else ["^T writable$"]}
        yield case | {"name": image["name"]}, item
        if image.get("packed"):
            for pack, command in DATA["pack"].items():
                yield (case | {"name": f"{image['name']}, packed with {pack}",
                               "expect": [rf"ramdisk: /dev/ram0, \d+ KiB, unpacked from \d+ KiB of {pack}$",
                                          *case["expect"]]}, item | {"compress": command})


def test_images():
    shop = Shop("classic-images")
    cases, entries = [], []
    for case, item in images():
        cases.append(case)
        entries.append(shop.add(0, f"initrd {shop.image(**item)}\noptions root=/dev/ram0 rw"))
    complaints, _ = thaw(shop, cases, entries)
    judge(complaints, len(cases))


def test_names_are_unique():
    assert len(NUMBERS) == len(CASES)
    assert all(case.get("used_like", case["name"]) in NUMBERS for case in CASES)


def test_every_entry_of_the_page_is_booted():
    """Here, in test_golden.py or in test_removable.py."""
    golden = tomllib.loads((scenario.TOP / "tests/golden/cases.toml").read_text())["case"]
    here = [case["doc"] for case in CASES if "doc" in case]
    assert sorted([*golden, *here, *test_removable.PAGE]) == sorted(classic_doc.ENTRIES)
