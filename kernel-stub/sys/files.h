/* SPDX-License-Identifier: MIT */
#ifndef SYS_FILES_H
#define SYS_FILES_H
/* What the system calls on files share: names and descriptors from user space. */
#include "syscall.h"

#define AT_FDCWD		(-100)
#define AT_SYMLINK_NOFOLLOW	0x100u
#define AT_REMOVEDIR		0x200u
#define AT_EACCESS		0x200u
#define AT_SYMLINK_FOLLOW	0x400u
#define AT_NO_AUTOMOUNT		0x800u
#define AT_EMPTY_PATH		0x1000u
#define AT_STATX_SYNC_TYPE	0x6000u

/* A name in kernel memory and the place it is relative to. */
struct at_name {
	char *text;
	struct file *file;		/* holds the base */
	const struct path *base;	/* NULL: the working directory */
};

/* 0 or -errno; with EMPTY an empty name means DIRFD itself.  at_put() is due on success only. */
int at_get(int dirfd, uintptr_t user, bool empty, struct at_name *ret_name);
void at_put(struct at_name *name);
/* From DIRFD and name to a place with references; FLAGS of path_walk(). */
int at_walk(int dirfd, uintptr_t user, unsigned flags, struct path *ret_path);
static inline unsigned at_lookup(unsigned at_flags, bool follow)
{
	return (follow ? LOOKUP_FOLLOW : 0) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* A string argument on the heap, at most SIZE bytes with its NUL. */
int user_text(uintptr_t user, size_t size, char **ret_text);

/* dev_t as programs see it. */
static inline uint64_t user_dev(uint32_t dev)
{
	return (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (uint64_t)(MINOR(dev) & ~0xffu) << 12;
}

static inline uint32_t kernel_dev(uint64_t dev)
{
	return MKDEV(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

#endif
