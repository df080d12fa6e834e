/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <string.h>

#include <overmount/fmt.h>

#define COM1 0x3f8

static uint32_t count, failures;

void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void put(const char *text)
{
	for (; *text; text++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, (uint8_t)*text);
	}
}

void ok(bool good, const char *what)
{
	char line[160];

	om_format(line, sizeof(line), "%sok %u - %s\r\n", good ? "" : "not ", ++count, what);
	put(line);
	failures += !good;
}

void ok_found(bool good, const char *what, uint64_t found)
{
	char line[80];

	ok(good, what);
	if (good)
		return;
	om_format(line, sizeof(line), "# found 0x%llx\r\n", (unsigned long long)found);
	put(line);
}

void tap_plan(void)
{
	char line[80];

	om_format(line, sizeof(line), "1..%u\r\n# handoff: %s, %u of %u failed\r\n", count,
		  failures ? "FAIL" : "PASS", failures, count);
	put(line);
}

bool tap_passed(void)
{
	return failures == 0 && count > 0;
}

/* What the library expects of its world. */
void *memcpy(void *to, const void *from, size_t len)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(len) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	uint8_t *end = (uint8_t *)to + len - 1;
	const uint8_t *last = (const uint8_t *)from + len - 1;

	if ((uintptr_t)to - (uintptr_t)from >= len)
		return memcpy(to, from, len);
	__asm__ volatile("std; rep movsb; cld" : "+D"(end), "+S"(last), "+c"(len) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t len)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(value) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

size_t strlen(const char *text)
{
	const volatile char *at = text;

	while (*at)
		at++;
	return (size_t)(at - text);
}
