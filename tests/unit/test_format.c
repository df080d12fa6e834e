/* SPDX-License-Identifier: MIT */
/* om_format() against the C library's snprintf(), and the log line. */
#include <limits.h>

#include <overmount/fmt.h>

#include "support.h"

/* The same arguments to both, in every buffer size; the rest of the buffer stays untouched. */
#define SAME(...)										\
	do {											\
		char ours[160], theirs[160];							\
		int expected = snprintf(NULL, 0, __VA_ARGS__);					\
												\
		for (size_t size = 0; size < 130; size++) {					\
			memset(ours, '~', sizeof(ours));					\
			memset(theirs, '~', sizeof(theirs));					\
			snprintf(theirs, size, __VA_ARGS__);					\
			assert_int_equal(om_format(ours, size, __VA_ARGS__), expected);		\
			if (memcmp(ours, theirs, sizeof(ours)) != 0)				\
				fail_msg("%s: size %zu: found '%.40s', expected '%.40s'",	\
					 #__VA_ARGS__, size, ours, theirs);			\
		}										\
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
/* combinations that C defines and nobody would write */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-overflow"

static void test_texts(void **state)
{
	static const char not_terminated[3] = { 'a', 'b', 'c' };

	(void)state;
	SAME("");
	SAME("plain");
	SAME("100%%");
	SAME("%c%c", 'a', '%');
	SAME("[%3c][%-3c]", 'x', 'y');
	SAME("%s", "");
	SAME("%s and %s", "one", "two");
	SAME("[%8s][%-8s]", "text", "text");
	SAME("[%2s]", "text");
	SAME("[%.2s][%.0s][%.9s]", "text", "text", "text");
	SAME("[%.*s]", 3, not_terminated);
	SAME("[%*s][%*s]", 6, "a", -6, "b");
	SAME("[%-*.*s]", 6, 2, "abc");
	SAME("[%.*s]", -1, "all of it");
}

static void test_numbers(void **state)
{
	static const int ints[] = { 0, 1, -1, 9, 10, 255, 65536, INT_MAX, INT_MIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
		int n = ints[i];

		SAME("%d %i %u %x %X", n, n, (unsigned)n, (unsigned)n, (unsigned)n);
		SAME("[%5d][%-5d][%05d][% d][%.3d][%8.3d]", n, n, n, n, n, n);
		SAME("[%*d][%0*x][%12X][%-12x]", 7, n, 7, (unsigned)n, (unsigned)n, (unsigned)n);
		SAME("%hhd %hhu %hhx", n, (unsigned)n, (unsigned)n);
		SAME("%hd %hu %hx", n, (unsigned)n, (unsigned)n);
		SAME("%ld %lu %lx", (long)n, (unsigned long)n, (unsigned long)n);
		SAME("%lld %llu %llX", (long long)n, (unsigned long long)n, (unsigned long long)n);
		SAME("%zu %zx", (size_t)n, (size_t)n);
		SAME("[%020lld][%-22llu]", (long long)n, (unsigned long long)n);
	}
	SAME("%lld %lld", LLONG_MIN, LLONG_MAX);
	SAME("%llu %llx", ULLONG_MAX, ULLONG_MAX);
	SAME("[%.0d][%.0x][%5.0d]", 0, 0u, 0);
	SAME("[%-05d][%- 5d]", 7, 7);
	SAME("%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8);
}

static void test_pointers(void **state)
{
	char buf[32];

	(void)state;
	SAME("%p", (void *)0x1234abcd);
	SAME("[%20p]", (void *)0xffffffff80000000ul);
	om_format(buf, sizeof(buf), "%p", (void *)0);
	assert_string_equal(buf, "0x0");
}

static void test_odd(void **state)
{
	char buf[32];

	(void)state;
	om_format(buf, sizeof(buf), "%s", (const char *)NULL);
	assert_string_equal(buf, "(null)");
	/* a stray percent sign never reads an argument and never runs past the end */
	assert_int_equal(om_format(buf, sizeof(buf), "a%"), 2);
	assert_string_equal(buf, "a%");
	assert_int_equal(om_format(buf, sizeof(buf), "a%5"), 3);
	assert_string_equal(buf, "a%5");
	om_format(buf, sizeof(buf), "%d %q %d", 1, 2, 3);
	assert_string_equal(buf, "1 %q %d");
	assert_int_equal(om_format(NULL, 0, "%s", "four"), 4);
}

static void test_log_line(void **state)
{
	char buf[64];

	(void)state;
	om_log_line(buf, sizeof(buf), 1234567, "root: x");
	assert_string_equal(buf, "[    1.234567] overmount: root: x");
	om_log_line(buf, sizeof(buf), 0, "");
	assert_string_equal(buf, "[    0.000000] overmount: ");
	om_log_line(buf, sizeof(buf), 123456000001, "x");
	assert_string_equal(buf, "[123456.000001] overmount: x");
	om_log_line(buf, sizeof(buf), UINT64_MAX, "x");
	assert_string_equal(buf, "overmount: x");
	assert_int_equal(om_log_line(buf, 4, UINT64_MAX, "x"), 12);
	assert_string_equal(buf, "ove");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_log_line),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
