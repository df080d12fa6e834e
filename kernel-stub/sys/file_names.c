/* SPDX-License-Identifier: MIT */
/* Names and descriptors from user space. */
#include "files.h"

int user_text(uintptr_t user, size_t size, char **ret_text)
{
	char *text = kmalloc(size);
	long len;

	if (!text)
		return -ENOMEM;
	len = strncpy_from_user(text, user, size);
	if (len < 0) {
		kfree(text);
		return (int)len;
	}
	*ret_text = text;
	return 0;
}

int at_get(int dirfd, uintptr_t user, bool empty, struct at_name *ret_name)
{
	struct at_name name = { NULL, NULL, NULL };
	int err = user_text(user, PATH_MAX, &name.text);

	if (err < 0)
		return err;
	err = -ENOENT;
	if (!name.text[0] && !empty)
		goto out;
	if (name.text[0] != '/' && dirfd != AT_FDCWD) {
		err = -EBADF;
		name.file = fd_get(current->files, dirfd);
		if (!name.file)
			goto out;
		name.base = &name.file->path;
		err = -ENOTDIR;
		if (name.text[0] && !S_ISDIR(name.file->inode->mode))
			goto out;
	}
	*ret_name = name;
	return 0;
out:
	at_put(&name);
	return err;
}

void at_put(struct at_name *name)
{
	file_put(name->file);
	kfree(name->text);
}

int at_walk(int dirfd, uintptr_t user, unsigned flags, struct path *ret_path)
{
	struct at_name name;
	int err = at_get(dirfd, user, flags & LOOKUP_EMPTY, &name);

	if (err < 0)
		return err;
	err = path_walk(current->fs, name.base, name.text, flags, ret_path);
	at_put(&name);
	return err;
}
