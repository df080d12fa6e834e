/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_DESCRIPTOR_H
#define OVERMOUNT_DESCRIPTOR_H
/*
 * The root descriptor's wire format; docs/root-descriptor.md is its specification.
 *
 *	offset size
 *	 0      8   magic "OVMTROOT"
 *	 8      2   major version: another one is refused
 *	10      2   minor version: newer ones are read
 *	12      4   total length in bytes, header included, multiple of 8
 *	16     32   SHA-256 of the whole descriptor with these 32 bytes zero
 *	48      ..  records
 *
 * Record: u16 type, u16 flags (bit 0 = critical), u32 length of the payload, payload, zero
 * padding to a multiple of 8.  All integers little-endian.
 */
#include <overmount/mem.h>
#include <overmount/root.h>

#define OM_DESCRIPTOR_MAGIC		"OVMTROOT"
#define OM_DESCRIPTOR_MAJOR		1u
#define OM_DESCRIPTOR_MINOR		1u	/* the newest known; written is the oldest that will do */
#define OM_DESCRIPTOR_HEADER_SIZE	48u
#define OM_DESCRIPTOR_PATH		"/.overmount/root.descriptor"
#define OM_RECORD_HEADER_SIZE		8u
#define OM_RECORD_CRITICAL		1u

/*
 * Size of the canonical encoding, then the encoding itself (SIZE must be at least that much;
 * OM_TOO_SMALL otherwise).  The same struct om_root always gives the same bytes.
 */
enum om_status om_descriptor_size(const struct om_root *root, size_t *ret_size) OM_CHECKED;
enum om_status om_descriptor_encode(const struct om_root *root, uint8_t *buf, size_t size,
				    size_t *ret_size) OM_CHECKED;

/* Borrows from BYTES.  Findings carry the offset. */
enum om_status om_descriptor_decode(struct om_span bytes, const struct om_diag_sink *sink,
				    struct om_root *ret_root) OM_CHECKED;

/*
 * Text form: the entry grammar, every value explicit, so that om_descriptor_from_text() gives
 * the same bytes back.  LINE is called once a line, without the newline.
 */
void om_descriptor_to_text(const struct om_root *root,
			   void (*line)(void *ctx, const char *text), void *ctx);
enum om_status om_descriptor_from_text(struct om_str text, struct om_arena *arena,
				       const struct om_diag_sink *sink,
				       struct om_root *ret_root) OM_CHECKED;

#endif
