# SPDX-License-Identifier: MIT
"""A root by every form of its name, what the hand-over leaves on stock kernels, and that the stub does
the same with the same descriptor."""

import hashlib
import re
import shutil
import subprocess

import pytest

import stock
from machine import Machine
from menu import Menu
from monitor import Monitor
from stock import scenario

UUID = "0a1b2c3d-1111-2222-3333-444455556666"
PARTUUID = "11111111-2222-3333-4444-555555555555"
# Each form on one of the kernels: what finds devices is the same program on both.
FORMS = {
    "7.3": ["/dev/vda2", f"UUID={UUID}", f"PARTUUID={PARTUUID}/PARTNROFF=1", "LABEL=Final"],
    "6.1": [f"UUID={UUID.upper()}", "PARTLABEL=final-root", "254:2", "fe02"],
}
ARCHIVE_MIB = 64
STORY = re.compile(r"overmount: ((?:root|overmount|absolute root|init): .*?)\r?$", re.M)
WITH_DEVICES = re.compile(STORY.pattern.replace("root|", "root|devices|", 1), re.M)


def root_disk(work, dev=True):
    """Two partitions; the second has the root."""
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("proc", "sys", "run", "mnt", "sbin", "tmp", *["dev"] * dev):
        (tree / name).mkdir(parents=True)
    (tree / "mnt" / "inside").write_text("inside\n")
    shutil.copyfile(scenario.BUILD / "programs" / "handover", tree / "sbin" / "init")
    (tree / "sbin" / "init").chmod(0o755)
    for name, label, uuid in (("a", "Other", "0a1b2c3d-1111-2222-3333-000000000000"),
                              ("b", "Final", UUID)):
        scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", work / name, "--size", "16",
                     "--type", "ext4" if name == "b" else "ext2", "--uuid", uuid, "--label", label,
                     tree)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", work / "disk",
                 f"{work}/a:8300:other-root:{PARTUUID}", f"{work}/b:8300:final-root")
    return work / "disk"


class Shop:
    def __init__(self, name):
        self.work = scenario.BUILD / "images" / name
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)


def pool_member(work):
    """A disk of a ZFS pool that was ext2 before: the old superblock, of our UUID, is still there.

    libblkid takes no disk of less than 64 MiB for one.
    """
    tree = work / "stale"
    tree.mkdir()
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", work / "member", "--size", "64", "--type",
                 "ext2", "--uuid", UUID, tree)
    with (work / "member").open("r+b") as disk:
        for label in (0, 256 << 10):
            disk.seek(label + (16 << 10))
            disk.write(bytes([1, 1, 0, 0]) + bytes(7) + b"\1")      # pairs, their names unique
            for slot in range(8):
                disk.seek(label + (128 << 10) + slot * 1024)
                disk.write((0x00bab10c).to_bytes(8, "little"))
    return work / "member"


def entry(*lines):
    return "\n".join(["title Root", "linux \\overmount\\vmlinuz", "initrd \\overmount\\linux.cpio",
                      *lines, ""])


def plug_in(machine, work, disk):
    """While it is waited for."""
    machine.expect(r"overmount: root: \S+: no such device", 60)
    machine.expect(r"overmount: root: waiting at most 60\.000 s for it to appear", 10)
    monitor = Monitor(work / "monitor")
    monitor.call("blockdev-add", **{"driver": "raw", "node-name": "late",
                                    "file": {"driver": "file", "filename": str(disk)}})
    monitor.call("device_add", driver="virtio-blk-pci", id="late", drive="late", bus="late-slot")
    monitor.close()


def boot(version, name, text, cmdline="", late=False):
    """With LATE the disk comes late, and has no /dev."""
    shop = Shop(f"linux-{version}-{name}")
    layer = shop.work / "ballast"
    layer.mkdir()
    scenario.write_file(layer / "ballast", scenario.pseudo_random("ballast", ARCHIVE_MIB << 20))
    archive = stock.direct(version, shop, text, layers=[layer])
    disk = root_disk(shop.work, not late)
    slot = ["-qmp", f"unix:{shop.work}/monitor,server=on,wait=off",
            "-device", "pcie-root-port,id=late-slot,chassis=1,slot=1"]
    with stock.machine(version, shop.work, [] if late else [disk], archive, cmdline,
                       extra=slot * late) as machine:
        if late:
            plug_in(machine, shop.work, disk)
        machine.finish(90)
        return machine.text, shop


def memory_used(text):
    """In MiB, as init saw it."""
    memory = {key: int(kib) >> 10 for key, kib in re.findall(r"(Mem\w+): +(\d+) kB", text)}
    return memory["MemTotal"] - memory["MemAvailable"]


class Forms(Menu):
    DISK, COUNT = 64 << 20, 2

    def disks(self, **options):
        return [*super().disks(**options), root_disk(self.work), pool_member(self.work)]


def forms_of(version):
    return FORMS.get(version, FORMS["7.3"])


@pytest.fixture(scope="module")
def menu():
    result = Forms("linux-forms")
    result.cases = {(version, form): result.add(version, f"root {form}") for version in stock.KERNELS
                    if stock.there(version) for form in forms_of(version)}
    result.start()
    yield result
    result.remove()


@pytest.mark.parametrize("version, form", [(version, form) for version in stock.KERNELS
                                           for form in forms_of(version)])
def test_form(menu, version, form):
    stock.tree(version)
    pool = form.startswith("UUID")
    verdict, text = menu.boot(menu.cases[version, form], *((1, 0) if pool else (0, 1)))
    assert f"overmount: root: /dev/vd{'b' if pool else 'a'}2 is ext4, mounted read-only" in text, text[-4000:]
    assert text.count(" ok\n") == 9 and "H > argv 0 /sbin/init" in text, text[-4000:]
    assert verdict == "poweroff"


def numbers(lines):
    """How much of the absolute root is left is this kernel's own."""
    return [re.sub(r"\d+", "N", line) if line.startswith("absolute root") else line
            for line in lines]


@pytest.mark.parametrize("version", stock.KERNELS)
def test_handover(version):
    text, shop = boot(version, "handover",
                      entry("root /dev/vda9", "root /dev/vda2 rw", "init /sbin/init a b",
                            "root-flags noatime,x-note=1,errors=continue"),
                      "single note=kept virtio-blk.num_request_queues=1 modprobe.blacklist=none,romfs")
    seen = dict(line.split(" ", 1) for line in re.findall(r"^H ([a-z_-]+ .*)", text, re.M))
    assert set(seen.values()) == {"ok"} and len(seen) == 9, text[-4000:]
    told = re.findall(r"^H > (.*)", text, re.M)
    assert told[:3] == ["argv 0 /sbin/init", "argv 1 a", "argv 2 b"]
    assert [line for line in told if line.startswith("env ")] == ["env HOME=/", "env TERM=linux", "env note=kept"]
    # What mount(8) and modprobe(8) understand, and the kernel by itself does not.
    assert any(" / / rw,noatime " in line for line in told) and "1" in told, told
    assert "romfs.ko: not loaded, as modprobe.blacklist= asks" in text
    status = dict(line.split(":\t") for line in told if ":\t" in line)
    assert status == {"SigBlk": "0" * 16, "SigIgn": "0" * 16, "SigCgt": "0" * 16, "TracerPid": "0"}
    places = [line.split()[4] for line in told if " - " in line]
    assert [place for place in places if place != "/"] == ["/dev", "/proc"], told
    # Without giving back, this much more would be missing.
    assert memory_used(text) < ARCHIVE_MIB, text[-4000:]
    # The host has told the same story.
    told = subprocess.run([scenario.OVERMOUNT, "explain", "--missing", "1",
                           shop.work / "esp/loader/entries/direct.conf"], text=True,
                          capture_output=True).stdout
    wanted = [line for line in STORY.findall(told)]
    assert numbers(STORY.findall(text)) == numbers(wanted), told + text[-4000:]


@pytest.mark.parametrize("version", stock.KERNELS)
def test_a_late_disk_without_dev_and_an_absolute_root_that_is_kept(version):
    """The kernel tells of the disk; what init says has somewhere to go; nothing is given back, and the
    final root is as safe as ever."""
    text, _ = boot(version, "late", entry("root LABEL=Final", "root-wait 60", "keep-ramfs yes"), late=True)
    assert "overmount: root: /dev/vda2 is ext4, mounted read-only" in text, text[-4000:]
    assert "overmount: devfs: not mounted on /dev: " in text, text[-4000:]
    assert text.count(" ok\n") == 9 and "H > argv 0 /sbin/init" in text, text[-4000:]
    assert "overmount: absolute root: kept as it is" in text and memory_used(text) >= ARCHIVE_MIB, text[-4000:]


def test_one_story_for_one_descriptor(tmp_path):
    """The host's dry run, the stub and a stock Linux, on the same disk."""
    lines = ("root /dev/vda9\nroot PARTLABEL=nobody\n"
             "root /dev/vda2 fstype=ext2 rw\n")
    shop = scenario.Workshop("gpt-partuuid")
    shop.work, shop.source = scenario.BUILD / "images/one-story", tmp_path
    scenario.write_file(tmp_path / "direct.conf", f"title Story\nkernel \\overmount\\stub.elf\n{lines}".encode())
    disks = shop.disks()
    conf = shop.work / "esp/loader/entries/direct.conf"

    def descriptor():
        scenario.run(scenario.OVERMOUNT, "descriptor", "build", "--esp", shop.work / "esp", "-o",
                     tmp_path / "descriptor", conf)
        return (tmp_path / "descriptor").read_bytes()

    def explained():
        return STORY.findall(scenario.run(scenario.OVERMOUNT, "explain", "--missing", "1", "--missing", "2", conf))

    of_stub, dry = descriptor(), explained()
    with Machine(shop.work, disks) as machine:
        machine.finish(60)
        on_stub = machine.text[machine.text.index("overmount: devices: "):]
    archive = stock.direct(stock.KERNELS[-1], shop,
                           f"title Story\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\linux.cpio\n{lines}"
                           f"options {scenario.TEST_OPTIONS}\n", modules=["ext4"])
    assert descriptor() == of_stub
    with stock.machine(stock.KERNELS[-1], shop.work, disks, archive) as machine:
        machine.finish(90)
        on_linux = machine.text
    told = [numbers(story) for story in (dry, explained(), STORY.findall(on_stub), STORY.findall(on_linux))]
    assert told[0] and told == [told[0]] * 4, "\n".join(map(str, told))
    # Which devices there are is nothing that the host could know.
    assert numbers(WITH_DEVICES.findall(on_stub)) == numbers(WITH_DEVICES.findall(on_linux)), on_stub + on_linux
    shop.remove(disks)


def test_an_erofs_without_a_loop_device():
    """Mounted from its file, which nobody sees any more; on a kernel that has no module for loop devices."""
    shop = Shop("linux-7.3-erofs-file")
    init = ("#!/bin/busybox sh\nb=/bin/busybox\n$b mount -t proc proc /proc\n"
            """echo "T $($b awk '$5 == "/" { print $(NF - 2), substr($6, 1, 2) }' /proc/self/mountinfo)"\n"""
            'echo "T $($b sha256sum < /bin/busybox)"\n$b poweroff -f\n')
    scenario.write_tree({"root": {"dirs": ["proc", "sys", "dev"], "copies": {"bin/busybox": scenario.BUSYBOX},
                                  "files": {"sbin/init": init}}}, "root", shop.work / "root")
    scenario.run("mkfs.erofs", "--all-root", shop.work / "root.erofs", shop.work / "root")
    gone = f"lib/modules/{stock.release('7.3')}/kernel/drivers/block/.wh.loop.ko"
    scenario.write_tree({"layer": {"copies": {"root.erofs": shop.work / "root.erofs"}, "files": {gone: ""}}},
                        "layer", shop.work / "layer")
    archive = stock.direct("7.3", shop, entry("root image:/root.erofs"), layers=[shop.work / "layer"])
    with stock.machine("7.3", shop.work, [], archive, "root=image:/root.erofs") as machine:
        machine.finish(90)
        text = machine.text
    assert "overmount: image: /root.erofs: no loop devices here, erofs is mounted from the file" in text, text[-4000:]
    # As `overmount explain` names it.
    assert "overmount: root: /dev/root is erofs, mounted read-only" in text, text[-4000:]
    digest = hashlib.sha256(scenario.BUSYBOX.read_bytes()).hexdigest()
    assert re.findall(r"^T (.*?) *$", text, re.M) == ["erofs ro", f"{digest}  -"], text[-4000:]


def test_what_is_not_known_to_be_an_absolute_root_is_not_emptied():
    """Its /init is another program: nothing is deleted, and nobody gets there any more all the same."""
    shop = Shop("linux-7.3-guard")
    disk = root_disk(shop.work)
    scenario.write_tree({"layer": {"copies": {"other": scenario.BUILD / "linux/init"}}}, "layer", shop.work / "layer")
    archive = stock.direct("7.3", shop, entry("root /dev/vda2"), layers=[shop.work / "layer"])
    with stock.machine("7.3", shop.work, [disk], archive, "rdinit=/other") as machine:
        machine.finish(90)
        text = machine.text
    assert "overmount: absolute root: cannot be emptied: not permitted (EPERM)" in text, text[-4000:]
    assert text.count(" ok\n") == 9, text[-4000:]
