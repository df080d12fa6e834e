/* SPDX-License-Identifier: MIT */
/*
 * Ram disks from volumes that somebody has to bring: asked for, found by their label, read at
 * once (the next one may need the same drive), and asked for again when they are not right.
 */
#include "stage.h"

#include <stdarg.h>

#define TICK_MS		250u
#define MEDIA_MAX	64u
#define LABEL_BYTES	(OM_VOLUME_LABEL_MAX * 3 + 1)
#define INFO_BYTES	512u

static EFI_GUID block_guid = { 0x964e5b21, 0x6459, 0x11d2,
			       { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };
static EFI_GUID fs_info_guid = { 0x09576e93, 0x6d3f, 0x11d2,
				 { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };

/* -- media: what is in the drives, and whether that changes ---------------------------------------- */

struct medium {
	EFI_HANDLE handle;
	UINT32 id;
	bool present;
};

struct media {
	struct medium list[MEDIA_MAX];
	UINTN count;
};

/* A firmware in a hurry has connected what it booted from, and no other drive or bus. */
static void connect_all(struct stage *stage)
{
	EFI_HANDLE *handles = NULL;
	UINTN count = 0, i;

	if (EFI_ERROR(stage->bs->LocateHandleBuffer(AllHandles, NULL, NULL, &count, &handles)))
		return;
	for (i = 0; i < count; i++)
		stage->bs->ConnectController(handles[i], NULL, NULL, TRUE);
	stage->bs->FreePool(handles);
}

/* A drive notices a new medium when it is read. */
static void look_at(EFI_BLOCK_IO *block, void *page)
{
	if (block->Media->RemovableMedia && block->Media->BlockSize <= OM_PAGE_SIZE)
		block->ReadBlocks(block, block->Media->MediaId, 0, block->Media->BlockSize, page);
}

static void media_now(struct stage *stage, void *page, struct media *ret)
{
	EFI_HANDLE *handles = NULL;
	EFI_BLOCK_IO *block;
	UINTN count = 0, i;

	ret->count = 0;
	if (EFI_ERROR(stage->bs->LocateHandleBuffer(ByProtocol, &block_guid, NULL, &count,
						    &handles)))
		return;
	for (i = 0; i < count && ret->count < MEDIA_MAX; i++) {
		if (EFI_ERROR(stage->bs->HandleProtocol(handles[i], &block_guid, (void **)&block)) ||
		    block->Media->LogicalPartition)
			continue;
		look_at(block, page);
		ret->list[ret->count++] = (struct medium){ handles[i], block->Media->MediaId,
							   block->Media->MediaPresent };
	}
	stage->bs->FreePool(handles);
}

static const struct medium *find_medium(const struct media *media, EFI_HANDLE handle)
{
	UINTN i;

	for (i = 0; i < media->count; i++)
		if (media->list[i].handle == handle)
			return &media->list[i];
	return NULL;
}

/*
 * Did a medium come or change since BEFORE?  Its drivers are then connected anew: a file system
 * that was on the old one must not be taken for what is on the new one.
 */
static bool media_changed(struct stage *stage, void *page, struct media *before)
{
	struct media now;
	bool changed = false, arrived = false;
	UINTN i;

	media_now(stage, page, &now);
	for (i = 0; i < now.count; i++) {
		const struct medium *was = find_medium(before, now.list[i].handle);

		if (was && was->id == now.list[i].id && was->present == now.list[i].present)
			continue;
		if (was)
			stage->bs->DisconnectController(now.list[i].handle, NULL, NULL);
		stage->bs->ConnectController(now.list[i].handle, NULL, NULL, TRUE);
		changed = true;
		arrived = arrived || now.list[i].present;
	}
	/* A driver that starts anew also counts its media anew. */
	if (changed)
		media_now(stage, page, &now);
	*before = now;
	return arrived;
}

/* -- one volume ------------------------------------------------------------------------------------- */

/* What is to be read, and what came of the last attempt. */
struct volume {
	struct boot_run *run;
	const struct om_path_ref *ref;
	uint32_t disk, number, count;	/* of the ram disk, of all its volumes */
	uint64_t start;			/* bytes to leave out */
	void *pages;
	uint64_t len;
	char why[STAGE_MESSAGE_MAX];
};

static enum om_status because(struct volume *volume, enum om_status status, const char *format, ...)
	OM_PRINTF(3, 4);

static enum om_status because(struct volume *volume, enum om_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	om_vformat(volume->why, sizeof(volume->why), format, args);
	va_end(args);
	return status;
}

static void label_of(EFI_FILE_HANDLE root, char *buf, size_t size)
{
	uint8_t bytes[INFO_BYTES] __attribute__((aligned(8)));
	EFI_FILE_SYSTEM_INFO *info = (EFI_FILE_SYSTEM_INFO *)bytes;
	UINTN len = sizeof(bytes);

	buf[0] = '\0';
	if (!EFI_ERROR(root->GetInfo(root, &fs_info_guid, &len, info)))
		utf8_from_ucs2(info->VolumeLabel, OM_VOLUME_LABEL_MAX, buf, size);
}

/* The root directory of the volume with the label; otherwise the labels that were seen. */
static EFI_FILE_HANDLE find_volume(struct volume *volume)
{
	struct stage *stage = volume->run->stage;
	EFI_FILE_IO_INTERFACE *fs;
	EFI_FILE_HANDLE root;
	EFI_HANDLE *handles = NULL;
	UINTN count = 0, i;
	char label[LABEL_BYTES], seen[OM_LOG_LINE_MAX / 2] = "";

	if (EFI_ERROR(stage->bs->LocateHandleBuffer(ByProtocol, &file_system_guid, NULL, &count, &handles)))
		count = 0;
	for (i = 0; i < count; i++) {
		if (EFI_ERROR(stage->bs->HandleProtocol(handles[i], &file_system_guid, (void **)&fs)) ||
		    EFI_ERROR(fs->OpenVolume(fs, &root)))
			continue;
		label_of(root, label, sizeof(label));
		if (volume_label_is(label, volume->ref->label)) {
			stage->bs->FreePool(handles);
			return root;
		}
		root->Close(root);
		volume_label_list(seen, sizeof(seen), label);
	}
	if (handles)
		stage->bs->FreePool(handles);
	(void)because(volume, OM_MISSING, "no volume has this label; there %s %s",
		      seen[0] ? "are:" : "is", seen[0] ? seen : "none at all");
	return NULL;
}

static enum om_status read_file(struct volume *volume, struct stage_file *file)
{
	struct stage *stage = volume->run->stage;
	enum om_status status = OM_OK;
	uint64_t size = file->source.size;

	if (file->directory || size <= volume->start)
		return because(volume, OM_TYPE, "%s %s", file->name, file->directory ?
			       "is a directory" : volume->start ? "ends before start=" : "is empty");
	if (volume->ref->has_digest) {
		status = stage_file_load(file);
		if (status == OM_OK)
			status = stage_file_verify(file, volume->ref->digest);
		if (status == OM_CHECKSUM)
			return because(volume, status, "%s: sha256 does not match", file->name);
	}
	volume->len = size - volume->start;
	volume->pages = status == OM_OK ? stage_pages(stage, volume->len) : NULL;
	if (!volume->pages)
		return because(volume, status != OM_OK ? status : OM_NO_MEMORY, "%s: %s", file->name,
			       om_status_text(status != OM_OK ? status : OM_NO_MEMORY));
	if (file->source.base)
		memcpy(volume->pages, file->source.base + volume->start, volume->len);
	else
		status = stage_file_read(file, volume->start, volume->pages, volume->len);
	if (status != OM_OK) {
		stage_pages_free(stage, volume->pages, volume->len);
		return because(volume, status, "%s cannot be read: %s", file->name,
			       om_status_text(status));
	}
	return OM_OK;
}

/* One attempt; WHY says what is wrong. */
static enum om_status read_volume(struct volume *volume)
{
	struct boot_run *run = volume->run;
	struct stage_file *file = om_arena_alloc(&run->arena, sizeof(*file));
	EFI_FILE_HANDLE root = NULL;
	enum om_status status;

	if (!file)
		return because(volume, OM_NO_MEMORY, "out of memory");
	if (volume->ref->label.len) {
		root = find_volume(volume);
		if (!root)
			return OM_MISSING;
	} else if (run->stage->volume_failed) {
		boot_close_files(run);
		stage_volume_recover(run->stage);
	}
	file->root = root;
	status = stage_file_open(run->stage, file, volume->ref->path.text);
	if (status == OM_OK)
		status = read_file(volume, file);
	else
		(void)because(volume, status, status == OM_MISSING ? "the volume has no such file" :
			      "the file cannot be opened: %s", om_status_text(status));
	stage_file_release(file);
	if (root)
		root->Close(root);
	return status;
}

/* -- asking ----------------------------------------------------------------------------------------- */

static void name_volume(const struct volume *volume, char *buf, size_t size)
{
	const struct om_path_ref *ref = volume->ref;
	bool far = ref->label.len > 0;

	om_format(buf, size, "volume %u of %u%s%.*s%s (%.*s)", volume->number, volume->count,
		  far ? ", labelled '" : "", (int)ref->label.len, ref->label.ptr, far ? "'" : "",
		  (int)ref->path.text.len, ref->path.text.ptr);
}

/* Until Enter or a new medium (OM_OK), or Esc (OM_MISSING). */
static enum om_status ask(struct volume *volume, void *page, struct media *media)
{
	struct stage *stage = volume->run->stage;
	char name[STAGE_MESSAGE_MAX];
	enum menu_key key;

	name_volume(volume, name, sizeof(name));
	stage_log(stage, LEVEL_ERROR, "ramdisk: %u: insert %s; Enter: read it, Esc: give up",
		  volume->disk, name);
	for (;;) {
		key = stage_key(stage, TICK_MS);
		if (key == MENU_KEY_ENTER)
			return OM_OK;
		if (key == MENU_KEY_ESCAPE)
			return stage_fail(stage, OM_MISSING, "ramdisk %u: given up at %s",
					  volume->disk, name);
		if (media_changed(stage, page, media)) {
			stage_log(stage, LEVEL_INFO, "ramdisk: %u: a medium was inserted",
				  volume->disk);
			return OM_OK;
		}
	}
}

static enum om_status fetch(struct volume *volume, void *page, struct media *media)
{
	struct stage *stage = volume->run->stage;
	bool prompt = volume->run->item->entry->ramdisk_prompt;
	char name[STAGE_MESSAGE_MAX];
	enum om_status status;

	name_volume(volume, name, sizeof(name));
	for (;;) {
		status = prompt ? ask(volume, page, media) : OM_OK;
		if (status != OM_OK)
			return status;
		status = read_volume(volume);
		if (status == OM_OK)
			break;
		if (!prompt)
			return stage_fail(stage, status, "ramdisk %u: %s: %s; 'ramdisk-prompt yes' "
					  "would ask for it", volume->disk, name, volume->why);
		stage_log(stage, LEVEL_ERROR, "ramdisk: %u: %s: %s", volume->disk, name, volume->why);
	}
	stage_log(stage, LEVEL_INFO, "ramdisk: %u: %s, %llu bytes", volume->disk, name,
		  (unsigned long long)volume->len);
	return OM_OK;
}

/* -- a ram disk ------------------------------------------------------------------------------------- */

bool removable_is_meant(const struct om_entry *entry, uint32_t at)
{
	uint32_t i;

	for (i = 0; i < entry->ramdisks[at].volume_count; i++)
		if (entry->ramdisks[at].volumes[i].label.len)
			return true;
	return entry->ramdisk_prompt;
}

/* Several pieces become one; a single one stays where it is. */
static enum om_status join(struct stage *stage, struct volume *volumes, uint32_t count,
			   struct boot_image *image)
{
	uint64_t size = 0, at = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		size += volumes[i].len;
	image->pages = count == 1 ? volumes[0].pages : stage_pages(stage, size);
	if (!image->pages)
		return stage_fail(stage, OM_NO_MEMORY, "too little memory: ramdisk %u needs %llu KiB "
				  "in one piece", volumes[0].disk, (unsigned long long)(size >> 10));
	image->page_bytes = image->place.data.len = size;
	image->place.index = volumes[0].disk;
	image->place.data.addr = (uint64_t)(uintptr_t)image->pages;
	for (i = 0; count > 1 && i < count; i++) {
		memcpy((uint8_t *)image->pages + at, volumes[i].pages, volumes[i].len);
		at += volumes[i].len;
	}
	return OM_OK;
}

static enum om_status fetch_all(struct boot_run *run, const struct om_ramdisk_ref *ref,
				struct volume *volumes, uint32_t *ret_count, struct media *media)
{
	void *page = om_arena_alloc(&run->arena, 2 * OM_PAGE_SIZE);
	enum om_status status = OM_OK;
	uint32_t i;

	if (!page)
		return stage_fail(run->stage, OM_NO_MEMORY, "ramdisk: out of memory");
	page = (void *)(uintptr_t)om_align_up((uintptr_t)page, OM_PAGE_SIZE);
	connect_all(run->stage);
	media_now(run->stage, page, media);
	for (i = 0; i < ref->volume_count && status == OM_OK; i++) {
		volumes[i] = (struct volume){ .run = run, .ref = &ref->volumes[i], .disk = ref->index,
					      .number = i + 1, .count = ref->volume_count,
					      .start = i ? 0 : (uint64_t)ref->start_kib << 10 };
		status = fetch(&volumes[i], page, media);
		*ret_count += status == OM_OK;
	}
	return status;
}

struct boot_image *removable_image(struct boot_run *run, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < OM_IMAGES_MAX; i++)
		if (run->removable[i].pages && run->removable[i].place.index == index)
			return &run->removable[i];
	return NULL;
}

enum om_status removable_load(struct boot_run *run, uint32_t at)
{
	const struct om_ramdisk_ref *ref = &run->item->entry->ramdisks[at];
	struct volume *volumes = om_arena_array(&run->arena, ref->volume_count, sizeof(*volumes));
	struct media *media = om_arena_alloc(&run->arena, sizeof(*media));
	struct boot_image *image = &run->removable[at];
	struct om_file_facts *facts = &run->facts->ramdisks[at];
	enum om_status status;
	uint32_t i, count = 0;
	uint64_t head;

	if (!volumes || !media)
		return stage_fail(run->stage, OM_NO_MEMORY, "ramdisk: out of memory");
	status = fetch_all(run, ref, volumes, &count, media);
	if (status == OM_OK)
		status = join(run->stage, volumes, count, image);
	for (i = 0; i < count; i++)
		if (volumes[i].pages != image->pages)
			stage_pages_free(run->stage, volumes[i].pages, volumes[i].len);
	if (status != OM_OK)
		return status;
	head = image->page_bytes < OM_IMAGE_PROBE_BYTES ? image->page_bytes : OM_IMAGE_PROBE_BYTES;
	facts->known = facts->exists = true;
	facts->image = om_image_probe((struct om_span){ image->pages, head });
	/* As if it were files: with what start= leaves out. */
	facts->size = image->page_bytes + ((uint64_t)ref->start_kib << 10);
	return OM_OK;
}
