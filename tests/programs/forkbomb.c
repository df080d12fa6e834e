/* SPDX-License-Identifier: MIT */
/*
 * Makes processes until there are no more to be had, collects them all, and does it again: the
 * second time there must be as many.  Then a tree of them, in which every process makes more.
 * The lines are TAP.
 *
 * On Linux it wants a limit, and not to be root: ulimit -u 200.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 2000	/* without a limit below that nothing is shown */

static unsigned number;
static int failed;

static void result(int good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, what);
	failed |= !good;
}

/* All children, however they ended: how many of them with status 0. */
static int reap(void)
{
	int status, good = 0;

	for (;;) {
		pid_t pid = wait(&status);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return good;
		good += status == 0;
	}
}

/* Children that wait until the pipe is closed; how many there could be. */
static int bomb(int *ret_errno)
{
	int ends[2], count = 0;
	char c;

	*ret_errno = 0;
	if (pipe(ends) < 0)
		return -1;
	fflush(stdout);
	while (count < PROCESSES_MAX) {
		pid_t pid = fork();

		if (pid == 0) {
			close(ends[1]);
			_exit(read(ends[0], &c, 1) == 0 ? 0 : 1);
		}
		if (pid < 0) {
			*ret_errno = errno;
			break;
		}
		count++;
	}
	close(ends[1]);
	close(ends[0]);
	return count;
}

static int one_round(const char *name)
{
	int err, count = bomb(&err), good = reap();
	char text[120];

	snprintf(text, sizeof(text), "%s: %d processes, then %s", name, count,
		 err ? strerror(err) : "stopped by itself");
	result(count > 0 && err == EAGAIN, text);
	snprintf(text, sizeof(text), "%s: %d collected", name, good);
	result(good == count, text);
	return count;
}

/* Every process makes two, and those two, until it is refused; the parents wait. */
static void grow(unsigned depth)
{
	for (unsigned i = 0; i < 2 && depth < 11; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			grow(depth + 1);
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

int main(void)
{
	int first, second, status = -1;
	char text[80];
	pid_t pid;

	printf("1..7\n");
	first = one_round("first");
	second = one_round("second");
	snprintf(text, sizeof(text), "as many the second time: %d and %d", first, second);
	result(second >= first - first / 16 - 1 && second > 0, text);

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		grow(0);
		_exit(0);
	}
	result(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "a tree of them ends");
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(17);
	status = -1;
	result(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 17, "one more works");
	return failed;
}
