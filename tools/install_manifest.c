/* SPDX-License-Identifier: MIT */
/* \EFI\overmount\installed: what overmount install wrote, with digests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "install.h"

#define FIRST_WORDS	"overmount installed "
#define FIRST_LINE	FIRST_WORDS "1"
#define RECORD_MAX	(1u << 20)

static const char *const words[] = { "directory", "file", "variable" };

static struct owned *find(const struct manifest *manifest, enum owned_kind kind, const char *name,
			  const uint8_t *digest)
{
	size_t i;

	for (i = 0; i < manifest->count; i++) {
		struct owned *line = &manifest->lines[i];

		if (line->kind == kind && strcasecmp(line->name, name) == 0 &&
		    (!digest || memcmp(line->digest, digest, OM_SHA256_SIZE) == 0))
			return line;
	}
	return NULL;
}

bool manifest_names(const struct manifest *manifest, enum owned_kind kind, const char *name)
{
	return find(manifest, kind, name, NULL) != NULL;
}

bool manifest_owns(const struct manifest *manifest, enum owned_kind kind, const char *name,
		   const uint8_t *digest)
{
	return find(manifest, kind, name, digest) != NULL;
}

void manifest_add(struct manifest *manifest, enum owned_kind kind, const char *name,
		  const uint8_t *digest)
{
	struct owned *line;

	if (find(manifest, kind, name, digest))
		return;
	if (manifest->count == manifest->room) {
		size_t room = manifest->room ? manifest->room * 2 : 32;
		struct owned *lines = xalloc(room * sizeof(*lines));

		if (manifest->count)
			memcpy(lines, manifest->lines, manifest->count * sizeof(*lines));
		free(manifest->lines);
		manifest->lines = lines;
		manifest->room = room;
	}
	line = &manifest->lines[manifest->count++];
	line->kind = kind;
	line->name = xstrndup(name, strlen(name));
	if (digest)
		memcpy(line->digest, digest, OM_SHA256_SIZE);
}

void manifest_drop(struct manifest *manifest, enum owned_kind kind, const char *name)
{
	struct owned *line;

	while ((line = find(manifest, kind, name, NULL))) {
		free(line->name);
		*line = manifest->lines[--manifest->count];
	}
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		manifest_add(to, from->lines[i].kind, from->lines[i].name,
			     from->lines[i].kind == OWNED_DIRECTORY ? NULL : from->lines[i].digest);
}

void manifest_release(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->count; i++)
		free(manifest->lines[i].name);
	free(manifest->lines);
	free(manifest->text);
	*manifest = (struct manifest){ 0 };
}

/* ------------------------------------------------------------------ as text */

static int by_kind_and_name(const void *a, const void *b)
{
	const struct owned *left = a, *right = b;
	int order = (int)left->kind - (int)right->kind;

	if (order == 0)
		order = strcmp(left->name, right->name);
	return order ? order : memcmp(left->digest, right->digest, OM_SHA256_SIZE);
}

char *manifest_text(const struct manifest *manifest)
{
	struct owned *sorted = xalloc(manifest->count * sizeof(*sorted));
	char *text = NULL, digest[2 * OM_SHA256_SIZE + 1];
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	bool failed = !out;

	if (manifest->count) {
		memcpy(sorted, manifest->lines, manifest->count * sizeof(*sorted));
		qsort(sorted, manifest->count, sizeof(*sorted), by_kind_and_name);
	}
	if (out) {
		fputs(FIRST_LINE "\n", out);
		for (i = 0; i < manifest->count; i++) {
			fprintf(out, "%s ", words[sorted[i].kind]);
			hex_text(sorted[i].digest, OM_SHA256_SIZE, digest);
			if (sorted[i].kind != OWNED_DIRECTORY)
				fprintf(out, "%s ", digest);
			fprintf(out, "%s\n", sorted[i].name);
		}
		failed = ferror(out);
		failed |= fclose(out) != 0;
	}
	free(sorted);
	if (failed)
		no_memory_left();
	return text;
}

static bool digest_read(const char *hex, uint8_t *ret_digest)
{
	size_t i;

	for (i = 0; i < OM_SHA256_SIZE; i++) {
		unsigned byte;

		if (strspn(hex + 2 * i, "0123456789abcdef") < 2 ||
		    sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		ret_digest[i] = (uint8_t)byte;
	}
	return hex[2 * OM_SHA256_SIZE] == ' ';
}

/* A name that leaves the ESP was never written by us. */
static bool name_good(enum owned_kind kind, const char *name)
{
	char *normal;
	bool good;

	if (kind == OWNED_VARIABLE)
		return strlen(name) == 8 && strncmp(name, "Boot", 4) == 0 &&
		       strspn(name + 4, "0123456789ABCDEF") == 4;
	normal = esp_name(om_str_from(name));
	good = normal && strlen(normal) == strlen(name) + 1 && !strchr(name, '\\');
	free(normal);
	return good;
}

static bool line_read(struct manifest *manifest, char *line)
{
	uint8_t digest[OM_SHA256_SIZE];
	char *rest = strchr(line, ' ');
	size_t kind;

	if (!rest)
		return false;
	*rest++ = '\0';
	for (kind = 0; kind < sizeof(words) / sizeof(words[0]); kind++)
		if (strcmp(line, words[kind]) == 0)
			break;
	if (kind == sizeof(words) / sizeof(words[0]))
		return false;
	if (kind != OWNED_DIRECTORY) {
		if (!digest_read(rest, digest))
			return false;
		rest += 2 * OM_SHA256_SIZE + 1;
	}
	if (!name_good((enum owned_kind)kind, rest))
		return false;
	manifest_add(manifest, (enum owned_kind)kind, rest,
		     kind == OWNED_DIRECTORY ? NULL : digest);
	return true;
}

static int bad_line(const char *path, unsigned number)
{
	fprintf(stderr, "%s:%u:1: error: is not a line of the record of what was installed\n",
		path, number);
	hint("nothing was touched; without this file everything here counts as yours");
	return REFUSED;
}

static int other_version(const char *path)
{
	fprintf(stderr, "%s:1:1: error: was written by another version of overmount install\n", path);
	hint("nothing was touched; the version that wrote it can go on, or --remove");
	return REFUSED;
}

static int parse(struct manifest *manifest, const char *path)
{
	char *copy = xstrndup(manifest->text, strlen(manifest->text)), *at = copy;
	unsigned number;
	int result = DONE;

	for (number = 1; result == DONE && *at; number++) {
		char *end = strchr(at, '\n');
		bool good = end != NULL;

		if (good) {
			*end = '\0';
			good = number == 1 ? strcmp(at, FIRST_LINE) == 0 : line_read(manifest, at);
			at = end + 1;
		}
		if (!good && number == 1 && strncmp(copy, FIRST_WORDS, strlen(FIRST_WORDS)) == 0 && end)
			result = other_version(path);
		else if (!good)
			result = bad_line(path, number);
	}
	if (number == 1)
		result = bad_line(path, 1);
	free(copy);
	return result;
}

int manifest_read(struct manifest *manifest, const char *path)
{
	struct host_file file;
	int result;

	*manifest = (struct manifest){ 0 };
	if (access(path, F_OK) && errno == ENOENT)
		return DONE;
	result = host_file_open(&file, path);
	if (result != DONE)
		return result;
	if (file.source.size > RECORD_MAX)
		result = refuse(path, "is too large for a record of what was installed");
	if (result == DONE)
		result = host_file_load(&file);
	if (result == DONE) {
		manifest->text = xstrndup(file.loaded, (size_t)file.source.size);
		result = parse(manifest, path);
	}
	host_file_close(&file);
	return result;
}
