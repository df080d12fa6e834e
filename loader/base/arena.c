/* SPDX-License-Identifier: MIT */
/*
 * An arena: chunks asked from the port, filled from the front, given back all at once.
 * A request larger than a chunk gets a chunk of its own behind the current one, so that the
 * room left in the current one is not lost.
 */
#include <overmount/mem.h>

#define ARENA_ALIGN 16u

struct om_arena_chunk {
	struct om_arena_chunk *next;
	size_t size;			/* asked from the port, this header included */
	size_t used;			/* this header included */
	size_t pad;			/* keeps what follows aligned */
};

_Static_assert(sizeof(struct om_arena_chunk) % ARENA_ALIGN == 0, "chunks start aligned");

void om_arena_init(struct om_arena *arena, const struct om_mem *mem)
{
	*arena = (struct om_arena){ .mem = mem };
}

void om_arena_release(struct om_arena *arena)
{
	struct om_arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		arena->mem->free(arena->mem->ctx, chunk, chunk->size);
	}
	arena->chunks = NULL;
	arena->bytes = 0;
}

/* A chunk with room for NEED bytes (aligned) at its end; NULL when the port has none. */
static struct om_arena_chunk *chunk_for(struct om_arena *arena, size_t need)
{
	struct om_arena_chunk *chunk = arena->chunks;
	size_t size;
	bool large;

	if (chunk && chunk->size - chunk->used >= need)
		return chunk;
	if (!om_add_size(need, sizeof(*chunk), &size))
		return NULL;
	large = size > OM_ARENA_CHUNK;
	if (!large)
		size = OM_ARENA_CHUNK;
	chunk = arena->mem->alloc(arena->mem->ctx, size);
	if (!chunk)
		return NULL;
	*chunk = (struct om_arena_chunk){ .size = size, .used = sizeof(*chunk) };
	if (large && arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

void *om_arena_room(struct om_arena *arena, size_t size)
{
	struct om_arena_chunk *chunk;
	size_t need;
	uint8_t *ptr;

	if (!om_add_size(size ? size : 1, ARENA_ALIGN - 1, &need))
		return NULL;
	need &= ~(size_t)(ARENA_ALIGN - 1);
	chunk = chunk_for(arena, need);
	if (!chunk)
		return NULL;
	ptr = (uint8_t *)chunk + chunk->used;
	chunk->used += need;
	arena->bytes += need;
	return ptr;
}

void *om_arena_alloc(struct om_arena *arena, size_t size)
{
	void *ptr = om_arena_room(arena, size);

	if (ptr)
		memset(ptr, 0, size ? size : 1);
	return ptr;
}

void *om_arena_array(struct om_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (!om_mul_size(count, size, &bytes))
		return NULL;
	return om_arena_alloc(arena, bytes);
}

struct om_str om_arena_str(struct om_arena *arena, struct om_str text)
{
	size_t size;
	char *copy;

	if (!om_add_size(text.len, 1, &size))
		return (struct om_str){ NULL, 0 };
	copy = om_arena_room(arena, size);
	if (!copy)
		return (struct om_str){ NULL, 0 };
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return (struct om_str){ copy, text.len };
}
