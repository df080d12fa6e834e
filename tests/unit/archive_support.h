/* SPDX-License-Identifier: MIT */
#ifndef UNIT_ARCHIVE_SUPPORT_H
#define UNIT_ARCHIVE_SUPPORT_H
/* Archives made byte by byte, without the library; sources that fail; trees as text. */
#include <overmount/image.h>

#include "support.h"

/* Bytes that grow. */
struct archive {
	uint8_t *bytes;
	size_t len, room;
};

void archive_put(struct archive *archive, const void *bytes, size_t len);
void archive_pad(struct archive *archive, size_t align);
void archive_free(struct archive *archive);

/* One member; what is 0 gets a sensible value (mode 0644 file, nlink 1). */
struct item {
	const char *name;
	uint32_t mode;
	const char *data;		/* or the text of a symbolic link */
	uint32_t uid, gid, mtime;
	uint32_t ino, nlink;
	uint32_t major, minor;		/* of a device */
	char type;			/* tar; 0 = from MODE */
	const char *link;		/* tar: target of links */
};

void cpio_put(struct archive *archive, const struct item *item);
/* With a crc header and the right sum. */
void cpio_put_crc(struct archive *archive, const struct item *item);
/* A file of LEN bytes that depend on SEED. */
void cpio_put_big(struct archive *archive, const char *name, size_t len, uint32_t seed);
void cpio_end(struct archive *archive);
void fill_pattern(uint8_t *bytes, size_t len, uint32_t seed);

void tar_put(struct archive *archive, const struct item *item);
/* A pax (x, g) or GNU (L, K) header with its data. */
void tar_put_extension(struct archive *archive, char type, const char *data, size_t len);
void tar_fix_checksum(uint8_t *block);
void tar_end(struct archive *archive);

/* An exact copy of an archive behind read_at, or as base. */
struct test_source {
	struct om_source source;
	uint8_t *bytes;
	size_t calls;
	size_t fail_at;			/* read number that fails (from 1; 0 = none) */
	uint64_t read_bytes;
	uint64_t last_offset;
	bool went_back;			/* a read started before the one before it */
};

void test_source_init(struct test_source *test, const struct archive *archive, bool base);
void test_source_free(struct test_source *test);

/*
 * The tree, a line per node: PATH TYPE+MODE UID:GID [=DATA | ->LINK | MAJOR,MINOR] [*NLINK],
 * the manifest's data left out.  To be freed.
 */
char *tree_text(struct om_tree *tree, bool layers);
void assert_text(const char *what, const char *found, const char *expected);

#endif
