/* SPDX-License-Identifier: MIT */
/* The block cache: what is read and written, in which requests, and what an error does. */
#include "fs_support.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MIB (1u << 20)

static struct host_disk *d;

static int begin(void **state)
{
	(void)state;
	host_task_init();
	host_log_clear();
	host_pages_free = 65536;
	d = host_disk_new("vda", MKDEV(254, 0), 2 * MIB + 5 * SECTOR_SIZE);
	pattern(d->data, 2 * MIB + 5 * SECTOR_SIZE, 1, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	host_fail_allocation(0);
	host_disk_free(d);
	assert_int_equal(host_live, 0);
	assert_int_equal(host_live_pages, 0);
	return 0;
}

static void reads_any_range(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} ranges[] = {
		{ 0, 1 }, { 511, 2 }, { 4095, 2 }, { 1000, 10000 }, { 2 * MIB - 1, 2 },
		{ 2 * MIB, 5 * SECTOR_SIZE }, { 2 * MIB + 5 * SECTOR_SIZE - 1, 1 }, { 0, 2 * MIB },
	};
	uint8_t *buf = malloc(2 * MIB);

	(void)state;
	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		memset(buf, 0, ranges[i].len);
		assert_int_equal(block_read(&d->bdev, ranges[i].offset, buf, ranges[i].len), 0);
		assert_memory_equal(buf, d->data + ranges[i].offset, ranges[i].len);
	}
	free(buf);
}

static void refuses_beyond_the_end(void **state)
{
	uint8_t buf[1024];
	uint64_t size = d->bdev.sectors * SECTOR_SIZE;

	(void)state;
	assert_int_equal(block_read(&d->bdev, size, buf, 1), -EIO);
	assert_int_equal(block_read(&d->bdev, size - 1, buf, 2), -EIO);
	assert_int_equal(block_read(&d->bdev, UINT64_MAX, buf, 2), -EIO);
	assert_int_equal(block_write(&d->bdev, size - 511, buf, 512), -EIO);
	assert_int_equal(block_read(&d->bdev, size, buf, 0), 0);
	assert_int_equal(d->reads, 0);
	assert_non_null(strstr(host_log, "vda: read"));
	d->bdev.readonly = true;
	assert_int_equal(block_write(&d->bdev, 0, buf, 512), -EROFS);
}

/* 2 MiB in 64 KiB requests after the start, each sector once. */
static void reads_ahead(void **state)
{
	uint8_t buf[1024];

	(void)state;
	for (uint64_t at = 0; at < 2 * MIB; at += sizeof(buf))
		assert_int_equal(block_read(&d->bdev, at, buf, sizeof(buf)), 0);
	assert_int_equal(d->read_sectors, 2 * MIB / SECTOR_SIZE + 5);
	assert_true(d->reads <= 2 * MIB / 65536 + 4);
	/* Far apart: a page each, nothing more. */
	block_forget(&d->bdev);
	d->reads = d->read_sectors = 0;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(block_read(&d->bdev, (9 - i) * 100 * 1024, buf, 1), 0);
	assert_int_equal(d->reads, 10);
	assert_int_equal(d->read_sectors, 80);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(block_read(&d->bdev, i * 100 * 1024, buf, 1024), 0);
	assert_int_equal(d->reads, 10);
}

static void writes_back_sorted_and_merged(void **state)
{
	uint8_t page[PAGE_SIZE];
	unsigned pages, dirty;

	(void)state;
	for (int i = 63; i >= 0; i--) {
		memset(page, i, sizeof(page));
		assert_int_equal(block_write(&d->bdev, (uint64_t)i * PAGE_SIZE, page, PAGE_SIZE), 0);
	}
	memset(page, 0xee, sizeof(page));
	assert_int_equal(block_write(&d->bdev, MIB + 100, page, 3), 0);
	assert_int_equal(block_write(&d->bdev, 2 * MIB, page, 5 * SECTOR_SIZE), 0);
	assert_int_equal(d->writes, 0);
	assert_int_equal(d->reads, 1);		/* only the sector that was written in part */
	block_cache_counts(&pages, &dirty);
	assert_int_equal(dirty, 66);
	/* Clean pages go, dirty ones stay. */
	block_forget(NULL);
	block_cache_counts(&pages, &dirty);
	assert_int_equal(dirty, 66);
	assert_int_equal(block_sync(&d->bdev), 0);
	assert_int_equal(d->writes, 4);		/* 2 of 32 pages, and two more */
	assert_int_equal(d->written_sectors, 64 * 8 + 1 + 5);
	assert_false(d->out_of_order);
	assert_int_equal(d->flushes, 1);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(d->data[i * PAGE_SIZE + 17], i);
	assert_int_equal(d->data[MIB + 102], 0xee);
	memset(page, 0, sizeof(page));
	pattern(page, 200, 1, MIB);
	assert_int_equal(d->data[MIB + 99], page[99]);
	assert_int_equal(d->data[MIB + 103], page[103]);
	/* Nothing new: neither writes nor a flush. */
	assert_int_equal(block_sync(NULL), 0);
	assert_int_equal(d->writes, 4);
	assert_int_equal(d->flushes, 1);
}

static void one_bad_sector_spoils_only_itself(void **state)
{
	uint8_t buf[2 * PAGE_SIZE];

	(void)state;
	d->bad_start = 19;		/* the fourth of the third page */
	d->bad_count = 1;
	assert_int_equal(block_read(&d->bdev, 0, buf, 8192), 0);
	assert_int_equal(block_read(&d->bdev, 8192, buf, 3 * 512), 0);
	assert_memory_equal(buf, d->data + 8192, 3 * 512);
	assert_int_equal(block_read(&d->bdev, 20 * 512, buf, 4 * 512), 0);
	assert_memory_equal(buf, d->data + 20 * 512, 4 * 512);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(block_read(&d->bdev, 19 * 512 + 511, buf, 1), -EIO);
	assert_string_equal(host_log, "vda: cannot read sector 19: the device reports an error\n");
	assert_int_equal(block_read(&d->bdev, 24 * 512, buf, PAGE_SIZE), 0);
	/* To write it all over needs no reading. */
	memset(buf, 7, 512);
	assert_int_equal(block_write(&d->bdev, 19 * 512, buf, 512), 0);
	assert_int_equal(block_read(&d->bdev, 19 * 512 + 511, buf, 1), 0);
	d->bad_count = 0;
	assert_int_equal(block_sync(&d->bdev), 0);
	assert_int_equal(d->data[19 * 512 + 511], 7);
}

static void write_errors_are_told_once(void **state)
{
	uint8_t buf[3 * PAGE_SIZE];

	(void)state;
	memset(buf, 9, sizeof(buf));
	d->bad_start = 10;
	d->bad_count = 1;
	assert_int_equal(block_write(&d->bdev, 0, buf, sizeof(buf)), 0);
	assert_int_equal(block_sync(&d->bdev), -EIO);
	assert_string_equal(host_log, "vda: cannot write sector 10: the device reports an error\n");
	/* All but the bad one has arrived. */
	assert_int_equal(d->data[10 * 512 - 1], 9);
	assert_int_equal(d->data[11 * 512], 9);
	assert_int_equal(d->data[3 * PAGE_SIZE - 1], 9);
	assert_int_equal(block_sync(&d->bdev), 0);
}

/* Each read in turn fails: the result is right or -EIO, and afterwards all is well again. */
static void every_read_fails_once(void **state)
{
	unsigned long failures = 0;
	uint8_t buf[3000];

	(void)state;
	for (unsigned long n = 1; n < 200; n++) {
		int err = 0;

		block_forget(&d->bdev);
		d->fail_read = n;
		for (uint64_t at = 100; at + sizeof(buf) < MIB && err == 0; at += 2 * sizeof(buf)) {
			err = block_read(&d->bdev, at, buf, sizeof(buf));
			if (err == 0)
				assert_memory_equal(buf, d->data + at, sizeof(buf));
		}
		if (err == 0)
			break;
		assert_int_equal(err, -EIO);
		failures++;
		d->bad_count = 0;
		assert_int_equal(block_read(&d->bdev, 0, buf, sizeof(buf)), 0);
	}
	assert_true(failures > 5);
	assert_int_equal(d->fail_read > 0, true);
}

static void every_allocation_fails(void **state)
{
	uint8_t buf[2 * PAGE_SIZE];

	(void)state;
	for (unsigned long n = 1;; n++) {
		int err;

		assert_int_equal(block_sync(&d->bdev), 0);
		block_forget(&d->bdev);
		host_fail_allocation(n);
		host_fail_on = true;
		memset(buf, (int)n, sizeof(buf));
		err = block_write(&d->bdev, 512, buf, sizeof(buf));
		if (err == 0)
			err = block_read(&d->bdev, MIB, buf, sizeof(buf));
		host_fail_on = false;
		if (host_allocations < n)
			break;
		/* From the third on there is a page that can be used again and again. */
		assert_int_equal(err, n <= 2 ? -ENOMEM : 0);
		host_fail_allocation(0);
		assert_int_equal(block_read(&d->bdev, MIB, buf, sizeof(buf)), 0);
		assert_memory_equal(buf, d->data + MIB, sizeof(buf));
	}
}

/* A machine with little memory: the cache stays below its limit and nothing is lost. */
static void stays_within_its_limit(void **state)
{
	unsigned pages, dirty, most = 0;
	struct host_disk *big = host_disk_new("vdb", MKDEV(254, 16), 48 * MIB);
	uint8_t buf[512];

	(void)state;
	for (uint64_t at = 0; at < 48 * MIB; at += PAGE_SIZE) {
		memset(buf, (int)(at / PAGE_SIZE), sizeof(buf));
		assert_int_equal(block_write(&big->bdev, at + 1024, buf, sizeof(buf)), 0);
		block_cache_counts(&pages, &dirty);
		most = pages > most ? pages : most;
	}
	assert_true(most <= 8192);
	assert_int_equal(block_sync(NULL), 0);
	assert_false(big->out_of_order && big->written_sectors != 48 * MIB / PAGE_SIZE);
	for (uint64_t at = 0; at < 48 * MIB; at += PAGE_SIZE)
		assert_int_equal(big->data[at + 1024 + 511], (uint8_t)(at / PAGE_SIZE));
	host_disk_free(big);
}

/* Random reads and writes through a disk and a partition agree with an array. */
static void agrees_with_an_array(void **state)
{
	struct block_device *part = kzalloc(sizeof(*part));
	uint8_t *model = malloc(2 * MIB), buf[20000];
	uint32_t seed = 12345;

	(void)state;
	memcpy(model, d->data, 2 * MIB);
	part->disk = &d->bdev;
	part->start = 3;
	part->sectors = 2 * MIB / SECTOR_SIZE - 3;
	part->dev = MKDEV(254, 1);
	part->ops = d->bdev.ops;
	block_register(part);
	for (unsigned i = 0; i < 4000; i++) {
		struct block_device *bdev;
		uint64_t at, base;
		size_t len;

		seed = seed * 1664525 + 1013904223;
		bdev = seed >> 31 ? part : &d->bdev;
		base = bdev == part ? 3 * SECTOR_SIZE : 0;
		at = base + (seed >> 8) % (2 * MIB - sizeof(buf) - base);
		len = (seed >> 3) % (seed & 4 ? sizeof(buf) : 700);
		if (seed >> 30 & 1) {
			random_bytes(buf, len);
			assert_int_equal(block_write(bdev, at - base, buf, len), 0);
			memcpy(model + at, buf, len);
		} else {
			assert_int_equal(block_read(bdev, at - base, buf, len), 0);
			assert_memory_equal(buf, model + at, len);
		}
		if (i % 97 == 0)
			block_forget(NULL);
		if (i % 501 == 0)
			assert_int_equal(block_sync(part), 0);
	}
	assert_int_equal(block_sync(NULL), 0);
	assert_memory_equal(model, d->data, 2 * MIB);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_any_range, begin, end),
		cmocka_unit_test_setup_teardown(refuses_beyond_the_end, begin, end),
		cmocka_unit_test_setup_teardown(reads_ahead, begin, end),
		cmocka_unit_test_setup_teardown(writes_back_sorted_and_merged, begin, end),
		cmocka_unit_test_setup_teardown(one_bad_sector_spoils_only_itself, begin, end),
		cmocka_unit_test_setup_teardown(write_errors_are_told_once, begin, end),
		cmocka_unit_test_setup_teardown(every_read_fails_once, begin, end),
		cmocka_unit_test_setup_teardown(every_allocation_fails, begin, end),
		cmocka_unit_test_setup_teardown(stays_within_its_limit, begin, end),
		cmocka_unit_test_setup_teardown(agrees_with_an_array, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
