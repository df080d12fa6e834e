/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_IMAGE_TREE_H
#define TOOLS_IMAGE_TREE_H
/* What a file-system image holds, as a tree that paths can be looked up in. */
#include "host.h"

struct struct_ext2_filsys;

struct image_tree {
	struct struct_ext2_filsys *fs;
	struct om_tree *tree;		/* the caller's */
	struct om_arena arena;
	const char *name;
};

/* TREE, initialised and empty, becomes the image's; RET_REASON says why not. Close in any case. */
bool image_tree_open(struct image_tree *image, const char *path, struct om_tree *tree,
		     char *ret_reason, size_t size);
/* TREE must not be read from afterwards. */
void image_tree_close(struct image_tree *image);

#endif
