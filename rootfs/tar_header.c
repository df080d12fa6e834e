/* SPDX-License-Identifier: MIT */
#include "tar_header.h"

static const struct {
	const char *name;
	uint16_t at, len;
} fields[] = {
	[TAR_NAME] = { "name", 0, 100 },
	[TAR_MODE] = { "mode", 100, 8 },
	[TAR_UID] = { "uid", 108, 8 },
	[TAR_GID] = { "gid", 116, 8 },
	[TAR_SIZE] = { "size", 124, 12 },
	[TAR_MTIME] = { "mtime", 136, 12 },
	[TAR_CHECKSUM] = { "checksum", 148, 8 },
	[TAR_TYPE] = { "type", 156, 1 },
	[TAR_LINK] = { "link name", 157, 100 },
	[TAR_MAGIC] = { "magic", 257, 8 },
	[TAR_MAJOR] = { "device major", 329, 8 },
	[TAR_MINOR] = { "device minor", 337, 8 },
	[TAR_PREFIX] = { "prefix", 345, 155 },
};

const char *om_tar_field_name(enum tar_field field)
{
	return fields[field].name;
}

struct om_str om_tar_text(const uint8_t *block, enum tar_field field)
{
	const char *text = (const char *)block + fields[field].at;
	size_t len = 0;

	while (len < fields[field].len && text[len])
		len++;
	return (struct om_str){ text, len };
}

/* GNU: the top bit of the first byte marks two's complement, the bit after it is the sign. */
static bool base256(const uint8_t *p, size_t len, int64_t *ret_value)
{
	bool negative = p[0] == 0xff;
	uint64_t value = negative ? UINT64_MAX : 0;
	size_t i;

	if (p[0] != 0x80 && !negative)
		return false;
	for (i = 1; i < len; i++) {
		if (value >> 55 != (negative ? UINT64_MAX >> 55 : 0))
			return false;
		value = value << 8 | p[i];
	}
	*ret_value = (int64_t)value;
	return true;
}

bool om_tar_number(const uint8_t *block, enum tar_field field, int64_t *ret_value)
{
	const uint8_t *p = block + fields[field].at;
	size_t i = 0, len = fields[field].len;
	uint64_t value = 0;

	if (p[0] & 0x80)
		return base256(p, len, ret_value) &&
		       (*ret_value >= 0 || field == TAR_MTIME);
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(p[i] - '0');
	for (; i < len; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return false;
	*ret_value = (int64_t)value;
	return true;
}

/* The sum of all bytes with spaces for the checksum itself; old tars summed signed chars. */
bool om_tar_checksum_right(const uint8_t *block)
{
	size_t i, at = fields[TAR_CHECKSUM].at;
	int64_t is_unsigned = 0, is_signed = 0, expected;

	if (!om_tar_number(block, TAR_CHECKSUM, &expected))
		return false;
	for (i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= at && i < at + 8 ? ' ' : block[i];

		is_unsigned += byte;
		is_signed += (int8_t)byte;
	}
	return expected == is_unsigned || expected == is_signed;
}

bool om_tar_is_zero(const uint8_t *block)
{
	size_t i;

	for (i = 0; i < TAR_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

bool om_tar_is_ustar(const uint8_t *block)
{
	return memcmp(block + fields[TAR_MAGIC].at, "ustar\0", 6) == 0;
}
