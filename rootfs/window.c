/* SPDX-License-Identifier: MIT */
#include "tree.h"

void om_window_init(struct om_window *window, const struct om_source *source,
		    struct om_arena *arena)
{
	memset(window, 0, sizeof(*window));
	window->source = source;
	window->arena = arena;
	window->next_len = OM_WINDOW_BYTES;
}

/* Room for LEN bytes behind what is kept; a new block when the old one has not enough. */
static enum om_status make_room(struct om_window *window, size_t len)
{
	if (window->kept)
		window->block_used += window->len;
	window->kept = false;
	window->len = 0;
	if (window->block && window->block_size - window->block_used >= len)
		return OM_OK;
	window->block_size = len > OM_WINDOW_BYTES ? len : OM_WINDOW_BYTES;
	if (window->block_size > window->source->size)
		window->block_size = window->source->size;
	window->block_used = 0;
	window->block = om_arena_room(window->arena, window->block_size);
	if (!window->block)
		return OM_NO_MEMORY;
	if (window->keep_total)
		*window->keep_total += window->block_size;
	return OM_OK;
}

/*
 * The next piece starts at OFFSET.  Pieces grow while they follow each other, so that an
 * archive of small files is read in large steps and a jump from one large file to the next
 * header costs a small read.
 */
static enum om_status refill(struct om_window *window, uint64_t offset, size_t len)
{
	uint64_t rest = window->source->size - offset;
	size_t room, want = window->next_len;
	enum om_status status;

	if (window->block && offset > window->offset + window->len)
		want = OM_WINDOW_FIRST;
	window->next_len = want < OM_WINDOW_BYTES / 2 ? want * 2 : OM_WINDOW_BYTES;
	if (want < len)
		want = len;
	if (want > rest)
		want = (size_t)rest;
	status = make_room(window, len);
	if (status != OM_OK)
		return status;
	room = window->block_size - window->block_used;
	if (want > room)
		want = room;
	status = window->source->read_at(window->source->ctx, offset,
					 window->block + window->block_used, want);
	if (status != OM_OK)
		return status;
	window->offset = offset;
	window->len = want;
	return OM_OK;
}

enum om_status om_window_get(struct om_window *window, uint64_t offset, size_t len,
			     const uint8_t **ret_bytes)
{
	enum om_status status;

	if (!om_range_inside(offset, len, window->source->size))
		return OM_TRUNCATED;
	if (window->source->base) {
		*ret_bytes = window->source->base + offset;
		return OM_OK;
	}
	if (offset < window->offset ||
	    !om_range_inside(offset - window->offset, len, window->len)) {
		status = refill(window, offset, len);
		if (status != OM_OK)
			return status;
	}
	*ret_bytes = window->block + window->block_used + (offset - window->offset);
	return OM_OK;
}

enum om_status om_window_keep(struct om_window *window, uint64_t offset, uint64_t len,
			      const uint8_t **ret_bytes)
{
	enum om_status status;

	if (window->source->base) {
		*ret_bytes = window->source->base + offset;
		return OM_OK;
	}
	*ret_bytes = NULL;
	if (len > OM_KEEP_FILE_MAX || !window->keep_total ||
	    *window->keep_total > OM_KEEP_TOTAL_MAX)
		return OM_OK;
	status = om_window_get(window, offset, (size_t)len, ret_bytes);
	if (status == OM_OK)
		window->kept = true;
	return status;
}
