/* SPDX-License-Identifier: MIT */
/*
 * ext2 when things fail: each allocation, each read and each write of a fixed list of
 * operations once.  No crash, no leak; nothing is lost that was there before; and e2fsck finds
 * nothing, or after a failed write only what it mends without asking.
 *
 * block_read() and block_write() are wrapped (ld --wrap), so that exactly one call fails and
 * not what comes after it.  What the cache makes of broken sectors is tested at the end.
 */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static unsigned reads, writes, fail_read, fail_write;

int __real_block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len);
int __real_block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len);
int __wrap_block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len);
int __wrap_block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len);

int __wrap_block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len)
{
	return ++reads == fail_read ? -EIO : __real_block_read(bdev, offset, buf, len);
}

int __wrap_block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len)
{
	return ++writes == fail_write ? -EIO : __real_block_write(bdev, offset, buf, len);
}

static void fail_none(void)
{
	fail_read = fail_write = 0;
	host_fail_allocation(0);
}

/* -- the operations -------------------------------------------------------------------------------- */

#define LONG_LINK "a-symbolic-link-that-is-too-long-to-be-kept-within-its-own-inode"

static uint8_t data[20000];
static uint8_t *image;
static size_t image_size;

static int make_dir(void)
{
	return vfs_mkdir(world_fs(), NULL, "/mnt/dir", 0755);
}

static int make_file(void)
{
	return write_file("/mnt/dir/file", O_CREAT, 0, data, 100);
}

static int make_deep(void)
{
	return write_file("/mnt/dir/deep", O_CREAT, 300 << 10, data, 20000);
}

static int append(void)
{
	return write_file("/mnt/hello", O_APPEND, 0, data, 15000);
}

static int overwrite(void)
{
	return write_file("/mnt/keep/big", 0, 5000, data, 9000);
}

static int make_links(void)
{
	int err = vfs_symlink(world_fs(), NULL, "/mnt/dir/short", "hello");

	if (err == 0)
		err = vfs_symlink(world_fs(), NULL, "/mnt/dir/long", LONG_LINK);
	return err == 0 ? link_file("/mnt/hello", "/mnt/dir/linked") : err;
}

static int make_node(void)
{
	return vfs_mknod(world_fs(), NULL, "/mnt/node", S_IFCHR | 0600, MKDEV(5, 1));
}

static int make_many(void)
{
	char name[200];
	int err = 0;

	for (unsigned i = 0; err == 0 && i < 9; i++) {
		snprintf(name, sizeof(name), "/mnt/many/%0150u", i);
		err = write_file(name, O_CREAT, 0, "", 0);
	}
	return err;
}

static int cut(void)
{
	return truncate_file("/mnt/cut", 20 << 10);
}

static int cut_deep(void)
{
	return truncate_file("/mnt/sparse", 1000);
}

static int grow(void)
{
	return truncate_file("/mnt/hello", 200000);
}

static int rename_plain(void)
{
	return rename_file("/mnt/one", "/mnt/one-that-is-called-otherwise");
}

static int rename_over(void)
{
	return rename_file("/mnt/two", "/mnt/keep/victim");
}

static int rename_dir(void)
{
	return rename_file("/mnt/moves", "/mnt/keep/moved");
}

static int rename_dir_over(void)
{
	return rename_file("/mnt/moves2", "/mnt/keep/empty");
}

static int remove_file(void)
{
	return vfs_unlink(world_fs(), NULL, "/mnt/gone");
}

static int remove_deep(void)
{
	return vfs_unlink(world_fs(), NULL, "/mnt/sparse2");
}

static int remove_dir(void)
{
	return vfs_rmdir(world_fs(), NULL, "/mnt/gone-dir");
}

static int change_mode(void)
{
	return chmod_file("/mnt/hello", 0600, 5, 6);
}

static int remount(void)
{
	int err = world_mount("ext2", MS_REMOUNT | MS_RDONLY, NULL);

	return err < 0 ? err : world_mount("ext2", MS_REMOUNT, NULL);
}

static int (*const operations[])(void) = {
	make_dir, make_file, make_deep, append, overwrite, make_links, make_node, make_many, cut,
	cut_deep, grow, rename_plain, rename_over, rename_dir, rename_dir_over, remove_file,
	remove_deep, remove_dir, change_mode, remount,
};

static int make_image(void **state)
{
	(void)state;
	pattern(data, sizeof(data), 5, 0);
	assert_int_equal(shell("umask 022; mkdir -p t/keep/empty t/many t/moves/below t/moves2 "
			       "t/gone-dir && echo hello > t/hello && seq 1 9000 > t/keep/big && "
			       "cp t/keep/big t/gone && seq 1 70000 > t/cut && echo 1 > t/one && "
			       "echo 2 > t/two && cp t/keep/big t/keep/victim && "
			       "truncate -s 70M t/sparse && echo end >> t/sparse && "
			       "dd if=t/cut of=t/sparse bs=1k seek=20 conv=notrunc 2> /dev/null && "
			       "cp --sparse=always t/sparse t/sparse2 && "
			       "mke2fs -q -F -t ext2 -b 1024 -g 1024 -N 256 -E root_owner=0:0 -d t e.img 3M"
			       " > out 2>&1"), 0);
	disk_load("e.img");
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

/* What no operation touches is there as before. */
static void check_kept(void)
{
	static char buf[100000];
	static char *expected;

	if (!expected)
		expected = shell_output("cat t/keep/big");
	assert_int_equal(read_file("/mnt/keep/big", 0, buf, 5000), 5000);
	assert_memory_equal(buf, expected, 5000);
	assert_int_equal(read_file("/mnt/keep/big", 14000, buf, sizeof(buf)),
			 strlen(expected) - 14000);
	assert_memory_equal(buf, expected + 14000, strlen(expected) - 14000);
}

/* The operations once; those after the one that fails mostly work again. */
static unsigned run_all(void)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		/* With a cold cache more can fail. */
		if (i % 3 == 0)
			block_forget(&disk->bdev);
		failed += operations[i]() < 0;
	}
	return failed;
}

static int judge(const char *options)
{
	disk_store("e.img");
	return shell("e2fsck %s e.img > report 2>&1", options);
}

/* Is the volume without fault?  Most failures end in one of a few states: each is judged once. */
static bool is_clean(void)
{
	static uint64_t good[4096];
	static unsigned count;
	uint64_t hash = 14695981039346656037u, word;

	for (size_t at = 0; at + 8 <= image_size; at += 8) {
		memcpy(&word, disk->data + at, 8);
		hash = (hash ^ word ^ hash >> 29) * 1099511628211u;
	}
	for (unsigned i = 0; i < count; i++)
		if (good[i] == hash)
			return true;
	if (judge("-fn") != 0)
		return false;
	good[count++ % 4096] = hash;
	return true;
}

static void report(const char *what, unsigned n)
{
	fprintf(stderr, "%s %u fails:\n", what, n);
	(void)shell("cat report");
}

/* Run with whatever is set to fail; mounting may fail, too.  How many operations did. */
static unsigned run_once(void)
{
	unsigned failed;

	world_begin();
	disk_copy(image, image_size);
	reads = writes = 0;
	if (world_mount("ext2", 0, NULL) < 0) {
		fail_none();
		world_end();
		return 1;
	}
	failed = run_all();
	if (world_umount() < 0) {
		/* It fails as a whole, before anything happens. */
		fail_none();
		assert_int_equal(world_umount(), 0);
	}
	fail_none();
	assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
	check_kept();
	assert_int_equal(world_umount(), 0);
	world_end();
	return failed;
}

static void all_works_when_nothing_fails(void **state)
{
	(void)state;
	fail_none();
	assert_int_equal(run_once(), 0);
	if (!is_clean()) {
		report("nothing", 0);
		fail();
	}
}

static void each_allocation_fails_once(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 100000; n++) {
		long live, pages;
		bool hit;

		fail_none();
		disk_free();
		live = host_live;
		pages = host_live_pages;
		world_begin();
		disk_copy(image, image_size);
		host_fail_allocation(n);
		if (world_mount("ext2", 0, NULL) == 0) {
			run_all();
			hit = host_allocations >= n;
			if (world_umount() < 0) {
				fail_none();
				assert_int_equal(world_umount(), 0);
			}
		} else {
			hit = true;
		}
		fail_none();
		world_end();
		if (!is_clean()) {
			report("allocation", n);
			fail();
		}
		disk_free();
		assert_int_equal(host_live, live);
		assert_int_equal(host_live_pages, pages);
		if (!hit)
			return;
	}
	fail();
}

static void each_read_fails_once(void **state)
{
	unsigned total;

	(void)state;
	fail_none();
	run_once();
	total = reads;
	assert_true(total > 500);
	for (unsigned n = 1; n <= total; n++) {
		fail_none();
		fail_read = n;
		run_once();
		if (!is_clean()) {
			report("read", n);
			fail();
		}
	}
}

static void each_write_fails_once(void **state)
{
	unsigned total, found = 0;

	(void)state;
	fail_none();
	run_once();
	total = writes;
	assert_true(total > 300);
	for (unsigned n = 1; n <= total; n++) {
		fail_none();
		fail_write = n;
		run_once();
		if (is_clean())
			continue;
		found++;
		/* 1: mended. */
		if (judge("-fp") != 1) {
			report("write", n);
			fail();
		}
	}
	fprintf(stderr, "after %u of %u failed writes e2fsck had something to mend\n", found, total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_works_when_nothing_fails),
		cmocka_unit_test(each_allocation_fails_once),
		cmocka_unit_test(each_read_fails_once),
		cmocka_unit_test(each_write_fails_once),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
