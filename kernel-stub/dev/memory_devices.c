/* SPDX-License-Identifier: MIT */
/* null, zero, full, random, urandom, kmsg. */
#include "boot.h"
#include "device.h"

#include "task.h"

#define MEM_MAJOR	1u
#define KMSG_MAX	(64u * 1024)
#define KMSG_LINE_MAX	400u

static long null_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	(void)file, (void)uio, (void)pos;
	return 0;
}

static long null_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	(void)file, (void)pos;
	return (long)uio->left;
}

static int64_t null_llseek(struct file *file, int64_t offset, int whence)
{
	(void)offset, (void)whence;
	file->pos = 0;
	return 0;
}

static int always_ready(struct file *file, struct waitq **ret_queue)
{
	(void)file;
	*ret_queue = NULL;
	return POLLIN | POLLOUT;
}

static long zero_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	long done = 0;

	(void)file, (void)pos;
	while (uio->left > 0) {
		long n = uio_zero(uio, uio->left < PAGE_SIZE ? uio->left : PAGE_SIZE);

		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
		if (signal_pending())
			break;
	}
	return done;
}

static long full_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	(void)file, (void)uio, (void)pos;
	return -ENOSPC;
}

static long random_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	uint8_t buf[256];
	long done = 0;

	(void)file, (void)pos;
	while (uio->left > 0) {
		size_t step = uio->left < sizeof(buf) ? uio->left : sizeof(buf);
		long n;

		random_bytes(buf, step);
		n = uio_put(uio, buf, step);
		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
		if (signal_pending())
			break;
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

/* The log as one text; it is read again from the start by whoever opens it again. */
static long kmsg_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	char *text = kmalloc(KMSG_MAX);
	size_t len;
	long n = 0;

	(void)file;
	if (!text)
		return -ENOMEM;
	len = log_read(text, KMSG_MAX);
	if (*pos < len)
		n = uio_put(uio, text + *pos, len - *pos);
	if (n > 0)
		*pos += (uint64_t)n;
	kfree(text);
	return n;
}

/* A priority in front, "<6>", is not shown. */
static long kmsg_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	char line[KMSG_LINE_MAX + 1];
	long total = (long)uio->left, n;
	char *text = line;

	(void)file, (void)pos;
	n = uio_get(uio, line, KMSG_LINE_MAX);
	if (n < 0)
		return n;
	while (n > 0 && line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	if (line[0] == '<') {
		const char *end = memchr(line, '>', 6);

		if (end)
			text = line + (end + 1 - line);
	}
	klog("%s", text);
	return total;
}

#define READY .poll = always_ready

static const struct file_ops null_ops = {
	.read = null_read, .write = null_write, .llseek = null_llseek, READY,
};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .llseek = null_llseek, READY,
};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .llseek = null_llseek, READY,
};
static const struct file_ops random_ops = {
	.read = random_read, .write = null_write, .llseek = null_llseek, READY,
};
static const struct file_ops kmsg_ops = { .read = kmsg_read, .write = kmsg_write, READY };

int memory_devices_register(void)
{
	static const struct {
		unsigned minor;
		uint32_t mode;
		const char *name;
		const struct file_ops *ops;
	} devices[] = {
		{ 3, 0666, "null", &null_ops },		{ 5, 0666, "zero", &zero_ops },
		{ 7, 0666, "full", &full_ops },		{ 8, 0666, "random", &random_ops },
		{ 9, 0666, "urandom", &random_ops },	{ 11, 0644, "kmsg", &kmsg_ops },
	};

	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		int err = register_chrdev(MEM_MAJOR, devices[i].minor, devices[i].name,
					  devices[i].mode, devices[i].ops);

		if (err < 0 && err != -EBUSY)
			return err;
	}
	return 0;
}
