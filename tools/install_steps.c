/* SPDX-License-Identifier: MIT */
/* The steps of overmount install: each is said, and done unless it is a dry run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"

/* Beside the file, so that the rename stays inside one directory; no loader reads such a name. */
#define HALF_WRITTEN	".overmount-new"
#define COPY_STEP	(1u << 20)

void install_say(const char *verb, const char *path, const char *format, ...)
{
	va_list args;

	printf("%-8s", verb);
	if (*path && strncmp(path, "Boot", 4) != 0)
		putchar('\\');
	for (; *path; path++)
		putchar(*path == '/' ? '\\' : *path);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* ------------------------------------------------------------------ places */

char *install_place(const struct install *install, const char *path)
{
	char *at = xstrndup(install->esp, strlen(install->esp)), *found, *next;
	struct stat st;
	size_t len;

	while (*path) {
		len = strcspn(path, "/");
		found = esp_find(at, (struct om_str){ path, len });
		next = found ? found : xprintf("%s/%.*s", at, (int)len, path);
		free(at);
		at = next;
		path += len + (path[len] == '/');
		if (*path && found && (lstat(at, &st) || !S_ISDIR(st.st_mode))) {
			refuse(at, "is in the way: expected a directory");
			free(at);
			return NULL;
		}
	}
	return at;
}

int install_look(const char *place, enum place_kind *ret_kind, uint8_t ret_digest[OM_SHA256_SIZE])
{
	struct host_file file;
	enum om_status status;
	struct stat st;
	int result;

	if (lstat(place, &st)) {
		if (errno != ENOENT)
			return refuse_errno(place, "look at");
		*ret_kind = PLACE_ABSENT;
		return DONE;
	}
	*ret_kind = S_ISREG(st.st_mode) ? PLACE_FILE : PLACE_OTHER;
	if (!S_ISREG(st.st_mode))
		return DONE;
	result = host_file_open(&file, place);
	if (result != DONE)
		return result;
	status = host_file_digest(&file.source, ret_digest);
	host_file_close(&file);
	return status == OM_OK ? DONE : refuse_status(place, status);
}

static int sync_directory_of(const char *place)
{
	char *directory = xprintf("%.*s", (int)(strrchr(place, '/') - place), place);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = DONE;

	if (fd < 0 || fsync(fd))
		result = refuse_errno(directory, "write");
	if (fd >= 0)
		close(fd);
	free(directory);
	return result;
}

/* ------------------------------------------------------------------ files */

static int put(int fd, const char *name, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return refuse_errno(name, "write");
		bytes += done;
		len -= (size_t)done;
	}
	return DONE;
}

/* What is copied is what was hashed when the plan was made. */
static int put_source(int fd, const struct wanted *wanted)
{
	uint8_t digest[OM_SHA256_SIZE], *buf;
	struct om_sha256 sha;
	struct host_file file;
	uint64_t at = 0;
	int result;

	result = host_file_open(&file, wanted->source);
	if (result != DONE)
		return result;
	buf = xalloc(COPY_STEP);
	om_sha256_init_fast(&sha);
	while (result == DONE && at < file.source.size) {
		uint64_t left = file.source.size - at;
		size_t part = left < COPY_STEP ? (size_t)left : COPY_STEP;
		enum om_status status = file.source.read_at(&file, at, buf, part);

		result = status == OM_OK ? put(fd, wanted->place, buf, part) :
					   refuse_status(wanted->source, status);
		om_sha256_update(&sha, buf, part);
		at += part;
	}
	om_sha256_final(&sha, digest);
	if (result == DONE && memcmp(digest, wanted->digest, sizeof(digest)) != 0)
		result = refuse(wanted->source, "changed while it was copied");
	free(buf);
	host_file_close(&file);
	return result;
}

/* Counters may be others when the next run looks for it: it has none. */
static char *half_written(const struct wanted *wanted)
{
	return xprintf("%.*s/%s" HALF_WRITTEN, (int)(strrchr(wanted->place, '/') - wanted->place),
		       wanted->place, strrchr(wanted->path, '/') + 1);
}

/* Complete under a name of its own, on the disk, and only then under its name. */
static int write_whole(const struct wanted *wanted)
{
	char *half = half_written(wanted);
	int fd = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int result;

	if (fd < 0) {
		result = refuse_errno(wanted->place, "write");
		free(half);
		return result;
	}
	result = wanted->source ? put_source(fd, wanted) :
		 put(fd, wanted->place, (const uint8_t *)wanted->text, (size_t)wanted->size);
	if (result == DONE && fsync(fd))
		result = refuse_errno(wanted->place, "write");
	if (close(fd) && result == DONE)
		result = refuse_errno(wanted->place, "write");
	if (result == DONE && rename(half, wanted->place))
		result = refuse_errno(wanted->place, "rename to");
	if (result == DONE)
		result = sync_directory_of(wanted->place);
	else
		unlink(half);
	free(half);
	return result;
}

int step_write(struct install *install, const struct wanted *wanted)
{
	install_say(wanted->state == WANTED_NEW ? "write" : "replace", wanted->there, "  %llu bytes",
		    (unsigned long long)wanted->size);
	return install->dry_run ? DONE : write_whole(wanted);
}

/* From here on it counts as gone, in a dry run too. */
static int take_away(struct install *install, const char *path, const char *place,
		     int (*away)(const char *))
{
	install_say("remove", path, "%s", "");
	manifest_add(&install->gone, OWNED_FILE, place, NULL);
	if (install->dry_run)
		return DONE;
	if (away(place))
		return refuse_errno(place, "remove");
	return sync_directory_of(place);
}

int step_remove(struct install *install, const char *path)
{
	char *place = install_place(install, path);
	int result = place ? take_away(install, path, place, unlink) : REFUSED;

	free(place);
	return result;
}

int step_clean(struct install *install)
{
	size_t i;
	int result = DONE;

	for (i = 0; result == DONE && i <= install->have.count; i++) {
		const struct owned *line = i ? &install->have.lines[i - 1] : NULL;
		char *path, *place;

		if (line && line->kind != OWNED_FILE)
			continue;
		path = xprintf("%s" HALF_WRITTEN, line ? line->name : INSTALL_RECORD);
		place = install_place(install, path);
		if (!place)
			result = REFUSED;
		else if (access(place, F_OK) == 0)
			result = take_away(install, path, place, unlink);
		free(place);
		free(path);
	}
	return result;
}

/* ------------------------------------------------------------------ directories and the record */

int step_make_directory(struct install *install, const char *path)
{
	char *place;
	int result = DONE;

	install_say("make", path, "%s", "");
	if (install->dry_run)
		return DONE;
	place = install_place(install, path);
	if (!place)
		return REFUSED;
	if (mkdir(place, 0755))
		result = refuse_errno(place, "make the directory");
	else
		result = sync_directory_of(place);
	free(place);
	return result;
}

static bool nothing_left(const struct install *install, const char *directory)
{
	DIR *list = opendir(directory);
	struct dirent *entry;
	bool left = !list;

	while (!left && (entry = readdir(list))) {
		char *place = xprintf("%s/%s", directory, entry->d_name);

		left = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		       !manifest_names(&install->gone, OWNED_FILE, place);
		free(place);
	}
	if (list)
		closedir(list);
	return !left;
}

int step_remove_directory(struct install *install, const char *path)
{
	char *place = install_place(install, path);
	int result = place ? DONE : REFUSED;

	if (place && nothing_left(install, place)) {
		manifest_drop(&install->next, OWNED_DIRECTORY, path);
		result = take_away(install, path, place, rmdir);
	}
	free(place);
	return result;
}

int step_record(struct install *install, const struct manifest *manifest)
{
	char *path = (char *)(uintptr_t)INSTALL_RECORD;
	struct wanted record = { .path = path, .there = path };
	int result = DONE;

	record.text = manifest_text(manifest);
	record.size = strlen(record.text);
	record.place = install_place(install, INSTALL_RECORD);
	record.state = install->have.text ? WANTED_REPLACE : WANTED_NEW;
	if (!record.place)
		result = REFUSED;
	else if (!install->have.text || strcmp(install->have.text, record.text) != 0)
		result = step_write(install, &record);
	free(record.place);
	free(install->have.text);
	install->have.text = record.text;
	return result;
}
