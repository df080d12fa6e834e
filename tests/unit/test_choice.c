/* SPDX-License-Identifier: MIT */
/* What /linuxrc writes: the number as sysctl reads it (strtoul with base 0), and lines. */
#include <overmount/choice.h>

#include "support.h"

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint32_t number;
	} cases[] = {
		{ "0", true, 0 }, { "256", true, 256 }, { "0x100", true, 256 }, { "0400", true, 256 },
		{ "0X1f\n", true, 31 }, { "  769 \n", true, 769 }, { "4294967295", true, 4294967295u },
		{ "4294967296", false, 0 }, { "99999999999999999999", false, 0 }, { "", false, 0 },
		{ "\n", false, 0 }, { "0x", false, 0 }, { "08", false, 0 }, { "0xfg", false, 0 },
		{ "-1", false, 0 }, { "3 4", false, 0 }, { "/dev/vda", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t number = 0;

		if (om_device_number_parse(om_str_from(cases[i].text), &number) != cases[i].good ||
		    number != cases[i].number)
			fail_msg("'%s': got %u", cases[i].text, number);
	}
}

/* kdev_t.h: new_encode_dev() and new_decode_dev(). */
static void encoding(void **state)
{
	static const struct om_root root;
	static const struct {
		uint32_t major, minor, number;
	} cases[] = {
		{ 1, 0, 0x100 }, { 3, 1, 0x301 }, { 254, 0, 65024 }, { 254, 2, 65026 },
		{ 8, 255, 0x8ff }, { 8, 256, 0x100800 }, { 259, 0xfffff, 0xfff103ff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct om_candidate candidate = om_choice_number(&root, cases[i].number);

		assert_int_equal(om_device_number(cases[i].major, cases[i].minor), cases[i].number);
		assert_int_equal(candidate.spec.kind, OM_ROOT_NUMBER);
		assert_int_equal(candidate.spec.major, cases[i].major);
		assert_int_equal(candidate.spec.minor, cases[i].minor);
	}
}

/* The four keys of boot-entry.md that say what the root is; whatever else stands there is told. */
static void lines(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;		/* of the finding; 0 = none */
		uint32_t count;
		const char *fstypes;		/* of the first candidate */
		enum om_root_mode mode;
	} cases[] = {
		{ "", 0, 0, 0, "", OM_MODE_DEFAULT },
		{ "# only a word\n\n", 0, 0, 0, "", OM_MODE_DEFAULT },
		{ "root /dev/vda2", 0, 0, 1, "", OM_MODE_DEFAULT },
		{ "root /dev/vda2 ro\nroot 254:3\n", 0, 0, 2, "", OM_MODE_RO },
		{ "root-fstype ext2,romfs\nroot-mode rw\nroot /dev/ram0", 0, 0, 1, "ext2,romfs",
		  OM_MODE_RW },
		{ "root /dev/vda2\n  root-mode ro", 0, 0, 1, "", OM_MODE_RO },
		{ "root /dev/vda2\n  init /sbin/init", 2, 3, 0, "", OM_MODE_DEFAULT },
		{ "roots /dev/vda2", 1, 1, 0, "", OM_MODE_DEFAULT },
		{ "root", 1, 1, 0, "", OM_MODE_DEFAULT },
		{ "root-mode rx", 1, 11, 0, "", OM_MODE_DEFAULT },
		{ "root-mode ro\nroot-mode rw", 2, 1, 0, "", OM_MODE_DEFAULT },
		{ "root /dev/vda2 mode=ro", 1, 16, 0, "", OM_MODE_DEFAULT },
		{ "root-flags a\x01", 1, 13, 0, "", OM_MODE_DEFAULT },
		{ "options root=/dev/vda2", 1, 1, 0, "", OM_MODE_DEFAULT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct om_candidate candidates[OM_CANDIDATES_MAX];
		static struct om_entry scratch;
		struct om_arena arena;
		struct test_mem mem;
		struct test_sink sink;
		enum om_status status;
		uint32_t count = 0;

		test_sink_init(&sink);
		test_mem_init(&mem, 0);
		om_arena_init(&arena, &mem.mem);
		status = om_choice_lines(om_str_from(cases[i].text), &arena, &scratch, &sink.sink,
					 candidates, &count);
		if ((status == OM_OK) != !cases[i].line || count != cases[i].count)
			fail_msg("'%s': %s, %u candidates", cases[i].text, om_status_text(status),
				 count);
		if (count && (!om_str_is(candidates[0].fstypes, cases[i].fstypes) ||
			      candidates[0].mode != cases[i].mode))
			fail_msg("'%s': another candidate", cases[i].text);
		if (cases[i].line && (sink.diags[0].line != cases[i].line ||
				      sink.diags[0].column != cases[i].column))
			fail_msg("'%s': told at %u:%u", cases[i].text, sink.diags[0].line,
				 sink.diags[0].column);
		om_arena_release(&arena);
		test_mem_check(&mem);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(numbers),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
