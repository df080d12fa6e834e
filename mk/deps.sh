#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing: mk/deps.sh run|test|bench.  Debian packages by name; elsewhere the
# list of what is missing is printed and nothing is touched.  The reasons stand in the README.
set -eu

# Each line: Debian's package, and what shows elsewhere that the same is there.  That is a
# command, a header, a static library, a file or a module of Python.
run='
gcc			gcc
make			make
binutils		objcopy
python3			python3
gnu-efi			/usr/include/efi/efi.h
libarchive-dev		archive.h
libjansson-dev		jansson.h
libext2fs-dev		ext2fs/ext2fs.h
comerr-dev		et/com_err.h
libkmod-dev		libkmod.h
musl-tools		musl-gcc
libblkid-dev		libblkid.a
uuid-dev		libuuid.a
linux-libc-dev		linux/loop.h
zlib1g-dev		libz.a
liblzma-dev		liblzma.a
libzstd-dev		libzstd.a
liblz4-dev		liblz4.a
libbz2-dev		libbz2.a
qemu-system-x86		qemu-system-x86_64
ovmf			/usr/share/OVMF/OVMF_CODE_4M.fd
mtools			mformat
gdisk			sgdisk
e2fsprogs		mke2fs
genromfs		genromfs
busybox-static		/bin/busybox
cpio			cpio
libarchive-tools	bsdtar
console-setup-linux	/usr/share/consolefonts/Uni2-VGA16.psf.gz
'
test="$run"'
util-linux		mkfs.minix
kmod			depmod
debootstrap		debootstrap
cryptsetup-bin		veritysetup
squashfs-tools		mksquashfs
erofs-utils		mkfs.erofs
xfsprogs		mkfs.xfs
btrfs-progs		mkfs.btrfs
genisoimage		genisoimage
klibc-utils		/usr/lib/klibc/bin/sh
libklibc		/usr/lib/klibc
bzip2			bzip2
zstd			zstd
lz4			lz4
libcmocka-dev		cmocka.h
python3-pytest		module:pytest
python3-pytest-xdist	module:xdist
mandoc			mandoc
clang			clang
libclang-rt-14-dev	libclang_rt.fuzzer-x86_64.a
dosfstools		mkfs.fat
fdisk			sfdisk
zip			zip
xz-utils		xz
gdb			gdb
systemd-boot-efi	/usr/lib/systemd/boot/efi/linuxx64.efi.stub
'
bench="$test"'
valgrind		valgrind
time			/usr/bin/time
'

case "${1:-test}" in
run) want=$run ;;
test) want=$test ;;
bench) want=$bench ;;
*) echo "usage: mk/deps.sh run|test|bench" >&2; exit 2 ;;
esac

# Tools for file systems are not in every user's path.
PATH=$PATH:/usr/sbin:/sbin

there() { # WHAT
	case $1 in
	/*) [ -e "$1" ] ;;
	*.h) echo "#include <$1>" | gcc -E - ;;
	libclang*.a) [ -e "$(clang -print-file-name="$1")" ] ;;
	*.a) [ -e "$(gcc -print-file-name="$1")" ] ;;
	module:*) "${PYTHON:-python3}" -c "import ${1#module:}" ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

if ! command -v dpkg-query >/dev/null 2>&1; then
	missing=$(echo "$want" | while read -r package what; do
		[ -z "$package" ] || there "$what" || echo "  $what	($package)"
	done)
	[ -n "$missing" ] || exit 0
	echo "This is not Debian, so nothing is installed for you." >&2
	echo "Missing (and the Debian package that has it):" >&2
	echo "$missing" >&2
	exit 1
fi

missing=""
for package in $(echo "$want" | cut -f 1); do
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
