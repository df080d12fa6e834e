/* SPDX-License-Identifier: MIT */
/* Kernels by content: what is taken, and by which name everything else is refused. */
#include <overmount/probe.h>

#include "support.h"

#define FILE_MAX 4096u

struct file {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

/* ------------------------------------------------------------------ ELF, made by hand */

#define EHDR 64u
#define PHDR 56u

struct load {
	uint32_t type, flags;
	uint64_t offset, vaddr, file_size, mem_size;
};

#define PT_LOAD 1u
#define X 1u
#define W 2u
#define R 4u

static void make_elf(struct file *file, uint64_t entry, const struct load *loads, size_t count)
{
	uint8_t *b = file->bytes;

	memset(file, 0, sizeof(*file));
	file->len = FILE_MAX;
	memcpy(b, "\x7f" "ELF\2\1\1", 7);
	om_put_le16(b + 16, 2);			/* ET_EXEC */
	om_put_le16(b + 18, 62);		/* EM_X86_64 */
	om_put_le32(b + 20, 1);
	om_put_le64(b + 24, entry);
	om_put_le64(b + 32, EHDR);
	om_put_le16(b + 52, EHDR);
	om_put_le16(b + 54, PHDR);
	om_put_le16(b + 56, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		uint8_t *p = b + EHDR + i * PHDR;

		om_put_le32(p, loads[i].type);
		om_put_le32(p + 4, loads[i].flags);
		om_put_le64(p + 8, loads[i].offset);
		om_put_le64(p + 16, loads[i].vaddr);
		om_put_le64(p + 24, loads[i].vaddr);
		om_put_le64(p + 32, loads[i].file_size);
		om_put_le64(p + 40, loads[i].mem_size);
		om_put_le64(p + 48, 4096);
	}
}

static const struct load good[] = {
	{ PT_LOAD, R | X, 0x400, 0xffffffff80100400u, 0x300, 0x300 },
	{ PT_LOAD, R | W, 0x800, 0xffffffff80102000u, 0x10, 0x2001 },
	{ 4, R, 0, 0, ~0u, 0 },				/* PT_NOTE is not looked at */
	{ PT_LOAD, R, 0, 0xffffffff80000000u, 0, 0 },	/* empty: skipped */
};

/* In a block of exactly LEN bytes. */
static enum om_status parse(const struct file *file, size_t len, struct test_sink *sink,
			    struct om_elf *ret_elf)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum om_status status;

	memcpy(exact, file->bytes, len);
	test_sink_init(sink);
	status = om_elf_parse((struct om_span){ exact, len }, &sink->sink, ret_elf);
	assert_int_equal(sink->errors, status == OM_OK ? 0 : 1);
	free(exact);
	return status;
}

static void test_elf_good(void **state)
{
	static struct file file;
	struct test_sink sink;
	struct om_elf elf;
	enum om_kernel_kind kind = OM_KERNEL_UNKNOWN;

	(void)state;
	make_elf(&file, 0xffffffff801006ffu, good, ARRAY_SIZE(good));
	assert_int_equal(parse(&file, file.len, &sink, &elf), OM_OK);
	assert_int_equal(elf.segment_count, 2);
	assert_true(elf.entry == 0xffffffff801006ffu);
	assert_true(elf.vaddr_low == 0xffffffff80100000u);
	assert_true(elf.vaddr_high == 0xffffffff80105000u);
	assert_true(elf.segments[0].executable && !elf.segments[0].writable);
	assert_true(elf.segments[1].writable && !elf.segments[1].executable);
	assert_true(elf.segments[1].file_offset == 0x800 && elf.segments[1].file_size == 0x10 &&
		    elf.segments[1].mem_size == 0x2001);
	assert_int_equal(om_kernel_probe((struct om_span){ file.bytes, file.len }, NULL, &kind),
			 OM_OK);
	assert_int_equal(kind, OM_KERNEL_ELF64);
}

static void test_elf_truncated(void **state)
{
	static struct file file;
	struct test_sink sink;
	struct om_elf elf;

	(void)state;
	make_elf(&file, 0xffffffff80100400u, good, ARRAY_SIZE(good));
	for (size_t len = 0; len < 0x810; len++) {
		memset(&elf, 0x5a, sizeof(elf));
		if (parse(&file, len, &sink, &elf) == OM_OK)
			fail_msg("accepted with %zu bytes", len);
		assert_int_equal(elf.segment_count, 0x5a5a5a5a);
	}
	assert_int_equal(parse(&file, 0x810, &sink, &elf), OM_OK);
}

struct bad_elf {
	const char *name;
	struct load loads[3];
	size_t count;
	uint64_t entry;
	enum om_status status;
	const char *words;
};

static const struct bad_elf bad_elfs[] = {
	{ "no segments", { { 4, R, 0, 0, 0, 0 } }, 1, 0, OM_MISSING, "no segment" },
	{ "only an empty one", { { PT_LOAD, R | X, 0, 0x1000, 0, 0 } }, 1, 0x1000, OM_MISSING,
	  "no segment" },
	{ "larger in the file", { { PT_LOAD, R | X, 0, 0x1000, 0x11, 0x10 } }, 1, 0x1000, OM_SYNTAX,
	  "only 0x10 in memory" },
	{ "behind the file", { { PT_LOAD, R | X, 0xfff, 0x1000, 2, 2 } }, 1, 0x1000, OM_TRUNCATED,
	  "ends behind the file" },
	{ "offset that wraps", { { PT_LOAD, R | X, UINT64_MAX, 0x1000, 2, 2 } }, 1, 0x1000,
	  OM_TRUNCATED, "ends behind the file" },
	{ "address that wraps", { { PT_LOAD, R | X, 0, UINT64_MAX - 1, 2, 4 } }, 1, 0, OM_SYNTAX,
	  "not in the address space" },
	{ "the last page", { { PT_LOAD, R | X, 0, UINT64_MAX - 0xfff, 2, 0x10 } }, 1, 0, OM_SYNTAX,
	  "not in the address space" },
	{ "not canonical", { { PT_LOAD, R | X, 0, UINT64_C(1) << 47, 2, 2 } }, 1, 0, OM_SYNTAX,
	  "not in the address space" },
	{ "into the hole", { { PT_LOAD, R | X, 0, (UINT64_C(1) << 47) - 1, 2, 2 } }, 1, 0,
	  OM_SYNTAX, "not in the address space" },
	{ "over the hole", { { PT_LOAD, R | X, 0, 0x1000, 2, UINT64_C(0xffffffff80000000) } }, 1, 0,
	  OM_SYNTAX, "not in the address space" },
	{ "overlap by a byte", { { PT_LOAD, R | X, 0, 0x1000, 1, 0x1001 },
				 { PT_LOAD, R, 0, 0x2000, 1, 1 } }, 2, 0x1000, OM_CONFLICT, "overlap" },
	{ "one inside the other", { { PT_LOAD, R, 0, 0x1800, 1, 1 },
				    { PT_LOAD, R | X, 0, 0x1000, 1, 0x1000 } }, 2, 0x1000,
	  OM_CONFLICT, "overlap" },
	{ "entry before", { { PT_LOAD, R | X, 0, 0x1000, 1, 0x10 } }, 1, 0xfff, OM_SYNTAX,
	  "entry point 0xfff" },
	{ "entry behind", { { PT_LOAD, R | X, 0, 0x1000, 1, 0x10 } }, 1, 0x1010, OM_SYNTAX,
	  "entry point" },
	{ "entry in data", { { PT_LOAD, R | W, 0, 0x1000, 1, 0x10 },
			     { PT_LOAD, R | X, 0, 0x2000, 1, 0x10 } }, 2, 0x1000, OM_SYNTAX,
	  "no executable segment" },
	{ "a program", { { 3, R, 0, 0x1000, 1, 1 } }, 1, 0, OM_UNSUPPORTED, "interpreter" },
};

static void test_elf_bad(void **state)
{
	static struct file file;
	struct test_sink sink;
	struct om_elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_elfs); i++) {
		enum om_status status;

		make_elf(&file, bad_elfs[i].entry, bad_elfs[i].loads, bad_elfs[i].count);
		status = parse(&file, file.len, &sink, &elf);
		if (status != bad_elfs[i].status)
			fail_msg("%s: %s", bad_elfs[i].name, om_status_text(status));
		test_sink_assert_has(&sink, bad_elfs[i].words);
	}
}

/* Side by side is fine; one more than the limit is not. */
static void test_elf_many(void **state)
{
	static struct file file;
	struct load loads[OM_ELF_SEGMENTS_MAX + 1];
	struct test_sink sink;
	struct om_elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		loads[i] = (struct load){ PT_LOAD, R | X, 0, 0x10000 - i * 0x10, 1, 0x10 };
	make_elf(&file, 0x10000, loads, OM_ELF_SEGMENTS_MAX);
	assert_int_equal(parse(&file, file.len, &sink, &elf), OM_OK);
	assert_true(elf.vaddr_low == 0xf000 && elf.vaddr_high == 0x11000);
	make_elf(&file, 0x10000, loads, OM_ELF_SEGMENTS_MAX + 1);
	assert_int_equal(parse(&file, file.len, &sink, &elf), OM_LIMIT);
	test_sink_assert_has(&sink, "more than 16 segments");
}

static void test_elf_header(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
		enum om_status status;
		const char *words;
	} cases[] = {
		{ 54, 32, OM_SYNTAX, "program headers of 32 bytes" },
		{ 56, 0, OM_SYNTAX, "0 program headers" },
		{ 56, 0xffff, OM_TRUNCATED, "65535 program headers" },
		{ 38, 0xffff, OM_TRUNCATED, "end behind the file" },
		{ 20, 2, OM_VERSION, "version 2" },
	};
	static struct file file;
	struct test_sink sink;
	struct om_elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_elf(&file, 0xffffffff80100400u, good, ARRAY_SIZE(good));
		om_put_le16(file.bytes + cases[i].at, cases[i].value);
		assert_int_equal(parse(&file, file.len, &sink, &elf), cases[i].status);
		test_sink_assert_has(&sink, cases[i].words);
	}
}

/* ------------------------------------------------------------------ names of refusals */

static void make_pe(struct file *file, uint16_t machine, bool linux_header)
{
	memset(file, 0, sizeof(*file));
	file->len = 2048;
	memcpy(file->bytes, "MZ", 2);
	om_put_le32(file->bytes + 0x3c, 0x80);
	memcpy(file->bytes + 0x80, "PE\0\0", 4);
	om_put_le16(file->bytes + 0x84, machine);
	if (linux_header) {
		om_put_le16(file->bytes + 0x1fe, 0xaa55);
		memcpy(file->bytes + 0x202, "HdrS", 4);
	}
}

static void expect_refused(const struct file *file, const char *words)
{
	struct om_span span = { file->bytes, file->len };
	enum om_kernel_kind kind = (enum om_kernel_kind)77;
	struct test_sink sink;

	test_sink_init(&sink);
	if (om_kernel_probe(span, &sink.sink, &kind) != OM_UNSUPPORTED)
		fail_msg("not refused: %s", words);
	assert_int_equal(kind, 77);
	assert_int_equal(sink.errors, 1);
	test_sink_assert_has(&sink, words);
}

static void test_names_of_elf(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
		const char *words;
	} cases[] = {
		{ 4, 0x0101, "a 32-bit ELF (" },
		{ 5, 0x0102, "a big-endian ELF" },
		{ 18, 183, "an arm64 ELF" },
		{ 18, 243, "a RISC-V ELF" },
		{ 18, 0x1234, "an ELF for machine 4660" },
		{ 16, 1, "object file" },
		{ 16, 3, "position-independent" },
		{ 16, 4, "core dump" },
		{ 16, 0xfe00, "an ELF of type 65024" },
	};
	static struct file file;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_elf(&file, 0xffffffff80100400u, good, ARRAY_SIZE(good));
		om_put_le16(file.bytes + cases[i].at, cases[i].value);
		if (cases[i].at == 4)
			om_put_le16(file.bytes + 18, 3);
		expect_refused(&file, cases[i].words);
	}
	make_elf(&file, 0, good, 1);
	file.len = 63;
	expect_refused(&file, "ends inside its header");
}

static void test_pe(void **state)
{
	static struct file file;
	struct test_sink sink;
	struct om_elf elf;
	enum om_kernel_kind kind;

	(void)state;
	make_pe(&file, 0x8664, true);
	assert_int_equal(om_kernel_probe((struct om_span){ file.bytes, file.len }, NULL, &kind),
			 OM_OK);
	assert_int_equal(kind, OM_KERNEL_LINUX_PE);
	assert_int_equal(parse(&file, file.len, &sink, &elf), OM_UNSUPPORTED);
	test_sink_assert_has(&sink, "a PE with the Linux EFI stub");

	make_pe(&file, 0x8664, false);
	assert_int_equal(om_kernel_probe((struct om_span){ file.bytes, file.len }, NULL, &kind),
			 OM_OK);
	assert_int_equal(kind, OM_KERNEL_PE);
	assert_int_equal(parse(&file, file.len, &sink, &elf), OM_UNSUPPORTED);
	test_sink_assert_has(&sink, "a PE without the Linux EFI stub");

	make_pe(&file, 0xaa64, false);
	expect_refused(&file, "a PE for arm64");
	make_pe(&file, 0x14c, true);
	expect_refused(&file, "a PE with a Linux kernel for 32-bit x86");
	make_pe(&file, 0x1234, false);
	expect_refused(&file, "a PE for machine 0x1234");
	/* where the PE header should be is behind the file */
	make_pe(&file, 0x8664, false);
	om_put_le32(file.bytes + 0x3c, 0xfffffff0);
	expect_refused(&file, "a DOS program");
	make_pe(&file, 0x8664, true);
	memset(file.bytes, 0, 2);
	expect_refused(&file, "a Linux kernel without the EFI stub");
}

static void test_names_of_others(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *words;
	} cases[] = {
		{ "", 0, "an empty file" },
		{ "#!/bin/sh\n", 10, "a text file starting with '#!'" },
		{ "title Debian\n", 13, "a text file;" },
		{ "\0\0\0\0", 4, "nothing but zero bytes" },
		{ "\x1f\x8b\x08\0\0\0\0\0", 8, "a gzip stream" },
		{ "\x28\xb5\x2f\xfd\0\0", 6, "a zstd stream" },
		{ "07070100000001", 14, "a cpio archive" },
		{ "hsqs\0\0", 6, "a squashfs file system" },
		{ "\1\2\3", 3, "something unknown" },
		{ "MZ", 2, "a DOS program" },
	};
	static struct file file;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&file, 0, sizeof(file));
		memcpy(file.bytes, cases[i].bytes, cases[i].len);
		file.len = cases[i].len;
		expect_refused(&file, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_good),
		cmocka_unit_test(test_elf_truncated),
		cmocka_unit_test(test_elf_bad),
		cmocka_unit_test(test_elf_many),
		cmocka_unit_test(test_elf_header),
		cmocka_unit_test(test_names_of_elf),
		cmocka_unit_test(test_pe),
		cmocka_unit_test(test_names_of_others),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
