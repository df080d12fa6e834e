# SPDX-License-Identifier: MIT
"""Images of file systems that only a stock Linux mounts, made of a tree without root's rights."""

import os
import subprocess

ROOT = os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
# Without these mkfs.xfs makes nothing below 300 MiB, as its own tests must.
SMALL_XFS = {"TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"}


def run(*args, **env):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, env=ROOT | env)


def vfat(image, tree, mib):
    image.unlink(missing_ok=True)
    run("mformat", "-C", "-i", image, "-T", str(mib << 11), "::")
    run("mcopy", "-s", "-i", image, *sorted(tree.iterdir()), "::")


def prototype(tree):
    """The lines of mkfs.xfs -p for what is in TREE."""
    for path in sorted(tree.iterdir()):
        mode = f"{path.lstat().st_mode & 0o777:03o} 0 0"
        if path.is_symlink():
            yield f"{path.name} l--777 0 0 {path.readlink()}"
        elif path.is_dir():
            yield f"{path.name} d--{mode}"
            yield from prototype(path)
            yield "$"
        else:
            yield f"{path.name} ---{mode} {path}"


def xfs(image, tree, mib):
    lines = image.with_suffix(".prototype")
    lines.write_text("\n".join(["/", "0 0", "d--755 0 0", *prototype(tree), "$", ""]))
    image.unlink(missing_ok=True)
    run("mkfs.xfs", "-q", "-p", lines, "-d", f"name={image},size={mib}m,file", **SMALL_XFS)
    lines.unlink()


def btrfs(image, tree, mib):
    """Data and metadata share what little room there is."""
    image.write_bytes(b"")
    os.truncate(image, mib << 20)
    run("mkfs.btrfs", "-q", "--mixed", "--rootdir", tree, image)


def udf(image, tree, _):
    """With an ISO 9660 one over the same data, as on a DVD."""
    run("genisoimage", "-quiet", "-udf", "-R", "-o", image, tree)


MAKERS = {"vfat": vfat, "xfs": xfs, "btrfs": btrfs, "udf": udf}
