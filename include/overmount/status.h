/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_STATUS_H
#define OVERMOUNT_STATUS_H
/*
 * How the library says what went wrong.
 *
 * Functions return an enum om_status; outputs named ret_* are set on OM_OK only and are
 * untouched otherwise.  Anything with a place in a text is described in a struct om_diag,
 * handed to a sink the caller gives; the library never prints.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <overmount/limits.h>

#define OM_CHECKED __attribute__((warn_unused_result))
#define OM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum om_status {
	OM_OK = 0,

	/* the caller's fault */
	OM_MISUSE,		/* an argument that no input could have caused */
	OM_TOO_SMALL,		/* the buffer given is too small; the needed size is returned */

	/* syntax: the bytes are not what the format says */
	OM_SYNTAX,
	OM_TRUNCATED,		/* the input ends inside something */
	OM_CHECKSUM,		/* a checksum or digest does not match */

	/* semantics: well formed, but it makes no sense */
	OM_CONFLICT,		/* two things exclude each other */
	OM_MISSING,		/* something required is not there */
	OM_ESCAPES,		/* a name that climbs out of its tree */
	OM_TYPE,		/* a file is there but of the wrong type */

	/* limits and resources */
	OM_LIMIT,		/* larger than <overmount/limits.h> or a format allows */
	OM_NO_MEMORY,
	OM_IO,			/* a source could not be read */
	OM_UNSUPPORTED,		/* known, but not handled */
	OM_VERSION,		/* a newer format than this program knows */
	OM_ABORTED,		/* a callback asked to stop */

	OM_STATUS_COUNT
};

/* A short English phrase ("out of memory"); never NULL. */
const char *om_status_text(enum om_status status);

/* One finding about a text or a binary input. */
struct om_diag {
	enum om_status status;
	bool warning;			/* the input is still accepted */
	uint32_t line;			/* text: 1-based, 0 = the input as a whole */
	uint32_t column;		/* text: 1-based, in bytes */
	uint32_t length;		/* text: bytes covered, may be 0 */
	uint64_t offset;		/* binary: byte offset of the finding */
	char text[OM_DIAG_TEXT_MAX];	/* what is wrong, what was expected; NUL-terminated */
	char hint[OM_DIAG_HINT_MAX];	/* what to do ("did you mean 'root'?"), or "" */
};

struct om_diag_sink {
	void (*emit)(void *ctx, const struct om_diag *diag);
	void *ctx;
};

/* Emit a diagnostic; SINK or SINK->emit may be NULL.  Returns STATUS, so that it can be returned. */
enum om_status om_diag_text(const struct om_diag_sink *sink, enum om_status status, bool warning,
			    uint32_t line, uint32_t column, uint32_t length, const char *hint,
			    const char *format, ...) OM_PRINTF(8, 9);
enum om_status om_diag_binary(const struct om_diag_sink *sink, enum om_status status,
			      uint64_t offset, const char *format, ...) OM_PRINTF(4, 5);

#endif
