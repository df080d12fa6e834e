# SPDX-License-Identifier: MIT
"""A root of an NFS server on stock kernels: address by DHCP or from ip=, mounted, handed over."""

import re
import shutil
import time

import pytest

import difficult_dhcp
import stock
from fetched import fetched
from monitor import Monitor
from nfs_server import EXPORT, Server
from silent_servers import silent
from stock import scenario

DIRS = ["proc", "dev", "sys", "run", "mnt", "sbin", "tmp"]
MODULES = ["virtio_net", "nfsv3", "nfsv4", "af_packet"]
# The host's loopback is 10.0.2.2 to the guest, which is also what this DHCP calls the next server.
USER = ["-netdev", "user,id=n,hostname=guest,domainname=example.org", "-device", "virtio-net-pci,netdev=n,romfile="]
NOBODY = ["-netdev", "hubport,id=n,hubid=0", "-device", "virtio-net-pci,netdev=n,romfile="]
UNNAMED = ["-netdev", "user,id=u", "-device", "virtio-net-pci,netdev=u,romfile="]
STORY = re.compile(r"overmount: ((?:root|network|overmount|init|rescue): .*?)\r?$", re.M)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for each worker, which run at the same time."""
    programs = fetched("nfs-server.sh")
    work = tmp_path_factory.mktemp("server")
    tree = work / "tree"
    for name in DIRS:
        (tree / name).mkdir(parents=True)
    (tree / "mnt/inside").write_text("inside\n")
    scenario.write_file(tree / "sbin/init", (scenario.BUILD / "programs/handover").read_bytes(), 0o755)
    with Server(programs, work, tree) as running:
        yield running


def boot(version, name, lines, network, cmdline="", late_link=False):
    """With LATE_LINK the cable is plugged in while it is waited for."""
    shop = type("Shop", (), {"work": scenario.BUILD / f"images/linux-{version}-nfs-{name}"})
    shutil.rmtree(shop.work, ignore_errors=True)
    shop.work.mkdir(parents=True)
    entry = "\n".join(["title NFS", "linux \\overmount\\vmlinuz", "ramfs \\overmount\\linux.cpio",
                       *lines, ""])
    archive = stock.direct(version, shop, entry, modules=MODULES)
    late = ["-S", "-qmp", f"unix:{shop.work}/monitor,server=on,wait=off"]
    with stock.machine(version, shop.work, [], archive, cmdline,
                       extra=network + late * late_link) as machine:
        if late_link:
            monitor = Monitor(shop.work / "monitor")
            monitor.call("set_link", name="n", up=False)
            monitor.call("cont")
            machine.expect("overmount: devices: none", 60)
            time.sleep(1)
            monitor.call("set_link", name="n", up=True)
            monitor.close()
        machine.finish(90)
        return machine.text


def check_handed_over(text):
    seen = dict(line.split(" ", 1) for line in re.findall(r"^H ([a-z_-]+ .*)", text, re.M))
    assert len(seen) == 9 and {word.strip() for word in seen.values()} == {"ok"}, text[-5000:]
    return [line.rstrip() for line in re.findall(r"^H > (.*)", text, re.M)]


def root_mount(told):
    """Type, source and options of the mount on /; it has become read-only on the way."""
    line, = (line.split() for line in told if " / / " in line and " - nfs" in line)
    return line[-3], line[-2], set(line[5].split(",") + line[-1].split(","))


def test_dhcp_and_nfs_4(server):
    """The newest version that both have."""
    text = boot("7.3", "dhcp", [f"root nfs:{EXPORT},port={server.port} rw"], USER, "ip=dhcp", True)
    told = check_handed_over(text)
    kind, source, options = root_mount(told)
    assert (kind, source) == ("nfs4", f"10.0.2.2:{EXPORT}")
    assert {"rw", "vers=4.1", f"port={server.port}", "addr=10.0.2.2"} <= options, options
    story = STORY.findall(text)
    assert "network: eth0 is 10.0.2.15/24, gateway 10.0.2.2, by DHCP of 10.0.2.2" in story, text
    assert "root: NFS, mounted read-write" in story and "overmount: the final root covers /" in story
    # The host tells the same story, but for what only the network knows.
    entry = scenario.BUILD / "images/linux-7.3-nfs-dhcp/esp/loader/entries/direct.conf"
    told_before = STORY.findall(scenario.run(scenario.OVERMOUNT, "explain", entry))
    assert [line for line in story if not line.startswith("network:")] == told_before, text
    # What QEMU's DHCP told and the kernel does not keep.
    assert {"DEVICE='eth0'", "PROTO='dhcp'", "IPV4ADDR='10.0.2.15'", "IPV4NETMASK='255.255.255.0'",
            "IPV4GATEWAY='10.0.2.2'", "IPV4DNS0='10.0.2.3'", "HOSTNAME='guest'",
            "DNSDOMAIN='example.org'", "DHCPLEASETIME='86400'"} <= set(told), told


def test_an_old_command_line_and_nfs_3(server):
    """As an entry of a diskless machine has it since 1996."""
    cmdline = (f"root=/dev/nfs nfsroot=10.0.2.2:{EXPORT},vers=3,port={server.port},"
               f"mountport={server.mount_port} ip=10.0.2.15::10.0.2.2:255.255.255.0:old.example.org:eth0:off")
    text = boot("6.1", "static", [f"options {cmdline}"], USER, cmdline)
    told = check_handed_over(text)
    kind, source, options = root_mount(told)
    assert (kind, source) == ("nfs", f"10.0.2.2:{EXPORT}")
    assert {"ro", "vers=3", "nolock"} <= options, options
    assert "network: eth0 is 10.0.2.15/24, gateway 10.0.2.2, by ip=" in STORY.findall(text), text
    assert {"PROTO='none'", "HOSTNAME='old'", "DNSDOMAIN='example.org'"} <= set(told), told


@pytest.mark.parametrize("version", stock.KERNELS)
def test_candidates_in_order(version, server):
    """
    Until one works, with a tmpfs over it. For silent servers the kernel would wait for minutes.
    The first interface has a link, but nobody there; the second one gives no name.
    """
    with silent() as deaf, silent(only_null=True) as null:
        port = f"port={server.port}"
        wrong = {f"nfs:/nowhere,{port}": "10.0.2.2:/nowhere: the server has no such directory",
                 "nfs:10.0.2.2:/x,port=9": "10.0.2.2:/x: Connection refused",
                 "nfs:files.example.org:/x":
                 "the server cannot be looked up by name: write its IPv4 address",
                 f"nfs:{EXPORT},{port},foo=1": f"10.0.2.2:{EXPORT}: nfs: Unknown parameter 'foo'",
                 f"nfs:/deaf,port={deaf.port}": "10.0.2.2:/deaf: no answer by NFS in 5 s",
                 f"nfs:/null,port={null.port}": "10.0.2.2:/null: no answer by NFS in 5 s",
                 f"nfs:/mountd,vers=3,port={null.port},mountport={null.port}":
                 "10.0.2.2:/mountd: no answer by NFS in 5 s"}
        lines = [*(f"root {spec}" for spec in wrong), f"root nfs:{EXPORT} flags={port}",
                 "root-overlay tmpfs", "root-wait 1"]
        text = boot(version, "candidates", lines, NOBODY + UNNAMED)
        # NULL of NFS 4; then EXCHANGE_ID in a COMPOUND, NULL and MNT of version 3.
        assert set(deaf.seen) == {(100003, 4, 0)}
        assert set(null.seen) == {(100003, 4, 0), (100003, 4, 1), (100005, 3, 0), (100005, 3, 1)}
        # To a server of NFS 4 clients of one name are one client.
        assert any(b"10.0.2.15" in call for call in null.calls)
    story = STORY.findall(text)
    assert "network: eth1 is 10.0.2.15/24, gateway 10.0.2.2, by DHCP of 10.0.2.2" in story, text[-5000:]
    for spec, reason in wrong.items():
        assert f"root: {spec}: {reason}" in story, text[-5000:]
    assert "root: NFS, mounted read-only" in story and "root: a tmpfs over it takes what is written" in story
    assert any(" / / rw," in line and " - overlay " in line for line in check_handed_over(text))


def test_nobody_answers():
    text = boot("6.1", "nobody", ["root nfs:/root", "root-wait 3"], NOBODY)
    assert ("root: 1. nfs:/root: eth0 has a link, but no DHCP server answered in 3 s"
            in STORY.findall(text)), text[-5000:]


def test_difficult_dhcp(tmp_path):
    """Lost, broken, refused and forgotten; then a gateway beyond the netmask, and nobody there."""
    with difficult_dhcp.Server(tmp_path) as server:
        text = boot("6.1", "difficult", ["root /dev/nfs"], server.network)
    story = STORY.findall(text)
    assert "network: eth0 is 10.9.9.7/32, gateway 10.9.9.1, by DHCP of 10.9.9.1" in story, text[-5000:]
    assert "root: 1. /dev/nfs: 10.9.9.1:/exp/10.9.9.7: Host is unreachable" in story
    ask, take = difficult_dhcp.DISCOVER, difficult_dhcp.REQUEST
    assert [kind for kind, _, _ in server.seen] == [ask, ask, take, ask, take, take, ask, take]
    # A beginning has a number of its own.
    assert len({xid for _, xid, _ in server.seen[:3]}) == 1
    assert len({xid for _, xid, _ in server.seen}) == 3
    for kind, _, options in server.seen:
        assert kind == ask or (options[50], options[54]) == (difficult_dhcp.CLIENT, difficult_dhcp.SERVER)


def test_bootp(tmp_path):
    """RFC 951; two addresses of a link, of which none is a broadcast, and a gateway beyond them."""
    with difficult_dhcp.Server(tmp_path) as server:
        text = boot("6.1", "bootp", ["root /dev/nfs"], server.network,
                    "ip=:10.9.9.6:10.9.9.1:255.255.255.254:box:eth0:bootp")
    story = STORY.findall(text)
    assert "network: eth0 is 10.9.9.7/31, gateway 10.9.9.1, by BOOTP of 10.9.9.1" in story, text[-5000:]
    assert "root: 1. /dev/nfs: 10.9.9.6:/exp/box: Host is unreachable" in story, text[-5000:]
    assert [(kind, list(options)) for kind, _, options in server.seen] == [(0, [12])]
