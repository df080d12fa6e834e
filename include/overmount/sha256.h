/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_SHA256_H
#define OVERMOUNT_SHA256_H
/* SHA-256 (FIPS 180-4).  Uses the processor's SHA extensions where CPUID says so. */
#include <stddef.h>
#include <stdint.h>

#define OM_SHA256_SIZE 32u

struct om_sha256 {
	uint32_t state[8];
	uint64_t total;
	uint8_t block[64];
};

void om_sha256_init(struct om_sha256 *sha);
void om_sha256_update(struct om_sha256 *sha, const void *data, size_t len);
void om_sha256_final(struct om_sha256 *sha, uint8_t ret_digest[OM_SHA256_SIZE]);
void om_sha256(const void *data, size_t len, uint8_t ret_digest[OM_SHA256_SIZE]);

#endif
