/* SPDX-License-Identifier: MIT */
/*
 * An EFI program for the tests of `efi` entries.  Its load options say what it does:
 *	return		print them and come back
 *	set NAME TEXT	set the variable NAME of the Boot Loader Interface, and come back
 *	before WORD	register an initrd as another loader would, then start the stage of the
 *			same volume with the load option WORD, and come back after it
 *	claim WORD	the same, but the initrd is said to have 90 MiB
 *	distrust WORD	the same, but the firmware trusts no program any more: first as one that could
 *			still be asked for, then as one that is not
 *	report NAME	the same without a WORD, but the firmware says that its update failed, and
 *			LoaderEntrySysFail is NAME
 */
#include <efi.h>

#include <overmount/bytes.h>

#include "initrd_media.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

static EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
static EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;

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
static EFI_STATUS load_stage(EFI_HANDLE image, EFI_SYSTEM_TABLE *table, EFI_LOADED_IMAGE *self,
			     CHAR16 *option, UINT32 option_size, EFI_HANDLE *ret_handle)
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
	*ret_handle = handle;
	return EFI_SUCCESS;
}

/* What stands behind WORD and a blank, if the options begin with them; NULL: they do not. */
static CHAR16 *behind(const EFI_LOADED_IMAGE *self, const CHAR16 *word)
{
	CHAR16 *at = self->LoadOptions;
	size_t i;

	for (i = 0; word[i]; i++)
		if (self->LoadOptionsSize < 2 * (i + 2) || at[i] != word[i])
			return NULL;
	return at[i] == u' ' ? at + i + 1 : NULL;
}

static UINT32 bytes_of(const CHAR16 *text)
{
	UINT32 len = 0;

	while (text[len++])
		;
	return len * 2;
}

/* A variable that stays, as an operating system sets it. */
static EFI_STATUS keep(EFI_SYSTEM_TABLE *table, CHAR16 *name, CHAR16 *text)
{
	static EFI_GUID guid = { 0x4a67b082, 0x0a4c, 0x41cf,
				 { 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f } };

	return table->RuntimeServices->SetVariable(name, &guid, 7, bytes_of(text), text);
}

/* "NAME TEXT" */
static EFI_STATUS set_variable(EFI_SYSTEM_TABLE *table, CHAR16 *name)
{
	CHAR16 *text = name;

	while (*text != u' ')
		text++;
	*text++ = 0;
	return keep(table, name, text);
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

/* EFI_SECURITY2_ARCH_PROTOCOL of the Platform Initialization specification, volume 2. */
struct security2 {
	EFI_STATUS (EFIAPI *authenticate)(struct security2 *self, EFI_DEVICE_PATH *path, void *file,
					  UINTN size, BOOLEAN policy);
};

static EFI_GUID security2_guid = { 0x94ab2f58, 0x1438, 0x4ef1,
				   { 0x91, 0x52, 0x18, 0x94, 0x1a, 0x3a, 0x0e, 0x68 } };
static EFI_GUID esrt_guid = { 0xb122a263, 0x3661, 0x4f68,
			      { 0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80 } };
static bool asked;

static EFI_STATUS EFIAPI distrust(struct security2 *self, EFI_DEVICE_PATH *path, void *file,
				  UINTN size, BOOLEAN policy)
{
	bool again = asked;

	(void)self;
	(void)path;
	(void)file;
	(void)size;
	(void)policy;
	asked = true;
	return again ? EFI_ACCESS_DENIED : EFI_SECURITY_VIOLATION;
}

static UINTN programs(EFI_SYSTEM_TABLE *table)
{
	EFI_HANDLE *handles = NULL;
	UINTN count = 0;

	table->BootServices->LocateHandleBuffer(ByProtocol, &loaded_guid, NULL, &count, &handles);
	table->BootServices->FreePool(handles);
	return count;
}

/* Start the stage where nothing else can be started. */
static EFI_STATUS start_distrusted(EFI_SYSTEM_TABLE *table, EFI_HANDLE stage)
{
	EFI_STATUS (EFIAPI *trust)(struct security2 *, EFI_DEVICE_PATH *, void *, UINTN, BOOLEAN);
	struct security2 *security;
	UINTN before = programs(table);
	EFI_STATUS status;

	status = table->BootServices->LocateProtocol(&security2_guid, NULL, (void **)&security);
	if (EFI_ERROR(status))
		return status;
	trust = security->authenticate;
	security->authenticate = distrust;
	status = table->BootServices->StartImage(stage, NULL, NULL);
	security->authenticate = trust;
	/* It is gone itself. */
	say(table, programs(table) + 1 == before ? u"T chain: nothing is left\r\n" :
						   u"T chain: programs are left\r\n");
	return status;
}

/* A table with one resource, the system's, whose last update was refused. */
static EFI_STATUS report_failure(EFI_SYSTEM_TABLE *table, bool failed)
{
	static uint8_t esrt[16 + 40];

	om_put_le32(esrt, 1);
	om_put_le32(esrt + 4, 1);
	om_put_le64(esrt + 8, 1);
	om_put_le32(esrt + 16 + 16, 1);
	om_put_le32(esrt + 16 + 36, 5);
	return table->BootServices->InstallConfigurationTable(&esrt_guid, failed ? esrt : NULL);
}

/* Start the stage behind another loader that has an initrd. */
static EFI_STATUS start_behind(EFI_SYSTEM_TABLE *table, EFI_HANDLE stage)
{
	struct load_file2 protocol = { load };
	EFI_HANDLE handle = NULL;
	EFI_STATUS status;

	status = table->BootServices->InstallMultipleProtocolInterfaces(&handle, &device_path_guid,
			initrd_path, &load_file2_guid, &protocol, NULL);
	if (EFI_ERROR(status))
		return status;
	status = table->BootServices->StartImage(stage, NULL, NULL);
	say(table, u"T chain: the stage came back, ");
	say(table, is_offered(table, handle, &protocol) ? u"the initrd is in its place\r\n" :
							  u"the initrd is gone\r\n");
	table->BootServices->UninstallMultipleProtocolInterfaces(handle, &device_path_guid,
			initrd_path, &load_file2_guid, &protocol, NULL);
	return status;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	CHAR16 *before, *claim, *distrusted, *report, *option;
	static CHAR16 nothing[] = u"";
	EFI_LOADED_IMAGE *self;
	EFI_HANDLE stage;
	EFI_STATUS status;

	status = table->BootServices->HandleProtocol(image, &loaded_guid, (void **)&self);
	if (EFI_ERROR(status))
		return status;
	say(table, u"T chain: options '");
	say(table, self->LoadOptionsSize ? self->LoadOptions : nothing);
	say(table, u"'\r\n");
	option = behind(self, u"set");
	if (option)
		return set_variable(table, option);
	before = behind(self, u"before");
	claim = behind(self, u"claim");
	distrusted = behind(self, u"distrust");
	report = behind(self, u"report");
	option = before ? before : claim ? claim : distrusted ? distrusted : report ? nothing : NULL;
	if (!option)
		return EFI_SUCCESS;
	status = load_stage(image, table, self, option, bytes_of(option), &stage);
	if (EFI_ERROR(status))
		return status;
	if (distrusted)
		return start_distrusted(table, stage);
	if (report) {
		keep(table, (CHAR16 *)(uintptr_t)u"LoaderEntrySysFail", report);
		report_failure(table, true);
		status = table->BootServices->StartImage(stage, NULL, NULL);
		report_failure(table, false);
		return status;
	}
	claimed = claim ? 90 << 20 : 0;
	return start_behind(table, stage);
}
