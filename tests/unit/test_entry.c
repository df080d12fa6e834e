/* SPDX-License-Identifier: MIT */
/* Boot entries: what each line means, and what is said about each kind of mistake. */
#include "entry_support.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* ------------------------------------------------------------------ what is understood */

static const struct {
	const char *name, *text, *dump;
} good[] = {
	{ "nothing", "", "" },
	{ "only comments", "# a\n\n   # b\n \t \n", "" },
	{ "kernel", "kernel /EFI/overmount/stub.elf\n", "kernel=/EFI/overmount/stub.elf" },
	{ "last line without newline", "kernel /k", "kernel=/k" },
	{ "CRLF", "kernel /k\r\ninit /bin/sh x\r\n", "kernel=/k init:[/bin/sh][x]" },
	{ "byte order mark", "\xef\xbb\xbfkernel /k\n", "kernel=/k" },
	{ "blanks of all kinds", " \tkernel \t /k \t\n", "kernel=/k" },
	{ "hash inside a line is text", "kernel /k#1\n", "kernel=/k#1" },
	{ "quoted path", "kernel \"/a b/k\"\n", "kernel=/a b/k" },
	{ "backslash path", "linux \\EFI\\debian\\vmlinuz\n", "linux=\\EFI\\debian\\vmlinuz" },
	{ "digest", "kernel /k#sha256=" HEX64 "\n", "kernel=/k#e3..55" },
	{ "digest in capitals", "kernel /k#sha256=E3B0C44298FC1C149AFBF4C8996FB924"
	  "27AE41E4649B934CA495991B7852B855\n", "kernel=/k#e3..55" },
	{ "digest of a quoted path", "kernel \"/a b\"#sha256=" HEX64 "\n", "kernel=/a b#e3..55" },
	{ "layers keep their order", "overlay /o\nramfs /b\nfile /s /etc/x\ninitrd /i\n",
	  "overlay:/o ramfs:/b file:/s>/etc/x,644,0,0 initrd:/i" },
	{ "initrd with several paths", "initrd /a /b\ninitrd \"/c d\"#sha256=" HEX64 "\n",
	  "initrd:/a initrd:/b initrd:/c d#e3..55" },
	{ "file with everything", "file /s /etc/passwd gid=4 mode=4755 uid=1000\n",
	  "file:/s>/etc/passwd,4755,1000,4" },
	{ "ramdisk counts on", "ramdisk index=4 /a\nramdisk start=1440 /b /c\n",
	  "ramdisk:4,0 /a ramdisk:5,1440 /b /c" },
	{ "ramdisk on other volumes", "ramdisk LABEL=DISK1:/a /b \"LABEL=two words:\\c\"\n",
	  "ramdisk:0,0 LABEL=DISK1:/a /b LABEL=two words:\\c" },
	{ "ramdisk prompt", "ramdisk-prompt yes\nramdisk /a\n", "ramdisk:0,0 /a prompt" },
	{ "root alone", "root /dev/vda2\n", "root:/dev/vda2(;;)" },
	{ "root with everything", "root PARTUUID=1234-02 fstype=ext4,ext2 flags=noatime,data=x rw\n",
	  "root:PARTUUID=1234-02(ext4,ext2;noatime,data=x;rw)" },
	{ "root quoted as in fstab", "root LABEL=\"my disk\" ro\n", "root:LABEL=my disk(;;ro)" },
	{ "candidates in order", "root UUID=ab\nroot 254:2 rw\nroot ramfs\n",
	  "root:UUID=ab(;;) root:254:2(;;rw) root:ramfs(;;)" },
	{ "defaults, also after", "root /dev/a fstype=x\nroot /dev/b ro flags=z\nroot-fstype e,f\n"
	  "root-flags noatime,x=\"y\"\nroot-mode rw\n",
	  "root:/dev/a(x;noatime,x=y;rw) root:/dev/b(e,f;z;ro)" },
	{ "seconds", "root-wait 10\nroot-delay 0.25\n", "wait=10000 delay=250" },
	{ "digits below a millisecond are dropped", "root-wait .0019\n", "wait=1" },
	{ "forever", "root-wait forever\n", "wait=forever" },
	{ "the longest wait", "root-wait 4294967.294\n", "wait=4294967294" },
	{ "linuxrc", "linuxrc no\n", "linuxrc=no" },
	{ "linuxrc with a path", "linuxrc /sbin/setup\n", "linuxrc=/sbin/setup" },
	{ "linuxrc in quotes", "linuxrc \"/sbin/a b\"\n", "linuxrc=/sbin/a b" },
	{ "init with words", "init /bin/sh \"echo  hi\" \"\" a\"b c\"d\n",
	  "init:[/bin/sh][echo  hi][][ab cd]" },
	{ "devfs no", "devfs no\n", "devfs=0" },
	{ "devfs initrd", "devfs initrd\n", "devfs=1" },
	{ "devfs root", "devfs root\n", "devfs=2" },
	{ "devfs both", "devfs both\n", "" },
	{ "keep-ramfs no", "keep-ramfs no\n", "keep=no" },
	{ "keep-ramfs yes", "keep-ramfs yes\n", "keep=yes" },
	{ "real-root-dev", "real-root-dev off\n", "rrd=off" },
	{ "initrd-attach", "initrd-attach ramdisk\n", "attach=1" },
	{ "initrd-attach pmem", "initrd-attach pmem\n", "attach=2" },
	{ "root-overlay", "root-overlay tmpfs\n", "overlay=1" },
	{ "root-verity, own device", "root-verity " HEX64 " offset=1024\n",
	  "verity=32:e3..55@1024" },
	{ "root-verity, another device",
	  "root-verity 00112233445566778899aabbccddeeff00112233 \"hash=LABEL=a b\"\n",
	  "verity=20:00..33@0,LABEL=a b" },
	{ "modules", "module /m/a.ko /m/b.ko\nmodule \"/m/c d.ko\"\n",
	  "module:/m/a.ko module:/m/b.ko module:/m/c d.ko" },
};

static void understood(void **state)
{
	struct entry_kit kit;
	struct text_buf buf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		enum om_status status = entry_kit_parse(&kit, om_str_from(good[i].text), false);

		entry_dump(kit.entry, &buf);
		if (status != OM_OK || kit.sink.count != 0 || strcmp(buf.text, good[i].dump) != 0) {
			test_sink_print(&kit.sink);
			fail_msg("%s: %s\nfound    '%s'\nexpected '%s'", good[i].name,
				 om_status_text(status), buf.text, good[i].dump);
		}
		entry_kit_release(&kit);
	}
}

static void specification_keys(void **state)
{
	static const char text[] =
		"title Debian 12\nversion 6.1.0\nmachine-id 6a9857a393724b7a981ebb5b8495b9ea\n"
		"sort-key debian\narchitecture x64\nlinux /vmlinuz\n"
		"options root=UUID=ab ro\noptions  quiet  \n";
	struct entry_kit kit;

	(void)state;
	assert_int_equal(entry_kit_parse(&kit, OM_STR(text), false), OM_OK);
	test_assert_str(kit.entry->id, "x.conf");
	test_assert_str(kit.entry->title.text, "Debian 12");
	assert_int_equal(kit.entry->title.line, 1);
	assert_int_equal(kit.entry->title.column, 7);
	test_assert_str(kit.entry->version.text, "6.1.0");
	test_assert_str(kit.entry->machine_id.text, "6a9857a393724b7a981ebb5b8495b9ea");
	test_assert_str(kit.entry->sort_key.text, "debian");
	test_assert_str(kit.entry->architecture.text, "x64");
	assert_int_equal(kit.entry->architecture.line, 5);
	test_assert_str(kit.entry->options, "root=UUID=ab ro quiet");
	test_assert_str(kit.entry->root.cmdline, "root=UUID=ab ro quiet");
	test_assert_str(kit.entry->root.title, "Debian 12");
	test_assert_str(kit.entry->root.entry_id, "x.conf");
	assert_true(om_entry_bootable(kit.entry));
	assert_true(kit.entry->root_from_options);
	assert_int_equal(kit.entry->candidates_at[0].line, 7);
	assert_int_equal(kit.entry->candidates_at[0].column, 14);
	entry_kit_release(&kit);
}

static void global_keys(void **state)
{
	struct entry_kit kit;

	(void)state;
	assert_int_equal(entry_kit_parse(&kit, OM_STR("timeout 2.5\ndefault debian-*\nconsole serial\n"
						      "log-level debug\n"), true), OM_OK);
	assert_true(kit.entry->has_timeout);
	assert_int_equal(kit.entry->timeout_ms, 2500);
	test_assert_str(kit.entry->default_id, "debian-*");
	test_assert_str(kit.entry->console, "serial");
	assert_int_equal(kit.entry->log_level, 3);
	assert_false(om_entry_bootable(kit.entry));
	entry_kit_release(&kit);

	assert_int_equal(entry_kit_parse(&kit, OM_STR("timeout forever\nlog-level 0\n"), true), OM_OK);
	assert_int_equal(kit.entry->timeout_ms, OM_WAIT_FOREVER);
	assert_int_equal(kit.entry->log_level, 0);
	entry_kit_release(&kit);

	assert_int_equal(entry_kit_parse(&kit, OM_STR(""), true), OM_OK);
	assert_false(kit.entry->has_timeout);
	assert_int_equal(kit.entry->log_level, 2);
	test_assert_str(kit.entry->root.title, "x.conf");
	entry_kit_release(&kit);
}

/* ------------------------------------------------------------------ what is refused */

static const struct {
	const char *name, *text;
	struct finding findings[FINDINGS_MAX];
} bad[] = {
	/* keys */
	{ "unknown key", "kernal /k\n",
	  { W(1, 1, 6, "unknown key 'kernal' is ignored", "did you mean 'kernel'?") } },
	{ "keys are case-sensitive", "Title x\n", { W(1, 1, 5, "unknown key", "'title'") } },
	{ "unknown key, nothing near", "frobnicate 1\n", { W(1, 1, 10, "'frobnicate'", "") } },
	{ "key of another loader", "uki /x.efi\n", { W(1, 1, 3, "'uki' has no effect", "") } },
	{ "equals sign", "kernel /k\nroot=/dev/vda2\n",
	  { W(2, 1, 14, "unknown key", "write 'root /dev/vda2'") } },
	{ "colon", "kernel: /k\n", { W(1, 1, 7, "unknown key", "write 'kernel /k'") } },
	{ "global key in an entry", "timeout 3\n", { W(1, 1, 7, "'timeout' is ignored", "overmount.conf") } },
	{ "no value", "kernel\n", { E(1, 1, 6, OM_SYNTAX, "'kernel' has no value", "") } },
	{ "no value but blanks", "  root \t\r\n", { E(1, 3, 4, OM_SYNTAX, "'root' has no value", "") } },
	/* As systemd-boot has it: lines of the specification without a value are no lines. */
	{ "no value, of the specification",
	  "title\nmachine-id \noptions \t\narchitecture\n",
	  { W(1, 1, 5, "'title' has no value: ignored", ""), W(2, 1, 10, "'machine-id'", ""),
	    W(3, 1, 7, "'options'", ""), W(4, 1, 12, "'architecture'", "") } },
	{ "key twice", "init /a\ninit /b\n",
	  { E(2, 1, 4, OM_CONFLICT, "'init' was given in line 1 already", "leave one") } },
	{ "key of the specification twice", "title a\n\ntitle b\n",
	  { W(3, 1, 5, "line 1 already; this one counts", "") } },
	{ "all errors in one run", "root-mode x\nkernel /a/../b\n\ndevfs y\n",
	  { E(1, 11, 1, OM_SYNTAX, "'root-mode' is not 'x'", ""), E(2, 11, 2, OM_ESCAPES, "'..'", ""),
	    E(4, 7, 1, OM_SYNTAX, "'devfs' is not 'y'", "") } },
	/* bytes */
	{ "NUL", "title a\0b\n", { E(1, 8, 1, OM_SYNTAX, "control character 0x00", "") } },
	{ "escape", "title a\x1b[2J\nversion 1\n", { E(1, 8, 1, OM_SYNTAX, "0x1b", "") } },
	{ "lone CR", "title a\rb\n", { E(1, 8, 1, OM_SYNTAX, "0x0d", "") } },
	{ "UTF-16", "\xff\xfet\0", { E(1, 1, 0, OM_SYNTAX, "UTF-16", "UTF-8") } },
	/* choices */
	{ "choice", "root-mode rww\n",
	  { E(1, 11, 3, OM_SYNTAX, "expected ro or rw", "did you mean 'rw'?") } },
	{ "choice of three", "keep-ramfs skelton\n",
	  { E(1, 12, 7, OM_SYNTAX, "expected no, skeleton or yes", "did you mean 'skeleton'?") } },
	{ "choice, nothing near", "devfs everywhere\n", { E(1, 7, 10, OM_SYNTAX, "expected no, initrd, root or both", "") } },
	{ "choice in capitals", "devfs BOTH\n", { E(1, 7, 4, OM_SYNTAX, "expected", "'both'") } },
	{ "boolean", "ramdisk-prompt yse\n", { E(1, 16, 3, OM_SYNTAX, "expected yes or no", "'yes'") } },
	{ "linuxrc", "linuxrc atuo\n", { E(1, 9, 4, OM_SYNTAX, "expected auto, no or PATH", "'auto'") } },
	{ "linuxrc empty", "linuxrc \"\"\n", { E(1, 10, 0, OM_SYNTAX, "expected auto", NULL) } },
	{ "root-flags with an open quote", "root-flags a=\"b\n", { E(1, 12, 4, OM_SYNTAX, "quotation mark", NULL) } },
	{ "linuxrc taken literally", "linuxrc PATH\n", { E(1, 9, 4, OM_SYNTAX, "absolute path of linuxrc", NULL) } },
	{ "initrd-attach", "initrd-attach pmen\n", { E(1, 15, 4, OM_SYNTAX, "loop, ramdisk or pmem", "'pmem'") } },
	{ "root-verity: no hash", "root-verity hash=/dev/vdb\n",
	  { E(1, 13, 13, OM_SYNTAX, "40, 64, 96 or 128", "veritysetup") } },
	{ "root-verity: odd", "root-verity 123\n", { E(1, 13, 3, OM_SYNTAX, "40, 64, 96 or 128", "veritysetup") } },
	{ "root-verity: no place", "root-verity " HEX64 "\n",
	  { E(1, 13, 64, OM_MISSING, "where the hash tree is", "hash=SPEC") } },
	{ "root-verity: no sector", "root-verity " HEX64 " offset=100\n",
	  { E(1, 85, 3, OM_SYNTAX, "multiple of 512", "veritysetup") } },
	{ "root-verity: no device", "root-verity " HEX64 " hash=nfs:/x\n",
	  { E(1, 83, 6, OM_TYPE, "on a device or in an image", "PARTLABEL") } },
	{ "root-verity: typo", "root-verity " HEX64 " ofset=512\n",
	  { E(1, 78, 6, OM_SYNTAX, "hash= or offset=", "'offset='") } },
	{ "real-root-dev", "real-root-dev compta\n", { E(1, 15, 6, OM_SYNTAX, "compat or off", "'compat'") } },
	/* seconds */
	{ "no number", "root-wait soon\n", { E(1, 11, 4, OM_SYNTAX, "a number such as 5 or 0.5, or forever", "") } },
	{ "forever misspelt", "root-wait forver\n", { E(1, 11, 6, OM_SYNTAX, "seconds", "'forever'") } },
	{ "unit", "root-delay 5s\n", { E(1, 12, 2, OM_SYNTAX, "in seconds", "") } },
	{ "no forever for root-delay", "root-delay forever\n", { E(1, 12, 7, OM_SYNTAX, "in seconds", "") } },
	{ "negative", "root-delay -1\n", { E(1, 12, 2, OM_SYNTAX, "in seconds", "") } },
	{ "point alone", "root-delay .\n", { E(1, 12, 1, OM_SYNTAX, "in seconds", "") } },
	{ "point at the end", "root-delay 5.\n", { E(1, 12, 2, OM_SYNTAX, "in seconds", "") } },
	{ "too long", "root-wait 4294968\n", { E(1, 11, 7, OM_LIMIT, "4294967 at most", "'forever'") } },
	{ "the value that means forever", "root-delay 4294967.295\n", { E(1, 12, 11, OM_LIMIT, "4294967", "") } },
	{ "very long", "root-wait 99999999999999999999999\n", { E(1, 11, 23, OM_LIMIT, "too many", NULL) } },
	/* paths */
	{ "climbs", "overlay /a/..\n", { E(1, 12, 2, OM_ESCAPES, "may not contain '..'", "") } },
	{ "climbs by backslash", "initrd ..\\x\n", { E(1, 8, 2, OM_ESCAPES, "'..'", "") } },
	{ "blank in a path", "kernel /k quiet\n", { W(1, 8, 8, "has a blank", "options line") } },
	{ "two quoted paths", "kernel \"/a\" \"/b\"\n", { E(1, 14, 2, OM_SYNTAX, "nothing may follow", "") } },
	{ "quote left open", "kernel \"/a b\n", { E(1, 8, 5, OM_SYNTAX, "quotation mark is not closed", NULL) } },
	{ "empty quoted path", "kernel \"\"\n", { E(1, 9, 0, OM_SYNTAX, "expected a path", "") } },
	{ "only a digest", "kernel #sha256=" HEX64 "\n", { E(1, 8, 72, OM_SYNTAX, "expected a path", "") } },
	{ "short digest", "kernel /k#sha256=abc\n",
	  { E(1, 18, 3, OM_SYNTAX, "expected 64 hexadecimal digits after #sha256=, found 3", NULL) } },
	{ "long digest", "kernel /k#sha256=" HEX64 "0\n", { E(1, 18, 65, OM_SYNTAX, "found 65", NULL) } },
	{ "empty digest", "initrd /a /k#sha256=\n", { E(1, 21, 0, OM_SYNTAX, "found 0", NULL) } },
	{ "digest with another letter", "kernel /k#sha256=abcg\n", { E(1, 21, 1, OM_SYNTAX, "64 hex", NULL) } },
	{ "other kind of digest", "kernel /k#sha1=abc\n", { E(1, 10, 9, OM_SYNTAX, "unknown kind of digest", "#sha256=") } },
	{ "digest in the middle", "kernel /k#sha256=00/b\n", { E(1, 20, 1, OM_SYNTAX, "64 hex", NULL) } },
	/* file */
	{ "file without a place", "file /a\n", { E(1, 6, 2, OM_SYNTAX, "place of the file", "file SOURCE DESTINATION") } },
	{ "file to a relative place", "file /a etc/x\n", { E(1, 9, 5, OM_SYNTAX, "absolute path of the file", "'/etc/x'") } },
	{ "file to a directory", "file /a /etc/\n", { E(1, 9, 5, OM_SYNTAX, "names a directory", NULL) } },
	{ "file climbs", "file /a /etc/../x\n", { E(1, 14, 2, OM_ESCAPES, "'..'", "") } },
	{ "file mode", "file /a /b mode=899\n", { E(1, 17, 3, OM_SYNTAX, "octal", "mode=0755") } },
	{ "file mode too large", "file /a /b mode=10000\n", { E(1, 17, 5, OM_SYNTAX, "7777", NULL) } },
	{ "file uid", "file /a /b uid=root\n", { E(1, 16, 4, OM_SYNTAX, "number", "") } },
	{ "file uid that means nobody", "file /a /b gid=4294967295\n", { E(1, 16, 10, OM_SYNTAX, "4294967294", "") } },
	{ "file attribute", "file /a /b mod=0644\n", { E(1, 12, 4, OM_SYNTAX, "'file' has no 'mod='", "'mode='") } },
	{ "file word", "file /a /b c\n", { E(1, 12, 1, OM_SYNTAX, "expected mode=, uid= or gid=", "") } },
	/* root */
	{ "root spec", "root PARTUID=12-34 ro\n", { E(1, 6, 13, OM_SYNTAX, "no root specification", "'PARTUUID=12-34'") } },
	{ "root attribute", "root /dev/vda2 fstyp=ext2 rw\n", { E(1, 16, 6, OM_SYNTAX, "'root' has no 'fstyp='", "'fstype='") } },
	{ "root word", "root /dev/vda2 rww\n", { E(1, 16, 3, OM_SYNTAX, "expected fstype=, flags=, ro or rw", "'rw'") } },
	{ "root fstype list", "root /dev/vda2 fstype=a,,b\n", { E(1, 25, 1, OM_SYNTAX, "name of a file system", NULL) } },
	{ "root fstype character", "root-fstype ext4 ext2\n", { E(1, 17, 1, OM_SYNTAX, "commas", "ext4,ext2") } },
	{ "two mistakes in a root line", "root vda2 rww\n",
	  { E(1, 6, 4, OM_SYNTAX, "no root specification", "'/dev/vda2'"), E(1, 11, 3, OM_SYNTAX, "'rww'", "'rw'") } },
	/* ramdisk */
	{ "ramdisk without a path", "ramdisk index=1\n", { E(1, 9, 7, OM_SYNTAX, "names no image", NULL) } },
	{ "ramdisk index", "ramdisk index=x /a\n", { E(1, 15, 1, OM_SYNTAX, "0 to 249", NULL) } },
	{ "ramdisk index too large", "ramdisk index=250 /a\n", { E(1, 15, 3, OM_SYNTAX, "0 to 249", NULL) } },
	{ "ramdisk start", "ramdisk start=4G /a\n", { E(1, 15, 2, OM_SYNTAX, "KiB", NULL) } },
	{ "ramdisk label without a path", "ramdisk LABEL=a\n",
	  { E(1, 9, 7, OM_SYNTAX, "LABEL=NAME:PATH", "LABEL=DISK2:/root.img") } },
	{ "ramdisk label without a name", "ramdisk LABEL=:/a\n", { E(1, 9, 9, OM_SYNTAX, "LABEL=NAME:PATH", NULL) } },
	{ "ramdisk label and no file", "ramdisk LABEL=a:\n", { E(1, 17, 0, OM_SYNTAX, "expected a path", NULL) } },
	{ "ramdisk label too long", "ramdisk LABEL=0123456789012345678901234567890123456789:/a\n",
	  { E(1, 9, 49, OM_LIMIT, "40 bytes, 36 are allowed", NULL) } },
	{ "ramdisk attribute", "ramdisk indx=1 /a\n", { E(1, 9, 5, OM_SYNTAX, "'ramdisk' has no 'indx='", "'index='") } },
	/* init, module */
	{ "init relative", "init bin/sh\n", { E(1, 6, 6, OM_SYNTAX, "absolute path of init", "'/bin/sh'") } },
	{ "init empty", "init \"\" a\n", { E(1, 7, 0, OM_SYNTAX, "absolute path of init", "") } },
	{ "open quote in an initrd line", "initrd /a \"/b\n", { E(1, 11, 3, OM_SYNTAX, "quotation mark", NULL) } },
	{ "wrong path in a ramdisk line", "ramdisk /a/../b\n", { E(1, 12, 2, OM_ESCAPES, "'..'", "") } },
	{ "unknown key with an equals sign", "quux=5\n", { W(1, 1, 6, "unknown key 'quux=5'", "") } },
	{ "init quote", "init /bin/sh \"-c x\n", { E(1, 14, 5, OM_SYNTAX, "quotation mark", NULL) } },
	{ "module relative", "module a.ko /b.ko\n", { E(1, 8, 4, OM_SYNTAX, "module in the absolute root", "'/a.ko'") } },
};

/* The texts hold NUL bytes: their length is that of the literal, found by the last newline. */
static size_t bad_len(const char *text)
{
	return text[0] == '\xff' ? 4 : strcmp(text, "title a") == 0 ? 10 : strlen(text);
}

static void refused(void **state)
{
	struct entry_kit kit;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct finding *first = bad[i].findings;
		struct om_str text = { bad[i].text, bad_len(bad[i].text) };
		enum om_status status = entry_kit_parse(&kit, text, false);
		enum om_status want = OM_OK;

		for (size_t j = 0; j < FINDINGS_MAX && first[j].text && want == OM_OK; j++)
			want = first[j].warning ? OM_OK : first[j].status;
		test_assert_findings(bad[i].name, &kit.sink, first);
		if (status != want)
			fail_msg("%s: '%s', expected '%s'", bad[i].name, om_status_text(status),
				 om_status_text(want));
		entry_kit_release(&kit);
	}
}

/* A broken entry still has its title and all that was right. */
static void broken_entry_is_kept(void **state)
{
	struct entry_kit kit;

	(void)state;
	assert_int_equal(entry_kit_parse(&kit, OM_STR("root-mode rww\ntitle T\nkernel /k\nroot x!\n"
						      "root /dev/vda1\n"), false), OM_SYNTAX);
	test_assert_str(kit.entry->title.text, "T");
	test_assert_str(kit.entry->root.title, "T");
	test_assert_str(kit.entry->kernel.path.text, "/k");
	assert_int_equal(kit.entry->root.candidate_count, 1);
	assert_int_equal(kit.entry->error_count, 2);
	entry_kit_release(&kit);
}

/* ------------------------------------------------------------------ limits */

/* COUNT lines of LINE with %u: the last is one too many. */
static void check_limit(const char *line, uint32_t max, const char *words)
{
	struct entry_kit kit;
	char *text = calloc(max + 1, 128);
	size_t len = 0;

	assert_non_null(text);
	for (uint32_t i = 0; i < max; i++)
		len += (size_t)snprintf(text + len, 128, line, i);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_OK);
	entry_kit_release(&kit);
	len += (size_t)snprintf(text + len, 128, line, max);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_LIMIT);
	assert_int_equal(kit.sink.count, 1);
	assert_int_equal(kit.sink.diags[0].line, max + 1);
	test_sink_assert_has(&kit.sink, words);
	entry_kit_release(&kit);
	free(text);
}

static void limits(void **state)
{
	(void)state;
	check_limit("overlay /layer%u\n", OM_LAYERS_MAX, "layers");
	check_limit("initrd /i%u\n", OM_LAYERS_MAX, "layers");
	check_limit("file /s /d%u\n", OM_LAYERS_MAX, "layers");
	check_limit("ramdisk /image%u\n", OM_IMAGES_MAX, "ram disks");
	check_limit("root /dev/vda%u\n", OM_CANDIDATES_MAX, "candidates");
	check_limit("module /m%u.ko\n", OM_MODULES_MAX, "modules");
	check_limit("# line %u\n", OM_ENTRY_LINES_MAX, "lines");
}

static void limits_of_words(void **state)
{
	static char text[OM_CMDLINE_MAX + OM_PATH_MAX + 4096];
	struct entry_kit kit;
	size_t len, i;

	(void)state;
	len = (size_t)snprintf(text, sizeof(text), "init /i");
	for (i = 1; i < OM_ARGS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " a");
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_OK);
	assert_int_equal(kit.entry->root.init_count, OM_ARGS_MAX);
	entry_kit_release(&kit);
	len += (size_t)snprintf(text + len, sizeof(text) - len, " b");
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_LIMIT);
	assert_int_equal(kit.entry->root.init_count, 0);
	entry_kit_release(&kit);

	len = (size_t)snprintf(text, sizeof(text), "ramdisk");
	for (i = 0; i < OM_VOLUMES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " /v%zu", i);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_OK);
	assert_int_equal(kit.entry->ramdisks[0].volume_count, OM_VOLUMES_MAX);
	entry_kit_release(&kit);
	len += (size_t)snprintf(text + len, sizeof(text) - len, " /w");
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, len }, false), OM_LIMIT);
	assert_int_equal(kit.entry->ramdisk_count, 0);
	entry_kit_release(&kit);
}

static void limits_of_bytes(void **state)
{
	static char text[OM_ENTRY_BYTES_MAX + 1];
	struct entry_kit kit;

	(void)state;
	memset(text, '\n', sizeof(text));
	memset(text, '#', 70);
	/* long enough for the byte limit, short enough for the line limit */
	memset(text, 'x', sizeof(text));
	text[0] = '#';
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, sizeof(text) - 1 }, false), OM_OK);
	entry_kit_release(&kit);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, sizeof(text) }, false), OM_LIMIT);
	test_sink_assert_has(&kit.sink, "bytes");
	entry_kit_release(&kit);
#ifndef OM_SMALL_LIMITS
	memcpy(text, "kernel /", 8);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 7 + OM_PATH_MAX - 1 }, false), OM_OK);
	entry_kit_release(&kit);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 7 + OM_PATH_MAX }, false), OM_LIMIT);
	entry_kit_release(&kit);
	memcpy(text, "title   ", 8);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 8 + OM_CMDLINE_MAX }, false), OM_OK);
	entry_kit_release(&kit);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 8 + OM_CMDLINE_MAX + 1 }, false), OM_LIMIT);
	entry_kit_release(&kit);
	memcpy(text, "options ", 8);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 8 + OM_CMDLINE_MAX - 1 }, false), OM_OK);
	entry_kit_release(&kit);
	assert_int_equal(entry_kit_parse(&kit, (struct om_str){ text, 8 + OM_CMDLINE_MAX }, false), OM_LIMIT);
	entry_kit_release(&kit);
#endif
}

/* ------------------------------------------------------------------ whatever comes */

static const char everything[] =
	"\xef\xbb\xbf# every key\r\ntitle A \"title\"\nversion 1.2~rc1\nmachine-id ab\nsort-key k\n"
	"architecture x64\nkernel \"/EFI/a b.elf\"#sha256=" HEX64 "\nlinux /l\nefi /e\n"
	"initrd /i \"/j k\"\nramfs /base.cpio\nfile /s \"/etc/a b\" mode=0600 uid=1 gid=2\n"
	"root PARTUUID=0011-02/PARTNROFF=-1 fstype=ext4,ext2 flags=\"a,b\" rw\n"
	"root image:/x.img ro\nroot nfs:h:/d,vers=3\nroot-fstype romfs\nroot-flags x\nroot-mode ro\n"
	"root-wait 1.5\nroot-delay 0.1\nramdisk index=1 start=2 /v1 /v2\nramdisk-prompt yes\n"
	"linuxrc /linuxrc\ninit /sbin/init \"a b\" c\ndevfs root\nkeep-ramfs no\n"
	"real-root-dev off\nmodule /m.ko \"/n o.ko\"\n"
	"initrd-attach pmem\nroot-overlay tmpfs\nroot-verity " HEX64 " hash=8:1 offset=512\n"
	"options root=fe00 rootfstype=ext2 rootflags=\"q r\" ro rw rootwait=5 rootdelay=2\n"
	"options init=/bin/sh rdinit=/rd initrd=/i ramdisk_start=5 load_ramdisk=2 prompt_ramdisk=1\n"
	"options nfsroot=h:/d ip=dhcp quiet \"quoted=a b\" -- x y=\"1 2\" \"z\n";

/* Each prefix, in a block of exactly its size: nothing is read behind the end. */
static void truncations(void **state)
{
	struct om_str all = OM_STR(everything);
	struct entry_kit kit;

	(void)state;
	for (size_t len = 0; len <= all.len; len++) {
		char *text = malloc(len ? len : 1);
		enum om_status status;

		assert_non_null(text);
		memcpy(text, all.ptr, len);
		status = entry_kit_parse(&kit, (struct om_str){ text, len }, len % 2);
		assert_true((status == OM_OK) == (kit.sink.errors == 0));
		assert_memory_equal(text, all.ptr, len);
		entry_kit_release(&kit);
		free(text);
	}
}

static enum om_status parse_everything(const struct om_mem *mem, void *ctx)
{
	struct om_arena arena;
	enum om_status status;

	om_arena_init(&arena, mem);
	status = om_entry_parse(OM_STR(everything), OM_STR("x"), false, &arena, NULL, ctx);
	om_arena_release(&arena);
	return status;
}

static void every_allocation_fails(void **state)
{
	struct om_entry *entry = malloc(sizeof(*entry));

	(void)state;
	assert_non_null(entry);
	assert_true(test_each_allocation_fails(parse_everything, entry) >= 1);
	free(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(specification_keys),
		cmocka_unit_test(global_keys),
		cmocka_unit_test(refused),
		cmocka_unit_test(broken_entry_is_kept),
		cmocka_unit_test(limits),
		cmocka_unit_test(limits_of_words),
		cmocka_unit_test(limits_of_bytes),
		cmocka_unit_test(truncations),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
