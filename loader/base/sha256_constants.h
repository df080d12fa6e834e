/* SPDX-License-Identifier: MIT */
#ifndef LOADER_SHA256_CONSTANTS_H
#define LOADER_SHA256_CONSTANTS_H
/* FIPS 180-4, 4.2.2; shared by the two ways to do the rounds. */
#include <stdint.h>

extern const uint32_t om_sha256_constants[64];

#endif
