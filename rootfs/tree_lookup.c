/* SPDX-License-Identifier: MIT */
#include "tree.h"

/* Cut the next component off REST; a "." is one too. */
static struct om_str cut(struct om_str *rest)
{
	struct om_str name;
	size_t len;

	while (rest->len && rest->ptr[0] == '/')
		*rest = om_str_skip(*rest, 1);
	for (len = 0; len < rest->len && rest->ptr[len] != '/'; len++)
		;
	name = (struct om_str){ rest->ptr, len };
	*rest = om_str_skip(*rest, len);
	return name;
}

/* What is left becomes LINK, a slash and REST, in the buffer REST does not lie in. */
static enum om_status follow(struct om_tree *tree, struct om_str link, uint32_t turn,
			     struct om_str *rest)
{
	char *to = tree->priv->lookup[turn & 1];

	if (link.len + 1 + rest->len > OM_PATH_MAX)
		return OM_LIMIT;
	memcpy(to, link.ptr, link.len);
	to[link.len] = '/';
	memcpy(to + link.len + 1, rest->ptr, rest->len);
	*rest = (struct om_str){ to, link.len + 1 + rest->len };
	return OM_OK;
}

enum om_status om_tree_lookup(struct om_tree *tree, const char *path,
			      const struct om_node **ret_node)
{
	struct om_str rest = om_str_from(path), name;
	const struct om_node *at = tree->root, *node;
	enum om_status status;
	uint32_t links = 0;

	for (;;) {
		name = cut(&rest);
		if (!name.len)
			break;
		if (!om_node_is_dir(at))
			return OM_TYPE;
		if (om_str_is(name, "."))
			continue;
		if (om_str_is(name, "..")) {
			at = at->parent ? at->parent : at;
			continue;
		}
		node = om_node_table_find(&tree->priv->nodes, at, name);
		if (!node)
			return OM_MISSING;
		if (om_file_type(node->file) != OM_S_IFLNK) {
			at = node;
			continue;
		}
		if (++links > OM_SYMLINKS_MAX)
			return OM_LIMIT;
		status = follow(tree, node->file->link, links, &rest);
		if (status != OM_OK)
			return status;
		if (node->file->link.ptr[0] == '/')
			at = tree->root;
	}
	*ret_node = at;
	return OM_OK;
}

void om_node_describe(struct om_tree *tree, const struct om_node *node,
		      struct om_member *ret_member, const char **ret_layer)
{
	const struct om_file *file = node->file;

	*ret_member = (struct om_member){
		.path = om_node_path(tree, node),
		.mode = file->mode,
		.uid = file->uid,
		.gid = file->gid,
		.nlink = node->nlink,
		.mtime = file->mtime,
		.rdev_major = file->rdev_major,
		.rdev_minor = file->rdev_minor,
		.link = file->link,
		.link_id = node->nlink > 1 && !om_node_is_dir(node) ? node->ino : 0,
		.size = file->size,
		.data_offset = file->data_offset,
	};
	if (ret_layer)
		*ret_layer = tree->priv->layers[node->layer].ptr;
}

enum om_status om_node_read(const struct om_node *node, uint64_t offset, void *buf, size_t len)
{
	const struct om_file *file = node->file;

	if (om_file_type(file) != OM_S_IFREG)
		return OM_TYPE;
	if (!om_range_inside(offset, len, file->size))
		return OM_TRUNCATED;
	if (!len)
		return OM_OK;
	if (file->bytes) {
		memcpy(buf, file->bytes + offset, len);
		return OM_OK;
	}
	return file->source->read_at(file->source->ctx, file->data_offset + offset, buf, len);
}

int om_tree_walk(struct om_tree *tree,
		 int (*visit)(void *ctx, const struct om_node *node, const struct om_member *member,
			      const char *layer),
		 void *ctx)
{
	const struct om_node *node;
	struct om_member member;
	const char *layer;
	int stop;

	for (node = tree->root; node; node = om_node_next(node)) {
		om_node_describe(tree, node, &member, &layer);
		stop = visit(ctx, node, &member, layer);
		if (stop)
			return stop;
	}
	return 0;
}
