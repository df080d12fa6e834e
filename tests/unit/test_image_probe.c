/* SPDX-License-Identifier: MIT */
/* Images by content: the magic of each kind where its specification puts it. */
#include <overmount/probe.h>

#include "support.h"

struct part {
	size_t at;
	const char *bytes;
	size_t len;
};

#define AT(offset, bytes) { offset, bytes, sizeof(bytes) - 1 }

struct image {
	const char *name;
	enum om_image_kind kind;
	size_t len;			/* the shortest head in which it is seen */
	struct part parts[8];
};

static const struct image images[] = {
	{ "cpio newc", OM_IMAGE_CPIO, 14, { AT(0, "07070100a0FF00") } },
	{ "cpio crc", OM_IMAGE_CPIO, 14, { AT(0, "07070200000001") } },
	{ "cpio odc", OM_IMAGE_CPIO, 14, { AT(0, "07070700000001") } },
	{ "tar ustar", OM_IMAGE_TAR, 512, { AT(0, "a"), AT(257, "ustar\0" "00") } },
	{ "tar gnu", OM_IMAGE_TAR, 512, { AT(0, "a"), AT(257, "ustar  \0") } },
	/* the name 'a' (97) and eight blanks (256): 353 is 541 in octal */
	{ "tar v7", OM_IMAGE_TAR, 512, { AT(0, "a"), AT(148, "000541\0 ") } },
	{ "tar v7, blanks in front", OM_IMAGE_TAR, 512, { AT(0, "a"), AT(148, "   541\0 ") } },
	/* ff and eight blanks: as a signed character 255, which is 377; unsigned 511, which is 777 */
	{ "tar v7, signed sum", OM_IMAGE_TAR, 512, { AT(0, "\xff"), AT(148, "000377\0 ") } },
	{ "tar v7, unsigned sum", OM_IMAGE_TAR, 512, { AT(0, "\xff"), AT(148, "000777\0 ") } },
	{ "gzip", OM_IMAGE_GZIP, 3, { AT(0, "\x1f\x8b\x08") } },
	{ "bzip2", OM_IMAGE_BZIP2, 10, { AT(0, "BZh91AY&SY") } },
	{ "bzip2, empty", OM_IMAGE_BZIP2, 10, { AT(0, "BZh9\x17\x72\x45\x38\x50\x90") } },
	{ "lzma", OM_IMAGE_LZMA, 14,
	  { AT(0, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0") } },
	{ "lzma, size known", OM_IMAGE_LZMA, 14, { AT(0, "\x5d\0\0\x80\0\1\2\3\4\0\0\0\0\0") } },
	{ "xz", OM_IMAGE_XZ, 6, { AT(0, "\xfd" "7zXZ\0") } },
	{ "lzo", OM_IMAGE_LZO, 9, { AT(0, "\x89" "LZO\0\r\n\x1a\n") } },
	{ "lz4", OM_IMAGE_LZ4, 4, { AT(0, "\x04\x22\x4d\x18") } },
	{ "lz4 legacy", OM_IMAGE_LZ4, 4, { AT(0, "\x02\x21\x4c\x18") } },
	{ "zstd", OM_IMAGE_ZSTD, 4, { AT(0, "\x28\xb5\x2f\xfd") } },
	{ "ext2", OM_IMAGE_EXT2, 1082, { AT(1024, "\x10"), AT(1048, "\2"), AT(1080, "\x53\xef") } },
	{ "romfs", OM_IMAGE_ROMFS, 8, { AT(0, "-rom1fs-") } },
	{ "cramfs", OM_IMAGE_CRAMFS, 4, { AT(0, "\x45\x3d\xcd\x28") } },
	{ "cramfs at 512", OM_IMAGE_CRAMFS, 516, { AT(512, "\x45\x3d\xcd\x28") } },
	{ "minix 1", OM_IMAGE_MINIX, 1042,
	  { AT(1024, "\x20\0\x68\1\1\0\1\0\5\0"), AT(1040, "\x7f\x13") } },
	{ "minix 1, long names", OM_IMAGE_MINIX, 1042,
	  { AT(1024, "\x20\0\x68\1\1\0\1\0\5\0"), AT(1040, "\x8f\x13") } },
	{ "minix 2", OM_IMAGE_MINIX, 1042,
	  { AT(1024, "\x20\0\x68\1\1\0\1\0\5\0"), AT(1040, "\x68\x24") } },
	{ "minix 2, long names", OM_IMAGE_MINIX, 1042,
	  { AT(1024, "\x20\0\x68\1\1\0\1\0\5\0"), AT(1040, "\x78\x24") } },
	{ "minix 3", OM_IMAGE_MINIX, 1054,
	  { AT(1024, "\x20\0\0\0"), AT(1048, "\x5a\x4d"), AT(1052, "\0\x10") } },
	{ "squashfs", OM_IMAGE_SQUASHFS, 4, { AT(0, "hsqs") } },
	{ "erofs", OM_IMAGE_EROFS, 1028, { AT(1024, "\xe2\xe1\xf5\xe0") } },
	{ "iso9660", OM_IMAGE_ISO9660, 32774, { AT(32768, "\1CD001\1") } },
	{ "vfat", OM_IMAGE_FAT, 512,
	  { AT(0, "\xeb\x3c\x90mkfs.fat"), AT(11, "\0\2\4\1\0\2"), AT(21, "\xf8"),
	    AT(510, "\x55\xaa") } },
	{ "xfs", OM_IMAGE_XFS, 4, { AT(0, "XFSB") } },
	{ "btrfs", OM_IMAGE_BTRFS, 65608, { AT(65600, "_BHRfS_M") } },
	{ "f2fs", OM_IMAGE_F2FS, 1028, { AT(1024, "\x10\x20\xf5\xf2") } },
	{ "udf", OM_IMAGE_UDF, 34821, { AT(32768, "\0BEA01\1"), AT(34816, "\0NSR02\1") } },
	{ "exfat", OM_IMAGE_EXFAT, 11, { AT(0, "\xeb\x76\x90" "EXFAT   "), AT(510, "\x55\xaa") } },
	{ "ntfs", OM_IMAGE_NTFS, 11, { AT(0, "\xeb\x52\x90NTFS    "), AT(510, "\x55\xaa") } },
};

/* Close, but not it. */
static const struct image near_misses[] = {
	{ "nothing", OM_IMAGE_UNKNOWN, 0, { { 0 } } },
	{ "cpio without digits", OM_IMAGE_UNKNOWN, 14, { AT(0, "070701 not hex") } },
	{ "cpio of a future", OM_IMAGE_UNKNOWN, 14, { AT(0, "07070300000001") } },
	{ "tar with a wrong sum", OM_IMAGE_UNKNOWN, 512, { AT(0, "a"), AT(148, "000542\0 ") } },
	{ "zero block", OM_IMAGE_UNKNOWN, 512, { AT(148, "000400\0 ") } },
	{ "gzip of no method", OM_IMAGE_UNKNOWN, 3, { AT(0, "\x1f\x8b\x09") } },
	{ "bzip2 of level 0", OM_IMAGE_UNKNOWN, 10, { AT(0, "BZh01AY&SY") } },
	{ "lzma too large", OM_IMAGE_UNKNOWN, 14, { AT(0, "\x5d\0\0\x80\0\1\2\3\4\5\6\7\x8\0") } },
	{ "ext2 without inodes", OM_IMAGE_UNKNOWN, 1082, { AT(1080, "\x53\xef") } },
	{ "ext2 of huge blocks", OM_IMAGE_UNKNOWN, 1082,
	  { AT(1024, "\x10"), AT(1048, "\7"), AT(1080, "\x53\xef") } },
	{ "an ISO area of another standard", OM_IMAGE_UNKNOWN, 34823,
	  { AT(32768, "\0BEA01\1"), AT(34816, "\0CDW02\1") } },
	{ "minix without inodes", OM_IMAGE_UNKNOWN, 1042, { AT(1040, "\x7f\x13") } },
	{ "a master boot record", OM_IMAGE_UNKNOWN, 512, { AT(0, "\xeb\x63\x90"), AT(510, "\x55\xaa") } },
	{ "vfat without a jump", OM_IMAGE_UNKNOWN, 512,
	  { AT(11, "\0\2\4\1\0\2"), AT(21, "\xf8"), AT(510, "\x55\xaa") } },
};

/* The head in a block of exactly its size, so that a read past its end is seen. */
static enum om_image_kind probe(const struct image *image, size_t len)
{
	uint8_t *whole = calloc(1, OM_IMAGE_PROBE_BYTES), *exact = malloc(len ? len : 1);
	enum om_image_kind kind;

	for (size_t i = 0; i < ARRAY_SIZE(image->parts) && image->parts[i].bytes; i++)
		memcpy(whole + image->parts[i].at, image->parts[i].bytes, image->parts[i].len);
	memcpy(exact, whole, len);
	kind = om_image_probe((struct om_span){ exact, len });
	free(exact);
	free(whole);
	return kind;
}

static void test_kinds(void **state)
{
	bool seen[OM_IMAGE_KIND_COUNT] = { true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		const struct image *image = &images[i];
		const size_t lengths[] = { image->len, OM_IMAGE_PROBE_BYTES };

		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
			enum om_image_kind kind = probe(image, lengths[k]);

			if (kind != image->kind)
				fail_msg("%s with %zu bytes: %s", image->name, lengths[k],
					 om_image_kind_text(kind));
		}
		if (probe(image, image->len - 1) != OM_IMAGE_UNKNOWN)
			fail_msg("%s is seen without its last byte", image->name);
		seen[image->kind] = true;
	}
	for (size_t i = 0; i < OM_IMAGE_KIND_COUNT; i++)
		assert_true(seen[i]);
}

static void test_near_misses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(near_misses); i++) {
		enum om_image_kind kind = probe(&near_misses[i], near_misses[i].len);

		if (kind != OM_IMAGE_UNKNOWN)
			fail_msg("%s: %s", near_misses[i].name, om_image_kind_text(kind));
		kind = probe(&near_misses[i], OM_IMAGE_PROBE_BYTES);
		if (kind != OM_IMAGE_UNKNOWN)
			fail_msg("%s, longer: %s", near_misses[i].name, om_image_kind_text(kind));
	}
}

static void test_classes(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < OM_IMAGE_KIND_COUNT; i++) {
		enum om_image_kind kind = (enum om_image_kind)i;

		assert_int_equal(om_image_is_archive(kind) + om_image_is_compressed(kind) +
				 om_image_is_filesystem(kind), 1);
		assert_string_not_equal(om_image_kind_text(kind), "unknown");
	}
	assert_true(om_image_is_archive(OM_IMAGE_TAR));
	assert_true(om_image_is_compressed(OM_IMAGE_ZSTD));
	assert_true(om_image_is_filesystem(OM_IMAGE_ROMFS));
	assert_false(om_image_is_filesystem(OM_IMAGE_UNKNOWN));
	assert_string_equal(om_image_kind_text(OM_IMAGE_EXT2), "ext2");
	assert_string_equal(om_image_kind_text(OM_IMAGE_KIND_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests_name("image_probe", tests, NULL, NULL);
}
