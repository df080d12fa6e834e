/* SPDX-License-Identifier: MIT */
/* Files on the volume that the stage itself was loaded from. */
#include "stage.h"

#define READ_CHUNK	(1u << 20)	/* one firmware call; more is not faster */
#define INFO_BYTES	1024u		/* EFI_FILE_INFO with a 255-unit name */

static EFI_GUID info_guid = { 0x09576e92, 0x6d3f, 0x11d2,
			      { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };

EFI_STATUS stage_volume_open(struct stage *stage)
{
	EFI_FILE_IO_INTERFACE *fs;
	EFI_STATUS status;

	status = stage->bs->HandleProtocol(stage->loaded->DeviceHandle, &file_system_guid, (void **)&fs);
	if (EFI_ERROR(status))
		return status;
	status = fs->OpenVolume(fs, &stage->root);
	if (EFI_ERROR(status)) {
		stage->root = NULL;
		return status;
	}
	stage->account.files++;
	return EFI_SUCCESS;
}

void stage_volume_close(struct stage *stage)
{
	if (!stage->root)
		return;
	stage->root->Close(stage->root);
	stage->root = NULL;
	stage->account.files--;
}

EFI_STATUS stage_volume_recover(struct stage *stage)
{
	EFI_HANDLE device = stage->loaded->DeviceHandle;

	stage_volume_close(stage);
	stage->bs->DisconnectController(device, NULL, NULL);
	stage->bs->ConnectController(device, NULL, NULL, TRUE);
	stage->volume_failed = false;
	return stage_volume_open(stage);
}

static enum om_status from_efi(EFI_STATUS status)
{
	switch (status) {
	case EFI_SUCCESS:
		return OM_OK;
	case EFI_NOT_FOUND:
		return OM_MISSING;
	case EFI_OUT_OF_RESOURCES:
		return OM_NO_MEMORY;
	default:
		return OM_IO;
	}
}

/* Only our own volume is taken off its driver before the next attempt. */
static void failed(struct stage_file *file)
{
	if (!file->root)
		file->stage->volume_failed = true;
}

static enum om_status open_handle(struct stage_file *file)
{
	struct stage *stage = file->stage;
	EFI_FILE_HANDLE root = file->root ? file->root : stage->root;
	EFI_STATUS status;

	if (!root)
		return OM_IO;
	status = root->Open(root, &file->handle, file->path, EFI_FILE_MODE_READ, 0);
	if (EFI_ERROR(status)) {
		file->handle = NULL;
		if (status != EFI_NOT_FOUND)
			failed(file);
		return from_efi(status);
	}
	stage->account.files++;
	return OM_OK;
}

void stage_file_close(struct stage_file *file)
{
	if (file->stage && file->stage->lazy == file)
		file->stage->lazy = NULL;
	if (!file->handle)
		return;
	file->handle->Close(file->handle);
	file->handle = NULL;
	file->stage->account.files--;
}

void stage_file_later(struct stage_file *file)
{
	stage_file_close(file);
	file->on_demand = true;
}

void stage_file_release(struct stage_file *file)
{
	stage_file_close(file);
	if (file->loaded)
		stage_pages_free(file->stage, file->loaded, file->source.size);
	file->loaded = NULL;
	file->source.base = NULL;
}

static uint64_t time_of(const EFI_TIME *time)
{
	return unix_time(time->Year, time->Month, time->Day, time->Hour, time->Minute,
			 time->Second);
}

static enum om_status read_source(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return stage_file_read(ctx, offset, buf, len);
}

/* FILE by its path, with nothing known about what is there. */
static enum om_status name_file(struct stage *stage, struct stage_file *file, struct om_str path)
{
	enum om_status status = path_to_efi(path, file->path, STAGE_PATH_MAX);

	file->stage = stage;
	if (status == OM_OK)
		utf8_from_ucs2(file->path, STAGE_PATH_MAX, file->name, sizeof(file->name));
	return status;
}

static void set_facts(struct stage_file *file, bool directory, uint64_t size, uint64_t mtime)
{
	file->directory = directory;
	file->mtime = mtime;
	file->source = (struct om_source){
		.read_at = read_source,
		.ctx = file,
		.size = directory ? 0 : size,
		.name = file->name,
	};
}

enum om_status stage_file_open(struct stage *stage, struct stage_file *file, struct om_str path)
{
	uint8_t bytes[INFO_BYTES] __attribute__((aligned(8)));
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)bytes;
	UINTN size = sizeof(bytes);
	enum om_status status;
	EFI_STATUS result;

	status = name_file(stage, file, path);
	if (status == OM_OK)
		status = open_handle(file);
	if (status != OM_OK)
		return status;
	result = file->handle->GetInfo(file->handle, &info_guid, &size, info);
	if (EFI_ERROR(result)) {
		stage_file_close(file);
		failed(file);
		return from_efi(result);
	}
	set_facts(file, (info->Attribute & EFI_FILE_DIRECTORY) != 0, info->FileSize,
		  time_of(&info->ModificationTime));
	return OM_OK;
}

enum om_status stage_file_found(struct stage *stage, struct stage_file *file, struct om_str path,
				const struct stage_dirent *entry)
{
	enum om_status status = name_file(stage, file, path);

	if (status == OM_OK) {
		set_facts(file, entry->directory, entry->size, entry->mtime);
		file->on_demand = true;
	}
	return status;
}

enum om_status stage_file_again(struct stage_file *file)
{
	if (file->loaded)
		return OM_OK;
	if (!file->handle)
		return open_handle(file);
	/* For a directory 0 is the only position that there is. */
	return from_efi(file->handle->SetPosition(file->handle, 0));
}

EFI_STATUS stage_file_rename(struct stage *stage, struct om_str path, const char *name)
{
	uint8_t bytes[INFO_BYTES] __attribute__((aligned(8)));
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)bytes;
	UINTN size = sizeof(bytes), units;
	uint16_t wide[STAGE_PATH_MAX];
	EFI_FILE_HANDLE handle;
	EFI_STATUS result;

	if (!stage->root)
		return EFI_NO_MEDIA;
	if (path_to_efi(path, wide, STAGE_PATH_MAX) != OM_OK)
		return EFI_INVALID_PARAMETER;
	result = stage->root->Open(stage->root, &handle, wide, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE,
				   0);
	if (EFI_ERROR(result))
		return result;
	result = handle->GetInfo(handle, &info_guid, &size, info);
	if (!EFI_ERROR(result)) {
		units = (bytes + sizeof(bytes) - (uint8_t *)info->FileName) / sizeof(*info->FileName);
		units = ucs2_from_utf8(name, info->FileName, units) + 1;
		info->Size = (UINT64)((uint8_t *)(info->FileName + units) - bytes);
		result = handle->SetInfo(handle, &info_guid, info->Size, info);
	}
	handle->Close(handle);
	return result;
}

/* On-demand files share one open handle, so that a directory layer may have any number. */
static enum om_status ensure_open(struct stage_file *file)
{
	if (file->handle)
		return OM_OK;
	if (file->stage->lazy)
		stage_file_close(file->stage->lazy);
	if (file->on_demand)
		file->stage->lazy = file;
	return open_handle(file);
}

enum om_status stage_file_read(struct stage_file *file, uint64_t offset, void *buf, size_t len)
{
	struct stage *stage = file->stage;
	uint8_t *at = buf;
	enum om_status status;
	EFI_STATUS result;

	if (!om_range_inside(offset, len, file->source.size))
		return OM_TRUNCATED;
	status = ensure_open(file);
	if (status != OM_OK)
		return status;
	if (OM_STAGE_FAULTS && ++stage->faults.reads == stage->faults.read_at)
		return OM_IO;
	result = file->handle->SetPosition(file->handle, offset);
	while (!EFI_ERROR(result) && len > 0) {
		UINTN part = len < READ_CHUNK ? len : READ_CHUNK;
		UINTN got = part;

		result = file->handle->Read(file->handle, &got, at);
		if (EFI_ERROR(result))
			break;
		if (got == 0 || got > part)
			return OM_TRUNCATED;
		at += got;
		offset += got;
		len -= got;
		if (len > 0)
			stage_progress(stage, file->name, offset, file->source.size);
	}
	if (EFI_ERROR(result)) {
		failed(file);
		return OM_IO;
	}
	return OM_OK;
}

enum om_status stage_file_load(struct stage_file *file)
{
	enum om_status status;
	void *pages;

	pages = stage_pages(file->stage, file->source.size);
	if (!pages)
		return OM_NO_MEMORY;
	status = stage_file_read(file, 0, pages, file->source.size);
	if (status != OM_OK) {
		stage_pages_free(file->stage, pages, file->source.size);
		return status;
	}
	file->loaded = pages;
	file->source.base = pages;
	return OM_OK;
}

enum om_status stage_file_verify(struct stage_file *file, const uint8_t *digest)
{
	uint8_t found[OM_SHA256_SIZE];
	struct om_sha256 sha;
	uint64_t at, part;

	om_sha256_init_fast(&sha);
	for (at = 0; at < file->source.size; at += part) {
		part = file->source.size - at < READ_CHUNK ? file->source.size - at : READ_CHUNK;
		om_sha256_update(&sha, file->source.base + at, part);
		stage_progress(file->stage, "sha256", at + part, file->source.size);
	}
	om_sha256_final(&sha, found);
	return memcmp(found, digest, sizeof(found)) == 0 ? OM_OK : OM_CHECKSUM;
}

enum om_status stage_dir_next(struct stage_file *dir, struct stage_dirent *ret_entry,
			      bool *ret_more)
{
	uint8_t bytes[INFO_BYTES] __attribute__((aligned(8)));
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)bytes;
	struct stage *stage = dir->stage;
	EFI_STATUS result;
	UINTN size;

	for (;;) {
		if (OM_STAGE_FAULTS && ++stage->faults.reads == stage->faults.read_at)
			return OM_IO;
		size = sizeof(bytes);
		result = dir->handle->Read(dir->handle, &size, info);
		if (EFI_ERROR(result)) {
			stage->volume_failed = true;
			return from_efi(result);
		}
		if (size == 0) {
			*ret_more = false;
			return OM_OK;
		}
		utf8_from_ucs2(info->FileName, OM_NAME_MAX, ret_entry->name,
			       sizeof(ret_entry->name));
		if (om_str_is(om_str_from(ret_entry->name), ".") ||
		    om_str_is(om_str_from(ret_entry->name), ".."))
			continue;
		ret_entry->directory = (info->Attribute & EFI_FILE_DIRECTORY) != 0;
		ret_entry->size = info->FileSize;
		ret_entry->mtime = time_of(&info->ModificationTime);
		*ret_more = true;
		return OM_OK;
	}
}
