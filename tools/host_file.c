/* SPDX-License-Identifier: MIT */
/* Files of the host as the library's sources, and outputs that are whole or not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define READ_CHUNK	(1u << 20)
#define OUT_BUFFER	(64u << 10)	/* larger pieces, as the image writer gives, go out as they are */

/* The one on-demand file that is open now. */
static struct host_file *lazy;

static int ensure_open(struct host_file *file)
{
	if (file->fd >= 0)
		return 0;
	if (lazy) {
		close(lazy->fd);
		lazy->fd = -1;
		lazy = NULL;
	}
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file->fd < 0)
		return -1;
	if (file->on_demand)
		lazy = file;
	return 0;
}

static enum om_status read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct host_file *file = ctx;
	uint8_t *at = buf;

	if (!om_range_inside(offset, len, file->source.size))
		return OM_TRUNCATED;
	if (ensure_open(file))
		return OM_IO;
	while (len > 0) {
		ssize_t got = pread(file->fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return OM_IO;
		if (got == 0)
			return OM_TRUNCATED;	/* it shrank while it was read */
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return OM_OK;
}

int host_file_open(struct host_file *file, const char *path)
{
	struct stat st;

	/* Without waiting for the other end of a pipe, which is refused below. */
	*file = (struct host_file){ .fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	if (file->fd < 0)
		return refuse_errno(path, "open");
	if (fstat(file->fd, &st)) {
		refuse_errno(path, "look at");
		goto close;
	}
	if (!S_ISREG(st.st_mode)) {
		refuse(path, S_ISDIR(st.st_mode) ? "is a directory; expected a file" :
						   "is not a regular file");
		goto close;
	}
	file->path = xstrndup(path, strlen(path));
	file->source = (struct om_source){ read_at, file, (uint64_t)st.st_size, NULL, file->path };
	return DONE;
close:
	close(file->fd);
	file->fd = -1;
	return REFUSED;
}

void host_file_on_demand(struct host_file *file, const char *path, uint64_t size)
{
	*file = (struct host_file){ .fd = -1, .on_demand = true };
	file->path = xstrndup(path, strlen(path));
	file->source = (struct om_source){ read_at, file, size, NULL, file->path };
}

int host_file_load(struct host_file *file)
{
	enum om_status status;

	if (file->source.base)
		return DONE;
	if (file->source.size > SIZE_MAX - 1)
		return refuse(file->path, "is too large");
	file->loaded = xalloc((size_t)file->source.size + 1);
	status = read_at(file, 0, file->loaded, (size_t)file->source.size);
	if (status != OM_OK)
		return refuse(file->path, "cannot be read: %s", om_status_text(status));
	file->source.base = file->loaded;
	return DONE;
}

void host_file_close(struct host_file *file)
{
	if (lazy == file)
		lazy = NULL;
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->loaded);
	*file = (struct host_file){ .fd = -1 };
}

enum om_image_kind host_file_probe(struct host_file *file)
{
	uint64_t size = file->source.size;
	size_t len = size < OM_IMAGE_PROBE_BYTES ? (size_t)size : OM_IMAGE_PROBE_BYTES;
	enum om_image_kind kind = OM_IMAGE_UNKNOWN;
	uint8_t *head;

	if (file->source.base)
		return om_image_probe((struct om_span){ file->source.base, len });
	head = xalloc(len);
	if (read_at(file, 0, head, len) == OM_OK)
		kind = om_image_probe((struct om_span){ head, len });
	free(head);
	return kind;
}

enum om_status host_file_digest(const struct om_source *source,
				uint8_t ret_digest[OM_SHA256_SIZE])
{
	enum om_status status = OM_OK;
	uint64_t at = 0, size = source->size;
	struct om_sha256 sha;
	uint8_t *buf = xalloc(READ_CHUNK);

	om_sha256_init_fast(&sha);
	while (status == OM_OK && at < size) {
		size_t part = size - at < READ_CHUNK ? (size_t)(size - at) : READ_CHUNK;
		const uint8_t *bytes = source->base ? source->base + at : buf;

		if (!source->base)
			status = source->read_at(source->ctx, at, buf, part);
		if (status == OM_OK)
			om_sha256_update(&sha, bytes, part);
		at += part;
	}
	if (status == OM_OK)
		om_sha256_final(&sha, ret_digest);
	free(buf);
	return status;
}

/* ------------------------------------------------------------------ output */

int out_open(struct out_file *out, const char *path)
{
	struct stat st;

	*out = (struct out_file){ .path = path, .fd = 1 };
	out->buffer = xalloc(OUT_BUFFER);
	if (strcmp(path, "-") == 0)
		return DONE;
	/* A device or a pipe is written to; anything else is replaced when it is complete. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
	} else {
		out->temporary = xprintf("%s.XXXXXX", path);
		out->fd = mkostemp(out->temporary, O_CLOEXEC);
	}
	if (out->fd >= 0)
		return DONE;
	refuse_errno(path, "write");
	free(out->temporary);
	free(out->buffer);
	out->temporary = NULL;
	out->buffer = NULL;
	return REFUSED;
}

static int write_all(struct out_file *out, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(out->fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return refuse_errno(out->path, "write");
		bytes += put;
		len -= (size_t)put;
	}
	return DONE;
}

int out_write(struct out_file *out, const void *bytes, size_t len)
{
	int result;

	if (len > OUT_BUFFER - out->used) {
		result = write_all(out, out->buffer, out->used);
		out->used = 0;
		if (result != DONE)
			return result;
	}
	if (len >= OUT_BUFFER)
		return write_all(out, bytes, len);
	memcpy(out->buffer + out->used, bytes, len);
	out->used += len;
	return DONE;
}

int out_close(struct out_file *out, bool keep)
{
	mode_t mask = umask(0);
	int result = DONE;

	umask(mask);
	if (keep)
		result = write_all(out, out->buffer, out->used);
	free(out->buffer);
	if (out->temporary && fchmod(out->fd, 0666 & ~mask) && result == DONE)
		result = refuse_errno(out->path, "set the mode");
	if (out->fd > 1 && close(out->fd) && result == DONE)
		result = refuse_errno(out->path, "write");
	if (out->temporary) {
		if (keep && result == DONE && rename(out->temporary, out->path))
			result = refuse_errno(out->path, "rename to");
		if (!keep || result != DONE)
			unlink(out->temporary);
		free(out->temporary);
	}
	out->fd = -1;
	return result;
}

int out_bytes(const char *path, const void *bytes, size_t len)
{
	struct out_file out;
	int result;

	result = out_open(&out, path);
	if (result != DONE)
		return result;
	result = out_write(&out, bytes, len);
	if (out_close(&out, result == DONE) != DONE)
		result = REFUSED;
	return result;
}

int64_t source_date_epoch(int64_t fallback)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value;

	if (!text || !text[0] || !number_parse(text, 0, INT64_MAX, &value))
		return fallback;
	return (int64_t)value;
}
