/* SPDX-License-Identifier: MIT */
/* The kernel's inflate, on the host: the distribution's zlib. */
#include <zlib.h>

#include "decompress.h"

int inflate_block(const void *in, size_t in_len, void *out, size_t out_room, size_t *ret_len)
{
	uLongf len = out_room;
	int result = uncompress(out, &len, in, in_len);

	if (result != Z_OK)
		return result == Z_MEM_ERROR ? -ENOMEM : -EIO;
	*ret_len = len;
	return 0;
}
