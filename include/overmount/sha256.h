/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_SHA256_H
#define OVERMOUNT_SHA256_H
/*
 * SHA-256 (FIPS 180-4).  Everything here uses general registers only, unless the digest was
 * begun with om_sha256_init_fast().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OM_SHA256_SIZE 32u

struct om_sha256 {
	uint32_t state[8];
	uint64_t total;
	uint8_t block[64];
	/* In general registers or by the SHA extensions: who asks for neither links neither. */
	void (*blocks)(uint32_t state[8], const uint8_t *blocks, size_t count);
};

void om_sha256_init(struct om_sha256 *sha);
/*
 * The same, with the processor's SHA extensions where CPUID says so.  Only for worlds in which
 * SSE registers may be used and are kept across interrupts: firmware and programs, not a
 * kernel's own code.
 */
void om_sha256_init_fast(struct om_sha256 *sha);
void om_sha256_update(struct om_sha256 *sha, const void *data, size_t len);
void om_sha256_final(struct om_sha256 *sha, uint8_t ret_digest[OM_SHA256_SIZE]);
void om_sha256(const void *data, size_t len, uint8_t ret_digest[OM_SHA256_SIZE]);

/* Has this processor the SHA extensions (and SSE4.1, SSSE3 beside them)? */
bool om_sha256_has_extensions(void);
/* COUNT blocks of 64 bytes into STATE; the caller has asked om_sha256_has_extensions(). */
void om_sha256_blocks_ni(uint32_t state[8], const uint8_t *blocks, size_t count);

#endif
