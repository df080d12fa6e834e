/* SPDX-License-Identifier: MIT */
/* Memory that grows at its end: pages from anywhere, mapped one behind the other. */
#include "mm.h"

static uint32_t used;		/* a bit a slot */

int growing_init(struct growing *growing)
{
	unsigned slot = 0;

	while (slot < GROWING_MAX && (used & 1u << slot))
		slot++;
	if (slot == GROWING_MAX)
		return -ENOMEM;
	used |= 1u << slot;
	*growing = (struct growing){ (uint8_t *)(GROWING_BASE + slot * GROWING_SLOT), 0 };
	return 0;
}

static uintptr_t end_of(const struct growing *growing)
{
	return (uintptr_t)growing->start + growing->pages * PAGE_SIZE;
}

int growing_add(struct growing *growing, size_t pages)
{
	size_t before = growing->pages;

	if (pages > GROWING_SLOT / PAGE_SIZE - before)
		return -ENOMEM;
	for (; pages > 0; pages--, growing->pages++) {
		void *page = page_alloc();

		if (page && kernel_map(end_of(growing), page_phys(page), PTE_W | PTE_NX))
			continue;
		if (page)
			page_put(page);
		growing_cut(growing, before);
		return -ENOMEM;
	}
	return 0;
}

void growing_cut(struct growing *growing, size_t pages)
{
	while (growing->pages > pages) {
		growing->pages--;
		page_put(kernel_unmap(end_of(growing)));
	}
}

void growing_free(struct growing *growing)
{
	growing_cut(growing, 0);
	used &= ~(1u << ((uintptr_t)growing->start - GROWING_BASE) / GROWING_SLOT);
	growing->start = NULL;
}
