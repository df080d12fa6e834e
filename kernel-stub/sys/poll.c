/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors. */
#include "files.h"

#define POLL_STEP_NS	UINT64_C(10000000)	/* between looks at several descriptors */
#define FOREVER		UINT64_MAX
#define UNBLOCKABLE	(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))

struct pollfd_u {
	int fd;
	int16_t events, revents;
};

/* What holds for FD now; *ret_queue is where a change is told, if anywhere. */
static int look(int fd, struct waitq **ret_queue)
{
	struct file *file = fd_get(current->files, fd);
	int events = POLLIN | POLLOUT;

	*ret_queue = NULL;
	if (!file)
		return POLLNVAL;
	if (file->ops && file->ops->poll)
		events = file->ops->poll(file, ret_queue);
	file_put(file);
	return events;
}

static unsigned look_at_all(struct pollfd_u *fds, unsigned count, struct waitq **ret_queue)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < count; i++) {
		struct waitq *queue;
		int events;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		events = look(fds[i].fd, &queue);
		fds[i].revents = (int16_t)(events & (fds[i].events | POLLERR | POLLHUP | POLLNVAL));
		ready += fds[i].revents != 0;
		if (queue)
			*ret_queue = queue;
	}
	return ready;
}

/*
 * Number of ready ones, 0 at END (clock_ns), or -EINTR.  A task sleeps on one queue only, so
 * with several descriptors it looks again every now and then.
 */
static long wait_for(struct pollfd_u *fds, unsigned count, uint64_t end)
{
	for (;;) {
		struct waitq own = { NULL }, *queue = &own;
		unsigned ready = look_at_all(fds, count, &queue);
		uint64_t now = clock_ns(), step;
		int err;

		if (ready > 0)
			return ready;
		if (now >= end)
			return 0;
		step = end - now;
		if (count > 1 && step > POLL_STEP_NS)
			step = POLL_STEP_NS;
		/* The queue belongs to a file that another task may close meanwhile. */
		if (queue != &own && current->files->count > 1 && step > POLL_STEP_NS)
			queue = &own, step = POLL_STEP_NS;
		err = end == FOREVER && step > UINT64_MAX / 2 ? sleep_on(queue)
							      : sleep_on_timeout(queue, step);
		if (err == -EINTR)
			return err;
	}
}

static uint64_t end_of(int64_t sec, int64_t nsec)
{
	uint64_t now = clock_ns();

	if (sec > INT32_MAX)
		return FOREVER;
	return now + (uint64_t)sec * 1000000000u + (uint64_t)nsec;
}

/* Another mask of signals while waiting: the handler of what interrupts it runs under the old one. */
struct mask_change {
	bool active;
	uint64_t old;
};

static int mask_set(uintptr_t user, uint64_t size, struct mask_change *ret)
{
	uint64_t mask;

	*ret = (struct mask_change){ false, current->sig_blocked };
	if (!user)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user, sizeof(mask)) < 0)
		return -EFAULT;
	current->sig_blocked = mask & ~UNBLOCKABLE;
	ret->active = true;
	return 0;
}

static void mask_end(const struct mask_change *change, long result)
{
	if (!change->active)
		return;
	if (result == -EINTR) {
		current->sig_saved = change->old;
		current->sig_restore = true;
	} else {
		current->sig_blocked = change->old;
	}
}

static long do_poll(uintptr_t user, uint64_t count, uint64_t end)
{
	struct pollfd_u *fds;
	size_t size = count * sizeof(*fds);
	long ready;

	if (count > FILES_MAX)
		return -EINVAL;
	fds = kmalloc(size ? size : 1);
	if (!fds)
		return -ENOMEM;
	ready = copy_from_user(fds, user, size);
	if (ready == 0)
		ready = wait_for(fds, (unsigned)count, end);
	if (ready >= 0 && copy_to_user(user, fds, size) < 0)
		ready = -EFAULT;
	kfree(fds);
	return ready;
}

DEFINE_SYSCALL(poll)
{
	int timeout = (int)args->a[2];

	return do_poll(args->a[0], args->a[1], timeout < 0 ? FOREVER :
		       end_of(timeout / 1000, (int64_t)(timeout % 1000) * 1000000));
}

/* FRACTION is how many of them make a second. */
static int get_end(uintptr_t user, int64_t fraction, uint64_t *ret_end)
{
	int64_t time[2];

	*ret_end = FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(time, user, sizeof(time)) < 0)
		return -EFAULT;
	if (time[0] < 0 || time[1] < 0 || time[1] >= fraction)
		return -EINVAL;
	*ret_end = end_of(time[0], time[1] * (1000000000 / fraction));
	return 0;
}

DEFINE_SYSCALL(ppoll)
{
	struct mask_change mask = { false, 0 };
	uint64_t end;
	long result = get_end(args->a[2], 1000000000, &end);

	if (result == 0)
		result = mask_set(args->a[3], args->a[4], &mask);
	if (result < 0)
		return result;
	result = do_poll(args->a[0], args->a[1], end);
	mask_end(&mask, result);
	return result;
}

/* -- select ---------------------------------------------------------------------------------------- */

#define SELECT_WORDS (FILES_MAX / 64)

struct fd_sets {
	uint64_t bits[3][SELECT_WORDS];		/* read, write, exceptional */
};

static int sets_get(const struct syscall_args *args, size_t size, struct fd_sets *sets)
{
	memset(sets, 0, sizeof(*sets));
	for (int i = 0; i < 3; i++)
		if (args->a[1 + i] && copy_from_user(sets->bits[i], args->a[1 + i], size) < 0)
			return -EFAULT;
	return 0;
}

static int sets_put(const struct syscall_args *args, size_t size, const struct fd_sets *sets)
{
	for (int i = 0; i < 3; i++)
		if (args->a[1 + i] && copy_to_user(args->a[1 + i], sets->bits[i], size) < 0)
			return -EFAULT;
	return 0;
}

static bool in_set(const struct fd_sets *sets, int which, unsigned fd)
{
	return sets->bits[which][fd / 64] >> fd % 64 & 1;
}

/* Answer in SETS: how many bits are set. */
static long sets_answer(struct fd_sets *sets, const struct pollfd_u *fds, unsigned count)
{
	struct fd_sets answer = { 0 };
	long bits = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned fd = (unsigned)fds[i].fd;
		const bool ready[3] = {
			fds[i].revents & (POLLIN | POLLHUP | POLLERR),
			fds[i].revents & (POLLOUT | POLLERR),
			false,
		};

		for (int which = 0; which < 3; which++)
			if (ready[which] && in_set(sets, which, fd)) {
				answer.bits[which][fd / 64] |= UINT64_C(1) << fd % 64;
				bits++;
			}
	}
	*sets = answer;
	return bits;
}

static long select_wait(struct fd_sets *sets, unsigned limit, uint64_t end)
{
	struct pollfd_u *fds = kmalloc(FILES_MAX * sizeof(*fds));
	unsigned count = 0;
	long result = 0;

	if (!fds)
		return -ENOMEM;
	for (unsigned fd = 0; fd < limit; fd++) {
		bool wanted[3] = { in_set(sets, 0, fd), in_set(sets, 1, fd), in_set(sets, 2, fd) };

		if (!wanted[0] && !wanted[1] && !wanted[2])
			continue;
		if (!current->files->fd[fd])
			result = -EBADF;
		fds[count++] = (struct pollfd_u){
			.fd = (int)fd,
			.events = (int16_t)((wanted[0] ? POLLIN : 0) | (wanted[1] ? POLLOUT : 0)),
		};
	}
	if (result == 0)
		result = wait_for(fds, count, end);
	if (result >= 0)
		result = sets_answer(sets, fds, count);
	kfree(fds);
	return result;
}

static long do_select(const struct syscall_args *args, uint64_t end)
{
	int limit = (int)args->a[0];
	struct fd_sets sets;
	size_t size;
	long result;

	if (limit < 0)
		return -EINVAL;
	if ((unsigned)limit > FILES_MAX)
		limit = FILES_MAX;
	size = ((size_t)limit + 63) / 64 * 8;
	result = sets_get(args, size, &sets);
	if (result == 0)
		result = select_wait(&sets, (unsigned)limit, end);
	if (result >= 0 && sets_put(args, size, &sets) < 0)
		result = -EFAULT;
	return result;
}

/* What is left of the time is told, as Linux does. */
static void put_left(uintptr_t user, int64_t fraction, uint64_t end)
{
	uint64_t now = clock_ns(), left = now < end ? end - now : 0;
	int64_t time[2] = { (int64_t)(left / 1000000000u),
			    (int64_t)(left % 1000000000u) / (1000000000 / fraction) };

	if (user)
		(void)copy_to_user(user, time, sizeof(time));
}

DEFINE_SYSCALL(select)
{
	uint64_t end;
	long result = get_end(args->a[4], 1000000, &end);

	if (result < 0)
		return result;
	result = do_select(args, end);
	put_left(args->a[4], 1000000, end);
	return result;
}

DEFINE_SYSCALL(pselect6)
{
	uint64_t mask_arg[2] = { 0, 0 }, end;
	struct mask_change mask = { false, 0 };
	long result = get_end(args->a[4], 1000000000, &end);

	if (result == 0 && args->a[5] && copy_from_user(mask_arg, args->a[5], sizeof(mask_arg)) < 0)
		result = -EFAULT;
	if (result == 0)
		result = mask_set(mask_arg[0], mask_arg[1], &mask);
	if (result < 0)
		return result;
	result = do_select(args, end);
	mask_end(&mask, result);
	put_left(args->a[4], 1000000000, end);
	return result;
}
