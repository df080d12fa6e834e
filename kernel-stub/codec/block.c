/* SPDX-License-Identifier: MIT */
/* One compressed block of a file system. */
#define ZSTD_STATIC_LINKING_ONLY	/* for an allocator of one's own */
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "memory.h"

/* The library's own state; dictionaries come on top, and are as large as the block at most. */
#define LZMA_MEMORY (UINT64_C(64) << 20)

struct block {
	const void *in;
	size_t in_len;
	void *out;
	size_t room, len;
};

static int zlib_block(struct block *block)
{
	z_stream z = { .zalloc = codec_zalloc, .zfree = codec_zfree,
		       .next_in = (Bytef *)(uintptr_t)block->in, .avail_in = (uInt)block->in_len,
		       .next_out = block->out, .avail_out = (uInt)block->room };
	int result;

	if (block->in_len > UINT32_MAX || block->room > UINT32_MAX)
		return -EIO;
	if (inflateInit(&z) != Z_OK)
		return -ENOMEM;
	result = inflate(&z, Z_FINISH);
	block->len = z.total_out;
	inflateEnd(&z);
	return result == Z_STREAM_END ? 0 : result == Z_MEM_ERROR ? -ENOMEM : -EIO;
}

static int lzma_error(lzma_ret result)
{
	return result == LZMA_OK || result == LZMA_STREAM_END ? 0 :
	       result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EIO;
}

static int xz_stream_block(struct block *block)
{
	uint64_t limit = LZMA_MEMORY;
	size_t in_at = 0;

	return lzma_error(lzma_stream_buffer_decode(&limit, 0, &codec_lzma_allocator, block->in,
						    &in_at, block->in_len, block->out,
						    &block->len, block->room));
}

static int lzma_alone_block(struct block *block)
{
	lzma_stream stream = { .next_in = block->in, .avail_in = block->in_len,
			       .next_out = block->out, .avail_out = block->room,
			       .allocator = &codec_lzma_allocator };
	lzma_ret result = lzma_alone_decoder(&stream, LZMA_MEMORY);

	if (result == LZMA_OK)
		result = lzma_code(&stream, LZMA_FINISH);
	block->len = block->room - stream.avail_out;
	lzma_end(&stream);
	return result == LZMA_OK ? -EIO : lzma_error(result);
}

static int zstd_block(struct block *block)
{
	ZSTD_DCtx *context = ZSTD_createDCtx_advanced(codec_zstd_memory);
	size_t len;

	if (!context)
		return -ENOMEM;
	len = ZSTD_decompressDCtx(context, block->out, block->room, block->in, block->in_len);
	ZSTD_freeDCtx(context);
	if (ZSTD_isError(len))
		return -EIO;
	block->len = len;
	return 0;
}

static int lz4_block(struct block *block)
{
	int len;

	if (block->in_len > INT32_MAX || block->room > INT32_MAX)
		return -EIO;
	len = LZ4_decompress_safe_partial(block->in, block->out, (int)block->in_len,
					  (int)block->room, (int)block->room);
	if (len < 0)
		return -EIO;
	block->len = (size_t)len;
	return 0;
}

int decompress_block(enum codec codec, const void *in, size_t in_len, void *out, size_t out_room,
		     size_t *ret_len)
{
	static int (*const codecs[])(struct block *) = {
		[CODEC_ZLIB] = zlib_block, [CODEC_LZMA] = lzma_alone_block, [CODEC_XZ] = xz_stream_block,
		[CODEC_ZSTD] = zstd_block, [CODEC_LZ4] = lz4_block,
	};
	struct block block = { in, in_len, out, out_room, 0 };
	struct library_world world;
	int err;

	library_enter(&world);
	err = codecs[codec](&block);
	library_leave(&world);
	if (!err)
		*ret_len = block.len;
	return err;
}
