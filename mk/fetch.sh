# SPDX-License-Identifier: MIT
# Sourced by scripts that bring Debian packages into the cache without installing them:
#
#	fetch_lock FOLDER NAME		$cache is that folder of the cache, and nobody else makes NAME
#	fetch_begin SUITE		a work folder that goes away at the end, and the lists of SUITE
#	apt PROGRAM ARGUMENT...		apt-get or apt-cache with sources, lists and cache of its own
#	fetch PACKAGE...		downloaded and unpacked below $work/root
#	fail REASON			"$what: REASON", the last line of stderr
#
# apt's own lists and sources stay as they are.

here=$(cd "$(dirname "$0")" && pwd)
cache=${OVERMOUNT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/overmount}
PATH=$PATH:/usr/sbin:/sbin

fail() {
	echo "$what: $1" >&2
	exit 1
}

# Two tests may ask at the same time: one fetches, the other waits.
fetch_lock() {	# FOLDER NAME
	cache=$cache/$1
	mkdir -p "$cache"
	exec 9>"$cache/lock-$2"
	flock 9
}

fetch_begin() {	# SUITE
	suite=$1
	mirror=$("$here/mirror.sh" 2>&1) || fail "$mirror"
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
	chmod -R a+rx "$work"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
		>"$work/sources.list"
	apt apt-get update >>"$work/log" ||
		fail "the lists of $suite cannot be fetched: $(tail -n 1 "$work/log")"
}

apt() {
	command=$1
	shift
	"$command" -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root \
		-o APT::Architecture=amd64 -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::http::Timeout=60 "$@" 2>>"$work/log"
}

fetch() {
	(cd "$work" && apt apt-get download "$@" >>log) ||
		fail "$* cannot be fetched: $(tail -n 1 "$work/log")"
	for package in "$work"/*.deb; do
		dpkg-deb -x "$package" "$work/root"
	done
}
