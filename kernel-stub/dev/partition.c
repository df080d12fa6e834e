/* SPDX-License-Identifier: MIT */
/* Which kind of partition table does a disk have, and what becomes of its entries. */
#include "partition.h"
#include "vfs.h"

#include <overmount/fmt.h>

#define DISK_MINORS	16u
/* For partitions that have no minor number among those of their disk. */
#define EXTENDED_MAJOR	259u

#define MBR_SIGNATURE	510
#define MBR_ENTRY(i)	(446 + 16 * (i))
#define MBR_TYPE	4
#define TYPE_GPT	0xee

static uint32_t choose_dev(const struct block_device *disk, unsigned number)
{
	uint32_t dev = disk->dev + number;

	if (number < DISK_MINORS && MINOR(disk->dev) % DISK_MINORS == 0 && !block_find(dev))
		return dev;
	for (dev = MKDEV(EXTENDED_MAJOR, 0); block_find(dev); dev++)
		;
	return dev;
}

int partition_add(struct block_device *disk, const struct partition *partition)
{
	size_t len = strlen(disk->name);
	bool digit = len && disk->name[len - 1] >= '0' && disk->name[len - 1] <= '9';
	uint64_t sectors = partition->sectors;
	struct block_device *bdev;

	if (sectors == 0 || partition->start >= disk->sectors) {
		klog("%s: partition %u begins at sector %llu, but the disk has only %llu: left out",
		     disk->name, partition->number, (unsigned long long)partition->start,
		     (unsigned long long)disk->sectors);
		return 0;
	}
	if (sectors > disk->sectors - partition->start) {
		sectors = disk->sectors - partition->start;
		klog("%s: partition %u goes beyond the disk: cut from %llu to %llu sectors",
		     disk->name, partition->number, (unsigned long long)partition->sectors,
		     (unsigned long long)sectors);
	}
	bdev = kzalloc(sizeof(*bdev));
	if (!bdev)
		return -ENOMEM;
	om_format(bdev->name, sizeof(bdev->name), "%s%s%u", disk->name, digit ? "p" : "",
		  partition->number);
	om_format(bdev->partuuid, sizeof(bdev->partuuid), "%s", partition->uuid);
	om_format(bdev->partlabel, sizeof(bdev->partlabel), "%s", partition->label);
	bdev->dev = choose_dev(disk, partition->number);
	bdev->sectors = sectors;
	bdev->start = partition->start;
	bdev->disk = disk;
	bdev->readonly = disk->readonly;
	bdev->ops = disk->ops;
	block_register(bdev);
	return 1;
}

static bool is_protective(const uint8_t *mbr)
{
	for (unsigned i = 0; i < 4; i++)
		if (mbr[MBR_ENTRY(i) + MBR_TYPE] == TYPE_GPT)
			return true;
	return false;
}

/* A file system's boot sector has the same signature, but something else where the table is. */
static bool is_table(const uint8_t *mbr)
{
	for (unsigned i = 0; i < 4; i++)
		if (mbr[MBR_ENTRY(i)] & 0x7f)
			return false;
	return true;
}

int block_scan_partitions(struct block_device *disk)
{
	uint8_t mbr[SECTOR_SIZE];
	int err;

	if (disk->sectors == 0)
		return 0;
	err = block_read(disk, 0, mbr, sizeof(mbr));
	if (err < 0) {
		klog("%s: no partitions: sector 0 cannot be read", disk->name);
		return err;
	}
	if (mbr[MBR_SIGNATURE] != 0x55 || mbr[MBR_SIGNATURE + 1] != 0xaa)
		return 0;
	if (is_protective(mbr))
		return partition_scan_gpt(disk);
	return is_table(mbr) ? partition_scan_mbr(disk, mbr) : 0;
}
