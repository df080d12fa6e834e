/* SPDX-License-Identifier: MIT */
#include "descriptor_support.h"

uint8_t test_bytes[BUFFER_MAX], test_again[BUFFER_MAX];
struct om_root test_found;

const struct om_root root_minimal = {
	.title = NONE, .entry_id = NONE, .rdinit = NONE, .linuxrc_path = NONE, .cmdline = NONE,
};

const struct om_root root_full = {
	.title = S("A title"), .entry_id = S("an-entry.conf"),
	.candidates = {
		{ { OM_ROOT_PARTUUID, S("12345678-02"), 0, 0, -3 }, S("ext4,ext2"), S("a=b,c d"),
		  OM_MODE_RW },
		{ { OM_ROOT_NUMBER, NONE, 259, 1048575, 0 }, NONE, NONE, OM_MODE_RO },
		{ { OM_ROOT_IMAGE, S("/images/a b"), 0, 0, 0 }, S("squashfs"), NONE,
		  OM_MODE_DEFAULT },
	},
	.candidate_count = 3, .wait_ms = 4294967294u, .delay_ms = 1,
	.init = { S("/sbin/init"), NONE, S("a\tb"), S("-") }, .init_count = 4,
	.rdinit = S("/my rdinit"), .linuxrc = OM_LINUXRC_PATH, .linuxrc_path = S("/linuxrc"),
	.real_root_dev_compat = true, .devfs = OM_DEVFS_ROOT, .keep = OM_KEEP_SKELETON,
	.ramdisks = {
		{ 3, 0x123456789abcdef0u, true, false, S("\\initrd.img"), true, { 1, 2, 0xff } },
		{ 0, 0, false, true, NONE, false, { 0 } },
	},
	.ramdisk_count = 2, .modules = { S("/m/b.ko"), S("/m/a.ko") }, .module_count = 2,
	.cmdline = S("root=/dev/sda1 dyndbg=\"file x\" "),
	.attach = OM_ATTACH_RAMDISK, .overlay = OM_OVERLAY_TMPFS,
	.verity = { 48, { 0xde, 0xad }, { OM_ROOT_PARTUUID, S("12345678-02"), 0, 0, 7 }, 512 },
};

size_t test_encode(const struct om_root *root)
{
	size_t len = 0, size = 0;

	assert_int_equal(om_descriptor_size(root, &size), OM_OK);
	assert_int_equal(om_descriptor_encode(root, test_bytes, sizeof(test_bytes), &len), OM_OK);
	assert_int_equal(len, size);
	assert_int_equal(len % 8, 0);
	return len;
}

void test_seal(uint8_t *bytes, size_t len)
{
	uint8_t digest[OM_SHA256_SIZE];

	om_put_le32(bytes + 12, (uint32_t)len);
	memset(bytes + 16, 0, OM_SHA256_SIZE);
	om_sha256(bytes, len, digest);
	memcpy(bytes + 16, digest, sizeof(digest));
}

enum om_status test_decode(const uint8_t *bytes, size_t len, struct test_sink *sink)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum om_status status;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	test_sink_init(sink);
	memset(&test_found, 0x5a, sizeof(test_found));
	status = om_descriptor_decode((struct om_span){ exact, len }, &sink->sink, &test_found);
	if (status != OM_OK) {
		static const uint8_t untouched = 0x5a;

		assert_int_equal(sink->errors, 1);
		assert_int_equal(sink->diags[0].status, status);
		assert_true(sink->diags[0].offset <= len);
		for (size_t i = 0; i < sizeof(test_found); i++)
			assert_int_equal(((const uint8_t *)&test_found)[i], untouched);
	} else {
		assert_int_equal(sink->count, 0);
	}
	free(exact);
	return status;
}

struct collected {
	char text[2 * BUFFER_MAX];
	size_t len;
};

static struct collected collected;

static void collect(void *ctx, const char *text)
{
	(void)ctx;
	collected.len += (size_t)snprintf(collected.text + collected.len,
					  sizeof(collected.text) - collected.len, "%s\n", text);
	assert_true(collected.len < sizeof(collected.text));
}

void test_survives_check(const struct om_root *root)
{
	struct test_mem mem;
	struct test_sink sink;
	struct om_arena arena;
	size_t len = test_encode(root), again = 0;
	enum om_status status;

	test_sink_init(&sink);
	assert_int_equal(om_descriptor_decode((struct om_span){ test_bytes, len }, &sink.sink, &test_found),
			 OM_OK);
	assert_int_equal(om_descriptor_encode(&test_found, test_again, sizeof(test_again), &again), OM_OK);
	test_assert_bytes(test_again, again, test_bytes, len);

	collected.len = 0;
	om_descriptor_to_text(&test_found, collect, NULL);
	test_mem_init(&mem, 0);
	om_arena_init(&arena, &mem.mem);
	status = om_descriptor_from_text((struct om_str){ collected.text, collected.len }, &arena,
					 &sink.sink, &test_found);
	if (status != OM_OK) {
		test_sink_print(&sink);
		fail_msg("the text is refused:\n%s", collected.text);
	}
	assert_int_equal(om_descriptor_encode(&test_found, test_again, sizeof(test_again), &again), OM_OK);
	test_assert_bytes(test_again, again, test_bytes, len);
	om_arena_release(&arena);
	test_mem_check(&mem);
}
