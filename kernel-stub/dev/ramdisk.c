/* SPDX-License-Identifier: MIT */
/* Ram disks: images that the loader handed over, used where they lie, or unpacked from there. */
#include "block.h"
#include "decompress.h"
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

/* ------------------------------------------------------------------ compressed images */

/* Pages that are added at once: few enough that little is too much, many enough to be quick. */
#define PAGES_MORE 64u

struct unpacking {
	struct unpacker unpacker;
	struct growing out;
	uint8_t *memory;
	uint64_t len, freed;		/* of MEMORY; FREED is a multiple of the page size */
};

static int more_room(struct unpacker *unpacker, uint8_t **ret_room, size_t *ret_len)
{
	struct unpacking *unpacking = (struct unpacking *)unpacker;
	size_t at = unpacking->out.pages;
	int err = growing_add(&unpacking->out, PAGES_MORE);

	if (err < 0)
		return err;
	*ret_room = unpacking->out.start + at * PAGE_SIZE;
	*ret_len = PAGES_MORE * PAGE_SIZE;
	return 0;
}

/* What has been read is needed no more: both at once would not fit a small machine. */
static void consumed(struct unpacker *unpacker, size_t done)
{
	struct unpacking *unpacking = (struct unpacking *)unpacker;

	for (; unpacking->freed + PAGE_SIZE <= done; unpacking->freed += PAGE_SIZE)
		page_put(unpacking->memory + unpacking->freed);
}

static int unpack(struct unpacking *unpacking, enum om_image_kind kind, unsigned index)
{
	struct unpacker *unpacker = &unpacking->unpacker;
	const char *text = om_image_kind_text(kind);
	int err = growing_init(&unpacking->out);

	if (!err)
		err = decompress_image(kind, unpacking->memory, unpacking->len, unpacker);
	for (; unpacking->freed < unpacking->len; unpacking->freed += PAGE_SIZE)
		page_put(unpacking->memory + unpacking->freed);
	if (!err && unpacker->out_len == 0)
		err = -EIO;
	if (err == -EIO)
		klog("ramdisk: /dev/ram%u: the %s image is broken or cut off at byte %llu of %llu",
		     index, text, (unsigned long long)unpacker->in_len,
		     (unsigned long long)unpacking->len);
	else if (err == -ENOMEM)
		klog("ramdisk: /dev/ram%u: no memory to unpack the %s image, after %llu KiB", index,
		     text, (unsigned long long)(unpacker->out_len >> 10));
	else if (err)
		klog("ramdisk: /dev/ram%u: %s is not unpacked here; expected gzip, bzip2, lzma, xz, "
		     "lz4 or zstd", index, text);
	return err;
}

static int make_unpacked(unsigned index, void *memory, uint64_t len, enum om_image_kind kind,
			 struct block_device **ret_bdev)
{
	struct unpacking unpacking = { .unpacker = { more_room, consumed, 0, 0 },
				       .memory = memory, .len = len };
	uint64_t out_len;
	int err = unpack(&unpacking, kind, index);

	out_len = unpacking.unpacker.out_len;
	if (!err) {
		growing_cut(&unpacking.out, (out_len + PAGE_SIZE - 1) / PAGE_SIZE);
		err = ramdisk_create(index, unpacking.out.start, out_len, ret_bdev);
		if (err)
			klog("ramdisk: /dev/ram%u cannot be made: error %d", index, -err);
	}
	if (err) {
		if (unpacking.out.start)
			growing_free(&unpacking.out);
		return err;
	}
	(*ret_bdev)->grown = unpacking.out;
	klog("ramdisk: /dev/ram%u, %llu KiB, unpacked from %llu KiB of %s", index,
	     (unsigned long long)(out_len >> 10), (unsigned long long)(len >> 10),
	     om_image_kind_text(kind));
	return 0;
}

static int make_in_place(unsigned index, void *memory, uint64_t len, struct block_device **ret_bdev)
{
	int err = ramdisk_create(index, memory, len, ret_bdev);

	for (uint64_t at = 0; err && at < len; at += PAGE_SIZE)
		page_put((uint8_t *)memory + at);
	if (err)
		klog("ramdisk: /dev/ram%u cannot be made: error %d", index, -err);
	else
		klog("ramdisk: /dev/ram%u, %llu KiB", index, (unsigned long long)(len >> 10));
	return err;
}

int ramdisk_make(unsigned index, void *memory, uint64_t len, struct block_device **ret_bdev)
{
	struct om_span head = { memory, len < OM_IMAGE_PROBE_BYTES ? (size_t)len :
				OM_IMAGE_PROBE_BYTES };
	enum om_image_kind kind = om_image_probe(head);

	return om_image_is_compressed(kind) ? make_unpacked(index, memory, len, kind, ret_bdev) :
					      make_in_place(index, memory, len, ret_bdev);
}

/* ------------------------------------------------------------------ the end */

/* The pages lose the reference that came with the memory. */
int ramdisk_free(struct block_device *bdev)
{
	uint64_t len = bdev->sectors * SECTOR_SIZE;
	struct growing grown = bdev->grown;
	uint8_t *memory = bdev->memory;

	if (!memory)
		return -EINVAL;
	if (bdev->holders)
		return -EBUSY;
	block_unregister(bdev);
	kfree(bdev);
	if (grown.start) {
		growing_free(&grown);
		return 0;
	}
	for (uint64_t at = 0; at < len; at += PAGE_SIZE)
		page_put(memory + at);
	return 0;
}
