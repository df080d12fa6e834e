# SPDX-License-Identifier: MIT
"""Boot one scenario: run.py list | NAME [--interactive] [--gdb PORT] | demo"""

import argparse
import os
import sys

import machine
import scenario


def show(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def attended(name, extra):
    """The terminal is the machine's serial line; Ctrl-A x ends QEMU."""
    shop = scenario.Workshop(name)
    disks = shop.disks(options="")
    variables = shop.work / "vars.fd"
    variables.write_bytes(machine.VARIABLES.read_bytes())
    line = machine.command(disks, shop.spec.get("memory", 256), variables,
                           ["-serial", "mon:stdio", *extra])
    line = [word for index, word in enumerate(line)
            if word != "-monitor" and line[index - 1] != "-monitor"]
    print(f"disks are in {shop.work}; Ctrl-A x ends QEMU", flush=True)
    os.execvp(line[0], line)    # so that whoever started this can end QEMU by its process number


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--interactive", action="store_true")
    parser.add_argument("--gdb", type=int, metavar="PORT")
    args = parser.parse_args()
    if args.name == "list":
        for name in scenario.names():
            print(f"{name:24} {scenario.Workshop(name).spec['summary']}")
        return 0
    if args.name not in scenario.names():
        print(f"run.py: no scenario '{args.name}'; `make boot S=list` shows them",
              file=sys.stderr)
        return 2
    extra = ["-S", "-gdb", f"tcp:127.0.0.1:{args.gdb}"] if args.gdb else []
    if extra or args.interactive or (args.name == "demo" and os.isatty(0)):
        attended(args.name, extra)
    name = "demonstration" if args.name == "demo" else args.name
    try:
        scenario.boot(name, show)
    except scenario.Failure as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{name}: pass")
    return 0


sys.exit(main())
