/* SPDX-License-Identifier: MIT */
/* The list of block devices, and the ways their bytes go: in place, or through the cache. */
#include "block.h"

#define LOGGED_MAX 32u

static struct block_device *devices;

/* Sectors whose errors have been told. */
static struct {
	uint32_t dev;
	bool write;
	uint64_t sector;
} logged[LOGGED_MAX];
static unsigned logged_count;

/* In order of registration. */
void block_register(struct block_device *bdev)
{
	struct block_device **slot = &devices;

	while (*slot)
		slot = &(*slot)->next;
	bdev->next = NULL;
	*slot = bdev;
}

static void unlink_device(struct block_device *bdev)
{
	struct block_device **slot = &devices;

	while (*slot && *slot != bdev)
		slot = &(*slot)->next;
	if (*slot)
		*slot = bdev->next;
	bdev->next = NULL;
}

void block_unregister(struct block_device *bdev)
{
	struct block_device *next;

	block_cache_drop(bdev);
	for (struct block_device *part = devices; part; part = next) {
		next = part->next;
		if (part->disk == bdev) {
			unlink_device(part);
			kfree(part);
		}
	}
	unlink_device(bdev);
}

struct block_device *block_find(uint32_t dev)
{
	for (struct block_device *bdev = devices; bdev; bdev = bdev->next)
		if (bdev->dev == dev)
			return bdev;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && memcmp(a, b, len) == 0;
}

struct block_device *block_find_name(const char *name)
{
	for (struct block_device *bdev = devices; bdev; bdev = bdev->next)
		if (same_text(bdev->name, name))
			return bdev;
	return NULL;
}

struct block_device *block_by_index(unsigned index)
{
	struct block_device *bdev = devices;

	while (bdev && index-- > 0)
		bdev = bdev->next;
	return bdev;
}

/* -- requests ----------------------------------------------------------------------------------- */

void block_log_error(const struct block_device *disk, bool write, uint64_t sector)
{
	for (unsigned i = 0; i < LOGGED_MAX && i < logged_count; i++)
		if (logged[i].dev == disk->dev && logged[i].sector == sector &&
		    logged[i].write == write)
			return;
	logged[logged_count % LOGGED_MAX].dev = disk->dev;
	logged[logged_count % LOGGED_MAX].sector = sector;
	logged[logged_count % LOGGED_MAX].write = write;
	logged_count++;
	klog("%s: cannot %s sector %llu: the device reports an error", disk->name,
	     write ? "write" : "read", (unsigned long long)sector);
}

int block_transfer(struct block_device *disk, bool write, uint64_t sector,
		   const struct block_piece *pieces, unsigned count)
{
	int err = 0;

	if (disk->ops->transfer)
		return disk->ops->transfer(disk, write, sector, pieces, count);
	for (unsigned i = 0; i < count && err == 0; i++) {
		if (write)
			err = disk->ops->write(disk, sector, pieces[i].ptr, pieces[i].sectors);
		else
			err = disk->ops->read(disk, sector, pieces[i].ptr, pieces[i].sectors);
		sector += pieces[i].sectors;
	}
	return err;
}

/* -- bytes --------------------------------------------------------------------------------------- */

static bool range_fits(const struct block_device *bdev, bool write, uint64_t offset, size_t len)
{
	uint64_t size = bdev->sectors * SECTOR_SIZE;

	if (offset <= size && len <= size - offset)
		return true;
	klog("%s: %s of %llu bytes at %llu goes beyond its end at %llu", bdev->name,
	     write ? "write" : "read", (unsigned long long)len, (unsigned long long)offset,
	     (unsigned long long)size);
	return false;
}

int block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len)
{
	struct block_device *disk = block_disk(bdev);

	if (len == 0)
		return 0;
	if (!range_fits(bdev, false, offset, len))
		return -EIO;
	offset += bdev->start * SECTOR_SIZE;
	if (disk->memory) {
		memcpy(buf, disk->memory + offset, len);
		return 0;
	}
	return block_cache_read(disk, offset, buf, len);
}

int block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len)
{
	struct block_device *disk = block_disk(bdev);

	if (len == 0)
		return 0;
	if (bdev->readonly || disk->readonly)
		return -EROFS;
	if (!range_fits(bdev, true, offset, len))
		return -EIO;
	offset += bdev->start * SECTOR_SIZE;
	if (disk->memory) {
		memcpy(disk->memory + offset, buf, len);
		return 0;
	}
	return block_cache_write(disk, offset, buf, len);
}

static int sync_disk(struct block_device *disk)
{
	int err;

	if (disk->memory)
		return 0;
	err = block_cache_sync(disk);
	if (disk->unflushed && disk->ops->flush) {
		if (disk->ops->flush(disk) < 0) {
			klog("%s: flush failed: the device reports an error", disk->name);
			err = -EIO;
		} else {
			disk->unflushed = false;
		}
	}
	return err;
}

int block_sync(struct block_device *bdev)
{
	int err = 0;

	if (bdev)
		return sync_disk(block_disk(bdev));
	for (bdev = devices; bdev; bdev = bdev->next)
		if (!bdev->disk && sync_disk(bdev) < 0)
			err = -EIO;
	return err;
}

void block_forget(struct block_device *bdev)
{
	block_cache_forget(bdev ? block_disk(bdev) : NULL);
}
