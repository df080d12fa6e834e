/* SPDX-License-Identifier: MIT */
/* File system types and super blocks. */
#include "internal.h"

struct list super_blocks = { &super_blocks, &super_blocks };
static struct file_system_type *types;
static uint32_t last_anonymous;

void register_filesystem(struct file_system_type *type)
{
	struct file_system_type **link = &types;

	while (*link) {
		if (*link == type)
			return;
		link = &(*link)->next;
	}
	type->next = NULL;
	*link = type;
}

struct file_system_type *find_filesystem(const char *name)
{
	struct file_system_type *type;

	for (type = types; type; type = type->next)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

struct file_system_type *filesystem_by_index(unsigned index)
{
	struct file_system_type *type = types;

	while (type && (type->by_name_only || index-- > 0))
		type = type->next;
	return type;
}

struct super_block *sb_new(const struct file_system_type *type, unsigned flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	sb->type = type;
	sb->flags = flags & SB_RDONLY;
	sb->dev = MKDEV(0, ++last_anonymous);
	sb->blocksize = PAGE_SIZE;
	list_init(&sb->inodes);
	list_add_tail(&sb->list, &super_blocks);
	return sb;
}

void sb_free(struct super_block *sb)
{
	list_del(&sb->list);
	kfree(sb);
}

struct super_block *sb_find_bdev(struct block_device *bdev)
{
	struct list *pos;

	list_for_each(pos, &super_blocks) {
		struct super_block *sb = list_entry(pos, struct super_block, list);

		if (bdev && sb->bdev == bdev)
			return sb;
	}
	return NULL;
}

int sb_get(struct file_system_type *type, unsigned flags, struct block_device *bdev,
	   const char *data, struct super_block **ret_sb)
{
	struct super_block *sb = sb_find_bdev(bdev);
	int err;

	if (sb) {
		/* One file system on one device: shared, unless they disagree. */
		if (sb->type != type || (sb->flags & SB_RDONLY) != (flags & SB_RDONLY))
			return -EBUSY;
		sb->count++;
		*ret_sb = sb;
		return 0;
	}
	if (bdev && bdev->readonly && !(flags & SB_RDONLY))
		return -EACCES;
	err = type->mount(type, flags & SB_RDONLY, bdev, data, &sb);
	if (err < 0)
		return err;
	if (bdev && sb->count == 0) {
		sb->bdev = bdev;
		sb->dev = bdev->dev;
		bdev->holders++;
	}
	sb->count++;
	*ret_sb = sb;
	return 0;
}

/* Unpin what a ramfs keeps, leaves first and without recursion. */
static void unpin_all(struct dentry *root)
{
	struct dentry *dentry = root;

	while (dentry) {
		if (!list_empty(&dentry->children)) {
			dentry = list_entry(dentry->children.next, struct dentry, sibling);
			continue;
		}
		if (dentry == root)
			return;
		struct dentry *parent = dentry->parent;

		d_drop(dentry);
		dentry = parent;
	}
}

void sb_put(struct super_block *sb)
{
	struct block_device *bdev = sb->bdev;

	BUG_ON(sb->count == 0);
	if (--sb->count != 0)
		return;
	vfs_sync(sb);
	d_shrink(sb);
	if (sb->ops->keep_dentries)
		unpin_all(sb->root);
	dput(sb->root);
	if (sb->dentry_count != 0 || sb->inode_count != 0)
		klog("vfs: %s goes with %u dentries and %u inodes in use", sb->type->name,
		     sb->dentry_count, sb->inode_count);
	if (sb->ops->put_super)
		sb->ops->put_super(sb);
	if (bdev) {
		block_sync(bdev);
		bdev->holders--;
	}
	sb_free(sb);
}

int readonly_remount(struct super_block *sb, unsigned flags, const char *data)
{
	(void)sb, (void)data;
	return flags & SB_RDONLY ? 0 : -EROFS;
}

void vfs_forget(void)
{
	block_forget(NULL);
	unpacked_forget();
	d_shrink(NULL);
}

int vfs_sync(struct super_block *only)
{
	struct list *pos;
	int err = 0, one;

	list_for_each(pos, &super_blocks) {
		struct super_block *sb = list_entry(pos, struct super_block, list);

		if ((only && sb != only) || !sb->ops || (sb->flags & SB_RDONLY))
			continue;
		one = sb->ops->sync ? sb->ops->sync(sb) : 0;
		if (one == 0 && sb->bdev)
			one = block_sync(sb->bdev);
		if (one < 0)
			err = one;
	}
	return err;
}

void vfs_count(struct vfs_counts *ret_counts)
{
	struct vfs_counts counts = { 0 };
	struct list *pos;

	list_for_each(pos, &super_blocks)
		counts.supers += !list_entry(pos, struct super_block, list)->internal;
	counts.dentries = dentry_total;
	counts.inodes = inode_total;
	counts.mounts = mount_total;
	counts.files = file_total;
	counts.namespaces = namespace_total;
	*ret_counts = counts;
}
