/* SPDX-License-Identifier: MIT */
/* The entries of directories, as records. */
#include "files.h"

struct getdents {
	struct dir_sink sink;
	uintptr_t user;
	size_t used, size;
	bool old;			/* the type is the record's last byte */
	int error;
};

static int emit(struct dir_sink *sink, const char *name, size_t len, uint64_t ino, unsigned type,
		uint64_t next_pos)
{
	struct getdents *get = (struct getdents *)(void *)sink;
	size_t head = get->old ? 18 : 19, need = (head + len + 1 + get->old + 7) & ~(size_t)7;
	uint8_t record[19 + NAME_MAX + 2 + 8] = { 0 };
	uint16_t reclen = (uint16_t)need;

	if (len > NAME_MAX)
		return 0;
	if (get->used + need > get->size) {
		get->error = -EINVAL;	/* only seen when it is the first */
		return 1;
	}
	memcpy(record, &ino, 8);
	memcpy(record + 8, &next_pos, 8);
	memcpy(record + 16, &reclen, 2);
	memcpy(record + head, name, len);
	record[get->old ? need - 1 : 18] = (uint8_t)((type & S_IFMT) >> 12);
	if (copy_to_user(get->user + get->used, record, need) < 0) {
		get->error = -EFAULT;
		return 1;
	}
	get->used += need;
	return 0;
}

static long read_dir(const struct syscall_args *args, bool old)
{
	struct file *file = fd_get(current->files, (int)args->a[0]);
	struct getdents get = { .sink = { emit }, .user = args->a[1],
				.size = (uint32_t)args->a[2], .old = old };
	long result;

	if (!file)
		return -EBADF;
	if (file->flags & O_PATH)
		result = -EBADF;
	else if (!S_ISDIR(file->inode->mode) || !file->ops || !file->ops->readdir)
		result = -ENOTDIR;
	else if (file->inode->nlink == 0)
		result = -ENOENT;
	else
		result = file->ops->readdir(file, &get.sink);
	if (get.used > 0)
		result = (long)get.used;
	else if (result >= 0)
		result = get.error;
	file_put(file);
	return result;
}

DEFINE_SYSCALL(getdents) { return read_dir(args, true); }
DEFINE_SYSCALL(getdents64) { return read_dir(args, false); }
