/* SPDX-License-Identifier: MIT */
/*
 * erofs: directories.  Each block holds entries of 12 bytes and, behind them, their names; names
 * are sorted over all blocks, . and .. among them.
 */
#include "erofs.h"

#define ENTRY_SIZE 12u

/* One block of a directory, in memory. */
struct dir_block {
	struct inode *dir;
	uint8_t *bytes;			/* a page */
	uint32_t index, len, count;
};

struct entry {
	uint64_t nid;
	unsigned type;			/* S_IFMT of a mode, or 0 */
	const char *name;
	size_t len;
};

static int broken(const struct dir_block *block, const char *what)
{
	return erofs_broken(block->dir->sb, erofs_inode(block->dir)->tail, what);
}

static uint32_t block_count(const struct inode *dir)
{
	uint64_t count = (dir->size + erofs_sb(dir->sb)->block_size - 1) >>
			 erofs_sb(dir->sb)->block_log;

	return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* Number INDEX, unless BLOCK has it already. */
static int block_load(struct dir_block *block, uint32_t index)
{
	struct erofs_sb *es = erofs_sb(block->dir->sb);
	uint64_t pos = (uint64_t)index << es->block_log, left = block->dir->size - pos;
	struct uio uio = uio_kernel(block->bytes,
				    left < es->block_size ? (size_t)left : es->block_size);
	uint32_t first;
	long n;

	if (block->len > 0 && block->index == index)
		return 0;
	block->len = 0;
	n = erofs_read_bytes(block->dir, &uio, &pos);
	if (n < 0)
		return (int)n;
	if (uio.left > 0 || n < (long)ENTRY_SIZE)
		return broken(block, "a directory is cut off");
	first = om_get_le16(block->bytes + 8);
	if (first < ENTRY_SIZE || first % ENTRY_SIZE != 0 || first >= (uint32_t)n)
		return broken(block, "a block of a directory without names");
	block->count = first / ENTRY_SIZE;
	block->index = index;
	block->len = (uint32_t)n;
	return 0;
}

static int block_entry(const struct dir_block *block, uint32_t number, struct entry *ret)
{
	static const uint32_t types[] = { 0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK,
					  S_IFLNK };
	const uint8_t *raw = block->bytes + number * ENTRY_SIZE;
	uint32_t start = om_get_le16(raw + 8), end = block->len;

	if (number + 1 < block->count)
		end = om_get_le16(raw + ENTRY_SIZE + 8);
	if (start < block->count * ENTRY_SIZE || end > block->len || start >= end)
		return broken(block, "the names of a directory overlap");
	ret->nid = om_get_le64(raw);
	ret->type = raw[10] < sizeof(types) / sizeof(types[0]) ? types[raw[10]] : 0;
	ret->name = (const char *)block->bytes + start;
	ret->len = end - start;
	/* The last one may be followed by zeros. */
	if (number + 1 == block->count)
		for (ret->len = 0; start + ret->len < end && ret->name[ret->len];)
			ret->len++;
	if (ret->len == 0 || ret->len > NAME_MAX)
		return broken(block, "a name of no or too many bytes");
	return 0;
}

static int compare(const struct entry *entry, const char *name, size_t len)
{
	int order = memcmp(entry->name, name, entry->len < len ? entry->len : len);

	return order != 0 ? order : entry->len < len ? -1 : entry->len > len;
}

/* The last block whose first name is not behind NAME. */
static int find_block(struct dir_block *block, const char *name, size_t len)
{
	uint32_t low = 0, high = block_count(block->dir);
	struct entry entry;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		int err = block_load(block, middle);

		if (err == 0)
			err = block_entry(block, 0, &entry);
		if (err < 0)
			return err;
		if (compare(&entry, name, len) <= 0)
			low = middle;
		else
			high = middle;
	}
	return block_load(block, low);
}

/* 1 when it is there, 0 when not. */
static int find(struct dir_block *block, const char *name, size_t len, uint64_t *ret_nid)
{
	struct entry entry;
	int err;

	if (block->dir->size == 0)
		return 0;
	err = find_block(block, name, len);
	for (uint32_t i = 0; err == 0 && i < block->count; i++) {
		err = block_entry(block, i, &entry);
		if (err == 0 && compare(&entry, name, len) == 0) {
			*ret_nid = entry.nid;
			return 1;
		}
	}
	return err;
}

static int erofs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct dir_block block = { .dir = dir, .bytes = page_alloc() };
	struct inode *inode;
	uint64_t nid = 0;
	int err;

	if (!block.bytes)
		return -ENOMEM;
	err = find(&block, dentry->name, dentry->len, &nid);
	if (err > 0) {
		err = erofs_iget(dir->sb, nid, &inode);
		if (err == 0)
			d_instantiate(dentry, inode);
	}
	page_put(block.bytes);
	return err;
}

static bool is_dots(const struct entry *entry)
{
	return entry->name[0] == '.' &&
	       (entry->len == 1 || (entry->len == 2 && entry->name[1] == '.'));
}

/* A position is 2 more than an entry's block, times the block's size, and its number there. */
static int read_entries(struct dir_block *block, uint64_t *pos, struct dir_sink *sink)
{
	unsigned log = erofs_sb(block->dir->sb)->block_log;
	uint64_t index = (*pos - 2) >> log;
	uint32_t number = (uint32_t)(*pos - 2) & ((1u << log) - 1);
	struct entry entry;
	int err = 0;

	for (; index < block_count(block->dir); index++, number = 0) {
		err = block_load(block, (uint32_t)index);
		for (; err == 0 && number < block->count; number++) {
			uint64_t next = (index << log) + number + 3;

			err = block_entry(block, number, &entry);
			if (err < 0 || is_dots(&entry))
				continue;
			if (sink->entry(sink, entry.name, entry.len, entry.nid, entry.type, next))
				return 0;
			*pos = next;
		}
		if (err < 0)
			break;
	}
	return err;
}

static int erofs_readdir(struct file *file, struct dir_sink *sink)
{
	struct dir_block block = { .dir = file->inode };
	int err;

	if (!dir_dots(file, sink))
		return 0;
	block.bytes = page_alloc();
	if (!block.bytes)
		return -ENOMEM;
	err = read_entries(&block, &file->pos, sink);
	page_put(block.bytes);
	return err;
}

const struct inode_ops erofs_dir_ops = { .lookup = erofs_lookup };
const struct file_ops erofs_dir_file_ops = { .readdir = erofs_readdir };
