/* SPDX-License-Identifier: MIT */
/*
 * A /linuxrc with threads: one that is not the first executes the next program, in which the first one
 * ends early; another writes the root's number and ends them all.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static void *sleeps(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *executes(void *unused)
{
	(void)unused;
	execl("/linuxrc", "linuxrc", "second", NULL);
	return NULL;
}

static void *ends_all(void *unused)
{
	int fd;

	(void)unused;
	usleep(300000);			/* the first thread is gone by then */
	fd = open("/proc/sys/kernel/real-root-dev", O_WRONLY);
	if (dprintf(fd, "65056\n") < 0)
		perror("real-root-dev");
	printf("T child %d\n", WEXITSTATUS(system("/bin/busybox sh -c 'exit 3'")));
	fflush(stdout);
	_exit(5);
}

static void start(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL))
		_exit(99);
}

int main(int argc, char **argv)
{
	(void)argv;
	start(sleeps);
	if (argc == 1) {
		start(executes);
		sleeps(NULL);
	}
	mount("proc", "/proc", "proc", 0, "");
	printf("T second pid=%d\n", (int)getpid());
	fflush(stdout);
	start(ends_all);
	pthread_exit(NULL);
}
