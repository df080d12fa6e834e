/* SPDX-License-Identifier: MIT */
/*
 * ext2 on volumes that are broken: bytes of the metadata replaced at random, and a list of
 * particular lies.  Everything is read and much is written; what comes of it is an error or a
 * wrong file, but never a crash, an endless loop or an access outside of the volume.
 *
 * OM_SEED repeats a run, OM_STEPS makes it longer.
 */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t *image;
static size_t image_size;
static uint64_t random_state;

static uint32_t rnd(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % below);
}

static int make_image(void **state)
{
	(void)state;
	assert_int_equal(shell("umask 022; mkdir -p t/a/b/c t/many && echo hello > t/hello && "
			       "seq 1 60000 > t/big && seq 1 100 > t/a/b/c/small && "
			       "truncate -s 70M t/sparse && echo end >> t/sparse && "
			       "ln -s %0100d t/long && ln -s hello t/short && ln t/hello t/linked && "
			       "for i in $(seq 100); do : > t/many/name-of-a-file-$i; done && "
			       "mke2fs -q -F -t ext2 -b 1024 -g 512 -N 256 -E root_owner=0:0 -d t e.img 2M"
			       " > out 2>&1", 7), 0);
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

static void read_all(void)
{
	static const char *const dirs[] = {
		"/mnt", "/mnt/a", "/mnt/a/b", "/mnt/a/b/c", "/mnt/many", "/mnt/lost+found",
	};
	static const char *const files[] = {
		"/mnt/hello", "/mnt/big", "/mnt/a/b/c/small", "/mnt/linked", "/mnt/many/name-of-a-file-7",
	};
	static uint8_t buf[500000];
	struct inode inode;
	int err;

	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		free(list_dir(dirs[i], &err));
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)read_file(files[i], 0, buf, sizeof(buf));
		(void)stat_at(files[i], true, &inode);
	}
	(void)read_file("/mnt/sparse", (70 << 20) - 5000, buf, 10000);
	(void)read_link("/mnt/long", (char *)buf, 4095);
	(void)read_link("/mnt/short", (char *)buf, 4095);
}

static void write_all(void)
{
	struct fs_struct *fs = world_fs();
	char name[300];

	(void)write_file("/mnt/new", O_CREAT, 400 << 10, "data", 4);
	(void)write_file("/mnt/hello", O_APPEND, 0, name, sizeof(name));
	(void)write_file("/mnt/big", 0, 200000, name, sizeof(name));
	(void)vfs_mkdir(fs, NULL, "/mnt/a/new", 0755);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "/mnt/many/%0200u", i);
		(void)write_file(name, O_CREAT, 0, "x", 1);
	}
	(void)rename_file("/mnt/a/b", "/mnt/many/b");
	(void)rename_file("/mnt/hello", "/mnt/a/new/hello");
	(void)rename_file("/mnt/short", "/mnt/linked");
	(void)vfs_unlink(fs, NULL, "/mnt/long");
	(void)truncate_file("/mnt/big", 30000);
	(void)vfs_unlink(fs, NULL, "/mnt/sparse");
	(void)vfs_unlink(fs, NULL, "/mnt/big");
	for (unsigned i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "/mnt/many/name-of-a-file-%u", i);
		(void)vfs_unlink(fs, NULL, name);
	}
	(void)vfs_rmdir(fs, NULL, "/mnt/lost+found");
	(void)vfs_sync(NULL);
}

/* What can be done with the disk as it is now: how many of the mounts worked. */
static unsigned try_all(void)
{
	unsigned mounted = 0;

	world_begin();
	if (world_mount("ext2", MS_RDONLY, NULL) == 0) {
		read_all();
		assert_int_equal(world_umount(), 0);
		mounted++;
	}
	if (world_mount("ext2", 0, NULL) == 0) {
		read_all();
		write_all();
		assert_int_equal(world_umount(), 0);
		mounted++;
	}
	world_end();
	return mounted;
}

/* A random number of the kind that is likely to do harm. */
static uint32_t bad_number(void)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 3, 7, 8, 11, 12, 0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x400, 0x7ff, 0x800,
		0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	return rnd(2) ? numbers[rnd(24)] : rnd(4096);
}

/* Blocks with metadata in them: the groups' own, directories, indirect blocks. */
static size_t random_place(void)
{
	uint32_t group = rnd((uint32_t)(image_size / 1024 / 512) + 1);
	size_t start = 1024 + group * 512 * 1024, at;

	switch (rnd(4)) {
	case 0: at = 1024 + rnd(200); break;				/* superblock */
	case 1: at = 2048 + rnd(32 * 4); break;				/* descriptors */
	case 2: at = start + rnd(30 * 1024); break;			/* bitmaps, inodes */
	default: at = start + rnd(512 * 1024); break;
	}
	return at < image_size - 4 ? at : 1024;
}

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

static void random_metadata_does_no_harm(void **state)
{
	unsigned seed = number_from("OM_SEED", 1), steps = number_from("OM_STEPS", 2000);
	unsigned mounted = 0;

	(void)state;
	for (unsigned i = 0; i < steps; i++) {
		unsigned changes;

		random_state = 0x9e3779b97f4a7c15u * (seed * 1000003u + i + 1);
		disk_copy(image, image_size);
		changes = 1 + rnd(12);
		while (changes-- > 0) {
			size_t at = random_place();
			uint32_t value = bad_number();

			memcpy(disk->data + (rnd(2) ? at & ~(size_t)3 : at), &value, 1u << rnd(3));
		}
		mounted += try_all();
	}
	/* Else nothing but the superblock would be tested. */
	assert_true(mounted > steps / 2);
}

/* Directories in which every entry or length is the same wrong one. */
static void directories_are_not_trusted(void **state)
{
	static const uint16_t lengths[] = {
		0, 1, 4, 7, 8, 10, 11, 12, 13, 1012, 1016, 1020, 1023, 1024, 1028, 65532, 65535,
	};
	uint8_t *entry;

	(void)state;
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (unsigned name = 0; name < 3; name++) {
			disk_copy(image, image_size);
			/* The root's block: "." comes first, with the number 2. */
			entry = NULL;
			for (size_t at = 1024; !entry && at < image_size; at += 1024)
				if (memcmp(disk->data + at, "\2\0\0\0\14\0\1\2.\0\0\0\2\0\0\0\14\0\2\2..", 22) == 0)
					entry = disk->data + at;
			assert_non_null(entry);
			entry += name * 12;
			memcpy(entry + 4, &lengths[i], 2);
			try_all();
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_metadata_does_no_harm),
		cmocka_unit_test(directories_are_not_trusted),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
