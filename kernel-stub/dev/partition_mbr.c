/* SPDX-License-Identifier: MIT */
/* The old partition table: four entries, and a chain of tables for logical partitions. */
#include <overmount/bytes.h>
#include <overmount/fmt.h>

#include "partition.h"

#define MBR_DISK_ID	440
#define MBR_ENTRY(i)	(446 + 16 * (i))
#define ENTRY_TYPE	4
#define ENTRY_START	8
#define ENTRY_SECTORS	12

#define FIRST_LOGICAL	5u
#define LOGICAL_MAX	56u
/* Of an extended partition only the place for a boot loader is given away. */
#define EXTENDED_SECTORS 2u

struct scan {
	struct block_device *disk;
	uint32_t disk_id;
	unsigned next_logical;
	int found;
	uint64_t visited[LOGICAL_MAX];
	unsigned visited_count;
};

static bool is_extended(const uint8_t *entry)
{
	return entry[ENTRY_TYPE] == 0x05 || entry[ENTRY_TYPE] == 0x0f || entry[ENTRY_TYPE] == 0x85;
}

static bool is_empty(const uint8_t *entry)
{
	return entry[ENTRY_TYPE] == 0 || om_get_le32(entry + ENTRY_SECTORS) == 0;
}

static int add(struct scan *scan, unsigned number, uint64_t start, uint64_t sectors)
{
	char uuid[16];
	struct partition partition = { number, start, sectors, uuid, "" };
	int n;

	om_format(uuid, sizeof(uuid), "%08x-%02x", scan->disk_id, number);
	n = partition_add(scan->disk, &partition);
	if (n > 0)
		scan->found += n;
	return n < 0 ? n : 0;
}

/* A chain that comes back to where it was would never end. */
static bool visit(struct scan *scan, uint64_t sector)
{
	for (unsigned i = 0; i < scan->visited_count; i++)
		if (scan->visited[i] == sector) {
			klog("%s: the chain of logical partitions is a ring at sector %llu",
			     scan->disk->name, (unsigned long long)sector);
			return false;
		}
	if (scan->visited_count == LOGICAL_MAX) {
		klog("%s: more than %u logical partitions, the rest is left out",
		     scan->disk->name, LOGICAL_MAX);
		return false;
	}
	scan->visited[scan->visited_count++] = sector;
	return true;
}

static bool read_table(struct scan *scan, uint64_t sector, uint8_t *table)
{
	if (sector >= scan->disk->sectors) {
		klog("%s: logical partitions: table at sector %llu lies beyond the disk",
		     scan->disk->name, (unsigned long long)sector);
		return false;
	}
	if (block_read(scan->disk, sector * SECTOR_SIZE, table, SECTOR_SIZE) < 0) {
		klog("%s: logical partitions: table at sector %llu cannot be read",
		     scan->disk->name, (unsigned long long)sector);
		return false;
	}
	if (table[510] != 0x55 || table[511] != 0xaa) {
		klog("%s: logical partitions: no table at sector %llu, expected 55 aa at its end",
		     scan->disk->name, (unsigned long long)sector);
		return false;
	}
	return true;
}

static int scan_extended(struct scan *scan, uint64_t base)
{
	uint8_t table[SECTOR_SIZE];
	uint64_t sector = base, next;

	do {
		if (!visit(scan, sector) || !read_table(scan, sector, table))
			return 0;
		next = 0;
		for (unsigned i = 0; i < 4; i++) {
			const uint8_t *entry = table + MBR_ENTRY(i);
			uint64_t start = om_get_le32(entry + ENTRY_START);
			int err;

			if (is_empty(entry))
				continue;
			if (is_extended(entry)) {
				/* Links count from the extended partition, data from here. */
				if (!next)
					next = base + start;
				continue;
			}
			err = add(scan, scan->next_logical++, sector + start,
				  om_get_le32(entry + ENTRY_SECTORS));
			if (err < 0)
				return err;
		}
		sector = next;
	} while (next);
	return 0;
}

int partition_scan_mbr(struct block_device *disk, const uint8_t *mbr)
{
	struct scan scan = {
		.disk = disk,
		.disk_id = om_get_le32(mbr + MBR_DISK_ID),
		.next_logical = FIRST_LOGICAL,
	};
	int err = 0;

	for (unsigned i = 0; i < 4 && err == 0; i++) {
		const uint8_t *entry = mbr + MBR_ENTRY(i);
		uint64_t sectors = om_get_le32(entry + ENTRY_SECTORS);

		if (is_empty(entry))
			continue;
		if (is_extended(entry) && sectors > EXTENDED_SECTORS)
			sectors = EXTENDED_SECTORS;
		err = add(&scan, i + 1, om_get_le32(entry + ENTRY_START), sectors);
	}
	for (unsigned i = 0; i < 4 && err == 0; i++) {
		const uint8_t *entry = mbr + MBR_ENTRY(i);

		if (!is_empty(entry) && is_extended(entry))
			err = scan_extended(&scan, om_get_le32(entry + ENTRY_START));
	}
	return err < 0 ? err : scan.found;
}
