/* SPDX-License-Identifier: MIT */
#ifndef INITRD_MEDIA_H
#define INITRD_MEDIA_H
/*
 * How a kernel's EFI stub is given its initrd, written down here from UEFI 2.10 (13.2, 10.3.5.3) and
 * Linux' Documentation once more, so that a slip of the stage's own shows.
 */
#include <efi.h>

/* EFI_LOAD_FILE2_PROTOCOL */
struct load_file2 {
	EFI_STATUS (EFIAPI *load)(struct load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN policy,
				  UINTN *size, void *buf);
};

static EFI_GUID load_file2_guid = { 0x4006c0c1, 0xfcb3, 0x403e,
				    { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };

/* A node for a vendor's medium, LINUX_EFI_INITRD_MEDIA_GUID, and the end. */
static uint8_t initrd_path[] = {
	4, 3, 20, 0,
	0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
	0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68,
	0x7f, 0xff, 4, 0,
};

#endif
