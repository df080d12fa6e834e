/* SPDX-License-Identifier: MIT */
/*
 * What mke2fs makes as ext4, read by the code for ext2: extents of every depth, and what is
 * refused by name.  Whole trees are compared in tests/host/test_file_systems.py.
 */
#include "flip_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t *image;
static size_t size;

/* A file of 1,500 pieces has a tree of two levels below the inode with blocks of 1 KiB. */
static int make_image(void **state)
{
	(void)state;
	assert_int_equal(shell("mkdir -p t/bin t/deep/er && printf 'hello\\n' > t/hello && "
			       "ln -s ../hello t/bin/soft && seq 1 20000 > t/deep/er/numbers && "
			       "ln -s $(printf 'x%%.0s' $(seq 100)) t/long && "
			       "python3 -c \"f = open('t/pieces', 'wb')\n"
			       "for i in range(1500): f.seek(i * 4096); f.write(b'%%05d' %% i)\" && "
			       "mke2fs -q -F -t ext4 -b 1024 -d t e.img 8M"), 0);
	image = load_image("e.img", &size);
	return 0;
}

static int drop_image(void **state)
{
	(void)state;
	free(image);
	disk_free();
	return 0;
}

static void extents_of_every_depth(void **state)
{
	static uint8_t buf[1500 * 4096];
	char *depth = shell_output("debugfs -R 'dump_extents /pieces' e.img 2> out | "
				   "awk 'NR == 2 { print $2 }' FS=/");
	char *numbers = shell_output("cat t/deep/er/numbers"), text[8];

	(void)state;
	assert_true(strtoul(depth, NULL, 10) >= 1);
	disk_copy(image, size);
	world_begin();
	assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
	assert_int_equal(read_file("/mnt/pieces", 0, buf, sizeof(buf)), 1499 * 4096 + 5);
	for (unsigned i = 0; i < 1500; i++) {
		snprintf(text, sizeof(text), "%05u", i);
		assert_memory_equal(buf + i * 4096ul, text, 5);
		assert_int_equal(buf[i * 4096ul + 5], 0);
		assert_int_equal(buf[i * 4096ul + 4095], 0);
	}
	assert_int_equal(read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf)), strlen(numbers));
	assert_memory_equal(buf, numbers, strlen(numbers));
	assert_int_equal(read_link("/mnt/long", (char *)buf, sizeof(buf)), 100);
	assert_int_equal(write_file("/mnt/new", O_CREAT, 0, "x", 1), -EROFS);
	assert_int_equal(world_umount(), 0);
	/* Nothing of ext4 is ever written. */
	assert_int_equal(world_mount("ext2", 0, NULL), -EROFS);
	assert_non_null(strstr(host_log, "feature extents (incompat 0x40) allows reading only"));
	world_end();
	assert_int_equal(disk->writes, 0);
	free(depth);
	free(numbers);
}

static void others_are_refused_by_name(void **state)
{
	static const struct { unsigned at; uint32_t bit; const char *name; } cases[] = {
		{ 96, 0x4, "needs_recovery" }, { 96, 0x10, "meta_bg" }, { 96, 0x100, "mmp" },
		{ 96, 0x400, "ea_inode" }, { 96, 0x4000, "large_dir" },
		{ 96, 0x8000, "inline_data" }, { 96, 0x10000, "encrypt" },
		{ 96, 0x20000, "casefold" }, { 100, 0x200, "bigalloc" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t bits;

		disk_copy(image, size);
		memcpy(&bits, disk->data + 1024 + cases[i].at, 4);
		bits |= cases[i].bit;
		memcpy(disk->data + 1024 + cases[i].at, &bits, 4);
		assert_int_equal(visit_image("ext2"), -EINVAL);
		assert_non_null(strstr(host_log, cases[i].name));
	}
}

static void wrong_bits_do_no_harm(void **state)
{
	(void)state;
	/* The superblock; its group's descriptors and inodes; everything. */
	flip_image("ext2", image, size, 4096, 500);
	flip_image("ext2", image, size, 1 << 19, 1000);
	flip_image("ext2", image, size, size, 500);
}

static void short_images_are_refused(void **state)
{
	(void)state;
	truncate_image("ext2", image, size);
}

static void reads_that_fail_are_reported(void **state)
{
	(void)state;
	fail_reads_of("ext2", image, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extents_of_every_depth),
		cmocka_unit_test(others_are_refused_by_name),
		cmocka_unit_test(wrong_bits_do_no_harm),
		cmocka_unit_test(short_images_are_refused),
		cmocka_unit_test(reads_that_fail_are_reported),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
