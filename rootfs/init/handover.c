/* SPDX-License-Identifier: MIT */
/* From the absolute root to the final one: over it, into it, and what is left below. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "init.h"

/*
 * Since 7.0 the absolute root is a mount like any other, over an empty file system that nobody
 * can change: pivot_root() exchanges it for the final root, and all of it goes at once.  Before,
 * it is the bottom of everything (EINVAL), and the final root is moved over it.
 */
int world_move(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	if (strcmp(to, "/") == 0 && world.root->keep != OM_KEEP_ALL) {
		if (syscall(SYS_pivot_root, from, from) == 0) {
			world.pivoted = true;
			return 0;
		}
		if (errno != EINVAL)
			return -errno;
	}
	return result_of(mount(from, to, NULL, MS_MOVE, NULL));
}

/* What this edge mounted for itself; the kernel would not have, and inits mount their own. */
static void places_leave(void)
{
	static const char *const places[] = { "proc", "sys", "dev" };
	size_t i;

	if (fchdir(world.below))
		return;
	unlink("dev/root");
	unlink("dev/root.old");
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		umount2(places[i], MNT_DETACH);
}

int world_chroot(void *ctx, const char *path)
{
	int inside = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	(void)ctx;
	if (inside < 0)
		return -errno;
	err = result_of(chroot(path));
	if (!err) {
		network_leave();
		places_leave();
		err = result_of(fchdir(inside));
		world.entered = true;
	}
	close(inside);
	return err;
}

/* ------------------------------------------------------------------ what lies below */

struct left {
	uint32_t files;
	uint64_t pages;
};

/* What late boot made itself, and what an absolute root without anything else has. */
static bool is_skeleton(const char *path)
{
	static const char *const skeleton[] = { "dev", "dev/console", "dev/null", "root" };
	size_t i;

	for (i = 0; i < sizeof(skeleton) / sizeof(skeleton[0]); i++)
		if (strcmp(path, skeleton[i]) == 0)
			return true;
	return false;
}

/*
 * Everything in DIR (PATH below the absolute root) but the skeleton, on this file system only.
 * A tree is as deep as OM_DEPTH_MAX allows, so recursion ends; each level has one descriptor.
 */
static void empty(int dir, const char *path, dev_t device, bool keep_skeleton, struct left *left)
{
	DIR *list = fdopendir(dir);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		char below[OM_PATH_MAX];
		struct stat st;
		int inner;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		om_format(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", entry->d_name);
		if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != device)
			continue;
		if (S_ISDIR(st.st_mode)) {
			inner = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (inner >= 0)
				empty(inner, below, device, keep_skeleton, left);
		}
		if ((!keep_skeleton || !is_skeleton(below)) &&
		    unlinkat(dir, entry->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0)
			continue;
		left->files++;
		left->pages += S_ISREG(st.st_mode) ? ((uint64_t)st.st_size + 4095) / 4096 : 0;
	}
	if (list)
		closedir(list);
}

/* Nothing is deleted that is not an absolute root: in memory, with us as its /init, and left. */
static bool may_empty(struct stat *ret_st)
{
	struct stat root, self, init;
	struct statfs fs;

	if (fstatfs(world.below, &fs) || fstat(world.below, ret_st) || stat("/", &root) ||
	    fstatat(world.proc, "self/exe", &self, 0) ||
	    fstatat(world.below, SELF_PATH + 1, &init, AT_SYMLINK_NOFOLLOW))
		return false;
	return ((uint32_t)fs.f_type == RAMFS_MAGIC || (uint32_t)fs.f_type == TMPFS_MAGIC) &&
	       ret_st->st_dev != root.st_dev && self.st_dev == init.st_dev &&
	       self.st_ino == init.st_ino && ret_st->st_dev == self.st_dev;
}

/* 0, or why it is left as it is. */
static int empty_below(bool keep_skeleton, struct left *left)
{
	struct stat st;
	int dir;

	if (!may_empty(&st))
		return -EPERM;
	dir = openat(world.below, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	empty(dir, "", st.st_dev, keep_skeleton, left);
	return 0;
}

/*
 * File by file also before it is unmounted altogether: an image that a loop device holds would
 * keep the whole file system, and its names with it.
 */
int world_reap(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
	       uint64_t *ret_pages)
{
	struct left left = { 0, 0 };
	int err = empty_below(keep == OM_KEEP_SKELETON && !world.pivoted, &left);

	(void)ctx;
	if (world.pivoted) {
		/* "." is the final root, and the absolute one lies on it, where ".." would find it. */
		if (umount2(".", MNT_DETACH))
			return -errno;
		close(world.below);
		world.below = -1;
	}
	if (err)
		return err;
	*ret_dentries = *ret_inodes = world.pivoted ? 0 : left.files + 1;
	*ret_pages = world.pivoted ? 0 : left.pages;
	return 0;
}

/* ------------------------------------------------------------------ init */

void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY), i;

	/* No device is a console: better nothing than the first files that init opens. */
	if (fd < 0 && (fcntl(0, F_GETFD) & FD_CLOEXEC))
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return;		/* what was open before stays */
	for (i = 0; i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* Words of the command line that the kernel did not know belong to init, as ever. */
static const char *const *with_words(const char *const *argv, const char **joined, size_t count)
{
	size_t used = 0, i;

	if (argv[1] || world.failed || !world.argv || !world.argv[0] || !world.argv[1])
		return argv;
	joined[used++] = argv[0];
	for (i = 1; world.argv[i] && used + 1 < count; i++)
		joined[used++] = world.argv[i];
	joined[used] = NULL;
	return joined;
}

int exec_now(const char *path, const char *const *argv, char *const *envp)
{
	console_open();
	return result_of(execve(path, (char *const *)argv, envp));
}

int world_exec(void *ctx, const char *path, const char *const *argv)
{
	const char *joined[64];
	bool stays = !world.entered && !world.failed;
	int err;

	(void)ctx;
	argv = with_words(argv, joined, sizeof(joined) / sizeof(joined[0]));
	failure_keep();
	log_limit(true);
	if (stays)
		initramfs_leave();
	err = world.first < 0 ? exec_now(path, argv, environ) : first_exec(path, argv);
	if (stays)
		initramfs_return();
	return err;
}
