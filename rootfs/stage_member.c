/* SPDX-License-Identifier: MIT */
/* One member of the layer that is being added: its path checked, its file made. */
#include "newc.h"
#include "tree.h"

static enum om_status refuse(struct om_tree *tree, enum om_status status,
			     const struct om_member *member, const char *why)
{
	return om_tree_fail(tree, status, tree->priv->layer, member->path, "%s", why);
}

/* Cut the next component off; false at the end.  "." and empty ones do not count. */
static bool next_component(struct om_str *path, struct om_str *ret_name)
{
	const char *at = path->ptr, *end = at + path->len, *start;

	do {
		while (at < end && *at == '/')
			at++;
		for (start = at; at < end && *at != '/'; at++)
			;
	} while (at - start == 1 && *start == '.');
	*path = (struct om_str){ at, (size_t)(end - at) };
	if (at == start)
		return false;
	*ret_name = (struct om_str){ start, (size_t)(at - start) };
	return true;
}

static enum om_status check_path(struct om_tree *tree, const struct om_member *member)
{
	struct om_str path = member->path, name;
	uint32_t depth = 0;

	if (!path.len)
		return refuse(tree, OM_SYNTAX, member, "a member without a name");
	if (path.ptr[0] == '/')
		return refuse(tree, OM_ESCAPES, member,
			      "an absolute name, expected one relative to the layer");
	if (path.len >= OM_PATH_MAX)
		return refuse(tree, OM_LIMIT, member, "the name is longer than 4095 bytes");
	while (next_component(&path, &name)) {
		if (om_str_is(name, ".."))
			return refuse(tree, OM_ESCAPES, member,
				      "the name climbs with '..' out of where it stands");
		if (name.len > OM_NAME_MAX)
			return refuse(tree, OM_LIMIT, member,
				      "a component is longer than 255 bytes");
		if (++depth > OM_DEPTH_MAX)
			return refuse(tree, OM_LIMIT, member, "more than 256 components");
	}
	return OM_OK;
}

static struct om_node *find_staged(struct om_tree *tree, const struct om_node *dir,
				   struct om_str name)
{
	return om_node_table_find(&tree->priv->staged, dir, name);
}

static enum om_status make_staged(struct om_tree *tree, struct om_node *dir, struct om_str name,
				  const struct om_member *member, struct om_node **ret_node)
{
	struct om_tree_private *priv = tree->priv;
	struct om_node *node;

	if (priv->staged_count >= OM_MEMBERS_MAX)
		return om_tree_fail(tree, OM_LIMIT, priv->layer, member->path,
				    "too many members, at most %u are possible", OM_MEMBERS_MAX);
	node = om_arena_alloc(&tree->arena, sizeof(*node));
	if (!node)
		return om_tree_no_memory(tree);
	node->name = om_arena_str(&tree->arena, name);
	if (!node->name.ptr)
		return om_tree_no_memory(tree);
	node->parent = dir;
	node->layer = priv->layer;
	if (om_node_table_add(&priv->staged, node) != OM_OK)
		return om_tree_no_memory(tree);
	priv->staged_count++;
	priv->last_made->next_made = node;
	priv->last_made = node;
	dir->has_children = true;
	*ret_node = node;
	return OM_OK;
}

static enum om_status make_implied(struct om_tree *tree, struct om_node *dir, struct om_str name,
				   const struct om_member *member, struct om_node **ret_node)
{
	struct om_file *file = om_arena_alloc(&tree->arena, sizeof(*file));
	enum om_status status;
	struct om_node *node = NULL;

	if (!file)
		return om_tree_no_memory(tree);
	file->mode = OM_S_IFDIR | 0755;
	status = make_staged(tree, dir, name, member, &node);
	if (status != OM_OK)
		return status;
	node->file = file;
	node->implied = true;
	*ret_node = node;
	return OM_OK;
}

/* The directory a member lies in, made where it is missing; the root has an empty name. */
static enum om_status stage_parent(struct om_tree *tree, const struct om_member *member,
				   struct om_node **ret_dir, struct om_str *ret_name)
{
	struct om_node *dir = tree->priv->staged_root, *node;
	struct om_str path = member->path, name = { "", 0 }, next;
	enum om_status status;

	if (!next_component(&path, &name)) {
		*ret_dir = NULL;
		*ret_name = name;
		return OM_OK;
	}
	while (next_component(&path, &next)) {
		if (om_is_whiteout(name))
			return refuse(tree, OM_SYNTAX, member, "lies below a whiteout");
		node = find_staged(tree, dir, name);
		if (!node) {
			status = make_implied(tree, dir, name, member, &node);
			if (status != OM_OK)
				return status;
		} else if (om_file_type(node->file) == OM_S_IFLNK) {
			return refuse(tree, OM_ESCAPES, member,
				      "lies below a symbolic link of the same layer");
		} else if (!om_node_is_dir(node)) {
			return refuse(tree, OM_TYPE, member,
				      "lies below something that is no directory");
		}
		dir = node;
		name = next;
	}
	*ret_dir = dir;
	*ret_name = name;
	return OM_OK;
}

/* tar: LINK names an earlier member, by its whole path and not through symbolic links. */
static enum om_status linked_file(struct om_tree *tree, const struct om_member *member,
				  struct om_file **ret_file)
{
	struct om_node *node = tree->priv->staged_root;
	struct om_str path = member->link, name;
	char clip[OM_CLIP_MAX + 4];

	om_clip(clip, member->link, 72);
	while (node && next_component(&path, &name))
		node = find_staged(tree, node, name);
	if (!node)
		return om_tree_fail(tree, OM_MISSING, tree->priv->layer, member->path,
				    "a hard link to %s, which is no earlier member of this layer",
				    clip);
	if (om_node_is_dir(node))
		return om_tree_fail(tree, OM_TYPE, tree->priv->layer, member->path,
				    "a hard link to %s, which is a directory", clip);
	*ret_file = node->file;
	return OM_OK;
}

static enum om_status set_data(struct om_tree *tree, const struct om_member *member,
			       const struct om_source *source, const uint8_t *bytes,
			       struct om_file *file)
{
	struct om_tree_private *priv = tree->priv;

	if (!bytes && !source)
		return OM_MISUSE;
	if (!bytes && !om_range_inside(member->data_offset, member->size, source->size))
		return om_tree_fail(tree, OM_TRUNCATED, priv->layer, member->path,
				    "its source has %llu bytes, expected %llu at offset %llu",
				    (unsigned long long)source->size,
				    (unsigned long long)member->size,
				    (unsigned long long)member->data_offset);
	if (!bytes && source->base)
		bytes = source->base + member->data_offset;
	if (!bytes && source != priv->last_source) {
		priv->last_source = source;
		priv->source_count++;
	}
	file->size = member->size;
	file->bytes = bytes;
	file->source = source;
	file->source_order = priv->source_count;
	file->data_offset = member->data_offset;
	file->data_layer = priv->layer;
	file->has_checksum = member->has_checksum;
	file->checksum = member->checksum;
	return OM_OK;
}

/* The file of a member: its own, or the one its other names have. */
static enum om_status member_file(struct om_tree *tree, const struct om_member *member,
				  const struct om_source *source, const uint8_t *bytes,
				  struct om_file **ret_file)
{
	uint32_t type = member->mode & OM_S_IFMT;
	struct om_link_entry *entry = NULL;
	struct om_file *file = NULL;

	if (member->link_id && type != OM_S_IFDIR && type != OM_S_IFLNK) {
		entry = om_link_table_get(&tree->priv->links, &tree->arena, member->link_id, type);
		if (!entry)
			return om_tree_no_memory(tree);
		file = entry->file;
	}
	if (!file)
		file = om_arena_alloc(&tree->arena, sizeof(*file));
	if (!file)
		return om_tree_no_memory(tree);
	if (entry)
		entry->file = file;
	file->mode = member->mode;
	file->uid = member->uid;
	file->gid = member->gid;
	file->mtime = member->mtime;
	if (type == OM_S_IFCHR || type == OM_S_IFBLK) {
		file->rdev_major = member->rdev_major;
		file->rdev_minor = member->rdev_minor;
	}
	if (type == OM_S_IFLNK) {
		file->link = om_arena_str(&tree->arena, member->link);
		if (!file->link.ptr)
			return om_tree_no_memory(tree);
	}
	*ret_file = file;
	if (type == OM_S_IFREG && member->size)
		return set_data(tree, member, source, bytes, file);
	return OM_OK;
}

static enum om_status check_member(struct om_tree *tree, const struct om_member *member)
{
	uint32_t type = member->mode & OM_S_IFMT;

	if (member->hard_link)
		return OM_OK;
	if (type != OM_S_IFREG && type != OM_S_IFDIR && type != OM_S_IFLNK &&
	    type != OM_S_IFCHR && type != OM_S_IFBLK && type != OM_S_IFIFO &&
	    type != OM_S_IFSOCK)
		return refuse(tree, OM_TYPE, member, "no type of file");
	if (type == OM_S_IFLNK && !member->link.len)
		return refuse(tree, OM_SYNTAX, member, "a symbolic link without a text");
	if (type == OM_S_IFLNK && member->link.len >= OM_PATH_MAX)
		return refuse(tree, OM_LIMIT, member,
			      "the text of the symbolic link is longer than 4095 bytes");
	return OM_OK;
}

static void mark_content(struct om_node *node)
{
	for (; node && !node->content; node = node->parent)
		node->content = true;
}

/* NAME in DIR becomes FILE; within one layer the later member wins. */
static enum om_status place_file(struct om_tree *tree, const struct om_member *member,
				 struct om_node *dir, struct om_str name, struct om_file *file)
{
	struct om_node *node = dir ? find_staged(tree, dir, name) : tree->priv->staged_root;
	bool is_dir = om_file_type(file) == OM_S_IFDIR;
	enum om_status status;

	if (!dir && !is_dir)
		return refuse(tree, OM_TYPE, member, "the root of a layer must be a directory");
	if (node && !is_dir && node->has_children)
		return refuse(tree, OM_TYPE, member, "the same layer has a directory of this name "
			      "with something in it");
	if (!node) {
		status = make_staged(tree, dir, name, member, &node);
		if (status != OM_OK)
			return status;
	}
	node->file = file;
	node->implied = false;
	mark_content(node);
	return OM_OK;
}

enum om_status om_stage_member(struct om_tree *tree, const struct om_member *member,
			       const struct om_source *source, const uint8_t *bytes)
{
	struct om_node *dir = NULL;
	struct om_file *file = NULL;
	enum om_status status;
	struct om_str name;

	status = check_path(tree, member);
	if (status == OM_OK)
		status = check_member(tree, member);
	if (status == OM_OK)
		status = stage_parent(tree, member, &dir, &name);
	if (status != OM_OK)
		return status;
	if (om_is_whiteout(name))
		return om_stage_whiteout(tree, dir, name, member);
	if (dir == tree->priv->staged_root && om_str_is(name, OM_NEWC_TRAILER))
		return refuse(tree, OM_UNSUPPORTED, member,
			      "this name in the root would end the archive for its readers");
	if (member->hard_link)
		status = linked_file(tree, member, &file);
	else
		status = member_file(tree, member, source, bytes, &file);
	if (status == OM_OK)
		status = place_file(tree, member, dir, name, file);
	return status;
}
