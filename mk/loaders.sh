#!/bin/sh
# SPDX-License-Identifier: MIT
# Boot loaders of a Debian suite, for `make bench` to compare with: prints a folder that has
# usr/lib/systemd/boot/efi and usr/lib/grub/x86_64-efi, fetched once like the kernels of mk/linux.sh.
set -eu
. "$(dirname "$0")/fetch.sh"

what="boot loaders of ${1:?usage: mk/loaders.sh SUITE}"
fetch_lock loaders "$1"
answer=$cache/$1
if [ ! -d "$answer" ]; then
	fetch_begin "$1"
	# grub-common for grub-mkimage, which is not installed for this alone
	fetch systemd-boot-efi grub-efi-amd64-bin grub-common
	mv "$work/root" "$answer"
fi
echo "$answer"
