/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H
/* Each test runs in a process of its own; the lines are TAP.  Linux passes all of them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct check_test {
	const char *name;
	void (*run)(void);
};

static int check_failed;

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			printf("# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
			fflush(stdout); \
			_exit(1); \
		} \
	} while (0)

/* The status of a child that runs FUNCTION and then exits with 0. */
static inline int check_child(void (*function)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		function();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static inline int check_run(const struct check_test *tests, unsigned count)
{
	unsigned i;

	printf("1..%u\n", count);
	for (i = 0; i < count; i++) {
		int status = check_child(tests[i].run);

		if (status)
			check_failed++;
		printf("%s %u - %s", status ? "not ok" : "ok", i + 1, tests[i].name);
		if (status)
			printf(" (status %#x)", (unsigned)status);
		printf("\n");
	}
	return check_failed != 0;
}

#endif
