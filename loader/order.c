/* SPDX-License-Identifier: MIT */
/* Menu order and names of entries, as the Boot Loader Specification has them. */
#include <overmount/entry.h>

#include "words.h"

static int compare_text(struct om_str a, struct om_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.ptr, b.ptr, len) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char head(struct om_str text)
{
	return text.len ? text.ptr[0] : '\0';
}

/* Everything that neither separates nor counts is passed over. */
static struct om_str skip_ignored(struct om_str text)
{
	while (text.len && !is_letter(text.ptr[0]) && !om_is_digit(text.ptr[0]) &&
	       !om_str_has(OM_STR("~-^."), text.ptr[0]))
		text = om_str_skip(text, 1);
	return text;
}

/* 1 if A is longer by the separator C alone, -1 if B is, 0 if both start with it. */
static bool separator(struct om_str *a, struct om_str *b, char c, bool lowers, int *ret_order)
{
	bool in_a = head(*a) == c, in_b = head(*b) == c;

	if (in_a != in_b) {
		*ret_order = in_a == lowers ? -1 : 1;
		return true;
	}
	if (in_a) {
		*a = om_str_skip(*a, 1);
		*b = om_str_skip(*b, 1);
	}
	return false;
}

static struct om_str take(struct om_str *text, bool digits)
{
	struct om_str run = { text->ptr, 0 };

	while (run.len < text->len && (digits ? om_is_digit(text->ptr[run.len]) :
						is_letter(text->ptr[run.len])))
		run.len++;
	*text = om_str_skip(*text, run.len);
	return run;
}

/* Numbers of any length; none at all is less than 0. */
static int compare_digits(struct om_str a, struct om_str b)
{
	if ((a.len == 0) != (b.len == 0))
		return a.len > 0 ? 1 : -1;
	while (a.len > 0 && a.ptr[0] == '0')
		a = om_str_skip(a, 1);
	while (b.len > 0 && b.ptr[0] == '0')
		b = om_str_skip(b, 1);
	if (a.len != b.len)
		return a.len > b.len ? 1 : -1;
	return compare_text(a, b);
}

/* The version order of the specification: ~ lowest, then the end, - ^ . in that order. */
static int compare_versions(struct om_str a, struct om_str b)
{
	int order = 0;
	bool digits;

	for (;;) {
		a = skip_ignored(a);
		b = skip_ignored(b);
		if (separator(&a, &b, '~', true, &order))
			return order;
		if (a.len == 0 || b.len == 0)
			return (a.len > 0) - (b.len > 0);
		if (separator(&a, &b, '-', true, &order) || separator(&a, &b, '^', true, &order) ||
		    separator(&a, &b, '.', true, &order))
			return order;
		digits = om_is_digit(head(a)) || om_is_digit(head(b));
		if (digits)
			order = compare_digits(take(&a, true), take(&b, true));
		else
			order = compare_text(take(&a, false), take(&b, false));
		if (order)
			return order;
	}
}

int om_entry_compare(const struct om_entry *a, const struct om_entry *b)
{
	bool key_a = a->sort_key.text.len > 0, key_b = b->sort_key.text.len > 0;
	int order;

	if (key_a != key_b)
		return key_a ? -1 : 1;
	if (key_a) {
		order = compare_text(a->sort_key.text, b->sort_key.text);
		if (!order)
			order = compare_text(a->machine_id.text, b->machine_id.text);
		if (!order)
			order = -compare_versions(a->version.text, b->version.text);
		if (order)
			return order;
	}
	order = -compare_versions(a->id, b->id);
	return order ? order : -compare_text(a->id, b->id);
}

/*
 * One element of PATTERN at *AT, which moves behind it, against C: "?", a set as "[a-z_]" or "[!0-9]",
 * or the character itself.  A [ that nothing closes is one too.
 */
static bool element(struct om_str pattern, size_t *at, char c)
{
	size_t i = *at + 1;
	bool others, found = false;
	char low, high;

	if (pattern.ptr[*at] != '[')
		goto plain;
	others = i < pattern.len && (pattern.ptr[i] == '!' || pattern.ptr[i] == '^');
	/* The first of a set may be the ] itself. */
	for (i += others;; i++) {
		if (i >= pattern.len)
			goto plain;
		low = high = om_fold(pattern.ptr[i]);
		if (i + 2 < pattern.len && pattern.ptr[i + 1] == '-' && pattern.ptr[i + 2] != ']') {
			i += 2;
			high = om_fold(pattern.ptr[i]);
		}
		found = found || (om_fold(c) >= low && om_fold(c) <= high);
		if (i + 1 < pattern.len && pattern.ptr[i + 1] == ']')
			break;
	}
	*at = i + 2;
	return found != others;
plain:
	low = pattern.ptr[(*at)++];
	return low == '?' || om_fold(low) == om_fold(c);
}

/* Iterative glob: after a * that did not work out, give it one more character. */
static bool glob(struct om_str pattern, struct om_str text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0, next;

	while (t < text.len) {
		next = p;
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && element(pattern, &next, text.ptr[t])) {
			p = next;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool om_entry_id_matches(struct om_str pattern, struct om_str id)
{
	if (pattern.len == 0)
		return false;
	if (glob(pattern, id))
		return true;
	if (id.len > 5 && om_str_equal_fold(om_str_skip(id, id.len - 5), OM_STR(".conf"))) {
		id.len -= 5;
		return glob(pattern, id);
	}
	return false;
}
