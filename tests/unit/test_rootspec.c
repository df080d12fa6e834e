/* SPDX-License-Identifier: MIT */
/* Root specifications.  Device numbers as new_decode_dev() of Linux splits them. */
#include <overmount/root.h>

#include "entry_support.h"

static const struct {
	const char *text;
	enum om_root_kind kind;
	const char *spec_text;
	uint32_t major, minor;
	int32_t partnroff;
	const char *canonical;		/* NULL: TEXT itself */
} good[] = {
	{ "ramfs", OM_ROOT_RAMFS, "", 0, 0, 0, NULL },
	{ "/dev/vda2", OM_ROOT_NAME, "vda2", 0, 0, 0, NULL },
	{ "/dev/cciss/c0d0p1", OM_ROOT_NAME, "cciss/c0d0p1", 0, 0, 0, NULL },
	{ "/dev/mapper/vg-root", OM_ROOT_NAME, "mapper/vg-root", 0, 0, 0, NULL },
	{ "/dev/0123456789012345678901234567890", OM_ROOT_NAME, "0123456789012345678901234567890",
	  0, 0, 0, NULL },
	{ "/dev/ram", OM_ROOT_RAM, "", 1, 0, 0, "/dev/ram0" },
	{ "/dev/ram0", OM_ROOT_RAM, "", 1, 0, 0, NULL },
	{ "/dev/ram15", OM_ROOT_RAM, "", 1, 15, 0, NULL },
	{ "/dev/ramdisk", OM_ROOT_NAME, "ramdisk", 0, 0, 0, NULL },
	{ "/dev/ram1x", OM_ROOT_NAME, "ram1x", 0, 0, 0, NULL },
	{ "/dev/nfs", OM_ROOT_NFS, "", 0, 0, 0, NULL },
	{ "nfs:10.0.2.2:/srv,vers=3", OM_ROOT_NFS, "10.0.2.2:/srv,vers=3", 0, 0, 0, NULL },
	{ "8:1", OM_ROOT_NUMBER, "", 8, 1, 0, NULL },
	{ "254:1048575", OM_ROOT_NUMBER, "", 254, 1048575, 0, NULL },
	{ "4095:0", OM_ROOT_NUMBER, "", 4095, 0, 0, NULL },
	{ "301", OM_ROOT_NUMBER, "", 3, 1, 0, "3:1" },
	{ "0301", OM_ROOT_NUMBER, "", 3, 1, 0, "3:1" },
	{ "0x301", OM_ROOT_NUMBER, "", 3, 1, 0, "3:1" },
	{ "fe00", OM_ROOT_NUMBER, "", 254, 0, 0, "254:0" },
	{ "FE02", OM_ROOT_NUMBER, "", 254, 2, 0, "254:2" },
	{ "0x100", OM_ROOT_NUMBER, "", 1, 0, 0, "1:0" },
	{ "100", OM_ROOT_NUMBER, "", 1, 0, 0, "1:0" },
	/* the minor's upper bits stand above the major */
	{ "10801", OM_ROOT_NUMBER, "", 0x108, 1, 0, "264:1" },
	{ "12300845", OM_ROOT_NUMBER, "", 8, 0x12345, 0, "8:74565" },
	{ "PARTUUID=1234abcd-02", OM_ROOT_PARTUUID, "1234abcd-02", 0, 0, 0, NULL },
	{ "PARTUUID=C12A7328-F81F-11D2-BA4B-00A0C93EC93B", OM_ROOT_PARTUUID,
	  "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", 0, 0, 0, NULL },
	{ "PARTUUID=12-34/PARTNROFF=1", OM_ROOT_PARTUUID, "12-34", 0, 0, 1, NULL },
	{ "PARTUUID=12-34/PARTNROFF=-2", OM_ROOT_PARTUUID, "12-34", 0, 0, -2, NULL },
	{ "PARTUUID=12-34/PARTNROFF=+3", OM_ROOT_PARTUUID, "12-34", 0, 0, 3, "PARTUUID=12-34/PARTNROFF=3" },
	{ "PARTUUID=12-34/PARTNROFF=0", OM_ROOT_PARTUUID, "12-34", 0, 0, 0, "PARTUUID=12-34" },
	{ "PARTLABEL=root part/1", OM_ROOT_PARTLABEL, "root part/1", 0, 0, 0, NULL },
	{ "UUID=ABCD-1234", OM_ROOT_UUID, "ABCD-1234", 0, 0, 0, NULL },
	{ "LABEL=x=y", OM_ROOT_LABEL, "x=y", 0, 0, 0, NULL },
	{ "image:/x.img", OM_ROOT_IMAGE, "/x.img", 0, 0, 0, NULL },
	{ "tar:/a/b.tar", OM_ROOT_TAR, "/a/b.tar", 0, 0, 0, NULL },
	{ "cpio:/..x/b..", OM_ROOT_CPIO, "/..x/b..", 0, 0, 0, NULL },
};

static void understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct om_rootspec spec = { 0 }, again = { 0 };
		struct test_sink sink;
		char text[128];
		size_t len;

		test_sink_init(&sink);
		if (om_rootspec_parse(om_str_from(good[i].text), 1, 1, &sink.sink, &spec) != OM_OK) {
			test_sink_print(&sink);
			fail_msg("%s: refused", good[i].text);
		}
		assert_int_equal(sink.count, 0);
		if (spec.kind != good[i].kind || spec.major != good[i].major ||
		    spec.minor != good[i].minor || spec.partnroff != good[i].partnroff ||
		    !om_str_is(spec.text, good[i].spec_text))
			fail_msg("%s: kind %d, '%.*s', %u:%u, %d", good[i].text, spec.kind,
				 (int)spec.text.len, spec.text.ptr, spec.major, spec.minor,
				 spec.partnroff);
		len = om_rootspec_format(&spec, text, sizeof(text));
		assert_string_equal(text, good[i].canonical ? good[i].canonical : good[i].text);
		assert_int_equal(len, strlen(text));
		/* the canonical spelling means the same */
		assert_int_equal(om_rootspec_parse(om_str_from(text), 1, 1, NULL, &again), OM_OK);
		assert_int_equal(again.kind, spec.kind);
		assert_int_equal(again.major, spec.major);
		assert_int_equal(again.minor, spec.minor);
		assert_int_equal(again.partnroff, spec.partnroff);
		assert_true(om_str_equal(again.text, spec.text));
		/* cut short, it still tells its length */
		assert_int_equal(om_rootspec_format(&spec, text, 3), len);
		assert_int_equal(strlen(text), 2);
	}
}

/* Columns count from 10, where the text is said to stand in line 7. */
static const struct {
	const char *text;
	struct finding findings[FINDINGS_MAX];
} bad[] = {
	{ "", { E(7, 10, 0, OM_SYNTAX, "expected a root specification", "") } },
	{ "vda2", { E(7, 10, 4, OM_SYNTAX, "expected /dev/NAME, MAJOR:MINOR", "'/dev/vda2'") } },
	{ "/dev/", { E(7, 10, 5, OM_SYNTAX, "no device name", NULL) } },
	{ "dev/vda2", { E(7, 10, 8, OM_SYNTAX, "no root specification", "'/dev/vda2'") } },
	{ "/dve/vda2", { E(7, 10, 9, OM_SYNTAX, "no root specification", "'/dev/vda2'") } },
	{ "/dev/../mem", { E(7, 15, 2, OM_SYNTAX, "not the name of a device", NULL) } },
	{ "/dev/a//b", { E(7, 17, 0, OM_SYNTAX, "not the name of a device", NULL) } },
	{ "/dev/01234567890123456789012345678901", { E(7, 15, 32, OM_LIMIT, "31 bytes", "") } },
	{ "/dev/cifs", { E(7, 10, 9, OM_UNSUPPORTED, "CIFS", "") } },
	{ "mtd0", { E(7, 10, 4, OM_UNSUPPORTED, "MTD", "") } },
	{ "ubi0:rootfs", { E(7, 10, 11, OM_UNSUPPORTED, "UBI", "") } },
	{ "/dev/disk/by-uuid/12-34", { E(7, 10, 23, OM_UNSUPPORTED, "/dev/disk/", "write UUID=12-34") } },
	{ "/dev/disk/by-partlabel/a", { E(7, 10, 24, OM_UNSUPPORTED, "/dev/disk/", "write PARTLABEL=a") } },
	{ "/dev/disk/by-path/x", { E(7, 10, 19, OM_UNSUPPORTED, "/dev/disk/", "name the device") } },
	{ "4096:0", { E(7, 10, 4, OM_SYNTAX, "major device number from 0 to 4095", NULL) } },
	{ "8:1048576", { E(7, 12, 7, OM_SYNTAX, "minor device number", NULL) } },
	{ "8:", { E(7, 12, 0, OM_SYNTAX, "minor device number", NULL) } },
	{ "8:1:0", { E(7, 12, 3, OM_SYNTAX, "minor device number", NULL) } },
	{ "100000000", { E(7, 10, 9, OM_LIMIT, "32 bits", "") } },
	{ "0x0", { E(7, 10, 3, OM_SYNTAX, "device number 0", "") } },
	{ "0x", { E(7, 10, 2, OM_SYNTAX, "no root specification", NULL) } },
	{ "UUID=", { E(7, 10, 5, OM_SYNTAX, "no identifier", NULL) } },
	{ "UUID=12x4", { E(7, 17, 1, OM_SYNTAX, "hexadecimal digits and '-'", "") } },
	{ "UUID=12/PARTNROFF=1", { E(7, 17, 12, OM_SYNTAX, "nothing may follow", "") } },
	{ "UUID=0123456789012345678901234567890123456", { E(7, 15, 37, OM_SYNTAX, "36 characters", "") } },
	{ "uuid=12", { E(7, 10, 7, OM_SYNTAX, "no root specification", "'UUID=12'") } },
	{ "PARTUUID=12/PARTNROF=1", { E(7, 21, 11, OM_SYNTAX, "only /PARTNROFF=", "/PARTNROFF=1") } },
	{ "PARTUUID=12/PARTNROFF=", { E(7, 21, 11, OM_SYNTAX, "with a number", NULL) } },
	{ "PARTUUID=12/PARTNROFF=2147483648", { E(7, 21, 21, OM_SYNTAX, "with a number", NULL) } },
	{ "PARTUUID=12/PARTNROFF=1x", { E(7, 21, 13, OM_SYNTAX, "with a number", NULL) } },
	{ "LABEL=", { E(7, 10, 6, OM_SYNTAX, "no label", NULL) } },
	{ "LABLE=a", { E(7, 10, 7, OM_SYNTAX, "no root specification", "'LABEL=a'") } },
	{ "image:x.img", { E(7, 16, 5, OM_SYNTAX, "absolute path", "write image:/x.img") } },
	{ "tar:", { E(7, 14, 0, OM_SYNTAX, "absolute path", "") } },
	{ "cpio:/a/../b", { E(7, 18, 2, OM_ESCAPES, "'..'", "") } },
	{ "imgae:/x", { E(7, 10, 8, OM_SYNTAX, "no root specification", "'image:/x'") } },
	{ "nfs:", { E(7, 10, 4, OM_SYNTAX, "no directory after nfs:", NULL) } },
	{ "ramsf", { E(7, 10, 5, OM_SYNTAX, "no root specification", "'ramfs'") } },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct om_rootspec spec, before;
		struct test_sink sink;
		enum om_status status;

		memset(&spec, 0x77, sizeof(spec));
		before = spec;
		test_sink_init(&sink);
		status = om_rootspec_parse(om_str_from(bad[i].text), 7, 10, &sink.sink, &spec);
		test_assert_findings(bad[i].text, &sink, bad[i].findings);
		assert_int_equal(status, bad[i].findings[0].status);
		assert_memory_equal(&spec, &before, sizeof(spec));
	}
}

static void refused_by_length(void **state)
{
	char text[OM_PATH_MAX + 16];
	struct om_rootspec spec;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "image:/", 7);
	assert_int_equal(om_rootspec_parse((struct om_str){ text, 6 + OM_PATH_MAX - 1 }, 1, 1, NULL, &spec), OM_OK);
	assert_int_equal(om_rootspec_parse((struct om_str){ text, 6 + OM_PATH_MAX }, 1, 1, NULL, &spec), OM_LIMIT);
	memcpy(text, "LABEL=", 6);
	assert_int_equal(om_rootspec_parse((struct om_str){ text, 6 + 256 }, 1, 1, NULL, &spec), OM_OK);
	assert_int_equal(om_rootspec_parse((struct om_str){ text, 6 + 257 }, 1, 1, NULL, &spec), OM_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_by_length),
	};

	return cmocka_run_group_tests_name("rootspec", tests, NULL, NULL);
}
