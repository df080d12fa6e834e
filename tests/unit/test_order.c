/* SPDX-License-Identifier: MIT */
/*
 * Menu order.  The expected order of versions is what `systemd-analyze compare-versions`
 * (systemd 252) says; the rules are those of the Version Format and the Boot Loader
 * Specification.
 */
#include <fnmatch.h>

#include "entry_support.h"

static struct om_entry *new_entry(const char *sort_key, const char *machine, const char *version,
				  const char *id)
{
	struct om_entry *entry = calloc(1, sizeof(*entry));

	assert_non_null(entry);
	entry->sort_key.text = om_str_from(sort_key);
	entry->machine_id.text = om_str_from(machine);
	entry->version.text = om_str_from(version);
	entry->id = om_str_from(id);
	return entry;
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* Oldest first: in the menu the newest comes first. */
static const char *const versions[] = {
	"~1", "", "ab", "abb", "abc", "0001", "002", "12", "122", "122.9", "123~rc1", "123", "123-a",
	"123-a.1", "123-a1", "123-a1.1", "123-3", "123-3.1", "123^patch1", "123^1", "123.a-1",
	"123.1-1", "123a-1", "124", "99999999999999999999999", "100000000000000000000000",
};

static void version_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(versions); j++) {
			struct om_entry *a = new_entry("k", "m", versions[i], "x");
			struct om_entry *b = new_entry("k", "m", versions[j], "x");

			if (sign(om_entry_compare(a, b)) != sign((int)j - (int)i))
				fail_msg("'%s' and '%s': %d", versions[i], versions[j],
					 om_entry_compare(a, b));
			free(a);
			free(b);
		}
	}
}

/* Older and newer, where a number meets a letter or nothing. */
static void numbers_are_newer(void **state)
{
	static const char *const pairs[][2] = {
		{ "_-", "_-0" }, { "b.1bb", "0~" }, { "a2.", "+0-_-" }, { "^Ab", "^0" }, { "A0", "0~~A" },
		{ "a1", "01" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct om_entry *a = new_entry("k", "m", pairs[i][0], "x");
		struct om_entry *b = new_entry("k", "m", pairs[i][1], "x");

		if (om_entry_compare(a, b) <= 0 || om_entry_compare(b, a) >= 0)
			fail_msg("'%s' and '%s'", pairs[i][0], pairs[i][1]);
		free(a);
		free(b);
	}
}

static void equal_versions(void **state)
{
	static const char *const pairs[][2] = {
		{ "11", "11" }, { "1_", "1" }, { "_1", "1" }, { "+1", "1" }, { "0", "00" },
		{ "123_aa2-67.89", "123aa+2-67.89" }, { "11\xce\xb1", "11\xce\xb2" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct om_entry *a = new_entry("k", "m", pairs[i][0], "x");
		struct om_entry *b = new_entry("k", "m", pairs[i][1], "x");

		if (om_entry_compare(a, b) != 0)
			fail_msg("'%s' and '%s' differ", pairs[i][0], pairs[i][1]);
		free(a);
		free(b);
	}
}

/* sort-key, machine-id, version, id; in the order of the menu */
static const char *const entries[][4] = {
	{ "arch", "m1", "6.1", "b.conf" },
	{ "debian", "m1", "6.10", "d-6.10.conf" },
	{ "debian", "m1", "6.9", "d-6.9.conf" },
	{ "debian", "m1", "6.9", "c-6.9.conf" },
	{ "debian", "m1", "", "z.conf" },
	{ "debian", "m2", "7.0", "a.conf" },
	/* without a sort-key only the name counts, as a version */
	{ "", "m1", "1", "z.conf" },
	{ "", "m2", "9", "linux-6.10.conf" },
	{ "", "m1", "9", "linux-6.9.conf" },
	{ "", "m1", "9", "a.conf" },
	{ "", "m1", "9", "A.conf" },
};

static void entry_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(entries); j++) {
			struct om_entry *a = new_entry(entries[i][0], entries[i][1], entries[i][2],
						       entries[i][3]);
			struct om_entry *b = new_entry(entries[j][0], entries[j][1], entries[j][2],
						       entries[j][3]);

			if (sign(om_entry_compare(a, b)) != sign((int)i - (int)j))
				fail_msg("%s/%s and %s/%s: %d", entries[i][0], entries[i][3],
					 entries[j][0], entries[j][3], om_entry_compare(a, b));
			free(a);
			free(b);
		}
	}
}

static void id_patterns(void **state)
{
	static const struct {
		const char *pattern, *id;
		bool matches;
	} cases[] = {
		{ "debian.conf", "debian.conf", true }, { "debian", "debian.conf", true },
		{ "DEBIAN", "debian.conf", true }, { "debian.conf", "DEBIAN.CONF", true },
		{ "deb*", "debian.conf", true }, { "*", "x.conf", true }, { "*6.1*", "d-6.1-a.conf", true },
		{ "d?bian", "debian.conf", true }, { "debian-*", "debian.conf", false },
		{ "debian?", "debian.conf", false }, { "debian", "debian2.conf", false },
		{ "ebian", "debian.conf", false }, { "", "debian.conf", false }, { "", "", false },
		{ "a*b*c", "axxbyybzzc.conf", true }, { "a*b*c", "axxbyyb.conf", false },
		{ "*.conf", "x.conf", true }, { ".conf", ".conf", true }, { "**", "x", true },
		{ "x", "x", true }, { "d-[56].*", "d-6.1.conf", true }, { "d-[!56].*", "d-6.1.conf", false },
		{ "d-[^0-57-9].*", "D-6.1.conf", true }, { "[A-D]*", "debian.conf", true }, { "[]]", "]", true },
		{ "a[", "a[.conf", true }, { "[a", "a.conf", false }, { "*[n-o]n", "debian.conf", false }, { "*************************b", "aaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (om_entry_id_matches(om_str_from(cases[i].pattern), om_str_from(cases[i].id)) !=
		    cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].id);
}

/* What the C library's fnmatch(3) says of patterns and names that chance made. */
static void random_patterns(void **state)
{
	static const char letters[] = "aabBc-*?[[]]!^";
	char pattern[9], id[6];
	uint32_t seed = 1, i, at;
	bool want;

	(void)state;
	for (i = 0; i < 200000; i++) {
		for (at = 0; at < sizeof(pattern); at++) {
			seed = seed * 1664525 + 1013904223;
			pattern[at] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		pattern[1 + (seed >> 8) % 8] = '\0';
		for (at = 0; at < sizeof(id); at++) {
			seed = seed * 1664525 + 1013904223;
			id[at] = letters[(seed >> 16) % 6];
		}
		id[(seed >> 8) % 6] = '\0';
		want = fnmatch(pattern, id, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
		if (om_entry_id_matches(om_str_from(pattern), om_str_from(id)) != want)
			fail_msg("'%s' and '%s': expected %d", pattern, id, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_order),
		cmocka_unit_test(numbers_are_newer),
		cmocka_unit_test(equal_versions),
		cmocka_unit_test(entry_order),
		cmocka_unit_test(id_patterns),
		cmocka_unit_test(random_patterns),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
