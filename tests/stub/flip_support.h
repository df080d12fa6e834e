/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STUB_FLIP_SUPPORT_H
#define TESTS_STUB_FLIP_SUPPORT_H
/* What every read-only file system has to survive: wrong bits, short images, failing reads. */
#include "fs_support.h"

/* Mount the disk as TYPE and look at everything in it; the errors are the caller's to judge. */
int visit_image(const char *type);
/* As above for IMAGE with 1 to 4 wrong bits each time, in the first SPAN bytes, COUNT times. */
void flip_image(const char *type, const uint8_t *image, size_t size, size_t span, unsigned count);
/* IMAGE cut off at many places. */
void truncate_image(const char *type, const uint8_t *image, size_t size);
/* Each read of the disk failing once. */
void fail_reads_of(const char *type, const uint8_t *image, size_t size);
/* The bytes of a file in the scratch directory. */
uint8_t *load_image(const char *name, size_t *ret_size);

#endif
