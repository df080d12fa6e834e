/* SPDX-License-Identifier: MIT */
/* The stage's menu without a screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../efi/menu_model.h"

static void test_keys(void **state)
{
	/* Scan codes: UEFI 2.10, table 12.1. */
	static const struct {
		const char *name;
		uint16_t scan, character;
		enum menu_key key;
	} cases[] = {
		{ "up", 1, 0, MENU_KEY_UP }, { "down", 2, 0, MENU_KEY_DOWN },
		{ "home", 5, 0, MENU_KEY_HOME }, { "end", 6, 0, MENU_KEY_END },
		{ "page up", 9, 0, MENU_KEY_PAGE_UP }, { "page down", 10, 0, MENU_KEY_PAGE_DOWN },
		{ "escape", 0x17, 0, MENU_KEY_ESCAPE }, { "escape char", 0, 27, MENU_KEY_ESCAPE },
		{ "enter", 0, '\r', MENU_KEY_ENTER }, { "newline", 0, '\n', MENU_KEY_ENTER },
		{ "d", 0, 'd', MENU_KEY_DESCRIPTOR }, { "D", 0, 'D', MENU_KEY_DESCRIPTOR },
		{ "p", 0, 'p', MENU_KEY_PLAN }, { "x", 0, 'x', MENU_KEY_DISMISS }, { "y", 0, 'y', MENU_KEY_OTHER },
		{ "right", 3, 0, MENU_KEY_OTHER }, { "f1", 11, 0, MENU_KEY_OTHER },
		{ "nothing", 0, 0, MENU_KEY_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (menu_key_from_efi(cases[i].scan, cases[i].character) != cases[i].key)
			fail_msg("%s", cases[i].name);
}

static void test_sequences(void **state)
{
	/* As `infocmp xterm linux vt220` has them, without ESC. */
	static const struct {
		const char *text;
		bool ends;
		enum menu_key key;
	} cases[] = {
		{ "", false, MENU_KEY_ESCAPE }, { "[", false, MENU_KEY_OTHER },
		{ "[6", false, MENU_KEY_OTHER }, { "[6~", true, MENU_KEY_PAGE_DOWN },
		{ "[5~", true, MENU_KEY_PAGE_UP }, { "[H", true, MENU_KEY_HOME },
		{ "[F", true, MENU_KEY_END }, { "[1~", true, MENU_KEY_HOME },
		{ "[4~", true, MENU_KEY_END }, { "OA", true, MENU_KEY_UP },
		{ "OB", true, MENU_KEY_DOWN }, { "[11~", true, MENU_KEY_OTHER },
		{ "[1;5", false, MENU_KEY_OTHER }, { "[1;5A", true, MENU_KEY_OTHER },
		{ "[[A", true, MENU_KEY_OTHER }, { "x", true, MENU_KEY_OTHER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (menu_sequence_ends(cases[i].text) != cases[i].ends ||
		    menu_key_from_sequence(cases[i].text) != cases[i].key)
			fail_msg("%s", cases[i].text);
		assert_true(strlen(cases[i].text) < MENU_SEQUENCE_MAX);
	}
}

static void test_moves(void **state)
{
	static const struct {
		uint32_t count, selected, rows;
		enum menu_key key;
		uint32_t want, want_top;
	} cases[] = {
		{ 3, 0, 10, MENU_KEY_UP, 0, 0 },	{ 3, 2, 10, MENU_KEY_UP, 1, 0 },
		{ 3, 1, 10, MENU_KEY_DOWN, 2, 0 },	{ 3, 2, 10, MENU_KEY_DOWN, 2, 0 },
		{ 3, 2, 10, MENU_KEY_HOME, 0, 0 },	{ 3, 0, 10, MENU_KEY_END, 2, 0 },
		{ 20, 0, 5, MENU_KEY_END, 19, 15 },	{ 20, 19, 5, MENU_KEY_HOME, 0, 0 },
		{ 20, 4, 5, MENU_KEY_DOWN, 5, 1 },	{ 20, 10, 5, MENU_KEY_PAGE_UP, 5, 5 },
		{ 20, 3, 5, MENU_KEY_PAGE_UP, 0, 0 },	{ 20, 3, 5, MENU_KEY_PAGE_DOWN, 8, 4 },
		{ 20, 17, 5, MENU_KEY_PAGE_DOWN, 19, 15 }, { 1, 0, 0, MENU_KEY_DOWN, 0, 0 },
		{ 0, 0, 5, MENU_KEY_DOWN, 0, 0 },	{ 0, 0, 5, MENU_KEY_PAGE_DOWN, 0, 0 },
	};
	struct menu_model menu;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		menu_model_init(&menu, cases[i].count, cases[i].selected, cases[i].rows,
				OM_WAIT_FOREVER);
		assert_int_equal(menu_model_step(&menu, cases[i].key, 0), MENU_REDRAW);
		if (menu.selected != cases[i].want || menu.top != cases[i].want_top)
			fail_msg("case %zu: at %u top %u", i, menu.selected, menu.top);
	}
}

static void test_actions(void **state)
{
	struct menu_model menu;

	(void)state;
	menu_model_init(&menu, 2, 1, 5, OM_WAIT_FOREVER);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_ENTER, 0), MENU_BOOT);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_DESCRIPTOR, 0), MENU_SHOW_DESCRIPTOR);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_PLAN, 0), MENU_SHOW_PLAN);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_ESCAPE, 0), MENU_LEAVE);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 100000), MENU_WAIT);
	/* Nothing to boot: only leaving works. */
	menu_model_init(&menu, 0, 0, 5, 1000);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 5000), MENU_WAIT);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_ENTER, 0), MENU_WAIT);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_DESCRIPTOR, 0), MENU_WAIT);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_ESCAPE, 0), MENU_LEAVE);
}

static void test_countdown(void **state)
{
	struct menu_model menu;

	(void)state;
	menu_model_init(&menu, 2, 1, 5, 2500);
	assert_int_equal(menu_model_seconds(&menu), 3);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 400), MENU_WAIT);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 200), MENU_COUNTDOWN);
	assert_int_equal(menu_model_seconds(&menu), 2);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 1900), MENU_BOOT);
	assert_int_equal(menu.selected, 1);
	/* Once: it does not boot again by itself. */
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 60000), MENU_WAIT);
	/* Any key stops it. */
	menu_model_init(&menu, 2, 0, 5, 2500);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_OTHER, 0), MENU_REDRAW);
	assert_int_equal(menu_model_step(&menu, MENU_KEY_NONE, 60000), MENU_WAIT);
}

static struct om_entry entry_named(const char *id)
{
	struct om_entry entry = { .id = om_str_from(id) };

	return entry;
}

/* The last start's failure never takes the entries' last row, and of 25 rows at most 12. */
static void test_layout(void **state)
{
	static char long_line[OM_FAILURE_LINE_MAX];
	static const struct {
		uint32_t count, len, columns, rows;
		uint32_t shown, left;
	} cases[] = {
		/* 9 rows are heading, message and help; 4 are around the lines. */
		{ 0, 0, 80, 25, 0, 16 }, { 1, 20, 80, 25, 1, 11 }, { 2, 20, 80, 25, 2, 10 },
		/* An indent of 3: 37 characters fit into one row of 40, 38 do not. */
		{ 2, 37, 40, 25, 2, 10 }, { 2, 38, 40, 25, 2, 8 },
		{ 4, 20, 80, 12, 2, 1 }, { 4, 20, 80, 8, 0, 1 }, { 4, 20, 80, 0, 0, 1 },
		{ 4, 20, 0, 100, 4, 83 },
	};

	(void)state;
	memset(long_line, 'x', sizeof(long_line));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct om_failure failure = { .count = cases[i].count };
		struct menu_layout layout;

		for (uint32_t at = 0; at < failure.count; at++)
			failure.lines[at] = (struct om_str){ long_line, cases[i].len };
		layout = menu_layout(&failure, NULL, 0, cases[i].columns, cases[i].rows);
		if (layout.failure_lines != cases[i].shown || layout.rows != cases[i].left)
			fail_msg("case %zu: %u lines, %u rows", i, layout.failure_lines, layout.rows);
	}
}

/* What is shown never takes more rows than there are, wherever the list is scrolled to. */
static void test_tall_entries(void **state)
{
	static char long_title[OM_CMDLINE_MAX], long_error[OM_DIAG_TEXT_MAX];
	static const struct {
		const char *title;
		uint32_t count, counted, wrong;	/* entries, the first of them with tries, with an error */
		uint32_t columns, rows, want;
	} cases[] = {
		/* 25 rows leave 16, 40 leave 31. */
		{ "a", 20, 0, 0, 80, 25, 16 }, { "a", 3, 3, 0, 80, 25, 16 },
		{ "a", 8, 8, 0, 80, 25, 16 }, { "a", 9, 9, 0, 80, 25, 8 },
		{ "a", 20, 1, 0, 80, 25, 15 }, { "a", 20, 20, 0, 80, 25, 8 },
		/* An error of 255 characters goes over four rows: five with the title. */
		{ "a", 20, 0, 1, 80, 25, 12 }, { "a", 20, 0, 20, 80, 25, 3 },
		/* A title is cut at 100 bytes: two rows of 80, three of 40, and a row at the least. */
		{ long_title, 20, 0, 0, 80, 25, 8 }, { long_title, 20, 0, 0, 40, 25, 5 },
		{ long_title, 20, 20, 0, 80, 3, 1 }, { long_title, 2, 2, 0, 0, 40, 31 },
	};
	struct om_entry entry = entry_named("a.conf");
	struct boot_item items[20], *list[20];
	struct om_failure none = { 0 };

	(void)state;
	memset(long_title, 'x', sizeof(long_title) - 1);
	memset(long_error, 'x', sizeof(long_error) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct menu_layout layout;

		entry.title.text = om_str_from(cases[i].title);
		for (uint32_t at = 0; at < 20; at++) {
			items[at] = (struct boot_item){ .entry = &entry };
			items[at].count.counted = at < cases[i].counted;
			if (at < cases[i].wrong)
				memcpy(items[at].error, long_error, sizeof(long_error));
			list[at] = &items[at];
		}
		layout = menu_layout(&none, list, cases[i].count, cases[i].columns, cases[i].rows);
		if (layout.rows != cases[i].want)
			fail_msg("case %zu: %u rows", i, layout.rows);
	}
	assert_int_equal(menu_cut(om_str_from(long_title)).len, 100);
	assert_int_equal(menu_cut(OM_STR("short")).len, 5);
	/* Not in the middle of a character. */
	memcpy(long_title + 98, "\xe2\x82\xac", 3);
	assert_int_equal(menu_cut(om_str_from(long_title)).len, 98);
}

static void test_order_and_default(void **state)
{
	static struct om_entry entries[3];
	struct boot_item items[3], *list[3] = { &items[0], &items[1], &items[2] };
	bool matched;
	size_t i;

	(void)state;
	/* Without sort-key the specification orders by file name, newest (highest) first. */
	entries[0] = entry_named("b-1.conf");
	entries[1] = entry_named("c-2.conf");
	entries[2] = entry_named("a-3.conf");
	for (i = 0; i < 3; i++)
		items[i] = (struct boot_item){ .entry = &entries[i] };
	boot_items_sort(list, 3);
	for (i = 0; i + 1 < 3; i++)
		assert_true(om_entry_compare(list[i]->entry, list[i + 1]->entry) <= 0);
	/* Without tries left it goes to the end, with some it stays where it is. */
	items[1].count = (struct om_boot_count){ .counted = true, .left = 0 };
	items[0].count = (struct om_boot_count){ .counted = true, .left = 1 };
	boot_items_sort(list, 3);
	assert_ptr_equal(list[0], &items[0]);
	assert_ptr_equal(list[1], &items[2]);
	assert_ptr_equal(list[2], &items[1]);

	list[0] = &items[0];
	list[1] = &items[1];
	list[2] = &items[2];
	items[0].error[0] = 'x';
	assert_int_equal(boot_items_default(list, 3, OM_STR(""), &matched), 1);
	assert_false(matched);
	assert_int_equal(boot_items_default(list, 3, OM_STR("a-*"), &matched), 2);
	assert_true(matched);
	/* A broken entry that is named is chosen, so that its error is seen. */
	assert_int_equal(boot_items_default(list, 3, OM_STR("b-1"), &matched), 0);
	assert_true(matched);
	assert_int_equal(boot_items_default(list, 3, OM_STR("zzz"), &matched), 1);
	assert_false(matched);
	for (i = 0; i < 3; i++)
		items[i].error[0] = 'x';
	assert_int_equal(boot_items_default(list, 3, OM_STR("zzz"), &matched), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_countdown),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_tall_entries),
		cmocka_unit_test(test_order_and_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
