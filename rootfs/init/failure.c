/* SPDX-License-Identifier: MIT */
/* When no root works: what was tried goes to an EFI variable, for the menu of the next start. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <overmount/failure.h>

#include "init.h"

#define EFIVARS		"/sys/firmware/efi/efivars"
#define VARIABLE	EFIVARS "/" OM_FAILURE_VARIABLE "-" OM_VARIABLES_VENDOR
#define ATTRIBUTES	7u		/* non-volatile, and for boot and run time */

static struct om_failure_text record;

void failure_begin(void)
{
	om_failure_begin(&record, world.root->entry_id);
}

void failure_line(const char *text)
{
	struct om_str line = om_str_from(text);

	if (record.len && (om_str_starts(line, "root: ") || om_str_starts(line, "devices: ")))
		om_failure_add(&record, text);
}

/* One that nobody has seen yet is overwritten; efivarfs guards it against rm -r. */
static void unlock(void)
{
	int fd = open(VARIABLE, O_RDONLY | O_CLOEXEC), flags;

	if (fd < 0)
		return;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL)) {
		flags &= ~FS_IMMUTABLE_FL;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
}

/* One write() is one SetVariable(). */
static int store(void)
{
	uint8_t bytes[4 + OM_FAILURE_MAX];
	size_t size = 4 + record.len;
	ssize_t written;
	int fd, err = 0;

	unlock();
	fd = open(VARIABLE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	om_put_le32(bytes, ATTRIBUTES);
	memcpy(bytes + 4, record.bytes, record.len);
	written = write(fd, bytes, size);
	if (written < 0)
		err = -errno;
	else if ((size_t)written != size)
		err = -EIO;
	close(fd);
	return err;
}

void failure_keep(void)
{
	struct stat st;
	int err;

	/* No UEFI, or not for this kernel: nobody will read it either. */
	if (!record.len || fstatat(world.sysfs, "firmware/efi", &st, 0))
		return;
	err = result_of(mount("efivarfs", EFIVARS, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""));
	if (!err) {
		err = store();
		umount2(EFIVARS, MNT_DETACH);
	}
	if (err)
		say("failure: cannot be kept for the menu of the next start: %s", om_errno_text(err));
	else
		say("failure: kept for the menu of the next start");
	record.len = 0;
}
