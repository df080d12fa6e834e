/* SPDX-License-Identifier: MIT */
/*
 * One mount that cannot take longer than it may.  A server that says nothing holds whoever asked
 * the kernel for minutes or for ever, so a child asks, and is killed when its time is over.
 *
 * The child only makes the file system: what it shares with us is the context of fsopen(), and
 * we attach the result ourselves.  Whatever the kernel still does for a child that is gone, nothing
 * appears on the target behind our back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mount.h>

#include "init.h"
#include "network.h"

#define OPTION_MAX	257u		/* what fsconfig() takes, with NUL */
#define KILL_WAIT_MS	2000

static int configure(int context, int command, const char *key, const char *value)
{
	return result_of(syscall(SYS_fsconfig, context, command, key, value, 0));
}

/* "name=value" or "name" */
static int set_option(int context, struct om_str option)
{
	char text[OPTION_MAX + OPTION_MAX], *value;

	if (option.len >= sizeof(text))
		return -E2BIG;
	memcpy(text, option.ptr, option.len);
	text[option.len] = '\0';
	value = strchr(text, '=');
	if (value)
		*value++ = '\0';
	return configure(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, text, value);
}

static int set_options(int context, const char *source, struct om_str data, bool readonly)
{
	int err = configure(context, FSCONFIG_SET_STRING, "source", source);
	size_t i;

	if (!err && readonly)
		err = configure(context, FSCONFIG_SET_FLAG, "ro", NULL);
	for (; !err && data.len; data = om_str_skip(data, i + 1)) {
		for (i = 0; i < data.len && data.ptr[i] != ','; i++)
			;
		if (i)
			err = set_option(context, (struct om_str){ data.ptr, i });
	}
	return err;
}

/* The child tells its result by ANSWER, which is also closed when it is no more. */
static pid_t ask(int context, int answer)
{
	pid_t pid = fork();
	int err;

	if (pid)
		return pid;
	err = configure(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	_exit(write(answer, &err, sizeof(err)) != sizeof(err));
}

static bool heard(int answer, uint32_t wait_ms)
{
	struct pollfd wait = { .fd = answer, .events = POLLIN };

	return poll(&wait, 1, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms) > 0;
}

/* Make the file system of CONTEXT: 0, -errno, or NFS_SILENT. */
static int create(int context, uint32_t wait_ms)
{
	int answer[2], err = NFS_SILENT;
	pid_t pid;

	if (pipe2(answer, O_CLOEXEC))
		return -errno;
	pid = ask(context, answer[1]);
	close(answer[1]);
	if (pid < 0) {
		err = -EAGAIN;
	} else if (heard(answer[0], wait_ms)) {
		if (read(answer[0], &err, sizeof(err)) != sizeof(err))
			err = -EIO;
		waitpid(pid, NULL, 0);
	} else {
		kill(pid, SIGKILL);
		/* Who does not even hear that is left to the kernel, and to init when it ends. */
		if (heard(answer[0], KILL_WAIT_MS))
			waitpid(pid, NULL, 0);
		else
			say("network: the kernel does not let go of process %d, which asks for the"
			    " root", (int)pid);
	}
	close(answer[0]);
	return err;
}

static int attach(int context, const char *target, bool readonly)
{
	long mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, readonly ? MOUNT_ATTR_RDONLY : 0);
	int err;

	if (mount < 0)
		return -errno;
	err = result_of(syscall(SYS_move_mount, (int)mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
	close((int)mount);
	return err;
}

/* "e nfs: Unknown parameter 'x'" without its first two letters; "" = the kernel says nothing. */
static void take_message(int context, char *buf, size_t size)
{
	ssize_t len = read(context, buf, size - 1);

	if (len < 2)
		len = 2;
	buf[len] = '\0';
	memmove(buf, buf + 2, (size_t)len - 1);
}

int nfs_mount(const char *source, const char *data, const char *target, bool readonly,
	      uint32_t wait_ms, char message[NFS_MESSAGE_MAX])
{
	int context = (int)syscall(SYS_fsopen, "nfs", FSOPEN_CLOEXEC), err;

	message[0] = '\0';
	if (context < 0)
		return -errno;
	err = set_options(context, source, om_str_from(data), readonly);
	if (!err)
		err = create(context, wait_ms);
	if (!err)
		err = attach(context, target, readonly);
	if (err && err != NFS_SILENT)
		take_message(context, message, NFS_MESSAGE_MAX);
	close(context);
	return err;
}
