# SPDX-License-Identifier: MIT
"""Fill a fresh image of mkfs.minix from a tree: `minix_image.py IMAGE TREE`.

mkfs.minix makes empty volumes only, and mounting one needs root and a kernel that has minix.
Blocks of zeros become holes.  fsck.minix has to be content with the result.
"""

import os
import stat
import struct
import sys
from pathlib import Path


class Volume:
    def __init__(self, data):
        self.data = data
        if struct.unpack_from("<H", data, 1048)[0] == 0x4D5A:
            inodes, imap, zmap, first = struct.unpack_from("<I2xHHH", data, 1024)
            self.version, self.size = 3, struct.unpack_from("<H", data, 1052)[0]
            self.name, self.number = 60, "<I"
        else:
            inodes, _, imap, zmap, first = struct.unpack_from("<HHHHH", data, 1024)
            magic = struct.unpack_from("<H", data, 1040)[0]
            self.version, self.size = 1 if magic in (0x137F, 0x138F) else 2, 1024
            self.name, self.number = 30 if magic in (0x138F, 0x2478) else 14, "<H"
        self.imap, self.zmap = 2 * self.size, (2 + imap) * self.size
        self.table, self.first = (2 + imap + zmap) * self.size, first
        self.zones, self.inodes = len(data) // self.size, inodes
        self.next_ino, self.next_zone = 1, first
        self.pointer = "<H" if self.version == 1 else "<I"

    def mark(self, at, bit):
        self.data[at + bit // 8] |= 1 << bit % 8

    def inode(self):
        ino, self.next_ino = self.next_ino, self.next_ino + 1
        assert ino <= self.inodes, "no inode is left"
        self.mark(self.imap, ino)
        return ino

    def block(self, content):
        zone, self.next_zone = self.next_zone, self.next_zone + 1
        assert zone < self.zones, "no block is left"
        self.mark(self.zmap, zone - self.first + 1)
        self.data[zone * self.size:(zone + 1) * self.size] = content.ljust(self.size, b"\0")
        return zone

    def tree(self, zones, level):
        """The block that holds ZONES by way of LEVEL indirect ones; 0 where there are none."""
        if not any(zones):
            return 0
        if level == 0:
            return zones[0]
        each = (self.size // struct.calcsize(self.pointer)) ** (level - 1)
        below = [self.tree(zones[at:at + each], level - 1) for at in range(0, len(zones), each)]
        return self.block(b"".join(struct.pack(self.pointer, zone) for zone in below))

    def content(self, data):
        zones = [self.block(part) if any(part) else 0 for part in
                 (data[at:at + self.size] for at in range(0, len(data), self.size))]
        found, rest, span = (zones + [0] * 7)[:7], zones[7:], 1
        for level in range(1, 3 if self.version == 1 else 4):
            span *= self.size // struct.calcsize(self.pointer)
            found.append(self.tree(rest[:span], level))
            rest = rest[span:]
        assert not rest, "the file is too large"
        return found

    def store(self, ino, info, links, size, zones):
        time, mode = int(info.st_mtime), info.st_mode & 0xFFFF
        if self.version == 1:
            raw = struct.pack("<HHIIBB9H", mode, info.st_uid, size, time, info.st_gid & 0xFF,
                              links, *zones)
        else:
            raw = struct.pack("<HHHHIIII10I", mode, links, info.st_uid & 0xFFFF,
                              info.st_gid & 0xFFFF, size, time, time, time, *zones)
        at = self.table + (ino - 1) * len(raw)
        self.data[at:at + len(raw)] = raw


def fill(volume, path, known, ino, parent):
    """What is at PATH as inode INO; hard links are found in KNOWN."""
    info = path.lstat()
    links, zones = info.st_nlink, [0] * (9 if volume.version == 1 else 10)
    if path.is_symlink():
        data = os.readlink(path).encode()
        zones = volume.content(data)
    elif stat.S_ISDIR(info.st_mode):
        children = sorted(path.iterdir())
        entries, links = [(ino, "."), (parent, "..")], 2
        for child in children:
            key = child.lstat().st_ino
            if key not in known or child.is_dir():
                known[key] = volume.inode()
                fill(volume, child, known, known[key], ino)
            links += child.is_dir() and not child.is_symlink()
            entries.append((known[key], child.name))
        assert all(len(name.encode()) <= volume.name for _, name in entries), "a name is too long"
        data = b"".join(struct.pack(volume.number, number) + name.encode().ljust(volume.name, b"\0")
                        for number, name in entries)
        zones = volume.content(data)
    elif stat.S_ISREG(info.st_mode):
        data = path.read_bytes()
        zones = volume.content(data)
    else:
        data = b""
        zones[0] = os.major(info.st_rdev) << 8 | os.minor(info.st_rdev)
    volume.store(ino, info, links, len(data), zones)


def main(image, tree):
    image = Path(image)
    volume = Volume(bytearray(image.read_bytes()))
    fill(volume, Path(tree), {}, volume.inode(), 1)
    image.write_bytes(volume.data)


if __name__ == "__main__":
    main(*sys.argv[1:])
