/* SPDX-License-Identifier: MIT */
#ifndef STUB_UNPACKED_H
#define STUB_UNPACKED_H
/*
 * Blocks that came out of a decompressor.  A file is read in smaller pieces than it was packed
 * in, and directories share blocks with inodes, so the last ones are kept for a while.
 */
#include "decompress.h"
#include "vfs.h"

struct unpacked {
	uint64_t at;		/* where its packed bytes lie, which is its name */
	uint8_t *bytes;
	size_t len;
	unsigned order;		/* of the pages behind BYTES */
	unsigned users;
	struct list list;
};

struct unpacked_cache {
	struct list blocks;	/* those in use and those not, newest first */
	size_t idle, idle_max;	/* bytes that nobody uses at the moment; the newest block stays */
	struct unpacked_cache *next;
};

/* What lies at AT of a device: LEN bytes, as they are (RAW) or packed by CODEC. */
struct packed {
	uint64_t at;
	uint32_t len;
	uint32_t room;		/* at most so many bytes come out */
	enum codec codec;
	bool raw;
	bool padded;		/* zeros stand in front of the packed bytes and are not theirs */
};

void unpacked_init(struct unpacked_cache *cache, size_t idle_max);
/* All must have been put. */
void unpacked_free(struct unpacked_cache *cache);
/*
 * The block with a reference, from the cache or from the device: 0, -ENOMEM, or -EIO without a
 * line in the log when it cannot be unpacked.
 */
int unpacked_get(struct unpacked_cache *cache, struct block_device *bdev,
		 const struct packed *packed, struct unpacked **ret_block);
void unpacked_put(struct unpacked_cache *cache, struct unpacked *block);

#endif
