/* SPDX-License-Identifier: MIT */
/*
 * Where everything goes in the newc archive.  With page_align the data of a file of a page or
 * more starts on a page: the name field is padded with NULs, which every reader of newc takes.
 * Where the padded name would exceed PATH_MAX a filler member comes before: the directory "."
 * with a padded name, which changes nothing when it is unpacked.
 */
#include "newc.h"
#include "tree.h"

/* The longest filler (110 + 4096) covers any gap, the shortest has a name of two bytes. */
#define FILLER_MIN	112u

static bool wants_page(const struct om_tree *tree, const struct om_node *node)
{
	return tree->options.page_align && om_file_type(node->file) == OM_S_IFREG &&
	       node->file->last_name == node && node->file->size >= OM_PAGE_SIZE;
}

uint64_t om_node_data_size(const struct om_node *node)
{
	if (om_file_type(node->file) == OM_S_IFLNK)
		return node->file->link.len;
	if (om_file_type(node->file) == OM_S_IFREG && node->file->last_name == node)
		return node->file->size;
	return 0;
}

/* Choose name_size and filler_size so that the data lands on a page. */
static void place_on_page(struct om_node *node, uint64_t at)
{
	uint64_t data = om_align_up(at + OM_NEWC_HEADER + node->name_size, 4);
	uint32_t gap = (uint32_t)(om_align_up(data, OM_PAGE_SIZE) - data);

	if (!gap)
		return;
	if (node->name_size + gap <= OM_PATH_MAX) {
		node->name_size += gap;
		return;
	}
	if (gap < FILLER_MIN)
		gap += OM_PAGE_SIZE;
	node->filler_size = gap - OM_NEWC_HEADER;
}

static enum om_status place(struct om_tree *tree, struct om_node *node, uint64_t *at)
{
	const struct om_node *dir = node->parent;
	uint64_t size = om_node_data_size(node), end;

	if (size > OM_NEWC_SIZE_MAX)
		return om_tree_fail(tree, OM_LIMIT, node->layer, om_node_path(tree, node),
				    "%llu bytes, a newc archive holds files below 4 GiB",
				    (unsigned long long)size);
	/* A directory comes before what is in it. */
	node->path_len = !dir ? 1 : (uint32_t)node->name.len + (dir->parent ? dir->path_len + 1 : 0);
	node->name_size = node->path_len + 1;
	node->filler_size = 0;
	node->header_place = *at;
	if (wants_page(tree, node))
		place_on_page(node, *at);
	if (node->filler_size)
		*at = om_align_up(*at + OM_NEWC_HEADER + node->filler_size, 4);
	*at = om_align_up(*at + OM_NEWC_HEADER + node->name_size, 4);
	node->data_place = *at;
	if (!om_add_u64(*at, size, &end) || end > INT64_MAX)
		return om_tree_fail(tree, OM_LIMIT, node->layer, om_node_path(tree, node),
				    "the archive is too large");
	*at = om_align_up(end, 4);
	return OM_OK;
}

enum om_status om_image_layout(struct om_tree *tree, uint64_t *ret_size)
{
	uint32_t unit = tree->options.page_align ? OM_PAGE_SIZE : 512;
	enum om_status status;
	struct om_node *node;
	uint64_t at = 0;

	if (!tree->priv->finished)
		return OM_MISUSE;
	for (node = tree->root; node; node = om_node_next(node)) {
		status = place(tree, node, &at);
		if (status != OM_OK)
			return status;
	}
	at += OM_NEWC_HEADER + sizeof(OM_NEWC_TRAILER);
	tree->priv->image_size = om_align_up(at, unit);
	*ret_size = tree->priv->image_size;
	return OM_OK;
}
