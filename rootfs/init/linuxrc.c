/* SPDX-License-Identifier: MIT */
/*
 * /linuxrc is PID 1, ends or not, and init is PID 1 after it.  Before it starts, this program
 * doubles: PID 1 becomes /linuxrc, and the child goes on with late boot as its shadow.  When
 * /linuxrc wants to end, PID 1 is turned into this program again, which only waits; and when the
 * shadow has found the final root and its init, PID 1 goes there and executes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "trace.h"

#define MESSAGE_MAX	8192u

/* ------------------------------------------------------------------ PID 1 becomes /linuxrc */

static void __attribute__((noreturn)) become_linuxrc(const char *root, const char *program)
{
	const char *name = strrchr(program, '/');
	const char *argv[] = { name ? name + 1 : program, NULL };

	if (chdir(root) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".")) {
		say("linuxrc: %s: %s", root, om_errno_text(-errno));
		_exit(127);
	}
	setsid();
	console_open();
	execve(program, (char *const *)argv, environ);
	say("linuxrc: %s: %s", program, om_errno_text(-errno));
	_exit(127);
}

/* ------------------------------------------------------------------ the shadow */

/* PID 1 is somebody else's now: nobody needs the absolute root, and nobody needs us. */
static void __attribute__((noreturn)) shadow_leaves(void)
{
	uint32_t dentries, inodes;
	uint64_t pages;

	trace_end();
	log_limit(true);
	if (world.root->keep != OM_KEEP_ALL && world_chroot(NULL, "/proc/1/root") == 0)
		world_reap(NULL, world.root->keep, &dentries, &inodes, &pages);
	_exit(0);
}

static int shadow(int socket, dev_t initrd, int *ret_status)
{
	struct om_device device = { .major = 0, .minor = 0 };
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), pair[2], err = self < 0 ? -errno : 0;

	if (world.root->candidate_count)
		world_find_device(NULL, &world.root->candidates[0].spec, &device);
	if (!err)
		err = choice_open(device.major, device.minor);
	if (!err)
		err = trace_start();
	if (write(socket, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	if (!trace_run(initrd, ret_status))
		shadow_leaves();
	choice_close();
	err = result_of(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	if (!err)
		err = trace_replace(self, pair[1]);
	if (err)
		say("linuxrc: PID 1 cannot come back: %s", om_errno_text(err));
	trace_end();
	close(pair[1]);
	close(self);
	world.first = pair[0];
	return 0;
}

int world_run_linuxrc(void *ctx, const char *root, const char *program, int *ret_status)
{
	int pair[2], err = -EIO;
	struct stat st;
	pid_t pid;

	(void)ctx;
	if (stat(root, &st) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(pair[0]);
		return shadow(pair[1], st.st_dev, ret_status);
	}
	close(pair[1]);
	if (read(pair[0], &err, sizeof(err)) != sizeof(err))
		err = -EIO;
	close(pair[0]);
	if (!err)
		become_linuxrc(root, program);
	/* It may have been on its way already. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err;
}

/* ------------------------------------------------------------------ PID 1 becomes init */

/* To PID 1: path, arguments and environment, each with its NUL; our root is sent along. */
struct order {
	uint32_t argc;
	char words[MESSAGE_MAX];
};

static bool add_word(struct order *order, size_t *used, const char *word)
{
	size_t len = strlen(word) + 1;

	if (len > sizeof(order->words) - *used)
		return false;
	memcpy(order->words + *used, word, len);
	*used += len;
	return true;
}

/* How long it is; 0: too long. */
static size_t order_write(struct order *order, const char *path, const char *const *argv)
{
	size_t used = 0, i;
	bool fits = add_word(order, &used, path);

	for (i = 0; fits && argv[i]; i++)
		fits = add_word(order, &used, argv[i]);
	order->argc = (uint32_t)i;
	for (i = 0; fits && environ[i]; i++)
		fits = add_word(order, &used, environ[i]);
	return fits ? offsetof(struct order, words) + used : 0;
}

int first_exec(const char *path, const char *const *argv)
{
	static struct order order;
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &order, order_write(&order, path, argv) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int root, err;
	ssize_t got;

	if (!part.iov_len)
		return -E2BIG;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(root));
	memcpy(CMSG_DATA(header), &root, sizeof(root));
	err = result_of(sendmsg(world.first, &message, MSG_NOSIGNAL));
	close(root);
	if (err < 0)
		return err;
	/* The other end closes when the program starts; else it says why not. */
	got = read(world.first, &err, sizeof(err));
	if (got == 0)
		_exit(0);
	return got == sizeof(err) ? err : -EIO;
}

/* An init starts with every signal as the kernel's first program has it. */
static void signals_reset(void)
{
	sigset_t none;
	int i;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 1; i < 65; i++)
		signal(i, SIG_DFL);
}

/* Nor has it a file of /linuxrc, which would keep the initrd in use, or its terminal. */
static void files_close(int fd)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

	ioctl(terminal < 0 ? 0 : terminal, TIOCNOTTY);
	syscall(SYS_close_range, 3, fd - 1, 0);
	syscall(SYS_close_range, fd + 1, UINT32_MAX, 0);
	umask(022);
}

static int first_go(const struct msghdr *message, struct order *order, size_t len)
{
	struct cmsghdr *header = CMSG_FIRSTHDR((struct msghdr *)(uintptr_t)message);
	/* Both lists, each with its NULL. */
	static char *list[OM_ARGS_MAX + 128];
	size_t at = strlen(order->words) + 1, count = 0;
	int root;

	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EINVAL;
	memcpy(&root, CMSG_DATA(header), sizeof(root));
	while (at < len && count + 2 < sizeof(list) / sizeof(list[0])) {
		if (count == order->argc)
			list[count++] = NULL;
		list[count++] = order->words + at;
		at += strlen(order->words + at) + 1;
	}
	list[count] = list[count + 1] = NULL;
	if (fchdir(root) || chroot(".") || chdir("/"))
		return -errno;
	close(root);
	signal(SIGCHLD, SIG_DFL);
	return exec_now(order->words, (const char *const *)list, list + order->argc + 1);
}

void first_wait(int fd)
{
	static struct order order;
	static char control[CMSG_SPACE(sizeof(int))];
	int err;

	signals_reset();
	files_close(fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (;;) {
		struct iovec part = { &order, sizeof(order) - 1 };
		struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
					  .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t len;

		/* What /linuxrc left running ends without anybody waiting for it. */
		signal(SIGCHLD, SIG_IGN);
		len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= (ssize_t)offsetof(struct order, words))
			_exit(1);
		len -= (ssize_t)offsetof(struct order, words);
		order.words[len] = '\0';
		err = first_go(&message, &order, (size_t)len);
		if (write(fd, &err, sizeof(err)) != sizeof(err))
			_exit(1);
	}
}
