/* SPDX-License-Identifier: MIT */
/* Looking at the files that an entry names, before anything is planned. */
#include "stage.h"

static enum om_status probe_kernel(struct boot_run *run, const struct om_path_ref *ref,
				   const char *what)
{
	struct stage *stage = run->stage;
	struct om_diag_sink sink = { boot_diag, run };
	struct stage_file *file;
	enum om_status status;

	/* Its pages are given back early: who names the same file once more gets one of its own. */
	status = boot_open_found(run, ref->path.text, NULL, what, &file);
	if (status != OM_OK)
		return status;
	if (file->directory || file->source.size == 0)
		return stage_fail(stage, OM_TYPE, "%s %s: %s", what, file->name,
				  file->directory ? "is a directory" : "is empty");
	status = stage_file_load(file);
	if (status == OM_OK && ref->has_digest)
		status = stage_file_verify(file, ref->digest);
	if (status == OM_CHECKSUM)
		return stage_fail(stage, status, "%s %s: sha256 does not match", what, file->name);
	if (status != OM_OK)
		return stage_fail(stage, status, "%s %s: %s", what, file->name,
				  om_status_text(status));
	stage_file_close(file);
	run->kernel = file;
	status = om_kernel_probe((struct om_span){ file->source.base, file->source.size }, &sink,
				 &run->kernel_kind);
	if (status != OM_OK) {
		char reason[STAGE_MESSAGE_MAX];

		/* The finding speaks of bytes; say which file they are of. */
		om_format(reason, sizeof(reason), "%s",
			  stage->message[0] ? stage->message : om_status_text(status));
		return stage_fail(stage, status, "%s %s: %s", what, file->name, reason);
	}
	run->facts->kernel = (struct om_file_facts){ true, true, false, file->source.size,
						     OM_IMAGE_UNKNOWN };
	run->facts->kernel_kind = run->kernel_kind;
	stage_log(stage, LEVEL_INFO, "%s: %s %llu bytes", what, file->name,
		  (unsigned long long)file->source.size);
	return OM_OK;
}

static enum om_status probe_file(struct boot_run *run, const struct om_path_ref *ref,
				 const char *what, uint8_t *head, struct om_file_facts *facts)
{
	struct stage_file *file;
	enum om_status status;
	size_t len;

	status = boot_open(run, ref->path.text, what, &file);
	if (status != OM_OK)
		return status;
	facts->known = facts->exists = true;
	facts->directory = file->directory;
	if (!om_add_u64(facts->size, file->source.size, &facts->size))
		return stage_fail(run->stage, OM_LIMIT, "%s: too large", what);
	len = file->source.size < OM_IMAGE_PROBE_BYTES ? file->source.size : OM_IMAGE_PROBE_BYTES;
	if (head && !file->directory) {
		status = stage_file_read(file, 0, head, len);
		if (status != OM_OK)
			return stage_fail(run->stage, status, "%s %s: %s", what, file->name,
					  om_status_text(status));
		facts->image = file->image = om_image_probe((struct om_span){ head, len });
	}
	/* It stays open: who reads it next does not look for it again. */
	return OM_OK;
}

/* Whichever of the three keys the entry has; the plan refuses more than one. */
static const struct om_path_ref *kernel_ref(const struct om_entry *entry, const char **ret_what)
{
	if (entry->kernel.path.text.len) {
		*ret_what = "kernel";
		return &entry->kernel;
	}
	*ret_what = entry->linux_image.path.text.len ? "linux" : "efi";
	return entry->linux_image.path.text.len ? &entry->linux_image : &entry->efi;
}

/* For a look at the plan nobody is asked for a volume; then its size is not known. */
static enum om_status probe_ramdisk(struct boot_run *run, uint32_t at, uint8_t *head)
{
	const struct om_ramdisk_ref *ramdisk = &run->item->entry->ramdisks[at];
	enum om_status status = OM_OK;
	uint32_t i;

	if (removable_is_meant(run->item->entry, at))
		return run->goal == BOOT_PLAN || run->goal == BOOT_DESCRIPTOR ? OM_OK :
		       removable_load(run, at);
	for (i = 0; i < ramdisk->volume_count && status == OM_OK; i++)
		status = probe_file(run, &ramdisk->volumes[i], "ramdisk", i == 0 ? head : NULL,
				    &run->facts->ramdisks[at]);
	return status;
}

enum om_status boot_probe(struct boot_run *run)
{
	const struct om_entry *entry = run->item->entry;
	const struct om_path_ref *ref;
	enum om_status status;
	const char *what;
	uint8_t *head;
	uint32_t i;

	run->facts = om_arena_alloc(&run->arena, sizeof(*run->facts));
	head = om_arena_alloc(&run->arena, OM_IMAGE_PROBE_BYTES);
	if (!run->facts || !head)
		return stage_fail(run->stage, OM_NO_MEMORY, "probe: out of memory");
	if (!om_entry_bootable(entry))
		return stage_fail(run->stage, OM_MISSING, "%.*s: nothing to boot",
				  (int)entry->id.len, entry->id.ptr);
	ref = kernel_ref(entry, &what);
	status = probe_kernel(run, ref, what);
	/* `efi` has no layers; an initrd= in its options is for the program itself. */
	if (status != OM_OK || ref == &entry->efi)
		return status;
	for (i = 0; i < entry->layer_count; i++) {
		status = probe_file(run, &entry->layers[i].source, "layer", head,
				    &run->facts->layers[i]);
		if (status != OM_OK)
			return status;
	}
	for (i = 0; i < entry->ramdisk_count; i++) {
		status = probe_ramdisk(run, i, head);
		if (status != OM_OK)
			return status;
	}
	return OM_OK;
}
