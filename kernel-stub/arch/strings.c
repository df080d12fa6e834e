/* SPDX-License-Identifier: MIT */
/* What <string.h> promises beside string.S, and what the compiler calls without being asked. */
#include "port.h"

int __popcountdi2(uint64_t value);

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

void *memchr(const void *bytes, int c, size_t n)
{
	const unsigned char *at = bytes;

	for (; n > 0; at++, n--)
		if (*at == (unsigned char)c)
			return (void *)(uintptr_t)at;
	return NULL;
}

/* For processors that are not known to have popcnt. */
int __popcountdi2(uint64_t value)
{
	int bits = 0;

	for (; value; value &= value - 1)
		bits++;
	return bits;
}
