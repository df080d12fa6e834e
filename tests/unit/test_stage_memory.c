/* SPDX-License-Identifier: MIT */
/* The stage's page tables and its reading of the firmware's memory map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../efi/memory_map.h"
#include "../../efi/page_tables.h"

#define GIB	(UINT64_C(1) << 30)
#define MIB	(UINT64_C(1) << 20)
#define PHYS	UINT64_C(0x123000)	/* not where the block really is */
#define KERNEL	UINT64_C(0xffffffff80200000)

static void build(struct page_tables *tables, size_t pages, bool five)
{
	void *block = aligned_alloc(4096, pages * 4096);

	assert_non_null(block);
	/* Whatever was in the memory before must not become an entry. */
	memset(block, 0xff, pages * 4096);
	assert_int_equal(page_tables_init(tables, block, PHYS, pages, five), OM_OK);
}

static void test_maps(void **state)
{
	static const uint64_t same[] = { 0, 1, 0x1fffff, 0x200000, 4 * GIB - 1,
					 UINT64_C(0xfd00000000), UINT64_C(0xfd3fffffff) };
	struct page_tables tables;
	uint64_t phys;
	int five;
	size_t i;

	(void)state;
	for (five = 0; five < 2; five++) {
		build(&tables, page_tables_bound(5, 3 * MIB), five);
		assert_int_equal(page_tables_identity(&tables, 0, 4 * GIB), OM_OK);
		assert_int_equal(page_tables_identity(&tables, UINT64_C(0xfd00001000), 4096), OM_OK);
		assert_int_equal(page_tables_map(&tables, KERNEL, 0x7654000, 3 * MIB), OM_OK);
		for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
			assert_int_equal(page_tables_lookup(&tables, same[i], &phys), OM_OK);
			assert_int_equal(phys, same[i]);
		}
		assert_int_equal(page_tables_lookup(&tables, KERNEL + 0x3007, &phys), OM_OK);
		assert_int_equal(phys, 0x7657007);
		assert_int_equal(page_tables_lookup(&tables, KERNEL + 3 * MIB - 1, &phys), OM_OK);
		assert_int_equal(phys, 0x7654000 + 3 * MIB - 1);
		assert_int_equal(page_tables_lookup(&tables, KERNEL + 3 * MIB, &phys), OM_MISSING);
		assert_int_equal(page_tables_lookup(&tables, KERNEL - 1, &phys), OM_MISSING);
		assert_int_equal(page_tables_lookup(&tables, 4 * GIB, &phys), OM_MISSING);
		free(tables.block);
	}
}

/* Bits as in the processor's manual: present, writable, page size; no NX. */
static void test_entry_bits(void **state)
{
	struct page_tables tables;
	const uint64_t *pdpt, *pd;

	(void)state;
	build(&tables, 8, false);
	assert_int_equal(page_tables_identity(&tables, 0, GIB), OM_OK);
	assert_int_equal(tables.block[0], (PHYS + 0x1000) | 3);
	pdpt = tables.block + 512;
	assert_int_equal(pdpt[0], (PHYS + 0x2000) | 3);
	pd = tables.block + 1024;
	assert_int_equal(pd[1], 0x200000 | 0x83);
	assert_int_equal(pd[511], 0x3fe00000 | 0x83);
	free(tables.block);
}

static void test_refusals(void **state)
{
	struct page_tables tables;
	uint64_t page[512], phys = 77;

	(void)state;
	assert_int_equal(page_tables_init(&tables, page, 0x123, 1, false), OM_MISUSE);
	assert_int_equal(page_tables_init(&tables, page, PHYS, 1, true), OM_TOO_SMALL);
	build(&tables, 64, false);
	assert_int_equal(page_tables_identity(&tables, UINT64_MAX - 5, 10), OM_LIMIT);
	assert_int_equal(page_tables_identity(&tables, UINT64_C(1) << 47, 1), OM_LIMIT);
	assert_int_equal(page_tables_map(&tables, 0x400000, 0, 4096), OM_LIMIT);
	assert_int_equal(page_tables_map(&tables, KERNEL + 1, 0, 4096), OM_MISUSE);
	assert_int_equal(page_tables_map(&tables, KERNEL, 0, 0), OM_LIMIT);
	assert_int_equal(page_tables_map(&tables, UINT64_C(0xfffffffffffff000), 0, 8192), OM_LIMIT);
	/* The very last page of the address space is a place like any other. */
	assert_int_equal(page_tables_map(&tables, UINT64_C(0xfffffffffffff000), 0, 4096), OM_OK);
	assert_int_equal(page_tables_lookup(&tables, 0x1000, &phys), OM_MISSING);
	assert_int_equal(phys, 77);
	free(tables.block);
}

/* Each page too few is an error and never a write behind the block. */
static void test_every_page_missing(void **state)
{
	struct page_tables tables;
	enum om_status status;
	size_t pages, need = 0;

	(void)state;
	for (pages = 1; pages < 64; pages++) {
		build(&tables, pages, false);
		status = page_tables_identity(&tables, 0, 4 * GIB);
		if (status == OM_OK)
			status = page_tables_map(&tables, KERNEL, 0x200000, 5 * MIB);
		need = tables.used;
		free(tables.block);
		if (status == OM_OK)
			break;
		assert_int_equal(status, OM_TOO_SMALL);
	}
	/* 1 PML4 + 1 PDPT + 4 PD, then PDPT + PD + three PTs (2 MiB each) for 5 MiB. */
	assert_int_equal(need, 11);
	assert_int_equal(pages, 11);
	assert_true(page_tables_bound(4, 5 * MIB) >= need);
}

struct raw {
	uint32_t type;
	uint64_t addr, pages;
};

static struct memory_map make_map(uint8_t *buf, size_t step, const struct raw *raw, size_t count)
{
	size_t i;

	memset(buf, 0xee, step * count);
	for (i = 0; i < count; i++) {
		om_put_le32(buf + i * step, raw[i].type);
		om_put_le64(buf + i * step + 8, raw[i].addr);
		om_put_le64(buf + i * step + 24, raw[i].pages);
	}
	return (struct memory_map){ buf, step * count, step };
}

static void test_summary(void **state)
{
	static const struct raw raw[] = {
		{ 7, 0, 160 },			/* 640 KiB */
		{ 7, 0x100000, 0x100 }, { 7, 0x200000, 0x300 },	/* 1 + 3 MiB, adjacent */
		{ 2, 0x500000, 16 }, { 7, 0x600000, 256 },
		{ 0, UINT64_C(0xfd00000000), 0x300000 },	/* 12 GiB of holes */
		{ 7, 0x700000, 0 },
	};
	uint8_t buf[7 * 48];
	struct memory_map map;
	struct memory_summary sum;
	struct memory_range wrap;

	(void)state;
	/* OVMF's descriptors are 48 bytes apart, 8 more than the structure. */
	map = make_map(buf, 48, raw, 7);
	assert_int_equal(memory_map_count(&map), 7);
	sum = memory_map_summary(&map);
	assert_int_equal(sum.free_bytes, 640 * 1024 + 5 * MIB);
	assert_int_equal(sum.largest_free, 4 * MIB);
	assert_int_equal(sum.top, UINT64_C(0xfd00000000) + 12 * GIB);
	assert_int_equal(sum.identity_gib, 4 + 12);
	/* A descriptor smaller than the structure is nothing to read. */
	map.descriptor_size = 39;
	assert_int_equal(memory_map_count(&map), 0);
	map = make_map(buf, 40, &(struct raw){ 7, UINT64_MAX - 4095, UINT64_MAX }, 1);
	wrap = memory_map_get(&map, 0);
	assert_true(wrap.addr + wrap.len >= wrap.addr);
}

static void test_check(void **state)
{
	struct memory_summary sum = { 100 * MIB, 60 * MIB, 0, 4 };
	struct memory_need fits[] = {
		{ "the absolute root", 60 * MIB, false }, { "the kernel", MIB, false },
	};
	struct memory_need wide[] = {
		{ "the kernel", MIB, false }, { "the absolute root", 61 * MIB + 1, false },
	};
	struct memory_need many[] = { { "a", 50 * MIB, false }, { "b", 55 * MIB, false } };
	struct memory_need huge[] = { { "a", 50 * MIB, false }, { "b", UINT64_MAX, false } };
	struct memory_need loose[] = { { "a", MIB, false }, { "b", 61 * MIB, true } };
	struct memory_need mixed[] = { { "a", 59 * MIB, false }, { "b", 61 * MIB, true } };
	char text[256] = "untouched";

	(void)state;
	assert_true(memory_check(&sum, fits, 2, text, sizeof(text)));
	assert_string_equal(text, "untouched");
	assert_false(memory_check(&sum, wide, 2, text, sizeof(text)));
	assert_string_equal(text, "too little memory: the absolute root needs 62 MiB in one piece, "
			    "the largest free range has 60 MiB (2 MiB missing)");
	assert_false(memory_check(&sum, many, 2, text, sizeof(text)));
	assert_string_equal(text, "too little memory: 109 MiB are needed, 100 MiB are free "
			    "(9 MiB missing); the largest piece is b with 55 MiB");
	assert_true(memory_check(&sum, loose, 2, text, sizeof(text)));
	assert_false(memory_check(&sum, mixed, 2, text, sizeof(text)));
	assert_string_equal(text, "too little memory: 124 MiB are needed, 100 MiB are free "
			    "(24 MiB missing); the largest piece is b with 61 MiB");
	assert_false(memory_check(&sum, huge, 2, text, sizeof(text)));
	assert_true(memory_check(&sum, NULL, 0, text, sizeof(text)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_entry_bits),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_every_page_missing),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
