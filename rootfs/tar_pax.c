/* SPDX-License-Identifier: MIT */
/*
 * Records of pax extended headers: "LEN KEY=VALUE\n", LEN counting all of it.  What an archive
 * of files for an initramfs can carry is taken; times of access, names of owners and extended
 * attributes have no place in newc and are left out.
 */
#include "tar_header.h"

static bool parse_decimal(struct om_str text, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > (UINT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (!text.len)
		return false;
	*ret_value = value;
	return true;
}

/* Seconds, a sign and a fraction are possible; the fraction is cut off towards the past. */
static bool parse_time(struct om_str text, int64_t *ret_value)
{
	bool negative = om_str_starts(text, "-"), fraction = false;
	struct om_str whole;
	uint64_t value;
	size_t i;

	if (negative)
		text = om_str_skip(text, 1);
	for (i = 0; i < text.len && text.ptr[i] != '.'; i++)
		;
	whole = (struct om_str){ text.ptr, i };
	for (i++; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		fraction = fraction || text.ptr[i] != '0';
	}
	if (!parse_decimal(whole, &value) || value > INT64_MAX - 1)
		return false;
	*ret_value = negative ? -(int64_t)value - fraction : (int64_t)value;
	return true;
}

/* One record off the front of TEXT. */
static bool next_record(struct om_str *text, struct om_str *ret_key, struct om_str *ret_value)
{
	struct om_str record;
	uint64_t len;
	size_t i, key;

	for (i = 0; i < text->len && text->ptr[i] != ' '; i++)
		;
	if (!parse_decimal((struct om_str){ text->ptr, i }, &len) || len > text->len ||
	    len < i + 3 || text->ptr[len - 1] != '\n')
		return false;
	record = (struct om_str){ text->ptr + i + 1, (size_t)len - i - 2 };
	for (key = 0; key < record.len && record.ptr[key] != '='; key++)
		;
	if (!key || key == record.len)
		return false;
	*ret_key = (struct om_str){ record.ptr, key };
	*ret_value = om_str_skip(record, key + 1);
	*text = om_str_skip(*text, (size_t)len);
	return true;
}

static enum om_status take_text(struct om_str value, char *buf, struct om_str *ret_text,
				const char **ret_why)
{
	if (value.len >= OM_PATH_MAX) {
		*ret_why = "is longer than 4095 bytes";
		return OM_LIMIT;
	}
	memcpy(buf, value.ptr, value.len);
	buf[value.len] = '\0';
	if (strlen(buf) != value.len) {
		*ret_why = "has a NUL in its value";
		return OM_SYNTAX;
	}
	*ret_text = (struct om_str){ value.len ? buf : NULL, value.len };
	return OM_OK;
}

static enum om_status take_number(struct om_str value, bool *ret_has, uint64_t *ret_number,
				  const char **ret_why)
{
	if (value.len && !parse_decimal(value, ret_number)) {
		*ret_why = "is no decimal number";
		return OM_SYNTAX;
	}
	*ret_has = value.len > 0;
	return OM_OK;
}

static enum om_status take_record(struct tar_pax *pax, struct om_str key, struct om_str value,
				  const char **ret_why)
{
	if (om_str_is(key, "path"))
		return take_text(value, pax->path_buf, &pax->path, ret_why);
	if (om_str_is(key, "linkpath"))
		return take_text(value, pax->link_buf, &pax->link, ret_why);
	if (om_str_is(key, "size"))
		return take_number(value, &pax->has_size, &pax->size, ret_why);
	if (om_str_is(key, "uid"))
		return take_number(value, &pax->has_uid, &pax->uid, ret_why);
	if (om_str_is(key, "gid"))
		return take_number(value, &pax->has_gid, &pax->gid, ret_why);
	if (om_str_is(key, "mtime")) {
		if (value.len && !parse_time(value, &pax->mtime)) {
			*ret_why = "is no time";
			return OM_SYNTAX;
		}
		pax->has_mtime = value.len > 0;
		return OM_OK;
	}
	if (om_str_starts(key, "GNU.sparse.") || om_str_is(key, "SCHILY.realsize")) {
		*ret_why = "marks a sparse file, make the archive without --sparse";
		return OM_UNSUPPORTED;
	}
	if (om_str_starts(key, "GNU.volume.")) {
		*ret_why = "marks a volume of several, one complete archive is expected";
		return OM_UNSUPPORTED;
	}
	return OM_OK;
}

enum om_status om_tar_pax_parse(struct om_span records, struct tar_pax *pax, const char **ret_why,
			     struct om_str *ret_key)
{
	struct om_str text = { (const char *)records.ptr, records.len }, key = { "", 0 }, value;
	enum om_status status = OM_OK;

	while (text.len && status == OM_OK) {
		*ret_key = key;
		if (!next_record(&text, &key, &value)) {
			*ret_why = "is followed by a broken record";
			return OM_SYNTAX;
		}
		*ret_key = key;
		status = take_record(pax, key, value, ret_why);
	}
	return status;
}
