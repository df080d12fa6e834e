/* SPDX-License-Identifier: MIT */
#ifndef STUB_SQUASHFS_H
#define STUB_SQUASHFS_H
/*
 * squashfs 4.0, read-only.  Inodes, directories and tables lie in metadata blocks of 8 KiB that
 * are packed one by one; contents in data blocks of one size, 4 KiB to 1 MiB, whose ends may
 * share a block, the fragment.  All numbers are little endian.
 *
 * No number of the image is trusted: what is broken gives -EIO and a line in the log.
 */
#include <overmount/bytes.h>

#include "unpacked.h"

#define SQUASHFS_MAGIC		0x73717368u
#define SQUASHFS_META_SIZE	8192u
#define SQUASHFS_NAME_MAX	256u
#define SQUASHFS_NONE		0xffffffffu	/* no fragment */

struct squashfs_sb {
	uint64_t size;			/* nothing lies behind it */
	uint32_t block_size, block_log;
	uint32_t inodes, fragments, ids;
	uint64_t id_table, inode_table, dir_table, fragment_table;
	enum codec codec;
	unsigned complaints;
	struct unpacked_cache meta, data;
};

/* A place in a chain of metadata blocks: where a block lies, and a byte of what it holds. */
struct squashfs_pos {
	uint64_t block;
	uint32_t offset;
};

struct squashfs_inode {
	struct squashfs_pos tail;	/* sizes of a file's blocks, text of a link, a directory's index */
	/* a file's */
	uint64_t start;			/* of its first block */
	uint32_t fragment, fragment_offset;
	/* A place in the list of sizes, as files are read from front to back. */
	struct squashfs_pos next_tail;
	uint64_t next_start;
	uint32_t next_index;
	/* a directory's */
	struct squashfs_pos listing;
	uint32_t index_count;
};

static inline struct squashfs_sb *squashfs_sb(const struct super_block *sb)
{
	return sb->private;
}

static inline struct squashfs_inode *squashfs_inode(const struct inode *inode)
{
	return inode->private;
}

/* -- squashfs_meta.c --------------------------------------------------------------------------- */
/* -EIO, after a line in the log. */
int squashfs_broken(struct super_block *sb, uint64_t at, const char *what);
/* LEN bytes at POS, which is moved behind them, over as many blocks as it takes. */
int squashfs_meta_read(struct super_block *sb, struct squashfs_pos *pos, void *buf, size_t len);
/* Entry INDEX, of SIZE bytes, of a table in metadata blocks, whose addresses are listed at TABLE. */
int squashfs_table_read(struct super_block *sb, uint64_t table, uint32_t index, size_t size,
			void *buf);

/* -- squashfs_inode.c: REF is an inode's block behind the start of the table << 16 | offset ------ */
int squashfs_iget(struct super_block *sb, uint64_t ref, uint32_t number,
		  struct inode **ret_inode);
/* The number in the inode itself, for the root, which no directory names. */
int squashfs_number(struct super_block *sb, uint64_t ref, uint32_t *ret_number);
void squashfs_evict(struct inode *inode);

/* -- squashfs_dir.c, squashfs_file.c --------------------------------------------------------------- */
extern const struct inode_ops squashfs_dir_ops;
extern const struct file_ops squashfs_dir_file_ops, squashfs_file_ops;

#endif
