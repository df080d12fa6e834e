/* SPDX-License-Identifier: MIT */
#ifndef STAGE_PAGE_TABLES_H
#define STAGE_PAGE_TABLES_H
/*
 * x86-64 page tables for the handoff, built in one block of pages that the caller brings.
 * Pure: BLOCK is ordinary memory, PHYS is the address that entries will carry for it.
 */
#include <overmount/bytes.h>
#include <overmount/status.h>

/* Kernels of the handoff protocol live in the upper half, so they never meet the identity map. */
#define KERNEL_VADDR_MIN	UINT64_C(0xffff800000000000)

struct page_tables {
	uint64_t *block;
	uint64_t phys;
	size_t page_count;
	size_t used;
	bool five_level;
};

/* Pages that are enough for COUNT_GIB gigabytes of identity map and a kernel of that size. */
size_t page_tables_bound(uint64_t identity_gib, uint64_t kernel_size);

/* CR3 will be tables->phys.  FIVE_LEVEL when the processor runs with CR4.LA57. */
enum om_status page_tables_init(struct page_tables *tables, void *block, uint64_t phys,
				size_t page_count, bool five_level) OM_CHECKED;
/* One to one, in pages of 2 MiB, whole gigabytes around [addr, addr + len). */
enum om_status page_tables_identity(struct page_tables *tables, uint64_t addr,
				    uint64_t len) OM_CHECKED;
/* In pages of 4 KiB; all three page-aligned. */
enum om_status page_tables_map(struct page_tables *tables, uint64_t vaddr, uint64_t phys,
			       uint64_t len) OM_CHECKED;
/* What VADDR is mapped to; OM_MISSING when it is not. */
enum om_status page_tables_lookup(const struct page_tables *tables, uint64_t vaddr,
				  uint64_t *ret_phys) OM_CHECKED;

#endif
