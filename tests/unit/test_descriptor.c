/* SPDX-License-Identifier: MIT */
/* Root descriptor, encoder and decoder together: what survives, and that every byte counts. */
#include "descriptor_support.h"

static void test_survives(void **state)
{
	static const struct om_str odd[] = {
		S(" x"), S("x "), S("\"x\""), S("\"x"), S("x\""), S("\""), S("\"\""), S("#x"),
		S("\t"), S("\xff\xfe"), S("a  b"),
	};
	static const struct om_rootspec specs[] = {
		{ OM_ROOT_RAMFS, NONE, 0, 0, 0 },
		{ OM_ROOT_NAME, S("mapper/a b"), 0, 0, 0 },
		{ OM_ROOT_NUMBER, NONE, 8, 1, 0 },
		{ OM_ROOT_PARTUUID, S("ab-01"), 0, 0, 0 },
		{ OM_ROOT_PARTUUID, S("ab-01"), 0, 0, 2147483647 },
		{ OM_ROOT_PARTLABEL, S("my label"), 0, 0, 0 },
		{ OM_ROOT_UUID, S("0123-ABCD"), 0, 0, 0 },
		{ OM_ROOT_LABEL, S(" root "), 0, 0, 0 },
		{ OM_ROOT_LABEL, S("a \"b\" c\""), 0, 0, 0 },
		{ OM_ROOT_NAME, S("\"\""), 0, 0, 0 },
		{ OM_ROOT_RAM, NONE, 1, 7, 0 },
		{ OM_ROOT_TAR, S("/a.tar"), 0, 0, 0 },
		{ OM_ROOT_CPIO, S("/a.cpio"), 0, 0, 0 },
		{ OM_ROOT_NFS, NONE, 0, 0, 0 },
		{ OM_ROOT_NFS, S("10.0.0.1:/export,v3"), 0, 0, 0 },
	};
	static const uint32_t times[] = { 0, 1, 10, 999, 1000, 1500, 60000, OM_WAIT_FOREVER };
	static struct om_root root;

	(void)state;
	test_survives_check(&root_minimal);
	test_survives_check(&root_full);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		root = root_full;
		root.title = root.entry_id = root.cmdline = odd[i];
		root.init[1] = root.candidates[0].flags = root.ramdisks[0].text = odd[i];
		root.modules[1] = root.rdinit = odd[i];
		test_survives_check(&root);
	}
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		root = root_minimal;
		root.candidates[0].spec = specs[i];
		root.candidate_count = 1;
		test_survives_check(&root);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		root = root_minimal;
		root.wait_ms = times[i];
		root.delay_ms = times[i] == OM_WAIT_FOREVER ? 0 : times[i];
		test_survives_check(&root);
	}
	for (uint32_t i = 0; i < 2 * 3 * 4 * 3; i++) {
		root = root_minimal;
		root.linuxrc = i % 2 ? OM_LINUXRC_NEVER : OM_LINUXRC_AUTO;
		root.keep = (enum om_keep)(i / 2 % 3);
		root.devfs = i / 6 % 4;
		root.real_root_dev_compat = i / 24;
		test_survives_check(&root);
	}
}

/* Every field arrives, and arrives in its place. */
static void test_fields(void **state)
{
	struct test_sink sink;
	size_t len = test_encode(&root_full);

	(void)state;
	test_sink_init(&sink);
	assert_int_equal(om_descriptor_decode((struct om_span){ test_bytes, len }, &sink.sink, &test_found),
			 OM_OK);
	test_assert_str(test_found.title, "A title");
	test_assert_str(test_found.entry_id, "an-entry.conf");
	assert_int_equal(test_found.candidate_count, 3);
	assert_int_equal(test_found.candidates[0].spec.kind, OM_ROOT_PARTUUID);
	assert_int_equal(test_found.candidates[0].spec.partnroff, -3);
	test_assert_str(test_found.candidates[0].fstypes, "ext4,ext2");
	test_assert_str(test_found.candidates[0].flags, "a=b,c d");
	assert_int_equal(test_found.candidates[0].mode, OM_MODE_RW);
	assert_int_equal(test_found.candidates[1].spec.major, 259);
	assert_int_equal(test_found.candidates[1].spec.minor, 1048575);
	test_assert_str(test_found.candidates[2].spec.text, "/images/a b");
	assert_int_equal(test_found.wait_ms, 4294967294u);
	assert_int_equal(test_found.delay_ms, 1);
	assert_int_equal(test_found.init_count, 4);
	test_assert_str(test_found.init[1], "");
	test_assert_str(test_found.init[2], "a\tb");
	test_assert_str(test_found.rdinit, "/my rdinit");
	assert_int_equal(test_found.linuxrc, OM_LINUXRC_PATH);
	test_assert_str(test_found.linuxrc_path, "/linuxrc");
	assert_true(test_found.real_root_dev_compat);
	assert_int_equal(test_found.devfs, OM_DEVFS_ROOT);
	assert_int_equal(test_found.keep, OM_KEEP_SKELETON);
	assert_int_equal(test_found.ramdisk_count, 2);
	assert_int_equal(test_found.ramdisks[0].index, 3);
	assert_true(test_found.ramdisks[0].size == 0x123456789abcdef0u);
	assert_true(test_found.ramdisks[0].classic_initrd && !test_found.ramdisks[0].in_archive);
	assert_true(test_found.ramdisks[0].has_digest && test_found.ramdisks[0].digest[2] == 0xff);
	assert_true(test_found.ramdisks[1].in_archive && !test_found.ramdisks[1].has_digest);
	assert_int_equal(test_found.module_count, 2);
	test_assert_str(test_found.modules[1], "/m/a.ko");
	test_assert_str(test_found.cmdline, "root=/dev/sda1 dyndbg=\"file x\" ");
}

/* Whatever byte changes in whatever way: the descriptor is refused. */
static void test_every_byte_counts(void **state)
{
	static uint8_t copy[BUFFER_MAX];
	struct test_sink sink;
	size_t len = test_encode(&root_full);

	(void)state;
	memcpy(copy, test_bytes, len);
	for (size_t i = 0; i < len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			copy[i] ^= (uint8_t)(1u << bit);
			if (test_decode(copy, len, &sink) == OM_OK)
				fail_msg("byte %zu bit %u may change", i, bit);
			copy[i] = test_bytes[i];
		}
	}
}

/*
 * The same with a checksum that fits: refused, or another descriptor that is written back as it
 * was read (unknown optional records aside, which make it shorter).
 */
static void test_every_byte_sealed(void **state)
{
	static uint8_t copy[BUFFER_MAX];
	struct test_sink sink;
	size_t len = test_encode(&root_full), again = 0;

	(void)state;
	for (size_t i = OM_DESCRIPTOR_HEADER_SIZE; i < len; i++) {
		for (unsigned int value = 0; value < 256; value += 5) {
			memcpy(copy, test_bytes, len);
			copy[i] = (uint8_t)(copy[i] + 1 + value);
			test_seal(copy, len);
			test_sink_init(&sink);
			if (om_descriptor_decode((struct om_span){ copy, len }, &sink.sink,
						 &test_found) != OM_OK)
				continue;
			assert_int_equal(om_descriptor_encode(&test_found, test_again, sizeof(test_again),
							      &again), OM_OK);
			if (again == len)
				test_assert_bytes(test_again, again, copy, len);
		}
	}
}

static void test_truncated(void **state)
{
	static uint8_t copy[BUFFER_MAX];
	struct test_sink sink;
	size_t len = test_encode(&root_full), again = 0, whole = 0;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(test_decode(test_bytes, cut, &sink), OM_TRUNCATED);
		/* and when the header pretends that this is all */
		memcpy(copy, test_bytes, cut);
		if (cut < OM_DESCRIPTOR_HEADER_SIZE)
			continue;
		test_seal(copy, cut);
		test_sink_init(&sink);
		if (om_descriptor_decode((struct om_span){ copy, cut }, &sink.sink, &test_found) != OM_OK)
			continue;
		/* cut between two records: then that is what the descriptor says */
		assert_int_equal(om_descriptor_encode(&test_found, test_again, sizeof(test_again), &again), OM_OK);
		test_assert_bytes(test_again, again, copy, cut);
		whole++;
	}
	/* behind attach and overlay; further in front nothing is of version 1.1 */
	assert_int_equal(whole, 2);
	memcpy(copy, test_bytes, len);
	memset(copy + len, 0, 8);
	assert_int_equal(test_decode(copy, len + 8, &sink), OM_SYNTAX);
	test_sink_assert_has(&sink, "behind the descriptor");
}


static void test_encoder_refuses(void **state)
{
	static char longer[OM_CMDLINE_MAX + 2];
	static struct om_root root;
	size_t len = 77;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	root = root_minimal;
	root.title = (struct om_str)S("a\0b");
	assert_int_equal(om_descriptor_size(&root, &len), OM_SYNTAX);
	root = root_minimal;
	root.cmdline = (struct om_str){ longer, OM_CMDLINE_MAX + 1 };
	assert_int_equal(om_descriptor_size(&root, &len), OM_LIMIT);
	root = root_minimal;
	root.init[0] = (struct om_str)S("a\nb");
	root.init_count = 1;
	assert_int_equal(om_descriptor_size(&root, &len), OM_SYNTAX);
	root = root_minimal;
	root.candidate_count = OM_CANDIDATES_MAX + 1;
	assert_int_equal(om_descriptor_size(&root, &len), OM_MISUSE);
	root = root_full;
	root.ramdisks[1].index = 3;
	assert_int_equal(om_descriptor_size(&root, &len), OM_CONFLICT);
	root = root_minimal;
	root.delay_ms = OM_WAIT_FOREVER;
	assert_int_equal(om_descriptor_size(&root, &len), OM_MISUSE);
	assert_int_equal(len, 77);
}

static void test_too_small(void **state)
{
	uint8_t *exact;
	size_t len = test_encode(&root_full), needed;

	(void)state;
	for (size_t size = 0; size < len; size++) {
		needed = 0;
		exact = malloc(size ? size : 1);
		assert_int_equal(om_descriptor_encode(&root_full, exact, size, &needed), OM_TOO_SMALL);
		assert_int_equal(needed, len);
		free(exact);
	}
	exact = malloc(len);
	assert_int_equal(om_descriptor_encode(&root_full, exact, len, &needed), OM_OK);
	test_assert_bytes(exact, len, test_bytes, len);
	free(exact);
}

/* The longest lines that the rules allow come out whole, quotation marks counted twice. */
static void test_longest(void **state)
{
	static char text[OM_CMDLINE_MAX];
	static struct om_root root;
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '"';
	root = root_minimal;
	root.cmdline = (struct om_str){ text, sizeof(text) };
	root.title = root.cmdline;
	test_survives_check(&root);

	memset(text, ' ', sizeof(text));
	text[0] = '/';
	root = root_minimal;
	root.candidates[0] = (struct om_candidate){
		.spec = { .kind = OM_ROOT_IMAGE, .text = { text, 2000 } },
		.fstypes = { text, 1000 }, .flags = { text, 1096 }, .mode = OM_MODE_RO,
	};
	root.candidate_count = 1;
	root.init[0] = (struct om_str){ text, OM_PATH_MAX - 4 };
	root.init_count = 1;
	root.modules[0] = root.rdinit = (struct om_str){ text, OM_PATH_MAX - 1 };
	root.module_count = 1;
	root.ramdisks[0] = (struct om_ramdisk){
		.index = UINT32_MAX, .size = UINT64_MAX, .text = { text, OM_PATH_MAX - 1 },
		.has_digest = true,
	};
	root.ramdisk_count = 1;
	test_survives_check(&root);

	memset(text, '"', sizeof(text));
	text[0] = '/';
	root.candidates[0] = (struct om_candidate){
		.spec = { .kind = OM_ROOT_IMAGE, .text = { text, 2000 } },
		.fstypes = { text + 1, 20 }, .flags = { text + 1, 28 }, .mode = OM_MODE_RO,
	};
	root.init[0].len = 2000;
	root.modules[0].len = root.rdinit.len = root.ramdisks[0].text.len = OM_PATH_MAX / 2;
	test_survives_check(&root);
	root.rdinit.len++;
	assert_int_equal(om_descriptor_size(&root, &len), OM_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survives),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_every_byte_sealed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_encoder_refuses),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
