/* SPDX-License-Identifier: MIT */
#ifndef STUB_BLOCK_H
#define STUB_BLOCK_H
/* Block devices: disks, their partitions, ram disks; and the cache of their blocks. */
#include <overmount/limits.h>

#include "port.h"

#define SECTOR_SIZE 512u

struct block_device;

/* A part of a request: kernel memory within one page. */
struct block_piece {
	void *ptr;
	unsigned sectors;
};

#define BLOCK_PIECES_MAX 32u

struct block_ops {
	/* COUNT sectors at SECTOR of the device; 0 or -EIO.  BUF is kernel memory. */
	int (*read)(struct block_device *bdev, uint64_t sector, void *buf, unsigned count);
	int (*write)(struct block_device *bdev, uint64_t sector, const void *buf, unsigned count);
	int (*flush)(struct block_device *bdev);
	/* One request for up to BLOCK_PIECES_MAX pieces; may be NULL. */
	int (*transfer)(struct block_device *bdev, bool write, uint64_t sector,
			const struct block_piece *pieces, unsigned count);
};

struct block_device {
	char name[32];			/* "vda2"; also the name in devfs */
	uint32_t dev;			/* MKDEV */
	uint64_t sectors;
	bool readonly;
	const struct block_ops *ops;
	struct block_device *disk;	/* of a partition; NULL for a whole disk */
	uint64_t start;			/* first sector on the disk */
	char partuuid[40], partlabel[OM_PARTLABEL_MAX + 1];	/* NUL-terminated; UUID in lower case, UTF-8 */
	unsigned holders;		/* mounts and openers that claimed it */
	uint8_t *memory;		/* ram disk: its bytes, in place */
	struct growing grown;		/* ram disk that was unpacked: owns MEMORY; or start is NULL */
	void *private;
	struct block_device *next;
	/* The cache's, of a whole disk: */
	uint64_t next_page;		/* a read that begins here continues the last one */
	unsigned ahead;			/* pages to read at once, grows as long as it does */
	bool unflushed;			/* written since the last flush */
	bool write_failed;		/* data were lost; the next block_sync() reports it */
};

void block_register(struct block_device *bdev);		/* not freed by the core */
/* Its cached blocks are dropped, its partitions are unregistered and freed. */
void block_unregister(struct block_device *bdev);
struct block_device *block_find(uint32_t dev);
struct block_device *block_find_name(const char *name);
struct block_device *block_by_index(unsigned index);
/* Read the partition table and register vda1, vda2 ...: number found or -errno. */
int block_scan_partitions(struct block_device *disk);

/* Bytes through the cache; 0 or -EIO (logged once with device and sector). */
int block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len);
int block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len);
/* Write back and flush; NULL = all. */
int block_sync(struct block_device *bdev);
/* Forget clean blocks of a device (BLKFLSBUF), or of all when memory is short. */
void block_forget(struct block_device *bdev);
/* For /proc and tests: pages in the cache, and how many of them are dirty. */
void block_cache_counts(unsigned *ret_pages, unsigned *ret_dirty);

/* The disk of a partition; a disk itself. */
static inline struct block_device *block_disk(struct block_device *bdev)
{
	return bdev->disk ? bdev->disk : bdev;
}

/* -- between block.c and block_cache.c ------------------------------------------------------------- */
/* Past the cache to a whole disk; 0 or -EIO, nothing is logged. */
int block_transfer(struct block_device *disk, bool write, uint64_t sector,
		   const struct block_piece *pieces, unsigned count);
/* One line for each bad sector, however often it is asked for. */
void block_log_error(const struct block_device *disk, bool write, uint64_t sector);
/* DISK is a whole one, OFFSET its own; the range has been checked. */
int block_cache_read(struct block_device *disk, uint64_t offset, void *buf, size_t len);
int block_cache_write(struct block_device *disk, uint64_t offset, const void *buf, size_t len);
int block_cache_sync(struct block_device *disk);
/* Drop the pages of DISK (NULL: of all) that are not dirty. */
void block_cache_forget(struct block_device *disk);
/* The disk goes away: dirty pages too. */
void block_cache_drop(struct block_device *disk);

/* A ram disk over memory that was handed over; pages are given back by ramdisk_free(). */
int ramdisk_create(unsigned index, void *memory, uint64_t len, struct block_device **ret_bdev);
/*
 * A ram disk of the image in MEMORY: in place, or unpacked when it is compressed; the packed
 * bytes are given back while they are read.  MEMORY is its own in any case.  Logs one line.
 */
int ramdisk_make(unsigned index, void *memory, uint64_t len, struct block_device **ret_bdev);
int ramdisk_free(struct block_device *bdev);

#endif
