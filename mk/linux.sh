#!/bin/sh
# SPDX-License-Identifier: MIT
# Stock Linux kernels as an oracle: mk/linux.sh 6.1|7.3 prints the path of a vmlinuz.  The
# package is fetched once with apt from the mirror that this Debian uses anyway, unpacked into a
# cache and never installed; apt's own lists and sources stay as they are.  When it cannot be
# had, the reason is the last line of stderr.
set -eu

case "${1:-}" in
6.1) suite=bookworm ;;
7.3) suite=trixie-backports ;;
*) echo "usage: mk/linux.sh 6.1|7.3" >&2; exit 2 ;;
esac

cache=${OVERMOUNT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/overmount}/linux
image=$cache/vmlinuz-$1
if [ -s "$image" ]; then
	echo "$image"
	exit 0
fi

fail() {
	echo "Linux $1: $2" >&2
	exit 1
}

command -v apt-get >/dev/null 2>&1 || fail "$1" "there is no apt-get to fetch it with"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Origin: Debian' \
	'Created-By: Packages' | awk '$2 !~ /security/ { print $1; exit }')
[ -n "$mirror" ] || fail "$1" "no Debian mirror among apt's sources (has apt-get update run?)"

mkdir -p "$cache"
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
if [ "$1" = 6.1 ]; then
	package=$(apt apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }')
else
	package=$(apt apt-cache pkgnames linux-binary- | grep -E "^linux-binary-7\\.3[.0-9a-z+~-]*-cloud-amd64\$" |
		sort -V | tail -n 1)
fi
[ -n "$package" ] || fail "$1" "$suite has no such kernel"
(cd "$work" && apt apt-get download "$package" >>log) ||
	fail "$1" "$package cannot be fetched: $(tail -n 1 "$work/log")"
dpkg-deb -x "$work"/*.deb "$work/root"
set -- "$1" "$(find "$work/root" -name 'vmlinuz*' -type f | head -n 1)"
[ -n "$2" ] || fail "$1" "$package holds no vmlinuz"
mv "$2" "$work/image"
mv "$work/image" "$image"
echo "$image"
