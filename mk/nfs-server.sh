#!/bin/sh
# SPDX-License-Identifier: MIT
# An NFS server of Debian 12, NFS-Ganesha, and libnfs to fill it: prints the folder that has them.
# Fetched once into the cache and never installed: installing would start a port mapper and a server
# for the whole network on a developer's machine.
set -eu
. "$(dirname "$0")/fetch.sh"

what="NFS server"
fetch_lock nfs-server tree
tree=$cache/tree
if [ -x "$tree/usr/bin/ganesha.nfsd" ]; then
	echo "$tree"
	exit 0
fi

fetch_begin bookworm
libraries() { # PACKAGE...: on which they depend, but what every Debian has
	apt apt-cache depends "$@" |
		awk '$1 == "Depends:" && $2 ~ /^lib/ && $2 !~ /^lib(c6|gcc|systemd)/ { print $2 }'
}
direct=$(libraries nfs-ganesha libnfs-utils)
fetch nfs-ganesha nfs-ganesha-mem $(echo $direct $(libraries $direct) | tr ' ' '\n' | sort -u)
mv "$work/root" "$tree"
echo "$tree"
