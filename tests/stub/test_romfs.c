/* SPDX-License-Identifier: MIT */
/* romfs: images made by genromfs, read back; and images that are broken in every way. */
#include "flip_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define LONG_NAME "a-name-that-needs-more-than-one-block-of-sixteen-bytes"

static uint8_t *image;
static size_t image_size;

static int make_image(void **state)
{
	(void)state;
	/* An entry @name,type,major,minor is genromfs' way to ask for a device. */
	assert_int_equal(shell("mkdir -p t/bin t/dev t/empty t/deep/er && umask 022 && "
			       "printf 'hello\\n' > t/hello && chmod 755 t/hello && "
			       "printf 'exactly sixteen!' > t/sixteen && : > t/nothing && "
			       "seq 1 50000 > t/deep/er/numbers && ln t/hello t/bin/linked && "
			       "ln -s ../hello t/bin/soft && : > t/deep/%s && "
			       "touch t/dev/@tty,c,5,1 t/dev/@vda,b,254,3 && mkfifo t/dev/pipe && "
			       "genromfs -f rom.img -d t -V volume", LONG_NAME), 0);
	disk_load("rom.img");
	image_size = disk->bdev.sectors * SECTOR_SIZE;
	image = malloc(image_size);
	assert_non_null(image);
	memcpy(image, disk->data, image_size);
	return 0;
}

static int drop_image(void **state)
{
	(void)state;
	free(image);
	disk_free();
	return 0;
}

static void contents_are_those_of_the_tree(void **state)
{
	static char buf[400000];
	char *expected = shell_output("cat t/deep/er/numbers"), *names;
	struct inode a, b;
	int err;

	(void)state;
	disk_copy(image, image_size);
	world_begin();
	assert_int_equal(world_mount("romfs", MS_RDONLY, NULL), 0);

	names = list_dir("/mnt", &err);
	assert_int_equal(err, 0);
	assert_string_equal(names, "bin\ndeep\ndev\nempty\nhello\nnothing\nsixteen\n");
	free(names);
	names = list_dir("/mnt/empty", &err);
	assert_int_equal(err, 0);
	assert_string_equal(names, "");
	free(names);

	assert_int_equal(read_file("/mnt/hello", 0, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "hello\n", 6);
	assert_int_equal(read_file("/mnt/bin/soft", 2, buf, 3), 3);
	assert_memory_equal(buf, "llo", 3);
	assert_int_equal(read_file("/mnt/sixteen", 0, buf, sizeof(buf)), 16);
	assert_int_equal(read_file("/mnt/nothing", 0, buf, sizeof(buf)), 0);
	assert_int_equal(read_file("/mnt/hello", 6, buf, 1), 0);
	assert_int_equal(read_file("/mnt/hello", 1ull << 40, buf, 1), 0);
	assert_int_equal(read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf)), strlen(expected));
	assert_memory_equal(buf, expected, strlen(expected));
	free(expected);
	assert_int_equal(read_link("/mnt/bin/soft", buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "../hello", 8);

	assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
	assert_int_equal(stat_at("/mnt/bin/linked", true, &b), 0);
	assert_int_equal(a.ino, b.ino);
	assert_int_equal(a.mode, S_IFREG | 0755);
	assert_int_equal(stat_at("/mnt/sixteen", true, &a), 0);
	assert_int_equal(a.mode, S_IFREG | 0644);
	assert_int_equal(stat_at("/mnt/dev/tty", true, &a), 0);
	assert_int_equal(a.mode, S_IFCHR | 0600);
	assert_int_equal(a.rdev, MKDEV(5, 1));
	assert_int_equal(stat_at("/mnt/dev/vda", true, &a), 0);
	assert_int_equal(a.mode, S_IFBLK | 0600);
	assert_int_equal(a.rdev, MKDEV(254, 3));
	assert_int_equal(stat_at("/mnt/dev/pipe", true, &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFIFO);
	assert_int_equal(stat_at("/mnt/deep/" LONG_NAME, true, &a), 0);
	assert_int_equal(stat_at("/mnt/deep/../bin/..", true, &a), 0);
	assert_int_equal(stat_at("/mnt/missing", true, &a), -ENOENT);
	assert_int_equal(write_file("/mnt/hello", 0, 0, "x", 1), -EROFS);
	assert_int_equal(write_file("/mnt/new", O_CREAT, 0, "x", 1), -EROFS);

	assert_int_equal(world_umount(), 0);
	world_end();
}

/* Walk over everything; what comes of it is the same for any bytes: no crash, no endless loop. */
static void walk_all(void)
{
	static const char *const names[] = {
		"/mnt", "/mnt/bin", "/mnt/dev", "/mnt/empty", "/mnt/deep", "/mnt/deep/er",
	};
	static char buf[400000];
	int err;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		free(list_dir(names[i], &err));
	(void)read_file("/mnt/hello", 0, buf, sizeof(buf));
	(void)read_file("/mnt/bin/linked", 0, buf, sizeof(buf));
	(void)read_file("/mnt/bin/soft", 0, buf, sizeof(buf));
	(void)read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf));
}

static void each_byte_of_a_header_is_checked(void **state)
{
	unsigned accepted = 0;

	(void)state;
	for (size_t at = 0; at < 512; at++) {
		disk_copy(image, image_size);
		disk->data[at] ^= 0x11;
		world_begin();
		/* Beyond the name of the volume the sum is over the first files. */
		if (world_mount("romfs", MS_RDONLY, NULL) == 0) {
			accepted++;
			walk_all();
			assert_int_equal(world_umount(), 0);
		}
		world_end();
	}
	assert_int_equal(accepted, 0);
}

static uint32_t be32(size_t at)
{
	const uint8_t *p = disk->data + at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		disk->data[at + i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Change a number of a header, and make the sums right again. */
static void forge(size_t header, size_t field, uint32_t value)
{
	uint32_t old = be32(header + field);

	put_be32(header + field, value);
	put_be32(header + 12, be32(header + 12) - (value - old));
	put_be32(12, 0);
	uint32_t sum = 0;
	for (size_t i = 0; i < 512; i += 4)
		sum += be32(i);
	put_be32(12, 0u - sum);
}

static void forged_numbers_do_no_harm(void **state)
{
	static const uint32_t values[] = {
		0, 1, 8, 15, 16, 31, 32, 48, 0x40, 0x1000, 0x7ffffff0, 0x80000000, 0xfffffff0,
		0xffffffff,
	};

	(void)state;
	for (size_t at = 32; at + 32 < image_size && at < 3000; at += 16)
		for (unsigned field = 0; field < 12; field += 4)
			for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
				disk_copy(image, image_size);
				/* Keep the type in half of the cases. */
				forge(at, field, field == 0 && i % 2 ?
				      (values[i] & ~15u) | (be32(at) & 15) : values[i]);
				world_begin();
				if (world_mount("romfs", MS_RDONLY, NULL) == 0) {
					walk_all();
					assert_int_equal(world_umount(), 0);
				}
				world_end();
			}
}

static void wrong_bits_do_no_harm(void **state)
{
	(void)state;
	/* Behind the bytes that are summed up are most headers. */
	flip_image("romfs", image, image_size, 512, 200);
	flip_image("romfs", image, image_size, 4096, 1300);
	flip_image("romfs", image, image_size, image_size, 500);
}

static void wrong_sizes_are_refused(void **state)
{
	static const struct { size_t size; int err; } cases[] = {
		{ 0, -EINVAL }, { 512, -EINVAL }, { 1024, -EINVAL },
	};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		disk_copy(image, cases[i].size);
		world_begin();
		assert_int_equal(world_mount("romfs", MS_RDONLY, NULL), cases[i].err);
		world_end();
	}
	disk_copy(image, image_size);
	disk->data[0] = 'x';
	world_begin();
	assert_int_equal(world_mount("romfs", MS_RDONLY, NULL), -EINVAL);
	world_end();
}

static void reads_that_fail_are_reported(void **state)
{
	unsigned total;

	(void)state;
	disk_copy(image, image_size);
	world_begin();
	assert_int_equal(world_mount("romfs", MS_RDONLY, NULL), 0);
	walk_all();
	assert_int_equal(world_umount(), 0);
	world_end();
	total = disk->reads;
	assert_true(total > 3);
	for (unsigned n = 1; n <= total; n++) {
		disk_copy(image, image_size);
		disk->fail_read = n;
		world_begin();
		if (world_mount("romfs", MS_RDONLY, NULL) == 0) {
			walk_all();
			assert_int_equal(world_umount(), 0);
		}
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_those_of_the_tree),
		cmocka_unit_test(each_byte_of_a_header_is_checked),
		cmocka_unit_test(forged_numbers_do_no_harm),
		cmocka_unit_test(wrong_bits_do_no_harm),
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(reads_that_fail_are_reported),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
