/* SPDX-License-Identifier: MIT */
/* One layer of `image build`, whatever it is, and the archive that comes out. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host.h"

struct held {
	struct held *next;
	struct host_file file;
};

void layer_store_init(struct layer_store *store)
{
	om_arena_init(&store->arena, &host_mem);
	store->held = NULL;
}

void layer_store_release(struct layer_store *store)
{
	struct held *held;

	for (held = store->held; held; held = held->next)
		host_file_close(&held->file);
	store->held = NULL;
	om_arena_release(&store->arena);
}

struct host_file *layer_store_file(struct layer_store *store)
{
	struct held *held = om_arena_alloc(&store->arena, sizeof(*held));

	if (!held)
		abort();	/* host_mem's callers have no memory to say so either */
	held->file.fd = -1;
	held->next = store->held;
	store->held = held;
	return &held->file;
}

/* TEXT behind "layer NAME: ", where a long NAME has been cut to "..." and its end. */
static const char *without_layer(const char *text, const char *name)
{
	size_t len = strlen(name), shown;
	const char *rest = text, *end;

	if (strncmp(text, "layer ", 6) != 0)
		return text;
	rest += 6;
	if (strncmp(rest, "...", 3) == 0)
		rest += 3;
	for (end = strstr(rest, ": "); end; end = strstr(end + 1, ": ")) {
		shown = (size_t)(end - rest);
		if (shown <= len && memcmp(rest, name + len - shown, shown) == 0)
			return end + 2;
	}
	return text;
}

int layer_refuse(const struct om_tree *tree, const char *name, enum om_status status)
{
	struct om_diag diag = tree->diag;

	if (!diag.text[0])
		return refuse_status(name, status);
	/* The line begins with the file's name already. */
	snprintf(diag.text, sizeof(diag.text), "%s", without_layer(tree->diag.text, name));
	diag_print(name, &diag);
	return REFUSED;
}

int layer_add(struct om_tree *tree, struct layer_store *store, const char *path)
{
	struct layer_view plain = { false, INT64_MIN };
	struct host_file *file;
	enum om_image_kind kind;
	enum om_status status;
	struct stat st;

	if (stat(path, &st))
		return refuse_errno(path, "open the layer");
	if (S_ISDIR(st.st_mode))
		return layer_directory(tree, store, path, path, &plain);
	file = layer_store_file(store);
	if (host_file_open(file, path) != DONE)
		return REFUSED;
	kind = host_file_probe(file);
	if (kind == OM_IMAGE_CPIO)
		status = om_tree_add_cpio(tree, path, &file->source);
	else if (kind == OM_IMAGE_TAR)
		status = om_tree_add_tar(tree, path, &file->source);
	else if (om_image_is_filesystem(kind) && kind != OM_IMAGE_ISO9660) {
		refuse(path, "is a file-system image (%s); expected an archive or a directory",
		       om_image_kind_text(kind));
		hint("an image becomes a ram disk: write 'ramdisk' in the entry");
		return REFUSED;
	} else
		return layer_foreign(tree, store, path, path);
	return status == OM_OK ? DONE : layer_refuse(tree, path, status);
}

static enum om_status write_part(void *ctx, const void *bytes, size_t len)
{
	return out_write(ctx, bytes, len) == DONE ? OM_OK : OM_ABORTED;
}

int image_write(struct om_tree *tree, const char *name, const char *path)
{
	struct out_file out;
	struct om_image_sink sink = { .write = write_part, .ctx = &out };
	enum om_status status;
	int result;

	status = om_tree_finish(tree);
	if (status == OM_OK)
		status = om_image_layout(tree, &sink.size);
	if (status != OM_OK)
		return layer_refuse(tree, name, status);
	result = out_open(&out, path);
	if (result != DONE)
		return result;
	status = om_image_write(tree, &sink);
	if (status == OM_ABORTED)
		result = REFUSED;
	else if (status != OM_OK)
		result = layer_refuse(tree, name, status);
	if (out_close(&out, result == DONE) != DONE)
		result = REFUSED;
	return result;
}
