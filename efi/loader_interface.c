/* SPDX-License-Identifier: MIT */
/*
 * The Boot Loader Interface: EFI variables by which a loader and an operating system know of each
 * other.  bootctl(1), systemctl(1) and systemd-analyze(1) read and write them.
 */
#include <overmount/version.h>

#include "device_path.h"
#include "stage.h"

#define VALUE_MAX	288u		/* 16-bit units; a name, and its folder */
#define WHILE_RUNNING	(EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)

/* Bits of LoaderFeatures. */
#define CONFIG_TIMEOUT		(UINT64_C(1) << 0)
#define CONFIG_TIMEOUT_ONE_SHOT	(UINT64_C(1) << 1)
#define ENTRY_DEFAULT		(UINT64_C(1) << 2)
#define ENTRY_ONE_SHOT		(UINT64_C(1) << 3)
#define BOOT_COUNTING		(UINT64_C(1) << 4)
#define SORT_KEY		(UINT64_C(1) << 8)
#define SAVED_ENTRY		(UINT64_C(1) << 9)
#define MENU_DISABLED		(UINT64_C(1) << 13)
#define ENTRY_PREFERRED		(UINT64_C(1) << 19)

static EFI_GUID interface_guid = { 0x4a67b082, 0x0a4c, 0x41cf,
				   { 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f } };

static const CHAR16 count_path_name[] = u"LoaderBootCountPath";

/* ------------------------------------------------------------------ what it says to us */

bool loader_value_read(struct stage *stage, const uint16_t *name, bool once, char *buf, size_t size)
{
	uint16_t text[VALUE_MAX];
	UINTN bytes = sizeof(text);
	EFI_STATUS status;
	char *at;

	status = stage->rt->GetVariable((CHAR16 *)(uintptr_t)name, &interface_guid, NULL, &bytes, text);
	/* Also what is too large to be read. */
	if (once && status != EFI_NOT_FOUND)
		stage->rt->SetVariable((CHAR16 *)(uintptr_t)name, &interface_guid, 0, 0, NULL);
	buf[0] = '\0';
	if (EFI_ERROR(status))
		return false;
	utf8_from_ucs2(text, bytes / 2, buf, size);
	/* It is printed, and anybody may have written it. */
	for (at = buf; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return buf[0] != '\0';
}

/* ------------------------------------------------------------------ what we say */

static void put_as(struct stage *stage, const CHAR16 *name, UINT32 attributes, const void *data,
		   size_t bytes)
{
	EFI_STATUS status = stage->rt->SetVariable((CHAR16 *)(uintptr_t)name, &interface_guid,
						   attributes, bytes, (void *)(uintptr_t)data);
	char text[64];

	if (!EFI_ERROR(status))
		return;
	utf8_from_ucs2(name, sizeof(text), text, sizeof(text));
	stage_log(stage, LEVEL_WARNING, "warning: %s: not stored as an EFI variable: %s", text,
		  stage_efi_text(status));
}

static void put(struct stage *stage, const CHAR16 *name, const void *data, size_t bytes)
{
	put_as(stage, name, WHILE_RUNNING, data, bytes);
}

static void put_text(struct stage *stage, const CHAR16 *name, const char *text)
{
	uint16_t wide[VALUE_MAX];

	put(stage, name, wide, (ucs2_from_utf8(text, wide, VALUE_MAX) + 1) * sizeof(*wide));
}

void loader_value_keep(struct stage *stage, const uint16_t *name, struct om_str text)
{
	char id[STAGE_NAME_BYTES];
	uint16_t wide[VALUE_MAX];

	om_format(id, sizeof(id), "%.*s", (int)text.len, text.ptr);
	put_as(stage, name, WHILE_RUNNING | EFI_VARIABLE_NON_VOLATILE, wide,
	       text.len ? (ucs2_from_utf8(id, wide, VALUE_MAX) + 1) * sizeof(*wide) : 0);
}

void loader_interface_failed(struct stage *stage)
{
	put_text(stage, u"LoaderSysFailReason", "firmware-update-failure");
}

static void put_time(struct stage *stage, const CHAR16 *name, uint64_t ticks)
{
	char text[24];

	if (!ticks || !stage->tsc_hz)
		return;
	om_format(text, sizeof(text), "%llu", (unsigned long long)stage_ticks_usec(stage, ticks));
	put_text(stage, name, text);
}

static void put_places(struct stage *stage)
{
	char text[VALUE_MAX];
	uint8_t *path = NULL;

	if (!EFI_ERROR(stage->bs->HandleProtocol(stage->loaded->DeviceHandle, &device_path_guid,
						 (void **)&path)) &&
	    device_path_partition(path, DEVICE_PATH_MAX, text))
		put_text(stage, u"LoaderDevicePartUUID", text);
	path = (uint8_t *)stage->loaded->FilePath;
	if (path && device_path_file(path, DEVICE_PATH_MAX, text, sizeof(text)))
		put_text(stage, u"LoaderImageIdentifier", text);
}

static void put_firmware(struct stage *stage)
{
	uint32_t revision = stage->table->FirmwareRevision;
	EFI_TABLE_HEADER *header = &stage->table->Hdr;
	char vendor[96], text[128];

	utf8_from_ucs2(stage->table->FirmwareVendor, sizeof(vendor), vendor, sizeof(vendor));
	om_format(text, sizeof(text), "%s %u.%02u", vendor, revision >> 16, revision & 0xffff);
	put_text(stage, u"LoaderFirmwareInfo", text);
	om_format(text, sizeof(text), "UEFI %u.%02u", header->Revision >> 16,
		  header->Revision & 0xffff);
	put_text(stage, u"LoaderFirmwareType", text);
}

/* The names of all entries one behind the other, each with its NUL. */
static void put_entries(struct boot_run *run)
{
	const struct stage_config *config = run->stage->config;
	size_t units = 0, at = 0, i;
	uint16_t *wide;
	struct om_str id;

	for (i = 0; i < config->count; i++)
		units += config->items[i]->entry->id.len + 1;
	wide = om_arena_array(&run->arena, units + 1, sizeof(*wide));
	for (i = 0; wide && i < config->count; i++) {
		id = om_arena_str(&run->arena, config->items[i]->entry->id);
		if (!id.ptr)
			return;
		at += ucs2_from_utf8(id.ptr, wide + at, units + 1 - at) + 1;
	}
	if (wide)
		put(run->stage, u"LoaderEntries", wide, at * sizeof(*wide));
}

void loader_interface_tell(struct boot_run *run)
{
	const uint64_t features = CONFIG_TIMEOUT | CONFIG_TIMEOUT_ONE_SHOT | ENTRY_DEFAULT |
				  ENTRY_ONE_SHOT | BOOT_COUNTING | SORT_KEY | SAVED_ENTRY |
				  MENU_DISABLED | ENTRY_PREFERRED;
	struct om_str id = om_arena_str(&run->arena, run->item->entry->id);
	char path[OM_NAME_MAX * 3 + 32];
	struct stage *stage = run->stage;
	uint8_t bits[8];

	om_put_le64(bits, features);
	put(stage, u"LoaderFeatures", bits, sizeof(bits));
	put_text(stage, u"LoaderInfo", "overmount " OVERMOUNT_VERSION);
	put_firmware(stage);
	put_places(stage);
	put_entries(run);
	if (id.ptr)
		put_text(stage, u"LoaderEntrySelected", id.ptr);
	if (run->item->count.counted) {
		om_format(path, sizeof(path), "\\loader\\entries\\%.*s", (int)run->item->file.len,
			  run->item->file.ptr);
		put_text(stage, count_path_name, path);
	}
	put_time(stage, u"LoaderTimeInitUSec", stage->tsc_entry);
	put_time(stage, u"LoaderTimeMenuUSec", stage->tsc_menu);
	put_time(stage, u"LoaderTimeExecUSec", stage_rdtsc());
}

/* A boot that is not counted must not bless this entry. */
void loader_interface_back(struct boot_run *run)
{
	if (run->item->count.counted)
		run->stage->rt->SetVariable((CHAR16 *)(uintptr_t)count_path_name, &interface_guid, 0, 0,
					    NULL);
}
