/* SPDX-License-Identifier: MIT */
#ifndef STUB_DECOMPRESS_H
#define STUB_DECOMPRESS_H
/*
 * Decompression by the distribution's libraries: single blocks for file systems, whole streams
 * for images.  Nothing in here sleeps longer than an allocation does.
 */
#include "port.h"

#include <overmount/probe.h>

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

/* -- codec/stream.c ------------------------------------------------------------------------ */
struct unpacker {
	/* More room for what comes out, behind what came before: 0, or -errno that ends it. */
	int (*more_room)(struct unpacker *unpacker, uint8_t **ret_room, size_t *ret_len);
	/* The first DONE bytes of the input are not read again.  May be NULL. */
	void (*consumed)(struct unpacker *unpacker, size_t done);
	uint64_t out_len;	/* bytes that came out; also when it fails */
	size_t in_len;		/* bytes that were used; also when it fails */
};

/*
 * A whole image of KIND (gzip, bzip2, lzma, xz, lz4, zstd): all streams that follow each other;
 * what comes behind them is left alone.  0; -EIO broken or cut off; -ENOMEM; -EOPNOTSUPP for a
 * kind that no library here reads (lzo); or what more_room() said.
 */
int decompress_image(enum om_image_kind kind, const uint8_t *in, size_t len,
		     struct unpacker *unpacker);

/* -- arch/library.c: the world in which a library may run ------------------------------------ */
struct library_world {
	uint8_t fpu[512] __attribute__((aligned(16)));
	uint64_t fs_base;
};

/* Between these two, code that uses SSE registers and a stack protector may run. */
void library_enter(struct library_world *world);
void library_leave(struct library_world *world);

#endif
