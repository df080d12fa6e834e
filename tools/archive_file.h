/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_ARCHIVE_FILE_H
#define TOOLS_ARCHIVE_FILE_H
/* An archive that is read, not made: the members of a handoff image. */
#include "host.h"

struct archive_file {
	struct host_file file;
	enum om_image_kind kind;	/* OM_IMAGE_CPIO or OM_IMAGE_TAR */
	struct om_arena scratch;
	struct om_archive_reader reader;
	struct om_diag diag;
};

/* Prints why not. */
int archive_file_open(struct archive_file *archive, const char *path);
/* 1: there is a member; 0: the end; -1: broken, and that has been printed. */
int archive_file_next(struct archive_file *archive, struct om_member *ret_member);
void archive_file_close(struct archive_file *archive);
/* "./a/b/", "/a/b" and "a/b" are one name; ".", "/" and "" are the empty one. */
struct om_str member_name(struct om_str path);

/*
 * Bytes of the regular file PATH ("/a/b"; its last name in the archive counts, hard links are
 * followed); free() them.  REFUSED without a message when there is no such file.
 */
int archive_file_extract(const char *archive_path, const char *path, uint8_t **ret_bytes,
			 size_t *ret_len);

#endif
