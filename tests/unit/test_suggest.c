/* SPDX-License-Identifier: MIT */
/* "Did you mean": what is near enough, and what is not. */
#include <overmount/entry.h>

#include "support.h"

static const char *const words[] = { "root", "root-mode", "ramfs", "ramdisk", "kernel", "efi", "ro",
				     "rw", "", NULL };

static void nearest(void **state)
{
	static const struct {
		const char *word, *expected;
	} cases[] = {
		{ "kernel", "kernel" }, { "kernal", "kernel" }, { "kenrel", "kernel" },
		{ "krnel", "kernel" }, { "kernell", "kernel" }, { "KERNEL", "kernel" },
		{ "kerrnal", "kernel" }, { "krnal", "kernel" }, { "qqrnal", NULL },
		{ "roott", "root" }, { "rot", "root" }, { "orot", "root" }, { "Root", "root" },
		{ "root_mode", "root-mode" }, { "rootmode", "root-mode" }, { "root-mod", "root-mode" },
		{ "ramdsik", "ramdisk" }, { "ramf", "ramfs" },
		{ "rww", "rw" }, { "r", "ro" }, { "or", "ro" },
		/* a short word allows one error, and never all its letters */
		{ "uki", NULL }, { "xy", NULL }, { "x", NULL }, { "title", NULL }, { "", NULL },
		{ "kernelkernelkernelkernelkernelkernel", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = om_suggest(om_str_from(cases[i].word), words);

		if (found != cases[i].expected &&
		    (!found || !cases[i].expected || strcmp(found, cases[i].expected) != 0))
			fail_msg("'%s': found %s, expected %s", cases[i].word, found ? found : "none",
				 cases[i].expected ? cases[i].expected : "none");
	}
}

/* Every word with one letter left out leads back to a key of its own or to itself. */
static void every_key_is_found_again(void **state)
{
	const char *names[OM_KEY_COUNT + 1];

	(void)state;
	for (int i = 0; i < OM_KEY_COUNT; i++)
		names[i] = om_entry_keys[i].name;
	names[OM_KEY_COUNT] = NULL;
	for (int i = 0; i < OM_KEY_COUNT; i++) {
		char word[32];

		snprintf(word, sizeof(word), "%sx", names[i]);
		assert_string_equal(om_suggest(om_str_from(word), names), names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest),
		cmocka_unit_test(every_key_is_found_again),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
