/* SPDX-License-Identifier: MIT */
/* Random bytes: the processor's when it has them, mixed with the counter in any case. */
#include "arch.h"

static uint64_t state;

static bool has_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 30 & 1;
}

static uint64_t hardware(void)
{
	uint64_t value = 0;
	uint8_t ok;
	unsigned i;

	for (i = 0; i < 10; i++) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=q"(ok));
		if (ok)
			break;
	}
	return value;
}

/* splitmix64 over a state that the hardware stirs at each step. */
static uint64_t next(bool rdrand)
{
	uint64_t z;

	state += UINT64_C(0x9e3779b97f4a7c15) + (rdtsc() << 1) + (rdrand ? hardware() : 0);
	z = state;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void random_bytes(void *buf, size_t len)
{
	bool rdrand = has_rdrand();
	uint8_t *at = buf;

	while (len > 0) {
		uint64_t value = next(rdrand);
		size_t step = len < sizeof(value) ? len : sizeof(value);

		memcpy(at, &value, step);
		at += step;
		len -= step;
	}
}
