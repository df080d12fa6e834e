/* SPDX-License-Identifier: MIT */
#ifndef STUB_DECOMPRESS_H
#define STUB_DECOMPRESS_H
/*
 * Decompression by the distribution's libraries: single blocks for file systems, whole streams
 * for images (codec/).  Nothing in here sleeps longer than an allocation does.
 */
#include "port.h"

#include "codec_image.h"

/* -- codec/block.c ------------------------------------------------------------------------- */
enum codec {
	CODEC_ZLIB,		/* RFC 1950 */
	CODEC_LZMA,		/* the .lzma format, with its header */
	CODEC_XZ,		/* one .xz stream */
	CODEC_ZSTD,		/* frames of RFC 8878 */
	CODEC_LZ4,		/* a raw block; ends quietly when the room is full, or the block */
};

/*
 * One block of IN_LEN bytes into at most OUT_ROOM bytes at OUT: 0 and how many came out, or
 * -errno: -EIO for one that is broken, short or longer than the room; -ENOMEM.
 */
int decompress_block(enum codec codec, const void *in, size_t in_len, void *out, size_t out_room,
		     size_t *ret_len);

/* -- arch/library.c: the world in which a library may run ------------------------------------ */
struct library_world {
	uint8_t fpu[512] __attribute__((aligned(16)));
	uint64_t fs_base;
};

/* Between these two, code that uses SSE registers and a stack protector may run. */
void library_enter(struct library_world *world);
void library_leave(struct library_world *world);

#endif
