/* SPDX-License-Identifier: MIT */
/* The record of a start that found no root: written by /init, read by the stage. */
#include <overmount/failure.h>

#define FORM	"overmount failure 1\n"
#define DOTS	"...\n"

/* Room for the dots is always kept. */
static bool put(struct om_failure_text *text, struct om_str line)
{
	if (line.len + 1 > sizeof(text->bytes) - strlen(DOTS) - text->len)
		return false;
	memcpy(text->bytes + text->len, line.ptr, line.len);
	text->len += line.len;
	text->bytes[text->len++] = '\n';
	return true;
}

void om_failure_begin(struct om_failure_text *text, struct om_str entry)
{
	memcpy(text->bytes, FORM, strlen(FORM));
	text->len = strlen(FORM);
	text->full = false;
	if (entry.len > OM_FAILURE_LINE_MAX)
		entry.len = OM_FAILURE_LINE_MAX;
	put(text, entry);
}

void om_failure_add(struct om_failure_text *text, const char *line)
{
	struct om_str str = om_str_from(line);

	if (text->full)
		return;
	if (str.len > OM_FAILURE_LINE_MAX)
		str.len = OM_FAILURE_LINE_MAX;
	if (put(text, str))
		return;
	text->full = true;
	memcpy(text->bytes + text->len, DOTS, strlen(DOTS));
	text->len += strlen(DOTS);
}

/* The next line, cut and made printable; *AT moves behind it. */
static struct om_str take(char *bytes, size_t len, size_t *at)
{
	struct om_str line = { bytes + *at, 0 };

	for (; *at < len && bytes[*at] != '\n'; (*at)++) {
		if (bytes[*at] < ' ' || bytes[*at] > '~')
			bytes[*at] = '?';
		if (line.len < OM_FAILURE_LINE_MAX)
			line.len++;
	}
	if (*at < len)
		(*at)++;
	return line;
}

bool om_failure_read(char *bytes, size_t len, struct om_failure *ret_failure)
{
	size_t at = strlen(FORM);

	ret_failure->count = 0;
	if (len > OM_FAILURE_MAX || len < at || memcmp(bytes, FORM, at) != 0)
		return false;
	ret_failure->entry = take(bytes, len, &at);
	while (at < len && ret_failure->count < OM_FAILURE_LINES_MAX)
		ret_failure->lines[ret_failure->count++] = take(bytes, len, &at);
	return ret_failure->count > 0;
}
