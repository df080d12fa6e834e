/* SPDX-License-Identifier: MIT */
/*
 * The superblock of a hash tree and the device mapper's line.  Expected values: the example of the
 * kernel's documentation of dm-verity, and what veritysetup makes and says of it.
 */
#include <unistd.h>

#include <overmount/verity.h>

#include "support.h"

/* Of the kernel's admin-guide/device-mapper/verity.rst, with numbers in the place of names. */
#define DOC_HASH "4392712ba01368efdf14b05c76f9e4df0d53664630b5d48632ed17a137f39076"
#define DOC_SALT "1234000000000000000000000000000000000000000000000000000000000000"
#define DOC_LINE "1 8:1 8:2 4096 4096 262144 1 sha256 " DOC_HASH " " DOC_SALT
#define DOC_SECTORS 2097152u

static const struct om_device sda1 = { .name = "sda1", .major = 8, .minor = 1, .size = 1u << 30 };
static const struct om_device sda2 = { .name = "sda2", .major = 8, .minor = 2, .size = 16u << 20 };

struct setting {
	uint8_t bytes[OM_VERITY_SUPERBLOCK_SIZE];
	struct om_verity verity;
	struct om_device data, hash;
	struct test_sink sink;
	struct om_verity_tree tree;
};

static void doc_setting(struct setting *setting)
{
	*setting = (struct setting){ .data = sda1, .hash = sda2,
				     .verity = { .hash_len = 32 } };
	test_from_hex(DOC_HASH, setting->verity.root_hash, 32);
	test_from_hex("7665726974790000 01000000 01000000", setting->bytes, 16);
	test_from_hex("00112233445566778899aabbccddeeff", setting->bytes + 16, 16);
	memcpy(setting->bytes + 32, "sha256", 6);
	test_from_hex("00100000 00100000 0000040000000000 2000", setting->bytes + 64, 18);
	test_from_hex(DOC_SALT, setting->bytes + 88, 32);
	test_sink_init(&setting->sink);
}

/* The superblock lies in a block of its own, so that a read past its end is seen. */
static enum om_status read_setting(struct setting *setting, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum om_status status;

	memcpy(exact, setting->bytes, len);
	status = om_verity_read((struct om_span){ exact, len }, &setting->verity, &setting->data,
				&setting->hash, &setting->sink.sink, &setting->tree);
	free(exact);
	return status;
}

static void line_of(const struct setting *setting, char *buf, size_t size)
{
	assert_true(om_verity_line(&setting->tree, &setting->verity, &setting->data, &setting->hash,
				   buf, size) < OM_VERITY_LINE_MAX);
}

static void the_documented_line(void **state)
{
	char line[OM_VERITY_LINE_MAX], small[40];
	struct setting setting;

	(void)state;
	doc_setting(&setting);
	assert_int_equal(read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE), OM_OK);
	line_of(&setting, line, sizeof(line));
	assert_string_equal(line, DOC_LINE);
	assert_int_equal(setting.tree.size / 512, DOC_SECTORS);
	/* 262144 blocks of 128 hashes a block: 2048 + 16 + 1. */
	assert_int_equal(setting.tree.hash_blocks, 2065);

	line_of(&setting, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
	assert_memory_equal(small, DOC_LINE, sizeof(small) - 1);

	/* No salt is a dash. */
	memset(setting.bytes + 80, 0, 2);
	assert_int_equal(read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE), OM_OK);
	line_of(&setting, line, sizeof(line));
	assert_string_equal(line, "1 8:1 8:2 4096 4096 262144 1 sha256 " DOC_HASH " -");
}

/* ------------------------------------------------------------------ what is refused */

static void short_hash(struct setting *setting)
{
	setting->verity.hash_len = 20;
}

static void small_data(struct setting *setting)
{
	setting->data.size -= 512;
}

/* The tree ends behind block 1 + 2065. */
static void small_hash(struct setting *setting)
{
	setting->hash.size = 2066 * 4096 - 1;
}

static void one_device(struct setting *setting)
{
	setting->hash = setting->data;
	setting->hash.size = setting->data.size *= 2;
	setting->verity.offset = (1u << 30) - 512;
}

static const struct refusal {
	const char *name;
	size_t at;
	const char *bytes;		/* hexadecimal */
	void (*change)(struct setting *setting);
	enum om_status status;
	const char *words;
} refusals[] = {
	{ "magic", 5, "00", NULL, OM_SYNTAX, "no verity superblock at byte 0 of /dev/sda2" },
	{ "longer magic", 7, "31", NULL, OM_SYNTAX, "no verity superblock" },
	{ "version 0", 8, "00", NULL, OM_VERSION, "version 0; this program knows 1" },
	{ "version 2", 8, "02", NULL, OM_VERSION, "version 2;" },
	{ "hash type 2", 12, "02", NULL, OM_VERSION, "hash type 2; this program knows 0 and 1" },
	{ "no algorithm", 32, "00", NULL, OM_SYNTAX, "algorithm is not a word" },
	{ "two words", 34, "20", NULL, OM_SYNTAX, "algorithm is not a word" },
	{ "another algorithm", 32, "736861353132", NULL, OM_CONFLICT,
	  "has 32 bytes, and sha512, which the superblock names, makes 64" },
	{ "another hash", 0, "76", short_hash, OM_CONFLICT, "has 20 bytes, and sha256," },
	{ "data blocks of nothing", 64, "00000000", NULL, OM_SYNTAX, "data blocks of 0 bytes" },
	{ "data blocks of 256", 64, "00010000", NULL, OM_SYNTAX, "data blocks of 256 bytes" },
	{ "data blocks of 3072", 64, "000c0000", NULL, OM_SYNTAX, "data blocks of 3072 bytes" },
	{ "data blocks of 1 MiB", 64, "00001000", NULL, OM_SYNTAX, "data blocks of 1048576 bytes" },
	{ "hash blocks of 4097", 68, "01100000", NULL, OM_SYNTAX, "hash blocks of 4097 bytes" },
	{ "no data", 72, "0000000000000000", NULL, OM_SYNTAX, "0 blocks of data" },
	{ "2^51 blocks", 72, "0000000000000800", NULL, OM_SYNTAX, "2251799813685248 blocks of data" },
	{ "all blocks", 72, "ffffffffffffffff", NULL, OM_SYNTAX, "blocks of data" },
	{ "most blocks", 72, "ffffffffffff0700", NULL, OM_LIMIT, "/dev/sda1 has 1073741824" },
	{ "a long salt", 80, "0101", NULL, OM_SYNTAX, "a salt of 257 bytes" },
	{ "a small disk", 0, "76", small_data, OM_LIMIT,
	  "speaks of 1073741824 bytes of data, and /dev/sda1 has 1073741312" },
	{ "a small tree", 0, "76", small_hash, OM_LIMIT,
	  "ends at byte 8462336, and /dev/sda2 has 8462335" },
	{ "a tree inside the data", 0, "76", one_device, OM_CONFLICT,
	  "reaches to byte 1073741824, and the hash tree of the same device begins at 1073741312" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct setting setting;
		enum om_status status;

		doc_setting(&setting);
		test_from_hex(refusal->bytes, setting.bytes + refusal->at, 32);
		if (refusal->change)
			refusal->change(&setting);
		status = read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE);
		if (status != refusal->status || setting.tree.data_block)
			fail_msg("%s: %s", refusal->name, om_status_text(status));
		test_sink_assert_has(&setting.sink, refusal->words);
	}
}

static void cut_off(void **state)
{
	struct setting setting;

	(void)state;
	for (size_t len = 0; len < OM_VERITY_SUPERBLOCK_SIZE; len++) {
		doc_setting(&setting);
		assert_int_equal(read_setting(&setting, len), OM_TRUNCATED);
	}
}

/* Whatever stands in any byte: refused with a reason, or a line of ten words. */
static void any_byte(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x20, 0x41, 0x7f, 0x80, 0xff };
	char line[OM_VERITY_LINE_MAX];
	struct setting setting;
	size_t accepted = 0;

	(void)state;
	for (size_t at = 0; at < 128; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			size_t words = 1;

			doc_setting(&setting);
			setting.bytes[at] = values[i];
			if (read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE) != OM_OK) {
				assert_int_equal(setting.sink.errors, 1);
				continue;
			}
			accepted++;
			line_of(&setting, line, sizeof(line));
			for (const char *c = line; *c; c++)
				words += *c == ' ';
			assert_int_equal(words, 10);
			assert_true(setting.tree.size <= setting.data.size);
		}
	}
	assert_true(accepted > 256 && accepted < 128 * ARRAY_SIZE(values));
}

/* ------------------------------------------------------------------ what veritysetup makes */

static const struct made {
	const char *options;
	unsigned blocks, block;		/* of data, and the size of one */
	unsigned offset;		/* of the superblock behind the data; 0: in a file of its own */
} made[] = {
	{ "", 1, 4096, 0 },
	{ "", 2, 4096, 0 },
	{ "", 128, 4096, 0 },
	{ "", 129, 4096, 0 },
	{ "--salt=-", 700, 4096, 0 },
	{ "--format=0", 300, 4096, 0 },
	{ "--hash=sha1", 1025, 4096, 0 },
	{ "--hash=sha512 --data-block-size=1024", 4097, 1024, 0 },
	{ "--data-block-size=512 --hash-block-size=512", 600, 512, 0 },
	{ "--hash=sha384 --hash-block-size=1024 --data-block-size=1024", 100, 1024, 102400 },
	{ "", 256, 4096, 1048576 },
	{ "", 256, 4096, 1052160 },
};

static void run_veritysetup(const struct made *one, char *text, size_t size)
{
	char command[512], behind[80] = "hash";
	size_t len;
	FILE *out;

	if (one->offset)
		snprintf(behind, sizeof(behind), "data --hash-offset=%u --data-blocks=%u", one->offset,
			 one->blocks);
	snprintf(command, sizeof(command), "rm -f data hash && truncate -s %u data && "
		 "PATH=$PATH:/usr/sbin:/sbin veritysetup format %s data %s 2>&1",
		 one->blocks * one->block, one->options, behind);
	out = popen(command, "r");
	assert_non_null(out);
	len = fread(text, 1, size - 1, out);
	text[len] = '\0';
	if (pclose(out) != 0)
		fail_msg("%s: %s", command, text);
}

static uint64_t read_file(const char *name, unsigned offset, uint8_t *bytes)
{
	FILE *file = fopen(name, "rb");
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fread(bytes, 1, OM_VERITY_SUPERBLOCK_SIZE, file), OM_VERITY_SUPERBLOCK_SIZE);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	fclose(file);
	return (uint64_t)size;
}

/* "Root hash:      \t3652..." of what veritysetup said. */
static void said(const char *text, const char *name, char *value)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(name), "%1023s", value), 1);
}

/* Every word of the line but the numbers of the devices and the place of the tree. */
static void compare(const struct setting *setting, const char *text)
{
	static const char *const names[] = { "Hash type:", NULL, NULL, "Data block size:",
					     "Hash block size:", "Data blocks:", NULL,
					     "Hash algorithm:", "Root hash:", "Salt:" };
	char line[OM_VERITY_LINE_MAX], value[OM_VERITY_LINE_MAX], *word, *rest = line;

	line_of(setting, line, sizeof(line));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		word = strsep(&rest, " ");
		assert_non_null(word);
		if (!names[i])
			continue;
		said(text, names[i], value);
		assert_string_equal(word, value);
	}
	assert_null(rest);
	said(text, "Hash blocks:", value);
	assert_int_equal(setting->tree.hash_blocks, strtoull(value, NULL, 10));
}

static void made_by_veritysetup(void **state)
{
	char dir[] = "/tmp/test_verity.XXXXXX", text[4096], hash[OM_VERITY_LINE_MAX];
	struct setting setting;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		const struct made *one = &made[i];

		run_veritysetup(one, text, sizeof(text));
		doc_setting(&setting);
		setting.verity.offset = one->offset;
		setting.hash.size = read_file(one->offset ? "data" : "hash", one->offset, setting.bytes);
		said(text, "Root hash:", hash);
		setting.verity.hash_len = (uint32_t)test_from_hex(hash, setting.verity.root_hash,
								  OM_VERITY_HASH_MAX);
		setting.data.size = one->blocks * one->block;
		if (one->offset)
			setting.data = setting.hash;
		if (read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE) != OM_OK) {
			test_sink_print(&setting.sink);
			fail_msg("case %zu: refused", i);
		}
		compare(&setting, text);
		/* The file ends where the tree does, and one byte less is too small. */
		assert_int_equal((setting.tree.first + setting.tree.hash_blocks) *
				 setting.tree.hash_block, setting.hash.size);
		setting.hash.size--;
		assert_int_equal(read_setting(&setting, OM_VERITY_SUPERBLOCK_SIZE), OM_LIMIT);
	}
	unlink("data");
	unlink("hash");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_line),
		cmocka_unit_test(refused),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(any_byte),
		cmocka_unit_test(made_by_veritysetup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
