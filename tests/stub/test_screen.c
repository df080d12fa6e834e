/* SPDX-License-Identifier: MIT */
/* The text screen: where characters go, and that only what changes is drawn. */
#include "port_host.h"

#include <overmount/fmt.h>

#include "../../kernel-stub/dev/screen.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define WIDTH 10u
#define HEIGHT 4u

static unsigned drawn;

bool framebuffer_init(const struct om_handoff_framebuffer *fb, unsigned *ret_columns,
		      unsigned *ret_rows)
{
	(void)fb, (void)ret_columns, (void)ret_rows;
	return false;
}

void framebuffer_draw(unsigned x, unsigned y, const struct cell *cell)
{
	(void)cell;
	assert_true(x < WIDTH && y < HEIGHT);
	drawn++;
}

static int begin(void **state)
{
	(void)state;
	assert_true(screen_begin(WIDTH, HEIGHT));
	return 0;
}

static int end(void **state)
{
	(void)state;
	pages_free(wanted, 0);
	wanted = NULL;
	assert_int_equal(host_live_pages, 0);
	return 0;
}

static void put(const char *text)
{
	screen_write(text, strlen(text));
}

/* Rows separated by |, spaces at their ends left out. */
static void shows(const char *expected)
{
	char text[HEIGHT * (WIDTH + 1) + 1];
	unsigned n = 0;

	for (unsigned y = 0; y < HEIGHT; y++) {
		unsigned last = n;

		for (unsigned x = 0; x < WIDTH; x++) {
			uint16_t code = screen_cell(x, y)->code;

			text[n++] = code < 0x80 ? (char)code : '#';
			if (code != ' ')
				last = n;
		}
		n = last;
		text[n++] = '|';
	}
	text[n - 1] = '\0';
	assert_string_equal(text, expected);
}

static void text(void **state)
{
	(void)state;
	put("one\r\ntwo\tx\b\b\bT\r\n");
	shows("one|two   T x||");
	put("0123456789");
	shows("one|two   T x|0123456789|");
	/* The cursor stays on the full line until one more character comes. */
	put("\rA");
	shows("one|two   T x|A123456789|");
	put("\r\n0123456789+\r\nlast");
	shows("A123456789|0123456789|+|last");
}

static void utf8(void **state)
{
	(void)state;
	put("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" "a\xc3z\xff");
	assert_int_equal(screen_cell(0, 0)->code, 0xe9);
	assert_int_equal(screen_cell(1, 0)->code, 0x20ac);
	assert_int_equal(screen_cell(2, 0)->code, REPLACEMENT);
	assert_int_equal(screen_cell(3, 0)->code, 'a');
	assert_int_equal(screen_cell(4, 0)->code, REPLACEMENT);
	assert_int_equal(screen_cell(5, 0)->code, 'z');
	assert_int_equal(screen_cell(6, 0)->code, REPLACEMENT);
}

static void editing(void **state)
{
	(void)state;
	put("aaaaaaaaaa\r\nbbbbbbbbbb\r\ncccccccccc\r\ndddddddddd");
	put("\033[2;3H\033[K\033[3;3H\033[1K");
	shows("aaaaaaaaaa|bb|   ccccccc|dddddddddd");
	put("\033[1;2H\033[2@\033[3P\033[2X");
	shows("a  aaaa|bb|   ccccccc|dddddddddd");
	put("\033[2;1H\033[L");
	shows("a  aaaa||bb|   ccccccc");
	put("\033[M");
	shows("a  aaaa|bb|   ccccccc|");
	put("\033[2J\033[Hx\033[10;99Hy");
	shows("x|||         y");
	put("\033[H\033M>");
	shows(">|x||");
	put("\033[2;3r\033[3;1H\nz");
	shows(">||z|");
	put("\033[r\033[4;1H\033[A\033[CQ\033c");
	shows("|||");
}

static void colours(void **state)
{
	(void)state;
	put("a\033[31;44mb\033[1mc\033[7md\033[0me\033[38;5;2;7mf\033[m\033]0;title\agg");
	assert_int_equal(screen_cell(0, 0)->colours, 0x07);
	assert_int_equal(screen_cell(1, 0)->colours, 0x41);
	assert_int_equal(screen_cell(2, 0)->colours, 0x49);
	assert_int_equal(screen_cell(3, 0)->colours, 0x14);
	assert_int_equal(screen_cell(4, 0)->colours, 0x07);
	assert_int_equal(screen_cell(5, 0)->colours, 0x20);
	shows("abcdefgg|||");
}

static void draws_little(void **state)
{
	(void)state;
	put("");
	drawn = 0;
	put("a");
	assert_int_equal(drawn, 2);	/* the letter, and the cursor beside it */
	put("\r\n\n\n");
	drawn = 0;
	put("\n");
	assert_int_equal(drawn, 1);	/* "a" goes away */
}

/* Sequences with all kinds of numbers never leave the screen. */
static void nonsense(void **state)
{
	static const char finals[] = "ABCDEFGHJKLMSTPX@dfmrsuhl`ae";
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		char sequence[64];
		size_t len;

		seed = seed * 1664525 + 1013904223;
		len = om_format(sequence, sizeof(sequence), "\033[%s%u;%u%c%c",
				seed >> 29 ? "" : "?", (seed >> 8) % 13, (seed >> 12) % 99999,
				finals[(seed >> 20) % (sizeof(finals) - 1)], (char)(seed >> 24));
		screen_write(sequence, len);
		assert_true(column < WIDTH && row < HEIGHT && top < bottom && bottom <= HEIGHT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text, begin, end),
		cmocka_unit_test_setup_teardown(utf8, begin, end),
		cmocka_unit_test_setup_teardown(editing, begin, end),
		cmocka_unit_test_setup_teardown(colours, begin, end),
		cmocka_unit_test_setup_teardown(draws_little, begin, end),
		cmocka_unit_test_setup_teardown(nonsense, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
