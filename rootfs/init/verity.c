/* SPDX-License-Identifier: MIT */
/* A root that is read through dm-verity: one device of the kernel's device mapper. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/dm-ioctl.h>

#include <overmount/verity.h>

#include "init.h"

#define NAME		"root"		/* /dev/mapper/root, as others call it */
#define SECTOR_SIZE	512u
#define MISMATCH	"verity: what was read does not match the root hash"

/* What an ioctl takes and gives back: the header, then one target or the text of its state. */
struct request {
	struct dm_ioctl header;
	struct dm_target_spec target;
	char line[OM_VERITY_LINE_MAX];
};

static int control = -1;		/* the device mapper; open as long as there is a device */

static int ask(unsigned long command, uint32_t flags, const char *uuid, struct request *request)
{
	struct dm_ioctl *header = &request->header;

	memset(header, 0, sizeof(*header));
	header->version[0] = DM_VERSION_MAJOR;
	header->data_size = sizeof(*request);
	header->data_start = offsetof(struct request, target);
	header->target_count = command == DM_TABLE_LOAD;
	header->flags = flags;
	om_format(header->name, sizeof(header->name), NAME);
	om_format(header->uuid, sizeof(header->uuid), "%s", uuid);
	return result_of(ioctl(control, command, request));
}

/* "verity: /dev/vda2: no such device (ENXIO)", for as long as this program runs. */
static const char *OM_PRINTF(1, 2) reason(const char *format, ...)
{
	char text[OM_LOG_LINE_MAX], *kept;
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	kept = strdup(text);
	return kept ? kept : "verity: no memory is left";
}

/* ------------------------------------------------------------------ the tree on disk */

static void keep_text(void *ctx, const struct om_diag *diag)
{
	const char **why = ctx;

	*why = reason("verity: %s", diag->text);
}

static const char *tree_read(const struct om_verity *verity, const struct om_device *data,
			     const struct om_device *hash, struct om_verity_tree *ret_tree)
{
	uint8_t bytes[OM_VERITY_SUPERBLOCK_SIZE];
	const char *why = NULL;
	const struct om_diag_sink sink = { keep_text, &why };
	char node[64];
	ssize_t len;
	int fd;

	om_format(node, sizeof(node), "/dev/%s", hash->name);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), (off_t)verity->offset);
	if (len < 0)
		why = reason("verity: %s: %s", node, om_errno_text(-errno));
	if (fd >= 0)
		close(fd);
	if (!why && om_verity_read((struct om_span){ bytes, (size_t)len }, verity, data, hash, &sink,
				   ret_tree) != OM_OK && !why)
		why = "verity: the superblock is refused";
	return why;
}

/* ------------------------------------------------------------------ the device */

static const char *control_open(void)
{
	if (control < 0)
		control = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	if (control >= 0)
		return NULL;
	return errno == ENOENT ? "verity: this kernel has no device mapper; is the module dm_verity here?" :
				 reason("verity: device mapper: %s", om_errno_text(-errno));
}

/* As cryptsetup names it, so that `veritysetup status` knows it later. */
static void dm_uuid(const struct om_verity_tree *tree, char *buf, size_t size)
{
	size_t used = om_format(buf, size, "CRYPT-VERITY-"), i;

	for (i = 0; i < sizeof(tree->uuid); i++)
		used += om_format(buf + used, size - used, "%02x", tree->uuid[i]);
	om_format(buf + used, size - used, "-" NAME);
}

static int remove_device(void)
{
	struct request request = { 0 };
	/* Whoever still looks at it is the last. */
	int err = ask(DM_DEV_REMOVE, DM_DEFERRED_REMOVE, "", &request);

	close(control);
	control = -1;
	return err;
}

/* Read-only altogether: a mount for writing is told so by the kernel, as on any such disk. */
static int table_load(const struct om_verity_tree *tree, const struct om_verity *verity,
		      const struct om_device *data, const struct om_device *hash)
{
	struct request request = { .target = { .length = tree->size / SECTOR_SIZE,
					       .target_type = "verity" } };
	int err;

	om_verity_line(tree, verity, data, hash, request.line, sizeof(request.line));
	err = ask(DM_TABLE_LOAD, DM_READONLY_FLAG, "", &request);
	/* Without DM_SUSPEND_FLAG it resumes: the table becomes the device. */
	return err ? err : ask(DM_DEV_SUSPEND, 0, "", &request);
}

static const char *device_make(const struct om_verity_tree *tree, const struct om_verity *verity,
			       const struct om_device *data, const struct om_device *hash,
			       struct om_device *ret_device)
{
	struct om_device device = { .size = tree->size };
	struct request request = { 0 };
	char uuid[DM_UUID_LEN];
	int err;

	dm_uuid(tree, uuid, sizeof(uuid));
	err = ask(DM_DEV_CREATE, 0, uuid, &request);
	if (err) {
		close(control);
		control = -1;
		return reason("verity: the device mapper makes no device: %s", om_errno_text(err));
	}
	device.major = major(request.header.dev);
	device.minor = minor(request.header.dev);
	om_format(device.name, sizeof(device.name), "dm-%u", device.minor);
	err = table_load(tree, verity, data, hash);
	if (err) {
		remove_device();
		return reason("verity: refused by the device mapper, whose reason is in the kernel's log: %s",
			      om_errno_text(err));
	}
	*ret_device = device;
	return NULL;
}

static bool mismatch_found(void)
{
	struct request request = { 0 };

	return ask(DM_TABLE_STATUS, 0, "", &request) == 0 && request.line[0] == 'C';
}

/* Its first bytes: with a wrong root hash not even these can be read. */
static int device_look(const struct om_device *device)
{
	uint8_t bytes[OM_VERITY_UNIT];
	char node[64];
	int fd, err;

	om_format(node, sizeof(node), "/dev/%s", device->name);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = result_of(pread(fd, bytes, sizeof(bytes), 0));
	close(fd);
	return err < 0 ? err : 0;
}

const char *world_verity_open(void *ctx, const struct om_verity *verity,
			      const struct om_device *hash, struct om_device *device)
{
	struct om_verity_tree tree;
	struct om_device verified;
	const char *why = tree_read(verity, device, hash, &tree);
	char node[64];
	int err;

	(void)ctx;
	if (!why)
		why = control_open();
	if (!why)
		why = device_make(&tree, verity, device, hash, &verified);
	if (why)
		return why;
	err = device_look(&verified);
	if (err) {
		why = world_verity_close(NULL);
		return why ? why : reason("verity: /dev/%s: %s", verified.name, om_errno_text(err));
	}
	om_format(node, sizeof(node), "/dev/%s", verified.name);
	content_probe(node, &verified);
	say(OM_VERITY_STORY, verified.name, device->name, hash->name);
	*device = verified;
	return NULL;
}

const char *world_verity_close(void *ctx)
{
	const char *why = NULL;

	(void)ctx;
	if (control < 0)
		return NULL;
	if (mismatch_found())
		why = MISMATCH;
	remove_device();
	return why;
}
