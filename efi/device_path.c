/* SPDX-License-Identifier: MIT */
#include "device_path.h"

#define NODE_HEADER	4u
#define NODE_END	0x7f
#define END_OF_ALL	0xff		/* 0x01 only ends one path of several */
#define NODE_MESSAGING	3
#define MESSAGING_UART	14

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
