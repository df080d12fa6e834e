/* SPDX-License-Identifier: MIT */
/*
 * What the libraries expect of a C library.  Memory is the kernel's.  The rest belongs to what
 * they can do beyond decompressing memory, files and messages for instance: it is linked
 * because the archives have one object for both, and nobody here calls it.
 */
#include "port.h"

/* Other names in C, so that the compiler's ideas about these functions stay out. */
void *library_malloc(size_t size) __asm__("malloc");
void *library_calloc(size_t count, size_t size) __asm__("calloc");
void library_free(void *ptr) __asm__("free");

void *library_malloc(size_t size)
{
	return kmalloc(size);
}

void *library_calloc(size_t count, size_t size)
{
	return size && count > SIZE_MAX / size ? NULL : kzalloc(count * size);
}

void library_free(void *ptr)
{
	kfree(ptr);
}

#define NEVER(symbol) \
	void never_##symbol(void) __asm__(#symbol); \
	void never_##symbol(void) { panic("a library called %s()", #symbol); }

NEVER(__stack_chk_fail)
NEVER(__ctype_b_loc)
NEVER(__fprintf_chk)
NEVER(exit)
NEVER(fclose)
NEVER(fdopen)
NEVER(ferror)
NEVER(fflush)
NEVER(fgetc)
NEVER(fopen64)
NEVER(fputc)
NEVER(fread)
NEVER(fwrite)
NEVER(ungetc)

void *never_stdin __asm__("stdin"), *never_stdout __asm__("stdout"), *never_stderr __asm__("stderr");
