/* SPDX-License-Identifier: MIT */
#ifndef STUB_EXT2_H
#define STUB_EXT2_H
/*
 * ext2, revisions 0 and 1: what the ext2_*.c share.
 *
 * Nothing of the metadata is kept here except the superblock and the inodes in use: everything
 * else is read and written where it lies, a few bytes at a time, through the cache of the block
 * device.  All numbers on the disk are little-endian, as is this machine.
 */
#include "device_read.h"

#define EXT2_MAGIC		0xef53u
#define EXT2_ROOT_INO		2u
#define EXT2_FIRST_INO_0	11u		/* in revision 0 */
#define EXT2_LINK_MAX		32000u
#define EXT2_SUPER_OFFSET	1024u

#define EXT2_STATE_CLEAN	1u
#define EXT2_STATE_ERRORS	2u

#define EXT2_ERRORS_READONLY	2u		/* s_errors: go on read-only */

#define EXT2_INCOMPAT_FILETYPE	0x2u
#define EXT2_RO_SPARSE_SUPER	0x1u
#define EXT2_RO_LARGE_FILE	0x2u
#define EXT2_RO_BTREE_DIR	0x4u
#define EXT2_RO_HUGE_FILE	0x8u
/* Of ext4; understood as far as reading needs it. */
#define EXT2_INCOMPAT_EXTENTS	0x40u
#define EXT2_INCOMPAT_64BIT	0x80u
#define EXT2_INCOMPAT_FLEX_BG	0x200u
#define EXT2_INCOMPAT_CSUM_SEED	0x2000u

#define EXT2_INDEX_FL		0x1000u		/* hash tree over a directory's blocks */
#define EXT2_HUGE_FILE_FL	0x40000u	/* blocks are counted in blocks of the volume */
#define EXT2_EXTENTS_FL		0x80000u

#define EXT2_NDIR	12u
#define EXT2_NBLOCKS	15u
#define EXT2_DEPTH_MAX	4u

struct ext2_super {
	uint32_t inodes_count;
	uint32_t blocks_count;
	uint32_t r_blocks_count;
	uint32_t free_blocks_count;
	uint32_t free_inodes_count;
	uint32_t first_data_block;
	uint32_t log_block_size;
	uint32_t log_frag_size;
	uint32_t blocks_per_group;
	uint32_t frags_per_group;
	uint32_t inodes_per_group;
	uint32_t mtime;
	uint32_t wtime;
	uint16_t mnt_count;
	uint16_t max_mnt_count;
	uint16_t magic;
	uint16_t state;
	uint16_t errors;
	uint16_t minor_rev_level;
	uint32_t lastcheck;
	uint32_t checkinterval;
	uint32_t creator_os;
	uint32_t rev_level;
	uint16_t def_resuid;
	uint16_t def_resgid;
	uint32_t first_ino;		/* from here on only in revision 1 */
	uint16_t inode_size;
	uint16_t block_group_nr;
	uint32_t feature_compat;
	uint32_t feature_incompat;
	uint32_t feature_ro_compat;
	uint8_t uuid[16];
	char volume_name[16];
	uint8_t unused[254 - 136];
	uint16_t desc_size;		/* of a group descriptor, with the feature 64bit */
	uint8_t unused_too[336 - 256];
	uint32_t blocks_count_high;
	uint8_t rest[1024 - 340];
};

struct ext2_group {
	uint32_t block_bitmap;
	uint32_t inode_bitmap;
	uint32_t inode_table;
	uint16_t free_blocks_count;
	uint16_t free_inodes_count;
	uint16_t used_dirs_count;
	uint16_t flags;
	uint32_t reserved[3];
};

/* The first 128 bytes of an inode on the disk; what follows is zeros in those made here. */
struct ext2_raw_inode {
	uint16_t mode;
	uint16_t uid;
	uint32_t size;
	uint32_t atime, ctime, mtime, dtime;
	uint16_t gid;
	uint16_t links_count;
	uint32_t blocks;		/* of 512 bytes */
	uint32_t flags;
	uint32_t osd1;
	uint32_t block[EXT2_NBLOCKS];
	uint32_t generation;
	uint32_t file_acl;
	uint32_t size_high;		/* of directories: an ACL nobody uses */
	uint32_t faddr;
	uint16_t blocks_high;
	uint16_t file_acl_high;
	uint16_t uid_high;
	uint16_t gid_high;
	uint32_t osd2;
};

_Static_assert(sizeof(struct ext2_super) == 1024, "superblock");
_Static_assert(sizeof(struct ext2_group) == 32, "group descriptor");
_Static_assert(sizeof(struct ext2_raw_inode) == 128, "inode");

/* Of a directory entry: the name follows, the next entry starts rec_len bytes from here. */
struct ext2_dirent {
	uint32_t ino;			/* 0: unused */
	uint16_t rec_len;
	uint8_t name_len;
	uint8_t type;			/* 0 without the feature filetype */
};

struct ext2_sb {
	struct ext2_super disk;
	uint32_t blocksize;
	uint32_t pointers;		/* in an indirect block */
	uint32_t sectors;		/* of 512 bytes in a block */
	uint32_t groups;
	uint32_t inode_size;
	uint32_t first_ino;
	uint32_t table_blocks;		/* of each group's inode table */
	uint32_t descriptor_size;
	uint32_t descriptor_blocks;
	uint64_t size_max;		/* of a file */
	bool filetype;
	bool extents;
	bool was_clean;			/* before it was mounted for writing */
	bool damaged;			/* found broken, or left with a change half done */
	unsigned complaints;
};

/* inode.private */
struct ext2_inode {
	uint32_t block[EXT2_NBLOCKS];
	uint32_t flags;
	uint32_t file_acl;
	/* The run of blocks used last; run_block 0 is a hole, run_count 0: none is remembered. */
	uint32_t run_logical, run_block, run_count;
	uint32_t last_found;		/* directories: block in which a name was found */
	bool dirty;			/* not written yet: it failed, sync will try again */
};

static inline struct ext2_sb *ext2_sb(const struct super_block *sb)
{
	return sb->private;
}

static inline struct ext2_inode *ext2_i(const struct inode *inode)
{
	return inode->private;
}

/* -- ext2_super.c ---------------------------------------------------------------------------- */
/* The file system is broken: says so, remembers it in the superblock; always -EIO. */
int ext2_error(struct super_block *sb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ext2_super_write(struct super_block *sb);
/* Does a copy of the superblock and the group descriptors lie at the start of GROUP? */
bool ext2_has_super(const struct ext2_sb *es, uint32_t group);

/* -- ext2_features.c ------------------------------------------------------------------------- */
/* 0, -EINVAL for what cannot be read, -EROFS for what cannot be written; both logged. */
int ext2_features_check(const struct block_device *bdev, const struct ext2_super *disk,
			bool write);

/* -- ext2_alloc.c ---------------------------------------------------------------------------- */
/* Are these blocks on the volume and not the superblock? */
bool ext2_blocks_valid(const struct ext2_sb *es, uint32_t block, uint32_t count);
/* LEN bytes FROM the start of BLOCK; -EIO, with a complaint if there is no such block. */
int ext2_block_read(struct super_block *sb, uint32_t block, uint32_t from, void *buf, size_t len);
int ext2_block_write(struct super_block *sb, uint32_t block, uint32_t from, const void *buf,
		     size_t len);
int ext2_group_read(struct super_block *sb, uint32_t group, struct ext2_group *ret);
/* Blocks of the volume that GROUP covers: the last one may be short. */
uint32_t ext2_group_blocks(const struct ext2_sb *es, uint32_t group);
/* One block, at GOAL or behind it if possible; it does not belong to the inode yet. */
int ext2_block_alloc(struct super_block *sb, uint32_t goal, uint32_t *ret_block);
/* How many blocks from BLOCK on are in its group. */
uint32_t ext2_group_left(const struct ext2_sb *es, uint32_t block);
/* All or nothing, if they are in one group and not more than 1,000. */
int ext2_blocks_free(struct super_block *sb, uint32_t block, uint32_t count);
int ext2_inode_alloc(struct inode *dir, bool directory, uint32_t *ret_ino);
int ext2_inode_free(struct super_block *sb, uint32_t ino, bool directory);

/* -- ext2_map.c ------------------------------------------------------------------------------ */
extern uint8_t ext2_zeros[4096];	/* never written; not const, as those take room in the kernel */
/* The run of at most MAX blocks that starts at LOGICAL: where, and how many; block 0 is a hole. */
int ext2_map(struct inode *inode, uint32_t logical, uint32_t max, uint32_t *ret_block,
	     uint32_t *ret_count);
/* A block with DATA (blocksize bytes) for the hole at LOGICAL; written before it is attached. */
int ext2_map_new(struct inode *inode, uint32_t logical, const void *data);
/* Free the blocks from FIRST on. */
int ext2_cut(struct inode *inode, uint32_t first);

/* -- ext2_extents.c -------------------------------------------------------------------------- */
/* The run that starts at LOGICAL, as far as one extent (or hole) reaches; block 0 is a hole. */
int ext2_extent_run(struct inode *inode, uint32_t logical, uint32_t *ret_block,
		    uint32_t *ret_count);

/* -- ext2_inode.c ---------------------------------------------------------------------------- */
extern const struct super_ops ext2_super_ops;
int ext2_iget(struct super_block *sb, uint32_t ino, struct inode **ret_inode);
/* A new one for DIR, on the disk, with no entry yet; nlink 1.  To undo: nlink 0 and iput(). */
int ext2_inode_make(struct inode *dir, uint32_t mode, uint32_t rdev, struct inode **ret_inode);
int ext2_inode_write(struct inode *inode);
/* As above, but a failure waits for the next sync, which reports it. */
void ext2_inode_changed(struct inode *inode);
int ext2_sync_inodes(struct super_block *sb);
void ext2_evict(struct inode *inode);
long ext2_readlink(struct inode *inode, char *buf, size_t size);
int ext2_setattr(struct inode *inode);

/* -- ext2_file.c ----------------------------------------------------------------------------- */
extern const struct file_ops ext2_file_ops;
extern const struct inode_ops ext2_file_inode_ops;
int ext2_fsync(struct file *file);

/* -- ext2_dir.c ------------------------------------------------------------------------------ */
/* Where an entry lies. */
struct ext2_slot {
	uint32_t block;			/* on the device */
	uint32_t offset;		/* in it */
	uint32_t before;		/* of the entry before it, == offset for the first */
	uint32_t before_len;		/* rec_len of that */
	uint32_t ino;
	uint32_t rec_len;
	uint8_t type;
};

/* -ENOENT when there is none. */
int ext2_dir_find(struct inode *dir, const char *name, size_t len, struct ext2_slot *ret_slot);
int ext2_dir_add(struct inode *dir, const char *name, size_t len, uint32_t ino, uint32_t mode);
int ext2_dir_remove(struct inode *dir, const struct ext2_slot *slot);
/* Let the entry name another file. */
int ext2_dir_set(struct inode *dir, const struct ext2_slot *slot, uint32_t ino, uint8_t type);
uint8_t ext2_dir_type(const struct super_block *sb, uint32_t mode);
/* 0 when only . and .. are there, else -ENOTEMPTY. */
int ext2_dir_empty(struct inode *dir);
/* The first block of a new directory. */
int ext2_dir_init(struct inode *dir, uint32_t parent);
extern const struct file_ops ext2_dir_file_ops;

/* -- ext2_names.c ---------------------------------------------------------------------------- */
extern const struct inode_ops ext2_dir_inode_ops;

#endif
