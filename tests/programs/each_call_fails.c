/* SPDX-License-Identifier: MIT */
/*
 * Runs our /init again and again as PID 1 of a small world of its own, and lets its N-th system call
 * fail, for every N; the kernel asks this program about each call (seccomp's user notification).
 *
 *	each_call_fails STORY pivot|move eio|enomem FIRST LAST STEP
 *
 * STORY is a folder: its tree/ becomes the absolute root, with /init in it.  The final root's init
 * has to be /sbin/arrived, which is this program as well; so may /linuxrc be.  Lies in memory where
 * /init does not, so that its own calls are left alone.
 *
 * However it ends, it has to end well: in the final root, with nothing left that should not be, or
 * with the error in words.  One line for each run that does not, "F good M bad of N" at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_START	0x401000u	/* /init is linked there, as every static program of musl-gcc's */
#define TEXT_END	0x500000u
#define PATIENCE_MS	20000
#define ARRIVED		40		/* exit status of the final init: all is well; more: what is not */

/* ------------------------------------------------------------------ the final init */

/* Whether the absolute root is the bottom of this world; what lies below it is none of ours. */
#define BOTTOM "WORLD=bottom"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int arrived(int argc, char **argv)
{
	struct stat root, up;
	struct statfs fs;
	int fd;

	if (getpid() != 1)
		return ARRIVED + 1;
	if (argc != 2 || strcmp(argv[1], "word") != 0)
		return ARRIVED + 2;
	/* Final: a disk's, a ramfs' own tree, an overlay; the absolute root has no such file. */
	if (stat("/etc/final", &up))
		return ARRIVED + 3;
	if (stat("/", &root) || stat("/../..", &up) || root.st_dev != up.st_dev || root.st_ino != up.st_ino)
		return ARRIVED + 4;
	for (fd = 3; fd < 1100; fd++)
		if (is_open(fd))
			return ARRIVED + 5;
	if (!getenv("WORLD"))
		return ARRIVED + 8;
	if (strcmp(getenv("WORLD"), "bottom") != 0)
		return ARRIVED;
	/* The old trick: up from an open directory outside. */
	fd = open("/", O_RDONLY);
	if (chroot("/etc") || fchdir(fd))
		return ARRIVED + 6;
	close(fd);
	for (fd = 0; fd < 8; fd++)
		if (chdir(".."))
			return ARRIVED + 6;
	if (stat(".", &up) || root.st_dev != up.st_dev || root.st_ino != up.st_ino || statfs(".", &fs))
		return ARRIVED + 7;
	return ARRIVED;
}

/* ------------------------------------------------------------------ a /linuxrc */

static int linuxrc(void)
{
	char number[16];
	int from = open("/number", O_RDONLY), to;
	ssize_t len;

	mount("proc", "/proc", "proc", 0, "");
	len = read(from, number, sizeof(number));
	to = open("/proc/sys/kernel/real-root-dev", O_WRONLY);
	if (len < 0 || to < 0 || write(to, number, (size_t)len) != len)
		return 3;
	close(to);
	return 0;
}

/* ------------------------------------------------------------------ the small world */

static void fail(const char *what)
{
	printf("F cannot %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(90);
}

static void copy_file(int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY), out;
	struct stat st;

	if (in < 0 || fstat(in, &st) || (out = openat(to, name, O_WRONLY | O_CREAT, st.st_mode & 07777)) < 0)
		fail(name);
	while (sendfile(out, in, NULL, (size_t)st.st_size) > 0)
		;
	close(in);
	close(out);
}

static void copy_tree(int from, int to)
{
	DIR *dir = fdopendir(from);
	struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW);
		if (!S_ISDIR(st.st_mode)) {
			copy_file(from, to, name);
			continue;
		}
		mkdirat(to, name, 0755);
		copy_tree(openat(from, name, O_RDONLY | O_DIRECTORY), openat(to, name, O_RDONLY | O_DIRECTORY));
	}
	closedir(dir);
	close(to);
}

static int filter_install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TEXT_START, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TEXT_END, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* In the new world: its absolute root is "/", and this becomes /init. */
static void begin(const char *story, bool pivot, int to_parent, int from_parent)
{
	static char init[] = "/init", bottom[] = BOTTOM, other[] = "WORLD=other";
	char *const argv[] = { init, NULL }, *const envp[] = { pivot ? bottom : other, NULL };
	char tree[256], byte = 0;
	int from, listener;

	snprintf(tree, sizeof(tree), "%s/tree", story);
	from = open(tree, O_RDONLY | O_DIRECTORY);
	if (from < 0)
		fail(tree);
	/* Where the mount below is shared, pivot_root() is refused, as on the bottom of everything. */
	if (mount("", "/", "", MS_REC | MS_PRIVATE, "") || (!pivot && mount("", "/", "", MS_SHARED, "")) ||
	    mount("absolute", "/mnt", "tmpfs", 0, "mode=0755") || mount("", "/mnt", "", MS_PRIVATE, "") ||
	    chdir("/mnt"))
		fail("mount");
	copy_tree(from, open(".", O_RDONLY | O_DIRECTORY));
	if (pivot ? syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) : chroot("."))
		fail("enter");
	if (chdir("/"))
		fail("chdir");
	listener = filter_install();
	if (listener < 0)
		fail("filter");
	if (write(to_parent, &listener, sizeof(listener)) < 0 || read(from_parent, &byte, 1) < 0)
		fail("begin");
	syscall(SYS_close_range, 3, UINT32_MAX, 4 /* CLOSE_RANGE_CLOEXEC */);
	execve("/init", argv, envp);
	fail("run /init");
}

/* ------------------------------------------------------------------ one run */

struct run {
	const char *story;
	bool pivot;
	int error;		/* that it gets */
	int at;			/* which call fails; 0: none */
	int calls;		/* how many there were */
	int number;		/* of the system call that failed */
	uint64_t arg;
	char path[64];		/* its first or second argument, if that is a text */
	char told[16384];	/* the console's lines */
	size_t len;
	size_t before;		/* what had been told then */
	int status;
	bool hangs;
};

/* Calls without which no program can do anything, or that do not fail: a tracer's among them. */
static bool is_exempt(int number)
{
	return number == SYS_exit || number == SYS_exit_group || number == SYS_rt_sigreturn ||
	       number == SYS_arch_prctl || number == SYS_set_tid_address || number == SYS_munmap ||
	       number == SYS_close || number == SYS_restart_syscall || number == SYS_getpid ||
	       number == SYS_rt_sigprocmask || number == SYS_clock_gettime || number == SYS_gettid ||
	       number == SYS_umask || number == SYS_getuid || number == SYS_geteuid ||
	       number == SYS_getgid || number == SYS_getegid || number == SYS_ptrace || number == SYS_wait4 ||
	       number == SYS_process_vm_readv || number == SYS_process_vm_writev;
}

static size_t peek(pid_t pid, uint64_t at, char *buf, size_t size)
{
	struct iovec mine = { buf, size }, theirs = { (void *)(uintptr_t)at, size };
	ssize_t len = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);

	return len < 0 ? 0 : (size_t)len;
}

/* A line of the story for the console: kept here.  One for the kernel's log: dropped. */
static bool take_line(struct run *run, const struct seccomp_notif *call)
{
	char text[600];
	size_t len;

	if (call->data.nr != SYS_write && call->data.nr != SYS_writev)
		return false;
	len = call->data.args[2] < sizeof(text) ? (size_t)call->data.args[2] : sizeof(text);
	len = peek((pid_t)call->pid, call->data.args[1], text, len);
	if (len > 3 && memcmp(text, "<7>", 3) == 0)
		return true;
	if (len < 3 || text[0] != '[')
		return false;
	if (len < sizeof(run->told) - run->len - 1) {
		memcpy(run->told + run->len, text, len);
		run->len += len;
		run->told[run->len] = '\0';
	}
	return true;
}

static void remember(struct run *run, const struct seccomp_notif *call)
{
	int i;

	run->number = call->data.nr;
	run->arg = call->data.args[1];
	run->before = run->len;
	for (i = 0; i < 2 && run->path[0] != '/'; i++) {
		size_t page = 4096 - call->data.args[i] % 4096, size = sizeof(run->path) - 1;
		size_t len = peek((pid_t)call->pid, call->data.args[i], run->path, page < size ? page : size);

		run->path[len] = '\0';
	}
	for (i = 0; run->path[i]; i++)
		if (run->path[i] < ' ' || run->path[i] > '~')
			run->path[i] = '\0';
}

static void answer(struct run *run, int listener)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp response = { 0 };
	bool line;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	response.id = call.id;
	line = take_line(run, &call);
	if (!is_exempt(call.data.nr) && ++run->calls == run->at) {
		remember(run, &call);
		response.error = -run->error;
	} else if (line) {
		response.val = (int64_t)call.data.args[2];
	} else {
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int child_main(void *argument);

struct start {
	struct run *run;
	int to_parent[2], from_parent[2];
};

static int child_main(void *argument)
{
	struct start *start = argument;

	close(start->to_parent[0]);
	close(start->from_parent[1]);
	begin(start->run->story, start->run->pivot, start->to_parent[1], start->from_parent[0]);
	return 91;
}

static void run_once(struct run *run)
{
	static char stack[256 << 10] __attribute__((aligned(16)));
	struct start start = { .run = run };
	struct pollfd wait;
	int pid, pidfd, listener = -1;
	char byte = 0;

	if (pipe2(start.to_parent, O_CLOEXEC) || pipe2(start.from_parent, O_CLOEXEC))
		fail("pipe");
	pid = clone(child_main, stack + sizeof(stack), CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, &start);
	if (pid < 0)
		fail("clone");
	close(start.to_parent[1]);
	close(start.from_parent[0]);
	if (read(start.to_parent[0], &listener, sizeof(listener)) == sizeof(listener)) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		listener = (int)syscall(SYS_pidfd_getfd, pidfd, listener, 0);
		close(pidfd);
		if (write(start.from_parent[1], &byte, 1) != 1)
			fail("begin");
		wait = (struct pollfd){ .fd = listener, .events = POLLIN };
		while (!run->hangs && !(wait.revents & POLLHUP)) {
			run->hangs = poll(&wait, 1, PATIENCE_MS) == 0;
			if (wait.revents & POLLIN)
				answer(run, listener);
		}
		close(listener);
	}
	close(start.to_parent[0]);
	close(start.from_parent[1]);
	if (run->hangs)
		kill(pid, SIGKILL);
	waitpid(pid, &run->status, 0);
}

/* ------------------------------------------------------------------ judging */

/* NULL: all is well. */
static const char *judge(const struct run *run)
{
	static char text[64];
	/* Memory that is not there is that, whatever the kernel called it. */
	bool memory = run->number == SYS_mmap || run->number == SYS_brk;
	const char *after = run->told + run->before;

	if (run->hangs)
		return "hangs";
	if (WIFSIGNALED(run->status)) {
		snprintf(text, sizeof(text), "killed by signal %d", WTERMSIG(run->status));
		return text;
	}
	if (WEXITSTATUS(run->status) == ARRIVED)
		return NULL;
	/* Nobody can do more than say that the absolute root still lies over the final one. */
	if (WEXITSTATUS(run->status) == ARRIVED + 4 && strstr(after, "absolute root: cannot be emptied: "))
		return NULL;
	if (WEXITSTATUS(run->status) > 1) {
		snprintf(text, sizeof(text), "ends with %d", WEXITSTATUS(run->status));
		return text;
	}
	if (run->at == 0)
		return "does not arrive";
	if (run->before == run->len)
		return "ends without a word";
	/* /linuxrc was refused the file, and had its own say. */
	if (strstr(after, "linuxrc: ended with 3,"))
		return NULL;
	if (strstr(after, run->error == EIO ? "(EIO)" : "(ENOMEM)") || (memory && strstr(after, "(ENOMEM)")))
		return NULL;
	return "does not say the error";
}

static int all(const char *story, bool pivot, int error, int first, int last, int step)
{
	struct run *run = malloc(sizeof(*run));
	int good = 0, bad = 0, at, total = 0;
	const char *why;

	for (at = first - step; at <= last && (at < first || at <= total + 8); at += step) {
		*run = (struct run){ .story = story, .pivot = pivot, .error = error, .at = at < first ? 0 : at };
		run_once(run);
		if (at < first)
			total = run->calls;
		why = judge(run);
		good += !why;
		bad += why != NULL;
		if (!why && !getenv("LOUD"))
			continue;
		printf("F %s: call %d of %d, number %d %#llx '%s': %s\n%s", story, run->at, total, run->number,
		       (unsigned long long)run->arg, run->path, why ? why : "well", run->told);
		fflush(stdout);
	}
	printf("F %s %s %d: %d good, %d bad of %d calls\n", story, pivot ? "pivot" : "move", error, good, bad, total);
	fflush(stdout);
	free(run);
	return bad;
}

static int number_of(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	int bad;

	name = name ? name + 1 : argv[0];
	if (strcmp(name, "arrived") == 0)
		return arrived(argc, argv);
	if (strcmp(name, "linuxrc") == 0)
		return linuxrc();
	if (argc < 7)
		return 2;
	bad = all(argv[1], strcmp(argv[2], "pivot") == 0, strcmp(argv[3], "eio") == 0 ? EIO : ENOMEM, number_of(argv[4]),
		  number_of(argv[5]), number_of(argv[6]));
	return bad != 0;
}
