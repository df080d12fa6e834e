/* SPDX-License-Identifier: MIT */
/* The tree of the absolute root: its life, and how members are staged. */
#include "tree.h"

static struct om_file *make_dir_file(struct om_tree *tree)
{
	struct om_file *file = om_arena_alloc(&tree->arena, sizeof(*file));

	if (file)
		file->mode = OM_S_IFDIR | 0755;
	return file;
}

static struct om_node *make_dir(struct om_tree *tree)
{
	struct om_node *node = om_arena_alloc(&tree->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->implied = true;
	node->file = make_dir_file(tree);
	return node->file ? node : NULL;
}

enum om_status om_tree_init(struct om_tree *tree, const struct om_mem *mem,
			    const struct om_tree_options *options)
{
	struct om_tree_private *priv;

	memset(tree, 0, sizeof(*tree));
	om_arena_init(&tree->arena, mem);
	if (options)
		tree->options = *options;
	else
		tree->options.source_date_epoch = INT64_MAX;
	priv = om_arena_alloc(&tree->arena, sizeof(*priv));
	tree->priv = priv;
	if (priv) {
		priv->nodes.mem = mem;
		priv->staged.mem = mem;
		priv->layers[OM_LAYER_OWN] = OM_STR("overmount");
		priv->deleted_end = &priv->deleted;
		tree->root = make_dir(tree);
	}
	if (!tree->root) {
		om_arena_release(&tree->arena);
		memset(tree, 0, sizeof(*tree));
		return OM_NO_MEMORY;
	}
	return OM_OK;
}

void om_tree_release(struct om_tree *tree)
{
	if (!tree->priv)
		return;
	om_node_table_release(&tree->priv->nodes);
	om_node_table_release(&tree->priv->staged);
	om_arena_release(&tree->arena);
	tree->priv = NULL;
	tree->root = NULL;
}

struct om_str om_node_path(struct om_tree *tree, const struct om_node *node)
{
	char *end = tree->priv->path + OM_PATH_MAX, *at = end;

	*at = '\0';
	if (!node->parent)
		*--at = '.';
	for (; node->parent; node = node->parent) {
		if (at != end)
			*--at = '/';
		at -= node->name.len;
		memcpy(at, node->name.ptr, node->name.len);
	}
	return (struct om_str){ at, (size_t)(end - at) };
}

/* ------------------------------------------------------------------ layers */

static enum om_status open_layer(struct om_tree *tree, uint16_t layer)
{
	struct om_tree_private *priv = tree->priv;
	enum om_status status = om_tree_end_layer(tree);

	if (status != OM_OK)
		return status;
	if (priv->finished)
		return OM_MISUSE;
	priv->staged_root = make_dir(tree);
	if (!priv->staged_root)
		return om_tree_no_memory(tree);
	priv->last_made = priv->staged_root;
	priv->layer = layer;
	priv->layer_open = true;
	return OM_OK;
}

enum om_status om_tree_begin_own(struct om_tree *tree)
{
	return open_layer(tree, OM_LAYER_OWN);
}

enum om_status om_tree_begin_layer(struct om_tree *tree, const char *layer)
{
	struct om_str name = om_arena_str(&tree->arena, om_str_from(layer ? layer : "?"));
	enum om_status status;

	if (!name.ptr)
		return om_tree_no_memory(tree);
	/* The layer before this one is merged first, so its findings carry its name. */
	status = om_tree_end_layer(tree);
	if (status != OM_OK)
		return status;
	if (tree->layer_count >= OM_LAYERS_MAX) {
		tree->priv->layers[OM_LAYERS_MAX] = name;
		return om_tree_fail(tree, OM_LIMIT, OM_LAYERS_MAX, OM_STR(""),
				    "too many layers, at most %u are possible", OM_LAYERS_MAX);
	}
	tree->priv->layers[tree->layer_count + 1] = name;
	status = open_layer(tree, (uint16_t)(tree->layer_count + 1));
	if (status == OM_OK)
		tree->layer_count++;
	return status;
}

enum om_status om_tree_end_layer(struct om_tree *tree)
{
	enum om_status status;

	if (tree->priv->failed != OM_OK)
		return tree->priv->failed;
	if (!tree->priv->layer_open)
		return OM_OK;
	status = om_layer_merge(tree);
	tree->priv->layer_open = false;
	om_node_table_reset(&tree->priv->staged);
	om_link_table_reset(&tree->priv->links);
	tree->priv->staged_root = NULL;
	tree->priv->staged_count = 0;
	return status;
}

/* The next member of an archive goes into the open layer. */
static enum om_status add_next(struct om_tree *tree, struct om_archive_reader *reader, bool tar,
			       bool *ret_more)
{
	struct om_reader_common *common = reader->priv;
	const uint8_t *bytes = NULL;
	struct om_member member;
	enum om_status status;

	status = tar ? om_tar_next(reader, &member, ret_more) :
		       om_cpio_next(reader, &member, ret_more);
	if (status != OM_OK) {
		om_tree_fail(tree, status, tree->priv->layer, OM_STR(""), "%s", reader->diag->text);
		tree->diag.offset = reader->diag->offset;
		return status;
	}
	if (!*ret_more)
		return OM_OK;
	if (member.size)
		status = om_window_keep(&common->window, member.data_offset, member.size, &bytes);
	if (status == OM_NO_MEMORY)
		return om_tree_no_memory(tree);
	if (status != OM_OK)
		return om_tree_fail(tree, status, tree->priv->layer, member.path,
				    "cannot read its data at offset %llu",
				    (unsigned long long)member.data_offset);
	status = om_stage_member(tree, &member, reader->source, bytes);
	if (status != OM_OK)
		tree->diag.offset = member.header_offset;
	return status;
}

/* An archive of either kind is one layer. */
static enum om_status add_archive(struct om_tree *tree, const char *layer,
				  const struct om_source *source, bool tar)
{
	struct om_archive_reader reader;
	struct om_reader_common *common;
	struct om_diag diag = { 0 };
	struct om_arena windows;
	struct om_arena *scratch = tree->options.reread ? &windows : &tree->arena;
	enum om_status status;
	bool more = true;

	status = om_tree_begin_layer(tree, layer);
	if (status != OM_OK)
		return status;
	/* Where data stay in the windows these live as long as the tree. */
	om_arena_init(&windows, tree->arena.mem);
	status = tar ? om_tar_open(&reader, source, scratch, &diag) :
		       om_cpio_open(&reader, source, scratch, &diag);
	if (status != OM_OK) {
		om_arena_release(&windows);
		return om_tree_no_memory(tree);
	}
	common = reader.priv;
	if (!tree->options.reread)
		common->window.keep_total = &tree->priv->keep_total;
	while (status == OM_OK && more)
		status = add_next(tree, &reader, tar, &more);
	om_arena_release(&windows);
	return status == OM_OK ? om_tree_end_layer(tree) : status;
}

enum om_status om_tree_add_cpio(struct om_tree *tree, const char *layer,
				const struct om_source *source)
{
	return add_archive(tree, layer, source, false);
}

enum om_status om_tree_add_tar(struct om_tree *tree, const char *layer,
			       const struct om_source *source)
{
	return add_archive(tree, layer, source, true);
}

enum om_status om_tree_add_member(struct om_tree *tree, const struct om_member *member,
				  const struct om_source *source)
{
	if (!tree->priv->layer_open)
		return OM_MISUSE;
	return om_stage_member(tree, member, source, NULL);
}

enum om_status om_tree_add_bytes(struct om_tree *tree, const char *path, uint32_t mode,
				 struct om_span bytes)
{
	struct om_member member = {
		.path = om_str_from(path),
		.mode = (mode & OM_S_IFMT) ? mode : OM_S_IFREG | mode,
		.nlink = 1,
		.size = bytes.len,
	};
	enum om_status status = open_layer(tree, OM_LAYER_OWN);

	while (om_str_starts(member.path, "/"))
		member.path = om_str_skip(member.path, 1);
	if (status == OM_OK)
		status = om_stage_member(tree, &member, NULL, bytes.ptr);
	if (status == OM_OK)
		status = om_tree_end_layer(tree);
	return status;
}
