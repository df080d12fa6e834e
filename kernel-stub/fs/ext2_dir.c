/* SPDX-License-Identifier: MIT */
/*
 * ext2: directories, a linear list of entries in each block.
 *
 * A block is checked as a whole when it is read; what comes after trusts it.  Changes are
 * written as one piece, so that an entry is there or not, never half.
 */
#include "ext2.h"

#define HEAD sizeof(struct ext2_dirent)

/* Bytes that an entry with a name of LEN needs. */
static uint32_t entry_size(size_t len)
{
	return (uint32_t)((HEAD + len + 3) & ~(size_t)3);
}

static struct ext2_dirent *entry_at(void *buffer, uint32_t offset)
{
	return (struct ext2_dirent *)(void *)((uint8_t *)buffer + offset);
}

static const char *name_of(const struct ext2_dirent *entry)
{
	return (const char *)entry + HEAD;
}

static bool is_dots(const struct ext2_dirent *entry)
{
	const char *name = name_of(entry);

	return entry->name_len > 0 && entry->name_len <= 2 && name[0] == '.' &&
	       name[entry->name_len - 1] == '.';
}

static uint32_t blocks_of(const struct inode *dir)
{
	return (uint32_t)(dir->size / ext2_sb(dir->sb)->blocksize);
}

uint8_t ext2_dir_type(const struct super_block *sb, uint32_t mode)
{
	static const uint8_t types[16] = {
		[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3,
		[S_IFBLK >> 12] = 4, [S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6,
		[S_IFLNK >> 12] = 7,
	};

	return ext2_sb(sb)->filetype ? types[(mode & S_IFMT) >> 12] : 0;
}

/* 0 when the file system does not tell. */
static unsigned mode_of(const struct super_block *sb, uint8_t type)
{
	static const uint32_t modes[8] = {
		0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK,
	};

	return ext2_sb(sb)->filetype && type < 8 ? modes[type] : 0;
}

static int check_block(struct inode *dir, uint32_t logical, void *buffer)
{
	const struct ext2_sb *es = ext2_sb(dir->sb);
	const char *what = NULL;
	uint32_t offset = 0;

	while (offset < es->blocksize && !what) {
		const struct ext2_dirent *entry = entry_at(buffer, offset);

		if (es->blocksize - offset < entry_size(1) || entry->rec_len < entry_size(1))
			what = "an entry is too short";
		else if (entry->rec_len % 4 != 0)
			what = "the length of an entry is no multiple of 4";
		else if (entry->rec_len > es->blocksize - offset)
			what = "an entry reaches into the next block";
		else if (entry_size(entry->name_len) > entry->rec_len)
			what = "a name is longer than its entry";
		else if (entry->ino > es->disk.inodes_count)
			what = "an entry names an inode that does not exist";
		else if (entry->ino != 0 && entry->name_len == 0)
			what = "an entry has no name";
		else
			offset += entry->rec_len;
	}
	if (!what)
		return 0;
	return ext2_error(dir->sb, "directory %u, block %u, byte %u: %s", (unsigned)dir->ino,
			  logical, offset, what);
}

/* Block LOGICAL of DIR into BUFFER (a page), checked; *RET_BLOCK is where it lies. */
static int read_block(struct inode *dir, uint32_t logical, void *buffer, uint32_t *ret_block)
{
	uint32_t block, count;
	int err = ext2_map(dir, logical, 1, &block, &count);

	if (err < 0)
		return err;
	if (block == 0)
		return ext2_error(dir->sb, "directory %u has no block %u", (unsigned)dir->ino,
				  logical);
	err = ext2_block_read(dir->sb, block, 0, buffer, ext2_sb(dir->sb)->blocksize);
	if (err == 0)
		err = check_block(dir, logical, buffer);
	if (err == 0)
		*ret_block = block;
	return err;
}

/* -- searching ---------------------------------------------------------------------------------- */

static bool find_in_block(void *buffer, uint32_t size, const char *name, size_t len,
			  struct ext2_slot *slot)
{
	uint32_t before = 0;

	for (uint32_t offset = 0; offset < size; offset += entry_at(buffer, offset)->rec_len) {
		const struct ext2_dirent *entry = entry_at(buffer, offset);

		if (entry->ino != 0 && entry->name_len == len &&
		    memcmp(name_of(entry), name, len) == 0) {
			slot->offset = offset;
			slot->before = before;
			slot->before_len = entry_at(buffer, before)->rec_len;
			slot->ino = entry->ino;
			slot->rec_len = entry->rec_len;
			slot->type = entry->type;
			return true;
		}
		before = offset;
	}
	return false;
}

int ext2_dir_find(struct inode *dir, const char *name, size_t len, struct ext2_slot *ret_slot)
{
	uint32_t blocks = blocks_of(dir), logical = ext2_i(dir)->last_found;
	void *buffer = page_alloc();
	int err = -ENOENT;

	if (!buffer)
		return -ENOMEM;
	/* Names are mostly asked for in the order in which they are listed. */
	for (uint32_t i = 0; i < blocks && err == -ENOENT; i++, logical++) {
		struct ext2_slot slot;
		int one;

		logical = logical < blocks ? logical : 0;
		one = read_block(dir, logical, buffer, &slot.block);

		if (one < 0) {
			err = one;
		} else if (find_in_block(buffer, ext2_sb(dir->sb)->blocksize, name, len, &slot)) {
			*ret_slot = slot;
			ext2_i(dir)->last_found = logical;
			err = 0;
		}
	}
	page_put(buffer);
	return err;
}

int ext2_dir_empty(struct inode *dir)
{
	uint32_t blocks = blocks_of(dir), block, size = ext2_sb(dir->sb)->blocksize;
	void *buffer = page_alloc();
	int err = 0;

	if (!buffer)
		return -ENOMEM;
	for (uint32_t i = 0; i < blocks && err == 0; i++) {
		err = read_block(dir, i, buffer, &block);
		for (uint32_t at = 0; err == 0 && at < size; at += entry_at(buffer, at)->rec_len)
			if (entry_at(buffer, at)->ino != 0 && !is_dots(entry_at(buffer, at)))
				err = -ENOTEMPTY;
	}
	page_put(buffer);
	return err;
}

/* -- changing ----------------------------------------------------------------------------------- */

static void make_entry(struct ext2_dirent *entry, uint32_t rec_len, const char *name, size_t len,
		       uint32_t ino, uint8_t type)
{
	entry->ino = ino;
	entry->rec_len = (uint16_t)rec_len;
	entry->name_len = (uint8_t)len;
	entry->type = type;
	memcpy((char *)entry + HEAD, name, len);
}

/* Make room for NEED bytes in the block: the entry to write from, and where the new one goes. */
static bool find_room(void *buffer, uint32_t size, uint32_t need, uint32_t *ret_from,
		      uint32_t *ret_at)
{
	for (uint32_t offset = 0; offset < size; offset += entry_at(buffer, offset)->rec_len) {
		struct ext2_dirent *entry = entry_at(buffer, offset);
		uint32_t used = entry->ino ? entry_size(entry->name_len) : 0;

		if (entry->rec_len < used + need)
			continue;
		*ret_from = offset;
		*ret_at = offset + used;
		if (used) {
			entry_at(buffer, offset + used)->rec_len = (uint16_t)(entry->rec_len - used);
			entry->rec_len = (uint16_t)used;
		}
		return true;
	}
	return false;
}

static int add_in_blocks(struct inode *dir, void *buffer, const char *name, size_t len,
			 uint32_t ino, uint8_t type)
{
	uint32_t blocks = blocks_of(dir), size = ext2_sb(dir->sb)->blocksize;
	uint32_t block, from, at;

	for (uint32_t i = 0; i < blocks; i++) {
		struct ext2_dirent *entry;
		int err = read_block(dir, i, buffer, &block);

		if (err < 0)
			return err;
		if (!find_room(buffer, size, entry_size(len), &from, &at))
			continue;
		entry = entry_at(buffer, at);
		make_entry(entry, entry->rec_len, name, len, ino, type);
		return ext2_block_write(dir->sb, block, from, (uint8_t *)buffer + from,
					at - from + entry_size(len));
	}
	return -ENOSPC;
}

int ext2_dir_add(struct inode *dir, const char *name, size_t len, uint32_t ino, uint32_t mode)
{
	uint8_t type = ext2_dir_type(dir->sb, mode);
	uint32_t size = ext2_sb(dir->sb)->blocksize, blocks = blocks_of(dir);
	void *buffer = page_alloc();
	int err;

	if (!buffer)
		return -ENOMEM;
	err = add_in_blocks(dir, buffer, name, len, ino, type);
	if (err == -ENOSPC) {
		memset(buffer, 0, size);
		make_entry(buffer, size, name, len, ino, type);
		err = dir->size > UINT32_MAX - size ? -ENOSPC : ext2_map_new(dir, blocks, buffer);
		if (err == 0)
			dir->size = (uint64_t)(blocks + 1) * size;
	}
	page_put(buffer);
	if (err < 0)
		return err;
	/* A hash tree over the blocks knows nothing of this entry: it ends here. */
	ext2_i(dir)->flags &= ~EXT2_INDEX_FL;
	inode_touch(dir);
	ext2_inode_changed(dir);
	return 0;
}

int ext2_dir_remove(struct inode *dir, const struct ext2_slot *slot)
{
	const uint32_t unused = 0;
	uint16_t merged = (uint16_t)(slot->before_len + slot->rec_len);
	int err;

	/* The entry before it takes the room; the first one of a block is only marked. */
	if (slot->before != slot->offset)
		err = ext2_block_write(dir->sb, slot->block,
				       slot->before + offsetof(struct ext2_dirent, rec_len), &merged,
				       sizeof(merged));
	else
		err = ext2_block_write(dir->sb, slot->block, slot->offset, &unused, sizeof(unused));
	if (err < 0)
		return err;
	inode_touch(dir);
	ext2_inode_changed(dir);
	return 0;
}

int ext2_dir_set(struct inode *dir, const struct ext2_slot *slot, uint32_t ino, uint8_t type)
{
	struct ext2_dirent entry;
	int err = ext2_block_read(dir->sb, slot->block, slot->offset, &entry, HEAD);

	if (err < 0)
		return err;
	entry.ino = ino;
	entry.type = type;
	err = ext2_block_write(dir->sb, slot->block, slot->offset, &entry, HEAD);
	if (err < 0)
		return err;
	inode_touch(dir);
	ext2_inode_changed(dir);
	return 0;
}

int ext2_dir_init(struct inode *dir, uint32_t parent)
{
	uint32_t size = ext2_sb(dir->sb)->blocksize;
	uint8_t type = ext2_dir_type(dir->sb, S_IFDIR);
	uint8_t *buffer = page_alloc();
	int err;

	if (!buffer)
		return -ENOMEM;
	make_entry(entry_at(buffer, 0), entry_size(1), ".", 1, (uint32_t)dir->ino, type);
	make_entry(entry_at(buffer, entry_size(1)), size - entry_size(1), "..", 2, parent, type);
	err = ext2_map_new(dir, 0, buffer);
	page_put(buffer);
	if (err == 0) {
		dir->size = size;
		err = ext2_inode_write(dir);
	}
	return err;
}

/* -- listing ------------------------------------------------------------------------------------ */

/* The entries of one block from byte FROM of it on; 1 = the sink is full. */
static int list_block(struct file *file, uint32_t logical, uint32_t from, void *buffer,
		      struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	uint32_t size = ext2_sb(dir->sb)->blocksize, block;
	int err = read_block(dir, logical, buffer, &block);

	if (err < 0)
		return err;
	/* From the start of the block: nobody vouches for the position that a program gave. */
	for (uint32_t at = 0; at < size; at += entry_at(buffer, at)->rec_len) {
		const struct ext2_dirent *entry = entry_at(buffer, at);
		uint64_t next = (uint64_t)logical * size + at + entry->rec_len;

		if (at < from)
			continue;
		if (entry->ino != 0 &&
		    sink->entry(sink, name_of(entry), entry->name_len, entry->ino,
				mode_of(dir->sb, entry->type), next))
			return 1;
		file->pos = next;
	}
	return 0;
}

static int ext2_readdir(struct file *file, struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	uint32_t size = ext2_sb(dir->sb)->blocksize;
	void *buffer = page_alloc();
	int err = 0;

	if (!buffer)
		return -ENOMEM;
	while (err == 0 && file->pos / size < blocks_of(dir)) {
		uint32_t logical = (uint32_t)(file->pos / size);

		err = list_block(file, logical, (uint32_t)(file->pos % size), buffer, sink);
		if (err == 0)
			file->pos = (uint64_t)(logical + 1) * size;
	}
	page_put(buffer);
	return err < 0 ? err : 0;
}

const struct file_ops ext2_dir_file_ops = {
	.readdir = ext2_readdir,
	.fsync = ext2_fsync,
};
