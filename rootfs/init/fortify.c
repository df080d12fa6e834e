/* SPDX-License-Identifier: MIT */
/*
 * libblkid.a of the distribution was compiled for glibc with its fortified calls.  They are all
 * that musl lacks for it: the plain functions, whose checks were done when sizes were known.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __asprintf_chk(char **ret, int flag, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __snprintf_chk(char *buf, size_t size, int flag, size_t room, const char *format, ...);
int __vasprintf_chk(char **ret, int flag, const char *format, va_list args);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
int __vsnprintf_chk(char *buf, size_t size, int flag, size_t room, const char *format, va_list args);
void __explicit_bzero_chk(void *buf, size_t size, size_t room);
int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
void *__sched_cpualloc(size_t count);
void __sched_cpufree(void *set);

/* Calls with "..." forward to the one with a list. */
#define FORWARD(call)			\
	int result;			\
	va_list args;			\
					\
	(void)flag;			\
	va_start(args, format);		\
	result = call;			\
	va_end(args);			\
	return result

int __asprintf_chk(char **ret, int flag, const char *format, ...)
{
	FORWARD(vasprintf(ret, format, args));
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	FORWARD(vfprintf(file, format, args));
}

int __snprintf_chk(char *buf, size_t size, int flag, size_t room, const char *format, ...)
{
	if (room < size)
		abort();
	FORWARD(vsnprintf(buf, size, format, args));
}

int __vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
	(void)flag;
	return vasprintf(ret, format, args);
}

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args)
{
	(void)flag;
	return vfprintf(file, format, args);
}

int __vsnprintf_chk(char *buf, size_t size, int flag, size_t room, const char *format, va_list args)
{
	(void)flag;
	if (room < size)
		abort();
	return vsnprintf(buf, size, format, args);
}

void __explicit_bzero_chk(void *buf, size_t size, size_t room)
{
	if (room < size)
		abort();
	memset(buf, 0, size);
	__asm__ volatile("" : : "r"(buf) : "memory");
}

int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

void *__sched_cpualloc(size_t count)
{
	return calloc((count + 63) / 64, 8);
}

void __sched_cpufree(void *set)
{
	free(set);
}
