# SPDX-License-Identifier: MIT
"""The kernels of kernels.py, given an absolute root with our /init, booted."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "boot"))

import scenario  # noqa: E402
from fetched import fetched  # noqa: E402, F401
from kernels import KERNELS, release, there, tree  # noqa: E402, F401
from machine import Machine  # noqa: E402

MODULES = ["virtio_pci", "virtio_blk", "loop", "squashfs", "erofs", "romfs", "overlay"]
# On a busy host the check of the timer fails, which panics.
CONSOLE = "console=ttyS0 panic=-1 loglevel=4 no_timer_check"


def has_linuxrc(version):
    """Does it still know real-root-dev itself?"""
    return int(release(version).split(".")[0]) < 7


def base(version, work, modules=()):
    """linux.cpio: /init and modules."""
    target = work / "linux.cpio"
    wanted = [word for name in [*MODULES, *modules] for word in ("--module", name)]
    scenario.run(scenario.OVERMOUNT, "image", "build", "-o", target, "--modules", release(version),
                 "--modules-dir", tree(version) / "lib/modules", *wanted)
    return target


def direct(version, shop, entry, ramdisks=(), layers=(), modules=(), options=()):
    """One archive as the stage would hand it over, for a QEMU that loads the kernel itself; OPTIONS for the
    command that makes it."""
    esp = shop.work / "esp"
    linux = base(version, shop.work, modules)
    (esp / "overmount").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tree(version) / "vmlinuz", esp / "overmount" / "vmlinuz")
    shutil.copyfile(linux, esp / "overmount" / "linux.cpio")
    conf = esp / "loader" / "entries" / "direct.conf"
    scenario.write_file(conf, entry.encode())
    own = shop.work / "own"
    shutil.rmtree(own, ignore_errors=True)
    (own / ".overmount").mkdir(parents=True)
    scenario.run(scenario.OVERMOUNT, "descriptor", "build", "--esp", esp, "-o",
                 own / ".overmount" / "root.descriptor", conf)
    for index, image in enumerate(ramdisks):
        shutil.copyfile(image, own / ".overmount" / f"ramdisk.{index}")
    archive = shop.work / "initramfs.cpio"
    scenario.run(scenario.OVERMOUNT, "image", "build", "--no-manifest", *options, "-o", archive, linux,
                 *layers, own)
    return archive


def machine(version, work, disks, archive, cmdline="", memory=384, extra=()):
    """QEMU with the kernel in its hands."""
    result = Machine(work, [])
    result.line = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", str(memory),
                   "-smp", "1", "-no-reboot", "-display", "none", "-vga", "none", "-monitor",
                   "none", "-net", "none", "-serial", "stdio", "-kernel",
                   str(tree(version) / "vmlinuz"), "-initrd", str(archive), "-append",
                   f"{CONSOLE} {cmdline}".strip(), *extra]
    for number, disk in enumerate(disks):
        result.line += ["-drive", f"if=none,id=d{number},format=raw,file={disk}",
                        "-device", f"virtio-blk-pci,drive=d{number}"]
    return result
