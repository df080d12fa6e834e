/* SPDX-License-Identifier: MIT */
/* fork, exec, wait, process groups, sessions. */
#include "kernel_check.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define WORDS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static char *self;
static void *volatile bad = (void *)8;	/* an address that is never there */

static void test_status(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(42);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	pid = fork();
	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	CHECK(wait(&status) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(wait(&status) == -1 && errno == ECHILD);
	CHECK(waitpid(1, &status, 0) == -1 && errno == ECHILD);
}

static void test_nohang(void)
{
	int status, ends[2];
	char c;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) == 0 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	close(ends[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_waitid(void)
{
	siginfo_t info = { 0 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	CHECK(info.si_pid == pid && info.si_status == 7 && info.si_code == CLD_EXITED &&
	      info.si_signo == SIGCHLD);
}

/* What waits is not taken until it is asked for as ended. */
static void test_waitid_options(void)
{
	siginfo_t info = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(3);
	}
	CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED) == 0);
	CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
	kill(pid, SIGCONT);
	CHECK(waitid(P_PID, (id_t)pid, &info, WCONTINUED) == 0);
	CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_status == 3);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0 && info.si_status == 3);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == -1 && errno == ECHILD);
	CHECK(waitid(P_PID, (id_t)pid, &info, 0) == -1 && errno == EINVAL);
}

static void test_stop_continue(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
	      WSTOPSIG(status) == SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

static void test_exec(void)
{
	char *const *arguments = WORDS(self, "echo-arguments", "one", "", "three");
	char *const *environment = WORDS("A=1", "B=");
	char text[200] = "";
	int ends[2], status;
	ssize_t n, at = 0;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		fcntl(ends[0], F_SETFD, FD_CLOEXEC);
		close(ends[1]);
		execve("/proc/self/exe", arguments, environment);
		execve(self, arguments, environment);
		_exit(99);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + at, sizeof(text) - 1 - (size_t)at)) > 0)
		at += n;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(strcmp(text, "[one][][three] A=1 B= closed 3\n") == 0);
}

static void test_exec_fails(void)
{
	char *const *arguments = WORDS("x");
	char *big = malloc(200000);
	char *const *large = WORDS("x", big);

	CHECK(execv("/does/not/exist", arguments) == -1 && errno == ENOENT);
	CHECK(execv("/", arguments) == -1 && errno == EACCES);
	CHECK(execv("", arguments) == -1 && errno == ENOENT);
	CHECK(execv(bad, arguments) == -1 && errno == EFAULT);
	CHECK(execv(self, bad) == -1 && errno == EFAULT);
	memset(big, 'x', 199999);
	big[199999] = 0;
	CHECK(execv(self, large) == -1 && errno == E2BIG);
}

/* Many words instead of a long one: more than any stack may hold. */
static void test_exec_many(void)
{
	unsigned count = 500000, i;
	const char **words = malloc((count + 1) * sizeof(*words));

	for (i = 0; i < count; i++)
		words[i] = "abcdefghijklmnopqrstuvwxyz";
	words[count] = NULL;
	CHECK(execv(self, (char *const *)words) == -1 && errno == E2BIG);
}

static void test_exec_signals(void)
{
	char *const *arguments = WORDS(self, "show-signals");
	int status;
	pid_t pid;
	sigset_t set;

	pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, (void (*)(int))test_exec);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		execv(self, arguments);
		_exit(99);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_vfork(void)
{
	static volatile int shared;
	char *const *arguments = WORDS(self, "exit-5");
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		shared = 17;
		execv(self, arguments);
		_exit(99);
	}
	CHECK(shared == 17);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
	pid = vfork();
	if (pid == 0)
		_exit(6);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
}

static void test_reparent(void)
{
	int ends[2], status;
	pid_t middle, parent = 0, grandchild;

	CHECK(pipe(ends) == 0);
	middle = fork();
	if (middle == 0) {
		pid_t me = getpid();

		grandchild = fork();
		if (grandchild == 0) {
			while (getppid() == me)
				usleep(10000);
			parent = getppid();
			write(ends[1], &parent, sizeof(parent));
			_exit(0);
		}
		_exit(0);
	}
	CHECK(waitpid(middle, &status, 0) == middle);
	CHECK(read(ends[0], &parent, sizeof(parent)) == sizeof(parent));
	CHECK(parent != getpid() && parent != middle);
}

static void test_groups(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		CHECK(getpgrp() == getpid());
		CHECK(getsid(0) != getpid());
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	CHECK(getpgid(pid) == pid);
	CHECK(setpgid(pid, 0x3ffffe) == -1 && errno == EPERM);	/* no such group */
	CHECK(setpgid(1, 1) == -1 && errno == ESRCH);
	CHECK(kill(-pid, 0) == 0);
	CHECK(kill(-pid, SIGTERM) == 0);
	CHECK(waitpid(-pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	CHECK(kill(-pid, 0) == -1 && errno == ESRCH);
	CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
	CHECK(setsid() == -1 && errno == EPERM);
}

static volatile sig_atomic_t hung_up;

static void on_hangup(int signo)
{
	hung_up = signo;
}

/* A stopped group that loses its last link to the session is sent SIGHUP and SIGCONT. */
static void test_orphaned(void)
{
	int ends[2], status;
	pid_t leader;
	char c = 0;

	CHECK(pipe(ends) == 0);
	leader = fork();
	if (leader == 0) {
		pid_t worker;

		setsid();
		worker = fork();
		if (worker == 0) {
			setpgid(0, 0);
			signal(SIGHUP, on_hangup);
			raise(SIGSTOP);
			c = hung_up == SIGHUP ? 'h' : '-';
			write(ends[1], &c, 1);
			_exit(0);
		}
		setpgid(worker, worker);
		CHECK(waitpid(worker, &status, WUNTRACED) == worker && WIFSTOPPED(status));
		_exit(0);
	}
	close(ends[1]);
	CHECK(waitpid(leader, &status, 0) == leader && status == 0);
	CHECK(read(ends[0], &c, 1) == 1 && c == 'h');
}

static void test_sigchld_ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0)
		_exit(3);
	CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static void test_child_memory(void)
{
	static char page[4096 * 8];
	int status, i;
	pid_t pid;

	memset(page, 1, sizeof(page));
	pid = fork();
	if (pid == 0) {
		memset(page, 2, sizeof(page));
		_exit(page[5000]);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 2);
	for (i = 0; i < (int)sizeof(page); i++)
		CHECK(page[i] == 1);
}

static void test_names(void)
{
	char name[16] = "";

	CHECK(prctl(PR_SET_NAME, "a-very-long-name-indeed") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-very-long-nam") == 0);
}

/* As many as there can be: an error, and all of them can be waited for. */
static void test_many(void)
{
	int ends[2], count = 0, ended = 0;
	struct rlimit limit = { 300, 300 };
	pid_t pid = 0;
	char c;

	setrlimit(RLIMIT_NPROC, &limit);
	CHECK(pipe(ends) == 0);
	while (count < 400) {
		pid = fork();
		if (pid < 0)
			break;
		if (pid == 0) {
			close(ends[1]);
			read(ends[0], &c, 1);
			_exit(0);
		}
		count++;
	}
	CHECK(count >= 100);
	if (pid < 0)
		CHECK(errno == EAGAIN);
	close(ends[1]);
	while (wait(NULL) > 0)
		ended++;
	CHECK(ended == count);
}

static void test_clone_tid(void)
{
	int parent_tid = 0, child_tid = -1, status;
	long pid;

	pid = syscall(SYS_clone, 0x100000 | 0x1000000 | SIGCHLD, 0, &parent_tid, &child_tid, 0);
	if (pid == 0)
		_exit(child_tid == getpid() ? 0 : 1);
	CHECK(pid > 0 && parent_tid == pid && child_tid == -1);
	CHECK(waitpid((pid_t)pid, &status, 0) == pid && status == 0);
}

static const struct check_test tests[] = {
	{ "exit status and killing signal", test_status },
	{ "WNOHANG", test_nohang },
	{ "waitid", test_waitid },
	{ "waitid: stopped, continued, WNOWAIT", test_waitid_options },
	{ "stop and continue", test_stop_continue },
	{ "exec: arguments, environment, close-on-exec", test_exec },
	{ "exec: errors leave the caller", test_exec_fails },
	{ "exec: too many words", test_exec_many },
	{ "exec: signals", test_exec_signals },
	{ "vfork", test_vfork },
	{ "an orphan gets another parent", test_reparent },
	{ "process groups and sessions", test_groups },
	{ "orphaned process group", test_orphaned },
	{ "SIGCHLD ignored: no zombies", test_sigchld_ignored },
	{ "memory after fork is a copy", test_child_memory },
	{ "names", test_names },
	{ "many processes", test_many },
	{ "clone: thread numbers", test_clone_tid },
};

int main(int argc, char **argv, char **environment)
{
	static char own[4096];
	sigset_t set;
	int i;

	if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		snprintf(own, sizeof(own), "%s", argv[0]);
	self = own;
	if (argc > 1 && strcmp(argv[1], "exit-5") == 0)
		return 5;
	if (argc > 1 && strcmp(argv[1], "echo-arguments") == 0) {
		for (i = 2; i < argc; i++)
			printf("[%s]", argv[i]);
		for (; *environment; environment++)
			printf(" %s", *environment);
		printf(" closed %d\n", fcntl(3, F_GETFD) == -1 ? 3 : 0);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "show-signals") == 0) {
		struct sigaction one, two;

		sigaction(SIGUSR1, NULL, &one);
		sigaction(SIGUSR2, NULL, &two);
		sigprocmask(SIG_BLOCK, NULL, &set);
		return one.sa_handler != SIG_IGN || two.sa_handler != SIG_DFL ||
		       !sigismember(&set, SIGHUP);
	}
	return check_run(tests, sizeof(tests) / sizeof(tests[0]));
}
