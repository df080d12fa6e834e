/* SPDX-License-Identifier: MIT */
/* SHA-256 as FIPS 180-4 writes it down, in general registers. */
#include <overmount/bytes.h>
#include <overmount/sha256.h>

#include "sha256_constants.h"

#define BLOCK_SIZE 64u
#define ROUNDS 64u

static const uint32_t initial_state[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes. */
const uint32_t om_sha256_constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned int bits)
{
	return value >> bits | value << (32 - bits);
}

static void schedule(uint32_t words[ROUNDS], const uint8_t *block)
{
	for (unsigned int t = 0; t < 16; t++)
		words[t] = om_get_be32(block + 4 * t);
	for (unsigned int t = 16; t < ROUNDS; t++) {
		uint32_t a = words[t - 15], b = words[t - 2];

		words[t] = words[t - 16] + words[t - 7] +
			   (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
			   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void one_block(uint32_t state[8], const uint8_t *block)
{
	uint32_t words[ROUNDS];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	schedule(words, block);
	for (unsigned int t = 0; t < ROUNDS; t++) {
		uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			      ((e & f) ^ (~e & g)) + om_sha256_constants[t] + words[t];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			      ((a & b) ^ (a & c) ^ (b & c));

		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

static void plain_blocks(uint32_t state[8], const uint8_t *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		one_block(state, blocks + i * BLOCK_SIZE);
}

void om_sha256_init(struct om_sha256 *sha)
{
	*sha = (struct om_sha256){ .blocks = plain_blocks };
	memcpy(sha->state, initial_state, sizeof(initial_state));
}

void om_sha256_init_fast(struct om_sha256 *sha)
{
	om_sha256_init(sha);
	if (om_sha256_has_extensions())
		sha->blocks = om_sha256_blocks_ni;
}

void om_sha256_update(struct om_sha256 *sha, const void *data, size_t len)
{
	const uint8_t *at = data;
	size_t held = sha->total % BLOCK_SIZE;

	sha->total += len;
	if (held > 0) {
		size_t part = len < BLOCK_SIZE - held ? len : BLOCK_SIZE - held;

		if (part > 0)
			memcpy(sha->block + held, at, part);
		if (held + part < BLOCK_SIZE)
			return;
		sha->blocks(sha->state, sha->block, 1);
		at += part;
		len -= part;
	}
	if (len >= BLOCK_SIZE) {
		sha->blocks(sha->state, at, len / BLOCK_SIZE);
		at += len - len % BLOCK_SIZE;
		len %= BLOCK_SIZE;
	}
	if (len > 0)
		memcpy(sha->block, at, len);
}

void om_sha256_final(struct om_sha256 *sha, uint8_t ret_digest[OM_SHA256_SIZE])
{
	uint64_t bits = sha->total * 8;
	size_t held = sha->total % BLOCK_SIZE;

	sha->block[held++] = 0x80;
	if (held > BLOCK_SIZE - 8) {
		memset(sha->block + held, 0, BLOCK_SIZE - held);
		sha->blocks(sha->state, sha->block, 1);
		held = 0;
	}
	memset(sha->block + held, 0, BLOCK_SIZE - 8 - held);
	om_put_be32(sha->block + BLOCK_SIZE - 8, (uint32_t)(bits >> 32));
	om_put_be32(sha->block + BLOCK_SIZE - 4, (uint32_t)bits);
	sha->blocks(sha->state, sha->block, 1);
	for (unsigned int i = 0; i < 8; i++)
		om_put_be32(ret_digest + 4 * i, sha->state[i]);
}

void om_sha256(const void *data, size_t len, uint8_t ret_digest[OM_SHA256_SIZE])
{
	struct om_sha256 sha;

	om_sha256_init(&sha);
	om_sha256_update(&sha, data, len);
	om_sha256_final(&sha, ret_digest);
}
