#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The house rules that a machine can check.

Prints FILE:LINE: message for each finding and exits 1 if there is one.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h", "string.h"}
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|strncpy)\s*\(")
MAX_LINES = 700

# Which folders a folder may include headers from, besides <overmount/...> and its own.
EDGES = {
    "loader": set(),
    "rootfs": set(),
    "init": set(),
    "codec": set(),
    "efi": set(),
    "kernel-stub": {"kernel-stub"},
    "tools": set(),
}
# What vfs/ and fs/ may ask of the kernel: the port and the shapes, nothing of arch or task.
VFS_HEADERS = {"port.h", "errno.h", "uio.h", "vfs.h", "block.h", "task.h", "identify.h",
               "decompress.h"}

findings = []


def report(path, line, message):
    findings.append(f"{path}:{line}: {message}")


def sources(*patterns):
    for pattern in patterns:
        yield from sorted(pathlib.Path(".").glob(pattern))


def world_of(path):
    if path.parts[:2] == ("rootfs", "init"):
        return "init"
    return path.parts[0]


def check_includes(path, text):
    world = world_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        kind, name = match.groups()
        if world in ("loader", "rootfs") or path.parts[0] == "include":
            if kind == "<" and not name.startswith("overmount/") and name not in FREESTANDING \
                    and not path.name.endswith("_ni.c"):
                report(path, number, f"the library includes only freestanding headers, not <{name}>")
        if world in EDGES and kind == '"':
            target = (path.parent / name).resolve()
            root = pathlib.Path(".").resolve()
            if target.exists():
                top = world_of(target.relative_to(root))
                if top != world:
                    report(path, number, f"{world}/ must not include from {top}/")
        if world == "kernel-stub" and path.parts[1] in ("vfs", "fs") and kind == '"':
            local = (path.parent / name).exists()
            if not local and name not in VFS_HEADERS:
                report(path, number, f"vfs/ and fs/ may only ask the port, not {name}")
        if world in EDGES and world != "efi" and name.startswith("efi"):
            report(path, number, "only efi/ sees GNU-EFI")


def check_text(path, text):
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        report(path, len(lines), f"{len(lines)} lines; does the file still have one subject?")
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:3]):
        report(path, 1, "no SPDX line")
    for number, line in enumerate(lines, 1):
        if BANNED.search(line):
            report(path, number, "banned function: " + BANNED.search(line).group(1))
        if re.match(r"\s*typedef\s+struct", line):
            report(path, number, "no typedef for structs")
        if line != line.rstrip():
            report(path, number, "blanks at the end of the line")


def check_header(path):
    """Each header compiles alone."""
    command = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Iinclude",
               "-Ikernel-stub/include", "-Icodec", "-fsyntax-only", "-x", "c", "-"]
    if path.parts[0] == "efi":
        command[1:1] = ["-isystem", "/usr/include/efi", "-isystem", "/usr/include/efi/x86_64",
                        "-fshort-wchar", "-ffreestanding", "-mno-red-zone",
                        "-DGNU_EFI_USE_MS_ABI"]
    elif path.parts[0] == "kernel-stub":
        command[1:1] = ["-ffreestanding"]
    elif path.parts[0] == "tools":
        command[1:1] = ["-D_GNU_SOURCE"]
    result = subprocess.run(command, input=f'#include "{path}"\n', text=True,
                            capture_output=True, cwd=".")
    if result.returncode != 0:
        report(path, 1, "does not compile alone: " + result.stderr.splitlines()[0])


def check_undefined():
    """The library needs mem* and strlen from its world, and nothing else."""
    for world in ("efi", "stub"):
        archive = BUILD / world / "libovermount.a"
        if not archive.exists():
            report(archive, 1, "is not built")
            continue
        listing = subprocess.run(["nm", str(archive)], text=True, capture_output=True).stdout
        defined, undefined = set(), set()
        for line in listing.splitlines():
            fields = line.split()
            if len(fields) >= 2 and fields[-2] == "U":
                undefined.add(fields[-1])
            elif len(fields) == 3:
                defined.add(fields[-1])
                # position-independent code keeps constant tables with pointers in "d" too
                if world == "stub" and fields[1] in "BDbdC":
                    report(archive, 1, f"mutable global in the library: {fields[-1]}")
        allowed = {"memcpy", "memmove", "memset", "memcmp", "strlen", "_GLOBAL_OFFSET_TABLE_"}
        for name in sorted(undefined - defined - allowed):
            report(archive, 1, f"undefined in the library: {name}")


def main():
    code = list(sources("include/overmount/*.h", "loader/**/*.[ch]", "rootfs/**/*.[ch]",
                        "efi/*.[ch]", "kernel-stub/**/*.[ch]", "codec/*.[ch]", "tools/*.[ch]",
                        "tests/**/*.[ch]"))
    for path in code:
        text = path.read_text()
        check_text(path, text)
        if path.parts[0] != "tests":
            check_includes(path, text)
    headers = [path for path in code if path.suffix == ".h" and path.parts[0] != "tests"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(check_header, headers))
    check_undefined()
    for line in findings:
        print(line)
    print(f"lint: {len(code)} files, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
