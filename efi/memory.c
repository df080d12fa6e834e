/* SPDX-License-Identifier: MIT */
#include "stage.h"

#define MAP_FIRST	32768u	/* enough for 340 descriptors and the slack; OVMF has 125 */
#define MAP_SLACK	16384u	/* room for what later allocations split */

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / OM_PAGE_SIZE + (bytes % OM_PAGE_SIZE != 0);
}

static void *allocate(struct stage *stage, EFI_MEMORY_TYPE type, uint64_t bytes)
{
	EFI_PHYSICAL_ADDRESS addr = 0;
	uint64_t pages = pages_of(bytes ? bytes : 1);

	if (OM_STAGE_FAULTS && ++stage->faults.allocs == stage->faults.alloc_at)
		return NULL;
	if (EFI_ERROR(stage->bs->AllocatePages(AllocateAnyPages, type, pages, &addr)))
		return NULL;
	stage->account.pages += pages;
	if (stage->account.pages > stage->peak_pages)
		stage->peak_pages = stage->account.pages;
	return (void *)addr;
}

void *stage_pages(struct stage *stage, uint64_t bytes)
{
	return allocate(stage, EfiLoaderData, bytes);
}

void *stage_reserved_pages(struct stage *stage, uint64_t bytes)
{
	return allocate(stage, EfiReservedMemoryType, bytes);
}

void stage_pages_free(struct stage *stage, void *pages, uint64_t bytes)
{
	uint64_t count = pages_of(bytes ? bytes : 1);

	if (!pages)
		return;
	stage->bs->FreePages((EFI_PHYSICAL_ADDRESS)pages, count);
	stage->account.pages -= count;
}

static void *port_alloc(void *ctx, size_t size)
{
	return stage_pages(ctx, size);
}

static void port_free(void *ctx, void *ptr, size_t size)
{
	stage_pages_free(ctx, ptr, size);
}

void stage_memory_init(struct stage *stage)
{
	stage->mem = (struct om_mem){ port_alloc, port_free, stage };
}

enum om_status stage_memory_map(struct stage *stage, struct memory_map *ret_map,
				uint64_t *ret_size)
{
	UINTN need, key, step = 0;
	UINT32 version;
	uint64_t size = MAP_FIRST;
	EFI_STATUS status;
	void *bytes;

	/* A map takes the firmware half a millisecond: it is not asked for the size alone. */
	for (;;) {
		bytes = stage_pages(stage, size);
		if (!bytes)
			return OM_NO_MEMORY;
		need = size;
		status = stage->bs->GetMemoryMap(&need, bytes, &key, &step, &version);
		if (!EFI_ERROR(status) && size - need >= MAP_SLACK)
			break;
		stage_pages_free(stage, bytes, size);
		if (EFI_ERROR(status) && status != EFI_BUFFER_TOO_SMALL)
			return OM_IO;
		size = need + 2 * MAP_SLACK;
	}
	*ret_map = (struct memory_map){ bytes, need, step };
	*ret_size = size;
	return OM_OK;
}
