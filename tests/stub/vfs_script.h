/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STUB_VFS_SCRIPT_H
#define TESTS_STUB_VFS_SCRIPT_H
/*
 * A test of the VFS is a table: what is done, and what Linux answers.  Each table runs once as it
 * stands, and then once for every allocation that it makes, with that allocation failing: the
 * step may say -ENOMEM, must then work when it is repeated, and nothing may be lost at the end.
 */
#include "fs_support.h"

enum script_op {
	MKDIR,		/* a */
	FILE_,		/* a holds the text b */
	READ,		/* a holds the text b */
	APPEND,		/* b goes to the end of a */
	TRUNCATE,	/* a to n bytes */
	LINK,		/* b names what a names */
	SYMLINK,	/* a is the text b */
	RENAME,		/* a to b; n: RENAME_ flags */
	UNLINK,		/* a */
	RMDIR,		/* a */
	LIST,		/* a holds the names b, sorted, each with a newline */
	MOUNT,		/* b (a type) on a; n: MS_ flags */
	BIND,		/* a on b; n: MS_REC */
	MOVE,		/* the mount a to b */
	REMOUNT,	/* a with the flags n */
	UMOUNT,		/* a; n: MNT_ flags */
	PIVOT,		/* a is the new root, b where the old one goes */
	CHDIR,		/* a */
	CHROOT,		/* a */
	HOLD,		/* a is open until RELEASE */
	RELEASE,
	WALK,		/* a can be walked; n: LOOKUP_ flags beside LOOKUP_FOLLOW, or NOFOLLOW */
	SAME,		/* a and b are the same place */
	CWD,		/* the text of the working directory is a */
	DONE
};

#define NOFOLLOW 0x8000u	/* WALK without LOOKUP_FOLLOW */

struct script_step {
	enum script_op op;
	const char *a, *b;
	unsigned n;
	int want;		/* 0 or -errno */
};

void script_run(const struct script_step *steps);

#endif
