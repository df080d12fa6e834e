/* SPDX-License-Identifier: MIT */
/* One attempt to boot an entry: the steps in order, and giving everything back. */
#include "stage.h"

static CHAR16 variable_name[] = u"OvermountRootDescriptor";

void stage_diag_text(const struct om_diag *diag, char *buf, size_t size)
{
	const char *gap = diag->hint[0] ? "; " : "";

	if (diag->line)
		om_format(buf, size, "%u:%u: %s%s%s", diag->line, diag->column, diag->text, gap,
			  diag->hint);
	else if (diag->offset)
		om_format(buf, size, "byte %llu: %s%s%s", (unsigned long long)diag->offset,
			  diag->text, gap, diag->hint);
	else
		om_format(buf, size, "%s%s%s", diag->text, gap, diag->hint);
}

void boot_diag(void *ctx, const struct om_diag *diag)
{
	struct boot_run *run = ctx;
	struct om_str id = run->item->entry->id;
	char text[STAGE_MESSAGE_MAX];

	stage_diag_text(diag, text, sizeof(text));
	if (diag->warning)
		stage_log(run->stage, LEVEL_WARNING, "warning: %.*s: %s", (int)id.len, id.ptr, text);
	else if (!run->stage->message[0])
		stage_fail(run->stage, diag->status, "%.*s: %s", (int)id.len, id.ptr, text);
}

static enum om_status open_failed(struct boot_run *run, enum om_status status, struct om_str path,
				  const char *what)
{
	const char *reason = status == OM_MISSING ? "no such file on the volume" :
			     status == OM_SYNTAX ? "not a name that FAT can hold" :
						   om_status_text(status);

	return stage_fail(run->stage, status, "%s %.*s: %s", what, (int)path.len, path.ptr, reason);
}

enum om_status boot_open_found(struct boot_run *run, struct om_str path,
			       const struct stage_dirent *entry, const char *what,
			       struct stage_file **ret_file)
{
	struct stage_file *file = om_arena_alloc(&run->arena, sizeof(*file));
	enum om_status status;

	if (!file)
		return stage_fail(run->stage, OM_NO_MEMORY, "%s: out of memory", what);
	status = entry && !entry->directory ? stage_file_found(run->stage, file, path, entry) :
					      stage_file_open(run->stage, file, path);
	if (status != OM_OK)
		return open_failed(run, status, path, what);
	file->next = run->files;
	run->files = file;
	*ret_file = file;
	return OM_OK;
}

enum om_status boot_open(struct boot_run *run, struct om_str path, const char *what,
			 struct stage_file **ret_file)
{
	struct stage_file *file;
	enum om_status status;

	for (file = run->files; file; file = file->next) {
		if (!om_str_equal(file->asked, path))
			continue;
		status = stage_file_again(file);
		if (status != OM_OK)
			return open_failed(run, status, path, what);
		*ret_file = file;
		return OM_OK;
	}
	status = boot_open_found(run, path, NULL, what, ret_file);
	if (status == OM_OK)
		(*ret_file)->asked = path;
	return status;
}

void boot_close_files(struct boot_run *run)
{
	struct stage_file *file;

	for (file = run->files; file; file = file->next)
		stage_file_close(file);
}

void boot_variable(struct boot_run *run, bool set)
{
	UINT32 attributes = EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
	EFI_STATUS status;

	status = run->stage->rt->SetVariable(variable_name, &variables_guid, attributes,
					     set ? run->descriptor.len : 0,
					     set ? (void *)(uintptr_t)run->descriptor.ptr : NULL);
	/* The descriptor travels twice more: a firmware without room for it is no obstacle. */
	if (set && EFI_ERROR(status))
		stage_log(run->stage, LEVEL_WARNING,
			  "warning: descriptor: not stored as an EFI variable: %s",
			  stage_efi_text(status));
}

/* Plan and descriptor from what the files turned out to be. */
static enum om_status make_plan(struct boot_run *run)
{
	struct om_diag_sink sink = { boot_diag, run };
	struct om_entry *entry = run->item->entry;
	enum om_status status;

	run->plan = om_arena_alloc(&run->arena, sizeof(*run->plan));
	if (!run->plan)
		return stage_fail(run->stage, OM_NO_MEMORY, "plan: out of memory");
	status = om_plan_make(entry, run->facts, &run->arena, &sink, run->plan);
	if (status != OM_OK && !run->stage->message[0])
		stage_fail(run->stage, status, "%.*s: %s", (int)entry->id.len, entry->id.ptr,
			   om_status_text(status));
	return status;
}

static enum om_status encode(struct boot_run *run)
{
	struct stage *stage = run->stage;
	uint8_t digest[OM_SHA256_SIZE];
	enum om_status status;
	size_t size;
	void *pages;

	status = om_descriptor_size(&run->plan->root, &size);
	if (status != OM_OK)
		return stage_fail(stage, status, "descriptor: %s", om_status_text(status));
	pages = stage_pages(stage, size);
	if (!pages)
		return stage_fail(stage, OM_NO_MEMORY, "descriptor: out of memory");
	run->descriptor = (struct om_span){ pages, size };
	run->descriptor_bytes = size;
	status = om_descriptor_encode(&run->plan->root, pages, size, &size);
	if (status != OM_OK)
		return stage_fail(stage, status, "descriptor: %s", om_status_text(status));
	om_sha256(pages, size, digest);
	stage_log(stage, LEVEL_INFO,
		  "descriptor: %u bytes, sha256 %02x%02x%02x%02x%02x%02x%02x%02x...",
		  (unsigned)size, digest[0], digest[1], digest[2], digest[3], digest[4], digest[5],
		  digest[6], digest[7]);
	return OM_OK;
}

static void print_line(void *ctx, const char *text)
{
	stage_put(ctx, text);
	stage_put(ctx, "\n");
}

static void print_plan(struct stage *stage, void *ctx)
{
	struct boot_run *run = ctx;

	om_plan_describe(run->plan, print_line, stage);
}

/* What is shown is what a kernel would read: the bytes, decoded again. */
static void print_descriptor(struct stage *stage, void *ctx)
{
	struct boot_run *run = ctx;
	struct om_diag_sink sink = { boot_diag, run };
	struct om_root *root = om_arena_alloc(&run->arena, sizeof(*root));
	enum om_status status = OM_NO_MEMORY;

	if (root)
		status = om_descriptor_decode(run->descriptor, &sink, root);
	if (status != OM_OK)
		stage_fail(stage, status, "descriptor: %s", om_status_text(status));
	else
		om_descriptor_to_text(root, print_line, stage);
}

static void release(struct boot_run *run)
{
	struct stage *stage = run->stage;
	struct stage_file *file;
	struct boot_tree *tree;
	uint32_t i;

	stage_pages_free(stage, (void *)(uintptr_t)run->map.bytes, run->map_bytes);
	for (tree = run->trees; tree; tree = tree->next)
		om_tree_release(&tree->tree);
	if (run->archive)
		stage_pages_free(stage, run->archive, run->archive_size);
	ram_disks_remove(run);
	for (i = 0; i < run->image_count; i++)
		stage_pages_free(stage, run->images[i].pages, run->images[i].page_bytes);
	for (i = 0; i < OM_IMAGES_MAX; i++)
		if (run->removable[i].pages)
			stage_pages_free(stage, run->removable[i].pages,
					 run->removable[i].page_bytes);
	if (run->descriptor.ptr)
		stage_pages_free(stage, (void *)(uintptr_t)run->descriptor.ptr,
				 run->descriptor_bytes);
	for (file = run->files; file; file = file->next)
		stage_file_release(file);
	om_arena_release(&run->arena);
}

static enum om_status linux_steps(struct boot_run *run)
{
	enum om_status status = OM_OK;

	/* They come first: the check of the memory sees what is left. */
	if (run->plan->root.attach == OM_ATTACH_PMEM) {
		status = boot_images(run);
		if (status == OM_OK)
			status = ram_disks_enter(run);
	}
	if (status == OM_OK)
		status = boot_initrd(run);
	return status == OM_OK ? boot_chain(run) : status;
}

static enum om_status steps(struct boot_run *run)
{
	struct stage *stage = run->stage;
	enum om_status status;

	status = boot_probe(run);
	if (status == OM_OK)
		status = make_plan(run);
	if (status != OM_OK)
		return status;
	if (run->goal == BOOT_PLAN) {
		stage_menu_page(stage, "plan", print_plan, run);
		return OM_OK;
	}
	if (run->plan->path != OM_BOOT_EFI || run->goal == BOOT_DESCRIPTOR) {
		status = encode(run);
		if (status != OM_OK)
			return status;
	}
	if (run->goal == BOOT_DESCRIPTOR) {
		stage_menu_page(stage, "descriptor", print_descriptor, run);
		return OM_OK;
	}
	if (run->plan->path == OM_BOOT_EFI)
		return boot_chain(run);
	if (run->plan->path == OM_BOOT_LINUX)
		return linux_steps(run);
	status = boot_check_memory(run);
	if (status == OM_OK)
		status = boot_assemble(run);
	if (status == OM_OK)
		status = boot_images(run);
	if (status != OM_OK)
		return status;
	return boot_handoff(run);
}

enum om_status stage_boot(struct stage *stage, struct boot_item *item, enum boot_goal goal)
{
	const struct om_entry *entry = item->entry;
	struct boot_run *run;
	enum om_status status;

	stage_log(stage, LEVEL_INFO, "entry: %.*s '%.*s'", (int)entry->id.len, entry->id.ptr,
		  (int)entry->title.text.len, entry->title.text.ptr);
	if (item->error[0])
		return stage_fail(stage, OM_SYNTAX, "%.*s: %s", (int)entry->id.len, entry->id.ptr,
				  item->error);
	run = stage_pages(stage, sizeof(*run));
	if (!run)
		return stage_fail(stage, OM_NO_MEMORY, "%.*s: out of memory", (int)entry->id.len,
				  entry->id.ptr);
	memset(run, 0, sizeof(*run));
	run->stage = stage;
	run->item = item;
	run->goal = goal;
	om_arena_init(&run->arena, &stage->mem);
	status = steps(run);
	release(run);
	stage_pages_free(stage, run, sizeof(*run));
	return status;
}
