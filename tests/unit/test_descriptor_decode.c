/* SPDX-License-Identifier: MIT */
/* Root descriptor: what the decoder refuses although the checksum fits. */
#include "descriptor_support.h"

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
	{ "candidate: newline in the flags", OM_SYNTAX, "control", 3, 1,
	  CANDIDATE("\1", "\0", "\0", "\0", "\0", "\0", "\0", "\1", "\n") },
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
		test_seal(builder.bytes, builder.len);
		status = test_decode(builder.bytes, builder.len, &sink);
		if (status != refusal->status)
			fail_msg("%s: %s", refusal->name, om_status_text(status));
		test_sink_assert_has(&sink, refusal->words);
		assert_int_equal(sink.diags[0].offset, OM_DESCRIPTOR_HEADER_SIZE);
	}
}

#define HASH19 "0123456789012345678"
/* offset (16 of its bits), length of the hash, kind, major, minor, length of the text */
#define VERITY(offset, hash, kind, major, minor, text, rest) \
	VERITY_AT(offset "\0\0\0\0\0\0", hash, kind, major, minor, text, rest)
#define VERITY_AT(offset, hash, kind, major, minor, text, rest) \
	P(offset hash "\0\0\0" kind "\0\0\0" major "\0\0\0" minor "\0\0\0\0\0\0\0" \
	  text "\0\0\0" rest)

static const struct refusal late_refusals[] = {
	{ "a second policy", OM_CONFLICT, "second", 8, 1, P("\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "out of order", OM_SYNTAX, "stands behind", 5, 1, P("/init") },
	{ "ram disk too short", OM_SYNTAX, "expected 16", 9, 1, P("\0\0\0\0\0\0\0\0") },
	{ "ram disk: unknown flag", OM_SYNTAX, "flags are 0x8", 9, 1,
	  P("\0\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0") },
	{ "ram disk: no room for the digest", OM_SYNTAX, "expected 48", 9, 1,
	  P("\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0short") },
	{ "module with an escape", OM_SYNTAX, "control", 10, 1, P("a\33b") },
	{ "empty command line", OM_SYNTAX, "empty", 11, 0, P("") },
	{ "attach 3", OM_SYNTAX, "choice 3", 12, 1, P("\3\0\0\0") },
	{ "attach, default", OM_SYNTAX, "left out", 12, 1, P("\0\0\0\0") },
	{ "attach, too long", OM_SYNTAX, "expected 4", 12, 1, P("\1\0\0\0\0") },
	{ "attach, optional", OM_SYNTAX, "not marked", 12, 0, P("\1\0\0\0") },
	{ "overlay 2", OM_SYNTAX, "choice 2", 13, 1, P("\2\0\0\0") },
	{ "overlay in version 1.0", OM_VERSION, "those of 1.1", 13, 1, P("\1\0\0\0") },
	{ "verity: hash of 19 bytes", OM_SYNTAX, "19 bytes", 14, 1,
	  VERITY("\0\2", "\23", "\0", "\0", "\0", "\0", HASH19) },
	{ "verity: on its own device, in front", OM_SYNTAX, "at 0", 14, 1,
	  VERITY("\0\0", "\24", "\0", "\0", "\0", "\0", HASH19 "x") },
	{ "verity: no sector", OM_SYNTAX, "at 1", 14, 1,
	  VERITY("\1\0", "\24", "\3", "\10", "\1", "\0", HASH19 "x") },
	{ "verity: further than a file can reach", OM_SYNTAX, "at 9223372036854775808", 14, 1,
	  VERITY_AT("\0\0\0\0\0\0\0\200", "\24", "\0", "\0", "\0", "\0", HASH19 "x") },
	{ "verity: hash tree in a tar archive", OM_SYNTAX, "kind 10", 14, 1,
	  VERITY("\0\0", "\24", "\12", "\0", "\0", "\2", HASH19 "x/a") },
	{ "verity: number of a device by name", OM_SYNTAX, "does not use", 14, 1,
	  VERITY("\0\0", "\24", "\2", "\10", "\0", "\3", HASH19 "xsda") },
	{ "verity: text of no device", OM_SYNTAX, "expected 52", 14, 1,
	  VERITY("\0\2", "\24", "\0", "\0", "\0", "\1", HASH19 "xs") },
	{ "verity: lengths", OM_SYNTAX, "expected 56", 14, 1,
	  VERITY("\0\2", "\24", "\2", "\0", "\0", "\4", HASH19 "xsd") },
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
		test_seal(builder.bytes, builder.len);
		status = test_decode(builder.bytes, builder.len, &sink);
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
		test_seal(builder.bytes, builder.len);
		status = test_decode(builder.bytes, builder.len, &sink);
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
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_TRUNCATED);
	om_put_le32(builder.bytes + builder.len - 24 + 4, UINT32_MAX);
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_TRUNCATED);

	/* padding */
	start(&builder);
	add_rest(&builder);
	builder.bytes[builder.len - 1] = 1;
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_SYNTAX);
	assert_int_equal(sink.diags[0].offset, builder.len - 1);

	/* unknown optional records are skipped anywhere */
	start(&builder);
	add(&builder, 0x400, 0, "abc", 3);
	add_rest(&builder);
	add(&builder, 0xffff, 0, "", 0);
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_OK);

	/* two ram disks of one number */
	start(&builder);
	add_rest(&builder);
	add(&builder, 9, 1, zeros, 16);
	add(&builder, 9, 1, zeros, 16);
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_CONFLICT);
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
		test_seal(builder.bytes, builder.len);
		memcpy(builder.bytes + cases[i].at, cases[i].bytes, cases[i].len);
		assert_int_equal(test_decode(builder.bytes, builder.len, &sink), cases[i].status);
	}
	start(&builder);
	builder.bytes[10] = 9;		/* a newer minor version */
	add_rest(&builder);
	test_seal(builder.bytes, builder.len);
	assert_int_equal(test_decode(builder.bytes, builder.len, &sink), OM_OK);
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
			test_seal(builder.bytes, builder.len);
			assert_int_equal(test_decode(builder.bytes, builder.len, &sink),
					 extra ? OM_LIMIT : OM_OK);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_late_refusals),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("descriptor_decode", tests, NULL, NULL);
}
