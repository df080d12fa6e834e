/* SPDX-License-Identifier: MIT */
/* Root descriptor: what must be refused, what must survive, and memory that runs out. */
#include <overmount/descriptor.h>

#include "support.h"

#define NONE { "", 0 }
#define S(text) { text, sizeof(text) - 1 }
#define BUFFER_MAX 65600u

static uint8_t buffer[BUFFER_MAX], second[BUFFER_MAX];
static struct om_root found;

static const struct om_root minimal = {
	.title = NONE, .entry_id = NONE, .rdinit = NONE, .linuxrc_path = NONE, .cmdline = NONE,
};

/* Something in every field, within the small limits. */
static const struct om_root full = {
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
};

static size_t encode(const struct om_root *root)
{
	size_t len = 0, size = 0;

	assert_int_equal(om_descriptor_size(root, &size), OM_OK);
	assert_int_equal(om_descriptor_encode(root, buffer, sizeof(buffer), &len), OM_OK);
	assert_int_equal(len, size);
	assert_int_equal(len % 8, 0);
	return len;
}

/* The checksum of what has been changed on purpose. */
static void seal(uint8_t *bytes, size_t len)
{
	uint8_t digest[OM_SHA256_SIZE];

	om_put_le32(bytes + 12, (uint32_t)len);
	memset(bytes + 16, 0, OM_SHA256_SIZE);
	om_sha256(bytes, len, digest);
	memcpy(bytes + 16, digest, sizeof(digest));
}

/* In a block of exactly LEN bytes, so that a read past its end is seen. */
static enum om_status decode(const uint8_t *bytes, size_t len, struct test_sink *sink)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum om_status status;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	test_sink_init(sink);
	memset(&found, 0x5a, sizeof(found));
	status = om_descriptor_decode((struct om_span){ exact, len }, &sink->sink, &found);
	if (status != OM_OK) {
		static const uint8_t untouched = 0x5a;

		assert_int_equal(sink->errors, 1);
		assert_int_equal(sink->diags[0].status, status);
		assert_true(sink->diags[0].offset <= len);
		for (size_t i = 0; i < sizeof(found); i++)
			assert_int_equal(((const uint8_t *)&found)[i], untouched);
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

/* ROOT to bytes, to struct, to text, to struct, to the same bytes. */
static void check_survives(const struct om_root *root)
{
	struct test_mem mem;
	struct test_sink sink;
	struct om_arena arena;
	size_t len = encode(root), again = 0;
	enum om_status status;

	test_sink_init(&sink);
	assert_int_equal(om_descriptor_decode((struct om_span){ buffer, len }, &sink.sink, &found),
			 OM_OK);
	assert_int_equal(om_descriptor_encode(&found, second, sizeof(second), &again), OM_OK);
	test_assert_bytes(second, again, buffer, len);

	collected.len = 0;
	om_descriptor_to_text(&found, collect, NULL);
	test_mem_init(&mem, 0);
	om_arena_init(&arena, &mem.mem);
	status = om_descriptor_from_text((struct om_str){ collected.text, collected.len }, &arena,
					 &sink.sink, &found);
	if (status != OM_OK) {
		test_sink_print(&sink);
		fail_msg("the text is refused:\n%s", collected.text);
	}
	assert_int_equal(om_descriptor_encode(&found, second, sizeof(second), &again), OM_OK);
	test_assert_bytes(second, again, buffer, len);
	om_arena_release(&arena);
	test_mem_check(&mem);
}

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
		{ OM_ROOT_RAM, NONE, 1, 7, 0 },
		{ OM_ROOT_TAR, S("/a.tar"), 0, 0, 0 },
		{ OM_ROOT_CPIO, S("/a.cpio"), 0, 0, 0 },
		{ OM_ROOT_NFS, NONE, 0, 0, 0 },
		{ OM_ROOT_NFS, S("10.0.0.1:/export,v3"), 0, 0, 0 },
	};
	static const uint32_t times[] = { 0, 1, 10, 999, 1000, 1500, 60000, OM_WAIT_FOREVER };
	static struct om_root root;

	(void)state;
	check_survives(&minimal);
	check_survives(&full);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		root = full;
		root.title = root.entry_id = root.cmdline = odd[i];
		check_survives(&root);
	}
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		root = minimal;
		root.candidates[0].spec = specs[i];
		root.candidate_count = 1;
		check_survives(&root);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		root = minimal;
		root.wait_ms = times[i];
		root.delay_ms = times[i] == OM_WAIT_FOREVER ? 0 : times[i];
		check_survives(&root);
	}
	for (uint32_t i = 0; i < 2 * 3 * 4 * 3; i++) {
		root = minimal;
		root.linuxrc = i % 2 ? OM_LINUXRC_NEVER : OM_LINUXRC_AUTO;
		root.keep = (enum om_keep)(i / 2 % 3);
		root.devfs = i / 6 % 4;
		root.real_root_dev_compat = i / 24;
		check_survives(&root);
	}
}

/* Every field arrives, and arrives in its place. */
static void test_fields(void **state)
{
	struct test_sink sink;
	size_t len = encode(&full);

	(void)state;
	test_sink_init(&sink);
	assert_int_equal(om_descriptor_decode((struct om_span){ buffer, len }, &sink.sink, &found),
			 OM_OK);
	test_assert_str(found.title, "A title");
	test_assert_str(found.entry_id, "an-entry.conf");
	assert_int_equal(found.candidate_count, 3);
	assert_int_equal(found.candidates[0].spec.kind, OM_ROOT_PARTUUID);
	assert_int_equal(found.candidates[0].spec.partnroff, -3);
	test_assert_str(found.candidates[0].fstypes, "ext4,ext2");
	test_assert_str(found.candidates[0].flags, "a=b,c d");
	assert_int_equal(found.candidates[0].mode, OM_MODE_RW);
	assert_int_equal(found.candidates[1].spec.major, 259);
	assert_int_equal(found.candidates[1].spec.minor, 1048575);
	test_assert_str(found.candidates[2].spec.text, "/images/a b");
	assert_int_equal(found.wait_ms, 4294967294u);
	assert_int_equal(found.delay_ms, 1);
	assert_int_equal(found.init_count, 4);
	test_assert_str(found.init[1], "");
	test_assert_str(found.init[2], "a\tb");
	test_assert_str(found.rdinit, "/my rdinit");
	assert_int_equal(found.linuxrc, OM_LINUXRC_PATH);
	test_assert_str(found.linuxrc_path, "/linuxrc");
	assert_true(found.real_root_dev_compat);
	assert_int_equal(found.devfs, OM_DEVFS_ROOT);
	assert_int_equal(found.keep, OM_KEEP_SKELETON);
	assert_int_equal(found.ramdisk_count, 2);
	assert_int_equal(found.ramdisks[0].index, 3);
	assert_true(found.ramdisks[0].size == 0x123456789abcdef0u);
	assert_true(found.ramdisks[0].classic_initrd && !found.ramdisks[0].in_archive);
	assert_true(found.ramdisks[0].has_digest && found.ramdisks[0].digest[2] == 0xff);
	assert_true(found.ramdisks[1].in_archive && !found.ramdisks[1].has_digest);
	assert_int_equal(found.module_count, 2);
	test_assert_str(found.modules[1], "/m/a.ko");
	test_assert_str(found.cmdline, "root=/dev/sda1 dyndbg=\"file x\" ");
}

/* Whatever byte changes in whatever way: the descriptor is refused. */
static void test_every_byte_counts(void **state)
{
	static uint8_t copy[BUFFER_MAX];
	struct test_sink sink;
	size_t len = encode(&full);

	(void)state;
	memcpy(copy, buffer, len);
	for (size_t i = 0; i < len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			copy[i] ^= (uint8_t)(1u << bit);
			if (decode(copy, len, &sink) == OM_OK)
				fail_msg("byte %zu bit %u may change", i, bit);
			copy[i] = buffer[i];
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
	size_t len = encode(&full), again = 0;

	(void)state;
	for (size_t i = OM_DESCRIPTOR_HEADER_SIZE; i < len; i++) {
		for (unsigned int value = 0; value < 256; value += 5) {
			memcpy(copy, buffer, len);
			copy[i] = (uint8_t)(copy[i] + 1 + value);
			seal(copy, len);
			test_sink_init(&sink);
			if (om_descriptor_decode((struct om_span){ copy, len }, &sink.sink,
						 &found) != OM_OK)
				continue;
			assert_int_equal(om_descriptor_encode(&found, second, sizeof(second),
							      &again), OM_OK);
			if (again == len)
				test_assert_bytes(second, again, copy, len);
		}
	}
}

static void test_truncated(void **state)
{
	static uint8_t copy[BUFFER_MAX];
	struct test_sink sink;
	size_t len = encode(&full), again = 0, whole = 0;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(decode(buffer, cut, &sink), OM_TRUNCATED);
		/* and when the header pretends that this is all */
		memcpy(copy, buffer, cut);
		if (cut < OM_DESCRIPTOR_HEADER_SIZE)
			continue;
		seal(copy, cut);
		test_sink_init(&sink);
		if (om_descriptor_decode((struct om_span){ copy, cut }, &sink.sink, &found) != OM_OK)
			continue;
		/* cut between two records: then that is what the descriptor says */
		assert_int_equal(om_descriptor_encode(&found, second, sizeof(second), &again), OM_OK);
		test_assert_bytes(second, again, copy, cut);
		whole++;
	}
	/* behind policy, two ram disks, two modules */
	assert_int_equal(whole, 5);
	memcpy(copy, buffer, len);
	memset(copy + len, 0, 8);
	assert_int_equal(decode(copy, len + 8, &sink), OM_SYNTAX);
	test_sink_assert_has(&sink, "behind the descriptor");
}

/* ------------------------------------------------------------------ made by hand */

struct builder {
	uint8_t bytes[8192];
	size_t len;
};

static void start(struct builder *builder)
{
	memset(builder, 0, sizeof(*builder));
	memcpy(builder->bytes, "OVMTROOT\1\0\0\0", 12);
	builder->len = OM_DESCRIPTOR_HEADER_SIZE;
}

static void add(struct builder *builder, uint16_t type, uint16_t flags, const void *payload,
		size_t len)
{
	uint8_t *at = builder->bytes + builder->len;

	om_put_le16(at, type);
	om_put_le16(at + 2, flags);
	om_put_le32(at + 4, (uint32_t)len);
	memcpy(at + 8, payload, len);
	builder->len += 8 + (len + 7) / 8 * 8;
}

static const uint8_t zeros[128];

/* The three that have to be there. */
static void add_rest(struct builder *builder)
{
	add(builder, 4, 1, zeros, 8);
	add(builder, 7, 1, zeros, 4);
	add(builder, 8, 1, zeros, 12);
}

struct refusal {
	const char *name;
	enum om_status status;
	const char *words;
	uint16_t type, flags;
	const char *payload;
	size_t len;
};

#define P(payload) payload, sizeof(payload) - 1
/* kind, mode, major, minor, partnroff, three lengths */
#define CANDIDATE(kind, mode, major, minor, off, l1, l2, l3, rest) \
	P(kind "\0\0\0" mode "\0\0\0" major "\0\0\0" minor "\0\0\0" off "\0\0\0" \
	  l1 "\0\0\0" l2 "\0\0\0" l3 "\0\0\0" rest)

static const struct refusal refusals[] = {
	{ "type 0", OM_SYNTAX, "reserved", 0, 0, P("") },
	{ "reserved flag", OM_SYNTAX, "reserved", 1, 2, P("x") },
	{ "reserved flag of an unknown type", OM_SYNTAX, "reserved", 999, 4, P("x") },
	{ "unknown critical", OM_UNSUPPORTED, "999", 999, 1, P("x") },
	{ "title marked critical", OM_SYNTAX, "title", 1, 1, P("x") },
	{ "candidate not critical", OM_SYNTAX, "candidate", 3, 0,
	  CANDIDATE("\1", "\0", "\0", "\0", "\0", "\0", "\0", "\0", "") },
	{ "empty title", OM_SYNTAX, "empty", 1, 0, P("") },
	{ "NUL in the title", OM_SYNTAX, "control", 1, 0, P("a\0b") },
	{ "newline in the title", OM_SYNTAX, "control", 1, 0, P("a\nb") },
	{ "delete in the title", OM_SYNTAX, "control", 1, 0, P("a\x7f") },
	{ "candidate too short", OM_SYNTAX, "expected 32", 3, 1, P("\1\0\0\0") },
	{ "candidate: lengths too small", OM_SYNTAX, "payload", 3, 1,
	  CANDIDATE("\2", "\0", "\0", "\0", "\0", "\3", "\0", "\0", "vda2") },
	{ "candidate: lengths too large", OM_SYNTAX, "payload", 3, 1,
	  CANDIDATE("\2", "\0", "\0", "\0", "\0", "\4", "\0", "\1", "vda2") },
	{ "candidate: kind 0", OM_SYNTAX, "kind 0", 3, 1,
	  CANDIDATE("\0", "\0", "\0", "\0", "\0", "\0", "\0", "\0", "") },
	{ "candidate: kind 13", OM_SYNTAX, "kind 13", 3, 1,
	  CANDIDATE("\15", "\0", "\0", "\0", "\0", "\0", "\0", "\0", "") },
	{ "candidate: mode 3", OM_SYNTAX, "mode 3", 3, 1,
	  CANDIDATE("\1", "\3", "\0", "\0", "\0", "\0", "\0", "\0", "") },
	{ "candidate: ramfs with a number", OM_SYNTAX, "does not use", 3, 1,
	  CANDIDATE("\1", "\0", "\1", "\0", "\0", "\0", "\0", "\0", "") },
	{ "candidate: name with an offset", OM_SYNTAX, "does not use", 3, 1,
	  CANDIDATE("\2", "\0", "\0", "\0", "\1", "\4", "\0", "\0", "vda2") },
	{ "candidate: ramfs with a text", OM_SYNTAX, "not a root specification", 3, 1,
	  CANDIDATE("\1", "\0", "\0", "\0", "\0", "\1", "\0", "\0", "x") },
	{ "candidate: a name that is a ram disk", OM_SYNTAX, "not a root specification", 3, 1,
	  CANDIDATE("\2", "\0", "\0", "\0", "\0", "\4", "\0", "\0", "ram0") },
	{ "candidate: empty name", OM_SYNTAX, "not a root specification", 3, 1,
	  CANDIDATE("\2", "\0", "\0", "\0", "\0", "\0", "\0", "\0", "") },
	{ "candidate: relative image", OM_SYNTAX, "not a root specification", 3, 1,
	  CANDIDATE("\11", "\0", "\0", "\0", "\0", "\1", "\0", "\0", "x") },
	{ "candidate: image that climbs", OM_SYNTAX, "not a root specification", 3, 1,
	  CANDIDATE("\11", "\0", "\0", "\0", "\0", "\5", "\0", "\0", "/../x") },
	{ "candidate: quote in the flags", OM_SYNTAX, "quotation mark", 3, 1,
	  CANDIDATE("\1", "\0", "\0", "\0", "\0", "\0", "\0", "\1", "\"") },
	{ "timing too long", OM_SYNTAX, "expected 8", 4, 1, P("\0\0\0\0\0\0\0\0\0") },
	{ "timing: endless delay", OM_SYNTAX, "never ends", 4, 1, P("\0\0\0\0\377\377\377\377") },
	{ "init with NUL", OM_SYNTAX, "control", 5, 1, P("/init\0") },
	{ "empty rdinit", OM_SYNTAX, "empty", 6, 1, P("") },
};

/* Records that stand before timing: RECORD, then the three. */
static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct builder builder;
		struct test_sink sink;
		enum om_status status;

		start(&builder);
		add(&builder, refusal->type, refusal->flags, refusal->payload, refusal->len);
		add_rest(&builder);
		seal(builder.bytes, builder.len);
		status = decode(builder.bytes, builder.len, &sink);
		if (status != refusal->status)
			fail_msg("%s: %s", refusal->name, om_status_text(status));
		test_sink_assert_has(&sink, refusal->words);
		assert_int_equal(sink.diags[0].offset, OM_DESCRIPTOR_HEADER_SIZE);
	}
}

static const struct refusal late_refusals[] = {
	{ "a second policy", OM_CONFLICT, "second", 8, 1, P("\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "out of order", OM_SYNTAX, "stands behind", 5, 1, P("/init") },
	{ "ram disk too short", OM_SYNTAX, "expected 16", 9, 1, P("\0\0\0\0\0\0\0\0") },
	{ "ram disk: unknown flag", OM_SYNTAX, "flags are 0x8", 9, 1,
	  P("\0\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0") },
	{ "ram disk: no room for the digest", OM_SYNTAX, "expected 48", 9, 1,
	  P("\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0short") },
	{ "module with a quote", OM_SYNTAX, "quotation", 10, 1, P("a\"b") },
	{ "empty command line", OM_SYNTAX, "empty", 11, 0, P("") },
};

static void test_late_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(late_refusals); i++) {
		const struct refusal *refusal = &late_refusals[i];
		struct builder builder;
		struct test_sink sink;
		enum om_status status;

		start(&builder);
		add_rest(&builder);
		add(&builder, refusal->type, refusal->flags, refusal->payload, refusal->len);
		seal(builder.bytes, builder.len);
		status = decode(builder.bytes, builder.len, &sink);
		if (status != refusal->status)
			fail_msg("%s: %s", refusal->name, om_status_text(status));
		test_sink_assert_has(&sink, refusal->words);
	}
}

/* The required ones with bad values: TYPE replaces the good one. */
static void test_required(void **state)
{
	static const struct refusal bad[] = {
		{ "no timing", OM_MISSING, "'timing' is missing", 4, 1, NULL, 0 },
		{ "no linuxrc", OM_MISSING, "'linuxrc' is missing", 7, 1, NULL, 0 },
		{ "no policy", OM_MISSING, "'policy' is missing", 8, 1, NULL, 0 },
		{ "linuxrc: choice 3", OM_SYNTAX, "choice 3", 7, 1, P("\3\0\0\0") },
		{ "linuxrc: path not absolute", OM_SYNTAX, "absolute", 7, 1, P("\2\0\0\0x") },
		{ "linuxrc: no path", OM_SYNTAX, "absolute", 7, 1, P("\2\0\0\0") },
		{ "linuxrc: path behind auto", OM_SYNTAX, "expected 4", 7, 1, P("\0\0\0\0/x") },
		{ "policy: devfs 4", OM_SYNTAX, "devfs", 8, 1, P("\4\0\0\0\0\0\0\0\0\0\0\0") },
		{ "policy: keep 3", OM_SYNTAX, "keep", 8, 1, P("\0\0\0\0\3\0\0\0\0\0\0\0") },
		{ "policy: compat 2", OM_SYNTAX, "real-root-dev", 8, 1,
		  P("\0\0\0\0\0\0\0\0\2\0\0\0") },
		{ "policy: too long", OM_SYNTAX, "expected 12", 8, 1,
		  P("\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	};
	static const struct { uint16_t type; size_t len; } good[] = { { 4, 8 }, { 7, 4 }, { 8, 12 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct builder builder;
		struct test_sink sink;
		enum om_status status;

		start(&builder);
		for (size_t k = 0; k < ARRAY_SIZE(good); k++) {
			if (good[k].type != bad[i].type)
				add(&builder, good[k].type, 1, zeros, good[k].len);
			else if (bad[i].payload)
				add(&builder, bad[i].type, 1, bad[i].payload, bad[i].len);
		}
		seal(builder.bytes, builder.len);
		status = decode(builder.bytes, builder.len, &sink);
		if (status != bad[i].status)
			fail_msg("%s: %s", bad[i].name, om_status_text(status));
		test_sink_assert_has(&sink, bad[i].words);
	}
}

static void test_structure(void **state)
{
	struct builder builder;
	struct test_sink sink;

	(void)state;
	/* a length that reaches over the end, by one padding and by almost 4 GiB */
	start(&builder);
	add_rest(&builder);
	om_put_le32(builder.bytes + builder.len - 24 + 4, 17);
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_TRUNCATED);
	om_put_le32(builder.bytes + builder.len - 24 + 4, UINT32_MAX);
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_TRUNCATED);

	/* padding */
	start(&builder);
	add_rest(&builder);
	builder.bytes[builder.len - 1] = 1;
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_SYNTAX);
	assert_int_equal(sink.diags[0].offset, builder.len - 1);

	/* unknown optional records are skipped anywhere */
	start(&builder);
	add(&builder, 12, 0, "abc", 3);
	add_rest(&builder);
	add(&builder, 0xffff, 0, "", 0);
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_OK);

	/* two ram disks of one number */
	start(&builder);
	add_rest(&builder);
	add(&builder, 9, 1, zeros, 16);
	add(&builder, 9, 1, zeros, 16);
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_CONFLICT);
}

static void test_header(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t len;
		enum om_status status;
	} cases[] = {
		{ 0, P("OVMTROOX"), OM_SYNTAX },
		{ 8, P("\2\0"), OM_VERSION },
		{ 8, P("\0\0"), OM_VERSION },
		{ 12, P("\0\0\0\0"), OM_SYNTAX },
		{ 12, P("\57\0\0\0"), OM_SYNTAX },
		{ 12, P("\x08\x00\x01\x00"), OM_LIMIT },
		{ 12, P("\377\377\377\377"), OM_LIMIT },
	};
	struct builder builder;
	struct test_sink sink;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start(&builder);
		add_rest(&builder);
		seal(builder.bytes, builder.len);
		memcpy(builder.bytes + cases[i].at, cases[i].bytes, cases[i].len);
		assert_int_equal(decode(builder.bytes, builder.len, &sink), cases[i].status);
	}
	start(&builder);
	builder.bytes[10] = 9;		/* a newer minor version */
	add_rest(&builder);
	seal(builder.bytes, builder.len);
	assert_int_equal(decode(builder.bytes, builder.len, &sink), OM_OK);
}

/* One more than allowed of everything that may be repeated. */
static void test_limits(void **state)
{
	static const struct { uint16_t type; size_t len; uint32_t max; bool late; } lists[] = {
		{ 3, 32, OM_CANDIDATES_MAX, false },
		{ 5, 0, OM_ARGS_MAX, false },
		{ 9, 16, OM_IMAGES_MAX, true },
		{ 10, 0, OM_MODULES_MAX, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (uint32_t extra = 0; extra < 2; extra++) {
			struct builder builder;
			struct test_sink sink;
			uint8_t payload[32] = { 0 };

			start(&builder);
			if (lists[i].late)
				add_rest(&builder);
			else if (lists[i].type == 5)
				add(&builder, 4, 1, zeros, 8);
			for (uint32_t n = 0; n < lists[i].max + extra; n++) {
				payload[0] = lists[i].type == 3 ? 1 : (uint8_t)n;
				add(&builder, lists[i].type, 1, payload, lists[i].len);
			}
			if (lists[i].type == 3)
				add(&builder, 4, 1, zeros, 8);
			if (!lists[i].late) {
				add(&builder, 7, 1, zeros, 4);
				add(&builder, 8, 1, zeros, 12);
			}
			seal(builder.bytes, builder.len);
			assert_int_equal(decode(builder.bytes, builder.len, &sink),
					 extra ? OM_LIMIT : OM_OK);
		}
	}
}

/* ------------------------------------------------------------------ the encoder */

static void test_encoder_refuses(void **state)
{
	static char longer[OM_CMDLINE_MAX + 2];
	static struct om_root root;
	size_t len = 77;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	root = minimal;
	root.title = (struct om_str)S("a\0b");
	assert_int_equal(om_descriptor_size(&root, &len), OM_SYNTAX);
	root = minimal;
	root.cmdline = (struct om_str){ longer, OM_CMDLINE_MAX + 1 };
	assert_int_equal(om_descriptor_size(&root, &len), OM_LIMIT);
	root = minimal;
	root.init[0] = (struct om_str)S("a\"b");
	root.init_count = 1;
	assert_int_equal(om_descriptor_size(&root, &len), OM_SYNTAX);
	root = minimal;
	root.candidate_count = OM_CANDIDATES_MAX + 1;
	assert_int_equal(om_descriptor_size(&root, &len), OM_MISUSE);
	root = full;
	root.ramdisks[1].index = 3;
	assert_int_equal(om_descriptor_size(&root, &len), OM_CONFLICT);
	root = minimal;
	root.delay_ms = OM_WAIT_FOREVER;
	assert_int_equal(om_descriptor_size(&root, &len), OM_MISUSE);
	assert_int_equal(len, 77);
}

static void test_too_small(void **state)
{
	uint8_t *exact;
	size_t len = encode(&full), needed;

	(void)state;
	for (size_t size = 0; size < len; size++) {
		needed = 0;
		exact = malloc(size ? size : 1);
		assert_int_equal(om_descriptor_encode(&full, exact, size, &needed), OM_TOO_SMALL);
		assert_int_equal(needed, len);
		free(exact);
	}
	exact = malloc(len);
	assert_int_equal(om_descriptor_encode(&full, exact, len, &needed), OM_OK);
	test_assert_bytes(exact, len, buffer, len);
	free(exact);
}

/* The longest line that the rules allow comes out whole. */
static void test_longest(void **state)
{
	static char text[OM_CMDLINE_MAX];
	static struct om_root root;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '"';
	root = minimal;
	root.cmdline = (struct om_str){ text, sizeof(text) };
	root.title = root.cmdline;
	check_survives(&root);

	memset(text, ' ', sizeof(text));
	text[0] = '/';
	root = minimal;
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
	check_survives(&root);
}

/* ------------------------------------------------------------------ text */

static enum om_status from_text(const char *text, struct test_sink *sink)
{
	struct test_mem mem;
	struct om_arena arena;
	enum om_status status;

	test_mem_init(&mem, 0);
	test_sink_init(sink);
	om_arena_init(&arena, &mem.mem);
	status = om_descriptor_from_text(om_str_from(text), &arena, &sink->sink, &found);
	om_arena_release(&arena);
	test_mem_check(&mem);
	return status;
}

static void test_text_refusals(void **state)
{
	static const struct {
		const char *text;
		enum om_status status;
		uint32_t line, column;
		const char *words;
	} cases[] = {
		{ "titel x\n", OM_SYNTAX, 1, 1, "did you mean 'title'?" },
		{ "\n# c\nroot\n", OM_SYNTAX, 3, 1, "no value" },
		{ "root  /dev/vda1 fstyp=ext2\n", OM_SYNTAX, 1, 17, "fstype=" },
		{ "root /dev/vda1 ro fstype=a fstype=b\n", OM_SYNTAX, 1, 28, "once" },
		{ "root blah:x\n", OM_SYNTAX, 1, 6, "root" },
		{ "root-wait 1\nroot-wait 2\n", OM_CONFLICT, 2, 1, "line 1" },
		{ "root-wait x", OM_SYNTAX, 1, 11, "forever" },
		{ "root-delay forever", OM_SYNTAX, 1, 12, "seconds" },
		{ "init \"a", OM_SYNTAX, 1, 6, "not closed" },
		{ "linuxrc sometimes", OM_SYNTAX, 1, 9, "auto" },
		{ "devfs bth", OM_SYNTAX, 1, 7, "did you mean 'both'?" },
		{ "keep-ramfs maybe", OM_SYNTAX, 1, 12, "skeleton" },
		{ "real-root-dev off on", OM_SYNTAX, 1, 19, "one value" },
		{ "x-ramdisk size=1 text=x", OM_MISSING, 1, 1, "index=" },
		{ "x-ramdisk index=0 size=y text=x", OM_SYNTAX, 1, 24, "number" },
		{ "x-ramdisk index=0 size=1 text=x sha256=00", OM_SYNTAX, 1, 40, "64" },
		{ "x-ramdisk index=0 size=1 text=x classic=2", OM_SYNTAX, 1, 41, "yes" },
		{ "x-ramdisk index=1 size=1 text=x\nx-ramdisk index=1 size=1 text=x\n",
		  OM_CONFLICT, 2, 11, "/dev/ram1" },
		{ "title a\x01\n", OM_SYNTAX, 1, 7, "control" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct test_sink sink;
		enum om_status status = from_text(cases[i].text, &sink);

		if (status != cases[i].status || sink.errors == 0 ||
		    sink.diags[0].line != cases[i].line || sink.diags[0].column != cases[i].column) {
			test_sink_print(&sink);
			fail_msg("'%s': %s", cases[i].text, om_status_text(status));
		}
		test_sink_assert_has(&sink, cases[i].words);
	}
}

static enum om_status body_from_text(const struct om_mem *mem, void *ctx)
{
	struct om_arena arena;
	enum om_status status;

	om_arena_init(&arena, mem);
	status = om_descriptor_from_text(*(struct om_str *)ctx, &arena, NULL, &found);
	om_arena_release(&arena);
	return status;
}

static void test_no_memory(void **state)
{
	static char words[8192];
	struct om_str text;

	(void)state;
	/* Quotes inside a word: it has to be put together in the arena. */
	strcpy(words, "title x\nmodule y\"");
	memset(words + strlen(words), 'y', 1000);
	strcat(words, "\"\nmodule z\"");
	memset(words + strlen(words), 'z', 1000);
	strcat(words, "\"\n");
	text = om_str_from(words);
	assert_true(test_each_allocation_fails(body_from_text, &text) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survives),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_every_byte_sealed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_late_refusals),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_encoder_refuses),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_text_refusals),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
