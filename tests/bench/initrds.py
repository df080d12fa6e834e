# SPDX-License-Identifier: MIT
"""Initrds as a distribution makes them: a kernel's modules in newc archives, packed with zstd.

A piece is one file with any number of such archives in it, as the kernel unpacks them one behind
the other.  The first one brings /init, which prints the processor's clock (tsc_init.c).
"""

import os
import subprocess

from common import KERNEL, WORK, Bench, scenario
from fetched import bring

ROUNDS = int(os.environ.get("OVERMOUNT_BENCH_ROUNDS", "3"))
OPTIONS = "console=ttyS0 panic=-1 loglevel=4"
RAW = 3 << 17           # of one archive: 384 KiB, about a third of it when packed


def fetched(script, *args):
    """The path that a script of mk/ prints; its reason when it has none."""
    path, reason = bring(script, *args)
    if reason:
        raise SystemExit(reason)
    return path


def pack(root, names):
    """A packed archive of NAMES below ROOT, filled up to four bytes."""
    archive = subprocess.run(["bsdtar", "--format", "newc", "--uid", "0", "--gid", "0", "-cnf", "-",
                              "-C", root, "-T", "-"], input="\n".join(names).encode(),
                             stdout=subprocess.PIPE, check=True).stdout
    packed = subprocess.run(["zstd", "-q", "-9", "-c"], input=archive, stdout=subprocess.PIPE,
                            check=True).stdout
    return packed + bytes(-len(packed) % 4)


def groups(root, top):
    """The folders first, so that every archive can be unpacked; then files, RAW bytes a group."""
    found = sorted((root / top).rglob("*"))
    yield [str(path.relative_to(root)) for path in [root / "lib", root / "lib/modules", *found]
           if path.is_dir()]
    group, size = [], 0
    for path in found:
        if path.is_file() and not path.is_symlink():
            group.append(str(path.relative_to(root)))
            size += path.stat().st_size
            if size >= RAW:
                yield group
                group, size = [], 0
    yield group


def archives():
    """The packed archives, made once: first the one with /init and the folders."""
    folder = WORK / "archives"
    if not folder.exists():
        making = WORK / "archives.making"
        making.mkdir(parents=True, exist_ok=True)
        tree = WORK / "init-tree"
        scenario.write_file(tree / "init", (scenario.BUILD / "bench/tsc_init").read_bytes(), 0o755)
        (tree / "dev").mkdir(exist_ok=True)
        (making / "000").write_bytes(pack(tree, ["init", "dev"]))
        root = fetched("linux.sh", "6.1", "modules")
        for number, names in enumerate(groups(root, "lib/modules"), 1):
            (making / f"{number:03}").write_bytes(pack(root, names))
        making.rename(folder)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def pieces(mib, count):
    """Paths of COUNT files, MIB MiB together, made once."""
    paths = [WORK / "initrds" / f"{mib}-{count}-{number}.zst" for number in range(count)]
    if all(path.exists() for path in paths):
        return paths
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    supply = archives()
    first, folders, rest = supply[0], supply[1], supply[2:]
    at, size = 0, (mib << 20) // count
    for path in paths:
        with path.with_suffix(".making").open("wb") as out:
            if path == paths[0]:
                out.write(first + folders)
            # As near to the size as whole archives come.
            while not out.tell() or out.tell() + len(rest[at % len(rest)]) // 2 < size:
                out.write(rest[at % len(rest)])
                at += 1
        os.rename(path.with_suffix(".making"), path)
    return paths


def shop(name, paths, more=(), config=""):
    """A volume with kernel, PIECES and MORE files, and a plain entry for them."""
    files = [{"path": "vmlinuz", "copy": fetched("linux.sh", KERNEL)}]
    files += [{"path": f"initrd-{number}.zst", "copy": path} for number, path in enumerate(paths)]
    entry = f"title Bench\nlinux /vmlinuz\noptions {OPTIONS}\n" + \
        "".join(f"initrd /{file['path']}\n" for file in files[1:])
    return Bench(name, {"esp": [*files, *more], "tree": {},
                        "config": "timeout 0\nconsole serial\n" + config}, entry)
