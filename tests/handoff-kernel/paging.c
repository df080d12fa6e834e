/* SPDX-License-Identifier: MIT */
/* The page tables, walked by what is in them and not by touching memory. */
#include "checks.h"
#include "tap.h"

#define ADDR_MASK	UINT64_C(0x000ffffffffff000)
#define GIB4		(UINT64_C(4) << 30)
#define NX		(UINT64_C(1) << 63)

/* Physical address of VADDR, UINT64_MAX unless mapped, writable and executable. */
static uint64_t walk(uint64_t cr3, uint64_t vaddr, uint64_t *ret_span)
{
	uint64_t cr4, entry, table = cr3 & ADDR_MASK;
	int shift;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	for (shift = cr4 & 1 << 12 ? 48 : 39; ; shift -= 9) {
		entry = ((const uint64_t *)table)[vaddr >> shift & 511];
		*ret_span = UINT64_C(1) << shift;
		if ((entry & 3) != 3 || (entry & NX))
			return UINT64_MAX;
		if (shift == 12 || (shift <= 30 && (entry & 0x80)))
			break;
		table = entry & ADDR_MASK;
	}
	return (entry & ADDR_MASK & ~(*ret_span - 1)) + (vaddr & (*ret_span - 1));
}

/* The first address that is not one to one, or 0. */
static uint64_t first_hole(uint64_t cr3, uint64_t addr, uint64_t end)
{
	uint64_t span = 1;

	for (; addr < end; addr = (addr & ~(span - 1)) + span)
		if (walk(cr3, addr, &span) != addr)
			return addr ? addr : 1;
	return 0;
}

void check_paging(const struct om_handoff *handoff, uint64_t cr3, uint64_t code)
{
	static volatile uint64_t cell;		/* .bss: has to be zero */
	uint64_t at, span, hole = 0, base = cr3 & ADDR_MASK;
	volatile uint64_t *alias;

	ok_found(base >= handoff->tables.addr &&
		 base < handoff->tables.addr + handoff->tables.len,
		 "CR3 lies in the tables handed over", cr3);
	ok_found(first_hole(cr3, 0, GIB4) == 0, "the first 4 GiB are mapped one to one",
		 first_hole(cr3, 0, GIB4));
	for (at = 0; at < map_count(handoff) && !hole; at++) {
		struct range range = map_range(handoff, at);

		hole = first_hole(cr3, range.addr, range.addr + range.len);
	}
	ok_found(hole == 0, "all of the memory map is mapped one to one", hole);
	ok(cell == 0, ".bss is zero");
	at = (uint64_t)&cell - handoff->kernel_vaddr + handoff->kernel.addr;
	ok_found(walk(cr3, (uint64_t)&cell, &span) == at, "the kernel's range is one block", at);
	alias = (volatile uint64_t *)at;
	*alias = 0x5a5a1234;
	ok(cell == 0x5a5a1234, "the kernel's data is writable, through both mappings");
	ok_found(walk(cr3, code, &span) == code - handoff->kernel_vaddr + handoff->kernel.addr,
		 "the entry point lies in the kernel's block", code);
}
