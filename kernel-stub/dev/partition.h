/* SPDX-License-Identifier: MIT */
#ifndef DEV_PARTITION_H
#define DEV_PARTITION_H
/* What the readers of partition tables share. */
#include "block.h"

struct partition {
	unsigned number;
	uint64_t start, sectors;
	const char *uuid, *label;
};

/* -- partition.c: checks it against the disk and registers it; 1, 0 (left out, logged) or -ENOMEM. */
int partition_add(struct block_device *disk, const struct partition *partition);

/* -- partition_mbr.c, partition_gpt.c: number of partitions or -errno ------------------------------ */
int partition_scan_mbr(struct block_device *disk, const uint8_t *mbr);
int partition_scan_gpt(struct block_device *disk);

#endif
