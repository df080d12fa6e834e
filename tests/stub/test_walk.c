/* SPDX-License-Identifier: MIT */
/* The path walk: what path_resolution(7) says. */
#include "vfs_script.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static char name255[257], name256[258], path4095[4097], path4096[4098];

static void names(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/a", NULL, 0, 0 },
		{ MKDIR, "/a/b", NULL, 0, 0 },
		{ FILE_, "/a/file", "x", 0, 0 },
		{ SAME, "/a/b", "/a/./b/", 0, 0 },
		{ SAME, "/a/b", "//a///b/.", 0, 0 },
		{ SAME, "/a", "/a/b/..", 0, 0 },
		{ SAME, "/", "/..", 0, 0 },
		{ SAME, "/", "/../../a/../..", 0, 0 },
		{ SAME, "/a", "/a/b", 0, -ESTALE },
		{ WALK, "", NULL, 0, -ENOENT },
		{ WALK, "/a/none", NULL, 0, -ENOENT },
		{ WALK, "/a/none/x", NULL, 0, -ENOENT },
		{ WALK, "/a/none/..", NULL, 0, -ENOENT },
		{ WALK, "/a/file/x", NULL, 0, -ENOTDIR },
		{ WALK, "/a/file/..", NULL, 0, -ENOTDIR },
		{ WALK, "/a/file/.", NULL, 0, -ENOTDIR },
		{ WALK, "/a/file/", NULL, 0, -ENOTDIR },
		{ WALK, "/a/file", NULL, LOOKUP_DIRECTORY, -ENOTDIR },
		{ WALK, "/a/file", NULL, 0, 0 },
		{ MKDIR, name255, NULL, 0, 0 },
		{ WALK, name255, NULL, 0, 0 },
		{ MKDIR, name256, NULL, 0, -ENAMETOOLONG },
		{ WALK, name256, NULL, 0, -ENAMETOOLONG },
		{ WALK, path4095, NULL, 0, 0 },
		{ WALK, path4096, NULL, 0, -ENAMETOOLONG },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	memset(name255, 'n', 255);
	memset(name256, 'n', 256);
	memset(path4095, '/', 4095);
	memset(path4096, '/', 4096);
	script_run(steps);
}

static void symbolic_links(void **state)
{
	static char chain[42][16], text[42][16];
	struct script_step steps[64] = {
		{ MKDIR, "/d", NULL, 0, 0 },
		{ MKDIR, "/d/sub", NULL, 0, 0 },
		{ SYMLINK, "/abs", "/d/sub", 0, 0 },
		{ SYMLINK, "/d/rel", "sub", 0, 0 },
		{ SYMLINK, "/d/up", "..", 0, 0 },
		{ SYMLINK, "/dangling", "/none", 0, 0 },
		{ SYMLINK, "/self", "self", 0, 0 },
		{ SYMLINK, "/empty", "", 0, -ENOENT },
		{ SAME, "/abs", "/d/sub", 0, 0 },
		{ SAME, "/abs/..", "/d", 0, 0 },
		{ SAME, "/d/rel/", "/d/sub", 0, 0 },
		{ SAME, "/d/up/d/up/d", "/d", 0, 0 },
		{ WALK, "/dangling", NULL, 0, -ENOENT },
		{ WALK, "/dangling", NULL, NOFOLLOW, 0 },
		{ WALK, "/dangling/", NULL, NOFOLLOW, -ENOENT },
		{ WALK, "/abs", NULL, NOFOLLOW | LOOKUP_DIRECTORY, -ENOTDIR },
		{ WALK, "/self", NULL, 0, -ELOOP },
		{ WALK, "/self/x", NULL, 0, -ELOOP },
		{ WALK, "/self", NULL, NOFOLLOW, 0 },
	};
	unsigned at = 19, i;

	(void)state;
	/* l0 is a directory, l1 leads there, ...: forty links may be followed and no more. */
	steps[at++] = (struct script_step){ MKDIR, "/l0", NULL, 0, 0 };
	for (i = 1; i <= 41; i++) {
		snprintf(chain[i], sizeof(chain[i]), "/l%u", i);
		snprintf(text[i], sizeof(text[i]), "l%u", i - 1);
		steps[at++] = (struct script_step){ SYMLINK, chain[i], text[i], 0, 0 };
	}
	steps[at++] = (struct script_step){ SAME, "/l40", "/l0", 0, 0 };
	steps[at++] = (struct script_step){ WALK, "/l41", NULL, 0, -ELOOP };
	steps[at] = (struct script_step){ DONE, NULL, NULL, 0, 0 };
	script_run(steps);
}

/* Mounts are entered on the way down and left on the way up. */
static void mounts(void **state)
{
	const struct script_step steps[] = {
		{ MKDIR, "/m", NULL, 0, 0 },
		{ MKDIR, "/m/below", NULL, 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ WALK, "/m/below", NULL, 0, -ENOENT },
		{ MKDIR, "/m/in", NULL, 0, 0 },
		{ SAME, "/m/in/../..", "/", 0, 0 },
		{ MOUNT, "/m", "ramfs", 0, 0 },
		{ WALK, "/m/in", NULL, 0, -ENOENT },
		{ SAME, "/m/..", "/", 0, 0 },
		{ UMOUNT, "/m", NULL, 0, 0 },
		{ WALK, "/m/in", NULL, 0, 0 },
		{ CHDIR, "/m/in", NULL, 0, 0 },
		{ CWD, "/m/in", NULL, 0, 0 },
		{ SAME, "..", "/m", 0, 0 },
		{ SAME, "../..", "/", 0, 0 },
		{ CHDIR, "/", NULL, 0, 0 },
		{ UMOUNT, "/m", NULL, 0, 0 },
		{ WALK, "/m/below", NULL, 0, 0 },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

/* The forced chroot: whoever has "/" inside never names what lies below. */
static void roots(void **state)
{
	const struct script_step steps[] = {
		{ FILE_, "/marker", "absolute", 0, 0 },
		{ MKDIR, "/root", NULL, 0, 0 },
		{ MOUNT, "/root", "ramfs", 0, 0 },
		{ FILE_, "/root/marker", "final", 0, 0 },
		{ MKDIR, "/root/jail", NULL, 0, 0 },
		{ CHDIR, "/root", NULL, 0, 0 },
		{ MOVE, ".", "/", 0, 0 },
		/* "/" still names the absolute root, and ".." of it what covers it. */
		{ READ, "/marker", "absolute", 0, 0 },
		{ READ, "marker", "final", 0, 0 },
		{ CHROOT, ".", NULL, 0, 0 },
		{ READ, "/marker", "final", 0, 0 },
		{ READ, "/../../marker", "final", 0, 0 },
		{ CHROOT, "jail", NULL, 0, 0 },
		/* The working directory is outside the new root: climbing ends in the final root. */
		{ READ, "../../../marker", "final", 0, 0 },
		{ CHROOT, "../../..", NULL, 0, 0 },
		{ READ, "/marker", "final", 0, 0 },
		{ READ, "/../marker", "final", 0, 0 },
		/* Linux would remount it read-only instead; nobody wants that by accident. */
		{ UMOUNT, "/", NULL, 0, -EBUSY },
		{ DONE, NULL, NULL, 0, 0 },
	};

	(void)state;
	script_run(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(symbolic_links),
		cmocka_unit_test(mounts),
		cmocka_unit_test(roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
