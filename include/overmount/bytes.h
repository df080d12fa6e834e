/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_BYTES_H
#define OVERMOUNT_BYTES_H
/*
 * Spans, byte-wise little- and big-endian access and checked sums.
 * A span borrows: whoever owns the bytes keeps them alive.  Nothing here allocates.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a binary input. */
struct om_span {
	const uint8_t *ptr;
	size_t len;
};

/* Characters of a text; not NUL-terminated. */
struct om_str {
	const char *ptr;
	size_t len;
};

#define OM_STR(literal) ((struct om_str){ (literal), sizeof(literal) - 1 })

static inline struct om_str om_str_from(const char *text)
{
	return (struct om_str){ text, text ? strlen(text) : 0 };
}

static inline bool om_str_equal(struct om_str a, struct om_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool om_str_is(struct om_str a, const char *text)
{
	return om_str_equal(a, om_str_from(text));
}

static inline bool om_str_starts(struct om_str a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && memcmp(a.ptr, prefix, len) == 0;
}

/* The part after the first N bytes; empty if there are not so many. */
static inline struct om_str om_str_skip(struct om_str a, size_t n)
{
	if (n >= a.len)
		return (struct om_str){ a.ptr + a.len, 0 };
	return (struct om_str){ a.ptr + n, a.len - n };
}

static inline uint16_t om_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t om_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t om_get_le64(const uint8_t *p)
{
	return om_get_le32(p) | (uint64_t)om_get_le32(p + 4) << 32;
}

static inline uint32_t om_get_be32(const uint8_t *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline void om_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void om_put_le32(uint8_t *p, uint32_t v)
{
	om_put_le16(p, (uint16_t)v);
	om_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void om_put_le64(uint8_t *p, uint64_t v)
{
	om_put_le32(p, (uint32_t)v);
	om_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline void om_put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* *ret = a + b; false (and *ret untouched) when it does not fit. */
static inline bool om_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	if (b > UINT64_MAX - a)
		return false;
	*ret = a + b;
	return true;
}

static inline bool om_add_size(size_t a, size_t b, size_t *ret)
{
	if (b > SIZE_MAX - a)
		return false;
	*ret = a + b;
	return true;
}

static inline bool om_mul_size(size_t a, size_t b, size_t *ret)
{
	if (b != 0 && a > SIZE_MAX / b)
		return false;
	*ret = a * b;
	return true;
}

/* Round up to a power of two; values within ALIGN of UINT64_MAX wrap, so bound them first. */
static inline uint64_t om_align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Does [offset, offset + len) lie inside a region of SIZE bytes? */
static inline bool om_range_inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

#endif
