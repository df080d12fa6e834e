/* SPDX-License-Identifier: MIT */
#ifndef STUB_DECOMPRESS_H
#define STUB_DECOMPRESS_H
#include "port.h"

/*
 * One zlib stream (RFC 1950) of IN_LEN bytes into at most OUT_ROOM bytes at OUT: 0 and how many
 * came out, or -errno: -EIO for a stream that is broken, short or longer than the room.
 */
int inflate_block(const void *in, size_t in_len, void *out, size_t out_room, size_t *ret_len);

#endif
