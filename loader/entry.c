/* SPDX-License-Identifier: MIT */
/* A boot entry, line by line.  What a value means is in entry_values.c and entry_lines.c. */
#include <overmount/fmt.h>

#include "entry_parser.h"

/* ------------------------------------------------------------------ findings */

enum om_status entry_error(struct entry_parser *parser, enum om_status status, struct om_value at,
			   const char *hint, const char *format, ...)
{
	char text[OM_DIAG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	parser->entry->error_count++;
	if (parser->status == OM_OK)
		parser->status = status;
	return om_diag_text(parser->sink, status, false, at.line, at.column,
			    (uint32_t)at.text.len, hint, "%s", text);
}

void entry_warning(struct entry_parser *parser, struct om_value at, const char *hint,
		   const char *format, ...)
{
	char text[OM_DIAG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	parser->entry->warning_count++;
	om_diag_text(parser->sink, OM_SYNTAX, true, at.line, at.column, (uint32_t)at.text.len, hint,
		     "%s", text);
}

enum om_status entry_word_error(struct entry_parser *parser, enum om_status status,
				struct om_value word)
{
	if (status == OM_NO_MEMORY) {
		parser->out_of_memory = true;
		return entry_error(parser, status, word, "", "out of memory");
	}
	return entry_error(parser, status, word, "write a second \" after the last word it holds",
			   "a quotation mark is not closed");
}

struct om_value entry_part(struct om_value value, size_t at, size_t len)
{
	struct om_str rest = om_str_skip(value.text, at);

	if (rest.len > len)
		rest.len = len;
	return (struct om_value){ rest, value.line, value.column + (uint32_t)at };
}

const char *entry_did_you_mean(char *buf, size_t size, struct om_str word)
{
	buf[0] = '\0';
	if (word.len)
		om_format(buf, size, "did you mean '%.*s'?", (int)word.len, word.ptr);
	return buf;
}

/* ------------------------------------------------------------------ keys */

static int find_key(struct om_str name)
{
	int i;

	for (i = 0; i < OM_KEY_COUNT; i++)
		if (om_str_is(name, om_entry_keys[i].name))
			return i;
	return -1;
}

/* Of the specification, but nothing the stage does. */
static bool is_foreign_key(struct om_str name)
{
	static const char *const foreign[] = {
		"devicetree", "devicetree-overlay", "uki", "uki-url", "profile", "extra",
		"grub_users", "grub_hotkey", "grub_class", "grub_arg",
	};
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (om_str_is(name, foreign[i]))
			return true;
	return false;
}

/* "root=/dev/vda2" and "root: /dev/vda2" are meant as keys all the same. */
static bool hint_separator(struct om_value key, struct om_str rest, char *buf, size_t size)
{
	struct om_str name = key.text, value;
	size_t i;

	for (i = 0; i < name.len && name.ptr[i] != '=' && name.ptr[i] != ':'; i++)
		;
	if (i == name.len)
		return false;
	value = om_str_skip(name, i + 1);
	name.len = i;
	if (find_key(name) < 0)
		return false;
	if (value.len == 0)
		value = rest;
	om_format(buf, size, "a blank separates key and value: write '%.*s %.*s'", (int)name.len,
		  name.ptr, (int)value.len, value.ptr);
	return true;
}

static void unknown_key(struct entry_parser *parser, struct om_value key, struct om_str rest)
{
	const char *words[OM_KEY_COUNT + 1], *near;
	char hint[OM_DIAG_HINT_MAX] = "";
	int i, count = 0;

	if (is_foreign_key(key.text)) {
		entry_warning(parser, key, "", "the key '%.*s' has no effect here",
			      (int)key.text.len, key.text.ptr);
		return;
	}
	for (i = 0; i < OM_KEY_COUNT; i++)
		if (parser->global || !om_entry_keys[i].global)
			words[count++] = om_entry_keys[i].name;
	words[count] = NULL;
	if (!hint_separator(key, rest, hint, sizeof(hint))) {
		near = om_suggest(key.text, words);
		entry_did_you_mean(hint, sizeof(hint), om_str_from(near));
	}
	entry_warning(parser, key, hint, "unknown key '%.*s' is ignored",
		      (int)(key.text.len > 64 ? 64 : key.text.len), key.text.ptr);
}

/* Of the specification's keys the last one counts, as in other boot loaders. */
static bool check_repeated(struct entry_parser *parser, enum om_key key, struct om_value at)
{
	uint32_t before = parser->given[key];

	if (before == 0 || om_entry_keys[key].repeatable)
		return true;
	if (key <= OM_KEY_ARCHITECTURE) {
		entry_warning(parser, at, "", "'%s' was given in line %u already; this one counts",
			      om_entry_keys[key].name, before);
		return true;
	}
	entry_error(parser, OM_CONFLICT, at, "leave one of them out",
		    "'%s' was given in line %u already", om_entry_keys[key].name, before);
	return false;
}

static void parse_key(struct entry_parser *parser, struct om_value name, struct om_value value)
{
	int key = find_key(name.text);

	if (key < 0) {
		unknown_key(parser, name, value.text);
		return;
	}
	if (om_entry_keys[key].global && !parser->global) {
		entry_warning(parser, name, "move the line to overmount.conf",
			      "'%s' is ignored in a boot entry", om_entry_keys[key].name);
		return;
	}
	/* Scripts write such lines, and other boot loaders pass over them. */
	if (value.text.len == 0 && key <= OM_KEY_ARCHITECTURE) {
		entry_warning(parser, name, "", "'%s' has no value: ignored", om_entry_keys[key].name);
		return;
	}
	if (value.text.len == 0) {
		entry_error(parser, OM_SYNTAX, name, "", "'%s' has no value",
			    om_entry_keys[key].name);
		return;
	}
	if (!check_repeated(parser, (enum om_key)key, name))
		return;
	if (parser->given[key] == 0 || !om_entry_keys[key].repeatable)
		parser->given[key] = name.line;
	if (key > OM_KEY_ARCHITECTURE && !om_entry_keys[key].global)
		parser->entry->plain = false;
	switch (key) {
	case OM_KEY_ROOT:
		entry_parse_root(parser, value);
		break;
	case OM_KEY_FILE:
		entry_parse_file(parser, value);
		break;
	case OM_KEY_INITRD:
		entry_parse_initrd(parser, value);
		break;
	case OM_KEY_RAMDISK:
		entry_parse_ramdisk(parser, value);
		break;
	case OM_KEY_INIT:
		entry_parse_init(parser, value);
		break;
	case OM_KEY_MODULE:
		entry_parse_module(parser, value);
		break;
	case OM_KEY_ROOT_VERITY:
		entry_parse_verity(parser, value);
		break;
	default:
		entry_parse_value(parser, (enum om_key)key, value);
	}
}

/* ------------------------------------------------------------------ lines */

static bool check_bytes(struct entry_parser *parser, struct om_value line)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < line.text.len; i++) {
		c = (unsigned char)line.text.ptr[i];
		if ((c >= ' ' && c != 0x7f) || c == '\t')
			continue;
		entry_error(parser, OM_SYNTAX, entry_part(line, i, 1), "",
			    "the line holds the control character 0x%02x", c);
		return false;
	}
	return true;
}

static void parse_line(struct entry_parser *parser, struct om_value line)
{
	struct om_value key, value;
	size_t start = 0, end;

	while (start < line.text.len && om_is_blank(line.text.ptr[start]))
		start++;
	if (start == line.text.len || line.text.ptr[start] == '#')
		return;
	if (!check_bytes(parser, line))
		return;
	for (end = start; end < line.text.len && !om_is_blank(line.text.ptr[end]); end++)
		;
	key = entry_part(line, start, end - start);
	while (end < line.text.len && om_is_blank(line.text.ptr[end]))
		end++;
	value = entry_part(line, end, SIZE_MAX);
	value.text = om_str_trim(value.text);
	parser->take(parser, key, value);
}

/* Windows editors put a mark in front; UTF-8 is skipped, UTF-16 cannot be read. */
static bool skip_mark(struct entry_parser *parser, struct om_str *text)
{
	struct om_value at = { { text->ptr, 0 }, 1, 1 };

	if (om_str_starts(*text, "\xef\xbb\xbf"))
		*text = om_str_skip(*text, 3);
	if (om_str_starts(*text, "\xff\xfe") || om_str_starts(*text, "\xfe\xff")) {
		entry_error(parser, OM_SYNTAX, at, "save it as UTF-8", "the text is UTF-16");
		return false;
	}
	return true;
}

void entry_parse_lines(struct entry_parser *parser, struct om_str text)
{
	uint32_t number = 0;
	struct om_value line;
	size_t len;

	if (!skip_mark(parser, &text))
		return;
	while (text.len > 0 && !parser->out_of_memory) {
		for (len = 0; len < text.len && text.ptr[len] != '\n'; len++)
			;
		line = (struct om_value){ { text.ptr, len }, ++number, 1 };
		if (number > OM_ENTRY_LINES_MAX) {
			entry_error(parser, OM_LIMIT, line, "", "more than %u lines",
				    OM_ENTRY_LINES_MAX);
			return;
		}
		if (len > 0 && line.text.ptr[len - 1] == '\r')
			line.text.len--;
		parse_line(parser, line);
		text = om_str_skip(text, len + 1);
	}
}

/* ------------------------------------------------------------------ the entry as a whole */

static void join_options(struct entry_parser *parser)
{
	struct om_entry *entry = parser->entry;
	const struct option_line *line;
	char *text;
	size_t len = 0;

	if (!parser->options || parser->out_of_memory)
		return;
	text = om_arena_alloc(parser->arena, parser->options_len + 1);
	if (!text) {
		entry_word_error(parser, OM_NO_MEMORY, parser->options->value);
		return;
	}
	for (line = parser->options; line; line = line->next) {
		if (len > 0)
			text[len++] = ' ';
		memcpy(text + len, line->value.text.ptr, line->value.text.len);
		len += line->value.text.len;
	}
	entry->options = (struct om_str){ text, len };
	entry->options_at = parser->options->value;
	entry->root.cmdline = entry->options;
}

/* What a candidate does not say comes from root-fstype and its kin, or the classic ones. */
void entry_fill_candidates(struct entry_parser *parser)
{
	struct om_root *root = &parser->entry->root;
	uint32_t i;

	parser->entry->root_default = (struct om_candidate){
		.fstypes = parser->fstypes, .flags = parser->flags, .mode = parser->mode,
	};
	for (i = 0; i < root->candidate_count; i++) {
		struct om_candidate *candidate = &root->candidates[i];

		if (candidate->fstypes.len == 0)
			candidate->fstypes = parser->fstypes;
		if (candidate->flags.len == 0)
			candidate->flags = parser->flags;
		if (candidate->mode == OM_MODE_DEFAULT)
			candidate->mode = parser->mode;
	}
}

void entry_set_defaults(struct om_entry *entry, struct om_str id)
{
	struct om_str none = { "", 0 };
	struct om_root *root = &entry->root;

	memset(entry, 0, sizeof(*entry));
	entry->id = id;
	entry->options = none;
	entry->default_id = none;
	entry->console = none;
	entry->log_level = 2;
	entry->plain = true;
	root->title = id;
	root->entry_id = id;
	root->rdinit = none;
	root->linuxrc_path = none;
	root->cmdline = none;
	root->verity.device.text = none;
	root->real_root_dev_compat = true;
	root->devfs = OM_DEVFS_INITRD | OM_DEVFS_ROOT;
	root->keep = OM_KEEP_SKELETON;
}

enum om_status om_entry_parse(struct om_str text, struct om_str id, bool global,
			      struct om_arena *arena, const struct om_diag_sink *sink,
			      struct om_entry *ret_entry)
{
	struct entry_parser parser = { .entry = ret_entry, .arena = arena, .sink = sink,
				       .take = parse_key,
				       .global = global, .fstypes = { "", 0 },
				       .flags = { "", 0 } };
	struct om_value whole = { { text.ptr, 0 }, 0, 0 };

	parser.options_end = &parser.options;
	entry_set_defaults(ret_entry, id);
	if (text.len > OM_ENTRY_BYTES_MAX)
		return entry_error(&parser, OM_LIMIT, whole, "",
				   "the entry has %zu bytes, %u are allowed", text.len,
				   OM_ENTRY_BYTES_MAX);
	entry_parse_lines(&parser, text);
	join_options(&parser);
	entry_parse_options(&parser);
	entry_fill_candidates(&parser);
	if (ret_entry->title.text.len)
		ret_entry->root.title = ret_entry->title.text;
	return parser.status;
}

bool om_entry_fits(const struct om_entry *entry)
{
	return entry->architecture.text.len == 0 ||
	       om_str_equal_fold(entry->architecture.text, OM_STR("x64"));
}

bool om_entry_bootable(const struct om_entry *entry)
{
	return entry->kernel.path.text.len > 0 || entry->linux_image.path.text.len > 0 ||
	       entry->efi.path.text.len > 0;
}
