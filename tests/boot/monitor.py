# SPDX-License-Identifier: MIT
import json
import socket
import time


class Monitor:
    """QEMU's monitor; -qmp unix:PATH,server=on,wait=off starts it."""

    def __init__(self, path):
        end = time.monotonic() + 10
        self.socket = socket.socket(socket.AF_UNIX)
        while self.socket.connect_ex(str(path)):
            assert time.monotonic() < end, "QEMU's monitor does not answer"
            time.sleep(0.02)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def reason(self):
        """Why a machine ended that is at its end."""
        for line in self.file:
            event = json.loads(line)
            if event.get("event") == "SHUTDOWN":
                return {"guest-shutdown": "poweroff", "guest-reset": "reboot"}[event["data"]["reason"]]
        return "quit"

    def close(self):
        self.file.close()
        self.socket.close()
