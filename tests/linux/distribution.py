# SPDX-License-Identifier: MIT
"""A Debian 12 of mk/debian.sh, put on an ESP by `overmount install`, and a session at its console."""

import stock
from stock import scenario
from machine import Machine

UUID = "01234567-89ab-4cde-8f01-23456789abcd"       # as mk/debian.sh makes it
ESP = "c0ffee00-1234-4567-89ab-0123456789ab"
DRIVERS = ["virtio_pci", "virtio_blk", "ext4"]


def installed(root, work, options, *args, config="timeout 0\nconsole serial\n"):
    """The disk with the ESP for the system below ROOT."""
    esp = work / "esp"
    scenario.write_file(esp / "EFI/overmount/overmount.conf", config.encode())
    scenario.run(scenario.OVERMOUNT, "install", "--esp", esp, "--root", root, "--options",
                 f"root=UUID={UUID} ro console=ttyS0 {options}".strip(), *args)
    for made in (esp / "loader/entries").glob("*-init.conf"):
        # The same, but systemd switches off at once; last in the menu.
        scenario.write_file(made.parent / "off.conf", made.read_bytes() +
                            b"options systemd.unit=poweroff.target\n")
    scenario.run(scenario.OVERMOUNT, "check", esp)
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", work / "esp.img", "--size", 96, esp)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", work / "boot.img",
                 f"{work / 'esp.img'}:ef00:esp:{ESP}")
    return work / "boot.img"


def with_modules(*names):
    return [word for name in names for word in ("--module", name)]


def with_kernel(version, root, work, *modules, options=""):
    """The same with a stock kernel that this Debian knows nothing of, and without an initramfs: the
    modules, too, come with our /init."""
    tree, release = stock.tree(version), stock.release(version)
    scenario.write_file(work / f"kernels/vmlinuz-{release}", (tree / "vmlinuz").read_bytes())
    return installed(root, work, options, "--kernels", work / "kernels", "--modules-dir",
                     tree / "lib/modules", *with_modules(*DRIVERS, *modules))


def script_disk(work, **scripts):
    """Scripts by their names, and what else is below work/script."""
    for name, script in scripts.items():
        scenario.write_file(work / "script" / name, script.encode())
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", work / "script.img", "--size", 64,
                 work / "script")
    return work / "script.img"


def start(work, disks, reboots=False, extra=("-snapshot",)):
    machine = Machine(work, disks, 768, extra)
    if reboots:
        machine.line.remove("-no-reboot")
    return machine


def log_in(machine, *scripts):
    """Wait for the login prompt, and run the scripts; what they said."""
    machine.expect(r"login: ", 300)
    machine.send("root\n")
    machine.expect(r"root@\S+# ?$", 60)
    before = machine.seen
    run = "".join(f" && sh /mnt/{name}" for name in scripts)
    machine.send(f"mount -r /dev/vdc /mnt{run} && echo T 'done'\n")
    machine.expect(r"^T done", 240)
    return "\n".join(line[2:].rstrip() for line in machine.text[before:].splitlines()
                     if line.startswith("T "))


def log_in_by_init(machine, *scripts):
    """The same, after our /init has found the root."""
    machine.expect(r"overmount: root: /dev/vdb is ext4, mounted read-only", 60)
    machine.expect(r"overmount: init: /sbin/init", 20)
    return log_in(machine, *scripts)
