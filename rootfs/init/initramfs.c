/* SPDX-License-Identifier: MIT */
/*
 * What a program of the absolute root finds that goes on by itself: the files, no mount of ours, and
 * a classic initrd that nobody has taken yet where a kernel with a built-in initramfs left it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define BLOB		"/initrd.image"
#define RETAINED	"/sys/firmware/initrd"

static char image[OM_PATH_MAX];	/* where the stage has put what is now BLOB; "" = nothing */

static void blob_place(void)
{
	uint32_t i;

	for (i = 0; i < world.root->ramdisk_count && !image[0]; i++) {
		const struct om_ramdisk *disk = &world.root->ramdisks[i];

		if (!disk->classic_initrd)
			continue;
		ramdisk_path(disk, image, sizeof(image));
		if (rename(image, BLOB))
			image[0] = '\0';	/* attached, or the firmware's */
		else
			chmod(BLOB, 0700);
	}
}

/* retain_initrd: the kernel shows there all that it got, which is an archive with the image in it. */
static bool blob_retain(void)
{
	char words[4096], *at, *rest = words;

	if (!image[0] || read_text_at(world.proc, "cmdline", words, sizeof(words)))
		return false;
	while ((at = strsep(&rest, " ")))
		if (strcmp(at, "retain_initrd") == 0)
			return mount(BLOB, RETAINED, NULL, MS_BIND, NULL) == 0 &&
			       mount(NULL, RETAINED, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0;
	return false;
}

void initramfs_leave(void)
{
	blob_place();
	if (!blob_retain())
		umount2("/sys", MNT_DETACH);
	if (!world.dev_asked)
		umount2("/dev", MNT_DETACH);
	umount2("/proc", MNT_DETACH);
}

void initramfs_return(void)
{
	umount2(RETAINED, MNT_DETACH);
	if (image[0])
		rename(BLOB, image);
	image[0] = '\0';
	places_make();
}
