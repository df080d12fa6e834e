# SPDX-License-Identifier: MIT
"""A machine that is frozen in the stage's menu once and thawed for each entry: one firmware start
for many boots, every one of them from the same fresh state and with the disks as they were made."""

import re
import time

from machine import Machine
from monitor import Monitor

MENU = r"Esc: firmware"
UP, DOWN, PAGE_UP, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~"


class Frozen:
    """ENTRIES lie in the menu in this order, which waits for ever; the disks are not written to.  LINUX
    has no debug-exit device to say how it ends, so QEMU is asked."""

    def __init__(self, shop, disks, entries, memory=128, linux=False):
        self.shop, self.disks, self.memory, self.linux = shop, disks, memory, linux
        self.state = shop.work / "state"
        self.monitor = shop.work / "monitor"
        with self.machine() as machine:
            machine.expect(MENU, 60)
            self.rows = machine.text.count(".conf)")
            monitor = Monitor(self.monitor)
            monitor.call("migrate-set-parameters", **{"max-bandwidth": 1 << 33})
            monitor.call("migrate", uri=f"exec:cat > {self.state}")
            while (status := monitor.call("query-migrate")["status"]) != "completed":
                assert status in ("setup", "active", "device"), status
                time.sleep(0.02)
            monitor.close()
        self.places = {entry: place for place, entry in enumerate(entries)}

    def machine(self, *extra, disks=None):
        return Machine(self.shop.work, disks or self.disks, memory=self.memory,
                       extra=["-snapshot", "-qmp", f"unix:{self.monitor},server=on,wait=off",
                              *extra], sata_boot=True)

    def thaw(self, entry, timeout=60, disks=None, keys=()):
        """Boot ENTRY, with other DISKS of the same size if it needs them, and KEYS (what is waited for,
        what is typed then): the verdict, and what the machine said since then."""
        with self.machine("-incoming", f"exec:cat {self.state}", disks=disks) as machine:
            # A key that comes before the state is there is lost.
            monitor = Monitor(self.monitor)
            while not monitor.call("query-status")["running"]:
                time.sleep(0.01)
            at = 0
            while at != self.places[entry]:
                left = self.places[entry] - at
                # Whatever brings it nearer; each key is a menu drawn anew.
                far = abs(left) > self.rows // 2
                machine.send((PAGE_DOWN if far else DOWN) if left > 0 else PAGE_UP if far else UP)
                machine.expect(MENU, 20)
                # The menu says where it is.
                at = self.places[re.findall(r"^ > .*\((\S+\.conf)\)", machine.text, re.M)[-1]]
            machine.send("\r")
            machine.expect(rf"overmount: entry: {entry} ", 20)
            for after, key in keys:
                machine.expect(after, 20)
                machine.send(key)
            verdict = machine.finish(timeout)
            if verdict == "quit" and self.linux:
                verdict = monitor.reason()
            monitor.close()
            return verdict, machine.text

    def remove(self):
        for path in (self.state, self.monitor, *self.disks):
            path.unlink(missing_ok=True)
