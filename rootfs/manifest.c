/* SPDX-License-Identifier: MIT */
/*
 * /.overmount/manifest: who won and what it hid.  A line per path, fields separated by tabs:
 *
 *	/etc/hosts	site.cpio	hides base.tar
 *	/etc/motd	site.cpio	deletes base.tar
 *
 * Control characters and backslashes are written as in /proc/mounts (\011).
 */
#include "newc.h"
#include "tree.h"

struct text {
	char *ptr;		/* NULL while measuring */
	size_t len;
};

static void put_raw(struct text *text, const char *bytes, size_t len)
{
	if (text->ptr)
		memcpy(text->ptr + text->len, bytes, len);
	text->len += len;
}

static void put(struct text *text, const char *string)
{
	put_raw(text, string, strlen(string));
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte != 0x7f && byte != '\\';
}

/* Is one of the eight bytes of WORD zero?  It may say so of what lies above a zero, too. */
static bool has_zero(uint64_t word)
{
	return (word - OM_EACH_BYTE(1)) & ~word & OM_EACH_BYTE(0x80);
}

/* How many bytes from the front on need no escape. */
static size_t plain_len(struct om_str name)
{
	const uint8_t *bytes = (const uint8_t *)name.ptr;
	size_t len = 0;

	for (; name.len - len >= 8; len += 8) {
		uint64_t word = om_get_le64(bytes + len);

		/* Below 0x20: the three high bits are zero. */
		if (has_zero(word & OM_EACH_BYTE(0xe0)) || has_zero(word ^ OM_EACH_BYTE(0x7f)) ||
		    has_zero(word ^ OM_EACH_BYTE('\\')))
			break;
	}
	while (len < name.len && is_plain(bytes[len]))
		len++;
	return len;
}

static void put_name(struct text *text, struct om_str name)
{
	size_t plain;

	for (;;) {
		plain = plain_len(name);
		put_raw(text, name.ptr, plain);
		name = om_str_skip(name, plain);
		if (!name.len)
			return;
		unsigned char c = (unsigned char)name.ptr[0];
		char escaped[4] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)),
				    (char)('0' + (c & 7)) };

		put_raw(text, escaped, sizeof(escaped));
		name = om_str_skip(name, 1);
	}
}

static void put_path(struct text *text, struct om_str path)
{
	put(text, "/");
	if (!om_str_is(path, "."))
		put_name(text, path);
}

static bool deleted_before(const void *a, const void *b)
{
	const struct om_deleted *x = a, *y = b;
	size_t len = x->path.len < y->path.len ? x->path.len : y->path.len;
	int order = memcmp(x->path.ptr, y->path.ptr, len);

	if (order || x->path.len != y->path.len)
		return order < 0 || (order == 0 && x->path.len < y->path.len);
	return x->layer < y->layer;
}

/* The names of the layers as they are written: once, and not for each path. */
static enum om_status escape_layers(struct om_tree *tree, struct om_str *ret_names)
{
	uint32_t i;

	for (i = 0; i <= tree->layer_count; i++) {
		struct text text = { NULL, 0 };

		put_name(&text, tree->priv->layers[i]);
		text.ptr = om_arena_room(&tree->arena, text.len);
		if (!text.ptr)
			return om_tree_no_memory(tree);
		text.len = 0;
		put_name(&text, tree->priv->layers[i]);
		ret_names[i] = (struct om_str){ text.ptr, text.len };
	}
	return OM_OK;
}

static void put_str(struct text *text, struct om_str str)
{
	put_raw(text, str.ptr, str.len);
}

static void put_all(struct om_tree *tree, const struct om_str *layers, struct text *text)
{
	const struct om_deleted *deleted;
	const struct om_hidden *hidden;
	const struct om_node *node;

	put(text, "# overmount manifest 1: path, layer, what it hides\n");
	for (node = tree->root; node; node = om_node_next(node)) {
		put_path(text, om_node_path(tree, node));
		put(text, "\t");
		put_str(text, layers[node->layer]);
		for (hidden = node->hidden; hidden; hidden = hidden->next) {
			put(text, hidden == node->hidden ? "\thides " : ", ");
			put_str(text, layers[hidden->layer]);
		}
		put(text, "\n");
	}
	for (deleted = tree->priv->deleted; deleted; deleted = deleted->next) {
		put_path(text, deleted->path);
		put(text, "\t");
		put_str(text, layers[deleted->layer]);
		put(text, "\tdeletes ");
		put_str(text, layers[deleted->hidden]);
		put(text, "\n");
	}
}

enum om_status om_manifest_text(struct om_tree *tree, struct om_span *ret_text)
{
	struct om_tree_private *priv = tree->priv;
	struct om_str layers[OM_LAYERS_MAX + 1];
	struct text text = { NULL, 0 };
	enum om_status status = escape_layers(tree, layers);

	if (status != OM_OK)
		return status;
	priv->deleted = om_list_sort(priv->deleted, offsetof(struct om_deleted, next),
				     deleted_before);
	put_all(tree, layers, &text);
	text.ptr = om_arena_room(&tree->arena, text.len);
	if (!text.ptr)
		return om_tree_no_memory(tree);
	text.len = 0;
	put_all(tree, layers, &text);
	*ret_text = (struct om_span){ (const uint8_t *)text.ptr, text.len };
	return OM_OK;
}
