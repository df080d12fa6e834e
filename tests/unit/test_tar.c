/* SPDX-License-Identifier: MIT */
/* The tar reader: ustar, pax and GNU's extensions, then one thing wrong at a time. */
#include "archive_support.h"

static enum om_status read_all(const struct om_source *source, const struct om_mem *mem,
			       struct om_diag *diag, char *text, size_t room)
{
	struct om_archive_reader reader;
	struct om_member member;
	struct om_arena arena;
	enum om_status status;
	bool more = true;

	text[0] = '\0';
	om_arena_init(&arena, mem);
	status = om_tar_open(&reader, source, &arena, diag);
	while (status == OM_OK && more) {
		size_t len = strlen(text);

		status = om_tar_next(&reader, &member, &more);
		if (status != OM_OK || !more)
			break;
		snprintf(text + len, room - len, "%.*s %o %u:%u %lld %llu@%llu%s%.*s\n",
			 (int)member.path.len, member.path.ptr, member.mode, member.uid, member.gid,
			 (long long)member.mtime, (unsigned long long)member.size,
			 (unsigned long long)(member.size ? member.data_offset : 0),
			 member.hard_link ? "==" : member.link.len ? "->" : "",
			 (int)member.link.len, member.link.ptr);
		len = strlen(text);
		if (member.rdev_major || member.rdev_minor)
			snprintf(text + len - 1, room - len + 1, " %u,%u\n", member.rdev_major,
				 member.rdev_minor);
	}
	om_arena_release(&arena);
	return status;
}

static enum om_status read_archive(const struct archive *archive, bool base, struct om_diag *diag,
				   char *text, size_t room)
{
	struct test_source source;
	struct test_mem mem;
	enum om_status status;

	memset(diag, 0, sizeof(*diag));
	test_mem_init(&mem, 0);
	test_source_init(&source, archive, base);
	status = read_all(&source.source, &mem.mem, diag, text, room);
	test_source_free(&source);
	test_mem_check(&mem);
	return status;
}

/* Read ARCHIVE both ways, compare and free it. */
static void expect(const char *name, struct archive *archive, enum om_status expected,
		   const char *expected_text)
{
	static char text[20000];
	struct om_diag diag;

	for (int base = 0; base < 2; base++) {
		enum om_status status = read_archive(archive, base, &diag, text, sizeof(text));

		if (status != expected)
			fail_msg("%s: %s '%s', expected %s", name, om_status_text(status),
				 diag.text, om_status_text(expected));
		if (status == OM_OK)
			assert_text(name, text, expected_text);
		else if (!strstr(diag.text, expected_text))
			fail_msg("%s: '%s', expected '%s'", name, diag.text, expected_text);
	}
	archive_free(archive);
}

static void good_archive(struct archive *archive)
{
	tar_put(archive, &(struct item){ .name = "./", .mode = 040755, .mtime = 1 });
	tar_put(archive, &(struct item){ .name = "./hello", .mode = 0100640, .uid = 1000,
					 .gid = 100, .mtime = 1700000000, .data = "hello\n" });
	tar_put(archive, &(struct item){ .name = "link", .mode = 0120777, .link = "hello" });
	tar_put(archive, &(struct item){ .name = "hard", .type = '1', .link = "./hello" });
	tar_put(archive, &(struct item){ .name = "tty", .mode = 020600, .major = 4, .minor = 64 });
	tar_put(archive, &(struct item){ .name = "vda", .mode = 060660, .major = 254,
					 .minor = 16 });
	tar_put(archive, &(struct item){ .name = "pipe", .mode = 010644 });
	tar_put(archive, &(struct item){ .name = "old/", .type = '0', .mode = 0755 });
	tar_put(archive, &(struct item){ .name = "cont", .type = '7', .data = "c" });
	tar_end(archive);
}

static const char good_text[] =
	"./ 40755 0:0 1 0@0\n"
	"./hello 100640 1000:100 1700000000 6@1024\n"
	"link 120777 0:0 0 0@0->hello\n"
	"hard 100644 0:0 0 0@0==./hello\n"
	"tty 20600 0:0 0 0@0 4,64\n"
	"vda 60660 0:0 0 0@0 254,16\n"
	"pipe 10644 0:0 0 0@0\n"
	"old/ 40755 0:0 0 0@0\n"
	"cont 100644 0:0 0 1@5120\n";

static void test_good(void **state)
{
	struct archive archive = { 0 };

	(void)state;
	good_archive(&archive);
	expect("good", &archive, OM_OK, good_text);
	good_archive(&archive);
	archive_pad(&archive, 10240);
	expect("padded", &archive, OM_OK, good_text);
	/* one zero block at the very end is enough for GNU tar too */
	good_archive(&archive);
	archive.len -= 512;
	expect("one zero block", &archive, OM_OK, good_text);
}

/* Prefix and name are joined with a slash; GNU's header has times where the prefix is. */
static void test_prefix(void **state)
{
	struct archive archive = { 0 };
	char p[156], n[101], full[400];

	(void)state;
	tar_put(&archive, &(struct item){ .name = "name" });
	memcpy(archive.bytes + 345, "pre/fix", 7);
	tar_fix_checksum(archive.bytes);
	tar_end(&archive);
	expect("ustar", &archive, OM_OK, "pre/fix/name 100644 0:0 0 0@0\n");
	tar_put(&archive, &(struct item){ .name = "name" });
	memcpy(archive.bytes + 257, "ustar  ", 8);
	memcpy(archive.bytes + 345, "14520521527", 11);
	tar_fix_checksum(archive.bytes);
	tar_end(&archive);
	expect("GNU", &archive, OM_OK, "name 100644 0:0 0 0@0\n");
	/* before ustar there was no magic */
	tar_put(&archive, &(struct item){ .name = "name" });
	memset(archive.bytes + 257, 0, 255);
	tar_fix_checksum(archive.bytes);
	tar_end(&archive);
	expect("v7", &archive, OM_OK, "name 100644 0:0 0 0@0\n");
	/* a field without a NUL */
	tar_put(&archive, &(struct item){ .name = "" });
	memset(archive.bytes, 'n', 100);
	memset(archive.bytes + 345, 'p', 155);
	tar_fix_checksum(archive.bytes);
	tar_end(&archive);
	memset(p, 'p', sizeof(p));
	memset(n, 'n', sizeof(n));
	snprintf(full, sizeof(full), "%.155s/%.100s 100644 0:0 0 0@0\n", p, n);
	expect("full fields", &archive, OM_OK, full);
}

struct number_case {
	const char *name;
	size_t at;
	const char bytes[13];
	size_t len;
	enum om_status status;
	const char *text;
};

static const struct number_case number_cases[] = {
	{ "blanks before", 108, "    12 ", 8, OM_OK, "f 100644 10:0 0 0@0\n" },
	{ "no end", 108, "00000012", 8, OM_OK, "f 100644 10:0 0 0@0\n" },
	{ "empty", 108, "", 8, OM_OK, "f 100644 0:0 0 0@0\n" },
	{ "largest octal time", 136, "777777777777", 12, OM_OK, "f 100644 0:0 68719476735 0@0\n" },
	{ "base-256 uid", 108, "\x80\0\0\0\xff\xff\xff\xfe", 8, OM_OK,
	  "f 100644 4294967294:0 0 0@0\n" },
	{ "uid of 33 bits", 108, "\x80\0\0\1\0\0\0\0", 8, OM_LIMIT, "f: an owner" },
	{ "time before 1970", 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, OM_OK,
	  "f 100644 0:0 -1 0@0\n" },
	{ "base-256 time", 136, "\x80\0\0\0\0\0\0\1\0\0\0\0", 12, OM_OK,
	  "f 100644 0:0 4294967296 0@0\n" },
	{ "negative uid", 108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, OM_SYNTAX, "uid" },
	{ "digit 8", 108, "0000008", 8, OM_SYNTAX, "uid is neither" },
	{ "hex", 100, "0x1ff", 8, OM_SYNTAX, "mode is neither" },
	{ "minus", 116, "-000001", 8, OM_SYNTAX, "gid is neither" },
	{ "two numbers", 116, "1 1", 8, OM_SYNTAX, "gid is neither" },
	{ "odd first byte", 124, "\x90\0\0\0\0\0\0\0\0\0\0\0", 12, OM_SYNTAX, "size is neither" },
	{ "too large for 63 bits", 124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12, OM_SYNTAX,
	  "size is neither" },
	{ "size past the end", 124, "00000010000", 12, OM_TRUNCATED, "f: the archive ends inside" },
	{ "largest size", 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12, OM_TRUNCATED,
	  "f: the archive ends inside" },
	{ "type", 156, "Q", 1, OM_UNSUPPORTED, "f: an unknown type" },
	{ "sparse", 156, "S", 1, OM_UNSUPPORTED, "f: a sparse file" },
	{ "multi-volume", 156, "M", 1, OM_UNSUPPORTED, "f: the rest of a file" },
	{ "dump", 156, "D", 1, OM_UNSUPPORTED, "f: a directory of an incremental dump" },
	{ "link without target", 156, "2", 1, OM_SYNTAX, "f: a link that leads nowhere" },
	{ "hard link without target", 156, "1", 1, OM_SYNTAX, "f: a link that leads nowhere" },
	{ "no name", 0, "\0", 1, OM_SYNTAX, "the name is empty" },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(number_cases); i++) {
		const struct number_case *test = &number_cases[i];
		struct archive archive = { 0 };

		tar_put(&archive, &(struct item){ .name = "f" });
		memcpy(archive.bytes + test->at, test->bytes, test->len);
		tar_fix_checksum(archive.bytes);
		tar_end(&archive);
		expect(test->name, &archive, test->status, test->text);
	}
}

#define LONG "a-name-of-more-than-a-hundred-bytes/a-name-of-more-than-a-hundred-bytes/" \
	     "a-name-of-more-than-a-hundred-bytes/x"

struct pax_case {
	const char *name;
	const char *global;
	const char *local;
	enum om_status status;
	const char *text;		/* of a file "f" with 3 bytes, then one "g" */
};

#define G "g 100644 0:0 0 0@0\n"

static const struct pax_case pax_cases[] = {
	{ "path", 0, "119 path=" LONG "\n", OM_OK, LONG " 100644 0:0 0 3@1536\n" G },
	{ "mtime", 0, "30 mtime=1350244992.023960108\n", OM_OK,
	  "f 100644 0:0 1350244992 3@1536\n" G },
	{ "negative mtime", 0, "14 mtime=-1.5\n", OM_OK, "f 100644 0:0 -2 3@1536\n" G },
	{ "owner", 0, "18 uid=4294967295\n8 gid=7\n", OM_OK,
	  "f 100644 4294967295:7 0 3@1536\n" G },
	{ "owner too large", 0, "18 uid=4294967296\n", OM_LIMIT, "f: an owner" },
	{ "size", 0, "9 size=2\n", OM_OK, "f 100644 0:0 0 2@1536\n" G },
	{ "later record wins", 0, "9 path=a\n9 path=b\n", OM_OK, "b 100644 0:0 0 3@1536\n" G },
	{ "unknown key", 0, "15 comment=abc\n29 SCHILY.xattr.user.x=a\nb\0c\n", OM_OK,
	  "f 100644 0:0 0 3@1536\n" G },
	{ "global uid", "9 uid=42\n", 0, OM_OK, "f 100644 42:0 0 3@1536\ng 100644 42:0 0 0@0\n" },
	{ "local over global", "9 uid=42\n", "9 uid=43\n", OM_OK,
	  "f 100644 43:0 0 3@2560\ng 100644 42:0 0 0@0\n" },
	{ "no length", 0, "path=a\n", OM_SYNTAX, "broken record" },
	{ "length too large", 0, "12 path=a\n", OM_SYNTAX, "broken record" },
	{ "length too small", 0, "8 path=a\n", OM_SYNTAX, "broken record" },
	{ "length 0", 0, "0 path=a\n", OM_SYNTAX, "broken record" },
	{ "length 3", 0, "3 \n", OM_SYNTAX, "broken record" },
	{ "huge length", 0, "99999999999999999999999 path=a\n", OM_SYNTAX, "broken record" },
	{ "no equals sign", 0, "9 path-a\n", OM_SYNTAX, "broken record" },
	{ "no key", 0, "6 =ab\n", OM_SYNTAX, "broken record" },
	{ "no newline", 0, "10 path=ab", OM_SYNTAX, "broken record" },
	{ "second record broken", 0, "9 path=a\nx", OM_SYNTAX, "path is followed by a broken" },
	{ "size no number", 0, "11 size=0x\n", OM_SYNTAX, "size is no decimal number" },
	{ "size negative", 0, "11 size=-1\n", OM_SYNTAX, "size is no decimal number" },
	{ "size of 65 bits", 0, "29 size=18446744073709551616\n", OM_SYNTAX, "size is no decimal" },
	{ "size past the end", 0, "28 size=9223372036854775807\n", OM_TRUNCATED, "ends inside" },
	{ "mtime no time", 0, "14 mtime=12:3\n", OM_SYNTAX, "mtime is no time" },
	{ "GNU sparse 1.0", 0, "22 GNU.sparse.major=1\n", OM_UNSUPPORTED, "GNU.sparse.major marks" },
	{ "GNU multi-volume", 0, "29 GNU.volume.filename=abcde\n", OM_UNSUPPORTED, "volume" },
};

static void test_pax(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pax_cases); i++) {
		const struct pax_case *test = &pax_cases[i];
		struct archive archive = { 0 };
		size_t len = test->local ? strlen(test->local) : 0;

		if (test->local && strstr(test->local, "xattr"))
			len += 3;		/* "\0c\n" */
		if (test->global)
			tar_put_extension(&archive, 'g', test->global, strlen(test->global));
		if (test->local)
			tar_put_extension(&archive, 'x', test->local, len);
		tar_put(&archive, &(struct item){ .name = "f", .data = "abc" });
		tar_put(&archive, &(struct item){ .name = "g" });
		tar_end(&archive);
		expect(test->name, &archive, test->status, test->text);
	}
}

/* An empty value takes back what the global header said; a NUL in a path does not pass. */
static void test_pax_values(void **state)
{
	static char path[5200];
	struct archive archive = { 0 };
	int len;

	(void)state;
	tar_put_extension(&archive, 'g', "14 path=abcde\n", 14);
	tar_put_extension(&archive, 'g', "8 path=\n", 8);
	tar_put(&archive, &(struct item){ .name = "f" });
	tar_end(&archive);
	expect("empty value", &archive, OM_OK, "f 100644 0:0 0 0@0\n");

	tar_put_extension(&archive, 'x', "12 path=a\0b\n", 12);
	tar_put(&archive, &(struct item){ .name = "f" });
	tar_end(&archive);
	expect("NUL", &archive, OM_SYNTAX, "path has a NUL");

	tar_put_extension(&archive, 'x', "16 linkpath=abc\n", 16);
	tar_put(&archive, &(struct item){ .name = "f", .mode = 0120777, .link = "x" });
	tar_end(&archive);
	expect("linkpath", &archive, OM_OK, "f 120777 0:0 0 0@0->abc\n");

	len = snprintf(path, sizeof(path), "%d path=%05000d\n", 11 + 5000, 0);
	assert_int_equal(len, 5011);
	tar_put_extension(&archive, 'x', path, (size_t)len);
	tar_put(&archive, &(struct item){ .name = "f" });
	tar_end(&archive);
	expect("too long", &archive, OM_LIMIT, "path is longer than 4095");

	tar_put_extension(&archive, 'x', "9 path=a\n", 9);
	tar_end(&archive);
	expect("no member", &archive, OM_SYNTAX, "an extended header without a member");
}

static void test_gnu_names(void **state)
{
	static char name[OM_PATH_MAX + 2];
	struct archive archive = { 0 };

	(void)state;
	tar_put_extension(&archive, 'L', LONG, sizeof(LONG));
	tar_put(&archive, &(struct item){ .name = "cut" });
	tar_put_extension(&archive, 'K', LONG, sizeof(LONG));
	tar_put(&archive, &(struct item){ .name = "l", .mode = 0120777, .link = "cut" });
	tar_put(&archive, &(struct item){ .name = "g" });
	tar_end(&archive);
	expect("L and K", &archive, OM_OK,
	       LONG " 100644 0:0 0 0@0\nl 120777 0:0 0 0@0->" LONG "\n" G);

	tar_put_extension(&archive, 'L', LONG, sizeof(LONG) - 1);
	tar_put(&archive, &(struct item){ .name = "cut" });
	tar_end(&archive);
	expect("no NUL", &archive, OM_SYNTAX, "does not end with a NUL");

	tar_put_extension(&archive, 'L', "", 1);
	tar_put(&archive, &(struct item){ .name = "cut" });
	tar_end(&archive);
	expect("empty", &archive, OM_SYNTAX, "long name that is empty");

	memset(name, 'n', sizeof(name));
	tar_put_extension(&archive, 'L', name, OM_PATH_MAX + 1);
	tar_put(&archive, &(struct item){ .name = "cut" });
	tar_end(&archive);
	expect("too long", &archive, OM_LIMIT, "extended data is too long");

	tar_put(&archive, &(struct item){ .name = "label", .type = 'V' });
	tar_put(&archive, &(struct item){ .name = "g" });
	tar_end(&archive);
	expect("label", &archive, OM_OK, G);
}

/* GNU tar gives a hard link size 0, POSIX a directory any size: neither has data. */
static void test_sizes_without_data(void **state)
{
	struct archive archive = { 0 };

	(void)state;
	tar_put(&archive, &(struct item){ .name = "d", .mode = 040755 });
	memcpy(archive.bytes + 124, "00000000777", 12);
	tar_fix_checksum(archive.bytes);
	tar_put(&archive, &(struct item){ .name = "h", .type = '1', .link = "g" });
	memcpy(archive.bytes + 512 + 124, "00000000777", 12);
	tar_fix_checksum(archive.bytes + 512);
	tar_end(&archive);
	expect("directory, hard link", &archive, OM_OK,
	       "d 40755 0:0 0 0@0\nh 100644 0:0 0 0@0==g\n");
	tar_put(&archive, &(struct item){ .name = "p", .mode = 010644, .data = "x" });
	tar_end(&archive);
	expect("fifo", &archive, OM_SYNTAX, "p: data, but it is no regular file");
}

static void test_ends(void **state)
{
	struct archive archive = { 0 };

	(void)state;
	expect("nothing", &archive, OM_TRUNCATED, "ends at offset 0");
	archive_put(&archive, "PK\3\4", 4);
	archive_pad(&archive, 512);
	expect("no tar", &archive, OM_SYNTAX, "no tar header");
	good_archive(&archive);
	archive.bytes[512 + 3] ^= 1;
	expect("checksum", &archive, OM_CHECKSUM, "offset 512: its checksum");
	good_archive(&archive);
	archive.len -= 1024;
	expect("no end", &archive, OM_TRUNCATED, "without two zero blocks");
	good_archive(&archive);
	archive.len -= 1024 + 512 + 100;
	expect("half a header", &archive, OM_TRUNCATED, "ends inside a header");
	good_archive(&archive);
	archive.len = 1024 + 3;
	expect("half of its data", &archive, OM_TRUNCATED, "./hello: the archive ends inside");
	good_archive(&archive);
	good_archive(&archive);
	expect("two archives", &archive, OM_SYNTAX, "two archives in one file");
}

/* The sum of signed bytes, as some old tars made it. */
static void test_signed_checksum(void **state)
{
	struct archive archive = { 0 };
	int sum = 0;

	(void)state;
	tar_put(&archive, &(struct item){ .name = "\xe4" });
	memset(archive.bytes + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (int8_t)archive.bytes[i];
	snprintf((char *)archive.bytes + 148, 8, "%06o", (unsigned)sum);
	tar_end(&archive);
	expect("signed", &archive, OM_OK, "\xe4 100644 0:0 0 0@0\n");
}

static enum om_status read_with(const struct om_mem *mem, void *ctx)
{
	struct test_source *source = ctx;
	struct om_diag diag;
	char text[4096];

	return read_all(&source->source, mem, &diag, text, sizeof(text));
}

static void test_failures(void **state)
{
	struct archive archive = { 0 };
	struct test_source source;
	enum om_status status;
	size_t n = 0;

	(void)state;
	tar_put_extension(&archive, 'x', "9 path=a\n", 9);
	good_archive(&archive);
	test_source_init(&source, &archive, false);
	assert_true(test_each_allocation_fails(read_with, &source) >= 1);
	do {
		struct om_diag diag;
		struct test_mem mem;
		char text[4096];

		test_mem_init(&mem, 0);
		source.calls = 0;
		source.fail_at = ++n;
		status = read_all(&source.source, &mem.mem, &diag, text, sizeof(text));
		test_mem_check(&mem);
		if (status != OM_OK) {
			assert_int_equal(status, OM_IO);
			assert_non_null(strstr(diag.text, "cannot read"));
		}
	} while (status != OM_OK);
	assert_true(n > 1);
	test_source_free(&source);
	archive_free(&archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_pax),
		cmocka_unit_test(test_pax_values),
		cmocka_unit_test(test_gnu_names),
		cmocka_unit_test(test_sizes_without_data),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_signed_checksum),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
