/* SPDX-License-Identifier: MIT */
#ifndef ABI_H
#define ABI_H
/*
 * Cases that print what they see, one line an observation, and judge nothing: the judge is the
 * comparison with what Linux prints.  So nothing may be printed that differs from run to run:
 * no process numbers, addresses, times, device numbers, sizes of directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct abi_case {
	const char *name;
	void (*run)(void);
};

struct abi_area {
	const char *name;
	const struct abi_case *cases;
	unsigned count;
};

#define AREA(area, table) \
	const struct abi_area abi_##area = { #area, table, sizeof(table) / sizeof((table)[0]) }

extern const struct abi_area abi_paths, abi_files, abi_attributes, abi_directories, abi_mounts,
	abi_roots, abi_namespaces, abi_processes, abi_signals, abi_pipes, abi_memory;

/* The call as it is written, and its result or the name of its error. */
#define SEE(call) abi_see(#call, (errno = 0, (long)(call)))
/* For results whose value says nothing, addresses above all: "ok" or the error. */
#define SEE_OK(call) abi_see_ok(#call, (errno = 0, (long)(call)))
#define SAY(...) (printf(__VA_ARGS__), printf("\n"))

extern void *volatile nowhere;	/* an address that no program has */

long abi_see(const char *what, long result);
long abi_see_ok(const char *what, long result);

/* The block runs in a child; how that ended is printed. */
#define IN_CHILD(...) \
	do { \
		pid_t child_pid_ = abi_fork(); \
		if (child_pid_ == 0) { \
			__VA_ARGS__; \
			abi_exit(0); \
		} \
		abi_ended(child_pid_); \
	} while (0)

pid_t abi_fork(void);				/* output is flushed before */
void abi_exit(int code) __attribute__((noreturn));
void abi_ended(pid_t pid);			/* waits and prints */
void abi_say_status(const char *who, int status);
void abi_user(unsigned id);			/* this user and group for good, no others */

void abi_put(const char *path, const char *text);	/* a file with this content */
void abi_show(const char *path);			/* its content, escaped */
void abi_bytes(const char *what, const void *data, long count);
void abi_stat(const char *path);	/* type, mode, owner; links and size of what is no directory */
void abi_list(const char *path);	/* names and types, sorted */

/* For PID 1: set up, run every case, frame the outputs, power off. */
void abi_run_all(const struct abi_area *const *areas, unsigned count) __attribute__((noreturn));

#endif
