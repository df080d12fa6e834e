/* SPDX-License-Identifier: MIT */
/* Mounting, with options as users of mount(8) write them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "init.h"

#define DATA_MAX	4096u		/* a page, as mount() takes it */

/* Words that mean a flag and are not for the file system, which would refuse them. */
static const struct {
	const char *word;
	unsigned long set, clear;
} flag_words[] = {
	{ "defaults", 0, 0 },
	{ "noatime", MS_NOATIME, 0 }, { "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 }, { "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 }, { "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 }, { "nostrictatime", 0, MS_STRICTATIME },
	{ "lazytime", MS_LAZYTIME, 0 }, { "nolazytime", 0, MS_LAZYTIME },
	{ "nosuid", MS_NOSUID, 0 }, { "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 }, { "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 }, { "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 }, { "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
};

static bool take_flag(struct om_str word, unsigned long *flags)
{
	size_t i;

	/* For other programs, in fstab(5)'s words. */
	if (om_str_starts(word, "x-") || om_str_starts(word, "X-"))
		return true;
	for (i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
		if (!om_str_is(word, flag_words[i].word))
			continue;
		*flags = (*flags | flag_words[i].set) & ~flag_words[i].clear;
		return true;
	}
	return false;
}

/* What of the list DATA is for the file system goes to REST; commas in quotation marks are none. */
static unsigned long split_data(const char *data, char *rest, size_t size)
{
	unsigned long flags = 0;
	size_t used = 0, len;
	bool quoted = false;

	rest[0] = '\0';
	for (; *data; data += len + (data[len] == ',')) {
		for (len = 0; data[len] && (quoted || data[len] != ','); len++)
			quoted ^= data[len] == '"';
		if (len && !take_flag((struct om_str){ data, len }, &flags))
			used += om_format(rest + used, size - used, "%s%.*s", used ? "," : "", (int)len, data);
	}
	return flags;
}

int world_mount(void *ctx, const char *source, const char *target, const char *fstype,
		uint32_t flags, const char *data)
{
	const char *file = image_file(source);
	unsigned long mount_flags;
	char rest[DATA_MAX];
	struct statvfs fs;
	int err;

	(void)ctx;
	if (strlen(data) >= sizeof(rest))
		return -E2BIG;
	mount_flags = split_data(data, rest, sizeof(rest)) | (flags & OM_MS_RDONLY ? MS_RDONLY : 0);
	err = result_of(mount(file ? file : source, target, fstype, mount_flags, rest));
	/* A type that only reads says nothing and does not write either. */
	if (!err && !(flags & OM_MS_RDONLY) && statvfs(target, &fs) == 0 && (fs.f_flag & ST_RDONLY)) {
		umount2(target, MNT_DETACH);
		return -EROFS;
	}
	/* On the absolute root they are there already. */
	if (err == -EBUSY && strcmp(fstype, "devtmpfs") == 0 && strcmp(target, "/dev") == 0) {
		world.dev_asked = true;
		err = 0;
	}
	return err;
}
