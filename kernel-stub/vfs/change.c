/* SPDX-License-Identifier: MIT */
/* Changing directories: make, link, remove, rename; and sizes. */
#include "internal.h"

/* The directory that is to change and the dentry of the last component in it. */
struct change {
	struct path dir;
	struct dentry *dentry;
	bool slash;		/* the name ended in one */
};

static bool is_dots(const char *last, size_t len)
{
	return len <= 2 && len > 0 && last[0] == '.' && last[len - 1] == '.';
}

static int change_begin(struct fs_struct *fs, const struct path *base, const char *name,
			int dots_error, struct change *ret)
{
	struct change change;
	const char *last;
	size_t len;
	int err = path_parent(fs, base, name, &change.dir, &last, &len);

	if (err < 0)
		return err;
	err = dots_error;
	if (len == 0 || is_dots(last, len))
		goto out;
	change.slash = last[len] == '/';
	err = d_find(change.dir.dentry, last, len, &change.dentry);
	if (err < 0)
		goto out;
	*ret = change;
	return 0;
out:
	path_put(&change.dir);
	return err;
}

static void change_end(struct change *change)
{
	dput(change->dentry);
	path_put(&change->dir);
}

static int may_change(const struct path *dir)
{
	int err = mnt_want_write(dir->mnt);

	return err < 0 ? err : inode_permission(dir->dentry->inode, MAY_WRITE | MAY_EXEC);
}

/* Sticky directories: only the owner of the file or the directory, and root. */
static int may_remove(const struct path *dir, const struct inode *inode)
{
	int err = may_change(dir);

	if (err == 0 && (dir->dentry->inode->mode & S_ISVTX) && current && current->euid != 0 &&
	    current->euid != inode->uid && current->euid != dir->dentry->inode->uid)
		err = -EPERM;
	return err;
}

static int begin_new(struct fs_struct *fs, const struct path *base, const char *name,
		     bool directory, struct change *ret)
{
	int err = change_begin(fs, base, name, -EEXIST, ret);

	if (err < 0)
		return err;
	if (ret->dentry->inode)
		err = -EEXIST;
	else if (ret->slash && !directory)
		err = -ENOENT;
	else
		err = may_change(&ret->dir);
	/* Where nothing can be made (proc), no name can be new either. */
	if (err == 0 && !ret->dir.dentry->inode->ops->create)
		err = -ENOENT;
	if (err < 0)
		change_end(ret);
	return err;
}

int vfs_mkdir(struct fs_struct *fs, const struct path *base, const char *name, uint32_t mode)
{
	struct change change;
	struct inode *dir;
	int err = begin_new(fs, base, name, true, &change);

	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	err = dir->ops->mkdir ?
	      dir->ops->mkdir(dir, change.dentry, S_IFDIR | (mode & 01777 & ~fs->umask)) : -EPERM;
	change_end(&change);
	return err;
}

int vfs_mknod(struct fs_struct *fs, const struct path *base, const char *name, uint32_t mode,
	      uint32_t rdev)
{
	struct change change;
	struct inode *dir;
	int err;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (S_ISLNK(mode))
		return -EINVAL;
	err = begin_new(fs, base, name, false, &change);
	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	mode = (mode & S_IFMT) | (mode & 07777 & ~fs->umask);
	err = -EPERM;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && current && current->euid != 0)
		goto out;
	if (S_ISREG(mode)) {
		if (dir->ops->create)
			err = dir->ops->create(dir, change.dentry, mode);
	} else if (dir->ops->mknod) {
		err = dir->ops->mknod(dir, change.dentry, mode, rdev);
	}
out:
	change_end(&change);
	return err;
}

int vfs_symlink(struct fs_struct *fs, const struct path *base, const char *name,
		const char *text)
{
	struct change change;
	struct inode *dir;
	int err;

	if (!*text)
		return -ENOENT;
	err = begin_new(fs, base, name, false, &change);
	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	err = dir->ops->symlink ? dir->ops->symlink(dir, change.dentry, text) : -EPERM;
	change_end(&change);
	return err;
}

int vfs_link(struct fs_struct *fs, const struct path *old, const struct path *base,
	     const char *name)
{
	struct change change;
	struct inode *dir;
	int err = begin_new(fs, base, name, false, &change);

	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	err = -EXDEV;
	if (old->mnt != change.dir.mnt)
		goto out;
	err = -EPERM;
	if (S_ISDIR(old->dentry->inode->mode) || !dir->ops->link)
		goto out;
	err = -ENOENT;
	if (old->dentry->inode->nlink == 0)
		goto out;
	err = dir->ops->link(old->dentry->inode, dir, change.dentry);
out:
	change_end(&change);
	return err;
}

int vfs_unlink(struct fs_struct *fs, const struct path *base, const char *name)
{
	struct change change;
	struct inode *dir, *inode;
	int err = change_begin(fs, base, name, -EISDIR, &change);

	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	inode = change.dentry->inode;
	err = mnt_want_write(change.dir.mnt);
	if (err < 0)
		goto out;
	err = -ENOENT;
	if (!inode)
		goto out;
	err = S_ISDIR(inode->mode) ? -EISDIR : -ENOTDIR;
	if (change.slash || S_ISDIR(inode->mode))
		goto out;
	err = may_remove(&change.dir, inode);
	if (err < 0)
		goto out;
	err = -EBUSY;
	if (change.dentry->mounts != 0)
		goto out;
	err = dir->ops->unlink ? dir->ops->unlink(dir, change.dentry) : -EPERM;
	if (err == 0)
		d_drop(change.dentry);
out:
	change_end(&change);
	return err;
}

int vfs_rmdir(struct fs_struct *fs, const struct path *base, const char *name)
{
	struct change change;
	struct inode *dir;
	struct path parent;
	const char *last;
	size_t len;
	int err = path_parent(fs, base, name, &parent, &last, &len);

	if (err < 0)
		return err;
	path_put(&parent);
	if (len == 0 || is_dots(last, len))
		return len == 0 ? -EBUSY : len == 1 ? -EINVAL : -ENOTEMPTY;
	err = change_begin(fs, base, name, -EINVAL, &change);
	if (err < 0)
		return err;
	dir = change.dir.dentry->inode;
	err = -ENOENT;
	if (!change.dentry->inode)
		goto out;
	err = -ENOTDIR;
	if (!S_ISDIR(change.dentry->inode->mode))
		goto out;
	err = may_remove(&change.dir, change.dentry->inode);
	if (err < 0)
		goto out;
	err = -EBUSY;
	if (change.dentry->mounts != 0)
		goto out;
	err = dir->ops->rmdir ? dir->ops->rmdir(dir, change.dentry) : -EPERM;
	if (err == 0)
		d_drop(change.dentry);
out:
	change_end(&change);
	return err;
}

/* Everything that may forbid it, in Linux' order. */
static int may_rename(const struct change *from, const struct change *to, unsigned flags)
{
	const struct inode *old = from->dentry->inode, *new = to->dentry->inode;
	int err;

	if (!old)
		return -ENOENT;
	if (!S_ISDIR(old->mode) && (from->slash || to->slash))
		return -ENOTDIR;
	if (new && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (d_is_below(to->dir.dentry, from->dentry))
		return -EINVAL;
	if (new && d_is_below(from->dir.dentry, to->dentry))
		return -ENOTEMPTY;
	err = may_remove(&from->dir, old);
	if (err == 0)
		err = new ? may_remove(&to->dir, new) : may_change(&to->dir);
	if (err < 0)
		return err;
	if (new && S_ISDIR(old->mode) != S_ISDIR(new->mode))
		return S_ISDIR(old->mode) ? -ENOTDIR : -EISDIR;
	if (from->dentry->mounts != 0 || to->dentry->mounts != 0)
		return -EBUSY;
	return 0;
}

int vfs_rename(struct fs_struct *fs, const struct path *old_base, const char *old_name,
	       const struct path *new_base, const char *new_name, unsigned flags)
{
	struct change from, to;
	struct inode *dir;
	int err;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	err = change_begin(fs, old_base, old_name, -EBUSY, &from);
	if (err < 0)
		return err;
	err = change_begin(fs, new_base, new_name, -EBUSY, &to);
	if (err < 0)
		goto out_from;
	err = -EXDEV;
	if (from.dir.mnt != to.dir.mnt)
		goto out;
	err = may_rename(&from, &to, flags);
	if (err < 0)
		goto out;
	/* Two names of one file: nothing to do. */
	if (from.dentry->inode == to.dentry->inode)
		goto out;
	dir = from.dir.dentry->inode;
	err = dir->ops->rename ?
	      dir->ops->rename(dir, from.dentry, to.dir.dentry->inode, to.dentry) : -EPERM;
	if (err == 0)
		d_move(from.dentry, to.dentry);
out:
	change_end(&to);
out_from:
	change_end(&from);
	return err;
}

int inode_truncate(struct inode *inode, uint64_t size)
{
	int err;

	if (!inode->ops->truncate)
		return -EINVAL;
	inode_drop_set_id(inode);
	err = inode->ops->truncate(inode, size);
	if (err == 0)
		page_cache_cut(inode, size);
	return err;
}

int vfs_truncate(const struct path *path, uint64_t size)
{
	struct inode *inode = path->dentry->inode;
	int err;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	err = mnt_want_write(path->mnt);
	if (err == 0)
		err = inode_permission(inode, MAY_WRITE);
	if (err == 0 && inode->running)
		err = -ETXTBSY;
	if (err == 0)
		err = inode_truncate(inode, size);
	return err;
}
