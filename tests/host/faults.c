/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: the N-th call that changes the disk (FAULT_KIND=disk), asks for memory (memory) or for
 * text that grows in memory (stream) fails with FAULT_ERRNO, or the program ends right before it as if the power went (FAULT_ERRNO=0).
 * FAULT_BYTES: the disk takes so many bytes and not one more.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void *__libc_calloc(size_t count, size_t size);

static long number(const char *name, long fallback)
{
	const char *text = getenv(name);

	return text ? atol(text) : fallback;
}

static int fails(const char *kind)
{
	static long calls;
	const char *wanted = getenv("FAULT_KIND");
	long error;

	if (!wanted || strcmp(kind, wanted) != 0 || ++calls != number("FAULT_AT", 0))
		return 0;
	error = number("FAULT_ERRNO", 0);
	if (error == 0)
		_exit(99);
	errno = (int)error;
	return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if ((flags & O_ACCMODE) != O_RDONLY && fails("disk"))
		return -1;
	return NEXT(open)(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	static long left = -2;

	if (left == -2)
		left = number("FAULT_BYTES", -1);
	if (fails("disk"))
		return -1;
	if (left >= 0 && len > (size_t)left)
		len = (size_t)left;
	if (left == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (left > 0)
		left -= (long)len;
	return NEXT(write)(fd, bytes, len);
}

int fsync(int fd) { return fails("disk") ? -1 : NEXT(fsync)(fd); }
int unlink(const char *path) { return fails("disk") ? -1 : NEXT(unlink)(path); }
int rmdir(const char *path) { return fails("disk") ? -1 : NEXT(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { return fails("disk") ? -1 : NEXT(mkdir)(path, mode); }
int rename(const char *from, const char *to) { return fails("disk") ? -1 : NEXT(rename)(from, to); }

void *calloc(size_t count, size_t size)
{
	return fails("memory") ? NULL : __libc_calloc(count, size);
}

int vasprintf(char **text, const char *format, va_list args)
{
	return fails("memory") ? -1 : NEXT(vasprintf)(text, format, args);
}

FILE *open_memstream(char **text, size_t *size)
{
	return fails("stream") ? NULL : NEXT(open_memstream)(text, size);
}

char *strndup(const char *text, size_t len)
{
	return fails("memory") ? NULL : NEXT(strndup)(text, len);
}
