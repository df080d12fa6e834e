/* SPDX-License-Identifier: MIT */
/* Root descriptor: struct om_root to bytes.  The reader is in descriptor_decode.c. */
#include <overmount/descriptor.h>

#include "descriptor_records.h"

/* Counts everything; writes only when there is a buffer, which is then known to be large enough. */
struct writer {
	uint8_t *buf;
	size_t at;
};

static void write_bytes(struct writer *writer, const void *data, size_t len)
{
	if (writer->buf && len > 0)
		memcpy(writer->buf + writer->at, data, len);
	writer->at += len;
}

static void write_u16(struct writer *writer, uint16_t value)
{
	uint8_t bytes[2];

	om_put_le16(bytes, value);
	write_bytes(writer, bytes, sizeof(bytes));
}

static void write_u32(struct writer *writer, uint32_t value)
{
	uint8_t bytes[4];

	om_put_le32(bytes, value);
	write_bytes(writer, bytes, sizeof(bytes));
}

static void write_u64(struct writer *writer, uint64_t value)
{
	write_u32(writer, (uint32_t)value);
	write_u32(writer, (uint32_t)(value >> 32));
}

static void write_str(struct writer *writer, struct om_str text)
{
	write_bytes(writer, text.ptr, text.len);
}

static void begin_record(struct writer *writer, enum descriptor_record type, size_t len)
{
	write_u16(writer, (uint16_t)type);
	write_u16(writer, descriptor_records[type].critical ? OM_RECORD_CRITICAL : 0);
	write_u32(writer, (uint32_t)len);
}

static void end_record(struct writer *writer)
{
	static const uint8_t zeros[8];

	write_bytes(writer, zeros, (8 - writer->at % 8) % 8);
}

static void write_text_record(struct writer *writer, enum descriptor_record type,
			      struct om_str text)
{
	begin_record(writer, type, text.len);
	write_str(writer, text);
	end_record(writer);
}

/* Of the records that hold one text, those that may be there once: no text, no record. */
static void write_optional(struct writer *writer, enum descriptor_record type, struct om_str text)
{
	if (text.len > 0)
		write_text_record(writer, type, text);
}

/* Numbers that the kind does not use are zero. */
static void write_numbers(struct writer *writer, const struct om_rootspec *spec)
{
	write_u32(writer, spec_has_major(spec->kind) ? spec->major : 0);
	write_u32(writer, spec_has_minor(spec->kind) ? spec->minor : 0);
	write_u32(writer, spec_has_partnroff(spec->kind) ? (uint32_t)spec->partnroff : 0);
}

static void write_candidate(struct writer *writer, const struct om_candidate *candidate)
{
	const struct om_rootspec *spec = &candidate->spec;

	begin_record(writer, RECORD_CANDIDATE, CANDIDATE_SIZE + spec->text.len +
		     candidate->fstypes.len + candidate->flags.len);
	write_u32(writer, spec->kind);
	write_u32(writer, candidate->mode);
	write_numbers(writer, spec);
	write_u32(writer, (uint32_t)spec->text.len);
	write_u32(writer, (uint32_t)candidate->fstypes.len);
	write_u32(writer, (uint32_t)candidate->flags.len);
	write_str(writer, spec->text);
	write_str(writer, candidate->fstypes);
	write_str(writer, candidate->flags);
	end_record(writer);
}

static void write_timing(struct writer *writer, const struct om_root *root)
{
	begin_record(writer, RECORD_TIMING, TIMING_SIZE);
	write_u32(writer, root->wait_ms);
	write_u32(writer, root->delay_ms);
	end_record(writer);
}

static void write_linuxrc(struct writer *writer, const struct om_root *root)
{
	struct om_str path = root->linuxrc_path;

	if (root->linuxrc != OM_LINUXRC_PATH)
		path.len = 0;
	begin_record(writer, RECORD_LINUXRC, LINUXRC_SIZE + path.len);
	write_u32(writer, root->linuxrc);
	write_str(writer, path);
	end_record(writer);
}

static void write_policy(struct writer *writer, const struct om_root *root)
{
	begin_record(writer, RECORD_POLICY, POLICY_SIZE);
	write_u32(writer, root->devfs);
	write_u32(writer, root->keep);
	write_u32(writer, root->real_root_dev_compat ? 1 : 0);
	end_record(writer);
}

static void write_ramdisk(struct writer *writer, const struct om_ramdisk *disk)
{
	uint32_t flags = (disk->classic_initrd ? RAMDISK_CLASSIC : 0) |
			 (disk->in_archive ? RAMDISK_ARCHIVE : 0) |
			 (disk->has_digest ? RAMDISK_DIGEST : 0);
	size_t digest_len = disk->has_digest ? sizeof(disk->digest) : 0;

	begin_record(writer, RECORD_RAMDISK, RAMDISK_SIZE + digest_len + disk->text.len);
	write_u32(writer, disk->index);
	write_u32(writer, flags);
	write_u64(writer, disk->size);
	write_bytes(writer, disk->digest, digest_len);
	write_str(writer, disk->text);
	end_record(writer);
}

/* The default is not written. */
static void write_choice(struct writer *writer, enum descriptor_record type, uint32_t choice)
{
	if (choice == 0)
		return;
	begin_record(writer, type, CHOICE_SIZE);
	write_u32(writer, choice);
	end_record(writer);
}

static void write_verity(struct writer *writer, const struct om_verity *verity)
{
	bool device = verity->device.kind != 0;
	struct om_str text = device ? verity->device.text : (struct om_str){ "", 0 };

	if (verity->hash_len == 0)
		return;
	begin_record(writer, RECORD_VERITY, VERITY_SIZE + verity->hash_len + text.len);
	write_u64(writer, verity->offset);
	write_u32(writer, verity->hash_len);
	write_u32(writer, verity->device.kind);
	write_numbers(writer, &verity->device);
	write_u32(writer, (uint32_t)text.len);
	write_bytes(writer, verity->root_hash, verity->hash_len);
	write_str(writer, text);
	end_record(writer);
}

static void write_header(struct writer *writer, const struct om_root *root, size_t total)
{
	static const uint8_t no_checksum[OM_SHA256_SIZE];

	write_bytes(writer, OM_DESCRIPTOR_MAGIC, 8);
	write_u16(writer, OM_DESCRIPTOR_MAJOR);
	write_u16(writer, (uint16_t)descriptor_minor(root));
	write_u32(writer, (uint32_t)total);
	write_bytes(writer, no_checksum, sizeof(no_checksum));
}

static void write_records(struct writer *writer, const struct om_root *root)
{
	write_optional(writer, RECORD_TITLE, root->title);
	write_optional(writer, RECORD_ENTRY_ID, root->entry_id);
	for (uint32_t i = 0; i < root->candidate_count; i++)
		write_candidate(writer, &root->candidates[i]);
	write_timing(writer, root);
	for (uint32_t i = 0; i < root->init_count; i++)
		write_text_record(writer, RECORD_INIT, root->init[i]);
	write_optional(writer, RECORD_RDINIT, root->rdinit);
	write_linuxrc(writer, root);
	write_policy(writer, root);
	for (uint32_t i = 0; i < root->ramdisk_count; i++)
		write_ramdisk(writer, &root->ramdisks[i]);
	for (uint32_t i = 0; i < root->module_count; i++)
		write_text_record(writer, RECORD_MODULE, root->modules[i]);
	write_optional(writer, RECORD_CMDLINE, root->cmdline);
	write_choice(writer, RECORD_ATTACH, root->attach);
	write_choice(writer, RECORD_OVERLAY, root->overlay);
	write_verity(writer, &root->verity);
}

enum om_status om_descriptor_size(const struct om_root *root, size_t *ret_size)
{
	struct writer writer = { NULL, OM_DESCRIPTOR_HEADER_SIZE };
	enum om_status status = descriptor_check_root(root);

	if (status != OM_OK)
		return status;
	write_records(&writer, root);
	if (writer.at > OM_DESCRIPTOR_MAX)
		return OM_LIMIT;
	*ret_size = writer.at;
	return OM_OK;
}

enum om_status om_descriptor_encode(const struct om_root *root, uint8_t *buf, size_t size,
				    size_t *ret_size)
{
	struct writer writer = { buf, 0 };
	uint8_t digest[OM_SHA256_SIZE];
	size_t needed;
	enum om_status status = om_descriptor_size(root, &needed);

	if (status != OM_OK)
		return status;
	if (size < needed) {
		*ret_size = needed;
		return OM_TOO_SMALL;
	}
	write_header(&writer, root, needed);
	write_records(&writer, root);
	om_sha256(buf, needed, digest);
	memcpy(buf + 16, digest, sizeof(digest));
	*ret_size = needed;
	return OM_OK;
}
