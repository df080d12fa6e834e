/* SPDX-License-Identifier: MIT */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H
/* What the files of vfs/ share and nobody else needs. */
#include "task.h"
#include "vfs.h"

/* super.c */
extern struct list super_blocks;
struct super_block *sb_find_bdev(struct block_device *bdev);
void sb_put(struct super_block *sb);		/* a mount less; the last one shuts it down */
int sb_get(struct file_system_type *type, unsigned flags, struct block_device *bdev,
	   const char *data, struct super_block **ret_sb);

/* dcache.c */
extern unsigned dentry_total;
unsigned d_busy(struct super_block *sb);	/* dentries somebody holds */

/* inode.c */
extern unsigned inode_total;

/* mount.c */
extern unsigned mount_total;
struct mount *mnt_alloc(struct super_block *sb, struct dentry *root, const char *source,
			unsigned flags);
/* The mount that sits on (MNT, DENTRY), or NULL; no reference. */
struct mount *mnt_lookup(const struct mount *mnt, const struct dentry *dentry);
int mnt_attach(struct mount *mnt, const struct path *where);
/* Take MNT off its mountpoint; its reference of the tree stays with the caller. */
void mnt_unhook(struct mount *mnt);
/* Unhook and drop MNT and everything that sits on it. */
void mnt_drop_tree(struct mount *mnt);
int mnt_copy_tree(struct mount *mnt, struct dentry *root, bool recursive,
		  struct mount **ret_copy);
struct mount *mnt_next(struct mount *mnt, struct mount *top);	/* pre-order */
bool mnt_is_below(const struct mount *mnt, const struct mount *top);
bool d_is_below(const struct dentry *dentry, const struct dentry *top);
void ns_own(struct mnt_namespace *ns, struct mount *tree);	/* all of the tree */

/* walk.c */
void follow_mount(struct path *path);

/* open.c, fd.c, pipe.c, file.c, device.c */
extern unsigned file_total;
struct file *file_alloc(const struct path *path, struct inode *inode, unsigned flags);
int fifo_open(struct inode *inode, struct file *file);
void pipe_free(struct inode *inode);
void inode_drop_set_id(struct inode *inode);
extern const struct file_ops block_file_ops;
struct super_block *pseudo_super(void);
extern struct mount *pseudo_mount;

int pseudo_path(struct inode *inode, const char *name, struct path *ret_path);
int page_cache_get(struct file *file, uint64_t index, void **ret_page);
unsigned files_writing(const struct super_block *sb);	/* open for writing */

/* namespace.c */
void fs_replace_all(const struct path *from, const struct path *to);
extern unsigned namespace_total;

#endif
