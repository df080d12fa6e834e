/* SPDX-License-Identifier: MIT */
/* Trees of files on the host: copied, made and removed. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define OPEN_DIRECTORIES 16

char *temporary_directory(void)
{
	const char *base = getenv("TMPDIR");
	char *path = xprintf("%s/overmount.XXXXXX", base && base[0] ? base : "/tmp");

	if (mkdtemp(path))
		return path;
	refuse_errno(path, "make a temporary directory");
	free(path);
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}

int make_directories(const char *path)
{
	char *copy = xstrndup(path, strlen(path));
	char *at = copy;
	int result = DONE;

	while (result == DONE && at) {
		at = strchr(at + 1, '/');
		if (at)
			*at = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			result = refuse_errno(copy, "make the directory");
		if (at)
			*at = '/';
	}
	free(copy);
	return result;
}

int copy_file(const char *from, const char *to)
{
	struct host_file file;
	struct out_file out;
	uint8_t *buf = xalloc(1u << 20);
	uint64_t at = 0;
	int result;

	result = host_file_open(&file, from);
	if (result != DONE)
		goto free;
	result = out_open(&out, to);
	if (result != DONE)
		goto close;
	while (result == DONE && at < file.source.size) {
		size_t part = file.source.size - at < 1u << 20 ? (size_t)(file.source.size - at) :
								 1u << 20;
		enum om_status status = file.source.read_at(file.source.ctx, at, buf, part);

		if (status != OM_OK)
			result = refuse(from, "cannot be read: %s", om_status_text(status));
		else
			result = out_write(&out, buf, part);
		at += part;
	}
	if (out_close(&out, result == DONE) != DONE)
		result = REFUSED;
close:
	host_file_close(&file);
free:
	free(buf);
	return result;
}

/* nftw() has no context argument. */
static struct {
	const char *from, *to;
} copying;

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char *to = xprintf("%s%s", copying.to, path + strlen(copying.from));
	int result = DONE;

	(void)ftw;
	if (type == FTW_D) {
		if (mkdir(to, 0777) && errno != EEXIST)
			result = refuse_errno(to, "make the directory");
	} else if (type == FTW_F && S_ISREG(st->st_mode)) {
		/* Nothing is written through the copy, so a second name will do. */
		if (link(path, to))
			result = copy_file(path, to);
	} else if (type == FTW_DNR) {
		result = refuse(path, "cannot be read");
	} else {
		result = refuse(path, "is neither a file nor a directory, and FAT knows nothing else");
	}
	free(to);
	return result;
}

int copy_tree(const char *from, const char *to)
{
	int result;

	copying.from = from;
	copying.to = to;
	result = nftw(from, copy_one, OPEN_DIRECTORIES, FTW_PHYS);
	return result < 0 ? refuse_errno(from, "read") : result;
}
