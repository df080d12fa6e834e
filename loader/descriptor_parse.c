/* SPDX-License-Identifier: MIT */
/*
 * Root descriptor: its text form to struct om_root.  The lines look like those of an entry and
 * are taken apart by the same means, but they are no entry: nothing is merged, nothing is
 * defaulted from the command line, and an unknown key is an error.
 */
#include <overmount/entry.h>
#include <overmount/fmt.h>

#include "descriptor_records.h"
#include "words.h"

#define TEXT_MAX (4 * OM_DESCRIPTOR_MAX)
#define RAMDISK_INDEX_MAX UINT32_MAX

struct parser {
	struct om_arena *arena;
	const struct om_diag_sink *sink;
	struct om_root *root;
	struct om_value key, value;	/* of the present line */
	enum om_status status;		/* the first error */
};

static enum om_status fail(struct parser *parser, enum om_status status, struct om_value at,
			   const char *hint, const char *format, ...) OM_PRINTF(5, 6);

static enum om_status fail(struct parser *parser, enum om_status status, struct om_value at,
			   const char *hint, const char *format, ...)
{
	char text[OM_DIAG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	if (parser->status == OM_OK)
		parser->status = status;
	return om_diag_text(parser->sink, status, false, at.line, at.column, (uint32_t)at.text.len,
			    hint, "%s", text);
}

/* The rules' findings are about bytes; here they are about the line being read. */
static void forward(void *ctx, const struct om_diag *diag)
{
	struct parser *parser = ctx;

	fail(parser, diag->status, parser->value, NULL, "%s", diag->text);
}

static enum om_status fail_choice(struct parser *parser, struct om_value at, const char *choices)
{
	struct om_str near = om_choice_suggest(at.text, choices);
	char hint[OM_DIAG_HINT_MAX] = "";

	if (near.len > 0)
		om_format(hint, sizeof(hint), "did you mean '%.*s'?", (int)near.len, near.ptr);
	return fail(parser, OM_SYNTAX, at, hint, "expected one of %s", choices);
}

/*
 * The end of the word at START of TEXT, or SIZE_MAX if a quote is left open.  Quotes hold blanks
 * together; inside them two stand for one.
 */
static size_t word_end(struct om_str text, size_t start, bool *ret_quotes)
{
	bool quoted = false, quotes = false;
	size_t i;

	for (i = start; i < text.len && (quoted || !om_is_blank(text.ptr[i])); i++) {
		if (text.ptr[i] != '"')
			continue;
		quotes = true;
		if (quoted && i + 1 < text.len && text.ptr[i + 1] == '"')
			i++;
		else
			quoted = !quoted;
	}
	*ret_quotes = quotes;
	return quoted ? SIZE_MAX : i;
}

/* Takes the quotes off. */
static bool unquote(struct parser *parser, struct om_str *word)
{
	struct om_str copy = om_arena_str(parser->arena, *word);
	char *text = (char *)(uintptr_t)copy.ptr;
	bool quoted = false;
	size_t len = 0;

	if (!text)
		return false;
	for (size_t i = 0; i < word->len; i++) {
		if (word->ptr[i] != '"') {
			text[len++] = word->ptr[i];
		} else if (quoted && i + 1 < word->len && word->ptr[i + 1] == '"') {
			text[len++] = '"';
			i++;
		} else {
			quoted = !quoted;
		}
	}
	*word = (struct om_str){ text, len };
	return true;
}

/* The next word; false at the end of the line and after an error. */
static bool next_word(struct parser *parser, struct om_words *words, struct om_value *ret_word)
{
	struct om_value word = parser->value;
	size_t start = words->at, end;
	bool quotes;

	while (start < words->text.len && om_is_blank(words->text.ptr[start]))
		start++;
	if (start == words->text.len)
		return false;
	end = word_end(words->text, start, &quotes);
	if (end == SIZE_MAX) {
		fail(parser, OM_SYNTAX, word, NULL, "a quotation mark is not closed");
		return false;
	}
	word.text = (struct om_str){ words->text.ptr + start, end - start };
	word.column += (uint32_t)start;
	words->at = end;
	if (quotes && !unquote(parser, &word.text)) {
		fail(parser, OM_NO_MEMORY, word, NULL, "out of memory");
		return false;
	}
	*ret_word = word;
	return true;
}

/* The line's only word; an error if there are none or more. */
static bool only_word(struct parser *parser, struct om_value *ret_word)
{
	struct om_words words = om_words_of(parser->value);
	enum om_status before = parser->status;
	struct om_value word, more;

	if (!next_word(parser, &words, &word)) {
		if (parser->status == before)
			fail(parser, OM_SYNTAX, parser->key, NULL, "'%.*s' has no value",
			     (int)parser->key.text.len, parser->key.text.ptr);
		return false;
	}
	if (next_word(parser, &words, &more)) {
		fail(parser, OM_SYNTAX, more, "put a value with blanks into quotation marks",
		     "'%.*s' has one value only", (int)parser->key.text.len, parser->key.text.ptr);
		return false;
	}
	*ret_word = word;
	return parser->status == before;
}

/* If WORD is NAME=..., the part behind the '='. */
static bool attribute(struct om_value word, const char *name, struct om_value *ret_value)
{
	size_t len = strlen(name);

	if (!om_str_starts(word.text, name) || word.text.len == len || word.text.ptr[len] != '=')
		return false;
	*ret_value = (struct om_value){ om_str_skip(word.text, len + 1), word.line,
					word.column + (uint32_t)len + 1 };
	return true;
}

/* ------------------------------------------------------------------ one key each */

static void parse_rest(struct parser *parser, enum descriptor_record type, struct om_str *text)
{
	const struct om_diag_sink sink = { forward, parser };
	struct om_str rest = parser->value.text;

	if (rest.len >= 2 && rest.ptr[0] == '"' && rest.ptr[rest.len - 1] == '"')
		rest = (struct om_str){ rest.ptr + 1, rest.len - 2 };
	if (descriptor_check_line(&sink, 0, type, rest) == OM_OK)
		*text = rest;
}

static void parse_title(struct parser *parser)
{
	parse_rest(parser, RECORD_TITLE, &parser->root->title);
}

static void parse_id(struct parser *parser)
{
	parse_rest(parser, RECORD_ENTRY_ID, &parser->root->entry_id);
}

static void parse_options(struct parser *parser)
{
	parse_rest(parser, RECORD_CMDLINE, &parser->root->cmdline);
}

static bool candidate_attribute(struct parser *parser, struct om_value word,
				struct om_candidate *candidate)
{
	struct om_value value;

	if (om_str_is(word.text, "ro") || om_str_is(word.text, "rw")) {
		candidate->mode = om_str_is(word.text, "ro") ? OM_MODE_RO : OM_MODE_RW;
		return true;
	}
	if (attribute(word, "fstype", &value) && candidate->fstypes.len == 0) {
		candidate->fstypes = value.text;
		return true;
	}
	if (attribute(word, "flags", &value) && candidate->flags.len == 0) {
		candidate->flags = value.text;
		return true;
	}
	fail(parser, OM_SYNTAX, word, NULL, "expected fstype=, flags=, ro or rw, each once");
	return false;
}

static void parse_root(struct parser *parser)
{
	const struct om_diag_sink sink = { forward, parser };
	struct om_root *root = parser->root;
	struct om_candidate candidate = { .fstypes = { "", 0 }, .flags = { "", 0 } };
	struct om_words words = om_words_of(parser->value);
	enum om_status before = parser->status, status;
	struct om_value word;

	if (root->candidate_count == OM_CANDIDATES_MAX) {
		fail(parser, OM_LIMIT, parser->key, NULL, "more than %u candidates",
		     OM_CANDIDATES_MAX);
		return;
	}
	if (!next_word(parser, &words, &word))
		return;
	status = om_rootspec_parse(word.text, word.line, word.column, parser->sink, &candidate.spec);
	if (status != OM_OK) {
		parser->status = before == OM_OK ? status : before;
		return;
	}
	while (next_word(parser, &words, &word)) {
		if (!candidate_attribute(parser, word, &candidate))
			return;
	}
	if (parser->status == before && descriptor_check_candidate(&sink, 0, &candidate) == OM_OK)
		root->candidates[root->candidate_count++] = candidate;
}

static bool parse_duration(struct parser *parser, bool forever, uint32_t *ms)
{
	struct om_value word;

	if (!only_word(parser, &word))
		return false;
	if (forever && om_str_is(word.text, "forever")) {
		*ms = OM_WAIT_FOREVER;
		return true;
	}
	if (om_duration_parse(word.text, ms) != OM_OK) {
		fail(parser, OM_SYNTAX, word, NULL, "expected seconds such as 1.5%s",
		     forever ? ", or forever" : "");
		return false;
	}
	return true;
}

static void parse_wait(struct parser *parser)
{
	parse_duration(parser, true, &parser->root->wait_ms);
}

static void parse_delay(struct parser *parser)
{
	parse_duration(parser, false, &parser->root->delay_ms);
}

/* Checks WORD as part of a record of TYPE. */
static bool word_is_fine(struct parser *parser, enum descriptor_record type, struct om_str word)
{
	const struct om_diag_sink sink = { forward, parser };

	return descriptor_check_word(&sink, 0, type, word) == OM_OK;
}

static void parse_init(struct parser *parser)
{
	const struct om_diag_sink sink = { forward, parser };
	struct om_words words = om_words_of(parser->value);
	struct om_root *root = parser->root;
	struct om_value word;

	while (next_word(parser, &words, &word)) {
		if (root->init_count == OM_ARGS_MAX) {
			fail(parser, OM_LIMIT, word, NULL, "more than %u words of init", OM_ARGS_MAX);
			return;
		}
		if (!word_is_fine(parser, RECORD_INIT, word.text))
			return;
		root->init[root->init_count++] = word.text;
	}
	/* Reported through the sink. */
	if (descriptor_check_init(&sink, 0, root) != OM_OK)
		root->init_count = 0;
}

static void parse_rdinit(struct parser *parser)
{
	struct om_value word;

	if (only_word(parser, &word) && word_is_fine(parser, RECORD_RDINIT, word.text))
		parser->root->rdinit = word.text;
}

static void parse_linuxrc(struct parser *parser)
{
	struct om_root *root = parser->root;
	struct om_value word;

	if (!only_word(parser, &word))
		return;
	if (om_str_is(word.text, "auto")) {
		root->linuxrc = OM_LINUXRC_AUTO;
	} else if (om_str_is(word.text, "no")) {
		root->linuxrc = OM_LINUXRC_NEVER;
	} else if (!om_str_starts(word.text, "/")) {
		fail(parser, OM_SYNTAX, word, NULL, "expected auto, no or an absolute path");
	} else if (word_is_fine(parser, RECORD_LINUXRC, word.text)) {
		root->linuxrc = OM_LINUXRC_PATH;
		root->linuxrc_path = word.text;
	}
}

static int parse_choice(struct parser *parser, const char *choices)
{
	struct om_value word;
	int at;

	if (!only_word(parser, &word))
		return -1;
	at = om_choice_find(word.text, choices);
	if (at < 0)
		fail_choice(parser, word, choices);
	return at;
}

static void parse_real_root_dev(struct parser *parser)
{
	parser->root->real_root_dev_compat = parse_choice(parser, "compat|off") == 0;
}

static void parse_devfs(struct parser *parser)
{
	int at = parse_choice(parser, "no|initrd|root|both");

	if (at >= 0)
		parser->root->devfs = (uint32_t)at;
}

static void parse_keep(struct parser *parser)
{
	int at = parse_choice(parser, "no|skeleton|yes");

	if (at >= 0)
		parser->root->keep = (enum om_keep)at;
}

static void parse_module(struct parser *parser)
{
	struct om_root *root = parser->root;
	struct om_value word;

	if (root->module_count == OM_MODULES_MAX)
		fail(parser, OM_LIMIT, parser->key, NULL, "more than %u modules", OM_MODULES_MAX);
	else if (only_word(parser, &word) && word_is_fine(parser, RECORD_MODULE, word.text))
		root->modules[root->module_count++] = word.text;
}

static void parse_attach(struct parser *parser)
{
	int at = parse_choice(parser, "loop|ramdisk|pmem");

	if (at >= 0)
		parser->root->attach = (enum om_attach)at;
}

static void parse_overlay(struct parser *parser)
{
	int at = parse_choice(parser, "no|tmpfs");

	if (at >= 0)
		parser->root->overlay = (enum om_overlay)at;
}

static bool parse_number(struct parser *parser, struct om_value value, uint64_t max,
			 uint64_t *number)
{
	if (om_number_parse(value.text, 10, max, number) == OM_OK)
		return true;
	fail(parser, OM_SYNTAX, value, NULL, "expected a number up to %llu",
	     (unsigned long long)max);
	return false;
}

static bool verity_attribute(struct parser *parser, struct om_value word, struct om_verity *verity)
{
	struct om_value value;
	enum om_status status;

	if (attribute(word, "offset", &value) && verity->offset == 0)
		return parse_number(parser, value, UINT64_MAX, &verity->offset);
	if (attribute(word, "hash", &value) && verity->device.kind == 0) {
		status = om_rootspec_parse(value.text, value.line, value.column, parser->sink,
					   &verity->device);
		if (parser->status == OM_OK)
			parser->status = status;
		return status == OM_OK;
	}
	fail(parser, OM_SYNTAX, word, NULL, "expected hash= or offset=, each once");
	return false;
}

static void parse_verity(struct parser *parser)
{
	const struct om_diag_sink sink = { forward, parser };
	struct om_verity verity = { .device = { .text = { "", 0 } } };
	struct om_words words = om_words_of(parser->value);
	enum om_status before = parser->status;
	struct om_value word;
	size_t len = 0;

	if (!next_word(parser, &words, &word))
		return;
	if (om_hex_parse(word.text, verity.root_hash, sizeof(verity.root_hash), &len) != OM_OK) {
		fail(parser, OM_SYNTAX, word, NULL, "expected the hexadecimal digits of a root hash");
		return;
	}
	verity.hash_len = (uint32_t)len;
	while (next_word(parser, &words, &word)) {
		if (!verity_attribute(parser, word, &verity))
			return;
	}
	if (parser->status == before && descriptor_check_verity(&sink, 0, &verity) == OM_OK)
		parser->root->verity = verity;
}

/* ------------------------------------------------------------------ x-ramdisk */

static bool parse_yes(struct parser *parser, struct om_value value, bool *flag)
{
	int at = om_choice_find(value.text, "no|yes");

	if (at < 0) {
		fail_choice(parser, value, "yes|no");
		return false;
	}
	*flag = at;
	return true;
}

static bool parse_digest(struct parser *parser, struct om_value value, struct om_ramdisk *disk)
{
	size_t len = 0;

	disk->has_digest = om_hex_parse(value.text, disk->digest, sizeof(disk->digest),
					&len) == OM_OK && len == sizeof(disk->digest);
	if (!disk->has_digest)
		fail(parser, OM_SYNTAX, value, NULL, "expected 64 hexadecimal digits");
	return disk->has_digest;
}

static bool ramdisk_attribute(struct parser *parser, struct om_value word, struct om_ramdisk *disk,
			      uint32_t *given)
{
	static const char *const names[] = {
		"index", "size", "text", "classic", "archive", "sha256",
	};
	struct om_value value = word;
	uint64_t index;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (attribute(word, names[i], &value))
			break;
	}
	if (i == sizeof(names) / sizeof(names[0]) || *given & 1u << i) {
		fail(parser, OM_SYNTAX, word, NULL,
		     "expected index=, size=, classic=, archive=, sha256= or text=, each once");
		return false;
	}
	*given |= 1u << i;
	switch (i) {
	case 0:
		if (!parse_number(parser, value, RAMDISK_INDEX_MAX, &index))
			return false;
		disk->index = (uint32_t)index;
		return true;
	case 1:
		return parse_number(parser, value, UINT64_MAX, &disk->size);
	case 2:
		disk->text = value.text;
		return true;
	case 3:
		return parse_yes(parser, value, &disk->classic_initrd);
	case 4:
		return parse_yes(parser, value, &disk->in_archive);
	default:
		return parse_digest(parser, value, disk);
	}
}

static void parse_ramdisk(struct parser *parser)
{
	const struct om_diag_sink sink = { forward, parser };
	struct om_words words = om_words_of(parser->value);
	struct om_root *root = parser->root;
	struct om_ramdisk disk = { .text = { "", 0 } };
	enum om_status before = parser->status;
	struct om_value word;
	uint32_t given = 0;

	if (root->ramdisk_count == OM_IMAGES_MAX) {
		fail(parser, OM_LIMIT, parser->key, NULL, "more than %u ram disks", OM_IMAGES_MAX);
		return;
	}
	while (next_word(parser, &words, &word)) {
		if (!ramdisk_attribute(parser, word, &disk, &given))
			return;
	}
	if (parser->status != before)
		return;
	if ((given & 7) != 7) {
		fail(parser, OM_MISSING, parser->key, NULL, "x-ramdisk needs index=, size= and text=");
		return;
	}
	root->ramdisks[root->ramdisk_count] = disk;
	if (descriptor_check_ramdisk(&sink, 0, root, root->ramdisk_count) == OM_OK)
		root->ramdisk_count++;
}

/* ------------------------------------------------------------------ lines */

static const struct {
	const char *name;
	bool repeatable;
	void (*parse)(struct parser *parser);
} keys[] = {
	{ "title", false, parse_title },
	{ "x-id", false, parse_id },
	{ "root", true, parse_root },
	{ "root-wait", false, parse_wait },
	{ "root-delay", false, parse_delay },
	{ "init", false, parse_init },
	{ "x-rdinit", false, parse_rdinit },
	{ "linuxrc", false, parse_linuxrc },
	{ "real-root-dev", false, parse_real_root_dev },
	{ "devfs", false, parse_devfs },
	{ "keep-ramfs", false, parse_keep },
	{ "x-ramdisk", true, parse_ramdisk },
	{ "module", true, parse_module },
	{ "options", false, parse_options },
	{ "initrd-attach", false, parse_attach },
	{ "root-overlay", false, parse_overlay },
	{ "root-verity", false, parse_verity },
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static void fail_key(struct parser *parser)
{
	const char *words[KEY_COUNT + 1], *near;
	char hint[OM_DIAG_HINT_MAX] = "";

	for (size_t i = 0; i < KEY_COUNT; i++)
		words[i] = keys[i].name;
	words[KEY_COUNT] = NULL;
	near = om_suggest(parser->key.text, words);
	if (near)
		om_format(hint, sizeof(hint), "did you mean '%s'?", near);
	fail(parser, OM_SYNTAX, parser->key, hint, "a descriptor has no '%.*s'",
	     (int)(parser->key.text.len > 64 ? 64 : parser->key.text.len), parser->key.text.ptr);
}

/* Splits the line; false when it is blank or a comment. */
static bool split_line(struct parser *parser, struct om_str text, uint32_t number)
{
	struct om_str trimmed = om_str_trim(text), rest;
	size_t len = 0;

	if (trimmed.len == 0 || trimmed.ptr[0] == '#')
		return false;
	while (len < trimmed.len && !om_is_blank(trimmed.ptr[len]))
		len++;
	rest = om_str_trim(om_str_skip(trimmed, len));
	parser->key = (struct om_value){ { trimmed.ptr, len }, number,
					 (uint32_t)(trimmed.ptr - text.ptr) + 1 };
	parser->value = (struct om_value){ rest, number, (uint32_t)(rest.ptr - text.ptr) + 1 };
	return true;
}

static void parse_line(struct parser *parser, uint32_t given[KEY_COUNT])
{
	size_t i;

	for (i = 0; i < KEY_COUNT && !om_str_is(parser->key.text, keys[i].name); i++)
		;
	if (i == KEY_COUNT) {
		fail_key(parser);
	} else if (given[i] && !keys[i].repeatable) {
		fail(parser, OM_CONFLICT, parser->key, NULL, "'%s' was given in line %u already",
		     keys[i].name, given[i]);
	} else if (parser->value.text.len == 0) {
		fail(parser, OM_SYNTAX, parser->key, NULL, "'%s' has no value", keys[i].name);
	} else {
		given[i] = parser->key.line;
		keys[i].parse(parser);
	}
}

enum om_status om_descriptor_from_text(struct om_str text, struct om_arena *arena,
				       const struct om_diag_sink *sink, struct om_root *ret_root)
{
	static const struct om_str none = { "", 0 };
	struct om_root root = {
		.title = none, .entry_id = none, .rdinit = none, .linuxrc_path = none,
		.cmdline = none, .verity = { .device = { .text = none } },
		.real_root_dev_compat = true,
		.devfs = OM_DEVFS_INITRD | OM_DEVFS_ROOT, .keep = OM_KEEP_SKELETON,
	};
	struct parser parser = { .arena = arena, .sink = sink, .root = &root };
	uint32_t given[KEY_COUNT] = { 0 }, number = 0;

	if (text.len > TEXT_MAX)
		return om_diag_text(sink, OM_LIMIT, false, 0, 0, 0, NULL,
				    "a text of %zu bytes, at most %u are allowed", text.len, TEXT_MAX);
	while (text.len > 0 && parser.status != OM_NO_MEMORY) {
		struct om_str line = { text.ptr, 0 };

		while (line.len < text.len && text.ptr[line.len] != '\n')
			line.len++;
		text = om_str_skip(text, line.len + 1);
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (split_line(&parser, line, ++number))
			parse_line(&parser, given);
	}
	if (parser.status == OM_OK)
		*ret_root = root;
	return parser.status;
}
