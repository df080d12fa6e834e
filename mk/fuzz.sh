#!/bin/bash
# SPDX-License-Identifier: MIT
# Run each fuzz target for some seconds; new finds stay in build/fuzz/crashes/.
set -u
build=$1 seconds=$2 status=0
mkdir -p "$build/fuzz/crashes"
for program in "$build"/fuzz/fuzz_*; do
	[[ $program == *.* ]] && continue
	name=${program##*fuzz_}
	work=$build/fuzz/corpus/$name
	mkdir -p "$work"
	echo "fuzz: $name for $seconds s"
	"$program" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$build/fuzz/crashes/$name-" "$work" "tests/fuzz/corpus/$name" || {
		status=1
		echo "FAILED $name; repeat with: $program $build/fuzz/crashes/$name-*"
	}
done
exit $status
