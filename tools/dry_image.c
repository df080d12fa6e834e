/* SPDX-License-Identifier: MIT */
/* An image in the absolute root, as the kernel that is to come will make a device of it. */
#include <string.h>

#include "dry_run.h"

#define LOOP_MAJOR	7u

static int find_loop(void *ctx, const struct om_node *node, const struct om_member *member,
		     const char *layer)
{
	static const char folder[] = "lib/modules/", module[] = "/loop.ko";
	const struct om_str path = member->path;

	(void)ctx, (void)node, (void)layer;
	return path.len > strlen(folder) + strlen(module) &&
	       memcmp(path.ptr, folder, strlen(folder)) == 0 &&
	       memcmp(path.ptr + path.len - strlen(module), module, strlen(module)) == 0;
}

/* Any root= makes the absolute root a ramfs; without one it is a tmpfs, of whose files erofs takes none. */
static bool is_on_ramfs(const struct dry_run *run)
{
	struct om_str rest = run->root->cmdline;
	bool start = true;

	for (; rest.len; rest = om_str_skip(rest, 1)) {
		if (start && rest.len >= 5 && memcmp(rest.ptr, "root=", 5) == 0)
			return true;
		start = rest.ptr[0] == ' ';
	}
	return false;
}

/*
 * As file_attach() of /init: without loop devices an erofs is mounted from its file.  Whether loop is built
 * into the kernel is nothing that the archive could tell.
 */
static bool from_file(struct dry_run *run, const char *path, const struct om_device *device)
{
	bool ramfs = is_on_ramfs(run);
	char line[OM_LOG_LINE_MAX];

	if (strcmp(device->fstype, "erofs") != 0 || om_tree_walk(run->tree, find_loop, NULL))
		return false;
	om_format(line, sizeof(line), "image: %s: loop is not among the modules: unless the kernel has it built "
		  "in, erofs is mounted from the file%s (Linux 6.12 and newer)", path,
		  ramfs ? "" : ", which needs any root= in `options`");
	dry_log(run, line);
	return ramfs;
}

int dry_attach_image(void *ctx, const char *path, struct om_device *ret_device)
{
	struct dry_run *run = ctx;
	struct om_device device = { .name = "ram15", .major = RAM_MAJOR, .minor = 15,
				    .size = DISK_SIZE };
	bool on_linux = run->fstypes == dry_run_linux_fstypes;
	enum om_image_kind kind = OM_IMAGE_UNKNOWN;
	const char *fstype = run->fstypes[0];
	int err;

	if (run->tree) {
		err = tree_probe(run->tree, path, &kind, &device.size);
		if (err)
			return err;
		fstype = om_image_is_filesystem(kind) ? om_image_kind_text(kind) : "";
	}
	snprintf(device.fstype, sizeof(device.fstype), "%s", fstype);
	if (on_linux && run->tree && from_file(run, path, &device)) {
		device.major = 0;
		device.minor = 1;
		snprintf(device.name, sizeof(device.name), "root");
	} else if (on_linux) {
		/* Ram disks have taken the first ones. */
		device.major = LOOP_MAJOR;
		device.minor = run->loops++;
		if (run->root->attach == OM_ATTACH_LOOP)
			device.minor += run->root->ramdisk_count;
		snprintf(device.name, sizeof(device.name), "loop%u", device.minor);
	}
	run->device = device;
	*ret_device = device;
	return 0;
}
