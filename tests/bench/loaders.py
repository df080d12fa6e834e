# SPDX-License-Identifier: MIT
"""From the reset to the kernel and to PID 1: overmount beside other loaders, on one volume.

Each loader is \\EFI\\BOOT\\BOOTX64.EFI of the same volume, with the same kernel and initrd; overmount
and systemd-boot read the same entry.  GRUB is as small as it can be made: its commands are built in,
and it neither searches nor has a menu.
"""

import os
import re
import statistics
import subprocess

import initrds
from initrds import ROUNDS
from common import ICOUNT, WORK, heading, scenario, stamp, table
from machine import Machine
from test_linux_stage import unified

MIB = 32
SUITES = os.environ.get("OVERMOUNT_BENCH_SUITES", "bookworm trixie").split()
GRUB_MODULES = "fat part_gpt linux boot echo".split()


def grub(suite, names):
    """GRUB of the suite, made by the grub-mkimage of this Debian."""
    folder = WORK / f"grub-{suite}"
    commands = [f"linux /vmlinuz {initrds.OPTIONS}", "initrd " + " ".join(f"/{name}" for name in names),
                "boot"]
    scenario.write_file(folder / "early.cfg", "\n".join(commands).encode() + b"\n")
    subprocess.run([initrds.fetched("loaders.sh", "bookworm") / "usr/bin/grub-mkimage", "-O", "x86_64-efi",
                    "-d", initrds.fetched("loaders.sh", suite) / "usr/lib/grub/x86_64-efi",
                    "-c", folder / "early.cfg", "-p", "/grub", "-o", folder / "grub.efi",
                    *GRUB_MODULES], check=True)
    return folder / "grub.efi"


def uki(suite, paths):
    folder = WORK / f"uki-{suite}"
    folder.mkdir(parents=True, exist_ok=True)
    stub = initrds.fetched("loaders.sh", suite) / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    unified(folder, initrds.fetched("linux.sh", initrds.KERNEL), b"".join(path.read_bytes() for path in paths),
            initrds.OPTIONS, stub)
    for part in folder.glob("uki.*"):
        if part.name != "uki.efi":
            part.unlink()
    return folder / "uki.efi"


def loaders(paths):
    """(name, what stands for BOOTX64.EFI); None: the stage."""
    names = [f"initrd-{number}.zst" for number in range(len(paths))]
    yield "overmount", None
    for suite in SUITES:
        yield f"systemd-boot, {suite}", initrds.fetched("loaders.sh", suite) / \
            "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
        yield f"GRUB, {suite}", grub(suite, names)
        if len(paths) == 1:     # in it, they would be one behind the other just the same
            yield f"unified kernel image, {suite}", uki(suite, paths)


def prepared(paths):
    """Disks of all loaders, in a folder each: name -> (folder, disks)."""
    made = {}
    for name, program in loaders(paths):
        more = [{"path": "loader/loader.conf", "text": "timeout 0\n"}]
        if program:
            more.append({"path": "EFI/BOOT/BOOTX64.EFI", "copy": program})
        one = initrds.shop(f"loader-{len(paths)}-{re.sub('[^a-z]+', '-', name.lower())}", paths, more)
        made[name] = (one.work, one.disks(stage="efi", options=""))
    return made


def boot(work, disks):
    """Virtual milliseconds from the reset to the kernel's clock, and from there to PID 1."""
    with Machine(work, disks, 1024, [*ICOUNT, "-snapshot"]) as machine:
        match = machine.expect(r"\[ *(\d+\.\d+)\] bench: init at (\d+)\n", 300)
        text = machine.text
    init = int(match.group(2)) / 1e6
    kernel = float(match.group(1)) * 1000
    result = {"kernel": init - kernel, "init": init}
    if "overmount: stage:" in text:
        result["firmware"] = int(re.search(r"began (\d+) us after", text).group(1)) / 1000
        result["own"] = stamp(text, r"start: \\") + \
            int(re.search(r"read to their place in (\d+) us", text).group(1)) / 1000
    return result


def spread(values):
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def compare(count):
    made = prepared(initrds.pieces(MIB, count))
    boots = {name: [] for name in made}
    for _ in range(ROUNDS):     # one after the other, so that what disturbs the host disturbs all
        for name, (work, disks) in made.items():
            boots[name].append(boot(work, disks))
    ours = [one["kernel"] - one["firmware"] - one["own"] for one in boots["overmount"]]
    firmware = statistics.median(one["firmware"] for one in boots["overmount"])
    before = firmware + statistics.median(ours)
    rows = []
    for name, found in boots.items():
        shares = [one["kernel"] - before for one in found]
        rows.append((name, spread([one["kernel"] for one in found]), spread(shares),
                     spread([one["init"] for one in found])))
    heading(f"From the reset to PID 1, Linux {initrds.KERNEL}, initrd of {MIB} MiB in "
            f"{'one piece' if count == 1 else 'ten pieces'}: virtual ms, median of {ROUNDS} (least to most)")
    table(("loader", "to the kernel", "of it the loader's", "to PID 1"), rows)
    print(f"\nBefore the loader the firmware takes {firmware:.0f} ms; the kernel's own EFI stub, without the "
          f"initrd, {statistics.median(ours):.0f} ms (both as seen with overmount).")
    for _, disks in made.values():
        for disk in disks:
            disk.unlink()


def main():
    for count in (1, 10):
        compare(count)
