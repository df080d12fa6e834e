# SPDX-License-Identifier: MIT
"""A Debian 12 as it comes, with the initrds that its own tools made, put on an ESP by
`overmount install`: plain entries of the Boot Loader Specification, nothing of ours but the stage.
"""

import re
import types

import pytest

import stock
from stock import scenario
from machine import Machine, Timeout

UUID = "01234567-89ab-4cde-8f01-23456789abcd"       # as mk/debian.sh makes it
SEEN = """
echo "T pid1=$(cat /proc/1/comm)"
echo "T root=$(findmnt -rno FSTYPE,UUID /)"
echo "T state=$(systemctl is-system-running --wait)"
echo "T failed=$(systemctl --failed --no-legend --plain)"
echo "T $(systemd-analyze | head -n 1)"
"""
REGISTERED = """
mount /dev/vda1 /boot/efi || exit 1
export LD_LIBRARY_PATH=/mnt/lib
for i in first second; do
	/mnt/overmount install --esp /boot/efi --from /mnt --kernels /mnt/none --efi-variables \\
		--options root=/dev/vdb | sed "s/^/T $i: /"
done
unset LD_LIBRARY_PATH
efibootmgr -v | sed "s/^/T /"
umount /boot/efi
"""


@pytest.fixture(scope="module")
def debian():
    return stock.fetched("debian.sh")


def installed(debian, work, options, *args):
    """The disk with the ESP."""
    esp = work / "esp"
    scenario.write_file(esp / "EFI/overmount/overmount.conf", b"timeout 0\nconsole serial\n")
    scenario.run(scenario.OVERMOUNT, "install", "--esp", esp, "--root", debian, "--options",
                 f"root=UUID={UUID} ro console=ttyS0 {options}".strip(), *args)
    scenario.run(scenario.OVERMOUNT, "check", esp)
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", work / "esp.img", "--size", 96, esp)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", work / "boot.img",
                 f"{work / 'esp.img'}:ef00:esp")
    return work / "boot.img"


def program(tree):
    """overmount(1) of this host with its libraries, to be run inside."""
    for library in re.findall(r"=> (/\S+)", scenario.run("ldd", scenario.OVERMOUNT)):
        target = tree / "lib" / scenario.Path(library).name
        scenario.write_file(target, scenario.Path(library).read_bytes(), 0o755)
    for path in (scenario.OVERMOUNT, scenario.BUILD / "efi/overmount.efi",
                 scenario.BUILD / "stub/overmount-stub.elf"):
        scenario.write_file(tree / path.name, path.read_bytes(), 0o755)
    (tree / "none").mkdir()


def script_disk(work, script):
    """The script, and what else is below work/script."""
    scenario.write_file(work / "script/inside.sh", f"{script}\necho T done\n".encode())
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", work / "script.img", "--size", 64,
                 work / "script")
    return work / "script.img"


def start(work, disks, reboots=False):
    machine = Machine(work, disks, 768, ["-snapshot"])
    if reboots:
        machine.line.remove("-no-reboot")
    return machine


def log_in(machine, disk):
    """Wait for the login prompt, and run the script of DISK; what it said."""
    machine.expect(r"login: ", 240)
    machine.send("root\n")
    machine.expect(r"root@\S+# ?$", 60)
    machine.send(f"mount -r /dev/{disk} /mnt && sh /mnt/inside.sh\n")
    machine.expect(r"^T done", 180)
    return "\n".join(line[2:].rstrip() for line in machine.text.splitlines()
                     if line.startswith("T "))


def check_seen(text):
    lines = text.splitlines()
    for line in ("pid1=systemd", f"root=ext4 {UUID}", "failed=", "state=running"):
        assert line in lines, text
    assert re.search(r"^Startup finished in .*kernel\) \+ .*userspace\)", text, re.M), text


def check_registered(text):
    assert re.search(r"^first: set +Boot[0-9A-F]{4} ", text, re.M), text
    assert re.search(r"^first: set +BootOrder ", text, re.M), text
    assert not re.search(r"^second: (set|write|replace|make)", text, re.M), text
    # What the tool that everybody has for it reads: active, the ESP, the stage; and it is first.
    option = re.search(r"^Boot([0-9A-F]{4})\* overmount\s+HD\(1,GPT,[-0-9a-f]{36},0x800,0x30000\)"
                       r"/File\(\\EFI\\overmount\\overmount\.efi\)", text, re.M)
    assert option, text
    assert re.search(rf"^BootOrder: {option.group(1)}\b", text, re.M), text


def test_debian_with_its_own_initrd(debian, tmp_path):
    """To the login prompt; from inside, the stage is registered with the real firmware, which
    then starts it by that name."""
    program(tmp_path / "script")
    disks = [installed(debian, tmp_path, ""), debian / "root.ext4",
             script_disk(tmp_path, SEEN + REGISTERED)]
    try:
        with start(tmp_path, disks, reboots=True) as machine:
            machine.expect(r"entry: overmount-debian-6\.1\.\S+\.conf 'Debian GNU/Linux 12", 60)
            machine.expect(r"Linux version 6\.1\.", 60)
            text = log_in(machine, "vdc")
            machine.send("systemctl reboot\n")
            machine.expect(r'BdsDxe: starting Boot[0-9A-F]{4} "overmount" from '
                           r"HD\(1,GPT,\S+\\EFI\\overmount\\overmount\.efi", 120)
            machine.expect(r"overmount: stage: ", 60)
            machine.expect(r"entry: overmount-debian-6\.1\.", 60)
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text)
    check_registered(text)


def test_debian_with_an_initrd_of_dracut(debian, tmp_path):
    """Until init: what comes then is the same as above."""
    disks = [installed(debian, tmp_path, "init=/bin/sh", "--kernels", debian / "dracut"),
             debian / "root.ext4"]
    initrd, = (tmp_path / "esp/EFI/overmount/debian").glob("*/initrd")
    made, = (debian / "dracut").glob("initramfs-*.img")
    assert initrd.read_bytes() == made.read_bytes()
    try:
        with start(tmp_path, disks) as machine:
            machine.expect(r"Linux version 6\.1\.", 60)
            machine.expect(r"dracut-\S*059", 120)
            machine.expect(r"^# ?$", 180)
            machine.send("echo T pid=$$ $(findmnt -no UUID /)\n")
            machine.expect(rf"^T pid=1 {UUID}", 30)
            machine.send("echo o > /proc/sysrq-trigger\n")
            assert machine.finish(60) == "quit", machine.text[-2000:]
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("version", stock.KERNELS)
def test_debian_without_an_initrd(debian, tmp_path, version):
    """Our /init and two drivers are all that there is before systemd; also on a kernel that this
    Debian knows nothing of."""
    shop = types.SimpleNamespace(work=tmp_path)
    archive = stock.direct(version, shop, "title Debian\nlinux \\overmount\\vmlinuz\n"
                           "initrd \\overmount\\linux.cpio\nroot-wait 10\n"
                           f"root UUID={UUID}\n", modules=["ext4"])
    disks = [debian / "root.ext4", script_disk(tmp_path, SEEN)]
    try:
        with stock.machine(version, tmp_path, disks, archive, memory=768,
                           extra=["-snapshot"]) as machine:
            machine.expect(r"overmount: root: /dev/vda is ext4, mounted read-only", 60)
            machine.expect(r"overmount: init: /sbin/init", 20)
            text = log_in(machine, "vdb")
            machine.send("systemctl poweroff\n")
            assert machine.finish(120) == "quit", machine.text[-2000:]
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text)
