/* SPDX-License-Identifier: MIT */
#ifndef STUB_UIO_H
#define STUB_UIO_H
/*
 * Where the bytes of a read or write go or come from: kernel memory or the running task's.
 * Only these functions touch user memory for file operations; a bad user address is -EFAULT,
 * never a kernel fault, also when the operation slept in between.
 */
#include "port.h"

struct uio {
	char *ptr;
	size_t left;		/* bytes still wanted */
	bool user;
};

static inline struct uio uio_kernel(const void *ptr, size_t len)
{
	return (struct uio){ (char *)(uintptr_t)ptr, len, false };
}

/* Copy up to N bytes (at most what is left) out of SRC / into DST and advance: bytes or -EFAULT. */
long uio_put(struct uio *uio, const void *src, size_t n);	/* read(2) gives bytes */
long uio_get(struct uio *uio, void *dst, size_t n);		/* write(2) takes bytes */
long uio_zero(struct uio *uio, size_t n);

#endif
