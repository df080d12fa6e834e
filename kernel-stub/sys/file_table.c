/* SPDX-License-Identifier: MIT */
/* Descriptors: opened, doubled, closed, configured. */
#include "files.h"

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_GETLK		5
#define F_SETLK		6
#define F_SETLKW	7
#define F_SETOWN	8
#define F_GETOWN	9
#define F_DUPFD_CLOEXEC	1030
#define F_GETPIPE_SZ	1032
#define F_UNLCK		2
#define FD_CLOEXEC	1
#define O_LARGEFILE	0100000
#define FADVISE_LAST	5u		/* POSIX_FADV_NOREUSE */
#define SETTABLE	(unsigned)(O_APPEND | O_NONBLOCK)

#define FIONBIO		0x5421
#define FIONCLEX	0x5450
#define FIOCLEX		0x5451

/* FILE's reference goes over. */
static long install(struct file *file, bool cloexec)
{
	int fd = fd_install(current->files, file, 0, cloexec);

	if (fd < 0)
		file_put(file);
	return fd;
}

static long open_at(int dirfd, uintptr_t user, unsigned flags, uint32_t mode)
{
	struct at_name name;
	struct file *file;
	int err = at_get(dirfd, user, false, &name);

	if (err < 0)
		return err;
	err = file_open(current->fs, name.base, name.text, flags, mode, &file);
	at_put(&name);
	return err < 0 ? err : install(file, flags & O_CLOEXEC);
}

DEFINE_SYSCALL(open)
{
	return open_at(AT_FDCWD, args->a[0], (unsigned)args->a[1], (uint32_t)args->a[2]);
}

DEFINE_SYSCALL(creat)
{
	return open_at(AT_FDCWD, args->a[0], O_CREAT | O_WRONLY | O_TRUNC, (uint32_t)args->a[1]);
}

DEFINE_SYSCALL(openat)
{
	return open_at((int)args->a[0], args->a[1], (unsigned)args->a[2], (uint32_t)args->a[3]);
}

DEFINE_SYSCALL(close)
{
	return fd_close(current->files, (int)args->a[0]);
}

#define CLOSE_RANGE_CLOEXEC 4u

DEFINE_SYSCALL(close_range)
{
	uint64_t last = args->a[1] < FILES_MAX ? args->a[1] : FILES_MAX - 1;

	if ((args->a[2] & ~(uint64_t)CLOSE_RANGE_CLOEXEC) || (uint32_t)args->a[0] > (uint32_t)args->a[1])
		return -EINVAL;
	for (uint64_t fd = args->a[0]; fd <= last; fd++) {
		if (!current->files->fd[fd])
			continue;
		if (args->a[2] & CLOSE_RANGE_CLOEXEC)
			fd_set_cloexec(current->files, (int)fd, true);
		else
			fd_close(current->files, (int)fd);
	}
	return 0;
}

static long dup_to(int from, int to, bool cloexec)
{
	struct file *file = fd_get(current->files, from);

	if (!file)
		return -EBADF;
	if (to < 0 || (unsigned)to >= FILES_MAX) {
		file_put(file);
		return -EBADF;
	}
	fd_close(current->files, to);
	current->files->fd[to] = file;
	fd_set_cloexec(current->files, to, cloexec);
	return to;
}

DEFINE_SYSCALL(dup)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);

	return file ? install(file, false) : -EBADF;
}

DEFINE_SYSCALL(dup2)
{
	int from = (int)args->a[0], to = (int)args->a[1];

	if (from == to && from >= 0 && (unsigned)from < FILES_MAX && current->files->fd[from])
		return to;
	return dup_to(from, to, false);
}

DEFINE_SYSCALL(dup3)
{
	if (args->a[2] & ~(uint64_t)O_CLOEXEC || (int)args->a[0] == (int)args->a[1])
		return -EINVAL;
	return dup_to((int)args->a[0], (int)args->a[1], args->a[2] & O_CLOEXEC);
}

static long make_pipe(uintptr_t user, unsigned flags)
{
	struct file *files[2];
	int fd[2], err;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_create(flags, files);
	if (err < 0)
		return err;
	fd[0] = fd_install(current->files, files[0], 0, flags & O_CLOEXEC);
	if (fd[0] < 0) {
		err = fd[0];
		goto out_files;
	}
	fd[1] = fd_install(current->files, files[1], 0, flags & O_CLOEXEC);
	if (fd[1] < 0) {
		err = fd[1];
		fd_close(current->files, fd[0]);
		file_put(files[1]);
		return err;
	}
	if (copy_to_user(user, fd, sizeof(fd)) < 0) {
		fd_close(current->files, fd[0]);
		fd_close(current->files, fd[1]);
		return -EFAULT;
	}
	return 0;
out_files:
	file_put(files[0]);
	file_put(files[1]);
	return err;
}

DEFINE_SYSCALL(pipe) { return make_pipe(args->a[0], 0); }
DEFINE_SYSCALL(pipe2) { return make_pipe(args->a[0], (unsigned)args->a[1]); }

#define MFD_CLOEXEC		1u
#define MFD_ALLOW_SEALING	2u

DEFINE_SYSCALL(memfd_create)
{
	struct file *file;
	char *name;
	int err;

	if (args->a[1] & ~(uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	err = user_text(args->a[0], NAME_MAX, &name);
	if (err < 0)
		return err == -ENAMETOOLONG ? -EINVAL : err;
	err = memfd_create_file(name, O_RDWR, &file);
	kfree(name);
	return err < 0 ? err : install(file, args->a[1] & MFD_CLOEXEC);
}

/* -- fcntl, ioctl, flock -------------------------------------------------------------------------- */

static long dup_above(struct file *file, uint64_t lowest, bool cloexec)
{
	int fd;

	if (lowest >= FILES_MAX)
		return -EINVAL;
	fd = fd_install(current->files, file_get(file), (unsigned)lowest, cloexec);
	if (fd < 0)
		file_put(file);
	return fd;
}

static long control(int fd, struct file *file, int cmd, uint64_t arg)
{
	int16_t unlocked = F_UNLCK;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_above(file, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return current->files->cloexec[fd / 64] >> fd % 64 & 1;
	case F_SETFD:
		fd_set_cloexec(current->files, fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		/* open() adds it on 64-bit machines, pipe() does not. */
		return (long)(file->flags |
			      (file->flags & O_PATH || (S_ISFIFO(file->inode->mode) &&
							 file->inode->sb->internal) ? 0 : O_LARGEFILE));
	case F_SETFL:
		file->flags = (file->flags & ~SETTABLE) | ((unsigned)arg & SETTABLE);
		return 0;
	case F_GETLK:		/* nobody ever holds a lock against anybody */
		return copy_to_user(arg, &unlocked, sizeof(unlocked));
	case F_SETLK:
	case F_SETLKW:
	case F_SETOWN:
	case F_GETOWN:
		return 0;
	case F_GETPIPE_SZ:
		return S_ISFIFO(file->inode->mode) ? 65536 : -EBADF;
	}
	return -EINVAL;
}

DEFINE_SYSCALL(fcntl)
{
	int fd = (int)args->a[0];
	struct file *file = fd_get(current->files, fd);
	long result;

	if (!file)
		return -EBADF;
	result = control(fd, file, (int)args->a[1], args->a[2]);
	file_put(file);
	return result;
}

static long file_ioctl(int fd, struct file *file, unsigned cmd, uintptr_t arg)
{
	int value;

	if (file->flags & O_PATH)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(current->files, fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		if (copy_from_user(&value, arg, sizeof(value)) < 0)
			return -EFAULT;
		file->flags = value ? file->flags | O_NONBLOCK : file->flags & ~(unsigned)O_NONBLOCK;
		return 0;
	}
	return file->ops && file->ops->ioctl ? file->ops->ioctl(file, cmd, arg) : -ENOTTY;
}

DEFINE_SYSCALL(ioctl)
{
	int fd = (int)args->a[0];
	struct file *file = fd_get(current->files, fd);
	long result;

	if (!file)
		return -EBADF;
	result = file_ioctl(fd, file, (unsigned)args->a[1], args->a[2]);
	file_put(file);
	return result;
}

/* Advice and locks between cooperating programs: taken, and without effect. */
static long accept_fd(const struct syscall_args *args)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);

	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}

DEFINE_SYSCALL(flock) { return accept_fd(args); }

DEFINE_SYSCALL(fadvise64)
{
	long err = accept_fd(args);

	return err == 0 && args->a[3] > FADVISE_LAST ? -EINVAL : err;
}
