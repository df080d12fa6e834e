# SPDX-License-Identifier: MIT
"""The other end of a cable: a DHCP server that loses, breaks, refuses and forgets before it gives."""

import socket
import struct
import threading

SERVER, CLIENT = b"\x0a\x09\x09\x01", b"\x0a\x09\x09\x07"
EVERYBODY = b"\xff" * 4
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6


def option(number, value):
    return bytes([number, len(value)]) + value


LEASE = option(1, EVERYBODY) + option(3, SERVER) + option(17, b"/exp/%s")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def options(message):
    """Number to value, of the field behind the cookie."""
    assert message[236:240] == COOKIE
    found, at = {}, 240
    while message[at] != 255:
        size = message[at + 1]
        found[message[at]] = message[at + 2:at + 2 + size]
        at += 2 + size
    return found


def frame(request, kind, more=LEASE, address=CLIENT, server=SERVER, xid=None, broken=False):
    """A reply in an Ethernet frame; without KIND it is one of BOOTP."""
    head = bytearray(request[:236])
    head[0], head[4:8], head[16:20], head[20:24] = 2, xid or request[4:8], address, SERVER
    kind = option(53, bytes([kind])) + option(54, server) if kind else b""
    message = bytes(head) + COOKIE + kind + more + b"\xff"
    udp = struct.pack(">4H", 67, 68, 8 + len(message), 0) + message
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, SERVER, EVERYBODY)
    ip = ip[:10] + struct.pack(">H", checksum(ip) ^ broken) + ip[12:]
    return b"\xff" * 6 + b"\x02\0\0\0\0\x01\x08\x00" + ip + udp


class Server:
    """Behind `-netdev dgram`; SEEN has (type, xid, options) of what came."""

    def __init__(self, work):
        self.own, self.other, self.seen = work / "server", work / "guest", []
        self.network = ["-netdev", f"dgram,id=n,local.type=unix,local.path={self.other},"
                        f"remote.type=unix,remote.path={self.own}",
                        "-device", "virtio-net-pci,netdev=n,romfile="]

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.own))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", str(self.own))
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            data = self.socket.recv(2048)
            if not data:
                return
            # IPv4, UDP, to a DHCP server; ARP and IPv6 have no answer.
            if data[12:14] == b"\x08\x00" and data[23] == 17 and data[36:38] == b"\x00\x43":
                self.take(data)

    def take(self, data):
        assert checksum(data[14:34]) == 0 and data[26:34] == bytes(4) + EVERYBODY
        message = data[42:]
        found = options(message)
        self.seen.append((found.get(53, b"\0")[0], message[4:8], found))
        for reply in self.replies(message, [kind for kind, _, _ in self.seen]):
            self.socket.sendto(reply, str(self.other))

    def replies(self, message, kinds):
        count = kinds.count(kinds[-1])
        if kinds[-1] == 0:                              # BOOTP
            yield frame(message, ACK, address=bytes([10, 9, 9, 97]))
            yield frame(message, 0)
        elif kinds[-1] == DISCOVER and count > 1:         # the first is lost
            wrong = bytes([10, 9, 9, 99])
            yield frame(message, OFFER, address=wrong, broken=True)
            yield frame(message, OFFER, address=wrong, more=b"\x01\x09\xff")
            yield frame(message, OFFER, address=wrong, xid=b"else")
            yield frame(message, OFFER)
        elif kinds[-1] == REQUEST and count == 1:
            yield frame(message, NAK, address=bytes(4), more=b"")
        elif kinds[-1] == REQUEST and count > 3:        # the second and third are not heard
            yield frame(message, ACK, address=bytes([10, 9, 9, 98]), server=bytes([10, 8, 8, 1]))
            yield frame(message, ACK)
