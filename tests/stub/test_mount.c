/* SPDX-License-Identifier: MIT */
/* The mount tree: what mount(2), umount(2) and pivot_root(2) say. */
#include "vfs_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void stacking_and_busy(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/m", NULL, 0, 0 },
		{ FILE_, "/file", "x", 0, 0 },
		{ MOUNT, "/none", "ramfs", 0, -ENOENT },
		{ MOUNT, "/file", "ramfs", 0, -ENOTDIR },
		{ MOUNT, "/m", "nonesuch", 0, -ENODEV },
		{ UMOUNT, "/m", NULL, 0, -EINVAL },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ FILE_, "/m/first", "1", 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ FILE_, "/m/second", "2", 0, 0 },
		{ WALK, "/m/first", NULL, 0, -ENOENT },
		{ HOLD, "/m/second", NULL, 0, 0 },
		{ UMOUNT, "/m", NULL, 0, -EBUSY },
		{ RELEASE, NULL, NULL, 0, 0 },
		{ CHDIR, "/m", NULL, 0, 0 },
		{ UMOUNT, "/m", NULL, 0, -EBUSY },
		{ CHDIR, "/", NULL, 0, 0 },
		{ UMOUNT, "/m", NULL, 0, 0 },
		{ READ, "/m/first", "1", 0, 0 },
		{ MKDIR, "/m/sub", NULL, 0, 0 },
		{ MOUNT, "/m/sub", "ramfs", 0, 0 },
		{ UMOUNT, "/m", NULL, 0, -EBUSY },
		{ RMDIR, "/m/sub", NULL, 0, -EBUSY },
		{ RENAME, "/m/sub", "/m/other", 0, -EBUSY },
		{ UMOUNT, "/m", NULL, MNT_DETACH, 0 },
		{ WALK, "/m/first", NULL, 0, -ENOENT },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

/* A detached mount lives on for those who are in it, and only for them. */
static void detached(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/m", NULL, 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ MKDIR, "/m/dir", NULL, 0, 0 },
		{ CHDIR, "/m/dir", NULL, 0, 0 },
		{ UMOUNT, "/m", NULL, MNT_DETACH, 0 },
		{ FILE_, "still", "here", 0, 0 },
		{ READ, "../dir/still", "here", 0, 0 },
		{ SAME, "../../..", "..", 0, 0 },
		{ CHDIR, "/", NULL, 0, 0 },
		{ WALK, "/m/dir", NULL, 0, -ENOENT },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void bind_and_move(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/a", NULL, 0, 0 },
		{ MKDIR, "/b", NULL, 0, 0 },
		{ MKDIR, "/c", NULL, 0, 0 },
		{ MOUNT, "/a", "ramfs", 0, 0 },
		{ MKDIR, "/a/in", NULL, 0, 0 },
		{ MOUNT, "/a/in", "ramfs", 0, 0 },
		{ FILE_, "/a/in/deep", "d", 0, 0 },
		{ BIND, "/a", "/b", 0, 0 },
		{ WALK, "/b/in", NULL, 0, 0 },
		{ WALK, "/b/in/deep", NULL, 0, -ENOENT },
		{ UMOUNT, "/b", NULL, 0, 0 },
		{ BIND, "/a", "/b", MS_REC, 0 },
		{ READ, "/b/in/deep", "d", 0, 0 },
		{ MOVE, "/b", "/c", 0, 0 },
		{ WALK, "/b/in", NULL, 0, -ENOENT },
		{ READ, "/c/in/deep", "d", 0, 0 },
		/* Not a mount; below itself; into a tree that it holds. */
		{ MOVE, "/b", "/a", 0, -EINVAL },
		{ MOVE, "/c", "/c/in", 0, -ELOOP },
		{ UMOUNT, "/c", NULL, MNT_DETACH, 0 },
		{ READ, "/a/in/deep", "d", 0, 0 },
		/* A file over a file. */
		{ FILE_, "/one", "1", 0, 0 },
		{ FILE_, "/two", "2", 0, 0 },
		{ BIND, "/one", "/two", 0, 0 },
		{ READ, "/two", "1", 0, 0 },
		{ BIND, "/one", "/b", 0, -ENOTDIR },
		{ UNLINK, "/two", NULL, 0, -EBUSY },
		{ UMOUNT, "/two", NULL, 0, 0 },
		{ READ, "/two", "2", 0, 0 },
		{ UMOUNT, "/a/in", NULL, 0, 0 },
		{ UMOUNT, "/a", NULL, 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void read_only(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/m", NULL, 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ FILE_, "/m/file", "old", 0, 0 },
		{ REMOUNT, "/m", NULL, MS_RDONLY, 0 },
		{ FILE_, "/m/file", "new", 0, -EROFS },
		{ FILE_, "/m/more", "new", 0, -EROFS },
		{ MKDIR, "/m/dir", NULL, 0, -EROFS },
		{ UNLINK, "/m/file", NULL, 0, -EROFS },
		{ RENAME, "/m/file", "/m/other", 0, -EROFS },
		{ LINK, "/m/file", "/m/link", 0, -EROFS },
		{ READ, "/m/file", "old", 0, 0 },
		{ REMOUNT, "/m", NULL, 0, 0 },
		{ FILE_, "/m/file", "new", 0, 0 },
		{ READ, "/m/file", "new", 0, 0 },
		{ UMOUNT, "/m", NULL, 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void pivot_root(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/root", NULL, 0, 0 },
		{ MOUNT, "/root", "ramfs", 0, 0 },
		/* From the absolute root itself: its mount has no parent. */
		{ MKDIR, "/root/old", NULL, 0, 0 },
		{ PIVOT, "/root", "/root/old", 0, -EINVAL },
		/* Overmounted, it works. */
		{ CHDIR, "/root", NULL, 0, 0 },
		{ MOVE, ".", "/", 0, 0 },
		{ CHROOT, ".", NULL, 0, 0 },
		{ FILE_, "/who", "first", 0, 0 },
		{ MKDIR, "/new", NULL, 0, 0 },
		{ MKDIR, "/plain", NULL, 0, 0 },
		{ PIVOT, "/plain", "/plain", 0, -EBUSY },
		{ MOUNT, "/new", "ramfs", 0, 0 },
		{ FILE_, "/new/who", "second", 0, 0 },
		{ MKDIR, "/new/old", NULL, 0, 0 },
		{ PIVOT, "/", "/new/old", 0, -EBUSY },
		{ PIVOT, "/new", "/plain", 0, -EBUSY },
		{ PIVOT, "/new/who", "/new/old", 0, -ENOTDIR },
		{ PIVOT, "/new", "/new/old", 0, 0 },
		{ READ, "/who", "second", 0, 0 },
		{ READ, "/old/who", "first", 0, 0 },
		{ CHDIR, "/", NULL, 0, 0 },
		{ UMOUNT, "/old", NULL, 0, 0 },
		{ WALK, "/old/who", NULL, 0, -ENOENT },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacking_and_busy),
		cmocka_unit_test(detached),
		cmocka_unit_test(bind_and_move),
		cmocka_unit_test(read_only),
		cmocka_unit_test(pivot_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
