/* SPDX-License-Identifier: MIT */
/* The record of a start that found no root: whoever wrote it, only lines for a terminal come out. */
#include <overmount/failure.h>

#include "support.h"

#define HEAD	"overmount failure 1\n"

static void is(struct om_str line, const char *text)
{
	if (!om_str_is(line, text))
		fail_msg("got '%.*s', expected '%s'", (int)line.len, line.ptr, text);
}

/* The page that the header shows, byte by byte. */
static void what_is_written(void **state)
{
	static const char expected[] = HEAD "a.conf\nroot: 1. x: y\ndevices: none\n";
	struct om_failure_text text;
	struct om_failure failure;

	(void)state;
	om_failure_begin(&text, OM_STR("a.conf"));
	om_failure_add(&text, "root: 1. x: y");
	om_failure_add(&text, "devices: none");
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.bytes, expected, text.len);
	assert_true(om_failure_read(text.bytes, text.len, &failure));
	is(failure.entry, "a.conf");
	assert_int_equal(failure.count, 2);
	is(failure.lines[0], "root: 1. x: y");
	is(failure.lines[1], "devices: none");
}

/* However much there is to say: never more than the limit, and the end says that more was there. */
static void much_is_written(void **state)
{
	char line[OM_FAILURE_LINE_MAX * 2];
	struct om_failure_text text;
	struct om_failure failure;

	(void)state;
	for (size_t len = 0; len < sizeof(line); len++) {
		memset(line, 'x', len);
		line[len] = '\0';
		om_failure_begin(&text, (struct om_str){ line, len });
		for (size_t i = 0; i < OM_FAILURE_MAX; i++) {
			om_failure_add(&text, line);
			assert_true(text.len <= OM_FAILURE_MAX);
		}
		assert_memory_equal(text.bytes + text.len - 5, "\n...\n", 5);
		assert_true(om_failure_read(text.bytes, text.len, &failure));
		assert_int_equal(failure.entry.len, len < OM_FAILURE_LINE_MAX ? len : OM_FAILURE_LINE_MAX);
	}
}

static void what_is_read(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t len;
		bool good;
		const char *entry, *first, *last;
	} cases[] = {
#define CASE(what, bytes, ...) { what, bytes, sizeof(bytes) - 1, __VA_ARGS__ }
		CASE("nothing", "", false, 0, 0, 0),
		CASE("half a head", "overmount fail", false, 0, 0, 0),
		CASE("another version", "overmount failure 2\na\nb\n", false, 0, 0, 0),
		CASE("no story", HEAD, false, 0, 0, 0),
		CASE("an entry only", HEAD "a.conf\n", false, 0, 0, 0),
		CASE("no entry", HEAD "\nx\n", true, "", "x", "x"),
		CASE("no last newline", HEAD "a\nx\ny", true, "a", "x", "y"),
		CASE("nothing but newlines", HEAD "\n\n\n", true, "", "", ""),
		CASE("orders to a terminal", HEAD "a\33[2J\n\33]0;x\a\r\nz\n", true, "a?[2J", "?]0;x??", "z"),
		CASE("NULs and what is not ASCII", HEAD "\0\0\n\x7f\x80\xff\n\xc3\xa4\n", true, "??", "???",
		     "??"),
		CASE("UTF-16", HEAD "a\0\n\0b\0\n\0", true, "a?", "?b?", "?"),
	};
	char bytes[128];
	struct om_failure failure;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy(bytes, cases[i].bytes, cases[i].len);
		memset(bytes + cases[i].len, '\n', sizeof(bytes) - cases[i].len);
		if (om_failure_read(bytes, cases[i].len, &failure) != cases[i].good)
			fail_msg("%s: %s", cases[i].what, cases[i].good ? "refused" : "accepted");
		if (!cases[i].good) {
			assert_int_equal(failure.count, 0);
			continue;
		}
		is(failure.entry, cases[i].entry);
		is(failure.lines[0], cases[i].first);
		is(failure.lines[failure.count - 1], cases[i].last);
	}
}

/* More lines, longer ones and more bytes than there may be. */
static void limits(void **state)
{
	static char bytes[OM_FAILURE_MAX + 1];
	struct om_failure failure;

	(void)state;
	memset(bytes, '\n', sizeof(bytes));
	memcpy(bytes, HEAD, strlen(HEAD));
	assert_true(om_failure_read(bytes, OM_FAILURE_MAX, &failure));
	assert_int_equal(failure.count, OM_FAILURE_LINES_MAX);
	assert_false(om_failure_read(bytes, OM_FAILURE_MAX + 1, &failure));
	assert_int_equal(failure.count, 0);
	memset(bytes + strlen(HEAD), 'x', OM_FAILURE_MAX - strlen(HEAD));
	assert_false(om_failure_read(bytes, OM_FAILURE_MAX, &failure));
	bytes[strlen(HEAD) + 1] = '\n';
	assert_true(om_failure_read(bytes, OM_FAILURE_MAX, &failure));
	assert_int_equal(failure.count, 1);
	assert_int_equal(failure.lines[0].len, OM_FAILURE_LINE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written),
		cmocka_unit_test(much_is_written),
		cmocka_unit_test(what_is_read),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
