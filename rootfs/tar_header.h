/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_TAR_HEADER_H
#define ROOTFS_TAR_HEADER_H
/* Fields of a tar header block and of pax records. */
#include "tree.h"

#define TAR_BLOCK	512u

/* Where the fields are, POSIX.1-1988 ustar; GNU's agree up to the prefix. */
enum tar_field {
	TAR_NAME, TAR_MODE, TAR_UID, TAR_GID, TAR_SIZE, TAR_MTIME, TAR_CHECKSUM, TAR_TYPE,
	TAR_LINK, TAR_MAGIC, TAR_MAJOR, TAR_MINOR, TAR_PREFIX
};

/* What pax records say; later ones win, an empty value takes back. */
struct tar_pax {
	struct om_str path, link;	/* in path_buf and link_buf; .ptr NULL = not given */
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size, uid, gid;
	int64_t mtime;
	char path_buf[OM_PATH_MAX];
	char link_buf[OM_PATH_MAX];
};

/* Text of a field up to its NUL or its end. */
struct om_str om_tar_text(const uint8_t *block, enum tar_field field);
/* Octal or base-256; false when it is neither, or negative where only MTIME may be. */
bool om_tar_number(const uint8_t *block, enum tar_field field, int64_t *ret_value);
bool om_tar_checksum_right(const uint8_t *block);
bool om_tar_is_zero(const uint8_t *block);
bool om_tar_is_ustar(const uint8_t *block);	/* the prefix field counts */
const char *om_tar_field_name(enum tar_field field);

/*
 * Read the records of one extended header into PAX.  On failure *RET_WHY says why, and
 * *RET_KEY which record.
 */
enum om_status om_tar_pax_parse(struct om_span records, struct tar_pax *pax, const char **ret_why,
			     struct om_str *ret_key) OM_CHECKED;

#endif
