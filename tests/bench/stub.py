# SPDX-License-Identifier: MIT
"""The stage for a handoff kernel and the stub, by the guest's own clock."""

import re

from common import ICOUNT, Bench, heading, scenario, stamp, table
from machine import Machine

ENTRY = "title Bench\nkernel \\overmount\\stub.elf\nramfs \\overmount\\base.cpio{digest}\nroot ramfs\n"
# Three names beside what is measured: the 270 links that a busybox may have would be files, too.
TREE = {"copies": {"bin/busybox": "/bin/busybox"}, "links": {"bin/sh": "busybox"}}
INIT = "#!/bin/sh\nexec /bin/busybox poweroff -f\n"


def boot(name, tree, digest=False, plain=False, align=True):
    spec = {"esp": [{"path": "overmount/base.cpio", "archive": "newc", "tree": "bench"}],
            "tree": {"bench": {**TREE, "files": {"sbin/init": INIT}, **tree}},
            "memory": 768}
    entry = ENTRY.format(digest="#sha256=@overmount/base.cpio@" if digest else "")
    shop = Bench(name, spec, entry)
    disks = shop.disks(stage="efi-faults" if plain else "efi")
    extra = list(ICOUNT)
    if plain:
        extra += ["-fw_cfg", "name=opt/overmount/plain-read,string=1"]
    with Machine(shop.work, disks, spec["memory"], extra) as machine:
        verdict = machine.finish(600)
        text = machine.text
    for disk in disks:
        disk.unlink()
    if verdict != "poweroff":
        raise SystemExit(f"{name}: {verdict}\n{text[-3000:]}")
    result = {"stage": stamp(text, "handoff:") - stamp(text, "entry:"),
              "stub": stamp(text, "init: /sbin/init")}
    read = re.search(r"plain read: (\d+) bytes in (\d+) us", text)
    if read:
        result["bytes"], result["plain"] = int(read.group(1)), int(read.group(2)) / 1000
    return result


def main():
    heading("The stage for a handoff kernel, and the stub: virtual ms, 8 ns an instruction")
    print("The plain read opens the same files (kernel and archive) in the same boot and reads each\n"
          "by the stage's own routine into new pages; it is done twice and the second counts, so\n"
          "the firmware's caches are as warm as the assembly finds them.  The stage is timed from\n"
          "its line `entry:` to its line `handoff:`, right before it leaves the firmware.\n")
    lines = []
    for name, tree in ([(f"{mib} MiB in one file", {"big": {"big": mib}}) for mib in (1, 16, 128)] +
                       [(f"{count} files", {"many": {"many": count}}) for count in (10, 10000)]):
        row = boot(name.replace(" ", "-"), tree, plain=True)
        lines.append((name, f"{row['stage']:.1f}", f"{row['plain']:.1f}",
                      f"{row['stage'] / row['plain']:.2f}", f"{row['stub']:.1f}"))
    table(("absolute root", "stage", "plain read", "ratio", "stub until PID 1"), lines)
    without = boot("digest-off", {"big": {"big": 16}})
    with_digest = boot("digest-on", {"big": {"big": 16}}, digest=True)
    mib = 16 + scenario.BUSYBOX.stat().st_size / (1 << 20)
    cost = (with_digest["stage"] - without["stage"]) / mib
    print(f"\nSHA-256 costs {cost:.1f} ms a MiB in a guest without SHA instructions (TCG has none).")
