/* SPDX-License-Identifier: MIT */
/*
 * Directories that are very deep and very full:
 *   trees deep DIRECTORY             4,000 levels, and what becomes of paths there
 *   trees many DIRECTORY FILES EACH  FILES files, EACH of them in a directory
 *   trees fill DIRECTORY             empty files until memory is out
 * The lines are TAP; all is removed at the end.  Linux passes the first two, and the third on a
 * tmpfs with nr_inodes=.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kernel_check.h"

#define LEVELS	4000

static char text[LEVELS * 2 + 16];

/* -- deep ----------------------------------------------------------------------------------- */

static void go_down(int levels)
{
	for (int i = 0; i < levels; i++)
		CHECK(chdir("d") == 0);
}

static void go_up(int levels)
{
	for (int i = 0; i < levels; i++)
		CHECK(chdir("..") == 0);
}

static void make_levels(void)
{
	for (int i = 0; i < LEVELS; i++)
		CHECK(mkdir("d", 0755) == 0 && chdir("d") == 0);
}

static void walk_down_and_up(void)
{
	struct stat top, st;

	CHECK(stat(".", &top) == 0);
	go_down(LEVELS);
	CHECK(chdir("d") == -1 && errno == ENOENT);
	go_up(LEVELS);
	CHECK(stat(".", &st) == 0 && st.st_ino == top.st_ino && st.st_dev == top.st_dev);
	go_down(1300);
	/* As many levels as one path can climb. */
	for (int i = 0; i < 1300; i++)
		memcpy(text + 3 * i, "../", 4);
	CHECK(stat(text, &st) == 0 && st.st_ino == top.st_ino && st.st_dev == top.st_dev);
}

static void path_of_levels(int levels, const char *last)
{
	for (int i = 0; i < levels; i++)
		memcpy(text + 2 * i, "d/", 2);
	memcpy(text + 2 * levels, last, strlen(last) + 1);
}

static void long_paths(void)
{
	struct stat st;

	/* PATH_MAX counts the byte behind the text. */
	path_of_levels(PATH_MAX / 2 - 1, "d");
	CHECK(strlen(text) == PATH_MAX - 1 && stat(text, &st) == 0);
	path_of_levels(PATH_MAX / 2 - 1, "d/");
	CHECK(strlen(text) == PATH_MAX && stat(text, &st) == -1 && errno == ENAMETOOLONG);
	CHECK(mkdir(text, 0755) == -1 && errno == ENAMETOOLONG);
	CHECK(rename("d", text) == -1 && errno == ENAMETOOLONG);
	CHECK(symlink(text, "link") == -1 && errno == ENAMETOOLONG);
	memset(text, 'n', NAME_MAX + 1);
	text[NAME_MAX + 1] = '\0';
	CHECK(mkdir(text, 0755) == -1 && errno == ENAMETOOLONG);
	text[NAME_MAX] = '\0';
	CHECK(mkdir(text, 0755) == 0 && rmdir(text) == 0);
}

static void where_am_i(void)
{
	char cwd[PATH_MAX + 1];
	int top = open(".", O_RDONLY);

	CHECK(top >= 0);
	go_down(3);
	CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) > 6);
	CHECK(syscall(SYS_getcwd, cwd, 6) == -1 && errno == ERANGE);
	go_down(LEVELS - 3);
	CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) == -1 && errno == ENAMETOOLONG);
	CHECK(readlink("/proc/self/cwd", cwd, sizeof(cwd)) == -1 && errno == ENAMETOOLONG);
	CHECK(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
	CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) == -1 && errno == ENOENT);
	CHECK(open("new", O_CREAT | O_RDWR, 0644) == -1 && errno == ENOENT);
	CHECK(chdir("..") == 0);
	CHECK(renameat(top, "d", AT_FDCWD, "e") == -1 && errno == EINVAL);
	CHECK(unlinkat(top, "d", AT_REMOVEDIR) == -1 && errno == ENOTEMPTY);
}

static void remove_levels(void)
{
	go_down(LEVELS);
	for (int i = 0; i < LEVELS; i++)
		CHECK(chdir("..") == 0 && rmdir("d") == 0);
	CHECK(rmdir("d") == -1 && errno == ENOENT);
}

/* -- many ------------------------------------------------------------------------------------ */

static int files, each;

static void enter(int directory, int make)
{
	char name[32];

	snprintf(name, sizeof(name), "dir-%d", directory);
	CHECK(!make || mkdir(name, 0755) == 0);
	CHECK(chdir(name) == 0);
}

static void make_files(void)
{
	char name[32];

	for (int i = 0; i < files; i++) {
		int fd;

		if (i % each == 0)
			enter(i / each, 1);
		snprintf(name, sizeof(name), "file-%d", i);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		CHECK(fd >= 0 && close(fd) == 0);
		if (i % each == each - 1)
			CHECK(chdir("..") == 0);
	}
}

static void list_files(void)
{
	int seen = 0;
	long sum = 0;

	for (int i = 0; i < files / each; i++) {
		struct dirent *entry;
		DIR *dir;

		enter(i, 0);
		dir = opendir(".");
		CHECK(dir);
		while ((entry = readdir(dir)))
			if (entry->d_name[0] != '.') {
				seen++;
				sum += atol(entry->d_name + 5);
			}
		closedir(dir);
		CHECK(chdir("..") == 0);
	}
	CHECK(seen == files);
	CHECK(sum == (long)files * (files - 1) / 2);
}

static void look_at_files(void)
{
	char name[64];
	struct stat st;

	for (int i = 0; i < files; i += 97) {
		snprintf(name, sizeof(name), "dir-%d/file-%d", i / each, i);
		CHECK(stat(name, &st) == 0 && st.st_size == 0 && S_ISREG(st.st_mode));
		snprintf(name, sizeof(name), "dir-%d/file-%d", i / each, i + files);
		CHECK(stat(name, &st) == -1 && errno == ENOENT);
	}
}

static void remove_files(void)
{
	char name[32];

	for (int i = 0; i < files; i++) {
		if (i % each == 0)
			enter(i / each, 0);
		snprintf(name, sizeof(name), "file-%d", i);
		CHECK(unlink(name) == 0);
		if (i % each == each - 1) {
			CHECK(chdir("..") == 0);
			snprintf(name, sizeof(name), "dir-%d", i / each);
			CHECK(rmdir(name) == 0);
		}
	}
}

/* -- fill -------------------------------------------------------------------------------------- */

#define FILL_MAX	10000000
#define ROOM		(16 << 20)	/* bytes for the files: they would take long to fill more */

static int filled[2];

/* A file that takes all memory but ROOM. */
static void ballast(void)
{
	static char data[1 << 16];
	int fd = open("ballast", O_CREAT | O_EXCL | O_WRONLY, 0600);
	off_t size = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = write(fd, data, sizeof(data))) > 0)
		size += n;
	CHECK(size > ROOM && (errno == ENOMEM || errno == ENOSPC));
	CHECK(ftruncate(fd, size - ROOM) == 0 && close(fd) == 0);
}

static void fill(int round)
{
	char name[32];
	int count = 0, fd;

	while (count < FILL_MAX) {
		snprintf(name, sizeof(name), "file-%d", count);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		if (fd < 0)
			break;
		close(fd);
		count++;
	}
	CHECK(count < FILL_MAX && (errno == ENOMEM || errno == ENOSPC));
	/* Other programs still start, or nobody could clean up. */
	CHECK(system("/bin/true") == 0);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		CHECK(unlink(name) == 0);
	}
	filled[round] = count;
	printf("# %d files\n", count);
}

static void fill_twice(void)
{
	ballast();
	fill(0);
	fill(1);
	CHECK(unlink("ballast") == 0);
	CHECK(filled[1] >= filled[0] - filled[0] / 16);
}

int main(int argc, char **argv)
{
	static const struct check_test deep[] = {
		{ "4,000 levels", make_levels },
		{ "down and up", walk_down_and_up },
		{ "paths that are too long", long_paths },
		{ "where one is", where_am_i },
		{ "no level is left", remove_levels },
	}, many[] = {
		{ "files are made", make_files },
		{ "all are listed", list_files },
		{ "some are looked at", look_at_files },
		{ "none is left", remove_files },
	}, full[] = {
		{ "files until memory is out, and as many again", fill_twice },
	};

	if (argc < 3 || chdir(argv[2]) < 0) {
		fprintf(stderr, "usage: trees deep|fill DIRECTORY\n       trees many DIRECTORY FILES EACH\n");
		return 2;
	}
	if (strcmp(argv[1], "deep") == 0)
		return check_run(deep, sizeof(deep) / sizeof(deep[0]));
	if (strcmp(argv[1], "fill") == 0)
		return check_run(full, 1);
	files = argc > 4 ? (int)strtol(argv[3], NULL, 10) : 0;
	each = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;
	if (files <= 0 || each <= 0 || files % each)
		return 2;
	return check_run(many, sizeof(many) / sizeof(many[0]));
}
