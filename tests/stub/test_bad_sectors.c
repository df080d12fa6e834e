/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a bad sector under its file, with buffers of its own: all that comes
 * before it, then EIO, and EIO from the write that has to be on the disk at once.
 */
#include "fs_support.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MARK "the sector that begins here is bad"
#define SIZE 200000u
#define BAD  (150u * SECTOR_SIZE)

static uint8_t content[SIZE], buf[SIZE];

/* ext2 in contiguous blocks of BLOCK bytes; the bad sector is marked. */
static void make_disk(unsigned block)
{
	char *bytes;

	assert_int_equal(shell("mkdir -p t && seq 1 100000 | head -c %u > t/file && printf '%s' | "
			       "dd of=t/file bs=1 seek=%u conv=notrunc status=none && "
			       "rm -f i && mke2fs -q -F -t ext2 -b %u -d t i 1M > out 2>&1", SIZE, MARK,
			       BAD, block), 0);
	bytes = shell_output("cat t/file");
	memcpy(content, bytes, SIZE);
	free(bytes);
	disk_load("i");
	disk->bad_count = 0;
	for (uint64_t at = 0; disk->bad_count == 0; at++) {
		assert_true(at < disk->bdev.sectors);
		if (memcmp(disk->data + at * SECTOR_SIZE, MARK, strlen(MARK)) == 0) {
			disk->bad_start = at;
			disk->bad_count = 1;
		}
	}
}

/* As read(2) does it. */
static long read_to_program(uint64_t pos, size_t size)
{
	struct uio uio = { (char *)buf, size, true };
	struct file *file;
	long n;

	assert_int_equal(file_open(world_fs(), NULL, "/mnt/file", O_RDONLY, 0, &file), 0);
	n = file_read(file, &uio, &pos);
	file_put(file);
	return n;
}

static void what_comes_before_is_read(void **state)
{
	static const unsigned blocks[] = { 1024, 2048, 4096 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		make_disk(blocks[i]);
		world_begin();
		assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
		memset(buf, 0, sizeof(buf));
		assert_int_equal(read_to_program(0, SIZE), BAD);
		assert_memory_equal(buf, content, BAD);
		assert_int_equal(read_to_program(7, BAD + 7), BAD - 7);
		assert_memory_equal(buf, content + 7, BAD - 7);
		assert_int_equal(read_to_program(BAD, SIZE), -EIO);
		assert_int_equal(read_to_program(BAD + SECTOR_SIZE - 1, SIZE), -EIO);
		/* Its neighbours are none of it. */
		assert_int_equal(read_to_program(BAD + SECTOR_SIZE, SIZE), SIZE - BAD - SECTOR_SIZE);
		assert_memory_equal(buf, content + BAD + SECTOR_SIZE, SIZE - BAD - SECTOR_SIZE);
		assert_non_null(strstr(host_log, "cannot read sector"));
		assert_int_equal(world_umount(), 0);
		world_end();
	}
}

/* Where the first block of the file lies on the disk: it begins with the first numbers. */
static const uint8_t *file_start(void)
{
	for (size_t at = 0; at < disk->bdev.sectors * SECTOR_SIZE; at += SECTOR_SIZE)
		if (memcmp(disk->data + at, "1\n2\n3\n4\n", 8) == 0)
			return disk->data + at;
	fail();
	return NULL;
}

static void a_write_at_once_fails_at_once(void **state)
{
	const uint8_t *first;

	(void)state;
	make_disk(1024);
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	/* Into the cache, and told by the next who asks. */
	assert_int_equal(write_file("/mnt/file", 0, BAD, content, SECTOR_SIZE), SECTOR_SIZE);
	assert_int_equal(vfs_sync(NULL), -EIO);
	assert_int_equal(vfs_sync(NULL), 0);
	assert_int_equal(write_file("/mnt/file", O_DSYNC, BAD, content, SECTOR_SIZE), -EIO);
	assert_int_equal(write_file("/mnt/file", O_DSYNC, 0, content, SECTOR_SIZE), SECTOR_SIZE);
	/* It is on the disk without any sync; without O_DSYNC it is not. */
	first = file_start();
	assert_int_equal(write_file("/mnt/file", O_DSYNC, 0, "now", 3), 3);
	assert_memory_equal(first, "now", 3);
	assert_int_equal(write_file("/mnt/file", 0, 0, "later", 5), 5);
	assert_memory_equal(first, "now", 3);
	assert_int_equal(world_umount(), 0);
	world_end();
}

static int drop_disk(void **state)
{
	(void)state;
	disk_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_before_is_read),
		cmocka_unit_test(a_write_at_once_fails_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, drop_disk);
}
