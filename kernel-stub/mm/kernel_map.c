/* SPDX-License-Identifier: MIT */
/* The kernel half of the address space beyond the direct map: device memory and stacks. */
#include "arch.h"
#include "device.h"
#include "mm.h"

static uintptr_t mmio_next = MMIO_BASE;

static uint64_t *table_below(uint64_t *table, unsigned index)
{
	void *page;

	if (!(table[index] & PTE_P)) {
		page = page_alloc();
		if (!page)
			return NULL;
		memory_stats.used--;	/* never given back, and not a leak */
		table[index] = page_phys(page) | PTE_P | PTE_W;
	}
	return phys_to_virt(table[index] & PTE_ADDR);
}

static uint64_t *kernel_pte(uintptr_t virt)
{
	uint64_t *table = phys_to_virt(kernel_cr3);
	int shift;

	for (shift = 39; table && shift > 12; shift -= 9)
		table = table_below(table, virt >> shift & 511);
	return table ? &table[virt >> 12 & 511] : NULL;
}

bool kernel_map(uintptr_t virt, uint64_t phys, uint64_t flags)
{
	uint64_t *pte = kernel_pte(virt);

	if (!pte)
		return false;
	*pte = phys | flags | PTE_P;
	invlpg(virt);
	return true;
}

void *kernel_unmap(uintptr_t virt)
{
	uint64_t *pte = kernel_pte(virt);
	void *page;

	if (!pte || !(*pte & PTE_P))
		return NULL;
	page = phys_to_virt(*pte & PTE_ADDR);
	*pte = 0;
	invlpg(virt);
	return page;
}

void kernel_map_share(uint64_t *top)
{
	const uint64_t *kernel = phys_to_virt(kernel_cr3);

	memcpy(top + 256, kernel + 256, 256 * sizeof(*top));
}

void *mmio_map(uint64_t phys, uint64_t len)
{
	uint64_t first = phys & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t end = (phys + len + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	uintptr_t start = mmio_next;

	for (; first < end; first += PAGE_SIZE, mmio_next += PAGE_SIZE)
		if (!kernel_map(mmio_next, first, PTE_W | PTE_NX | PTE_PCD | PTE_PWT))
			return NULL;
	return (void *)(start + (phys & (PAGE_SIZE - 1)));
}
