/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: one struct page for each 4 KiB, a list of the free ones, counts for the
 * others.  All of it is reached through the direct map.
 */
#include <overmount/bytes.h>
#include <overmount/handoff.h>

#include "arch.h"
#include "boot.h"
#include "mm.h"
#include "task.h"

#define LARGE_PAGE	(UINT64_C(2) << 20)
#define MEMORY_MAX	(UINT64_C(64) << 40)	/* what DIRECT_MAP has room for */
#define RESERVE_PAGES	256u			/* programs leave these to the kernel */
#define FILE_RESERVE_PAGES 1024u		/* files leave these to programs, at most */
#define NO_PAGE		UINT32_MAX

/* EFI memory types that a kernel may use once boot services are gone. */
#define EFI_LOADER_CODE		1u
#define EFI_CONVENTIONAL	7u
#define EFI_MMIO		11u

struct page {
	uint32_t count;		/* references; 0 with next != self: free */
	uint32_t next, prev;	/* list of free pages, by number */
};

#define PAGE_RESERVED	1u	/* never given out: not memory, or not ours */

struct memory_stats memory_stats;
uint64_t kernel_cr3;

static struct page *pages;
static uint32_t page_total;
static uint32_t free_first = NO_PAGE;
static uint32_t run_hint;	/* where the last run of pages was found */

extern char kernel_start[], kernel_rodata[], kernel_data[], kernel_end[];

/* -- names ------------------------------------------------------------------------------------ */

void *phys_to_virt(uint64_t phys)
{
	return (void *)(uintptr_t)(DIRECT_MAP + phys);
}

uint64_t page_phys(const void *page)
{
	return (uintptr_t)page - DIRECT_MAP;
}

static struct page *page_of(const void *page)
{
	uint64_t number = page_phys(page) >> PAGE_SHIFT;

	BUG_ON(number >= page_total);
	return &pages[number];
}

/* -- the free list ------------------------------------------------------------------------------- */

static void list_put(uint32_t number)
{
	struct page *page = &pages[number];

	page->count = 0;
	page->next = free_first;
	page->prev = NO_PAGE;
	if (free_first != NO_PAGE)
		pages[free_first].prev = number;
	free_first = number;
	memory_stats.free++;
}

static void list_take(uint32_t number)
{
	struct page *page = &pages[number];

	if (page->prev != NO_PAGE)
		pages[page->prev].next = page->next;
	else
		free_first = page->next;
	if (page->next != NO_PAGE)
		pages[page->next].prev = page->prev;
	page->count = 1;
	page->next = 0;
	memory_stats.free--;
}

static void *take_first(void)
{
	uint32_t number = free_first;
	void *page;

	if (number == NO_PAGE)
		return NULL;
	list_take(number);
	page = phys_to_virt((uint64_t)number << PAGE_SHIFT);
	memset(page, 0, PAGE_SIZE);
	memory_stats.used++;
	return page;
}

/* Caches hold what can be had again. */
static bool shrink_caches(void)
{
	uint64_t before = memory_stats.free;

	vfs_forget();
	return memory_stats.free > before;
}

void *page_alloc(void)
{
	void *page = take_first();

	if (!page && shrink_caches())
		page = take_first();
	return page;
}

/* Is there more than COUNT pages, caches given up? */
static bool more_than(uint64_t count)
{
	if (memory_stats.free <= count)
		shrink_caches();
	return memory_stats.free > count;
}

void *page_alloc_user(void)
{
	return more_than(RESERVE_PAGES) ? take_first() : NULL;
}

bool memory_for_files(void)
{
	uint64_t share = memory_stats.total / 16;

	return more_than(RESERVE_PAGES + (share < FILE_RESERVE_PAGES ? share : FILE_RESERVE_PAGES));
}

void *page_alloc_file(void)
{
	return memory_for_files() ? take_first() : NULL;
}

void page_get(void *page)
{
	page_of(page)->count++;
}

void page_put(void *page)
{
	struct page *info = page_of(page);

	BUG_ON(info->count == 0);
	if (--info->count > 0)
		return;
	if (info->next == PAGE_RESERVED) {
		/* From the handoff: counted apart, so that a leak of either kind shows. */
		memory_stats.handed--;
		info->next = 0;
	} else {
		memory_stats.used--;
	}
	list_put((uint32_t)(info - pages));
}

unsigned page_count(const void *page)
{
	return page_of(page)->count;
}

static bool is_free(uint32_t number)
{
	return number < page_total && pages[number].count == 0;
}

/* A run of COUNT free pages at or after START, below END; NO_PAGE when there is none. */
static uint32_t find_run(uint32_t start, uint32_t end, uint32_t count)
{
	uint32_t number, length = 0;

	for (number = start; number < end; number++) {
		length = is_free(number) ? length + 1 : 0;
		if (length == count)
			return number - count + 1;
	}
	return NO_PAGE;
}

void *pages_alloc_run(uint32_t count)
{
	uint32_t first, i;
	void *run;

	if (count == 1)
		return page_alloc();
	first = find_run(run_hint, page_total, count);
	if (first == NO_PAGE)
		first = find_run(0, page_total, count);
	if (first == NO_PAGE && shrink_caches())
		first = find_run(0, page_total, count);
	if (first == NO_PAGE)
		return NULL;
	for (i = 0; i < count; i++)
		list_take(first + i);
	run_hint = first + count;
	memory_stats.used += count;
	run = phys_to_virt((uint64_t)first << PAGE_SHIFT);
	memset(run, 0, (size_t)count << PAGE_SHIFT);
	return run;
}

void *pages_alloc(unsigned order)
{
	return pages_alloc_run(1u << order);
}

void pages_free_run(void *run, uint32_t count)
{
	uint32_t i;

	/* The next one need not search all memory for what is known to be here. */
	run_hint = (uint32_t)(page_phys(run) >> PAGE_SHIFT);
	for (i = 0; i < count; i++)
		page_put((char *)run + ((size_t)i << PAGE_SHIFT));
}

void pages_free(void *run, unsigned order)
{
	pages_free_run(run, 1u << order);
}

void memory_counts(uint64_t *ret_total, uint64_t *ret_free)
{
	*ret_total = memory_stats.total;
	*ret_free = memory_stats.free;
}

/* -- taking over ---------------------------------------------------------------------------------- */

struct map_reader {
	const uint8_t *bytes;
	uint64_t len;
	uint32_t step;
};

struct map_range {
	uint32_t type;
	uint64_t start, end;
};

static bool map_get(const struct map_reader *map, uint64_t index, struct map_range *ret)
{
	const uint8_t *at = map->bytes + index * map->step;
	uint64_t count;

	if ((index + 1) * map->step > map->len)
		return false;
	ret->type = om_get_le32(at);
	ret->start = om_get_le64(at + 8);
	count = om_get_le64(at + 24);
	if (ret->start >= MEMORY_MAX || count > (MEMORY_MAX - ret->start) >> PAGE_SHIFT)
		count = ret->start >= MEMORY_MAX ? 0 : (MEMORY_MAX - ret->start) >> PAGE_SHIFT;
	ret->end = ret->start + (count << PAGE_SHIFT);
	return true;
}

static bool usable(uint32_t type)
{
	return type >= EFI_LOADER_CODE && type <= 4;	/* loader and boot services */
}

/* Before there is an allocator: from the largest conventional range, upwards. */
static uint64_t early_at, early_end;

static void *early_alloc(uint64_t bytes)
{
	uint64_t at = early_at;

	bytes = om_align_up(bytes, PAGE_SIZE);
	if (bytes > early_end - early_at)
		panic("memory: no conventional range has room for the kernel's tables");
	early_at += bytes;
	/* The stage maps everything one to one. */
	memset((void *)(uintptr_t)at, 0, bytes);
	return (void *)(uintptr_t)at;
}

static uint64_t *early_table(uint64_t *table, unsigned index)
{
	if (!(table[index] & PTE_P))
		table[index] = (uint64_t)(uintptr_t)early_alloc(PAGE_SIZE) | PTE_P | PTE_W;
	return (uint64_t *)(uintptr_t)(table[index] & PTE_ADDR);
}

static void early_map_direct(uint64_t *top, uint64_t end)
{
	uint64_t at;

	for (at = 0; at < end; at += LARGE_PAGE) {
		uintptr_t virt = DIRECT_MAP + at;
		uint64_t *table = early_table(top, virt >> 39 & 511);

		table = early_table(table, virt >> 30 & 511);
		table[virt >> 21 & 511] = at | PTE_P | PTE_W | PTE_LARGE | PTE_NX;
	}
}

static void early_map_kernel(uint64_t *top, const struct om_handoff *handoff)
{
	uintptr_t virt = (uintptr_t)kernel_start;

	for (; virt < (uintptr_t)kernel_end; virt += PAGE_SIZE) {
		uint64_t phys = handoff->kernel.addr + (virt - handoff->kernel_vaddr);
		uint64_t *table = early_table(top, virt >> 39 & 511);
		uint64_t flags = PTE_P;

		if (virt >= (uintptr_t)kernel_data)
			flags |= PTE_W | PTE_NX;
		else if (virt >= (uintptr_t)kernel_rodata)
			flags |= PTE_NX;
		table = early_table(table, virt >> 30 & 511);
		table = early_table(table, virt >> 21 & 511);
		table[virt >> 12 & 511] = phys | flags;
	}
}

/* Keep a handed-over range out of the free list; COUNTED: page_put() gives it back. */
static void reserve(const struct om_handoff_range *range, bool counted)
{
	uint64_t first = range->addr >> PAGE_SHIFT;
	uint64_t last = (range->addr + range->len + PAGE_SIZE - 1) >> PAGE_SHIFT;

	for (; first < last && first < page_total; first++) {
		pages[first].count = 1;
		pages[first].next = PAGE_RESERVED;
		if (counted)
			memory_stats.handed++;
	}
}

void memory_init(const struct om_handoff *handoff)
{
	struct map_reader map = { (const uint8_t *)(uintptr_t)handoff->memory_map.addr,
				  handoff->memory_map.len, handoff->memory_descriptor_size };
	const struct om_handoff_image *images =
		(const struct om_handoff_image *)(uintptr_t)handoff->images;
	struct om_handoff_range early = { 0, 0 };
	struct map_range range;
	uint64_t end = UINT64_C(4) << 30, top_of_memory = 0, i, number, cr4;
	uint64_t *top;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	if (cr4 & 0x1000)
		panic("memory: the firmware uses five-level paging, which this kernel does not know");
	if (map.step < 40)
		panic("memory: descriptors of %u bytes in the memory map", map.step);
	for (i = 0; map_get(&map, i, &range); i++) {
		if (range.type == EFI_CONVENTIONAL && range.end - range.start > early.len)
			early = (struct om_handoff_range){ range.start, range.end - range.start };
		if (range.type != EFI_MMIO && range.type != 0 && range.type < 14 &&
		    range.end > top_of_memory)
			top_of_memory = range.end;
	}
	if (top_of_memory > end)
		end = om_align_up(top_of_memory, LARGE_PAGE);
	early_at = early.addr ? early.addr : PAGE_SIZE;
	early_end = early.addr + early.len;
	page_total = (uint32_t)(top_of_memory >> PAGE_SHIFT);
	pages = early_alloc((uint64_t)page_total * sizeof(*pages));
	top = early_alloc(PAGE_SIZE);
	early_map_direct(top, end);
	early_map_kernel(top, handoff);
	/* Tables that all address spaces share have to be there before the first copy. */
	early_table(top, MMIO_BASE >> 39 & 511);
	early_table(top, STACK_BASE >> 39 & 511);
	early_table(top, GROWING_BASE >> 39 & 511);

	/* Everything is taken until the map says otherwise. */
	for (i = 0; i < page_total; i++)
		pages[i] = (struct page){ 1, PAGE_RESERVED, 0 };
	for (i = 0; map_get(&map, i, &range); i++)
		if (usable(range.type) || range.type == EFI_CONVENTIONAL)
			for (number = range.start >> PAGE_SHIFT; number < range.end >> PAGE_SHIFT;
			     number++)
				pages[number].next = 0;
	reserve(&(struct om_handoff_range){ 0, 0x100000 }, false);	/* of the real mode */
	reserve(&(struct om_handoff_range){ early.addr, early_at - early.addr }, false);
	reserve(&handoff->kernel, false);
	reserve(&handoff->tables, false);
	reserve(&handoff->stack, false);
	reserve(&handoff->archive, true);
	for (i = 0; i < handoff->image_count; i++)
		reserve(&images[i].data, true);

	kernel_cr3 = (uint64_t)(uintptr_t)top;
	pages = (struct page *)phys_to_virt((uint64_t)(uintptr_t)pages);
	/* Block, map, descriptor and command line have been copied by now. */
	write_cr3(kernel_cr3);
	for (i = page_total; i-- > 0;) {
		if (pages[i].next == PAGE_RESERVED)
			continue;
		list_put((uint32_t)i);
	}
	memory_stats.total = memory_stats.free + memory_stats.handed;
}

void memory_release_stage(const struct om_handoff *handoff)
{
	const struct om_handoff_range *ranges[] = { &handoff->tables, &handoff->stack };
	uint64_t at;
	unsigned i;

	for (i = 0; i < 2; i++) {
		for (at = ranges[i]->addr; at < ranges[i]->addr + ranges[i]->len; at += PAGE_SIZE) {
			memory_stats.handed++;
			memory_stats.total++;
			page_put(phys_to_virt(at));
		}
	}
}
