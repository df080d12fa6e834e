#!/bin/sh
# SPDX-License-Identifier: MIT
# Stock Linux kernels: mk/linux.sh 6.1|7.3 prints the path of a vmlinuz, and with "modules" behind
# it the folder that has lib/modules/RELEASE of the same kernel.  The packages are fetched once with
# apt from the mirror that this Debian uses anyway, unpacked into a cache and never installed; apt's
# own lists and sources stay as they are.  When they cannot be had, the reason is the last line of
# stderr.  The flavour is "cloud": smaller, and all that a virtual machine needs.
set -eu

case "${1:-}" in
6.1) suite=bookworm ;;
7.3) suite=trixie-backports ;;
*) echo "usage: mk/linux.sh 6.1|7.3 [modules]" >&2; exit 2 ;;
esac

cache=${OVERMOUNT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/overmount}/linux
mkdir -p "$cache"
tree=$cache/tree-$1
answer=$tree/vmlinuz
[ "${2:-}" != modules ] || answer=$tree
# Two tests may ask at the same time: one fetches, the other waits.
exec 9>"$cache/lock-$1"
flock 9
if [ -s "$tree/vmlinuz" ]; then
	echo "$answer"
	exit 0
fi

fail() {
	echo "Linux $1: $2" >&2
	exit 1
}

mirror=$("$(dirname "$0")/mirror.sh" 2>&1) || fail "$1" "$mirror"

PATH=$PATH:/usr/sbin:/sbin
command -v depmod >/dev/null 2>&1 || fail "$1" "there is no depmod (package kmod)"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
chmod -R a+rx "$work"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
	>"$work/sources.list"

apt() {	# COMMAND...: with sources, lists and cache of its own
	command=$1
	shift
	"$command" -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root \
		-o APT::Architecture=amd64 -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::http::Timeout=60 "$@" 2>>"$work/log"
}

apt apt-get update >>"$work/log" || fail "$1" "the lists of $suite cannot be fetched: $(tail -n 1 "$work/log")"
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
[ -n "$packages" ] || fail "$1" "$suite has no such kernel"
(cd "$work" && apt apt-get download $packages >>log) ||
	fail "$1" "$packages cannot be fetched: $(tail -n 1 "$work/log")"
for package in "$work"/*.deb; do
	dpkg-deb -x "$package" "$work/root"
done
image=$(find "$work/root" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || fail "$1" "$packages hold no vmlinuz"
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
