/* SPDX-License-Identifier: MIT */
/* What programs learn about files and file systems. */
#include "files.h"

struct stat_u {				/* x86-64 */
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct timespec64 atime, mtime, ctime;
	int64_t unused[3];
};

_Static_assert(sizeof(struct stat_u) == 144, "struct stat of x86-64");

struct statfs_u {
	int64_t type, bsize, blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};

_Static_assert(sizeof(struct statfs_u) == 120, "struct statfs of x86-64");

struct statx_time_u {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};

struct statx_u {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time_u atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t spare[13];
};

_Static_assert(sizeof(struct statx_u) == 256, "struct statx");

static uint64_t size_of(const struct inode *inode)
{
	return S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode) ? inode->size : 0;
}

static int64_t blksize_of(const struct inode *inode)
{
	return inode->sb->blocksize ? inode->sb->blocksize : PAGE_SIZE;
}

static long put_stat(const struct inode *inode, uintptr_t user)
{
	struct stat_u st = {
		.dev = user_dev(inode->sb->dev), .ino = inode->ino, .nlink = inode->nlink,
		.mode = inode->mode, .uid = inode->uid, .gid = inode->gid,
		.rdev = user_dev(inode->rdev), .size = (int64_t)size_of(inode),
		.blksize = blksize_of(inode), .blocks = (int64_t)inode->blocks,
		.atime = inode->atime, .mtime = inode->mtime, .ctime = inode->ctime,
	};

	return copy_to_user(user, &st, sizeof(st));
}

static long stat_at(int dirfd, uintptr_t name, unsigned flags, uintptr_t user)
{
	struct path path;
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = at_walk(dirfd, name, lookup, &path);
	if (err < 0)
		return err;
	err = put_stat(path.dentry->inode, user);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(stat) { return stat_at(AT_FDCWD, args->a[0], 0, args->a[1]); }

DEFINE_SYSCALL(lstat)
{
	return stat_at(AT_FDCWD, args->a[0], AT_SYMLINK_NOFOLLOW, args->a[1]);
}

DEFINE_SYSCALL(newfstatat)
{
	return stat_at((int)args->a[0], args->a[1], (unsigned)args->a[3], args->a[2]);
}

DEFINE_SYSCALL(fstat)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	err = put_stat(file->inode, args->a[1]);
	file_put(file);
	return err;
}

static struct statx_time_u statx_time(struct timespec64 time)
{
	return (struct statx_time_u){ time.sec, (uint32_t)time.nsec, 0 };
}

#define STATX_BASIC_STATS	0x7ffu
#define STATX__RESERVED	0x80000000u
#define STATX_MNT_ID		0x1000u
#define STATX_ATTR_MOUNT_ROOT	0x2000u

DEFINE_SYSCALL(statx)
{
	unsigned flags = (unsigned)args->a[2];
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	const struct inode *inode;
	struct statx_u st = { .mask = STATX_BASIC_STATS | STATX_MNT_ID };
	struct path path;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (args->a[3] & STATX__RESERVED)
		return -EINVAL;
	err = at_walk((int)args->a[0], args->a[1], lookup, &path);
	if (err < 0)
		return err;
	inode = path.dentry->inode;
	st.blksize = (uint32_t)blksize_of(inode);
	st.nlink = inode->nlink;
	st.uid = inode->uid;
	st.gid = inode->gid;
	st.mode = (uint16_t)inode->mode;
	st.ino = inode->ino;
	st.size = size_of(inode);
	st.blocks = inode->blocks;
	st.attributes_mask = STATX_ATTR_MOUNT_ROOT;
	if (path.dentry == path.mnt->root)
		st.attributes = STATX_ATTR_MOUNT_ROOT;
	st.atime = statx_time(inode->atime);
	st.mtime = statx_time(inode->mtime);
	st.ctime = statx_time(inode->ctime);
	st.rdev_major = MAJOR(inode->rdev);
	st.rdev_minor = MINOR(inode->rdev);
	st.dev_major = MAJOR(inode->sb->dev);
	st.dev_minor = MINOR(inode->sb->dev);
	st.mnt_id = (uint64_t)path.mnt->id;
	path_put(&path);
	return copy_to_user(args->a[4], &st, sizeof(st));
}

/* -- file systems ---------------------------------------------------------------------------------- */

static long put_statfs(const struct path *path, uintptr_t user)
{
	static const struct { unsigned mount, flag; } flags[] = {
		{ MS_RDONLY, 1 }, { MS_NOSUID, 2 }, { MS_NODEV, 4 }, { MS_NOEXEC, 8 },
		{ MS_NOATIME, 0x400 }, { MS_RELATIME, 0x1000 },
	};
	struct super_block *sb = path->mnt->sb;
	struct kstatfs st = { .type = sb->magic, .bsize = sb->blocksize, .namelen = NAME_MAX };
	struct statfs_u out = { 0 };
	int err = sb->ops->statfs ? sb->ops->statfs(sb, &st) : 0;

	if (err < 0)
		return err;
	out.type = (int64_t)st.type;
	out.bsize = out.frsize = (int64_t)st.bsize;
	out.blocks = (int64_t)st.blocks;
	out.bfree = (int64_t)st.bfree;
	out.bavail = (int64_t)st.bavail;
	out.files = (int64_t)st.files;
	out.ffree = (int64_t)st.ffree;
	out.fsid[0] = (int32_t)user_dev(sb->dev);
	out.namelen = (int64_t)st.namelen;
	out.flags = 0x20;		/* ST_VALID */
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (path->mnt->flags & flags[i].mount)
			out.flags |= flags[i].flag;
	if (sb->flags & SB_RDONLY)
		out.flags |= 1;
	return copy_to_user(user, &out, sizeof(out));
}

DEFINE_SYSCALL(statfs)
{
	struct path path;
	long err = at_walk(AT_FDCWD, args->a[0], LOOKUP_FOLLOW, &path);

	if (err < 0)
		return err;
	err = put_statfs(&path, args->a[1]);
	path_put(&path);
	return err;
}

DEFINE_SYSCALL(fstatfs)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	err = put_statfs(&file->path, args->a[1]);
	file_put(file);
	return err;
}

/* -- access and symbolic links --------------------------------------------------------------------------- */

static long access_place(const struct path *path, unsigned mode)
{
	const struct inode *inode = path->dentry->inode;
	bool special = !S_ISREG(inode->mode) && !S_ISDIR(inode->mode) && !S_ISLNK(inode->mode);
	int err = mode ? inode_permission(inode, (int)mode) : 0;

	if (err == 0 && (mode & MAY_WRITE) && !special)
		err = mnt_want_write(path->mnt);
	if (err == 0 && (mode & MAY_EXEC) && S_ISREG(inode->mode) && (path->mnt->flags & MS_NOEXEC))
		err = -EACCES;
	return err;
}

/* Asked for the real user, unless AT_EACCESS. */
static long access_at(int dirfd, uintptr_t name, unsigned mode, unsigned flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	uint32_t uid = current->euid, gid = current->egid;
	struct path path;
	long err;

	if ((mode & ~7u) || (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS)))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		current->euid = current->uid;
		current->egid = current->gid;
	}
	err = at_walk(dirfd, name, lookup, &path);
	if (err == 0) {
		err = access_place(&path, mode);
		path_put(&path);
	}
	current->euid = uid;
	current->egid = gid;
	return err;
}

DEFINE_SYSCALL(access) { return access_at(AT_FDCWD, args->a[0], (unsigned)args->a[1], 0); }

DEFINE_SYSCALL(faccessat)
{
	return access_at((int)args->a[0], args->a[1], (unsigned)args->a[2], 0);
}

DEFINE_SYSCALL(faccessat2)
{
	return access_at((int)args->a[0], args->a[1], (unsigned)args->a[2], (unsigned)args->a[3]);
}

static long readlink_at(int dirfd, uintptr_t name, uintptr_t user, int size)
{
	struct path path;
	char *buf;
	long len;

	if (size <= 0)
		return -EINVAL;
	len = at_walk(dirfd, name, LOOKUP_EMPTY, &path);
	if (len < 0)
		return len;
	buf = kmalloc(PATH_MAX);
	len = -ENOMEM;
	if (buf)
		len = vfs_readlink(path.dentry->inode, buf, PATH_MAX);
	if (len > size)
		len = size;
	if (len > 0 && copy_to_user(user, buf, (size_t)len) < 0)
		len = -EFAULT;
	kfree(buf);
	path_put(&path);
	return len;
}

DEFINE_SYSCALL(readlink)
{
	return readlink_at(AT_FDCWD, args->a[0], args->a[1], (int)args->a[2]);
}

DEFINE_SYSCALL(readlinkat)
{
	return readlink_at((int)args->a[0], args->a[1], args->a[2], (int)args->a[3]);
}
