/* SPDX-License-Identifier: MIT */
/* For a handoff kernel: layers become one archive in its final pages, images follow. */
#include "stage.h"

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
			needs[count++] = (struct memory_need){ "an initrd image", facts->size, false };
	}
	for (i = 0; i < run->item->entry->ramdisk_count && count < OM_IMAGES_MAX; i++)
		needs[count++] = (struct memory_need){ "a ramdisk image",
						       run->facts->ramdisks[i].size, false };
	needs[count++] = (struct memory_need){ "the absolute root", archive, false };
	needs[count++] = (struct memory_need){ "the kernel", run->facts->kernel.size,
					       false };
	if (!memory_check(&summary, needs, count, text, sizeof(text)))
		return stage_fail(run->stage, OM_NO_MEMORY, "%s", text);
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

	status = om_image_layout(run->tree, &size);
	if (status != OM_OK)
		return boot_tree_fail(run, status, "absolute root");
	run->archive = stage_pages(stage, size);
	if (!run->archive)
		return stage_fail(stage, OM_NO_MEMORY, "too little memory: the absolute root needs "
				  "%llu KiB in one piece", (unsigned long long)(size >> 10));
	run->archive_size = size;
	sink.base = run->archive;
	sink.size = size;
	status = om_image_write(run->tree, &sink);
	if (status != OM_OK)
		return boot_tree_fail(run, status, "absolute root");
	stage_log(stage, LEVEL_INFO, "absolute root: %u files, %llu bytes", run->tree->node_count,
		  (unsigned long long)size);
	return OM_OK;
}

enum om_status boot_assemble(struct boot_run *run)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .page_align = true };
	enum om_status status;
	uint32_t i;

	status = boot_new_tree(run, &options);
	if (status != OM_OK)
		return status;
	for (i = 0; i < run->plan->layer_count; i++) {
		status = boot_add_layer(run, &run->plan->layers[i]);
		if (status != OM_OK)
			return status;
	}
	status = om_tree_add_bytes(run->tree, OM_DESCRIPTOR_PATH, 0444, run->descriptor);
	if (status == OM_OK)
		status = om_tree_finish(run->tree);
	if (status != OM_OK)
		return boot_tree_fail(run, status, "root descriptor");
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
		status = boot_verify(run, file, ref, "ramdisk");
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
	struct boot_image *brought = removable_image(run, index);

	if (!brought)
		return false;
	*image = *brought;
	brought->pages = NULL;
	run->image_count++;
	return true;
}

/* Pages for an image: what a stock Linux finds by itself must not be free memory to it. */
static void *image_pages(struct boot_run *run, uint64_t size)
{
	return run->plan->root.attach == OM_ATTACH_PMEM ? stage_reserved_pages(run->stage, size) :
							  stage_pages(run->stage, size);
}

/* It was read before anybody knew where it has to lie. */
static enum om_status move_image(struct boot_run *run, struct boot_image *image)
{
	void *pages;

	if (run->plan->root.attach != OM_ATTACH_PMEM)
		return OM_OK;
	pages = image_pages(run, image->page_bytes);
	if (!pages)
		return stage_fail(run->stage, OM_NO_MEMORY, "too little memory: a ramdisk needs "
				  "%llu KiB in one piece", (unsigned long long)(image->page_bytes >> 10));
	memcpy(pages, image->pages, image->page_bytes);
	stage_pages_free(run->stage, image->pages, image->page_bytes);
	image->pages = pages;
	return OM_OK;
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
		status = move_image(run, image);
		if (status != OM_OK)
			return status;
		goto loaded;
	}
	status = volumes_size(run, ref, &size);
	if (status != OM_OK)
		return status;
	image->pages = image_pages(run, size);
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
