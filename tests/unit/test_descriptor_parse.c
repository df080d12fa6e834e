/* SPDX-License-Identifier: MIT */
/* Root descriptor: its text form, what is refused and where. */
#include "descriptor_support.h"

static enum om_status from_text(const char *text, struct test_sink *sink)
{
	struct test_mem mem;
	struct om_arena arena;
	enum om_status status;

	test_mem_init(&mem, 0);
	test_sink_init(sink);
	om_arena_init(&arena, &mem.mem);
	status = om_descriptor_from_text(om_str_from(text), &arena, &sink->sink, &test_found);
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
		{ "initrd-attach lop", OM_SYNTAX, 1, 15, "did you mean 'loop'?" },
		{ "root-overlay yes", OM_SYNTAX, 1, 14, "no|tmpfs" },
		{ "root-verity 0g", OM_SYNTAX, 1, 13, "hexadecimal" },
		{ "root-verity 00 offset=512", OM_SYNTAX, 1, 13, "1 bytes" },
		{ "root-verity 0011223344556677889900112233445566778899", OM_SYNTAX, 1, 13, "at 0" },
		{ "root-verity 0011223344556677889900112233445566778899 hash=tar:/x", OM_SYNTAX, 1, 13,
		  "kind 10" },
		{ "root-verity 00 size=1", OM_SYNTAX, 1, 16, "hash= or offset=" },
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
	status = om_descriptor_from_text(*(struct om_str *)ctx, &arena, NULL, &test_found);
	om_arena_release(&arena);
	return status;
}

static void test_no_memory(void **state)
{
	static char words[4096];
	struct om_str text;

	(void)state;
	/* Quotes inside a word: it has to be put together in the arena. */
	snprintf(words, sizeof(words), "title x\nmodule y\"%01000d\"\nmodule z\"%01000d\"\n", 0, 0);
	text = om_str_from(words);
	assert_true(test_each_allocation_fails(body_from_text, &text) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_refusals),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("descriptor_parse", tests, NULL, NULL);
}
