/* SPDX-License-Identifier: MIT */
/* Keys whose value is a line of words: root, file, initrd, ramdisk, init, module. */
#include <overmount/fmt.h>

#include "entry_parser.h"

bool entry_next_word(struct entry_parser *parser, struct om_words *words,
		      struct om_value *ret_word, bool *ret_ok)
{
	struct om_value word = { { "", 0 }, words->line, words->column };
	enum om_status status = om_words_next(words, parser->arena, &word);

	if (status == OM_OK) {
		*ret_word = word;
		return true;
	}
	if (status != OM_MISSING) {
		entry_word_error(parser, status, word);
		*ret_ok = false;
	}
	return false;
}

bool entry_attribute(struct om_value word, const char *name, struct om_value *ret_value)
{
	size_t len = strlen(name);

	if (!om_str_starts(word.text, name) || word.text.len <= len || word.text.ptr[len] != '=')
		return false;
	*ret_value = entry_part(word, len + 1, SIZE_MAX);
	return true;
}

void entry_bad_attribute(struct entry_parser *parser, const char *key, struct om_value word,
			  const char *const *attributes, const char *expected)
{
	char hint[OM_DIAG_HINT_MAX];
	struct om_value name = word;
	const char *near;
	size_t i;

	for (i = 0; i < word.text.len && word.text.ptr[i] != '='; i++)
		;
	if (i < word.text.len)
		name.text.len = i + 1;
	near = om_suggest(name.text, attributes);
	entry_error(parser, OM_SYNTAX, name,
		    entry_did_you_mean(hint, sizeof(hint), om_str_from(near)),
		    "'%s' has no '%.*s'; expected %s", key,
		    (int)(name.text.len > 40 ? 40 : name.text.len), name.text.ptr, expected);
}

/* ------------------------------------------------------------------ root */

struct om_candidate *entry_add_candidate(struct entry_parser *parser, struct om_value at)
{
	struct om_entry *entry = parser->entry;
	struct om_candidate *candidate;

	if (entry->root.candidate_count == OM_CANDIDATES_MAX) {
		entry_error(parser, OM_LIMIT, at, "", "more than %u candidates for the root",
			    OM_CANDIDATES_MAX);
		return NULL;
	}
	entry->candidates_at[entry->root.candidate_count] = at;
	candidate = &entry->root.candidates[entry->root.candidate_count++];
	*candidate = (struct om_candidate){ .fstypes = { "", 0 }, .flags = { "", 0 } };
	return candidate;
}

static bool root_attribute(struct entry_parser *parser, struct om_value word,
			   struct om_candidate *candidate)
{
	static const char *const attributes[] = { "fstype=", "flags=", "ro", "rw", NULL };
	struct om_value value;

	if (om_str_is(word.text, "ro") || om_str_is(word.text, "rw")) {
		candidate->mode = om_str_is(word.text, "ro") ? OM_MODE_RO : OM_MODE_RW;
		return true;
	}
	if (entry_attribute(word, "fstype", &value)) {
		if (entry_fstypes(parser, value) != OM_OK)
			return false;
		candidate->fstypes = value.text;
		return true;
	}
	if (entry_attribute(word, "flags", &value)) {
		candidate->flags = value.text;
		return true;
	}
	entry_bad_attribute(parser, "root", word, attributes, "fstype=, flags=, ro or rw");
	return false;
}

void entry_parse_root(struct entry_parser *parser, struct om_value value)
{
	struct om_candidate candidate = { .fstypes = { "", 0 }, .flags = { "", 0 } }, *place;
	struct om_words words = om_words_of(value);
	struct om_value spec, word;
	enum om_status status;
	bool ok = true;

	if (!entry_next_word(parser, &words, &spec, &ok))
		return;
	status = om_rootspec_parse(spec.text, spec.line, spec.column, parser->sink,
				   &candidate.spec);
	if (status != OM_OK) {
		/* The finding has gone out already, with its own place. */
		parser->entry->error_count++;
		if (parser->status == OM_OK)
			parser->status = status;
		ok = false;
	}
	while (entry_next_word(parser, &words, &word, &ok))
		ok = root_attribute(parser, word, &candidate) && ok;
	if (!ok)
		return;
	place = entry_add_candidate(parser, spec);
	if (place)
		*place = candidate;
}

/* ------------------------------------------------------------------ layers */

void entry_add_layer(struct entry_parser *parser, enum om_layer_role role,
		     const struct om_path_ref *source)
{
	struct om_entry *entry = parser->entry;

	if (entry->layer_count == OM_LAYERS_MAX) {
		entry_error(parser, OM_LIMIT, source->path, "", "more than %u layers",
			    OM_LAYERS_MAX);
		return;
	}
	entry->layers[entry->layer_count++] = (struct om_layer_ref){
		.role = role, .source = *source, .dest = { "", 0 }, .mode = 0644,
	};
}

static bool file_attribute(struct entry_parser *parser, struct om_value word,
			   struct om_layer_ref *layer)
{
	static const char *const attributes[] = { "mode=", "uid=", "gid=", NULL };
	struct om_value value;
	uint64_t number;

	if (entry_attribute(word, "mode", &value)) {
		if (om_number_parse(value.text, 8, 07777, &number) != OM_OK) {
			entry_error(parser, OM_SYNTAX, value, "such as mode=0755",
				    "expected permissions in octal, 7777 at most");
			return false;
		}
		layer->mode = (uint32_t)number;
		return true;
	}
	if (entry_attribute(word, "uid", &value) || entry_attribute(word, "gid", &value)) {
		if (om_number_parse(value.text, 10, UINT32_MAX - 1, &number) != OM_OK) {
			entry_error(parser, OM_SYNTAX, value, "",
				    "expected a number from 0 to 4294967294");
			return false;
		}
		if (word.text.ptr[0] == 'u')
			layer->uid = (uint32_t)number;
		else
			layer->gid = (uint32_t)number;
		return true;
	}
	entry_bad_attribute(parser, "file", word, attributes, "mode=, uid= or gid=");
	return false;
}

void entry_parse_file(struct entry_parser *parser, struct om_value value)
{
	struct om_layer_ref layer = { .role = OM_LAYER_FILE, .mode = 0644 };
	struct om_words words = om_words_of(value);
	struct om_value source, dest, word;
	bool ok = true;
	uint32_t at = parser->entry->layer_count;

	if (!entry_next_word(parser, &words, &source, &ok))
		return;
	if (!entry_next_word(parser, &words, &dest, &ok)) {
		if (ok)
			entry_error(parser, OM_SYNTAX, value, "file SOURCE DESTINATION",
				    "'file' needs the place of the file in the absolute root too");
		return;
	}
	if (entry_path_ref(parser, source, &layer.source) != OM_OK)
		ok = false;
	if (entry_inner_path(parser, dest, "the file") != OM_OK)
		ok = false;
	else if (dest.text.ptr[dest.text.len - 1] == '/')
		ok = entry_error(parser, OM_SYNTAX, dest, "end it with the name of the file",
				 "the destination names a directory") == OM_OK;
	while (entry_next_word(parser, &words, &word, &ok))
		ok = file_attribute(parser, word, &layer) && ok;
	if (!ok)
		return;
	layer.dest = dest.text;
	entry_add_layer(parser, OM_LAYER_FILE, &layer.source);
	if (parser->entry->layer_count > at)
		parser->entry->layers[at] = layer;
}

void entry_parse_initrd(struct entry_parser *parser, struct om_value value)
{
	struct om_words words = om_words_of(value);
	struct om_path_ref ref;
	struct om_value word;
	bool ok = true;

	while (entry_next_word(parser, &words, &word, &ok))
		if (entry_path_ref(parser, word, &ref) == OM_OK)
			entry_add_layer(parser, OM_LAYER_INITRD, &ref);
}

/* ------------------------------------------------------------------ ramdisk */

/* 0: not an attribute; 1: taken; -1: an error. */
static int ramdisk_attribute(struct entry_parser *parser, struct om_value word,
			     struct om_ramdisk_ref *ramdisk, bool *ret_start)
{
	struct om_value value;
	uint64_t number;

	if (entry_attribute(word, "index", &value)) {
		if (om_number_parse(value.text, 10, 249, &number) != OM_OK) {
			entry_error(parser, OM_SYNTAX, value, "such as index=1",
				    "expected the number of a ram disk from 0 to 249");
			return -1;
		}
		ramdisk->index = (uint32_t)number;
		return 1;
	}
	if (entry_attribute(word, "start", &value)) {
		if (om_number_parse(value.text, 10, UINT32_MAX, &number) != OM_OK) {
			entry_error(parser, OM_SYNTAX, value, "such as start=1440",
				    "expected where the image starts, in KiB");
			return -1;
		}
		ramdisk->start_kib = (uint32_t)number;
		*ret_start = true;
		return 1;
	}
	return 0;
}

/* A word before the first path that looks like an attribute but is none. */
static bool misspelt(struct om_value word)
{
	size_t i;

	for (i = 0; i < word.text.len; i++) {
		if (word.text.ptr[i] == '=')
			return true;
		if (word.text.ptr[i] < 'a' || word.text.ptr[i] > 'z')
			return false;
	}
	return false;
}

/* Take LABEL=NAME: off the front of WORD, if it is there. */
static bool take_label(struct entry_parser *parser, struct om_value *word, struct om_str *ret_label)
{
	static const char prefix[] = "LABEL=";
	const size_t skip = sizeof(prefix) - 1;
	size_t end = skip;

	*ret_label = (struct om_str){ "", 0 };
	if (!om_str_starts(word->text, prefix))
		return true;
	while (end < word->text.len && word->text.ptr[end] != ':')
		end++;
	if (end == word->text.len || end == skip) {
		entry_error(parser, OM_SYNTAX, *word, "such as LABEL=DISK2:/root.img",
			    "expected LABEL=NAME:PATH");
		return false;
	}
	if (end - skip > OM_VOLUME_LABEL_MAX) {
		entry_error(parser, OM_LIMIT, *word, "", "the label has %zu bytes, %u are allowed",
			    end - skip, OM_VOLUME_LABEL_MAX);
		return false;
	}
	*ret_label = (struct om_str){ word->text.ptr + skip, end - skip };
	*word = entry_part(*word, end + 1, SIZE_MAX);
	return true;
}

static bool add_volume(struct entry_parser *parser, struct om_value word,
		       struct om_ramdisk_ref *ramdisk, struct om_path_ref *room)
{
	struct om_path_ref *volume = &room[ramdisk->volume_count];
	struct om_str label;

	if (ramdisk->volume_count == OM_VOLUMES_MAX) {
		entry_error(parser, OM_LIMIT, word, "", "more than %u volumes of one ram disk",
			    OM_VOLUMES_MAX);
		return false;
	}
	if (!take_label(parser, &word, &label) ||
	    entry_path_ref(parser, word, volume) != OM_OK)
		return false;
	volume->label = label;
	ramdisk->volume_count++;
	return true;
}

/* Room for as many volumes as a line with so many blanks can name. */
static struct om_path_ref *volumes_room(struct entry_parser *parser, struct om_str line)
{
	size_t count = 1, i;

	for (i = 0; i < line.len && count < OM_VOLUMES_MAX; i++)
		count += om_is_blank(line.ptr[i]);
	return om_arena_array(parser->arena, count, sizeof(struct om_path_ref));
}

void entry_parse_ramdisk(struct entry_parser *parser, struct om_value value)
{
	static const char *const attributes[] = { "index=", "start=", NULL };
	struct om_entry *entry = parser->entry;
	struct om_words words = om_words_of(value);
	struct om_path_ref *room = volumes_room(parser, value.text);
	struct om_ramdisk_ref *ramdisk;
	bool ok = true, start = false;
	struct om_value word;
	int taken;

	if (entry->ramdisk_count == OM_IMAGES_MAX) {
		entry_error(parser, OM_LIMIT, value, "", "more than %u ram disks", OM_IMAGES_MAX);
		return;
	}
	if (!room) {
		entry_word_error(parser, OM_NO_MEMORY, value);
		return;
	}
	ramdisk = &entry->ramdisks[entry->ramdisk_count];
	*ramdisk = (struct om_ramdisk_ref){ .index = parser->ramdisk_next, .volumes = room };
	while (entry_next_word(parser, &words, &word, &ok)) {
		taken = ramdisk_attribute(parser, word, ramdisk, &start);
		if (taken == 0 && ramdisk->volume_count == 0 && misspelt(word)) {
			entry_bad_attribute(parser, "ramdisk", word, attributes, "index= or start=");
			taken = -1;
		}
		if (taken < 0 || (taken == 0 && !add_volume(parser, word, ramdisk, room)))
			ok = false;
	}
	if (ok && ramdisk->volume_count == 0)
		ok = entry_error(parser, OM_SYNTAX, value, "ramdisk [index=N] [start=KIB] PATH...",
				 "'ramdisk' names no image") == OM_OK;
	if (!ok)
		return;
	parser->ramdisk_next = ramdisk->index + 1;
	parser->start_given[entry->ramdisk_count++] = start;
}

/* ------------------------------------------------------------------ init, module */

void entry_parse_init(struct entry_parser *parser, struct om_value value)
{
	struct om_root *root = &parser->entry->root;
	struct om_words words = om_words_of(value);
	struct om_value word;
	uint32_t count = 0;
	bool ok = true;

	while (entry_next_word(parser, &words, &word, &ok)) {
		if (count == 0 && entry_inner_path(parser, word, "init") != OM_OK)
			ok = false;
		if (count == OM_ARGS_MAX) {
			entry_error(parser, OM_LIMIT, word, "", "more than %u words of init",
				    OM_ARGS_MAX);
			ok = false;
			break;
		}
		root->init[count++] = word.text;
	}
	root->init_count = ok ? count : 0;
}

void entry_parse_module(struct entry_parser *parser, struct om_value value)
{
	struct om_root *root = &parser->entry->root;
	struct om_words words = om_words_of(value);
	struct om_value word;
	bool ok = true;

	while (entry_next_word(parser, &words, &word, &ok)) {
		if (entry_inner_path(parser, word, "a module in the absolute root") != OM_OK)
			continue;
		if (root->module_count == OM_MODULES_MAX) {
			entry_error(parser, OM_LIMIT, word, "", "more than %u modules",
				    OM_MODULES_MAX);
			return;
		}
		root->modules[root->module_count++] = word.text;
	}
}
