/* SPDX-License-Identifier: MIT */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct host_disk *disk;
static struct mnt_namespace *ns;
static struct fs_struct fs;
static char directory[64];

/* -- the disk ------------------------------------------------------------------------------------- */

void disk_free(void)
{
	host_disk_free(disk);
	disk = NULL;
}

void disk_copy(const uint8_t *bytes, size_t size)
{
	disk_free();
	disk = host_disk_from("disk", MKDEV(254, 0), bytes, size);
}

void disk_reset(void)
{
	block_unregister(&disk->bdev);
	block_register(&disk->bdev);
	disk->bdev.next_page = 0;
	disk->bdev.ahead = 0;
	disk->reads = disk->writes = 0;
}

void disk_load(const char *name)
{
	char path[160];

	disk_free();
	snprintf(path, sizeof(path), "%s/%s", scratch(), name);
	disk = host_disk_open("disk", MKDEV(254, 0), path);
	assert_non_null(disk);
}

void disk_store(const char *name)
{
	size_t size = disk->bdev.sectors * SECTOR_SIZE;
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch(), name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(disk->data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* -- programs of the host --------------------------------------------------------------------------- */

static void remove_scratch(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", directory);
}

const char *scratch(void)
{
	const char *base = getenv("TMPDIR");

	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "%.40s/om-fs-XXXXXX", base ? base : "/tmp");
		assert_non_null(mkdtemp(directory));
		atexit(remove_scratch);
	}
	return directory;
}

static FILE *run(const char *format, va_list args)
{
	char command[1024];
	int len = snprintf(command, sizeof(command),
			   "cd '%s' && PATH=$PATH:/sbin:/usr/sbin && ", scratch());

	vsnprintf(command + len, sizeof(command) - (size_t)len, format, args);
	return popen(command, "r");
}

int shell(const char *format, ...)
{
	va_list args;
	FILE *pipe;
	int c, status;

	va_start(args, format);
	pipe = run(format, args);
	va_end(args);
	assert_non_null(pipe);
	while ((c = fgetc(pipe)) != EOF)
		fputc(c, stderr);
	status = pclose(pipe);
	return status < 0 || status & 0x7f ? -1 : status >> 8;
}

char *shell_output(const char *format, ...)
{
	size_t size = 1 << 20, len;
	char *text = malloc(size);
	va_list args;
	FILE *pipe;

	assert_non_null(text);
	va_start(args, format);
	pipe = run(format, args);
	va_end(args);
	assert_non_null(pipe);
	len = fread(text, 1, size - 1, pipe);
	text[len] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

int e2fsck(const char *name)
{
	disk_store(name);
	return shell("e2fsck -fn %s > report 2>&1; s=$?; [ $s = 0 ] || cat report; exit $s", name);
}

/* -- the world -------------------------------------------------------------------------------------- */

struct fs_struct *world_fs(void)
{
	return &fs;
}

void world_begin(void)
{
	memset(&fs, 0, sizeof(fs));
	host_task_init();
	/* What a failed test leaves mounted is no place for the next one. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	register_filesystem(&ext2_type);
	register_filesystem(&minix_type);
	register_filesystem(&romfs_type);
	register_filesystem(&cramfs_type);
	register_filesystem(&squashfs_type);
	register_filesystem(&erofs_type);
	assert_int_equal(mnt_init(&ns), 0);
	fs.count = 1;
	fs.root = (struct path){ mntget(ns->root), dget(ns->root->root) };
	fs.cwd = (struct path){ mntget(ns->root), dget(ns->root->root) };
	current->fs = &fs;
	current->ns = ns;
	assert_int_equal(vfs_mkdir(&fs, NULL, "/mnt", 0755), 0);
	assert_int_equal(vfs_mkdir(&fs, NULL, "/dev", 0755), 0);
	assert_int_equal(vfs_mknod(&fs, NULL, "/dev/disk", S_IFBLK | 0600, MKDEV(254, 0)), 0);
}

void world_end(void)
{
	struct vfs_counts counts;

	path_put(&fs.cwd);
	path_put(&fs.root);
	current->fs = NULL;
	current->ns = NULL;
	mnt_ns_put(ns);
	vfs_count(&counts);
	assert_int_equal(counts.files, 0);
	assert_int_equal(counts.mounts, 0);
	assert_int_equal(counts.dentries, 0);
	assert_int_equal(counts.inodes, 0);
	assert_int_equal(counts.supers, 0);
}

int world_mount(const char *type, unsigned flags, const char *data)
{
	struct path target;
	int err = path_walk(&fs, NULL, "/mnt", LOOKUP_FOLLOW, &target);

	if (err < 0)
		return err;
	err = vfs_mount("/dev/disk", &target, type, flags, data);
	path_put(&target);
	return err;
}

int world_umount(void)
{
	struct path target;
	int err = path_walk(&fs, NULL, "/mnt", LOOKUP_FOLLOW | LOOKUP_MOUNTPOINT, &target);

	if (err < 0)
		return err;
	err = vfs_umount(&target, 0);
	path_put(&target);
	return err;
}

/* -- files by name ---------------------------------------------------------------------------------- */

int stat_at(const char *name, bool follow, struct inode *ret_copy)
{
	struct path path;
	int err = path_walk(&fs, NULL, name, follow ? LOOKUP_FOLLOW : 0, &path);

	if (err < 0)
		return err;
	*ret_copy = *path.dentry->inode;
	path_put(&path);
	return 0;
}

int read_file(const char *name, uint64_t pos, void *buf, size_t size)
{
	struct uio uio = uio_kernel(buf, size);
	struct file *file;
	int err = file_open(&fs, NULL, name, O_RDONLY, 0, &file);
	long done = 0, n;

	if (err < 0)
		return err;
	do {
		n = file_read(file, &uio, &pos);
		done += n > 0 ? n : 0;
	} while (n > 0);
	file_put(file);
	return n < 0 ? (int)n : (int)done;
}

int write_file(const char *name, unsigned flags, uint64_t pos, const void *buf, size_t size)
{
	struct uio uio = uio_kernel(buf, size);
	struct file *file;
	int err = file_open(&fs, NULL, name, O_WRONLY | flags, 0644, &file);
	long n = 0;

	if (err < 0)
		return err;
	if (size > 0)
		n = file_write(file, &uio, &pos);
	file_put(file);
	return (int)n;
}

int truncate_file(const char *name, uint64_t size)
{
	struct path path;
	int err = path_walk(&fs, NULL, name, LOOKUP_FOLLOW, &path);

	if (err < 0)
		return err;
	err = vfs_truncate(&path, size);
	path_put(&path);
	return err;
}

int read_link(const char *name, char *buf, size_t size)
{
	struct path path;
	int err = path_walk(&fs, NULL, name, 0, &path);
	long n;

	if (err < 0)
		return err;
	n = vfs_readlink(path.dentry->inode, buf, size);
	path_put(&path);
	return (int)n;
}

int chmod_file(const char *name, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct path path;
	struct inode *inode;
	int err = path_walk(&fs, NULL, name, 0, &path);

	if (err < 0)
		return err;
	inode = path.dentry->inode;
	inode->mode = (inode->mode & S_IFMT) | mode;
	inode->uid = uid;
	inode->gid = gid;
	err = inode->ops->setattr(inode);
	path_put(&path);
	return err;
}

int link_file(const char *old, const char *name)
{
	struct path path;
	int err = path_walk(&fs, NULL, old, 0, &path);

	if (err < 0)
		return err;
	err = vfs_link(&fs, &path, NULL, name);
	path_put(&path);
	return err;
}

int rename_file(const char *old, const char *name)
{
	return vfs_rename(&fs, NULL, old, NULL, name, 0);
}

struct listing {
	struct dir_sink sink;
	char *names[4096];
	unsigned count, stop;
};

static int list_entry_of(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
			 unsigned type, uint64_t next_pos)
{
	struct listing *listing = (struct listing *)(void *)sink;

	(void)ino, (void)type, (void)next_pos;
	if (listing->stop-- == 0)
		return 1;	/* the buffer of a program is full now and then */
	if (len <= 2 && name[0] == '.' && name[len - 1] == '.')
		return 0;
	assert_true(listing->count < 4096);
	listing->names[listing->count] = strndup(name, len);
	assert_non_null(listing->names[listing->count++]);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *list_dir(const char *name, int *ret_err)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	struct file *file;
	char *text = NULL;
	uint64_t before;
	size_t len = 0;

	assert_non_null(listing);
	listing->sink.entry = list_entry_of;
	*ret_err = file_open(&fs, NULL, name, O_RDONLY | O_DIRECTORY, 0, &file);
	if (*ret_err < 0)
		goto out;
	do {
		before = file->pos;
		listing->stop = 7;
		*ret_err = file->ops->readdir(file, &listing->sink);
	} while (*ret_err == 0 && file->pos != before);
	file_put(file);
	if (*ret_err < 0)
		goto out;
	qsort(listing->names, listing->count, sizeof(char *), compare);
	text = calloc(1, 1 + listing->count * 257ul);
	assert_non_null(text);
	for (unsigned i = 0; i < listing->count; i++)
		len += (size_t)snprintf(text + len, 258, "%s\n", listing->names[i]);
out:
	for (unsigned i = 0; i < listing->count; i++)
		free(listing->names[i]);
	free(listing);
	return text;
}

void pattern(uint8_t *buf, size_t size, uint64_t seed, uint64_t pos)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = (uint8_t)((seed * 2654435761u + (pos + i) * 40503u) >> 7);
}
