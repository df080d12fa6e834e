/* SPDX-License-Identifier: MIT */
/* Address space: brk, mmap, protection, copy on write, the stack; and wrong pointers. */
#include "kernel_check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE 4096u
#define MIB (1024u * 1024u)

static sigjmp_buf escape;

static void on_fault(int signo)
{
	siglongjmp(escape, signo);
}

/* The signal that touching ADDRESS gives, 0 when it can be read (or written). */
static int touch(volatile char *address, int write)
{
	int signo;

	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	signo = sigsetjmp(escape, 1);
	if (signo == 0) {
		char c = *address;

		if (write)
			*address = c;
	}
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return signo;
}

static void *anonymous(size_t len, int prot)
{
	void *at = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static void test_brk(void)
{
	char *start = sbrk(0), *at;
	unsigned i;

	at = sbrk(8 * MIB);
	CHECK(at == start);
	for (i = 0; i < 8 * MIB; i += 1000)
		CHECK(at[i] == 0);
	memset(at, 7, 8 * MIB);
	CHECK(sbrk(-(intptr_t)(8 * MIB)) == start + 8 * MIB);
	CHECK(sbrk(8 * MIB) == start);
	CHECK(start[PAGE * 2] == 0 && start[8 * MIB - 1] == 0);
}

static void test_mmap(void)
{
	char *a = anonymous(3 * PAGE, PROT_READ | PROT_WRITE);

	CHECK(((uintptr_t)a & (PAGE - 1)) == 0);
	memset(a, 1, 3 * PAGE);
	CHECK(munmap(a + PAGE, PAGE) == 0);
	CHECK(touch(a, 1) == 0 && touch(a + PAGE, 0) == SIGSEGV && touch(a + 2 * PAGE, 1) == 0);
	CHECK(mmap(a + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      a + PAGE);
	CHECK(a[PAGE] == 0 && a[0] == 1 && a[2 * PAGE] == 1);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, (size_t)1 << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      MAP_FAILED && errno == ENOMEM);
	CHECK(munmap(a + 1, PAGE) == -1 && errno == EINVAL);
	CHECK(munmap(a, 0) == -1 && errno == EINVAL);
	CHECK(munmap(a, 3 * PAGE) == 0);
	CHECK(munmap(a, 3 * PAGE) == 0);		/* nothing there is no error */
	CHECK(mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		   0) == a);
	CHECK(mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		   0) == MAP_FAILED && errno == EEXIST);
}

static void test_protect(void)
{
	char *a = anonymous(4 * PAGE, PROT_READ | PROT_WRITE);

	memset(a, 5, 4 * PAGE);
	CHECK(mprotect(a + PAGE, PAGE, PROT_READ) == 0);
	CHECK(touch(a + PAGE, 0) == 0 && touch(a + PAGE, 1) == SIGSEGV);
	CHECK(touch(a, 1) == 0 && touch(a + 2 * PAGE, 1) == 0);
	CHECK(mprotect(a + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(touch(a + PAGE, 0) == SIGSEGV);
	CHECK(write(1, a + PAGE, 1) == -1 && errno == EFAULT);
	CHECK(mprotect(a, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(a[PAGE] == 5 && touch(a + PAGE, 1) == 0);
	munmap(a + 2 * PAGE, PAGE);
	CHECK(mprotect(a, 4 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
}

static void test_code(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* mov, ret */
	char *a = anonymous(PAGE, PROT_READ | PROT_WRITE);

	memcpy(a, code, sizeof(code));
	CHECK(mprotect(a, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(((int (*)(void))(uintptr_t)a)() == 42);
	CHECK(touch(a, 1) == SIGSEGV);
}

static void test_copies(void)
{
	char *a = anonymous(64 * PAGE, PROT_READ | PROT_WRITE);
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, round;
	pid_t pid;

	CHECK(shared != MAP_FAILED);
	memset(a, 'p', 64 * PAGE);
	for (round = 0; round < 3; round++) {
		pid = fork();
		if (pid == 0) {
			CHECK(a[0] == 'p' && a[63 * PAGE] == 'p');
			memset(a, 'c', 32 * PAGE);
			*shared += 1;
			_exit(a[31 * PAGE] == 'c' && a[32 * PAGE] == 'p' ? 0 : 1);
		}
		memset(a + 32 * PAGE, 'p', 32 * PAGE);
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		CHECK(a[0] == 'p' && a[31 * PAGE] == 'p' && *shared == round + 1);
	}
}

static void test_mremap(void)
{
	char *a = anonymous(4 * PAGE, PROT_READ | PROT_WRITE), *b, *fence;

	memset(a, 'm', 4 * PAGE);
	b = mremap(a, 4 * PAGE, 2 * PAGE, 0);
	CHECK(b == a && touch(a + 2 * PAGE, 0) == SIGSEGV);
	fence = mmap(a + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(fence == a + 2 * PAGE);
	CHECK(mremap(a, 2 * PAGE, 8 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	b = mremap(a, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(b != MAP_FAILED && b != a);
	CHECK(b[0] == 'm' && b[2 * PAGE - 1] == 'm' && b[2 * PAGE] == 0 && b[8 * PAGE - 1] == 0);
	CHECK(touch(a, 0) == SIGSEGV);
	CHECK(mremap(a, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
}

static void test_file(void)
{
	const char *name = "mapped-file";
	char *a;
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	unsigned i;

	CHECK(fd >= 0);
	for (i = 0; i < 3 * PAGE / 16 - 10; i++)
		CHECK(write(fd, "0123456789abcdef", 16) == 16);
	a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(a != MAP_FAILED);
	close(fd);
	CHECK(memcmp(a + PAGE, "0123456789abcdef", 16) == 0);
	CHECK(a[3 * PAGE - 161] == 'f' && a[3 * PAGE - 160] == 0);
	a[PAGE] = 'X';
	CHECK(touch(a + 3 * PAGE, 0) == SIGBUS);
	fd = open(name, O_RDONLY);
	CHECK(pread(fd, a, 1, PAGE) == 1 && a[0] == '0' && a[PAGE] == 'X');
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED && errno == EINVAL);
	a = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	CHECK(a != MAP_FAILED && a[0] == '0');
	unlink(name);
}

static void test_madvise(void)
{
	char *a = anonymous(2 * PAGE, PROT_READ | PROT_WRITE);

	memset(a, 9, 2 * PAGE);
	CHECK(madvise(a, PAGE, MADV_DONTNEED) == 0);
	CHECK(a[0] == 0 && a[PAGE] == 9);
}

static void test_null(void)
{
	CHECK(touch(NULL, 0) == SIGSEGV);
	CHECK(touch((char *)(uintptr_t)(PAGE - 1), 0) == SIGSEGV);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      MAP_FAILED || geteuid() == 0);
}

/* Neither the caller nor the kernel ends by any of these. */
static void test_pointers(void)
{
	static const uintptr_t wrong[] = { 1, 4095, 0x7fffffffffff, 0x7ffffffff000, 0x800000000000,
		0xffff7fffffffffff, 0xffff800000000000, 0xffffffff80100000, UINTPTR_MAX, UINTPTR_MAX - 7 };
	char *page = anonymous(2 * PAGE, PROT_READ | PROT_WRITE);
	unsigned i;
	int fd = open("/proc/self/exe", O_RDONLY), ends[2];

	if (fd < 0)
		fd = open("/bin/memory", O_RDONLY);
	CHECK(fd >= 0 && pipe(ends) == 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uintptr_t bad = wrong[i];

		CHECK(syscall(SYS_read, fd, bad, 100) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_write, ends[1], bad, 100) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_open, bad, 0) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_pipe, bad) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_uname, bad) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_rt_sigaction, SIGUSR1, bad, 0, 8) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, 0, 8) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_nanosleep, bad, 0) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_fstat, fd, bad) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_execve, bad, 0, 0) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_getcwd, bad, 100) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_sigaltstack, bad, 0) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_getrandom, bad, 100, 0) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_readv, fd, bad, 1) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_munmap, bad & ~(uintptr_t)0xfff, (size_t)1 << 50) == -1 &&
		      errno == EINVAL);
	}
	/* Up to the border and over it. */
	munmap(page + PAGE, PAGE);
	CHECK(read(fd, page + PAGE - 100, 100) == 100);
	CHECK(syscall(SYS_uname, page + PAGE - 100) == -1 && errno == EFAULT);
	memset(page, 'a', PAGE);
	CHECK(open(page, O_RDONLY) == -1 && (errno == EFAULT || errno == ENAMETOOLONG));
	CHECK(open(page + PAGE - 10, O_RDONLY) == -1 && errno == EFAULT);
}

static volatile long running;

static void on_alarm(int signo)
{
	(void)signo;
	printf("# system call %ld does not come back\n", running);
	fflush(stdout);
	_exit(1);
}

/* Every system call with nonsense: it may fail, it may even work, but it comes back. */
static void test_nonsense(void)
{
	static const int left_out[] = { SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, SYS_clone,
		SYS_pause, SYS_rt_sigreturn, SYS_kill, SYS_tkill, SYS_tgkill, SYS_reboot, SYS_select,
		SYS_poll, SYS_rt_sigsuspend, SYS_pselect6, SYS_ppoll, SYS_mount, SYS_umount2,
		SYS_pivot_root, SYS_chroot, SYS_alarm, SYS_setitimer, SYS_wait4, SYS_waitid,
		SYS_rt_sigtimedwait, SYS_nanosleep, SYS_clock_nanosleep, SYS_munmap, SYS_mmap, SYS_mprotect,
		SYS_brk, SYS_mremap, SYS_madvise, SYS_arch_prctl, SYS_close, SYS_dup2, SYS_dup3,
		SYS_close_range, SYS_settimeofday, SYS_sethostname, SYS_setdomainname, SYS_unlink,
		SYS_rmdir, SYS_rename, SYS_chmod, SYS_futex, SYS_setrlimit, SYS_prlimit64, SYS_vhangup };
	static const uint64_t values[] = { 0, 1, 2, 3, 100, 4096, 0x7fffffff, 0xffffffff,
		0x7fffffffe000, 0x800000000000, 0xffff800000000000, UINT64_MAX, UINT64_MAX - 4095 };
	uint64_t random = 88172645463325252u;
	unsigned round, i;

	signal(SIGALRM, on_alarm);
	alarm(20);
	for (round = 0; round < 20000; round++) {
		uint64_t a[6];
		long number;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		number = (long)(random % 460);
		for (i = 0; i < 6; i++)
			a[i] = values[(random >> (8 + 5 * i)) % (sizeof(values) / sizeof(values[0]))];
		for (i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
			if (number == left_out[i])
				break;
		/* Descriptors 0 to 2 are the test's own. */
		if (i < sizeof(left_out) / sizeof(left_out[0]) || a[0] < 3)
			continue;
		if (number > 334 && getppid() == 0)
			continue;
		running = number;
		syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	CHECK(syscall(SYS_getpid) == getpid());
	CHECK(syscall(100000) == -1 && errno == ENOSYS);
	CHECK(syscall(-1) == -1 && errno == ENOSYS);
}

static const struct check_test tests[] = {
	{ "brk", test_brk },
	{ "mmap and munmap", test_mmap },
	{ "mprotect", test_protect },
	{ "code", test_code },
	{ "private and shared pages over fork", test_copies },
	{ "mremap", test_mremap },
	{ "files in memory", test_file },
	{ "MADV_DONTNEED", test_madvise },
	{ "nothing at 0", test_null },
	{ "wrong pointers", test_pointers },
	{ "nonsense", test_nonsense },
};

int main(int argc, char **argv)
{
	(void)argv;
	/* With an argument: without the last one, which a machine in use should not run. */
	return check_run(tests, sizeof(tests) / sizeof(tests[0]) - (argc > 1));
}
