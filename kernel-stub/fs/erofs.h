/* SPDX-License-Identifier: MIT */
#ifndef STUB_EROFS_H
#define STUB_EROFS_H
/*
 * erofs, read-only: plain files, with their end behind the inode, in chunks, and in clusters
 * packed with LZ4.  All numbers are little endian.
 *
 * An inode's number is its nid: where it lies, in units of 32 bytes.  No number of the image is
 * trusted: what is broken gives -EIO, what this kernel lacks -EOPNOTSUPP, each with a log line.
 */
#include <overmount/bytes.h>

#include "unpacked.h"

#define EROFS_MAGIC		0xe0f5e1e2u
#define EROFS_NO_BLOCK		0xffffffffu	/* a chunk that is a hole */
#define EROFS_EXTENT_MAX	(12u << 20)	/* what one packed cluster becomes; Linux has the same limit */

enum erofs_layout {
	EROFS_PLAIN = 0,
	EROFS_PACKED_FULL = 1,		/* eight bytes of index a cluster */
	EROFS_INLINE = 2,		/* the last block's bytes lie behind the inode */
	EROFS_PACKED_COMPACT = 3,	/* two or four */
	EROFS_CHUNKS = 4,
};

struct erofs_sb {
	uint64_t size;			/* nothing lies behind it */
	uint64_t inodes;		/* where nid 0 would be */
	uint64_t build_sec;
	uint32_t build_nsec;
	uint32_t block_size, block_log;
	uint64_t files;
	bool padded;			/* packed bytes stand at the end of their cluster */
	unsigned complaints;
	struct unpacked_cache data;
};

/* Where a piece of a file lies that begins at FROM and has LEN bytes. */
struct erofs_piece {
	uint64_t from, len;
	enum { EROFS_HOLE, EROFS_AS_IS, EROFS_PACKED } how;
	uint64_t at;
	uint32_t packed_len;
};

struct erofs_inode {
	enum erofs_layout layout;
	uint64_t tail;			/* behind the inode and its attributes */
	uint32_t block;			/* plain: the first one; chunks: their format */
	struct erofs_piece last;	/* what was read last; to find it takes a walk through an index */
};

static inline struct erofs_sb *erofs_sb(const struct super_block *sb)
{
	return sb->private;
}

static inline struct erofs_inode *erofs_inode(const struct inode *inode)
{
	return inode->private;
}

/* -- erofs_super.c ------------------------------------------------------------------------------ */
/* ERR, after a line in the log. */
int erofs_complain(struct super_block *sb, uint64_t at, const char *what, int err);
int erofs_broken(struct super_block *sb, uint64_t at, const char *what);
int erofs_read_at(struct super_block *sb, uint64_t at, void *buf, size_t len);

/* -- erofs_inode.c -------------------------------------------------------------------------------- */
int erofs_iget(struct super_block *sb, uint64_t nid, struct inode **ret_inode);
void erofs_evict(struct inode *inode);

/* -- erofs_data.c, erofs_map.c ---------------------------------------------------------------------- */
/* As file_read(), for directories and links too. */
long erofs_read_bytes(struct inode *inode, struct uio *uio, uint64_t *pos);
/* The piece of a packed file that holds byte POS. */
int erofs_map_packed(struct inode *inode, uint64_t pos, struct erofs_piece *ret);
extern const struct file_ops erofs_file_ops;

/* -- erofs_dir.c --------------------------------------------------------------------------------------- */
extern const struct inode_ops erofs_dir_ops;
extern const struct file_ops erofs_dir_file_ops;

#endif
