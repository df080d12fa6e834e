/* SPDX-License-Identifier: MIT */
/* What may stand in a root descriptor: asked by its writer and by its reader. */
#include <overmount/fmt.h>

#include "descriptor_records.h"

const struct descriptor_record_info descriptor_records[RECORD_COUNT] = {
	[RECORD_TITLE] = { "title", false, false, false, 0 },
	[RECORD_ENTRY_ID] = { "entry id", false, false, false, 0 },
	[RECORD_CANDIDATE] = { "candidate", true, true, false, CANDIDATE_SIZE },
	[RECORD_TIMING] = { "timing", true, false, true, TIMING_SIZE },
	[RECORD_INIT] = { "init", true, true, false, 0 },
	[RECORD_RDINIT] = { "rdinit", true, false, false, 0 },
	[RECORD_LINUXRC] = { "linuxrc", true, false, true, LINUXRC_SIZE },
	[RECORD_POLICY] = { "policy", true, false, true, POLICY_SIZE },
	[RECORD_RAMDISK] = { "ram disk", true, true, false, RAMDISK_SIZE },
	[RECORD_MODULE] = { "module", true, true, false, 0 },
	[RECORD_CMDLINE] = { "command line", false, false, false, 0 },
	[RECORD_ATTACH] = { "attach", true, false, false, CHOICE_SIZE },
	[RECORD_OVERLAY] = { "overlay", true, false, false, CHOICE_SIZE },
	[RECORD_VERITY] = { "verity", true, false, false, VERITY_SIZE },
};

/* Every text stands in one line of the text form: no control characters but the tab. */
static bool is_line(struct om_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* As in the text form, where a quotation mark inside a quoted word is written twice. */
static size_t written_len(struct om_str word)
{
	size_t len = word.len;

	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '"')
			len++;
	}
	return len;
}

static enum om_status too_long(const struct om_diag_sink *sink, uint64_t offset,
			       enum descriptor_record type, size_t len, size_t max)
{
	return om_diag_binary(sink, OM_LIMIT, offset, "%s: %zu bytes of text, at most %zu are allowed",
			      descriptor_records[type].name, len, max);
}

enum om_status descriptor_check_line(const struct om_diag_sink *sink, uint64_t offset,
				     enum descriptor_record type, struct om_str text)
{
	if (text.len > OM_CMDLINE_MAX)
		return too_long(sink, offset, type, text.len, OM_CMDLINE_MAX);
	if (!is_line(text))
		return om_diag_binary(sink, OM_SYNTAX, offset, "%s: the text has a control character",
				      descriptor_records[type].name);
	return OM_OK;
}

enum om_status descriptor_check_word(const struct om_diag_sink *sink, uint64_t offset,
				     enum descriptor_record type, struct om_str word)
{
	size_t len = written_len(word);

	if (len >= OM_PATH_MAX)
		return too_long(sink, offset, type, len, OM_PATH_MAX - 1);
	return descriptor_check_line(sink, offset, type, word);
}

/* A path of the absolute root: as om_rootspec_parse() has it behind image:, tar: and cpio:. */
static bool is_inner_path(struct om_str path)
{
	size_t start = 0;

	if (!om_str_starts(path, "/"))
		return false;
	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.ptr[i] != '/')
			continue;
		if (om_str_is((struct om_str){ path.ptr + start, i - start }, ".."))
			return false;
		start = i + 1;
	}
	return true;
}

/*
 * Does the text form of SPEC mean SPEC?  The long ones are looked at directly: a kernel's stack
 * has better use for four kilobytes.
 */
static bool spec_survives(const struct om_rootspec *spec)
{
	char text[384];
	struct om_rootspec back;
	size_t len;

	if (spec->kind == OM_ROOT_NFS)
		return true;
	if (spec->kind == OM_ROOT_IMAGE || spec->kind == OM_ROOT_TAR || spec->kind == OM_ROOT_CPIO)
		return is_inner_path(spec->text);
	len = om_rootspec_format(spec, text, sizeof(text));
	if (len >= sizeof(text) ||
	    om_rootspec_parse((struct om_str){ text, len }, 1, 1, NULL, &back) != OM_OK)
		return false;
	return back.kind == spec->kind && om_str_equal(back.text, spec->text) &&
	       (!spec_has_major(spec->kind) || back.major == spec->major) &&
	       (!spec_has_minor(spec->kind) || back.minor == spec->minor) &&
	       (!spec_has_partnroff(spec->kind) || back.partnroff == spec->partnroff);
}

enum om_status descriptor_check_candidate(const struct om_diag_sink *sink, uint64_t offset,
					  const struct om_candidate *candidate)
{
	const struct om_str texts[] = {
		candidate->spec.text, candidate->fstypes, candidate->flags,
	};
	size_t total = 0;
	enum om_status status;

	if (candidate->spec.kind < OM_ROOT_RAMFS || candidate->spec.kind > OM_ROOT_NFS)
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "candidate: there is no kind %u of root, they are 1 to %u",
				      (unsigned int)candidate->spec.kind, OM_ROOT_NFS);
	if (candidate->mode > OM_MODE_RW)
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "candidate: there is no mode %u, they are 0 to %u",
				      (unsigned int)candidate->mode, OM_MODE_RW);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		status = descriptor_check_word(sink, offset, RECORD_CANDIDATE, texts[i]);
		if (status != OM_OK)
			return status;
		total += written_len(texts[i]);
	}
	if (total > OM_CMDLINE_MAX)
		return too_long(sink, offset, RECORD_CANDIDATE, total, OM_CMDLINE_MAX);
	if (!spec_survives(&candidate->spec))
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "candidate: '%.*s' is not a root specification of kind %u",
				      candidate->spec.text.len > 64 ? 64 :
				      (int)candidate->spec.text.len, candidate->spec.text.ptr,
				      (unsigned int)candidate->spec.kind);
	return OM_OK;
}

enum om_status descriptor_check_linuxrc(const struct om_diag_sink *sink, uint64_t offset,
					const struct om_root *root)
{
	if (root->linuxrc > OM_LINUXRC_PATH)
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "linuxrc: there is no choice %u, they are 0 to %u",
				      (unsigned int)root->linuxrc, OM_LINUXRC_PATH);
	if (root->linuxrc != OM_LINUXRC_PATH)
		return OM_OK;
	if (!om_str_starts(root->linuxrc_path, "/"))
		return om_diag_binary(sink, OM_SYNTAX, offset, "linuxrc: the path is not absolute");
	return descriptor_check_word(sink, offset, RECORD_LINUXRC, root->linuxrc_path);
}

enum om_status descriptor_check_policy(const struct om_diag_sink *sink, uint64_t offset,
				       uint32_t devfs, uint32_t keep)
{
	if (devfs & ~(uint32_t)(OM_DEVFS_INITRD | OM_DEVFS_ROOT))
		return om_diag_binary(sink, OM_SYNTAX, offset, "policy: devfs is 0x%x, expected 0 to 3",
				      devfs);
	if (keep > OM_KEEP_ALL)
		return om_diag_binary(sink, OM_SYNTAX, offset, "policy: keep is %u, expected 0 to %u",
				      keep, OM_KEEP_ALL);
	return OM_OK;
}

enum om_status descriptor_check_ramdisk(const struct om_diag_sink *sink, uint64_t offset,
					const struct om_root *root, uint32_t at)
{
	const struct om_ramdisk *disk = &root->ramdisks[at];

	for (uint32_t i = 0; i < at; i++) {
		if (root->ramdisks[i].index == disk->index)
			return om_diag_binary(sink, OM_CONFLICT, offset, "two ram disks are /dev/ram%u",
					      disk->index);
	}
	return descriptor_check_word(sink, offset, RECORD_RAMDISK, disk->text);
}

enum om_status descriptor_check_init(const struct om_diag_sink *sink, uint64_t offset,
				     const struct om_root *root)
{
	size_t total = 0;

	/* Each word may get quotes and a blank. */
	for (uint32_t i = 0; i < root->init_count; i++)
		total += written_len(root->init[i]) + 3;
	if (total > OM_CMDLINE_MAX)
		return too_long(sink, offset, RECORD_INIT, total, OM_CMDLINE_MAX);
	return OM_OK;
}

enum om_status descriptor_check_choice(const struct om_diag_sink *sink, uint64_t offset,
				       enum descriptor_record type, uint32_t choice)
{
	uint32_t max = type == RECORD_ATTACH ? OM_ATTACH_PMEM : OM_OVERLAY_TMPFS;

	if (choice <= max)
		return OM_OK;
	return om_diag_binary(sink, OM_SYNTAX, offset, "%s: there is no choice %u, they are 0 to %u",
			      descriptor_records[type].name, choice, max);
}

enum om_status descriptor_check_verity(const struct om_diag_sink *sink, uint64_t offset,
				       const struct om_verity *verity)
{
	if (!verity_hash_fits(verity->hash_len))
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "verity: a hash of %u bytes, expected 20, 32, 48 or 64",
				      verity->hash_len);
	if (verity->offset % OM_VERITY_UNIT != 0 || verity->offset > INT64_MAX ||
	    (verity->device.kind == 0 && verity->offset == 0))
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "verity: the hash tree cannot be at %llu",
				      (unsigned long long)verity->offset);
	if (verity->device.kind == 0)
		return OM_OK;
	if (!om_root_is_device(verity->device.kind) || !spec_survives(&verity->device))
		return om_diag_binary(sink, OM_SYNTAX, offset,
				      "verity: the device of kind %u is none for a hash tree",
				      (unsigned int)verity->device.kind);
	return descriptor_check_word(sink, offset, RECORD_VERITY, verity->device.text);
}

uint32_t descriptor_minor(const struct om_root *root)
{
	return root->attach != OM_ATTACH_LOOP || root->overlay != OM_OVERLAY_NONE ||
	       root->verity.hash_len > 0;
}

static enum om_status check_words(const struct om_str *words, uint32_t count,
				  enum descriptor_record type)
{
	enum om_status status = OM_OK;

	for (uint32_t i = 0; i < count && status == OM_OK; i++)
		status = descriptor_check_word(NULL, 0, type, words[i]);
	return status;
}

enum om_status descriptor_check_root(const struct om_root *root)
{
	enum om_status status;

	if (root->candidate_count > OM_CANDIDATES_MAX || root->init_count > OM_ARGS_MAX ||
	    root->ramdisk_count > OM_IMAGES_MAX || root->module_count > OM_MODULES_MAX)
		return OM_MISUSE;
	if (root->delay_ms == OM_WAIT_FOREVER)
		return OM_MISUSE;
	status = descriptor_check_line(NULL, 0, RECORD_TITLE, root->title);
	if (status == OM_OK)
		status = descriptor_check_line(NULL, 0, RECORD_ENTRY_ID, root->entry_id);
	for (uint32_t i = 0; i < root->candidate_count && status == OM_OK; i++)
		status = descriptor_check_candidate(NULL, 0, &root->candidates[i]);
	if (status == OM_OK)
		status = check_words(root->init, root->init_count, RECORD_INIT);
	if (status == OM_OK)
		status = descriptor_check_init(NULL, 0, root);
	if (status == OM_OK)
		status = descriptor_check_word(NULL, 0, RECORD_RDINIT, root->rdinit);
	if (status == OM_OK)
		status = descriptor_check_linuxrc(NULL, 0, root);
	if (status == OM_OK)
		status = descriptor_check_policy(NULL, 0, root->devfs, root->keep);
	for (uint32_t i = 0; i < root->ramdisk_count && status == OM_OK; i++)
		status = descriptor_check_ramdisk(NULL, 0, root, i);
	if (status == OM_OK)
		status = check_words(root->modules, root->module_count, RECORD_MODULE);
	if (status == OM_OK)
		status = descriptor_check_line(NULL, 0, RECORD_CMDLINE, root->cmdline);
	if (status == OM_OK)
		status = descriptor_check_choice(NULL, 0, RECORD_ATTACH, root->attach);
	if (status == OM_OK)
		status = descriptor_check_choice(NULL, 0, RECORD_OVERLAY, root->overlay);
	if (status == OM_OK && root->verity.hash_len > 0)
		status = descriptor_check_verity(NULL, 0, &root->verity);
	return status;
}
