/* SPDX-License-Identifier: MIT */
/* LZ4's two formats: frames, and what `lz4 -l` makes for kernels. */
#include <lz4.h>
#include <lz4frame.h>
#include <overmount/bytes.h>

#include "memory.h"
#include "stream.h"

/* ------------------------------------------------------------------ frames */

static int lz4_begin(struct stream *stream)
{
	LZ4F_dctx *context;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
		return -ENOMEM;
	stream->state = context;
	return 0;
}

static int lz4_step(struct stream *stream)
{
	size_t in = stream->in_len, out = stream->out_len;
	size_t result = LZ4F_decompress(stream->state, stream->out, &out, stream->in, &in, NULL);

	if (LZ4F_isError(result))
		return -EIO;
	stream->in += in;
	stream->in_len -= in;
	stream->out += out;
	stream->out_len -= out;
	return result == 0 ? STREAM_END : STREAM_MORE;
}

static void lz4_end(struct stream *stream)
{
	LZ4F_freeDecompressionContext(stream->state);
}

const struct stream_codec lz4_codec = { lz4_begin, lz4_step, lz4_end };

/* ------------------------------------------------------------------ lz4 -l */

#define LEGACY_MAGIC	0x184c2102u
#define LEGACY_BLOCK	(8u << 20)	/* what a block holds, but for the last */

/*
 * A magic number, then blocks with their packed length in front; the end is where the input
 * ends, or where no length stands.
 */
struct legacy {
	uint8_t *block;			/* one, unpacked */
	uint8_t *packed;		/* one, as it comes in pieces */
	size_t len, at;			/* of BLOCK: filled, given out */
	size_t packed_len, packed_at;
	uint8_t number[4];
	unsigned number_at;
	bool begun;			/* the magic number has been seen */
};

static void legacy_end(struct stream *stream)
{
	struct legacy *legacy = stream->state;

	kfree(legacy->block);
	kfree(legacy->packed);
	kfree(legacy);
}

static int legacy_begin(struct stream *stream)
{
	struct legacy *legacy = kzalloc(sizeof(*legacy));

	if (!legacy)
		return -ENOMEM;
	legacy->block = kmalloc(LEGACY_BLOCK);
	legacy->packed = kmalloc(LZ4_COMPRESSBOUND(LEGACY_BLOCK));
	stream->state = legacy;
	if (legacy->block && legacy->packed)
		return 0;
	legacy_end(stream);
	return -ENOMEM;
}

static size_t take(struct stream *stream, uint8_t *to, size_t len)
{
	if (len > stream->in_len)
		len = stream->in_len;
	memcpy(to, stream->in, len);
	stream->in += len;
	stream->in_len -= len;
	return len;
}

static void give(struct stream *stream, struct legacy *legacy)
{
	size_t len = legacy->len - legacy->at;

	if (len > stream->out_len)
		len = stream->out_len;
	memcpy(stream->out, legacy->block + legacy->at, len);
	stream->out += len;
	stream->out_len -= len;
	legacy->at += len;
}

/* The magic number at first, then the length of the next block. */
static int take_number(struct stream *stream, struct legacy *legacy)
{
	uint32_t number;

	legacy->number_at += (unsigned)take(stream, legacy->number + legacy->number_at,
					    sizeof(legacy->number) - legacy->number_at);
	if (legacy->number_at < sizeof(legacy->number))
		return legacy->begun && stream->last ? STREAM_END : STREAM_MORE;
	number = om_get_le32(legacy->number);
	legacy->number_at = 0;
	if (!legacy->begun) {
		legacy->begun = true;
		return number == LEGACY_MAGIC ? STREAM_MORE : -EIO;
	}
	if (number == LEGACY_MAGIC)
		return STREAM_MORE;	/* another stream, as `cat` makes them */
	if (number == 0 || number > LZ4_COMPRESSBOUND(LEGACY_BLOCK))
		return STREAM_END;	/* padding, or something that is not ours */
	legacy->packed_len = number;
	legacy->packed_at = 0;
	return STREAM_MORE;
}

static int take_block(struct stream *stream, struct legacy *legacy)
{
	int len;

	legacy->packed_at += take(stream, legacy->packed + legacy->packed_at,
				  legacy->packed_len - legacy->packed_at);
	if (legacy->packed_at < legacy->packed_len)
		return STREAM_MORE;
	len = LZ4_decompress_safe((const char *)legacy->packed, (char *)legacy->block,
				  (int)legacy->packed_len, (int)LEGACY_BLOCK);
	if (len < 0)
		return -EIO;
	legacy->packed_len = 0;
	legacy->len = (size_t)len;
	legacy->at = 0;
	return STREAM_MORE;
}

static int legacy_step(struct stream *stream)
{
	struct legacy *legacy = stream->state;
	int result = STREAM_MORE;

	do {
		give(stream, legacy);
		if (stream->out_len == 0)
			return STREAM_MORE;
		result = legacy->packed_len ? take_block(stream, legacy) :
					      take_number(stream, legacy);
	} while (result == STREAM_MORE && (stream->in_len > 0 || legacy->at < legacy->len));
	return result;
}

const struct stream_codec lz4_legacy_codec = { legacy_begin, legacy_step, legacy_end };
