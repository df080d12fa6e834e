# SPDX-License-Identifier: MIT
"""rootwait: the disk with the root is plugged in while late boot waits for it."""

import pytest

import scenario
from machine import Machine
from monitor import Monitor

# Who tells the guest of new devices: ACPI, as the machine comes, or the slot itself, which is off while it is empty.
SLOTS = {"acpi": [], "native": ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]}
NAMES = {"LABEL": "root LABEL=late\nroot-wait forever\n",
         "PARTUUID": "options root=PARTUUID=22222222-2222-3333-4444-555555555555 rootwait=60\n",
         "name": "options root=/dev/vdb rootwait\n"}


class Shop(scenario.Workshop):
    def __init__(self, work, lines, partuuid):
        self.name = "late-disk"
        self.work = work / "work"
        self.source = work / "source"
        self.digests = {}
        self.trees = scenario.tomllib.loads((scenario.IMAGES / "trees.toml").read_text())["tree"]
        self.spec = {"disk": [{"image": "ext2", "mib": 8, "tree": "marked", "label": "late"} |
                              ({"partuuid": partuuid} if partuuid else {})]}
        scenario.write_file(self.source / "boot.conf",
                            f"title Late\nkernel \\overmount\\stub.elf\n{lines}".encode())


@pytest.mark.parametrize("slots, name", [("acpi", "LABEL"), ("native", "PARTUUID"), ("acpi", "name")])
def test_disk_that_comes_later(tmp_path, slots, name):
    shop = Shop(tmp_path, NAMES[name], "22222222-2222-3333-4444-555555555555" if name == "PARTUUID" else "")
    boot, late = shop.disks()
    extra = ["-qmp", f"unix:{shop.work}/monitor,server=on,wait=off", *SLOTS[slots]]
    for number in (1, 2):
        extra += ["-device", f"pcie-root-port,id=slot{number},chassis={number},slot={number}"]
    with Machine(shop.work, [boot], extra=extra) as machine:
        machine.expect(r"root: .*: no such device", 60)
        machine.expect(r"root: waiting (until|at most)", 5)
        monitor = Monitor(shop.work / "monitor")
        monitor.call("blockdev-add", **{"driver": "raw", "node-name": "late",
                                        "file": {"driver": "file", "filename": str(late)}})
        monitor.call("device_add", driver="virtio-blk-pci", id="late", drive="late", bus="slot2")
        monitor.close()
        machine.expect(r"vdb: virtio disk, \d+ sectors", 20)
        machine.expect(r"root: /dev/vdb1? is ext2, mounted read-only", 20)
        machine.expect(r"^T pid=1 ", 20)
        assert machine.finish(30) == "poweroff"
