/* SPDX-License-Identifier: MIT */
/* mount(2), umount2(2), pivot_root(2): only root may. */
#include "files.h"

#define MS_MGC_VAL	0xc0ed0000u
#define MS_MGC_MSK	0xffff0000u

/* NULL stays NULL. */
static int optional_text(uintptr_t user, char **ret_text)
{
	*ret_text = NULL;
	return user ? user_text(user, PATH_MAX, ret_text) : 0;
}

DEFINE_SYSCALL(mount)
{
	char *source = NULL, *type = NULL, *data = NULL;
	unsigned flags = (unsigned)args->a[3];
	struct path target;
	long err;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	err = optional_text(args->a[0], &source);
	if (err == 0)
		err = optional_text(args->a[2], &type);
	if (err == 0)
		err = optional_text(args->a[4], &data);
	if (err == 0)
		err = at_walk(AT_FDCWD, args->a[1], LOOKUP_FOLLOW, &target);
	if (err == 0) {
		err = current->euid != 0 ? -EPERM : vfs_mount(source, &target, type, flags, data);
		path_put(&target);
	}
	kfree(source);
	kfree(type);
	kfree(data);
	return err;
}

DEFINE_SYSCALL(umount2)
{
	int flags = (int)args->a[1];
	struct path target;
	struct mount *mnt;
	long err;

	err = at_walk(AT_FDCWD, args->a[0],
		      LOOKUP_MOUNTPOINT | (flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW), &target);
	if (err < 0)
		return err;
	/* The dentry of the target would count as a user of its file system, its mount is expected. */
	err = current->euid != 0 ? -EPERM : vfs_umount(&target, flags);
	mnt = target.mnt;
	dput(target.dentry);
	mntput(mnt);
	return err;
}

DEFINE_SYSCALL(pivot_root)
{
	struct path new_root, put_old;
	long err;

	if (current->euid != 0)
		return -EPERM;
	err = at_walk(AT_FDCWD, args->a[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new_root);
	if (err < 0)
		return err;
	err = at_walk(AT_FDCWD, args->a[1], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &put_old);
	if (err == 0) {
		err = vfs_pivot_root(&new_root, &put_old);
		path_put(&put_old);
	}
	path_put(&new_root);
	return err;
}
