/* SPDX-License-Identifier: MIT */
/* The tree of an ext2, ext3 or ext4 image, read with libext2fs; data is read when it is asked for. */
#include <stdlib.h>
#include <string.h>
#include <ext2fs/ext2fs.h>

#include "image_tree.h"

/* A regular file of the image, as a source. */
struct content {
	ext2_filsys fs;
	ext2_ino_t ino;
};

struct walk {
	struct image_tree *image;
	ext2_ino_t dir;
	const char *path;		/* of DIR, with '/' at its end; "" is the root's */
	struct walk *up;
	unsigned depth;
	const char *error;
};

static enum om_status read_content(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct content *content = ctx;
	ext2_file_t file;
	unsigned got = 0;
	errcode_t err;

	err = ext2fs_file_open(content->fs, content->ino, 0, &file);
	if (err)
		return OM_IO;
	err = ext2fs_file_llseek(file, offset, EXT2_SEEK_SET, NULL);
	while (!err && len > 0) {
		unsigned part = len > 1u << 20 ? 1u << 20 : (unsigned)len;

		err = ext2fs_file_read(file, buf, part, &got);
		if (!err && got == 0)
			break;
		buf = (uint8_t *)buf + got;
		len -= got;
	}
	ext2fs_file_close(file);
	return err ? OM_IO : len ? OM_TRUNCATED : OM_OK;
}

static struct om_source *content_source(struct image_tree *image, ext2_ino_t ino, uint64_t size)
{
	struct content *content = om_arena_alloc(&image->arena, sizeof(*content));
	struct om_source *source = om_arena_alloc(&image->arena, sizeof(*source));

	if (!content || !source)
		return NULL;
	*content = (struct content){ image->fs, ino };
	*source = (struct om_source){ read_content, content, size, NULL, image->name };
	return source;
}

/* The text of a symbolic link: in the inode when it is short, else in its blocks. */
static bool link_text(struct image_tree *image, ext2_ino_t ino, struct ext2_inode *inode,
		      struct om_str *ret_text)
{
	struct content content = { image->fs, ino };
	uint64_t size = EXT2_I_SIZE(inode);
	char *text;

	if (size == 0 || size >= OM_PATH_MAX)
		return false;
	text = om_arena_alloc(&image->arena, (size_t)size);
	if (!text)
		return false;
	if (ext2fs_is_fast_symlink(inode))
		memcpy(text, inode->i_block, (size_t)size);
	else if (read_content(&content, 0, text, (size_t)size) != OM_OK)
		return false;
	*ret_text = (struct om_str){ text, (size_t)size };
	return true;
}

static bool add_inode(struct image_tree *image, ext2_ino_t ino, const char *path)
{
	const struct om_source *source = NULL;
	struct ext2_inode inode;
	struct om_member member;

	if (ext2fs_read_inode(image->fs, ino, &inode))
		return false;
	member = (struct om_member){
		.path = om_str_from(path), .mode = inode.i_mode, .uid = inode_uid(inode),
		.gid = inode_gid(inode), .nlink = 1, .mtime = (int64_t)inode.i_mtime,
	};
	if (LINUX_S_ISLNK(inode.i_mode)) {
		if (!link_text(image, ino, &inode, &member.link))
			return false;
		member.size = member.link.len;
	} else if (LINUX_S_ISREG(inode.i_mode)) {
		member.size = EXT2_I_SIZE(&inode);
		source = content_source(image, ino, member.size);
		if (!source)
			return false;
	}
	return om_tree_add_member(image->tree, &member, source) == OM_OK;
}

static bool walk_directory(struct walk *walk);

/* A directory that lies in itself would never end. */
static bool is_above(const struct walk *walk, ext2_ino_t ino)
{
	for (; walk; walk = walk->up)
		if (walk->dir == ino)
			return true;
	return false;
}

static int visit(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		 int blocksize, char *buf, void *ctx)
{
	struct walk *walk = ctx, below = { walk->image, dirent->inode, NULL, walk, walk->depth + 1,
					   NULL };
	int len = ext2fs_dirent_name_len(dirent);
	char path[OM_PATH_MAX];

	(void)dir, (void)offset, (void)blocksize, (void)buf;
	if (entry != DIRENT_OTHER_FILE)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s%.*s", walk->path, len, dirent->name) + 2 >
	    sizeof(path)) {
		walk->error = "a path is too long";
		return DIRENT_ABORT;
	}
	if (!add_inode(walk->image, dirent->inode, path)) {
		walk->error = "an inode is broken";
		return DIRENT_ABORT;
	}
	if (ext2fs_check_directory(walk->image->fs, dirent->inode))
		return 0;
	memcpy(path + strlen(path), "/", 2);
	below.path = path;
	if (is_above(walk, dirent->inode) || below.depth > OM_DEPTH_MAX)
		walk->error = "its directories never end";
	else if (!walk_directory(&below))
		walk->error = below.error;
	return walk->error ? DIRENT_ABORT : 0;
}

static bool walk_directory(struct walk *walk)
{
	if (ext2fs_dir_iterate2(walk->image->fs, walk->dir, 0, NULL, visit, walk) && !walk->error)
		walk->error = "a directory cannot be read";
	return !walk->error;
}

bool image_tree_open(struct image_tree *image, const char *path, struct om_tree *tree,
		     char *ret_reason, size_t size)
{
	struct walk walk = { image, EXT2_ROOT_INO, "", NULL, 0, NULL };
	errcode_t err;

	*image = (struct image_tree){ .tree = tree, .name = path };
	om_arena_init(&image->arena, &host_mem);
	initialize_ext2_error_table();
	err = ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &image->fs);
	if (err) {
		image->fs = NULL;
		snprintf(ret_reason, size, "%s", error_message(err));
		return false;
	}
	if (om_tree_begin_layer(tree, path) != OM_OK || !walk_directory(&walk) ||
	    om_tree_finish(tree) != OM_OK) {
		snprintf(ret_reason, size, "%s", walk.error ? walk.error : tree->diag.text);
		return false;
	}
	return true;
}

void image_tree_close(struct image_tree *image)
{
	if (image->fs)
		ext2fs_free(image->fs);
	om_arena_release(&image->arena);
}
