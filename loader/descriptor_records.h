/* SPDX-License-Identifier: MIT */
#ifndef LOADER_DESCRIPTOR_RECORDS_H
#define LOADER_DESCRIPTOR_RECORDS_H
/*
 * What writer, reader and the text form of the root descriptor share: the records' numbers and
 * shapes, and the rules for what may stand in them.  docs/root-descriptor.md is the
 * specification.
 */
#include <overmount/descriptor.h>

/* In the order in which they stand. */
enum descriptor_record {
	RECORD_TITLE = 1,
	RECORD_ENTRY_ID,
	RECORD_CANDIDATE,
	RECORD_TIMING,
	RECORD_INIT,
	RECORD_RDINIT,
	RECORD_LINUXRC,
	RECORD_POLICY,
	RECORD_RAMDISK,
	RECORD_MODULE,
	RECORD_CMDLINE,
	RECORD_ATTACH,			/* from here on: version 1.1 */
	RECORD_OVERLAY,
	RECORD_VERITY,
	RECORD_COUNT
};

struct descriptor_record_info {
	const char *name;
	bool critical;
	bool repeatable;
	bool required;
	uint32_t fixed_size;		/* of the payload's fields before its texts */
};

extern const struct descriptor_record_info descriptor_records[RECORD_COUNT];

/* Payload of a candidate: eight words, then text, types and flags. */
#define CANDIDATE_SIZE	32u
#define TIMING_SIZE	8u
#define LINUXRC_SIZE	4u
#define POLICY_SIZE	12u
/* Index, flags, size, then the digest if there is one, then the text. */
#define RAMDISK_SIZE	16u

#define CHOICE_SIZE	4u
/* Offset, length of the hash, kind and numbers of the device, length of its text; then both. */
#define VERITY_SIZE	32u

#define RAMDISK_CLASSIC	1u
#define RAMDISK_ARCHIVE	2u
#define RAMDISK_DIGEST	4u
#define RAMDISK_FLAGS	7u

/* The longest line of the text form: a value of OM_CMDLINE_MAX, key, attributes and quotes. */
#define DESCRIPTOR_LINE_MAX	(OM_CMDLINE_MAX + 512u)

/* Which numbers of a specification mean something; the others are zero on the wire. */
static inline bool spec_has_major(enum om_root_kind kind)
{
	return kind == OM_ROOT_NUMBER;
}

static inline bool spec_has_minor(enum om_root_kind kind)
{
	return kind == OM_ROOT_NUMBER || kind == OM_ROOT_RAM;
}

static inline bool spec_has_partnroff(enum om_root_kind kind)
{
	return kind == OM_ROOT_PARTUUID;
}

/*
 * May this stand in a descriptor?  If not, SINK is told, with OFFSET and the record's name.
 * The encoder asks the same questions as the decoder, so that what is written can be read.
 */
enum om_status descriptor_check_line(const struct om_diag_sink *sink, uint64_t offset,
				     enum descriptor_record type, struct om_str text);
enum om_status descriptor_check_word(const struct om_diag_sink *sink, uint64_t offset,
				     enum descriptor_record type, struct om_str word);
enum om_status descriptor_check_candidate(const struct om_diag_sink *sink, uint64_t offset,
					  const struct om_candidate *candidate);
enum om_status descriptor_check_linuxrc(const struct om_diag_sink *sink, uint64_t offset,
					const struct om_root *root);
enum om_status descriptor_check_policy(const struct om_diag_sink *sink, uint64_t offset,
				       uint32_t devfs, uint32_t keep);
enum om_status descriptor_check_ramdisk(const struct om_diag_sink *sink, uint64_t offset,
					const struct om_root *root, uint32_t at);
/* All words of init together. */
enum om_status descriptor_check_init(const struct om_diag_sink *sink, uint64_t offset,
				     const struct om_root *root);
/* How a stock Linux treats the root: attach and overlay, as they come. */
enum om_status descriptor_check_choice(const struct om_diag_sink *sink, uint64_t offset,
				       enum descriptor_record type, uint32_t choice);
enum om_status descriptor_check_verity(const struct om_diag_sink *sink, uint64_t offset,
				       const struct om_verity *verity);
/* The oldest minor version that has all records of ROOT: the one that is written. */
uint32_t descriptor_minor(const struct om_root *root);
/* entry_verity.c */
bool verity_hash_fits(size_t len);
/* All of the above; for a root that comes from the caller. */
enum om_status descriptor_check_root(const struct om_root *root);

#endif
