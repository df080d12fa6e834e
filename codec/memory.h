/* SPDX-License-Identifier: MIT */
#ifndef CODEC_MEMORY_H
#define CODEC_MEMORY_H
/* The world's memory, in the form in which each library asks for it. */
#include <lzma.h>

#include "codec_world.h"
#include "codec_image.h"

void *codec_zalloc(void *opaque, unsigned items, unsigned size);
void codec_zfree(void *opaque, void *ptr);
void *codec_bzalloc(void *opaque, int items, int size);
extern const lzma_allocator codec_lzma_allocator;
#ifdef ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
extern const ZSTD_customMem codec_zstd_memory;
#endif

#endif
