#!/bin/sh
# SPDX-License-Identifier: MIT
# A Debian 12 as its own tools make it: mk/debian.sh [systemd|sysvinit] prints a folder of the cache with
#
#	root.ext4	minbase with that init (systemd); root has no password; UUID and label below
#	etc/os-release	of it
#
# and for systemd
#
#	boot/		its kernel, and the initrd that initramfs-tools made when it was installed
#	dracut/		the same kernel, and an initrd by dracut
#
# debootstrap fetches it once, from the mirror that this Debian uses anyway.  It needs root, to
# change root and to give files to their owners.  When it cannot be had, the reason is the last
# line of stderr.
set -eu
. "$(dirname "$0")/fetch.sh"

kind=${1:-systemd}
case $kind in
systemd) packages=systemd-sysv,systemd-boot,udev,kmod,zstd,efibootmgr,initramfs-tools,dracut-core,linux-image-cloud-amd64 ;;
sysvinit) packages=sysvinit-core,udev,kmod ;;
*) echo "usage: mk/debian.sh [systemd|sysvinit]" >&2; exit 2 ;;
esac
uuid=01234567-89ab-4cde-8f01-23456789abcd

what="Debian 12 with $kind"
fetch_lock debian "$kind"
made=$cache/$kind
if [ -s "$made/root.ext4" ]; then
	echo "$made"
	exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root="sudo -n"
	$as_root true 2>/dev/null || fail "debootstrap needs root, and sudo asks for a password"
fi
command -v debootstrap >/dev/null 2>&1 || fail "there is no debootstrap"
mirror=$("$here/mirror.sh" 2>&1) || fail "$mirror"

work=$(mktemp -d "$cache/debootstrap.XXXXXX")
trap '$as_root rm -rf "$work"' EXIT
root=$work/root

run() {	# PROGRAM ARGUMENT...: as root
	$as_root "$@" >"$work/log" 2>&1 || fail "$1 failed: $(tail -n 1 "$work/log")"
}

# Where its kernel and the initrds are booted from is no part of the root.
kernel_and_initrds() {
	release=$(ls "$root/lib/modules")
	[ -s "$root/boot/initrd.img-$release" ] || fail "initramfs-tools made no initrd"
	run chroot "$root" dracut --no-hostonly --kver "$release" -f "/initramfs-$release.img"
	mkdir "$work/made/dracut"
	run mv "$root/initramfs-$release.img" "$work/made/dracut/"
	run mv "$root/boot" "$work/made/"
	ln "$work/made/boot/vmlinuz-$release" "$work/made/dracut/"
	# Empty: each boot makes one; missing, the first boot would ask questions.
	run truncate -s 0 "$root/etc/machine-id"
}

# What Debian's installer writes, and what it leaves to whoever has a serial line.
table_and_terminal() {
	echo "UUID=$uuid / ext4 errors=remount-ro 0 1" | $as_root tee "$root/etc/fstab" >/dev/null
	run sed -i 's/^#T0:/T0:/' "$root/etc/inittab"
}

# No daemon and no device of this machine has to do with what is installed in there.
run debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror"
mkdir -p "$work/made/etc"
cp "$root/etc/os-release" "$work/made/etc/"
case $kind in
systemd) kernel_and_initrds ;;
sysvinit) table_and_terminal ;;
esac
run chown -R "$(id -u):$(id -g)" "$work/made"
chmod -R u+rwX "$work/made"

run mkdir -p "$root/boot/efi"
run rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" "$root/usr/share/doc" \
	"$root/usr/share/locale"
run chroot "$root" passwd -q -d root
run mke2fs -q -t ext4 -U "$uuid" -L debian -d "$root" "$work/root.ext4" 640M
run chown "$(id -u):$(id -g)" "$work/root.ext4"
mv "$work/root.ext4" "$work/made/"
rm -rf "$made"
mv "$work/made" "$made"
echo "$made"
