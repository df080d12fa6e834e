/* SPDX-License-Identifier: MIT */
/* Any bytes as a cpio archive: no crash, and the same members whether in memory or read. */
#include <stdlib.h>

#include "fuzz_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_compare_readers(data, size, om_cpio_open, om_cpio_next);
	return 0;
}
