/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing a program's memory.  Never through its own addresses: each page is
 * brought in, found in the tables and then reached through the direct map, so a bad address
 * is an error number and never a fault of the kernel.
 */
#include "mm.h"
#include "task.h"
#include "uio.h"

/* Kernel address of ADDRESS, and how many bytes are left in its page; NULL = -EFAULT. */
static char *reach(uintptr_t address, enum access access, size_t *ret_left)
{
	struct mm *mm = current->mm;
	uint64_t *pte;

	if (!mm || address >= USER_TOP)
		return NULL;
	pte = mm_pte(mm, address, false);
	if (!pte || !(*pte & PTE_P) || !(*pte & PTE_U) ||
	    (access == ACCESS_WRITE && !(*pte & PTE_W))) {
		if (mm_fault(mm, address, access) < 0)
			return NULL;
		pte = mm_pte(mm, address, false);
		if (!pte || !(*pte & PTE_P))
			return NULL;
	}
	*ret_left = PAGE_SIZE - (address & (PAGE_SIZE - 1));
	return (char *)phys_to_virt(*pte & PTE_ADDR) + (address & (PAGE_SIZE - 1));
}

int copy_from_user(void *dst, uintptr_t src, size_t n)
{
	char *at = dst;
	size_t step;

	while (n > 0) {
		const char *from = reach(src, ACCESS_READ, &step);

		if (!from)
			return -EFAULT;
		if (step > n)
			step = n;
		memcpy(at, from, step);
		at += step;
		src += step;
		n -= step;
	}
	return 0;
}

static int write_user(uintptr_t dst, const char *src, size_t n)
{
	size_t step;

	while (n > 0) {
		char *to = reach(dst, ACCESS_WRITE, &step);

		if (!to)
			return -EFAULT;
		if (step > n)
			step = n;
		if (src) {
			memcpy(to, src, step);
			src += step;
		} else {
			memset(to, 0, step);
		}
		dst += step;
		n -= step;
	}
	return 0;
}

int copy_to_user(uintptr_t dst, const void *src, size_t n)
{
	return write_user(dst, src, n);
}

int clear_user(uintptr_t dst, size_t n)
{
	return write_user(dst, NULL, n);
}

long strncpy_from_user(char *dst, uintptr_t src, size_t size)
{
	size_t done = 0, step, i;

	while (done < size) {
		const char *from = reach(src + done, ACCESS_READ, &step);

		if (!from)
			return -EFAULT;
		for (i = 0; i < step && done < size; i++, done++) {
			dst[done] = from[i];
			if (!from[i])
				return (long)done;
		}
	}
	return -ENAMETOOLONG;
}

/* ------------------------------------------------------------------ struct uio */

static size_t part(const struct uio *uio, size_t n)
{
	return n < uio->left ? n : uio->left;
}

static long advance(struct uio *uio, size_t n)
{
	uio->ptr += n;
	uio->left -= n;
	return (long)n;
}

long uio_put(struct uio *uio, const void *src, size_t n)
{
	n = part(uio, n);
	if (!uio->user)
		memcpy(uio->ptr, src, n);
	else if (copy_to_user((uintptr_t)uio->ptr, src, n) < 0)
		return -EFAULT;
	return advance(uio, n);
}

long uio_get(struct uio *uio, void *dst, size_t n)
{
	n = part(uio, n);
	if (!uio->user)
		memcpy(dst, uio->ptr, n);
	else if (copy_from_user(dst, (uintptr_t)uio->ptr, n) < 0)
		return -EFAULT;
	return advance(uio, n);
}

long uio_zero(struct uio *uio, size_t n)
{
	n = part(uio, n);
	if (!uio->user)
		memset(uio->ptr, 0, n);
	else if (clear_user((uintptr_t)uio->ptr, n) < 0)
		return -EFAULT;
	return advance(uio, n);
}
