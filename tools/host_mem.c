/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "host.h"

static void *mem_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size ? size : 1);
}

static void mem_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)size;
	free(ptr);
}

const struct om_mem host_mem = { .alloc = mem_alloc, .free = mem_free };

void no_memory_left(void)
{
	fputs("overmount: error: out of memory\n", stderr);
	exit(REFUSED);
}

static void *checked(void *ptr)
{
	if (!ptr)
		no_memory_left();
	return ptr;
}

void *xalloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

char *xprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}

char *xstrndup(const char *text, size_t len)
{
	return checked(strndup(text, len));
}
