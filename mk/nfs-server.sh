#!/bin/sh
# SPDX-License-Identifier: MIT
# An NFS server of this Debian, NFS-Ganesha, and libnfs to fill it: prints the folder that has them.
# Fetched once with apt into the cache, unpacked and never installed: installing would start a port
# mapper and a server for the whole network on a developer's machine.  When they cannot be had, the
# reason is the last line of stderr.
set -eu

cache=${OVERMOUNT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/overmount}
made=$cache/nfs-server
mkdir -p "$cache"
# Two tests may ask at the same time: one fetches, the other waits.
exec 9>"$cache/lock-nfs-server"
flock 9
if [ -x "$made/usr/bin/ganesha.nfsd" ]; then
	echo "$made"
	exit 0
fi

fail() {
	echo "NFS server: $1" >&2
	exit 1
}

command -v apt-get >/dev/null 2>&1 || fail "there is no apt-get"
work=$(mktemp -d "$cache/nfs-server.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod a+rx "$work"

libraries() { # PACKAGE...: on which they depend, but what every Debian has
	apt-cache depends "$@" | awk '$1 == "Depends:" && $2 ~ /^lib/ && $2 !~ /^lib(c6|gcc|systemd)/ { print $2 }'
}
first=$(libraries nfs-ganesha libnfs-utils)
[ -n "$first" ] || fail "apt knows no nfs-ganesha (has apt-get update run?)"
packages=$(echo nfs-ganesha nfs-ganesha-mem $first $(libraries $first) | tr ' ' '\n' | sort -u)
(cd "$work" && apt-get -q -o Acquire::Retries=3 -o APT::Sandbox::User=root download $packages) \
	>"$work/log" 2>&1 || fail "$(tail -n 1 "$work/log")"
for package in "$work"/*.deb; do
	dpkg-deb -x "$package" "$work/tree"
done
rm -rf "$made"
mv "$work/tree" "$made"
echo "$made"
