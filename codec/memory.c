/* SPDX-License-Identifier: MIT */
#define ZSTD_STATIC_LINKING_ONLY
#include "memory.h"

static void *get(void *opaque, size_t count, size_t size)
{
	(void)opaque;
	return size && count > SIZE_MAX / size ? NULL : kmalloc(count * size);
}

static void *get_one(void *opaque, size_t size)
{
	return get(opaque, 1, size);
}

static void put(void *opaque, void *ptr)
{
	(void)opaque;
	kfree(ptr);
}

void *codec_zalloc(void *opaque, unsigned items, unsigned size)
{
	return get(opaque, items, size);
}

void codec_zfree(void *opaque, void *ptr)
{
	put(opaque, ptr);
}

void *codec_bzalloc(void *opaque, int items, int size)
{
	return items < 0 || size < 0 ? NULL : get(opaque, (size_t)items, (size_t)size);
}

const lzma_allocator codec_lzma_allocator = { .alloc = get, .free = put };
const ZSTD_customMem codec_zstd_memory = { .customAlloc = get_one, .customFree = put };
