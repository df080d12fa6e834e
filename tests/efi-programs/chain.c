/* SPDX-License-Identifier: MIT */
/*
 * An EFI program for the tests of `efi` entries.  Its load options say what it does:
 *	return		print them and come back
 *	set NAME TEXT	set the variable NAME of the Boot Loader Interface, and come back
 *	before WORD	register an initrd as another loader would, then start the stage of the
 *			same volume with the load option WORD, and come back after it
 *	claim WORD	the same, but the initrd is said to have 90 MiB
 */
#include <efi.h>

#include <overmount/bytes.h>

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

struct load_file2 {
	EFI_STATUS (EFIAPI *load)(struct load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN policy,
				  UINTN *size, void *buf);
};

static EFI_GUID load_file2_guid = { 0x4006c0c1, 0xfcb3, 0x403e,
				    { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };

static EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
static EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;

static uint8_t initrd_path[] = {
	4, 3, 20, 0,
	0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
	0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68,
	0x7f, 0xff, 4, 0,
};

/* A file /earlier and no more, by hand; 110 + 8 bytes of header and name are 2 short of 120. */
static const char archive[] =
	"070701" "00000001" "000081a4" "00000000" "00000000" "00000001" "00000000" "0000000e"
	"00000000" "00000000" "00000000" "00000000" "00000008" "00000000" "earlier\0" "\0\0"
	"another loader" "\0\0"
	"070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000" "00000000"
	"00000000" "00000000" "00000000" "00000000" "0000000b" "00000000" "TRAILER!!!\0" "\0\0\0";

static UINTN claimed;

static EFI_STATUS EFIAPI load(struct load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN policy,
			      UINTN *size, void *buf)
{
	UINTN room = *size;

	(void)self;
	(void)path;
	if (policy)
		return EFI_UNSUPPORTED;
	*size = claimed ? claimed : sizeof(archive) - 1;
	if (!buf || room < *size)
		return EFI_BUFFER_TOO_SMALL;
	memcpy(buf, archive, *size);
	return EFI_SUCCESS;
}

static void say(EFI_SYSTEM_TABLE *table, const CHAR16 *text)
{
	table->ConOut->OutputString(table->ConOut, (CHAR16 *)(uintptr_t)text);
}

/* The stage of the volume that this program came from. */
static EFI_STATUS start_stage(EFI_HANDLE image, EFI_SYSTEM_TABLE *table, EFI_LOADED_IMAGE *self,
			      CHAR16 *option, UINT32 option_size)
{
	static const CHAR16 name[] = u"\\EFI\\BOOT\\BOOTX64.EFI";
	uint8_t path[512], *device;
	EFI_LOADED_IMAGE *loaded;
	EFI_HANDLE handle = NULL;
	EFI_STATUS status;
	size_t at = 0;

	status = table->BootServices->HandleProtocol(self->DeviceHandle, &device_path_guid,
						     (void **)&device);
	if (EFI_ERROR(status))
		return status;
	while (device[at] != 0x7f)
		at += om_get_le16(device + at + 2);
	if (at + 4 + sizeof(name) + 4 > sizeof(path))
		return EFI_BUFFER_TOO_SMALL;
	memcpy(path, device, at);
	path[at] = 4;
	path[at + 1] = 4;
	om_put_le16(path + at + 2, (uint16_t)(4 + sizeof(name)));
	memcpy(path + at + 4, name, sizeof(name));
	memcpy(path + at + 4 + sizeof(name), "\x7f\xff\x04\x00", 4);
	status = table->BootServices->LoadImage(FALSE, image, (EFI_DEVICE_PATH *)path, NULL, 0, &handle);
	if (EFI_ERROR(status))
		return status;
	table->BootServices->HandleProtocol(handle, &loaded_guid, (void **)&loaded);
	loaded->LoadOptions = option;
	loaded->LoadOptionsSize = option_size;
	return table->BootServices->StartImage(handle, NULL, NULL);
}

static bool begins(const EFI_LOADED_IMAGE *self, const CHAR16 *word, size_t bytes)
{
	return self->LoadOptionsSize > bytes && memcmp(self->LoadOptions, word, bytes) == 0;
}

/* "NAME TEXT" as a variable that stays, as an operating system sets it. */
static EFI_STATUS set_variable(EFI_SYSTEM_TABLE *table, CHAR16 *name)
{
	static EFI_GUID guid = { 0x4a67b082, 0x0a4c, 0x41cf,
				 { 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f } };
	CHAR16 *text = name;
	size_t len = 0;

	while (*text != u' ')
		text++;
	*text++ = 0;
	while (text[len++])
		;
	return table->RuntimeServices->SetVariable(name, &guid, 7, len * sizeof(*text), text);
}

/* Is PROTOCOL what HANDLE has, and HANDLE where a kernel looks? */
static bool is_offered(EFI_SYSTEM_TABLE *table, EFI_HANDLE handle, struct load_file2 *protocol)
{
	EFI_DEVICE_PATH *path = (EFI_DEVICE_PATH *)initrd_path;
	EFI_HANDLE found = NULL;
	void *has = NULL;

	return !EFI_ERROR(table->BootServices->LocateDevicePath(&load_file2_guid, &path, &found)) &&
	       !EFI_ERROR(table->BootServices->HandleProtocol(found, &load_file2_guid, &has)) &&
	       found == handle && has == protocol;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	static const CHAR16 before[] = u"before ", claim[] = u"claim ", set[] = u"set ";
	struct load_file2 protocol = { load };
	EFI_HANDLE handle = NULL;
	EFI_LOADED_IMAGE *self;
	EFI_STATUS status;
	size_t words;

	status = table->BootServices->HandleProtocol(image, &loaded_guid, (void **)&self);
	if (EFI_ERROR(status))
		return status;
	say(table, u"T chain: options '");
	say(table, self->LoadOptionsSize ? self->LoadOptions : u"");
	say(table, u"'\r\n");
	if (begins(self, set, sizeof(set) - 2))
		return set_variable(table, (CHAR16 *)self->LoadOptions + sizeof(set) / 2 - 1);
	if (begins(self, claim, sizeof(claim) - 2))
		claimed = 90 << 20;
	else if (!begins(self, before, sizeof(before) - 2))
		return EFI_SUCCESS;
	status = table->BootServices->InstallMultipleProtocolInterfaces(&handle, &device_path_guid,
			initrd_path, &load_file2_guid, &protocol, NULL);
	if (EFI_ERROR(status))
		return status;
	words = claimed ? sizeof(claim) - 2 : sizeof(before) - 2;
	status = start_stage(image, table, self,
			     (CHAR16 *)self->LoadOptions + words / 2,
			     self->LoadOptionsSize - (UINT32)words);
	say(table, u"T chain: the stage came back, ");
	say(table, is_offered(table, handle, &protocol) ? u"the initrd is in its place\r\n" :
							  u"the initrd is gone\r\n");
	table->BootServices->UninstallMultipleProtocolInterfaces(handle, &device_path_guid,
			initrd_path, &load_file2_guid, &protocol, NULL);
	return status;
}
