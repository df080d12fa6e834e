/* SPDX-License-Identifier: MIT */
/* Reading and writing through descriptors. */
#include "files.h"

#define IOV_MAX		1024u
#define RW_MAX		0x7ffff000u	/* as Linux: never more in one call */

struct iovec_u {
	uint64_t base, len;
};

static bool has_position(const struct file *file)
{
	if (S_ISFIFO(file->inode->mode) || (file->inode->mode & S_IFMT) == S_IFSOCK)
		return false;
	return !S_ISCHR(file->inode->mode) || (file->ops && file->ops->llseek);
}

static long rw(struct file *file, uintptr_t buf, uint64_t len, uint64_t *pos, bool write)
{
	struct uio uio = { (char *)buf, len < RW_MAX ? (size_t)len : RW_MAX, true };

	return write ? file_write(file, &uio, pos) : file_read(file, &uio, pos);
}

/* *pos NULL: the file's own. */
static long rw_fd(const struct syscall_args *args, const uint64_t *pos, bool write)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	uint64_t at;
	long n;

	if (!file)
		return -EBADF;
	at = pos ? *pos : file->pos;
	if (pos && !has_position(file))
		n = -ESPIPE;
	else if (pos && (int64_t)at < 0)
		n = -EINVAL;
	else
		n = rw(file, args->a[1], args->a[2], pos ? &at : &file->pos, write);
	file_put(file);
	return n;
}

DEFINE_SYSCALL(read) { return rw_fd(args, NULL, false); }
DEFINE_SYSCALL(write) { return rw_fd(args, NULL, true); }
DEFINE_SYSCALL(pread64) { return rw_fd(args, &args->a[3], false); }
DEFINE_SYSCALL(pwrite64) { return rw_fd(args, &args->a[3], true); }

static long rw_vector(const struct syscall_args *args, const uint64_t *pos, bool write)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	uint64_t at, *where;
	long done = 0, n = 0;

	if (!file)
		return -EBADF;
	at = pos ? *pos : 0;
	where = pos ? &at : &file->pos;
	if (args->a[2] > IOV_MAX || (pos && (int64_t)at < 0))
		n = -EINVAL;
	else if (pos && !has_position(file))
		n = -ESPIPE;
	for (uint64_t i = 0; n >= 0 && i < args->a[2]; i++) {
		struct iovec_u iov;

		n = copy_from_user(&iov, args->a[1] + i * sizeof(iov), sizeof(iov));
		if (n == 0 && iov.len > INT64_MAX)
			n = -EINVAL;
		if (n < 0)
			break;
		if (iov.len == 0)
			continue;
		n = rw(file, iov.base, iov.len, where, write);
		if (n < 0)
			break;
		done += n;
		if ((uint64_t)n < iov.len)
			break;
	}
	file_put(file);
	return done > 0 ? done : n < 0 ? n : 0;
}

DEFINE_SYSCALL(readv) { return rw_vector(args, NULL, false); }
DEFINE_SYSCALL(writev) { return rw_vector(args, NULL, true); }
DEFINE_SYSCALL(preadv) { return rw_vector(args, &args->a[3], false); }
DEFINE_SYSCALL(pwritev) { return rw_vector(args, &args->a[3], true); }

/* -- position ------------------------------------------------------------------------------------ */

static int64_t seek(struct file *file, int64_t offset, int whence)
{
	int64_t pos;

	if (file->flags & O_PATH)
		return -EBADF;
	if (!has_position(file))
		return -ESPIPE;
	if (file->ops && file->ops->llseek)
		return file->ops->llseek(file, offset, whence);
	switch (whence) {
	case 0:
		pos = offset;
		break;
	case 1:
		pos = (int64_t)file->pos + offset;
		break;
	case 2:
		pos = (int64_t)file->inode->size + offset;
		break;
	case 3:		/* SEEK_DATA and SEEK_HOLE: all is data, and then comes a hole */
	case 4:
		if (offset < 0 || (uint64_t)offset >= file->inode->size)
			return -ENXIO;
		pos = whence == 3 ? offset : (int64_t)file->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (pos < 0)
		return -EINVAL;
	file->pos = (uint64_t)pos;
	return pos;
}

DEFINE_SYSCALL(lseek)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	int64_t pos;

	if (!file)
		return -EBADF;
	pos = seek(file, (int64_t)args->a[1], (int)args->a[2]);
	file_put(file);
	return pos;
}

/* -- from file to file ------------------------------------------------------------------------------ */

/* COUNT bytes; what was read and not taken is read again by the next call. */
static long transfer(struct file *out, uint64_t *out_pos, struct file *in, uint64_t *in_pos,
		     uint64_t count)
{
	void *buf = page_alloc();
	long done = 0, n = 0;

	if (!buf)
		return -ENOMEM;
	while (count > 0) {
		struct uio uio = uio_kernel(buf, count < PAGE_SIZE ? (size_t)count : PAGE_SIZE);
		long written;

		n = file_read(in, &uio, in_pos);
		if (n <= 0)
			break;
		uio = uio_kernel(buf, (size_t)n);
		written = file_write(out, &uio, out_pos);
		if (written < n && has_position(in))
			*in_pos -= (uint64_t)(n - (written > 0 ? written : 0));
		n = written;
		if (n <= 0)
			break;
		done += n;
		count -= (uint64_t)n;
		if (signal_pending())
			break;
	}
	page_put(buf);
	return done > 0 ? done : n;
}

static int get_offset(uintptr_t user, uint64_t *ret)
{
	int err = copy_from_user(ret, user, sizeof(*ret));

	return err == 0 && (int64_t)*ret < 0 ? -EINVAL : err;
}

static bool readable(const struct file *file)
{
	return !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool writable(const struct file *file)
{
	return !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != O_RDONLY;
}

DEFINE_SYSCALL(sendfile)
{
	struct file *out = fd_get(current->files, (int)args->a[0]);
	struct file *in = fd_get(current->files, (int)args->a[1]);
	uint64_t offset = 0, count = args->a[3] < RW_MAX ? args->a[3] : RW_MAX;
	long n = 0;

	if (!out || !in || !readable(in) || !writable(out))
		n = -EBADF;
	else if (args->a[2])
		n = !has_position(in) ? -ESPIPE : get_offset(args->a[2], &offset);
	else if (S_ISFIFO(in->inode->mode))
		n = -EINVAL;
	if (n == 0)
		n = transfer(out, &out->pos, in, args->a[2] ? &offset : &in->pos, count);
	if (n >= 0 && args->a[2] && copy_to_user(args->a[2], &offset, sizeof(offset)) < 0)
		n = -EFAULT;
	file_put(in);
	file_put(out);
	return n;
}

DEFINE_SYSCALL(copy_file_range)
{
	struct file *in = fd_get(current->files, (int)args->a[0]);
	struct file *out = fd_get(current->files, (int)args->a[2]);
	uint64_t from = 0, to = 0, count = args->a[4] < RW_MAX ? args->a[4] : RW_MAX;
	long n = 0;

	if (!out || !in || !readable(in) || !writable(out))
		n = -EBADF;
	else if (args->a[5])
		n = -EINVAL;
	else if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		n = -EISDIR;
	else if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		n = -EINVAL;
	else if (out->flags & O_APPEND)
		n = -EBADF;
	if (n == 0 && args->a[1])
		n = get_offset(args->a[1], &from);
	if (n == 0 && args->a[3])
		n = get_offset(args->a[3], &to);
	if (n == 0)
		n = transfer(out, args->a[3] ? &to : &out->pos, in, args->a[1] ? &from : &in->pos,
			     count);
	if (n >= 0 && args->a[1] && copy_to_user(args->a[1], &from, sizeof(from)) < 0)
		n = -EFAULT;
	if (n >= 0 && args->a[3] && copy_to_user(args->a[3], &to, sizeof(to)) < 0)
		n = -EFAULT;
	file_put(in);
	file_put(out);
	return n;
}

/* -- to the medium ------------------------------------------------------------------------------------ */

static long fd_sync(const struct syscall_args *args, bool whole)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	long err;

	if (!file)
		return -EBADF;
	if (whole)
		err = vfs_sync(file->inode->sb);
	else if (!file->ops || S_ISFIFO(file->inode->mode))
		err = -EINVAL;
	else if (file->ops->fsync)
		err = file->ops->fsync(file);
	else
		err = S_ISREG(file->inode->mode) || S_ISDIR(file->inode->mode) ?
		      vfs_sync(file->inode->sb) : -EINVAL;
	file_put(file);
	return err;
}

DEFINE_SYSCALL(fsync) { return fd_sync(args, false); }
DEFINE_SYSCALL(fdatasync) { return fd_sync(args, false); }
DEFINE_SYSCALL(syncfs) { return fd_sync(args, true); }

DEFINE_SYSCALL(sync)
{
	(void)args;
	vfs_sync(NULL);
	block_sync(NULL);
	return 0;
}
