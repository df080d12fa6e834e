# SPDX-License-Identifier: MIT
"""The combinations of matrix.toml: which are possible, what their entry is, what they have to show.

What they have to show follows from the transcripts in tests/golden (how a classic initrd ends, what
becomes of it, who is PID 1) and not from what the stub says.
"""

import hashlib
import itertools
import tomllib
from pathlib import Path

import scenario

DATA = tomllib.loads((Path(__file__).parent / "matrix.toml").read_text())
AXES = DATA["axes"]
IMAGE_KIB = 4096
DATA_KIB = 300
RAM_DATA = scenario.pseudo_random("ram1", DATA_KIB << 10)
DIRS = ["proc", "dev", "etc", "tmp", "mnt", "sbin"]
COPIES = {"bin/busybox": scenario.BUSYBOX}


class Combination:
    def __init__(self, number, values):
        self.number = number
        for axis, value in zip(AXES, values):
            setattr(self, axis, value)

    def __str__(self):
        return ", ".join(f"{axis} {getattr(self, axis)}" for axis in AXES)

    def impossible(self):
        """The rule that forbids it, or None."""
        for rule in DATA["impossible"]:
            if all(self.matches(axis, rule[axis]) for axis in AXES if axis in rule):
                return rule
        return None

    def matches(self, axis, wanted):
        value = getattr(self, axis)
        if isinstance(wanted, str):
            return value != wanted.removeprefix("not ")
        return value in wanted

    # ------------------------------------------------------------ the entry

    @property
    def classic(self):
        return self.initrd in ("image", "packed")

    @property
    def way(self):
        return self.linuxrc.replace(" ", "")

    @property
    def variant(self):
        """The image whose /linuxrc it is."""
        return self.way if self.linuxrc in ("absent", "not executable", "crashes") else "script"

    @property
    def root_in_options(self):
        """A `root` line would say that /init of the archive is not meant; a tree has no other form."""
        return self.initrd == "cpio-init" and self.root != "tree"

    @property
    def ram_root(self):
        return self.root == "ram0" and not self.classic and self.ramdisk != "none"

    def entry(self):
        root = DATA["root"][self.root]
        ramdisk = DATA["ramdisk"][self.ramdisk].replace("N", "0" if self.ram_root else "1")
        lines = [f"title    combination {self.number}", f"sort-key c{self.number:04}", "kernel   \\overmount\\stub.elf",
                 DATA["initrd"][self.initrd].replace("LINUXRC", self.variant), ramdisk,
                 DATA["devfs"][self.devfs], "" if self.root_in_options else root,
                 f"options  way={self.way} {scenario.TEST_OPTIONS}"
                 f"{' root=' + root.removeprefix('root ') if self.root_in_options else ''}"]
        return "\n".join(line for line in lines if line) + "\n"

    # ------------------------------------------------------------ what it has to show

    def linuxrc_runs(self):
        return self.classic and self.root != "ram0" and \
            self.linuxrc not in ("absent", "not executable")

    def final_root(self):
        """Whose init runs: its marker and type; None: nobody's."""
        if self.root_in_options:
            return "ARCHIVE", "ramfs"           # /init of an initramfs comes before all
        if self.linuxrc_runs():
            if self.linuxrc in ("execs init", "pivots", "chooses root"):
                return "DISK", "ext2"
            if self.linuxrc == "chooses ram0":
                return "INITRD", "ext2"
        if self.root == "ram0":
            return ("INITRD" if self.classic else "RAMDISK"), "ext2"
        return {"disk": ("DISK", "ext2"), "gpt": ("GPT", "ext2"), "romfs": ("ROMFS", "romfs"),
                "squashfs": ("SQUASHFS", "squashfs"), "tree": ("TREE", "ramfs"), "missing": None}[self.root]

    def mode(self):
        """Of the final root: what the entry says, ro where it says nothing; trees have none."""
        marker, kind = self.final_root()
        return "rw" if kind == "ramfs" or marker in ("INITRD", "RAMDISK", "DISK") else "ro"

    def hand_made(self):
        """/linuxrc itself went over to the final root."""
        return self.linuxrc_runs() and self.linuxrc in ("execs init", "pivots")

    def old_initrd(self):
        """What lies below /initrd: only the disk has that directory, and `execs init` moves nothing."""
        if not self.classic or self.final_root() != ("DISK", "ext2"):
            return "none"
        return "none" if self.linuxrc_runs() and self.linuxrc == "execs init" else "INITRD"

    def rams(self):
        """Ram disks at the end: an initrd that is neither the root nor at /initrd was given back."""
        rams = []
        if self.ram_root or (self.classic and (self.final_root() == ("INITRD", "ext2") or
                                               self.old_initrd() != "none" or self.hand_made())):
            rams.append((0, IMAGE_KIB))
        if self.ramdisk != "none" and not self.ram_root:
            rams.append((1, DATA_KIB))
        return "".join(f"ram{index}:{kib}," for index, kib in rams)

    def sum(self):
        if self.ramdisk == "none" or self.ram_root:
            return "none"
        return hashlib.md5(RAM_DATA).hexdigest()[:8]

    def lines(self):
        result = []
        if self.linuxrc_runs():
            result.append("T linuxrc pid=1 crashes" if self.linuxrc == "crashes" else
                          f"T linuxrc pid=1 args= marker=INITRD root=ext2,rw dev={self.devfs} "
                          "sysctl=yes")
        root = self.final_root()
        if root:
            args = {"execs init": "from-linuxrc", "pivots": "pivoted"}[self.linuxrc] \
                if self.hand_made() else ""
            # Who takes over by hand mounts /dev by hand; so does /init of an initramfs, as on Linux.
            dev = "no" if self.hand_made() or root[0] == "ARCHIVE" else self.devfs
            result.append(f"T init pid=1 args={args} marker={root[0]} root={root[1]},{self.mode()} dev={dev} "
                          f"sysctl=no initrd={self.old_initrd()} rams={self.rams()} "
                          f"sum={self.sum()} dotdot={root[0]} chrootdot={root[0]}")
            # Where init was another task than PID 1, it did not; that is what had to change.
            result.append("T init survived-kill9")
        return result

    def verdict(self):
        return "poweroff" if self.final_root() else "stopped"


COMBINATIONS = [Combination(number, values)
                for number, values in enumerate(itertools.product(*AXES.values()))]
POSSIBLE = [one for one in COMBINATIONS if not one.impossible()]


# ---------------------------------------------------------------- files and disks

def program(text):
    return text.lstrip().replace("SEE\n", DATA["programs"]["see"].lstrip())


def trees():
    init = program(DATA["programs"]["init"])

    def tree(marker, files, **more):
        return {"dirs": DIRS, "copies": COPIES, "files": {"etc/marker": marker + "\n"} | files} | more

    root = {"sbin/init": init}
    script = program(DATA["linuxrc"]["script"])
    return {
        "initrd-absent": tree("INITRD", root),
        "initrd-notexecutable": tree("INITRD", root | {"linuxrc": "text\n"}),
        "initrd-script": tree("INITRD", root | {"linuxrc": script}),
        "initrd-crashes": tree("INITRD", root, programs={"linuxrc": "crashing_linuxrc"}),
        "init": tree("ARCHIVE", {"init": init}), "noinit": tree("ARCHIVE", {}),
        "disk": tree("DISK", root, dirs=[*DIRS, "initrd"]), "gpt": tree("GPT", root),
        "romfs": tree("ROMFS", root), "squashfs": tree("SQUASHFS", root), "tree": tree("TREE", root), "ramdisk": tree("RAMDISK", root),
    }


class Shard(scenario.Workshop):
    """An ESP with the entries of some combinations, and the disks of all."""

    def __init__(self, name, combinations, config):
        self.name = name
        self.work = scenario.BUILD / "images" / name
        self.source = self.work / "source"
        self.digests = {}
        self.combinations = combinations
        self.trees = trees()
        esp = []
        for variant in {one.variant for one in combinations if one.classic}:
            image = {"path": f"overmount/initrd-{variant}.img", "image": "ext2", "mib": 4,
                     "tree": f"initrd-{variant}"}
            esp += [image, image | {"path": image["path"] + ".gz", "compress": "gzip -1n"}]
        for path, form in (("init.cpio", "newc"), ("noinit.cpio", "newc"), ("noinit.tar", "ustar"),
                           ("tree.tar", "ustar")):
            esp.append({"path": f"overmount/{path}", "archive": form, "tree": path.split(".")[0]})
        esp.append({"path": "overmount/ram0.img", "image": "ext2", "mib": 4, "tree": "ramdisk"})
        self.spec = {"esp": esp, "config": config, "disk": [
            {"image": "ext2", "mib": 8, "tree": "disk"},
            {"image": "ext2", "mib": 8, "tree": "gpt",
             "partuuid": "11111111-2222-3333-4444-555555555555"},
            {"image": "romfs", "tree": "romfs"}, {"image": "squashfs", "tree": "squashfs"}]}

    def esp(self, **_):
        for one in self.combinations:
            scenario.write_file(self.source / f"c{one.number:04}.conf", one.entry().encode())
        esp = super().esp(options="")
        for name, data in (("ram0", (esp / "overmount/ram0.img").read_bytes()), ("ram1", RAM_DATA)):
            scenario.write_file(esp / f"overmount/{name}.img", data)
            cuts = [0, 70000, 200000, len(data)]
            for part in range(3):
                scenario.write_file(esp / f"overmount/{name}.{part + 1}",
                                    data[cuts[part]:cuts[part + 1]])
        return esp
