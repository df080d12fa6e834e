/* SPDX-License-Identifier: MIT */
/*
 * The classic kernel parameters: read as init/do_mounts.c and lib/cmdline.c of Linux read
 * them, and giving way to the keys of the entry.
 */
#include "entry_support.h"

#define NONE { { 0 } }

static const struct {
	const char *name, *text, *dump;
	struct finding findings[FINDINGS_MAX];
} cases[] = {
	{ "root", "options root=/dev/vda2\n", "root:/dev/vda2(;;)", NONE },
	{ "an old entry", "options root=/dev/ram0 rw rootfstype=ext2 init=/linuxrc\n",
	  "root:/dev/ram0(ext2;;rw) init:[/linuxrc]", NONE },
	{ "lilo's hexadecimal", "options root=301 ro\n", "root:3:1(;;ro)", NONE },
	{ "the last one counts", "options root=/dev/sda1 ro\noptions rw root=/dev/sdb1\n",
	  "root:/dev/sdb1(;;rw)", NONE },
	{ "an empty value is none", "options root=/dev/sda1 root= rootfstype=\n",
	  "root:/dev/sda1(;;)", NONE },
	{ "flags and types", "options root=/dev/a rootflags=noatime,data=journal rootfstype=ext4,ext3\n",
	  "root:/dev/a(ext4,ext3;noatime,data=journal;)", NONE },
	{ "quoted value", "options root=/dev/a rootflags=\"a b\"\n", "root:/dev/a(;a b;)", NONE },
	{ "quoted word", "options \"root=LABEL=my disk\" ro\n", "root:LABEL=my disk(;;ro)", NONE },
	{ "quoted value with a blank", "options root=\"LABEL=my disk\" ro\n",
	  "root:LABEL=my disk(;;ro)", NONE },
	{ "rootwait", "options rootwait\n", "wait=forever", NONE },
	{ "rootwait=n", "options rootwait=7\n", "wait=7000", NONE },
	{ "rootdelay", "options rootdelay=3\n", "delay=3000", NONE },
	{ "init and words", "options init=/bin/sh quiet -- -x single\n",
	  "init:[/bin/sh][-x][single]", NONE },
	{ "words without init", "options quiet -- single\n", "init:[/sbin/init][single]", NONE },
	{ "after -- nothing is a parameter", "options -- root=/dev/a ro --\n",
	  "init:[/sbin/init][root=/dev/a][ro][--]", NONE },
	{ "quotes of init's words", "options -- \"a b\" c=\"d e\"\n",
	  "init:[/sbin/init][a b][c=d e]", NONE },
	{ "rdinit", "options rdinit=/bin/setup\n", "rdinit=/bin/setup", NONE },
	{ "initrd", "options initrd=\\a.img initrd=/b.img\n", "initrd:\\a.img initrd:/b.img", NONE },
	{ "initrd said twice", "initrd /EFI/a.img\noptions initrd=\\efi\\A.img\n", "initrd:/EFI/a.img",
	  NONE },
	{ "noinitrd", "initrd /a\noverlay /o\noptions noinitrd initrd=/b\n", "overlay:/o", NONE },
	{ "ramdisk_start", "ramdisk /a\nramdisk start=1 /b\noptions ramdisk_start=1440\n",
	  "ramdisk:0,1440 /a ramdisk:1,1 /b", NONE },
	{ "prompt_ramdisk", "ramdisk /a\noptions prompt_ramdisk=1\n", "ramdisk:0,0 /a prompt", NONE },
	{ "prompt_ramdisk=0", "ramdisk /a\noptions prompt_ramdisk=0\n", "ramdisk:0,0 /a", NONE },
	{ "load_ramdisk from a floppy", "ramdisk /a\noptions load_ramdisk=1 root=/dev/fd0\n",
	  "ramdisk:0,0 /a root:/dev/ram0(;;)", NONE },
	{ "load_ramdisk=2", "ramdisk index=1 /a\noptions load_ramdisk=2 root=2:0\n",
	  "ramdisk:1,0 /a root:/dev/ram1(;;)", NONE },
	{ "load_ramdisk and a disk", "ramdisk /a\noptions load_ramdisk=1 root=/dev/sda1\n",
	  "ramdisk:0,0 /a root:/dev/sda1(;;)", NONE },
	{ "nfs", "options root=/dev/nfs nfsroot=10.0.2.2:/srv,vers=3 ip=dhcp\n",
	  "root:nfs:10.0.2.2:/srv,vers=3(;;)", NONE },
	{ "nfs as a key", "root /dev/nfs rw\nroot nfs:/a\noptions nfsroot=/srv,vers=3\n",
	  "root:nfs:/srv,vers=3(;;rw) root:nfs:/a(;;)", NONE },
	{ "nfs with the server's default", "options root=/dev/nfs ip=dhcp\n", "root:/dev/nfs(;;)", NONE },
	{ "nfsroot alone", "options nfsroot=/srv root=/dev/sda1\n", "root:/dev/sda1(;;)", NONE },
	{ "the kernel's own", "options quiet console=ttyS0,115200 root.x=1 roo rwx ro=1 \"a b=c\"\n", "",
	  NONE },
	/* keys win */
	{ "key root wins", "options root=/dev/sda1\nroot /dev/vda1\n", "root:/dev/vda1(;;)", NONE },
	{ "key root-mode wins", "root /dev/a\nroot-mode ro\noptions rw\n", "root:/dev/a(;;ro)", NONE },
	{ "rw fills what no key says", "root /dev/a\nroot /dev/b ro\noptions rw rootfstype=x rootflags=y\n",
	  "root:/dev/a(x;y;rw) root:/dev/b(x;y;ro)", NONE },
	{ "key root-fstype wins", "options root=/dev/a rootfstype=x rootflags=y\nroot-fstype z\nroot-flags w\n",
	  "root:/dev/a(z;w;)", NONE },
	{ "key root-wait wins", "root-wait 0\noptions rootwait\n", "", NONE },
	{ "key root-delay wins", "root-delay 1\noptions rootdelay=5\n", "delay=1000", NONE },
	{ "key init wins", "init /a b\noptions init=/c -- d\n", "init:[/a][b]", NONE },
	{ "key init without words takes those", "init /a\noptions init=/c -- d\n", "init:[/a][d]", NONE },
	{ "key ramdisk-prompt wins", "ramdisk-prompt no\noptions prompt_ramdisk=1\n", "", NONE },
	/* findings */
	{ "bad rootwait", "options rootwait=abc\n", "", { W(1, 18, 3, "rootwait= is in seconds", NULL) } },
	{ "bad rootdelay", "options x rootdelay=-\n", "", { W(1, 21, 1, "rootdelay= is in seconds", NULL) } },
	{ "bad ramdisk_start", "options ramdisk_start=x\n", "", { W(1, 23, 1, "ramdisk_start=", NULL) } },
	{ "load_ramdisk without an image", "options load_ramdisk=1 root=/dev/fd0\n",
	  "root:/dev/fd0(;;)", { W(1, 22, 1, "load_ramdisk= is ignored", "ramdisk PATH") } },
	{ "relative init", "options init=bash\n", "", { W(1, 14, 4, "init= is no absolute path", NULL) } },
	{ "relative rdinit", "options rdinit=init\n", "", { W(1, 16, 4, "rdinit= is no absolute", NULL) } },
	{ "open quote", "options a=\"b\n", "", { W(1, 9, 4, "quotation mark", NULL) } },
	{ "initrd climbs", "options initrd=/../x\n", "", { E(1, 17, 2, OM_ESCAPES, "'..'", NULL) } },
	{ "quote inside a word of init", "kernel /k\noptions -- a\"b c\"d e\n", "kernel=/k init:[/sbin/init][e]",
	  { E(2, 12, 7, OM_UNSUPPORTED, "a word of init may not have a quotation mark inside", NULL) } },
	{ "quote inside, for Linux", "linux /k\noptions rootflags=context=\"a,b\" root=/dev/a\n",
	  "linux=/k root:/dev/a(;;)", { W(2, 19, 13, "rootflags has a quotation mark inside", "") } },
	{ "quote inside, for a handoff kernel", "kernel /k\noptions root=LABEL=a\"b\"c\n", "kernel=/k",
	  { E(2, 14, 11, OM_UNSUPPORTED, "root may not have", "quote the whole") } },
	{ "root a handoff kernel cannot find", "kernel /k\noptions ro root=ZFS=rpool\n", "kernel=/k",
	  { E(2, 17, 9, OM_SYNTAX, "no root specification: 'ZFS=rpool'", NULL) } },
	{ "the same is Linux' business", "linux /k\noptions ro root=ZFS=rpool\n", "linux=/k",
	  { W(2, 17, 9, "no root specification: 'ZFS=rpool'", NULL) } },
	{ "root in quotes has its place", "kernel /k\noptions root=\"PARTUUD=1\"\n", "kernel=/k",
	  { E(2, 15, 9, OM_SYNTAX, "no root specification", "PARTUUID=1") } },
};

static void classic(void **state)
{
	struct entry_kit kit;
	struct text_buf buf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		entry_kit_parse(&kit, om_str_from(cases[i].text), false);
		test_assert_findings(cases[i].name, &kit.sink, cases[i].findings);
		entry_dump(kit.entry, &buf);
		if (strcmp(buf.text, cases[i].dump) != 0)
			fail_msg("%s:\nfound    '%s'\nexpected '%s'", cases[i].name, buf.text,
				 cases[i].dump);
		entry_kit_release(&kit);
	}
}

/* The command line itself is handed on as it stands. */
static void unchanged(void **state)
{
	struct entry_kit kit;

	(void)state;
	entry_kit_parse(&kit, OM_STR("linux /k\nroot /dev/b\noptions root=/dev/a  \"x y\"\noptions -- 1\n"),
			false);
	test_assert_str(kit.entry->options, "root=/dev/a  \"x y\" -- 1");
	test_assert_str(kit.entry->root.cmdline, "root=/dev/a  \"x y\" -- 1");
	entry_kit_release(&kit);
}

static void too_many_words(void **state)
{
	struct text_buf text = { .len = 0 };
	struct entry_kit kit;

	(void)state;
	text_add(&text, "options --");
	for (size_t i = 0; i + 1 < OM_ARGS_MAX; i++)
		text_add(&text, " a");
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_OK);
	assert_int_equal(kit.entry->root.init_count, OM_ARGS_MAX);
	entry_kit_release(&kit);
	text_add(&text, " a");
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_LIMIT);
	entry_kit_release(&kit);
	text_add(&text, " a");
	assert_int_equal(entry_kit_parse(&kit, om_str_from(text.text), false), OM_LIMIT);
	entry_kit_release(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic),
		cmocka_unit_test(unchanged),
		cmocka_unit_test(too_many_words),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
