/* SPDX-License-Identifier: MIT */
/* Status texts and the two ways to make a diagnostic. */
#include "support.h"

static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i < OM_STATUS_COUNT; i++) {
		const char *text = om_status_text((enum om_status)i);

		assert_string_not_equal(text, "unknown status");
		for (int k = 0; k < i; k++)
			assert_string_not_equal(text, om_status_text((enum om_status)k));
	}
	assert_string_equal(om_status_text(OM_NO_MEMORY), "out of memory");
	assert_string_equal(om_status_text(OM_STATUS_COUNT), "unknown status");
	assert_string_equal(om_status_text((enum om_status)9999), "unknown status");
}

static void test_text_diag(void **state)
{
	struct test_sink sink;
	const struct om_diag *diag = &sink.diags[0];

	(void)state;
	test_sink_init(&sink);
	assert_int_equal(om_diag_text(&sink.sink, OM_SYNTAX, true, 3, 5, 7, "a hint", "%s %d", "n", 1),
			 OM_SYNTAX);
	assert_int_equal(sink.count, 1);
	assert_int_equal(sink.warnings, 1);
	assert_int_equal(diag->status, OM_SYNTAX);
	assert_int_equal(diag->line, 3);
	assert_int_equal(diag->column, 5);
	assert_int_equal(diag->length, 7);
	assert_string_equal(diag->text, "n 1");
	assert_string_equal(diag->hint, "a hint");

	om_diag_text(&sink.sink, OM_LIMIT, false, 0, 0, 0, NULL, "x");
	assert_string_equal(sink.diags[1].hint, "");
	assert_int_equal(sink.errors, 1);
}

static void test_binary_diag(void **state)
{
	struct test_sink sink;

	(void)state;
	test_sink_init(&sink);
	assert_int_equal(om_diag_binary(&sink.sink, OM_IO, UINT64_MAX, "%u", 5u), OM_IO);
	assert_int_equal(sink.errors, 1);
	assert_true(sink.diags[0].offset == UINT64_MAX);
	assert_int_equal(sink.diags[0].line, 0);
	assert_string_equal(sink.diags[0].text, "5");
}

/* What is too long is cut, never lost and never unterminated. */
static void test_long(void **state)
{
	static char longer[1000];
	struct test_sink sink;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	test_sink_init(&sink);
	om_diag_text(&sink.sink, OM_SYNTAX, false, 1, 1, 1, longer, "%s", longer);
	assert_int_equal(strlen(sink.diags[0].text), OM_DIAG_TEXT_MAX - 1);
	assert_int_equal(strlen(sink.diags[0].hint), OM_DIAG_HINT_MAX - 1);
}

static void test_no_sink(void **state)
{
	const struct om_diag_sink silent = { NULL, NULL };

	(void)state;
	assert_int_equal(om_diag_text(NULL, OM_TYPE, false, 1, 1, 1, "", "x"), OM_TYPE);
	assert_int_equal(om_diag_text(&silent, OM_TYPE, false, 1, 1, 1, "", "x"), OM_TYPE);
	assert_int_equal(om_diag_binary(NULL, OM_TYPE, 1, "x"), OM_TYPE);
	assert_int_equal(om_diag_binary(&silent, OM_TYPE, 1, "x"), OM_TYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_text_diag),
		cmocka_unit_test(test_binary_diag),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_no_sink),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
