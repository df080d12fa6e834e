/* SPDX-License-Identifier: MIT */
/* A directory as a layer: walked with one list of work, each directory in sorted order. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host.h"

struct pending {
	struct pending *next;
	const char *path;		/* relative to the layer; "" = the layer itself */
};

struct walk {
	struct om_tree *tree;
	struct layer_store *store;
	const char *name, *base;
	const struct layer_view *view;
	struct pending *todo;
};

static const char *keep_text(struct walk *walk, const char *text)
{
	struct om_str kept = om_arena_str(&walk->store->arena, om_str_from(text));

	return kept.ptr;
}

static void fill_member(const struct walk *walk, const struct stat *st, const char *path,
			struct om_member *member)
{
	bool directory = S_ISDIR(st->st_mode);

	*member = (struct om_member){
		.path = om_str_from(path),
		.mode = (uint32_t)st->st_mode,
		.uid = (uint32_t)st->st_uid,
		.gid = (uint32_t)st->st_gid,
		.nlink = 1,
		.mtime = st->st_mtime < 0 ? 0 : st->st_mtime,
		.rdev_major = major(st->st_rdev),
		.rdev_minor = minor(st->st_rdev),
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
	};
	if (walk->view->as_fat) {
		member->mode = (directory ? OM_S_IFDIR : OM_S_IFREG) | 0755u;
		member->uid = member->gid = 0;
		if (walk->view->mtime != INT64_MIN)
			member->mtime = walk->view->mtime;
		member->mtime &= ~INT64_C(1);
	} else if (S_ISREG(st->st_mode) && st->st_nlink > 1) {
		/* Names of one file, as in cpio: (dev, ino) folded, never 0. */
		member->nlink = (uint32_t)st->st_nlink;
		member->link_id = ((uint64_t)st->st_dev * UINT64_C(0x9e3779b97f4a7c15) ^
				   (uint64_t)st->st_ino) | UINT64_C(1) << 63;
	}
}

static int read_link(struct walk *walk, const char *full, struct om_member *member)
{
	char text[OM_PATH_MAX];
	ssize_t len = readlink(full, text, sizeof(text));

	if (len < 0)
		return refuse_errno(full, "read the link");
	if ((size_t)len >= sizeof(text))
		return refuse(full, "the link's text is too long");
	text[len] = '\0';
	member->link = om_str_from(keep_text(walk, text));
	member->size = (uint64_t)len;
	return DONE;
}

static int add_one(struct walk *walk, const char *path)
{
	char *full = path[0] ? xprintf("%s/%s", walk->base, path) :
			       xstrndup(walk->base, strlen(walk->base));
	struct host_file *file = NULL;
	struct om_member member;
	struct pending *dir;
	enum om_status status;
	int result = REFUSED;
	struct stat st;

	/* The layer itself may be a link to a directory; nothing in it is followed. */
	if (path[0] ? lstat(full, &st) : stat(full, &st)) {
		refuse_errno(full, "look at");
		goto free;
	}
	if (walk->view->as_fat && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		refuse(full, "is neither a file nor a directory, and FAT knows nothing else");
		goto free;
	}
	fill_member(walk, &st, path, &member);
	if (S_ISLNK(st.st_mode) && read_link(walk, full, &member) != DONE)
		goto free;
	if (S_ISREG(st.st_mode)) {
		file = layer_store_file(walk->store);
		host_file_on_demand(file, full, (uint64_t)st.st_size);
	} else if (S_ISDIR(st.st_mode)) {
		dir = om_arena_alloc(&walk->store->arena, sizeof(*dir));
		*dir = (struct pending){ walk->todo, path };
		walk->todo = dir;
	}
	/* As on the boot volume: the layer's own directory says nothing about "/". */
	status = path[0] ? om_tree_add_member(walk->tree, &member, file ? &file->source : NULL) :
			   OM_OK;
	result = status == OM_OK ? DONE : layer_refuse(walk->tree, walk->name, status);
free:
	free(full);
	return result;
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_directory(struct walk *walk, const char *path)
{
	char *full = path[0] ? xprintf("%s/%s", walk->base, path) :
			       xstrndup(walk->base, strlen(walk->base));
	int count, i, result = DONE;
	struct dirent **found;

	count = scandir(full, &found, not_dots, by_bytes);
	if (count < 0) {
		result = refuse_errno(full, "read the directory");
		free(full);
		return result;
	}
	for (i = 0; i < count; i++) {
		if (result == DONE) {
			char *child = path[0] ? xprintf("%s/%s", path, found[i]->d_name) :
						xstrndup(found[i]->d_name,
							 strlen(found[i]->d_name));

			result = add_one(walk, keep_text(walk, child));
			free(child);
		}
		free(found[i]);
	}
	free(found);
	free(full);
	return result;
}

int layer_directory(struct om_tree *tree, struct layer_store *store, const char *name,
		    const char *path, const struct layer_view *view)
{
	struct walk walk = { tree, store, name, path, view, NULL };
	enum om_status status;
	struct pending *dir;
	int result;

	status = om_tree_begin_layer(tree, keep_text(&walk, name));
	if (status != OM_OK)
		return layer_refuse(tree, name, status);
	result = add_one(&walk, "");
	while (result == DONE && walk.todo) {
		dir = walk.todo;
		walk.todo = dir->next;
		result = add_directory(&walk, dir->path);
	}
	if (result != DONE)
		return result;
	status = om_tree_end_layer(tree);
	return status == OM_OK ? DONE : layer_refuse(tree, name, status);
}
