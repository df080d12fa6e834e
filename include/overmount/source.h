/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_SOURCE_H
#define OVERMOUNT_SOURCE_H
/*
 * Something with bytes that the library reads through its caller: a file on a volume, a block
 * of memory.  When BASE is set all SIZE bytes are there and read_at is never called.
 */
#include <overmount/bytes.h>
#include <overmount/status.h>

struct om_source {
	/* All of LEN bytes or an error (OM_IO; OM_TRUNCATED when the medium ends early). */
	enum om_status (*read_at)(void *ctx, uint64_t offset, void *buf, size_t len);
	void *ctx;
	uint64_t size;
	const uint8_t *base;
	const char *name;		/* for messages */
};

#endif
