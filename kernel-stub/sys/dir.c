/* SPDX-License-Identifier: MIT */
/* System calls that change directories, and those about where a task is. */
#include "files.h"

/* ------------------------------------------------------------------ making and removing */

static long do_mkdir(int dirfd, uintptr_t text, uint32_t mode)
{
	struct at_name name;
	int err = at_get(dirfd, text, false, &name);

	if (err)
		return err;
	err = vfs_mkdir(current->fs, name.base, name.text, mode);
	at_put(&name);
	return err;
}

static long do_mknod(int dirfd, uintptr_t text, uint32_t mode, uint64_t dev)
{
	struct at_name name;
	int err = at_get(dirfd, text, false, &name);

	if (err)
		return err;
	err = vfs_mknod(current->fs, name.base, name.text, mode, kernel_dev(dev));
	at_put(&name);
	return err;
}

static long do_unlink(int dirfd, uintptr_t text, bool directory)
{
	struct at_name name;
	int err = at_get(dirfd, text, false, &name);

	if (err)
		return err;
	err = (directory ? vfs_rmdir : vfs_unlink)(current->fs, name.base, name.text);
	at_put(&name);
	return err;
}

static long do_rename(int old_dirfd, uintptr_t old_text, int new_dirfd, uintptr_t new_text,
		      unsigned flags)
{
	struct at_name old, new;
	int err = at_get(old_dirfd, old_text, false, &old);

	if (err)
		return err;
	err = at_get(new_dirfd, new_text, false, &new);
	if (!err) {
		err = vfs_rename(current->fs, old.base, old.text, new.base, new.text, flags);
		at_put(&new);
	}
	at_put(&old);
	return err;
}

static long do_link(int old_dirfd, uintptr_t old_text, int new_dirfd, uintptr_t new_text,
		    unsigned flags)
{
	struct at_name new;
	struct path old;
	int err = at_walk(old_dirfd, old_text, at_lookup(flags, flags & AT_SYMLINK_FOLLOW), &old);

	if (err)
		return err;
	err = at_get(new_dirfd, new_text, false, &new);
	if (!err) {
		err = vfs_link(current->fs, &old, new.base, new.text);
		at_put(&new);
	}
	path_put(&old);
	return err;
}

static long do_symlink(uintptr_t text, int dirfd, uintptr_t link)
{
	struct at_name target, name;
	int err = at_get(AT_FDCWD, text, false, &target);

	if (err)
		return err;
	err = at_get(dirfd, link, false, &name);
	if (!err) {
		err = *target.text ? vfs_symlink(current->fs, name.base, name.text, target.text) :
				     -ENOENT;
		at_put(&name);
	}
	at_put(&target);
	return err;
}

DEFINE_SYSCALL(mkdir) { return do_mkdir(AT_FDCWD, args->a[0], (uint32_t)args->a[1]); }
DEFINE_SYSCALL(mkdirat) { return do_mkdir((int)args->a[0], args->a[1], (uint32_t)args->a[2]); }
DEFINE_SYSCALL(rmdir) { return do_unlink(AT_FDCWD, args->a[0], true); }
DEFINE_SYSCALL(unlink) { return do_unlink(AT_FDCWD, args->a[0], false); }

DEFINE_SYSCALL(mknod)
{
	return do_mknod(AT_FDCWD, args->a[0], (uint32_t)args->a[1], args->a[2]);
}

DEFINE_SYSCALL(mknodat)
{
	return do_mknod((int)args->a[0], args->a[1], (uint32_t)args->a[2], args->a[3]);
}

DEFINE_SYSCALL(unlinkat)
{
	if (args->a[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink((int)args->a[0], args->a[1], args->a[2] & AT_REMOVEDIR);
}

DEFINE_SYSCALL(rename)
{
	return do_rename(AT_FDCWD, args->a[0], AT_FDCWD, args->a[1], 0);
}

DEFINE_SYSCALL(renameat)
{
	return do_rename((int)args->a[0], args->a[1], (int)args->a[2], args->a[3], 0);
}

DEFINE_SYSCALL(renameat2)
{
	if (args->a[4] & ~(uint64_t)RENAME_NOREPLACE)
		return -EINVAL;
	return do_rename((int)args->a[0], args->a[1], (int)args->a[2], args->a[3],
			 (unsigned)args->a[4]);
}

DEFINE_SYSCALL(link)
{
	return do_link(AT_FDCWD, args->a[0], AT_FDCWD, args->a[1], 0);
}

DEFINE_SYSCALL(linkat)
{
	return do_link((int)args->a[0], args->a[1], (int)args->a[2], args->a[3],
		       (unsigned)args->a[4]);
}

DEFINE_SYSCALL(symlink) { return do_symlink(args->a[0], AT_FDCWD, args->a[1]); }
DEFINE_SYSCALL(symlinkat) { return do_symlink(args->a[0], (int)args->a[1], args->a[2]); }

/* ------------------------------------------------------------------ where the task is */

DEFINE_SYSCALL(chdir)
{
	struct path path;
	int err = at_walk(AT_FDCWD, args->a[0], LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = vfs_chdir(current->fs, &path);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(fchdir)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	int err;

	if (!file)
		return -EBADF;
	err = vfs_chdir(current->fs, &file->path);
	file_put(file);
	return err;
}

DEFINE_SYSCALL(chroot)
{
	struct path path;
	int err = at_walk(AT_FDCWD, args->a[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = inode_permission(path.dentry->inode, MAY_EXEC);
	if (err == 0)
		err = current->euid == 0 ? vfs_chroot(current->fs, &path) : -EPERM;
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(getcwd)
{
	char *buf = kmalloc(PATH_MAX), *text;
	long len;

	if (!buf)
		return -ENOMEM;
	if (current->fs->cwd.dentry->unhashed &&
	    current->fs->cwd.dentry->parent != current->fs->cwd.dentry) {
		kfree(buf);
		return -ENOENT;		/* it was removed */
	}
	text = path_text(&current->fs->cwd, &current->fs->root, buf, PATH_MAX);
	if (!text) {
		len = -ENAMETOOLONG;
	} else {
		len = (long)strlen(text) + 1;
		if ((uint64_t)len > args->a[1])
			len = -ERANGE;
		else if (copy_to_user(args->a[0], text, (size_t)len) < 0)
			len = -EFAULT;
	}
	kfree(buf);
	return len;
}

DEFINE_SYSCALL(umask)
{
	uint32_t old = current->fs->umask;

	current->fs->umask = (uint32_t)args->a[0] & 0777;
	return old;
}
