# SPDX-License-Identifier: MIT
"""/init on stock Linux against what else is handed a kernel: klibc, busybox, initramfs-tools, dracut.

All of them have one job: load the modules, find an ext4 root on virtio-blk by its UUID, mount it
read-only, hand over to /sbin/init.  kinit knows no UUID; beside it /init is told as little.

OVERMOUNT_BENCH_KERNEL is the Linux, _ROUNDS how many boots there are of each, _INITS who takes part.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import arrival
from common import ICOUNT, KERNEL, heading, scenario, table

sys.path.insert(0, str(scenario.TOP / "tests" / "linux"))

import stock  # noqa: E402

ROUNDS = int(os.environ.get("OVERMOUNT_BENCH_ROUNDS", "5"))
FIELD = os.environ.get("OVERMOUNT_BENCH_INITS", "overmount kinit busybox initramfs-tools dracut").split()
UUID = "0a1b2c3d-1111-2222-3333-444455556666"
KLIBC = Path("/usr/lib/klibc/bin")
ENTRY = "title Bench\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\linux.cpio\nroot {}\nroot-wait 10\n"
# What an entry says, and what klibc's kinit is told in its words; it knows no UUID.
BY_UUID, BY_NAME, BY_TYPE = "by UUID", "by name", "by name and type"
OURS = {BY_UUID: f"UUID={UUID}", BY_NAME: "/dev/vda", BY_TYPE: "/dev/vda fstype=ext4"}
KINITS = {BY_NAME: "root=/dev/vda ro", BY_TYPE: "root=/dev/vda rootfstype=ext4 ro"}
KINIT = "#!/bin/sh\n{insmod}exec /bin/kinit\n"
BUSYBOX = f"""#!/bin/busybox sh
PATH=/bin
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
{{insmod}}until root=$(findfs UUID={UUID}); do
	sleep 0.1
done
mount -t ext4 -o ro $root /root
mount --move /dev /root/dev
umount /proc
umount /sys
exec run-init /root /sbin/init
"""


class Shop:
    work = arrival.work("init")


def root_disk():
    disk = Shop.work / "root.img"
    tree = arrival.tree(Shop.work / "root")
    scenario.write_file(tree / "ballast", scenario.pseudo_random("ballast", 8 << 20))
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", disk, "--size", "64", "--type", "ext4",
                 "--uuid", UUID, "--label", "bench", tree)
    # kinit mounts no devtmpfs, and wants a console.
    scenario.run("/usr/sbin/debugfs", "-w", "-f", "/dev/stdin", disk,
                 input="cd dev\nmknod console c 5 1\n")
    return disk


class Modules:
    """Those of our archive, for everybody."""

    def __init__(self):
        stock.base(KERNEL, Shop.work)
        self.tree = Shop.work / "modules"
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        scenario.run("bsdtar", "-xf", Shop.work / "linux.cpio", "-C", self.tree, "./lib", "lib")
        self.folder = next((self.tree / "lib/modules").iterdir())
        order = self.folder / "overmount.order"
        # efivarfs is for an /init that has found no root.
        self.files = [name for name in order.read_text().split() if "efivarfs" not in name]
        shutil.rmtree(self.folder / "kernel/fs/efivarfs", ignore_errors=True)
        order.unlink()
        self.insmod = "".join(f"insmod /lib/modules/{self.folder.name}/{name}\n" for name in self.files)

    def copy(self, target):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.folder, target)


def pack(name, tree):
    archive = Shop.work / f"{name}.cpio"
    scenario.run(scenario.OVERMOUNT, "image", "build", "--no-manifest", "-o", archive, tree)
    return archive


def plain_tree(name, modules, programs, script):
    tree = Shop.work / name
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ("dev", "proc", "sys", "root", "bin", "lib"):
        (tree / directory).mkdir(parents=True)
    for program in programs:
        scenario.write_file(tree / "bin" / program.name, program.read_bytes(), 0o755)
    for library in Path("/lib").glob("klibc-*.so"):
        scenario.write_file(tree / "lib" / library.name, library.read_bytes(), 0o755)
    scenario.write_file(tree / "init", script.format(insmod=modules.insmod).encode(), 0o755)
    modules.copy(tree / "lib/modules" / modules.folder.name)
    return tree


def distribution_tree(name, modules, initrd):
    """An initrd of Debian with our few modules instead of its own many."""
    tree = Shop.work / name
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    subprocess.run(["bsdtar", "-xf", initrd, "-C", tree, "--exclude", "./dev/*", "--exclude", "dev/*"],
                   check=True, capture_output=True)
    base = tree if (tree / "lib").is_dir() else tree / "usr"
    folder = base / "lib/modules" / modules.folder.name
    lists = {path.name: path.read_bytes() for path in folder.glob("modules.*")
             if path.name in ("modules.builtin", "modules.builtin.modinfo", "modules.order")}
    modules.copy(folder)
    for file, data in lists.items():
        (folder / file).write_bytes(data)
    scenario.run("/usr/sbin/depmod", "-b", base, modules.folder.name)
    return tree


def ours():
    size = (scenario.BUILD / "linux" / "init").stat().st_size
    for how, root in OURS.items():
        archive = Shop.work / f"overmount-{how.replace(' ', '-')}.cpio"
        stock.direct(KERNEL, Shop, ENTRY.format(root)).rename(archive)
        yield f"overmount `/init`, {how}", (archive, size, "", ROUNDS)


def small_ones(modules):
    for name, programs, script, ways in (
            ("kinit", [KLIBC / "sh", KLIBC / "insmod", KLIBC / "kinit"],
             KINIT.replace("{insmod}", "PATH=/bin\n{insmod}"), KINITS),
            ("busybox", [scenario.BUSYBOX, KLIBC / "run-init"], BUSYBOX, {BY_UUID: ""})):
        if name not in FIELD:
            continue
        tree = plain_tree(name, modules, programs, script)
        archive, size = pack(name, tree), program_bytes(tree)
        for how, cmdline in ways.items():
            yield f"{name}, {how}", (archive, size, cmdline, ROUNDS)


def those_of_debian(modules):
    made = Path(scenario.run(scenario.TOP / "mk/debian.sh").strip())
    for name, folder, pattern in (("initramfs-tools", "boot", "initrd*"), ("dracut", "dracut", "initramfs*")):
        if name not in FIELD:
            continue
        tree = distribution_tree(name, modules, next((made / folder).glob(pattern)))
        yield f"{name}, {BY_UUID}", (pack(name, tree), program_bytes(tree),
                                     f"root=UUID={UUID} ro fsck.mode=skip", min(ROUNDS, 2))


def contenders():
    """Name: the archive, bytes of its programs, the command line, how many rounds."""
    stock.MODULES = ["virtio_pci", "virtio_blk", "ext4"]
    modules = Modules()
    return {**dict(ours() if "overmount" in FIELD else ()), **dict(small_ones(modules)),
            **dict(those_of_debian(modules))}


def program_bytes(tree):
    """Everything in it but modules; the tree is not needed any more."""
    size = sum(path.lstat().st_size for path in tree.rglob("*")
               if path.is_file() and not path.is_symlink() and "modules" not in path.relative_to(tree).parts)
    shutil.rmtree(tree)
    return size


def packed_bytes(archive):
    return len(subprocess.run(["zstd", "-19", "-qc", archive], check=True, capture_output=True).stdout)


def main():
    heading(f"From Linux {KERNEL}'s hand-over to the first instruction of the final init: virtual ms")
    print("Same modules, same ext4 root on virtio-blk, from the kernel's line `Run /init`. Debian's\n"
          "two initrds are made generic by their own tools, and have our modules here instead of all of theirs.\n")
    disk, times, modules = root_disk(), {}, []
    field = contenders()
    for number in range(ROUNDS):
        for name, (archive, _, cmdline, rounds) in field.items():
            if number >= rounds:
                continue
            machine = stock.machine(KERNEL, Shop.work, [disk], archive, f"{arrival.CONSOLE} {cmdline}",
                                    512, ICOUNT)
            row = arrival.numbers(machine)
            times.setdefault(name, []).append(row["init"])
            if row["modules"]:
                modules.append(row["modules"])
    kib = [(name, programs, os.path.getsize(archive), packed_bytes(archive))
           for name, (archive, programs, _, _) in field.items()]
    table(("", "time", "spread", "runs", "programs KiB", "initrd KiB", "with zstd -19"),
          [(name, *arrival.spread(times[name]), len(times[name]),
            *(f"{size / 1024:.0f}" for size in sizes)) for name, *sizes in kib])
    print(f"\nOf this the kernel's loading of the modules takes {min(modules):.0f} to {max(modules):.0f} "
          "(it checks their signatures),\nwhoever asks for it.")
