#!/bin/bash
# SPDX-License-Identifier: MIT
# Run every host test program and replay every corpus; say what to repeat when one fails.
set -u
build=$1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

try() {	# NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$log" 2>&1; then
		passed=$((passed + $(grep -c '^\[       OK \]' "$log" || true)))
		[ "$(grep -c '^\[       OK \]' "$log")" -gt 0 ] || passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$log"
		echo "FAILED $name; repeat with: $*"
	fi
}

shopt -s nullglob
for program in "$build"/{asan,small,vfs}/tests/test_*; do
	[[ $program == *.* ]] || try "$program" timeout 300 "$program"
done
for program in "$build"/asan/replay_*; do
	[[ $program == *.* ]] || try "$program" timeout 120 "$program" tests/fuzz/corpus/"${program##*replay_}"
done
echo "check: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
