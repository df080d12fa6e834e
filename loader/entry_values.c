/* SPDX-License-Identifier: MIT */
/* Keys with one value: text, path, choice, yes or no, seconds. */
#include <overmount/fmt.h>

#include "entry_parser.h"

#define DIGEST_TAG "#sha256="

/* ------------------------------------------------------------------ paths */

/* `..` has no place in an entry: what it names depends on what lies above. */
static enum om_status check_components(struct entry_parser *parser, struct om_value path,
				       bool backslash)
{
	size_t i, start = 0;

	for (i = 0; i <= path.text.len; i++) {
		if (i < path.text.len && path.text.ptr[i] != '/' &&
		    !(backslash && path.text.ptr[i] == '\\'))
			continue;
		if (i - start == 2 && memcmp(path.text.ptr + start, "..", 2) == 0)
			return entry_error(parser, OM_ESCAPES, entry_part(path, start, 2), "",
					   "a path may not contain '..'");
		start = i + 1;
	}
	return OM_OK;
}

/* WORD from '#' on. */
static enum om_status parse_digest(struct entry_parser *parser, struct om_value word,
				   struct om_path_ref *ref)
{
	size_t tag = sizeof(DIGEST_TAG) - 1, i;
	struct om_value digits = entry_part(word, tag, SIZE_MAX);
	int high, low;

	if (!om_str_starts(word.text, DIGEST_TAG))
		return entry_error(parser, OM_SYNTAX, word, "write " DIGEST_TAG "HEX",
				   "unknown kind of digest");
	for (i = 0; i < digits.text.len; i++)
		if (om_hex_digit(digits.text.ptr[i]) < 0)
			return entry_error(parser, OM_SYNTAX, entry_part(digits, i, 1),
					   "sha256sum(1) prints them",
					   "expected 64 hexadecimal digits after " DIGEST_TAG);
	if (digits.text.len != 2 * OM_SHA256_SIZE)
		return entry_error(parser, OM_SYNTAX, digits, "sha256sum(1) prints them",
				   "expected 64 hexadecimal digits after " DIGEST_TAG
				   ", found %zu", digits.text.len);
	for (i = 0; i < OM_SHA256_SIZE; i++) {
		high = om_hex_digit(digits.text.ptr[2 * i]);
		low = om_hex_digit(digits.text.ptr[2 * i + 1]);
		ref->digest[i] = (uint8_t)(high << 4 | low);
	}
	ref->has_digest = true;
	return OM_OK;
}

/* A '#' may be part of a name; "#sha..." is taken for a digest, well or badly written. */
static size_t digest_at(struct om_str text)
{
	size_t i;

	for (i = text.len; i-- > 0;)
		if (text.ptr[i] == '#' && text.len - i >= 4 &&
		    om_str_equal_fold((struct om_str){ text.ptr + i, 4 }, OM_STR("#sha")))
			return i;
	return text.len;
}

enum om_status entry_path_ref(struct entry_parser *parser, struct om_value word,
			      struct om_path_ref *ret_ref)
{
	struct om_path_ref ref = { .has_digest = false };
	size_t at = digest_at(word.text);
	enum om_status status;

	ref.path = entry_part(word, 0, at);
	if (ref.path.text.len == 0)
		return entry_error(parser, OM_SYNTAX, word, "", "expected a path");
	if (ref.path.text.len >= OM_PATH_MAX)
		return entry_error(parser, OM_LIMIT, ref.path, "",
				   "the path has %zu bytes, %u are allowed", ref.path.text.len,
				   OM_PATH_MAX - 1);
	status = check_components(parser, ref.path, true);
	if (status == OM_OK && at < word.text.len)
		status = parse_digest(parser, entry_part(word, at, SIZE_MAX), &ref);
	if (status == OM_OK)
		*ret_ref = ref;
	return status;
}

enum om_status entry_inner_path(struct entry_parser *parser, struct om_value word, const char *what)
{
	char hint[OM_DIAG_HINT_MAX];

	if (word.text.len == 0)
		return entry_error(parser, OM_SYNTAX, word, "", "expected the absolute path of %s",
				   what);
	if (word.text.ptr[0] != '/') {
		om_format(hint, sizeof(hint), "did you mean '/%.*s'?", (int)word.text.len,
			  word.text.ptr);
		return entry_error(parser, OM_SYNTAX, word, hint,
				   "expected the absolute path of %s", what);
	}
	if (word.text.len >= OM_PATH_MAX)
		return entry_error(parser, OM_LIMIT, word, "", "the path of %s has %zu bytes, "
				   "%u are allowed", what, word.text.len, OM_PATH_MAX - 1);
	return check_components(parser, word, false);
}

/* The rest of the line, as the specification has it, or one word with quotes, which go. */
static enum om_status one_value(struct entry_parser *parser, struct om_value value,
				struct om_value *ret_value)
{
	struct om_words words = om_words_of(value);
	struct om_value word, more;
	enum om_status status;

	if (!om_str_has(value.text, '"')) {
		*ret_value = value;
		return OM_OK;
	}
	status = om_words_next(&words, parser->arena, &word);
	if (status != OM_OK)
		return entry_word_error(parser, status, word);
	status = om_words_next(&words, parser->arena, &more);
	if (status == OM_NO_MEMORY)
		return entry_word_error(parser, status, value);
	if (status != OM_MISSING)
		return entry_error(parser, OM_SYNTAX, more, "",
				   "nothing may follow the quoted value");
	*ret_value = word;
	return OM_OK;
}

static enum om_status whole_path(struct entry_parser *parser, struct om_value value,
				 struct om_path_ref *ret_ref)
{
	enum om_status status;

	if (!om_str_has(value.text, '"') &&
	    (om_str_has(value.text, ' ') || om_str_has(value.text, '\t')))
		entry_warning(parser, value, "kernel parameters go into an options line; "
			      "quote the path if the blank belongs to it",
			      "the path has a blank in it");
	status = one_value(parser, value, &value);
	return status == OM_OK ? entry_path_ref(parser, value, ret_ref) : status;
}

static void parse_path(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	struct om_entry *entry = parser->entry;
	struct om_path_ref ref;

	if (whole_path(parser, value, &ref) != OM_OK)
		return;
	switch (key) {
	case OM_KEY_LINUX:
		entry->linux_image = ref;
		break;
	case OM_KEY_EFI:
		entry->efi = ref;
		break;
	case OM_KEY_KERNEL:
		entry->kernel = ref;
		break;
	default:
		entry_add_layer(parser, key == OM_KEY_RAMFS ? OM_LAYER_RAMFS : OM_LAYER_OVERLAY,
				&ref);
	}
}

/* ------------------------------------------------------------------ choices */

/* "ro|rw" as "ro or rw" */
static void choices_text(const char *choices, char *buf, size_t size)
{
	size_t len = 0, i;

	for (i = 0; choices[i]; i++) {
		bool last = !om_str_has(om_str_from(choices + i + 1), '|');

		if (choices[i] == '|')
			len += om_format(buf + len, size - len, last ? " or " : ", ");
		else
			len += om_format(buf + len, size - len, "%c", choices[i]);
	}
}

int entry_choice_of(struct entry_parser *parser, const char *name, const char *choices,
		    struct om_value value)
{
	char expected[96], hint[OM_DIAG_HINT_MAX];
	int choice = om_choice_find(value.text, choices);

	if (choice >= 0)
		return choice;
	choices_text(choices, expected, sizeof(expected));
	entry_error(parser, OM_SYNTAX, value,
		    entry_did_you_mean(hint, sizeof(hint), om_choice_suggest(value.text, choices)),
		    "'%s' is not '%.*s'; expected %s", name,
		    (int)(value.text.len > 64 ? 64 : value.text.len), value.text.ptr, expected);
	return -1;
}

int entry_choice(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	return entry_choice_of(parser, om_entry_keys[key].name, om_entry_keys[key].choices, value);
}

void entry_root_mode(struct entry_parser *parser, struct om_value value)
{
	int choice = entry_choice_of(parser, "root-mode", ROOT_MODE_CHOICES, value);

	if (choice >= 0)
		parser->mode = choice == 0 ? OM_MODE_RO : OM_MODE_RW;
}

static void parse_linuxrc(struct entry_parser *parser, struct om_value value)
{
	struct om_root *root = &parser->entry->root;
	int choice;

	if (one_value(parser, value, &value) != OM_OK)
		return;
	parser->entry->linuxrc_at = value;
	if (om_str_starts(value.text, "/")) {
		if (entry_inner_path(parser, value, "linuxrc") == OM_OK) {
			root->linuxrc = OM_LINUXRC_PATH;
			root->linuxrc_path = value.text;
		}
		return;
	}
	choice = entry_choice(parser, OM_KEY_LINUXRC, value);
	/* The third choice, PATH, only stands for one. */
	if (choice == 2)
		entry_inner_path(parser, value, "linuxrc");
	else if (choice >= 0)
		root->linuxrc = choice == 0 ? OM_LINUXRC_AUTO : OM_LINUXRC_NEVER;
}

static void parse_choice(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	static const uint32_t devfs[] = { OM_DEVFS_NONE, OM_DEVFS_INITRD, OM_DEVFS_ROOT,
					  OM_DEVFS_INITRD | OM_DEVFS_ROOT };
	static const enum om_keep keep[] = { OM_KEEP_NOTHING, OM_KEEP_SKELETON, OM_KEEP_ALL };
	struct om_root *root = &parser->entry->root;
	int choice;

	/* Syslog's habit: a number is a level too. */
	if (key == OM_KEY_LOG_LEVEL && value.text.len == 1 && value.text.ptr[0] >= '0' &&
	    value.text.ptr[0] <= '3') {
		parser->entry->log_level = (uint32_t)(value.text.ptr[0] - '0');
		return;
	}
	choice = entry_choice(parser, key, value);
	if (choice < 0)
		return;
	switch (key) {
	case OM_KEY_DEVFS:
		root->devfs = devfs[choice];
		break;
	case OM_KEY_KEEP_RAMFS:
		root->keep = keep[choice];
		break;
	case OM_KEY_REAL_ROOT_DEV:
		root->real_root_dev_compat = choice == 0;
		break;
	case OM_KEY_INITRD_ATTACH:
		root->attach = (enum om_attach)choice;
		parser->entry->attach_at = value;
		break;
	case OM_KEY_ROOT_OVERLAY:
		root->overlay = (enum om_overlay)choice;
		parser->entry->overlay_at = value;
		break;
	case OM_KEY_CONSOLE:
		parser->entry->console = value.text;
		break;
	default:
		parser->entry->log_level = (uint32_t)choice;
	}
}

static void parse_boolean(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	static const char *const spellings[] = { "yes", "no", "true", "false", "on", "off", "1", "0" };
	size_t i;

	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		if (!om_str_is(value.text, spellings[i]))
			continue;
		parser->entry->ramdisk_prompt = i % 2 == 0;
		return;
	}
	entry_choice(parser, key, value);
}

/* ------------------------------------------------------------------ seconds */

static void parse_seconds(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	bool endless = key != OM_KEY_ROOT_DELAY;
	uint32_t ms = OM_WAIT_FOREVER;
	enum om_status status = OM_OK;
	char hint[OM_DIAG_HINT_MAX] = "";

	if (!endless || !om_str_is(value.text, "forever"))
		status = om_duration_parse(value.text, &ms);
	if (status == OM_LIMIT) {
		entry_error(parser, status, value, endless ? "did you mean 'forever'?" : "",
			    "'%s': too many seconds, 4294967 at most", om_entry_keys[key].name);
		return;
	}
	if (status != OM_OK) {
		if (endless)
			entry_did_you_mean(hint, sizeof(hint),
					   om_choice_suggest(value.text, "forever"));
		entry_error(parser, status, value, hint,
			    "'%s' is in seconds: expected a number such as 5 or 0.5%s",
			    om_entry_keys[key].name, endless ? ", or forever" : "");
		return;
	}
	if (key == OM_KEY_ROOT_WAIT)
		parser->entry->root.wait_ms = ms;
	else if (key == OM_KEY_ROOT_DELAY)
		parser->entry->root.delay_ms = ms;
	else
		parser->entry->timeout_ms = ms;
	if (key == OM_KEY_TIMEOUT)
		parser->entry->has_timeout = true;
}

/* ------------------------------------------------------------------ texts */

enum om_status entry_fstypes(struct entry_parser *parser, struct om_value list)
{
	size_t i, start = 0;
	char c;

	for (i = 0; i <= list.text.len; i++) {
		c = i < list.text.len ? list.text.ptr[i] : ',';
		if (c == ',') {
			if (i == start)
				return entry_error(parser, OM_SYNTAX, entry_part(list, start, 1),
						   "such as ext4,ext2",
						   "expected the name of a file system type");
			start = i + 1;
		} else if (!om_is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			   c != '_' && c != '-' && c != '.') {
			return entry_error(parser, OM_SYNTAX, entry_part(list, i, 1),
					   "such as ext4,ext2",
					   "file system types are names with commas between them");
		}
	}
	return OM_OK;
}

static void add_options(struct entry_parser *parser, struct om_value value)
{
	struct option_line *line;
	size_t len = parser->options_len + value.text.len + (parser->options ? 1 : 0);

	if (len >= OM_CMDLINE_MAX) {
		entry_error(parser, OM_LIMIT, value, "",
			    "the options have %zu bytes with this line, %u are allowed", len,
			    OM_CMDLINE_MAX - 1);
		return;
	}
	line = om_arena_alloc(parser->arena, sizeof(*line));
	if (!line) {
		entry_word_error(parser, OM_NO_MEMORY, value);
		return;
	}
	line->value = value;
	*parser->options_end = line;
	parser->options_end = &line->next;
	parser->options_len = len;
}

void entry_root_fstype(struct entry_parser *parser, struct om_value value)
{
	if (entry_fstypes(parser, value) == OM_OK)
		parser->fstypes = value.text;
}

void entry_root_flags(struct entry_parser *parser, struct om_value value)
{
	if (one_value(parser, value, &value) == OM_OK)
		parser->flags = value.text;
}

static void parse_text(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	struct om_entry *entry = parser->entry;

	switch (key) {
	case OM_KEY_TITLE:
		if (value.text.len > OM_CMDLINE_MAX)
			entry_error(parser, OM_LIMIT, value, "", "the title has %zu bytes, "
				    "%u are allowed", value.text.len, OM_CMDLINE_MAX);
		else
			entry->title = value;
		break;
	case OM_KEY_VERSION:
		entry->version = value;
		break;
	case OM_KEY_MACHINE_ID:
		entry->machine_id = value;
		break;
	case OM_KEY_SORT_KEY:
		entry->sort_key = value;
		break;
	case OM_KEY_ARCHITECTURE:
		entry->architecture = value;
		break;
	case OM_KEY_DEFAULT:
		entry->default_id = value.text;
		break;
	case OM_KEY_OPTIONS:
		add_options(parser, value);
		break;
	case OM_KEY_ROOT_FSTYPE:
		entry_root_fstype(parser, value);
		break;
	default:
		entry_root_flags(parser, value);
	}
}

void entry_parse_value(struct entry_parser *parser, enum om_key key, struct om_value value)
{
	switch (om_entry_keys[key].type) {
	case OM_TYPE_PATH:
		parse_path(parser, key, value);
		break;
	case OM_TYPE_CHOICE:
		if (key == OM_KEY_LINUXRC)
			parse_linuxrc(parser, value);
		else if (key == OM_KEY_ROOT_MODE)
			entry_root_mode(parser, value);
		else
			parse_choice(parser, key, value);
		break;
	case OM_TYPE_BOOLEAN:
		parse_boolean(parser, key, value);
		break;
	case OM_TYPE_MILLISECONDS:
	case OM_TYPE_SECONDS:
		parse_seconds(parser, key, value);
		break;
	default:
		parse_text(parser, key, value);
	}
}
