/* SPDX-License-Identifier: MIT */
/* A boot entry on the host, looked at as the stage does: parse, probe, plan, assemble. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <overmount/boot_count.h>

#include "host.h"

static int read_text(struct entry_file *file)
{
	struct host_file source;
	int result;

	result = host_file_open(&source, file->path);
	if (result != DONE)
		return result;
	if (source.source.size > OM_ENTRY_BYTES_MAX)
		result = refuse(file->path, "has %llu bytes; an entry has at most %u",
				(unsigned long long)source.source.size, OM_ENTRY_BYTES_MAX);
	else
		result = host_file_load(&source);
	if (result == DONE)
		file->text = xalloc((size_t)source.source.size + 1);
	if (result == DONE) {
		file->text_len = (size_t)source.source.size;
		memcpy(file->text, source.loaded, file->text_len);
	}
	host_file_close(&source);
	return result;
}

/* The name of its file, without the counters that it may have. */
static char *entry_id(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *id = xprintf("%s", slash ? slash + 1 : path);
	struct om_str name = om_str_from(slash ? slash + 1 : path);
	struct om_boot_count count = om_boot_count_parse(name);

	if (count.counted)
		om_boot_count_id(name, &count, id, name.len + 1);
	return id;
}

int entry_file_read(struct entry_file *file, const char *path, const char *esp, bool global)
{
	enum om_status status;
	int result;

	memset(file, 0, sizeof(*file));
	om_arena_init(&file->arena, &host_mem);
	file->path = xstrndup(path, strlen(path));
	file->id = entry_id(path);
	file->esp = esp ? xstrndup(esp, strlen(esp)) : esp_of_entry(path);
	diag_printer_init(&file->printer, file->path);
	result = read_text(file);
	if (result != DONE)
		return result;
	status = om_entry_parse((struct om_str){ file->text, file->text_len }, om_str_from(file->id),
				global, &file->arena, &file->printer.sink, &file->entry);
	if (status == OM_OK)
		return DONE;
	return file->printer.errors ? REFUSED : refuse_status(path, status);
}

void entry_file_release(struct entry_file *file)
{
	om_arena_release(&file->arena);
	free(file->path);
	free(file->id);
	free(file->esp);
	free(file->text);
	memset(file, 0, sizeof(*file));
}

/* ------------------------------------------------------------------ probing */

static void add_facts(const char *path, bool content, struct om_file_facts *facts)
{
	struct host_file file;
	struct stat st;

	facts->known = true;
	facts->exists = path && stat(path, &st) == 0;
	if (!facts->exists)
		return;
	facts->directory = S_ISDIR(st.st_mode);
	if (facts->directory || host_file_open(&file, path) != DONE)
		return;
	if (!om_add_u64(facts->size, file.source.size, &facts->size))
		facts->size = UINT64_MAX;
	if (content)
		facts->image = host_file_probe(&file);
	host_file_close(&file);
}

static void probe_path(struct entry_file *file, const struct om_path_ref *ref, bool content,
		       struct om_file_facts *facts)
{
	char *path = esp_find(file->esp, ref->path.text);

	/* All volumes of a ram disk share one place: one that is missing makes it missing. */
	if (!facts->known || facts->exists)
		add_facts(path, content, facts);
	free(path);
}

static int probe_kernel(struct entry_file *file, const struct om_path_ref *ref)
{
	struct diag_printer printer;
	struct host_file kernel;
	enum om_status status;
	char *path;
	int result;

	probe_path(file, ref, false, &file->facts.kernel);
	if (!file->facts.kernel.exists || file->facts.kernel.directory)
		return DONE;		/* the plan says so */
	path = esp_find(file->esp, ref->path.text);
	diag_printer_init(&printer, path);
	result = host_file_open(&kernel, path);
	if (result == DONE) {
		result = host_file_load(&kernel);
		if (result == DONE) {
			status = om_kernel_probe((struct om_span){ kernel.source.base,
								   kernel.source.size },
						 &printer.sink, &file->facts.kernel_kind);
			if (status != OM_OK)
				result = printer.errors ? REFUSED : refuse_status(path, status);
		}
		host_file_close(&kernel);
	}
	free(path);
	return result;
}

static const struct om_path_ref *kernel_ref(const struct om_entry *entry)
{
	if (entry->kernel.path.text.len)
		return &entry->kernel;
	return entry->linux_image.path.text.len ? &entry->linux_image : &entry->efi;
}

/* What lies on other volumes nobody knows before the boot. */
static void probe_ramdisk(struct entry_file *file, uint32_t at)
{
	const struct om_ramdisk_ref *ramdisk = &file->entry.ramdisks[at];
	uint32_t i;

	for (i = 0; i < ramdisk->volume_count; i++)
		if (ramdisk->volumes[i].label.len)
			return;
	for (i = 0; i < ramdisk->volume_count; i++)
		probe_path(file, &ramdisk->volumes[i], i == 0, &file->facts.ramdisks[at]);
}

static int probe(struct entry_file *file)
{
	const struct om_path_ref *kernel = kernel_ref(&file->entry);
	uint32_t i;
	int result = DONE;

	if (kernel->path.text.len)
		result = probe_kernel(file, kernel);
	for (i = 0; i < file->entry.layer_count; i++)
		probe_path(file, &file->entry.layers[i].source, true, &file->facts.layers[i]);
	for (i = 0; i < file->entry.ramdisk_count; i++)
		probe_ramdisk(file, i);
	return result;
}

int entry_file_plan(struct entry_file *file)
{
	enum om_status status;
	int result = DONE;

	if (file->esp)
		result = probe(file);
	if (!om_entry_bootable(&file->entry)) {
		refuse(file->path, "nothing to boot");
		hint("expected a line with kernel, linux or efi");
		return REFUSED;
	}
	status = om_plan_make(&file->entry, file->esp ? &file->facts : NULL, &file->arena,
			      &file->printer.sink, &file->plan);
	if (status != OM_OK)
		return file->printer.errors ? REFUSED : refuse_status(file->path, status);
	file->planned = result == DONE;
	return result;
}

/* ------------------------------------------------------------------ digests */

static int check_digest(struct entry_file *file, const struct om_path_ref *ref)
{
	struct om_diag diag = { .status = OM_CHECKSUM, .line = ref->path.line,
				.column = ref->path.column };
	uint8_t found[OM_SHA256_SIZE];
	struct host_file source;
	enum om_status status;
	int result = DONE;
	uint32_t i;
	char *path;

	if (!ref->has_digest || ref->label.len)
		return DONE;
	path = esp_find(file->esp, ref->path.text);
	if (!path)
		return REFUSED;		/* the plan has said that it is missing */
	result = host_file_open(&source, path);
	if (result == DONE) {
		status = host_file_digest(&source.source, found);
		if (status != OM_OK) {
			result = refuse_status(path, status);
		} else if (memcmp(found, ref->digest, sizeof(found)) != 0) {
			snprintf(diag.text, sizeof(diag.text), "'%.*s': sha256 does not match",
				 (int)(ref->path.text.len > 150 ? 150 : ref->path.text.len),
				 ref->path.text.ptr);
			snprintf(diag.hint, sizeof(diag.hint), "the file has sha256=");
			for (i = 0; i < sizeof(found); i++)
				snprintf(diag.hint + strlen(diag.hint), 3, "%02x", found[i]);
			file->printer.sink.emit(file->printer.sink.ctx, &diag);
			result = REFUSED;
		}
		host_file_close(&source);
	}
	free(path);
	return result;
}

int entry_file_digests(struct entry_file *file)
{
	const struct om_entry *entry = &file->entry;
	int result = check_digest(file, kernel_ref(entry));
	uint32_t i, j;

	for (i = 0; i < entry->layer_count; i++)
		if (check_digest(file, &entry->layers[i].source) != DONE)
			result = REFUSED;
	for (i = 0; i < entry->ramdisk_count; i++)
		for (j = 0; j < entry->ramdisks[i].volume_count; j++)
			if (check_digest(file, &entry->ramdisks[i].volumes[j]) != DONE)
				result = REFUSED;
	return result;
}

/* ------------------------------------------------------------------ what the stage makes */

int entry_file_descriptor(struct entry_file *file, uint8_t **ret_bytes, size_t *ret_size)
{
	enum om_status status;
	uint8_t *bytes;
	size_t size;

	status = om_descriptor_size(&file->plan.root, &size);
	if (status != OM_OK)
		return refuse(file->path, "descriptor: %s", om_status_text(status));
	bytes = xalloc(size);
	status = om_descriptor_encode(&file->plan.root, bytes, size, &size);
	if (status != OM_OK) {
		free(bytes);
		return refuse(file->path, "descriptor: %s", om_status_text(status));
	}
	*ret_bytes = bytes;
	*ret_size = size;
	return DONE;
}

static int add_single(struct om_tree *tree, const struct om_layer_ref *layer, const char *name,
		      const struct host_file *file, const struct layer_view *view)
{
	struct om_member member = {
		.path = om_str_skip(layer->dest, 1),
		.mode = OM_S_IFREG | (layer->mode & 07777u),
		.uid = layer->uid,
		.gid = layer->gid,
		.nlink = 1,
		.size = file->source.size,
		.mtime = view->mtime,
	};
	enum om_status status;
	struct stat st;

	if (view->mtime == INT64_MIN)
		member.mtime = stat(file->path, &st) == 0 && st.st_mtime > 0 ? st.st_mtime : 0;
	member.mtime &= ~INT64_C(1);
	status = om_tree_begin_layer(tree, name);
	if (status == OM_OK)
		status = om_tree_add_member(tree, &member, &file->source);
	return status == OM_OK ? DONE : layer_refuse(tree, name, status);
}

/* As add_layer() of the stage: same names, same rules. */
static int add_layer(struct entry_file *entry, const struct om_layer_ref *layer,
		     struct om_tree *tree, struct layer_store *store)
{
	struct layer_view view = { true, source_date_epoch(INT64_MIN) };
	char *path = esp_find(entry->esp, layer->source.path.text);
	char *named = esp_name(layer->source.path.text);
	struct om_str name = om_arena_str(&store->arena, om_str_from(named ? named : ""));
	enum om_status status = OM_OK;
	enum om_image_kind kind;
	struct host_file *file;
	int result = REFUSED;
	struct stat st;

	if (!path || !named || stat(path, &st)) {
		refuse(entry->path, "layer '%.*s' is not there", (int)layer->source.path.text.len,
		       layer->source.path.text.ptr);
		goto free;
	}
	if (S_ISDIR(st.st_mode)) {
		result = layer_directory(tree, store, name.ptr, path, &view);
		goto free;
	}
	file = layer_store_file(store);
	result = host_file_open(file, path);
	if (result != DONE)
		goto free;
	if (layer->role == OM_LAYER_FILE) {
		result = add_single(tree, layer, name.ptr, file, &view);
		goto free;
	}
	kind = host_file_probe(file);
	if (kind == OM_IMAGE_TAR)
		status = om_tree_add_tar(tree, name.ptr, &file->source);
	else
		status = om_tree_add_cpio(tree, name.ptr, &file->source);
	if (status != OM_OK)
		result = layer_refuse(tree, path, status);
free:
	free(path);
	free(named);
	return result;
}

/* By the facts about the entry's layer of that place. */
static enum om_image_kind layer_kind(const struct entry_file *file, const struct om_layer_ref *layer)
{
	uint32_t i;

	for (i = 0; i < file->entry.layer_count; i++)
		if (file->entry.layers[i].source.path.text.ptr == layer->source.path.text.ptr)
			return file->facts.layers[i].image;
	return OM_IMAGE_UNKNOWN;
}

int entry_file_layers(struct entry_file *file, struct om_tree *tree, struct layer_store *store,
		      struct om_span descriptor, bool look)
{
	enum om_status status;
	uint32_t i;
	int result;

	for (i = 0; i < file->plan.layer_count; i++) {
		/* Beside our archive, not in it; and who only looks cannot look into what is packed. */
		if (file->plan.layers[i].untouched &&
		    (!look || om_image_is_compressed(layer_kind(file, &file->plan.layers[i]))))
			continue;
		result = add_layer(file, &file->plan.layers[i], tree, store);
		if (result != DONE)
			return result;
	}
	status = om_tree_add_bytes(tree, OM_DESCRIPTOR_PATH, 0444, descriptor);
	return status == OM_OK ? DONE : layer_refuse(tree, file->path, status);
}
