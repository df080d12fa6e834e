/* SPDX-License-Identifier: MIT */
/* Disks in the memory of a host test, which fail when told to. */
#include "port_host.h"

#include <stdio.h>
#include <stdlib.h>

static bool due(unsigned long *left, bool sticky)
{
	if (*left == 0)
		return false;
	if (*left > 1) {
		--*left;
		return false;
	}
	if (!sticky)
		*left = 0;
	return true;
}

static void check_range(struct host_disk *disk, uint64_t sector, unsigned count)
{
	if (count == 0 || sector > disk->bdev.sectors || count > disk->bdev.sectors - sector)
		panic("%s: request for %u sectors at %llu of %llu", disk->bdev.name, count,
		      (unsigned long long)sector, (unsigned long long)disk->bdev.sectors);
}

static int host_read(struct block_device *bdev, uint64_t sector, void *buf, unsigned count)
{
	struct host_disk *disk = bdev->private;

	check_range(disk, sector, count);
	disk->reads++;
	disk->read_sectors += count;
	if (due(&disk->fail_read, disk->fail_sticky))
		return -EIO;
	if (disk->bad_sector >= sector && disk->bad_sector - sector < count)
		return -EIO;
	memcpy(buf, disk->data + sector * SECTOR_SIZE, (size_t)count * SECTOR_SIZE);
	return 0;
}

static int host_write(struct block_device *bdev, uint64_t sector, const void *buf, unsigned count)
{
	struct host_disk *disk = bdev->private;

	check_range(disk, sector, count);
	disk->writes++;
	disk->written_sectors += count;
	if (due(&disk->fail_write, disk->fail_sticky))
		return -EIO;
	if (sector < disk->last_written)
		disk->out_of_order = true;
	disk->last_written = sector;
	memcpy(disk->data + sector * SECTOR_SIZE, buf, (size_t)count * SECTOR_SIZE);
	return 0;
}

static int host_flush(struct block_device *bdev)
{
	struct host_disk *disk = bdev->private;

	disk->flushes++;
	return 0;
}

static const struct block_ops host_disk_ops = { host_read, host_write, host_flush };

struct host_disk *host_disk_new(const char *name, uint32_t dev, uint64_t len)
{
	struct host_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		abort();
	disk->data = calloc(1, len ? len : 1);
	if (!disk->data)
		abort();
	snprintf(disk->bdev.name, sizeof(disk->bdev.name), "%s", name);
	disk->bdev.dev = dev;
	disk->bdev.sectors = len / SECTOR_SIZE;
	disk->bdev.ops = &host_disk_ops;
	disk->bdev.private = disk;
	disk->bad_sector = UINT64_MAX;
	block_register(&disk->bdev);
	return disk;
}

struct host_disk *host_disk_from(const char *name, uint32_t dev, const void *data, uint64_t len)
{
	struct host_disk *disk = host_disk_new(name, dev, len);

	memcpy(disk->data, data, len);
	return disk;
}

struct host_disk *host_disk_open(const char *name, uint32_t dev, const char *path)
{
	FILE *in = fopen(path, "rb");
	struct host_disk *disk = NULL;
	long len;

	if (!in)
		return NULL;
	if (fseek(in, 0, SEEK_END) == 0 && (len = ftell(in)) >= 0 && fseek(in, 0, SEEK_SET) == 0) {
		disk = host_disk_new(name, dev, (uint64_t)len);
		if (fread(disk->data, 1, (size_t)len, in) != (size_t)len) {
			host_disk_free(disk);
			disk = NULL;
		}
	}
	fclose(in);
	return disk;
}

void host_disk_free(struct host_disk *disk)
{
	if (!disk)
		return;
	block_unregister(&disk->bdev);
	free(disk->data);
	free(disk);
}
