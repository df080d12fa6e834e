/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_MEM_H
#define OVERMOUNT_MEM_H
/*
 * Memory comes from the caller: a port of two functions, and an arena on top of it.
 * What an arena gave lives until om_arena_release(); there is no single free.
 */
#include <overmount/bytes.h>
#include <overmount/status.h>

struct om_mem {
	/* 16-byte aligned, uninitialised; NULL when there is none. */
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *ptr, size_t size);
	void *ctx;
};

struct om_arena_chunk;

struct om_arena {
	const struct om_mem *mem;
	struct om_arena_chunk *chunks;
	size_t bytes;			/* given out so far */
};

void om_arena_init(struct om_arena *arena, const struct om_mem *mem);
void om_arena_release(struct om_arena *arena);

/* Zeroed and 16-byte aligned; NULL when the port has none. SIZE 0 gives a valid pointer. */
void *om_arena_alloc(struct om_arena *arena, size_t size) OM_CHECKED;
/* The same, but with whatever is in that memory: for what is filled at once. */
void *om_arena_room(struct om_arena *arena, size_t size) OM_CHECKED;
/* COUNT * SIZE, checked. */
void *om_arena_array(struct om_arena *arena, size_t count, size_t size) OM_CHECKED;
/* A NUL-terminated copy of TEXT; .ptr is NULL when there is no memory. */
struct om_str om_arena_str(struct om_arena *arena, struct om_str text) OM_CHECKED;

#endif
