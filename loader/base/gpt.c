/* SPDX-License-Identifier: MIT */
#include <overmount/gpt.h>

/* Of the header. */
#define REVISION	8
#define HEADER_SIZE	12
#define HEADER_CRC	16
#define MY_LBA		24
#define FIRST_USABLE	40
#define LAST_USABLE	48
#define ENTRIES_LBA	72
#define ENTRY_COUNT	80
#define ENTRY_SIZE	84
#define ENTRIES_CRC	88
#define HEADER_MIN	92u

#define ENTRY_SIZE_MAX	4096u
#define ENTRIES_MAX	1024u

uint32_t om_crc32_more(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *data = bytes;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static uint32_t header_crc(uint8_t *header, uint32_t size)
{
	uint32_t stored = om_get_le32(header + HEADER_CRC), crc;

	om_put_le32(header + HEADER_CRC, 0);
	crc = ~om_crc32_more(~0u, header, size);
	om_put_le32(header + HEADER_CRC, stored);
	return crc;
}

const char *om_gpt_header_read(uint8_t *block, uint32_t block_size, uint64_t lba, uint64_t blocks,
			       struct om_gpt *ret_gpt)
{
	struct om_gpt gpt;
	uint32_t size;
	uint64_t bytes;

	if (memcmp(block, "EFI PART", 8) != 0)
		return "there is no header";
	if (om_get_le32(block + REVISION) >> 16 != 1)
		return "the revision is unknown";
	size = om_get_le32(block + HEADER_SIZE);
	if (size < HEADER_MIN || size > block_size)
		return "the header's size is out of range";
	if (header_crc(block, size) != om_get_le32(block + HEADER_CRC))
		return "the checksum of the header is wrong";
	if (om_get_le64(block + MY_LBA) != lba)
		return "the header belongs to another sector";
	gpt.entries_lba = om_get_le64(block + ENTRIES_LBA);
	gpt.first_usable = om_get_le64(block + FIRST_USABLE);
	gpt.last_usable = om_get_le64(block + LAST_USABLE);
	gpt.count = om_get_le32(block + ENTRY_COUNT);
	gpt.entry_size = om_get_le32(block + ENTRY_SIZE);
	gpt.entries_crc = om_get_le32(block + ENTRIES_CRC);
	if (gpt.entry_size < OM_GPT_ENTRY_MIN || gpt.entry_size > ENTRY_SIZE_MAX ||
	    (gpt.entry_size & (gpt.entry_size - 1)))
		return "the size of an entry is not 128, 256, ... 4096";
	if (gpt.count > ENTRIES_MAX)
		return "there are more than 1024 entries";
	bytes = (uint64_t)gpt.count * gpt.entry_size;
	if (gpt.entries_lba < 2 || gpt.entries_lba >= blocks ||
	    bytes > (blocks - gpt.entries_lba) * block_size)
		return "the entries lie outside of the disk";
	if (gpt.first_usable > gpt.last_usable || gpt.last_usable >= blocks)
		return "the usable sectors go beyond the disk";
	*ret_gpt = gpt;
	return NULL;
}
