#!/bin/sh
# SPDX-License-Identifier: MIT
# Stock Linux kernels: mk/linux.sh 6.1|7.3 prints the path of a vmlinuz, and with "modules" behind
# it the folder that has lib/modules/RELEASE of the same kernel.  Instead of a version it may be such a
# folder, of one's own kernel.  The packages are fetched once with
# apt from the mirror that this Debian uses anyway, unpacked into a cache and never installed; apt's
# own lists and sources stay as they are.  When they cannot be had, the reason is the last line of
# stderr.  The flavour is "cloud": smaller, and all that a virtual machine needs.
set -eu
. "$(dirname "$0")/fetch.sh"

own_kernel() {	# FOLDER modules?
	what=$1
	[ -s "$1/vmlinuz" ] || fail "there is no vmlinuz in this folder"
	set -- "$1" "$2" "$1"/lib/modules/*
	[ $# = 3 ] && [ -e "$3/modules.dep" ] ||
		fail "there has to be one folder in lib/modules, and depmod must have run there"
	answer=$(cd "$1" && pwd)
	[ "$2" = modules ] && echo "$answer" || echo "$answer/vmlinuz"
	exit 0
}

case "${1:-}" in
6.1) suite=bookworm ;;
7.3) suite=trixie-backports ;;
*/*) own_kernel "$1" "${2:-}" ;;
*) echo "usage: mk/linux.sh 6.1|7.3|FOLDER [modules]" >&2; exit 2 ;;
esac

what="Linux $1"
fetch_lock linux "$1"
tree=$cache/tree-$1
answer=$tree/vmlinuz
[ "${2:-}" != modules ] || answer=$tree
if [ -s "$tree/vmlinuz" ]; then
	echo "$answer"
	exit 0
fi

command -v depmod >/dev/null 2>&1 || fail "there is no depmod (package kmod)"
fetch_begin "$suite"
newest() {	# PATTERN: the newest package whose whole name it is
	apt apt-cache pkgnames "${1%%-[0-9]*}" | grep -E "^$1\$" | sort -V | tail -n 1
}
if [ "$1" = 6.1 ]; then
	packages=$(apt apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
else
	name=$(newest 'linux-binary-7\.3[.0-9a-z+~-]*-cloud-amd64')
	release=${name#linux-binary-}
	packages=${name:+"linux-binary-$release linux-modules-$release linux-base-$release"}
fi
[ -n "$packages" ] || fail "$suite has no such kernel"
fetch $packages
image=$(find "$work/root" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || fail "$packages hold no vmlinuz"
mkdir -p "$work/tree/lib"
mv "$image" "$work/tree/vmlinuz"
modules=$(find "$work/root" -type d -path '*lib/modules' | head -n 1)
mv "$modules" "$work/tree/lib/modules"
for release in "$work/tree/lib/modules"/*; do
	depmod -b "$work/tree" "${release##*/}" 2>>"$work/log"
done
rm -rf "$tree"
mv "$work/tree" "$tree"
echo "$answer"
