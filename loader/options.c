/* SPDX-License-Identifier: MIT */
/*
 * The classic kernel parameters inside `options`, read as Linux reads them: words between
 * blanks, double quotes around a word or a value taken off, the last of a kind counts.
 * Whatever a key of the entry says wins.
 */
#include <overmount/fmt.h>

#include "entry_parser.h"

struct options_reader {
	struct entry_parser *parser;
	bool init_words;			/* after "--" */
	bool noinitrd, prompt;
	bool has_wait, has_delay;
	struct om_value root, fstypes, flags, init, rdinit, load_ramdisk, start;
	enum om_root_mode mode;
	uint32_t wait_ms, delay_ms;
	struct om_str words[OM_ARGS_MAX];
	uint32_t word_count;
};

/* ------------------------------------------------------------------ single parameters */

/* As the kernel's "name=1". */
static bool is_on(struct om_value value)
{
	uint64_t number;

	return om_number_parse(value.text, 10, UINT32_MAX, &number) == OM_OK && number != 0;
}

/*
 * What we cannot carry into the descriptor.  A stock Linux reads its command line itself, so
 * there it is only worth a warning; for a handoff kernel there is nobody else who could.
 */
static bool unfit(struct options_reader *reader, struct om_value value, const char *what)
{
	struct entry_parser *parser = reader->parser;

	if (!om_str_has(value.text, '"'))
		return false;
	if (parser->entry->kernel.path.text.len > 0)
		entry_error(parser, OM_UNSUPPORTED, value, "quote the whole word or value",
			    "%s may not have a quotation mark inside", what);
	else
		entry_warning(parser, value, "", "%s has a quotation mark inside: left to the kernel",
			      what);
	return true;
}

static void take_wait(struct options_reader *reader, struct om_value value, bool has_value)
{
	reader->wait_ms = OM_WAIT_FOREVER;
	reader->has_wait = true;
	if (!has_value || om_duration_parse(value.text, &reader->wait_ms) == OM_OK)
		return;
	reader->has_wait = false;
	entry_warning(reader->parser, value, "such as rootwait=10",
		      "rootwait= is in seconds: '%.*s' is ignored", (int)value.text.len,
		      value.text.ptr);
}

static void take_delay(struct options_reader *reader, struct om_value value)
{
	if (om_duration_parse(value.text, &reader->delay_ms) == OM_OK) {
		reader->has_delay = true;
		return;
	}
	entry_warning(reader->parser, value, "such as rootdelay=10",
		      "rootdelay= is in seconds: '%.*s' is ignored", (int)value.text.len,
		      value.text.ptr);
}

static bool same_path(struct om_str a, struct om_str b)
{
	size_t i;

	if (a.len > 0 && (a.ptr[0] == '/' || a.ptr[0] == '\\'))
		a = om_str_skip(a, 1);
	if (b.len > 0 && (b.ptr[0] == '/' || b.ptr[0] == '\\'))
		b = om_str_skip(b, 1);
	for (i = 0; i < a.len && i < b.len; i++) {
		if ((a.ptr[i] == '/' || a.ptr[i] == '\\') && (b.ptr[i] == '/' || b.ptr[i] == '\\'))
			continue;
		if (om_fold(a.ptr[i]) != om_fold(b.ptr[i]))
			return false;
	}
	return a.len == b.len;
}

/* Some tools write an initrd both ways; it is one layer all the same. */
static void take_initrd(struct options_reader *reader, struct om_value value)
{
	struct om_entry *entry = reader->parser->entry;
	struct om_path_ref ref;
	uint32_t i;

	if (entry_path_ref(reader->parser, value, &ref) != OM_OK)
		return;
	for (i = 0; i < entry->layer_count; i++)
		if (entry->layers[i].role == OM_LAYER_INITRD &&
		    same_path(entry->layers[i].source.path.text, ref.path.text))
			return;
	entry_add_layer(reader->parser, OM_LAYER_INITRD, &ref);
}

/* Everything with a value that is only remembered here. */
static bool take_value(struct options_reader *reader, struct om_str name, struct om_value value)
{
	struct om_entry *entry = reader->parser->entry;
	const struct {
		const char *name;
		struct om_value *place;
	} places[] = {
		{ "root", &reader->root }, { "rootfstype", &reader->fstypes },
		{ "rootflags", &reader->flags }, { "init", &reader->init },
		{ "rdinit", &reader->rdinit }, { "nfsroot", &entry->nfsroot }, { "ip", &entry->ip },
		{ "load_ramdisk", &reader->load_ramdisk }, { "ramdisk_start", &reader->start },
	};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!om_str_is(name, places[i].name))
			continue;
		if (value.text.len > 0 && !unfit(reader, value, places[i].name))
			*places[i].place = value;
		return true;
	}
	return false;
}

static void take(struct options_reader *reader, struct om_str name, struct om_value value,
		 bool has_value)
{
	if (has_value && take_value(reader, name, value))
		return;
	if (om_str_is(name, "rootwait"))
		take_wait(reader, value, has_value);
	else if (has_value && om_str_is(name, "rootdelay"))
		take_delay(reader, value);
	else if (has_value && om_str_is(name, "initrd"))
		take_initrd(reader, value);
	else if (has_value && om_str_is(name, "prompt_ramdisk"))
		reader->prompt = is_on(value);
	else if (!has_value && om_str_is(name, "noinitrd"))
		reader->noinitrd = true;
	else if (!has_value && om_str_is(name, "ro"))
		reader->mode = OM_MODE_RO;
	else if (!has_value && om_str_is(name, "rw"))
		reader->mode = OM_MODE_RW;
	/* All others are the kernel's. They stay in the command line, as do these. */
}

/* ------------------------------------------------------------------ words */

/* "name=\"a b\"" is handed to init as "name=a b". */
static void add_init_word(struct options_reader *reader, struct om_value word, struct om_str name,
			  struct om_str value, bool has_value, bool quoted)
{
	struct om_value rest = { value, word.line, word.column };
	struct om_str text = name;
	char *copy;

	/* The part behind the '=' has lost its quotes already. */
	word.text = has_value ? name : word.text;
	if (unfit(reader, word, "a word of init") || unfit(reader, rest, "a word of init"))
		return;
	if (reader->word_count == OM_ARGS_MAX) {
		entry_error(reader->parser, OM_LIMIT, word, "", "more than %u words of init",
			    OM_ARGS_MAX);
		reader->init_words = false;
		return;
	}
	if (has_value)
		text.len = name.len + 1 + value.len;
	if (has_value && quoted) {
		copy = om_arena_alloc(reader->parser->arena, text.len + 1);
		if (!copy) {
			entry_word_error(reader->parser, OM_NO_MEMORY, word);
			return;
		}
		memcpy(copy, name.ptr, name.len);
		copy[name.len] = '=';
		memcpy(copy + name.len + 1, value.ptr, value.len);
		text.ptr = copy;
	}
	reader->words[reader->word_count++] = text;
}

static bool strip_quotes(struct om_str *text)
{
	if (!om_str_starts(*text, "\""))
		return false;
	*text = om_str_skip(*text, 1);
	if (text->len > 0 && text->ptr[text->len - 1] == '"')
		text->len--;
	return true;
}

static void read_word(struct options_reader *reader, struct om_value word)
{
	bool outer = strip_quotes(&word.text), quoted, has_value;
	struct om_value value;
	struct om_str name;
	size_t i;

	word.column += outer;
	name = word.text;
	for (i = 0; i < name.len && name.ptr[i] != '='; i++)
		;
	has_value = i < name.len;
	value = entry_part(word, has_value ? i + 1 : i, SIZE_MAX);
	name.len = i;
	quoted = strip_quotes(&value.text);
	value.column += quoted;
	if (reader->init_words)
		add_init_word(reader, word, name, value.text, has_value, quoted);
	else if (om_str_is(word.text, "--"))
		reader->init_words = true;
	else
		take(reader, name, value, has_value);
}

static void read_line(struct options_reader *reader, struct om_value line)
{
	size_t at = 0, start;
	bool quoted;

	while (!reader->parser->out_of_memory) {
		while (at < line.text.len && om_is_blank(line.text.ptr[at]))
			at++;
		if (at == line.text.len)
			return;
		quoted = false;
		for (start = at; at < line.text.len; at++) {
			if (line.text.ptr[at] == '"')
				quoted = !quoted;
			else if (!quoted && om_is_blank(line.text.ptr[at]))
				break;
		}
		if (quoted)
			entry_warning(reader->parser, entry_part(line, start, at - start), "",
				      "a quotation mark is not closed");
		read_word(reader, entry_part(line, start, at - start));
	}
}

/* ------------------------------------------------------------------ merging */

/* root=/dev/fd0 with load_ramdisk=N meant: what is on the floppy, in a ram disk. */
static bool is_floppy(const struct om_rootspec *spec)
{
	return (spec->kind == OM_ROOT_NUMBER && spec->major == 2) ||
	       (spec->kind == OM_ROOT_NAME && spec->text.len == 3 && om_str_starts(spec->text, "fd") &&
		om_is_digit(spec->text.ptr[2]));
}

static void load_from_floppy(struct options_reader *reader, struct om_rootspec *spec)
{
	struct om_entry *entry = reader->parser->entry;
	uint64_t load = 0;
	uint32_t i;

	if (!is_floppy(spec) || reader->load_ramdisk.text.len == 0 ||
	    om_number_parse(reader->load_ramdisk.text, 10, 2, &load) != OM_OK || load == 0)
		return;
	for (i = 0; i < entry->ramdisk_count; i++)
		if (entry->ramdisks[i].index == load - 1)
			break;
	if (i == entry->ramdisk_count) {
		entry_warning(reader->parser, reader->load_ramdisk,
			      load == 1 ? "write ramdisk PATH with the image of the floppy" :
			      "write ramdisk index=1 PATH with the image of the floppy",
			      "load_ramdisk= is ignored without an image");
		return;
	}
	*spec = (struct om_rootspec){ .kind = OM_ROOT_RAM, .text = { "", 0 }, .major = 1,
				      .minor = (uint32_t)load - 1 };
}

/* Finding of om_rootspec_parse(): kept as it is, or turned into a warning. */
struct spec_sink {
	struct entry_parser *parser;
	bool warning;
};

static void emit_spec(void *ctx, const struct om_diag *diag)
{
	struct spec_sink *spec = ctx;
	struct om_diag copy = *diag;

	copy.warning = spec->warning;
	if (spec->parser->sink && spec->parser->sink->emit)
		spec->parser->sink->emit(spec->parser->sink->ctx, &copy);
}

/*
 * A root= we cannot read is the kernel's or its own /init's business as long as a stock Linux
 * is booted; for a handoff kernel there is nobody else who could.
 */
static void merge_root(struct options_reader *reader)
{
	struct entry_parser *parser = reader->parser;
	struct om_entry *entry = parser->entry;
	struct spec_sink spec_sink = { parser, entry->kernel.path.text.len == 0 };
	struct om_diag_sink sink = { emit_spec, &spec_sink };
	struct om_candidate *candidate;
	struct om_rootspec spec;
	enum om_status status;

	if (reader->root.text.len == 0 || parser->given[OM_KEY_ROOT])
		return;
	status = om_rootspec_parse(reader->root.text, reader->root.line, reader->root.column, &sink,
				   &spec);
	if (status != OM_OK && spec_sink.warning) {
		entry->warning_count++;
		return;
	}
	if (status != OM_OK) {
		entry->error_count++;
		if (parser->status == OM_OK)
			parser->status = status;
		return;
	}
	load_from_floppy(reader, &spec);
	candidate = entry_add_candidate(parser, reader->root);
	if (candidate)
		candidate->spec = spec;
	entry->root_from_options = true;
}

/* /dev/nfs, whoever says so, is a directory that only this parameter names. */
static void merge_nfsroot(struct om_entry *entry)
{
	uint32_t i;

	for (i = 0; i < entry->root.candidate_count; i++)
		if (entry->root.candidates[i].spec.kind == OM_ROOT_NFS &&
		    entry->root.candidates[i].spec.text.len == 0)
			entry->root.candidates[i].spec.text = entry->nfsroot.text;
}

static void merge_init(struct options_reader *reader)
{
	struct entry_parser *parser = reader->parser;
	struct om_root *root = &parser->entry->root;
	uint32_t i;

	if (reader->rdinit.text.len > 0 && reader->rdinit.text.ptr[0] == '/')
		root->rdinit = reader->rdinit.text;
	else if (reader->rdinit.text.len > 0)
		entry_warning(parser, reader->rdinit, "", "rdinit= is no absolute path: ignored");
	if (!parser->given[OM_KEY_INIT] && reader->init.text.len > 0) {
		if (reader->init.text.ptr[0] == '/')
			root->init[root->init_count++] = reader->init.text;
		else
			entry_warning(parser, reader->init, "", "init= is no absolute path: ignored");
	}
	if (reader->word_count == 0 || root->init_count > 1 ||
	    (parser->given[OM_KEY_INIT] && root->init_count == 0))
		return;
	/* Words without a program go to the one that is tried first. */
	if (root->init_count == 0)
		root->init[root->init_count++] = OM_STR("/sbin/init");
	for (i = 0; i < reader->word_count && root->init_count < OM_ARGS_MAX; i++)
		root->init[root->init_count++] = reader->words[i];
	if (i < reader->word_count)
		entry_error(parser, OM_LIMIT, parser->options->value, "",
			    "more than %u words of init", OM_ARGS_MAX);
}

static void drop_initrds(struct om_entry *entry)
{
	uint32_t i, kept = 0;

	for (i = 0; i < entry->layer_count; i++)
		if (entry->layers[i].role != OM_LAYER_INITRD)
			entry->layers[kept++] = entry->layers[i];
	entry->layer_count = kept;
}

static void merge_ramdisks(struct options_reader *reader)
{
	struct entry_parser *parser = reader->parser;
	uint64_t start;
	uint32_t i;

	if (!parser->given[OM_KEY_RAMDISK_PROMPT])
		parser->entry->ramdisk_prompt = reader->prompt;
	if (reader->start.text.len == 0)
		return;
	if (om_number_parse(reader->start.text, 10, UINT32_MAX, &start) != OM_OK) {
		entry_warning(parser, reader->start, "", "ramdisk_start= is no number: ignored");
		return;
	}
	for (i = 0; i < parser->entry->ramdisk_count; i++)
		if (!parser->start_given[i])
			parser->entry->ramdisks[i].start_kib = (uint32_t)start;
}

static void merge(struct options_reader *reader)
{
	struct entry_parser *parser = reader->parser;
	struct om_root *root = &parser->entry->root;

	if (!parser->given[OM_KEY_ROOT_FSTYPE] && reader->fstypes.text.len > 0 &&
	    entry_fstypes(parser, reader->fstypes) == OM_OK)
		parser->fstypes = reader->fstypes.text;
	if (!parser->given[OM_KEY_ROOT_FLAGS] && reader->flags.text.len > 0)
		parser->flags = reader->flags.text;
	if (!parser->given[OM_KEY_ROOT_MODE])
		parser->mode = reader->mode;
	if (!parser->given[OM_KEY_ROOT_WAIT] && reader->has_wait)
		root->wait_ms = reader->wait_ms;
	if (!parser->given[OM_KEY_ROOT_DELAY] && reader->has_delay)
		root->delay_ms = reader->delay_ms;
	merge_ramdisks(reader);
	merge_root(reader);
	merge_nfsroot(parser->entry);
	merge_init(reader);
	if (reader->noinitrd)
		drop_initrds(parser->entry);
}

void entry_parse_options(struct entry_parser *parser)
{
	struct options_reader reader = { .parser = parser };
	const struct option_line *line;

	for (line = parser->options; line && !parser->out_of_memory; line = line->next)
		read_line(&reader, line->value);
	if (parser->options && !parser->out_of_memory)
		merge(&reader);
}
