#!/bin/sh
# SPDX-License-Identifier: MIT
# The stage must not need a symbol or a relocation that gnu-efi's start-up code does not apply.
set -eu
so=$1
undefined=$(nm -u "$so" | grep -v ' _DYNAMIC$' || true)
other=$(readelf -rW "$so" | awk '/^[0-9a-f]/ && $3 != "R_X86_64_RELATIVE" && $3 != "R_X86_64_NONE" {print $3, $NF}' || true)
if [ -n "$undefined$other" ]; then
	echo "$so: not loadable as an EFI application" >&2
	[ -z "$undefined" ] || printf 'undefined symbols:\n%s\n' "$undefined" >&2
	[ -z "$other" ] || printf 'relocations other than RELATIVE:\n%s\n' "$other" >&2
	rm -f "$so"
	exit 1
fi
