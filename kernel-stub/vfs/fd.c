/* SPDX-License-Identifier: MIT */
/* Tables of file descriptors. */
#include "internal.h"

struct files_struct *files_new(void)
{
	struct files_struct *files = kzalloc(sizeof(*files));

	if (files)
		files->count = 1;
	return files;
}

struct files_struct *files_copy(struct files_struct *files)
{
	struct files_struct *copy = kmalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *files;
	copy->count = 1;
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (copy->fd[i])
			file_get(copy->fd[i]);
	return copy;
}

void files_put(struct files_struct *files)
{
	if (!files || --files->count != 0)
		return;
	for (unsigned i = 0; i < FILES_MAX; i++)
		file_put(files->fd[i]);
	kfree(files);
}

void files_close_on_exec(struct files_struct *files)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (files->cloexec[i / 64] >> i % 64 & 1)
			(void)fd_close(files, (int)i);
}

int fd_install(struct files_struct *files, struct file *file, unsigned lowest, bool cloexec)
{
	for (unsigned i = lowest; i < FILES_MAX; i++) {
		if (files->fd[i])
			continue;
		files->fd[i] = file;
		fd_set_cloexec(files, (int)i, cloexec);
		return (int)i;
	}
	return -EMFILE;
}

struct file *fd_get(struct files_struct *files, int fd)
{
	if (fd < 0 || (unsigned)fd >= FILES_MAX || !files || !files->fd[fd])
		return NULL;
	return file_get(files->fd[fd]);
}

void fd_set_cloexec(struct files_struct *files, int fd, bool cloexec)
{
	uint64_t bit = UINT64_C(1) << fd % 64;

	files->cloexec[fd / 64] = cloexec ? files->cloexec[fd / 64] | bit
					  : files->cloexec[fd / 64] & ~bit;
}

int fd_close(struct files_struct *files, int fd)
{
	struct file *file;

	if (fd < 0 || (unsigned)fd >= FILES_MAX || !files->fd[fd])
		return -EBADF;
	file = files->fd[fd];
	files->fd[fd] = NULL;
	fd_set_cloexec(files, fd, false);
	file_put(file);
	return 0;
}
