/* SPDX-License-Identifier: MIT */
/*
 * cramfs: images of mkfs.cramfs at offset 0 and 512, with and without holes; whole trees are
 * compared in tests/host/test_file_systems.py.
 */
#include "flip_support.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const kinds[] = { "", "-p", "-z" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *image[KINDS];
static size_t size[KINDS];

static int make_images(void **state)
{
	(void)state;
	assert_int_equal(shell("mkdir -p t/bin t/deep/er t/empty && printf 'hello\\n' > t/hello && "
			       "chmod 4711 t/hello && ln -s ../hello t/bin/soft && : > t/nothing && "
			       "seq 1 20000 > t/deep/er/numbers && mkfifo t/pipe && "
			       "printf end > t/hole && printf behind | dd of=t/hole bs=1 seek=60000 "
			       "conv=notrunc status=none"), 0);
	for (unsigned i = 0; i < KINDS; i++) {
		assert_int_equal(shell("mkfs.cramfs %s t i > out 2>&1 || { cat out; false; }",
				       kinds[i]), 0);
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
	static char buf[200000];
	char *numbers = shell_output("cat t/deep/er/numbers"), *names;
	struct inode a;
	int err;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		disk_copy(image[i], size[i]);
		world_begin();
		assert_int_equal(world_mount("cramfs", 0, NULL), 0);
		names = list_dir("/mnt", &err);
		assert_string_equal(names, "bin\ndeep\nempty\nhello\nhole\nnothing\npipe\n");
		free(names);
		assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
		assert_int_equal(a.mode, S_IFREG | 04711);
		assert_int_equal(read_file("/mnt/bin/soft", 2, buf, 3), 3);
		assert_memory_equal(buf, "llo", 3);
		assert_int_equal(read_file("/mnt/nothing", 0, buf, sizeof(buf)), 0);
		assert_int_equal(read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf)),
				 strlen(numbers));
		assert_memory_equal(buf, numbers, strlen(numbers));
		assert_int_equal(read_file("/mnt/hole", 0, buf, sizeof(buf)), 60006);
		assert_memory_equal(buf, "end", 3);
		for (unsigned at = 3; at < 60000; at++)
			assert_int_equal(buf[at], 0);
		assert_memory_equal(buf + 60000, "behind", 6);
		assert_int_equal(stat_at("/mnt/pipe", true, &a), 0);
		assert_int_equal(a.mode & S_IFMT, S_IFIFO);
		assert_int_equal(stat_at("/mnt/missing", true, &a), -ENOENT);
		assert_int_equal(write_file("/mnt/new", O_CREAT, 0, "x", 1), -EROFS);
		assert_int_equal(world_umount(), 0);
		world_end();
	}
	free(numbers);
}

static void wrong_bits_do_no_harm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		flip_image("cramfs", image[i], size[i], 1024, 500);
		flip_image("cramfs", image[i], size[i], size[i], 500);
	}
}

static void short_images_are_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		truncate_image("cramfs", image[i], size[i]);
}

static void reads_that_fail_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		fail_reads_of("cramfs", image[i], size[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_those_of_the_tree),
		cmocka_unit_test(wrong_bits_do_no_harm),
		cmocka_unit_test(short_images_are_refused),
		cmocka_unit_test(reads_that_fail_are_reported),
	};

	return cmocka_run_group_tests(tests, make_images, drop_images);
}
