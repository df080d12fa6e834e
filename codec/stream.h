/* SPDX-License-Identifier: MIT */
#ifndef CODEC_STREAM_H
#define CODEC_STREAM_H
/* One compressed stream, step by step. */
#include "codec_world.h"
#include "codec_image.h"

struct stream {
	const uint8_t *in;
	size_t in_len;
	bool last;		/* there is no input behind that */
	uint8_t *out;		/* room for what comes out */
	size_t out_len;
	void *state;		/* the library's */
};

/* step() takes from IN and adds to OUT as much as it can. */
enum { STREAM_MORE = 0, STREAM_END = 1 };	/* or -errno */

struct stream_codec {
	int (*begin)(struct stream *stream);		/* 0 or -errno; then end() is called once */
	int (*step)(struct stream *stream);
	void (*end)(struct stream *stream);
};

/* NULL: no library here reads that kind.  IN tells LZ4's two formats apart. */
const struct stream_codec *stream_codec_find(enum om_image_kind kind, const uint8_t *in,
					     size_t len);

extern const struct stream_codec gzip_codec, bzip2_codec, lzma_codec, xz_codec, zstd_codec,
	lz4_codec, lz4_legacy_codec;

#endif
