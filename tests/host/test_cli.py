# SPDX-License-Identifier: MIT
"""overmount(1) as a user meets it: output, exit status, and what it refuses."""

import gzip
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/boot"))

import scenario  # noqa: E402

ENTRY = """title    Test
kernel   \\overmount\\stub.elf
ramfs    \\overmount\\base
file     \\overmount\\key /etc/key mode=0400
ramdisk  index=0 \\overmount\\root.ext2
root     /dev/ram0 rw
root     PARTUUID=11111111-2222-3333-4444-555555555555
init     /sbin/start "two words"
"""


def overmount(*args, status=0, **options):
    """Run it; the output of both streams, after checking the exit status."""
    result = subprocess.run([str(scenario.OVERMOUNT), *map(str, args)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.fixture
def esp(tmp_path):
    """An ESP with one good entry: a directory layer, a single file, a ram disk."""
    root = tmp_path / "esp"
    for path, mode in (("overmount/base/sbin/start", 0o755), ("overmount/base/bin/busybox", 0o755)):
        scenario.write_file(root / path, scenario.BUSYBOX.read_bytes(), mode)
    scenario.write_file(root / "overmount/key", b"secret\n")
    scenario.write_file(root / "overmount/stub.elf",
                        (scenario.BUILD / "stub/overmount-stub.elf").read_bytes())
    tree = tmp_path / "tree"
    scenario.write_file(tree / "sbin/start", scenario.BUSYBOX.read_bytes(), 0o755)
    overmount("disk", "root", "-o", root / "overmount/root.ext2", "--size", 8, tree)
    scenario.write_file(root / "loader/entries/test.conf", ENTRY.encode())
    return root


def entry_of(esp):
    return esp / "loader/entries/test.conf"


def damage(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xff
    path.write_bytes(data)


# ---------------------------------------------------------------- usage

def test_help_and_usage():
    text = overmount("--help")
    commands = ("check", "explain", "descriptor", "image", "disk", "boot", "handoff",
                "install")
    for command in commands:
        assert f"\n  {command} " in text
        assert overmount(command, "--help").startswith(f"Usage: overmount {command}")
        assert "--no-such-option" in overmount(command, "--no-such-option", status=2)
    overmount(status=2)
    overmount("chek", status=2)
    assert overmount("--version").startswith("overmount ")


def test_manual_page_names_every_command_and_option():
    page = (TOP / "man/overmount.1").read_text().replace("\\-", "-")
    for command in ("check", "explain", "descriptor", "image", "disk", "boot", "handoff",
                "install"):
        for word in overmount(command, "--help").replace(",", " ").replace("[", " ").split():
            if word.startswith("--") and word.strip("]|.") not in ("--help", "--output", "--"):
                for option in word.strip("].").split("|"):
                    name = option.lstrip("-").split("=")[0]
                    assert f"-{name}" in page, f"{command}: {option}"


# ---------------------------------------------------------------- check and explain

def test_check_good(esp):
    assert "0 refused" in overmount("check", esp) or "good" in overmount("check", esp)


@pytest.mark.parametrize("old, new, place, words", [
    ("root     /dev/ram0 rw", "rooot    /dev/ram0", "6:1: warning", "did you mean 'root'"),
    ("root     /dev/ram0 rw", "root     /dev/ram7", "6:10: error", "ram"),
    ("mode=0400", "mode=0900", "4:", "error"),
    ("\\overmount\\key", "\\overmount\\kee", "4:10: error", "is not there"),
    ("title    Test", "root-wait soon", "1:11: error", "expected a number"),
])
def test_check_names_the_place(esp, old, new, place, words):
    entry_of(esp).write_text(ENTRY.replace(old, new))
    text = overmount("check", esp, status=0 if "warning" in place else 1)
    assert f"test.conf:{place}" in text
    assert words in text


LINUX = TOP / "tests/fuzz/corpus/elf/linux.pe"
DISKLESS = "title Diskless\nlinux \\overmount\\vmlinuz\nramfs \\overmount\\base\n"


@pytest.mark.parametrize("lines, told", [
    ("root nfs:192.0.2.1:/srv rw\noptions ip=dhcp\n", []),
    ("root nfs:/srv\n", []),
    ("root /dev/nfs\noptions quiet ip=192.0.2.7:192.0.2.1 nfsroot=/srv/%s,vers=3\n", []),
    ("root /dev/vda1\noptions ip=eth0:::::dhcp\n", []),
    ("root nfs:/srv\noptions ip=eth0:dhcp\n", []),
    ("root nfs:/srv\noptions quiet ip=eth0:::::dhcp\n",
     ["5:18: error: ip=: 'eth0' is no IPv4 address for CLIENT", "hint: expected CLIENT:SERVER:GATEWAY"]),
    ("root nfs:/srv\noptions ip=192.0.2.7::192.0.2.1:24::eth0:off\n",
     ["5:33: error: ip=: '24' is no NETMASK", "hint: expected CLIENT:SERVER:GATEWAY"]),
    ("root nfs:/srv\noptions \"ip=dchp\"\n",
     ["5:13: error: ip=: 'dchp' is not one of dhcp, bootp, on, any, off and none", "hint: or CLIENT:"]),
    ("root nfs:/srv\noptions ip=off\n",
     ["5:12: error: ip= switches off the network that the root needs", "hint: write ip=dhcp"]),
    ("root nfs:/srv\noptions ip=192.0.2.7\n",
     ["4:10: error: neither the specification nor ip= nor DHCP names a server", "hint: write nfs:SERVER"]),
    ("root /dev/vda1\nroot nfs:192.0.2.9:files:/srv rw\n",
     ["5:20: error: the server cannot be looked up by name", "hint: write its IPv4 address"]),
    ("options root=/dev/nfs nfsroot=files.example.org:/srv\n",
     ["4:31: error: the server cannot be looked up by name", "hint: write its IPv4 address"]),
    ("root nfs:192.0.2.1:/srv,port=nfs\nroot nfs:files:/srv\n",
     ["4:20: error: a port is a number from 1 to 65535", "hint: such as port=2049",
      "5:10: error: the server cannot be looked up by name"]),
])
def test_check_looks_at_network_roots(esp, lines, told):
    """What /init would say at boot."""
    shutil.copy(LINUX, esp / "overmount/vmlinuz")
    entry_of(esp).write_text(DISKLESS + lines)
    text = overmount("check", esp, status=1 if told else 0)
    for words in told:
        assert words in text, text
    assert text.count(": error: ") == sum(": error: " in words for words in told), text


def test_check_leaves_other_initrds_their_ip(esp):
    """An initrd of dracut reads what ours does not."""
    shutil.copy(LINUX, esp / "overmount/vmlinuz")
    (esp / "overmount/initrd").write_bytes(gzip.compress(b"an archive"))
    entry_of(esp).write_text("title Dracut\nlinux \\overmount\\vmlinuz\ninitrd \\overmount\\initrd\n"
                             "options root=/dev/nfs ip=eth0:dhcp6\n")
    overmount("check", esp)


def test_check_reads_what_the_stage_reads(esp):
    """A NUL does not end the text, and a folder is no entry, whatever it is called."""
    (esp / "loader/entries/folder.conf").mkdir()
    assert "checked 1 entry: 0 refused" in overmount("check", esp)
    entry_of(esp).write_bytes(ENTRY.encode() + b"\0\nroot\n")
    assert f"test.conf:{len(ENTRY.splitlines()) + 1}:1: error" in overmount("check", esp, status=1)


@pytest.mark.parametrize("more, told, story", [
    ("", "/linux: without an initrd the kernel mounts its root itself", False),
    ("initrd /initrd\n", "/linux: its initrd is handed over as it is", False),
    ("initrd /initrd\ninit /sbin/init\n", "the final root covers /", True),
])
def test_explain_what_is_not_ours(tmp_path, more, told, story):
    """An entry of the specification alone starts somebody else's /init: late boot is not ours."""
    esp = tmp_path / "esp"
    conf = esp / "loader/entries/test.conf"
    scenario.write_file(esp / "linux", (TOP / "tests/fuzz/corpus/elf/linux.pe").read_bytes())
    scenario.write_file(esp / "initrd", (TOP / "tests/fuzz/corpus/cpio/gnu-newc").read_bytes())
    scenario.write_file(conf, f"linux /linux\n{more}options root=/dev/vda2 ro\n".encode())
    text = overmount("explain", conf)
    assert told in text and ("overmount: root:" in text) == story


def test_check_digests(esp):
    entry_of(esp).write_text(ENTRY.replace("\\overmount\\key", "\\overmount\\key#sha256=" + "0" * 64))
    overmount("check", esp)
    assert "sha256" in overmount("check", "--digests", esp, status=1)


def test_explain_tells_the_boot(esp):
    text = overmount("explain", entry_of(esp))
    story = ["root: /dev/ram0 is ext2, mounted read-write", "overmount: the final root covers /",
             "init: /sbin/start"]
    at = 0
    for line in story:
        assert line in text[at:], text
        at = text.index(line, at)
    text = overmount("explain", "--missing", 1, entry_of(esp))
    assert "root: /dev/ram0: no such device" in text
    assert "overmount: the final root covers /" in text


MOUNTED = "erofs is mounted from the file"


@pytest.mark.parametrize("module, image, options, told, device", [
    ("loop", "erofs", "root=x", None, "loop0"),
    ("virtio_blk", "erofs", "quiet root=x", f"{MOUNTED} (Linux 6.12", "root"),
    ("virtio_blk", "erofs", "nfsroot=x", f"{MOUNTED}, which needs any root= in `options`", "loop0"),
    ("virtio_blk", "ext2", "root=x", None, "loop0"),
])
def test_explain_an_image_of_the_absolute_root(tmp_path, module, image, options, told, device):
    """Where there is no loop, /init mounts an erofs from its file (tests/linux boots that)."""
    esp, tree = tmp_path / "esp", tmp_path / "tree"
    scenario.write_file(esp / "linux", (TOP / "tests/fuzz/corpus/elf/linux.pe").read_bytes())
    scenario.write_file(tree / f"lib/modules/9.9/kernel/{module}.ko", b"")
    scenario.write_file(tmp_path / "root/sbin/init", b"#!/bin/sh\n", 0o755)
    if image == "erofs":
        scenario.run("mkfs.erofs", tree / "root.img", tmp_path / "root")
    else:
        overmount("disk", "root", "-o", tree / "root.img", "--size", 1, tmp_path / "root")
    overmount("image", "build", "-o", esp / "linux.cpio", tree)
    conf = esp / "loader/entries/test.conf"
    scenario.write_file(conf, f"linux /linux\nramfs /linux.cpio\nroot image:/root.img\n"
                        f"options {options}\n".encode())
    text = overmount("explain", conf)
    assert f"root: /dev/{device} is {image}, mounted read-only" in text
    assert told in text if told else MOUNTED not in text


# ---------------------------------------------------------------- descriptor

def test_descriptor(esp, tmp_path):
    out = tmp_path / "root.descriptor"
    overmount("descriptor", "build", "-o", out, entry_of(esp))
    again = tmp_path / "again"
    overmount("descriptor", "build", "-o", again, entry_of(esp))
    assert out.read_bytes() == again.read_bytes()
    assert out.read_bytes()[:8] == b"OVMTROOT"
    text = overmount("descriptor", "show", out)
    assert "/dev/ram0" in text and '"two words"' in text
    shown = json.loads(overmount("descriptor", "show", "--json", out))
    assert "/dev/ram0" in json.dumps(shown)
    overmount("descriptor", "verify", out)
    for offset in (0, 9, 20, len(out.read_bytes()) - 1):
        damage(out, offset)
        overmount("descriptor", "verify", out, status=1)
        damage(out, offset)


@pytest.mark.parametrize("counters", ["+3", "+2-1"])
def test_counters_are_no_part_of_an_entry(esp, tmp_path, counters):
    """As the stage sees it: the same descriptor, whatever is left of its tries."""
    made = []
    for name in (entry_of(esp), entry_of(esp).with_name(f"test{counters}.conf")):
        name.write_text(ENTRY)
        overmount("descriptor", "build", "-o", tmp_path / "out", name)
        made.append((tmp_path / "out").read_bytes())
    assert made[0] == made[1]


# ---------------------------------------------------------------- disk

def test_disk_root_takes_any_name(tmp_path):
    """mke2fs fills it, debugfs settles owners and times: neither must stumble over a name."""
    tree, out = tmp_path / "tree", tmp_path / "out"
    for name in ("debugfs", "sbin/debugfs", 'a "quoted" one', "back\\slash", "debugfs: debugfs",
                 "two  blanks "):
        scenario.write_file(tree / name, f"of {name}".encode())
    overmount("disk", "root", "-o", tmp_path / "root.img", "--size", 8, tree)
    out.mkdir()
    scenario.run("/usr/sbin/debugfs", "-R", f"rdump / {out}", tmp_path / "root.img")
    shutil.rmtree(out / "lost+found")
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} \
        == {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    scenario.run("/usr/sbin/e2fsck", "-fn", tmp_path / "root.img")


@pytest.mark.parametrize("names", [("file", "FILE"), ("dir/a", "DIR/b"), ("d/x", "d/X")])
def test_names_that_are_one_on_fat(tmp_path, names):
    for name in names:
        scenario.write_file(tmp_path / "tree" / name, b"x")
    text = overmount("disk", "esp", "-o", tmp_path / "esp.img", tmp_path / "tree", status=1)
    assert "are the same name on FAT" in text
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("command", [["check"], ["explain"], ["image", "list"], ["descriptor", "show"],
                                     ["image", "build", "-o", "out"]])
def test_a_pipe_is_no_file(tmp_path, command):
    """Nobody writes into it: it is refused instead of waited for."""
    os.mkfifo(tmp_path / "pipe")
    overmount(*command, "pipe", status=1, cwd=tmp_path, timeout=20)


@pytest.mark.parametrize("step", [1, 2])
def test_an_output_that_cannot_be_finished(tmp_path, faults, step):
    """Neither written nor given its name: what was there stays, and nothing is left beside it."""
    (tmp_path / "layer").mkdir()
    (tmp_path / "out").write_bytes(b"old")
    text = overmount("image", "build", "-o", "out", "layer", status=1, cwd=tmp_path,
                     env={**os.environ, **faults, "FAULT_KIND": "disk", "FAULT_AT": str(step),
                          "FAULT_ERRNO": str(errno.ENOSPC)})
    assert "out: error: cannot " + ("write", "rename to")[step - 1] in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer", "out"]
    assert (tmp_path / "out").read_bytes() == b"old"


# ---------------------------------------------------------------- image

def test_image(esp, tmp_path):
    out = tmp_path / "root.cpio"
    overmount("image", "build", "-o", out, "--entry", entry_of(esp))
    listing = overmount("image", "list", out)
    assert "etc/key" in listing and "dev/console" in listing
    assert overmount("image", "extract", out, "/etc/key") == "secret\n"
    assert "etc/key" in overmount("image", "manifest", out)
    assert json.loads(overmount("image", "list", "--json", out))
    overmount("image", "extract", out, "/etc/none", status=1)
    # What it holds is what a descriptor of its own says.
    assert overmount("descriptor", "verify", out) is not None


def test_image_reads_what_libarchive_reads(tmp_path):
    tree = tmp_path / "tree"
    scenario.write_file(tree / "data/file", b"content\n")
    for name, command in (("a.zip", ["zip", "-qr"]), ("a.tar.xz", ["tar", "-cJf"])):
        scenario.run(*command, tmp_path / name, "data", cwd=tree)
        out = tmp_path / "out.cpio"
        overmount("image", "build", "-o", out, tmp_path / name)
        assert overmount("image", "extract", out, "/data/file") == "content\n"


def test_image_says_the_name_once(tmp_path):
    archive = tmp_path / "cut.tar"
    (tmp_path / "file").write_bytes(b"x" * 2000)
    scenario.run("tar", "-cf", archive, "file", cwd=tmp_path)
    archive.write_bytes(archive.read_bytes()[:1500])
    text = overmount("image", "build", "-o", tmp_path / "out", archive, status=1)
    assert text.startswith(f"{archive}: error: file: the archive ends inside its data")


def test_image_refuses_an_escape(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "evil").write_text("x")
    scenario.run("tar", "-P", "-cf", tmp_path / "evil.tar", "../evil", cwd=tmp_path / "in")
    out = tmp_path / "out.cpio"
    text = overmount("image", "build", "-o", out, tmp_path / "evil.tar", status=1)
    assert "evil.tar" in text and "../evil" in text
    assert not out.exists()


# ---------------------------------------------------------------- handoff

@pytest.fixture
def parts(esp, tmp_path):
    archive = tmp_path / "archive.cpio"
    overmount("image", "build", "-o", archive, "--page-align", "--entry", entry_of(esp))
    return archive, esp / "overmount/root.ext2"


def judge(parts, *options, status):
    archive, image = parts
    text = overmount("handoff", *options, "--archive", archive, "--image", f"0={image}",
                     status=status)
    last = text.strip().splitlines()[-1]
    assert last.startswith("handoff: good" if status == 0 else "handoff: bad:"), text
    return text


def failures(text):
    """The checks that failed, without their numbers."""
    return [re.sub(r"^not ok \d+ - ", "", line) for line in text.splitlines()
            if line.startswith("not ok")]


def test_handoff_good(parts):
    text = judge(parts, status=0)
    assert not failures(text)
    assert "init: /sbin/start of ram disk 0 can be started" in text
    assert "PARTUUID=11111111-2222-3333-4444-555555555555 # SKIP needs the machine" in text


def test_handoff_esp(esp):
    assert overmount("handoff", esp, entry_of(esp)).strip().endswith("handoff: good")


def test_handoff_descriptor_damaged(parts):
    archive, _ = parts
    damage(archive, archive.read_bytes().index(b"OVMTROOT") + 24)
    text = judge(parts, "--init", "/sbin/start", status=1)
    assert failures(text) == ["descriptor: valid, checksum right"]
    assert "the checksum does not match" in text


def test_handoff_archive_cut(parts):
    archive, _ = parts
    archive.write_bytes(archive.read_bytes()[:-600000])
    text = judge(parts, status=1)
    assert failures(text)[0].startswith("archive: well-formed")
    assert "but the archive has only" in text


@pytest.mark.parametrize("content, failed", [
    (b"", ["ram disk 0: is a file system"]),
    (b"other", ["ram disk 0: size", "ram disk 0: is a file system"]),
])
def test_handoff_image_unknown(parts, content, failed):
    _, image = parts
    image.write_bytes(content or b"\0" * image.stat().st_size)
    assert failures(judge(parts, status=1)) == failed


@pytest.mark.parametrize("kind, command", [
    ("minix", ["mkfs.minix", "-3"]),
    ("cramfs", ["mkfs.cramfs"]),
])
def test_handoff_other_image(parts, tmp_path, kind, command):
    """Not the image that the descriptor means; recognised all the same."""
    _, image = parts
    image.write_bytes(b"\0" * (1 << 20))
    scenario.run(*command, *([tmp_path / "tree"] if kind == "cramfs" else []), image)
    text = judge(parts, status=1)
    assert failures(text) == ["ram disk 0: size"]
    assert f"ram disk 0: is a file system, {kind}" in text
    assert "only ext2, ext3 and ext4 images are looked into" in text


def pack(image, cut=0):
    packed = subprocess.run(["gzip", "-nc", image], capture_output=True, check=True).stdout
    image.write_bytes(packed[:len(packed) - cut])


def test_handoff_image_packed(parts, esp, tmp_path):
    archive, image = parts
    pack(image)
    overmount("image", "build", "-o", archive, "--page-align", "--entry", entry_of(esp))
    text = judge(parts, status=0)
    assert "ram disk 0: is a file system, ext2 in gzip" in text
    text = overmount("explain", entry_of(esp))
    assert "devices: ram0 1:0, 8192 KiB, ext2" in text
    pack(image, cut=100)
    assert "ram disk 0: gzip can be unpacked" in failures(judge(parts, status=1))


def test_handoff_image_not_given(parts):
    archive, _ = parts
    text = overmount("handoff", "--archive", archive, status=1)
    assert failures(text) == ["ram disk 0: its image is there"]


def test_handoff_without_init(parts):
    assert failures(judge(parts, "--init", "/sbin/nothing", status=1)) == \
        ["init: /sbin/nothing can be started"]


@pytest.mark.parametrize("change, reason", [
    ("rm /sbin/start", "not there"),
    ("sif /sbin/start mode 0100644", "is not an executable file"),
    ("sif /sbin/start size 5000", "is cut off"),
    ("sif /sbin mode 0100755", "not a directory"),
])
def test_handoff_init_of_the_image(parts, change, reason):
    _, image = parts
    scenario.run("debugfs", "-w", "-R", change, image)
    text = judge(parts, status=1)
    assert failures(text) == ["init: /sbin/start of ram disk 0 can be started"]
    assert reason in text.lower()


def test_handoff_image_with_a_loop(parts):
    _, image = parts
    scenario.run("debugfs", "-w", "-R", "link / /sbin/up", image)
    assert failures(judge(parts, status=1)) == ["ram disk 0: its tree can be read"]


def test_handoff_not_on_pages(parts):
    archive, _ = parts
    data = archive.read_bytes()
    # A member in front moves everything off its page.
    head = b"070701" + b"%08X" % 0 + b"%08X" % 0o040755 + b"%08X" % 0 * 2 + b"%08X" % 1 + \
        b"%08X" % 0 * 6 + b"%08X" % 4 + b"%08X" % 0 + b"srv\0"
    archive.write_bytes(head + b"\0" * (-len(head) % 4) + data)
    assert failures(judge(parts, status=1)) == \
        ["archive: files of a page or more start on a page"]
