/* SPDX-License-Identifier: MIT */
/*
 * The initrd of a stock Linux: what an earlier loader registered, then the layers in the order of
 * the entry: as they are, or merged into an archive of ours, the last of which carries ram disks
 * and the descriptor.  Here only headers are read; the data go straight from the volume into
 * the kernel's buffer when it asks (boot_initrd_write()).
 */
#include "stage.h"

#define INIT_SIZE_AT	0x260u		/* of the setup header: what the kernel unpacks itself into */
#define PACKED_FACTOR	2u		/* the least that a compressed archive grows */

static void add_segment(struct boot_run *run, const char *name, const struct om_segment *segment)
{
	run->segments[run->segment_count] = *segment;
	run->segment_names[run->segment_count++] = name;
}

/* ------------------------------------------------------------------ ram disks */

/* One image over several files; the first may begin late. */
struct volumes {
	struct om_source source;
	uint32_t count;
	struct volume {
		const struct om_source *source;
		uint64_t skip, len;
	} list[OM_VOLUMES_MAX];
};

static enum om_status read_volumes(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct volumes *volumes = ctx;
	enum om_status status;
	uint8_t *to = buf;
	uint32_t i;

	for (i = 0; i < volumes->count && len > 0; i++) {
		const struct volume *volume = &volumes->list[i];
		size_t part;

		if (offset >= volume->len) {
			offset -= volume->len;
			continue;
		}
		part = volume->len - offset < len ? (size_t)(volume->len - offset) : len;
		status = volume->source->read_at(volume->source->ctx, volume->skip + offset, to, part);
		if (status != OM_OK)
			return status;
		to += part;
		len -= part;
		offset = 0;
	}
	return len == 0 ? OM_OK : OM_TRUNCATED;
}

static enum om_status open_volume(struct boot_run *run, const struct om_path_ref *ref,
				  uint64_t skip, struct volumes *volumes)
{
	struct volume *volume = &volumes->list[volumes->count];
	struct stage_file *file;
	enum om_status status;

	status = boot_open(run, ref->path.text, "ramdisk", &file);
	if (status == OM_OK)
		status = boot_source(run, file, ref, "ramdisk", &volume->source);
	if (status != OM_OK)
		return status;
	if (file->directory || skip >= file->source.size)
		return stage_fail(run->stage, OM_TYPE, "ramdisk %s: %s", file->name,
				  file->directory ? "is a directory" : "start is past its end");
	stage_file_later(file);
	volume->skip = skip;
	volume->len = file->source.size - skip;
	volumes->source.size += volume->len;
	volumes->count++;
	return OM_OK;
}

static enum om_status open_ramdisk(struct boot_run *run, const struct om_ramdisk_ref *ref,
				   const struct om_source **ret_source)
{
	struct volumes *volumes = om_arena_alloc(&run->arena, sizeof(*volumes));
	const struct boot_image *brought = removable_image(run, ref->index);
	enum om_status status = OM_OK;
	uint32_t i;

	if (!volumes)
		return stage_fail(run->stage, OM_NO_MEMORY, "ramdisk %u: out of memory", ref->index);
	volumes->source.read_at = read_volumes;
	volumes->source.ctx = volumes;
	volumes->source.name = "ramdisk";
	*ret_source = &volumes->source;
	if (brought) {		/* and in memory since then */
		volumes->source.base = brought->pages;
		volumes->source.size = brought->page_bytes;
		return OM_OK;
	}
	for (i = 0; i < ref->volume_count && status == OM_OK; i++)
		status = open_volume(run, &ref->volumes[i], i ? 0 : (uint64_t)ref->start_kib << 10,
				     volumes);
	return status;
}

static enum om_status add_ramdisks(struct boot_run *run)
{
	const struct om_root *root = &run->plan->root;
	const struct om_source *source = NULL;
	enum om_status status = OM_OK;
	uint32_t i;

	for (i = 0; i < root->ramdisk_count && status == OM_OK; i++) {
		struct om_member member = { .mode = OM_S_IFREG | 0600, .nlink = 1 };

		if (!root->ramdisks[i].in_archive)
			continue;
		status = open_ramdisk(run, &run->plan->ramdisks[i], &source);
		if (status != OM_OK)
			return status;
		member.path = om_str_skip(root->ramdisks[i].text, 1);
		member.size = source->size;
		status = om_tree_begin_layer(run->tree, "ramdisk");
		if (status == OM_OK)
			status = om_tree_add_member(run->tree, &member, source);
		if (status == OM_OK)
			status = om_tree_end_layer(run->tree);
		if (status != OM_OK)
			return boot_tree_fail(run, status, "ramdisk");
		stage_log(run->stage, LEVEL_INFO, "ramdisk: %u from %u volumes, %llu bytes%s",
			  root->ramdisks[i].index, run->plan->ramdisks[i].volume_count,
			  (unsigned long long)source->size,
			  root->ramdisks[i].classic_initrd ? ", classic initrd" : "");
	}
	return status;
}

/* ------------------------------------------------------------------ segments */

static enum om_status add_untouched(struct boot_run *run, const struct om_layer_ref *layer)
{
	struct stage_file *file;
	enum om_status status;

	status = boot_open(run, layer->source.path.text, "layer", &file);
	if (status != OM_OK)
		return status;
	/* It stays open: to look for it once more takes longer than to read a small one. */
	add_segment(run, file->name, &(struct om_segment){
		.source = &file->source,
		.digest = layer->source.has_digest ? layer->source.digest : NULL,
	});
	stage_log(run->stage, LEVEL_INFO, "layer: %s %llu bytes as they are", file->name,
		  (unsigned long long)file->source.size);
	return OM_OK;
}

/* The archives in front of the last one are only their layers. */
static enum om_status begin_archive(struct boot_run *run, bool last)
{
	struct om_tree_options options = {
		.source_date_epoch = INT64_MAX, .reread = true,
		.no_devices = !last, .no_manifest = !last,
	};

	return boot_new_tree(run, &options);
}

static enum om_status end_archive(struct boot_run *run)
{
	enum om_status status = om_tree_finish(run->tree);

	if (status != OM_OK)
		return boot_tree_fail(run, status, "absolute root");
	add_segment(run, "the absolute root", &(struct om_segment){ .tree = run->tree });
	run->tree = NULL;
	return OM_OK;
}

static enum om_status finish_last(struct boot_run *run)
{
	enum om_status status = OM_OK;

	if (!run->tree)
		status = begin_archive(run, true);
	if (status == OM_OK)
		status = add_ramdisks(run);
	if (status != OM_OK)
		return status;
	status = om_tree_add_bytes(run->tree, OM_DESCRIPTOR_PATH, 0444, run->descriptor);
	if (status != OM_OK)
		return boot_tree_fail(run, status, "root descriptor");
	return end_archive(run);
}

static enum om_status add_layers(struct boot_run *run)
{
	const struct om_plan *plan = run->plan;
	enum om_status status = OM_OK;
	uint32_t i, last = 0;

	for (i = 0; i < plan->layer_count; i++)
		if (plan->layers[i].untouched)
			last = i + 1;
	for (i = 0; i < plan->layer_count && status == OM_OK; i++) {
		if (!plan->layers[i].untouched) {
			if (!run->tree)
				status = begin_archive(run, i >= last);
			if (status == OM_OK)
				status = boot_add_layer(run, &plan->layers[i]);
			continue;
		}
		if (run->tree)
			status = end_archive(run);
		if (status == OM_OK)
			status = add_untouched(run, &plan->layers[i]);
	}
	return status == OM_OK && plan->archive ? finish_last(run) : status;
}

/* ------------------------------------------------------------------ checks */

/*
 * Linux starts /init of what it unpacked.  If there is none it mounts root= itself, which is
 * not what an entry with roots, ram disks or a linuxrc of ours means.
 */
static enum om_status check_init(struct boot_run *run)
{
	const struct om_root *root = &run->plan->root;
	struct om_str path = root->rdinit.len ? root->rdinit : OM_STR("/init");
	bool needed = root->ramdisk_count > 0 || root->linuxrc == OM_LINUXRC_PATH ||
		      (root->candidate_count > 0 && !run->item->entry->root_from_options);
	const struct om_node *node;
	struct om_str text;
	uint32_t i;

	if (!run->plan->archive || !needed)
		return OM_OK;
	text = om_arena_str(&run->arena, path);
	if (!text.ptr)
		return stage_fail(run->stage, OM_NO_MEMORY, "init: out of memory");
	for (i = 0; i < run->segment_count; i++) {
		/* Nobody looks into what is handed over as it is. */
		if (!run->segments[i].tree ||
		    om_tree_lookup(run->segments[i].tree, text.ptr, &node) == OM_OK)
			return OM_OK;
	}
	return stage_fail(run->stage, OM_MISSING, "no layer brings %s, the program that finds and "
			  "mounts the root: add a line 'ramfs \\overmount\\linux.cpio', which "
			  "'overmount image build --modules RELEASE' makes", text.ptr);
}

static uint64_t unpacked_size(const struct om_segment *segment, const struct om_plan_facts *facts,
			      const struct om_entry *entry)
{
	uint64_t size = segment->size;
	uint32_t i;

	/* Nobody has looked into what an earlier loader registered. */
	if (segment->whole)
		return size * PACKED_FACTOR;
	/* The facts are by layer of the entry; of equal sizes the larger guess does no harm. */
	for (i = 0; segment->source && i < entry->layer_count; i++)
		if (om_image_is_compressed(facts->layers[i].image) && facts->layers[i].size == size)
			return size * PACKED_FACTOR;
	return size;
}

static enum om_status check_memory(struct boot_run *run)
{
	const struct om_span kernel = { run->kernel->source.base, run->kernel->source.size };
	uint64_t size, largest = 0, unpacked = 0;
	struct memory_need needs[4];
	struct memory_summary summary;
	char text[STAGE_MESSAGE_MAX], name[STAGE_PATH_MAX + 32];
	const char *most = "nothing";
	struct memory_map map;
	enum om_status status;
	uint32_t i;

	for (i = 0; i < run->segment_count; i++) {
		unpacked += unpacked_size(&run->segments[i], run->facts, run->item->entry);
		if (run->segments[i].size < largest)
			continue;
		largest = run->segments[i].size;
		most = run->segment_names[i];
	}
	om_format(name, sizeof(name), "the initrd (mostly %s)", most);
	size = kernel.len >= INIT_SIZE_AT + 4 ? om_get_le32(kernel.ptr + INIT_SIZE_AT) : 0;
	needs[0] = (struct memory_need){ name, run->initrd_size, false };
	needs[1] = (struct memory_need){ "the kernel", size, false };
	needs[2] = (struct memory_need){ "the kernel's file as a program", kernel.len, false };
	needs[3] = (struct memory_need){ "what the initrd unpacks to", unpacked, true };
	status = stage_memory_map(run->stage, &map, &size);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "memory map: %s", om_status_text(status));
	summary = memory_map_summary(&map);
	stage_pages_free(run->stage, (void *)(uintptr_t)map.bytes, size);
	if (!memory_check(&summary, needs, 4, text, sizeof(text)))
		return stage_fail(run->stage, OM_NO_MEMORY, "%s", text);
	return OM_OK;
}

enum om_status boot_initrd(struct boot_run *run)
{
	const struct om_source *earlier = initrd_earlier(run);
	enum om_status status;

	if (earlier) {
		add_segment(run, earlier->name, &(struct om_segment){ .source = earlier,
								      .whole = true });
		stage_log(run->stage, LEVEL_INFO, "layer: %s, %llu bytes", earlier->name,
			  (unsigned long long)earlier->size);
	}
	status = add_layers(run);
	if (status == OM_OK)
		status = check_init(run);
	if (status != OM_OK)
		return status;
	status = om_segments_layout(run->segments, run->segment_count, &run->initrd_size);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "initrd: %s", om_status_text(status));
	stage_log(run->stage, LEVEL_INFO, "initrd: %u pieces, %llu bytes", run->segment_count,
		  (unsigned long long)run->initrd_size);
	return check_memory(run);
}

/* ------------------------------------------------------------------ writing */

static void write_progress(void *ctx, uint64_t done, uint64_t total)
{
	stage_progress(ctx, "initrd", done, total);
}

static enum om_status write_fail(struct boot_run *run, enum om_status status, uint32_t at)
{
	const struct om_segment *segment = &run->segments[at];

	if (segment->tree) {
		run->tree = segment->tree;
		return boot_tree_fail(run, status, run->segment_names[at]);
	}
	if (status == OM_CHECKSUM)
		return stage_fail(run->stage, status, "layer %s: sha256 does not match",
				  run->segment_names[at]);
	return stage_fail(run->stage, status, "layer %s: %s", run->segment_names[at],
			  om_status_text(status));
}

enum om_status boot_initrd_write(struct boot_run *run, void *base)
{
	struct om_image_sink sink = {
		.base = base, .size = run->initrd_size, .progress = write_progress,
		.ctx = run->stage,
	};
	struct om_verified *verified;
	enum om_status status, found;
	uint32_t at;

	for (verified = run->verified; verified; verified = verified->next)
		om_verified_begin(verified);
	status = om_segments_write(run->segments, run->segment_count, &sink, &at);
	if (status != OM_OK)
		write_fail(run, status, at);
	for (verified = run->verified; verified; verified = verified->next) {
		verified->active = false;
		if (status != OM_OK)
			continue;
		found = om_verified_end(verified);
		if (found == OM_CHECKSUM)
			status = stage_fail(run->stage, found, "layer %s: sha256 does not match",
					    verified->source.name);
		else if (found != OM_OK)
			status = stage_fail(run->stage, found, "layer %s: %s",
					    verified->source.name, om_status_text(found));
	}
	return status;
}
