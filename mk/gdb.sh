#!/bin/bash
# SPDX-License-Identifier: MIT
# QEMU stopped at reset with the scenario's machine; gdb attached, symbols of stub and stage loaded.
# The stage is relocated by the firmware: it prints its base, and `stage BASE` loads its symbols.
set -eu
scenario=$1 port=${GDB_PORT:-1234}
commands=$(mktemp)
log=$(mktemp)
/usr/bin/python3 tests/boot/run.py "$scenario" --gdb "$port" >"$log" 2>&1 &
qemu=$!
trap 'kill "$qemu" 2>/dev/null || true; rm -f "$commands" "$log"' EXIT
cat >"$commands" <<END
set confirm off
set pagination off
file build/stub/overmount-stub.elf.debug
define stage
add-symbol-file build/efi/overmount.so -o \$arg0
end
document stage
stage BASE: load the symbols of the stage; BASE is in its first log line.
end
shell sleep 1
target remote 127.0.0.1:$port
echo The machine is stopped at reset; its serial line goes to $log\n
echo hbreak kernel_main, continue: stops in the kernel.  stage BASE: symbols of the stage.\n
END
if [ -t 0 ]; then
	gdb -q -x "$commands"
else	# without a terminal: show that symbols and registers are there, then end
	gdb -q -batch -x "$commands" -ex 'hbreak kernel_main' -ex continue -ex backtrace -ex 'info registers rip rdi'
fi
