/* SPDX-License-Identifier: MIT */
#ifndef STUB_DEVICE_READ_H
#define STUB_DEVICE_READ_H
/* What the file systems on block devices share: bytes of the device to whoever reads a file. */
#include "vfs.h"

/*
 * LEN bytes at OFFSET of BDEV to UIO, at most what UIO wants: the number of bytes, or -errno
 * when not one got through.
 */
long device_read(struct block_device *bdev, uint64_t offset, struct uio *uio, size_t len);

/* May this many bytes at OFFSET be on the device?  Never wraps. */
static inline bool device_has(const struct block_device *bdev, uint64_t offset, uint64_t len)
{
	uint64_t size = bdev->sectors * SECTOR_SIZE;

	return offset <= size && len <= size - offset;
}

#endif
