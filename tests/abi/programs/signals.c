/* SPDX-License-Identifier: MIT */
/* Signals: what they do by default, handlers, masks, interrupted calls, who may send them. */
#include "abi.h"

#include <poll.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t seen;
static sigset_t set;

static void count(int signo)
{
	(void)signo;
	seen++;
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signo, &action, NULL);
}

static sigset_t *only(int signo)
{
	sigemptyset(&set);
	sigaddset(&set, signo);
	return &set;
}

/* Every signal, sent to a child that does nothing about it. */
static void defaults(void)
{
	int signo, status;

	for (signo = 1; signo <= 64; signo++) {
		pid_t pid;

		if (signo == 32 || signo == 33)		/* the C library's own */
			continue;
		pid = abi_fork();
		if (pid == 0) {
			kill(getpid(), signo);
			_exit(0);
		}
		waitpid(pid, &status, WUNTRACED);
		if (WIFSTOPPED(status)) {
			SAY("%d: stopped", signo);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		} else if (WIFSIGNALED(status)) {
			SAY("%d: ends with %d", signo, WTERMSIG(status));
		} else {
			SAY("%d: nothing", signo);
		}
	}
}

static void actions(void)
{
	struct sigaction action = { .sa_handler = count }, old;

	SEE(sigaction(SIGKILL, &action, NULL));
	SEE(sigaction(SIGSTOP, &action, NULL));
	SEE(sigaction(SIGKILL, NULL, &old));
	SEE(sigaction(0, &action, NULL));
	SEE(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	SEE(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	SEE(syscall(SYS_rt_sigaction, SIGUSR1, nowhere, NULL, 8));
	action.sa_flags = SA_RESETHAND | SA_NODEFER;
	SEE(sigaction(SIGUSR1, &action, NULL));
	SEE(sigaction(SIGUSR1, NULL, &old));
	SAY("same %d flags %x", old.sa_handler == count, old.sa_flags & ~0x04000000);
	raise(SIGUSR1);
	SEE(sigaction(SIGUSR1, NULL, &old));
	SAY("default %d seen %d", old.sa_handler == SIG_DFL, seen);
	IN_CHILD(raise(SIGUSR1));
	SEE(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
	raise(SIGUSR1);
	SEE(raise(0));
}

static void masks(void)
{
	sigset_t old, pending;

	handle(SIGUSR1, count, 0);
	SEE(sigprocmask(SIG_BLOCK, only(SIGUSR1), &old));
	raise(SIGUSR1);
	raise(SIGUSR1);
	SAY("seen %d", seen);
	SEE(sigpending(&pending));
	SEE(sigismember(&pending, SIGUSR1));
	SEE(sigprocmask(SIG_UNBLOCK, only(SIGUSR1), NULL));
	SAY("seen %d", seen);
	SEE(sigpending(&pending));
	SEE(sigismember(&pending, SIGUSR1));
	sigfillset(&set);
	SEE(sigprocmask(SIG_SETMASK, &set, NULL));
	SEE(sigprocmask(SIG_SETMASK, NULL, &old));
	SAY("kill %d stop %d", sigismember(&old, SIGKILL), sigismember(&old, SIGSTOP));
	SEE(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8));
	SEE(syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
	SEE(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16));
	SEE(syscall(SYS_rt_sigprocmask, SIG_BLOCK, nowhere, NULL, 8));
	/* Real-time signals are counted, the others are not. */
	handle(SIGRTMIN, count, 0);
	seen = 0;
	raise(SIGRTMIN);
	raise(SIGRTMIN);
	raise(SIGRTMIN);
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigemptyset(&set);
	SEE(sigprocmask(SIG_SETMASK, &set, NULL));
	SAY("seen %d", seen);
	/* A mask goes over fork, what is pending does not. */
	sigprocmask(SIG_BLOCK, only(SIGUSR1), NULL);
	raise(SIGUSR1);
	IN_CHILD(sigpending(&pending);
		 SEE(sigismember(&pending, SIGUSR1));
		 sigprocmask(SIG_BLOCK, NULL, &old);
		 SEE(sigismember(&old, SIGUSR1)));
	/* To ignore a signal throws away the one that waits. */
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	SEE(sigismember(&pending, SIGUSR1));
}

static volatile sig_atomic_t order[16];

static void note(int signo)
{
	order[seen++] = signo;
}

static void note_nested(int signo)
{
	order[seen++] = signo;
	raise(SIGUSR2);
	if (seen < 4)
		raise(signo);
	order[seen++] = -signo;
}

static void ordering(void)
{
	struct sigaction action = { .sa_handler = note_nested };
	int i;

	for (i = 1; i < 32; i++)
		if (i != SIGKILL && i != SIGSTOP)
			handle(i, note, 0);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	raise(SIGUSR2);
	raise(SIGTERM);
	raise(SIGHUP);
	raise(SIGINT);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (i = 0; i < seen; i++)
		SAY("%d", order[i]);
	SAY("nested, then with the other one masked");
	for (i = 0; i < 2; i++) {
		int at;

		seen = 0;
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		for (at = 0; at < seen; at++)
			SAY("%d", order[at]);
		sigaddset(&action.sa_mask, SIGUSR2);
	}
}

static void informed(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	SAY("signo %d code %d uid %u self %d masked %d", signo, info->si_code, info->si_uid,
	    info->si_pid == getpid(), sigismember(&uc->uc_sigmask, SIGUSR2));
}

static void information(void)
{
	struct sigaction action = { .sa_sigaction = informed, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 42 };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_BLOCK, only(SIGUSR2), NULL);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	SEE(sigqueue(getpid(), SIGUSR1, value));
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
}

static void fault_seen(int signo, siginfo_t *info, void *context)
{
	(void)context;
	SAY("signo %d code %d address %s", signo, info->si_code,
	    info->si_addr == nowhere ? "as expected" : info->si_addr ? "some" : "null");
	fflush(stdout);
	_exit(0);
}

static void faults(void)
{
	struct sigaction action = { .sa_sigaction = fault_seen, .sa_flags = SA_SIGINFO };
	volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile int zero = 0;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	IN_CHILD(*(volatile int *)nowhere = 1);
	IN_CHILD(page[0] = 1);
	IN_CHILD(zero = 1 / zero);
	IN_CHILD(__asm__ volatile("ud2"));
	IN_CHILD(__asm__ volatile("int3"));
	IN_CHILD(__asm__ volatile("cli"));
	IN_CHILD(*(volatile char *)0xffffffff80000000ul = 1);
	IN_CHILD(*(volatile char *)0x8000000000000000ul = 1);
	IN_CHILD(abi_put("f", "short");
		 int fd = open("f", O_RDONLY);
		 volatile char *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
		 SAY("%c", map[0]);
		 SAY("%d", map[4095]);
		 SAY("%d", map[4096]));
	/* A fault whose signal is blocked or ignored ends the program all the same. */
	IN_CHILD(sigprocmask(SIG_BLOCK, only(SIGSEGV), NULL); *(volatile int *)nowhere = 1);
	IN_CHILD(signal(SIGSEGV, SIG_IGN); *(volatile int *)nowhere = 1);
}

/* A child that sends SIGNO to the caller again and again, until it is killed. */
static pid_t pest(int signo)
{
	pid_t pid = abi_fork();

	if (pid == 0) {
		struct timespec pause_time = { 0, 20000000 };

		while (getppid() != 1) {
			nanosleep(&pause_time, NULL);
			kill(getppid(), signo);
		}
		_exit(0);
	}
	return pid;
}

static void interrupted(void)
{
	struct timespec second = { 60, 0 }, left = { 0, 0 };
	struct pollfd nothing = { .fd = -1 };
	int ends[2], status;
	char c;
	pid_t pid;

	pipe(ends);
	handle(SIGUSR1, count, 0);
	pid = pest(SIGUSR1);
	SEE(read(ends[0], &c, 1));
	SEE(nanosleep(&second, &left));
	SAY("some left %d", left.tv_sec > 50 && left.tv_sec <= 60);
	SEE(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL));
	SEE(poll(&nothing, 1, 60000));
	SEE(pause());
	SEE(waitpid(pid, &status, 0));
	sigemptyset(&set);
	SEE(sigsuspend(&set));
	handle(SIGUSR1, count, SA_RESTART);
	SEE(nanosleep(&second, NULL));
	SEE(poll(&nothing, 1, 60000));
	SEE(pause());
	SEE(kill(pid, SIGKILL));
	SEE(waitpid(pid, &status, 0) == pid);
	SAY("seen %d", seen > 5);
}

/* With SA_RESTART the call goes on: the child sends signals, then writes. */
static void restarted(void)
{
	int ends[2], status = -1, i;
	char c = 0;
	pid_t pid;

	pipe(ends);
	handle(SIGUSR1, count, SA_RESTART);
	pid = abi_fork();
	if (pid == 0) {
		for (i = 0; i < 3; i++) {
			usleep(20000);
			kill(getppid(), SIGUSR1);
		}
		usleep(20000);
		write(ends[1], "x", 1);
		usleep(20000);
		kill(getppid(), SIGUSR1);
		usleep(20000);
		_exit(6);
	}
	SEE(read(ends[0], &c, 1));
	SAY("seen %d", seen == 3);
	SEE(waitpid(pid, &status, 0) == pid);
	abi_say_status("child", status);
	SAY("seen %d", seen == 4);
	/* An ignored signal and one that stops nothing do not end a call either. */
	signal(SIGUSR1, SIG_IGN);
	pid = abi_fork();
	if (pid == 0) {
		usleep(20000);
		kill(getppid(), SIGUSR1);
		kill(getppid(), SIGCONT);
		usleep(20000);
		write(ends[1], "y", 1);
		_exit(0);
	}
	SEE(read(ends[0], &c, 1));
	abi_ended(pid);
}

static void children(void)
{
	int status;
	pid_t pid;

	handle(SIGCHLD, count, 0);
	pid = abi_fork();
	if (pid == 0)
		_exit(1);
	while (!seen)
		usleep(1000);
	SAY("seen %d", seen);
	abi_ended(pid);
	seen = 0;
	handle(SIGCHLD, count, SA_NOCLDSTOP);
	pid = abi_fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(1);
	}
	SEE(waitpid(pid, &status, WUNTRACED) == pid);
	SAY("seen %d", seen);
	kill(pid, SIGCONT);
	while (!seen)
		usleep(1000);
	abi_ended(pid);
	SAY("seen %d", seen);
	/* Nobody waits: no zombie stays. */
	signal(SIGCHLD, SIG_IGN);
	pid = abi_fork();
	if (pid == 0)
		_exit(1);
	SEE(waitpid(pid, &status, 0));
	handle(SIGCHLD, count, SA_NOCLDWAIT);
	pid = abi_fork();
	if (pid == 0)
		_exit(1);
	SEE(waitpid(pid, &status, 0));
	signal(SIGCHLD, SIG_DFL);
	IN_CHILD(raise(SIGCHLD); raise(SIGURG); raise(SIGWINCH); raise(SIGCONT));
}

static char *alternate;
static bool nested_depth;

static void on_stack(int signo)
{
	stack_t now, other = { .ss_sp = alternate, .ss_size = 65536 };
	char here;

	SAY("on the alternate stack: %d", &here > alternate && &here < alternate + 65536);
	sigaltstack(NULL, &now);
	SAY("flags %d", now.ss_flags);
	SEE(sigaltstack(&other, NULL));
	if (signo == SIGUSR1 && !nested_depth) {
		nested_depth = true;
		raise(SIGUSR2);
	}
}

static void fault_on_stack(int signo)
{
	char here;

	SAY("signal %d on the alternate stack: %d", signo,
	    &here > alternate && &here < alternate + 65536);
	fflush(stdout);
	_exit(0);
}

static void alternate_stack(void)
{
	stack_t stack, old, small = { .ss_size = 100 }, off = { .ss_flags = SS_DISABLE };
	stack_t wrong = { .ss_flags = 77, .ss_size = 65536 };

	alternate = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack = (stack_t){ .ss_sp = alternate, .ss_size = 65536 };
	SEE(sigaltstack(NULL, &old));
	SAY("flags %d", old.ss_flags);
	SEE(sigaltstack(&small, NULL));
	SEE(sigaltstack(&wrong, NULL));
	SEE(sigaltstack(&stack, NULL));
	handle(SIGUSR1, on_stack, SA_ONSTACK);
	handle(SIGUSR2, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	SEE(sigaltstack(NULL, &old));
	SAY("flags %d same %d", old.ss_flags, old.ss_sp == alternate);
	IN_CHILD(handle(SIGSEGV, fault_on_stack, SA_ONSTACK);
		 __asm__ volatile("mov $8, %%rsp; push %%rax" : : : "memory"));
	IN_CHILD(handle(SIGSEGV, fault_on_stack, 0);
		 __asm__ volatile("mov $8, %%rsp; push %%rax" : : : "memory"));
	IN_CHILD(sigaltstack(NULL, &old); SAY("child flags %d", old.ss_flags));
	SEE(sigaltstack(&off, NULL));
	SEE(sigaltstack(NULL, &old));
	SAY("flags %d", old.ss_flags);
}

static void sending(void)
{
	pid_t pid = abi_fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	SEE(kill(pid, 0));
	SEE(kill(pid, 65));
	SEE(kill(pid, -1));
	SEE(kill(0x7fffff, 0));
	SEE(kill(-0x7fffff, 0));
	SEE(syscall(SYS_tgkill, 0, pid, 0));
	SEE(syscall(SYS_tgkill, pid, 0x7fffff, 0));
	SEE(syscall(SYS_tkill, -1, 0));
	SEE(syscall(SYS_tkill, pid, 0));
	IN_CHILD(abi_user(1000);
		 SEE(kill(pid, 0));
		 SEE(kill(pid, SIGTERM));
		 SEE(kill(1, SIGTERM));
		 SEE(kill(getppid(), SIGCONT));
		 SEE(kill(getpid(), 0)));
	IN_CHILD(SEE(setresuid(1000, 1000, 0)); SEE(kill(pid, 0)));
	IN_CHILD(SEE(setresuid(0, 1000, 1000)); SEE(kill(pid, 0)));
	SEE(kill(pid, SIGKILL));
	SEE(kill(pid, 0));
	abi_ended(pid);
	SEE(kill(pid, 0));
	SEE(kill(1, SIGUSR1));
	SEE(kill(1, SIGKILL));
	signal(SIGUSR1, SIG_IGN);
	IN_CHILD(SEE(setpgid(0, 0)); signal(SIGUSR1, SIG_DFL); SEE(kill(0, SIGUSR1)));
	IN_CHILD(SEE(setpgid(0, 0)); signal(SIGUSR1, SIG_DFL); SEE(kill(-getpid(), SIGUSR1)));
}

static void waiting_for(void)
{
	struct timespec none = { 0, 0 }, little = { 0, 20000000 }, bad = { 0, 1000000000 };
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SEE(sigtimedwait(&set, &info, &none));
	SEE(sigtimedwait(&set, &info, &little));
	SEE(sigtimedwait(&set, &info, &bad));
	raise(SIGUSR2);
	raise(SIGUSR1);
	SEE(sigtimedwait(&set, &info, &none));
	SAY("signo %d", info.si_signo);
	SEE(sigwaitinfo(&set, &info));
	SAY("signo %d", info.si_signo);
	SEE(sigtimedwait(&set, &info, &none));
	handle(SIGALRM, count, 0);
	SEE(alarm(1));
	SEE(sigwaitinfo(&set, &info));
	SAY("seen %d", seen);
}

static void timers(void)
{
	struct itimerval timer = { { 0, 10000 }, { 0, 10000 } }, old, off = { { 0, 0 }, { 0, 0 } };
	struct itimerval bad = { { 0, 0 }, { 0, 1000000 } };

	handle(SIGALRM, count, 0);
	SEE(alarm(100));
	SEE(alarm(50) >= 99);
	SEE(alarm(0) >= 49);
	SEE(alarm(0));
	SEE(setitimer(ITIMER_REAL, &timer, NULL));
	while (seen < 3)
		pause();
	SEE(setitimer(ITIMER_REAL, &off, &old));
	SAY("interval %ld", (long)old.it_interval.tv_usec);
	SEE(getitimer(ITIMER_REAL, &old));
	SAY("left %ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
	SEE(setitimer(ITIMER_REAL, &bad, NULL));
	SEE(setitimer(99, &timer, NULL));
	SEE(alarm(100));
	IN_CHILD(SEE(alarm(0)));
	IN_CHILD(signal(SIGALRM, SIG_DFL); setitimer(ITIMER_REAL, &timer, NULL); pause());
}

static sigjmp_buf back;

static void jump(int signo)
{
	siglongjmp(back, signo);
}

static void registers(void)
{
	long sum = 0;
	double value = 1.5;
	volatile int i;

	handle(SIGUSR1, count, 0);
	handle(SIGSEGV, jump, 0);
	for (i = 0; i < 1000; i++) {
		sum += i;
		value *= 1.0001;
		if (i % 100 == 0)
			raise(SIGUSR1);
	}
	SAY("%ld %.6f seen %d", sum, value, seen);
	for (i = 0; i < 3; i++)
		if (sigsetjmp(back, 1) == 0)
			*(volatile int *)nowhere = 1;
		else
			SAY("jumped back");
}

static void job_control(void)
{
	int status;
	pid_t pid = abi_fork();

	/* The group of an orphaned group's member is not stopped by the terminal's signals. */
	if (pid == 0) {
		setpgid(0, 0);
		pid = abi_fork();
		if (pid == 0) {
			raise(SIGTSTP);
			_exit(3);
		}
		SEE(waitpid(pid, &status, WUNTRACED) == pid);
		abi_say_status("grandchild", status);
		kill(pid, SIGCONT);
		SEE(waitpid(pid, &status, WUNTRACED) == pid);
		abi_say_status("grandchild", status);
		abi_exit(0);
	}
	abi_ended(pid);
	IN_CHILD(setsid(); raise(SIGTSTP); SAY("goes on"));
	IN_CHILD(setsid(); raise(SIGTTIN); SAY("goes on"));
	handle(SIGCONT, count, 0);
	raise(SIGCONT);
	SAY("seen %d", seen);
}

/* Somebody of user ID in group PGID (0: a new one), who is there when this returns. */
static pid_t member(unsigned id, pid_t pgid)
{
	int ends[2];
	pid_t pid;
	char c;

	pipe(ends);
	pid = abi_fork();
	if (pid == 0) {
		setpgid(0, pgid);
		abi_user(id);
		write(ends[1], "x", 1);
		for (;;)
			pause();
	}
	read(ends[0], &c, 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void groups(void)
{
	pid_t one = member(1000, 0), two = member(2000, one), alone = member(2000, 0);

	IN_CHILD(abi_user(1000);
		 SEE(kill(-one, 0));
		 SEE(kill(-alone, 0));
		 SEE(kill(-alone, SIGKILL));
		 SEE(kill(-alone, SIGCONT));
		 SEE(kill(-one, SIGTERM)));
	abi_ended(one);
	SEE(kill(two, 0));
	SEE(kill(alone, 0));
	IN_CHILD(abi_user(3000);
		 SEE(kill(-one, 0));
		 SEE(kill(-1, 0));
		 SEE(kill(-1, SIGTERM)));
	SEE(kill(-one, SIGKILL));
	abi_ended(two);
	SEE(kill(-one, 0));
	SEE(kill(alone, SIGKILL));
	abi_ended(alone);
}

static const struct abi_case cases[] = {
	{ "defaults", defaults }, { "actions", actions }, { "masks", masks },
	{ "ordering", ordering }, { "information", information }, { "faults", faults },
	{ "interrupted", interrupted }, { "restarted", restarted }, { "children", children },
	{ "alternate-stack", alternate_stack }, { "sending", sending },
	{ "waiting-for", waiting_for }, { "timers", timers }, { "registers", registers },
	{ "job-control", job_control }, { "groups", groups },
};

AREA(signals, cases);
