/* SPDX-License-Identifier: MIT */
/* The GUID partition table (UEFI 2.10, chapter 5): primary, or the backup at the disk's end. */
#include <overmount/fmt.h>
#include <overmount/gpt.h>

#include "partition.h"

/* NULL when all is well, else what is wrong. */
static const char *check_header(struct block_device *disk, uint64_t lba, struct om_gpt *ret_gpt)
{
	uint8_t header[SECTOR_SIZE];

	if (block_read(disk, lba * SECTOR_SIZE, header, sizeof(header)) < 0)
		return "the header cannot be read";
	return om_gpt_header_read(header, sizeof(header), lba, disk->sectors, ret_gpt);
}

static const char *check_entries(struct block_device *disk, const struct om_gpt *gpt)
{
	uint64_t offset = gpt->entries_lba * SECTOR_SIZE;
	size_t left = (size_t)gpt->count * gpt->entry_size;
	uint8_t part[SECTOR_SIZE];
	uint32_t crc = ~0u;

	while (left > 0) {
		size_t n = left < sizeof(part) ? left : sizeof(part);

		if (block_read(disk, offset, part, n) < 0)
			return "the entries cannot be read";
		crc = om_crc32_more(crc, part, n);
		offset += n;
		left -= n;
	}
	return ~crc == gpt->entries_crc ? NULL : "the checksum of the entries is wrong";
}

/* The first three fields are little-endian, the rest is a string of bytes. */
static void guid_text(const uint8_t *g, char *buf, size_t size)
{
	om_format(buf, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", om_get_le32(g),
		  om_get_le16(g + 4), om_get_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13],
		  g[14], g[15]);
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* UTF-16 to UTF-8; BUF has room for 3 bytes a unit and the end. */
static void name_text(const uint8_t *units, char *buf)
{
	size_t len = 0;

	for (unsigned i = 0; i < OM_VOLUME_LABEL_MAX; i++) {
		uint32_t c = om_get_le16(units + 2 * i);

		if (c == 0)
			break;
		if (c >= 0xd800 && c < 0xe000) {
			uint32_t low = i + 1 < OM_VOLUME_LABEL_MAX ? om_get_le16(units + 2 * i + 2) : 0;

			if (c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
				i++;
			} else {
				c = 0xfffd;
			}
		}
		len += put_utf8(buf + len, c);
	}
	buf[len] = '\0';
}

static bool is_unused(const uint8_t *entry)
{
	for (unsigned i = 0; i < 16; i++)
		if (entry[i])
			return false;
	return true;
}

static int add_entry(struct block_device *disk, const struct om_gpt *gpt, unsigned number,
		     const uint8_t *entry)
{
	uint64_t first = om_get_le64(entry + OM_GPT_ENTRY_FIRST);
	uint64_t last = om_get_le64(entry + OM_GPT_ENTRY_LAST);
	char uuid[40], label[OM_PARTLABEL_MAX + 1];
	struct partition partition = { number, first, last - first + 1, uuid, label };

	if (first < gpt->first_usable || last > gpt->last_usable || first > last) {
		klog("%s: partition %u from sector %llu to %llu is left out: usable are %llu to %llu",
		     disk->name, number, (unsigned long long)first, (unsigned long long)last,
		     (unsigned long long)gpt->first_usable, (unsigned long long)gpt->last_usable);
		return 0;
	}
	guid_text(entry + OM_GPT_ENTRY_GUID, uuid, sizeof(uuid));
	name_text(entry + OM_GPT_ENTRY_NAME, label);
	return partition_add(disk, &partition);
}

static int add_entries(struct block_device *disk, const struct om_gpt *gpt)
{
	int found = 0;

	for (unsigned i = 0; i < gpt->count; i++) {
		uint64_t offset = gpt->entries_lba * SECTOR_SIZE + (uint64_t)i * gpt->entry_size;
		uint8_t entry[OM_GPT_ENTRY_MIN];
		int n;

		n = block_read(disk, offset, entry, sizeof(entry));
		if (n == 0 && !is_unused(entry))
			n = add_entry(disk, gpt, i + 1, entry);
		if (n < 0)
			return n;
		found += n;
	}
	return found;
}

static const char *check_table(struct block_device *disk, uint64_t lba, struct om_gpt *ret_gpt)
{
	const char *wrong = check_header(disk, lba, ret_gpt);

	return wrong ? wrong : check_entries(disk, ret_gpt);
}

int partition_scan_gpt(struct block_device *disk)
{
	const char *wrong, *wrong_backup;
	struct om_gpt gpt;

	if (disk->sectors < 3)
		return -EINVAL;
	wrong = check_table(disk, 1, &gpt);
	if (!wrong)
		return add_entries(disk, &gpt);
	wrong_backup = check_table(disk, disk->sectors - 1, &gpt);
	if (wrong_backup) {
		klog("%s: no partitions: GPT: %s; in the backup at the end: %s", disk->name, wrong,
		     wrong_backup);
		return -EINVAL;
	}
	klog("%s: GPT: %s; using the backup at the end of the disk", disk->name, wrong);
	return add_entries(disk, &gpt);
}
