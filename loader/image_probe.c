/* SPDX-License-Identifier: MIT */
/*
 * What is in this file?  The offsets are those of the formats' specifications.  Where a magic is
 * short, a field beside it has to make sense too: an ext2 image must not become a FAT one
 * because of two bytes.
 */
#include <overmount/probe.h>

#define SUPERBLOCK 1024u	/* ext2, minix, erofs and f2fs leave the boot blocks alone */

static bool has(struct om_span head, size_t offset, const void *magic, size_t len)
{
	return om_range_inside(offset, len, head.len) && memcmp(head.ptr + offset, magic, len) == 0;
}

static uint16_t le16_at(struct om_span head, size_t offset)
{
	return om_range_inside(offset, 2, head.len) ? om_get_le16(head.ptr + offset) : 0;
}

static uint32_t le32_at(struct om_span head, size_t offset)
{
	return om_range_inside(offset, 4, head.len) ? om_get_le32(head.ptr + offset) : 0;
}

static bool is_power_of_two(uint32_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* ------------------------------------------------------------------ archives */

/* newc, crc and the older odc, all of which have digits after the magic. */
static bool is_cpio(struct om_span head)
{
	if (!has(head, 0, "07070", 5) || head.len < 14)
		return false;
	if (head.ptr[5] != '1' && head.ptr[5] != '2' && head.ptr[5] != '7')
		return false;
	for (size_t i = 6; i < 14; i++) {
		uint8_t c = head.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
			return false;
	}
	return true;
}

/* The octal number of a tar header's field; false if it is none. */
static bool octal(const uint8_t *field, size_t len, uint32_t *ret_value)
{
	uint32_t value = 0;
	size_t i = 0, digits = 0;

	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++, digits++)
		value = value * 8 + (uint32_t)(field[i] - '0');
	if (digits == 0 || (i < len && field[i] != ' ' && field[i] != '\0'))
		return false;
	*ret_value = value;
	return true;
}

/* Old writers summed signed characters; either will do. */
static bool tar_sum_fits(const uint8_t *header)
{
	uint32_t expected, found = 0;
	int32_t found_signed = 0;

	if (!octal(header + 148, 8, &expected))
		return false;
	for (size_t i = 0; i < 512; i++) {
		uint8_t c = i >= 148 && i < 156 ? ' ' : header[i];

		found += c;
		found_signed += (int8_t)c;
	}
	return found == expected || found_signed == (int32_t)expected;
}

static bool is_tar(struct om_span head)
{
	if (head.len < 512)
		return false;
	return has(head, 257, "ustar", 5) || (head.ptr[0] != '\0' && tar_sum_fits(head.ptr));
}

/* ------------------------------------------------------------------ streams */

static bool is_gzip(struct om_span head)
{
	return has(head, 0, "\x1f\x8b\x08", 3);
}

static bool is_bzip2(struct om_span head)
{
	if (!has(head, 0, "BZh", 3) || head.len < 10 || head.ptr[3] < '1' || head.ptr[3] > '9')
		return false;
	return has(head, 4, "\x31\x41\x59\x26\x53\x59", 6) ||
	       has(head, 4, "\x17\x72\x45\x38\x50\x90", 6);	/* nothing inside */
}

/* No magic: the usual properties, and a size that is unknown or below 256 GiB. */
static bool is_lzma(struct om_span head)
{
	static const uint8_t unknown_size[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };

	if (!has(head, 0, "\x5d\x00\x00", 3) || head.len < 14)
		return false;
	return has(head, 5, unknown_size, 8) || has(head, 10, "\0\0\0", 3);
}

static bool is_xz(struct om_span head)
{
	return has(head, 0, "\xfd" "7zXZ\0", 6);
}

static bool is_lzo(struct om_span head)
{
	return has(head, 0, "\x89LZO\0\r\n\x1a\n", 9);
}

static bool is_lz4(struct om_span head)
{
	return has(head, 0, "\x04\x22\x4d\x18", 4) || has(head, 0, "\x02\x21\x4c\x18", 4);
}

static bool is_zstd(struct om_span head)
{
	return has(head, 0, "\x28\xb5\x2f\xfd", 4);
}

/* ------------------------------------------------------------------ file systems */

static bool is_ext2(struct om_span head)
{
	return le16_at(head, SUPERBLOCK + 56) == 0xef53 && le32_at(head, SUPERBLOCK) != 0 &&
	       le32_at(head, SUPERBLOCK + 24) <= 6;		/* blocks of 1 to 64 KiB */
}

static bool is_romfs(struct om_span head)
{
	return has(head, 0, "-rom1fs-", 8);
}

/* At 512 where a boot sector stands in front. */
static bool is_cramfs(struct om_span head)
{
	return has(head, 0, "\x45\x3d\xcd\x28", 4) || has(head, 512, "\x45\x3d\xcd\x28", 4);
}

static bool is_minix(struct om_span head)
{
	uint16_t magic = le16_at(head, SUPERBLOCK + 16);

	/* version 3 */
	if (le16_at(head, SUPERBLOCK + 24) == 0x4d5a)
		return le32_at(head, SUPERBLOCK) != 0 && le16_at(head, SUPERBLOCK + 28) >= 1024;
	if (magic != 0x137f && magic != 0x138f && magic != 0x2468 && magic != 0x2478)
		return false;
	/* inodes, blocks of the two bit maps, first data zone */
	return le16_at(head, SUPERBLOCK) != 0 && le16_at(head, SUPERBLOCK + 4) != 0 &&
	       le16_at(head, SUPERBLOCK + 6) != 0 && le16_at(head, SUPERBLOCK + 8) != 0;
}

static bool is_squashfs(struct om_span head)
{
	return has(head, 0, "hsqs", 4);
}

static bool is_erofs(struct om_span head)
{
	return has(head, SUPERBLOCK, "\xe2\xe1\xf5\xe0", 4);
}

static bool is_iso9660(struct om_span head)
{
	return has(head, 32769, "CD001", 5);
}

static bool is_fat(struct om_span head)
{
	uint32_t sector = le16_at(head, 11);

	if (!has(head, 510, "\x55\xaa", 2))
		return false;
	if (head.ptr[0] != 0xe9 && !(head.ptr[0] == 0xeb && head.ptr[2] == 0x90))
		return false;
	return is_power_of_two(sector) && sector >= 512 && sector <= 4096 &&
	       is_power_of_two(head.ptr[13]) && le16_at(head, 14) != 0 &&
	       (head.ptr[16] == 1 || head.ptr[16] == 2) &&
	       (head.ptr[21] == 0xf0 || head.ptr[21] >= 0xf8);
}

static bool is_xfs(struct om_span head)
{
	return has(head, 0, "XFSB", 4);
}

static bool is_btrfs(struct om_span head)
{
	return has(head, 65536 + 64, "_BHRfS_M", 8);
}

static bool is_f2fs(struct om_span head)
{
	return has(head, SUPERBLOCK, "\x10\x20\xf5\xf2", 4);
}

/* ECMA-167: the extended area begins, and which standard is followed.  A DVD is ISO 9660 as well. */
static bool is_udf(struct om_span head)
{
	return has(head, 32769, "BEA01", 5) && has(head, 34817, "NSR0", 4);
}

static bool is_exfat(struct om_span head)
{
	return has(head, 3, "EXFAT   ", 8);
}

static bool is_ntfs(struct om_span head)
{
	return has(head, 3, "NTFS    ", 8);
}

/* ------------------------------------------------------------------ all of them */

/* In the order in which they are asked: long magics at the start first, FAT's guess last. */
static const struct {
	enum om_image_kind kind;
	bool (*is)(struct om_span head);
} probes[] = {
	{ OM_IMAGE_CPIO, is_cpio },
	{ OM_IMAGE_XZ, is_xz },
	{ OM_IMAGE_LZO, is_lzo },
	{ OM_IMAGE_BZIP2, is_bzip2 },
	{ OM_IMAGE_GZIP, is_gzip },
	{ OM_IMAGE_LZ4, is_lz4 },
	{ OM_IMAGE_ZSTD, is_zstd },
	{ OM_IMAGE_ROMFS, is_romfs },
	{ OM_IMAGE_CRAMFS, is_cramfs },
	{ OM_IMAGE_SQUASHFS, is_squashfs },
	{ OM_IMAGE_XFS, is_xfs },
	{ OM_IMAGE_TAR, is_tar },
	{ OM_IMAGE_EROFS, is_erofs },
	{ OM_IMAGE_F2FS, is_f2fs },
	{ OM_IMAGE_BTRFS, is_btrfs },
	{ OM_IMAGE_ISO9660, is_iso9660 },
	{ OM_IMAGE_UDF, is_udf },
	{ OM_IMAGE_EXFAT, is_exfat },
	{ OM_IMAGE_NTFS, is_ntfs },
	{ OM_IMAGE_EXT2, is_ext2 },
	{ OM_IMAGE_MINIX, is_minix },
	{ OM_IMAGE_LZMA, is_lzma },
	{ OM_IMAGE_FAT, is_fat },
};

enum om_image_kind om_image_probe(struct om_span head)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (probes[i].is(head))
			return probes[i].kind;
	}
	return OM_IMAGE_UNKNOWN;
}

/* File systems have the names under which Linux mounts them. */
const char *om_image_kind_text(enum om_image_kind kind)
{
	static const char *const names[OM_IMAGE_KIND_COUNT] = {
		[OM_IMAGE_UNKNOWN] = "unknown", [OM_IMAGE_CPIO] = "cpio", [OM_IMAGE_TAR] = "tar",
		[OM_IMAGE_GZIP] = "gzip", [OM_IMAGE_BZIP2] = "bzip2", [OM_IMAGE_LZMA] = "lzma",
		[OM_IMAGE_XZ] = "xz", [OM_IMAGE_LZO] = "lzo", [OM_IMAGE_LZ4] = "lz4",
		[OM_IMAGE_ZSTD] = "zstd", [OM_IMAGE_EXT2] = "ext2", [OM_IMAGE_ROMFS] = "romfs",
		[OM_IMAGE_CRAMFS] = "cramfs", [OM_IMAGE_MINIX] = "minix",
		[OM_IMAGE_SQUASHFS] = "squashfs", [OM_IMAGE_EROFS] = "erofs",
		[OM_IMAGE_ISO9660] = "iso9660", [OM_IMAGE_FAT] = "vfat", [OM_IMAGE_XFS] = "xfs",
		[OM_IMAGE_BTRFS] = "btrfs", [OM_IMAGE_F2FS] = "f2fs",
		[OM_IMAGE_UDF] = "udf", [OM_IMAGE_EXFAT] = "exfat", [OM_IMAGE_NTFS] = "ntfs",
	};

	return (unsigned int)kind < OM_IMAGE_KIND_COUNT ? names[kind] : "unknown";
}

bool om_image_is_filesystem(enum om_image_kind kind)
{
	return kind >= OM_IMAGE_EXT2 && kind <= OM_IMAGE_NTFS;
}

bool om_image_is_archive(enum om_image_kind kind)
{
	return kind == OM_IMAGE_CPIO || kind == OM_IMAGE_TAR;
}

bool om_image_is_compressed(enum om_image_kind kind)
{
	return kind >= OM_IMAGE_GZIP && kind <= OM_IMAGE_ZSTD;
}
