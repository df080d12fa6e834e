/* SPDX-License-Identifier: MIT */
/*
 * Images as RAM disks of the firmware.  It tells the kernel of them by an NFIT (ACPI), so that a
 * stock Linux finds /dev/pmemN where the image lies, without a copy and without an initrd.
 */
#include "stage.h"

/* EFI_RAM_DISK_PROTOCOL (UEFI 2.10, 13.18) is missing from gnu-efi's headers. */
struct ram_disk_protocol {
	EFI_STATUS (EFIAPI *enter)(UINT64 base, UINT64 size, EFI_GUID *type,
				   EFI_DEVICE_PATH *parent, EFI_DEVICE_PATH **ret_path);
	EFI_STATUS (EFIAPI *remove)(EFI_DEVICE_PATH *path);
};

static EFI_GUID ram_disk_guid = { 0xab38a0df, 0x6873, 0x44a9,
				  { 0x87, 0xe6, 0xd4, 0xeb, 0x56, 0x14, 0x84, 0x49 } };
/* EFI_VIRTUAL_DISK_GUID: raw bytes, no partition table meant. */
static EFI_GUID virtual_disk_guid = { 0x77ab535a, 0x45fc, 0x624b,
				      { 0x55, 0x60, 0xf7, 0xb2, 0x81, 0xd1, 0xf9, 0x6e } };

static struct ram_disk_protocol *find(struct stage *stage)
{
	struct ram_disk_protocol *protocol = NULL;

	if (EFI_ERROR(stage->bs->LocateProtocol(&ram_disk_guid, NULL, (void **)&protocol)))
		return NULL;
	return protocol;
}

enum om_status ram_disks_enter(struct boot_run *run)
{
	struct ram_disk_protocol *protocol = find(run->stage);
	EFI_STATUS status;
	uint64_t size;
	uint32_t i;

	if (!protocol)
		return stage_fail(run->stage, OM_UNSUPPORTED, "ramdisk: this firmware has no RAM disks, "
				  "so 'initrd-attach pmem' cannot be; expected 'loop' or 'ramdisk'");
	for (i = 0; i < run->image_count; i++) {
		struct boot_image *image = &run->images[i];

		/* Whole pages, zeros behind the image: that is how the kernel maps it. */
		size = (image->place.data.len + OM_PAGE_SIZE - 1) / OM_PAGE_SIZE * OM_PAGE_SIZE;
		memset((uint8_t *)image->pages + image->place.data.len, 0,
		       size - image->place.data.len);
		status = protocol->enter((UINT64)image->pages, size, &virtual_disk_guid, NULL,
					 (EFI_DEVICE_PATH **)&image->ram_disk);
		if (EFI_ERROR(status)) {
			image->ram_disk = NULL;
			return stage_fail(run->stage, OM_IO, "ramdisk: %u: the firmware makes no RAM "
					  "disk of it: %s", image->place.index,
					  stage_efi_text(status));
		}
		stage_log(run->stage, LEVEL_INFO, "ramdisk: %u is a RAM disk of the firmware, %llu KiB "
			  "at 0x%llx", image->place.index, (unsigned long long)(size >> 10),
			  (unsigned long long)(uintptr_t)image->pages);
	}
	return OM_OK;
}

void ram_disks_remove(struct boot_run *run)
{
	struct ram_disk_protocol *protocol = NULL;
	uint32_t i;

	for (i = 0; i < run->image_count; i++) {
		if (!run->images[i].ram_disk)
			continue;
		if (!protocol)
			protocol = find(run->stage);
		if (protocol)
			protocol->remove(run->images[i].ram_disk);
		run->images[i].ram_disk = NULL;
	}
}
