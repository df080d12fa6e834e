/* SPDX-License-Identifier: MIT */
/* From the number in rax to the function: the two lists of syscall.h. */
#include "syscall.h"

#define SYSCALL_ENTRY(number, name) [number] = sys_##name,
#define SYSCALL_NAME(number, name) [number] = #name,

static syscall_fn *const table[] = {
	FILE_SYSCALLS(SYSCALL_ENTRY)
	TASK_SYSCALLS(SYSCALL_ENTRY)
};

static const char *const names[] = {
	FILE_SYSCALLS(SYSCALL_NAME)
	TASK_SYSCALLS(SYSCALL_NAME)
};

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

long syscall_call(uint64_t number, const struct syscall_args *args)
{
	if (number >= TABLE_SIZE || !table[number])
		return -ENOSYS;
	return table[number](args);
}

const char *syscall_name(uint64_t number)
{
	return number < TABLE_SIZE && names[number] ? names[number] : "unknown";
}
