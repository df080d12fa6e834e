/* SPDX-License-Identifier: MIT */
/* Error numbers in words, the same in every world. */
#include <overmount/sys.h>

static const struct {
	int error;
	const char *text;
} texts[] = {
	{ OM_EPERM, "not permitted (EPERM)" },
	{ OM_ENOENT, "not there (ENOENT)" },
	{ OM_EINTR, "interrupted (EINTR)" },
	{ OM_EIO, "input/output error (EIO)" },
	{ OM_ENXIO, "no such device (ENXIO)" },
	{ OM_E2BIG, "too long (E2BIG)" },
	{ OM_ENOEXEC, "not in a format that can run (ENOEXEC)" },
	{ OM_EAGAIN, "no resources just now (EAGAIN)" },
	{ OM_ENOMEM, "out of memory (ENOMEM)" },
	{ OM_EACCES, "no permission (EACCES)" },
	{ OM_ENOTBLK, "not a block device (ENOTBLK)" },
	{ OM_EBUSY, "in use (EBUSY)" },
	{ OM_EEXIST, "already there (EEXIST)" },
	{ OM_ENODEV, "no such file system type (ENODEV)" },
	{ OM_ENOTDIR, "not a directory (ENOTDIR)" },
	{ OM_EISDIR, "a directory (EISDIR)" },
	{ OM_EINVAL, "not valid (EINVAL)" },
	{ OM_ENOSPC, "no space left (ENOSPC)" },
	{ OM_EROFS, "read-only (EROFS)" },
	{ OM_ENAMETOOLONG, "name too long (ENAMETOOLONG)" },
	{ OM_ENOSYS, "not supported here (ENOSYS)" },
	{ OM_ELOOP, "too many symbolic links (ELOOP)" },
	{ OM_ENODATA, "no data (ENODATA)" },
	{ OM_ETIMEDOUT, "timed out (ETIMEDOUT)" },
	{ OM_ENOMEDIUM, "no medium (ENOMEDIUM)" },
};

const char *om_errno_text(int error)
{
	size_t i;

	if (error < 0)
		error = -error;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			return texts[i].text;
	return error == 0 ? "no error" : "an error without a name";
}
