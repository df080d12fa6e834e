/* SPDX-License-Identifier: MIT */
/*
 * A complete layer becomes part of the tree.  Staged nodes come parents first; when a directory
 * is visited its whiteouts are applied to what is there, which is all from lower layers, and
 * then its own members follow.
 */
#include "tree.h"

enum om_status om_tree_insert(struct om_tree *tree, struct om_node *dir, struct om_node *node)
{
	if (tree->node_count >= OM_MEMBERS_MAX)
		return om_tree_fail(tree, OM_LIMIT, node->layer, node->name,
				    "too many names in the absolute root, at most %u are possible",
				    OM_MEMBERS_MAX);
	node->parent = dir;
	if (om_node_table_add(&tree->priv->nodes, node) != OM_OK)
		return om_tree_no_memory(tree);
	node->prev = NULL;
	node->next = dir->child;
	if (dir->child)
		dir->child->prev = node;
	dir->child = node;
	tree->node_count++;
	return OM_OK;
}

void om_tree_remove(struct om_tree *tree, struct om_node *node)
{
	struct om_node *at = node, *next, *parent;

	if (node->prev)
		node->prev->next = node->next;
	else
		node->parent->child = node->next;
	if (node->next)
		node->next->prev = node->prev;
	for (;;) {
		while (at->child)
			at = at->child;
		om_node_table_remove(&tree->priv->nodes, at);
		tree->node_count--;
		if (at == node)
			return;
		next = at->next;
		parent = at->parent;
		if (!next)
			parent->child = NULL;
		at = next ? next : parent;
	}
}

/* NODE is the new one at a place where OLD was: remember what it hides. */
static enum om_status hide(struct om_tree *tree, struct om_node *node, const struct om_node *old)
{
	struct om_hidden *hidden;

	if (old->implied && om_node_is_dir(node)) {
		node->hidden = old->hidden;
		return OM_OK;
	}
	hidden = om_arena_alloc(&tree->arena, sizeof(*hidden));
	if (!hidden)
		return om_tree_no_memory(tree);
	hidden->layer = old->layer;
	hidden->next = old->hidden;
	node->hidden = hidden;
	return OM_OK;
}

static enum om_status delete_node(struct om_tree *tree, struct om_node *node)
{
	struct om_deleted *deleted = om_arena_alloc(&tree->arena, sizeof(*deleted));

	if (!deleted)
		return om_tree_no_memory(tree);
	deleted->path = om_arena_str(&tree->arena, om_node_path(tree, node));
	if (!deleted->path.ptr)
		return om_tree_no_memory(tree);
	deleted->layer = tree->priv->layer;
	deleted->hidden = node->layer;
	*tree->priv->deleted_end = deleted;
	tree->priv->deleted_end = &deleted->next;
	om_tree_remove(tree, node);
	return OM_OK;
}

static enum om_status apply_whiteouts(struct om_tree *tree, const struct om_node *staged,
				      struct om_node *dir)
{
	const struct om_whiteout *whiteout;
	enum om_status status = OM_OK;
	struct om_node *node;

	while (staged->opaque && dir->child && status == OM_OK)
		status = delete_node(tree, dir->child);
	for (whiteout = staged->whiteouts; whiteout && status == OM_OK; whiteout = whiteout->next) {
		node = om_node_table_find(&tree->priv->nodes, dir, whiteout->name);
		if (node)
			status = delete_node(tree, node);
	}
	return status;
}

static enum om_status merge_into_dir(struct om_tree *tree, struct om_node *staged,
				     struct om_node *dir)
{
	enum om_status status = OM_OK;

	if (!staged->implied) {
		status = hide(tree, dir, dir);
		dir->file = staged->file;
		dir->layer = tree->priv->layer;
		dir->implied = false;
	}
	staged->twin = dir;
	if (status == OM_OK)
		status = apply_whiteouts(tree, staged, dir);
	return status;
}

static enum om_status refuse_symlink(struct om_tree *tree, const struct om_node *old)
{
	char clip[OM_CLIP_MAX + 4];
	struct om_str path = om_node_path(tree, old);

	return om_tree_fail(tree, OM_ESCAPES, tree->priv->layer, path,
			    "has members below it, but it is a symbolic link of layer %s",
			    om_clip(clip, tree->priv->layers[old->layer], 48));
}

static enum om_status merge_node(struct om_tree *tree, struct om_node *staged)
{
	struct om_node *dir = staged->parent->twin, *old;
	bool is_dir = om_node_is_dir(staged);
	enum om_status status = OM_OK;

	staged->twin = NULL;
	if (!dir)
		return OM_OK;
	old = om_node_table_find(&tree->priv->nodes, dir, staged->name);
	if (is_dir && old && om_node_is_dir(old))
		return merge_into_dir(tree, staged, old);
	if (staged->implied && old && om_file_type(old->file) == OM_S_IFLNK)
		return refuse_symlink(tree, old);
	/* Only whiteouts below, and nothing there that they could concern. */
	if (staged->implied && !staged->content)
		return OM_OK;
	if (old) {
		status = hide(tree, staged, old);
		om_tree_remove(tree, old);
	}
	if (status == OM_OK)
		status = om_tree_insert(tree, dir, staged);
	if (is_dir)
		staged->twin = staged;
	return status;
}

enum om_status om_layer_merge(struct om_tree *tree)
{
	struct om_node *staged = tree->priv->staged_root, *next;
	enum om_status status;

	status = merge_into_dir(tree, staged, tree->root);
	for (staged = staged->next_made; staged && status == OM_OK; staged = next) {
		next = staged->next_made;
		status = merge_node(tree, staged);
	}
	return status;
}
