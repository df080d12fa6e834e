/* SPDX-License-Identifier: MIT */
/* All layers are in: what is always there, the manifest, and an order that depends on nothing. */
#include "tree.h"

static enum om_status add_device(struct om_tree *tree, const char *name, uint32_t mode,
				 uint32_t major, uint32_t minor)
{
	struct om_tree_private *priv = tree->priv;
	struct om_member member = {
		.path = om_str_from(name),
		.mode = OM_S_IFCHR | mode,
		.nlink = 1,
		.rdev_major = major,
		.rdev_minor = minor,
	};
	struct om_node *dir, *node = NULL;
	enum om_status status;

	dir = om_node_table_find(&priv->nodes, tree->root, OM_STR("dev"));
	if (dir)
		node = om_node_table_find(&priv->nodes, dir, om_str_skip(member.path, 4));
	if (node && om_file_type(node->file) == OM_S_IFCHR && node->file->rdev_major == major &&
	    node->file->rdev_minor == minor)
		return OM_OK;
	status = om_tree_begin_own(tree);
	if (status == OM_OK)
		status = om_stage_member(tree, &member, NULL, NULL);
	if (status == OM_OK)
		status = om_tree_end_layer(tree);
	return status;
}

static bool name_before(const void *a, const void *b)
{
	const struct om_node *x = a, *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.ptr, y->name.ptr, len);

	return order < 0 || (order == 0 && x->name.len < y->name.len);
}

static void sort_children(struct om_node *dir)
{
	struct om_node *node, *prev = NULL;

	dir->child = om_list_sort(dir->child, offsetof(struct om_node, next), name_before);
	for (node = dir->child; node; node = node->next) {
		node->prev = prev;
		prev = node;
	}
}

static void sort_all(struct om_tree *tree)
{
	struct om_node *node;

	for (node = tree->root; node; node = om_node_next(node))
		sort_children(node);
}

struct om_node *om_node_next(const struct om_node *node)
{
	if (node->child)
		return node->child;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

/* Inodes count up in archive order; directories and symbolic links have one name each. */
static void number(struct om_tree *tree)
{
	struct om_node *node;
	struct om_file *file;
	uint32_t ino = 0;

	for (node = tree->root; node; node = om_node_next(node)) {
		uint32_t type = om_file_type(node->file);

		file = node->file;
		if (type == OM_S_IFDIR || type == OM_S_IFLNK) {
			node->ino = ++ino;
			node->nlink = type == OM_S_IFDIR ? 2 : 1;
			if (type == OM_S_IFDIR && node->parent)
				node->parent->nlink++;
			continue;
		}
		if (!file->ino) {
			file->ino = ++ino;
			tree->data_bytes += file->size;
		}
		node->ino = file->ino;
		file->nlink++;
		file->last_name = node;
	}
	for (node = tree->root; node; node = om_node_next(node))
		if (node->file->ino)
			node->nlink = node->file->nlink;
}

static enum om_status add_manifest(struct om_tree *tree)
{
	struct om_span text = { (const uint8_t *)"", 0 };
	struct om_node *dir, *node;
	enum om_status status;

	/* First an empty one: the manifest lists itself. */
	status = om_tree_add_bytes(tree, OM_MANIFEST_PATH, 0444, text);
	if (status != OM_OK)
		return status;
	sort_all(tree);
	status = om_manifest_text(tree, &text);
	if (status != OM_OK)
		return status;
	dir = om_node_table_find(&tree->priv->nodes, tree->root, OM_STR(".overmount"));
	node = dir ? om_node_table_find(&tree->priv->nodes, dir, OM_STR("manifest")) : NULL;
	if (!node)
		return OM_MISUSE;
	node->file->bytes = text.ptr;
	node->file->size = text.len;
	return OM_OK;
}

enum om_status om_tree_finish(struct om_tree *tree)
{
	enum om_status status = om_tree_end_layer(tree);

	if (status == OM_OK && tree->priv->finished)
		return OM_MISUSE;
	if (status == OM_OK && !tree->options.no_devices)
		status = add_device(tree, "dev/console", 0600, 5, 1);
	if (status == OM_OK && !tree->options.no_devices)
		status = add_device(tree, "dev/null", 0666, 1, 3);
	if (status == OM_OK && !tree->options.no_manifest)
		status = add_manifest(tree);
	else if (status == OM_OK)
		sort_all(tree);
	if (status != OM_OK)
		return status;
	number(tree);
	tree->priv->finished = true;
	return OM_OK;
}
