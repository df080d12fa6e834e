/* SPDX-License-Identifier: MIT */
/* Partition tables as sgdisk and sfdisk write them, and broken ones. */
#include "fs_support.h"

#include <overmount/bytes.h>

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MIB 2048u		/* in sectors */
#define GUID_1 "01234567-89ab-cdef-0123-456789abcdef"
#define GUID_2 "deadbeef-0000-4000-8000-00000000000a"

static struct host_disk *d;

/* fail_read and the like work on an unregistered copy of the image. */
static void load(const char *name)
{
	char path[512];

	host_disk_free(d);
	snprintf(path, sizeof(path), "%s/%s", scratch(), name);
	d = host_disk_open("vda", MKDEV(254, 0), path);
	assert_non_null(d);
	host_log_clear();
}

static int end(void **state)
{
	(void)state;
	host_fail_allocation(0);
	host_disk_free(d);
	d = NULL;
	assert_int_equal(host_live, 0);
	assert_int_equal(host_live_pages, 0);
	return 0;
}

static void check(const char *name, uint32_t dev, uint64_t start, uint64_t sectors,
		  const char *uuid, const char *label)
{
	struct block_device *bdev = block_find_name(name);

	assert_non_null(bdev);
	assert_int_equal(bdev->dev, dev);
	assert_int_equal(bdev->start, start);
	assert_int_equal(bdev->sectors, sectors);
	assert_string_equal(bdev->partuuid, uuid);
	assert_string_equal(bdev->partlabel, label);
	assert_ptr_equal(bdev->disk, &d->bdev);
	assert_ptr_equal(block_find(dev), bdev);
}

static void make_gpt(void)
{
	assert_int_equal(shell("rm -f g.img; truncate -s 16M g.img && sgdisk -n 1:2048:4095 -c 1:boot "
			       "-u 1:" GUID_1 " -n 3:6144:+4M -c 3:'root \xc3\xa9\xe2\x82\xac' -u 3:"
			       GUID_2 " g.img > out 2>&1 || { cat out; false; }"), 0);
	load("g.img");
}

static void check_gpt(void)
{
	check("vda1", MKDEV(254, 1), 2048, 2048, GUID_1, "boot");
	check("vda3", MKDEV(254, 3), 6144, 4 * MIB, GUID_2, "root \xc3\xa9\xe2\x82\xac");
	assert_null(block_find_name("vda2"));
}

static void gpt(void **state)
{
	uint8_t byte;

	(void)state;
	make_gpt();
	assert_int_equal(block_scan_partitions(&d->bdev), 2);
	check_gpt();
	assert_string_equal(host_log, "");
	/* A partition's bytes are those of the disk. */
	d->data[6144 * 512 + 1000] = 0x5c;
	assert_int_equal(block_read(block_find_name("vda3"), 1000, &byte, 1), 0);
	assert_int_equal(byte, 0x5c);
	assert_int_equal(block_read(block_find_name("vda3"), 4 * MIB * 512, &byte, 1), -EIO);
}

/* One byte of the primary, the backup, or both is wrong. */
static void gpt_backup(void **state)
{
	static const struct {
		uint64_t offset;
		const char *says;
	} faults[] = {
		{ 512, "there is no header" },
		{ 512 + 10, "the revision is unknown" },
		{ 512 + 12, "the checksum of the header is wrong" },
		{ 512 + 14, "the header's size is out of range" },
		{ 512 + 16, "the checksum of the header is wrong" },
		{ 512 + 24, "the checksum of the header is wrong" },
		{ 512 + 72, "the checksum of the header is wrong" },
		{ 1024, "the checksum of the entries is wrong" },
		{ 1024 + 127 * 128, "the checksum of the entries is wrong" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make_gpt();
		d->data[faults[i].offset] ^= 1;
		assert_int_equal(block_scan_partitions(&d->bdev), 2);
		check_gpt();
		assert_non_null(strstr(host_log, faults[i].says));
		assert_non_null(strstr(host_log, "using the backup"));
		load("g.img");
		d->data[faults[i].offset] ^= 1;
		d->data[(d->bdev.sectors - 1) * 512 + 40] ^= 1;
		assert_int_equal(block_scan_partitions(&d->bdev), -EINVAL);
		assert_null(block_find_name("vda1"));
		assert_non_null(strstr(host_log, "no partitions: GPT"));
	}
}

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Checksums are right, what they protect is not; both copies the same. */
static void gpt_out_of_range(void **state)
{
	static const struct {
		unsigned offset, size;
		uint64_t value;
		const char *says;
	} faults[] = {
		{ 84, 4, 64, "the size of an entry" },
		{ 84, 4, 192, "the size of an entry" },
		{ 84, 4, 8192, "the size of an entry" },
		{ 80, 4, 0xffffffff, "more than 1024 entries" },
		{ 72, 8, 32768, "outside of the disk" },
		{ 72, 8, UINT64_MAX, "outside of the disk" },
		{ 72, 8, 0, "outside of the disk" },
		{ 48, 8, 32768, "usable sectors" },
		{ 40, 8, UINT64_MAX, "usable sectors" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint8_t *headers[2];

		make_gpt();
		headers[0] = d->data + 512;
		headers[1] = d->data + (d->bdev.sectors - 1) * 512;
		for (unsigned k = 0; k < 2; k++) {
			if (faults[i].size == 4)
				om_put_le32(headers[k] + faults[i].offset, (uint32_t)faults[i].value);
			else
				om_put_le64(headers[k] + faults[i].offset, faults[i].value);
			om_put_le32(headers[k] + 16, 0);
			om_put_le32(headers[k] + 16, crc32_of(headers[k], 92));
		}
		assert_int_equal(block_scan_partitions(&d->bdev), -EINVAL);
		assert_non_null(strstr(host_log, faults[i].says));
	}
}

static void gpt_many(void **state)
{
	(void)state;
	assert_int_equal(shell("rm -f m.img; truncate -s 16M m.img && for i in $(seq 1 20); do echo "
			       "--new=$i:$((2048 + i * 64)):+16K; done > args && sgdisk -a 1 $(cat args) "
			       "m.img > out 2>&1 || { cat out; false; }"), 0);
	load("m.img");
	assert_int_equal(block_scan_partitions(&d->bdev), 20);
	assert_int_equal(block_find_name("vda15")->dev, MKDEV(254, 15));
	/* Minor 16 is the next disk's. */
	assert_int_equal(block_find_name("vda16")->dev, MKDEV(259, 0));
	assert_int_equal(block_find_name("vda20")->dev, MKDEV(259, 4));
}

static void make_mbr(void)
{
	assert_int_equal(shell("rm -f b.img; truncate -s 32M b.img && printf 'label: dos\\n"
			       "label-id: 0x0badcafe\\nstart=2048, size=4096, type=83, bootable\\n"
			       "start=8192, size=40960, type=f\\nstart=10240, size=2048, type=83\\n"
			       "start=14336, size=2048, type=83\\nstart=20480, size=1024, type=82\\n"
			       "' > script && sfdisk -q b.img < script > out 2>&1 || { cat out; false; }"),
			 0);
	load("b.img");
}

static void mbr(void **state)
{
	(void)state;
	make_mbr();
	assert_int_equal(block_scan_partitions(&d->bdev), 5);
	check("vda1", MKDEV(254, 1), 2048, 4096, "0badcafe-01", "");
	check("vda2", MKDEV(254, 2), 8192, 2, "0badcafe-02", "");
	check("vda5", MKDEV(254, 5), 10240, 2048, "0badcafe-05", "");
	check("vda6", MKDEV(254, 6), 14336, 2048, "0badcafe-06", "");
	check("vda7", MKDEV(254, 7), 20480, 1024, "0badcafe-07", "");
	assert_string_equal(host_log, "");
}

static uint8_t *entry_at(uint64_t sector, unsigned i)
{
	return d->data + sector * 512 + 446 + 16 * i;
}

/* Sector of the table whose second entry leads on: the one of vda5. */
static uint64_t second_table(void)
{
	return 8192 + om_get_le32(entry_at(8192, 1) + 8);
}

static void mbr_broken(void **state)
{
	(void)state;
	/* The chain leads back to its start. */
	make_mbr();
	om_put_le32(entry_at(second_table(), 1) + 8, 0);
	assert_int_equal(block_scan_partitions(&d->bdev), 4);
	assert_non_null(strstr(host_log, "is a ring at sector 8192"));
	/* It leads out of the disk. */
	make_mbr();
	om_put_le32(entry_at(8192, 1) + 8, 0xfffffff0);
	assert_int_equal(block_scan_partitions(&d->bdev), 3);
	assert_non_null(strstr(host_log, "lies beyond the disk"));
	/* The next table is not one. */
	make_mbr();
	d->data[second_table() * 512 + 511] = 0;
	assert_int_equal(block_scan_partitions(&d->bdev), 3);
	assert_non_null(strstr(host_log, "expected 55 aa"));
	/* Beyond the end, and across it. */
	make_mbr();
	om_put_le32(entry_at(0, 0) + 8, 65536);
	assert_int_equal(block_scan_partitions(&d->bdev), 4);
	assert_non_null(strstr(host_log, "partition 1 begins at sector 65536, but the disk has only 65536"));
	make_mbr();
	om_put_le32(entry_at(0, 0) + 12, 0xffffffff);
	assert_int_equal(block_scan_partitions(&d->bdev), 5);
	check("vda1", MKDEV(254, 1), 2048, 65536 - 2048, "0badcafe-01", "");
	assert_non_null(strstr(host_log, "cut from 4294967295 to 63488"));
}

/* A chain without end that never comes to the same place twice within the limit. */
static void mbr_endless(void **state)
{
	(void)state;
	d = host_disk_new("vda", MKDEV(254, 0), 4 << 20);
	host_log_clear();
	for (unsigned i = 0; i < 200; i++) {
		uint8_t *table = d->data + i * 512;

		table[510] = 0x55;
		table[511] = 0xaa;
		entry_at(i, i == 0 ? 0 : 1)[4] = 5;
		om_put_le32(entry_at(i, i == 0 ? 0 : 1) + 8, i == 0 ? 1 : i);
		om_put_le32(entry_at(i, i == 0 ? 0 : 1) + 12, 1000);
		if (i > 0) {
			entry_at(i, 0)[4] = 0x83;
			om_put_le32(entry_at(i, 0) + 8, 1000);
			om_put_le32(entry_at(i, 0) + 12, 1);
		}
	}
	assert_int_equal(block_scan_partitions(&d->bdev), 1 + 56);
	assert_non_null(strstr(host_log, "more than 56 logical partitions"));
}

/* A file system without a table, also one that has 55 aa at the same place. */
static void no_table(void **state)
{
	(void)state;
	assert_int_equal(shell("rm -f e.img f.img; truncate -s 4M e.img f.img && mke2fs -q -F e.img && "
			       "PATH=$PATH:/sbin:/usr/sbin mkfs.vfat f.img > out"), 0);
	load("e.img");
	assert_int_equal(block_scan_partitions(&d->bdev), 0);
	load("f.img");
	assert_int_equal(d->data[511], 0xaa);
	assert_int_equal(block_scan_partitions(&d->bdev), 0);
	assert_null(block_find_name("vda1"));
	host_disk_free(d);
	d = host_disk_new("vda", MKDEV(254, 0), 0);
	assert_int_equal(block_scan_partitions(&d->bdev), 0);
}

/* Each read and each allocation fails once: no crash, no leak, and a reason. */
static void every_failure(void **state)
{
	(void)state;
	make_gpt();
	for (unsigned long n = 1;; n++) {
		int found;

		load("g.img");
		d->fail_read = n;
		found = block_scan_partitions(&d->bdev);
		if (d->fail_read)
			break;
		assert_true(found == 2 || found < 0);
		assert_true(strlen(host_log) > 0);
	}
	for (unsigned long n = 1;; n++) {
		int found;

		load("g.img");
		host_fail_allocation(n);
		found = block_scan_partitions(&d->bdev);
		if (host_allocations < n)
			break;
		assert_true(found == 2 || found == -ENOMEM || found == -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(gpt, end),
		cmocka_unit_test_teardown(gpt_backup, end),
		cmocka_unit_test_teardown(gpt_out_of_range, end),
		cmocka_unit_test_teardown(gpt_many, end),
		cmocka_unit_test_teardown(mbr, end),
		cmocka_unit_test_teardown(mbr_broken, end),
		cmocka_unit_test_teardown(mbr_endless, end),
		cmocka_unit_test_teardown(no_table, end),
		cmocka_unit_test_teardown(every_failure, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
