/* SPDX-License-Identifier: MIT */
/*
 * Modules with everything that they need, by libkmod: dependencies first, soft ones too.  They
 * are unpacked here, so that any kernel takes them, and listed in the order in which /init loads
 * them.  Firmware that a module names comes along when it is there.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <libkmod.h>

#include "boot.h"
#include "linux_layer.h"

struct collect {
	struct om_tree *tree;
	struct layer_store *store;
	const char *release, *directory;
	char *base;			/* DIRECTORY/RELEASE */
	struct kmod_ctx *kmod;
	char *order;			/* the list so far, a line each */
	char *seen;			/* the modules that were looked at, likewise */
};

static int out_of_memory(void)
{
	return refuse(NULL, "out of memory");
}

/* ------------------------------------------------------------------ files */

static int put_bytes(struct collect *collect, const char *path, uint32_t mode, const void *bytes,
		     size_t len, int64_t mtime)
{
	struct om_arena *arena = &collect->store->arena;
	struct om_source *source = om_arena_alloc(arena, sizeof(*source));
	struct om_str name = om_arena_str(arena, om_str_from(path));
	uint8_t *kept = om_arena_alloc(arena, len);
	struct om_member member;
	enum om_status status;

	if (!source || !name.ptr || !kept)
		return out_of_memory();
	memcpy(kept, bytes, len);
	*source = (struct om_source){ .size = len, .base = kept, .name = name.ptr };
	member = (struct om_member){ .path = name, .mode = OM_S_IFREG | mode, .nlink = 1,
				     .size = len, .mtime = mtime };
	status = om_tree_add_member(collect->tree, &member, source);
	return status == OM_OK ? DONE : layer_refuse(collect->tree, path, status);
}

static int64_t mtime_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime > 0 ? st.st_mtime : 0;
}

/* ------------------------------------------------------------------ firmware */

static int add_firmware(struct collect *collect, const char *name)
{
	char *from = firmware_find(collect->directory, collect->release, name), *to;
	uint8_t *bytes;
	size_t len;
	int result;

	if (!from)
		return DONE;
	to = xprintf("lib/firmware/%s", name);
	result = unpacked_read(from, &bytes, &len);
	if (result == DONE) {
		result = put_bytes(collect, to, 0644, bytes, len, mtime_of(from));
		free(bytes);
	}
	free(from);
	free(to);
	return result;
}

static int firmware_of(struct collect *collect, struct kmod_module *module)
{
	struct kmod_list *info = NULL, *at;
	int result = DONE;

	if (kmod_module_get_info(module, &info) < 0)
		return DONE;
	kmod_list_foreach(at, info)
		if (result == DONE && strcmp(kmod_module_info_get_key(at), "firmware") == 0)
			result = add_firmware(collect, kmod_module_info_get_value(at));
	kmod_module_info_free_list(info);
	return result;
}

/* ------------------------------------------------------------------ modules */

/* The name in the archive: the same path, without the ending of a compression. */
static char *plain_name(const struct collect *collect, const char *path)
{
	size_t len = strlen(collect->base);
	const char *below, *ko;

	if (strncmp(path, collect->base, len) != 0 || path[len] != '/')
		return NULL;
	below = path + len + 1;
	ko = strstr(strrchr(path, '/'), ".ko");
	return ko ? xprintf("%.*s", (int)(ko + 3 - below), below) : NULL;
}

/* Adds a line to LIST; false if it is there already. */
static bool list_add(char **list, const char *name)
{
	char *line = xprintf("\n%s\n", name), *all = xprintf("%s%s\n", *list ? *list : "\n", name);
	bool found = *list && strstr(*list, line);

	free(line);
	free(found ? all : *list);
	if (!found)
		*list = all;
	return !found;
}

static int add_file(struct collect *collect, struct kmod_module *module)
{
	const char *path = kmod_module_get_path(module);
	char *name = path ? plain_name(collect, path) : NULL, *to = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	int result = DONE;

	if (!path)
		return DONE;		/* built in */
	if (!name)
		return refuse(path, "is no module below %s", collect->base);
	to = xprintf("lib/modules/%s/%s", collect->release, name);
	result = unpacked_read(path, &bytes, &len);
	if (result == DONE)
		result = put_bytes(collect, to, 0644, bytes, len, mtime_of(path));
	if (result == DONE)
		result = firmware_of(collect, module);
	if (result == DONE)
		list_add(&collect->order, name);
	free(bytes);
	free(name);
	free(to);
	return result;
}

static int add_module(struct collect *collect, struct kmod_module *module);
static int add_named(struct collect *collect, const char *name, bool must);

/*
 * What a module asks for when it mounts, and no index knows: FAT, built in or not, is not mounted without the
 * tables that the kernel's configuration names.  These are its defaults and those of distributions.
 */
static int add_unnamed(struct collect *collect, struct kmod_module *module)
{
	static const char *const tables[] = { "nls_cp437", "nls_ascii", "nls_iso8859_1", NULL };
	const char *name = kmod_module_get_name(module);
	int i, result = DONE;

	if (strcmp(name, "fat") != 0 && strcmp(name, "vfat") != 0 && strcmp(name, "msdos") != 0)
		return DONE;
	for (i = 0; result == DONE && tables[i]; i++)
		result = add_named(collect, tables[i], false);
	return result;
}

static int add_list(struct collect *collect, struct kmod_list *list)
{
	struct kmod_list *at;
	int result = DONE;

	kmod_list_foreach(at, list) {
		struct kmod_module *needed = kmod_module_get_module(at);

		if (result == DONE)
			result = add_module(collect, needed);
		kmod_module_unref(needed);
	}
	kmod_module_unref_list(list);
	return result;
}

static int add_module(struct collect *collect, struct kmod_module *module)
{
	struct kmod_list *before = NULL, *after = NULL;
	int result;

	/* Soft dependencies may go in circles, and through one module in many ways. */
	if (!list_add(&collect->seen, kmod_module_get_name(module)))
		return DONE;
	kmod_module_get_softdeps(module, &before, &after);
	result = add_list(collect, before);
	if (result == DONE)
		result = add_list(collect, kmod_module_get_dependencies(module));
	if (result == DONE)
		result = add_file(collect, module);
	if (result == DONE)
		result = add_unnamed(collect, module);
	if (result == DONE)
		result = add_list(collect, after);
	else
		kmod_module_unref_list(after);
	return result;
}

static int add_named(struct collect *collect, const char *name, bool must)
{
	struct kmod_list *found = NULL;

	if (kmod_module_new_from_lookup(collect->kmod, name, &found) < 0 || !found) {
		if (!must)
			return DONE;
		refuse(collect->base, "has no module '%s'", name);
		hint("if it is there as a file: depmod -b DIR %s", collect->release);
		return REFUSED;
	}
	return add_list(collect, found);
}

static int add_release(struct collect *collect, const struct linux_layer *wanted)
{
	const char *no_config = NULL;
	char *to;
	int i, result = DONE;

	collect->base = xprintf("%s/%s", collect->directory, collect->release);
	collect->order = collect->seen = NULL;
	collect->kmod = kmod_new(collect->base, &no_config);
	if (!collect->kmod || kmod_load_resources(collect->kmod) < 0) {
		refuse(collect->base, "has no index of modules");
		hint("depmod -b DIR %s, where DIR has lib/modules/%s", collect->release,
		     collect->release);
		result = REFUSED;
	} else {
		/* As libkmod says it in the paths of modules. */
		free(collect->base);
		collect->base = xprintf("%s", kmod_get_dirname(collect->kmod));
	}
	for (i = 0; result == DONE && i < wanted->module_count; i++)
		result = add_named(collect, wanted->modules[i], true);
	for (i = 0; result == DONE && i < wanted->alias_count; i++)
		result = add_named(collect, wanted->aliases[i], false);
	/*
	 * Where /init leaves word of a failure, and systemd reads what the stage says: a module in
	 * most kernels, or built in.
	 */
	if (result == DONE)
		result = add_named(collect, "efivarfs", false);
	if (result == DONE) {
		to = xprintf("lib/modules/%s/overmount.order", collect->release);
		/* Without the empty line that it begins with. */
		result = put_bytes(collect, to, 0644, collect->order ? collect->order + 1 : "",
				   collect->order ? strlen(collect->order) - 1 : 0, 0);
		free(to);
	}
	if (collect->kmod)
		kmod_unref(collect->kmod);
	free(collect->order);
	free(collect->seen);
	free(collect->base);
	return result;
}

/* ------------------------------------------------------------------ the layer */

static int add_init(struct collect *collect, const char *given)
{
	char *found = given ? NULL : boot_default_file("linux/init");
	const char *path = given ? given : found;
	struct host_file file;
	int result;

	if (!path) {
		refuse(NULL, "there is no init for Linux beside this program");
		hint("build it (make linux-init), or give --init FILE");
		return REFUSED;
	}
	result = host_file_open(&file, path);
	if (result == DONE) {
		result = host_file_load(&file);
		if (result == DONE)
			result = put_bytes(collect, "init", 0755, file.loaded,
					   (size_t)file.source.size, mtime_of(path));
		host_file_close(&file);
	}
	free(found);
	return result;
}

/* TREE gets the layer; its bytes live in STORE. */
static int add_layer(const struct linux_layer *wanted, struct om_tree *tree,
		     struct layer_store *store)
{
	struct collect collect = { .tree = tree, .store = store,
				   .directory = wanted->directory ? wanted->directory : "/lib/modules" };
	enum om_status status = om_tree_begin_layer(tree, "linux");
	int i, result;

	if (status != OM_OK)
		return layer_refuse(tree, "linux", status);
	result = add_init(&collect, wanted->init);
	for (i = 0; result == DONE && i < wanted->release_count; i++) {
		collect.release = wanted->releases[i];
		result = add_release(&collect, wanted);
	}
	return result;
}

/*
 * Is everything still there?  A layer in which lib is a link, as in most of today's systems, replaces the
 * folder; single modules may be taken away on purpose.
 */
static int check_whole(const struct linux_layer *wanted, struct om_tree *tree)
{
	enum om_status status = om_tree_end_layer(tree);
	const struct om_node *node;
	int i, result = DONE;

	if (status != OM_OK)
		return layer_refuse(tree, "linux", status);
	for (i = 0; result == DONE && i < wanted->release_count; i++) {
		char *path = xprintf("/lib/modules/%s/overmount.order", wanted->releases[i]);

		if (om_tree_lookup(tree, path, &node) != OM_OK) {
			result = refuse(path, "is hidden by a layer");
			hint("a layer whose lib is a symbolic link replaces the folder: give it a folder lib");
		}
		free(path);
	}
	return result;
}

int linux_layer_archive(const struct linux_layer *first, int count, char *const *layers,
			const struct om_tree_options *options, const char *output)
{
	struct layer_store store;
	struct om_tree tree;
	int i, result = DONE;

	if (om_tree_init(&tree, &host_mem, options) != OM_OK)
		return refuse(NULL, "out of memory");
	layer_store_init(&store);
	if (linux_layer_wanted(first))
		result = add_layer(first, &tree, &store);
	for (i = 0; result == DONE && i < count; i++)
		result = layer_add(&tree, &store, layers[i]);
	if (result == DONE)
		result = check_whole(first, &tree);
	if (result == DONE)
		result = image_write(&tree, output, output);
	om_tree_release(&tree);
	layer_store_release(&store);
	return result;
}

/* ------------------------------------------------------------------ as options say it */

bool linux_layer_option(struct linux_layer *layer, int option, const char *value)
{
	switch (option) {
	case LINUX_OPTION_MODULE:
		if (layer->module_count == LINUX_MODULES_MAX)
			return false;
		layer->modules[layer->module_count++] = value;
		return true;
	case LINUX_OPTION_DIRECTORY:
		layer->directory = value;
		return true;
	default:
		layer->init = value;
		return true;
	}
}

bool linux_layer_release(struct linux_layer *layer, const char *release)
{
	if (layer->release_count == LINUX_RELEASES_MAX)
		return false;
	layer->releases[layer->release_count++] = release;
	return true;
}

bool linux_layer_wanted(const struct linux_layer *layer)
{
	return layer->release_count || layer->init;
}
