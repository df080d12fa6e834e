/* SPDX-License-Identifier: MIT */
/* Values taken apart: words, numbers, durations, choices. */
#include "words.h"

int om_hex_digit(char c)
{
	if (om_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool om_str_equal_fold(struct om_str a, struct om_str b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (om_fold(a.ptr[i]) != om_fold(b.ptr[i]))
			return false;
	return true;
}

struct om_str om_str_trim(struct om_str text)
{
	while (text.len > 0 && om_is_blank(text.ptr[0]))
		text = om_str_skip(text, 1);
	while (text.len > 0 && om_is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

struct om_words om_words_of(struct om_value value)
{
	return (struct om_words){ value.text, 0, value.line, value.column };
}

/*
 * Most words have no quote, or one pair around them, and are borrowed; the others are put
 * together in the arena, and places inside them are off by the quotes that are gone.
 */
static enum om_status unquote(struct om_value *word, struct om_arena *arena)
{
	struct om_str raw = word->text, inner = { raw.ptr + 1, raw.len - 2 };
	size_t i, len = 0;
	char *copy;

	if (raw.ptr[0] == '"' && raw.ptr[raw.len - 1] == '"' && !om_str_has(inner, '"')) {
		word->text = inner;
		word->column++;
		return OM_OK;
	}
	copy = om_arena_alloc(arena, raw.len + 1);
	if (!copy)
		return OM_NO_MEMORY;
	for (i = 0; i < raw.len; i++)
		if (raw.ptr[i] != '"')
			copy[len++] = raw.ptr[i];
	word->text = (struct om_str){ copy, len };
	return OM_OK;
}

enum om_status om_words_next(struct om_words *words, struct om_arena *arena,
			     struct om_value *ret_word)
{
	struct om_str text = words->text;
	bool quoted = false, quotes = false;
	size_t start;

	while (words->at < text.len && om_is_blank(text.ptr[words->at]))
		words->at++;
	if (words->at == text.len)
		return OM_MISSING;
	start = words->at;
	for (; words->at < text.len; words->at++) {
		if (text.ptr[words->at] == '"') {
			quoted = !quoted;
			quotes = true;
		} else if (!quoted && om_is_blank(text.ptr[words->at])) {
			break;
		}
	}
	*ret_word = (struct om_value){ { text.ptr + start, words->at - start }, words->line,
				       words->column + (uint32_t)start };
	if (quoted)
		return OM_SYNTAX;
	return quotes ? unquote(ret_word, arena) : OM_OK;
}

enum om_status om_hex_parse(struct om_str text, uint8_t *bytes, size_t max, size_t *ret_len)
{
	size_t i;
	int high, low;

	if (text.len % 2 != 0)
		return OM_SYNTAX;
	if (text.len / 2 > max)
		return OM_LIMIT;
	for (i = 0; i < text.len / 2; i++) {
		high = om_hex_digit(text.ptr[2 * i]);
		low = om_hex_digit(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return OM_SYNTAX;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_len = text.len / 2;
	return OM_OK;
}

enum om_status om_number_parse(struct om_str text, uint32_t base, uint64_t max,
			       uint64_t *ret_number)
{
	uint64_t number = 0;
	bool over = false;
	size_t i;
	int digit;

	if (text.len == 0)
		return OM_SYNTAX;
	for (i = 0; i < text.len; i++) {
		digit = om_hex_digit(text.ptr[i]);
		if (digit < 0 || (uint32_t)digit >= base)
			return OM_SYNTAX;
		if (number > (UINT64_MAX - (uint32_t)digit) / base)
			over = true;
		else
			number = number * base + (uint32_t)digit;
	}
	if (over || number > max)
		return OM_LIMIT;
	*ret_number = number;
	return OM_OK;
}

enum om_status om_duration_parse(struct om_str text, uint32_t *ret_ms)
{
	struct om_str whole = text, part = { NULL, 0 };
	uint64_t seconds = 0, ms = 0, ignored, scale = 100;
	enum om_status status;
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] != '.'; i++)
		;
	if (i < text.len) {
		whole.len = i;
		part = om_str_skip(text, i + 1);
		status = om_number_parse(part, 10, UINT64_MAX, &ignored);
		if (status == OM_SYNTAX)
			return status;
	}
	/* ".5" is understood; "5." and "." are not. */
	status = whole.len == 0 && part.len > 0 ? OM_OK :
		 om_number_parse(whole, 10, UINT32_MAX / 1000, &seconds);
	if (status != OM_OK)
		return status;
	for (i = 0; i < part.len && i < 3; i++, scale /= 10)
		ms += (uint64_t)(part.ptr[i] - '0') * scale;
	if (seconds * 1000 + ms >= OM_WAIT_FOREVER)
		return OM_LIMIT;
	*ret_ms = (uint32_t)(seconds * 1000 + ms);
	return OM_OK;
}

/* The AT-th of "a|b|c". */
static bool choice_at(const char *choices, size_t at, struct om_str *ret_choice)
{
	size_t len;

	while (*choices) {
		for (len = 0; choices[len] && choices[len] != '|'; len++)
			;
		if (at-- == 0) {
			*ret_choice = (struct om_str){ choices, len };
			return true;
		}
		choices += len + (choices[len] == '|');
	}
	return false;
}

int om_choice_find(struct om_str word, const char *choices)
{
	struct om_str choice;
	int i;

	for (i = 0; choice_at(choices, (size_t)i, &choice); i++)
		if (om_str_equal(word, choice))
			return i;
	return -1;
}

struct om_str om_choice_suggest(struct om_str word, const char *choices)
{
	char copies[OM_CHOICES_MAX][16];
	const char *list[OM_CHOICES_MAX + 1], *found;
	struct om_str choice = { "", 0 };
	uint32_t i, count = 0;

	for (i = 0; count < OM_CHOICES_MAX && choice_at(choices, i, &choice); i++) {
		if (choice.len >= sizeof(copies[0]))
			continue;
		memcpy(copies[count], choice.ptr, choice.len);
		copies[count][choice.len] = '\0';
		list[count] = copies[count];
		count++;
	}
	list[count] = NULL;
	found = om_suggest(word, list);
	for (i = 0; found && choice_at(choices, i, &choice); i++)
		if (om_str_is(choice, found))
			return choice;
	return (struct om_str){ "", 0 };
}
