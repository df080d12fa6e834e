/* SPDX-License-Identifier: MIT */
/* tar: and cpio: roots: an archive of the absolute root, laid out below a directory. */
#include <errno.h>

#include "init.h"

int world_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target)
{
	(void)ctx, (void)kind, (void)path, (void)target;
	return -ENOSYS;
}
