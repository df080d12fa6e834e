/* SPDX-License-Identifier: MIT */
/*
 * Mounts a file system whose bits are wrong, many times: flips DEVICE TYPE [SEED].
 *
 * Each time some bits of DEVICE are inverted, it is mounted, everything in it is looked
 * at (ext2 is every second time written to as well), it is unmounted, and the bits are put
 * right.  Whatever is wrong has to come out as an error number that a broken disk explains, and
 * EIO has to be told in the kernel's log.  At the end the image has to read as at the start.
 * One line of TAP.  On Linux it wants root and a device that it may spoil.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS		100u
#define VISITS_MAX	300u	/* a broken tree may be a ring */
#define DEPTH_MAX	6u
#define PLACE		"/mnt"

static uint8_t *image;
static size_t image_size;
static int device;
static const char *device_name;
static const char *type;

/* Of the round that is going on. */
static unsigned visits, io_errors;
static uint64_t sum;
static const char *strange;	/* what failed with a number that nothing explains */
static int strange_errno;

static void note(const char *what, int good)
{
	static const int explained[] = {
		EIO, EUCLEAN, EINVAL, ENOENT, ENOTDIR, ENAMETOOLONG, EFBIG, ELOOP, ENXIO,
		EOPNOTSUPP, EROFS, ENOSPC, EEXIST, EMLINK, ENOTEMPTY, EISDIR, EACCES, EPERM,
		EOVERFLOW,
	};

	if (good)
		return;
	if (errno == EIO || errno == EUCLEAN)
		io_errors++;
	for (unsigned i = 0; i < sizeof(explained) / sizeof(explained[0]); i++)
		if (errno == explained[i])
			return;
	strange = what;
	strange_errno = errno;
}

static void add(const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}

static void visit_file(const char *path, off_t size)
{
	static uint8_t buf[65536];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	off_t tail = size > (off_t)sizeof(buf) ? size - 5000 : 0;
	ssize_t n;

	note("open", fd >= 0);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf));
	note("read", n >= 0);
	add(buf, n > 0 ? (size_t)n : 0);
	if (tail > 0) {
		n = pread(fd, buf, sizeof(buf), tail);
		note("pread", n >= 0);
		add(buf, n > 0 ? (size_t)n : 0);
	}
	close(fd);
}

static void visit(const char *path, unsigned depth)
{
	char below[PATH_MAX], text[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	ssize_t n;
	DIR *dir;

	if (visits++ >= VISITS_MAX)
		return;
	if (lstat(path, &st) < 0) {
		note("lstat", 0);
		return;
	}
	add(path, strlen(path));
	add(&st.st_mode, sizeof(st.st_mode));
	add(&st.st_size, sizeof(st.st_size));
	if (S_ISREG(st.st_mode)) {
		visit_file(path, st.st_size);
	} else if (S_ISLNK(st.st_mode)) {
		n = readlink(path, text, sizeof(text));
		note("readlink", n >= 0);
		add(text, n > 0 ? (size_t)n : 0);
	} else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
		dir = opendir(path);
		note("opendir", dir != NULL);
		while (dir && (errno = 0, entry = readdir(dir)) && visits < VISITS_MAX)
			if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) <
			    (int)sizeof(below))
				visit(below, depth + 1);
		note("readdir", errno == 0);
		if (dir)
			closedir(dir);
	}
}

/* Blocks and inodes come and go, by bitmaps that may be wrong. */
static void change(void)
{
	char name[64];
	int fd = open(PLACE "/new", O_RDWR | O_CREAT, 0644);

	note("create", fd >= 0);
	if (fd >= 0) {
		note("write", write(fd, image, 30000) >= 0);
		note("pwrite", pwrite(fd, image, 3000, 300000) >= 0);
		note("fsync", fsync(fd) == 0);
		note("ftruncate", ftruncate(fd, 700) == 0);
		close(fd);
	}
	note("mkdir", mkdir(PLACE "/dir", 0755) == 0);
	note("rename", rename(PLACE "/hello", PLACE "/dir/hello") == 0);
	note("link", link(PLACE "/new", PLACE "/dir/linked") == 0);
	note("symlink", symlink("new", PLACE "/dir/soft") == 0);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), PLACE "/many/%02u/file-%05u", i, i);
		note("unlink", unlink(name) == 0);
		snprintf(name, sizeof(name), PLACE "/many/%02u", i);
		note("rmdir", rmdir(name) == 0);
	}
	note("unlink", unlink(PLACE "/big") == 0);
}

/* A number that changes with every line of the log. */
static uint64_t log_state(void)
{
	static char text[65536];
	uint64_t before = sum, state;
	int n = klogctl(3, text, sizeof(text));

	sum = 0;
	add(text, n > 0 ? (size_t)n : 0);
	state = sum;
	sum = before;
	return state;
}

/* 1: it could be mounted; 0: refused; -1: this may not be. */
static int one_round(int writing)
{
	uint64_t before = log_state();

	visits = io_errors = 0;
	sum = 0;
	if (mount(device_name, PLACE, type, writing ? 0 : MS_RDONLY, NULL) < 0) {
		note("mount", 0);
		return strange ? -1 : 0;
	}
	visit(PLACE, 0);
	if (writing)
		change();
	if (umount(PLACE) < 0) {
		strange = "umount";
		strange_errno = errno;
	}
	if (io_errors && log_state() == before) {
		strange = "EIO without a line in the log";
		strange_errno = EIO;
	}
	return strange ? -1 : 1;
}

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

/* In turn: a few bits of the superblock, more where inodes and tables are, many anywhere. */
static void spoil(unsigned round)
{
	static const struct { unsigned bits; uint32_t span; } kinds[] = {
		{ 1, 2048 }, { 4, 32768 }, { 32, 65536 }, { 8, UINT32_MAX }, { 64, UINT32_MAX },
	};
	unsigned kind = round / 2 % (sizeof(kinds) / sizeof(kinds[0]));
	uint32_t span = kinds[kind].span < image_size ? kinds[kind].span : (uint32_t)image_size;

	for (unsigned n = 0; n < kinds[kind].bits; n++) {
		size_t at = rnd(span);
		uint8_t byte;

		if (pread(device, &byte, 1, (off_t)at) != 1)
			abort();
		byte ^= (uint8_t)(1u << rnd(8));
		if (pwrite(device, &byte, 1, (off_t)at) != 1)
			abort();
	}
}

static void restore(void)
{
	for (size_t done = 0; done < image_size;) {
		ssize_t n = pwrite(device, image + done, image_size - done, (off_t)done);

		if (n <= 0)
			abort();
		done += (size_t)n;
	}
}

static int load(const char *name)
{
	off_t end;

	device_name = name;
	device = open(name, O_RDWR);
	if (device < 0 || (end = lseek(device, 0, SEEK_END)) <= 0)
		return -1;
	image_size = (size_t)end;
	image = malloc(image_size);
	for (size_t done = 0; image && done < image_size;) {
		ssize_t n = pread(device, image + done, image_size - done, (off_t)done);

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return image ? 0 : -1;
}

int main(int argc, char **argv)
{
	unsigned mounted = 0, refused = 0, broken = 0;
	uint64_t whole;

	if (argc < 3 || load(argv[1]) < 0) {
		fprintf(stderr, "usage: flips DEVICE TYPE [SEED]\n");
		return 2;
	}
	type = argv[2];
	state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	if (one_round(0) != 1 || io_errors) {
		printf("not ok - %s: the image as it is cannot be read: %s\n", type,
		       strange ? strange : "EIO");
		return 1;
	}
	whole = sum;
	for (unsigned round = 0; round < ROUNDS; round++) {
		int result;

		spoil(round);
		result = one_round(strcmp(type, "ext2") == 0 && round % 2);
		restore();
		if (result < 0) {
			printf("not ok - %s, round %u: %s: %s\n", type, round, strange,
			       strerror(strange_errno));
			return 1;
		}
		mounted += result == 1;
		refused += result == 0;
		broken += io_errors != 0;
	}
	if (one_round(0) != 1 || sum != whole) {
		printf("not ok - %s: the image reads otherwise than at the start\n", type);
		return 1;
	}
	printf("ok - %s: %u broken images, %u mounted, %u refused, EIO from %u\n", type, ROUNDS,
	       mounted, refused, broken);
	return 0;
}
