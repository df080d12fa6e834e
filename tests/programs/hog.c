/* SPDX-License-Identifier: MIT */
/*
 * Takes all memory, twice, in a child that is refused or killed; then shows that its parent
 * and the system still work and that the memory came back.  The lines are TAP.
 *
 * On a machine of some size it wants a limit: ulimit -v 200000.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB		(1ul << 20)
#define PAGE		4096u
#define MIB_MAX		2048u	/* more is not meant to be used up */
#define REFUSED		3

static unsigned number;
static int failed;

static void result(int good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, what);
	failed |= !good;
}

/* A mebibyte, every page of it written; 0 when it is refused. */
static int take(void)
{
	char *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < MIB; i += PAGE)
		memory[i] = (char)i + 1;
	return 1;
}

/* The child tells by a byte for each mebibyte, as it may not live to tell more. */
static void eat(int out)
{
	char c = 'm';

	if (write(out, &c, 1) != 1)
		_exit(1);
	while (take())
		if (write(out, &c, 1) != 1)
			_exit(1);
	_exit(errno == ENOMEM ? REFUSED : 1);
}

/* How many mebibytes a child got. */
static int one_round(const char *name)
{
	char text[80], buf[512];
	int ends[2], status = 0, mib = -1;
	ssize_t n;
	pid_t pid;

	if (pipe(ends) < 0) {
		result(0, "pipe");
		return 0;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		eat(ends[1]);
	}
	close(ends[1]);
	while ((n = read(ends[0], buf, sizeof(buf))) > 0)
		mib += (int)n;
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		result(0, "fork and wait");
		return 0;
	}
	snprintf(text, sizeof(text), "%s: %s after %d MiB", name,
		 WIFSIGNALED(status) ? "killed" : "refused", mib);
	result((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	       (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED), text);
	return mib;
}

static int still_works(void)
{
	int status = 0;
	pid_t pid;
	char *memory = malloc(2 * MIB);

	if (!memory)
		return 0;
	memset(memory, 7, 2 * MIB);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(memory[MIB] == 7 ? 42 : 1);
	free(memory);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 42;
}

int main(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct sysinfo info;
	int first, second;

	(void)getrlimit(RLIMIT_AS, &limit);
	if (limit.rlim_cur == RLIM_INFINITY && sysinfo(&info) == 0 &&
	    (unsigned long long)info.totalram * info.mem_unit > (unsigned long long)MIB_MAX * MIB) {
		fprintf(stderr, "hog: more than %u MiB of memory; use `ulimit -v 200000'\n", MIB_MAX);
		return 2;
	}
	printf("1..4\n");
	first = one_round("first");
	result(first > 0 && still_works(), "the parent goes on");
	second = one_round("second");
	/* Some is in caches by now, or came out of them. */
	result(second > 0 && second >= first - first / 8 - 2 && still_works(),
	       "the memory came back");
	return failed;
}
