/* SPDX-License-Identifier: MIT */
/*
 * What the C compiler and gnu-efi's start-up code ask for, instead of gnu-efi's library.
 */
#include <overmount/bytes.h>
#include <efi.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

EFI_STATUS _relocate(uint64_t base, const int64_t *dynamic, EFI_HANDLE image,
		     EFI_SYSTEM_TABLE *table);

/*
 * Called by crt0 before anything else.  check-efi.sh has seen to it that every relocation is
 * R_X86_64_RELATIVE (8) or NONE.
 */
EFI_STATUS _relocate(uint64_t base, const int64_t *dynamic, EFI_HANDLE image,
		     EFI_SYSTEM_TABLE *table)
{
	enum { DT_NULL_ = 0, DT_RELA_ = 7, DT_RELASZ_ = 8, DT_RELAENT_ = 9 };
	uint64_t rela = 0, size = 0, step = 24, at;

	(void)image;
	(void)table;
	for (; dynamic[0] != DT_NULL_; dynamic += 2) {
		if (dynamic[0] == DT_RELA_)
			rela = base + (uint64_t)dynamic[1];
		else if (dynamic[0] == DT_RELASZ_)
			size = (uint64_t)dynamic[1];
		else if (dynamic[0] == DT_RELAENT_)
			step = (uint64_t)dynamic[1];
	}
	for (at = 0; rela && at + step <= size; at += step) {
		const uint64_t *entry = (const uint64_t *)(rela + at);

		if ((uint32_t)entry[1] == 8)
			*(uint64_t *)(base + entry[0]) = base + entry[2];
	}
	return EFI_SUCCESS;
}

/* Less than eight bytes: the first, the last and what lies between, read before any is written. */
static void copy_few(uint8_t *to, const uint8_t *from, size_t len)
{
	uint8_t first, middle, last;
	uint32_t head, tail;

	if (len >= 4) {
		head = om_get_le32(from);
		tail = om_get_le32(from + len - 4);
		om_put_le32(to, head);
		om_put_le32(to + len - 4, tail);
	} else if (len > 0) {
		first = from[0];
		middle = from[len / 2];
		last = from[len - 1];
		to[0] = first;
		to[len / 2] = middle;
		to[len - 1] = last;
	}
}

/*
 * Eight bytes at a time by the string unit: six times a byte loop under emulation.  The last
 * eight may overlap them; they are read first, for memmove() comes here with FROM behind TO.
 */
void *memcpy(void *to, const void *from, size_t len)
{
	uint8_t *end = (uint8_t *)to + len;
	void *at = to;
	size_t words = len / 8;
	uint64_t tail;

	if (len < 8) {
		copy_few(to, from, len);
		return to;
	}
	tail = om_get_le64((const uint8_t *)from + len - 8);
	__asm__ volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
	om_put_le64(end - 8, tail);
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
	uint64_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);
	uint8_t *end = (uint8_t *)to + len;
	void *at = to;
	size_t words = len / 8, rest = len % 8;

	__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
	if (len >= 8)
		om_put_le64(end - 8, pattern);
	else
		__asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint64_t left, right;

	for (; len >= 8; len -= 8, x += 8, y += 8) {
		left = om_get_le64(x);
		right = om_get_le64(y);
		if (left != right)
			return __builtin_bswap64(left) < __builtin_bswap64(right) ? -1 : 1;
	}
	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

size_t strlen(const char *text)
{
	const volatile char *at = text;	/* volatile: the loop must not become a call to itself */

	while (*at)
		at++;
	return (size_t)(at - text);
}
