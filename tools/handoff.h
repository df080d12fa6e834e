/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_HANDOFF_H
#define TOOLS_HANDOFF_H
/* `overmount handoff`: what a handoff kernel would find, checked before it is booted. */
#include "archive_file.h"

struct handoff_image {
	uint32_t index;
	const char *path;
};

struct handoff_set {
	const char *archive;		/* path */
	const char *descriptor;		/* path, or NULL: the one in the archive */
	struct handoff_image images[OM_IMAGES_MAX];
	uint32_t image_count;
	const char *init;		/* of the absolute root, or NULL: as the descriptor says */
};

/* Test Anything Protocol on standard output. */
struct tap {
	unsigned count, failed;
};

/* REASON (may be "") is shown when it is not OK.  Gives OK back. */
bool tap_check(struct tap *tap, bool ok, const char *reason, const char *format, ...)
	OM_PRINTF(4, 5);
void tap_skip(struct tap *tap, const char *why, const char *format, ...) OM_PRINTF(3, 4);
/* "1..N" and the verdict; the exit status. */
int tap_end(const struct tap *tap);

/* All checks; what they found is in TAP. */
void handoff_check(const struct handoff_set *set, struct tap *tap);

/*
 * handoff_init.c: the init of TREE, the absolute root, or of the ram disk that covers it.
 * ROOT: the descriptor, or NULL.
 */
void handoff_check_init(const struct handoff_set *set, const struct om_root *root,
			struct om_tree *tree, struct tap *tap);

/*
 * program_check.c: can PATH of the finished tree be started: regular, executable, ELF64 for
 * x86-64 or #! script, and its interpreter there?  RET_REASON says why not.
 */
bool program_check(struct om_tree *tree, const char *path, char *ret_reason, size_t size);

#endif
