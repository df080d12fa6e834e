/* SPDX-License-Identifier: MIT */
/* Pages come when they are touched: zeros, pages of files, copies of what is shared. */
#include "arch.h"
#include "mm.h"
#include "vfs.h"

static uint64_t rights(const struct vma *vma, bool writable)
{
	uint64_t flags = PTE_P | PTE_U;

	if (writable && (vma->prot & PROT_WRITE))
		flags |= PTE_W;
	if (!(vma->prot & PROT_EXEC))
		flags |= PTE_NX;
	return flags;
}

/* The stack reaches down to where it is touched, with the area below kept free. */
static struct vma *grow_stack(struct mm *mm, uintptr_t address)
{
	struct vma *vma;
	uintptr_t start = address & ~(uintptr_t)(PAGE_SIZE - 1);

	for (vma = mm->vmas; vma; vma = vma->next)
		if (vma->start > address)
			break;
	if (!vma || !(vma->flags & VMA_STACK) || vma->end - start > STACK_MAX ||
	    !mm_range_free(mm, start - PAGE_SIZE, vma->start))
		return NULL;
	vma->start = start;
	return vma;
}

static int page_of_file(struct vma *vma, uintptr_t address, void **ret_page)
{
	uint64_t index = vma->index + ((address - vma->start) >> PAGE_SHIFT);

	if (index << PAGE_SHIFT >= vma->file->inode->size)
		return -EIO;		/* behind the end: SIGBUS */
	return file_map_page(vma->file, index, ret_page);
}

static int bring(struct mm *mm, struct vma *vma, uintptr_t address, bool write)
{
	void *page, *copy;
	uint64_t *pte;
	int err;

	if (vma->file) {
		err = page_of_file(vma, address, &page);
		if (err)
			return err == -ENOMEM ? err : -EIO;
		if (write) {
			copy = page_alloc_user();
			if (copy)
				memcpy(copy, page, PAGE_SIZE);
			page_put(page);
			page = copy;
		}
	} else {
		page = page_alloc_user();
	}
	if (!page)
		return -ENOMEM;
	/* The file may have slept, so the entry is looked up only now. */
	pte = mm_pte(mm, address, true);
	if (!pte || (*pte & PTE_P)) {
		page_put(page);
		return pte ? 0 : -ENOMEM;
	}
	*pte = page_phys(page) | rights(vma, !vma->file || write);
	mm->pages++;
	return 0;
}

static int unshare(struct vma *vma, uintptr_t address, uint64_t *pte)
{
	void *page = phys_to_virt(*pte & PTE_ADDR), *copy;

	if (page_count(page) == 1 || (vma->flags & VMA_SHARED)) {
		*pte |= PTE_W;
	} else {
		copy = page_alloc_user();
		if (!copy)
			return -ENOMEM;
		memcpy(copy, page, PAGE_SIZE);
		*pte = page_phys(copy) | rights(vma, true);
		page_put(page);
	}
	invlpg(address);
	return 0;
}

int mm_fault(struct mm *mm, uintptr_t address, enum access access)
{
	uintptr_t page = address & ~(uintptr_t)(PAGE_SIZE - 1);
	struct vma *vma;
	uint64_t *pte;

	if (address < USER_LOWEST || address >= USER_TOP)
		return -EFAULT;
	vma = vma_find(mm, address);
	if (!vma)
		vma = grow_stack(mm, address);
	if (!vma || vma->prot == 0 || (access == ACCESS_WRITE && !(vma->prot & PROT_WRITE)) ||
	    (access == ACCESS_EXEC && !(vma->prot & PROT_EXEC)))
		return -EFAULT;
	pte = mm_pte(mm, page, false);
	if (!pte || !(*pte & PTE_P))
		return bring(mm, vma, page, access == ACCESS_WRITE);
	if (access == ACCESS_WRITE && !(*pte & PTE_W))
		return unshare(vma, page, pte);
	return 0;
}
