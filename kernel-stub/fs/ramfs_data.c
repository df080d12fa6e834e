/* SPDX-License-Identifier: MIT */
/* Contents of files of a ramfs: pages of their own over data in place in the archive. */
#include "ramfs.h"

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* The slot of page INDEX; NULL when the tree does not reach it (or, with MAKE, no memory). */
static void **slot_of(struct ramfs_inode *ri, uint64_t index, bool make)
{
	void ***leaf;

	if (index == 0)
		return &ri->first;
	if (index >= (uint64_t)RAMFS_FANOUT * RAMFS_FANOUT)
		return NULL;
	if (!ri->tree && make)
		ri->tree = page_alloc();
	if (!ri->tree)
		return NULL;
	leaf = (void ***)&ri->tree[index / RAMFS_FANOUT];
	if (!*leaf && make)
		*leaf = page_alloc();
	return *leaf ? &(*leaf)[index % RAMFS_FANOUT] : NULL;
}

static void account(struct inode *inode, int64_t pages)
{
	inode->sb->data_pages += (uint64_t)pages;
	inode->blocks += (uint64_t)pages * (PAGE_SIZE / 512);
}

/* Where the bytes at POS are, and how many follow there: NULL for zeros. */
static const uint8_t *data_at(struct inode *inode, uint64_t pos, size_t *ret_len)
{
	struct ramfs_inode *ri = ramfs_i(inode);
	void **slot = slot_of(ri, pos / PAGE_SIZE, false);
	size_t len = PAGE_SIZE - pos % PAGE_SIZE;

	*ret_len = len;
	if (slot && *slot)
		return (uint8_t *)*slot + pos % PAGE_SIZE;
	if (pos >= ri->in_place_len)
		return NULL;
	if (len > ri->in_place_len - pos)
		*ret_len = (size_t)(ri->in_place_len - pos);
	return ri->in_place->data + pos;
}

/* A page of INODE's own at INDEX, with the contents that were there. */
static int own_page(struct inode *inode, uint64_t index, void **ret_page)
{
	struct ramfs_inode *ri = ramfs_i(inode);
	struct ramfs_sb *rs = inode->sb->private;
	uint64_t pos = index * PAGE_SIZE;
	bool counted = pos < ri->in_place_len;
	void **slot = slot_of(ri, index, true);
	void *page;

	if (!slot)
		return index >= (uint64_t)RAMFS_FANOUT * RAMFS_FANOUT ? -EFBIG : -ENOMEM;
	if (*slot) {
		*ret_page = *slot;
		return 0;
	}
	if (!counted && rs && rs->pages_max && inode->sb->data_pages >= rs->pages_max)
		return -ENOSPC;
	page = page_alloc_file();
	if (!page)
		return -ENOMEM;
	if (counted) {
		uint64_t len = ri->in_place_len - pos;

		memcpy(page, ri->in_place->data + pos, len < PAGE_SIZE ? (size_t)len : PAGE_SIZE);
	} else {
		account(inode, 1);
	}
	*slot = page;
	*ret_page = page;
	return 0;
}

static long ramfs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	long done = 0;

	while (uio->left > 0 && *pos < inode->size) {
		size_t len;
		const uint8_t *data = data_at(inode, *pos, &len);
		long n;

		if (len > inode->size - *pos)
			len = (size_t)(inode->size - *pos);
		n = data ? uio_put(uio, data, len) : uio_zero(uio, len);
		if (n <= 0)
			return done > 0 ? done : n;
		*pos += (uint64_t)n;
		done += n;
	}
	return done;
}

static long ramfs_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	long done = 0;

	while (uio->left > 0) {
		void *page;
		long n = own_page(inode, *pos / PAGE_SIZE, &page);

		if (n == 0)
			n = uio_get(uio, (uint8_t *)page + *pos % PAGE_SIZE,
				    PAGE_SIZE - *pos % PAGE_SIZE);
		if (n <= 0)
			return done > 0 ? done : n;
		*pos += (uint64_t)n;
		done += n;
		if (*pos > inode->size)
			inode->size = *pos;
		inode_touch(inode);
	}
	return done;
}

/* Free the pages from INDEX on. */
static void cut_pages(struct inode *inode, uint64_t index)
{
	struct ramfs_inode *ri = ramfs_i(inode);

	if (index == 0 && ri->first) {
		page_put(ri->first);
		ri->first = NULL;
		if (ri->in_place_len == 0)
			account(inode, -1);
	}
	for (uint64_t i = 0; ri->tree && i < RAMFS_FANOUT; i++) {
		void **leaf = (void **)ri->tree[i];
		bool empty = true;

		for (uint64_t j = 0; leaf && j < RAMFS_FANOUT; j++) {
			uint64_t at = i * RAMFS_FANOUT + j;

			if (at >= index && leaf[j]) {
				page_put(leaf[j]);
				leaf[j] = NULL;
				if (at * PAGE_SIZE >= ri->in_place_len)
					account(inode, -1);
			}
			empty = empty && !leaf[j];
		}
		if (leaf && empty && i * RAMFS_FANOUT >= index) {
			page_put(leaf);
			ri->tree[i] = NULL;
		}
	}
	if (index == 0 && ri->tree) {
		for (uint64_t i = 0; i < RAMFS_FANOUT; i++)
			if (ri->tree[i])
				page_put(ri->tree[i]);
		page_put(ri->tree);
		ri->tree = NULL;
	}
}

int ramfs_truncate(struct inode *inode, uint64_t size)
{
	struct ramfs_inode *ri = ramfs_i(inode);
	uint64_t in_place_len = ri->in_place_len;
	void **slot;

	if (size > RAMFS_SIZE_MAX)
		return -EFBIG;
	if (size < inode->size) {
		slot = slot_of(ri, size / PAGE_SIZE, false);
		if (slot && *slot && size % PAGE_SIZE)
			memset((uint8_t *)*slot + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
		/* A page of our own over data in place was counted with the data. */
		cut_pages(inode, pages_of(size));
		if (size < in_place_len) {
			account(inode, -(int64_t)(pages_of(in_place_len) - pages_of(size)));
			ri->in_place_len = size;
			if (size == 0)
				ramfs_in_place_release(ri->in_place);
			if (size == 0)
				ri->in_place = NULL;
		}
	}
	inode->size = size;
	inode_touch(inode);
	return 0;
}

void ramfs_data_free(struct inode *inode)
{
	struct ramfs_inode *ri = ramfs_i(inode);

	cut_pages(inode, 0);
	if (ri->in_place_len) {
		account(inode, -(int64_t)pages_of(ri->in_place_len));
		ri->in_place_len = 0;
	}
	if (ri->in_place)
		ramfs_in_place_release(ri->in_place);
	ri->in_place = NULL;
}

int ramfs_map_page(struct inode *inode, uint64_t index, void **ret_page)
{
	struct ramfs_inode *ri = ramfs_i(inode);
	uint64_t pos = index * PAGE_SIZE;
	void **slot = slot_of(ri, index, false);
	void *page;
	int err;

	if (index >= pages_of(inode->size))
		return -ENXIO;
	if (slot && *slot) {
		page = *slot;
	} else if (pos + PAGE_SIZE <= ri->in_place_len &&
		   (uintptr_t)(ri->in_place->data + pos) % PAGE_SIZE == 0) {
		page = ri->in_place->data + pos;
	} else {
		/* Ends inside the page, or is not aligned: what follows in the archive is not ours. */
		err = own_page(inode, index, &page);
		if (err < 0)
			return err;
	}
	page_get(page);
	*ret_page = page;
	return 0;
}

bool ramfs_in_place(struct inode *inode, void **ret_data)
{
	struct ramfs_inode *ri;

	if (inode->sb->ops != &ramfs_super_ops || !S_ISREG(inode->mode))
		return false;
	ri = ramfs_i(inode);
	if (!ri->in_place || ri->in_place_len != inode->size || ri->first || ri->tree)
		return false;
	*ret_data = ri->in_place->data;
	return true;
}

const struct inode_ops ramfs_file_inode_ops = {
	.truncate = ramfs_truncate,
	.map_page = ramfs_map_page,
};

const struct file_ops ramfs_file_ops = {
	.read = ramfs_read,
	.write = ramfs_write,
};
