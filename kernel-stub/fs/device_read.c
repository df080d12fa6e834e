/* SPDX-License-Identifier: MIT */
/* Bytes of a block device to kernel memory directly, to a program by way of a few pages. */
#include "device_read.h"

#define BOUNCE_ORDER 4u		/* 64 KiB: long enough for the device to be worth asking */

static long read_to_kernel(struct block_device *bdev, uint64_t offset, struct uio *uio, size_t len)
{
	int err = block_read(bdev, offset, uio->ptr, len);

	if (err < 0)
		return err;
	uio->ptr += len;
	uio->left -= len;
	return (long)len;
}

static long read_to_user(struct block_device *bdev, uint64_t offset, struct uio *uio, size_t len,
			 void *bounce, size_t size)
{
	long done = 0;

	while (len > 0) {
		size_t part = len < size ? len : size;
		long n = block_read(bdev, offset, bounce, part);

		if (n == -EIO && part > SECTOR_SIZE) {
			/* What comes before the bad sector is still the reader's. */
			size = SECTOR_SIZE;
			continue;
		}
		if (n == 0)
			n = uio_put(uio, bounce, part);
		if (n <= 0)
			return done > 0 ? done : n;
		done += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
		if ((size_t)n < part)
			break;
	}
	return done;
}

long device_read(struct block_device *bdev, uint64_t offset, struct uio *uio, size_t len)
{
	unsigned order = BOUNCE_ORDER;
	void *bounce = NULL;
	long n;

	if (len > uio->left)
		len = uio->left;
	if (len == 0)
		return 0;
	if (!device_has(bdev, offset, len))
		return -EIO;
	if (!uio->user)
		return read_to_kernel(bdev, offset, uio, len);
	while (order > 0 && len <= (size_t)PAGE_SIZE << (order - 1))
		order--;
	/* When memory is short or in pieces, a page at a time will do. */
	if (order > 0)
		bounce = pages_alloc(order);
	if (!bounce) {
		order = 0;
		bounce = pages_alloc(0);
	}
	if (!bounce)
		return -ENOMEM;
	n = read_to_user(bdev, offset, uio, len, bounce, (size_t)PAGE_SIZE << order);
	pages_free(bounce, order);
	return n;
}
