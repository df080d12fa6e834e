/* SPDX-License-Identifier: MIT */
#include "page_tables.h"

#define ENTRIES		512u
#define PAGE		UINT64_C(4096)
#define LARGE		UINT64_C(0x200000)
#define GIB		UINT64_C(0x40000000)
#define ADDR_MASK	UINT64_C(0x000ffffffffff000)
#define PRESENT		UINT64_C(1)
#define WRITABLE	UINT64_C(2)
#define LARGE_PAGE	UINT64_C(0x80)
#define LOWER_HALF	(UINT64_C(1) << 47)

size_t page_tables_bound(uint64_t identity_gib, uint64_t kernel_size)
{
	uint64_t pages = 2;				/* top level, twice with LA57 */

	pages += identity_gib;				/* one page directory a gigabyte */
	pages += identity_gib / ENTRIES + 2 + identity_gib;	/* sparse: a PDPT each at worst */
	pages += 2 + (kernel_size / GIB + 2) + (kernel_size / LARGE + 2);
	return (size_t)pages;
}

static uint64_t *table_at(const struct page_tables *tables, uint64_t entry)
{
	return tables->block + ((entry & ADDR_MASK) - tables->phys) / sizeof(uint64_t);
}

static enum om_status new_table(struct page_tables *tables, uint64_t *ret_entry)
{
	if (tables->used == tables->page_count)
		return OM_TOO_SMALL;
	memset(tables->block + tables->used * ENTRIES, 0, PAGE);
	*ret_entry = (tables->phys + tables->used * PAGE) | PRESENT | WRITABLE;
	tables->used++;
	return OM_OK;
}

enum om_status page_tables_init(struct page_tables *tables, void *block, uint64_t phys,
				size_t page_count, bool five_level)
{
	struct page_tables made = { block, phys, page_count, 0, five_level };
	enum om_status status;
	uint64_t top, pml4;

	if (phys % PAGE != 0)
		return OM_MISUSE;
	status = new_table(&made, &top);
	if (status != OM_OK)
		return status;
	if (five_level) {
		status = new_table(&made, &pml4);
		if (status != OM_OK)
			return status;
		/* Bits 48-56 are all equal in a 48-bit canonical address: one PML4 serves both. */
		made.block[0] = pml4;
		made.block[ENTRIES - 1] = pml4;
	}
	*tables = made;
	return OM_OK;
}

static uint64_t *pml4_of(const struct page_tables *tables)
{
	return tables->block + (tables->five_level ? ENTRIES : 0);
}

/* The table below SLOT, made when it is not there. */
static enum om_status descend(struct page_tables *tables, uint64_t *slot, uint64_t **ret_table)
{
	enum om_status status;

	if (*slot & LARGE_PAGE)
		return OM_CONFLICT;
	if (!(*slot & PRESENT)) {
		status = new_table(tables, slot);
		if (status != OM_OK)
			return status;
	}
	*ret_table = table_at(tables, *slot);
	return OM_OK;
}

enum om_status page_tables_identity(struct page_tables *tables, uint64_t addr, uint64_t len)
{
	uint64_t at, end, i;
	uint64_t *pdpt, *slot, entry;
	enum om_status status;

	if (!om_add_u64(addr, len, &end) || end > LOWER_HALF)
		return OM_LIMIT;
	for (at = addr & ~(GIB - 1); at < end; at += GIB) {
		status = descend(tables, &pml4_of(tables)[at >> 39], &pdpt);
		if (status != OM_OK)
			return status;
		slot = &pdpt[(at >> 30) % ENTRIES];
		if (*slot & PRESENT)
			continue;
		status = new_table(tables, &entry);
		if (status != OM_OK)
			return status;
		for (i = 0; i < ENTRIES; i++)
			table_at(tables, entry)[i] = (at + i * LARGE) | PRESENT | WRITABLE |
						     LARGE_PAGE;
		*slot = entry;
	}
	return OM_OK;
}

enum om_status page_tables_map(struct page_tables *tables, uint64_t vaddr, uint64_t phys,
			       uint64_t len)
{
	uint64_t offset, at, *table;
	enum om_status status;
	int shift;

	if ((vaddr | phys | len) % PAGE != 0)
		return OM_MISUSE;
	/* The last byte, not the one after it, which may be 2^64. */
	if (vaddr < KERNEL_VADDR_MIN || len == 0 || len - 1 > UINT64_MAX - vaddr)
		return OM_LIMIT;
	for (offset = 0; offset < len; offset += PAGE) {
		at = vaddr + offset;
		table = pml4_of(tables);
		for (shift = 39; shift > 12; shift -= 9) {
			status = descend(tables, &table[(at >> shift) % ENTRIES], &table);
			if (status != OM_OK)
				return status;
		}
		table[(at >> 12) % ENTRIES] = (phys + offset) | PRESENT | WRITABLE;
	}
	return OM_OK;
}

enum om_status page_tables_lookup(const struct page_tables *tables, uint64_t vaddr,
				  uint64_t *ret_phys)
{
	const uint64_t *table = tables->block;
	uint64_t entry, span;
	int shift;

	for (shift = tables->five_level ? 48 : 39; ; shift -= 9) {
		entry = table[(vaddr >> shift) % ENTRIES];
		if (!(entry & PRESENT))
			return OM_MISSING;
		if (shift == 12 || (entry & LARGE_PAGE))
			break;
		table = table_at(tables, entry);
	}
	span = UINT64_C(1) << shift;
	*ret_phys = ((entry & ADDR_MASK) & ~(span - 1)) + (vaddr & (span - 1));
	return OM_OK;
}
