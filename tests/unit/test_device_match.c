/* SPDX-License-Identifier: MIT */
/* Which device a root specification means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <overmount/sys.h>

static const struct om_device partition = {
	.name = "vda2", .major = 254, .minor = 2, .uuid = "0a1b-2c3D", .label = "Final",
	.partuuid = "1111-aaaa", .partlabel = "final-root",
};
/* What UTF-16 and UTF-8 may come to: 36 signs of three bytes, and all that btrfs has room for. */
#define SIGN "\xe2\x82\xac"
#define SIGNS12 SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN
#define DIGITS50 "0123456789" "0123456789" "0123456789" "0123456789" "0123456789"
#define LONG DIGITS50 DIGITS50 DIGITS50 DIGITS50 DIGITS50
static const struct om_device long_names = { .label = LONG "abcdef", .partlabel = SIGNS12 SIGNS12 SIGNS12 };
static const struct om_device odd = { .label = "My Disk/2", .partlabel = "a\\x20b" };
static const struct om_device ram = { .name = "ram3", .major = 1, .minor = 3 };

#define SPEC(k, t) { .kind = (k), .text = { (t), sizeof(t) - 1 } }

static void table(void **state)
{
	static const struct {
		const char *name;
		const struct om_device *device;
		struct om_rootspec spec;
		bool match;
	} cases[] = {
		{ "name", &partition, SPEC(OM_ROOT_NAME, "vda2"), true },
		{ "name, longer", &partition, SPEC(OM_ROOT_NAME, "vda20"), false },
		{ "name, shorter", &partition, SPEC(OM_ROOT_NAME, "vda"), false },
		{ "name, other case", &partition, SPEC(OM_ROOT_NAME, "VDA2"), false },
		{ "UUID, other case", &partition, SPEC(OM_ROOT_UUID, "0A1B-2c3d"), true },
		{ "UUID, other", &partition, SPEC(OM_ROOT_UUID, "0A1B-2c3e"), false },
		{ "PARTUUID, other case", &partition, SPEC(OM_ROOT_PARTUUID, "1111-AAAA"), true },
		{ "PARTUUID of the UUID", &partition, SPEC(OM_ROOT_PARTUUID, "0a1b-2c3D"), false },
		{ "LABEL", &partition, SPEC(OM_ROOT_LABEL, "Final"), true },
		{ "LABEL, other case", &partition, SPEC(OM_ROOT_LABEL, "final"), false },
		{ "PARTLABEL", &partition, SPEC(OM_ROOT_PARTLABEL, "final-root"), true },
		{ "PARTLABEL, other case", &partition, SPEC(OM_ROOT_PARTLABEL, "Final-root"), false },
		{ "LABEL as a link", &odd, SPEC(OM_ROOT_LABEL, "My\\x20Disk\\x2f2"), true },
		{ "LABEL as a link, upper case", &odd, SPEC(OM_ROOT_LABEL, "My\\x20Disk\\x2F2"), true },
		{ "LABEL with a blank", &odd, SPEC(OM_ROOT_LABEL, "My Disk/2"), true },
		{ "LABEL, another sign", &odd, SPEC(OM_ROOT_LABEL, "My\\x21Disk\\x2f2"), false },
		{ "LABEL, cut in a sign", &odd, SPEC(OM_ROOT_LABEL, "My\\x2"), false },
		{ "LABEL, more after it", &odd, SPEC(OM_ROOT_LABEL, "My\\x20Disk\\x2f2\\x00"), false },
		{ "PARTLABEL that looks like a link", &odd, SPEC(OM_ROOT_PARTLABEL, "a\\x20b"), true },
		{ "PARTLABEL as a link", &odd, SPEC(OM_ROOT_PARTLABEL, "a\\x5cx20b"), true },
		{ "LABEL of 256 bytes", &long_names, SPEC(OM_ROOT_LABEL, LONG "abcdef"), true },
		{ "LABEL of 255 bytes", &long_names, SPEC(OM_ROOT_LABEL, LONG "abcde"), false },
		{ "PARTLABEL of 108 bytes", &long_names, SPEC(OM_ROOT_PARTLABEL, SIGNS12 SIGNS12 SIGNS12), true },
		{ "PARTLABEL of 105 bytes", &long_names,
		  SPEC(OM_ROOT_PARTLABEL, SIGNS12 SIGNS12 SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN), false },
		{ "no LABEL", &ram, SPEC(OM_ROOT_LABEL, ""), false },
		{ "number", &partition, { .kind = OM_ROOT_NUMBER, .major = 254, .minor = 2 }, true },
		{ "number, other major", &partition, { .kind = OM_ROOT_NUMBER, .major = 253, .minor = 2 }, false },
		{ "number, other minor", &partition, { .kind = OM_ROOT_NUMBER, .major = 254, .minor = 3 }, false },
		{ "ram disk", &ram, { .kind = OM_ROOT_RAM, .minor = 3 }, true },
		{ "ram disk, other", &ram, { .kind = OM_ROOT_RAM, .minor = 2 }, false },
		{ "ram disk by number", &ram, { .kind = OM_ROOT_NUMBER, .major = 1, .minor = 3 }, true },
		{ "no ram disk", &partition, { .kind = OM_ROOT_RAM, .minor = 2 }, false },
		{ "empty matches nothing", &ram, SPEC(OM_ROOT_UUID, ""), false },
		{ "no device", &partition, SPEC(OM_ROOT_TAR, "vda2"), false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (om_device_matches(cases[i].device, &cases[i].spec) != cases[i].match)
			fail_msg("%s", cases[i].name);
}

static void ram_disks(void **state)
{
	static const struct om_rootspec by_name = { .kind = OM_ROOT_RAM, .minor = 1 };
	static const struct om_rootspec by_number = { .kind = OM_ROOT_NUMBER, .major = 1, .minor = 1 };
	static const struct om_rootspec disk = { .kind = OM_ROOT_NUMBER, .major = 254, .minor = 1 };

	(void)state;
	assert_true(om_rootspec_is_ram(&by_name));
	assert_true(om_rootspec_is_ram(&by_number));
	assert_false(om_rootspec_is_ram(&disk));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(ram_disks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
