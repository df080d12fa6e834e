/* SPDX-License-Identifier: MIT */
/* Disks in the memory of a host test, which fail when told to. */
#include "port_host.h"

#include <stdio.h>
#include <stdlib.h>

/* Is this the request that fails?  Counts down to it. */
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

static bool request_fails(struct host_disk *disk, bool write, uint64_t sector, unsigned count)
{
	if (count == 0 || sector > disk->bdev.sectors || count > disk->bdev.sectors - sector)
		panic("%s: request for %u sectors at %llu of %llu", disk->bdev.name, count,
		      (unsigned long long)sector, (unsigned long long)disk->bdev.sectors);
	if (due(write ? &disk->fail_write : &disk->fail_read, disk->fail_sticky)) {
		disk->bad_start = sector;
		disk->bad_count = count;
	}
	return disk->bad_count && sector < disk->bad_start + disk->bad_count &&
	       disk->bad_start < sector + count;
}

static int host_transfer(struct block_device *bdev, bool write, uint64_t sector,
			 const struct block_piece *pieces, unsigned count)
{
	struct host_disk *disk = bdev->private;
	unsigned sectors = 0;

	for (unsigned i = 0; i < count; i++)
		sectors += pieces[i].sectors;
	*(write ? &disk->writes : &disk->reads) += 1;
	*(write ? &disk->written_sectors : &disk->read_sectors) += sectors;
	if (request_fails(disk, write, sector, sectors))
		return -EIO;
	if (write && sector < disk->last_written)
		disk->out_of_order = true;
	if (write)
		disk->last_written = sector;
	for (unsigned i = 0; i < count; i++) {
		uint8_t *at = disk->data + sector * SECTOR_SIZE;
		size_t len = (size_t)pieces[i].sectors * SECTOR_SIZE;

		memcpy(write ? at : pieces[i].ptr, write ? pieces[i].ptr : at, len);
		sector += pieces[i].sectors;
	}
	return 0;
}

static int host_read(struct block_device *bdev, uint64_t sector, void *buf, unsigned count)
{
	struct block_piece piece = { buf, count };

	return host_transfer(bdev, false, sector, &piece, 1);
}

static int host_write(struct block_device *bdev, uint64_t sector, const void *buf, unsigned count)
{
	struct block_piece piece = { (void *)(uintptr_t)buf, count };

	return host_transfer(bdev, true, sector, &piece, 1);
}

static int host_flush(struct block_device *bdev)
{
	struct host_disk *disk = bdev->private;

	disk->flushes++;
	return 0;
}

static const struct block_ops host_disk_ops = { host_read, host_write, host_flush, host_transfer };

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
