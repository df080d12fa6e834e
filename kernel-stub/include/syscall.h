/* SPDX-License-Identifier: MIT */
#ifndef STUB_SYSCALL_H
#define STUB_SYSCALL_H
/*
 * The system calls.  Every handler has this form and is named sys_<linux name>; the table in
 * sys/table.c has one line a call: SYSCALL(number, name).  Those about files, directories and
 * mounts live in sys/file*.c, sys/dir.c, sys/mount.c; those about processes, signals, memory
 * and time in sys/process.c, sys/signal.c, sys/memory.c, sys/time.c, sys/misc.c.
 */
#include "task.h"

struct syscall_args {
	uint64_t a[6];
};

#define DEFINE_SYSCALL(name) long sys_##name(const struct syscall_args *args)

typedef long syscall_fn(const struct syscall_args *args);	/* only for the table */

#endif
