# SPDX-License-Identifier: MIT
"""NFS-Ganesha on loopback, versions 3 and 4, as an ordinary user: its files are in its memory, and
are put there through NFS."""

import ctypes
import os
import socket
import stat
import subprocess
import time

from stock import HERE, scenario

EXPORT = "/root"
# Not 4.2: what this one answers to that version's READ_PLUS, Linux takes for an error.
CONFIG = """
NFS_CORE_PARAM {{
	NFS_Port = {nfs}; MNT_Port = {mount}; NLM_Port = {nlm}; RQUOTA_Port = {quota};
	Bind_addr = 127.0.0.1; Protocols = 3, 4;
	Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
	Plugins_Dir = "{libraries}/ganesha";
}}
NFSV4 {{
	Graceless = true; RecoveryBackend = fs; RecoveryRoot = "{work}"; Minor_Versions = 0, 1;
	UseGetpwnam = true; Only_Numeric_Owners = true;
}}
NFS_KRB5 {{ Active_krb5 = false; }}
MEM {{ Inode_Size = 2097152; }}
EXPORT {{
	Export_Id = 1; Path = {export}; Pseudo = {export}; Access_Type = RW; Squash = None;
	SecType = sys; Protocols = 3, 4; Transports = TCP; PrivilegedPort = false;
	FSAL {{ Name = MEM; }}
}}
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """TREE holds what the server of the folder PROGRAMS (mk/nfs-server.sh) exports as EXPORT."""

    def __init__(self, programs, work, tree):
        self.libraries = next((programs / "usr/lib").glob("*/libnfs.so.*")).parent
        self.work, self.tree = work, tree
        self.port, self.mount_port, nlm, quota = free_ports(4)
        shim = work / "no_portmapper.so"
        scenario.run("gcc", "-shared", "-fPIC", "-o", shim, HERE / "no_portmapper.c")
        config = work / "ganesha.conf"
        config.write_text(CONFIG.format(nfs=self.port, mount=self.mount_port, nlm=nlm, quota=quota,
                                        libraries=self.libraries, work=work, export=EXPORT))
        self.line = [programs / "usr/bin/ganesha.nfsd", "-F", "-f", config, "-L", work / "log",
                     "-p", work / "pid", "-N", "NIV_EVENT"]
        self.environment = os.environ | {
            "LD_PRELOAD": str(shim),
            "LD_LIBRARY_PATH": f"{self.libraries}:{programs / 'usr/lib/ganesha'}"}

    def __enter__(self):
        self.process = subprocess.Popen(self.line, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self):
        log = self.work / "log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else "no log"

    def wait(self):
        """Until it listens."""
        end = time.monotonic() + 30
        for port in (self.port, self.mount_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError as error:
                    if time.monotonic() > end or self.process.poll() is not None:
                        raise OSError(f"no NFS server: {self.log()}") from error
                    time.sleep(0.05)

    def fill(self):
        """The tree, by libnfs."""
        for name in ("libkeyutils.so.1", "libkrb5support.so.0", "libk5crypto.so.3", "libkrb5.so.3",
                     "libgssapi_krb5.so.2"):
            if (self.libraries / name).exists():
                ctypes.CDLL(str(self.libraries / name), mode=ctypes.RTLD_GLOBAL)
        nfs = ctypes.CDLL(str(next(self.libraries.glob("libnfs.so.*"))))
        for name in ("nfs_init_context", "nfs_parse_url_dir", "nfs_get_error"):
            getattr(nfs, name).restype = ctypes.c_void_p
        context = ctypes.c_void_p(nfs.nfs_init_context())
        nfs.nfs_set_uid(context, 0)
        nfs.nfs_set_gid(context, 0)

        def call(name, *args):
            error = getattr(nfs, name)(context, *args)
            if error < 0:
                text = ctypes.c_char_p(nfs.nfs_get_error(context)).value
                raise OSError(f"{name}{args[:1]}: {text}")

        url = f"nfs://127.0.0.1{EXPORT}?version=3&nfsport={self.port}&mountport={self.mount_port}"
        nfs.nfs_parse_url_dir(context, url.encode())
        self.wait()
        call("nfs_mount", b"127.0.0.1", EXPORT.encode())
        for path in sorted(self.tree.rglob("*")):
            name = f"/{path.relative_to(self.tree)}".encode()
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                call("nfs_symlink", os.readlink(path).encode(), name)
            elif stat.S_ISDIR(info.st_mode):
                call("nfs_mkdir", name)
            else:
                file = ctypes.c_void_p()
                data = path.read_bytes()
                call("nfs_creat", name, 0o644, ctypes.byref(file))
                for at in range(0, len(data), 1 << 16):
                    piece = data[at:at + (1 << 16)]
                    call("nfs_write", file, ctypes.c_uint64(len(piece)), piece)
                call("nfs_close", file)
                call("nfs_chmod", name, stat.S_IMODE(info.st_mode))
        nfs.nfs_destroy_context(context)
