/* SPDX-License-Identifier: MIT */
/* Handlers, masks, restarting, faults as signals, and registers that survive all of it. */
#include "kernel_check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t seen, depth, deepest;
static volatile uintptr_t fault_address;
static volatile int fault_code;
static sigjmp_buf escape;

static void count(int signo)
{
	(void)signo;
	seen++;
}

static void install(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	fault_address = (uintptr_t)info->si_addr;
	fault_code = info->si_code;
	siglongjmp(escape, signo);
}

static void install_fault(int signo)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void test_handler(void)
{
	install(SIGUSR1, count, 0);
	CHECK(raise(SIGUSR1) == 0 && seen == 1);
	kill(getpid(), SIGUSR1);
	CHECK(seen == 2);
	install(SIGUSR1, count, (int)SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(seen == 3);
	struct sigaction now;
	CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
	CHECK(sigaction(SIGKILL, &now, NULL) == -1 && errno == EINVAL);
	CHECK(sigaction(65, NULL, &now) == -1 && errno == EINVAL);
}

static void test_mask(void)
{
	sigset_t set, pending;

	install(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK(seen == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(seen == 1);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGUSR1));
}

static void nest(int signo)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (seen++ < 3)
		raise(signo);
	depth--;
}

static void test_nesting(void)
{
	install(SIGUSR1, nest, 0);
	raise(SIGUSR1);
	CHECK(deepest == 1 && seen == 4);
	seen = 0;
	install(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	CHECK(deepest == 4 && seen == 4);
}

static void test_interrupted(void)
{
	struct itimerval timer = { { 0, 0 }, { 0, 50000 } };
	int ends[2];
	char c;

	CHECK(pipe(ends) == 0);
	install(SIGALRM, count, 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK(read(ends[0], &c, 1) == -1 && errno == EINTR && seen == 1);
}

static int restart_end;

static void give_byte(int signo)
{
	(void)signo;
	seen++;
	if (seen == 2)
		(void)!write(restart_end, "x", 1);
}

static void test_restarted(void)
{
	struct itimerval timer = { { 0, 50000 }, { 0, 50000 } };
	int ends[2];
	char c = 0;

	CHECK(pipe(ends) == 0);
	restart_end = ends[1];
	install(SIGALRM, give_byte, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK(read(ends[0], &c, 1) == 1 && c == 'x' && seen >= 2);
}

/* Stopping and continuing is nothing that a system call may notice. */
static void test_continue_restarts(void)
{
	int ends[2], status;
	char c = 0;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		ssize_t n = read(ends[0], &c, 1);

		_exit(n == 1 ? 0 : 1);
	}
	usleep(50000);
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	usleep(50000);
	CHECK(write(ends[1], "y", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_sleep_rest(void)
{
	struct itimerval timer = { { 0, 0 }, { 0, 100000 } };
	struct timespec want = { 5, 0 }, rest = { 0, 0 };

	install(SIGALRM, count, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK(nanosleep(&want, &rest) == -1 && errno == EINTR);
	CHECK(rest.tv_sec == 4 && seen == 1);
}

static void test_suspend(void)
{
	sigset_t set, none;

	install(SIGUSR1, count, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	CHECK(seen == 0);
	CHECK(sigsuspend(&none) == -1 && errno == EINTR && seen == 1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(sigismember(&set, SIGUSR1));
}

static void test_timedwait(void)
{
	struct timespec soon = { 0, 50000000 };
	siginfo_t info;
	sigset_t set;

	install(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(sigtimedwait(&set, &info, &soon) == -1 && errno == EAGAIN);
	raise(SIGUSR1);
	CHECK(sigtimedwait(&set, &info, &soon) == SIGUSR1 && info.si_signo == SIGUSR1);
	CHECK(seen == 0);
}

static void test_faults(void)
{
	volatile int zero = 0;
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	install_fault(SIGSEGV);
	install_fault(SIGFPE);
	install_fault(SIGILL);
	install_fault(SIGTRAP);
	if (sigsetjmp(escape, 1) == 0) {
		*(volatile int *)12345 = 1;
		CHECK(!"a write to nowhere went on");
	}
	CHECK(fault_address == 12345 && fault_code == SEGV_MAPERR);
	if (sigsetjmp(escape, 1) == 0) {
		*(volatile char *)page = 1;
		CHECK(!"a write to a page that is only to be read went on");
	}
	CHECK(fault_address == (uintptr_t)page && fault_code == SEGV_ACCERR);
	if (sigsetjmp(escape, 1) == 0) {
		*(volatile int *)0xffff800000000000 = 1;
		CHECK(!"a write to the kernel went on");
	}
	if (sigsetjmp(escape, 1) == 0) {
		*(volatile int *)0x8000000000000000 = 1;
		CHECK(!"a write to no address at all went on");
	}
	CHECK(fault_code == SI_KERNEL);
	if (sigsetjmp(escape, 1) == 0) {
		/* The compiler knows ways to divide 1 that do not trap. */
		__asm__ volatile("xor %%edx, %%edx; divl %1" : : "a"(1), "m"(zero) : "edx");
		CHECK(!"a division by zero went on");
	}
	CHECK(fault_code == FPE_INTDIV);
	if (sigsetjmp(escape, 1) == 0) {
		__asm__ volatile("ud2");
		CHECK(!"an invalid instruction went on");
	}
	if (sigsetjmp(escape, 1) == 0) {
		__asm__ volatile("hlt");
		CHECK(!"a privileged instruction went on");
	}
	CHECK(fault_code == SI_KERNEL);
	if (sigsetjmp(escape, 1) == 0) {
		((void (*)(void))page)();
		CHECK(!"a page without that right was executed");
	}
	CHECK(fault_address == (uintptr_t)page);
	if (sigsetjmp(escape, 1) == 0) {
		__asm__ volatile("int3");
		CHECK(!"a breakpoint went on");
	}
}

static void test_default_ends(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGBUS, SIGFPE,
		SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGSYS };
	unsigned i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			raise(signals[i]);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		      WTERMSIG(status) == signals[i]);
	}
	raise(SIGCHLD);
	raise(SIGURG);
	raise(SIGWINCH);
	raise(SIGCONT);
}

static char altstack[65536];
static volatile uintptr_t handler_stack;

static void on_overflow(int signo)
{
	char here;

	handler_stack = (uintptr_t)&here;
	siglongjmp(escape, signo);
}

static int overflow(int n)
{
	volatile char block[4096];

	block[0] = (char)n;
	return n == 0 ? 0 : overflow(n - 1) + block[0];
}

static void test_stack_overflow(void)
{
	stack_t stack = { .ss_sp = altstack, .ss_size = sizeof(altstack) }, old;

	/* 6 MiB are fine, 60 are not. */
	CHECK(overflow(1500) != -12345678);
	CHECK(sigaltstack(&stack, NULL) == 0);
	install(SIGSEGV, on_overflow, SA_ONSTACK);
	if (sigsetjmp(escape, 1) == 0) {
		overflow(15000);
		CHECK(!"the stack never ended");
	}
	CHECK(handler_stack >= (uintptr_t)altstack &&
	      handler_stack < (uintptr_t)altstack + sizeof(altstack));
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == altstack && old.ss_flags == 0);
}

/* Without another stack there is no way to tell the program. */
static void test_overflow_ends(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		install(SIGSEGV, on_overflow, 0);
		overflow(15000);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGSEGV);
}

static void change_context(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	seen = signo;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	uc->uc_mcontext.gregs[REG_RIP] += 2;		/* over ud2 */
}

static void test_context(void)
{
	struct sigaction action = { .sa_sigaction = change_context, .sa_flags = SA_SIGINFO };
	long result = 0;

	CHECK(sigaction(SIGILL, &action, NULL) == 0);
	__asm__ volatile("ud2" : "=a"(result) : "0"(1L));
	CHECK(result == 4711 && seen == SIGILL);
}

static void spoil(int signo)
{
	(void)signo;
	seen++;
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm7, %%xmm7; pcmpeqd %%xmm15, %%xmm15;"
			 "fninit; fld1; fld1"
			 : : : "xmm0", "xmm7", "xmm15", "st", "st(1)");
}

/* Registers are the program's own over a signal and over other programs' turns. */
static void test_registers(void)
{
	struct itimerval timer = { { 0, 10000 }, { 0, 10000 } };
	double value = 0.5, xmm = 0;
	long sum = 0, n = 0;
	pid_t other = fork();

	if (other == 0) {
		for (;;)
			spoil(0);
	}
	install(SIGALRM, spoil, SA_RESTART);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (seen < 20) {
		long a, b, c;

		__asm__ volatile(
			"movsd %4, %%xmm15\n\t"
			"mov $11, %%r8; mov $22, %%r12; mov $33, %%r15\n\t"
			"mov $200000, %%rcx\n"
			"1: dec %%rcx\n\t"
			"jnz 1b\n\t"
			"movsd %%xmm15, %3\n\t"
			"mov %%r8, %0; mov %%r12, %1; mov %%r15, %2"
			: "=&r"(a), "=&r"(b), "=&r"(c), "=m"(xmm)
			: "m"(value) : "rcx", "r8", "r12", "r15", "xmm15");
		CHECK(xmm == 0.5);
		sum += a + b + c;
		n++;
	}
	CHECK(sum == n * 66);
	kill(other, SIGKILL);
}

/* A handler's frame that was tampered with may end the program, never the kernel. */
static void bad_return(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	if (seen == 1)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
	if (seen == 2)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff80100000;
	if (seen == 3)
		uc->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000;	/* IOPL, NT */
	if (seen == 4)
		uc->uc_mcontext.fpregs = (void *)0xffff800000000000;
	if (seen == 5)
		uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
	if (seen == 6)
		uc->uc_mcontext.gregs[REG_CSGSFS] = 0x08;
	if (seen == 7)
		uc->uc_mcontext.gregs[REG_RSP] = (greg_t)0x8000000000000000;
}

static void test_bad_frames(void)
{
	struct sigaction action = { .sa_sigaction = bad_return, .sa_flags = SA_SIGINFO };
	int i;

	for (i = 1; i <= 7; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			seen = i;
			sigaction(SIGUSR1, &action, NULL);
			raise(SIGUSR1);
			if (i == 3) {
				__asm__ volatile("cli");	/* still not allowed */
				_exit(9);
			}
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
		if (i < 4)
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

static void test_kill(void)
{
	CHECK(kill(getpid(), 0) == 0);
	CHECK(kill(0x3fffff, 0) == -1 && errno == ESRCH);
	CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
	install(SIGUSR1, count, 0);
	setpgid(0, 0);
	CHECK(kill(0, SIGUSR1) == 0 && seen == 1);
}

static void test_pipe_signal(void)
{
	int ends[2], status;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(pipe(ends) == 0);
		close(ends[0]);
		signal(SIGPIPE, SIG_IGN);
		CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
		signal(SIGPIPE, SIG_DFL);
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGPIPE);
}

static void test_alarm(void)
{
	install(SIGALRM, count, 0);
	CHECK(alarm(100) == 0);
	CHECK(alarm(1) == 100);
	pause();
	CHECK(seen == 1 && alarm(0) == 0);
}

static void test_clocks(void)
{
	struct timespec a, b, pause_ns = { 0, 30000000 };
	long passed;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_ns, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	passed = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
	CHECK(passed >= 30000000 && passed < 3000000000);
	b.tv_nsec += 20000000;
	if (b.tv_nsec >= 1000000000) {
		b.tv_nsec -= 1000000000;
		b.tv_sec++;
	}
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec >= b.tv_nsec));
	CHECK(clock_gettime(77, &a) == -1 && errno == EINVAL);
	CHECK(time(NULL) > 1600000000);
}

static const struct check_test tests[] = {
	{ "handlers", test_handler },
	{ "blocked and pending", test_mask },
	{ "a handler's own signal waits", test_nesting },
	{ "EINTR", test_interrupted },
	{ "SA_RESTART", test_restarted },
	{ "stop and continue restart a read", test_continue_restarts },
	{ "the rest of a sleep", test_sleep_rest },
	{ "sigsuspend", test_suspend },
	{ "sigtimedwait", test_timedwait },
	{ "faults", test_faults },
	{ "default actions", test_default_ends },
	{ "stack overflow on an alternate stack", test_stack_overflow },
	{ "stack overflow without one", test_overflow_ends },
	{ "a handler changes registers", test_context },
	{ "registers survive", test_registers },
	{ "tampered frames", test_bad_frames },
	{ "kill", test_kill },
	{ "SIGPIPE", test_pipe_signal },
	{ "alarm", test_alarm },
	{ "clocks", test_clocks },
};

int main(void)
{
	return check_run(tests, sizeof(tests) / sizeof(tests[0]));
}
