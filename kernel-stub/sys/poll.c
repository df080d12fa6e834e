/* SPDX-License-Identifier: MIT */
/*
 * poll and select.  A task can sleep on one queue; with several files it looks again every few
 * milliseconds, which a person at a terminal does not notice.
 */
#include "files.h"

#define NS_PER_MS	UINT64_C(1000000)
#define NS_PER_SEC	UINT64_C(1000000000)
#define LOOK_AGAIN_NS	(10 * NS_PER_MS)
#define FOREVER		UINT64_MAX

struct pollfd_u {
	int32_t fd;
	int16_t events, revents;
};

/* What holds now; *ret_queue is where to wait for more, or NULL. */
static int look(int fd, int events, struct waitq **ret_queue)
{
	struct file *file = fd_get(current->files, fd);
	int holds = POLLIN | POLLOUT;

	if (!file)
		return POLLNVAL;
	if (file->ops && file->ops->poll)
		holds = file->ops->poll(file, ret_queue);
	file_put(file);
	return holds & (events | POLLERR | POLLHUP);
}

/* How many have something to tell; *ret_queue only when there is but one file. */
static int look_all(struct pollfd_u *fds, unsigned count, struct waitq **ret_queue)
{
	struct waitq *queue = NULL;
	unsigned i, asked = 0;
	int ready = 0;

	for (i = 0; i < count; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		asked++;
		fds[i].revents = (int16_t)look(fds[i].fd, fds[i].events, &queue);
		ready += fds[i].revents != 0;
	}
	*ret_queue = asked == 1 ? queue : NULL;
	return ready;
}

/* Until something holds or clock_ns() is END: how many, or -EINTR. */
static long poll_until(struct pollfd_u *fds, unsigned count, uint64_t end)
{
	struct waitq own = { NULL }, *queue;
	uint64_t now, wait;
	int ready, err;

	for (;;) {
		ready = look_all(fds, count, &queue);
		now = clock_ns();
		if (ready || now >= end)
			return ready;
		wait = end - now;
		if (!queue && count > 0 && wait > LOOK_AGAIN_NS)
			wait = LOOK_AGAIN_NS;
		if (wait > FOREVER / 2)
			err = sleep_on(queue ? queue : &own);
		else
			err = sleep_on_timeout(queue ? queue : &own, wait);
		if (err == -EINTR)
			return -EINTR;
	}
}

static long do_poll(uintptr_t user, uint64_t count, uint64_t end)
{
	struct pollfd_u *fds;
	long result;

	if (count > FILES_MAX)
		return -EINVAL;
	fds = kmalloc(count * sizeof(*fds) + 1);
	if (!fds)
		return -ENOMEM;
	result = copy_from_user(fds, user, count * sizeof(*fds));
	if (result == 0)
		result = poll_until(fds, (unsigned)count, end);
	if (result >= 0 && copy_to_user(user, fds, count * sizeof(*fds)) < 0)
		result = -EFAULT;
	kfree(fds);
	return result;
}

/* A span of program time (seconds and parts of one) from now; 0 = for ever. */
static int end_from(uintptr_t user, uint64_t ns_per_part, uint64_t *ret_end)
{
	int64_t span[2];

	*ret_end = FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(span, user, sizeof(span)) < 0)
		return -EFAULT;
	if (span[0] < 0 || span[1] < 0 || (uint64_t)span[1] * ns_per_part >= NS_PER_SEC)
		return -EINVAL;
	if (span[0] > INT32_MAX)
		span[0] = INT32_MAX;
	*ret_end = clock_ns() + (uint64_t)span[0] * NS_PER_SEC + (uint64_t)span[1] * ns_per_part;
	return 0;
}

/* The mask holds for this wait; deliver.c puts the old one back. */
static int mask_for_wait(uintptr_t user)
{
	uint64_t mask;

	if (!user)
		return 0;
	if (copy_from_user(&mask, user, sizeof(mask)) < 0)
		return -EFAULT;
	current->sig_saved = current->sig_blocked;
	current->sig_blocked = mask & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	current->sig_restore = true;
	return 0;
}

static long mask_back(long result)
{
	if (result != -EINTR && current->sig_restore) {
		current->sig_restore = false;
		current->sig_blocked = current->sig_saved;
	}
	return result;
}

DEFINE_SYSCALL(poll)
{
	int timeout = (int)args->a[2];
	uint64_t end = timeout < 0 ? FOREVER : clock_ns() + (uint64_t)timeout * NS_PER_MS;

	return do_poll(args->a[0], (uint32_t)args->a[1], end);
}

DEFINE_SYSCALL(ppoll)
{
	uint64_t end;
	int err = end_from(args->a[2], 1, &end);

	if (!err)
		err = mask_for_wait(args->a[3]);
	return err ? err : mask_back(do_poll(args->a[0], (uint32_t)args->a[1], end));
}

/* ------------------------------------------------------------------ select */

struct fd_sets {
	uint64_t in[FILES_MAX / 64], out[FILES_MAX / 64], except[FILES_MAX / 64];
};

static bool bit(const uint64_t *set, unsigned fd)
{
	return set[fd / 64] >> (fd % 64) & 1;
}

static void bit_set(uint64_t *set, unsigned fd)
{
	set[fd / 64] |= UINT64_C(1) << (fd % 64);
}

static int sets_get(struct fd_sets *sets, const uintptr_t *user, size_t bytes)
{
	uint64_t *each[3] = { sets->in, sets->out, sets->except };
	int i, err = 0;

	memset(sets, 0, sizeof(*sets));
	for (i = 0; !err && i < 3; i++)
		if (user[i])
			err = copy_from_user(each[i], user[i], bytes);
	return err;
}

static int sets_put(const struct fd_sets *sets, const uintptr_t *user, size_t bytes)
{
	const uint64_t *each[3] = { sets->in, sets->out, sets->except };
	int i, err = 0;

	for (i = 0; !err && i < 3; i++)
		if (user[i])
			err = copy_to_user(user[i], each[i], bytes);
	return err;
}

static long do_select(int count, const uintptr_t *user, uint64_t end)
{
	struct fd_sets sets, result_sets;
	struct pollfd_u *fds;
	unsigned used = 0, fd, i;
	size_t bytes;
	long result;

	if (count < 0)
		return -EINVAL;
	if (count > (int)FILES_MAX)
		count = FILES_MAX;
	bytes = ((size_t)count + 63) / 64 * 8;
	result = sets_get(&sets, user, bytes);
	if (result)
		return result;
	fds = kmalloc((size_t)count * sizeof(*fds) + 1);
	if (!fds)
		return -ENOMEM;
	for (fd = 0; fd < (unsigned)count; fd++) {
		int events = (bit(sets.in, fd) ? POLLIN : 0) | (bit(sets.out, fd) ? POLLOUT : 0);

		if (events || bit(sets.except, fd))
			fds[used++] = (struct pollfd_u){ (int)fd, (int16_t)events, 0 };
	}
	result = poll_until(fds, used, end);
	memset(&result_sets, 0, sizeof(result_sets));
	for (i = 0; result >= 0 && i < used; i++) {
		int holds = fds[i].revents;

		fd = (unsigned)fds[i].fd;
		if (holds & POLLNVAL)
			result = -EBADF;
		if ((fds[i].events & POLLIN) && (holds & (POLLIN | POLLHUP | POLLERR)))
			bit_set(result_sets.in, fd);
		if ((fds[i].events & POLLOUT) && (holds & (POLLOUT | POLLERR)))
			bit_set(result_sets.out, fd);
	}
	kfree(fds);
	if (result < 0)
		return result;
	/* The number of bits, which may be two for one file. */
	for (result = 0, fd = 0; fd < (unsigned)count; fd++)
		result += bit(result_sets.in, fd) + bit(result_sets.out, fd);
	i = (unsigned)sets_put(&result_sets, user, bytes);
	return i ? -EFAULT : result;
}

DEFINE_SYSCALL(select)
{
	const uintptr_t user[3] = { args->a[1], args->a[2], args->a[3] };
	uint64_t end;
	int err = end_from(args->a[4], 1000, &end);

	return err ? err : do_select((int)args->a[0], user, end);
}

DEFINE_SYSCALL(pselect6)
{
	const uintptr_t user[3] = { args->a[1], args->a[2], args->a[3] };
	uint64_t end, mask[2] = { 0, 0 };
	int err = end_from(args->a[4], 1, &end);

	if (!err && args->a[5])
		err = copy_from_user(mask, args->a[5], sizeof(mask));
	if (!err)
		err = mask_for_wait(mask[0]);
	return err ? err : mask_back(do_select((int)args->a[0], user, end));
}
