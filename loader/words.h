/* SPDX-License-Identifier: MIT */
#ifndef LOADER_WORDS_H
#define LOADER_WORDS_H
/* Values taken apart: words, numbers, durations, choices.  Knows no keys and emits nothing. */
#include <overmount/entry.h>

/* A cursor over one value; COLUMN is that of TEXT's first byte. */
struct om_words {
	struct om_str text;
	size_t at;
	uint32_t line;
	uint32_t column;
};

static inline bool om_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Lower case, ASCII only. */
static inline char om_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static inline bool om_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool om_str_has(struct om_str text, char c)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] == c)
			return true;
	return false;
}

/* 0..15, or -1 */
int om_hex_digit(char c);
bool om_str_equal_fold(struct om_str a, struct om_str b);
struct om_str om_str_trim(struct om_str text);

struct om_words om_words_of(struct om_value value);
/*
 * The next word.  Double quotes hold blanks together and are taken off, wherever they stand;
 * a backslash is an ordinary character.  OM_MISSING at the end, OM_SYNTAX when a quote is not
 * closed (ret_word then covers it), OM_NO_MEMORY.
 */
enum om_status om_words_next(struct om_words *words, struct om_arena *arena,
			     struct om_value *ret_word) OM_CHECKED;

/* Pairs of hexadecimal digits to at most MAX bytes; OM_SYNTAX, OM_LIMIT. */
enum om_status om_hex_parse(struct om_str text, uint8_t *bytes, size_t max,
			    size_t *ret_len) OM_CHECKED;

/* All of TEXT as a number of BASE (8, 10 or 16); OM_SYNTAX, or OM_LIMIT above MAX. */
enum om_status om_number_parse(struct om_str text, uint32_t base, uint64_t max,
			       uint64_t *ret_number) OM_CHECKED;
/* "2", "0.25" (at most three decimals count) to milliseconds. */
enum om_status om_duration_parse(struct om_str text, uint32_t *ret_ms) OM_CHECKED;

#define OM_CHOICES_MAX 8u

/* Index of WORD in "a|b|c", or -1. */
int om_choice_find(struct om_str word, const char *choices);
/* The nearest choice as om_suggest(), ret_text empty if there is none. */
struct om_str om_choice_suggest(struct om_str word, const char *choices);

#endif
