/* SPDX-License-Identifier: MIT */
/*
 * From the plan to memory: layers become one archive in its final pages, images follow.
 * What carries a digest is read whole, hashed and then used from that memory only, so that
 * what was verified is what boots.
 */
#include "stage.h"

#define FAT_FILE_MODE	(OM_S_IFREG | 0755u)	/* FAT has no modes; programs must stay runnable */
#define FAT_DIR_MODE	(OM_S_IFDIR | 0755u)
#define SLACK_PER_LAYER	(64u << 10)

enum om_status boot_check_memory(struct boot_run *run)
{
	struct memory_need needs[OM_IMAGES_MAX + 2];
	struct memory_summary summary;
	char text[STAGE_MESSAGE_MAX];
	uint64_t archive = 0;
	enum om_status status;
	uint32_t i, count = 0;

	status = stage_memory_map(run->stage, &run->map, &run->map_bytes);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "memory map: %s", om_status_text(status));
	summary = memory_map_summary(&run->map);
	for (i = 0; i < run->item->entry->layer_count; i++) {
		const struct om_file_facts *facts = &run->facts->layers[i];

		/* A classic image among the initrd lines does not become part of the archive. */
		if (!om_image_is_filesystem(facts->image) &&
		    !om_add_u64(archive, facts->size + SLACK_PER_LAYER, &archive))
			archive = UINT64_MAX;
		else if (om_image_is_filesystem(facts->image) && count < OM_IMAGES_MAX)
			needs[count++] = (struct memory_need){ "an initrd image", facts->size };
	}
	for (i = 0; i < run->item->entry->ramdisk_count && count < OM_IMAGES_MAX; i++)
		needs[count++] = (struct memory_need){ "a ramdisk image",
						       run->facts->ramdisks[i].size };
	needs[count++] = (struct memory_need){ "the absolute root", archive };
	needs[count++] = (struct memory_need){ "the kernel", run->facts->kernel.size };
	if (!memory_check(&summary, needs, count, text, sizeof(text)))
		return stage_fail(run->stage, OM_NO_MEMORY, "%s", text);
	return OM_OK;
}

static enum om_status tree_fail(struct boot_run *run, enum om_status status, const char *name)
{
	/* names layer and member itself */
	if (run->tree.diag.text[0])
		return stage_fail(run->stage, status, "%s", run->tree.diag.text);
	return stage_fail(run->stage, status, "layer %s: %s", name, om_status_text(status));
}

/* With a digest: into memory and hashed. */
static enum om_status verify(struct boot_run *run, struct stage_file *file,
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
	return om_tree_add_member(&run->tree, &member, file ? &file->source : NULL);
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
				 struct stage_file *file)
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

	status = om_tree_begin_layer(&run->tree, file->name);
	if (status == OM_OK)
		status = om_tree_add_member(&run->tree, &member, &file->source);
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

static enum om_status add_layer(struct boot_run *run, const struct om_layer_ref *layer)
{
	uint32_t before = run->tree.node_count, files = 0;
	enum om_status status = OM_OK;
	enum om_image_kind kind;
	struct stage_file *file;

	status = boot_open(run, layer->source.path.text, "layer", &file);
	if (status == OM_OK)
		status = verify(run, file, &layer->source, "layer");
	if (status != OM_OK)
		return status;
	if (layer->role == OM_LAYER_FILE) {
		if (file->directory)
			return stage_fail(run->stage, OM_TYPE, "file %s: is a directory", file->name);
		status = add_single(run, layer, file);
	} else if (file->directory) {
		status = om_tree_begin_layer(&run->tree, file->name);
		if (status == OM_OK)
			status = add_directory(run, layer->source.path.text, &files);
	} else {
		kind = kind_of(file);
		if (kind == OM_IMAGE_CPIO)
			status = om_tree_add_cpio(&run->tree, file->name, &file->source);
		else if (kind == OM_IMAGE_TAR)
			status = om_tree_add_tar(&run->tree, file->name, &file->source);
		else
			return stage_fail(run->stage, OM_UNSUPPORTED,
					  "layer %s: expected a cpio or tar archive or a directory, "
					  "found %s", file->name, kind == OM_IMAGE_UNKNOWN ?
					  "something else" : om_image_kind_text(kind));
	}
	/* A layer is merged when it ends; only then the names are in the tree, or gone. */
	if (status == OM_OK)
		status = om_tree_end_layer(&run->tree);
	if (status != OM_OK)
		return run->stage->message[0] ? status : tree_fail(run, status, file->name);
	if (run->tree.node_count >= before)
		stage_log(run->stage, LEVEL_INFO, "layer: %s %u names new", file->name,
			  run->tree.node_count - before);
	else
		stage_log(run->stage, LEVEL_INFO, "layer: %s %u names gone", file->name,
			  before - run->tree.node_count);
	return OM_OK;
}

static void write_progress(void *ctx, uint64_t done, uint64_t total)
{
	stage_progress(ctx, "absolute root", done, total);
}

static enum om_status write_archive(struct boot_run *run)
{
	struct stage *stage = run->stage;
	struct om_image_sink sink = { .progress = write_progress, .ctx = stage };
	enum om_status status;
	uint64_t size;

	status = om_image_layout(&run->tree, &size);
	if (status != OM_OK)
		return tree_fail(run, status, "absolute root");
	run->archive = stage_pages(stage, size);
	if (!run->archive)
		return stage_fail(stage, OM_NO_MEMORY, "too little memory: the absolute root needs "
				  "%llu KiB in one piece", (unsigned long long)(size >> 10));
	run->archive_size = size;
	sink.base = run->archive;
	sink.size = size;
	status = om_image_write(&run->tree, &sink);
	if (status != OM_OK)
		return tree_fail(run, status, "absolute root");
	stage_log(stage, LEVEL_INFO, "absolute root: %u files, %llu bytes", run->tree.node_count,
		  (unsigned long long)size);
	return OM_OK;
}

enum om_status boot_assemble(struct boot_run *run)
{
	struct om_tree_options options = {
		.source_date_epoch = INT64_MAX,
		.page_align = run->plan->path == OM_BOOT_HANDOFF,
	};
	enum om_status status;
	uint32_t i;

	status = om_tree_init(&run->tree, &run->stage->mem, &options);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "absolute root: %s", om_status_text(status));
	run->tree_made = true;
	for (i = 0; i < run->plan->layer_count; i++) {
		status = add_layer(run, &run->plan->layers[i]);
		if (status != OM_OK)
			return status;
	}
	status = om_tree_add_bytes(&run->tree, OM_DESCRIPTOR_PATH, 0444, run->descriptor);
	if (status == OM_OK)
		status = om_tree_finish(&run->tree);
	if (status != OM_OK)
		return tree_fail(run, status, "root descriptor");
	return write_archive(run);
}

/* START of a ram disk counts in its first volume. */
static enum om_status read_volume(struct boot_run *run, const struct om_path_ref *ref,
				  uint64_t start, uint8_t *to, uint64_t room, uint64_t *ret_len)
{
	struct stage_file *file;
	enum om_status status;
	uint64_t len;

	status = boot_open(run, ref->path.text, "ramdisk", &file);
	if (status == OM_OK)
		status = verify(run, file, ref, "ramdisk");
	if (status != OM_OK)
		return status;
	if (file->directory || start >= file->source.size)
		return stage_fail(run->stage, OM_TYPE, "ramdisk %s: %s", file->name,
				  file->directory ? "is a directory" : "start is past its end");
	len = file->source.size - start;
	if (len > room)
		return stage_fail(run->stage, OM_IO, "ramdisk %s: grew while it was read",
				  file->name);
	if (file->source.base)
		memcpy(to, file->source.base + start, len);
	else
		status = stage_file_read(file, start, to, len);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "ramdisk %s: %s", file->name,
				  om_status_text(status));
	if (file != run->kernel)	/* a silly entry, but not one to fall over */
		stage_file_release(file);
	*ret_len = len;
	return OM_OK;
}

static enum om_status volumes_size(struct boot_run *run, const struct om_ramdisk_ref *ref,
				   uint64_t *ret_size)
{
	struct stage_file *file;
	enum om_status status;
	uint64_t size = 0;
	uint32_t i;

	for (i = 0; i < ref->volume_count; i++) {
		status = boot_open(run, ref->volumes[i].path.text, "ramdisk", &file);
		if (status != OM_OK)
			return status;
		stage_file_close(file);
		if (!om_add_u64(size, file->source.size, &size))
			return stage_fail(run->stage, OM_LIMIT, "ramdisk: too large");
	}
	*ret_size = size;
	return OM_OK;
}

/* It came from volumes that somebody brought, and was read then. */
static bool take_removable(struct boot_run *run, uint32_t index, struct boot_image *image)
{
	uint32_t i;

	for (i = 0; i < OM_IMAGES_MAX; i++) {
		struct boot_image *brought = &run->removable[i];

		if (!brought->pages || brought->place.index != index)
			continue;
		*image = *brought;
		brought->pages = NULL;
		run->image_count++;
		return true;
	}
	return false;
}

static enum om_status load_image(struct boot_run *run, const struct om_ramdisk_ref *ref,
				 bool initrd)
{
	struct boot_image *image = &run->images[run->image_count];
	uint64_t size = 0, used = 0, len = 0;
	enum om_status status;
	uint32_t i;

	if (take_removable(run, ref->index, image)) {
		size = used = image->page_bytes;
		goto loaded;
	}
	status = volumes_size(run, ref, &size);
	if (status != OM_OK)
		return status;
	image->pages = stage_pages(run->stage, size);
	if (!image->pages)
		return stage_fail(run->stage, OM_NO_MEMORY, "too little memory: ramdisk %u needs "
				  "%llu KiB in one piece", ref->index,
				  (unsigned long long)(size >> 10));
	image->page_bytes = size;
	run->image_count++;
	for (i = 0; i < ref->volume_count; i++) {
		status = read_volume(run, &ref->volumes[i], i ? 0 : (uint64_t)ref->start_kib << 10,
				     (uint8_t *)image->pages + used, size - used, &len);
		if (status != OM_OK)
			return status;
		used += len;
	}
loaded:
	image->place = (struct om_handoff_image){
		.data = { (uint64_t)image->pages, used },
		.index = ref->index,
		.flags = initrd ? OM_HANDOFF_IMAGE_INITRD : 0,
	};
	stage_log(run->stage, LEVEL_INFO, "ramdisk: %u from %u volumes, %llu bytes%s", ref->index,
		  ref->volume_count, (unsigned long long)used, initrd ? ", classic initrd" : "");
	return OM_OK;
}

enum om_status boot_images(struct boot_run *run)
{
	const struct om_root *root = &run->plan->root;
	enum om_status status;
	uint32_t i, j;

	for (i = 0; i < run->plan->ramdisk_count; i++) {
		bool initrd = false;

		for (j = 0; j < root->ramdisk_count; j++)
			if (root->ramdisks[j].index == run->plan->ramdisks[i].index)
				initrd = root->ramdisks[j].classic_initrd;
		status = load_image(run, &run->plan->ramdisks[i], initrd);
		if (status != OM_OK)
			return status;
	}
	return OM_OK;
}
