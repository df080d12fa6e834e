/* SPDX-License-Identifier: MIT */
/* The pieces of an initrd, each straight to its place; digests on the way. */
#include <overmount/segments.h>

#define READ_STEP	(8u << 20)

enum om_status om_segments_layout(struct om_segment *segments, uint32_t count, uint64_t *ret_size)
{
	enum om_status status;
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct om_segment *segment = &segments[i];

		if (segment->source) {
			segment->size = segment->source->size;
		} else {
			status = om_image_layout(segment->tree, &segment->size);
			if (status != OM_OK)
				return status;
		}
		segment->offset = at;
		if (!om_add_u64(at, segment->size, &at) || at > INT64_MAX)
			return OM_LIMIT;
		at = om_align_up(at, OM_SEGMENT_ALIGN);
	}
	*ret_size = at;
	return OM_OK;
}

struct writer {
	const struct om_image_sink *sink;
	uint64_t before, total;		/* bytes of the segments in front, and of all */
};

static void tell(const struct writer *writer, uint64_t done)
{
	if (writer->sink->progress)
		writer->sink->progress(writer->sink->ctx, writer->before + done, writer->total);
}

static void tree_progress(void *ctx, uint64_t done, uint64_t total)
{
	(void)total;
	tell(ctx, done);
}

static enum om_status read_source(const struct writer *writer, const struct om_segment *segment,
				  uint8_t *to)
{
	const struct om_source *source = segment->source;
	uint8_t found[OM_SHA256_SIZE];
	struct om_sha256 sha;
	enum om_status status;
	uint64_t done;
	size_t part;

	om_sha256_init_fast(&sha);
	for (done = 0; done < segment->size; done += part) {
		part = segment->size - done > READ_STEP && !segment->whole ? READ_STEP :
		       (size_t)(segment->size - done);
		if (source->base)
			memcpy(to + done, source->base + done, part);
		status = source->base ? OM_OK :
			 source->read_at(source->ctx, done, to + done, part);
		if (status != OM_OK)
			return status;
		if (segment->digest)
			om_sha256_update(&sha, to + done, part);
		tell(writer, done + part);
	}
	if (!segment->digest)
		return OM_OK;
	om_sha256_final(&sha, found);
	return memcmp(found, segment->digest, sizeof(found)) == 0 ? OM_OK : OM_CHECKSUM;
}

static enum om_status write_tree(struct writer *writer, const struct om_segment *segment,
				 uint8_t *to)
{
	struct om_image_sink sink = {
		.base = to, .size = segment->size, .progress = tree_progress, .ctx = writer,
	};

	return om_image_write(segment->tree, &sink);
}

static uint64_t padded_end(const struct om_segment *segment)
{
	return om_align_up(segment->offset + segment->size, OM_SEGMENT_ALIGN);
}

enum om_status om_segments_write(const struct om_segment *segments, uint32_t count,
				 const struct om_image_sink *sink, uint32_t *ret_at)
{
	struct writer writer = { .sink = sink };
	enum om_status status = OM_OK;
	uint32_t i;

	*ret_at = 0;
	if (count > 0)
		writer.total = padded_end(&segments[count - 1]);
	if (sink->size < writer.total)
		return OM_TOO_SMALL;
	for (i = 0; i < count && status == OM_OK; i++) {
		const struct om_segment *segment = &segments[i];
		uint64_t end = segment->offset + segment->size;

		*ret_at = i;
		writer.before = segment->offset;
		status = segment->source ?
			 read_source(&writer, segment, sink->base + segment->offset) :
			 write_tree(&writer, segment, sink->base + segment->offset);
		memset(sink->base + end, 0, (size_t)(padded_end(segment) - end));
	}
	return status;
}
