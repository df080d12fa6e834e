/* SPDX-License-Identifier: MIT */
#ifndef STUB_RAMFS_H
#define STUB_RAMFS_H
/* What ramfs.c, ramfs_data.c and ramfs_archive.c share. */
#include "vfs.h"

#define RAMFS_MAGIC 0x858458f6u
#define TMPFS_MAGIC 0x01021994u

struct ramfs_archive;

/* Data of one file that lies in the handed-over archive. */
struct ramfs_in_place {
	struct ramfs_archive *archive;
	uint8_t *data;
	uint64_t len;
	bool released;
	struct ramfs_in_place *next;	/* of the archive, in its order */
};

struct ramfs_sb {
	uint64_t last_ino;
	uint64_t pages_max;		/* tmpfs: size=; 0 = no limit */
};

/*
 * A file: page 0, then a tree of two levels for the rest; a page that is not there comes from
 * the archive as far as in_place_len reaches, and is zeros beyond.
 */
struct ramfs_inode {
	void *first;
	void ***tree;			/* a page of pointers to pages of pointers */
	struct ramfs_in_place *in_place;
	uint64_t in_place_len;
	char *link;			/* symbolic link */
};

#define RAMFS_FANOUT	(PAGE_SIZE / sizeof(void *))
#define RAMFS_SIZE_MAX	((uint64_t)RAMFS_FANOUT * RAMFS_FANOUT * PAGE_SIZE)

static inline struct ramfs_inode *ramfs_i(const struct inode *inode)
{
	return inode->private;
}

extern const struct inode_ops ramfs_dir_ops, ramfs_file_inode_ops, ramfs_link_ops,
	ramfs_special_ops;
extern const struct file_ops ramfs_file_ops, ramfs_dir_file_ops;
extern const struct super_ops ramfs_super_ops;

struct inode *ramfs_inode_new(struct super_block *sb, uint32_t mode, uint32_t rdev);
int ramfs_make(struct inode *dir, struct dentry *dentry, uint32_t mode, uint32_t rdev);
int ramfs_mount_common(const struct file_system_type *type, unsigned flags, uint64_t magic,
		       uint64_t pages_max, const struct inode_ops *dir_ops,
		       struct super_block **ret_sb);
void ramfs_data_free(struct inode *inode);
int ramfs_truncate(struct inode *inode, uint64_t size);
int ramfs_map_page(struct inode *inode, uint64_t index, void **ret_page);
void ramfs_in_place_release(struct ramfs_in_place *in_place);

#endif
