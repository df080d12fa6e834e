/* SPDX-License-Identifier: MIT */
/* Open files: reading, writing, mapping, and the last close. */
#include "internal.h"

unsigned file_total;

struct file *file_alloc(const struct path *path, struct inode *inode, unsigned flags)
{
	struct file *file = kzalloc(sizeof(*file));

	if (!file)
		return NULL;
	path_get(path);
	inode->count++;
	file->path = *path;
	file->inode = inode;
	file->flags = flags & ~(unsigned)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC);
	file->count = 1;
	file->ops = inode->fops;
	file_total++;
	if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH)) {
		inode->sb->writers++;
		inode->writers++;
	}
	return file;
}

struct file *file_get(struct file *file)
{
	file->count++;
	return file;
}

void file_put(struct file *file)
{
	if (!file)
		return;
	BUG_ON(file->count == 0);
	if (--file->count != 0)
		return;
	if (file->opened && file->ops && file->ops->release)
		file->ops->release(file);
	if ((file->flags & O_ACCMODE) != O_RDONLY && !(file->flags & O_PATH)) {
		file->inode->sb->writers--;
		file->inode->writers--;
	}
	if (file->running)
		file->inode->running--;
	iput(file->inode);
	path_put(&file->path);
	file_total--;
	kfree(file);
}

void file_run(struct file *file)
{
	if (!file->running)
		file->inode->running++;
	file->running = true;
}

unsigned files_writing(const struct super_block *sb)
{
	return sb->writers;
}

long file_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	if ((file->flags & O_PATH) || (file->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (S_ISDIR(file->inode->mode))
		return -EISDIR;
	if (!file->ops || !file->ops->read)
		return -EINVAL;
	if (uio->left == 0)
		return 0;
	return file->ops->read(file, uio, pos);
}

/* Whoever is not root takes the set-ID bits off what he changes. */
void inode_drop_set_id(struct inode *inode)
{
	if (!current || current->euid == 0)
		return;
	inode->mode &= ~S_ISUID;
	if (inode->mode & S_IXGRP)
		inode->mode &= ~S_ISGID;
}

long file_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	bool regular = S_ISREG(file->inode->mode);
	uint64_t from;
	long n;

	if ((file->flags & O_PATH) || (file->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!file->ops || !file->ops->write)
		return -EINVAL;
	if (uio->left == 0)
		return 0;
	if (regular && (file->flags & O_APPEND))
		*pos = file->inode->size;
	from = *pos;
	if (regular && from > INT64_MAX - uio->left)
		return -EFBIG;
	if (regular)
		inode_drop_set_id(file->inode);
	n = file->ops->write(file, uio, pos);
	if (n > 0 && regular)
		page_cache_update(file, from, (uint64_t)n);
	if (n > 0 && (file->flags & O_DSYNC) && file->ops->fsync) {
		int err = file->ops->fsync(file);

		if (err < 0)
			return err;
	}
	return n;
}

int file_map_page(struct file *file, uint64_t index, void **ret_page)
{
	struct inode *inode = file->inode;

	if (inode->ops->map_page)
		return inode->ops->map_page(inode, index, ret_page);
	return page_cache_get(file, index, ret_page);
}
