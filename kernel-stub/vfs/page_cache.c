/* SPDX-License-Identifier: MIT */
/*
 * Pages of files whose file system keeps no data in memory, kept while the inode lives, for
 * mmap and exec.  They are read-only to everybody; a write or a truncation of the file goes
 * through here afterwards, so that a mapping sees it.
 */
#include "internal.h"

#define BUCKETS 32u

struct cached_page {
	struct cached_page *next;
	uint64_t index;
	void *page;
};

struct page_cache {
	struct cached_page *buckets[BUCKETS];
};

static struct cached_page *find(const struct page_cache *cache, uint64_t index)
{
	struct cached_page *entry;

	for (entry = cache->buckets[index % BUCKETS]; entry; entry = entry->next)
		if (entry->index == index)
			return entry;
	return NULL;
}

/* Bytes [FROM, TO) of the page at INDEX, from the file system. */
static int fill(struct file *file, uint64_t index, void *page, uint64_t from, uint64_t to)
{
	uint64_t pos = index * PAGE_SIZE + from;
	struct uio uio = uio_kernel((char *)page + from, (size_t)(to - from));

	while (uio.left > 0) {
		long n = file->ops->read(file, &uio, &pos);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
	}
	return 0;
}

int page_cache_get(struct file *file, uint64_t index, void **ret_page)
{
	struct inode *inode = file->inode;
	struct cached_page *entry;
	void *page;
	int err;

	if (!S_ISREG(inode->mode) || !file->ops || !file->ops->read)
		return -ENODEV;
	if (index >= (inode->size + PAGE_SIZE - 1) / PAGE_SIZE)
		return -ENXIO;
	if (!inode->cache)
		inode->cache = kzalloc(sizeof(*inode->cache));
	if (!inode->cache)
		return -ENOMEM;
	entry = find(inode->cache, index);
	if (entry) {
		page_get(entry->page);
		*ret_page = entry->page;
		return 0;
	}
	page = page_alloc();
	if (!page)
		return -ENOMEM;
	err = fill(file, index, page, 0, PAGE_SIZE);
	if (err < 0)
		goto out_page;
	err = -ENOMEM;
	entry = kmalloc(sizeof(*entry));
	if (!entry)
		goto out_page;
	entry->index = index;
	entry->page = page;
	entry->next = inode->cache->buckets[index % BUCKETS];
	inode->cache->buckets[index % BUCKETS] = entry;
	page_get(page);
	*ret_page = page;
	return 0;
out_page:
	page_put(page);
	return err;
}

void page_cache_update(struct file *file, uint64_t pos, uint64_t len)
{
	struct page_cache *cache = file->inode->cache;
	uint64_t end = pos + len;

	if (!cache)
		return;
	while (pos < end) {
		uint64_t index = pos / PAGE_SIZE;
		uint64_t stop = (index + 1) * PAGE_SIZE < end ? (index + 1) * PAGE_SIZE : end;
		struct cached_page *entry = find(cache, index);

		if (entry)
			(void)fill(file, index, entry->page, pos % PAGE_SIZE, stop - index * PAGE_SIZE);
		pos = stop;
	}
}

void page_cache_cut(struct inode *inode, uint64_t size)
{
	uint64_t keep = (size + PAGE_SIZE - 1) / PAGE_SIZE;

	for (unsigned i = 0; inode->cache && i < BUCKETS; i++) {
		struct cached_page **link = &inode->cache->buckets[i];

		while (*link) {
			struct cached_page *entry = *link;

			if (entry->index >= keep) {
				*link = entry->next;
				page_put(entry->page);
				kfree(entry);
				continue;
			}
			if (entry->index == size / PAGE_SIZE)
				memset((char *)entry->page + size % PAGE_SIZE, 0,
				       PAGE_SIZE - size % PAGE_SIZE);
			link = &entry->next;
		}
	}
}

void page_cache_free(struct inode *inode)
{
	if (!inode->cache)
		return;
	page_cache_cut(inode, 0);
	kfree(inode->cache);
	inode->cache = NULL;
}
