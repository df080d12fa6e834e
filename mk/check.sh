#!/bin/bash
# SPDX-License-Identifier: MIT
# Run every host test program and replay every corpus, as many at once as there are processors;
# say what to repeat when one fails.
set -u
build=$1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
OM_CHECK_LOGS=$(mktemp -d)
export OM_CHECK_LOGS
trap 'rm -rf "$OM_CHECK_LOGS"' EXIT

# One job, in a shell of its own: prints nothing but failures, and leaves its number of passes.
try() {	# SECONDS COMMAND...
	local log=$OM_CHECK_LOGS/$$ passed
	if timeout "$@" >"$log" 2>&1; then
		passed=$(grep -c '^\[       OK \]' "$log")
		echo "$((passed ? passed : 1))" >"$log.passed"
	else
		# In one piece, although others write as well.
		printf '%s\nFAILED; repeat with: %s\n' "$(cat "$log")" "${*:2}" | tee "$log.failed"
	fi
}
export -f try

shopt -s nullglob
jobs() {	# one line each, those that take long first
	for program in "$build"/{vfs,small,asan}/tests/test_*; do
		[[ $program == *.* ]] || echo "300 $program"
	done
	for program in "$build"/asan/replay_*; do
		[[ $program == *.* ]] || echo "120 $program tests/fuzz/corpus/${program##*replay_}"
	done
}
jobs | xargs -P "$(nproc)" -I LINE bash -c 'try LINE'

passed=$(cat /dev/null "$OM_CHECK_LOGS"/*.passed | awk '{ sum += $1 } END { print sum + 0 }')
failed=$(ls "$OM_CHECK_LOGS" | grep -c '\.failed$')
echo "check: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
