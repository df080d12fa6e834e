/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_SEGMENTS_H
#define OVERMOUNT_SEGMENTS_H
/*
 * The initrd of a stock Linux: pieces one behind the other, each on a multiple of four bytes and
 * filled up with zeros, as the kernel's unpacker wants them.  Nothing is put together first: the
 * sizes are known beforehand, and each piece is read or made straight at its place.
 */
#include <overmount/image.h>
#include <overmount/sha256.h>

#define OM_SEGMENT_ALIGN 4u

struct om_segment {
	const struct om_source *source;	/* handed over as it is; NULL: */
	struct om_tree *tree;		/* a finished tree, which is written as an archive */
	bool whole;			/* the source gives all of itself in one call or nothing */
	const uint8_t *digest;		/* SHA-256 of the source, or NULL */
	uint64_t offset, size;		/* om_segments_layout() */
};

/* Offsets and sizes of COUNT segments; *ret_size is that of the whole, with the last padding. */
enum om_status om_segments_layout(struct om_segment *segments, uint32_t count,
				  uint64_t *ret_size) OM_CHECKED;
/*
 * To SINK's base, which has room for all.  Digests are checked on the way, and OM_CHECKSUM is a
 * mismatch.  *ret_at is the segment that failed.
 */
enum om_status om_segments_write(const struct om_segment *segments, uint32_t count,
				 const struct om_image_sink *sink, uint32_t *ret_at) OM_CHECKED;

/*
 * A source whose bytes have a digest, read in ascending order by somebody who leaves parts out:
 * between begin and end everything that is passed on is hashed where it arrived, and what lies
 * between is read into SCRATCH for the digest alone.
 */
struct om_verified {
	struct om_source source;	/* to be given to the reader */
	const struct om_source *inner;
	const uint8_t *digest;
	uint8_t *scratch;
	size_t scratch_size;
	struct om_sha256 sha;
	uint64_t at;			/* hashed so far */
	bool active;
	struct om_verified *next;	/* for the caller */
};

void om_verified_init(struct om_verified *verified, const struct om_source *inner,
		      const uint8_t *digest, uint8_t *scratch, size_t scratch_size);
void om_verified_begin(struct om_verified *verified);
/* Reads and hashes what nobody wanted; OM_CHECKSUM when the digest is another one. */
enum om_status om_verified_end(struct om_verified *verified) OM_CHECKED;

#endif
