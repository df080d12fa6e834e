/* SPDX-License-Identifier: MIT */
/* Outside of the guard: by way of "port.h" this file is found once more before the host's. */
#ifdef STUB_HOST
#include_next <errno.h>
#endif
#ifndef STUB_ERRNO_H
#define STUB_ERRNO_H
/* Linux' x86-64 error numbers; functions return them negated. */
#ifndef STUB_HOST
enum {
	EPERM = 1,
	ENOENT = 2,
	ESRCH = 3,
	EINTR = 4,
	EIO = 5,
	ENXIO = 6,
	E2BIG = 7,
	ENOEXEC = 8,
	EBADF = 9,
	ECHILD = 10,
	EAGAIN = 11,
	ENOMEM = 12,
	EACCES = 13,
	EFAULT = 14,
	ENOTBLK = 15,
	EBUSY = 16,
	EEXIST = 17,
	EXDEV = 18,
	ENODEV = 19,
	ENOTDIR = 20,
	EISDIR = 21,
	EINVAL = 22,
	ENFILE = 23,
	EMFILE = 24,
	ENOTTY = 25,
	ETXTBSY = 26,
	EFBIG = 27,
	ENOSPC = 28,
	ESPIPE = 29,
	EROFS = 30,
	EMLINK = 31,
	EPIPE = 32,
	EDOM = 33,
	ERANGE = 34,
	EDEADLK = 35,
	ENAMETOOLONG = 36,
	ENOSYS = 38,
	ENOTEMPTY = 39,
	ELOOP = 40,
	ENODATA = 61,
	ETIME = 62,
	EPROTO = 71,
	EOVERFLOW = 75,
	ELIBBAD = 80,
	EUSERS = 87,
	EOPNOTSUPP = 95,
	ETIMEDOUT = 110,
	ESTALE = 116,
	ENOMEDIUM = 123,
};
#define EWOULDBLOCK EAGAIN
#endif

#endif
