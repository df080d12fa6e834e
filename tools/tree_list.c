/* SPDX-License-Identifier: MIT */
/* What is in a directory tree, in an order that does not depend on the host's file system. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"

static void grow(struct tree_list *list)
{
	if (list->count < list->room)
		return;
	list->room = list->room ? list->room * 2 : 256;
	list->paths = realloc(list->paths, list->room * sizeof(*list->paths));
	list->sizes = realloc(list->sizes, list->room * sizeof(*list->sizes));
	list->times = realloc(list->times, list->room * sizeof(*list->times));
	list->directories = realloc(list->directories, list->room * sizeof(*list->directories));
	if (!list->paths || !list->sizes || !list->times || !list->directories) {
		refuse(NULL, "out of memory");
		exit(REFUSED);
	}
}

static int add(struct tree_list *list, const char *base, char *path)
{
	char *full = xprintf("%s/%s", base, path);
	struct stat st;
	int result = DONE;

	if (lstat(full, &st)) {
		result = refuse_errno(full, "look at");
	} else {
		grow(list);
		list->paths[list->count] = om_arena_str(&list->arena, om_str_from(path)).ptr;
		list->sizes[list->count] = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		list->times[list->count] = st.st_mtime;
		list->directories[list->count++] = S_ISDIR(st.st_mode);
		if (st.st_mtime > list->newest)
			list->newest = st.st_mtime;
		list->data_bytes += S_ISREG(st.st_mode) ?
				    om_align_up((uint64_t)st.st_size, 4096) : 4096;
	}
	free(full);
	free(path);
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

static int read_directory(struct tree_list *list, const char *base, const char *path)
{
	char *full = path[0] ? xprintf("%s/%s", base, path) : xprintf("%s", base);
	struct dirent **found;
	int count, i, result = DONE;

	count = scandir(full, &found, not_dots, by_bytes);
	if (count < 0)
		result = refuse_errno(full, "read the directory");
	for (i = 0; i < count; i++) {
		if (result == DONE)
			result = add(list, base, path[0] ? xprintf("%s/%s", path, found[i]->d_name) :
							   xprintf("%s", found[i]->d_name));
		free(found[i]);
	}
	if (count >= 0)
		free(found);
	free(full);
	return result;
}

int tree_list_read(struct tree_list *list, const char *directory)
{
	size_t at;
	int result;

	memset(list, 0, sizeof(*list));
	om_arena_init(&list->arena, &host_mem);
	result = read_directory(list, directory, "");
	/* Each level after the one above it: a list of work and the result at once. */
	for (at = 0; result == DONE && at < list->count; at++)
		if (list->directories[at])
			result = read_directory(list, directory, list->paths[at]);
	if (result != DONE)
		tree_list_release(list);
	return result;
}

void tree_list_release(struct tree_list *list)
{
	om_arena_release(&list->arena);
	free(list->paths);
	free(list->sizes);
	free(list->times);
	free(list->directories);
	memset(list, 0, sizeof(*list));
}
