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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
