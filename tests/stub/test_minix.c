/* SPDX-License-Identifier: MIT */
/*
 * minix: all five kinds that mkfs.minix makes, filled by tests/boot/minix_image.py and judged by
 * fsck.minix; whole trees are compared in tests/host/test_file_systems.py.
 */
#include "flip_support.h"

#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const kinds[] = { "-1 -n 14", "-1 -n 30", "-2 -n 14", "-2 -n 30", "-3" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *image[KINDS];
static size_t size[KINDS];

static int make_images(void **state)
{
	char top[256];

	(void)state;
	assert_non_null(getcwd(top, sizeof(top)));
	assert_int_equal(shell("mkdir -p t/bin t/deep/er && printf 'hello\\n' > t/hello && "
			       "chmod 4711 t/hello && ln t/hello t/bin/linked && "
			       "ln -s ../hello t/bin/soft && seq 1 5000 > t/deep/er/numbers && "
			       "mkfifo t/pipe && printf end > t/hole && "
			       "printf behind | dd of=t/hole bs=1 seek=600000 conv=notrunc "
			       "status=none && for n in $(seq 100); do : > t/deep/f$n; done"), 0);
	for (unsigned i = 0; i < KINDS; i++) {
		assert_int_equal(shell("rm -f i; truncate -s 256K i && mkfs.minix %s -i 256 i > out && "
				       "python3 %s/tests/boot/minix_image.py i t && "
				       "fsck.minix -f i > out 2>&1 || { cat out; false; }",
				       kinds[i], top), 0);
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
	static char buf[700000];
	char *numbers = shell_output("cat t/deep/er/numbers");
	struct inode a, b;

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		disk_copy(image[i], size[i]);
		world_begin();
		assert_int_equal(world_mount("minix", 0, NULL), 0);
		assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
		assert_int_equal(stat_at("/mnt/bin/soft", true, &b), 0);
		assert_int_equal(a.ino, b.ino);
		assert_int_equal(a.mode, S_IFREG | 04711);
		assert_int_equal(a.nlink, 2);
		assert_int_equal(read_file("/mnt/bin/linked", 0, buf, sizeof(buf)), 6);
		assert_memory_equal(buf, "hello\n", 6);
		assert_int_equal(read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf)),
				 strlen(numbers));
		assert_memory_equal(buf, numbers, strlen(numbers));
		assert_int_equal(read_file("/mnt/hole", 0, buf, sizeof(buf)), 600006);
		assert_memory_equal(buf, "end", 3);
		for (unsigned at = 3; at < 600000; at++)
			assert_int_equal(buf[at], 0);
		assert_memory_equal(buf + 600000, "behind", 6);
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
		/* Superblock and inodes; then everything. */
		flip_image("minix", image[i], size[i], 24576, 300);
		flip_image("minix", image[i], size[i], size[i], 200);
	}
}

static void short_images_are_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		truncate_image("minix", image[i], size[i]);
}

static void reads_that_fail_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		fail_reads_of("minix", image[i], size[i]);
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
