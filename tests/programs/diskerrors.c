/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a disk that reports errors: diskerrors DIRECTORY.  The directory is on
 * a file system with blocks of at most 4 KiB and has
 *   readable   a file with at least one sector that cannot be read,
 *   dir        a directory that cannot be read,
 *   written    a file with a sector that cannot be written,
 *   good       a file without any fault.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel_check.h"

#define SECTOR	512
#define PAGE	4096

static char buf[1 << 17];

/* The first sector of FD that cannot be read; how many there are. */
static int bad_sectors(int fd, off_t *ret_first)
{
	struct stat st;
	int count = 0;

	CHECK(fstat(fd, &st) == 0 && st.st_size > 2 * PAGE);
	for (off_t at = 0; at < st.st_size; at += SECTOR) {
		off_t left = st.st_size - at;
		ssize_t n = pread(fd, buf, SECTOR, at);

		if (n < 0) {
			CHECK(errno == EIO);
			if (count++ == 0)
				*ret_first = at;
		} else {
			CHECK(n == (left < SECTOR ? left : SECTOR));
		}
	}
	return count;
}

static void reading(void)
{
	int fd = open("readable", O_RDONLY), count;
	off_t first = 0, got = 0;
	ssize_t n;

	CHECK(fd >= 0);
	count = bad_sectors(fd, &first);
	/* A kernel may read no less than a page. */
	CHECK(count >= 1 && count <= PAGE / SECTOR);
	CHECK(first > 0);
	/* From the start: all that comes before, then the error, every time. */
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		got += n;
	CHECK(n < 0 && errno == EIO);
	CHECK(got > 0 && got <= first && got > first - PAGE);
	CHECK(read(fd, buf, sizeof(buf)) == -1 && errno == EIO);
	CHECK(lseek(fd, 0, SEEK_CUR) == got);
	CHECK(pread(fd, buf, SECTOR, 0) == SECTOR);
}

static void touch_mapping(void)
{
	int fd = open("readable", O_RDONLY);
	off_t first = 0;
	char *map;

	CHECK(fd >= 0 && bad_sectors(fd, &first) > 0);
	map = mmap(NULL, (size_t)first + SECTOR, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	(void)*(volatile char *)(map + first);
}

static void mapping(void)
{
	int status = check_child(touch_mapping);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void directory(void)
{
	struct stat st;
	int err = 0;
	DIR *dir;

	CHECK(stat("dir/anything", &st) == -1 && errno == EIO);
	CHECK(open("dir/new", O_RDWR | O_CREAT, 0644) == -1 && errno == EIO);
	dir = opendir("dir");
	if (dir) {
		errno = 0;
		while (readdir(dir))
			;
		err = errno;
		closedir(dir);
	} else {
		err = errno;
	}
	CHECK(err == EIO);
}

/* All of the file anew, in the same blocks. */
static int overwrite(int flags)
{
	struct stat st;
	int fd = open("written", O_WRONLY | flags);
	ssize_t n;

	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= (off_t)sizeof(buf));
	memset(buf, 'x', sizeof(buf));
	n = pwrite(fd, buf, (size_t)st.st_size, 0);
	if (flags & O_SYNC)
		CHECK(n == -1 && errno == EIO);
	else
		CHECK(n == st.st_size);
	return fd;
}

static void write_fsync(void)
{
	int fd = overwrite(0);

	CHECK(fsync(fd) == -1 && errno == EIO);
	/* It is told once; what was lost is lost. */
	CHECK(fsync(fd) == 0);
	CHECK(close(fd) == 0);
}

static void write_fdatasync(void)
{
	CHECK(fdatasync(overwrite(0)) == -1 && errno == EIO);
}

static void write_syncfs(void)
{
	CHECK(syncfs(overwrite(0)) == -1 && errno == EIO);
}

static void write_at_once(void)
{
	close(overwrite(O_SYNC));
	close(overwrite(O_DSYNC | O_SYNC));
}

static void write_sync(void)
{
	close(overwrite(0));
	sync();		/* has no way to say it */
}

static void goes_on(void)
{
	int fd = open("good", O_RDWR | O_SYNC);

	CHECK(fd >= 0 && pwrite(fd, "good", 4, 0) == 4 && fsync(fd) == 0);
	CHECK(pread(fd, buf, 4, 0) == 4 && memcmp(buf, "good", 4) == 0);
	CHECK(close(fd) == 0);
	fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0 && write(fd, buf, 10000) == 10000 && fsync(fd) == 0 && close(fd) == 0);
	CHECK(unlink("new") == 0);
}

int main(int argc, char **argv)
{
	static const struct check_test tests[] = {
		{ "a file with a bad sector is read up to there", reading },
		{ "a mapping of it is SIGBUS there", mapping },
		{ "a directory that cannot be read", directory },
		{ "write and fsync", write_fsync },
		{ "write and fdatasync", write_fdatasync },
		{ "write and syncfs", write_syncfs },
		{ "writing at once", write_at_once },
		{ "write and sync", write_sync },
		{ "the file system goes on", goes_on },
	};

	if (argc != 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: diskerrors DIRECTORY\n");
		return 2;
	}
	return check_run(tests, sizeof(tests) / sizeof(tests[0]));
}
