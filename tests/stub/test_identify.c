/* SPDX-License-Identifier: MIT */
/* What the tools put on a disk is recognised, with the names that they were told. */
#include "fs_support.h"
#include "identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define UUID "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define PATH "PATH=$PATH:/sbin:/usr/sbin; "

static const struct {
	const char *command;		/* makes i.img, beside it lies the directory t */
	const char *type, *uuid, *label;
} cases[] = {
	{ "mke2fs -q -F -t ext2 -U " UUID " -L system i.img 4M", "ext2", UUID, "system" },
	{ "mke2fs -q -F -t ext2 -r 0 i.img 4M", "ext2", "", "" },
	{ "mke2fs -q -F -t ext3 -U " UUID " -L sixteen-letters- i.img 8M", "ext3", UUID,
	  "sixteen-letters-" },
	{ "mke2fs -q -F -t ext4 -U " UUID " i.img 8M", "ext4", UUID, "" },
	{ "mke2fs -q -F -b 4096 -t ext4 -O ^has_journal -U " UUID " i.img 8M", "ext4", UUID, "" },
	{ "truncate -s 16M i.img && mkfs.vfat -F 16 -i 1234abcd -n BOOT i.img", "vfat", "1234-ABCD",
	  "BOOT" },
	{ "truncate -s 64M i.img && mkfs.vfat -F 32 -s 1 -i deadbeef -n 'EFI SYSTEM' i.img", "vfat",
	  "DEAD-BEEF", "EFI SYSTEM" },
	{ "truncate -s 4M i.img && mkfs.vfat -F 12 -i 00000001 i.img", "vfat", "0000-0001", "" },
	{ "genromfs -d t -V 'rom label' -f i.img", "romfs", "", "rom label" },
	{ "mkfs.cramfs -n 'cram label' t i.img", "cramfs", "", "cram label" },
	{ "mkfs.cramfs -p -n shifted t i.img", "cramfs", "", "shifted" },
	{ "truncate -s 1M i.img && mkfs.minix -1 i.img", "minix", "", "" },
	{ "truncate -s 1M i.img && mkfs.minix -2 -n 14 i.img", "minix", "", "" },
	{ "truncate -s 1M i.img && mkfs.minix -3 i.img", "minix", "", "" },
	{ "mksquashfs t i.img -no-progress", "squashfs", "", "" },
	{ "mkfs.erofs -U " UUID " i.img t", "erofs", UUID, "" },
	{ "truncate -s 1M i.img", "unknown", "", "" },
};

static int end(void **state)
{
	(void)state;
	host_fail_allocation(0);
	disk_free();
	assert_int_equal(host_live, 0);
	assert_int_equal(host_live_pages, 0);
	return 0;
}

static void made_by_tools(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity id;

		memset(&id, 0xff, sizeof(id));
		assert_int_equal(shell(PATH "mkdir -p t; echo x > t/x; rm -f i.img; { %s; } > out 2>&1 "
				       "|| { cat out; false; }", cases[i].command), 0);
		disk_load("i.img");
		assert_int_equal(identify(&disk->bdev, &id), 0);
		if (strcmp(cases[i].type, "unknown") == 0) {
			assert_int_equal(id.kind, OM_IMAGE_UNKNOWN);
			assert_string_equal(id.type, "");
		} else {
			assert_string_equal(id.type, cases[i].type);
		}
		assert_string_equal(id.uuid, cases[i].uuid);
		assert_string_equal(id.label, cases[i].label);
		disk_free();
	}
}

/* Superblocks by hand, at the places of their specifications. */
static void made_by_hand(void **state)
{
	static uint8_t bytes[128 * 1024];
	struct identity id;

	(void)state;
	memcpy(bytes, "XFSB", 4);
	memcpy(bytes + 32, "\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0", 16);
	memcpy(bytes + 108, "twelve bytes", 12);
	disk_copy(bytes, sizeof(bytes));
	assert_int_equal(identify(&disk->bdev, &id), 0);
	assert_string_equal(id.type, "xfs");
	assert_string_equal(id.uuid, UUID);
	assert_string_equal(id.label, "twelve bytes");
	disk_free();
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes + 65536 + 64, "_BHRfS_M", 8);
	memcpy(bytes + 65536 + 32, "\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0", 16);
	memset(bytes + 65536 + 299, 'b', 256);
	disk_copy(bytes, sizeof(bytes));
	assert_int_equal(identify(&disk->bdev, &id), 0);
	assert_string_equal(id.type, "btrfs");
	assert_string_equal(id.uuid, UUID);
	assert_int_equal(strlen(id.label), 256);
	disk_free();
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes + 32768, "\1CD001\1", 7);
	memset(bytes + 32768 + 40, ' ', 32);
	memcpy(bytes + 32768 + 40, "DISC", 4);
	memcpy(bytes + 32768 + 813, "2020010203040506", 16);
	memcpy(bytes + 32768 + 830, "2021112233445566", 16);
	disk_copy(bytes, sizeof(bytes));
	assert_int_equal(identify(&disk->bdev, &id), 0);
	assert_string_equal(id.type, "iso9660");
	assert_string_equal(id.uuid, "2021-11-22-33-44-55-66");
	assert_string_equal(id.label, "DISC");
}

static void failures(void **state)
{
	static uint8_t bytes[128 * 1024];
	struct identity id = { .kind = OM_IMAGE_FAT };

	(void)state;
	disk_copy(bytes, sizeof(bytes));
	disk->fail_read = 1;
	disk->fail_sticky = true;
	assert_int_equal(identify(&disk->bdev, &id), -EIO);
	assert_int_equal(id.kind, OM_IMAGE_FAT);
	host_fail_allocation(1);
	assert_int_equal(identify(&disk->bdev, &id), -ENOMEM);
	disk_free();
	/* Shorter than any superblock */
	host_fail_allocation(0);
	memcpy(bytes, "XFSB", 4);
	disk_copy(bytes, 512);
	assert_int_equal(identify(&disk->bdev, &id), 0);
	assert_string_equal(id.type, "xfs");
	disk_free();
	disk_copy(bytes, 0);
	assert_int_equal(identify(&disk->bdev, &id), 0);
	assert_int_equal(id.kind, OM_IMAGE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(made_by_tools, end),
		cmocka_unit_test_teardown(made_by_hand, end),
		cmocka_unit_test_teardown(failures, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
