/* SPDX-License-Identifier: MIT */
#include "mm.h"
#include "syscall.h"

#define MAP_SHARED	1u
#define MAP_PRIVATE	2u
#define MAP_FIXED	0x10u
#define MAP_ANONYMOUS	0x20u
#define MAP_FIXED_NOREPLACE 0x100000u
#define MREMAP_MAYMOVE	1u
#define MADV_DONTNEED	4
#define MADV_LAST	25u		/* MADV_COLLAPSE */

static bool range_ok(uintptr_t start, uint64_t len)
{
	return len <= USER_TOP && start >= USER_LOWEST && start <= USER_TOP - len;
}

static uint64_t page_up(uint64_t len)
{
	return (len + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

/* Where it may go; 0 = nowhere. */
static uintptr_t place(uintptr_t hint, uint64_t len, unsigned flags, int *ret_err)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if ((hint & (PAGE_SIZE - 1)) || !range_ok(hint, len)) {
			*ret_err = hint & (PAGE_SIZE - 1) ? -EINVAL :
				   hint < USER_LOWEST ? -EPERM : -ENOMEM;
			return 0;
		}
		if ((flags & MAP_FIXED_NOREPLACE) &&
		    !mm_range_free(current->mm, hint, hint + len)) {
			*ret_err = -EEXIST;
			return 0;
		}
		return hint;
	}
	hint = page_up(hint);
	if (hint && range_ok(hint, len) && mm_range_free(current->mm, hint, hint + len))
		return hint;
	*ret_err = -ENOMEM;
	return mm_hole(current->mm, len);
}

static int check_file(const struct file *file, unsigned prot, bool shared)
{
	if ((file->flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if (!S_ISREG(file->inode->mode))
		return -ENODEV;
	if (shared && (prot & PROT_WRITE) && (file->flags & O_ACCMODE) != O_RDWR)
		return -EACCES;
	/* Pages of files are never written through a mapping. */
	return shared && (prot & PROT_WRITE) ? -ENODEV : 0;
}

DEFINE_SYSCALL(mmap)
{
	uint64_t len = page_up(args->a[1]);
	unsigned prot = (unsigned)args->a[2] & 7, flags = (unsigned)args->a[3];
	bool shared = (flags & 3) != MAP_PRIVATE;
	struct file *file = NULL;
	uintptr_t start;
	int err = 0;

	if (len == 0 || len < args->a[1] || (flags & 3) == 0 || (args->a[5] & (PAGE_SIZE - 1)))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		file = fd_get(current->files, (int)args->a[4]);
		if (!file)
			return -EBADF;
		err = check_file(file, prot, shared);
	}
	start = err ? 0 : place(args->a[0], len, flags, &err);
	if (start)
		err = mm_map(current->mm, start, start + len, prot,
			     !shared ? 0 : file ? VMA_NO_WRITE : VMA_SHARED, file, args->a[5] >> PAGE_SHIFT);
	if (file)
		file_put(file);
	return start && !err ? (long)start : err;
}

DEFINE_SYSCALL(munmap)
{
	uint64_t len = page_up(args->a[1]);

	if ((args->a[0] & (PAGE_SIZE - 1)) || len == 0 || !range_ok(args->a[0], len))
		return -EINVAL;
	return mm_unmap(current->mm, args->a[0], args->a[0] + len);
}

DEFINE_SYSCALL(mprotect)
{
	uint64_t len = page_up(args->a[1]);

	if ((args->a[0] & (PAGE_SIZE - 1)) || (args->a[2] & ~UINT64_C(7)))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!range_ok(args->a[0], len))
		return -ENOMEM;
	return mm_protect(current->mm, args->a[0], args->a[0] + len, (unsigned)args->a[2]);
}

DEFINE_SYSCALL(brk)
{
	struct mm *mm = current->mm;
	uintptr_t old = page_up(mm->brk), new = page_up(args->a[0]);
	uint64_t total, unused;

	if (args->a[0] < mm->brk_start || args->a[0] >= MMAP_TOP)
		return (long)mm->brk;
	/* More than the machine has is refused at once, not when it is used. */
	memory_counts(&total, &unused);
	if (new > old && (new - old) / PAGE_SIZE > total)
		return (long)mm->brk;
	if (new > old && (!mm_range_free(mm, old, new) ||
			  mm_map(mm, old, new, PROT_READ | PROT_WRITE, 0, NULL, 0) < 0))
		return (long)mm->brk;
	if (new < old && mm_unmap(mm, new, old) < 0)
		return (long)mm->brk;
	mm->brk = args->a[0];
	return (long)mm->brk;
}

/* Only the page entries move, not the bytes. */
static long move_pages(uintptr_t from, uint64_t old_len, uint64_t new_len)
{
	struct mm *mm = current->mm;
	struct vma *vma = vma_find(mm, from);
	uintptr_t to = mm_hole(mm, new_len), at;
	int err;

	if (!to)
		return -ENOMEM;
	err = mm_map(mm, to, to + new_len, vma->prot, vma->flags & ~VMA_SHARED, vma->file,
		     vma->index + ((from - vma->start) >> PAGE_SHIFT));
	for (at = 0; !err && at < old_len; at += PAGE_SIZE) {
		uint64_t *old = mm_pte(mm, from + at, false), *new;

		if (!old || !(*old & PTE_P))
			continue;
		new = mm_pte(mm, to + at, true);
		if (!new) {
			err = -ENOMEM;
			break;
		}
		*new = *old;
		page_get(phys_to_virt(*old & PTE_ADDR));
		mm->pages++;
	}
	if (!err)
		err = mm_unmap(mm, from, from + old_len);
	return err ? err : (long)to;
}

DEFINE_SYSCALL(mremap)
{
	uint64_t old_len = page_up(args->a[1]), new_len = page_up(args->a[2]);
	uintptr_t start = args->a[0];
	struct mm *mm = current->mm;
	struct vma *vma = vma_find(mm, start);
	int err;

	if ((start & (PAGE_SIZE - 1)) || old_len == 0 || new_len == 0 ||
	    (args->a[3] & ~(uint64_t)MREMAP_MAYMOVE))
		return -EINVAL;
	if (!vma || !range_ok(start, old_len) || start + old_len > vma->end)
		return -EFAULT;
	if (new_len <= old_len) {
		err = new_len < old_len ? mm_unmap(mm, start + new_len, start + old_len) : 0;
		return err ? err : (long)start;
	}
	if (vma->flags & VMA_SHARED)
		return -EINVAL;
	if (!vma->file && range_ok(start, new_len) &&
	    mm_range_free(mm, start + old_len, start + new_len)) {
		err = mm_map(mm, start + old_len, start + new_len, vma->prot, vma->flags, NULL, 0);
		return err ? err : (long)start;
	}
	return args->a[3] & MREMAP_MAYMOVE ? move_pages(start, old_len, new_len) : -ENOMEM;
}

DEFINE_SYSCALL(madvise)
{
	uint64_t len = page_up(args->a[1]);
	uintptr_t start = args->a[0];
	struct vma *vma;

	if (start & (PAGE_SIZE - 1))
		return -EINVAL;
	if (args->a[2] > MADV_LAST)
		return -EINVAL;
	if (args->a[2] != MADV_DONTNEED || len == 0)
		return 0;
	vma = vma_find(current->mm, start);
	if (!vma || !range_ok(start, len) || start + len > vma->end)
		return -ENOMEM;
	if (vma->flags & VMA_SHARED)
		return 0;
	/* The same again, and empty. */
	return mm_map(current->mm, start, start + len, vma->prot, vma->flags, vma->file,
		      vma->index + ((start - vma->start) >> PAGE_SHIFT));
}
