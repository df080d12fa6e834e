# SPDX-License-Identifier: MIT
"""The stub's file systems against other tools, with whole trees.

Images made by mke2fs, mkfs.minix, mkfs.cramfs, mksquashfs, mkfs.erofs and genromfs are read
with the stub's code and compared with lstat() of the tree they were made of; a tree written with the stub's code pleases e2fsck and is the same
when debugfs takes it out of the image.
"""

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
COPY = TOP / "build/vfs/tests/test_tree_copy"
ROOT = os.geteuid() == 0
TIME = 1700000000
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin", TZ="UTC", LC_ALL="C")
ENV.pop("SOURCE_DATE_EPOCH", None)		# the trees' own times are meant


@pytest.fixture(scope="session", autouse=True)
def built():
    """`make check` has built it; alone this file sees to it, one worker at a time."""
    COPY.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["flock", str(COPY.parent), "make", "-s", str(COPY.relative_to(TOP))], cwd=TOP,
                   check=True)


def run(*args, **options):
    return subprocess.run([str(arg) for arg in args], env=ENV, check=True, capture_output=True,
                          **options)


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & (1 << 64) - 1
    return value


def make_tree(top, seed, names=120):
    """Random directories, files (some with holes), links and FIFOs; as root also devices."""
    rnd = random.Random(seed)
    dirs, files = [top], []
    top.mkdir()
    for number in range(names):
        path = rnd.choice(dirs) / (f"{number}-" + "n" * rnd.randrange(0, 120))
        kind = rnd.random()
        if kind < 0.2:
            path.mkdir()
            dirs.append(path)
        elif kind < 0.7:
            with open(path, "wb") as out:
                out.write(rnd.randbytes(rnd.choice((0, 5, 1024, 4096, 9999, 60000))))
                if rnd.random() < 0.3:
                    out.seek(rnd.randrange(400000))
                    out.write(b"behind a hole")
            files.append(path)
        elif kind < 0.8:
            path.symlink_to(("target/" * 80)[:rnd.choice((1, 30, 59, 60, 61, 500))])
        elif kind < 0.9 and files:
            os.link(rnd.choice(files), path)
        elif kind < 0.95 or not ROOT:
            os.mkfifo(path)
        else:
            kind = rnd.choice((stat.S_IFCHR, stat.S_IFBLK))
            os.mknod(path, kind | 0o600, os.makedev(rnd.randrange(1, 400), rnd.randrange(1000)))
        if not path.is_symlink():
            path.chmod(rnd.choice((0o755, 0o644, 0o600, 0o4711, 0o1777, 0o400)) |
                       (0o700 if path.is_dir() else 0))
        if ROOT:
            os.lchown(path, rnd.randrange(200000), rnd.randrange(70000))
    for number, path in enumerate(sorted(top.rglob("*"), reverse=True)):
        os.utime(path, (TIME + number, TIME + number), follow_symlinks=False)
    os.utime(top, (TIME, TIME))


def describe(top):
    """What `dump` prints, by path, from lstat(); hard links as the set of their names."""
    found = {}
    for path in [top, *top.rglob("*")]:
        info = path.lstat()
        special = stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode)
        regular, text = stat.S_ISREG(info.st_mode), "-"
        if regular:
            text = f"{fnv(path.read_bytes()):016x}"
        elif path.is_symlink():
            text = os.readlink(path)
        name = "/" if path == top else "/" + str(path.relative_to(top))
        found[name] = [f"{info.st_mode:o}", str(info.st_uid), str(info.st_gid),
                       str(info.st_nlink),
                       f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}" if special else "0:0",
                       str(info.st_size if regular else 0), str(int(info.st_mtime)), text]
    return found


def dump(kind, image):
    out = image.with_suffix(".dump")
    run(COPY, out, "dump", kind, image)
    lines = (line.split("\t") for line in out.read_text().splitlines())
    return {name: rest for name, *rest in lines}


MAKES = {
    "1k": ["-t", "ext2", "-b", "1024"],
    "2k": ["-t", "ext2", "-b", "2048"],
    "4k": ["-t", "ext2", "-b", "4096"],
    "small-inodes": ["-t", "ext2", "-I", "128", "-O", "^filetype,^dir_index"],
    "with-journal": ["-t", "ext3", "-b", "1024"],
}


@pytest.mark.parametrize("make", MAKES)
def test_mke2fs(tmp_path, make):
    tree, image = tmp_path / "tree", tmp_path / "e.img"
    make_tree(tree, make)
    run("mke2fs", "-q", "-F", *MAKES[make], "-E", "root_owner=0:0", "-d", tree, image, "24M")
    found, expected = dump("ext2", image), describe(tree)
    assert found.pop("/lost+found")[0] == "40700"
    # mke2fs makes the root itself, with lost+found in it.
    assert found.pop("/")[0] == "40755"
    del expected["/"]
    assert found == expected


@pytest.mark.parametrize("options", [[], ["-p"], ["-z"]])
def test_cramfs(tmp_path, options):
    tree, image = tmp_path / "tree", tmp_path / "c.img"
    make_tree(tree, "cramfs")
    shorten(tree, 100, 1024)
    run("mkfs.cramfs", *options, tree, image)
    found, expected = dump("cramfs", image), describe(tree)
    for fields in (*found.values(), *expected.values()):
        fields[2] = str(int(fields[2]) & 255)
        fields[3] = fields[6] = "any"		# link counts and times are not recorded
    assert found == expected


def crowd_tree(tree):
    """What makes packed images hard: a long directory, and files of many blocks."""
    crowd = tree / "crowd"
    crowd.mkdir()
    for number in range(3000):
        (crowd / f"{number:04}-{'x' * (number % 50)}").write_text(str(number))
    # A hole between, and data that a compressor likes.
    with open(tree / "long", "wb") as out:
        out.write(b"again and again " * 200000)
        out.seek(9000000)
        out.write(b"behind the hole")
    # Some that it likes less, and some of both.
    rnd = random.Random("text")
    words = [rnd.randbytes(rnd.randrange(2, 9)) for _ in range(500)]
    with open(tree / "text", "wb") as out:
        for _ in range(60000):
            out.write(rnd.choice(words))
        out.write(rnd.randbytes(100000))
        out.write(bytes(70000))
        for _ in range(60000):
            out.write(rnd.choice(words))
    for path in (tree / "long", tree / "text", *crowd.iterdir(), crowd, tree):
        os.utime(path, (TIME, TIME))


SQUASHFS = {
    "gzip": ["-comp", "gzip"],
    "xz": ["-comp", "xz"],
    "xz-for-programs": ["-comp", "xz", "-Xbcj", "x86", "-b", "1M"],
    "zstd": ["-comp", "zstd"],
    "lz4": ["-comp", "lz4"],
    "lz4-hc": ["-comp", "lz4", "-Xhc", "-b", "4K"],
    "lzma": ["-comp", "lzma"],
    "whole-blocks": ["-no-fragments", "-b", "16K"],
    "always-fragments": ["-always-use-fragments", "-b", "64K"],
    "tables-as-they-are": ["-noI", "-noId"],
    "as-it-is": ["-noI", "-noD", "-noF", "-noX"],
}


@pytest.mark.parametrize("make", SQUASHFS)
def test_squashfs(tmp_path, make):
    tree, image = tmp_path / "tree", tmp_path / "s.img"
    make_tree(tree, "squashfs-" + make)
    crowd_tree(tree)
    run("mksquashfs", tree, image, "-noappend", "-no-progress", *SQUASHFS[make])
    found, expected = dump("squashfs", image), describe(tree)
    assert found == expected


EROFS = {
    "plain": [],
    "no-tails": ["-Enoinline_data"],
    "chunks": ["--chunksize=4096"],
    "chunks-by-index": ["--chunksize=16384", "-Eforce-chunk-indexes"],
    "chunks-by-block": ["--chunksize=1048576", "-Eforce-inode-blockmap"],
    "lz4": ["-zlz4"],
    "lz4hc": ["-zlz4hc,12"],
    "lz4-full-index": ["-zlz4", "-Elegacy-compress"],
    "lz4-big": ["-zlz4", "-C65536"],
    "lz4hc-big": ["-zlz4hc,9", "-C16384"],
    "lz4-short-extents": ["-zlz4", "--max-extent-bytes=65536"],
    "compact": ["-Eforce-inode-compact"],
    "extended": ["-Eforce-inode-extended", "-zlz4hc"],
}


@pytest.mark.parametrize("make", EROFS)
def test_erofs(tmp_path, make):
    tree, image = tmp_path / "tree", tmp_path / "e.img"
    make_tree(tree, "erofs-" + make)
    if make == "compact":
        shorten(tree, 255, 1024)
    crowd_tree(tree)
    run("mkfs.erofs", *EROFS[make], image, tree)
    found, expected = dump("erofs", image), describe(tree)
    if make == "compact":
        for fields in (*found.values(), *expected.values()):
            fields[6] = "any"				# there is no room for times
    assert found == expected


EXT4 = {
    "1k": ["-b", "1024"],
    "4k": ["-b", "4096"],
    "without-64bit": ["-b", "1024", "-O", "^64bit,^metadata_csum,uninit_bg"],
    "without-journal": ["-b", "2048", "-O", "^has_journal,^flex_bg,dir_nlink"],
    "without-extents": ["-b", "1024", "-O", "^extents,^64bit"],
}


@pytest.mark.parametrize("make", EXT4)
def test_ext4(tmp_path, make):
    tree, image = tmp_path / "tree", tmp_path / "e.img"
    make_tree(tree, "ext4-" + make)
    run("mke2fs", "-q", "-F", "-t", "ext4", *EXT4[make], "-E", "root_owner=0:0", "-d", tree,
        image, "32M")
    found, expected = dump("ext2", image), describe(tree)
    assert found.pop("/lost+found")[0] == "40700"
    assert found.pop("/")[0] == "40755"
    del expected["/"]
    assert found == expected


def romfs_mode(text):
    """romfs has a type and one bit for execution, and that only of directories and files."""
    mode = int(text, 8)
    kind = stat.S_IFMT(mode)
    rights = {stat.S_IFLNK: 0o777, stat.S_IFCHR: 0o600, stat.S_IFBLK: 0o600}.get(kind, 0o644)
    if kind in (stat.S_IFDIR, stat.S_IFREG) and mode & 0o111:
        rights |= 0o111
    return f"{kind | rights:o}"


def test_genromfs(tmp_path):
    tree, image = tmp_path / "tree", tmp_path / "r.img"
    make_tree(tree, "romfs", names=200)
    run("genromfs", "-f", image, "-d", tree, "-V", "a volume")
    expected = describe(tree)
    for name, fields in expected.items():
        device = fields[4].split(":")
        fields[0] = romfs_mode(fields[0])
        fields[1:4] = ["0", "0", "1"]
        # The numbers have 8 or 16 bits, as genromfs took them from an old dev_t.
        if fields[4] != "0:0" and (int(device[0]) > 255 or int(device[1]) > 255):
            fields[4] = "any"
        fields[6] = "0"
    found = dump("romfs", image)
    for name, fields in found.items():
        if expected.get(name, [""] * 8)[4] == "any":
            fields[4] = "any"
    assert found == expected


def shorten(tree, length, links):
    """Names, numbers and targets that old formats have room for."""
    for number, path in enumerate(sorted(tree.rglob("*"), reverse=True)):
        info = path.lstat()
        special = stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode)
        if special and max(os.major(info.st_rdev), os.minor(info.st_rdev)) > 255:
            path.unlink()
            continue
        if path.is_symlink() and len(os.readlink(path)) > links:
            path.unlink()
            continue
        if ROOT:
            os.lchown(path, number % 65536, number % 256)
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(info.st_mode))
        os.utime(path, (TIME + number, TIME + number), follow_symlinks=False)
        path.rename(path.with_name((path.name[:6] + f"-{number}-" + "x" * 60)[:length]))
    os.utime(tree, (TIME, TIME))


@pytest.mark.parametrize("kind", ["-1 -n 14", "-1 -n 30", "-2 -n 14", "-2 -n 30", "-3"])
def test_minix(tmp_path, kind):
    tree, image = tmp_path / "tree", tmp_path / "m.img"
    make_tree(tree, "minix")
    shorten(tree, {"4": 14, "0": 30}.get(kind[-1], 60), 1024)
    image.write_bytes(bytes(24 << 20))
    run("mkfs.minix", *kind.split(), image)
    run("python3", TOP / "tests/boot/minix_image.py", image, tree)
    run("fsck.minix", "-f", image)
    expected = describe(tree)
    assert dump("minix", image) == expected


def fill_list(tree):
    """The tree in the form that `fill` reads, parents first."""
    out, names = [], {}
    for path in sorted(tree.rglob("*")):
        info, name, a, b = path.lstat(), "/" + str(path.relative_to(tree)), 0, 0
        kind, more = "n", b""
        if info.st_ino in names and not path.is_dir():
            kind, more = "h", names[info.st_ino].encode() + b"\n"
        elif path.is_symlink():
            kind, more = "l", os.readlink(path).encode() + b"\n"
        elif path.is_dir():
            kind = "d"
        elif path.is_file():
            kind, more, a = "f", path.read_bytes(), info.st_size
        elif not stat.S_ISFIFO(info.st_mode):
            a, b = os.major(info.st_rdev), os.minor(info.st_rdev)
        names.setdefault(info.st_ino, name)
        out.append(f"{kind} {info.st_mode:o} {info.st_uid} {info.st_gid} {a} {b} {name}\n".encode())
        out.append(more)
    return b"".join(out)


@pytest.mark.parametrize("make", MAKES)
def test_debugfs(tmp_path, make):
    tree, image, back = tmp_path / "tree", tmp_path / "e.img", tmp_path / "back"
    make_tree(tree, "out-" + make)
    run("mke2fs", "-q", "-F", *MAKES[make], "-E", "root_owner=0:0", image, "24M")
    run(COPY, tmp_path / "log", "fill", image, input=fill_list(tree))
    run("e2fsck", "-fn", image)
    found, expected = dump("ext2", image), describe(tree)
    back.mkdir()
    run("debugfs", "-R", f"rdump / {back}", image)
    shutil.rmtree(back / "lost+found")
    taken = describe(back)
    for fields in (*found.values(), *expected.values()):
        fields[6] = "any"		# the stub's clock stood still
    # debugfs copies neither hard links as such, nor devices and FIFOs, nor set-ID bits,
    # nor the owners of symbolic links; our own reader has to do for those.
    for name, fields in taken.items():
        if name == "/":
            continue
        assert int(fields[0], 8) & ~0o7000 == int(expected[name][0], 8) & ~0o7000, name
        assert fields[5] == expected[name][5], name
        assert fields[7] == expected[name][7], name
        if ROOT and not expected[name][0].startswith("120"):
            assert fields[1:3] == expected[name][1:3], name
    plain = {name for name, fields in expected.items()
             if stat.S_IFMT(int(fields[0], 8)) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)}
    assert plain == set(taken)
    for tree_of in (found, expected):
        tree_of.pop("/")
        tree_of.pop("/lost+found", None)
    assert found == expected


def test_larger_than_it_looks(tmp_path):
    """4,000 files in one directory, and all of them found again."""
    image = tmp_path / "e.img"
    run("mke2fs", "-q", "-F", "-t", "ext2", "-b", "4096", "-N", "12000", image, "64M")
    listing = b"d 755 0 0 0 0 /d\n" + b"".join(
        f"f 644 0 0 5 0 /d/file-{n}\n{n:05}".encode() for n in range(4000))
    run(COPY, tmp_path / "log", "fill", image, input=listing)
    run("e2fsck", "-fn", image)
    out = run("debugfs", "-R", "ls -p /d", image).stdout.decode()
    assert sum("file-" in line for line in out.splitlines()) == 4000
    assert run("debugfs", "-R", "cat /d/file-3999", image).stdout == b"03999"
