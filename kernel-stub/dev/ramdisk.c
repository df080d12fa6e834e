/* SPDX-License-Identifier: MIT */
/* Ram disks: images that the loader handed over, used where they lie. */
#include "block.h"
#include "vfs.h"

#include <overmount/fmt.h>

#define RAMDISK_MAJOR	1u
#define RAMDISKS_MAX	256u

static int ramdisk_read(struct block_device *bdev, uint64_t sector, void *buf, unsigned count)
{
	memcpy(buf, bdev->memory + sector * SECTOR_SIZE, (size_t)count * SECTOR_SIZE);
	return 0;
}

static int ramdisk_write(struct block_device *bdev, uint64_t sector, const void *buf,
			   unsigned count)
{
	memcpy(bdev->memory + sector * SECTOR_SIZE, buf, (size_t)count * SECTOR_SIZE);
	return 0;
}

static const struct block_ops ramdisk_ops = {
	.read = ramdisk_read,
	.write = ramdisk_write,
};

/* MEMORY is page-aligned and its last page is whole, so an odd length can be rounded up. */
int ramdisk_create(unsigned index, void *memory, uint64_t len, struct block_device **ret_bdev)
{
	struct block_device *bdev;

	if (!memory || len == 0 || index >= RAMDISKS_MAX || (uintptr_t)memory % PAGE_SIZE)
		return -EINVAL;
	if (block_find(MKDEV(RAMDISK_MAJOR, index)))
		return -EBUSY;
	bdev = kzalloc(sizeof(*bdev));
	if (!bdev)
		return -ENOMEM;
	om_format(bdev->name, sizeof(bdev->name), "ram%u", index);
	bdev->dev = MKDEV(RAMDISK_MAJOR, index);
	bdev->sectors = (len + SECTOR_SIZE - 1) / SECTOR_SIZE;
	bdev->ops = &ramdisk_ops;
	bdev->memory = memory;
	block_register(bdev);
	*ret_bdev = bdev;
	return 0;
}

/* The pages lose the reference that came with the memory. */
int ramdisk_free(struct block_device *bdev)
{
	uint64_t len = bdev->sectors * SECTOR_SIZE;
	uint8_t *memory = bdev->memory;

	if (!memory)
		return -EINVAL;
	if (bdev->holders)
		return -EBUSY;
	block_unregister(bdev);
	kfree(bdev);
	for (uint64_t at = 0; at < len; at += PAGE_SIZE)
		page_put(memory + at);
	return 0;
}
