/* SPDX-License-Identifier: MIT */
#ifndef INIT_CODEC_WORLD_H
#define INIT_CODEC_WORLD_H
/* What codec/ asks of a program with a C library. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <overmount/bytes.h>

struct library_world {
	char nothing;
};

static inline void library_enter(struct library_world *world)
{
	(void)world;
}

static inline void library_leave(struct library_world *world)
{
	(void)world;
}

/* A function that was left out of a library has been called all the same. */
static inline void library_never(const char *name)
{
	(void)name;
	abort();
}

static inline void *kmalloc(size_t size)
{
	return malloc(size);
}

static inline void *kzalloc(size_t size)
{
	return calloc(1, size);
}

static inline void kfree(void *ptr)
{
	free(ptr);
}

#endif
