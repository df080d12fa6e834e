/* SPDX-License-Identifier: MIT */
/* Boot counters in the names of entries, as the Boot Loader Specification has them. */
#include <overmount/boot_count.h>

#include "support.h"

/* The id that is left, and the name after one attempt and after the next; NULL: not counted. */
static const struct {
	const char *name, *id, *first, *second;
	bool bad;
} cases[] = {
	{ "linux+3.conf", "linux.conf", "linux+2-1.conf", "linux+1-2.conf", false },
	{ "linux+3-0.conf", "linux.conf", "linux+2-1.conf", "linux+1-2.conf", false },
	{ "linux+1.conf", "linux.conf", "linux+0-1.conf", "linux+0-2.conf", false },
	{ "linux+0-3.conf", "linux.conf", "linux+0-4.conf", "linux+0-5.conf", true },
	{ "linux+0.conf", "linux.conf", "linux+0-1.conf", "linux+0-2.conf", true },
	/* The length of each number stays, and DONE ends at nines. */
	{ "linux+10-09.conf", "linux.conf", "linux+09-10.conf", "linux+08-11.conf", false },
	{ "linux+003-8.conf", "linux.conf", "linux+002-9.conf", "linux+001-9.conf", false },
	{ "a+2-999999999.conf", "a.conf", "a+1-999999999.conf", "a+0-999999999.conf", false },
	/* Only what stands right in front of the suffix counts. */
	{ "6.1.0+3-cloud+2-1.conf", "6.1.0+3-cloud.conf", "6.1.0+3-cloud+1-2.conf",
	  "6.1.0+3-cloud+0-3.conf", false },
	{ "a+b+1.conf", "a+b.conf", "a+b+0-1.conf", "a+b+0-2.conf", false },
	{ "7.3.4+deb13-cloud-amd64.conf", NULL, NULL, NULL, false },
	{ "7.3.4+deb13.conf", NULL, NULL, NULL, false },
	{ "linux.conf", NULL, NULL, NULL, false }, { "+3.conf", NULL, NULL, NULL, false },
	{ "3.conf", NULL, NULL, NULL, false }, { "-3.conf", NULL, NULL, NULL, false },
	{ "linux+.conf", NULL, NULL, NULL, false }, { "linux+-1.conf", NULL, NULL, NULL, false },
	{ "linux+1-.conf", NULL, NULL, NULL, false }, { "linux-1-2.conf", NULL, NULL, NULL, false },
	{ "linux+1-2-3.conf", NULL, NULL, NULL, false }, { "linux+ 1.conf", NULL, NULL, NULL, false },
	{ "linux+1000000000.conf", NULL, NULL, NULL, false }, { ".conf", NULL, NULL, NULL, false },
	{ "conf", NULL, NULL, NULL, false }, { "", NULL, NULL, NULL, false },
};

static void is(const char *name, const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		fail_msg("%s: got '%s', expected '%s'", name, got, expected);
}

static void counters(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct om_str name = om_str_from(cases[i].name);
		struct om_boot_count count = om_boot_count_parse(name);

		if (count.counted != (cases[i].id != NULL) || om_boot_count_is_bad(&count) != cases[i].bad)
			fail_msg("%s: counted %d, left %u", cases[i].name, count.counted, count.left);
		if (!cases[i].id)
			continue;
		om_boot_count_id(name, &count, text, sizeof(text));
		is(cases[i].name, text, cases[i].id);
		om_boot_count_spend(&count);
		om_boot_count_name(name, &count, text, sizeof(text));
		is(cases[i].name, text, cases[i].first);
		om_boot_count_spend(&count);
		om_boot_count_name(name, &count, text, sizeof(text));
		is(cases[i].name, text, cases[i].second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
