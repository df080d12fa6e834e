/* SPDX-License-Identifier: MIT */
/* The formats of whole images, each by the library that its tool is made of. */
#define ZSTD_STATIC_LINKING_ONLY	/* for an allocator of one's own */
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "memory.h"
#include "stream.h"

/* The largest dictionary: xz -9 asks for 64 MiB, zstd -22 for 128. */
#define LZMA_MEMORY	(UINT64_C(160) << 20)
#define ZSTD_WINDOW_LOG	27
#define GZIP_WINDOW	(15 + 16)	/* 15 bits; 16 says gzip's header and not zlib's */

static unsigned at_most_int(size_t len)
{
	return len > INT32_MAX ? INT32_MAX : (unsigned)len;
}

static void moved(struct stream *stream, size_t in, size_t out)
{
	stream->in += in;
	stream->in_len -= in;
	stream->out += out;
	stream->out_len -= out;
}

/* ------------------------------------------------------------------ gzip */

static int gzip_begin(struct stream *stream)
{
	z_stream *z = kzalloc(sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->zalloc = codec_zalloc;
	z->zfree = codec_zfree;
	stream->state = z;
	if (inflateInit2(z, GZIP_WINDOW) == Z_OK)
		return 0;
	kfree(z);
	return -ENOMEM;
}

static int gzip_step(struct stream *stream)
{
	z_stream *z = stream->state;
	unsigned in = at_most_int(stream->in_len), out = at_most_int(stream->out_len);
	int result;

	z->next_in = (Bytef *)(uintptr_t)stream->in;
	z->avail_in = in;
	z->next_out = stream->out;
	z->avail_out = out;
	result = inflate(z, Z_NO_FLUSH);
	moved(stream, in - z->avail_in, out - z->avail_out);
	return result == Z_STREAM_END ? STREAM_END : result == Z_OK || result == Z_BUF_ERROR ?
	       STREAM_MORE : result == Z_MEM_ERROR ? -ENOMEM : -EIO;
}

static void gzip_end(struct stream *stream)
{
	inflateEnd(stream->state);
	kfree(stream->state);
}

const struct stream_codec gzip_codec = { gzip_begin, gzip_step, gzip_end };

/* ------------------------------------------------------------------ bzip2 */

static int bzip2_begin(struct stream *stream)
{
	bz_stream *bz = kzalloc(sizeof(*bz));

	if (!bz)
		return -ENOMEM;
	bz->bzalloc = codec_bzalloc;
	bz->bzfree = codec_zfree;
	stream->state = bz;
	if (BZ2_bzDecompressInit(bz, 0, 0) == BZ_OK)
		return 0;
	kfree(bz);
	return -ENOMEM;
}

static int bzip2_step(struct stream *stream)
{
	bz_stream *bz = stream->state;
	unsigned in = at_most_int(stream->in_len), out = at_most_int(stream->out_len);
	int result;

	bz->next_in = (char *)(uintptr_t)stream->in;
	bz->avail_in = in;
	bz->next_out = (char *)stream->out;
	bz->avail_out = out;
	result = BZ2_bzDecompress(bz);
	moved(stream, in - bz->avail_in, out - bz->avail_out);
	return result == BZ_STREAM_END ? STREAM_END : result == BZ_OK ? STREAM_MORE :
	       result == BZ_MEM_ERROR ? -ENOMEM : -EIO;
}

static void bzip2_end(struct stream *stream)
{
	BZ2_bzDecompressEnd(stream->state);
	kfree(stream->state);
}

const struct stream_codec bzip2_codec = { bzip2_begin, bzip2_step, bzip2_end };

/* ------------------------------------------------------------------ xz and lzma */

static int lzma_begin_with(struct stream *stream, lzma_ret (*decoder)(lzma_stream *lzma))
{
	lzma_stream *lzma = kzalloc(sizeof(*lzma));
	lzma_ret result;

	if (!lzma)
		return -ENOMEM;
	lzma->allocator = &codec_lzma_allocator;
	stream->state = lzma;
	result = decoder(lzma);
	if (result == LZMA_OK)
		return 0;
	kfree(lzma);
	return -ENOMEM;
}

static lzma_ret xz_decoder(lzma_stream *lzma)
{
	return lzma_stream_decoder(lzma, LZMA_MEMORY, 0);
}

static lzma_ret alone_decoder(lzma_stream *lzma)
{
	return lzma_alone_decoder(lzma, LZMA_MEMORY);
}

static int xz_begin(struct stream *stream)
{
	return lzma_begin_with(stream, xz_decoder);
}

static int lzma_begin(struct stream *stream)
{
	return lzma_begin_with(stream, alone_decoder);
}

static int lzma_step(struct stream *stream)
{
	lzma_stream *lzma = stream->state;
	size_t in = stream->in_len, out = stream->out_len;
	lzma_ret result;

	lzma->next_in = stream->in;
	lzma->avail_in = in;
	lzma->next_out = stream->out;
	lzma->avail_out = out;
	result = lzma_code(lzma, LZMA_RUN);
	moved(stream, in - lzma->avail_in, out - lzma->avail_out);
	return result == LZMA_STREAM_END ? STREAM_END :
	       result == LZMA_OK || result == LZMA_BUF_ERROR ? STREAM_MORE :
	       result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EIO;
}

static void lzma_end_stream(struct stream *stream)
{
	lzma_end(stream->state);
	kfree(stream->state);
}

const struct stream_codec xz_codec = { xz_begin, lzma_step, lzma_end_stream };
const struct stream_codec lzma_codec = { lzma_begin, lzma_step, lzma_end_stream };

/* ------------------------------------------------------------------ zstd */

static int zstd_begin(struct stream *stream)
{
	ZSTD_DStream *zstd = ZSTD_createDStream_advanced(codec_zstd_memory);

	if (!zstd)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
		ZSTD_freeDStream(zstd);
		return -ENOMEM;
	}
	stream->state = zstd;
	return 0;
}

static int zstd_step(struct stream *stream)
{
	ZSTD_inBuffer in = { stream->in, stream->in_len, 0 };
	ZSTD_outBuffer out = { stream->out, stream->out_len, 0 };
	size_t result = ZSTD_decompressStream(stream->state, &out, &in);

	moved(stream, in.pos, out.pos);
	if (ZSTD_isError(result))
		return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? -ENOMEM : -EIO;
	return result == 0 ? STREAM_END : STREAM_MORE;
}

static void zstd_end(struct stream *stream)
{
	ZSTD_freeDStream(stream->state);
}

const struct stream_codec zstd_codec = { zstd_begin, zstd_step, zstd_end };
