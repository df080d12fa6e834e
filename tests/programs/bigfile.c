/* SPDX-License-Identifier: MIT */
/*
 * Files that are larger than memory:
 *   bigfile write FILE MIB   write, flush, read back and compare
 *   bigfile fill FILE        write until it is refused, twice; the memory comes back
 * The lines are TAP.  Linux passes the first, and the second on a tmpfs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kernel_check.h"

#define MIB		((size_t)1 << 20)
#define FILL_MAX	((off_t)64 << 30)

static const char *name;
static long mib;
static uint64_t buf[(1 << 20) / sizeof(uint64_t)], expected[(1 << 20) / sizeof(uint64_t)];

/* The contents of mebibyte NUMBER: no page is like another, or like itself shifted. */
static void expect(uint64_t number)
{
	uint64_t x = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; number == 0 && i < MIB / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		expected[i] = x;
	}
	for (size_t i = 0; i < MIB / 8; i += 64)	/* each sector */
		expected[i] = number << 32 | i;
}

static void write_and_read(void)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	CHECK(fd >= 0);
	for (long i = 0; i < mib; i++) {
		expect((uint64_t)i);
		CHECK(write(fd, expected, MIB) == (ssize_t)MIB);
	}
	CHECK(fsync(fd) == 0 && close(fd) == 0);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == (off_t)mib << 20);
	for (long i = 0; i < mib; i++) {
		expect((uint64_t)i);
		CHECK(read(fd, buf, MIB) == (ssize_t)MIB);
		CHECK(memcmp(buf, expected, MIB) == 0);
	}
	CHECK(read(fd, buf, 1) == 0);
	printf("# %ld MiB as they were written\n", mib);
	CHECK(close(fd) == 0 && unlink(name) == 0);
}

static off_t fill(void)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	off_t size = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while (size < FILL_MAX && (n = write(fd, buf, MIB)) > 0)
		size += n;
	CHECK(size < FILL_MAX && (errno == ENOSPC || errno == ENOMEM));
	printf("# refused after %lld MiB: %s\n", (long long)size >> 20, strerror(errno));
	/* Other programs still start, or nobody could clean up. */
	CHECK(system("/bin/true") == 0);
	CHECK(pread(fd, buf, MIB, 0) == (ssize_t)MIB && lseek(fd, 0, SEEK_END) == size);
	CHECK(close(fd) == 0 && unlink(name) == 0);
	return size;
}

static void fill_twice(void)
{
	off_t first = fill(), second = fill();

	CHECK(first >= (off_t)MIB && second >= first - first / 16);
}

int main(int argc, char **argv)
{
	static const struct check_test big[] = {
		{ "a file larger than memory is written and read", write_and_read },
	}, full[] = {
		{ "a file fills the memory, twice", fill_twice },
	};

	name = argc > 2 ? argv[2] : "";
	mib = argc > 3 ? atol(argv[3]) : 0;
	if (mib > 0 && strcmp(argv[1], "write") == 0)
		return check_run(big, 1);
	if (argc == 3 && strcmp(argv[1], "fill") == 0)
		return check_run(full, 1);
	fprintf(stderr, "usage: bigfile write FILE MIB\n       bigfile fill FILE\n");
	return 2;
}
