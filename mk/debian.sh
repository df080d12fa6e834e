#!/bin/sh
# SPDX-License-Identifier: MIT
# A Debian 12 as its own tools make it: prints a folder of the cache with
#
#	root.ext4	minbase with systemd; root has no password; UUID and label below
#	etc/os-release	of it
#	boot/		its kernel, and the initrd that initramfs-tools made when it was installed
#	dracut/		the same kernel, and an initrd by dracut
#
# debootstrap fetches it once, from the mirror that this Debian uses anyway.  It needs root, to
# change root and to give files to their owners.  When it cannot be had, the reason is the last
# line of stderr.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${OVERMOUNT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/overmount}
made=$cache/debian-12
mkdir -p "$cache"
# Two tests may ask at the same time: one makes it, the other waits.
exec 9>"$cache/lock-debian-12"
flock 9
if [ -s "$made/root.ext4" ]; then
	echo "$made"
	exit 0
fi

fail() {
	echo "Debian 12: $1" >&2
	exit 1
}

PATH=$PATH:/usr/sbin:/sbin
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
# No daemon and no device of this machine has to do with what is installed in there.
$as_root debootstrap --variant=minbase --include=systemd-sysv,systemd-boot,udev,kmod,zstd,efibootmgr,initramfs-tools,dracut-core,linux-image-cloud-amd64 \
	bookworm "$root" "$mirror" >"$work/log" 2>&1 || fail "debootstrap failed: $(tail -n 1 "$work/log")"
release=$(ls "$root/lib/modules")
[ -s "$root/boot/initrd.img-$release" ] || fail "initramfs-tools made no initrd"
$as_root chroot "$root" dracut --no-hostonly --kver "$release" -f "/initramfs-$release.img" \
	>"$work/log" 2>&1 || fail "dracut failed: $(tail -n 1 "$work/log")"

mkdir -p "$work/made/etc" "$work/made/dracut"
cp "$root/etc/os-release" "$work/made/etc/"
$as_root mv "$root/initramfs-$release.img" "$work/made/dracut/"
$as_root mv "$root/boot" "$work/made/"
$as_root mkdir "$root/boot" "$root/boot/efi"
$as_root chown -R "$(id -u):$(id -g)" "$work/made"
chmod -R u+rwX "$work/made"
ln "$work/made/boot/vmlinuz-$release" "$work/made/dracut/"

$as_root rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" "$root/usr/share/doc" \
	"$root/usr/share/locale"
# Empty: each boot makes one; missing, the first boot would ask questions.
$as_root truncate -s 0 "$root/etc/machine-id"
$as_root chroot "$root" passwd -q -d root
$as_root mke2fs -q -t ext4 -U 01234567-89ab-4cde-8f01-23456789abcd -L debian -d "$root" \
	"$work/root.ext4" 640M >"$work/log" 2>&1 || fail "mke2fs failed: $(tail -n 1 "$work/log")"
$as_root chown "$(id -u):$(id -g)" "$work/root.ext4"
mv "$work/root.ext4" "$work/made/"
rm -rf "$made"
mv "$work/made" "$made"
echo "$made"
