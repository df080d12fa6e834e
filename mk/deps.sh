#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing: mk/deps.sh run|test|bench.  Debian packages by name; elsewhere the
# list of what is missing is printed and nothing is touched.  The reasons stand in the README.
set -eu

run="gcc make binutils python3 gnu-efi libarchive-dev libjansson-dev libext2fs-dev comerr-dev
	zlib1g-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev
	qemu-system-x86 ovmf mtools gdisk e2fsprogs genromfs busybox-static cpio libarchive-tools console-setup-linux"
test="$run util-linux squashfs-tools erofs-utils klibc-utils libklibc bzip2 zstd lz4 libcmocka-dev python3-pytest python3-pytest-xdist
	mandoc clang libclang-rt-14-dev dosfstools fdisk zip xz-utils gdb"
bench="$test valgrind time"

case "${1:-test}" in
run) want=$run ;;
test) want=$test ;;
bench) want=$bench ;;
*) echo "usage: mk/deps.sh run|test|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
	missing=""
	for tool in gcc make ld objcopy python3 qemu-system-x86_64 mformat sgdisk mke2fs genromfs cpio; do
		command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
	done
	[ -n "$missing" ] || exit 0
	echo "This is not Debian, so nothing is installed for you. Missing commands:$missing" >&2
	echo "Debian calls the packages:" $want >&2
	echo "Also needed: gnu-efi's headers and crt0, OVMF firmware images, a static busybox." >&2
	exit 1
fi

missing=""
for package in $want; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
as_root=""
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null 2>&1; then
		echo "Not root and no sudo. Run as root: apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
fi
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 "$@"
}
log=$(mktemp)
if ! { apt update && apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	rm -f "$log"
	echo "Installing failed. Needed:$missing" >&2
	exit 1
fi
rm -f "$log"
