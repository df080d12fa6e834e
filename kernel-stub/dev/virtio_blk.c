/* SPDX-License-Identifier: MIT */
/* Disks: virtio block devices vda, vdb ... with 16 minor numbers each, as on Linux. */
#include "block.h"
#include "drivers.h"
#include "vfs.h"
#include "virtio.h"

#include <overmount/fmt.h>

#define DISKS_MAX	8u
#define DISK_MAJOR	254u
#define DISK_MINORS	16u

#define VENDOR_VIRTIO	0x1af4
#define ID_BLOCK_LEGACY	0x1001
#define ID_BLOCK	0x1042

#define FEATURE_RO	(UINT64_C(1) << 5)
#define FEATURE_BLK_SIZE (UINT64_C(1) << 6)
#define FEATURE_FLUSH	(UINT64_C(1) << 9)
#define CONFIG_CAPACITY	0
#define CONFIG_BLK_SIZE	20

#define REQUEST_IN	0u
#define REQUEST_OUT	1u
#define REQUEST_FLUSH	4u
#define STATUS_OK	0
#define STATUS_UNSET	0xff

/* In a page of its own, which the device reads and writes. */
struct request {
	uint32_t type, priority;
	uint64_t sector;
	volatile uint8_t status;
};

struct disk {
	struct block_device bdev;
	struct virtio virtio;
	struct request *request;
	uint8_t *bounce;		/* one page */
};

static struct disk disks[DISKS_MAX];
static unsigned disk_count;
static unsigned first_late;		/* the first that was plugged in later */

/* Places where a disk was looked at already, usable or not. */
static struct pci_function known[4 * DISKS_MAX];
static unsigned known_count;

static uint64_t phys_of(const void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr % PAGE_SIZE;

	return page_phys((const uint8_t *)ptr - offset) + offset;
}

static int run_request(struct disk *disk, uint32_t type, uint64_t sector,
		       const struct block_piece *pieces, unsigned count)
{
	struct virtio_buffer buffers[VIRTIO_BUFFERS_MAX];
	struct request *request = disk->request;
	unsigned n = 0;
	int err;

	request->type = type;
	request->priority = 0;
	request->sector = sector;
	request->status = STATUS_UNSET;
	buffers[n++] = (struct virtio_buffer){ phys_of(request), 16, false };
	for (unsigned i = 0; i < count; i++)
		buffers[n++] = (struct virtio_buffer){ phys_of(pieces[i].ptr),
						       pieces[i].sectors * SECTOR_SIZE,
						       type == REQUEST_IN };
	buffers[n++] = (struct virtio_buffer){ phys_of((const void *)&request->status), 1, true };
	err = virtio_request(&disk->virtio, buffers, n);
	if (err < 0)
		return err;
	return request->status == STATUS_OK ? 0 : -EIO;
}

static int disk_transfer(struct block_device *bdev, bool write, uint64_t sector,
			 const struct block_piece *pieces, unsigned count)
{
	if (count == 0 || count > BLOCK_PIECES_MAX)
		return -EIO;
	return run_request(bdev->private, write ? REQUEST_OUT : REQUEST_IN, sector, pieces, count);
}

/* Any memory: the device cannot know where, for instance, a stack lies. */
static int disk_read(struct block_device *bdev, uint64_t sector, void *buf, unsigned count)
{
	struct disk *disk = bdev->private;

	for (unsigned done = 0, n; done < count; done += n) {
		struct block_piece piece;

		n = count - done < PAGE_SIZE / SECTOR_SIZE ? count - done : PAGE_SIZE / SECTOR_SIZE;
		piece = (struct block_piece){ disk->bounce, n };
		if (disk_transfer(bdev, false, sector + done, &piece, 1) < 0)
			return -EIO;
		memcpy((uint8_t *)buf + done * SECTOR_SIZE, disk->bounce, n * SECTOR_SIZE);
	}
	return 0;
}

static int disk_write(struct block_device *bdev, uint64_t sector, const void *buf, unsigned count)
{
	struct disk *disk = bdev->private;

	for (unsigned done = 0, n; done < count; done += n) {
		struct block_piece piece;

		n = count - done < PAGE_SIZE / SECTOR_SIZE ? count - done : PAGE_SIZE / SECTOR_SIZE;
		piece = (struct block_piece){ disk->bounce, n };
		memcpy(disk->bounce, (const uint8_t *)buf + done * SECTOR_SIZE, n * SECTOR_SIZE);
		if (disk_transfer(bdev, true, sector + done, &piece, 1) < 0)
			return -EIO;
	}
	return 0;
}

static int disk_flush(struct block_device *bdev)
{
	struct disk *disk = bdev->private;

	if (!(disk->virtio.features & FEATURE_FLUSH))
		return 0;
	return run_request(disk, REQUEST_FLUSH, 0, NULL, 0);
}

static const struct block_ops disk_ops = {
	.read = disk_read,
	.write = disk_write,
	.flush = disk_flush,
	.transfer = disk_transfer,
};

static void close_disk(struct disk *disk)
{
	virtio_close(&disk->virtio);
	if (disk->request)
		page_put(disk->request);
	if (disk->bounce)
		page_put(disk->bounce);
	memset(disk, 0, sizeof(*disk));
}

/* False: not usable; the reason has been logged. */
static bool open_disk(struct disk *disk, const struct pci_function *pci)
{
	struct block_device *bdev = &disk->bdev;
	uint32_t block = SECTOR_SIZE;

	om_format(bdev->name, sizeof(bdev->name), "vd%c", 'a' + (int)disk_count);
	om_format(disk->virtio.name, sizeof(disk->virtio.name), "%s", bdev->name);
	disk->request = page_alloc();
	disk->bounce = page_alloc();
	if (!disk->request || !disk->bounce) {
		klog("%s: no memory for its requests", bdev->name);
		goto failed;
	}
	if (virtio_open(&disk->virtio, pci, FEATURE_RO | FEATURE_BLK_SIZE | FEATURE_FLUSH) < 0)
		goto failed;
	if (disk->virtio.features & FEATURE_BLK_SIZE)
		block = virtio_config32(&disk->virtio, CONFIG_BLK_SIZE);
	if (block != SECTOR_SIZE) {
		klog("%s: its blocks have %u bytes, only %u are supported", bdev->name, block,
		     SECTOR_SIZE);
		goto failed;
	}
	bdev->dev = MKDEV(DISK_MAJOR, disk_count * DISK_MINORS);
	bdev->sectors = virtio_config32(&disk->virtio, CONFIG_CAPACITY) |
			(uint64_t)virtio_config32(&disk->virtio, CONFIG_CAPACITY + 4) << 32;
	bdev->readonly = (disk->virtio.features & FEATURE_RO) != 0;
	bdev->ops = &disk_ops;
	bdev->private = disk;
	return true;
failed:
	close_disk(disk);
	return false;
}

static bool is_known(const struct pci_function *pci)
{
	for (unsigned i = 0; i < known_count; i++)
		if (known[i].bus == pci->bus && known[i].device == pci->device &&
		    known[i].function == pci->function)
			return true;
	return false;
}

static void found(void *ctx, const struct pci_function *pci)
{
	struct disk *disk = &disks[disk_count];

	(void)ctx;
	if (pci->vendor != VENDOR_VIRTIO || (pci->id != ID_BLOCK_LEGACY && pci->id != ID_BLOCK) ||
	    known_count == sizeof(known) / sizeof(known[0]) || is_known(pci))
		return;
	known[known_count++] = *pci;
	if (disk_count == DISKS_MAX) {
		klog("virtio disk at pci %02x:%02x.%u is left out: there are %u already", pci->bus,
		     pci->device, pci->function, DISKS_MAX);
		return;
	}
	if (!pci_place(pci)) {
		klog("virtio disk at pci %02x:%02x.%u is left out: no addresses are free behind its bridge",
		     pci->bus, pci->device, pci->function);
		return;
	}
	if (!open_disk(disk, pci))
		return;
	disk_count++;
	block_register(&disk->bdev);
	klog("%s: virtio disk, %llu sectors of 512 bytes%s", disk->bdev.name,
	     (unsigned long long)disk->bdev.sectors, disk->bdev.readonly ? ", read-only" : "");
	block_scan_partitions(&disk->bdev);
}

void virtio_blk_init(void)
{
	pci_for_each(found, NULL);
	first_late = disk_count;
}

void virtio_blk_look(void)
{
	pci_for_each(found, NULL);
}

void virtio_blk_release_late(void)
{
	while (disk_count > first_late) {
		struct disk *disk = &disks[--disk_count];

		block_unregister(&disk->bdev);
		close_disk(disk);
	}
}
