/* SPDX-License-Identifier: MIT */
/*
 * squashfs: directories.  A listing is runs of up to 256 sorted entries, each run behind a header
 * that names the block of their inodes; long ones have an index of some of the headers.
 */
#include "squashfs.h"

#define HEADER_SIZE	12u
#define ENTRY_SIZE	8u
#define INDEX_SIZE	12u
#define RUN_MAX		256u
#define NOT_LISTED	3u	/* the stated size counts . and .. with so many bytes */

/* Where a listing has been read to. */
struct walk {
	struct inode *dir;
	struct squashfs_pos pos;
	uint32_t at, size;		/* bytes before, and of all */
	uint32_t left;			/* entries of the run */
	uint32_t block, number;		/* of the run */
};

struct entry {
	uint32_t at;			/* bytes before it, and before its header if it is a run's first */
	uint32_t number;
	uint64_t ref;
	unsigned type;			/* S_IFMT of a mode; 0: the image does not say anything known */
	size_t len;
	char name[SQUASHFS_NAME_MAX];
};

static int take(struct walk *walk, void *buf, uint32_t len)
{
	if (len > walk->size - walk->at)
		return squashfs_broken(walk->dir->sb, walk->pos.block,
				       "a directory ends within an entry");
	walk->at += len;
	return squashfs_meta_read(walk->dir->sb, &walk->pos, buf, len);
}

static int take_header(struct walk *walk)
{
	uint8_t raw[HEADER_SIZE];
	int err = take(walk, raw, sizeof(raw));

	if (err < 0)
		return err;
	walk->left = om_get_le32(raw) + 1;
	walk->block = om_get_le32(raw + 4);
	walk->number = om_get_le32(raw + 8);
	if (walk->left == 0 || walk->left > RUN_MAX)
		return squashfs_broken(walk->dir->sb, walk->pos.block,
				       "a run of too many directory entries");
	return 0;
}

/* The next entry: 1, 0 at the end, or -errno. */
static int next_entry(struct walk *walk, struct entry *entry)
{
	static const uint32_t types[] = { 0, S_IFDIR, S_IFREG, S_IFLNK, S_IFBLK, S_IFCHR, S_IFIFO,
					  S_IFSOCK };
	uint8_t raw[ENTRY_SIZE];
	unsigned type;
	int err = 0;

	entry->at = walk->at;
	if (walk->left == 0) {
		if (walk->at >= walk->size)
			return 0;
		err = take_header(walk);
	}
	if (err == 0)
		err = take(walk, raw, sizeof(raw));
	if (err < 0)
		return err;
	entry->ref = (uint64_t)walk->block << 16 | om_get_le16(raw);
	entry->number = walk->number + (uint32_t)(int16_t)om_get_le16(raw + 2);
	type = om_get_le16(raw + 4);
	entry->type = type < sizeof(types) / sizeof(types[0]) ? types[type] : 0;
	entry->len = om_get_le16(raw + 6) + 1u;
	if (entry->len > SQUASHFS_NAME_MAX)
		return squashfs_broken(walk->dir->sb, walk->pos.block, "a name that is too long");
	walk->left--;
	err = take(walk, entry->name, (uint32_t)entry->len);
	return err < 0 ? err : 1;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

/* What to look for: a name, or else the entry at a number of bytes. */
struct wanted {
	const char *name;
	size_t len;
	uint64_t at;
};

/* Read one entry of the index; does its run begin at or before what is wanted? */
static int index_entry(struct super_block *sb, struct squashfs_pos *pos,
		       const struct wanted *wanted, uint32_t *ret_at, uint32_t *ret_block)
{
	uint8_t raw[INDEX_SIZE];
	char name[SQUASHFS_NAME_MAX];
	size_t len;
	int err = squashfs_meta_read(sb, pos, raw, sizeof(raw));

	if (err < 0)
		return err;
	*ret_at = om_get_le32(raw);
	*ret_block = om_get_le32(raw + 4);
	len = om_get_le32(raw + 8);
	if (len >= SQUASHFS_NAME_MAX)
		return squashfs_broken(sb, pos->block, "an index with a name that is too long");
	err = squashfs_meta_read(sb, pos, name, ++len);
	if (err < 0)
		return err;
	return wanted->name ? compare(name, len, wanted->name, wanted->len) <= 0 :
	       *ret_at <= wanted->at;
}

/* The start of a run that is not behind what is wanted. */
static int walk_begin(struct inode *dir, const struct wanted *wanted, struct walk *ret)
{
	struct squashfs_inode *si = squashfs_inode(dir);
	struct squashfs_pos index = si->tail;
	struct walk walk = { .dir = dir, .pos = si->listing };

	walk.size = dir->size > NOT_LISTED ? (uint32_t)dir->size - NOT_LISTED : 0;
	for (uint32_t i = 0; i < si->index_count; i++) {
		uint32_t at = 0, block = 0;
		int before = index_entry(dir->sb, &index, wanted, &at, &block);

		if (before < 0)
			return before;
		if (!before)
			break;
		if (at > walk.size)
			return squashfs_broken(dir->sb, index.block, "an index beyond its directory");
		walk.at = at;
		walk.pos.block = squashfs_sb(dir->sb)->dir_table + block;
		walk.pos.offset = (si->listing.offset + at) % SQUASHFS_META_SIZE;
	}
	*ret = walk;
	return 0;
}

static int find(struct inode *dir, const struct wanted *wanted, struct entry *entry)
{
	struct walk walk;
	int order, found = walk_begin(dir, wanted, &walk);

	if (found < 0)
		return found;
	while ((found = next_entry(&walk, entry)) > 0) {
		order = compare(entry->name, entry->len, wanted->name, wanted->len);
		if (order >= 0)
			return order == 0;
	}
	return found;
}

static int squashfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct wanted wanted = { dentry->name, dentry->len, 0 };
	struct entry *entry = kmalloc(sizeof(*entry));
	struct inode *inode;
	int err;

	if (!entry)
		return -ENOMEM;
	err = find(dir, &wanted, entry);
	if (err > 0)
		err = squashfs_iget(dir->sb, entry->ref, entry->number, &inode);
	else if (err == 0)
		inode = NULL;
	if (err == 0 && inode)
		d_instantiate(dentry, inode);
	kfree(entry);
	return err;
}

/* A position is 2 more than the number of bytes before the entry. */
static int read_entries(struct inode *dir, uint64_t *pos, struct dir_sink *sink,
			struct entry *entry)
{
	struct wanted wanted = { .at = *pos - 2 };
	struct walk walk;
	int found = walk_begin(dir, &wanted, &walk);

	if (found < 0)
		return found;
	while ((found = next_entry(&walk, entry)) > 0) {
		/* Nobody vouches for a position that a program gave. */
		if (entry->at < wanted.at)
			continue;
		if (sink->entry(sink, entry->name, entry->len, entry->number, entry->type,
				walk.at + 2ull))
			return 0;
		*pos = walk.at + 2ull;
	}
	return found;
}

static int squashfs_readdir(struct file *file, struct dir_sink *sink)
{
	struct entry *entry;
	int err;

	if (!dir_dots(file, sink))
		return 0;
	entry = kmalloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	err = read_entries(file->inode, &file->pos, sink, entry);
	kfree(entry);
	return err;
}

const struct inode_ops squashfs_dir_ops = { .lookup = squashfs_lookup };
const struct file_ops squashfs_dir_file_ops = { .readdir = squashfs_readdir };
