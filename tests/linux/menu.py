# SPDX-License-Identifier: MIT
"""Stock kernels through the firmware, cheaply: a boot volume with an entry for each case, and a machine
that is frozen in the stage's menu and thawed for each of them (frozen.py)."""

import os
import shutil

import stock
from stock import scenario
from frozen import Frozen

MEMORY = 448
MODULES = ["brd", "nfit", "nd_pmem"]


class Menu(scenario.Workshop):
    """add(), image() and disk() first; then start(), and boot() as often as there are entries."""

    # The machine that thaws may have other disks than the frozen one had, as many of the same size.
    DISK, COUNT = 10 << 20, 1

    def __init__(self, name):
        # Two processes of a test run have one each.
        self.name = f"{name}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        self.work = scenario.BUILD / "images" / self.name
        self.source = self.work / "source"
        self.digests, self.faults, self.trees, self.entries = {}, {}, {}, {}
        self.versions, self.archives = set(), {}
        self.spec = {"config": "timeout forever\nconsole serial\n", "esp": [], "disk": []}

    def add(self, version, lines, cmdline="", ramfs=None):
        """The name of an entry for that kernel: with our /init and modules before LINES, or another RAMFS."""
        name = f"c{len(self.entries):03}.conf"
        self.versions.add(version)
        self.entries[name] = (f"title {name}\nsort-key {name}\nlinux \\overmount\\vmlinuz-{version}\n"
                              f"{self.ramfs(version) if ramfs is None else ramfs}{lines.strip()}\n"
                              f"options {stock.CONSOLE} {cmdline}\n")
        return name

    def ramfs(self, version, *modules):
        """The line for an archive that has these modules besides."""
        name = f"linux-{version}-{'-'.join(modules)}.cpio" if modules else f"linux-{version}.cpio"
        self.archives[name] = version, modules
        return f"ramfs \\overmount\\{name}\n"

    def place(self, kind, item, tree):
        """Where in the list KIND this is made of TREE; what is equal is made once."""
        for number, (known, known_tree) in enumerate(self.spec[kind]):
            if (known, known_tree) == (item, tree):
                return number
        self.spec[kind].append((item, tree))
        return len(self.spec[kind]) - 1

    def image(self, tree, **item):
        """The path of such a file of the boot volume."""
        return f"\\overmount\\{self.place('esp', item, tree)}.img"

    def disk(self, tree, **item):
        """The number of such a disk."""
        return self.place("disk", item, tree)

    def esp(self, **_):
        for name, text in self.entries.items():
            scenario.write_file(self.source / name, text.encode())
        target = self.work / "esp" / "overmount"
        target.mkdir(parents=True)
        for version in self.versions:
            shutil.copyfile(stock.tree(version) / "vmlinuz", target / f"vmlinuz-{version}")
        for name, (version, modules) in self.archives.items():
            stock.base(version, self.work, [*MODULES, *modules]).rename(target / name)
        return super().esp(options="")

    def start(self):
        """Unless no kernel could be had, which each test says by itself."""
        if not self.entries:
            return
        for kind, path in (("esp", {"path": "overmount/{}.img"}), ("disk", {})):
            for number, (item, tree) in enumerate(self.spec[kind]):
                self.trees[f"{kind}{number}"] = tree
                self.spec[kind][number] = item | {"tree": f"{kind}{number}"} | {
                    key: text.format(number) for key, text in path.items()}
        self.boot_disk, *self.others = self.disks()
        for disk in self.others:
            assert disk.stat().st_size <= self.DISK
            os.truncate(disk, self.DISK)
        self.frozen = Frozen(self, [self.boot_disk, *self.others[:self.COUNT]], list(self.entries), MEMORY,
                             linux=True)

    def boot(self, entry, *disks, seconds=90):
        """How it ended, and everything that was said since the menu; DISKS by number."""
        return self.frozen.thaw(entry, seconds, [self.boot_disk, *(self.others[number] for number in disks)])

    def remove(self):
        shutil.rmtree(self.work, ignore_errors=True)
