/* SPDX-License-Identifier: MIT */
/* The memory of a program: a sorted list of areas, and the page tables that they fill. */
#include "arch.h"
#include "mm.h"
#include "vfs.h"

/* ------------------------------------------------------------------ tables */

uint64_t *mm_pte(struct mm *mm, uintptr_t address, bool make)
{
	uint64_t *table = mm->top;
	void *page;
	int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[address >> shift & 511];

		if (!(*entry & PTE_P)) {
			page = make ? page_alloc() : NULL;
			if (!page)
				return NULL;
			*entry = page_phys(page) | PTE_P | PTE_W | PTE_U;
		}
		table = phys_to_virt(*entry & PTE_ADDR);
	}
	return &table[address >> 12 & 511];
}

/* The next address from which on a table may exist; skips what has none at all. */
static uintptr_t skip_holes(struct mm *mm, uintptr_t address)
{
	uint64_t *table = mm->top;
	int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		uint64_t entry = table[address >> shift & 511];

		if (!(entry & PTE_P))
			return ((address >> shift) + 1) << shift;
		table = phys_to_virt(entry & PTE_ADDR);
	}
	return address;
}

static void drop_pages(struct mm *mm, uintptr_t start, uintptr_t end)
{
	uintptr_t at = start;

	while (at < end) {
		uintptr_t next = skip_holes(mm, at);
		uint64_t *pte;

		if (next != at) {
			at = next;
			continue;
		}
		pte = mm_pte(mm, at, false);
		if (*pte & PTE_P) {
			page_put(phys_to_virt(*pte & PTE_ADDR));
			*pte = 0;
			mm->pages--;
			invlpg(at);
		}
		at += PAGE_SIZE;
	}
}

/* Three levels, so no recursion on anything a program could choose. */
static void free_tables(uint64_t *table, int level)
{
	unsigned i, end = level == 3 ? 256 : 512;

	for (i = 0; i < end; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level > 1)
			free_tables(phys_to_virt(table[i] & PTE_ADDR), level - 1);
		else
			page_put(phys_to_virt(table[i] & PTE_ADDR));
	}
	page_put(table);
}

/* ------------------------------------------------------------------ life */

struct mm *mm_new(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	mm->top = page_alloc();
	if (!mm->top) {
		kfree(mm);
		return NULL;
	}
	kernel_map_share(mm->top);
	mm->count = 1;
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	mm->count++;
	return mm;
}

static void vma_free(struct vma *vma)
{
	if (vma->file)
		file_put(vma->file);
	kfree(vma);
}

void mm_put(struct mm *mm)
{
	if (!mm || --mm->count > 0)
		return;
	if (read_cr3() == page_phys(mm->top))
		write_cr3(kernel_cr3);
	while (mm->vmas) {
		struct vma *vma = mm->vmas;

		mm->vmas = vma->next;
		drop_pages(mm, vma->start, vma->end);
		vma_free(vma);
	}
	BUG_ON(mm->pages != 0);
	free_tables(mm->top, 3);
	kfree(mm);
}

void mm_switch(struct mm *mm)
{
	uint64_t cr3 = mm ? page_phys(mm->top) : kernel_cr3;

	if (read_cr3() != cr3)
		write_cr3(cr3);
}

/* ------------------------------------------------------------------ areas */

struct vma *vma_find(struct mm *mm, uintptr_t address)
{
	struct vma *vma;

	for (vma = mm->vmas; vma && vma->start <= address; vma = vma->next)
		if (address < vma->end)
			return vma;
	return NULL;
}

/* Make ADDRESS a border between two areas. */
static int split_at(struct mm *mm, uintptr_t address)
{
	struct vma *vma = vma_find(mm, address), *upper;

	if (!vma || vma->start == address)
		return 0;
	upper = kmalloc(sizeof(*upper));
	if (!upper)
		return -ENOMEM;
	*upper = *vma;
	upper->start = address;
	upper->index += (address - vma->start) >> PAGE_SHIFT;
	if (upper->file)
		file_get(upper->file);
	vma->end = address;
	vma->next = upper;
	return 0;
}

int mm_unmap(struct mm *mm, uintptr_t start, uintptr_t end)
{
	struct vma **link = &mm->vmas;
	int err = split_at(mm, start);

	if (!err)
		err = split_at(mm, end);
	if (err)
		return err;
	while (*link && (*link)->start < end) {
		struct vma *vma = *link;

		if (vma->start < start) {
			link = &vma->next;
			continue;
		}
		*link = vma->next;
		drop_pages(mm, vma->start, vma->end);
		vma_free(vma);
	}
	return 0;
}

static bool same_kind(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags && !a->file &&
	       !b->file && !(a->flags & VMA_STACK);
}

/* Growing heaps would else leave one area a step. */
static void merge(struct mm *mm)
{
	struct vma *vma = mm->vmas;

	while (vma && vma->next) {
		struct vma *next = vma->next;

		if (same_kind(vma, next)) {
			vma->end = next->end;
			vma->next = next->next;
			kfree(next);
		} else {
			vma = next;
		}
	}
}

static void insert(struct mm *mm, struct vma *vma)
{
	struct vma **link = &mm->vmas;

	while (*link && (*link)->start < vma->start)
		link = &(*link)->next;
	vma->next = *link;
	*link = vma;
}

/* Shared memory is there from the start, so that a fork finds every page. */
static int populate(struct mm *mm, struct vma *vma)
{
	uintptr_t at;
	int err;

	for (at = vma->start; at < vma->end; at += PAGE_SIZE) {
		err = mm_fault(mm, at, ACCESS_READ);
		if (err)
			return err;
	}
	return 0;
}

int mm_map(struct mm *mm, uintptr_t start, uintptr_t end, unsigned prot, unsigned flags,
	   struct file *file, uint64_t index)
{
	struct vma *vma = kmalloc(sizeof(*vma));
	int err;

	if (!vma)
		return -ENOMEM;
	/* First the reference: FILE may be known only by the area that goes. */
	*vma = (struct vma){ NULL, start, end, prot, flags, file ? file_get(file) : NULL, index };
	err = mm_unmap(mm, start, end);
	if (err) {
		vma_free(vma);
		return err;
	}
	insert(mm, vma);
	if ((flags & VMA_SHARED) && !file) {
		err = populate(mm, vma);
		if (err) {
			mm_unmap(mm, start, end);
			return err == -ENOMEM ? err : -ENOMEM;
		}
	}
	merge(mm);
	return 0;
}

/* Take rights away from pages that are there; new rights come with the next fault. */
static void restrict_pages(struct mm *mm, const struct vma *vma)
{
	uintptr_t at = vma->start;

	while (at < vma->end) {
		uintptr_t next = skip_holes(mm, at);
		uint64_t *pte;

		if (next != at) {
			at = next;
			continue;
		}
		pte = mm_pte(mm, at, false);
		if (*pte & PTE_P) {
			if (vma->prot == 0)
				*pte &= ~PTE_U;
			else
				*pte |= PTE_U;
			if (!(vma->prot & PROT_WRITE))
				*pte &= ~PTE_W;
			if (vma->prot & PROT_EXEC)
				*pte &= ~PTE_NX;
			else
				*pte |= PTE_NX;
			invlpg(at);
		}
		at += PAGE_SIZE;
	}
}

int mm_protect(struct mm *mm, uintptr_t start, uintptr_t end, unsigned prot)
{
	uintptr_t reach = start;
	struct vma *vma;
	int err;

	/* Up to the first hole it is done, also when there is one. */
	for (vma = mm->vmas; vma && vma->start <= reach && reach < end; vma = vma->next)
		if (vma->end > reach)
			reach = vma->end < end ? vma->end : end;
	if (reach == start)
		return -ENOMEM;
	for (vma = mm->vmas; vma && vma->start < reach; vma = vma->next)
		if (vma->end > start && (vma->flags & VMA_NO_WRITE) && (prot & PROT_WRITE))
			return -EACCES;
	err = split_at(mm, start);
	if (!err)
		err = split_at(mm, reach);
	if (err)
		return err;
	for (vma = mm->vmas; vma && vma->start < reach; vma = vma->next) {
		if (vma->start < start)
			continue;
		vma->prot = prot;
		restrict_pages(mm, vma);
	}
	merge(mm);
	return reach < end ? -ENOMEM : 0;
}

bool mm_range_free(struct mm *mm, uintptr_t start, uintptr_t end)
{
	struct vma *vma;

	for (vma = mm->vmas; vma && vma->start < end; vma = vma->next)
		if (vma->end > start)
			return false;
	return true;
}

uintptr_t mm_hole(struct mm *mm, uint64_t len)
{
	uintptr_t best = 0, low = USER_LOWEST;
	struct vma *vma;

	if (len > MMAP_TOP - USER_LOWEST)
		return 0;
	for (vma = mm->vmas; vma && vma->start < MMAP_TOP; vma = vma->next) {
		if (vma->start - low >= len)
			best = vma->start - len;
		low = vma->end;
	}
	if (low < MMAP_TOP && MMAP_TOP - low >= len)
		best = MMAP_TOP - len;
	return best;
}

/* ------------------------------------------------------------------ fork */

/* Both sides lose the right to write; the first that writes gets a copy (fault.c). */
static int copy_pages(struct mm *from, struct mm *to, const struct vma *vma)
{
	uintptr_t at = vma->start;

	while (at < vma->end) {
		uintptr_t next = skip_holes(from, at);
		uint64_t *pte, *copy;

		if (next != at) {
			at = next;
			continue;
		}
		pte = mm_pte(from, at, false);
		if (*pte & PTE_P) {
			copy = mm_pte(to, at, true);
			if (!copy)
				return -ENOMEM;
			if (!(vma->flags & VMA_SHARED)) {
				*pte &= ~PTE_W;
				invlpg(at);
			}
			*copy = *pte;
			page_get(phys_to_virt(*pte & PTE_ADDR));
			to->pages++;
		}
		at += PAGE_SIZE;
	}
	return 0;
}

struct mm *mm_fork(struct mm *mm)
{
	struct mm *copy = mm_new();
	struct vma *vma, **link;

	if (!copy)
		return NULL;
	copy->brk_start = mm->brk_start;
	copy->brk = mm->brk;
	copy->arg_start = mm->arg_start;
	copy->arg_end = mm->arg_end;
	link = &copy->vmas;
	for (vma = mm->vmas; vma; vma = vma->next) {
		struct vma *twin = kmalloc(sizeof(*twin));

		if (!twin)
			goto no_memory;
		*twin = *vma;
		twin->next = NULL;
		if (twin->file)
			file_get(twin->file);
		*link = twin;
		link = &twin->next;
		if (copy_pages(mm, copy, vma) < 0)
			goto no_memory;
	}
	return copy;
no_memory:
	mm_put(copy);
	return NULL;
}
