/* SPDX-License-Identifier: MIT */
/*
 * squashfs: images of mksquashfs with every compressor; whole trees are compared in
 * tests/host/test_file_systems.py.
 */
#include "flip_support.h"

#include <overmount/bytes.h>

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const kinds[] = {
	"-comp gzip -b 16K", "-comp xz -b 4K", "-comp zstd -no-fragments -b 64K", "-comp lz4",
	"-noI -noD -noF -noId",
};
/* 120 of them are more than a metadata block holds, so their directory has an index. */
#define LONG_NAME "a-long-name-with-which-few-entries-fill-a-metadata-block-of-8-KiB-"
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *image[KINDS];
static size_t size[KINDS];

static int make_images(void **state)
{
	(void)state;
	assert_int_equal(shell("mkdir -p t/bin t/many t/empty && printf 'hello\\n' > t/hello && "
			       "chmod 4711 t/hello && ln -s ../hello t/bin/soft && : > t/nothing && "
			       "ln t/hello t/bin/hard && seq 1 20000 > t/numbers && mkfifo t/pipe && "
			       "for i in $(seq 1 120); do echo $i > t/many/" LONG_NAME
			       "$i; done"), 0);
	for (unsigned i = 0; i < KINDS; i++) {
		assert_int_equal(shell("rm -f i && mksquashfs t i -no-progress %s > out 2>&1 || "
				       "{ cat out; false; }", kinds[i]), 0);
		image[i] = load_image("i", &size[i]);
	}
	return 0;
}

static int drop_images(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		free(image[i]);
	disk_free();
	return 0;
}

static void contents_are_those_of_the_tree(void **state)
{
	static char buf[400000];
	char *numbers = shell_output("cat t/numbers"), *names;
	struct inode a, b;
	int err;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		disk_copy(image[i], size[i]);
		world_begin();
		assert_int_equal(world_mount("squashfs", 0, NULL), 0);
		names = list_dir("/mnt", &err);
		assert_string_equal(names, "bin\nempty\nhello\nmany\nnothing\nnumbers\npipe\n");
		free(names);
		assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
		assert_int_equal(a.mode, S_IFREG | 04711);
		assert_int_equal(stat_at("/mnt/bin/hard", true, &b), 0);
		assert_int_equal(a.ino, b.ino);
		assert_int_equal(b.nlink, 2);
		assert_int_equal(read_file("/mnt/bin/soft", 2, buf, 3), 3);
		assert_memory_equal(buf, "llo", 3);
		assert_int_equal(read_file("/mnt/nothing", 0, buf, sizeof(buf)), 0);
		assert_int_equal(read_file("/mnt/numbers", 0, buf, sizeof(buf)), strlen(numbers));
		assert_memory_equal(buf, numbers, strlen(numbers));
		vfs_forget();
		/* Backwards, too: the list of blocks is then read from its start again. */
		for (size_t at = strlen(numbers) - 7; at > 8000; at -= 8000) {
			assert_int_equal(read_file("/mnt/numbers", at, buf, 7), 7);
			assert_memory_equal(buf, numbers + at, 7);
		}
		assert_int_equal(read_file("/mnt/many/" LONG_NAME "120", 0, buf, 9), 4);
		assert_int_equal(stat_at("/mnt/many/" LONG_NAME "1200", true, &a), -ENOENT);
		assert_int_equal(stat_at("/mnt/many/a", true, &a), -ENOENT);
		assert_int_equal(stat_at("/mnt/many/z", true, &a), -ENOENT);
		assert_int_equal(write_file("/mnt/new", O_CREAT, 0, "x", 1), -EROFS);
		assert_int_equal(world_umount(), 0);
		world_end();
	}
	free(numbers);
}

/* Nobody here could read it, so it says who packed it. */
static void lzo_is_refused_by_name(void **state)
{
	uint8_t *copy;
	size_t length;

	(void)state;
	assert_int_equal(shell("rm -f i && mksquashfs t i -no-progress -comp lzo > out 2>&1"), 0);
	copy = load_image("i", &length);
	disk_copy(copy, length);
	world_begin();
	assert_int_equal(world_mount("squashfs", 0, NULL), -EINVAL);
	assert_non_null(strstr(host_log, "packed with lzo"));
	world_end();
	free(copy);
}

static void wrong_bits_do_no_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		flip_image("squashfs", image[i], size[i], 96, 100);
		flip_image("squashfs", image[i], size[i], size[i], 200);
	}
	/* Where nothing is packed, a wrong bit reaches the parsers and no checksum stops it. */
	flip_image("squashfs", image[KINDS - 1], size[KINDS - 1], size[KINDS - 1], 1000);
}

static void short_images_are_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		/* What follows the bytes in use fills the last 4 KiB. */
		truncate_image("squashfs", image[i], om_get_le64(image[i] + 40));
}

static void reads_that_fail_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		fail_reads_of("squashfs", image[i], size[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_those_of_the_tree),
		cmocka_unit_test(lzo_is_refused_by_name),
		cmocka_unit_test(wrong_bits_do_no_harm),
		cmocka_unit_test(short_images_are_refused),
		cmocka_unit_test(reads_that_fail_are_reported),
	};

	return cmocka_run_group_tests(tests, make_images, drop_images);
}
