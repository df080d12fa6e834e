/* SPDX-License-Identifier: MIT */
#ifndef STUB_MM_H
#define STUB_MM_H
/* Memory: the layout of the address space, pages, and what a program's memory consists of. */
#include "port.h"

struct file;
struct om_handoff;

/*
 * Upper half:
 *	ffff8000 00000000  all physical memory, in 2 MiB pages, not executable
 *	ffffc000 00000000  device memory, uncached
 *	ffffd000 00000000  kernel stacks, one slot a task, with unmapped pages below each
 *	ffffe000 00000000  struct growing: 32 ranges of 16 GiB
 *	ffffffff 80100000  the kernel itself
 */
#define DIRECT_MAP	UINT64_C(0xffff800000000000)
#define MMIO_BASE	UINT64_C(0xffffc00000000000)
#define STACK_BASE	UINT64_C(0xffffd00000000000)
#define GROWING_BASE	UINT64_C(0xffffe00000000000)
#define GROWING_SLOT	(UINT64_C(16) << 30)
#define GROWING_MAX	32u	/* one entry of the top-level table */
#define STACK_SLOT	0x10000u
#define STACK_SIZE	0x6000u

#define USER_LOWEST	UINT64_C(0x10000)		/* nothing is ever mapped below: NULL */
#define USER_TOP	UINT64_C(0x00007ffffffff000)
#define STACK_TOP	UINT64_C(0x00007ffffffde000)
#define STACK_MAX	(UINT64_C(8) << 20)
#define MMAP_TOP	UINT64_C(0x00007ffff0000000)
#define PIE_BASE	UINT64_C(0x0000555555554000)

#define PTE_P		UINT64_C(1)
#define PTE_W		UINT64_C(2)
#define PTE_U		UINT64_C(4)
#define PTE_PWT		UINT64_C(8)
#define PTE_PCD		UINT64_C(16)
#define PTE_LARGE	UINT64_C(0x80)
#define PTE_NX		(UINT64_C(1) << 63)
#define PTE_ADDR	UINT64_C(0x000ffffffffff000)

/* -- pages.c, heap.c: see port.h for the rest ---------------------------------------------------- */
struct memory_stats {
	uint64_t total, free;		/* pages */
	uint64_t used;			/* by page_alloc() and pages_alloc(), slabs not counted */
	uint64_t handed;		/* of archive and images, not given back yet */
	uint64_t slabs, objects;	/* pages and live kmalloc()s */
};

extern struct memory_stats memory_stats;

/* Take over the machine's memory; panics with a reason when it cannot. */
void memory_init(const struct om_handoff *handoff);
/* The tables and the stack of the stage are free now. */
void memory_release_stage(const struct om_handoff *handoff);
/* COUNT contiguous pages, zeroed, each with one reference; NULL: there is no such run. */
void *pages_alloc_run(uint32_t count);
void pages_free_run(void *run, uint32_t count);
/* For programs: leaves a reserve for the kernel; caches are emptied first. NULL: none. */
void *page_alloc_user(void);
/* 4 KiB pages in the kernel half; FLAGS without PTE_P. False: no memory for a table. */
bool kernel_map(uintptr_t virt, uint64_t phys, uint64_t flags);
/* The page that was mapped, or NULL. */
void *kernel_unmap(uintptr_t virt);
/* Upper half of a new top-level table. */
void kernel_map_share(uint64_t *top);
extern uint64_t kernel_cr3;

/* -- address_space.c: the memory of a program ------------------------------------------------------ */
#define PROT_READ	1u
#define PROT_WRITE	2u
#define PROT_EXEC	4u

#define VMA_NO_WRITE	2u	/* a shared file: never to be made writable */
#define VMA_SHARED	1u	/* pages stay the same over fork; all there from the start */
#define VMA_STACK	2u	/* grows down */

struct vma {
	struct vma *next;	/* sorted, never overlapping */
	uintptr_t start, end;	/* page-aligned */
	unsigned prot;
	unsigned flags;
	struct file *file;	/* one reference; NULL = zeros */
	uint64_t index;		/* page of the file at start */
};

struct mm {
	unsigned count;
	uint64_t *top;		/* PML4 */
	struct vma *vmas;
	uintptr_t brk_start, brk;
	uint64_t pages;		/* mapped */
	uintptr_t arg_start, arg_end;
};

struct mm *mm_new(void);
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
struct mm *mm_fork(struct mm *mm);
/* Load its tables (NULL: the kernel's own). */
void mm_switch(struct mm *mm);

struct vma *vma_find(struct mm *mm, uintptr_t address);
/* FILE: a reference is taken.  Replaces whatever was there. 0 or -ENOMEM. */
int mm_map(struct mm *mm, uintptr_t start, uintptr_t end, unsigned prot, unsigned flags,
	   struct file *file, uint64_t index);
int mm_unmap(struct mm *mm, uintptr_t start, uintptr_t end);
int mm_protect(struct mm *mm, uintptr_t start, uintptr_t end, unsigned prot);
/* The highest free hole below MMAP_TOP; 0 = none. */
uintptr_t mm_hole(struct mm *mm, uint64_t len);
bool mm_range_free(struct mm *mm, uintptr_t start, uintptr_t end);

/* -- fault.c ------------------------------------------------------------------------------------- */
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/* Make the page there for this access: 0, -EFAULT (SIGSEGV), -EIO (SIGBUS), -ENOMEM. */
int mm_fault(struct mm *mm, uintptr_t address, enum access access);
/* Entry of ADDRESS in the tables; NULL when there is no table and MAKE is false or memory is out. */
uint64_t *mm_pte(struct mm *mm, uintptr_t address, bool make);

#endif
