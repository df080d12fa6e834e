#!/bin/sh
# SPDX-License-Identifier: MIT
# The mirror from which this Debian gets its packages; fails when apt knows none.
set -eu

command -v apt-get >/dev/null 2>&1 || { echo "there is no apt-get" >&2; exit 1; }
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Origin: Debian' \
	'Created-By: Packages' | awk '$2 !~ /security/ { print $1; exit }')
[ -n "$mirror" ] || { echo "no Debian mirror among apt's sources (has apt-get update run?)" >&2; exit 1; }
echo "$mirror"
