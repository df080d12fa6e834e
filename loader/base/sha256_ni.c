/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 by the processor's SHA extensions.  The only file of the library that touches vector
 * registers: it is reached through om_sha256_init_fast() alone, which kernels do not call.
 *
 * Written with the compiler's vector types and builtins, for the intrinsics' headers are not
 * freestanding ones.
 */
#include <overmount/bytes.h>
#include <overmount/sha256.h>

#include "sha256_constants.h"

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* Sums wrap, so the words are unsigned; the builtins' own type is signed. */
typedef unsigned int quad __attribute__((vector_size(16)));
typedef int signed_quad __attribute__((vector_size(16)));
typedef unsigned int quad_loose __attribute__((vector_size(16), aligned(1), may_alias));
typedef char sixteen __attribute__((vector_size(16)));

static void cpuid(uint32_t leaf, uint32_t regs[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
			 : "a"(leaf), "c"(0));
}

bool om_sha256_has_extensions(void)
{
	uint32_t regs[4];

	cpuid(0, regs);
	if (regs[0] < 7)
		return false;
	cpuid(1, regs);
	if (!(regs[2] & 1u << 9) || !(regs[2] & 1u << 19))	/* SSSE3, SSE4.1 */
		return false;
	cpuid(7, regs);
	return regs[1] & 1u << 29;				/* SHA */
}

/* Two rounds; returns the new A, B, E, F. */
WITH_SHA static quad two_rounds(quad cdgh, quad abef, quad input)
{
	return (quad)__builtin_ia32_sha256rnds2((signed_quad)cdgh, (signed_quad)abef,
						(signed_quad)input);
}

/* Four rounds with the constants from INDEX on; WORDS are the schedule's next four. */
WITH_SHA static void four_rounds(quad *abef, quad *cdgh, quad words, unsigned int index)
{
	quad input = words + *(const quad_loose *)(om_sha256_constants + index);

	*cdgh = two_rounds(*cdgh, *abef, input);
	*abef = two_rounds(*abef, *cdgh, __builtin_shufflevector(input, input, 2, 3, 0, 0));
}

/* The schedule four words on: W[t-16..], W[t-12..], W[t-8..], W[t-4..] make W[t..t+3]. */
WITH_SHA static quad next_words(quad w16, quad w12, quad w8, quad w4)
{
	quad w7 = __builtin_shufflevector(w8, w4, 1, 2, 3, 4);
	quad sum = (quad)__builtin_ia32_sha256msg1((signed_quad)w16, (signed_quad)w12) + w7;

	return (quad)__builtin_ia32_sha256msg2((signed_quad)sum, (signed_quad)w4);
}

WITH_SHA static quad load_words(const uint8_t *at)
{
	sixteen bytes = (sixteen)*(const quad_loose *)at;

	return (quad)__builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4,
					     11, 10, 9, 8, 15, 14, 13, 12);
}

WITH_SHA void om_sha256_blocks_ni(uint32_t state[8], const uint8_t *blocks, size_t count)
{
	quad low = *(const quad_loose *)state, high = *(const quad_loose *)(state + 4);
	/* The instructions want the eight words as (F,E,B,A) and (H,G,D,C), lowest first. */
	quad abef = __builtin_shufflevector(low, high, 5, 4, 1, 0);
	quad cdgh = __builtin_shufflevector(low, high, 7, 6, 3, 2);

	for (; count > 0; count--, blocks += 64) {
		quad abef_before = abef, cdgh_before = cdgh;
		quad a = load_words(blocks), b = load_words(blocks + 16);
		quad c = load_words(blocks + 32), d = load_words(blocks + 48);

		for (unsigned int t = 0; t < 64; t += 16) {
			four_rounds(&abef, &cdgh, a, t);
			four_rounds(&abef, &cdgh, b, t + 4);
			four_rounds(&abef, &cdgh, c, t + 8);
			four_rounds(&abef, &cdgh, d, t + 12);
			if (t == 48)
				break;
			a = next_words(a, b, c, d);
			b = next_words(b, c, d, a);
			c = next_words(c, d, a, b);
			d = next_words(d, a, b, c);
		}
		abef += abef_before;
		cdgh += cdgh_before;
	}
	*(quad_loose *)state = __builtin_shufflevector(abef, cdgh, 3, 2, 7, 6);
	*(quad_loose *)(state + 4) = __builtin_shufflevector(abef, cdgh, 1, 0, 5, 4);
}
