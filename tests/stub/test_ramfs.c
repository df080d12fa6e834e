/* SPDX-License-Identifier: MIT */
/* ramfs by way of the system calls' own functions: rename(2), link(2), unlink(2), truncate(2). */
#include "vfs_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void files(void **state)
{
	const struct script_step steps[] = {
		{ FILE_, "/f", "one", 0, 0 },
		{ APPEND, "/f", " two", 0, 0 },
		{ READ, "/f", "one two", 0, 0 },
		{ TRUNCATE, "/f", NULL, 3, 0 },
		{ READ, "/f", "one", 0, 0 },
		/* What was cut off does not come back. */
		{ TRUNCATE, "/f", NULL, 5, 0 },
		{ APPEND, "/f", "!", 0, 0 },
		{ TRUNCATE, "/f", NULL, 3, 0 },
		{ READ, "/f", "one", 0, 0 },
		{ LINK, "/f", "/g", 0, 0 },
		{ LINK, "/f", "/g", 0, -EEXIST },
		{ UNLINK, "/f", NULL, 0, 0 },
		{ READ, "/g", "one", 0, 0 },
		{ UNLINK, "/f", NULL, 0, -ENOENT },
		{ RMDIR, "/g", NULL, 0, -ENOTDIR },
		{ HOLD, "/g", NULL, 0, 0 },
		{ UNLINK, "/g", NULL, 0, 0 },
		{ RELEASE, NULL, NULL, 0, 0 },
		{ LIST, "/", "dev\nmnt\n", 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void directories(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/d", NULL, 0, 0 },
		{ MKDIR, "/d", NULL, 0, -EEXIST },
		{ MKDIR, "/d/", NULL, 0, -EEXIST },
		{ MKDIR, "/d/e/", NULL, 0, 0 },
		{ MKDIR, "/none/x", NULL, 0, -ENOENT },
		{ RMDIR, "/d", NULL, 0, -ENOTEMPTY },
		{ RMDIR, "/d/.", NULL, 0, -EINVAL },
		{ RMDIR, "/d/e/..", NULL, 0, -ENOTEMPTY },
		{ RMDIR, "/", NULL, 0, -EBUSY },
		{ UNLINK, "/d", NULL, 0, -EISDIR },
		{ LINK, "/d", "/hard", 0, -EPERM },
		{ CHDIR, "/d/e", NULL, 0, 0 },
		{ RMDIR, "/d/e", NULL, 0, 0 },
		/* The working directory is gone from the tree. */
		{ FILE_, "new", "x", 0, -ENOENT },
		{ MKDIR, "new", NULL, 0, -ENOENT },
		{ SAME, "..", "/d", 0, 0 },
		{ CHDIR, "/", NULL, 0, 0 },
		{ RMDIR, "/d", NULL, 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void renames(void **state)
{
	const struct script_step steps[] = {
		{ FILE_, "/f", "f", 0, 0 },
		{ FILE_, "/g", "g", 0, 0 },
		{ MKDIR, "/d", NULL, 0, 0 },
		{ MKDIR, "/d/in", NULL, 0, 0 },
		{ MKDIR, "/e", NULL, 0, 0 },
		{ RENAME, "/none", "/x", 0, -ENOENT },
		{ RENAME, "/f", "/none/x", 0, -ENOENT },
		{ RENAME, "/f", "/f", 0, 0 },
		{ RENAME, "/f", "/g", RENAME_NOREPLACE, -EEXIST },
		{ RENAME, "/f", "/g", 0, 0 },
		{ READ, "/g", "f", 0, 0 },
		{ WALK, "/f", NULL, 0, -ENOENT },
		{ RENAME, "/g", "/d", 0, -EISDIR },
		{ RENAME, "/d", "/g", 0, -ENOTDIR },
		{ RENAME, "/g", "/h/", 0, -ENOTDIR },
		{ RENAME, "/d", "/d/in/deeper", 0, -EINVAL },
		{ RENAME, "/e", "/d", 0, -ENOTEMPTY },
		{ RENAME, "/d/in", "/d", 0, -ENOTEMPTY },
		{ RENAME, "/d", "/e", 0, 0 },
		{ WALK, "/e/in", NULL, 0, 0 },
		{ SAME, "/e/in/..", "/e", 0, 0 },
		{ RENAME, "/g", "/e/in/g", 0, 0 },
		/* Two names of one file: nothing happens, both stay. */
		{ LINK, "/e/in/g", "/twin", 0, 0 },
		{ RENAME, "/twin", "/e/in/g", 0, 0 },
		{ READ, "/twin", "f", 0, 0 },
		{ RENAME, "/e/in/", "/moved", 0, 0 },
		{ LIST, "/moved", "g\n", 0, 0 },
		{ RENAME, "/e/.", "/x", 0, -EBUSY },
		{ RENAME, "/", "/x", 0, -EBUSY },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

static void across_mounts(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/m", NULL, 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ FILE_, "/f", "f", 0, 0 },
		{ RENAME, "/f", "/m/f", 0, -EXDEV },
		{ LINK, "/f", "/m/f", 0, -EXDEV },
		{ READ, "/f", "f", 0, 0 },
		{ UMOUNT, "/m", NULL, 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(directories),
		cmocka_unit_test(renames),
		cmocka_unit_test(across_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
