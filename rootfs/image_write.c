/* SPDX-License-Identifier: MIT */
/*
 * The archive is written in one pass.  Into memory: headers and what is in memory already in
 * archive order, then the others are read to their places, in the order in which they lie in
 * their sources.  Into a stream: everything in archive order.
 */
#include "newc.h"
#include "tree.h"

#define PROGRESS_STEP	(1u << 20)
#define READ_STEP	(8u << 20)

struct output {
	struct om_tree *tree;
	const struct om_image_sink *sink;
	uint64_t at;			/* in the archive */
	uint8_t *buffer;		/* of a stream */
	size_t used;
	uint64_t done, reported;	/* bytes that are where they belong */
	struct om_file *reads, **reads_end;
};

static void progress(struct output *out, uint64_t bytes, bool always)
{
	out->done += bytes;
	if (!out->sink->progress || (!always && out->done - out->reported < PROGRESS_STEP))
		return;
	out->reported = out->done;
	out->sink->progress(out->sink->ctx, out->done, out->tree->priv->image_size);
}

static enum om_status write_failed(struct output *out, enum om_status status)
{
	struct om_diag *diag = &out->tree->diag;

	om_archive_fail(diag, status, out->at, "cannot write the archive at offset %llu: %s",
			(unsigned long long)out->at, om_status_text(status));
	return status;
}

static enum om_status flush(struct output *out)
{
	size_t used = out->used;
	enum om_status status;

	out->used = 0;
	if (!used)
		return OM_OK;
	status = out->sink->write(out->sink->ctx, out->buffer, used);
	return status == OM_OK ? OM_OK : write_failed(out, status);
}

/* BYTES NULL: zeros. */
static enum om_status put(struct output *out, const void *bytes, uint64_t len)
{
	enum om_status status = OM_OK;
	const uint8_t *from = bytes;
	uint8_t *to;
	size_t part;

	while (len && status == OM_OK) {
		part = len > READ_STEP ? READ_STEP : (size_t)len;
		if (out->sink->base) {
			to = out->sink->base + out->at;
		} else if (from && part >= OM_STREAM_BYTES) {
			/* Large and in memory: no need to collect it first. */
			status = flush(out);
			if (status == OM_OK)
				status = out->sink->write(out->sink->ctx, from, part);
			if (status != OM_OK)
				return write_failed(out, status);
			to = NULL;
		} else {
			if (out->used == OM_STREAM_BYTES)
				status = flush(out);
			if (part > OM_STREAM_BYTES - out->used)
				part = OM_STREAM_BYTES - out->used;
			to = out->buffer + out->used;
			out->used += part;
		}
		if (to && from)
			memcpy(to, from, part);
		else if (to)
			memset(to, 0, part);
		from = from ? from + part : NULL;
		out->at += part;
		len -= part;
		progress(out, part, false);
	}
	return status;
}

static enum om_status put_to(struct output *out, uint64_t place)
{
	return put(out, NULL, place - out->at);
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += bytes[i];
	return sum;
}

static enum om_status data_failed(struct output *out, const struct om_file *file,
				  enum om_status status, const char *what)
{
	struct om_str path = om_node_path(out->tree, file->last_name);

	return om_tree_fail(out->tree, status, file->data_layer, path, "%s", what);
}

static enum om_status check_sum(struct output *out, const struct om_file *file, uint32_t sum)
{
	if (!file->has_checksum || file->checksum == sum)
		return OM_OK;
	return data_failed(out, file, OM_CHECKSUM,
			   "the checksum in its header does not match its data");
}

/*
 * Small files that lie close together are read at once.  Gives the last file of the run that
 * begins with FIRST; *ret_end is where its data end.
 */
static struct om_file *end_of_run(struct om_file *first, uint64_t *ret_end)
{
	struct om_file *last = first, *next;

	*ret_end = first->data_offset + first->size;
	for (next = first->next_read; next; next = next->next_read) {
		/* In the order of their offsets; two may be of the same data. */
		if (next->source != first->source ||
		    next->data_offset + next->size > first->data_offset + OM_STREAM_BYTES)
			break;
		if (next->data_offset + next->size > *ret_end)
			*ret_end = next->data_offset + next->size;
		last = next;
	}
	return last;
}

static enum om_status read_run(struct output *out, struct om_file *first,
			       const struct om_file *last, uint64_t end)
{
	const struct om_mem *mem = out->tree->arena.mem;
	const struct om_source *source = first->source;
	struct om_file *file = first;
	enum om_status status;
	const uint8_t *from;
	uint8_t *to;

	if (!out->buffer)
		out->buffer = mem->alloc(mem->ctx, OM_STREAM_BYTES);
	if (!out->buffer)
		return om_tree_no_memory(out->tree);
	status = source->read_at(source->ctx, first->data_offset, out->buffer,
				 (size_t)(end - first->data_offset));
	if (status != OM_OK)
		return data_failed(out, first, status, "cannot read its data");
	for (;; file = file->next_read) {
		from = out->buffer + (file->data_offset - first->data_offset);
		to = out->sink->base + file->last_name->data_place;
		memcpy(to, from, (size_t)file->size);
		progress(out, file->size, false);
		if (file->has_checksum)
			status = check_sum(out, file, sum_bytes(0, to, (size_t)file->size));
		if (status != OM_OK || file == last)
			return status;
	}
}

/* Straight to where it ends up. */
static enum om_status read_file(struct output *out, const struct om_file *file)
{
	uint8_t *to = out->sink->base + file->last_name->data_place;
	enum om_status status;
	uint32_t sum = 0;
	uint64_t done;
	size_t part;

	for (done = 0; done < file->size; done += part) {
		part = file->size - done > READ_STEP ? READ_STEP : (size_t)(file->size - done);
		status = file->source->read_at(file->source->ctx, file->data_offset + done,
					       to + done, part);
		if (status != OM_OK)
			return data_failed(out, file, status, "cannot read its data");
		if (file->has_checksum)
			sum = sum_bytes(sum, to + done, part);
		progress(out, part, false);
	}
	return check_sum(out, file, sum);
}

/* Through the buffer of the stream. */
static enum om_status stream_file(struct output *out, const struct om_file *file)
{
	enum om_status status;
	uint32_t sum = 0;
	uint64_t done;
	size_t part;

	for (done = 0; done < file->size; done += part) {
		if (out->used == OM_STREAM_BYTES) {
			status = flush(out);
			if (status != OM_OK)
				return status;
		}
		part = OM_STREAM_BYTES - out->used;
		if (part > file->size - done)
			part = (size_t)(file->size - done);
		status = file->source->read_at(file->source->ctx, file->data_offset + done,
					       out->buffer + out->used, part);
		if (status != OM_OK)
			return data_failed(out, file, status, "cannot read its data");
		if (file->has_checksum)
			sum = sum_bytes(sum, out->buffer + out->used, part);
		out->used += part;
		out->at += part;
		progress(out, part, false);
	}
	return check_sum(out, file, sum);
}

static enum om_status put_data(struct output *out, const struct om_node *node)
{
	struct om_file *file = node->file;
	enum om_status status;

	if (om_file_type(file) == OM_S_IFLNK)
		return put(out, file->link.ptr, file->link.len);
	if (om_file_type(file) != OM_S_IFREG || file->last_name != node || !file->size)
		return OM_OK;
	if (file->bytes) {
		status = file->has_checksum ?
			 check_sum(out, file, sum_bytes(0, file->bytes, (size_t)file->size)) : OM_OK;
		return status == OM_OK ? put(out, file->bytes, file->size) : status;
	}
	if (!out->sink->base)
		return stream_file(out, file);
	*out->reads_end = file;
	out->reads_end = &file->next_read;
	file->next_read = NULL;
	out->at += file->size;
	return OM_OK;
}

/* newc has 32 unsigned bits for a time. */
static uint32_t clamp_time(const struct om_tree *tree, int64_t mtime)
{
	if (mtime > tree->options.source_date_epoch)
		mtime = tree->options.source_date_epoch;
	if (mtime < 0)
		return 0;
	return mtime > UINT32_MAX ? UINT32_MAX : (uint32_t)mtime;
}

/* NODE NULL: a header of no inode, for fillers and the trailer. */
static enum om_status put_header(struct output *out, const struct om_file *file,
				 const struct om_node *node, uint32_t name_size,
				 uint64_t data_size)
{
	const uint32_t fields[F_COUNT] = {
		[F_INO] = node ? node->ino : 0,
		[F_MODE] = file->mode,
		[F_UID] = file->uid,
		[F_GID] = file->gid,
		[F_NLINK] = node ? node->nlink : 1,
		[F_MTIME] = clamp_time(out->tree, file->mtime),
		[F_SIZE] = (uint32_t)data_size,
		[F_RDEV_MAJOR] = file->rdev_major,
		[F_RDEV_MINOR] = file->rdev_minor,
		[F_NAME_SIZE] = name_size,
	};
	uint8_t header[OM_NEWC_HEADER];
	uint32_t i;

	memcpy(header, "070701", OM_NEWC_MAGIC);
	for (i = 0; i < F_COUNT; i++)
		om_newc_put(header + OM_NEWC_MAGIC + OM_NEWC_DIGITS * i, fields[i]);
	return put(out, header, sizeof(header));
}

/* PATH, filled up with NULs, to the next multiple of four. */
static enum om_status put_name(struct output *out, struct om_str path, uint32_t name_size)
{
	uint64_t end = om_align_up(out->at + name_size, 4);
	enum om_status status = put(out, path.ptr, path.len);

	return status == OM_OK ? put_to(out, end) : status;
}

static enum om_status put_node(struct output *out, const struct om_node *node)
{
	enum om_status status = put_to(out, node->header_place);

	if (status == OM_OK && node->filler_size) {
		/* With root's inode libarchive would take it for a second name of the root. */
		status = put_header(out, out->tree->root->file, NULL, node->filler_size, 0);
		if (status == OM_OK)
			status = put_name(out, OM_STR("."), node->filler_size);
	}
	if (status == OM_OK)
		status = put_header(out, node->file, node, node->name_size,
				    om_node_data_size(node));
	if (status == OM_OK)
		status = put_name(out, om_node_path(out->tree, node), node->name_size);
	if (status == OM_OK)
		status = put_data(out, node);
	return status;
}

static enum om_status put_trailer(struct output *out)
{
	static const struct om_file none;
	struct om_str name = OM_STR(OM_NEWC_TRAILER);
	enum om_status status = put_to(out, om_align_up(out->at, 4));

	if (status == OM_OK)
		status = put_header(out, &none, NULL, (uint32_t)name.len + 1, 0);
	if (status == OM_OK)
		status = put(out, name.ptr, name.len);
	if (status == OM_OK)
		status = put_to(out, out->tree->priv->image_size);
	return status;
}

static bool read_before(const void *a, const void *b)
{
	const struct om_file *x = a, *y = b;

	if (x->source_order != y->source_order)
		return x->source_order < y->source_order;
	return x->data_offset < y->data_offset;
}

static enum om_status read_all(struct output *out)
{
	struct om_file *file, *last;
	enum om_status status = OM_OK;
	uint64_t end;

	file = om_list_sort(out->reads, offsetof(struct om_file, next_read), read_before);
	for (; file && status == OM_OK; file = last->next_read) {
		last = end_of_run(file, &end);
		status = last == file ? read_file(out, file) : read_run(out, file, last, end);
	}
	return status;
}

static enum om_status write_all(struct output *out)
{
	enum om_status status = OM_OK;
	const struct om_node *node;

	for (node = out->tree->root; node && status == OM_OK; node = om_node_next(node))
		status = put_node(out, node);
	if (status == OM_OK)
		status = put_trailer(out);
	if (status == OM_OK && !out->sink->base)
		status = flush(out);
	if (status == OM_OK)
		status = read_all(out);
	if (status == OM_OK)
		progress(out, 0, true);
	return status;
}

enum om_status om_image_write(struct om_tree *tree, const struct om_image_sink *sink)
{
	const struct om_mem *mem = tree->arena.mem;
	struct output out = { .tree = tree, .sink = sink };
	enum om_status status;

	out.reads_end = &out.reads;
	if (!tree->priv->image_size || (!sink->base && !sink->write))
		return OM_MISUSE;
	if (sink->base && sink->size < tree->priv->image_size)
		return OM_TOO_SMALL;
	if (!sink->base) {
		out.buffer = mem->alloc(mem->ctx, OM_STREAM_BYTES);
		if (!out.buffer)
			return om_tree_no_memory(tree);
	}
	status = write_all(&out);
	if (out.buffer)
		mem->free(mem->ctx, out.buffer, OM_STREAM_BYTES);
	return status;
}
