/* SPDX-License-Identifier: MIT */
/* The way into a handoff kernel; docs/handoff.md says what it finds. */
#include "stage.h"

#include "page_tables.h"

#define STACK_BYTES	16384u
#define EXIT_TRIES	8u
#define GIB		(UINT64_C(1) << 30)
#define CR4_LA57	(UINT64_C(1) << 12)
#define LOWER_HALF	(UINT64_C(1) << 47)

/* What is allocated for the kernel only now; everything else is in the run. */
struct handoff {
	struct boot_run *run;
	struct om_handoff *block;
	uint64_t block_bytes;
	void *kernel;
	uint64_t kernel_bytes;
	void *stack;
	void *tables;
	uint64_t table_bytes;
	uint64_t cr3;
};

static enum om_status no_memory(struct handoff *handoff, const char *what, uint64_t bytes)
{
	return stage_fail(handoff->run->stage, OM_NO_MEMORY,
			  "too little memory: %s needs %llu KiB in one piece", what,
			  (unsigned long long)(bytes >> 10));
}

/* Where the segment after the one at VADDR begins, or the kernel ends. */
static uint64_t next_segment(const struct om_elf *elf, uint64_t vaddr)
{
	uint64_t next = elf->vaddr_high;
	uint32_t i;

	for (i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].vaddr > vaddr && elf->segments[i].vaddr < next)
			next = elf->segments[i].vaddr;
	return next;
}

/* Segments to their places, in any order, and zeros between them. */
static void place_segments(const struct om_elf *elf, const uint8_t *file, uint8_t *kernel)
{
	uint32_t i;

	memset(kernel, 0, OM_PAGE_SIZE);	/* the first one begins somewhere in it */
	for (i = 0; i < elf->segment_count; i++) {
		const struct om_elf_segment *segment = &elf->segments[i];
		uint8_t *to = kernel + (segment->vaddr - elf->vaddr_low);

		memcpy(to, file + segment->file_offset, segment->file_size);
		memset(to + segment->file_size, 0, next_segment(elf, segment->vaddr) -
		       segment->vaddr - segment->file_size);
	}
}

static enum om_status load_kernel(struct handoff *handoff)
{
	struct boot_run *run = handoff->run;
	struct om_diag_sink sink = { boot_diag, run };
	struct stage_file *file = run->kernel;
	struct om_elf *elf = &run->elf;
	enum om_status status;

	status = om_elf_parse((struct om_span){ file->source.base, file->source.size }, &sink, elf);
	if (status != OM_OK)
		return stage_fail(run->stage, status, "kernel %s: %s", file->name,
				  om_status_text(status));
	if (elf->vaddr_low < KERNEL_VADDR_MIN)
		return stage_fail(run->stage, OM_UNSUPPORTED, "kernel %s: linked at 0x%llx, expected "
				  "the upper half of the address space", file->name,
				  (unsigned long long)elf->vaddr_low);
	handoff->kernel_bytes = elf->vaddr_high - elf->vaddr_low;
	handoff->kernel = stage_pages(run->stage, handoff->kernel_bytes);
	if (!handoff->kernel)
		return no_memory(handoff, "the kernel", handoff->kernel_bytes);
	place_segments(elf, file->source.base, handoff->kernel);
	return OM_OK;
}

static bool five_levels(void)
{
	uint64_t cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	return (cr4 & CR4_LA57) != 0;
}

/* All of the memory map and the first 4 GiB one to one, then the kernel. */
static enum om_status fill_tables(struct handoff *handoff, const struct memory_map *map)
{
	struct om_elf *elf = &handoff->run->elf;
	struct page_tables tables;
	enum om_status status;
	size_t i;

	status = page_tables_init(&tables, handoff->tables, (uint64_t)handoff->tables,
				  handoff->table_bytes / OM_PAGE_SIZE, five_levels());
	if (status == OM_OK)
		status = page_tables_identity(&tables, 0, 4 * GIB);
	for (i = 0; status == OM_OK && i < memory_map_count(map); i++) {
		struct memory_range range = memory_map_get(map, i);

		if (range.len && range.addr < LOWER_HALF && range.len <= LOWER_HALF - range.addr)
			status = page_tables_identity(&tables, range.addr, range.len);
	}
	if (status == OM_OK)
		status = page_tables_map(&tables, elf->vaddr_low, (uint64_t)handoff->kernel,
					 handoff->kernel_bytes);
	handoff->cr3 = tables.phys;
	return status;
}

static enum om_status make_tables(struct handoff *handoff)
{
	const struct memory_map *map = &handoff->run->map;
	struct memory_summary summary = memory_map_summary(map);
	struct stage *stage = handoff->run->stage;
	enum om_status status;

	handoff->table_bytes = page_tables_bound(summary.identity_gib, handoff->kernel_bytes) *
			       OM_PAGE_SIZE;
	handoff->tables = stage_pages(stage, handoff->table_bytes);
	if (!handoff->tables)
		return no_memory(handoff, "page tables", handoff->table_bytes);
	status = fill_tables(handoff, map);
	if (status != OM_OK)
		stage_fail(stage, status, "page tables: %s", om_status_text(status));
	return status;
}

/* The block, and behind it in the same pages the images and the command line. */
static enum om_status make_block(struct handoff *handoff)
{
	struct boot_run *run = handoff->run;
	struct om_str options = run->plan->options;
	struct om_handoff_image *images;
	struct om_handoff *block;
	char *cmdline;
	uint32_t i;

	handoff->block_bytes = sizeof(*block) + run->image_count * sizeof(*images) +
			       options.len + 1;
	block = handoff->block = stage_pages(run->stage, handoff->block_bytes);
	if (!block)
		return no_memory(handoff, "the handoff block", handoff->block_bytes);
	memset(block, 0, handoff->block_bytes);
	images = (struct om_handoff_image *)(block + 1);
	for (i = 0; i < run->image_count; i++)
		images[i] = run->images[i].place;
	cmdline = (char *)(images + run->image_count);
	memcpy(cmdline, options.ptr, options.len);
	block->magic = OM_HANDOFF_MAGIC;
	block->major = OM_HANDOFF_MAJOR;
	block->minor = OM_HANDOFF_MINOR;
	block->size = sizeof(*block);
	block->image_count = run->image_count;
	block->images = run->image_count ? (uint64_t)images : 0;
	block->cmdline = (uint64_t)cmdline;
	block->descriptor = (struct om_handoff_range){ (uint64_t)run->descriptor.ptr,
						       run->descriptor.len };
	block->archive = (struct om_handoff_range){ (uint64_t)run->archive, run->archive_size };
	block->kernel = (struct om_handoff_range){ (uint64_t)handoff->kernel,
						   handoff->kernel_bytes };
	block->kernel_vaddr = run->elf.vaddr_low;
	block->tables = (struct om_handoff_range){ (uint64_t)handoff->tables,
						   handoff->table_bytes };
	block->stack = (struct om_handoff_range){ (uint64_t)handoff->stack, STACK_BYTES };
	return OM_OK;
}

static enum om_status make_rest(struct handoff *handoff)
{
	struct stage *stage = handoff->run->stage;
	enum om_status status;

	handoff->stack = stage_pages(stage, STACK_BYTES);
	if (!handoff->stack)
		return no_memory(handoff, "the stack", STACK_BYTES);
	status = make_tables(handoff);
	return status == OM_OK ? make_block(handoff) : status;
}

/* Into the pages of the first map; into larger ones when the allocations since were too many. */
static EFI_STATUS final_map(struct boot_run *run, UINTN *ret_key, UINT32 *ret_version, bool may_grow)
{
	UINTN size = run->map_bytes;
	EFI_STATUS status;

	status = run->stage->bs->GetMemoryMap(&size, (void *)(uintptr_t)run->map.bytes, ret_key,
					      &run->map.descriptor_size, ret_version);
	run->map.len = size;
	if (status != EFI_BUFFER_TOO_SMALL || !may_grow)
		return status;
	stage_pages_free(run->stage, (void *)(uintptr_t)run->map.bytes, run->map_bytes);
	run->map.bytes = NULL;
	if (stage_memory_map(run->stage, &run->map, &run->map_bytes) != OM_OK)
		return EFI_OUT_OF_RESOURCES;
	return final_map(run, ret_key, ret_version, false);
}

/*
 * Take the map that ExitBootServices wants, as often as something still changes it.  After the
 * first try the firmware may be half gone: only these two calls are allowed.
 */
static EFI_STATUS leave_firmware(struct handoff *handoff)
{
	struct stage *stage = handoff->run->stage;
	struct om_handoff *block = handoff->block;
	EFI_STATUS status = EFI_LOAD_ERROR;
	const struct memory_map *map = &handoff->run->map;
	UINT32 version, try;
	UINTN key;

	for (try = 0; try < EXIT_TRIES; try++) {
		status = final_map(handoff->run, &key, &version, try == 0);
		if (EFI_ERROR(status))
			return status;
		block->memory_map = (struct om_handoff_range){ (uint64_t)map->bytes, map->len };
		block->memory_descriptor_size = (uint32_t)map->descriptor_size;
		block->memory_descriptor_version = version;
		status = stage->bs->ExitBootServices(stage->image, key);
		if (status != EFI_INVALID_PARAMETER)
			return status;
	}
	return status;
}

static __attribute__((noreturn)) void jump(struct handoff *handoff)
{
	struct om_handoff *block = handoff->block;

	__asm__ volatile("cli; cld" : : : "memory");
	block->tsc_jump = stage_rdtsc();
	block->crc32 = crc32_ieee(block, sizeof(*block));
	__asm__ volatile(
		"mov %0, %%cr3\n\t"
		"mov %1, %%rsp\n\t"
		"xor %%ebp, %%ebp\n\t"
		"push $0\n\t"
		"jmp *%2"
		: : "a"(handoff->cr3), "c"((uint8_t *)handoff->stack + STACK_BYTES),
		    "d"(handoff->run->elf.entry), "D"(block) : "memory");
	__builtin_unreachable();
}

static enum om_status go(struct handoff *handoff)
{
	struct boot_run *run = handoff->run;
	struct stage *stage = run->stage;
	EFI_STATUS result;

	stage_log(stage, LEVEL_INFO,
		  "handoff: entry 0x%llx, kernel %llu KiB at 0x%llx, block at 0x%llx, %u images",
		  (unsigned long long)run->elf.entry,
		  (unsigned long long)(handoff->kernel_bytes >> 10),
		  (unsigned long long)(uint64_t)handoff->kernel,
		  (unsigned long long)(uint64_t)handoff->block, run->image_count);
	if (run->goal == BOOT_REHEARSE)
		return OM_OK;
	boot_variable(run, true);
	stage_machine_facts(stage, handoff->block);
	result = leave_firmware(handoff);
	if (!EFI_ERROR(result))
		jump(handoff);
	boot_variable(run, false);
	return stage_fail(stage, OM_IO, "handoff: ExitBootServices: %s", stage_efi_text(result));
}

enum om_status boot_handoff(struct boot_run *run)
{
	struct handoff handoff = { .run = run };
	struct stage *stage = run->stage;
	enum om_status status;

	status = load_kernel(&handoff);
	if (status == OM_OK)
		status = make_rest(&handoff);
	if (status == OM_OK)
		status = go(&handoff);
	/* Only a failure or a rehearsal comes here. */
	stage_pages_free(stage, handoff.block, handoff.block_bytes);
	stage_pages_free(stage, handoff.tables, handoff.table_bytes);
	stage_pages_free(stage, handoff.stack, STACK_BYTES);
	stage_pages_free(stage, handoff.kernel, handoff.kernel_bytes);
	return status;
}
