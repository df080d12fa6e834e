/* SPDX-License-Identifier: MIT */
/*
 * Layers of the absolute root: archives, directories and single files become members of a tree.
 * What carries a digest is, for a handoff kernel, read whole, hashed and then used from that
 * memory only; for Linux it is hashed while the kernel's buffer is filled, and a mismatch
 * fails the load.
 */
#include "stage.h"

#define FAT_FILE_MODE	(OM_S_IFREG | 0755u)	/* FAT has no modes; programs must stay runnable */
#define FAT_DIR_MODE	(OM_S_IFDIR | 0755u)
#define SCRATCH_BYTES	(256u << 10)

enum om_status boot_tree_fail(struct boot_run *run, enum om_status status, const char *name)
{
	/* names layer and member itself */
	if (run->tree->diag.text[0])
		return stage_fail(run->stage, status, "%s", run->tree->diag.text);
	return stage_fail(run->stage, status, "layer %s: %s", name, om_status_text(status));
}

enum om_status boot_new_tree(struct boot_run *run, const struct om_tree_options *options)
{
	struct boot_tree *made = om_arena_alloc(&run->arena, sizeof(*made));
	enum om_status status = made ? om_tree_init(&made->tree, &run->stage->mem, options) :
				       OM_NO_MEMORY;

	if (status != OM_OK)
		return stage_fail(run->stage, status, "absolute root: %s", om_status_text(status));
	made->next = run->trees;
	run->trees = made;
	run->tree = &made->tree;
	return OM_OK;
}

/* With a digest: into memory and hashed. */
enum om_status boot_verify(struct boot_run *run, struct stage_file *file,
			   const struct om_path_ref *ref, const char *what)
{
	enum om_status status;

	if (!ref->has_digest)
		return OM_OK;
	if (file->directory)
		return stage_fail(run->stage, OM_UNSUPPORTED,
				  "%s %s: a directory cannot have a sha256", what, file->name);
	status = file->loaded ? OM_OK : stage_file_load(file);
	if (status == OM_OK)
		status = stage_file_verify(file, ref->digest);
	if (status == OM_CHECKSUM)
		return stage_fail(run->stage, status, "%s %s: sha256 does not match", what,
				  file->name);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "%s %s: %s", what, file->name,
				  om_status_text(status));
	stage_file_close(file);
	return OM_OK;
}

/* Hashed while the kernel's buffer is filled, when what it holds is read for the first time. */
static enum om_status verify_later(struct boot_run *run, struct stage_file *file,
				   const struct om_path_ref *ref, const struct om_source **ret_source)
{
	struct om_verified *verified = om_arena_alloc(&run->arena, sizeof(*verified));

	if (!run->scratch)
		run->scratch = om_arena_alloc(&run->arena, SCRATCH_BYTES);
	if (!verified || !run->scratch)
		return stage_fail(run->stage, OM_NO_MEMORY, "%s: out of memory", file->name);
	om_verified_init(verified, &file->source, ref->digest, run->scratch, SCRATCH_BYTES);
	verified->next = run->verified;
	run->verified = verified;
	*ret_source = &verified->source;
	return OM_OK;
}

enum om_status boot_source(struct boot_run *run, struct stage_file *file,
			   const struct om_path_ref *ref, const char *what,
			   const struct om_source **ret_source)
{
	*ret_source = &file->source;
	if (ref->has_digest && !file->directory && run->plan->path == OM_BOOT_LINUX)
		return verify_later(run, file, ref, ret_source);
	return boot_verify(run, file, ref, what);
}

/* One directory still to be read; paths are relative to the layer and to the volume. */
struct pending {
	struct pending *next;
	struct om_str path;		/* "" = the layer itself */
};

static struct om_str join(struct boot_run *run, struct om_str dir, const char *name)
{
	size_t len = strlen(name), gap = dir.len > 0;
	char *text = om_arena_alloc(&run->arena, dir.len + gap + len + 1);

	if (!text)
		return (struct om_str){ NULL, 0 };
	memcpy(text, dir.ptr, dir.len);
	if (gap)
		text[dir.len] = '/';
	memcpy(text + dir.len + gap, name, len);
	return (struct om_str){ text, dir.len + gap + len };
}

static enum om_status add_found(struct boot_run *run, struct om_str layer, struct om_str path,
				const struct stage_dirent *found, struct pending **todo)
{
	struct om_member member = {
		.path = path,
		.mode = found->directory ? FAT_DIR_MODE : FAT_FILE_MODE,
		.nlink = 1,
		.mtime = (int64_t)found->mtime,
		.size = found->directory ? 0 : found->size,
	};
	struct stage_file *file = NULL;
	struct pending *dir;
	enum om_status status;
	struct om_str where;

	if (found->directory) {
		dir = om_arena_alloc(&run->arena, sizeof(*dir));
		if (!dir)
			return OM_NO_MEMORY;
		*dir = (struct pending){ *todo, path };
		*todo = dir;
	} else {
		where = join(run, layer, path.ptr);
		if (!where.ptr)
			return OM_NO_MEMORY;
		status = boot_open_found(run, where, found, "layer", &file);
		if (status != OM_OK)
			return status;
	}
	return om_tree_add_member(run->tree, &member, file ? &file->source : NULL);
}

static enum om_status add_directory(struct boot_run *run, struct om_str layer, uint32_t *ret_files)
{
	struct pending first = { NULL, { "", 0 } };
	struct pending *todo = &first, *dir;
	struct stage_dirent *found = om_arena_alloc(&run->arena, sizeof(*found));
	struct stage_file *file;
	enum om_status status;
	struct om_str path;
	uint32_t files = 0;
	bool more;

	if (!found)
		return OM_NO_MEMORY;
	while (todo) {
		dir = todo;
		todo = dir->next;
		path = dir->path.len ? join(run, layer, dir->path.ptr) : layer;
		if (!path.ptr)
			return OM_NO_MEMORY;
		status = dir->path.len ? boot_open_found(run, path, NULL, "layer", &file) :
					 boot_open(run, path, "layer", &file);
		if (status != OM_OK)
			return status;
		for (;;) {
			status = stage_dir_next(file, found, &more);
			if (status != OM_OK)
				return status;
			if (!more)
				break;
			path = join(run, dir->path, found->name);
			if (!path.ptr)
				return OM_NO_MEMORY;
			status = add_found(run, layer, path, found, &todo);
			if (status != OM_OK)
				return status;
			files++;
		}
		stage_file_close(file);
	}
	*ret_files = files;
	return OM_OK;
}

static enum om_status add_single(struct boot_run *run, const struct om_layer_ref *layer,
				 const struct stage_file *file, const struct om_source *source)
{
	struct om_member member = {
		.path = om_str_skip(layer->dest, 1),
		.mode = OM_S_IFREG | (layer->mode & 07777u),
		.uid = layer->uid,
		.gid = layer->gid,
		.nlink = 1,
		.mtime = (int64_t)file->mtime,
		.size = file->source.size,
	};
	enum om_status status;

	status = om_tree_begin_layer(run->tree, file->name);
	if (status == OM_OK)
		status = om_tree_add_member(run->tree, &member, source);
	return status;
}

/* What was verified is asked itself, and not what the disk said before. */
static enum om_image_kind kind_of(const struct stage_file *file)
{
	uint64_t len = file->source.size < OM_IMAGE_PROBE_BYTES ? file->source.size :
								  OM_IMAGE_PROBE_BYTES;

	return file->source.base ? om_image_probe((struct om_span){ file->source.base, len }) :
				   file->image;
}

enum om_status boot_add_layer(struct boot_run *run, const struct om_layer_ref *layer)
{
	uint32_t before = run->tree->node_count, files = 0;
	enum om_status status = OM_OK;
	const struct om_source *source;
	enum om_image_kind kind;
	struct stage_file *file;

	status = boot_open(run, layer->source.path.text, "layer", &file);
	if (status == OM_OK)
		status = boot_source(run, file, &layer->source, "layer", &source);
	if (status != OM_OK)
		return status;
	if (layer->role == OM_LAYER_FILE) {
		if (file->directory)
			return stage_fail(run->stage, OM_TYPE, "file %s: is a directory", file->name);
		status = add_single(run, layer, file, source);
	} else if (file->directory) {
		status = om_tree_begin_layer(run->tree, file->name);
		if (status == OM_OK)
			status = add_directory(run, layer->source.path.text, &files);
	} else {
		kind = kind_of(file);
		if (kind == OM_IMAGE_CPIO)
			status = om_tree_add_cpio(run->tree, file->name, source);
		else if (kind == OM_IMAGE_TAR)
			status = om_tree_add_tar(run->tree, file->name, source);
		else
			return stage_fail(run->stage, OM_UNSUPPORTED,
					  "layer %s: expected a cpio or tar archive or a directory, "
					  "found %s", file->name, kind == OM_IMAGE_UNKNOWN ?
					  "something else" : om_image_kind_text(kind));
	}
	/* A layer is merged when it ends; only then the names are in the tree, or gone. */
	if (status == OM_OK)
		status = om_tree_end_layer(run->tree);
	if (status != OM_OK)
		return run->stage->message[0] ? status : boot_tree_fail(run, status, file->name);
	if (run->tree->node_count >= before)
		stage_log(run->stage, LEVEL_INFO, "layer: %s %u names new", file->name,
			  run->tree->node_count - before);
	else
		stage_log(run->stage, LEVEL_INFO, "layer: %s %u names gone", file->name,
			  before - run->tree->node_count);
	return OM_OK;
}
