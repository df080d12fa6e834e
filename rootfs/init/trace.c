/* SPDX-License-Identifier: MIT */
/*
 * PID 1 must not end: the kernel would with it.  So its exit is caught at the entry of the system
 * call, and by calls that are put into its mouth it fetches our program from us and executes it.
 * While it runs, paths that name a file which this kernel no longer has are changed on their way.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "trace.h"

#define OPTIONS	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | \
		 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define EVENT_STOP	128		/* PTRACE_EVENT_STOP */
#define CS_32		0x23u
#define CS_64		0x33u
#define RED_ZONE	128u

struct tracee {
	struct tracee *next;
	pid_t tid;
	bool first;		/* a thread of PID 1 ... */
	bool gone;		/* ... that has ended before the others */
	bool inside;		/* between entry and exit of a system call */
	bool changed;		/* ... whose argument ... */
	size_t reg;		/* ... at this offset of the registers ... */
	uint64_t was;		/* ... was that */
};

static struct tracee *tracees;
static bool mortal;		/* PID 1 still is the program that was started as /linuxrc */
static pid_t speaker = 1;	/* the thread of PID 1 that wants to end it */

static bool is_first(pid_t tid)
{
	char path[32];

	om_format(path, sizeof(path), "1/task/%d", (int)tid);
	return faccessat(world.proc, path, F_OK, 0) == 0;
}

static struct tracee *tracee_of(pid_t tid)
{
	struct tracee *tracee;

	for (tracee = tracees; tracee; tracee = tracee->next)
		if (tracee->tid == tid)
			return tracee;
	tracee = calloc(1, sizeof(*tracee));
	if (!tracee)
		return NULL;
	tracee->tid = tid;
	tracee->first = tid == 1 || is_first(tid);
	tracee->next = tracees;
	tracees = tracee;
	return tracee;
}

static void forget(pid_t tid)
{
	struct tracee **at, *gone;

	for (at = &tracees; *at; at = &(*at)->next) {
		if ((*at)->tid != tid)
			continue;
		gone = *at;
		*at = gone->next;
		free(gone);
		return;
	}
}

static void go_on(pid_t tid, int signal)
{
	/* ESRCH: somebody killed it, wait() will tell. */
	ptrace(PTRACE_SYSCALL, tid, 0, (long)signal);
}

/* ------------------------------------------------------------------ paths */

/* System calls with a path: its argument, and what says that the file may be written. */
struct call {
	uint16_t number;
	uint8_t path, flags;	/* which argument; 0 for flags: none */
};

static const struct call calls_64[] = {
	{ SYS_open, 0, 1 }, { SYS_openat, 1, 2 }, { SYS_creat, 0, 0 }, { SYS_stat, 0, 0 },
	{ SYS_lstat, 0, 0 }, { SYS_access, 0, 0 }, { SYS_newfstatat, 1, 0 }, { SYS_faccessat, 1, 0 },
	{ 439 /* faccessat2 */, 1, 0 }, { SYS_statx, 1, 0 },
};
static const struct call calls_32[] = {
	{ 5 /* open */, 0, 1 }, { 295 /* openat */, 1, 2 }, { 8 /* creat */, 0, 0 },
	{ 195 /* stat64 */, 0, 0 }, { 196 /* lstat64 */, 0, 0 }, { 33 /* access */, 0, 0 },
	{ 300 /* fstatat64 */, 1, 0 }, { 307 /* faccessat */, 1, 0 }, { 439, 1, 0 }, { 383, 1, 0 },
};

static const size_t args_64[] = { offsetof(struct user_regs_struct, rdi),
				  offsetof(struct user_regs_struct, rsi),
				  offsetof(struct user_regs_struct, rdx) };
static const size_t args_32[] = { offsetof(struct user_regs_struct, rbx),
				  offsetof(struct user_regs_struct, rcx),
				  offsetof(struct user_regs_struct, rdx) };

static unsigned long long *reg_at(struct user_regs_struct *regs, size_t offset)
{
	return (unsigned long long *)((char *)regs + offset);
}

/* A text of the tracee, up to the end of its page and then on; false: longer than SIZE or not there. */
static bool read_path(pid_t tid, uint64_t at, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size) {
		size_t part = 4096 - (at + used) % 4096;
		struct iovec mine, theirs;

		if (part > size - used)
			part = size - used;
		mine = (struct iovec){ buf + used, part };
		theirs = (struct iovec){ (void *)(uintptr_t)(at + used), part };
		if (process_vm_readv(tid, &mine, 1, &theirs, 1, 0) != (ssize_t)part)
			return false;
		if (memchr(buf + used, '\0', part))
			return true;
		used += part;
	}
	return false;
}

static bool write_bytes(pid_t tid, uint64_t at, const void *bytes, size_t len)
{
	struct iovec mine = { (void *)(uintptr_t)bytes, len };
	struct iovec theirs = { (void *)(uintptr_t)at, len };

	return process_vm_writev(tid, &mine, 1, &theirs, 1, 0) == (ssize_t)len;
}

/* The new path lies below the stack, out of the way of what a signal handler would write. */
static void change_path(struct tracee *tracee, struct user_regs_struct *regs, size_t reg,
			const char *path)
{
	uint64_t at = (regs->rsp - RED_ZONE - 256) & ~UINT64_C(15);

	if (!write_bytes(tracee->tid, at, path, strlen(path) + 1)) {
		say("linuxrc: process %d cannot be led to %s: %s", (int)tracee->tid, path, om_errno_text(-errno));
		return;
	}
	choice_opened();
	tracee->changed = true;
	tracee->reg = reg;
	tracee->was = *reg_at(regs, reg);
	*reg_at(regs, reg) = at;
	ptrace(PTRACE_SETREGS, tracee->tid, 0, regs);
}

static void look_at_path(struct tracee *tracee, struct user_regs_struct *regs)
{
	bool narrow = regs->cs == CS_32;
	const struct call *calls = narrow ? calls_32 : calls_64;
	const size_t *args = narrow ? args_32 : args_64;
	char path[256], other[256];
	bool writes;
	size_t i;

	for (i = 0; i < sizeof(calls_64) / sizeof(calls_64[0]); i++)
		if (calls[i].number == regs->orig_rax)
			break;
	if (i == sizeof(calls_64) / sizeof(calls_64[0]))
		return;
	if (!read_path(tracee->tid, *reg_at(regs, args[calls[i].path]), path, sizeof(path)))
		return;
	writes = calls[i].flags ? (*reg_at(regs, args[calls[i].flags]) & 3) != 0 :
		 regs->orig_rax == (narrow ? 8 : SYS_creat);
	if (!choice_path(tracee->tid, path, writes, other, sizeof(other)))
		return;
	/* What is written replaces what was there, as in a sysctl. */
	if (writes && calls[i].flags)
		*reg_at(regs, args[calls[i].flags]) |= 01000;	/* O_TRUNC */
	change_path(tracee, regs, args[calls[i].path], other);
}

/* ------------------------------------------------------------------ the end of PID 1 */

/* Does any other thread of PID 1 go on? */
static bool others_live(const struct tracee *one)
{
	const struct tracee *tracee;

	for (tracee = tracees; tracee; tracee = tracee->next)
		if (tracee != one && tracee->first && !tracee->gone)
			return true;
	return false;
}

/* Of all of PID 1: exit_group() by any thread, exit() by the last one. */
static bool is_exit(struct tracee *tracee, const struct user_regs_struct *regs)
{
	bool narrow = regs->cs == CS_32;

	if (!tracee->first)
		return false;
	if (regs->orig_rax == (narrow ? 252 : SYS_exit_group))
		return true;
	if (regs->orig_rax != (narrow ? 1 : SYS_exit))
		return false;
	tracee->gone = others_live(tracee);
	return !tracee->gone;
}

/* Would SIGNAL end a program that is not PID 1?  Only handlers are asked for, not what ignores. */
static bool would_kill(pid_t tid, int signal)
{
	static const char names[] = "SigIgn:\t", caught[] = "SigCgt:\t";
	char path[32], text[4096], *at;
	uint64_t mask = 0;

	if (signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH ||
	    signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
		return false;
	om_format(path, sizeof(path), "%d/status", (int)tid);
	if (read_text_at(world.proc, path, text, sizeof(text)))
		return false;
	at = strstr(text, names);
	mask |= at ? strtoull(at + sizeof(names) - 1, NULL, 16) : 0;
	at = strstr(text, caught);
	mask |= at ? strtoull(at + sizeof(caught) - 1, NULL, 16) : 0;
	return !(mask >> (signal - 1) & 1);
}

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGABRT || signal == SIGSYS || signal == SIGTRAP;
}

/* Elsewhere than on the initrd, what PID 1 executes is the system's init. */
static bool became_init(dev_t initrd)
{
	struct stat root;

	mortal = false;
	return fstatat(world.proc, "1/root", &root, 0) == 0 && root.st_dev != initrd;
}

int trace_start(void)
{
	int status;

	if (ptrace(PTRACE_SEIZE, 1, 0, (long)OPTIONS) || ptrace(PTRACE_INTERRUPT, 1, 0, 0))
		return -errno;
	if (waitpid(1, &status, __WALL) < 0)
		return -errno;
	mortal = true;
	tracee_of(1);
	go_on(1, 0);
	return 0;
}

enum verdict { GOES_ON, ENDS, IS_INIT };

static enum verdict syscall_stop(struct tracee *tracee, int *ret_status)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tracee->tid, 0, &regs))
		return GOES_ON;
	tracee->inside = !tracee->inside;
	if (tracee->inside) {
		if (is_exit(tracee, &regs)) {
			*ret_status = (int)(regs.cs == CS_32 ? regs.rbx : regs.rdi) << 8 & 0xff00;
			return ENDS;
		}
		look_at_path(tracee, &regs);
	} else if (tracee->changed) {
		tracee->changed = false;
		*reg_at(&regs, tracee->reg) = tracee->was;
		ptrace(PTRACE_SETREGS, tracee->tid, 0, &regs);
	}
	go_on(tracee->tid, 0);
	return GOES_ON;
}

/* Whichever thread called it, now it is the only one and has the number of the process. */
static void executed(struct tracee *tracee)
{
	unsigned long former;

	if (ptrace(PTRACE_GETEVENTMSG, tracee->tid, 0, &former) == 0 && (pid_t)former != tracee->tid)
		forget((pid_t)former);
	tracee->inside = true;
	tracee->changed = tracee->gone = false;
}

static enum verdict stopped(struct tracee *tracee, int status, dev_t initrd, bool *started,
			    int *ret_status)
{
	int signal = status >> 8 & 0xff, event = status >> 16;

	if (signal == SYSCALL_STOP)
		return syscall_stop(tracee, ret_status);
	if (event == PTRACE_EVENT_EXEC)
		executed(tracee);
	if (event == PTRACE_EVENT_EXEC && tracee->tid == 1) {
		/* The first is that of /linuxrc itself. */
		if (*started && became_init(initrd))
			return IS_INIT;
		*started = true;
	}
	if (event == EVENT_STOP && signal != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tracee->tid, 0, 0);
		return GOES_ON;
	}
	if (event == 0 && tracee->first && would_kill(tracee->tid, signal) &&
	    (mortal || is_fault(signal))) {
		*ret_status = signal;
		return ENDS;
	}
	go_on(tracee->tid, event ? 0 : signal);
	return GOES_ON;
}

bool trace_run(dev_t initrd, int *ret_status)
{
	enum verdict verdict = GOES_ON;
	struct tracee *tracee;
	bool started = false;
	int status;
	pid_t tid;

	while (verdict == GOES_ON) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno != EINTR)
			break;
		if (tid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			forget(tid);
			continue;
		}
		tracee = tracee_of(tid);
		if (tracee)
			verdict = stopped(tracee, status, initrd, &started, ret_status);
		else
			go_on(tid, 0);
	}
	speaker = tid;
	return verdict == ENDS;
}

/* ------------------------------------------------------------------ words in its mouth */

/*
 * Run on to the next stop at a system call; signals have to wait for the next program.  Others
 * come by meanwhile: an exec waits for the other threads, and these for somebody who sees them end.
 */
static int next_stop(void)
{
	struct tracee *tracee;
	int status, ignored;
	bool started = true;
	pid_t tid;

	go_on(speaker, 0);
	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0)
			return -errno;
		if (tid == 1 && status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			speaker = 1;
		if (!WIFSTOPPED(status))
			forget(tid);
		if (tid == speaker && !WIFSTOPPED(status))
			return -ESRCH;
		if (tid == speaker && (status >> 8 & 0xff) == SYSCALL_STOP)
			return 0;
		if (tid == speaker)
			go_on(tid, 0);
		else if (WIFSTOPPED(status) && (tracee = tracee_of(tid)))
			stopped(tracee, status, 0, &started, &ignored);
	}
}

static long call(struct user_regs_struct regs, long number, uint64_t a, uint64_t b, uint64_t c,
		 uint64_t d, uint64_t e)
{
	int err;

	regs.rax = (uint64_t)number;
	regs.orig_rax = UINT64_MAX;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = e;
	if (ptrace(PTRACE_SETREGS, speaker, 0, &regs))
		return -errno;
	err = next_stop();
	if (!err)
		err = next_stop();
	if (err)
		return err;
	if (ptrace(PTRACE_GETREGS, speaker, 0, &regs))
		return -errno;
	return (long)regs.rax;
}

static bool poke_syscall(uint64_t at)
{
	void *place = (void *)(uintptr_t)at;
	long bytes = ptrace(PTRACE_PEEKTEXT, speaker, place, 0);

	return ptrace(PTRACE_POKETEXT, speaker, place, (bytes & ~0xffffL) | 0x050fL) == 0;
}

/* A page that every program can execute: the vdso.  Nobody needs its ELF header any more. */
static uint64_t vdso(bool narrow)
{
	union { uint64_t wide[64]; uint32_t narrow[128]; } auxv;
	char path[32];
	ssize_t len;
	size_t i;
	int fd;

	om_format(path, sizeof(path), "%d/auxv", (int)speaker);
	fd = openat(world.proc, path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, &auxv, sizeof(auxv));
	if (fd >= 0)
		close(fd);
	for (i = 0; len > 0 && i + 1 < (size_t)len / (narrow ? 4 : 8); i += 2)
		if ((narrow ? auxv.narrow[i] : auxv.wide[i]) == AT_SYSINFO_EHDR)
			return narrow ? auxv.narrow[i + 1] : auxv.wide[i + 1];
	return 0;
}

/* Stand on a system call instruction of 64-bit code, outside of any call. */
static int stand(struct user_regs_struct *regs)
{
	struct tracee *first = tracee_of(speaker);
	int err = 0;

	if (ptrace(PTRACE_GETREGS, speaker, 0, regs))
		return -errno;
	if (!first || !first->inside) {		/* a signal came: anywhere */
		regs->rip = vdso(regs->cs == CS_32);
		regs->cs = CS_64;
		return regs->rip && poke_syscall(regs->rip) ? 0 : -ENOEXEC;
	}
	regs->orig_rax = UINT64_MAX;		/* not the exit that it was */
	if (ptrace(PTRACE_SETREGS, speaker, 0, regs))
		return -errno;
	err = next_stop();
	first->inside = false;
	regs->rip -= 2;
	if (regs->cs == CS_32) {		/* int 0x80 becomes syscall, which is as long */
		if (!poke_syscall(regs->rip))
			return -EFAULT;
		regs->cs = CS_64;
	}
	return err;
}

/* What a program is given by the one before it, and the kernel's first one has otherwise. */
static void attributes_restore(void)
{
	struct rlimit limit;
	char text[16];
	int i, fd;

	for (i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit(i, &limit) == 0)
			prlimit(1, i, &limit, NULL);
	setpriority(PRIO_PROCESS, 1, getpriority(PRIO_PROCESS, 0));
	if (read_text_at(world.proc, "self/oom_score_adj", text, sizeof(text)))
		return;
	fd = openat(world.proc, "1/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say("linuxrc: oom_score_adj of PID 1 stays: %s", om_errno_text(-errno));
	close(fd);
}

int trace_replace(int program, int socket)
{
	struct { uint64_t empty, argv[2]; } block = { 0, { 0, 0 } };
	struct user_regs_struct regs;
	long us, binary, end, err;
	uint64_t at;

	attributes_restore();
	err = stand(&regs);
	if (err)
		return (int)err;
	at = (regs.rsp - RED_ZONE - 1024) & ~UINT64_C(15);
	block.argv[0] = at;
	if (!write_bytes(speaker, at, &block, sizeof(block)))
		return -EFAULT;
	us = call(regs, 434 /* pidfd_open */, (uint64_t)getpid(), 0, 0, 0, 0);
	if (us < 0)
		return (int)us;
	binary = call(regs, 438 /* pidfd_getfd */, (uint64_t)us, (uint64_t)program, 0, 0, 0);
	end = call(regs, 438, (uint64_t)us, (uint64_t)socket, 0, 0, 0);
	if (binary < 0 || end < 0)
		return (int)(binary < 0 ? binary : end);
	/* dup2() leaves the copy open in the next program. */
	err = call(regs, SYS_dup2, (uint64_t)end, FIRST_SOCKET, 0, 0, 0);
	if (err < 0)
		return (int)err;
	return (int)call(regs, SYS_execveat, (uint64_t)binary, at,
			 at + offsetof(__typeof__(block), argv), 0, 0x1000 /* AT_EMPTY_PATH */);
}

void trace_end(void)
{
	struct tracee *tracee;
	int status, signal;

	while ((tracee = tracees)) {
		pid_t tid = tracee->tid;

		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		/* One that is stopped already does not stop again: it may go at once. */
		if (ptrace(PTRACE_DETACH, tid, 0, 0) && waitpid(tid, &status, __WALL) == tid &&
		    WIFSTOPPED(status)) {
			signal = status >> 16 || (status >> 8 & 0xff) == SYSCALL_STOP ? 0 :
				 status >> 8 & 0xff;
			ptrace(PTRACE_DETACH, tid, 0, (long)signal);
		}
		forget(tid);
	}
}
