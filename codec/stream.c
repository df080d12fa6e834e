/* SPDX-License-Identifier: MIT */
/* A whole compressed image: one stream after the other, into as much room as they need. */
#include <overmount/bytes.h>

#include "stream.h"

#define LZ4_LEGACY_MAGIC 0x184c2102u

const struct stream_codec *stream_codec_find(enum om_image_kind kind, const uint8_t *in, size_t len)
{
	switch (kind) {
	case OM_IMAGE_GZIP:
		return &gzip_codec;
	case OM_IMAGE_BZIP2:
		return &bzip2_codec;
	case OM_IMAGE_LZMA:
		return &lzma_codec;
	case OM_IMAGE_XZ:
		return &xz_codec;
	case OM_IMAGE_ZSTD:
		return &zstd_codec;
	case OM_IMAGE_LZ4:
		return len >= 4 && om_get_le32(in) == LZ4_LEGACY_MAGIC ? &lz4_legacy_codec :
									 &lz4_codec;
	default:
		return NULL;
	}
}

/* What the stream may be given at once; behind each piece the input's pages can go. */
#define PIECE ((size_t)256 << 10)

struct progress {
	struct unpacker *unpacker;
	struct stream stream;
	const uint8_t *in, *in_end;
};

static int refill(struct progress *progress)
{
	struct stream *stream = &progress->stream;
	struct unpacker *unpacker = progress->unpacker;
	size_t left = (size_t)(progress->in_end - stream->in);

	if (unpacker->consumed)
		unpacker->consumed(unpacker, (size_t)(stream->in - progress->in));
	stream->last = left <= PIECE;
	stream->in_len = stream->last ? left : PIECE;
	if (stream->out_len > 0)
		return 0;
	return unpacker->more_room(unpacker, &stream->out, &stream->out_len);
}

static int step(struct progress *progress, const struct stream_codec *codec)
{
	struct stream *stream = &progress->stream;
	struct library_world world;
	size_t in_len, out_len;
	int result = refill(progress);

	if (result < 0)
		return result;
	in_len = stream->in_len;
	out_len = stream->out_len;
	library_enter(&world);
	result = codec->step(stream);
	library_leave(&world);
	progress->unpacker->out_len += out_len - stream->out_len;
	progress->unpacker->in_len = (size_t)(stream->in - progress->in);
	/* Nothing moved although there was room: the rest of the stream is missing. */
	if (result == STREAM_MORE && stream->in_len == in_len && stream->out_len == out_len)
		return -EIO;
	return result;
}

static int one_stream(struct progress *progress, const struct stream_codec *codec)
{
	struct library_world world;
	int result;

	library_enter(&world);
	result = codec->begin(&progress->stream);
	library_leave(&world);
	if (result < 0)
		return result;
	do
		result = step(progress, codec);
	while (result == STREAM_MORE);
	library_enter(&world);
	codec->end(&progress->stream);
	library_leave(&world);
	return result < 0 ? result : 0;
}

int decompress_image(enum om_image_kind kind, const uint8_t *in, size_t len,
		     struct unpacker *unpacker)
{
	struct progress progress = { .unpacker = unpacker, .in = in, .in_end = in + len };
	const struct stream_codec *codec;
	struct om_span rest;
	int err;

	unpacker->out_len = 0;
	unpacker->in_len = 0;
	progress.stream.in = in;
	do {
		rest = (struct om_span){ progress.stream.in,
					 (size_t)(progress.in_end - progress.stream.in) };
		codec = stream_codec_find(kind, rest.ptr, rest.len);
		if (!codec)
			return -EOPNOTSUPP;
		err = one_stream(&progress, codec);
		if (err < 0)
			return err;
		rest = (struct om_span){ progress.stream.in,
					 (size_t)(progress.in_end - progress.stream.in) };
	} while (rest.len > 0 && om_image_probe(rest) == kind);
	return 0;
}
