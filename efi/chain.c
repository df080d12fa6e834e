/* SPDX-License-Identifier: MIT */
/*
 * Starting another EFI application: `efi` as it is, `linux` with the absolute root as its
 * initrd, which the kernel's EFI stub fetches through LoadFile2.
 */
#include "device_path.h"
#include "stage.h"

/* EFI_LOAD_FILE2_PROTOCOL is missing from gnu-efi's headers. */
struct load_file2 {
	EFI_STATUS (EFIAPI *load)(struct load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN policy,
				  UINTN *size, void *buf);
	struct boot_run *run;
};

static EFI_GUID load_file2_guid = { 0x4006c0c1, 0xfcb3, 0x403e,
				    { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };
static EFI_GUID device_path_guid = { 0x09576e91, 0x6d3f, 0x11d2,
				     { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };
static EFI_GUID loaded_guid = { 0x5b1b31a1, 0x9562, 0x11d2,
				{ 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };

/* A vendor media node with LINUX_EFI_INITRD_MEDIA_GUID, then the end. */
static uint8_t initrd_path[] = {
	4, 3, 20, 0,
	0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
	0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68,
	0x7f, 0xff, 4, 0,
};

static EFI_STATUS EFIAPI load_initrd(struct load_file2 *self, EFI_DEVICE_PATH *path,
				     BOOLEAN policy, UINTN *size, void *buf)
{
	(void)path;
	if (policy)
		return EFI_UNSUPPORTED;
	if (!size)
		return EFI_INVALID_PARAMETER;
	if (!buf || *size < self->run->archive_size) {
		*size = self->run->archive_size;
		return EFI_BUFFER_TOO_SMALL;
	}
	memcpy(buf, self->run->archive, self->run->archive_size);
	*size = self->run->archive_size;
	return EFI_SUCCESS;
}

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
	if (EFI_ERROR(run->stage->bs->HandleProtocol(image, &loaded_guid, (void **)&loaded)))
		return stage_fail(run->stage, OM_IO, "options: the image has no loaded-image protocol");
	loaded->LoadOptions = wide;
	loaded->LoadOptionsSize = (UINT32)(ucs2_from_utf8(text.ptr, wide, options.len + 4) + 1) * 2;
	return OM_OK;
}

static enum om_status start(struct boot_run *run, EFI_HANDLE image)
{
	struct load_file2 loader = { load_initrd, run };
	struct stage *stage = run->stage;
	bool initrd = run->plan->path == OM_BOOT_LINUX;
	EFI_HANDLE handle = NULL;
	EFI_STATUS status;

	if (initrd) {
		status = stage->bs->InstallMultipleProtocolInterfaces(&handle, &device_path_guid,
				initrd_path, &load_file2_guid, &loader, NULL);
		if (EFI_ERROR(status))
			return stage_fail(stage, OM_IO, "initrd: cannot be offered to the kernel: %s",
					  stage_efi_text(status));
		boot_variable(run, true);
	}
	stage_log(stage, LEVEL_INFO, "start: %s", run->kernel->name);
	status = stage->bs->StartImage(image, NULL, NULL);
	if (initrd) {
		boot_variable(run, false);
		stage->bs->UninstallMultipleProtocolInterfaces(handle, &device_path_guid,
				initrd_path, &load_file2_guid, &loader, NULL);
	}
	if (EFI_ERROR(status))
		return stage_fail(stage, OM_IO, "%s: came back: %s", run->kernel->name,
				  stage_efi_text(status));
	stage_log(stage, LEVEL_INFO, "start: %s came back", run->kernel->name);
	return OM_OK;
}

enum om_status boot_chain(struct boot_run *run)
{
	struct stage *stage = run->stage;
	struct stage_file *file = run->kernel;
	uint8_t *path = file_path(run, file);
	EFI_HANDLE image = NULL;
	enum om_status status;
	EFI_STATUS result;

	if (run->image_count)
		return stage_fail(stage, OM_UNSUPPORTED, "ram disks are only for `kernel` entries; "
				  "`linux` takes archives and directories");
	result = stage->bs->LoadImage(FALSE, stage->image, (EFI_DEVICE_PATH *)path,
				      (void *)(uintptr_t)file->source.base, file->source.size,
				      &image);
	if (EFI_ERROR(result)) {
		/* A refused signature still leaves a handle behind. */
		if (result == EFI_SECURITY_VIOLATION && image)
			stage->bs->UnloadImage(image);
		return stage_fail(stage, OM_UNSUPPORTED, "%s: the firmware refuses it: %s",
				  file->name, stage_efi_text(result));
	}
	status = set_options(run, image);
	if (status != OM_OK || run->goal == BOOT_REHEARSE) {
		stage->bs->UnloadImage(image);
		return status;
	}
	return start(run, image);
}
