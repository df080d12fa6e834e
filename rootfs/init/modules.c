/* SPDX-License-Identifier: MIT */
/* Kernel modules: those that the archive brought, in the order that the host computed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"

#define COMPRESSED_FILE	4		/* MODULE_INIT_COMPRESSED_FILE */
#define ORDER_NAME	"overmount.order"

static char directory[160];		/* /lib/modules/RELEASE */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

static int insert(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	bool packed = ends_with(path, ".xz") || ends_with(path, ".zst") || ends_with(path, ".gz");

	if (fd < 0)
		return -errno;
	err = result_of(syscall(SYS_finit_module, fd, parameters, packed ? COMPRESSED_FILE : 0));
	close(fd);
	return err == -EEXIST ? 0 : err;
}

/* Line by line: the path of a module below DIRECTORY; false at the end. */
static bool order_next(FILE *order, char *path, size_t size)
{
	char line[256];

	if (!fgets(line, sizeof(line), order))
		return false;
	line[strcspn(line, "\n")] = '\0';
	om_format(path, size, "%s/%s", directory, line);
	return true;
}

static FILE *order_open(void)
{
	char path[200];

	om_format(path, sizeof(path), "%s/" ORDER_NAME, directory);
	return fopen(path, "re");
}

/* "virtio_blk" is the file virtio_blk.ko, or virtio-blk.ko. */
static bool names(const char *path, const char *name)
{
	const char *base = strrchr(path, '/') + 1;
	size_t i;

	for (i = 0; name[i]; i++)
		if (base[i] != name[i] && !(name[i] == '_' && base[i] == '-') &&
		    !(name[i] == '-' && base[i] == '_'))
			return false;
	return strncmp(base + i, ".ko", 3) == 0;
}

/* brd's size is known when it is asked for; without UEFI there are no variables for efivarfs. */
static bool is_left_out(const char *path)
{
	struct stat st;

	return names(path, "brd") ||
	       (names(path, "efivarfs") && fstatat(world.sysfs, "firmware/efi", &st, 0) != 0);
}

void modules_start(void)
{
	unsigned loaded = 0;
	struct utsname name;
	char path[448];
	FILE *order;
	int err;

	uname(&name);
	om_format(directory, sizeof(directory), "/lib/modules/%s", name.release);
	order = order_open();
	if (!order) {
		say("modules: none here for Linux %s", name.release);
		return;
	}
	while (order_next(order, path, sizeof(path))) {
		if (is_left_out(path))
			continue;
		err = insert(path, "");
		/* ENODEV: what it drives is not in this machine. */
		if (err && err != -ENODEV)
			say("module: %s: %s", path, om_errno_text(err));
		loaded += err == 0;
	}
	fclose(order);
	say("modules: %u loaded for Linux %s", loaded, name.release);
}

int module_load(const char *name, const char *parameters)
{
	char found[448];
	FILE *order = order_open();
	int err = -ENOENT;

	while (order && order_next(order, found, sizeof(found))) {
		if (!names(found, name))
			continue;
		err = insert(found, parameters);
		break;
	}
	if (order)
		fclose(order);
	return err;
}

int world_load_module(void *ctx, const char *path)
{
	(void)ctx;
	return strchr(path, '/') ? insert(path, "") : module_load(path, "");
}
