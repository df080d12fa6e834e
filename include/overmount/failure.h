/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_FAILURE_H
#define OVERMOUNT_FAILURE_H
/*
 * What a start leaves behind that did not find its root: /init writes it to an EFI variable,
 * and the menu of the next start shows it.
 *
 * The variable holds text without a terminator, each line ended by a newline:
 *
 *	overmount failure 1
 *	debian.conf
 *	root: 1. /dev/vdz: no such device (ENXIO)
 *	devices: vda 254:0, 96 MiB
 *
 * the form and its version, the entry that was started (may be empty), then the story.  The
 * firmware's memory is small and shared by everybody: OM_FAILURE_MAX bytes, and UTF-8, which for
 * these texts is half of what UTF-16 would be.
 */
#include <overmount/bytes.h>
#include <overmount/limits.h>

#define OM_FAILURE_VARIABLE	"OvermountFailure"
/* The vendor of all variables of ours, as Linux' efivarfs writes it. */
#define OM_VARIABLES_VENDOR	"848e32f6-17f1-4d18-901c-ac0718213751"

/* A record that is being written. */
struct om_failure_text {
	char bytes[OM_FAILURE_MAX];
	size_t len;
	bool full;
};

void om_failure_begin(struct om_failure_text *text, struct om_str entry);
/* One line; what does not fit any more is left out, and a last line of dots says so. */
void om_failure_add(struct om_failure_text *text, const char *line);

/* A record as it was read. */
struct om_failure {
	struct om_str entry;
	struct om_str lines[OM_FAILURE_LINES_MAX];
	uint32_t count;			/* 0: there is none */
};

/*
 * Anybody may have written BYTES.  False if that was not in the form above.  The lines point into
 * BYTES, where all but printable ASCII becomes '?': they go to terminals.  What is longer or more
 * than the limits is cut.
 */
bool om_failure_read(char *bytes, size_t len, struct om_failure *ret_failure);

#endif
