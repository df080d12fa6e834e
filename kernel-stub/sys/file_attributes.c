/* SPDX-License-Identifier: MIT */
/* Modes, owners, times, sizes. */
#include "files.h"

#define KEEP_ID	UINT32_MAX

/* Tell the file system; what it refuses is taken back. */
static int commit(const struct path *path, const struct inode *before)
{
	struct inode *inode = path->dentry->inode;
	int err = 0;

	if (inode->ops->setattr)
		err = inode->ops->setattr(inode);
	if (err < 0) {
		inode->mode = before->mode;
		inode->uid = before->uid;
		inode->gid = before->gid;
		inode->atime = before->atime;
		inode->mtime = before->mtime;
		inode->ctime = before->ctime;
	}
	return err;
}

static bool is_owner(const struct inode *inode)
{
	return current->euid == 0 || current->euid == inode->uid;
}

static bool is_member(uint32_t gid)
{
	if (current->egid == gid)
		return true;
	for (unsigned i = 0; i < current->group_count; i++)
		if (current->groups[i] == gid)
			return true;
	return false;
}

/* -- chmod ----------------------------------------------------------------------------------------- */

static int change_mode(const struct path *path, uint32_t mode)
{
	struct inode *inode = path->dentry->inode, before = *inode;
	int err = mnt_want_write(path->mnt);

	if (err < 0)
		return err;
	if (!is_owner(inode))
		return -EPERM;
	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	if (current->euid != 0 && !is_member(inode->gid))
		mode &= ~S_ISGID;
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	inode->ctime = time_now();
	return commit(path, &before);
}

static long chmod_at(int dirfd, uintptr_t name, uint32_t mode)
{
	struct path path;
	long err = at_walk(dirfd, name, LOOKUP_FOLLOW, &path);

	if (err < 0)
		return err;
	err = change_mode(&path, mode);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(chmod) { return chmod_at(AT_FDCWD, args->a[0], (uint32_t)args->a[1]); }

DEFINE_SYSCALL(fchmodat)
{
	return chmod_at((int)args->a[0], args->a[1], (uint32_t)args->a[2]);
}

DEFINE_SYSCALL(fchmod)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	err = file->flags & O_PATH ? -EBADF : change_mode(&file->path, (uint32_t)args->a[1]);
	file_put(file);
	return err;
}

/* -- chown ------------------------------------------------------------------------------------------- */

static int change_owner(const struct path *path, uint32_t uid, uint32_t gid)
{
	struct inode *inode = path->dentry->inode, before = *inode;
	int err = mnt_want_write(path->mnt);

	if (err < 0)
		return err;
	if (current->euid != 0) {
		if (uid != KEEP_ID && (uid != inode->uid || current->euid != inode->uid))
			return -EPERM;
		if (gid != KEEP_ID && gid != inode->gid &&
		    (current->euid != inode->uid || !is_member(gid)))
			return -EPERM;
	}
	if (uid != KEEP_ID)
		inode->uid = uid;
	if (gid != KEEP_ID)
		inode->gid = gid;
	if (!S_ISDIR(inode->mode)) {
		inode->mode &= ~S_ISUID;
		if (inode->mode & 010)
			inode->mode &= ~S_ISGID;
	}
	inode->ctime = time_now();
	return commit(path, &before);
}

static long chown_at(int dirfd, uintptr_t name, uint64_t uid, uint64_t gid, unsigned flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = at_walk(dirfd, name, lookup, &path);
	if (err < 0)
		return err;
	err = change_owner(&path, (uint32_t)uid, (uint32_t)gid);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(chown) { return chown_at(AT_FDCWD, args->a[0], args->a[1], args->a[2], 0); }

DEFINE_SYSCALL(lchown)
{
	return chown_at(AT_FDCWD, args->a[0], args->a[1], args->a[2], AT_SYMLINK_NOFOLLOW);
}

DEFINE_SYSCALL(fchownat)
{
	return chown_at((int)args->a[0], args->a[1], args->a[2], args->a[3], (unsigned)args->a[4]);
}

DEFINE_SYSCALL(fchown)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	err = file->flags & O_PATH ? -EBADF :
	      change_owner(&file->path, (uint32_t)args->a[1], (uint32_t)args->a[2]);
	file_put(file);
	return err;
}

/* -- times ----------------------------------------------------------------------------------------------- */

#define UTIME_NOW	0x3fffffff
#define UTIME_OMIT	0x3ffffffe

/* TIMES: atime and mtime; NULL: both are now. */
static int change_times(const struct path *path, const struct timespec64 *times)
{
	struct inode *inode = path->dentry->inode, before = *inode;
	struct timespec64 now = time_now();
	bool both_now = !times || (times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW);
	int err = mnt_want_write(path->mnt);

	if (err < 0)
		return err;
	if (!is_owner(inode)) {
		if (!both_now)
			return -EPERM;
		err = inode_permission(inode, MAY_WRITE);
		if (err < 0)
			return err;
	}
	if (!times || times[0].nsec == UTIME_NOW)
		inode->atime = now;
	else if (times[0].nsec != UTIME_OMIT)
		inode->atime = times[0];
	if (!times || times[1].nsec == UTIME_NOW)
		inode->mtime = now;
	else if (times[1].nsec != UTIME_OMIT)
		inode->mtime = times[1];
	inode->ctime = now;
	return commit(path, &before);
}

/* A name of NULL means DIRFD itself. */
static long times_at(int dirfd, uintptr_t name, const struct timespec64 *times, unsigned flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;
	struct file *file;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	for (int i = 0; times && i < 2; i++)
		if ((times[i].nsec < 0 || times[i].nsec >= 1000000000) &&
		    times[i].nsec != UTIME_NOW && times[i].nsec != UTIME_OMIT)
			return -EINVAL;
	if (!name && dirfd != AT_FDCWD) {
		file = fd_get(current->files, dirfd);
		if (!file)
			return -EBADF;
		err = change_times(&file->path, times);
		file_put(file);
		return err;
	}
	err = at_walk(dirfd, name, lookup, &path);
	if (err < 0)
		return err;
	err = change_times(&path, times);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(utimensat)
{
	struct timespec64 times[2];

	if (args->a[2] && copy_from_user(times, args->a[2], sizeof(times)) < 0)
		return -EFAULT;
	return times_at((int)args->a[0], args->a[1], args->a[2] ? times : NULL,
			(unsigned)args->a[3]);
}

/* struct timeval[2] */
static long utimes_at(int dirfd, uintptr_t name, uintptr_t user)
{
	struct timespec64 times[2];

	if (!user)
		return times_at(dirfd, name, NULL, 0);
	if (copy_from_user(times, user, sizeof(times)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (times[i].nsec < 0 || times[i].nsec >= 1000000)
			return -EINVAL;
		times[i].nsec *= 1000;
	}
	return times_at(dirfd, name, times, 0);
}

DEFINE_SYSCALL(utimes) { return utimes_at(AT_FDCWD, args->a[0], args->a[1]); }
DEFINE_SYSCALL(futimesat) { return utimes_at((int)args->a[0], args->a[1], args->a[2]); }

DEFINE_SYSCALL(utime)
{
	struct timespec64 times[2] = { { 0, 0 }, { 0, 0 } };
	int64_t seconds[2];

	if (!args->a[1])
		return times_at(AT_FDCWD, args->a[0], NULL, 0);
	if (copy_from_user(seconds, args->a[1], sizeof(seconds)) < 0)
		return -EFAULT;
	times[0].sec = seconds[0];
	times[1].sec = seconds[1];
	return times_at(AT_FDCWD, args->a[0], times, 0);
}

/* -- sizes ------------------------------------------------------------------------------------------------- */

DEFINE_SYSCALL(truncate)
{
	struct path path;
	long err;

	if ((int64_t)args->a[1] < 0)
		return -EINVAL;
	err = at_walk(AT_FDCWD, args->a[0], LOOKUP_FOLLOW, &path);
	if (err < 0)
		return err;
	err = vfs_truncate(&path, args->a[1]);
	path_put(&path);
	return err;
}

/* A regular file open for writing: 0, or what is wrong. */
static int may_resize(const struct file *file, int not_writable)
{
	if (file->flags & O_PATH)
		return -EBADF;
	if ((file->flags & O_ACCMODE) == O_RDONLY)
		return not_writable;
	return S_ISREG(file->inode->mode) ? 0 : -EINVAL;
}

DEFINE_SYSCALL(ftruncate)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	err = (int64_t)args->a[1] < 0 ? -EINVAL : may_resize(file, -EINVAL);
	if (err == 0)
		err = inode_truncate(file->inode, args->a[1]);
	file_put(file);
	return err;
}

/* Room is not set aside: only the size grows. */
DEFINE_SYSCALL(fallocate)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	uint64_t end = args->a[2] + args->a[3];
	long err;

	if (!file)
		return -EBADF;
	err = may_resize(file, -EBADF);
	if (err == 0 && ((int64_t)args->a[2] < 0 || (int64_t)args->a[3] <= 0))
		err = -EINVAL;
	else if (err == 0 && (int64_t)end < 0)
		err = -EFBIG;
	else if (err == 0 && args->a[1] != 0)
		err = -EOPNOTSUPP;
	if (err == 0 && end > file->inode->size)
		err = inode_truncate(file->inode, end);
	file_put(file);
	return err;
}
