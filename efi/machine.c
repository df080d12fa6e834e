/* SPDX-License-Identifier: MIT */
#include "stage.h"

#define CALIBRATE_USEC	1000u
#define CALIBRATE_ROUNDS 4

EFI_GUID loaded_image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
EFI_GUID file_system_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
/* OM_VARIABLES_VENDOR */
EFI_GUID variables_guid = { 0x848e32f6, 0x17f1, 0x4d18,
			    { 0x90, 0x1c, 0xac, 0x07, 0x18, 0x21, 0x37, 0x51 } };

EFI_GUID esrt_guid = { 0xb122a263, 0x3661, 0x4f68,
		       { 0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80 } };

static EFI_GUID acpi2_guid = { 0x8868e871, 0xe4f1, 0x11d3,
			       { 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 } };
static EFI_GUID acpi1_guid = { 0xeb9d2d30, 0x2d88, 0x11d3,
			       { 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d } };
static EFI_GUID smbios3_guid = { 0xf2fd1544, 0x9794, 0x4a2c,
				 { 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94 } };
static EFI_GUID smbios_guid = { 0xeb9d2d31, 0x2d88, 0x11d3,
				{ 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d } };
static EFI_GUID gop_guid = { 0x9042a9de, 0x23dc, 0x4a38,
			     { 0x96, 0xfb, 0x7a, 0xde, 0xd0, 0x80, 0x51, 0x6a } };

uint64_t stage_rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/*
 * Against the firmware's own timer; a millisecond is exact to a few tenths of a per cent.  A stall
 * only ever ends late, when the host of a virtual machine or the system management mode had the
 * processor in between: so the shortest of several is the right one.
 */
uint64_t stage_calibrate(struct stage *stage)
{
	uint64_t shortest = UINT64_MAX;
	unsigned round;

	for (round = 0; round < CALIBRATE_ROUNDS; round++) {
		uint64_t start = stage_rdtsc(), ticks;

		stage->bs->Stall(CALIBRATE_USEC);
		ticks = stage_rdtsc() - start;
		if (ticks < shortest)
			shortest = ticks;
	}
	return shortest * (1000000 / CALIBRATE_USEC);
}

uint64_t stage_config_table(struct stage *stage, const EFI_GUID *guid)
{
	UINTN i;

	for (i = 0; i < stage->table->NumberOfTableEntries; i++)
		if (memcmp(&stage->table->ConfigurationTable[i].VendorGuid, guid,
			   sizeof(*guid)) == 0)
			return (uint64_t)stage->table->ConfigurationTable[i].VendorTable;
	return 0;
}

static void framebuffer(struct stage *stage, struct om_handoff_framebuffer *out)
{
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
	EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;

	if (EFI_ERROR(stage->bs->LocateProtocol(&gop_guid, NULL, (void **)&gop)) || !gop->Mode)
		return;
	info = gop->Mode->Info;
	/* Only the two plain 32-bit layouts are promised to kernels. */
	if (!info || (info->PixelFormat != PixelRedGreenBlueReserved8BitPerColor &&
		      info->PixelFormat != PixelBlueGreenRedReserved8BitPerColor))
		return;
	out->addr = gop->Mode->FrameBufferBase;
	out->len = gop->Mode->FrameBufferSize;
	out->width = info->HorizontalResolution;
	out->height = info->VerticalResolution;
	out->stride = info->PixelsPerScanLine;
	out->format = info->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}

uint64_t stage_unix_time(struct stage *stage)
{
	EFI_TIME now;
	uint64_t seconds;

	if (EFI_ERROR(stage->rt->GetTime(&now, NULL)))
		return 0;
	seconds = unix_time(now.Year, now.Month, now.Day, now.Hour, now.Minute, now.Second);
	/* Local time = UTC - TimeZone minutes; unspecified counts as UTC. */
	if (seconds && now.TimeZone >= -1440 && now.TimeZone <= 1440)
		seconds += (uint64_t)((int64_t)now.TimeZone * 60);
	return seconds;
}

void stage_machine_facts(struct stage *stage, struct om_handoff *handoff)
{
	handoff->acpi_rsdp = stage_config_table(stage, &acpi2_guid);
	if (!handoff->acpi_rsdp)
		handoff->acpi_rsdp = stage_config_table(stage, &acpi1_guid);
	handoff->smbios = stage_config_table(stage, &smbios3_guid);
	if (!handoff->smbios)
		handoff->smbios = stage_config_table(stage, &smbios_guid);
	handoff->efi_system_table = (uint64_t)stage->table;
	framebuffer(stage, &handoff->framebuffer);
	handoff->tsc_entry = stage->tsc_entry;
	handoff->tsc_selected = stage->tsc_selected;
	handoff->tsc_hz = stage->tsc_hz;
	handoff->unix_time = stage_unix_time(stage);
}

const char *stage_efi_text(EFI_STATUS status)
{
	switch (status) {
	case EFI_SUCCESS:
		return "Success";
	case EFI_LOAD_ERROR:
		return "Load Error";
	case EFI_INVALID_PARAMETER:
		return "Invalid Parameter";
	case EFI_UNSUPPORTED:
		return "Unsupported";
	case EFI_BUFFER_TOO_SMALL:
		return "Buffer Too Small";
	case EFI_NOT_READY:
		return "Not Ready";
	case EFI_DEVICE_ERROR:
		return "Device Error";
	case EFI_WRITE_PROTECTED:
		return "Write Protected";
	case EFI_OUT_OF_RESOURCES:
		return "Out of Resources";
	case EFI_VOLUME_CORRUPTED:
		return "Volume Corrupt";
	case EFI_NO_MEDIA:
		return "No Media";
	case EFI_MEDIA_CHANGED:
		return "Media Changed";
	case EFI_NOT_FOUND:
		return "Not Found";
	case EFI_ACCESS_DENIED:
		return "Access Denied";
	case EFI_TIMEOUT:
		return "Time Out";
	case EFI_ABORTED:
		return "Aborted";
	case EFI_SECURITY_VIOLATION:
		return "Security Violation";
	default:
		return "Unknown Error";
	}
}

/* The one translation from our errors to the firmware's. */
EFI_STATUS stage_efi_status(enum om_status status)
{
	switch (status) {
	case OM_OK:
		return EFI_SUCCESS;
	case OM_MISSING:
		return EFI_NOT_FOUND;
	case OM_NO_MEMORY:
		return EFI_OUT_OF_RESOURCES;
	case OM_IO:
		return EFI_DEVICE_ERROR;
	case OM_CHECKSUM:
		return EFI_SECURITY_VIOLATION;
	case OM_UNSUPPORTED:
	case OM_VERSION:
		return EFI_UNSUPPORTED;
	case OM_ABORTED:
		return EFI_ABORTED;
	case OM_MISUSE:
	case OM_TOO_SMALL:
		return EFI_INVALID_PARAMETER;
	default:
		return EFI_LOAD_ERROR;
	}
}
