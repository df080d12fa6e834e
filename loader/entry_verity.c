/* SPDX-License-Identifier: MIT */
/* `root-verity HASH [hash=SPEC] [offset=BYTES]`, and the rules that the descriptor shares. */
#include <overmount/fmt.h>

#include "descriptor_records.h"
#include "entry_parser.h"

bool verity_hash_fits(size_t len)
{
	return len == 20 || len == 32 || len == 48 || len == 64;
}

static bool parse_device(struct entry_parser *parser, struct om_value value,
			 struct om_verity *verity)
{
	enum om_status status = om_rootspec_parse(value.text, value.line, value.column,
						  parser->sink, &verity->device);

	if (status != OM_OK) {
		/* The finding has gone out already, with its own place. */
		parser->entry->error_count++;
		if (parser->status == OM_OK)
			parser->status = status;
		return false;
	}
	if (!om_root_is_device(verity->device.kind)) {
		entry_error(parser, OM_TYPE, value, "such as hash=PARTLABEL=root-verity",
			    "the hash tree has to be on a device or in an image");
		return false;
	}
	return true;
}

static bool parse_attribute(struct entry_parser *parser, struct om_value word,
			    struct om_verity *verity)
{
	static const char *const attributes[] = { "hash=", "offset=", NULL };
	struct om_value value;

	if (entry_attribute(word, "hash", &value))
		return parse_device(parser, value, verity);
	if (!entry_attribute(word, "offset", &value)) {
		entry_bad_attribute(parser, "root-verity", word, attributes, "hash= or offset=");
		return false;
	}
	if (om_number_parse(value.text, 10, INT64_MAX, &verity->offset) == OM_OK &&
	    verity->offset % OM_VERITY_UNIT == 0)
		return true;
	entry_error(parser, OM_SYNTAX, value, "as veritysetup --hash-offset has it",
		    "expected bytes, a multiple of %u", OM_VERITY_UNIT);
	return false;
}

void entry_parse_verity(struct entry_parser *parser, struct om_value value)
{
	struct om_words words = om_words_of(value);
	struct om_verity verity = { .device = { .text = { "", 0 } } };
	struct om_value hash, word;
	size_t len = 0;
	bool ok = true;

	if (!entry_next_word(parser, &words, &hash, &ok))
		return;
	parser->entry->verity_at = hash;
	if (om_hex_parse(hash.text, verity.root_hash, sizeof(verity.root_hash), &len) != OM_OK ||
	    !verity_hash_fits(len)) {
		entry_error(parser, OM_SYNTAX, hash, "veritysetup prints it as 'Root hash'",
			    "expected a root hash of 40, 64, 96 or 128 hexadecimal digits");
		ok = false;
	}
	verity.hash_len = (uint32_t)len;
	while (entry_next_word(parser, &words, &word, &ok))
		ok = parse_attribute(parser, word, &verity) && ok;
	if (ok && verity.device.kind == 0 && verity.offset == 0)
		entry_error(parser, OM_MISSING, hash, "add hash=SPEC, or offset=BYTES if it is "
			    "behind the data of the root's own device",
			    "'root-verity' does not say where the hash tree is");
	else if (ok)
		parser->entry->root.verity = verity;
}
