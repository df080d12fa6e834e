/* SPDX-License-Identifier: MIT */
#include <overmount/fmt.h>

#include "device_path.h"
#include "text_forms.h"

#define NODE_HEADER	4u
#define NODE_END	0x7f
#define END_OF_ALL	0xff		/* 0x01 only ends one path of several */
#define NODE_MESSAGING	3
#define MESSAGING_UART	14
#define NODE_MEDIA	4
#define MEDIA_PARTITION	1
#define MEDIA_FILE	4
#define PARTITION_LEN	42u		/* number, start, size, signature, format, kind of signature */
#define SIGNATURE_AT	24u
#define SIGNATURE_KIND_AT 41u
#define SIGNATURE_GUID	2

/* The next node at *AT, which moves on; NULL when the rest is no node. */
static const uint8_t *next_node(const uint8_t *path, size_t max, size_t *at)
{
	const uint8_t *node = path + *at;
	size_t len;

	if (max - *at < NODE_HEADER)
		return NULL;
	len = om_get_le16(node + 2);
	if (len < NODE_HEADER || len > max - *at)
		return NULL;
	*at += len;
	return node;
}

static bool ends_all(const uint8_t *node)
{
	return node[0] == NODE_END && node[1] == END_OF_ALL;
}

size_t device_path_len(const uint8_t *path, size_t max)
{
	const uint8_t *node;
	size_t at = 0;

	while ((node = next_node(path, max, &at)))
		if (ends_all(node))
			return (size_t)(node - path);
	return 0;
}

bool device_path_has_uart(const uint8_t *path, size_t max)
{
	const uint8_t *node;
	size_t at = 0;

	while ((node = next_node(path, max, &at)) && !ends_all(node))
		if (node[0] == NODE_MESSAGING && node[1] == MESSAGING_UART)
			return true;
	return false;
}

/* The last media node of SUBTYPE with at least LEN bytes. */
static const uint8_t *last_media(const uint8_t *path, size_t max, uint8_t subtype, size_t len)
{
	const uint8_t *node, *found = NULL;
	size_t at = 0;

	while ((node = next_node(path, max, &at)) && !ends_all(node))
		if (node[0] == NODE_MEDIA && node[1] == subtype && om_get_le16(node + 2) >= len)
			found = node;
	return found;
}

bool device_path_partition(const uint8_t *path, size_t max, char ret_uuid[37])
{
	const uint8_t *node = last_media(path, max, MEDIA_PARTITION, PARTITION_LEN), *guid;

	if (!node || node[SIGNATURE_KIND_AT] != SIGNATURE_GUID)
		return false;
	guid = node + SIGNATURE_AT;
	om_format(ret_uuid, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", om_get_le32(guid),
		  om_get_le16(guid + 4), om_get_le16(guid + 6), guid[8], guid[9], guid[10], guid[11],
		  guid[12], guid[13], guid[14], guid[15]);
	return true;
}

bool device_path_file(const uint8_t *path, size_t max, char *buf, size_t size)
{
	const uint8_t *node = last_media(path, max, MEDIA_FILE, NODE_HEADER + 2);
	uint16_t text[512];
	size_t units, i;

	if (!node)
		return false;
	units = (om_get_le16(node + 2) - NODE_HEADER) / 2;
	if (units > sizeof(text) / sizeof(text[0]))
		return false;
	/* A node may begin at any address. */
	for (i = 0; i < units; i++)
		text[i] = om_get_le16(node + NODE_HEADER + 2 * i);
	return utf8_from_ucs2(text, units, buf, size) > 0;
}
