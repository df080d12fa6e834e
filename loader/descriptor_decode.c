/* SPDX-License-Identifier: MIT */
/*
 * Root descriptor: bytes to struct om_root.  Lengths are checked before they are used, and
 * only the canonical form is read: what this accepts, the encoder would write the same way.
 */
#include <overmount/descriptor.h>

#include "descriptor_records.h"

/* One record; the payload lies inside the descriptor. */
struct record {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;		/* of its header */
	struct om_span payload;
};

struct decoder {
	struct om_span bytes;
	size_t at;
	const struct om_diag_sink *sink;
	struct om_root *root;
	uint32_t last_type;		/* of the known ones */
	uint32_t seen[RECORD_COUNT];
};

static struct om_str text_of(struct om_span payload, size_t offset, size_t len)
{
	if (len == 0)
		return (struct om_str){ "", 0 };
	return (struct om_str){ (const char *)payload.ptr + offset, len };
}

static struct om_str rest_of(struct om_span payload, size_t offset)
{
	return text_of(payload, offset, payload.len - offset);
}

static enum om_status too_many(const struct decoder *decoder, const struct record *record,
			       uint32_t max)
{
	return om_diag_binary(decoder->sink, OM_LIMIT, record->offset,
			      "more than %u records '%s'", max, descriptor_records[record->type].name);
}

/* The sum of the payload's parts must be the payload. */
static enum om_status wrong_size(const struct decoder *decoder, const struct record *record,
				 uint64_t expected)
{
	return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
			      "%s: the payload has %zu bytes, expected %llu",
			      descriptor_records[record->type].name, record->payload.len,
			      (unsigned long long)expected);
}

/* Kind and numbers, the checks of which come later. */
static void read_spec(const uint8_t *kind, const uint8_t *numbers, struct om_rootspec *spec)
{
	spec->kind = (enum om_root_kind)om_get_le32(kind);
	spec->major = om_get_le32(numbers);
	spec->minor = om_get_le32(numbers + 4);
	spec->partnroff = (int32_t)om_get_le32(numbers + 8);
}

static enum om_status check_numbers(const struct decoder *decoder, const struct record *record,
				    struct om_rootspec *spec)
{
	if ((spec->major && !spec_has_major(spec->kind)) ||
	    (spec->minor && !spec_has_minor(spec->kind)) ||
	    (spec->partnroff && !spec_has_partnroff(spec->kind)))
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "%s: kind %u has numbers that it does not use",
				      descriptor_records[record->type].name,
				      (unsigned int)spec->kind);
	if (spec->kind == OM_ROOT_RAM)
		spec->major = 1;
	return OM_OK;
}

static enum om_status decode_candidate(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;
	struct om_candidate candidate = { 0 };
	struct om_rootspec *spec = &candidate.spec;
	struct om_span payload = record->payload;
	uint64_t text_len = om_get_le32(payload.ptr + 20);
	uint64_t fstypes_len = om_get_le32(payload.ptr + 24);
	uint64_t flags_len = om_get_le32(payload.ptr + 28);
	enum om_status status;

	if (root->candidate_count == OM_CANDIDATES_MAX)
		return too_many(decoder, record, OM_CANDIDATES_MAX);
	/* Three 32-bit numbers do not overflow 64 bits. */
	if (CANDIDATE_SIZE + text_len + fstypes_len + flags_len != payload.len)
		return wrong_size(decoder, record,
				  CANDIDATE_SIZE + text_len + fstypes_len + flags_len);
	read_spec(payload.ptr, payload.ptr + 8, spec);
	candidate.mode = (enum om_root_mode)om_get_le32(payload.ptr + 4);
	spec->text = text_of(payload, CANDIDATE_SIZE, (size_t)text_len);
	candidate.fstypes = text_of(payload, CANDIDATE_SIZE + (size_t)text_len, (size_t)fstypes_len);
	candidate.flags = rest_of(payload, CANDIDATE_SIZE + (size_t)(text_len + fstypes_len));
	status = descriptor_check_candidate(decoder->sink, record->offset, &candidate);
	if (status == OM_OK)
		status = check_numbers(decoder, record, spec);
	if (status != OM_OK)
		return status;
	root->candidates[root->candidate_count++] = candidate;
	return OM_OK;
}

static enum om_status decode_timing(struct decoder *decoder, const struct record *record)
{
	if (record->payload.len != TIMING_SIZE)
		return wrong_size(decoder, record, TIMING_SIZE);
	decoder->root->wait_ms = om_get_le32(record->payload.ptr);
	decoder->root->delay_ms = om_get_le32(record->payload.ptr + 4);
	if (decoder->root->delay_ms == OM_WAIT_FOREVER)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "timing: the delay before the first look never ends");
	return OM_OK;
}

static enum om_status decode_linuxrc(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;

	root->linuxrc = (enum om_linuxrc)om_get_le32(record->payload.ptr);
	root->linuxrc_path = rest_of(record->payload, LINUXRC_SIZE);
	if (root->linuxrc < OM_LINUXRC_PATH && root->linuxrc_path.len > 0)
		return wrong_size(decoder, record, LINUXRC_SIZE);
	return descriptor_check_linuxrc(decoder->sink, record->offset, root);
}

static enum om_status decode_policy(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;
	uint32_t devfs, keep, compat;
	enum om_status status;

	if (record->payload.len != POLICY_SIZE)
		return wrong_size(decoder, record, POLICY_SIZE);
	devfs = om_get_le32(record->payload.ptr);
	keep = om_get_le32(record->payload.ptr + 4);
	compat = om_get_le32(record->payload.ptr + 8);
	status = descriptor_check_policy(decoder->sink, record->offset, devfs, keep);
	if (status != OM_OK)
		return status;
	if (compat > 1)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "policy: real-root-dev is %u, expected 0 or 1", compat);
	root->devfs = devfs;
	root->keep = (enum om_keep)keep;
	root->real_root_dev_compat = compat;
	return OM_OK;
}

static enum om_status decode_ramdisk(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;
	struct om_span payload = record->payload;
	uint32_t flags = om_get_le32(payload.ptr + 4);
	size_t fixed = RAMDISK_SIZE + (flags & RAMDISK_DIGEST ? OM_SHA256_SIZE : 0);
	struct om_ramdisk *disk;
	enum om_status status;

	if (root->ramdisk_count == OM_IMAGES_MAX)
		return too_many(decoder, record, OM_IMAGES_MAX);
	if (flags & ~RAMDISK_FLAGS)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "ram disk: the flags are 0x%x, expected 0 to 7", flags);
	if (payload.len < fixed)
		return wrong_size(decoder, record, fixed);
	disk = &root->ramdisks[root->ramdisk_count];
	*disk = (struct om_ramdisk){
		.index = om_get_le32(payload.ptr),
		.size = om_get_le64(payload.ptr + 8),
		.classic_initrd = flags & RAMDISK_CLASSIC,
		.in_archive = flags & RAMDISK_ARCHIVE,
		.has_digest = flags & RAMDISK_DIGEST,
		.text = rest_of(payload, fixed),
	};
	if (disk->has_digest)
		memcpy(disk->digest, payload.ptr + RAMDISK_SIZE, sizeof(disk->digest));
	status = descriptor_check_ramdisk(decoder->sink, record->offset, root, root->ramdisk_count);
	if (status == OM_OK)
		root->ramdisk_count++;
	return status;
}

/* Records that may be there once and hold a text: an empty one would not have been written. */
static enum om_status decode_text(struct decoder *decoder, const struct record *record, bool word,
				  struct om_str *text)
{
	enum descriptor_record type = (enum descriptor_record)record->type;

	*text = rest_of(record->payload, 0);
	if (text->len == 0)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "%s: the text is empty; such a record is left out",
				      descriptor_records[type].name);
	if (word)
		return descriptor_check_word(decoder->sink, record->offset, type, *text);
	return descriptor_check_line(decoder->sink, record->offset, type, *text);
}

static enum om_status decode_list(struct decoder *decoder, const struct record *record,
				  struct om_str *list, uint32_t *count, uint32_t max)
{
	struct om_str word = rest_of(record->payload, 0);
	enum om_status status;

	if (*count == max)
		return too_many(decoder, record, max);
	status = descriptor_check_word(decoder->sink, record->offset,
				       (enum descriptor_record)record->type, word);
	if (status == OM_OK)
		list[(*count)++] = word;
	return status;
}

static enum om_status decode_init(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;
	enum om_status status = decode_list(decoder, record, root->init, &root->init_count,
					    OM_ARGS_MAX);

	if (status != OM_OK)
		return status;
	return descriptor_check_init(decoder->sink, record->offset, root);
}

/* The default would not have been written. */
static enum om_status decode_choice(struct decoder *decoder, const struct record *record,
				    uint32_t *choice)
{
	if (record->payload.len != CHOICE_SIZE)
		return wrong_size(decoder, record, CHOICE_SIZE);
	*choice = om_get_le32(record->payload.ptr);
	if (*choice == 0)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "%s: choice 0 is the default; such a record is left out",
				      descriptor_records[record->type].name);
	return descriptor_check_choice(decoder->sink, record->offset,
				       (enum descriptor_record)record->type, *choice);
}

static enum om_status decode_attach(struct decoder *decoder, const struct record *record)
{
	uint32_t choice = 0;
	enum om_status status = decode_choice(decoder, record, &choice);

	decoder->root->attach = (enum om_attach)choice;
	return status;
}

static enum om_status decode_overlay(struct decoder *decoder, const struct record *record)
{
	uint32_t choice = 0;
	enum om_status status = decode_choice(decoder, record, &choice);

	decoder->root->overlay = (enum om_overlay)choice;
	return status;
}

static enum om_status decode_verity(struct decoder *decoder, const struct record *record)
{
	struct om_verity *verity = &decoder->root->verity;
	struct om_span payload = record->payload;
	uint64_t hash_len = om_get_le32(payload.ptr + 8);
	uint64_t text_len = om_get_le32(payload.ptr + 28);
	enum om_status status;

	if (VERITY_SIZE + hash_len + text_len != payload.len)
		return wrong_size(decoder, record, VERITY_SIZE + hash_len + text_len);
	verity->offset = om_get_le64(payload.ptr);
	verity->hash_len = (uint32_t)hash_len;
	read_spec(payload.ptr + 12, payload.ptr + 16, &verity->device);
	verity->device.text = rest_of(payload, VERITY_SIZE + (size_t)hash_len);
	status = descriptor_check_verity(decoder->sink, record->offset, verity);
	if (status == OM_OK)
		status = check_numbers(decoder, record, &verity->device);
	if (status != OM_OK)
		return status;
	if (verity->device.kind == 0 && text_len > 0)
		return wrong_size(decoder, record, VERITY_SIZE + hash_len);
	memcpy(verity->root_hash, payload.ptr + VERITY_SIZE, (size_t)hash_len);
	return OM_OK;
}

static enum om_status decode_payload(struct decoder *decoder, const struct record *record)
{
	struct om_root *root = decoder->root;

	switch (record->type) {
	case RECORD_TITLE:
		return decode_text(decoder, record, false, &root->title);
	case RECORD_ENTRY_ID:
		return decode_text(decoder, record, false, &root->entry_id);
	case RECORD_CANDIDATE:
		return decode_candidate(decoder, record);
	case RECORD_TIMING:
		return decode_timing(decoder, record);
	case RECORD_INIT:
		return decode_init(decoder, record);
	case RECORD_RDINIT:
		return decode_text(decoder, record, true, &root->rdinit);
	case RECORD_LINUXRC:
		return decode_linuxrc(decoder, record);
	case RECORD_POLICY:
		return decode_policy(decoder, record);
	case RECORD_RAMDISK:
		return decode_ramdisk(decoder, record);
	case RECORD_MODULE:
		return decode_list(decoder, record, root->modules, &root->module_count,
				   OM_MODULES_MAX);
	case RECORD_CMDLINE:
		return decode_text(decoder, record, false, &root->cmdline);
	case RECORD_ATTACH:
		return decode_attach(decoder, record);
	case RECORD_OVERLAY:
		return decode_overlay(decoder, record);
	case RECORD_VERITY:
		return decode_verity(decoder, record);
	default:
		return OM_MISUSE;
	}
}

/* Rules that hold for a record of a known type, whatever is in it. */
static enum om_status check_known(const struct decoder *decoder, const struct record *record)
{
	const struct descriptor_record_info *info = &descriptor_records[record->type];

	if (record->flags != (info->critical ? OM_RECORD_CRITICAL : 0))
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "%s: the record is %s critical", info->name,
				      info->critical ? "not marked" : "marked");
	if (decoder->seen[record->type] && !info->repeatable)
		return om_diag_binary(decoder->sink, OM_CONFLICT, record->offset,
				      "a second record '%s'", info->name);
	if (record->type < decoder->last_type)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record->offset,
				      "the record '%s' stands behind '%s'", info->name,
				      descriptor_records[decoder->last_type].name);
	if (record->payload.len < info->fixed_size)
		return wrong_size(decoder, record, info->fixed_size);
	return OM_OK;
}

/* The next record; its payload, padding included, lies inside the descriptor. */
static enum om_status next_record(struct decoder *decoder, struct record *ret_record)
{
	struct om_span rest = { decoder->bytes.ptr + decoder->at, decoder->bytes.len - decoder->at };
	uint64_t len, padded;

	/* The total is a multiple of 8, and so is every step: a header always fits. */
	len = om_get_le32(rest.ptr + 4);
	padded = om_align_up(len, 8);
	if (padded > rest.len - OM_RECORD_HEADER_SIZE)
		return om_diag_binary(decoder->sink, OM_TRUNCATED, decoder->at,
				      "a record of %llu bytes, but only %zu are left",
				      (unsigned long long)len, rest.len - OM_RECORD_HEADER_SIZE);
	for (uint64_t i = len; i < padded; i++) {
		if (rest.ptr[OM_RECORD_HEADER_SIZE + i] != 0)
			return om_diag_binary(decoder->sink, OM_SYNTAX,
					      decoder->at + OM_RECORD_HEADER_SIZE + i,
					      "the padding of a record is not zero");
	}
	*ret_record = (struct record){
		.type = om_get_le16(rest.ptr),
		.flags = om_get_le16(rest.ptr + 2),
		.offset = decoder->at,
		.payload = { rest.ptr + OM_RECORD_HEADER_SIZE, (size_t)len },
	};
	decoder->at += OM_RECORD_HEADER_SIZE + (size_t)padded;
	return OM_OK;
}

static enum om_status decode_record(struct decoder *decoder)
{
	struct record record = { 0 };
	enum om_status status = next_record(decoder, &record);

	if (status != OM_OK)
		return status;
	if (record.type == 0 || record.flags & ~OM_RECORD_CRITICAL)
		return om_diag_binary(decoder->sink, OM_SYNTAX, record.offset,
				      "a record of type %u with flags 0x%x: reserved values",
				      record.type, record.flags);
	if (record.type >= RECORD_COUNT) {
		if (record.flags & OM_RECORD_CRITICAL)
			return om_diag_binary(decoder->sink, OM_UNSUPPORTED, record.offset,
					      "record type %u is not known, but marked critical",
					      record.type);
		return OM_OK;
	}
	status = check_known(decoder, &record);
	if (status != OM_OK)
		return status;
	decoder->seen[record.type]++;
	decoder->last_type = record.type;
	return decode_payload(decoder, &record);
}

static enum om_status check_sum(const struct decoder *decoder)
{
	static const uint8_t zeros[OM_SHA256_SIZE];
	struct om_span bytes = decoder->bytes;
	struct om_sha256 sha;
	uint8_t digest[OM_SHA256_SIZE];

	om_sha256_init(&sha);
	om_sha256_update(&sha, bytes.ptr, 16);
	om_sha256_update(&sha, zeros, sizeof(zeros));
	om_sha256_update(&sha, bytes.ptr + OM_DESCRIPTOR_HEADER_SIZE,
			 bytes.len - OM_DESCRIPTOR_HEADER_SIZE);
	om_sha256_final(&sha, digest);
	if (memcmp(digest, bytes.ptr + 16, sizeof(digest)) != 0)
		return om_diag_binary(decoder->sink, OM_CHECKSUM, 16,
				      "the checksum does not match the descriptor");
	return OM_OK;
}

static enum om_status check_header(const struct decoder *decoder)
{
	struct om_span bytes = decoder->bytes;
	uint32_t major, total;

	if (bytes.len >= 8 && memcmp(bytes.ptr, OM_DESCRIPTOR_MAGIC, 8) != 0)
		return om_diag_binary(decoder->sink, OM_SYNTAX, 0,
				      "no root descriptor: the magic '%s' is missing",
				      OM_DESCRIPTOR_MAGIC);
	if (bytes.len < OM_DESCRIPTOR_HEADER_SIZE)
		return om_diag_binary(decoder->sink, OM_TRUNCATED, bytes.len,
				      "%zu bytes, but the header alone has %u", bytes.len,
				      OM_DESCRIPTOR_HEADER_SIZE);
	major = om_get_le16(bytes.ptr + 8);
	if (major != OM_DESCRIPTOR_MAJOR)
		return om_diag_binary(decoder->sink, OM_VERSION, 8,
				      "version %u.%u of the descriptor, only %u.x is known", major,
				      om_get_le16(bytes.ptr + 10), OM_DESCRIPTOR_MAJOR);
	total = om_get_le32(bytes.ptr + 12);
	if (total > OM_DESCRIPTOR_MAX)
		return om_diag_binary(decoder->sink, OM_LIMIT, 12,
				      "a descriptor of %u bytes, at most %u are allowed", total,
				      OM_DESCRIPTOR_MAX);
	if (total < OM_DESCRIPTOR_HEADER_SIZE || total % 8 != 0)
		return om_diag_binary(decoder->sink, OM_SYNTAX, 12,
				      "a total length of %u, expected a multiple of 8 from %u on",
				      total, OM_DESCRIPTOR_HEADER_SIZE);
	if (total > bytes.len)
		return om_diag_binary(decoder->sink, OM_TRUNCATED, bytes.len,
				      "a descriptor of %u bytes ends after %zu", total, bytes.len);
	if (total < bytes.len)
		return om_diag_binary(decoder->sink, OM_SYNTAX, total,
				      "%zu bytes stand behind the descriptor", bytes.len - total);
	return check_sum(decoder);
}

static enum om_status check_complete(const struct decoder *decoder)
{
	uint32_t minor = om_get_le16(decoder->bytes.ptr + 10);

	if (minor <= OM_DESCRIPTOR_MINOR && minor != descriptor_minor(decoder->root))
		return om_diag_binary(decoder->sink, OM_VERSION, 10,
				      "version %u.%u, but its records are those of %u.%u",
				      OM_DESCRIPTOR_MAJOR, minor, OM_DESCRIPTOR_MAJOR,
				      descriptor_minor(decoder->root));
	for (uint32_t type = 1; type < RECORD_COUNT; type++) {
		if (descriptor_records[type].required && !decoder->seen[type])
			return om_diag_binary(decoder->sink, OM_MISSING, decoder->bytes.len,
					      "the record '%s' is missing",
					      descriptor_records[type].name);
	}
	return OM_OK;
}

enum om_status om_descriptor_decode(struct om_span bytes, const struct om_diag_sink *sink,
				    struct om_root *ret_root)
{
	static const struct om_str none = { "", 0 };
	struct om_root root = {
		.title = none, .entry_id = none, .rdinit = none, .linuxrc_path = none,
		.cmdline = none, .verity = { .device = { .text = none } },
	};
	struct decoder decoder = {
		.bytes = bytes, .at = OM_DESCRIPTOR_HEADER_SIZE, .sink = sink, .root = &root,
	};
	enum om_status status = check_header(&decoder);

	while (status == OM_OK && decoder.at < bytes.len)
		status = decode_record(&decoder);
	if (status == OM_OK)
		status = check_complete(&decoder);
	if (status == OM_OK)
		*ret_root = root;
	return status;
}
