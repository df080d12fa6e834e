/* SPDX-License-Identifier: MIT */
#ifndef CODEC_IMAGE_H
#define CODEC_IMAGE_H
/*
 * Images that are compressed as a whole, for the stub and for /init.  Each of them has a
 * codec_world.h: memory (kmalloc, kzalloc, kfree), error numbers, and what a library needs to run.
 */
#include <overmount/probe.h>

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

#endif
