/* SPDX-License-Identifier: MIT */
/* Files of the absolute root as block devices: ram disks, and images that are a root. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>

#include "init.h"

#define COPY_PIECE	(1u << 20)
#define PMEM_WAIT_MS	10000u

struct attached {
	int fd;				/* of the device: it goes when nobody has it open; -1 */
	struct om_device device;
	int error;			/* of the first attempt */
	bool tried;
};

static struct attached ramdisks[OM_IMAGES_MAX];

static int loop_configure(int loop, int file)
{
	struct loop_config config = { .fd = (uint32_t)file,
				      .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };

	return result_of(ioctl(loop, LOOP_CONFIGURE, &config));
}

/* The number of one that nobody uses; the module is there or not. */
static int loop_free(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number;

	if (control < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	number = result_of(ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	return number;
}

/*
 * A loop device over the file, which is ours alone: what is written stays in memory.  The device
 * ends with its last user.
 */
static int loop_attach(const char *path, struct attached *attached)
{
	int file = open(path, O_RDWR | O_CLOEXEC), loop, number, err;
	struct stat st, device;
	char node[32];

	if (file < 0)
		return -errno;
	number = loop_free();
	om_format(node, sizeof(node), "/dev/loop%d", number);
	loop = number < 0 ? number : result_of(open(node, O_RDWR | O_CLOEXEC));
	err = loop < 0 ? loop : loop_configure(loop, file);
	if (!err && (fstat(file, &st) || fstat(loop, &device)))
		err = -errno;
	close(file);
	if (err) {
		if (loop >= 0)
			close(loop);
		return err;
	}
	attached->fd = loop;
	attached->device.major = major(device.st_rdev);
	attached->device.minor = minor(device.st_rdev);
	attached->device.size = (uint64_t)st.st_size;
	om_format(attached->device.name, sizeof(attached->device.name), "loop%d", number);
	content_probe(node, &attached->device);
	return 0;
}

/* ------------------------------------------------------------------ ram disks */

void ramdisk_path(const struct om_ramdisk *disk, char *path, size_t size)
{
	om_format(path, size, RAMDISK_PATH, disk->index);
	if (disk->in_archive && disk->text.len < size)
		om_format(path, size, "%.*s", (int)disk->text.len, disk->text.ptr);
}

/*
 * brd makes all its devices of one size, which is that of the largest image: what is packed has to be
 * unpacked before anybody knows it.  One that cannot be unpacked has said so then, and is no ram disk.
 */
static uint64_t largest_ramdisk(void)
{
	uint64_t largest = 0;
	char path[OM_PATH_MAX];
	struct stat st;
	uint32_t i;

	for (i = 0; i < world.root->ramdisk_count; i++) {
		ramdisk_path(&world.root->ramdisks[i], path, sizeof(path));
		if (stat(path, &st))
			continue;
		ramdisks[i].error = image_unpack(path);
		ramdisks[i].tried |= ramdisks[i].error != 0;
		if (stat(path, &st) == 0 && (uint64_t)st.st_size > largest)
			largest = (uint64_t)st.st_size;
	}
	return largest;
}

static int brd_load(void)
{
	static bool loaded;
	char parameters[64];
	int err;

	if (loaded)
		return 0;
	om_format(parameters, sizeof(parameters), "rd_nr=%u rd_size=%llu", OM_IMAGES_MAX,
		  (unsigned long long)(largest_ramdisk() + 4095) / 4096 * 4);
	err = module_load("brd", parameters);
	loaded = err == 0;
	return err;
}

static void node_make(const struct om_device *device)
{
	char node[64];

	om_format(node, sizeof(node), "/dev/%s", device->name);
	unlink(node);
	mknod(node, S_IFBLK | 0600, makedev(device->major, device->minor));
}

/* NODE is there: an open descriptor, and what it is in ATTACHED. */
static int take_node(const char *node, struct attached *attached)
{
	struct stat st;
	int fd = open(node, O_RDWR | O_CLOEXEC), err;

	if (fd < 0 || fstat(fd, &st) || ioctl(fd, BLKGETSIZE64, &attached->device.size)) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	attached->fd = fd;
	attached->device.major = major(st.st_rdev);
	attached->device.minor = minor(st.st_rdev);
	content_probe(node, &attached->device);
	return 0;
}

/* Piece by piece, past the cache: the pages are the ram disk's and nobody else's. */
static int copy_pieces(int from, int to)
{
	uint8_t *piece = aligned_alloc(OM_PAGE_SIZE, COPY_PIECE);
	ssize_t len = piece ? read(from, piece, COPY_PIECE) : -1;

	while (piece && len > 0) {
		size_t padded = ((size_t)len + OM_PAGE_SIZE - 1) & ~(size_t)(OM_PAGE_SIZE - 1);

		memset(piece + len, 0, padded - (size_t)len);
		if (write(to, piece, padded) != (ssize_t)padded) {
			free(piece);
			return -EIO;
		}
		len = read(from, piece, COPY_PIECE);
	}
	free(piece);
	return !piece ? -ENOMEM : len < 0 ? -EIO : 0;
}

static int brd_attach(uint32_t index, const char *path, struct attached *attached)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to, err;
	char node[32];

	if (from < 0)
		return -errno;
	err = brd_load();
	om_format(node, sizeof(node), "/dev/ram%u", index);
	to = err ? -1 : open(node, O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (!err)
		err = to < 0 ? -errno : copy_pieces(from, to);
	if (to >= 0)
		close(to);
	close(from);
	return err ? err : take_node(node, attached);
}

/* The firmware's RAM disks appear in the order in which the stage has registered them. */
static int pmem_attach(const struct om_ramdisk *disk, struct attached *attached)
{
	uint64_t end = world_now_ms(NULL) + PMEM_WAIT_MS;
	char node[32];

	om_format(node, sizeof(node), "/dev/pmem%u", (unsigned)(disk - world.root->ramdisks));
	/* Its driver looks for it on its own time. */
	while (access(node, F_OK)) {
		if (world_now_ms(NULL) >= end)
			return -ENXIO;
		world_wait_devices(NULL, 100);
	}
	return take_node(node, attached);
}

static int attach_as_asked(const struct om_ramdisk *disk, const char *path,
			   struct attached *attached)
{
	int err;

	if (world.root->attach == OM_ATTACH_PMEM && access(path, F_OK))
		return pmem_attach(disk, attached);
	err = image_unpack(path);
	if (err)
		return err;
	return world.root->attach == OM_ATTACH_RAMDISK ? brd_attach(disk->index, path, attached) :
							 loop_attach(path, attached);
}

static int ramdisk_attach(const struct om_ramdisk *disk, struct attached *attached)
{
	char path[OM_PATH_MAX];
	int err;

	ramdisk_path(disk, path, sizeof(path));
	err = attach_as_asked(disk, path, attached);
	if (err) {
		say("ramdisk: /dev/ram%u: %s: %s", disk->index, path, om_errno_text(err));
		return err;
	}
	/* Nobody needs the name any more; the bytes stay until the device ends. */
	unlink(path);
	/* Whatever carries it, its name is the old one. */
	om_format(attached->device.name, sizeof(attached->device.name), "ram%u", disk->index);
	node_make(&attached->device);
	return 0;
}

static struct attached *ramdisk_find(uint32_t index, const struct om_ramdisk **ret_disk)
{
	uint32_t i;

	for (i = 0; i < world.root->ramdisk_count; i++) {
		if (world.root->ramdisks[i].index != index)
			continue;
		*ret_disk = &world.root->ramdisks[i];
		return &ramdisks[i];
	}
	return NULL;
}

int ramdisk_device(uint32_t index, struct om_device *ret_device)
{
	const struct om_ramdisk *disk;
	struct attached *attached = ramdisk_find(index, &disk);

	if (!attached)
		return -ENOENT;
	if (!attached->tried) {
		attached->tried = true;
		attached->fd = -1;
		attached->error = ramdisk_attach(disk, attached);
	}
	if (attached->error)
		return -ENXIO;
	*ret_device = attached->device;
	return 0;
}

int ramdisk_listed(const struct om_ramdisk *disk, struct om_device *ret_device)
{
	char path[OM_PATH_MAX];
	struct stat st;

	ramdisk_path(disk, path, sizeof(path));
	if (!disk->classic_initrd || world.root->linuxrc != OM_LINUXRC_NEVER || stat(path, &st))
		return ramdisk_device(disk->index, ret_device);
	memset(ret_device, 0, sizeof(*ret_device));
	om_format(ret_device->name, sizeof(ret_device->name), "ram%u", disk->index);
	ret_device->major = 1;
	ret_device->minor = disk->index;
	ret_device->size = (uint64_t)st.st_size;
	content_probe(path, ret_device);
	return 0;
}

/* A loop device goes with its last user, and the file with it; brd keeps what is not discarded, and before
 * 6.3 cannot; the firmware's memory is the firmware's. */
static int memory_return(const struct attached *attached)
{
	uint64_t range[2] = { 0, attached->device.size };

	if (attached->device.major == LOOP_MAJOR || ioctl(attached->fd, BLKDISCARD, range) == 0)
		return 0;
	return errno == EOPNOTSUPP ? -ENOSYS : -errno;
}

/* Its mount is gone: without us nobody uses the device. */
int world_free_ramdisk(void *ctx, uint32_t index, uint64_t *ret_bytes)
{
	const struct om_ramdisk *disk;
	struct attached *attached = ramdisk_find(index, &disk);
	char node[32];
	int err;

	(void)ctx;
	if (!attached || attached->fd < 0)
		return -ENXIO;
	err = memory_return(attached);
	*ret_bytes = attached->device.size;
	close(attached->fd);
	attached->fd = -1;
	attached->error = -ENXIO;
	om_format(node, sizeof(node), "/dev/ram%u", index);
	unlink(node);
	return err;
}

/* ------------------------------------------------------------------ an image as root */

#define IMAGES_MAX	(OM_CANDIDATES_MAX + 1)		/* and one with a hash tree */

/* Each once: whoever waits for another device asks again and again. */
static struct image {
	char *path;
	struct om_device device;
} images[IMAGES_MAX];

/*
 * Without loop devices: Linux since 6.12 mounts an erofs from its file, if that lies on a ramfs.  A number
 * that no device can have stands for it, where mount() is given the node.
 */
static int file_attach(const char *path, const struct image *image, struct attached *attached)
{
	struct statfs fs;
	struct stat st;

	content_probe(path, &attached->device);
	if (strcmp(attached->device.fstype, "erofs") != 0 || stat(path, &st) || statfs(path, &fs))
		return -ENODEV;
	if ((uint32_t)fs.f_type == TMPFS_MAGIC) {
		say("image: %s: no loop devices here; with any root= in `options` the absolute root is a ramfs,"
		    " and erofs can be mounted from the file", path);
		return -ENODEV;
	}
	attached->device.minor = (uint32_t)(image - images) + 1;
	attached->device.size = (uint64_t)st.st_size;
	om_format(attached->device.name, sizeof(attached->device.name), "root");
	say("image: %s: no loop devices here, erofs is mounted from the file", path);
	return 0;
}

const char *image_file(const char *node)
{
	struct stat st;

	if (stat(node, &st) || !S_ISBLK(st.st_mode) || major(st.st_rdev) != 0 ||
	    minor(st.st_rdev) - 1 >= IMAGES_MAX)
		return NULL;
	return images[minor(st.st_rdev) - 1].path;
}

bool attached_is_ours(uint32_t major, uint32_t minor)
{
	uint32_t i;

	for (i = 0; i < OM_IMAGES_MAX; i++)
		if (ramdisks[i].device.name[0] && ramdisks[i].device.major == major &&
		    ramdisks[i].device.minor == minor)
			return true;
	for (i = 0; i < IMAGES_MAX; i++)
		if (images[i].path && images[i].device.major == major && images[i].device.minor == minor)
			return true;
	return false;
}

int world_attach_image(void *ctx, const char *path, struct om_device *ret_device)
{
	struct attached attached = { .fd = -1 };
	struct image *image = images;
	int err;

	(void)ctx;
	while (image->path && strcmp(image->path, path) != 0)
		if (++image == images + IMAGES_MAX)
			return -ENOSPC;
	if (!image->path) {
		err = image_unpack(path);
		if (!err)
			err = loop_attach(path, &attached);
		if (err == -ENODEV)
			err = file_attach(path, image, &attached);
		if (err)
			return err;
		image->device = attached.device;
		image->path = strdup(path);
	}
	*ret_device = image->device;
	return 0;
}
