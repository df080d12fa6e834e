/* SPDX-License-Identifier: MIT */
/* ramfs and tmpfs: the dentries are the directories, files are in ramfs_data.c. */
#include <overmount/fmt.h>

#include "ramfs.h"

#include "task.h"

struct inode *ramfs_inode_new(struct super_block *sb, uint32_t mode, uint32_t rdev)
{
	struct ramfs_sb *rs = sb->private;
	struct ramfs_inode *ri = kzalloc(sizeof(*ri));
	struct inode *inode;

	if (!ri)
		return NULL;
	inode = inode_new(sb);
	if (!inode) {
		kfree(ri);
		return NULL;
	}
	inode->private = ri;
	inode->ino = ++rs->last_ino;
	inode->mode = mode;
	inode->rdev = rdev;
	inode->nlink = S_ISDIR(mode) ? 2 : 1;
	inode->size = S_ISDIR(mode) ? 2 * rs->entry_size : 0;
	if (current) {
		inode->uid = current->euid;
		inode->gid = current->egid;
	}
	inode->atime = inode->mtime = inode->ctime = time_now();
	inode->ops = S_ISDIR(mode) ? sb->root ? sb->root->inode->ops : &ramfs_dir_ops :
		     S_ISREG(mode) ? &ramfs_file_inode_ops :
		     S_ISLNK(mode) ? &ramfs_link_ops : &ramfs_special_ops;
	inode->fops = S_ISDIR(mode) ? sb->root ? sb->root->inode->fops : &ramfs_dir_file_ops :
		      S_ISREG(mode) ? &ramfs_file_ops : NULL;
	return inode;
}

/* A name more or less in DIR, which is touched. */
static void count_names(struct inode *dir, int more)
{
	uint32_t size = ((struct ramfs_sb *)dir->sb->private)->entry_size;

	dir->size = more < 0 ? dir->size - size : dir->size + (uint64_t)more * size;
	inode_touch(dir);
}

int ramfs_make(struct inode *dir, struct dentry *dentry, uint32_t mode, uint32_t rdev)
{
	struct inode *inode = memory_for_files() ? ramfs_inode_new(dir->sb, mode, rdev) : NULL;

	if (!inode)
		return -ENOMEM;
	if (dir->mode & 02000) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			inode->mode |= 02000;
	}
	if (S_ISDIR(mode))
		dir->nlink++;
	count_names(dir, 1);
	d_instantiate(dentry, inode);
	return 0;
}

static int ramfs_create(struct inode *dir, struct dentry *dentry, uint32_t mode)
{
	return ramfs_make(dir, dentry, mode, 0);
}

static int ramfs_mknod(struct inode *dir, struct dentry *dentry, uint32_t mode, uint32_t rdev)
{
	return ramfs_make(dir, dentry, mode, rdev);
}

static int ramfs_symlink(struct inode *dir, struct dentry *dentry, const char *text)
{
	char *copy = kstrndup(text, strlen(text));
	int err;

	if (!copy)
		return -ENOMEM;
	err = ramfs_make(dir, dentry, S_IFLNK | 0777, 0);
	if (err < 0) {
		kfree(copy);
		return err;
	}
	ramfs_i(dentry->inode)->link = copy;
	dentry->inode->size = strlen(copy);
	return 0;
}

static int ramfs_link(struct inode *old, struct inode *dir, struct dentry *dentry)
{
	if (!memory_for_files())
		return -ENOMEM;
	old->nlink++;
	old->count++;
	old->ctime = time_now();
	count_names(dir, 1);
	d_instantiate(dentry, old);
	return 0;
}

static int ramfs_unlink(struct inode *dir, struct dentry *dentry)
{
	dentry->inode->nlink--;
	dentry->inode->ctime = time_now();
	count_names(dir, -1);
	return 0;
}

static bool is_empty(const struct dentry *dentry)
{
	const struct list *pos;

	/* Negative dentries of walks that are going on do not count. */
	list_for_each(pos, &dentry->children)
		if (list_entry(pos, struct dentry, sibling)->inode)
			return false;
	return true;
}

static int ramfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	if (!is_empty(dentry))
		return -ENOTEMPTY;
	dentry->inode->nlink = 0;
	dir->nlink--;
	count_names(dir, -1);
	return 0;
}

static int ramfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			struct dentry *new)
{
	bool directory = S_ISDIR(old->inode->mode);

	if (new->inode && directory && !is_empty(new))
		return -ENOTEMPTY;
	if (new->inode) {
		new->inode->nlink -= directory ? 2 : 1;
		new->inode->ctime = time_now();
		new_dir->nlink -= directory;
		count_names(new_dir, -1);
	}
	if (directory) {
		old_dir->nlink--;
		new_dir->nlink++;
	}
	count_names(old_dir, -1);
	count_names(new_dir, 1);
	old->inode->ctime = time_now();
	return 0;
}

static long ramfs_readlink(struct inode *inode, char *buf, size_t size)
{
	const char *text = ramfs_i(inode)->link;
	size_t len = strlen(text);

	if (len > size)
		len = size;
	memcpy(buf, text, len);
	return (long)len;
}

static int ramfs_readdir(struct file *file, struct dir_sink *sink)
{
	struct dentry *dir = file->path.dentry;
	struct list *pos;

	if (!dir_dots(file, sink))
		return 0;
	list_for_each(pos, &dir->children) {
		struct dentry *child = list_entry(pos, struct dentry, sibling);

		if (!child->inode || child->cookie < file->pos)
			continue;
		if (sink->entry(sink, child->name, child->len, child->inode->ino,
				child->inode->mode & S_IFMT, child->cookie + 1))
			return 0;
		file->pos = child->cookie + 1;
	}
	return 0;
}

const struct inode_ops ramfs_dir_ops = {
	.create = ramfs_create,
	.mkdir = ramfs_create,
	.mknod = ramfs_mknod,
	.symlink = ramfs_symlink,
	.link = ramfs_link,
	.unlink = ramfs_unlink,
	.rmdir = ramfs_rmdir,
	.rename = ramfs_rename,
};
const struct inode_ops ramfs_link_ops = { .readlink = ramfs_readlink };
const struct inode_ops ramfs_special_ops = { 0 };
const struct file_ops ramfs_dir_file_ops = { .readdir = ramfs_readdir };

static void ramfs_evict(struct inode *inode)
{
	struct ramfs_inode *ri = ramfs_i(inode);

	if (!ri)
		return;
	ramfs_data_free(inode);
	kfree(ri->link);
	kfree(ri);
}

static int ramfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct ramfs_sb *rs = sb->private;
	struct kstatfs st = { .type = sb->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX };

	if (rs->pages_max) {
		st.blocks = rs->pages_max;
		st.bfree = st.bavail = rs->pages_max > sb->data_pages ?
				       rs->pages_max - sb->data_pages : 0;
	}
	st.files = sb->inode_count;
	*ret = st;
	return 0;
}

static void ramfs_put_super(struct super_block *sb)
{
	kfree(sb->private);
}

static size_t ramfs_show_options(struct super_block *sb, char *buf, size_t size)
{
	struct ramfs_sb *rs = sb->private;

	if (!rs->pages_max)
		return 0;
	return om_format(buf, size, ",size=%luk", (unsigned long)(rs->pages_max * (PAGE_SIZE / 1024)));
}

const struct super_ops ramfs_super_ops = {
	.evict_inode = ramfs_evict,
	.statfs = ramfs_statfs,
	.put_super = ramfs_put_super,
	.keep_dentries = true,
	.show_options = ramfs_show_options,
};

int ramfs_mount_common(const struct file_system_type *type, unsigned flags, uint64_t magic,
		       uint64_t pages_max, const struct inode_ops *dir_ops,
		       struct super_block **ret_sb)
{
	struct super_block *sb = sb_new(type, flags);
	struct ramfs_sb *rs = kzalloc(sizeof(*rs));
	struct inode *root;

	if (!sb || !rs)
		goto out;
	sb->ops = &ramfs_super_ops;
	sb->magic = magic;
	sb->private = rs;
	rs->pages_max = pages_max;
	root = ramfs_inode_new(sb, S_IFDIR | 0755, 0);
	if (!root)
		goto out;
	root->ops = dir_ops;
	sb->root = d_make_root(sb, root);
	if (!sb->root) {
		iput(root);
		goto out;
	}
	*ret_sb = sb;
	return 0;
out:
	kfree(rs);
	if (sb)
		sb_free(sb);
	return -ENOMEM;
}

static int ramfs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	(void)bdev, (void)data;
	return ramfs_mount_common(type, flags, RAMFS_MAGIC, 0, &ramfs_dir_ops, ret_sb);
}

struct file_system_type ramfs_type = { .name = "ramfs", .mount = ramfs_mount };

/* -- tmpfs: the same with a limit ------------------------------------------------------------- */

#define TMPFS_ENTRY_SIZE 20u	/* BOGO_DIRENT_SIZE of Linux, seen in the size of directories */

struct tmpfs_options {
	uint64_t pages_max;
	uint32_t mode, uid, gid;
};

static bool parse_number(const char **text, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *text;

	for (; *p >= '0' && *p < (char)('0' + base) && *p <= '9'; p++) {
		if (value > UINT64_MAX / 16)
			return false;
		value = value * base + (uint64_t)(*p - '0');
	}
	if (p == *text)
		return false;
	*text = p;
	*ret = value;
	return true;
}

static bool parse_size(const char **text, uint64_t total, uint64_t *ret_pages)
{
	uint64_t value;
	unsigned shift = 0;

	if (!parse_number(text, 10, &value))
		return false;
	if (**text == '%') {
		(*text)++;
		*ret_pages = total * value / 100;
		return true;
	}
	switch (**text) {
	case 'k': case 'K': shift = 10; break;
	case 'm': case 'M': shift = 20; break;
	case 'g': case 'G': shift = 30; break;
	default: break;
	}
	if (shift)
		(*text)++;
	if (value > UINT64_MAX >> shift)
		return false;
	*ret_pages = ((value << shift) + PAGE_SIZE - 1) / PAGE_SIZE;
	return true;
}

/* size=, nr_blocks=, nr_inodes= (accepted), mode=, uid=, gid=. */
static int parse_options(const char *data, uint64_t total, struct tmpfs_options *options)
{
	uint64_t value;

	while (data && *data) {
		if (strncmp(data, "size=", 5) == 0) {
			data += 5;
			if (!parse_size(&data, total, &options->pages_max))
				return -EINVAL;
		} else if (strncmp(data, "nr_blocks=", 10) == 0) {
			data += 10;
			if (!parse_number(&data, 10, &options->pages_max))
				return -EINVAL;
		} else if (strncmp(data, "mode=", 5) == 0) {
			data += 5;
			if (!parse_number(&data, 8, &value))
				return -EINVAL;
			options->mode = (uint32_t)value & 07777;
		} else if (strncmp(data, "uid=", 4) == 0 || strncmp(data, "gid=", 4) == 0) {
			uint32_t *id = data[0] == 'u' ? &options->uid : &options->gid;

			data += 4;
			if (!parse_number(&data, 10, &value) || value >= UINT32_MAX)
				return -EINVAL;
			*id = (uint32_t)value;
		} else if (strncmp(data, "nr_inodes=", 10) == 0) {
			data += 10;
			if (!parse_size(&data, total, &value))
				return -EINVAL;
		} else {
			return -EINVAL;
		}
		if (*data == ',')
			data++;
		else if (*data)
			return -EINVAL;
	}
	return 0;
}

static int tmpfs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	struct tmpfs_options options = { .mode = 01777 };
	uint64_t total, free_pages;
	int err;

	(void)bdev;
	memory_counts(&total, &free_pages);
	options.pages_max = total / 2;
	err = parse_options(data, total, &options);
	if (err < 0)
		return err;
	err = ramfs_mount_common(type, flags, TMPFS_MAGIC, options.pages_max, &ramfs_dir_ops,
				 ret_sb);
	if (err == 0) {
		((struct ramfs_sb *)(*ret_sb)->private)->entry_size = TMPFS_ENTRY_SIZE;
		(*ret_sb)->root->inode->size = 2 * TMPFS_ENTRY_SIZE;
		(*ret_sb)->root->inode->mode = S_IFDIR | options.mode;
		(*ret_sb)->root->inode->uid = options.uid;
		(*ret_sb)->root->inode->gid = options.gid;
	}
	return err;
}

struct file_system_type tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };
