# SPDX-License-Identifier: MIT
"""Kernel modules made by tests: objects with what depmod and libkmod read of a module, nothing else."""

import subprocess

import scenario


def make_module(path, exports, wants, info):
    text = "".join(f'static const char e_{name}[] __attribute__((used, section("__ksymtab_strings")))'
                   f' = "{name}";\nint {name}(void) {{ return 0; }}\n' for name in exports)
    text += "".join(f"extern int {name}(void);\nint call_{name}(void) {{ return {name}(); }}\n"
                    for name in wants)
    text += "".join(f'static const char i_{number}[] __attribute__((used, section(".modinfo")))'
                    f' = "{line}";\n' for number, line in enumerate(info))
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-c", "-O0", "-ffreestanding", "-x", "c", "-", "-o", path],
                   input=text, text=True, check=True)


def index(lib, release):
    scenario.write_file(lib / release / "modules.builtin", b"kernel/fs/inside.ko\nkernel/fs/msdos.ko\n")
    scenario.write_file(lib / release / "modules.order", b"")
    subprocess.run(["depmod", "-b", lib.parents[1], release], check=True,
                   env={"PATH": "/usr/bin:/usr/sbin:/sbin:/bin"}, stderr=subprocess.DEVNULL)
