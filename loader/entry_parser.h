/* SPDX-License-Identifier: MIT */
#ifndef LOADER_ENTRY_PARSER_H
#define LOADER_ENTRY_PARSER_H
/*
 * What the files of the entry parser share: entry.c walks the lines, entry_values.c and
 * entry_lines.c read values, options.c reads the classic kernel parameters.
 */
#include <overmount/entry.h>

#include "words.h"

/* One `options` line; the classic parameters are read after all keys are known. */
struct option_line {
	struct om_value value;
	struct option_line *next;
};

struct entry_parser {
	struct om_entry *entry;
	struct om_arena *arena;
	const struct om_diag_sink *sink;
	void (*take)(struct entry_parser *parser, struct om_value name, struct om_value value);
	enum om_status status;			/* the first error */
	bool global;
	bool out_of_memory;
	uint32_t given[OM_KEY_COUNT];		/* line of the key, 0 = not given */
	struct option_line *options, **options_end;
	size_t options_len;
	uint32_t ramdisk_next;			/* index of the next ramdisk line that names none */
	bool start_given[OM_IMAGES_MAX];	/* as entry->ramdisks */
	struct om_str fstypes, flags;		/* defaults for candidates, keys first */
	enum om_root_mode mode;
};

/* Report at VALUE; entry_error() counts, keeps the first status and returns STATUS. */
enum om_status entry_error(struct entry_parser *parser, enum om_status status, struct om_value at,
			   const char *hint, const char *format, ...) OM_PRINTF(5, 6);
void entry_warning(struct entry_parser *parser, struct om_value at, const char *hint,
		   const char *format, ...) OM_PRINTF(4, 5);
/* A word that cannot be had: quote left open, or no memory. */
enum om_status entry_word_error(struct entry_parser *parser, enum om_status status,
				struct om_value word);

/* The part of VALUE from byte AT on, at most LEN bytes. */
struct om_value entry_part(struct om_value value, size_t at, size_t len);

/* A hint "did you mean 'x'?" in BUF, or "". */
const char *entry_did_you_mean(char *buf, size_t size, struct om_str word);

/* Each line that is neither empty nor a comment goes to parser->take. */
void entry_parse_lines(struct entry_parser *parser, struct om_str text);
void entry_set_defaults(struct om_entry *entry, struct om_str id);
/* Once all lines are read: what a candidate does not say comes from the defaults. */
void entry_fill_candidates(struct entry_parser *parser);

/* ------------------------------------------------------------------ entry_values.c */

/* WORD with an optional #sha256=HEX to a path on the boot volume. */
enum om_status entry_path_ref(struct entry_parser *parser, struct om_value word,
			      struct om_path_ref *ret_ref) OM_CHECKED;
/* An absolute path in the absolute root or the final root; WHAT names it in messages. */
enum om_status entry_inner_path(struct entry_parser *parser, struct om_value word,
				const char *what);
enum om_status entry_fstypes(struct entry_parser *parser, struct om_value list) OM_CHECKED;
/* Index in the choices of KEY, or -1 after an error. */
int entry_choice(struct entry_parser *parser, enum om_key key, struct om_value value);
/* The same for a key whose name and choices are given: "ro|rw". */
int entry_choice_of(struct entry_parser *parser, const char *name, const char *choices,
		    struct om_value value);
#define ROOT_MODE_CHOICES "ro|rw"
/* The defaults for candidates. */
void entry_root_fstype(struct entry_parser *parser, struct om_value value);
void entry_root_flags(struct entry_parser *parser, struct om_value value);
void entry_root_mode(struct entry_parser *parser, struct om_value value);

void entry_parse_value(struct entry_parser *parser, enum om_key key, struct om_value value);

/* ------------------------------------------------------------------ entry_lines.c */

/* The next word of a line; false at its end and after an error (then *ret_ok is false). */
bool entry_next_word(struct entry_parser *parser, struct om_words *words,
		     struct om_value *ret_word, bool *ret_ok);
/* If WORD is NAME=..., what stands after the '='. */
bool entry_attribute(struct om_value word, const char *name, struct om_value *ret_value);
/* WORD is none of the ATTRIBUTES ("mode=", "ro", ...; NULL at the end). */
void entry_bad_attribute(struct entry_parser *parser, const char *key, struct om_value word,
			 const char *const *attributes, const char *expected);

void entry_parse_root(struct entry_parser *parser, struct om_value value);
void entry_parse_file(struct entry_parser *parser, struct om_value value);
void entry_parse_initrd(struct entry_parser *parser, struct om_value value);
void entry_parse_ramdisk(struct entry_parser *parser, struct om_value value);
void entry_parse_init(struct entry_parser *parser, struct om_value value);
void entry_parse_module(struct entry_parser *parser, struct om_value value);
void entry_parse_verity(struct entry_parser *parser, struct om_value value);
void entry_add_layer(struct entry_parser *parser, enum om_layer_role role,
		     const struct om_path_ref *source);
/* Room for one more candidate, with its place; NULL after an error. */
struct om_candidate *entry_add_candidate(struct entry_parser *parser, struct om_value at);

/* ------------------------------------------------------------------ options.c */

/* The classic parameters of all options lines, where no key says otherwise. */
void entry_parse_options(struct entry_parser *parser);

#endif
