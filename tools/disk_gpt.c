/* SPDX-License-Identifier: MIT */
/* A GPT disk around partition images, by sgdisk. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

#define DISK_GUID	"4F564D54-4449-534B-8000-000000000001"
#define MIB		(UINT64_C(1) << 20)
#define COPY_STEP	(1u << 20)
#define PARTS_MAX	128

struct part {
	char *text;			/* cut into the words below */
	const char *file, *type, *name, *guid;
	char derived[37];
	uint64_t start, size;		/* bytes; size rounded up to sectors */
};

bool uuid_is(const char *text)
{
	size_t i;

	for (i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
		} else if (!isxdigit((unsigned char)text[i])) {
			return false;
		}
	}
	return text[36] == '\0';
}

void uuid_derive(const char *what, uint64_t number, char ret_text[37])
{
	char *seed = xprintf("overmount %s %llu", what, (unsigned long long)number);
	uint8_t d[OM_SHA256_SIZE];

	om_sha256(seed, strlen(seed), d);
	free(seed);
	d[6] = (uint8_t)(0x80 | (d[6] & 0x0f));		/* version 8: made by a rule of one's own */
	d[8] = (uint8_t)(0x80 | (d[8] & 0x3f));
	snprintf(ret_text, 37,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1],
		 d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14],
		 d[15]);
}

char *disk_begin(const char *output, uint64_t size)
{
	char *temporary = xprintf("%s.XXXXXX", output);
	int fd = mkostemp(temporary, O_CLOEXEC);
	char *real;

	if (fd < 0) {
		refuse_errno(output, "write");
		free(temporary);
		return NULL;
	}
	fchmod(fd, 0644);
	if (ftruncate(fd, (off_t)size)) {
		refuse_errno(output, "make a file of that size");
		close(fd);
		unlink(temporary);
		free(temporary);
		return NULL;
	}
	close(fd);
	/* The tools take a leading dash for an option. */
	real = realpath(temporary, NULL);
	if (!real)
		return temporary;
	free(temporary);
	return real;
}

int disk_end(char *temporary, const char *output, int result)
{
	if (result == DONE && rename(temporary, output))
		result = refuse_errno(output, "rename to");
	if (result != DONE)
		unlink(temporary);
	free(temporary);
	return result;
}

/* FILE:TYPE:NAME:PARTUUID; what is left out or empty has a default. */
static int part_parse(const char *text, int number, struct part *part)
{
	const char **fields[] = { &part->file, &part->type, &part->name, &part->guid };
	char *rest;
	size_t i;

	part->text = xprintf("%s", text);
	rest = part->text;
	for (i = 0; i < 4; i++) {
		char *word = strsep(&rest, ":");

		*fields[i] = word ? word : "";
	}
	if (rest || !part->file[0]) {
		refuse(text, "expected FILE[:TYPE[:NAME[:PARTUUID]]]");
		return REFUSED;
	}
	if (!part->type[0])
		part->type = "8300";
	if (part->guid[0] && !uuid_is(part->guid))
		return refuse(text, "'%s' is not a UUID", part->guid);
	uuid_derive("partition", (uint64_t)number, part->derived);
	if (!part->guid[0])
		part->guid = part->derived;
	return DONE;
}

static int parts_place(struct part *parts, int count, uint64_t *ret_size)
{
	uint64_t at = MIB;
	struct host_file file;
	int i;

	for (i = 0; i < count; i++) {
		if (host_file_open(&file, parts[i].file) != DONE)
			return REFUSED;
		parts[i].size = om_align_up(file.source.size, 512);
		host_file_close(&file);
		if (parts[i].size == 0)
			return refuse(parts[i].file, "is empty");
		parts[i].start = at;
		at = om_align_up(at + parts[i].size, MIB);
	}
	*ret_size = at + MIB;		/* the second table lies at the end */
	return DONE;
}

static int table_write(const char *image, const struct part *parts, int count)
{
	struct arguments args = { NULL, 0 };
	struct om_arena arena;
	int i, result;

	om_arena_init(&arena, &host_mem);
	argument_add(&args, "sgdisk");
	argument_add(&args, "--clear");
	argument_add(&args, "--disk-guid=" DISK_GUID);
	for (i = 0; i < count; i++) {
		char *words[] = {
			xprintf("--new=%d:%llu:%llu", i + 1,
				(unsigned long long)parts[i].start / 512,
				(unsigned long long)(parts[i].start + parts[i].size) / 512 - 1),
			xprintf("--typecode=%d:%s", i + 1, parts[i].type),
			xprintf("--change-name=%d:%s", i + 1, parts[i].name),
			xprintf("--partition-guid=%d:%s", i + 1, parts[i].guid),
		};
		size_t j;

		for (j = 0; j < 4; j++) {
			if (j != 2 || parts[i].name[0])
				argument_add(&args, om_arena_str(&arena, om_str_from(words[j])).ptr);
			free(words[j]);
		}
	}
	argument_add(&args, image);
	result = run_program(args.words, NULL, NULL);
	free(args.words);
	om_arena_release(&arena);
	return result;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Holes stay holes. */
static int part_copy(int fd, const char *image, const struct part *part, uint8_t *buf)
{
	struct host_file file;
	uint64_t at, size;
	int result = DONE;

	if (host_file_open(&file, part->file) != DONE)
		return REFUSED;
	size = file.source.size;
	for (at = 0; result == DONE && at < size; at += COPY_STEP) {
		size_t len = size - at < COPY_STEP ? (size_t)(size - at) : COPY_STEP;
		enum om_status status = file.source.read_at(file.source.ctx, at, buf, len);
		size_t done = 0;

		if (status != OM_OK)
			result = refuse_status(part->file, status);
		while (result == DONE && !is_zero(buf + done, len - done)) {
			ssize_t put = pwrite(fd, buf + done, len - done,
					     (off_t)(part->start + at + done));

			if (put < 0 && errno != EINTR)
				result = refuse_errno(image, "write");
			done += put > 0 ? (size_t)put : 0;
		}
	}
	host_file_close(&file);
	return result;
}

static int fill(const char *image, const char *output, const struct part *parts, int count)
{
	uint8_t *buf;
	int i, fd, result;

	result = table_write(image, parts, count);
	if (result != DONE)
		return result;
	fd = open(image, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse_errno(output, "write");
	buf = xalloc(COPY_STEP);
	for (i = 0; result == DONE && i < count; i++)
		result = part_copy(fd, output, &parts[i], buf);
	free(buf);
	if (close(fd) && result == DONE)
		result = refuse_errno(output, "write");
	return result;
}

int disk_gpt(const char *output, int count, char **texts)
{
	struct part *parts = xalloc(PARTS_MAX * sizeof(*parts));
	char *temporary = NULL;
	int i, result = DONE;
	uint64_t size = 0;

	if (count > PARTS_MAX)
		result = refuse(output, "more than %d partitions", PARTS_MAX);
	for (i = 0; result == DONE && i < count; i++)
		result = part_parse(texts[i], i + 1, &parts[i]);
	if (result == DONE)
		result = parts_place(parts, count, &size);
	if (result == DONE) {
		temporary = disk_begin(output, size);
		result = temporary ? fill(temporary, output, parts, count) : REFUSED;
		if (temporary)
			result = disk_end(temporary, output, result);
	}
	for (i = 0; i < PARTS_MAX; i++)
		free(parts[i].text);
	free(parts);
	return result;
}
