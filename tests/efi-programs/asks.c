/* SPDX-License-Identifier: MIT */
/*
 * An EFI program that asks for its initrd as a kernel's EFI stub does, and in every other way that
 * the protocol allows.  The test gives it the head of a Linux kernel.
 */
#include <efi.h>

#include <overmount/bytes.h>
#include <overmount/fmt.h>
#include <overmount/sha256.h>

#include "initrd_media.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

static EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;

static EFI_SYSTEM_TABLE *firmware;
static struct load_file2 *initrd;
static EFI_DEVICE_PATH *rest;

static void say(const char *format, ...) OM_PRINTF(1, 2);

static void say(const char *format, ...)
{
	CHAR16 wide[256];
	char text[256];
	va_list args;
	size_t i;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	for (i = 0; text[i]; i++)
		wide[i] = (CHAR16)text[i];
	wide[i] = 0;
	firmware->ConOut->OutputString(firmware->ConOut, wide);
}

static void say_sum(const char *what, const void *bytes, UINTN len)
{
	uint8_t sum[OM_SHA256_SIZE];

	om_sha256(bytes, len, sum);
	say("T %s: %llu bytes, %08x%08x\r\n", what, (unsigned long long)len, om_get_be32(sum),
	    om_get_be32(sum + 4));
}

/* One question: the status without its high bit, and the size that it left. */
static void ask(const char *what, BOOLEAN policy, UINTN size, void *buf)
{
	EFI_STATUS status = initrd->load(initrd, rest, policy, &size, buf);

	say("T ask %s: %llu, %llu\r\n", what, (unsigned long long)(status & 0xff),
	    (unsigned long long)size);
}

static void ask_all(void)
{
	EFI_PHYSICAL_ADDRESS pages = 0;
	UINTN size = 0, count;
	uint8_t *buf;

	initrd->load(initrd, rest, FALSE, &size, NULL);
	count = size / 4096 + 2;
	if (EFI_ERROR(firmware->BootServices->AllocatePages(AllocateAnyPages, EfiLoaderData, count, &pages)))
		return;
	buf = (uint8_t *)pages;
	memset(buf, 0xee, count * 4096);
	say("T ask without a size: %llu\r\n",
	    (unsigned long long)(initrd->load(initrd, rest, FALSE, NULL, buf) & 0xff));
	ask("with a policy", TRUE, size, buf);
	ask("nothing", FALSE, 0, NULL);
	ask("for no place", FALSE, size, NULL);
	ask("for too little", FALSE, size - 1, buf);
	say("T untouched: %d\r\n", buf[0] == 0xee && buf[size - 1] == 0xee);
	ask("once", FALSE, size, buf);
	say_sum("initrd", buf, size);
	memset(buf, 0xee, count * 4096);
	ask("again, for more", FALSE, count * 4096, buf);
	say_sum("initrd", buf, size);
	say("T untouched behind: %d\r\n", buf[size] == 0xee && buf[count * 4096 - 1] == 0xee);
	firmware->BootServices->FreePages(pages, count);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	EFI_HANDLE handle = NULL;
	EFI_LOADED_IMAGE *self;

	firmware = table;
	rest = (EFI_DEVICE_PATH *)initrd_path;
	if (EFI_ERROR(table->BootServices->HandleProtocol(image, &loaded_guid, (void **)&self)))
		return EFI_LOAD_ERROR;
	say_sum("options", self->LoadOptions, self->LoadOptionsSize);
	if (EFI_ERROR(table->BootServices->LocateDevicePath(&load_file2_guid, &rest, &handle)) ||
	    EFI_ERROR(table->BootServices->HandleProtocol(handle, &load_file2_guid, (void **)&initrd)))
		return EFI_NOT_FOUND;
	ask_all();
	return EFI_SUCCESS;
}
