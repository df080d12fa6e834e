/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_GPT_H
#define OVERMOUNT_GPT_H
/* The GUID partition table: UEFI 2.10, chapter 5.3. */
#include <overmount/bytes.h>

#define OM_GPT_ENTRY_MIN	128u	/* bytes of an entry that have a meaning */
#define OM_GPT_ENTRY_TYPE	0	/* where they are, all little-endian */
#define OM_GPT_ENTRY_GUID	16
#define OM_GPT_ENTRY_FIRST	32
#define OM_GPT_ENTRY_LAST	40	/* this block included */
#define OM_GPT_ENTRY_NAME	56	/* UTF-16 */

/* What a header says; numbers of blocks unless said otherwise. */
struct om_gpt {
	uint64_t entries_lba, first_usable, last_usable;
	uint32_t count, entry_size;	/* of the entries; at most 1024 of at most 4096 bytes */
	uint32_t entries_crc;
};

/* The CRC-32 of UEFI, in pieces: begin with ~0u; the complement of the last one is the sum. */
uint32_t om_crc32_more(uint32_t crc, const void *bytes, size_t len);

/*
 * Read the header that block LBA of a disk of BLOCKS should be; LBA is 1, or for the backup
 * BLOCKS - 1.  BLOCK has BLOCK_SIZE bytes and is unchanged afterwards.  NULL when all is well, else
 * what is wrong.  The checksum of the entries is the caller's to compare.
 */
const char *om_gpt_header_read(uint8_t *block, uint32_t block_size, uint64_t lba, uint64_t blocks,
			       struct om_gpt *ret_gpt);

#endif
