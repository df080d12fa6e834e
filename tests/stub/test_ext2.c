/* SPDX-License-Identifier: MIT */
/* ext2: what mke2fs made is read, what is written pleases e2fsck and debugfs. */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LINK_59 "12345678901234567890123456789012345678901234567890123456789"
#define LINK_60 LINK_59 "x"

/* Kinds of file systems that all must behave alike. */
static const char *const kinds[] = {
	"-t ext2 -b 1024",
	"-t ext2 -b 2048",
	"-t ext2 -b 4096",
	"-t ext2 -b 1024 -r 0",
	"-t ext2 -b 1024 -I 128 -O ^dir_index,^sparse_super,^filetype,^resize_inode",
	"-t ext2 -b 1024 -g 1024 -N 1024",
	"-t ext3 -b 1024",
};

static int make_tree(void **state)
{
	(void)state;
	return shell("umask 022 && mkdir -p t/bin t/deep/er t/many && echo hello > t/hello && "
		     "chmod 4751 t/hello && ln t/hello t/bin/linked && ln -s hello t/fast && "
		     "ln -s %s t/fifty-nine && ln -s %s t/sixty && seq 1 60000 > t/deep/er/numbers && "
		     "truncate -s 3M t/sparse && printf end >> t/sparse && mkfifo t/pipe && "
		     "chmod 1777 t/deep && for i in $(seq 1 200); do "
		     "echo $i > t/many/a-rather-long-name-for-a-file-$i; done", LINK_59, LINK_60);
}

static int drop_tree(void **state)
{
	(void)state;
	disk_free();
	return 0;
}

static void make_image(const char *options, const char *size)
{
	assert_int_equal(shell("rm -f e.img; mke2fs -q -F %s -E root_owner=0:0 -d t e.img %s > out 2>&1 || { cat out; false; }",
			       options, size), 0);
	disk_load("e.img");
}

static void check_contents(void)
{
	static char buf[4 << 20];
	char *expected = shell_output("cat t/deep/er/numbers"), *names;
	struct inode a, b;
	int err;

	names = list_dir("/mnt", &err);
	assert_int_equal(err, 0);
	assert_string_equal(names, "bin\ndeep\nfast\nfifty-nine\nhello\nlost+found\nmany\npipe\n"
			    "sixty\nsparse\n");
	free(names);
	names = list_dir("/mnt/many", &err);
	assert_int_equal(err, 0);
	char *listed = shell_output("ls t/many | LC_ALL=C sort");
	assert_string_equal(names, listed);
	free(listed);
	free(names);

	assert_int_equal(read_file("/mnt/hello", 0, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "hello\n", 6);
	assert_int_equal(read_file("/mnt/deep/er/numbers", 0, buf, sizeof(buf)), strlen(expected));
	assert_memory_equal(buf, expected, strlen(expected));
	for (unsigned pos = 0; pos + 5000 < strlen(expected); pos += 4999) {
		assert_int_equal(read_file("/mnt/deep/er/numbers", pos, buf, 5000), 5000);
		assert_memory_equal(buf, expected + pos, 5000);
	}
	free(expected);
	assert_int_equal(read_file("/mnt/sparse", 0, buf, sizeof(buf)), (3 << 20) + 3);
	for (unsigned i = 0; i < 3 << 20; i++)
		assert_int_equal(buf[i], 0);
	assert_memory_equal(buf + (3 << 20), "end", 3);

	assert_int_equal(read_link("/mnt/fast", buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(read_link("/mnt/fifty-nine", buf, sizeof(buf)), 59);
	assert_memory_equal(buf, LINK_59, 59);
	assert_int_equal(read_link("/mnt/sixty", buf, sizeof(buf)), 60);
	assert_memory_equal(buf, LINK_60, 60);

	assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
	assert_int_equal(stat_at("/mnt/bin/linked", true, &b), 0);
	assert_int_equal(a.ino, b.ino);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(a.mode, S_IFREG | 04751);
	assert_int_equal(stat_at("/mnt/deep", true, &a), 0);
	assert_int_equal(a.mode, S_IFDIR | 01777);
	assert_int_equal(a.nlink, 3);
	assert_int_equal(stat_at("/mnt/pipe", true, &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFIFO);
	assert_int_equal(stat_at("/mnt/fast", true, &a), 0);
	assert_int_equal(a.size, 6);
	assert_int_equal(stat_at("/mnt/missing", true, &a), -ENOENT);
}

static void trees_of_mke2fs_are_read(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		make_image(kinds[i], "16M");
		disk->bdev.readonly = true;
		world_begin();
		assert_int_equal(world_mount("ext2", 0, NULL), -EACCES);
		assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
		check_contents();
		assert_int_equal(write_file("/mnt/hello", 0, 0, "x", 1), -EROFS);
		assert_int_equal(world_umount(), 0);
		world_end();
		assert_int_equal(disk->writes, 0);
	}
}

/* Owners and devices, which only debugfs can make without being root. */
static void owners_and_devices(void **state)
{
	struct inode a;
	char *text;

	(void)state;
	make_image("-t ext2 -b 1024", "8M");
	assert_int_equal(shell("printf 'mknod tty c 5 1\\nmknod vda b 254 3\\n"
			       "mknod big b 1 1\\nsif big block[0] 0\\n"
			       "sif big block[1] 0x11112c70\\nsif hello uid 1000\\nsif hello gid 70000\\n'"
			       " | debugfs -w -f - e.img > /dev/null 2>&1"), 0);
	disk_load("e.img");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(stat_at("/mnt/tty", true, &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFCHR);
	assert_int_equal(a.rdev, MKDEV(5, 1));
	assert_int_equal(stat_at("/mnt/vda", true, &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFBLK);
	assert_int_equal(a.rdev, MKDEV(254, 3));
	assert_int_equal(stat_at("/mnt/big", true, &a), 0);
	assert_int_equal(a.rdev, MKDEV(300, 70000));
	assert_int_equal(stat_at("/mnt/hello", true, &a), 0);
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.gid, 70000);

	assert_int_equal(vfs_mknod(world_fs(), NULL, "/mnt/n1", S_IFCHR | 0620, MKDEV(4, 64)), 0);
	assert_int_equal(vfs_mknod(world_fs(), NULL, "/mnt/n2", S_IFBLK | 0600,
				   MKDEV(259, 0x12345)), 0);
	assert_int_equal(vfs_mknod(world_fs(), NULL, "/mnt/n3", S_IFIFO | 0644, 0), 0);
	assert_int_equal(chmod_file("/mnt/sparse", 06640, 65534, 100000), 0);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
	text = shell_output("debugfs -R 'ls -l /' e.img 2> /dev/null | "
			    "awk '$NF ~ /^(n[123]|sparse)$/ {print $NF, $2, $4, $5}' | sort");
	assert_string_equal(text, "n1 20620 0 0\nn2 60600 0 0\nn3 10644 0 0\n"
			    "sparse 106640 65534 100000\n");
	free(text);
	text = shell_output("for n in n1 n2; do debugfs -R \"stat /$n\" e.img 2> /dev/null; done | "
			    "grep -i 'device m' | tr -s ' '");
	assert_non_null(strstr(text, "04:64"));
	assert_non_null(strstr(text, "259:74565"));
	free(text);
}

static void refusals_name_the_feature(void **state)
{
	static const struct { const char *options; unsigned flags; int err; } cases[] = {
		{ "-t ext4", 0, -EROFS },
		{ "-t ext4", MS_RDONLY, 0 },
		{ "-t ext2 -O extents", MS_RDONLY, 0 },
		{ "-t ext2 -O inline_data", MS_RDONLY, -EINVAL },
		{ "-t ext2 -O flex_bg", 0, -EROFS },
		{ "-t ext2 -O meta_bg,^resize_inode", MS_RDONLY, -EINVAL },
		{ "-t ext2 -O huge_file", 0, -EROFS },
		{ "-t ext2 -O huge_file", MS_RDONLY, 0 },
		{ "-t ext2 -O metadata_csum", 0, -EROFS },
		{ "-t ext2 -O metadata_csum", MS_RDONLY, 0 },
		{ "-t ext2 -O quota", 0, -EROFS },
		{ "-t ext2 -O bigalloc,extents -C 8192", 0, -EINVAL },
		{ "-t ext2 -b 1024", 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		make_image(cases[i].options, "16M");
		world_begin();
		assert_int_equal(world_mount("ext2", cases[i].flags, NULL), cases[i].err);
		if (cases[i].err == 0)
			assert_int_equal(world_umount(), 0);
		else
			assert_int_equal(disk->writes, 0);
		world_end();
	}
	/* A journal that holds changes. */
	make_image("-t ext3", "16M");
	disk->data[1024 + 96] |= 4;
	world_begin();
	assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), -EINVAL);
	world_end();
	make_image("-t ext2", "8M");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, "errors=continue,noacl"), 0);
	assert_int_equal(world_umount(), 0);
	assert_int_equal(world_mount("ext2", 0, "data=journal"), -EINVAL);
	assert_int_equal(world_mount("romfs", MS_RDONLY, NULL), -EINVAL);
	disk->data[1024 + 56] = 0;
	block_forget(&disk->bdev);
	assert_int_equal(world_mount("ext2", 0, NULL), -EINVAL);
	world_end();
}

static unsigned state_on_disk(void)
{
	return disk->data[1024 + 58];
}

static void clean_and_not_clean(void **state)
{
	(void)state;
	make_image("-t ext2 -b 1024", "8M");
	world_begin();
	assert_int_equal(state_on_disk(), 1);
	assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
	assert_int_equal(state_on_disk(), 1);
	assert_int_equal(world_mount("ext2", MS_REMOUNT, NULL), 0);
	block_sync(&disk->bdev);
	assert_int_equal(state_on_disk(), 0);
	assert_int_equal(write_file("/mnt/new", O_CREAT, 0, "new", 3), 3);
	assert_int_equal(world_mount("ext2", MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(state_on_disk(), 1);
	assert_int_equal(write_file("/mnt/more", O_CREAT, 0, "new", 3), -EROFS);
	assert_int_equal(e2fsck("e.img"), 0);
	assert_int_equal(world_mount("ext2", MS_REMOUNT, NULL), 0);
	assert_int_equal(world_umount(), 0);
	assert_int_equal(state_on_disk(), 1);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
	/* What was not clean before does not become clean by being mounted. */
	disk->data[1024 + 58] = 0;
	block_forget(&disk->bdev);
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(world_umount(), 0);
	assert_int_equal(state_on_disk(), 0);
	world_end();
}

/* The file grows through direct, indirect, double and triple indirect blocks. */
static void write_at_all_depths(uint64_t blocksize)
{
	uint64_t p = blocksize / 4;
	const uint64_t blocks[] = {
		0, 11, 12, 12 + p - 1, 12 + p, 12 + 2 * p, 12 + p + p * p - 1, 12 + p + p * p,
		12 + p + p * p + p + 3,
	};
	uint8_t buf[7000], got[7000];
	struct inode inode;

	for (unsigned i = 0; i < COUNT(blocks); i++) {
		uint64_t pos = blocks[i] * blocksize + 13;

		pattern(buf, 600, 7, pos);
		assert_int_equal(write_file("/mnt/deep-file", O_CREAT, pos, buf, 600), 600);
	}
	for (unsigned i = 0; i < COUNT(blocks); i++) {
		uint64_t pos = blocks[i] * blocksize + 13;

		pattern(buf, 600, 7, pos);
		assert_int_equal(read_file("/mnt/deep-file", pos, got, 600), 600);
		assert_memory_equal(got, buf, 600);
	}
	/* A hole in front, zeros. */
	assert_int_equal(read_file("/mnt/deep-file", 3 * blocksize, got, 100), 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(got[i], 0);
	/* And shorter, step by step. */
	for (unsigned i = COUNT(blocks); i-- > 0;) {
		uint64_t size = blocks[i] * blocksize + 100;

		assert_int_equal(truncate_file("/mnt/deep-file", size), 0);
		assert_int_equal(stat_at("/mnt/deep-file", true, &inode), 0);
		assert_int_equal(inode.size, size);
		pattern(buf, 87, 7, size - 87);
		assert_int_equal(read_file("/mnt/deep-file", size - 87, got, 600), 87);
		assert_memory_equal(got, buf, 87);
		assert_int_equal(vfs_sync(NULL), 0);
		if (blocksize == 1024)
			assert_int_equal(e2fsck("e.img"), 0);
	}
	/* Growing again shows zeros, not what was cut off. */
	assert_int_equal(truncate_file("/mnt/deep-file", 5000), 0);
	assert_int_equal(read_file("/mnt/deep-file", 100, got, 6000), 4900);
	for (unsigned i = 0; i < 4900; i++)
		assert_int_equal(got[i], 0);
	assert_int_equal(truncate_file("/mnt/deep-file", 0), 0);
	assert_int_equal(stat_at("/mnt/deep-file", true, &inode), 0);
	assert_int_equal(inode.blocks, 0);
}

static void files_of_all_depths(void **state)
{
	static const struct { const char *options; unsigned size; } cases[] = {
		{ "-t ext2 -b 1024", 1024 }, { "-t ext2 -b 2048", 2048 },
		{ "-t ext2 -b 4096", 4096 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		make_image(cases[i].options, "8M");
		world_begin();
		assert_int_equal(world_mount("ext2", 0, NULL), 0);
		write_at_all_depths(cases[i].size);
		assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/deep-file"), 0);
		assert_int_equal(write_file("/mnt/x", O_CREAT, 1ull << 62, "x", 1), -EFBIG);
		assert_int_equal(truncate_file("/mnt/x", 1ull << 62), -EFBIG);
		assert_int_equal(world_umount(), 0);
		world_end();
		assert_int_equal(e2fsck("e.img"), 0);
	}
}

static void free_counts(struct kstatfs *ret)
{
	struct path path;

	assert_int_equal(path_walk(world_fs(), NULL, "/mnt", 0, &path), 0);
	assert_int_equal(path.dentry->sb->ops->statfs(path.dentry->sb, ret), 0);
	path_put(&path);
}

static void names_come_and_go(void **state)
{
	struct fs_struct *fs = world_fs();
	struct kstatfs before, after;
	char name[300], text[2000];
	struct inode a;
	int err;

	(void)state;
	for (unsigned kind = 0; kind < COUNT(kinds); kind++) {
		make_image(kinds[kind], "16M");
		world_begin();
		assert_int_equal(world_mount("ext2", 0, NULL), 0);
		free_counts(&before);
		assert_int_equal(vfs_mkdir(fs, NULL, "/mnt/d", 0750), 0);
		assert_int_equal(vfs_mkdir(fs, NULL, "/mnt/d/e", 0700), 0);
		assert_int_equal(vfs_mkdir(fs, NULL, "/mnt/d", 0750), -EEXIST);
		assert_int_equal(write_file("/mnt/d/f", O_CREAT | O_EXCL, 0, "file f", 6), 6);
		assert_int_equal(link_file("/mnt/d/f", "/mnt/d/e/g"), 0);
		assert_int_equal(vfs_symlink(fs, NULL, "/mnt/d/s", "../d/f"), 0);
		assert_int_equal(vfs_symlink(fs, NULL, "/mnt/d/l", LINK_60), 0);
		assert_int_equal(read_link("/mnt/d/l", text, sizeof(text)), 60);
		assert_memory_equal(text, LINK_60, 60);
		assert_int_equal(read_file("/mnt/d/s", 0, text, 10), 6);
		assert_memory_equal(text, "file f", 6);
		assert_int_equal(vfs_rmdir(fs, NULL, "/mnt/d"), -ENOTEMPTY);
		/* Many entries: the directory gets more blocks, and keeps them. */
		for (unsigned i = 0; i < 300; i++) {
			snprintf(name, sizeof(name), "/mnt/d/e/%0250u", i);
			assert_int_equal(write_file(name, O_CREAT, 0, "", 0), 0);
		}
		memset(name, 'n', sizeof(name));
		memcpy(name, "/mnt/", 5);
		name[5 + 256] = '\0';
		assert_int_equal(write_file(name, O_CREAT, 0, "", 0), -ENAMETOOLONG);
		/* Renaming: within, across, over. */
		assert_int_equal(rename_file("/mnt/d/f", "/mnt/d/f2"), 0);
		assert_int_equal(rename_file("/mnt/d/e", "/mnt/many/e"), 0);
		assert_int_equal(stat_at("/mnt/many/e/..", true, &a), 0);
		assert_int_equal(stat_at("/mnt/many/e/g", true, &a), 0);
		assert_int_equal(a.nlink, 2);
		assert_int_equal(rename_file("/mnt/d/f2", "/mnt/many/e/g"), 0);
		assert_int_equal(rename_file("/mnt/d/s", "/mnt/d/f2"), 0);
		assert_int_equal(read_link("/mnt/d/f2", text, sizeof(text)), 6);
		assert_int_equal(rename_file("/mnt/many/e", "/mnt/many/e/below"), -EINVAL);
		assert_int_equal(vfs_mkdir(fs, NULL, "/mnt/d/over", 0700), 0);
		assert_int_equal(rename_file("/mnt/d/over", "/mnt/many/e"), -ENOTEMPTY);
		assert_int_equal(vfs_mkdir(fs, NULL, "/mnt/many/empty", 0700), 0);
		assert_int_equal(rename_file("/mnt/d/over", "/mnt/many/empty"), 0);
		assert_int_equal(vfs_sync(NULL), 0);
		assert_int_equal(e2fsck("e.img"), 0);
		/* And all away. */
		for (unsigned i = 0; i < 300; i++) {
			snprintf(name, sizeof(name), "/mnt/many/e/%0250u", i);
			assert_int_equal(vfs_unlink(fs, NULL, name), 0);
		}
		assert_int_equal(vfs_unlink(fs, NULL, "/mnt/many/e/g"), 0);
		/* Only one of its two names could be renamed over the other: nothing happened. */
		err = vfs_unlink(fs, NULL, "/mnt/d/f2");
		assert_int_equal(err, 0);
		assert_int_equal(vfs_unlink(fs, NULL, "/mnt/d/l"), 0);
		assert_int_equal(vfs_rmdir(fs, NULL, "/mnt/many/e"), 0);
		assert_int_equal(vfs_rmdir(fs, NULL, "/mnt/many/empty"), 0);
		err = vfs_rmdir(fs, NULL, "/mnt/d");
		assert_int_equal(err, 0);
		free_counts(&after);
		assert_int_equal(after.bfree, before.bfree);
		assert_int_equal(after.ffree, before.ffree);
		assert_int_equal(world_umount(), 0);
		world_end();
		assert_int_equal(e2fsck("e.img"), 0);
	}
}

/* A file that is open lives on without a name, and its blocks come back at the last close. */
static void open_files_outlive_their_names(void **state)
{
	uint8_t buf[100];
	struct kstatfs before, after;
	struct file *file;
	uint64_t pos = 0;
	struct uio uio;

	(void)state;
	make_image("-t ext2 -b 1024", "8M");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	free_counts(&before);
	assert_int_equal(file_open(world_fs(), NULL, "/mnt/o", O_RDWR | O_CREAT, 0600, &file), 0);
	assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/o"), 0);
	for (unsigned i = 0; i < 50; i++) {
		pattern(buf, sizeof(buf), 3, pos);
		uio = uio_kernel(buf, sizeof(buf));
		assert_int_equal(file_write(file, &uio, &pos), sizeof(buf));
	}
	pos = 4900;
	uio = uio_kernel(buf, sizeof(buf));
	assert_int_equal(file_read(file, &uio, &pos), sizeof(buf));
	assert_int_equal(world_mount("ext2", MS_REMOUNT | MS_RDONLY, NULL), -EBUSY);
	assert_int_equal(world_umount(), -EBUSY);
	free_counts(&after);
	assert_true(after.bfree < before.bfree);
	file_put(file);
	free_counts(&after);
	assert_int_equal(after.bfree, before.bfree);
	assert_int_equal(after.ffree, before.ffree);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
}

static void a_full_volume_stays_whole(void **state)
{
	static uint8_t buf[10000];
	char name[64];
	int n, err = 0;

	(void)state;
	make_image("-t ext2 -b 1024 -N 400", "6M");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	/* No inodes left. */
	for (unsigned i = 0; err == 0 && i < 1000; i++) {
		snprintf(name, sizeof(name), "/mnt/i%u", i);
		err = write_file(name, O_CREAT, 0, "", 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(vfs_mkdir(world_fs(), NULL, "/mnt/no", 0755), -ENOSPC);
	/* No blocks left. */
	for (uint64_t pos = 0;; pos += (unsigned)n) {
		n = write_file("/mnt/i1", 0, pos, buf, sizeof(buf));
		if (n < 0)
			break;
	}
	assert_int_equal(n, -ENOSPC);
	assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/i2"), 0);
	assert_int_equal(vfs_mkdir(world_fs(), NULL, "/mnt/no", 0755), -ENOSPC);
	assert_int_equal(vfs_symlink(world_fs(), NULL, "/mnt/no", LINK_60), -ENOSPC);
	assert_int_equal(vfs_symlink(world_fs(), NULL, "/mnt/yes", LINK_59), 0);
	assert_int_equal(vfs_sync(NULL), 0);
	assert_int_equal(e2fsck("e.img"), 0);
	assert_int_equal(truncate_file("/mnt/i1", 0), 0);
	assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/yes"), 0);
	assert_int_equal(vfs_mkdir(world_fs(), NULL, "/mnt/no", 0755), 0);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
}

/* Deleting a file lets go of its block of extended attributes. */
static void attributes_go_with_their_file(void **state)
{
	(void)state;
	make_image("-t ext2 -b 1024 -I 128", "8M");
	assert_int_equal(shell("debugfs -w -R 'ea_set hello user.a b' e.img > /dev/null 2>&1"), 0);
	disk_load("e.img");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/hello"), 0);
	assert_int_equal(vfs_unlink(world_fs(), NULL, "/mnt/bin/linked"), 0);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
}

/* Files of 2 GiB and more are marked in the superblock. */
static void large_files(void **state)
{
	struct inode inode;

	(void)state;
	make_image("-t ext2 -b 4096 -O ^large_file,^resize_inode", "8M");
	assert_int_equal(disk->data[1024 + 100] & 2, 0);
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(write_file("/mnt/large", O_CREAT, 5ull << 30, "x", 1), 1);
	assert_int_equal(world_umount(), 0);
	assert_int_equal(disk->data[1024 + 100] & 2, 2);
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(stat_at("/mnt/large", true, &inode), 0);
	assert_int_equal(inode.size, (5ull << 30) + 1);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
	make_image("-t ext2 -r 0 -b 4096", "8M");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	assert_int_equal(write_file("/mnt/large", O_CREAT, 5ull << 30, "x", 1), -EFBIG);
	assert_int_equal(world_umount(), 0);
	world_end();
}

/* A directory with a hash tree is read as a list, and the tree is dropped when it is written. */
static void hash_trees_are_lists(void **state)
{
	char name[64];
	int err;

	(void)state;
	make_image("-t ext2 -b 1024 -O dir_index", "8M");
	assert_int_equal(shell("e2fsck -fyD e.img > /dev/null 2>&1; "
			       "debugfs -R 'stat /many' e.img 2>/dev/null | grep -q 'Flags: 0x1000'"), 0);
	disk_load("e.img");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	check_contents();
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "/mnt/many/new-%u", i);
		assert_int_equal(write_file(name, O_CREAT, 0, "x", 1), 1);
		snprintf(name, sizeof(name), "/mnt/many/a-rather-long-name-for-a-file-%u", i * 3 + 1);
		assert_int_equal(vfs_unlink(world_fs(), NULL, name), 0);
	}
	free(list_dir("/mnt/many", &err));
	assert_int_equal(err, 0);
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
}

/* Runs of blocks are read at once, and page by page the disk is still asked for much at a time. */
static void reading_takes_few_requests(void **state)
{
	static uint8_t buf[1 << 20];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		unsigned long before;

		make_image(kinds[i], "8M");
		world_begin();
		assert_int_equal(world_mount("ext2", 0, NULL), 0);
		for (unsigned pos = 0; pos < sizeof(buf); pos += 10000) {
			unsigned n = sizeof(buf) - pos < 10000 ? (unsigned)sizeof(buf) - pos : 10000;

			pattern(buf, n, 9, pos);
			assert_int_equal(write_file("/mnt/file", O_CREAT, pos, buf, n), n);
		}
		assert_int_equal(world_umount(), 0);
		block_forget(&disk->bdev);
		assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
		before = disk->reads;
		for (unsigned pos = 0; pos < sizeof(buf); pos += 4096)
			assert_int_equal(read_file("/mnt/file", pos, buf, 4096), 4096);
		/* 16 pages in a request, and the way there. */
		assert_in_range(disk->reads - before, 16, 40);
		assert_int_equal(world_umount(), 0);
		block_forget(&disk->bdev);
		assert_int_equal(world_mount("ext2", MS_RDONLY, NULL), 0);
		before = disk->reads;
		assert_int_equal(read_file("/mnt/file", 0, buf, sizeof(buf)), sizeof(buf));
		assert_in_range(disk->reads - before, 16, 30);
		assert_int_equal(world_umount(), 0);
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_of_mke2fs_are_read),
		cmocka_unit_test(owners_and_devices),
		cmocka_unit_test(refusals_name_the_feature),
		cmocka_unit_test(clean_and_not_clean),
		cmocka_unit_test(files_of_all_depths),
		cmocka_unit_test(names_come_and_go),
		cmocka_unit_test(open_files_outlive_their_names),
		cmocka_unit_test(a_full_volume_stays_whole),
		cmocka_unit_test(attributes_go_with_their_file),
		cmocka_unit_test(large_files),
		cmocka_unit_test(hash_trees_are_lists),
		cmocka_unit_test(reading_takes_few_requests),
	};

	return cmocka_run_group_tests(tests, make_tree, drop_tree);
}
