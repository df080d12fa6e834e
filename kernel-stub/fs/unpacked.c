/* SPDX-License-Identifier: MIT */
/* The blocks that were unpacked last; see unpacked.h. */
#include "unpacked.h"
#include "device_read.h"

/* Of all mounted file systems: emptied when memory is short. */
static struct unpacked_cache *caches;

static unsigned order_of(size_t len)
{
	unsigned order = 0;

	while ((size_t)PAGE_SIZE << order < len)
		order++;
	return order;
}

static size_t footprint(const struct unpacked *block)
{
	return (size_t)PAGE_SIZE << block->order;
}

static struct unpacked *block_new(const struct packed *packed)
{
	struct unpacked *block = kzalloc(sizeof(*block));

	if (!block)
		return NULL;
	block->at = packed->at;
	block->order = order_of(packed->room);
	block->bytes = pages_alloc(block->order);
	block->users = 1;
	list_init(&block->list);
	if (!block->bytes) {
		kfree(block);
		return NULL;
	}
	return block;
}

static void block_free(struct unpacked *block)
{
	list_del(&block->list);
	pages_free(block->bytes, block->order);
	kfree(block);
}

static int block_fill(struct unpacked *block, struct block_device *bdev,
		      const struct packed *packed)
{
	unsigned order = order_of(packed->len);
	size_t skip = 0;
	uint8_t *bytes;
	int err;

	if (packed->len == 0 || !device_has(bdev, packed->at, packed->len))
		return -EIO;
	if (packed->raw) {
		block->len = packed->len;
		return packed->len <= packed->room ?
		       block_read(bdev, packed->at, block->bytes, packed->len) : -EIO;
	}
	bytes = pages_alloc(order);
	if (!bytes)
		return -ENOMEM;
	err = block_read(bdev, packed->at, bytes, packed->len);
	while (err == 0 && packed->padded && skip < packed->len && bytes[skip] == 0)
		skip++;
	if (err == 0)
		err = decompress_block(packed->codec, bytes + skip, packed->len - skip,
				       block->bytes, packed->room, &block->len);
	pages_free(bytes, order);
	return err;
}

void unpacked_init(struct unpacked_cache *cache, size_t idle_max)
{
	list_init(&cache->blocks);
	cache->idle = 0;
	cache->idle_max = idle_max;
	cache->next = caches;
	caches = cache;
}

void unpacked_free(struct unpacked_cache *cache)
{
	struct unpacked_cache **link = &caches;

	while (*link != cache)
		link = &(*link)->next;
	*link = cache->next;
	while (!list_empty(&cache->blocks)) {
		struct unpacked *block = list_entry(cache->blocks.next, struct unpacked, list);

		BUG_ON(block->users != 0);
		block_free(block);
	}
}

static struct unpacked *find(struct unpacked_cache *cache, uint64_t at)
{
	struct list *pos;

	list_for_each(pos, &cache->blocks) {
		struct unpacked *block = list_entry(pos, struct unpacked, list);

		if (block->at == at)
			return block;
	}
	return NULL;
}

int unpacked_get(struct unpacked_cache *cache, struct block_device *bdev,
		 const struct packed *packed, struct unpacked **ret_block)
{
	struct unpacked *block = find(cache, packed->at);
	int err;

	if (block) {
		if (block->users++ == 0)
			cache->idle -= footprint(block);
		list_del(&block->list);
	} else {
		block = block_new(packed);
		if (!block)
			return -ENOMEM;
		err = block_fill(block, bdev, packed);
		if (err < 0) {
			block_free(block);
			return err;
		}
	}
	list_add(&block->list, &cache->blocks);
	*ret_block = block;
	return 0;
}

/* Oldest first, but never one that is in use, and none from LAST on. */
static void shrink(struct unpacked_cache *cache, size_t idle_max, const struct list *last)
{
	struct list *pos = cache->blocks.prev;

	while (cache->idle > idle_max && pos != last) {
		struct unpacked *block = list_entry(pos, struct unpacked, list);

		pos = pos->prev;
		if (block->users == 0) {
			cache->idle -= footprint(block);
			block_free(block);
		}
	}
}

void unpacked_put(struct unpacked_cache *cache, struct unpacked *block)
{
	BUG_ON(block->users == 0);
	if (--block->users > 0)
		return;
	cache->idle += footprint(block);
	shrink(cache, cache->idle_max, cache->blocks.next);
}

void unpacked_forget(void)
{
	struct unpacked_cache *cache;

	for (cache = caches; cache; cache = cache->next)
		shrink(cache, 0, &cache->blocks);
}
