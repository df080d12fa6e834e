# SPDX-License-Identifier: MIT
"""Scenarios: images/NAME/scenario.toml and entry.conf become disks, a boot and a judgement.

docs/testing.md describes the format.  Disks are made by `overmount disk`, the same command that
users have; archives by bsdtar, so that what the stage reads was not written by this project.
"""

import hashlib
import os
import random
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import foreign_images
import minix_image
from machine import Machine, Timeout

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("OVERMOUNT_BUILD", TOP / "build"))
IMAGES = TOP / "images"
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1700000000"))
OVERMOUNT = BUILD / "host" / "overmount"
BUSYBOX = Path("/bin/busybox")
TEST_OPTIONS = "verdict=debug-exit leak-check"
ARCHIVE_FORMATS = {"newc": "newc", "ustar": "ustar", "pax": "pax", "gnutar": "gnutar"}


class Failure(Exception):
    """What was expected and did not come."""


def names():
    return sorted(path.parent.name for path in IMAGES.glob("*/scenario.toml"))


def run(*args, **options):
    result = subprocess.run([str(arg) for arg in args], text=True, capture_output=True, **options)
    if result.returncode != 0:
        raise Failure(f"{' '.join(map(str, args))}: exit {result.returncode}\n"
                      f"{result.stdout}{result.stderr}")
    return result.stdout


# ---------------------------------------------------------------- trees

def applets():
    """Names of all applets of busybox, as links to it."""
    listing = subprocess.run([BUSYBOX, "--list"], text=True, capture_output=True, check=True)
    return listing.stdout.split()


def pseudo_random(seed, size):
    """Bytes that no compression or deduplication makes small, the same every time."""
    return random.Random(seed).randbytes(size)


def write_file(path, data, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def write_tree(trees, name, target):
    """Lay tree NAME (with what it inherits) out below TARGET."""
    tree = trees[name]
    if "from" in tree:
        write_tree(trees, tree["from"], target)
    target.mkdir(parents=True, exist_ok=True)
    for directory in tree.get("dirs", []):
        (target / directory).mkdir(parents=True, exist_ok=True)
    if tree.get("busybox"):
        write_file(target / "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for applet in applets():
            link = target / "bin" / applet
            if applet != "busybox" and not link.is_symlink():
                link.symlink_to("busybox")
    for path, source in tree.get("copies", {}).items():
        write_file(target / path, Path(source).read_bytes(), 0o755)
    for path, program in tree.get("programs", {}).items():
        write_file(target / path, (BUILD / "programs" / program).read_bytes(), 0o755)
    for path, text in tree.get("files", {}).items():
        write_file(target / path, text.encode(), 0o755 if text.startswith("#!") else 0o644)
    for path, text in tree.get("links", {}).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).unlink(missing_ok=True)
        (target / path).symlink_to(text)
    for path, count in tree.get("many", {}).items():
        for number in range(count):
            write_file(target / path / f"{number % 100:02}" / f"file-{number:05}",
                       f"{number}\n".encode() * (1 + number % 40))
    for path, mib in tree.get("big", {}).items():
        write_file(target / path, pseudo_random(path, mib << 20))
    for entry in sorted(target.rglob("*"), reverse=True):
        os.utime(entry, (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(target, (EPOCH, EPOCH))


# ---------------------------------------------------------------- files of the ESP and disks

# Those that one command makes of a tree, without root's rights and the same every time.
IMAGE_COMMANDS = {
    "ext3": "/usr/sbin/mke2fs -q -F -t ext3 -b 1024 -d tree image 6M",
    "iso9660": "bsdtar --format iso9660 -cf image -C tree .",
    "romfs": "genromfs -f image -d tree -V overmount",
    "cramfs": "/usr/sbin/mkfs.cramfs -n overmount tree image",
    "squashfs": f"env -u SOURCE_DATE_EPOCH mksquashfs tree image -quiet -no-progress -all-root -mkfs-time {EPOCH}",
    "erofs": f"env -u SOURCE_DATE_EPOCH mkfs.erofs -T{EPOCH} --all-root -U 11111111-2222-3333-4444-555555555555 image tree",
}


def sector_of(image, text):
    """The one sector of IMAGE in which TEXT stands; any, for no text."""
    if text is None:
        return -1
    data = image.read_bytes()
    at = data.find(text.encode())
    if at < 0 or data.find(text.encode(), at + 1) >= 0:
        raise Failure(f"{image}: {text!r} has to be in it exactly once")
    return at // 512


class Workshop:
    """Everything that is made for one scenario, below build/images/NAME/."""

    def __init__(self, name, directory=None):
        self.name = name
        self.source = Path(directory or IMAGES / name)
        self.spec = tomllib.loads((self.source / "scenario.toml").read_text())
        self.work = BUILD / "images" / name
        self.trees = tomllib.loads((IMAGES / "trees.toml").read_text())["tree"]
        self.trees.update(self.spec.get("tree", {}))
        self.digests = {}
        self.faults = {}        # disk: what QEMU is to refuse on it

    def tree(self, name):
        path = self.work / "trees" / name
        if not path.exists():
            write_tree(self.trees, name, path)
        return path

    def make(self, item, target):
        """One file (or directory) as the item says."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if "archive" in item:
            form = ARCHIVE_FORMATS[item["archive"]]
            run("bsdtar", "--format", form, "--uid", "0", "--gid", "0", "--uname", "root",
                "--gname", "root", "-cf", target, "-C", self.tree(item["tree"]), ".")
        elif item.get("image") in IMAGE_COMMANDS:
            names = {"image": target, "tree": self.tree(item["tree"])}
            target.unlink(missing_ok=True)
            run(*[names.get(word, word) for word in IMAGE_COMMANDS[item["image"]].split()],
                *item.get("options", []))
        elif item.get("image") in foreign_images.MAKERS:
            foreign_images.MAKERS[item["image"]](target, self.tree(item["tree"]), item.get("mib"))
        elif item.get("image") == "minix":
            target.write_bytes(bytes(item["mib"] << 20))
            run("/usr/sbin/mkfs.minix", *item.get("options", []), target)
            minix_image.main(target, self.tree(item["tree"]))
        elif "image" in item:
            options = ["--size", item["mib"], "--type", item["image"]]
            for key in ("uuid", "label"):
                if key in item:
                    options += [f"--{key}", item[key]]
            run(OVERMOUNT, "disk", "root", "-o", target, *options, self.tree(item["tree"]))
        elif "copy" in item:
            shutil.copyfile(BUILD / item["copy"], target)
        elif "tree" in item:
            shutil.copytree(self.tree(item["tree"]), target, symlinks=True)
        else:
            write_file(target, item["text"].encode())
        if "compress" in item:          # a command that reads its input and writes its output
            packed = target.with_suffix(".packed")
            with target.open("rb") as plain, packed.open("wb") as out:
                subprocess.run(item["compress"].split(), stdin=plain, stdout=out, check=True)
            packed.replace(target)
        if "truncate" in item:
            os.truncate(target, target.stat().st_size - item["truncate"])
        if target.is_file():
            self.digests[item.get("path", target.name)] = \
                hashlib.sha256(target.read_bytes()).hexdigest()
        if "damage" in item:            # after the digest was taken
            with target.open("r+b") as file:
                file.seek(item["damage"])
                byte = file.read(1)
                file.seek(item["damage"])
                file.write(bytes([byte[0] ^ 0xff]))

    def entry_text(self, path):
        text = path.read_text()
        for name, digest in self.digests.items():
            text = text.replace("@" + name + "@", digest)
        return text

    def esp(self, stage="efi", options=TEST_OPTIONS):
        esp = self.work / "esp"
        write_file(esp / "EFI/BOOT/BOOTX64.EFI",
                   (BUILD / stage / "overmount.efi").read_bytes())
        write_file(esp / "overmount/stub.elf",
                   (BUILD / "stub" / "overmount-stub.elf").read_bytes())
        for item in self.spec.get("esp", []):
            self.make(item, esp / item["path"])
        config = self.source / "overmount.conf"
        write_file(esp / "EFI/overmount/overmount.conf",
                   config.read_bytes() if config.exists() else
                   self.spec.get("config", "timeout 0\nconsole serial\n").encode())
        for entry in sorted(self.source.glob("*.conf")):
            if entry.name == "overmount.conf":
                continue
            text = self.entry_text(entry)
            if options:
                text += f"options {options}\n"
            write_file(esp / "loader/entries" / entry.name, text.encode())
        for path in sorted(esp.rglob("*"), reverse=True):
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
        return esp

    def disks(self, **options):
        """Make everything; the list of disks, the one to boot first."""
        options.setdefault("stage", self.spec.get("stage", "efi"))
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        parts = []
        for number, item in enumerate(self.spec.get("partition", [])):
            image = self.work / f"part{number}.img"
            self.make(item, image)
            parts.append(f"{image}:{item.get('type', '8300')}:{item.get('name', 'root')}:"
                         f"{item.get('partuuid', '')}".rstrip(":"))
        others = []
        for number, item in enumerate(self.spec.get("disk", [])):
            image = self.work / f"disk{number}.img"
            self.make(item, image)
            if "partuuid" in item:      # the only partition of a disk
                part = image.rename(self.work / f"disk{number}.part")
                run(OVERMOUNT, "disk", "gpt", "-o", image, f"{part}:8300:root:{item['partuuid']}")
                part.unlink()
            if "faults" in item:
                self.faults[image] = [(fault["iotype"], sector_of(image, fault.get("where")))
                                      for fault in item["faults"]]
            others.append(image)
        esp = self.esp(**options)
        run(OVERMOUNT, "disk", "esp", "-o", self.work / "esp.img", esp)
        boot = self.work / "boot.img"
        run(OVERMOUNT, "disk", "gpt", "-o", boot, f"{self.work / 'esp.img'}:ef00:esp", *parts)
        (self.work / "esp.img").unlink()
        for number in range(len(parts)):
            (self.work / f"part{number}.img").unlink()
        shutil.rmtree(self.work / "trees", ignore_errors=True)
        return [boot, *others]

    def remove(self, disks):
        for disk in disks:
            disk.unlink()
        shutil.rmtree(self.work / "esp")


# ---------------------------------------------------------------- the judgement

def check_text(text, spec):
    """Every `expect` in its order, and no `reject`."""
    at = 0
    for pattern in spec.get("expect", []):
        match = re.compile(pattern, re.M).search(text, at)
        if not match:
            elsewhere = " (it is there, but earlier)" if re.search(pattern, text, re.M) else ""
            raise Failure(f"not seen: {pattern}{elsewhere}")
        at = match.end()
    for pattern in spec.get("reject", []):
        match = re.search(pattern, text, re.M)
        if match:
            raise Failure(f"must not be seen: {pattern}: {match.group(0)}")


def play(machine, spec):
    """The keys of the scenario, then the end: the verdict."""
    timeout = spec.get("timeout", 60)
    for step in spec.get("keys", []):
        machine.expect(step["after"], timeout)
        machine.send(step["send"])
    return machine.finish(timeout)


def judge(shop, disks, work, extra=(), echo=None):
    """Boot DISKS, with what belongs to this boot in WORK; Failure with the end of the log."""
    spec = shop.spec
    log = Path(work) / "serial.log"
    log.unlink(missing_ok=True)
    try:
        with Machine(work, disks, spec.get("memory", 256), [*spec.get("qemu", []), *extra],
                     echo, faults=shop.faults) as machine:
            verdict = play(machine, spec)
            text = machine.text
        want = spec.get("verdict", "poweroff")
        if verdict != want:
            raise Failure(f"verdict is {verdict}, expected {want}")
        check_text(text, spec)
    except (Failure, Timeout) as error:
        tail = log.read_text("utf-8", "replace")[-4000:] if log.exists() else ""
        raise Failure(f"{shop.name}: {error}\n--- end of {log}:\n{tail}\n"
                      f"--- again: make boot S={shop.name}") from None
    return text


def boot(name, echo=None):
    """Make, boot and judge scenario NAME; raises Failure with the end of the log."""
    shop = Workshop(name)
    disks = shop.disks()
    text = judge(shop, disks, shop.work, echo=echo)
    if not os.environ.get("OVERMOUNT_KEEP"):
        shop.remove(disks)
    return text
