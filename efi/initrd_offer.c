/* SPDX-License-Identifier: MIT */
/*
 * LoadFile2 on the device path of LINUX_EFI_INITRD_MEDIA_GUID: how a kernel's EFI stub fetches
 * its initrd.  There is one such path in a firmware.  If an earlier loader has it, what it offers
 * becomes our first piece, and ours stands in its place while the kernel is started.
 */
#include "stage.h"

/* EFI_LOAD_FILE2_PROTOCOL is missing from gnu-efi's headers. */
struct load_file2 {
	EFI_STATUS (EFIAPI *load)(struct load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN policy,
				  UINTN *size, void *buf);
};

struct initrd_offer {
	struct load_file2 protocol;
	struct boot_run *run;
	EFI_HANDLE handle;
	bool offered;
	struct load_file2 *earlier;	/* of another loader */
	struct om_source source;	/* what that one gives */
};

static EFI_GUID load_file2_guid = { 0x4006c0c1, 0xfcb3, 0x403e,
				    { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };

/* A vendor media node with LINUX_EFI_INITRD_MEDIA_GUID, then the end. */
static uint8_t initrd_path[] = {
	4, 3, 20, 0,
	0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
	0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68,
	0x7f, 0xff, 4, 0,
};

/* ------------------------------------------------------------------ what was there before */

static enum om_status read_earlier(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct initrd_offer *offer = ctx;
	UINTN size = len;
	EFI_STATUS status;

	if (offset != 0)
		return OM_MISUSE;
	status = offer->earlier->load(offer->earlier, (EFI_DEVICE_PATH *)(initrd_path + 20), FALSE,
				      &size, buf);
	if (EFI_ERROR(status))
		return OM_IO;
	return size == len ? OM_OK : OM_TRUNCATED;
}

static void find_earlier(struct boot_run *run, struct initrd_offer *offer)
{
	EFI_BOOT_SERVICES *bs = run->stage->bs;
	EFI_DEVICE_PATH *path = (EFI_DEVICE_PATH *)initrd_path;
	struct load_file2 *found;
	UINTN size = 0;

	/* A path that ends where ours ends, or it is another device's. */
	if (EFI_ERROR(bs->LocateDevicePath(&load_file2_guid, &path, &offer->handle)) ||
	    *(uint8_t *)path != 0x7f ||
	    EFI_ERROR(bs->HandleProtocol(offer->handle, &load_file2_guid, (void **)&found))) {
		offer->handle = NULL;
		return;
	}
	offer->earlier = found;
	if (found->load(found, path, FALSE, &size, NULL) != EFI_BUFFER_TOO_SMALL || size == 0)
		size = 0;
	offer->source = (struct om_source){ .read_at = read_earlier, .ctx = offer, .size = size,
					    .name = "the initrd of an earlier loader" };
}

const struct om_source *initrd_earlier(struct boot_run *run)
{
	struct initrd_offer *offer = om_arena_alloc(&run->arena, sizeof(*offer));

	run->offer = offer;
	if (!offer)
		return NULL;		/* initrd_offer() says so */
	offer->run = run;
	find_earlier(run, offer);
	return offer->source.size > 0 ? &offer->source : NULL;
}

/* ------------------------------------------------------------------ ours */

static EFI_STATUS EFIAPI load_initrd(struct load_file2 *self, EFI_DEVICE_PATH *path,
				     BOOLEAN policy, UINTN *size, void *buf)
{
	struct boot_run *run = ((struct initrd_offer *)self)->run;
	struct stage *stage = run->stage;
	uint64_t start;

	(void)path;
	if (policy)
		return EFI_UNSUPPORTED;
	if (!size)
		return EFI_INVALID_PARAMETER;
	if (!buf || *size < run->initrd_size) {
		*size = run->initrd_size;
		return EFI_BUFFER_TOO_SMALL;
	}
	start = stage_usec(stage);
	stage->tsc_said = stage_rdtsc();	/* the kernel was at work, not we */
	run->initrd_status = boot_initrd_write(run, buf);
	/* "Not found" would have the kernel look for an initrd= of its own. */
	if (run->initrd_status != OM_OK)
		return run->initrd_status == OM_CHECKSUM ? EFI_SECURITY_VIOLATION : EFI_LOAD_ERROR;
	*size = run->initrd_size;
	stage_log(stage, LEVEL_INFO, "initrd: %llu bytes read to their place in %llu us",
		  (unsigned long long)run->initrd_size,
		  (unsigned long long)(stage_usec(stage) - start));
	stage_log(stage, LEVEL_DEBUG, "memory: %llu KiB held and %llu KiB of program for %llu KiB "
		  "of initrd", (unsigned long long)(stage->peak_pages * (OM_PAGE_SIZE >> 10)),
		  (unsigned long long)(stage->loaded->ImageSize >> 10),
		  (unsigned long long)(run->initrd_size >> 10));
	return EFI_SUCCESS;
}

enum om_status initrd_offer(struct boot_run *run)
{
	struct initrd_offer *offer = run->offer;
	EFI_BOOT_SERVICES *bs = run->stage->bs;
	EFI_STATUS status;

	if (!offer)
		return stage_fail(run->stage, OM_NO_MEMORY, "initrd: out of memory");
	/* Nothing, or only what is registered already. */
	if (run->segment_count == 0 || (run->segment_count == 1 && offer->source.size > 0))
		return OM_OK;
	offer->protocol.load = load_initrd;
	if (offer->earlier)
		status = bs->ReinstallProtocolInterface(offer->handle, &load_file2_guid,
							offer->earlier, &offer->protocol);
	else
		status = bs->InstallMultipleProtocolInterfaces(&offer->handle, &device_path_guid,
				initrd_path, &load_file2_guid, &offer->protocol, NULL);
	if (EFI_ERROR(status))
		return stage_fail(run->stage, OM_IO, "initrd: cannot be offered to the kernel: %s",
				  stage_efi_text(status));
	offer->offered = true;
	return OM_OK;
}

void initrd_withdraw(struct boot_run *run)
{
	struct initrd_offer *offer = run->offer;
	EFI_BOOT_SERVICES *bs = run->stage->bs;

	if (!offer || !offer->offered)
		return;
	offer->offered = false;
	if (offer->earlier)
		bs->ReinstallProtocolInterface(offer->handle, &load_file2_guid, &offer->protocol,
					       offer->earlier);
	else
		bs->UninstallMultipleProtocolInterfaces(offer->handle, &device_path_guid,
				initrd_path, &load_file2_guid, &offer->protocol, NULL);
}
