#!/bin/sh
# SPDX-License-Identifier: MIT
# The UEFI shell: prints the path of shellx64.efi, fetched once like the kernels of mk/linux.sh.
# Debian 12 has it inside OVMF only; the suite after it has it as a file.
set -eu
. "$(dirname "$0")/fetch.sh"

what="the UEFI shell"
fetch_lock shell x64
answer=$cache/shellx64.efi
if [ ! -s "$answer" ]; then
	fetch_begin trixie
	fetch efi-shell-x64
	found=$(find "$work/root" -iname 'shellx64.efi' -type f | head -n 1)
	[ -n "$found" ] || fail "efi-shell-x64 holds no shellx64.efi"
	mv "$found" "$answer"
fi
echo "$answer"
