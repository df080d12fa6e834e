/* SPDX-License-Identifier: MIT */
/*
 * Root descriptor: struct om_root to lines of the entry grammar, every value explicit.  The way
 * back is in descriptor_parse.c; what is written here fits one line of DESCRIPTOR_LINE_MAX,
 * because the rules of descriptor_check.c say so.
 */
#include <overmount/fmt.h>

#include "descriptor_records.h"

struct line {
	char text[DESCRIPTOR_LINE_MAX];
	size_t len;
	void (*out)(void *ctx, const char *text);
	void *ctx;
};

static void append_bytes(struct line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->text) - 1 - line->len;

	if (len > room)
		len = room;
	if (len > 0)
		memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void append(struct line *line, const char *text)
{
	append_bytes(line, text, strlen(text));
}

static void append_number(struct line *line, const char *before, uint64_t value)
{
	char text[24];

	om_format(text, sizeof(text), "%llu", (unsigned long long)value);
	append(line, before);
	append(line, text);
}

static bool needs_quotes(struct om_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == ' ' || text.ptr[i] == '\t' || text.ptr[i] == '"')
			return true;
	}
	return false;
}

/*
 * " WORD" or " NAME=WORD".  Where a blank, a quotation mark or nothing at all asks for it the
 * whole word stands in quotes, in which a quotation mark is written twice.
 */
static void append_word(struct line *line, const char *name, struct om_str word)
{
	bool quotes = needs_quotes(word) || (word.len == 0 && name[0] == '\0');

	append(line, quotes ? " \"" : " ");
	append(line, name);
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '"')
			append(line, "\"");
		append_bytes(line, word.ptr + i, 1);
	}
	if (quotes)
		append(line, "\"");
}

/*
 * The rest of a line.  Blanks around it would be lost, and quotes around it taken off, so one
 * more pair of quotes keeps either.
 */
static void append_rest(struct line *line, struct om_str text)
{
	const char *last = text.ptr + text.len - 1;
	bool quotes = *text.ptr == ' ' || *text.ptr == '\t' || *last == ' ' || *last == '\t' ||
		      *text.ptr == '"';

	append(line, quotes ? " \"" : " ");
	append_bytes(line, text.ptr, text.len);
	if (quotes)
		append(line, "\"");
}

static void begin(struct line *line, const char *key)
{
	line->len = 0;
	append(line, key);
}

static void end(struct line *line)
{
	line->text[line->len] = '\0';
	line->out(line->ctx, line->text);
}

static void put_rest(struct line *line, const char *key, struct om_str text)
{
	if (text.len == 0)
		return;
	begin(line, key);
	append_rest(line, text);
	end(line);
}

static void put_word(struct line *line, const char *key, struct om_str word)
{
	begin(line, key);
	append_word(line, "", word);
	end(line);
}

/*
 * The specification is made at the far end of the line's own room, and moved to its place from
 * there: the rules leave enough between the two.
 */
static void append_spec(struct line *line, const char *name, const struct om_rootspec *spec)
{
	size_t len = om_rootspec_format(spec, NULL, 0);
	char *far_end = line->text + sizeof(line->text) - 1 - len;

	om_rootspec_format(spec, far_end, len + 1);
	append_word(line, name, (struct om_str){ far_end, len });
}

static void put_candidate(struct line *line, const struct om_candidate *candidate)
{
	begin(line, "root");
	append_spec(line, "", &candidate->spec);
	if (candidate->fstypes.len > 0)
		append_word(line, "fstype=", candidate->fstypes);
	if (candidate->flags.len > 0)
		append_word(line, "flags=", candidate->flags);
	if (candidate->mode == OM_MODE_RO)
		append(line, " ro");
	else if (candidate->mode == OM_MODE_RW)
		append(line, " rw");
	end(line);
}

static void put_duration(struct line *line, const char *key, uint32_t ms)
{
	char text[24];
	size_t len;

	if (ms == OM_WAIT_FOREVER) {
		om_format(text, sizeof(text), "forever");
	} else {
		len = om_format(text, sizeof(text), "%u.%03u", ms / 1000, ms % 1000);
		while (text[len - 1] == '0')
			text[--len] = '\0';
		if (text[len - 1] == '.')
			text[--len] = '\0';
	}
	put_word(line, key, om_str_from(text));
}

static void put_init(struct line *line, const struct om_root *root)
{
	if (root->init_count == 0)
		return;
	begin(line, "init");
	for (uint32_t i = 0; i < root->init_count; i++)
		append_word(line, "", root->init[i]);
	end(line);
}

static void put_linuxrc(struct line *line, const struct om_root *root)
{
	if (root->linuxrc == OM_LINUXRC_PATH)
		put_word(line, "linuxrc", root->linuxrc_path);
	else
		put_word(line, "linuxrc",
			 root->linuxrc == OM_LINUXRC_NEVER ? OM_STR("no") : OM_STR("auto"));
}

static void put_policy(struct line *line, const struct om_root *root)
{
	static const char *const devfs[] = { "no", "initrd", "root", "both" };
	static const char *const keep[] = { "no", "skeleton", "yes" };

	put_word(line, "real-root-dev",
		 root->real_root_dev_compat ? OM_STR("compat") : OM_STR("off"));
	put_word(line, "devfs", om_str_from(devfs[root->devfs & 3]));
	put_word(line, "keep-ramfs",
		 om_str_from(keep[root->keep > OM_KEEP_ALL ? OM_KEEP_ALL : root->keep]));
}

static void append_hex(struct line *line, const char *before, const uint8_t *bytes, size_t len)
{
	char hex[3];

	append(line, before);
	for (size_t i = 0; i < len; i++) {
		om_format(hex, sizeof(hex), "%02x", bytes[i]);
		append(line, hex);
	}
}

static void put_ramdisk(struct line *line, const struct om_ramdisk *disk)
{
	begin(line, "x-ramdisk");
	append_number(line, " index=", disk->index);
	append_number(line, " size=", disk->size);
	append(line, disk->classic_initrd ? " classic=yes" : " classic=no");
	append(line, disk->in_archive ? " archive=yes" : " archive=no");
	if (disk->has_digest)
		append_hex(line, " sha256=", disk->digest, sizeof(disk->digest));
	append_word(line, "text=", disk->text);
	end(line);
}

/* Only what is not the default. */
static void put_stock(struct line *line, const struct om_root *root)
{
	const struct om_verity *verity = &root->verity;

	if (root->attach != OM_ATTACH_LOOP)
		put_word(line, "initrd-attach", root->attach == OM_ATTACH_PMEM ?
			 OM_STR("pmem") : OM_STR("ramdisk"));
	if (root->overlay != OM_OVERLAY_NONE)
		put_word(line, "root-overlay", OM_STR("tmpfs"));
	if (verity->hash_len == 0)
		return;
	begin(line, "root-verity");
	append_hex(line, " ", verity->root_hash, verity->hash_len);
	if (verity->device.kind != 0)
		append_spec(line, "hash=", &verity->device);
	if (verity->offset > 0)
		append_number(line, " offset=", verity->offset);
	end(line);
}

void om_descriptor_to_text(const struct om_root *root, void (*out)(void *ctx, const char *text),
			   void *ctx)
{
	struct line line;

	line.len = 0;
	line.out = out;
	line.ctx = ctx;
	put_rest(&line, "title", root->title);
	put_rest(&line, "x-id", root->entry_id);
	for (uint32_t i = 0; i < root->candidate_count; i++)
		put_candidate(&line, &root->candidates[i]);
	put_duration(&line, "root-wait", root->wait_ms);
	put_duration(&line, "root-delay", root->delay_ms);
	put_init(&line, root);
	if (root->rdinit.len > 0)
		put_word(&line, "x-rdinit", root->rdinit);
	put_linuxrc(&line, root);
	put_policy(&line, root);
	for (uint32_t i = 0; i < root->ramdisk_count; i++)
		put_ramdisk(&line, &root->ramdisks[i]);
	for (uint32_t i = 0; i < root->module_count; i++)
		put_word(&line, "module", root->modules[i]);
	put_rest(&line, "options", root->cmdline);
	put_stock(&line, root);
}
