/* SPDX-License-Identifier: MIT */
/* Any bytes as a tar archive: no crash, and the same members whether in memory or read. */
#include <stdlib.h>

#include "fuzz_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_compare_readers(data, size, om_tar_open, om_tar_next);
	return 0;
}
