/* SPDX-License-Identifier: MIT */
/* The lines of an entry that say what the root is, and no others. */

#include "entry_parser.h"

static const struct root_key {
	const char *name;
	enum om_key key;
	void (*parse)(struct entry_parser *parser, struct om_value value);
} root_keys[] = {
	{ "root", OM_KEY_ROOT, entry_parse_root },
	{ "root-fstype", OM_KEY_ROOT_FSTYPE, entry_root_fstype },
	{ "root-flags", OM_KEY_ROOT_FLAGS, entry_root_flags },
	{ "root-mode", OM_KEY_ROOT_MODE, entry_root_mode },
};

static void take_root_line(struct entry_parser *parser, struct om_value name, struct om_value value)
{
	const struct root_key *key = root_keys, *end = root_keys + 4;

	while (key < end && !om_str_is(name.text, key->name))
		key++;
	if (key == end) {
		entry_error(parser, OM_SYNTAX, name, "", "expected root, root-fstype, root-flags or "
			    "root-mode, found '%.*s'",
			    (int)(name.text.len > 64 ? 64 : name.text.len), name.text.ptr);
		return;
	}
	if (value.text.len == 0) {
		entry_error(parser, OM_SYNTAX, name, "", "'%s' has no value", key->name);
		return;
	}
	if (key->key != OM_KEY_ROOT && parser->given[key->key]) {
		entry_error(parser, OM_CONFLICT, name, "leave one of them out",
			    "'%s' was given in line %u already", key->name,
			    parser->given[key->key]);
		return;
	}
	parser->given[key->key] = name.line;
	key->parse(parser, value);
}

enum om_status om_entry_parse_root(struct om_str text, struct om_arena *arena,
				   const struct om_diag_sink *sink, struct om_entry *ret_entry)
{
	struct entry_parser parser = { .entry = ret_entry, .arena = arena, .sink = sink,
				       .take = take_root_line, .fstypes = { "", 0 },
				       .flags = { "", 0 } };

	entry_set_defaults(ret_entry, OM_STR(""));
	entry_parse_lines(&parser, text);
	entry_fill_candidates(&parser);
	return parser.status;
}
