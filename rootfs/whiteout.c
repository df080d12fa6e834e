/* SPDX-License-Identifier: MIT */
/*
 * Whiteouts in the form of OCI layers: an empty file .wh.NAME deletes NAME, .wh..wh..opq
 * empties its directory.  Both concern lower layers only, wherever they stand in the archive.
 */
#include "tree.h"

enum om_status om_stage_whiteout(struct om_tree *tree, struct om_node *dir, struct om_str name,
				 const struct om_member *member)
{
	struct om_str target = om_str_skip(name, sizeof(OM_WHITEOUT_PREFIX) - 1);
	struct om_whiteout *whiteout;
	uint16_t layer = tree->priv->layer;

	if (!member->hard_link && (member->mode & OM_S_IFMT) != OM_S_IFREG)
		return om_tree_fail(tree, OM_TYPE, layer, member->path,
				    "a whiteout must be a regular file");
	if (member->size && !member->hard_link)
		return om_tree_fail(tree, OM_TYPE, layer, member->path,
				    "a whiteout must be empty, this one has %llu bytes",
				    (unsigned long long)member->size);
	dir->has_children = true;
	if (om_str_is(name, OM_WHITEOUT_OPAQUE)) {
		dir->opaque = true;
		return OM_OK;
	}
	if (om_is_whiteout(target))
		return om_tree_fail(tree, OM_UNSUPPORTED, layer, member->path,
				    "an unknown kind of whiteout, expected " OM_WHITEOUT_OPAQUE
				    " or .wh.NAME");
	if (!target.len || om_str_is(target, ".") || om_str_is(target, ".."))
		return om_tree_fail(tree, OM_SYNTAX, layer, member->path,
				    "a whiteout that names nothing");
	whiteout = om_arena_alloc(&tree->arena, sizeof(*whiteout));
	if (!whiteout)
		return om_tree_no_memory(tree);
	whiteout->name = om_arena_str(&tree->arena, target);
	if (!whiteout->name.ptr)
		return om_tree_no_memory(tree);
	whiteout->next = dir->whiteouts;
	dir->whiteouts = whiteout;
	return OM_OK;
}
