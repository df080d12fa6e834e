# SPDX-License-Identifier: MIT
"""Other archivers: what they make is read alike, what we make unpacks under them alike.

Trees are compared as they lie on the disk (modes, owners, links, devices, times, data), so
expected values come from lstat() of the tree the archiver was given.
"""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
OVERMOUNT = os.environ.get("OVERMOUNT", str(TOP / "build/host/overmount"))
ROOT = os.geteuid() == 0
LONG = "directory-with-a-name-of-some-length/" * 6 + "file"
TIME = 1700000000
OWN = {".", ".overmount", ".overmount/manifest", "dev/console", "dev/null"}


@pytest.fixture(scope="module", autouse=True)
def times_as_they_are():
    """The build's SOURCE_DATE_EPOCH would clamp the times that are compared here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        yield


def make_tree(top):
    """A bit of everything an initramfs holds."""
    for name in ("bin", "dev", "empty", "etc/deep/er", "tmp"):
        (top / name).mkdir(parents=True)
    (top / "bin/tool").write_bytes(bytes(range(256)) * 300)
    (top / "bin/page").write_bytes(b"p" * 4096)
    (top / "etc/motd").write_text("hello\n")
    (top / "etc/nothing").write_text("")
    (top / "etc/with space").write_text("x")
    (top / "etc/\u00e4\u00f6\u00fc").write_text("utf-8")
    (top / LONG).parent.mkdir(parents=True)
    (top / LONG).write_text("far down")
    (top / "bin/sh").symlink_to("tool")
    (top / "etc/dangling").symlink_to("/nowhere/" + "x" * 150)
    os.link(top / "etc/motd", top / "etc/motd.hard")
    os.link(top / "bin/tool", top / "zz-last")
    os.mkfifo(top / "tmp/fifo")
    os.chmod(top / "bin/tool", 0o4755)
    os.chmod(top / "tmp", 0o1777)
    os.chmod(top / "etc/motd", 0o600)
    if ROOT:
        os.mknod(top / "dev/tty1", 0o620 | stat.S_IFCHR, os.makedev(4, 1))
        os.mknod(top / "dev/vda", 0o660 | stat.S_IFBLK, os.makedev(254, 300))
        os.chmod(top / "dev/tty1", 0o620)
        os.chown(top / "etc/motd", 1000, 100)
        os.chown(top / "etc/deep", 65534, 65534)
        os.lchown(top / "bin/sh", 3, 4)
    for number, path in enumerate(sorted(top.rglob("*"), reverse=True)):
        os.utime(path, (TIME + number, TIME + number), follow_symlinks=False)
    os.utime(top, (TIME, TIME))


def describe(top):
    """Relative path to everything that must survive; names of one file share a number."""
    found, numbers = {}, {}
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        kind = stat.S_IFMT(info.st_mode)
        name = str(path.relative_to(top))
        entry = {"mode": oct(info.st_mode), "mtime": int(info.st_mtime)}
        if ROOT:
            entry["owner"] = (info.st_uid, info.st_gid)
        if kind == stat.S_IFREG:
            entry["data"] = path.read_bytes()
        if kind == stat.S_IFLNK:
            entry["link"] = os.readlink(path)
        if kind in (stat.S_IFCHR, stat.S_IFBLK):
            entry["device"] = (os.major(info.st_rdev), os.minor(info.st_rdev))
        if kind != stat.S_IFDIR and info.st_nlink > 1:
            entry["names"] = numbers.setdefault(info.st_ino, name)
        found[name] = entry
    return found


def names(top):
    """Parents first, NUL-separated, for archivers that take a list."""
    return b"".join(os.fsencode(str(path.relative_to(top))) + b"\0"
                    for path in [top, *sorted(top.rglob("*"))])


def parse_newc(archive):
    """The members of a newc archive, by a reader that is not ours."""
    found, last_of, at = {}, {}, 0
    while True:
        header = archive[at:at + 110]
        assert header[:6] == b"070701", f"no header at {at}"
        ino, mode, uid, gid, nlink, mtime, size, _, _, major, minor, length, check = (
            int(header[6 + 8 * i:14 + 8 * i], 16) for i in range(13))
        assert check == 0
        name = os.fsdecode(archive[at + 110:at + 110 + length].split(b"\0")[0])
        start = (at + 110 + length + 3) & ~3
        at = (start + size + 3) & ~3
        if name == "TRAILER!!!":
            assert not archive[at:].strip(b"\0")
            return found
        kind = stat.S_IFMT(mode)
        entry = {"mode": oct(mode), "mtime": mtime}
        if ROOT:
            entry["owner"] = (uid, gid)
        if kind == stat.S_IFREG:
            entry["data"] = archive[start:start + size]
            if nlink > 1:
                # newc: the last name has the data of all
                last_of.setdefault(ino, []).append(entry)
                for other in last_of[ino]:
                    other["data"] = entry["data"]
        if kind == stat.S_IFLNK:
            entry["link"] = os.fsdecode(archive[start:start + size])
        if kind in (stat.S_IFCHR, stat.S_IFBLK):
            entry["device"] = (major, minor)
        if kind != stat.S_IFDIR and nlink > 1:
            entry["names"] = ino
        found[name] = entry
    return found


def same_names(entries):
    """Numbers of hard-linked files become the first name, so that two tools agree."""
    first = {}
    for name in sorted(entries):
        if "names" in entries[name]:
            number = entries[name]["names"]
            entries[name]["names"] = first.setdefault(number, name)
    return entries


def without_own(entries):
    return same_names({name: entry for name, entry in entries.items() if name not in OWN})


def build(output, *layers):
    subprocess.run([OVERMOUNT, "image", "build", "--output", str(output), *map(str, layers)],
                   check=True, stdout=subprocess.DEVNULL)
    return output


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    top = tmp_path_factory.mktemp("tree") / "root"
    top.mkdir()
    make_tree(top)
    return top


CREATE = {
    "GNU cpio newc": ["cpio", "-o", "-0", "--quiet", "-H", "newc"],
    "GNU cpio crc": ["cpio", "-o", "-0", "--quiet", "-H", "crc"],
    "bsdcpio newc": ["bsdcpio", "-o", "-0", "--quiet", "-H", "newc"],
    "GNU tar ustar": ["tar", "-c", "--no-recursion", "--null", "-T", "-", "--format=ustar"],
    "GNU tar gnu": ["tar", "-c", "--no-recursion", "--null", "-T", "-", "--format=gnu"],
    "GNU tar pax": ["tar", "-c", "--no-recursion", "--null", "-T", "-", "--format=posix"],
    "bsdtar ustar": ["bsdtar", "-c", "-n", "--null", "-T", "-", "--format=ustar"],
    "bsdtar pax": ["bsdtar", "-c", "-n", "--null", "-T", "-", "--format=pax"],
    "bsdtar restricted pax": ["bsdtar", "-c", "-n", "--null", "-T", "-", "--format=paxr"],
    "bsdtar gnutar": ["bsdtar", "-c", "-n", "--null", "-T", "-", "--format=gnutar"],
}


@pytest.mark.parametrize("tool", CREATE)
def test_read_alike(tree, tmp_path, tool):
    expected = same_names(describe(tree))
    listed = names(tree)
    if "ustar" in tool:
        # ustar has 100 bytes for the text of a link
        expected.pop("etc/dangling")
        listed = listed.replace(b"etc/dangling\0", b"")
    archive = tmp_path / "archive"
    with archive.open("wb") as file:
        subprocess.run(CREATE[tool], cwd=tree, input=listed, stdout=file, check=True,
                       env={**os.environ, "LC_ALL": "C.UTF-8"})
    image = build(tmp_path / "image", archive).read_bytes()
    assert len(image) % 512 == 0
    assert without_own(parse_newc(image)) == expected


def test_directory_alike(tree, tmp_path):
    """A directory given as it is, without an archiver between."""
    image = build(tmp_path / "image", tree).read_bytes()
    assert without_own(parse_newc(image)) == same_names(describe(tree))


EXTRACT = {
    "GNU cpio": ["cpio", "-i", "-d", "-m", "--quiet"],
    "bsdcpio": ["bsdcpio", "-i", "-d", "-m", "--quiet"],
    "bsdtar": ["bsdtar", "-x", "-p", "-f", "-"],
}


@pytest.fixture(scope="module", params=["plain", "page-aligned"])
def image(request, tree, tmp_path_factory):
    option = ["--page-align"] if request.param == "page-aligned" else []
    return build(tmp_path_factory.mktemp("image") / "image", *option, tree)


def test_filler(tmp_path):
    """Long names leave no room to pad: fillers come before, and every tool takes them."""
    top = tmp_path / "root"
    (top / "dev").mkdir(parents=True)
    where = top / Path(LONG).parent
    where.mkdir(parents=True)
    for number in range(1, 120):
        (where / f"file{number}").write_bytes(bytes([number]) * (4096 + 37 * number))
    image = build(tmp_path / "image", "--page-align", top)
    content = image.read_bytes()
    assert b"0." + bytes(20) in content, "no filler was needed"
    for number in range(1, 120):
        assert content.index(bytes([number]) * 4096) % 4096 == 0
    expected = same_names(describe(top))
    assert without_own(parse_newc(content)) == expected
    if not ROOT:
        return
    for tool, command in EXTRACT.items():
        target = tmp_path / tool.replace(" ", "-")
        target.mkdir()
        with image.open("rb") as file:
            subprocess.run(command, cwd=target, stdin=file, check=True)
        found = without_own(describe(target))
        assert {name: entry.get("data") for name, entry in found.items()} == \
            {name: entry.get("data") for name, entry in expected.items()}, tool


@pytest.mark.skipif(not ROOT, reason="the image has devices, which only root may make")
@pytest.mark.parametrize("tool", EXTRACT)
def test_unpacks_alike(tree, image, tmp_path, tool):
    target = tmp_path / "out"
    target.mkdir()
    with image.open("rb") as file:
        subprocess.run(EXTRACT[tool], cwd=target, stdin=file, check=True,
                       env={**os.environ, "LC_ALL": "C.UTF-8"})
    found = describe(target)
    assert found["dev/console"]["device"] == (5, 1)
    assert found["dev/null"]["device"] == (1, 3)
    expected = same_names(describe(tree))
    found = without_own(found)
    # cpio makes directories before what is in them and leaves their times to that
    for entries in (found, expected):
        for entry in entries.values():
            if tool == "GNU cpio" and stat.S_ISDIR(int(entry["mode"], 8)):
                entry.pop("mtime")
            if stat.S_ISLNK(int(entry["mode"], 8)):
                entry.pop("mtime")
    assert found == expected


@pytest.mark.parametrize("tool", ["cpio", "bsdcpio", "bsdtar"])
def test_listed_alike(image, tool):
    command = {"cpio": ["cpio", "-t", "--quiet"], "bsdcpio": ["bsdcpio", "-t", "--quiet"],
               "bsdtar": ["bsdtar", "-t", "-f", "-"]}[tool]
    with image.open("rb") as file:
        listed = subprocess.run(command, stdin=file, check=True, stdout=subprocess.PIPE,
                                env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()
    found = [line.rstrip("/") for line in listed.splitlines()]
    if tool == "bsdtar":	# escapes what is not printable
        found = [name for name in found if "\\" not in name and "etc/" not in name]
    expected = list(parse_newc(image.read_bytes()))
    if tool == "bsdtar":
        expected = [name for name in expected if "etc/" not in name]
    assert found == expected


def test_layers(tree, tmp_path):
    """A tar base, a cpio overlay with whiteouts, a directory: each in its own words."""
    base, overlay, top = tmp_path / "base.tar", tmp_path / "overlay.cpio", tmp_path / "top"
    subprocess.run(["tar", "-c", "-f", base, "-C", tree, "."], check=True)
    over = tmp_path / "over"
    (over / "etc/deep").mkdir(parents=True)
    (over / "bin").mkdir()
    (over / "etc/.wh.motd").touch()
    (over / "bin/.wh..wh..opq").touch()
    (over / "bin/new").write_text("new")
    with overlay.open("wb") as file:
        subprocess.run(["cpio", "-o", "-0", "--quiet", "-H", "newc"], cwd=over,
                       input=names(over), stdout=file, check=True)
    (top / "etc").mkdir(parents=True)
    (top / "etc/nothing").write_text("something")
    (top / "empty").write_text("a file now")
    found = without_own(parse_newc(build(tmp_path / "image", base, overlay, top).read_bytes()))
    expected = set(describe(tree)) - {"etc/motd", "bin/tool", "bin/page", "bin/sh"} | {"bin/new"}
    assert set(found) == expected
    assert found["etc/nothing"]["data"] == b"something"
    assert found["empty"]["data"] == b"a file now"
    # its other name kept the data that was in the emptied directory
    assert found["zz-last"]["data"] == bytes(range(256)) * 300
    assert "names" not in found["zz-last"]


def test_two_archives_in_one(tree, tmp_path):
    """Linux' own way to put two parts together."""
    parts = []
    for name in ("etc/motd", "bin/page"):
        parts.append(subprocess.run(["cpio", "-o", "--quiet", "-H", "newc"], cwd=tree,
                                    input=name.encode(), stdout=subprocess.PIPE,
                                    check=True).stdout)
    (tmp_path / "both").write_bytes(parts[0] + parts[1])
    found = parse_newc(build(tmp_path / "image", tmp_path / "both").read_bytes())
    assert {"etc/motd", "bin/page"} <= set(found)


REFUSED = {
    "odc": ["cpio", "-o", "-0", "--quiet", "-H", "odc"],
    "sparse": ["tar", "-c", "-S", "--format=gnu", "hole"],
    "pax sparse": ["tar", "-c", "-S", "--format=posix", "hole"],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tmp_path, kind):
    work = tmp_path / "work"
    work.mkdir()
    with (work / "hole").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"x")
    archive = tmp_path / "archive"
    with archive.open("wb") as file:
        subprocess.run(REFUSED[kind], cwd=work, input=b"hole\0", stdout=file, check=True)
    result = subprocess.run([OVERMOUNT, "image", "build", "--output", str(tmp_path / "image"),
                             str(archive)], stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert "odc" in result.stderr if kind == "odc" else "sparse" in result.stderr
    assert not (tmp_path / "image").exists()


def test_same_image_twice(tree, tmp_path):
    """Order on the disk and access times do not show."""
    shutil.copytree(tree, tmp_path / "copy", symlinks=True,
                    ignore=lambda top, found: [name for name in found if name == "fifo" or
                                               Path(top).name == "dev"])
    first = build(tmp_path / "one", tmp_path / "copy").read_bytes()
    for path in tmp_path.joinpath("copy").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.read_bytes()
    assert build(tmp_path / "two", tmp_path / "copy").read_bytes() == first
