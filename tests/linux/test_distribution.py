# SPDX-License-Identifier: MIT
"""A Debian 12 as it comes, put on an ESP by `overmount install`: with the initrds that its own
tools made, in plain entries of the Boot Loader Specification, and without any, by `--module`.
Everything goes through firmware and stage, and what systemd knows of them is asked from inside.
"""

import re
import shutil

import pytest

import stock
from stock import scenario
from distribution import (DRIVERS, ESP, UUID, installed, log_in, log_in_by_init, script_disk, start,
                          with_kernel, with_modules)
from machine import Timeout
from kernel_modules import index, make_module

FIRST = "timeout 0\nconsole serial\ndefault *-init.conf\n"
SEEN = """
echo "T pid1=$(cat /proc/1/comm)"
echo "T root=$(findmnt -rno FSTYPE,UUID /)"
echo "T state=$(systemctl is-system-running --wait)"
echo "T failed=$(systemctl --failed --no-legend --plain)"
echo "T $(systemd-analyze | head -n 1)"
mount /dev/vda1 /boot/efi || exit 1
bootctl --no-pager status 2>/dev/null | sed "s/^/T status: /"
bootctl --no-pager list 2>/dev/null | sed "s/^/T list: /"
ls /sys/firmware/efi/efivars | sed -n "s/^LoaderEntryOneShot.*/T one-shot: &/p"
"""
OFF = "bootctl set-oneshot off.conf\n"
REGISTERED = """
export LD_LIBRARY_PATH=/mnt/lib TMPDIR=/run
mkdir /run/nvme
mount -r /dev/nvme0n1 /run/nvme
echo "T nvme0n1=$(readlink -f /sys/class/block/nvme0n1)"
for root in "/boot/efi /lib/modules" "/run/nvme /mnt/lib/modules"; do
	rm -rf /run/esp
	mkdir /run/esp
	/mnt/overmount install --esp /run/esp --from /mnt --kernels /mnt/kernels --module auto \\
		--root ${root% *} --modules-dir ${root#* } --options root=/dev/vda1 >/dev/null &&
		/mnt/overmount image extract /run/esp/EFI/overmount/*/*/linux.cpio \\
			lib/modules/$(uname -r)/overmount.order | sed "s,^,T auto ${root% *}: ,"
done
for i in first second; do
	/mnt/overmount install --esp /boot/efi --from /mnt --kernels /mnt/none --efi-variables \\
		--options root=/dev/vdb | sed "s/^/T $i: /"
done
unset LD_LIBRARY_PATH
efibootmgr -v | sed "s/^/T /"
"""


@pytest.fixture(scope="module")
def debian():
    return stock.fetched("debian.sh")


def program(tree, release):
    """overmount(1) of this host with its libraries, to be run inside, and a kernel to be found."""
    for library in re.findall(r"=> (/\S+)", scenario.run("ldd", scenario.OVERMOUNT)):
        target = tree / "lib" / scenario.Path(library).name
        scenario.write_file(target, scenario.Path(library).read_bytes(), 0o755)
    for path in (scenario.OVERMOUNT, scenario.BUILD / "efi/overmount.efi",
                 scenario.BUILD / "stub/overmount-stub.elf", scenario.BUILD / "linux/init"):
        scenario.write_file(tree / path.name, path.read_bytes(), 0o755)
    scenario.write_file(tree / "kernels" / f"vmlinuz-{release}",
                        (scenario.TOP / "tests/fuzz/corpus/elf/linux.pe").read_bytes())
    (tree / "none").mkdir()
    # Modules by which it can be seen what is asked for; Debian's kernel has these drivers built in.
    for name, alias in (("controller", "pci:v00001B36d00000010*"), ("filesystem", "fs-ext2"),
                        ("another", "pci:v00001AF4d*")):
        make_module(tree / f"lib/modules/{release}/kernel/{name}.ko", [], [], [f"alias={alias}"])
    index(tree / "lib/modules", release)


def shared_nvme(work):
    """An NVMe disk that more than one controller may reach, as QEMU's options."""
    (work / "nothing").mkdir()
    image = work / "nvme.img"
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", image, "--size", 1, work / "nothing")
    return ["-snapshot", "-device", "nvme-subsys,id=s0", "-device", "nvme,serial=1,subsys=s0", "-drive",
            f"if=none,id=n0,format=raw,file={image}", "-device", "nvme-ns,drive=n0"]


def restart_and_off(machine):
    """To the entry that was asked for by OFF: the same by our /init, where systemd switches off at
    once.  The machine would start again, so nothing but a power-off ends it."""
    machine.send("systemctl reboot\n")
    machine.expect(r"entry: off\.conf ", 120)
    machine.expect(r"overmount: init: /sbin/init", 60)
    assert machine.finish(180) == "quit", machine.text[-2000:]


def check_seen(text, entry, file):
    """ENTRY is what systemd takes for the selected one, FILE for the loader started."""
    lines = text.splitlines()
    for line in ("pid1=systemd", f"root=ext4 {UUID}", "failed=", "state=running"):
        assert line in lines, text
    assert re.search(r"^Startup finished in [0-9a-z. ]+\(firmware\) \+ [0-9a-z. ]+\(loader\) \+ "
                     r"[0-9a-z. ]+\(kernel\) \+ .*\(userspace\)", text, re.M), text
    listed = re.findall(r"^list: +(title|id): (.*)", text, re.M)
    selected = [listed[at + 1] for at, (key, value) in enumerate(listed)
                if key == "title" and "(selected)" in value]
    assert selected == [("id", entry)], text
    current = text[text.index("status: Current Boot Loader:"):text.index("status: Random Seed:")]
    assert re.search(r"Product: overmount [0-9.]+$", current, re.M), text
    assert set(re.findall(r"\u2713 (.*)", current)) == {
        "Boot counting", "Menu timeout control", "One-shot menu timeout control",
        "Default entry control", "One-shot entry control", "Support Type #1 sort-key field",
        "Support @saved pseudo-entry", "Boot loader sets ESP information"}, text
    assert f"ESP: /dev/disk/by-partuuid/{ESP}" in current, text
    assert f"File: \u2514\u2500{file}" in current, text


def check_registered(text):
    assert re.search(r"^first: set +Boot[0-9A-F]{4} ", text, re.M), text
    assert re.search(r"^first: set +BootOrder ", text, re.M), text
    assert not re.search(r"^second: (set|write|replace|make)", text, re.M), text
    # What the tool that everybody has for it reads: active, the ESP, the stage; and it is first.
    option = re.search(rf"^Boot([0-9A-F]{{4}})\* overmount\s+HD\(1,GPT,{ESP},0x800,0x30000\)"
                       r"/File\(\\EFI\\overmount\\overmount\.efi\)", text, re.M)
    assert option, text
    assert re.search(rf"^BootOrder: {option.group(1)}\b", text, re.M), text


def check_auto(text):
    """What the disk of a mounted file system hangs on, and the file system's own module."""
    names = {root: re.findall(rf"^auto {root}: \S*/([^/]+)\.ko$", text, re.M)
             for root in ("/boot/efi", "/run/nvme")}
    for before, after in (("virtio_ring", "virtio_blk"), ("virtio_ring", "virtio_pci"),
                          ("fat", "vfat")):
        assert names["/boot/efi"].index(before) < names["/boot/efi"].index(after), text
    assert "nvme0n1=/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1" in text, text
    assert sorted(names["/run/nvme"]) == ["controller", "filesystem"], text


def test_debian_without_an_initramfs_and_with_its_own(debian, tmp_path):
    """First our /init and three drivers are all that there is before systemd.  From inside, the
    stage is registered with the real firmware, which then starts it by that name, and Debian's own
    entry is asked for, once, as systemd does it.  From there it goes back to our /init, and off."""
    system = tmp_path / "system"
    shutil.copytree(debian / "etc", system / "etc")
    shutil.copytree(debian / "boot", system / "boot")
    (system / "lib").mkdir()
    scenario.run("/usr/sbin/debugfs", "-R", f"rdump /usr/lib/modules {system / 'lib'}",
                 debian / "root.ext4")
    release, = (path.name for path in (system / "lib/modules").iterdir())
    entry = f"overmount-debian-{release}"
    program(tmp_path / "script", release)
    disks = [installed(system, tmp_path, "", *with_modules(*DRIVERS), config=FIRST), debian / "root.ext4",
             script_disk(tmp_path, seen=SEEN, register=REGISTERED, off=OFF,
                         own=f"bootctl set-oneshot {entry}.conf\n")]
    try:
        with start(tmp_path, disks, True, shared_nvme(tmp_path)) as machine:
            machine.expect(rf"entry: {entry}-init\.conf 'Debian GNU/Linux 12 \S+, without", 60)
            text = log_in_by_init(machine, "seen", "register", "own")
            machine.send("systemctl reboot\n")
            machine.expect(r'BdsDxe: starting Boot[0-9A-F]{4} "overmount" from '
                           r"HD\(1,GPT,\S+\\EFI\\overmount\\overmount\.efi", 120)
            machine.expect(rf"entry: {entry}\.conf 'Debian GNU/Linux 12 \S+'", 60)
            again = log_in(machine, "seen", "off")
            restart_and_off(machine)
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text, f"{entry}-init.conf", "/EFI/BOOT/BOOTX64.EFI")
    check_auto(text)
    check_registered(text)
    check_seen(again, f"{entry}.conf", "/EFI/overmount/overmount.efi")
    assert "one-shot:" not in again, again


@pytest.mark.parametrize("version", [version for version in stock.KERNELS if version != "6.1"])
def test_debian_on_another_kernel(debian, tmp_path, version):
    """It is started again by systemd, and the next time switched off."""
    release = stock.release(version)
    disks = [with_kernel(version, debian, tmp_path, "vfat", "nls_ascii", "nls_cp437"),
             debian / "root.ext4",
             script_disk(tmp_path, seen=SEEN, off=OFF)]
    try:
        with start(tmp_path, disks, reboots=True) as machine:
            machine.expect(rf"Linux version {re.escape(release)} ", 60)
            text = log_in_by_init(machine, "seen", "off")
            restart_and_off(machine)
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
    check_seen(text, f"overmount-debian-{release}-init.conf", "/EFI/BOOT/BOOTX64.EFI")


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
