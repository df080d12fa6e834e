/* SPDX-License-Identifier: MIT */
/* Messages about archives and layers.  Names come from strangers, so they are made harmless. */
#include "tree.h"

const char *om_clip(char buf[OM_CLIP_MAX + 4], struct om_str text, size_t max)
{
	size_t start = 0, out = 0, i;

	if (max > OM_CLIP_MAX)
		max = OM_CLIP_MAX;
	if (text.len > max) {
		memcpy(buf, "...", 3);
		out = 3;
		start = text.len - max + 3;
	}
	for (i = start; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		buf[out++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	buf[out] = '\0';
	return buf;
}

enum om_status om_archive_fail(struct om_diag *diag, enum om_status status, uint64_t offset,
			       const char *format, ...)
{
	va_list args;

	if (!diag)
		return status;
	memset(diag, 0, sizeof(*diag));
	diag->status = status;
	diag->offset = offset;
	va_start(args, format);
	om_vformat(diag->text, sizeof(diag->text), format, args);
	va_end(args);
	return status;
}

enum om_status om_tree_fail(struct om_tree *tree, enum om_status status, uint16_t layer,
			    struct om_str member, const char *format, ...)
{
	char layer_text[OM_CLIP_MAX + 4], member_text[OM_CLIP_MAX + 4];
	struct om_diag *diag = &tree->diag;
	va_list args;
	size_t len;

	om_clip(layer_text, tree->priv->layers[layer], 64);
	om_clip(member_text, member, 72);
	memset(diag, 0, sizeof(*diag));
	diag->status = status;
	tree->priv->failed = status;
	if (member.len)
		om_format(diag->text, sizeof(diag->text), "layer %s: %s: ", layer_text,
			  member_text);
	else
		om_format(diag->text, sizeof(diag->text), "layer %s: ", layer_text);
	len = strlen(diag->text);
	va_start(args, format);
	om_vformat(diag->text + len, sizeof(diag->text) - len, format, args);
	va_end(args);
	return status;
}

enum om_status om_tree_no_memory(struct om_tree *tree)
{
	memset(&tree->diag, 0, sizeof(tree->diag));
	tree->diag.status = OM_NO_MEMORY;
	tree->priv->failed = OM_NO_MEMORY;
	om_format(tree->diag.text, sizeof(tree->diag.text),
		  "out of memory with %u names in the absolute root", tree->node_count);
	return OM_NO_MEMORY;
}
