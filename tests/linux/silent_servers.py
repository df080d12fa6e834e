# SPDX-License-Identifier: MIT
"""Servers that take connections for NFS and answer nothing, or too little."""

import contextlib
import socketserver
import struct
import threading

CALL, REPLY = 0, 1


class Handler(socketserver.StreamRequestHandler):
    """ONLY_NULL answers procedure 0 of every program (RFC 5531); whatever else comes is read."""

    def handle(self):
        while head := self.rfile.read(4):
            size, = struct.unpack(">I", head)
            call = self.rfile.read(size & 0x7fffffff)
            xid, kind, _, program, version, procedure = struct.unpack(">6I", call[:24])
            self.server.seen.append((program, version, procedure))
            self.server.calls.append(call)
            if self.server.only_null and (kind, procedure) == (CALL, 0):
                self.request.sendall(struct.pack(">7I", 0x80000018, xid, REPLY, 0, 0, 0, 0))


@contextlib.contextmanager
def silent(only_null=False):
    """It has a PORT; SEEN has (program, version, procedure) of each of CALLS."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.only_null, server.port = only_null, server.server_address[1]
        server.seen, server.calls = [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
