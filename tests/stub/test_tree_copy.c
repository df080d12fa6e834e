/* SPDX-License-Identifier: MIT */
/*
 * Whole trees in and out of images, for tests/host/test_file_systems.py:
 *
 *	test_tree_copy OUT dump TYPE IMAGE	a line for everything, to be compared with lstat()
 *	test_tree_copy OUT fill IMAGE < LIST	make what the list says in an ext2 image
 *
 * Without arguments it tests itself.
 */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PATH 2048

static FILE *out;

static void load(const char *path)
{
	disk_free();
	disk = host_disk_open("disk", MKDEV(254, 0), path);
	assert_non_null(disk);
}

static uint64_t hash_of(const char *path, uint64_t size)
{
	static uint8_t buf[1 << 16];
	uint64_t hash = 14695981039346656037u, pos = 0;

	while (pos < size) {
		int n = read_file(path, pos, buf, sizeof(buf));

		assert_true(n > 0);
		for (int i = 0; i < n; i++)
			hash = (hash ^ buf[i]) * 1099511628211u;
		pos += (uint64_t)n;
	}
	return hash;
}

/* PATH below /mnt as a line; the root is "/". */
static void dump_one(const char *path)
{
	char text[4097];
	struct inode inode;
	int n;

	assert_int_equal(stat_at(path, false, &inode), 0);
	fprintf(out, "%s\t%o\t%u\t%u\t%u\t%u:%u\t%llu\t%lld\t", path[4] ? path + 4 : "/", inode.mode,
		inode.uid, inode.gid, inode.nlink, MAJOR(inode.rdev), MINOR(inode.rdev),
		S_ISREG(inode.mode) ? (unsigned long long)inode.size : 0ull,
		(long long)inode.mtime.sec);
	if (S_ISREG(inode.mode)) {
		fprintf(out, "%016llx\n", (unsigned long long)hash_of(path, inode.size));
	} else if (S_ISLNK(inode.mode)) {
		n = read_link(path, text, sizeof(text) - 1);
		assert_true(n > 0);
		text[n] = '\0';
		fprintf(out, "%s\n", text);
	} else {
		fprintf(out, "-\n");
	}
}

/* Everything below /mnt; a list of what is still to do in place of a recursion. */
static void dump_all(void)
{
	char *todo = strdup("/mnt\n"), path[PATH];

	while (*todo) {
		char *end = strchr(todo, '\n'), *names, *more;
		struct inode inode;
		size_t size;
		int err;

		assert_true(end - todo < (long)sizeof(path) - 300);
		snprintf(path, sizeof(path), "%.*s", (int)(end - todo), todo);
		memmove(todo, end + 1, strlen(end));
		dump_one(path);
		assert_int_equal(stat_at(path, false, &inode), 0);
		if (!S_ISDIR(inode.mode))
			continue;
		names = list_dir(path, &err);
		assert_int_equal(err, 0);
		size = strlen(todo) + strlen(names) * (strlen(path) + 2) + 1;
		more = malloc(size);
		assert_non_null(more);
		more[0] = '\0';
		size = 0;
		for (char *name = names; *name; name = strchr(name, '\n') + 1)
			size += (size_t)snprintf(more + size, PATH, "%s/%.*s\n", path,
						(int)(strchr(name, '\n') - name), name);
		memcpy(more + size, todo, strlen(todo) + 1);
		free(names);
		free(todo);
		todo = more;
	}
	free(todo);
}

static void dump(const char *type, const char *image)
{
	load(image);
	world_begin();
	assert_int_equal(world_mount(type, MS_RDONLY, NULL), 0);
	dump_all();
	assert_int_equal(world_umount(), 0);
	world_end();
	disk_free();
}

/* -- filling ------------------------------------------------------------------------------------------ */

static void copy_contents(FILE *in, const char *path, size_t size)
{
	static uint8_t buf[100000];
	uint64_t pos = 0;

	assert_int_equal(write_file(path, O_CREAT | O_EXCL, 0, "", 0), 0);
	while (size > 0) {
		size_t n = fread(buf, 1, size < sizeof(buf) ? size : sizeof(buf), in);

		assert_true(n > 0);
		assert_int_equal(write_file(path, 0, pos, buf, n), n);
		pos += n;
		size -= n;
	}
}

/*
 * "TYPE MODE UID GID A B PATH\n" and for
 *	f: A bytes of contents		l: a line with the text		h: a line with the other name
 *	d: a directory			n: a device A:B or a FIFO
 */
static void fill_from(FILE *in)
{
	char line[PATH], path[PATH + 8], more[PATH];
	struct fs_struct *fs = world_fs();

	while (fgets(line, sizeof(line), in)) {
		unsigned mode, uid, gid, a, b;
		int at = 0, err = 0;
		char type;

		assert_int_equal(sscanf(line, "%c %o %u %u %u %u %n", &type, &mode, &uid, &gid, &a, &b,
					&at), 6);
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, sizeof(path), "/mnt%s", line + at);
		more[0] = '\0';
		if (type == 'l' || type == 'h')
			assert_non_null(fgets(more, sizeof(more), in));
		more[strcspn(more, "\n")] = '\0';
		if (type == 'f') {
			copy_contents(in, path, a);
		} else if (type == 'd') {
			err = vfs_mkdir(fs, NULL, path, 0700);
		} else if (type == 'l') {
			err = vfs_symlink(fs, NULL, path, more);
		} else if (type == 'n') {
			err = vfs_mknod(fs, NULL, path, mode, MKDEV(a, b));
		} else {
			char old[PATH + 8];

			snprintf(old, sizeof(old), "/mnt%s", more);
			err = link_file(old, path);
		}
		assert_int_equal(err, 0);
		if (type != 'h')
			assert_int_equal(chmod_file(path, mode & 07777, uid, gid), 0);
	}
}

static void fill(const char *image, FILE *in)
{
	FILE *file;
	size_t size;

	load(image);
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	fill_from(in);
	assert_int_equal(world_umount(), 0);
	world_end();
	file = fopen(image, "wb");
	assert_non_null(file);
	size = disk->bdev.sectors * SECTOR_SIZE;
	assert_int_equal(fwrite(disk->data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	disk_free();
}

static void what_is_filled_is_dumped(void **state)
{
	static char list[] = "d 755 1 2 0 0 /dir\nf 4711 3 4 6 0 /dir/file\nhello\n"
			     "l 777 0 0 0 0 /link\n../text\nh 0 0 0 0 0 /other\n/dir/file\n"
			     "n 20600 0 0 5 1 /tty\n";
	char image[200], *text = NULL;
	size_t size;
	FILE *in;

	(void)state;
	assert_int_equal(shell("mke2fs -q -F -t ext2 -b 1024 -E root_owner=0:0 e.img 1M > out 2>&1"), 0);
	snprintf(image, sizeof(image), "%s/e.img", scratch());
	in = fmemopen(list, sizeof(list) - 1, "r");
	assert_non_null(in);
	fill(image, in);
	fclose(in);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	dump("ext2", image);
	fclose(out);
	assert_non_null(strstr(text, "/dir\t40755\t1\t2\t2\t0:0\t0\t"));
	assert_non_null(strstr(text, "/dir/file\t104711\t3\t4\t2\t0:0\t6\t"));
	assert_non_null(strstr(text, "/other\t104711\t3\t4\t2\t0:0\t6\t"));
	assert_non_null(strstr(text, "\t../text\n"));
	assert_non_null(strstr(text, "/tty\t20600\t0\t0\t1\t5:1\t0\t"));
	free(text);
}

/* Also from the command line a failed check ends in cmocka, which says where. */
static const char *const *arguments;

static void obey(void **state)
{
	(void)state;
	out = fopen(arguments[0], "w");
	assert_non_null(out);
	if (strcmp(arguments[1], "dump") == 0)
		dump(arguments[2], arguments[3]);
	else
		fill(arguments[2], stdin);
	fclose(out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest own[] = { cmocka_unit_test(what_is_filled_is_dumped) };
	const struct CMUnitTest told[] = { cmocka_unit_test(obey) };

	if (argc < 4)
		return cmocka_run_group_tests(own, NULL, NULL);
	/* OUTPUT COMMAND ARGUMENTS... */
	arguments = (const char *const *)argv + 1;
	return cmocka_run_group_tests(told, NULL, NULL);
}
