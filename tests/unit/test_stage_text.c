/* SPDX-License-Identifier: MIT */
/* The stage's conversions: paths, UTF-8 and UCS-2, load options, dates, CRC-32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <overmount/fmt.h>
#include <overmount/root.h>

#include "../../efi/device_path.h"
#include "../../efi/esrt.h"
#include "../../efi/text_forms.h"

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		enum om_status status;
		const char *want;	/* as UTF-8 again */
	} cases[] = {
		{ "/a/b.cpio", OM_OK, "\\a\\b.cpio" },
		{ "a/b", OM_OK, "\\a\\b" },
		{ "\\EFI\\x", OM_OK, "\\EFI\\x" },
		{ "//a///b//", OM_OK, "\\a\\b" },
		{ "/./a/.", OM_OK, "\\a" },
		{ "/", OM_OK, "\\" },
		{ "", OM_OK, "\\" },
		{ "/a b", OM_OK, "\\a b" },
		{ "/\xc3\xa9\xe2\x82\xac", OM_OK, "\\\xc3\xa9\xe2\x82\xac" },
		{ "/a/../b", OM_ESCAPES, NULL },
		{ "..", OM_ESCAPES, NULL },
		{ "/...", OM_OK, "\\..." },
		{ "/a:b", OM_SYNTAX, NULL },
		{ "/a*", OM_SYNTAX, NULL },
		{ "/a\x01", OM_SYNTAX, NULL },
		{ "/\xff", OM_SYNTAX, NULL },
		{ "/\xc3", OM_SYNTAX, NULL },
		{ "/\xc0\xaf", OM_SYNTAX, NULL },	/* an overlong '/' */
		{ "/\xed\xa0\x80", OM_SYNTAX, NULL },	/* a surrogate */
		{ "/\xf0\x9f\x98\x80", OM_SYNTAX, NULL },	/* beyond UCS-2 */
		{ "/12345678901234567890", OM_LIMIT, NULL },
	};
	uint16_t wide[20];
	char back[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum om_status status = path_to_efi(om_str_from(cases[i].path), wide, 20);

		if (status != cases[i].status)
			fail_msg("%s: status %d", cases[i].path, status);
		if (status != OM_OK)
			continue;
		utf8_from_ucs2(wide, 20, back, sizeof(back));
		assert_string_equal(back, cases[i].want);
	}
	/* The longest that fits, and one more. */
	assert_int_equal(path_to_efi(OM_STR("/123"), wide, 5), OM_OK);
	assert_int_equal(path_to_efi(OM_STR("/123"), wide, 4), OM_LIMIT);
	assert_int_equal(path_to_efi(OM_STR("/"), wide, 1), OM_LIMIT);
}

static void test_console_text(void **state)
{
	static const uint16_t lone[] = { 'a', 0xd800, 'b', 0 };
	uint16_t wide[8];
	char narrow[4];

	(void)state;
	assert_int_equal(ucs2_from_utf8("a\nb", wide, 8), 4);
	assert_int_equal(wide[1], '\r');
	assert_int_equal(wide[2], '\n');
	assert_int_equal(wide[4], 0);
	/* Cut, but always terminated and never in the middle of CR LF. */
	assert_true(ucs2_from_utf8("abcdefghijkl", wide, 8) < 8);
	assert_int_equal(ucs2_from_utf8("", wide, 1), 0);
	assert_int_equal(wide[0], 0);
	assert_int_equal(utf8_from_ucs2(lone, 4, narrow, sizeof(narrow)), 3);
	assert_string_equal(narrow, "a?b");
	assert_int_equal(utf8_from_ucs2(u"\u20ac\u20ac", 2, narrow, sizeof(narrow)), 3);
}

static void test_load_options(void **state)
{
	static const uint16_t plain[] = u"demo.conf";
	static const uint16_t shell[] = u"FS0:\\overmount.efi  demo ";
	static const uint16_t binary[] = { 0x9af, 0xe8e2, 0 };
	char word[16];

	(void)state;
	assert_int_equal(load_option_word(plain, sizeof(plain), word, sizeof(word)), 9);
	assert_string_equal(word, "demo.conf");
	assert_int_equal(load_option_word(shell, sizeof(shell), word, sizeof(word)), 4);
	assert_string_equal(word, "demo");
	assert_int_equal(load_option_word(binary, sizeof(binary), word, sizeof(word)), 0);
	assert_string_equal(word, "");
	assert_int_equal(load_option_word(NULL, 0, word, sizeof(word)), 0);
	/* No terminator and an odd byte behind it. */
	assert_int_equal(load_option_word(plain, 5, word, sizeof(word)), 2);
	assert_string_equal(word, "de");
	assert_int_equal(load_option_word(plain, sizeof(plain), word, 5), 0);
	assert_string_equal(word, "");
}

static void test_blanked_words(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "noinitrd", "        " },
		{ "a noinitrd b\tnoinitrd", "a          b\t        " },
		{ "noinitrd=1 noinitrdx xnoinitrd", "noinitrd=1 noinitrdx xnoinitrd" },
		{ "a=\"b noinitrd c\" noinitrd", "a=\"b noinitrd c\"         " },
		{ "noinitrd -- noinitrd", "         -- noinitrd" },
		{ "  --x noinitrd", "  --x         " },
		{ "\"noinitrd", "\"noinitrd" },
	};
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		om_format(text, sizeof(text), "%s", cases[i][0]);
		word_blank(text, "noinitrd");
		assert_string_equal(text, cases[i][1]);
	}
}

static void test_dates(void **state)
{
	/* Seconds from date(1): date -u -d '...' +%s */
	static const struct {
		unsigned y, mo, d, h, mi, s;
		uint64_t want;
	} cases[] = {
		{ 1970, 1, 1, 0, 0, 0, 0 },
		{ 1970, 3, 1, 0, 0, 0, 5097600 },
		{ 1972, 2, 29, 12, 0, 0, 68212800 },
		{ 2000, 2, 29, 0, 0, 0, 951782400 },
		{ 2000, 3, 1, 0, 0, 0, 951868800 },
		{ 2023, 11, 14, 22, 13, 20, 1700000000 },
		{ 2038, 1, 19, 3, 14, 8, 2147483648 },
		{ 2100, 3, 1, 0, 0, 0, 4107542400 },
		{ 1969, 12, 31, 0, 0, 0, 0 }, { 2024, 13, 1, 0, 0, 0, 0 },
		{ 2024, 0, 1, 0, 0, 0, 0 }, { 2024, 1, 32, 0, 0, 0, 0 }, { 2024, 1, 1, 24, 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(unix_time(cases[i].y, cases[i].mo, cases[i].d, cases[i].h,
					   cases[i].mi, cases[i].s), cases[i].want);
}

static void test_crc(void **state)
{
	(void)state;
	/* The check value of CRC-32/ISO-HDLC. */
	assert_int_equal(crc32_ieee("123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_ieee("", 0), 0);
}

static void test_device_paths(void **state)
{
	/* What OVMF has in ConOut: a serial port, then the end of one path, then a screen. */
	static const uint8_t both[] = {
		2, 1, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0,
		1, 1, 6, 0, 0, 31,
		3, 14, 8, 0, 1, 2, 3, 4,
		0x7f, 1, 4, 0,
		2, 3, 8, 0, 0, 1, 1, 0x80,
		0x7f, 0xff, 4, 0,
	};
	static const uint8_t screen[] = { 2, 3, 8, 0, 0, 1, 1, 0x80, 0x7f, 0xff, 4, 0,
					  3, 14, 4, 0 };
	static const uint8_t no_length[] = { 2, 1, 0, 0, 0x7f, 0xff, 4, 0 };
	static const uint8_t too_long[] = { 3, 14, 9, 0, 0x7f, 0xff, 4, 0 };
	size_t max;

	(void)state;
	assert_int_equal(device_path_len(both, sizeof(both)), sizeof(both) - 4);
	assert_int_equal(device_path_len(screen, sizeof(screen)), 8);
	assert_int_equal(device_path_len(no_length, sizeof(no_length)), 0);
	assert_int_equal(device_path_len(too_long, sizeof(too_long)), 0);
	assert_true(device_path_has_uart(both, sizeof(both)));
	assert_false(device_path_has_uart(screen, sizeof(screen)));
	assert_false(device_path_has_uart(no_length, sizeof(no_length)));
	assert_false(device_path_has_uart(too_long, sizeof(too_long)));
	for (max = 0; max < sizeof(both); max++) {
		uint8_t *cut = max ? memcpy(test_malloc(max), both, max) : NULL;

		assert_int_equal(device_path_len(cut, max), 0);
		assert_int_equal(device_path_has_uart(cut, max), max >= 26);
		if (cut)
			test_free(cut);
	}
}

/* A partition as the UEFI specification's table 10-49 has it, and a file of two nodes on it. */
static void test_place_of_a_program(void **state)
{
	static const uint8_t place[] = {
		2, 1, 12, 0, 0xd0, 0x41, 3, 10, 0, 0, 0, 0,
		4, 1, 42, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
		0x77, 0x1e, 0x5b, 0x0e, 0x02, 0x01, 0x04, 0x43, 5, 6, 7, 8, 9, 10, 11, 12, 2, 2,
		4, 4, 10, 0, '\\', 0, 'a', 0, 0, 0,
		0x7f, 0xff, 4, 0,
	};
	uint8_t other[sizeof(place)];
	char text[64];
	size_t max;

	(void)state;
	assert_true(device_path_partition(place, sizeof(place), text));
	assert_string_equal(text, "0e5b1e77-0102-4304-0506-0708090a0b0c");
	assert_true(device_path_file(place, sizeof(place), text, sizeof(text)));
	assert_string_equal(text, "\\a");
	memcpy(other, place, sizeof(place));
	other[12 + 41] = 1;			/* an MBR's signature */
	assert_false(device_path_partition(other, sizeof(other), text));
	other[12 + 2] = 41;			/* a node that is too short for one */
	assert_false(device_path_partition(other, sizeof(other), text));
	assert_false(device_path_file(place + 54 + 10, 4, text, sizeof(text)));
	for (max = 0; max < sizeof(place); max++) {
		uint8_t *cut = max ? memcpy(test_malloc(max), place, max) : NULL;

		assert_int_equal(device_path_partition(cut, max, text), max >= 54);
		assert_int_equal(device_path_file(cut, max, text, sizeof(text)), max >= 64);
		if (cut)
			test_free(cut);
	}
}

/* Values as bootctl(1) and systemctl(1) write them. */
static void test_loader_timeouts(void **state)
{
	static const struct {
		const char *text;
		bool once, good;
		uint32_t ms;
	} cases[] = {
		{ "5", false, true, 5000 }, { "5", true, true, 5000 },
		{ "0", false, true, 0 }, { "0", true, true, OM_WAIT_FOREVER },
		{ "menu-force", false, true, OM_WAIT_FOREVER }, { "menu-hidden", false, true, 0 },
		{ "menu-disabled", false, true, 0 }, { "menu-hidden", true, true, 0 },
		{ "4294967", false, true, 4294967000u }, { "4294968", false, false, 0 },
		{ "1234567890123", false, false, 0 }, { "", false, false, 0 },
		{ "menu-disabled", true, true, 0 }, { "-1", false, false, 0 }, { "5s", false, false, 0 }, { "menu", false, false, 0 },
	};
	uint32_t ms;
	bool disabled;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(loader_timeout(cases[i].text, cases[i].once, &ms, &disabled), cases[i].good);
		assert_int_equal(disabled, strcmp(cases[i].text, "menu-disabled") == 0);
		if (cases[i].good)
			assert_int_equal(ms, cases[i].ms);
	}
}

/* Head and entries of UEFI 2.10, 23.4. */
static void test_firmware_updates(void **state)
{
	static const struct {
		uint32_t count;
		uint64_t version;
		struct { uint32_t type, status; } entries[3];
		bool failed;
	} cases[] = {
		{ 0, 1, { { 1, 1 } }, false }, { 1, 1, { { 1, 0 } }, false }, { 1, 1, { { 1, 6 } }, true },
		/* A device's firmware is none of the system's; the first of the system counts. */
		{ 2, 1, { { 2, 1 }, { 1, 0 } }, false }, { 2, 1, { { 2, 0 }, { 1, 7 } }, true },
		{ 3, 1, { { 0, 1 }, { 1, 0 }, { 1, 1 } }, false },
		{ 2, 1, { { 0, 1 }, { 3, 1 }, { 1, 1 } }, false },
		{ 1, 2, { { 1, 1 } }, false }, { 0xffffffff, 1, { { 1, 1 } }, false },
	};
	size_t i, at;

	(void)state;
	assert_false(esrt_update_failed(NULL));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t table[16 + 3 * 40] = { 0 };

		om_put_le32(table, cases[i].count);
		om_put_le32(table + 4, 3);
		om_put_le64(table + 8, cases[i].version);
		for (at = 0; at < 3; at++) {
			om_put_le32(table + 16 + at * 40 + 16, cases[i].entries[at].type);
			om_put_le32(table + 16 + at * 40 + 36, cases[i].entries[at].status);
		}
		if (esrt_update_failed(table) != cases[i].failed)
			fail_msg("case %zu", i);
	}
}

static void test_volume_labels(void **state)
{
	static const char one[] = "'ESP'", two[] = "'ESP', one without";
	char list[64] = "", small[16] = "";
	unsigned i;

	(void)state;
	assert_true(volume_label_is("DISK2", OM_STR("DISK2")));
	assert_true(volume_label_is("DISK2      ", OM_STR("disk2")));
	assert_true(volume_label_is("a b", OM_STR("A B ")));
	assert_false(volume_label_is("DISK2", OM_STR("DISK")));
	assert_false(volume_label_is("DISK2", OM_STR("DISK3")));
	assert_false(volume_label_is("", OM_STR("")));
	assert_false(volume_label_is("  ", OM_STR(" ")));
	volume_label_list(list, sizeof(list), "ESP        ");
	assert_string_equal(list, one);
	volume_label_list(list, sizeof(list), " ");
	assert_string_equal(list, two);
	/* A list without room says so, once. */
	for (i = 0; i < 9; i++)
		volume_label_list(list, sizeof(list), "DISK-NUMBER");
	assert_string_equal(list, "'ESP', one without, 'DISK-NUMBER', 'DISK-NUMBER', ...");
	for (i = 0; i < 9; i++)
		volume_label_list(small, sizeof(small), "A");
	assert_string_equal(small, "'A', 'A', ...");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_console_text),
		cmocka_unit_test(test_load_options),
		cmocka_unit_test(test_blanked_words),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_device_paths),
		cmocka_unit_test(test_place_of_a_program),
		cmocka_unit_test(test_loader_timeouts),
		cmocka_unit_test(test_firmware_updates),
		cmocka_unit_test(test_volume_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
