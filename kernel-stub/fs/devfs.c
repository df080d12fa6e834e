/* SPDX-License-Identifier: MIT */
/*
 * devfs, alias devtmpfs: a ramfs with a node for every device there is.  Block devices may
 * appear and go (ram disks over images), so each look into the root directory brings the
 * nodes up to date.  Everything else is as in a ramfs: programs may add and remove nodes.
 */
#include "ramfs.h"

#include "task.h"

static struct super_block *devfs_sb;		/* one tree, mounted any number of times */

static int add_node(struct dentry *root, const char *name, uint32_t mode, uint32_t rdev)
{
	struct dentry *dentry;
	int err = d_find(root, name, strlen(name), &dentry);

	if (err < 0)
		return err;
	if (!dentry->inode)
		err = ramfs_make(root->inode, dentry, mode, rdev);
	dput(dentry);
	return err;
}

static void remove_node(struct dentry *root, struct dentry *dentry)
{
	dentry->inode->nlink--;
	inode_touch(root->inode);
	d_drop(dentry);
}

static void devfs_drop_stale(struct dentry *root)
{
	struct list *pos, *next;

	for (pos = root->children.next; pos != &root->children; pos = next) {
		struct dentry *dentry = list_entry(pos, struct dentry, sibling);
		struct inode *inode = dentry->inode;

		next = pos->next;
		if (inode && S_ISBLK(inode->mode) && dentry->mounts == 0 && !block_find(inode->rdev))
			remove_node(root, dentry);
	}
}

/* A node that was removed by hand comes back: whoever does not want it, does not use it. */
static int devfs_update(struct super_block *sb)
{
	struct dentry *root = sb->root;
	struct block_device *bdev;
	const char *name;
	uint32_t dev, mode;
	int err = 0;

	devfs_drop_stale(root);
	for (unsigned i = 0; err == 0 && chrdev_by_index(i, &dev, &name, &mode); i++)
		if (name)
			err = add_node(root, name, S_IFCHR | (mode & 07777), dev);
	for (unsigned i = 0; err == 0 && (bdev = block_by_index(i)); i++)
		err = add_node(root, bdev->name, S_IFBLK | 0660, bdev->dev);
	return err;
}

static int devfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct block_device *bdev;
	const char *name;
	uint32_t dev, mode;

	if (dentry->parent != dir->sb->root)
		return 0;
	bdev = block_find_name(dentry->name);
	if (bdev)
		return ramfs_make(dir, dentry, S_IFBLK | 0660, bdev->dev);
	for (unsigned i = 0; chrdev_by_index(i, &dev, &name, &mode); i++)
		if (name && strcmp(name, dentry->name) == 0)
			return ramfs_make(dir, dentry, S_IFCHR | (mode & 07777), dev);
	return 0;
}

static int devfs_open(struct inode *inode, struct file *file)
{
	(void)file;
	return inode == inode->sb->root->inode ? devfs_update(inode->sb) : 0;
}

static int devfs_readdir(struct file *file, struct dir_sink *sink)
{
	return ramfs_dir_file_ops.readdir(file, sink);
}

static const struct file_ops devfs_dir_file_ops = {
	.open = devfs_open,
	.readdir = devfs_readdir,
};

static struct inode_ops devfs_dir_ops;

/* The texts of the standard links, as every /dev has them. */
static int add_links(struct super_block *sb)
{
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	};
	struct inode *root = sb->root->inode;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < sizeof(links) / sizeof(links[0]); i++) {
		struct dentry *dentry;

		err = d_find(sb->root, links[i][0], strlen(links[i][0]), &dentry);
		if (err < 0)
			break;
		if (!dentry->inode)
			err = root->ops->symlink(root, dentry, links[i][1]);
		dput(dentry);
	}
	return err;
}

static void devfs_put_super(struct super_block *sb)
{
	devfs_sb = NULL;
	ramfs_super_ops.put_super(sb);
}

static struct super_ops devfs_super_ops;

static int devfs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	struct super_block *sb;
	int err;

	(void)bdev, (void)data;
	if (devfs_sb) {
		*ret_sb = devfs_sb;
		return devfs_update(devfs_sb);
	}
	devfs_dir_ops = ramfs_dir_ops;
	devfs_dir_ops.lookup = devfs_lookup;
	devfs_super_ops = ramfs_super_ops;
	devfs_super_ops.put_super = devfs_put_super;
	err = ramfs_mount_common(type, flags, TMPFS_MAGIC, 0, &devfs_dir_ops, &sb);
	if (err < 0)
		return err;
	sb->ops = &devfs_super_ops;
	sb->root->inode->fops = &devfs_dir_file_ops;
	devfs_sb = sb;
	err = devfs_update(sb);
	if (err == 0)
		err = add_links(sb);
	if (err < 0)
		klog("devfs: not all devices have a node: error %d", -err);
	*ret_sb = sb;
	return 0;
}

struct file_system_type devfs_type = { .name = "devfs", .mount = devfs_mount };
struct file_system_type devtmpfs_type = { .name = "devtmpfs", .mount = devfs_mount };
