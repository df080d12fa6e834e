/* SPDX-License-Identifier: MIT */
#ifndef STUB_IDENTIFY_H
#define STUB_IDENTIFY_H
/* What is on a block device, as its superblock says: for UUID=, LABEL= and rootfstype guesses. */
#include <overmount/probe.h>

#include "block.h"

struct identity {
	enum om_image_kind kind;	/* OM_IMAGE_UNKNOWN: nothing that is known */
	char type[16];			/* "ext2", "ext3", "ext4", "vfat" ...: what mount(2) takes */
	char uuid[40];			/* as blkid writes it; empty = it has none */
	char label[OM_LABEL_MAX + 1];	/* UTF-8 as far as the file system keeps it so */
};

/* 0, -EIO or -ENOMEM. */
int identify(struct block_device *bdev, struct identity *ret_identity);

#endif
