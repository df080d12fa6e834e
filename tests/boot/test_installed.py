# SPDX-License-Identifier: MIT
"""An ESP that `overmount install` filled boots."""

import pytest

import scenario
from machine import Machine, Timeout

PARTUUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def shop():
    """A disk with a root on it, and no ESP yet."""
    made = scenario.Workshop("gpt-partuuid")
    made.work = scenario.BUILD / "images" / "install"
    scenario.shutil.rmtree(made.work, ignore_errors=True)
    made.work.mkdir(parents=True)
    scenario.run(scenario.OVERMOUNT, "disk", "root", "-o", made.work / "root.img", "--size", 16,
                 made.tree("marked"))
    return made


def test_the_sample_entry_boots_on_the_stub(shop):
    esp = shop.work / "esp"
    # The user's own settings were there before and stay.
    scenario.write_file(esp / "EFI/overmount/overmount.conf", b"timeout 0\nconsole serial\n")
    scenario.write_file(shop.work / "system/etc/os-release", b"PRETTY_NAME='A system'\nID=system\n")
    scenario.run(scenario.OVERMOUNT, "install", "--esp", esp, "--root", shop.work / "system",
                 "--options", f"root=PARTUUID={PARTUUID} rw {scenario.TEST_OPTIONS}")
    scenario.run(scenario.OVERMOUNT, "check", "--strict", esp)
    assert (esp / "EFI/overmount/overmount.conf").read_bytes().startswith(b"timeout 0\n")
    scenario.run(scenario.OVERMOUNT, "disk", "esp", "-o", shop.work / "esp.img", esp)
    scenario.run(scenario.OVERMOUNT, "disk", "gpt", "-o", shop.work / "disk.img",
                 f"{shop.work / 'esp.img'}:ef00:esp",
                 f"{shop.work / 'root.img'}:8300:root:{PARTUUID}")
    try:
        with Machine(shop.work / "run", [shop.work / "disk.img"]) as machine:
            machine.expect(r"entry: overmount-system-stub\.conf 'A system, on overmount's stub'", 60)
            machine.expect(r"root: /dev/vda2 is ext2, mounted read-write", 60)
            machine.expect(r"T pid=1 ", 60)
            assert machine.finish(60) == "poweroff", machine.text[-2000:]
    except Timeout as error:
        pytest.fail(str(error), pytrace=False)
