/* SPDX-License-Identifier: MIT */
/* The cpio reader: a good archive, then one thing wrong at a time. */
#include "archive_support.h"

/* Offsets of the fields of a newc header. */
enum { AT_INO = 6, AT_MODE = 14, AT_NLINK = 38, AT_SIZE = 54, AT_NAME_SIZE = 94, AT_NAME = 110 };

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
	status = om_cpio_open(&reader, source, &arena, diag);
	while (status == OM_OK && more) {
		status = om_cpio_next(&reader, &member, &more);
		if (status != OM_OK || !more)
			break;
		size_t len = strlen(text);

		snprintf(text + len, room - len, "%s %o %u:%u %lld %llu@%llu %s%.*s%s%llu\n",
			 member.path.ptr, member.mode, member.uid, member.gid,
			 (long long)member.mtime, (unsigned long long)member.size,
			 (unsigned long long)(member.size ? member.data_offset : 0),
			 member.link.len ? "->" : "", (int)member.link.len,
			 member.link.len ? member.link.ptr : "", member.link_id ? "#" : "",
			 (unsigned long long)member.link_id);
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

static void good_archive(struct archive *archive)
{
	cpio_put(archive, &(struct item){ .name = ".", .mode = 040755, .mtime = 1 });
	cpio_put(archive, &(struct item){ .name = "hello", .mode = 0100640, .uid = 1000, .gid = 100,
					  .mtime = 0x80000001, .data = "hello\n" });
	cpio_put(archive, &(struct item){ .name = "link", .mode = 0120777, .data = "hello" });
	cpio_put(archive, &(struct item){ .name = "a", .ino = 7, .nlink = 2 });
	cpio_put(archive, &(struct item){ .name = "b", .ino = 7, .nlink = 2, .data = "x" });
	cpio_put(archive, &(struct item){ .name = "tty", .mode = 020600, .major = 4, .minor = 64 });
	cpio_end(archive);
}

static const char good_text[] =
	". 40755 0:0 1 0@0 0\n"
	"hello 100640 1000:100 2147483649 6@228 0\n"
	"link 120777 0:0 0 0@0 ->hello0\n"
	"a 100644 0:0 0 0@0 #1\n"
	"b 100644 0:0 0 1@584 #1\n"
	"tty 20600 0:0 0 0@0 0\n";

static void test_good(void **state)
{
	struct archive archive = { 0 };
	struct om_diag diag;
	char text[1024];

	(void)state;
	good_archive(&archive);
	for (int base = 0; base < 2; base++) {
		assert_int_equal(read_archive(&archive, base, &diag, text, sizeof(text)), OM_OK);
		assert_text("good", text, good_text);
	}
	archive_free(&archive);
}

/* Linux reads several archives one after the other, zeros between them. */
static void test_concatenated(void **state)
{
	static const uint8_t zeros[700];
	struct archive archive = { 0 };
	struct om_diag diag;
	char text[1024];

	(void)state;
	archive_put(&archive, zeros, 8);
	cpio_put(&archive, &(struct item){ .name = "a", .ino = 7, .nlink = 2, .data = "1" });
	archive_put(&archive, zeros, 512);
	cpio_put(&archive, &(struct item){ .name = "b", .ino = 7, .nlink = 2 });
	cpio_end(&archive);
	archive_put(&archive, zeros, 700);
	cpio_put(&archive, &(struct item){ .name = "c", .ino = 7, .nlink = 2 });
	cpio_end(&archive);
	archive_put(&archive, zeros, 3);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	/* The same inode after a trailer is another file. */
	assert_text("concatenated", text, "a 100644 0:0 0 1@120 #1\nb 100644 0:0 0 0@0 #1\n"
		    "c 100644 0:0 0 0@0 #2\n");
	archive_free(&archive);
}

static void corrupt(struct archive *archive, size_t at, const char *bytes)
{
	memcpy(archive->bytes + at, bytes, strlen(bytes));
}

struct bad_case {
	const char *name;
	size_t at;			/* in good_archive() */
	const char *bytes;
	size_t cut;			/* bytes taken from the end */
	enum om_status status;
	const char *text;		/* part of the message */
};

#define HELLO 112			/* offset of its header */

static const struct bad_case bad_cases[] = {
	{ "no magic", 0, "170701", 0, OM_SYNTAX, "no cpio header at offset 0" },
	{ "odc", 0, "070707", 0, OM_UNSUPPORTED, "odc" },
	{ "binary", 0, "\xc7\x71", 0, OM_UNSUPPORTED, "binary cpio" },
	{ "binary, other order", 0, "\x71\xc7", 0, OM_UNSUPPORTED, "binary cpio" },
	{ "0x in a number", HELLO + AT_SIZE, "0x000006", 0, OM_SYNTAX, "file size" },
	{ "blank in a number", HELLO + AT_INO, "       7", 0, OM_SYNTAX, "inode" },
	{ "sign in a number", HELLO + AT_NLINK, "+0000001", 0, OM_SYNTAX, "nlink" },
	{ "no type", HELLO + AT_MODE, "000001a4", 0, OM_SYNTAX, "hello: mode 1a4" },
	{ "odd type", HELLO + AT_MODE, "0000f1a4", 0, OM_SYNTAX, "hello: mode f1a4" },
	{ "mode too large", HELLO + AT_MODE, "000181a4", 0, OM_SYNTAX, "mode 181a4" },
	{ "directory with data", HELLO + AT_MODE, "000041ed", 0, OM_SYNTAX, "6 bytes of data" },
	{ "name size 0", HELLO + AT_NAME_SIZE, "00000000", 0, OM_SYNTAX, "name size 0" },
	{ "empty name", HELLO + AT_NAME_SIZE, "00000001", 0, OM_SYNTAX, "name size 1" },
	{ "name too long", HELLO + AT_NAME_SIZE, "00001001", 0, OM_LIMIT, "name size 4097" },
	{ "name past the end", HELLO + AT_NAME_SIZE, "00001000", 0, OM_TRUNCATED,
	  "ends inside a name" },
	{ "name without NUL", HELLO + AT_NAME_SIZE, "00000005", 0, OM_SYNTAX, "NUL" },
	{ "size past the end", HELLO + AT_SIZE, "00001000", 0, OM_TRUNCATED,
	  "hello: 4096 bytes of data" },
	{ "largest size", HELLO + AT_SIZE, "ffffffff", 0, OM_TRUNCATED, "4294967295 bytes" },
	{ "size 1 too large", HELLO + AT_SIZE, "00000009", 0, OM_SYNTAX, "no cpio header" },
	{ "no trailer", 0, "", 124, OM_TRUNCATED, "without TRAILER!!!" },
	{ "half a trailer", 0, "", 60, OM_TRUNCATED, "ends inside a header" },
	{ "magic cut", 0, "", 120, OM_TRUNCATED, "ends inside a header" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *bad = &bad_cases[i];
		struct archive archive = { 0 };
		enum om_status status;
		struct om_diag diag;
		char text[1024];

		good_archive(&archive);
		corrupt(&archive, bad->at, bad->bytes);
		archive.len -= bad->cut;
		for (int base = 0; base < 2; base++) {
			status = read_archive(&archive, base, &diag, text, sizeof(text));
			if (status != bad->status)
				fail_msg("%s: %s, expected %s", bad->name, om_status_text(status),
					 om_status_text(bad->status));
			if (!strstr(diag.text, bad->text))
				fail_msg("%s: '%s', expected '%s'", bad->name, diag.text,
					 bad->text);
			assert_int_equal(diag.status, bad->status);
		}
		archive_free(&archive);
	}
}

/* Cut anywhere: refused, except where only zeros behind the trailer are gone. */
static void test_truncated(void **state)
{
	struct archive archive = { 0 };
	size_t whole;

	(void)state;
	good_archive(&archive);
	whole = archive.len;
	for (archive.len = 0; archive.len < whole; archive.len++) {
		struct om_diag diag;
		char text[1024];
		enum om_status status;

		/* the name of the trailer ends three bytes before its padding does */
		status = read_archive(&archive, false, &diag, text, sizeof(text));
		if (archive.len + 3 >= whole)
			assert_int_equal(status, OM_OK);
		else
			assert_int_equal(status, OM_TRUNCATED);
	}
	archive_free(&archive);
}

struct made_case {
	const char *name;
	struct item item;
	enum om_status status;
	const char *text;
};

static const struct made_case made_cases[] = {
	{ "symlink without text", { .name = "l", .mode = 0120777 }, OM_SYNTAX,
	  "l: a symbolic link without a text" },
	{ "empty name", { .name = "", .data = "x" }, OM_SYNTAX, "name size 1" },
	{ "no file type 7", { .name = "x", .mode = 0070000 }, OM_SYNTAX, "no type of file" },
	{ "device with data", { .name = "x", .mode = 0020600, .data = "1" }, OM_SYNTAX,
	  "no regular file" },
	{ "fifo", { .name = "x", .mode = 0010600 }, OM_OK, "" },
	{ "socket", { .name = "x", .mode = 0140600 }, OM_OK, "" },
};

static void test_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(made_cases); i++) {
		struct archive archive = { 0 };
		enum om_status status;
		struct om_diag diag;
		char text[1024];

		cpio_put(&archive, &made_cases[i].item);
		cpio_end(&archive);
		status = read_archive(&archive, false, &diag, text, sizeof(text));
		if (status != made_cases[i].status || !strstr(diag.text, made_cases[i].text))
			fail_msg("%s: %s, '%s'", made_cases[i].name, om_status_text(status),
				 diag.text);
		archive_free(&archive);
	}
}

static void put_link(struct archive *archive, const char *text, size_t len)
{
	size_t at = archive->len;
	char size[9];

	cpio_put(archive, &(struct item){ .name = "lnk", .mode = 0120777 });
	snprintf(size, sizeof(size), "%08zx", len);
	memcpy(archive->bytes + at + AT_SIZE, size, 8);
	archive_put(archive, text, len);
	archive_pad(archive, 4);
}

/* gen_init_cpio of Linux counts the NUL of a symbolic link as data. */
static void test_links(void **state)
{
	struct archive archive = { 0 };
	static char longest[5000];
	struct om_diag diag;
	char text[8192];

	(void)state;
	put_link(&archive, "to", 3);
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	assert_text("NUL", text, "lnk 120777 0:0 0 0@0 ->to0\n");
	archive_free(&archive);

	put_link(&archive, "t\0o", 3);
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_SYNTAX);
	assert_non_null(strstr(diag.text, "with a NUL"));
	archive_free(&archive);

	memset(longest, 'x', sizeof(longest));
	put_link(&archive, longest, 4095);
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	archive_free(&archive);
	put_link(&archive, longest, 4097);
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_LIMIT);
	archive_free(&archive);
}

/* Many files of two names each: every pair keeps its number. */
static void test_many_links(void **state)
{
	enum { FILES = 300 };
	struct archive archive = { 0 };
	struct archive expected = { 0 };
	static char text[64 * FILES];
	struct om_diag diag;

	(void)state;
	for (uint32_t i = 0; i < 2 * FILES; i++) {
		char name[16], line[64];
		uint32_t number = i % FILES;

		snprintf(name, sizeof(name), "f%u", i);
		cpio_put(&archive, &(struct item){ .name = name, .ino = number * 4096, .nlink = 2 });
		snprintf(line, sizeof(line), "f%u 100644 0:0 0 0@0 #%u\n", i, number + 1);
		archive_put(&expected, line, strlen(line));
	}
	archive_put(&expected, "", 1);
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	assert_text("links", text, (char *)expected.bytes);
	archive_free(&archive);
	archive_free(&expected);
}

static void test_after_trailer(void **state)
{
	struct archive archive = { 0 };
	struct om_diag diag;
	char text[1024];

	(void)state;
	good_archive(&archive);
	archive_put(&archive, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_UNSUPPORTED);
	assert_non_null(strstr(diag.text, "follows the archive"));
	archive_free(&archive);

	good_archive(&archive);
	archive_put(&archive, "\0", 1);
	good_archive(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_SYNTAX);
	assert_non_null(strstr(diag.text, "multiple of 4"));
	archive_free(&archive);

	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_TRUNCATED);
}

/* A padded name is a name; the longest one is PATH_MAX with its NUL. */
static void test_padded_name(void **state)
{
	struct archive archive = { 0 };
	char name[4096], text[8192];
	struct om_diag diag;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[4095] = '\0';
	cpio_put(&archive, &(struct item){ .name = name });
	cpio_end(&archive);
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	assert_int_equal(strcspn(text, " "), 4095);
	/* the same header, the name cut by a NUL */
	archive.bytes[AT_NAME + 3] = '\0';
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_OK);
	assert_text("padded", text, "nnn 100644 0:0 0 0@0 0\n");
	archive.bytes[AT_NAME] = '\0';
	assert_int_equal(read_archive(&archive, false, &diag, text, sizeof(text)), OM_SYNTAX);
	assert_non_null(strstr(diag.text, "name is empty"));
	archive_free(&archive);
}

static enum om_status read_with(const struct om_mem *mem, void *ctx)
{
	struct test_source *source = ctx;
	struct om_diag diag;
	char text[1024];

	return read_all(&source->source, mem, &diag, text, sizeof(text));
}

static void test_failures(void **state)
{
	struct archive archive = { 0 };
	struct test_source source;
	enum om_status status;
	size_t n = 0;

	(void)state;
	good_archive(&archive);
	test_source_init(&source, &archive, false);
	assert_true(test_each_allocation_fails(read_with, &source) >= 1);
	do {
		struct om_diag diag;
		struct test_mem mem;
		char text[1024];

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
		cmocka_unit_test(test_concatenated),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_many_links),
		cmocka_unit_test(test_after_trailer),
		cmocka_unit_test(test_padded_name),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
