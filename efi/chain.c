/* SPDX-License-Identifier: MIT */
/*
 * Starting another EFI application: `efi` as it is, `linux` with an initrd that its EFI stub
 * fetches while it runs.
 */
#include "device_path.h"
#include "stage.h"

/* Device path of a file on our volume, so that what is started knows where it came from. */
static uint8_t *file_path(struct boot_run *run, const struct stage_file *file)
{
	size_t units = 1, len;
	uint8_t *device = NULL, *path;

	if (EFI_ERROR(run->stage->bs->HandleProtocol(run->stage->loaded->DeviceHandle,
						     &device_path_guid, (void **)&device)))
		return NULL;
	while (file->path[units - 1])
		units++;
	len = device_path_len(device, DEVICE_PATH_MAX);
	path = om_arena_alloc(&run->arena, len + 4 + 2 * units + 4);
	if (!path)
		return NULL;
	memcpy(path, device, len);
	path[len] = 4;			/* media */
	path[len + 1] = 4;		/* file path */
	om_put_le16(path + len + 2, (uint16_t)(4 + 2 * units));
	memcpy(path + len + 4, file->path, 2 * units);
	memcpy(path + len + 4 + 2 * units, "\x7f\xff\x04\x00", 4);
	return path;
}

static enum om_status set_options(struct boot_run *run, EFI_HANDLE image)
{
	struct om_str options = run->plan->options;
	EFI_LOADED_IMAGE *loaded;
	struct om_str text;
	uint16_t *wide;

	if (options.len == 0)
		return OM_OK;
	text = om_arena_str(&run->arena, options);
	wide = om_arena_array(&run->arena, options.len + 4, sizeof(*wide));
	if (!text.ptr || !wide)
		return stage_fail(run->stage, OM_NO_MEMORY, "options: out of memory");
	/* Obeyed here; the kernel's EFI stub would not take what is left, the absolute root. */
	if (run->plan->layer_count)
		word_blank((char *)(uintptr_t)text.ptr, "noinitrd");
	if (EFI_ERROR(run->stage->bs->HandleProtocol(image, &loaded_image_guid, (void **)&loaded)))
		return stage_fail(run->stage, OM_IO, "options: the image has no loaded-image protocol");
	loaded->LoadOptions = wide;
	loaded->LoadOptionsSize = (UINT32)(ucs2_from_utf8(text.ptr, wide, options.len + 4) + 1) * 2;
	return OM_OK;
}

static enum om_status start(struct boot_run *run, EFI_HANDLE image)
{
	struct stage *stage = run->stage;
	EFI_STATUS status;

	if (run->descriptor.len)
		boot_variable(run, true);
	loader_interface_tell(run);
	stage_log(stage, LEVEL_INFO, "start: %s", run->kernel->name);
	status = stage->bs->StartImage(image, NULL, NULL);
	if (run->descriptor.len)
		boot_variable(run, false);
	loader_interface_back(run);
	/* What the kernel says of a failed load is less than what was logged then. */
	if (run->initrd_status != OM_OK)
		return run->initrd_status;
	if (EFI_ERROR(status))
		return stage_fail(stage, OM_IO, "%s: came back: %s", run->kernel->name,
				  stage_efi_text(status));
	stage_log(stage, LEVEL_INFO, "start: %s came back", run->kernel->name);
	return OM_OK;
}

/* Test builds: everything that the kernel would ask for, and nothing started. */
static enum om_status rehearse(struct boot_run *run)
{
	enum om_status status;
	void *pages;

	if (run->plan->path != OM_BOOT_LINUX)
		return OM_OK;
	pages = stage_pages(run->stage, run->initrd_size);
	if (!pages)
		return stage_fail(run->stage, OM_NO_MEMORY, "initrd: out of memory");
	status = boot_initrd_write(run, pages);
	stage_pages_free(run->stage, pages, run->initrd_size);
	return status;
}

enum om_status boot_chain(struct boot_run *run)
{
	struct stage *stage = run->stage;
	struct stage_file *file = run->kernel;
	uint8_t *path = file_path(run, file);
	EFI_HANDLE image = NULL;
	uint64_t begin = stage_usec(stage), loaded;
	enum om_status status;
	EFI_STATUS result;

	result = stage->bs->LoadImage(FALSE, stage->image, (EFI_DEVICE_PATH *)path,
				      (void *)(uintptr_t)file->source.base, file->source.size,
				      &image);
	/* The firmware has its own copy now. */
	loaded = stage_usec(stage);
	stage_file_release(file);
	stage_log(stage, LEVEL_DEBUG, "start: loaded by the firmware in %llu us, the file given back "
		  "in %llu us", (unsigned long long)(loaded - begin),
		  (unsigned long long)(stage_usec(stage) - loaded));
	if (EFI_ERROR(result)) {
		/* A refused signature still leaves a handle behind. */
		if (result == EFI_SECURITY_VIOLATION && image)
			stage->bs->UnloadImage(image);
		return stage_fail(stage, OM_UNSUPPORTED, "%s: the firmware refuses it: %s%s",
				  file->name, stage_efi_text(result),
				  result == EFI_SECURITY_VIOLATION || result == EFI_ACCESS_DENIED ?
				  "; Secure Boot trusts no signature of it" : "");
	}
	stage->peak_pages = stage->account.pages;
	status = set_options(run, image);
	if (status == OM_OK && run->plan->path == OM_BOOT_LINUX)
		status = initrd_offer(run);
	if (status == OM_OK && run->goal != BOOT_REHEARSE) {
		status = start(run, image);
	} else {
		if (status == OM_OK)
			status = rehearse(run);
		stage->bs->UnloadImage(image);
	}
	initrd_withdraw(run);
	return status;
}
