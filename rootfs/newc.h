/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_NEWC_H
#define ROOTFS_NEWC_H
/*
 * The newc header of cpio: a magic and thirteen numbers of eight hex digits each, then the name,
 * then the data, name and data padded to a multiple of four.  Reader and writer both use this.
 *
 * Digits are handled eight at a time in one 64-bit word (first digit in the lowest byte): with
 * many small files most of an assembly's instructions would otherwise go into them.
 */
#include <overmount/bytes.h>

#define OM_NEWC_HEADER		110u
#define OM_NEWC_MAGIC		6u
#define OM_NEWC_DIGITS		8u
#define OM_NEWC_TRAILER		"TRAILER!!!"
#define OM_NEWC_SIZE_MAX	UINT32_MAX

enum om_newc_field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_DEV_MAJOR, F_DEV_MINOR,
	F_RDEV_MAJOR, F_RDEV_MINOR, F_NAME_SIZE, F_CHECK, F_COUNT
};

#define OM_EACH_BYTE(value) ((value) * UINT64_C(0x0101010101010101))

/* One value below sixteen a byte; upper-case digits, as the kernel's own writer has them. */
static inline uint64_t om_newc_digits(uint64_t nibbles)
{
	uint64_t letters = (nibbles + OM_EACH_BYTE(6)) >> 4 & OM_EACH_BYTE(1);

	return nibbles + OM_EACH_BYTE('0') + letters * ('A' - '0' - 10);
}

static inline void om_newc_put(uint8_t *to, uint32_t value)
{
	uint64_t word = __builtin_bswap32(value);

	/* Half of all fields. */
	if (!value) {
		om_put_le64(to, OM_EACH_BYTE('0'));
		return;
	}
	word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
	word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word >> 4 | word << 8) & OM_EACH_BYTE(0x0f);
	om_put_le64(to, om_newc_digits(word));
}

/* False when one of the eight is no hex digit. */
static inline bool om_newc_get(const uint8_t *from, uint32_t *ret_value)
{
	uint64_t text = om_get_le64(from);
	uint64_t letters = text >> 6 & OM_EACH_BYTE(1);
	uint64_t nibbles = ((text & OM_EACH_BYTE(0x0f)) + letters * 9) & OM_EACH_BYTE(0x0f);
	uint64_t upper = text & ~(letters << 5), word;

	if (text == OM_EACH_BYTE('0')) {
		*ret_value = 0;
		return true;
	}
	word = (nibbles << 4 | nibbles >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
	*ret_value = __builtin_bswap32((uint32_t)(word | word >> 16));
	return upper == om_newc_digits(nibbles);
}

#endif
