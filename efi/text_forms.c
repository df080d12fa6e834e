/* SPDX-License-Identifier: MIT */
#include <overmount/fmt.h>
#include <overmount/root.h>

#include "text_forms.h"

/*
 * One code point; *at moves on.  Overlong forms, surrogates and stray bytes give 0xfffd and
 * move by one byte.
 */
static uint32_t decode_utf8(const uint8_t *text, size_t len, size_t *at)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t first = text[*at];
	uint32_t code;
	unsigned extra, i;

	if (first < 0x80)
		return text[(*at)++];
	extra = first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 && first < 0xf0 ? 2 :
		first >= 0xc0 && first < 0xe0 ? 1 : 0;
	if (extra == 0 || len - *at <= extra)
		goto stray;
	code = first & (0x3fu >> extra);
	for (i = 1; i <= extra; i++) {
		if ((text[*at + i] & 0xc0) != 0x80)
			goto stray;
		code = code << 6 | (text[*at + i] & 0x3f);
	}
	if (code < least[extra] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		goto stray;
	*at += extra + 1;
	return code;
stray:
	(*at)++;
	return 0xfffd;
}

static bool is_separator(char c)
{
	return c == '/' || c == '\\';
}

/* In names on FAT. */
static bool is_forbidden(char c)
{
	return c == '"' || c == '*' || c == ':' || c == '<' || c == '>' || c == '?' || c == '|';
}

static enum om_status put_component(struct om_str name, uint16_t *buf, size_t size, size_t *used)
{
	size_t at = 0;

	if (*used + 1 >= size)
		return OM_LIMIT;
	buf[(*used)++] = '\\';
	while (at < name.len) {
		uint32_t code = decode_utf8((const uint8_t *)name.ptr, name.len, &at);

		/* What FAT forbids; UCS-2 ends at 0xffff. */
		if (code < 0x20 || code > 0xffff || code == 0xfffd ||
		    (code < 0x80 && is_forbidden((char)code)))
			return OM_SYNTAX;
		if (*used + 1 >= size)
			return OM_LIMIT;
		buf[(*used)++] = (uint16_t)code;
	}
	return OM_OK;
}

enum om_status path_to_efi(struct om_str path, uint16_t *buf, size_t size)
{
	size_t at = 0, start, used = 0;
	enum om_status status;

	while (at < path.len) {
		struct om_str name;

		while (at < path.len && is_separator(path.ptr[at]))
			at++;
		for (start = at; at < path.len && !is_separator(path.ptr[at]); at++)
			;
		name = (struct om_str){ path.ptr + start, at - start };
		if (name.len == 0 || om_str_is(name, "."))
			continue;
		if (om_str_is(name, ".."))
			return OM_ESCAPES;
		status = put_component(name, buf, size, &used);
		if (status != OM_OK)
			return status;
	}
	if (used == 0) {
		if (size < 2)
			return OM_LIMIT;
		buf[used++] = '\\';
	}
	buf[used] = 0;
	return OM_OK;
}

size_t utf8_from_ucs2(const uint16_t *text, size_t units, char *buf, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < units && text[i]; i++) {
		uint32_t c = text[i];
		size_t need = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;

		if (c >= 0xd800 && c < 0xe000) {
			c = '?';
			need = 1;
		}
		if (len + need >= size)
			break;
		if (need == 1) {
			buf[len++] = (char)c;
		} else if (need == 2) {
			buf[len++] = (char)(0xc0 | c >> 6);
			buf[len++] = (char)(0x80 | (c & 0x3f));
		} else {
			buf[len++] = (char)(0xe0 | c >> 12);
			buf[len++] = (char)(0x80 | (c >> 6 & 0x3f));
			buf[len++] = (char)(0x80 | (c & 0x3f));
		}
	}
	if (size)
		buf[len] = '\0';
	return len;
}

size_t ucs2_from_utf8(const char *text, uint16_t *buf, size_t size)
{
	size_t at = 0, len = strlen(text), used = 0;

	while (at < len) {
		uint32_t code = decode_utf8((const uint8_t *)text, len, &at);

		if (used + 3 > size)
			break;
		if (code == '\n')
			buf[used++] = '\r';
		buf[used++] = (uint16_t)(code > 0xffff ? '?' : code);
	}
	if (size)
		buf[used] = 0;
	return used;
}

void word_blank(char *text, const char *word)
{
	size_t len = strlen(word), start = 0, i;
	bool quoted = false;

	for (i = 0;; i++) {
		char c = text[i];

		quoted ^= c == '"';
		if (c && (quoted || (c != ' ' && c != '\t')))
			continue;
		if (i - start == 2 && memcmp(text + start, "--", 2) == 0)
			return;
		if (i - start == len && memcmp(text + start, word, len) == 0)
			memset(text + start, ' ', len);
		if (!c)
			return;
		start = i + 1;
	}
}

size_t load_option_word(const void *options, size_t bytes, char *buf, size_t size)
{
	const uint8_t *at = options;
	size_t units = bytes / 2, i, start = 0, end = 0, len = 0;
	bool inside = false;

	if (size)
		buf[0] = '\0';
	for (i = 0; i < units; i++) {
		uint16_t c = om_get_le16(at + 2 * i);

		if (c == 0)
			break;
		/* Boot options may carry binary data: only plain text is taken for words. */
		if (c > 0x7e || (c < 0x20 && c != '\t'))
			return 0;
		if (c == ' ' || c == '\t') {
			inside = false;
			continue;
		}
		if (!inside)
			start = i;
		inside = true;
		end = i + 1;
	}
	if (end - start >= size)
		return 0;
	for (i = start; i < end; i++)
		buf[len++] = (char)om_get_le16(at + 2 * i);
	buf[len] = '\0';
	return len;
}

bool loader_timeout(const char *text, bool once, uint32_t *ret_ms, bool *ret_disabled)
{
	const struct om_str word = om_str_from(text);
	uint64_t seconds = 0;
	size_t i;

	*ret_ms = once ? OM_WAIT_FOREVER : 0;
	*ret_disabled = om_str_is(word, "menu-disabled");
	if (om_str_is(word, "menu-force")) {
		*ret_ms = OM_WAIT_FOREVER;
		return true;
	}
	if (om_str_is(word, "menu-hidden") || *ret_disabled) {
		*ret_ms = 0;
		return true;
	}
	for (i = 0; i < word.len && i < 9; i++) {
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return false;
		seconds = seconds * 10 + (uint64_t)(word.ptr[i] - '0');
	}
	if (word.len == 0 || i < word.len || seconds * 1000 >= OM_WAIT_FOREVER)
		return false;
	if (seconds > 0)
		*ret_ms = (uint32_t)seconds * 1000;
	return true;
}

uint64_t unix_time(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		   unsigned second)
{
	static const uint16_t before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334,
	};
	uint64_t days, past;

	if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour > 23 || minute > 59 || second > 60)
		return 0;
	past = year - (month <= 2);	/* leap days counted up to the end of this February */
	days = (uint64_t)(year - 1970) * 365 + (past / 4 - past / 100 + past / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before[month - 1] + day - 1;
	return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

uint32_t crc32_ieee(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t crc = ~UINT32_C(0);
	int bit;

	while (len--) {
		crc ^= *at++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
	}
	return ~crc;
}

static size_t without_blanks(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool volume_label_is(const char *label, struct om_str wanted)
{
	struct om_str have = { label, without_blanks(label, strlen(label)) };

	wanted.len = without_blanks(wanted.ptr, wanted.len);
	if (have.len == 0 || have.len != wanted.len)
		return false;
	while (have.len > 0 && lower(have.ptr[have.len - 1]) == lower(wanted.ptr[have.len - 1]))
		have.len--;
	return have.len == 0;
}

void volume_label_list(char *list, size_t size, const char *label)
{
	static const char more[] = ", ...";
	size_t used = strlen(list), len = without_blanks(label, strlen(label));
	size_t need = len ? len + 2 : strlen("one without");

	/* Room for the dots is always kept. */
	if (used + 2 + need + sizeof(more) > size) {
		if (used >= sizeof(more) - 1 &&
		    memcmp(list + used - sizeof(more) + 1, more, sizeof(more)) == 0)
			return;
		om_format(list + used, size - used, "%s", more);
		return;
	}
	om_format(list + used, size - used, len ? "%s'%.*s'" : "%sone without",
		  used ? ", " : "", (int)len, label);
}
