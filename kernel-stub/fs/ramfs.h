/* SPDX-License-Identifier: MIT */
#ifndef STUB_RAMFS_H
#define STUB_RAMFS_H
/* What ramfs.c, ramfs_data.c and ramfs_archive.c share. */
#include <overmount/image.h>

#include "vfs.h"

#define RAMFS_MAGIC 0x858458f6u
#define TMPFS_MAGIC 0x01021994u

struct ramfs_archive;

/* Data of one file that lies in the handed-over archive. */
struct ramfs_in_place {
	struct ramfs_archive *archive;
	uint8_t *data;
	uint64_t len;
	struct list list;		/* those in use, in the order of the archive */
};

/* Members of an archive become nodes of a ramfs. */
struct ramfs_build {
	struct super_block *sb;
	const struct om_source *source;
	struct ramfs_archive *archive;	/* NULL: data are copied */
	struct ramfs_link *links;	/* names of one file */
};

struct ramfs_sb {
	uint64_t last_ino;
	uint64_t pages_max;		/* tmpfs: size=; 0 = no limit */
	uint32_t entry_size;		/* what a name adds to its directory's size; tmpfs: as Linux */
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
/* INODE, empty so far, gets LEN bytes at OFFSET of the archive. */
int ramfs_in_place_attach(struct ramfs_archive *archive, struct inode *inode, uint64_t offset,
			  uint64_t len);

/* ramfs_build.c: one member; parents that are missing are made, what is in the way goes. */
int ramfs_build_member(struct ramfs_build *build, const struct om_member *member);
void ramfs_build_end(struct ramfs_build *build);
/* All of an archive: 0 or -errno with the reason in WHAT. */
int ramfs_build_archive(struct ramfs_build *build, bool tar, char *what, size_t size);

#endif
