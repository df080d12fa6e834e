/* SPDX-License-Identifier: MIT */
/* Eight digits at a time against one at a time: every character in every place. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../rootfs/newc.h"
#include "support.h"

static void test_every_character(void **state)
{
	char text[9], before;
	unsigned int place, value;
	uint32_t got;

	(void)state;
	memcpy(text, "1a9F07eC", sizeof(text));
	for (place = 0; place < 8; place++) {
		before = text[place];
		for (value = 0; value < 256; value++) {
			text[place] = (char)value;
			assert_int_equal(om_newc_get((const uint8_t *)text, &got),
					 isxdigit((int)value) != 0);
			if (isxdigit((int)value))
				assert_int_equal(got, strtoul(text, NULL, 16));
		}
		text[place] = before;
	}
}

static void test_every_digit(void **state)
{
	char want[9], got[9] = "";
	unsigned int place, digit;
	uint32_t value, back;

	(void)state;
	for (place = 0; place < 8; place++) {
		for (digit = 0; digit < 16; digit++) {
			value = (0x13579bdfu & ~(0xfu << 4 * place)) | digit << 4 * place;
			snprintf(want, sizeof(want), "%08X", value);
			om_newc_put((uint8_t *)got, value);
			assert_string_equal(got, want);
			assert_true(om_newc_get((const uint8_t *)got, &back));
			assert_int_equal(back, value);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_every_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
