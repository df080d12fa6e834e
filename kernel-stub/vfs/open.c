/* SPDX-License-Identifier: MIT */
/* From a name to an open file. */
#include "internal.h"

static int open_access(const struct path *path, const struct inode *inode, unsigned flags)
{
	static const int need[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	int mask = need[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
	int err;

	if (S_ISLNK(inode->mode))
		return -ELOOP;
	if (S_ISDIR(inode->mode) && (mask & MAY_WRITE))
		return -EISDIR;
	if ((flags & O_DIRECTORY) && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if ((S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) && (path->mnt->flags & MS_NODEV))
		return -EACCES;
	err = inode_permission(inode, mask);
	if (err < 0)
		return err;
	/* Devices and pipes may be written on a read-only file system. */
	if ((mask & MAY_WRITE) && S_ISREG(inode->mode))
		return mnt_want_write(path->mnt);
	return 0;
}

static int choose_ops(struct inode *inode, const struct file_ops **ret_ops)
{
	const struct file_ops *ops = inode->fops;

	if (S_ISCHR(inode->mode))
		ops = chrdev_ops(inode->rdev);
	else if (S_ISBLK(inode->mode))
		ops = block_find(inode->rdev) ? &block_file_ops : NULL;
	if ((S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) && !ops)
		return -ENXIO;
	if ((inode->mode & S_IFMT) == S_IFSOCK)
		return -ENXIO;
	*ret_ops = ops;
	return 0;
}

static int open_inode(const struct path *path, struct inode *inode, unsigned flags,
		      bool checked, struct file **ret_file)
{
	const struct file_ops *ops = NULL;
	struct file *file;
	int err;

	if (!(flags & O_PATH) && !checked) {
		err = open_access(path, inode, flags);
		if (err < 0)
			return err;
	}
	if ((flags & O_PATH) && (flags & O_DIRECTORY) && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!(flags & O_PATH)) {
		err = choose_ops(inode, &ops);
		if (err < 0)
			return err;
	}
	if (inode->running && !(flags & O_PATH) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)))
		return -ETXTBSY;
	file = file_alloc(path, inode, flags);
	if (!file)
		return -ENOMEM;
	file->ops = ops;
	err = 0;
	if (flags & O_PATH)
		goto done;
	if ((flags & O_TRUNC) && S_ISREG(inode->mode))
		err = inode_truncate(inode, 0);
	if (err == 0 && S_ISFIFO(inode->mode))
		err = fifo_open(inode, file);
	else if (err == 0 && ops && ops->open)
		err = ops->open(inode, file);
	if (err < 0) {
		file_put(file);
		return err;
	}
	file->opened = true;
done:
	*ret_file = file;
	return 0;
}

int file_open_path(const struct path *path, unsigned flags, struct file **ret_file)
{
	return open_inode(path, path->dentry->inode, flags, false, ret_file);
}

int file_open_inode(struct inode *inode, const char *name, unsigned flags,
		    struct file **ret_file)
{
	struct path path;
	int err;

	err = pseudo_path(inode, name, &path);
	if (err < 0)
		return err;
	err = open_inode(&path, inode, flags, true, ret_file);
	path_put(&path);
	return err;
}

/* Create or find the last component LAST in DIR: the place, and whether it is new. */
static int open_last(struct fs_struct *fs, const struct path *dir, const char *last, size_t len,
		     unsigned flags, uint32_t mode, struct path *ret_path, bool *ret_new)
{
	struct inode *inode = dir->dentry->inode;
	struct dentry *dentry;
	int err = d_find(dir->dentry, last, len, &dentry);

	if (err < 0)
		return err;
	*ret_new = false;
	if (dentry->inode) {
		err = (flags & O_EXCL) ? -EEXIST : 0;
	} else {
		err = mnt_want_write(dir->mnt);
		if (err == 0)
			err = inode_permission(inode, MAY_WRITE | MAY_EXEC);
		if (err == 0)
			err = inode->ops->create ?
			      inode->ops->create(inode, dentry, S_IFREG | (mode & 07777 & ~fs->umask)) :
			      -EACCES;
		*ret_new = true;
	}
	if (err < 0) {
		dput(dentry);
		return err;
	}
	ret_path->mnt = mntget(dir->mnt);
	ret_path->dentry = dentry;
	follow_mount(ret_path);
	return 0;
}

/* O_CREAT: a dangling symbolic link makes the file that it names. */
static int open_create(struct fs_struct *fs, const struct path *base, const char *name,
		       unsigned flags, uint32_t mode, struct path *ret_path, bool *ret_new)
{
	struct path dir, path, next;
	char *text = NULL, *more;
	const char *last;
	size_t len;
	int err;

	next.mnt = NULL;
	for (unsigned links = 0;; links++) {
		err = path_parent(fs, next.mnt ? &next : base, text ? text : name, &dir, &last, &len);
		if (err < 0)
			break;
		if (len == 0 || (len <= 2 && last[0] == '.' && (len == 1 || last[1] == '.')) ||
		    last[len] == '/') {
			/* A directory, if it is anything. */
			path_put(&dir);
			err = path_walk(fs, next.mnt ? &next : base, text ? text : name,
					LOOKUP_FOLLOW, &path);
			if (err == 0) {
				err = S_ISDIR(path.dentry->inode->mode) ? -EISDIR : -ENOTDIR;
				path_put(&path);
			} else if (err == -ENOENT) {
				err = -EISDIR;
			}
			break;
		}
		err = open_last(fs, &dir, last, len, flags, mode, &path, ret_new);
		if (err < 0 || !S_ISLNK(path.dentry->inode->mode) || (flags & O_NOFOLLOW)) {
			path_put(&dir);
			break;
		}
		if (path.dentry->inode->ops->follow) {
			path_put(&dir);
			dir = path;
			err = dir.dentry->inode->ops->follow(dir.dentry->inode, &path);
			path_put(&dir);
			break;
		}
		more = links < SYMLINKS_MAX ? kzalloc(PATH_MAX) : NULL;
		err = links < SYMLINKS_MAX ? -ENOMEM : -ELOOP;
		if (more)
			err = (int)vfs_readlink(path.dentry->inode, more, PATH_MAX - 1);
		path_put(&path);
		kfree(text);
		text = more;
		if (next.mnt)
			path_put(&next);
		next = dir;
		if (err < 0)
			break;
	}
	if (next.mnt)
		path_put(&next);
	kfree(text);
	if (err == 0)
		*ret_path = path;
	return err;
}

int file_open(struct fs_struct *fs, const struct path *base, const char *name, unsigned flags,
	      uint32_t mode, struct file **ret_file)
{
	unsigned lookup = flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	bool created = false;
	struct path path;
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -EINVAL;
	if (flags & O_CREAT)
		err = open_create(fs, base, name, flags | (flags & O_EXCL ? O_NOFOLLOW : 0), mode,
				  &path, &created);
	else
		err = path_walk(fs, base, name, lookup, &path);
	if (err == 0 && (flags & O_CREAT) && S_ISDIR(path.dentry->inode->mode)) {
		path_put(&path);
		err = -EISDIR;
	}
	if (err < 0)
		return err;
	err = open_inode(&path, path.dentry->inode, created ? flags & ~(unsigned)O_TRUNC : flags,
			 created, ret_file);
	path_put(&path);
	return err;
}
