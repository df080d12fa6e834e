/* SPDX-License-Identifier: MIT */
/* Ram disks: the bytes stay where the loader put them. */
#include "port_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <zlib.h>

static int end(void **state)
{
	(void)state;
	host_fail_allocation(0);
	assert_int_equal(host_live, 0);
	assert_int_equal(host_live_pages, 0);
	return 0;
}

static void bytes_in_place(void **state)
{
	struct block_device *bdev = NULL, *other = NULL;
	uint8_t image[5000], buf[16], *memory;
	unsigned pages, dirty;

	(void)state;
	memset(image, 'x', sizeof(image));
	memory = host_handed_over(image, sizeof(image));
	assert_int_equal(ramdisk_create(3, memory, sizeof(image), &bdev), 0);
	assert_string_equal(bdev->name, "ram3");
	assert_int_equal(bdev->dev, MKDEV(1, 3));
	assert_int_equal(bdev->sectors, 10);
	assert_ptr_equal(block_find(MKDEV(1, 3)), bdev);
	assert_ptr_equal(block_find_name("ram3"), bdev);
	assert_ptr_equal(bdev->memory, memory);
	assert_int_equal(block_write(bdev, 4090, "hello, ramdisk", 14), 0);
	assert_memory_equal(memory + 4090, "hello, ramdisk", 14);
	memory[5001] = 'y';
	assert_int_equal(block_read(bdev, 4999, buf, 3), 0);
	assert_memory_equal(buf, "x\0y", 3);
	block_cache_counts(&pages, &dirty);
	assert_int_equal(pages, 0);
	assert_int_equal(block_sync(bdev), 0);
	assert_int_equal(block_read(bdev, 5120, buf, 1), -EIO);
	assert_int_equal(ramdisk_create(3, memory, sizeof(image), &other), -EBUSY);
	assert_null(other);
	bdev->holders = 1;
	assert_int_equal(ramdisk_free(bdev), -EBUSY);
	bdev->holders = 0;
	/* A page that somebody else holds survives. */
	page_get(memory + 4096);
	assert_int_equal(ramdisk_free(bdev), 0);
	assert_null(block_find(MKDEV(1, 3)));
	assert_int_equal(host_live_pages, 1);
	page_put(memory + 4096);
}

/* gzip -n of 100,000 letters: what zlib makes, with gzip's header in front. */
static size_t pack(uint8_t *out, size_t room, uint8_t letter)
{
	static uint8_t plain[100000];
	z_stream z = { .next_in = plain, .avail_in = sizeof(plain), .next_out = out,
		       .avail_out = (uInt)room };

	memset(plain, letter, sizeof(plain));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void unpacked(void **state)
{
	struct block_device *bdev = NULL;
	uint8_t packed[8192] = { 0 }, buf[4];
	size_t len = pack(packed, sizeof(packed), 'z');

	(void)state;
	/* The zeros behind it are a boot loader's. */
	assert_int_equal(ramdisk_make(1, host_handed_over(packed, sizeof(packed)), sizeof(packed),
				      &bdev), 0);
	assert_non_null(strstr(host_log, "/dev/ram1, 97 KiB, unpacked from 8 KiB of gzip"));
	assert_int_equal(bdev->sectors, (100000 + 511) / 512);
	assert_int_equal(host_live_pages, (100000 + 4095) / 4096);
	assert_int_equal(block_read(bdev, 99998, buf, 4), 0);
	assert_memory_equal(buf, "zz\0\0", 4);
	assert_int_equal(block_write(bdev, 50000, "w", 1), 0);
	assert_int_equal(block_read(bdev, 49999, buf, 3), 0);
	assert_memory_equal(buf, "zwz", 3);
	assert_int_equal(ramdisk_free(bdev), 0);

	host_log_clear();
	assert_int_equal(ramdisk_make(1, host_handed_over(packed, len - 1), len - 1, &bdev), -EIO);
	assert_non_null(strstr(host_log, "the gzip image is broken or cut off at byte"));
	host_log_clear();
	assert_int_equal(ramdisk_make(1, host_handed_over("\x89LZO\0\r\n\x1a\n", 9), 9, &bdev),
			 -EOPNOTSUPP);
	assert_non_null(strstr(host_log, "lzo is not unpacked here; expected gzip"));
}

static void unpacked_without_memory(void **state)
{
	uint8_t packed[8192];
	size_t len = pack(packed, sizeof(packed), 'z');
	struct block_device *bdev = NULL;
	unsigned long n;
	int err;

	(void)state;
	for (n = 1;; n++) {
		host_fail_allocation(n);
		err = ramdisk_make(1, host_handed_over(packed, len), len, &bdev);
		host_fail_allocation(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(host_live_pages, 0);
		assert_int_equal(host_live, 0);
	}
	assert_true(n > 3);
	assert_int_equal(ramdisk_free(bdev), 0);
}

static void refusals(void **state)
{
	struct block_device *bdev = NULL;
	uint8_t *page = page_alloc();

	(void)state;
	assert_int_equal(ramdisk_create(0, NULL, 1, &bdev), -EINVAL);
	assert_int_equal(ramdisk_create(0, page, 0, &bdev), -EINVAL);
	assert_int_equal(ramdisk_create(0, page + 512, 512, &bdev), -EINVAL);
	assert_int_equal(ramdisk_create(256, page, 512, &bdev), -EINVAL);
	host_fail_allocation(1);
	assert_int_equal(ramdisk_create(0, page, 512, &bdev), -ENOMEM);
	assert_null(bdev);
	assert_int_equal(page_count(page), 1);
	page_put(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(bytes_in_place, end),
		cmocka_unit_test_teardown(unpacked, end),
		cmocka_unit_test_teardown(unpacked_without_memory, end),
		cmocka_unit_test_teardown(refusals, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
