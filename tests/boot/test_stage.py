# SPDX-License-Identifier: MIT
"""The menu, and every way out of the stage."""

import re

import pytest

import scenario
from machine import Machine, Timeout

UP, DOWN, ESC = "\x1b[A", "\x1b[B", "\x1b"
# As xterm and the Linux console send them; OVMF knows other sequences for these keys.
PAGE_UP, PAGE_DOWN, INSERT = "\x1b[5~", "\x1b[6~", "\x1b[2~"


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    shop = scenario.Workshop("demo")
    shop.work = tmp_path_factory.mktemp("menu") / "work"
    return shop.work, shop.disks()


def start(disks, name):
    work, made = disks
    return Machine(work / name, made, 512, ["-snapshot"])


def test_menu_shows_everything(disks):
    with start(disks, "pages") as machine:
        machine.expect(r"> ext2 on the disk", 30)
        machine.expect(r"An entry with a mistake", 10)
        machine.expect(r"! 5:11: 'root-mode' is not 'sometimes'", 10)
        machine.send("p")
        machine.expect(r"stub\.elf", 20)
        machine.send(" ")
        machine.expect(r"> ext2 on the disk", 20)
        machine.send("d")
        machine.expect(r"root +PARTUUID=11111111-2222-3333-4444-555555555555", 20)
        machine.send(" ")
        machine.expect(r"> ext2 on the disk", 20)
        machine.send(DOWN)
        machine.expect(r"> ext2 image as ram disk", 20)
        machine.send(UP)
        machine.expect(r"> ext2 on the disk", 20)
        machine.send(PAGE_DOWN)
        machine.expect(r"> An entry with a mistake", 20)
        machine.send(INSERT)
        machine.send(PAGE_UP)
        machine.expect(r"> ext2 on the disk", 20)
        machine.send(ESC)
        assert machine.finish(30) == "firmware"
        assert "0 pages, 0 files held" in machine.text


def test_a_broken_entry_comes_back_to_the_menu(disks):
    with start(disks, "broken") as machine:
        machine.expect(r"> ext2 on the disk", 30)
        for _ in range(3):
            machine.send(DOWN)
        machine.expect(r"> An entry with a mistake", 20)
        machine.send("\r")
        machine.expect(r"Esc: firmware", 20)
        machine.send(ESC)
        assert machine.finish(30) == "firmware"


def test_the_timeout_boots_the_default(disks):
    with start(disks, "timeout") as machine:
        machine.expect(r"overmount: root: /dev/vda2 is ext2, mounted read-write", 60)
        text = machine.text
    # The time in the menu is nobody's work.
    steps = re.findall(r"^\[ *(\d+\.\d+)\] overmount: (\w+)", text, re.M)
    early = [at for (before, _), (at, word) in zip(steps, steps[1:])
             if word == "progress" and float(at) - float(before) < 0.5]
    assert not early, text[-3000:]


def test_another_entry_is_booted(disks):
    with start(disks, "other") as machine:
        machine.expect(r"> ext2 on the disk", 30)
        machine.send(DOWN)
        machine.expect(r"> ext2 image as ram disk", 20)
        machine.send("\r")
        machine.expect(r"overmount: root: /dev/ram0 is ext2", 60)


def test_no_entries_goes_back_to_the_firmware(tmp_path):
    esp = tmp_path / "esp"
    scenario.write_file(esp / "EFI/BOOT/BOOTX64.EFI",
                        (scenario.BUILD / "efi/overmount.efi").read_bytes())
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", tmp_path / "esp.img", esp)
    try:
        with Machine(tmp_path / "run", [tmp_path / "esp.img"]) as machine:
            assert machine.finish(60) == "firmware"
            assert "NOT_FOUND" in machine.text.upper().replace(" ", "_")
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("name, status", [
    ("broken-entry", "Load Error"),
    ("digest-mismatch", "Security Violation"),
    ("wrong-kernel", "Unsupported"),
])
def test_nobody_to_ask(name, status):
    """Without a keyboard there is no menu and nothing to wait for: the firmware is told why, and
    boots something else."""
    shop = scenario.Workshop(name)
    shop.spec["config"] = "timeout forever\nconsole serial\n"
    shop.work = scenario.BUILD / "images" / f"alone-{name}"
    disks = shop.disks(stage="efi-faults")
    with Machine(shop.work, disks, 128,
                 ["-fw_cfg", "name=opt/overmount/no-keyboard,string=yes"]) as machine:
        assert machine.finish(60) == "firmware", machine.text[-2000:]
        assert f"exit: to the firmware: {status}; 0 pages, 0 files held" in machine.text
        assert "boot menu" not in machine.text
    for disk in disks:
        disk.unlink()
