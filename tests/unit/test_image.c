/* SPDX-License-Identifier: MIT */
/* The image writer: what is written is read back, lies where it should, and is the same always. */
#include "archive_support.h"

#define BIG_FILES	5

static const size_t big_sizes[BIG_FILES] = { 4096, 4095, 100000, 70001, 4097 };

/* Base: small and large files, links, devices; top: replaces some.  [0] cpio, [1] tar. */
static void make_layers(struct test_source sources[2], bool base)
{
	struct archive archive = { 0 };
	char name[32];

	cpio_put(&archive, &(struct item){ .name = ".", .mode = 040755, .mtime = 5 });
	cpio_put(&archive, &(struct item){ .name = "bin", .mode = 040755, .mtime = 2000000000 });
	for (uint32_t i = 0; i < BIG_FILES; i++) {
		/* names in descending order, so that archive order is not source order */
		snprintf(name, sizeof(name), "bin/big%u", BIG_FILES - i);
		cpio_put_big(&archive, name, big_sizes[i], i);
	}
	cpio_put(&archive, &(struct item){ .name = "bin/sh", .mode = 0120777, .data = "big1" });
	cpio_put(&archive, &(struct item){ .name = "etc/fifo", .mode = 010600 });
	cpio_put_crc(&archive, &(struct item){ .name = "etc/a", .uid = 1000, .gid = 65534,
					       .mtime = 1700000000, .data = "hello, world" });
	cpio_put(&archive, &(struct item){ .name = "h1", .ino = 9, .nlink = 3 });
	cpio_put(&archive, &(struct item){ .name = "h0", .ino = 9, .nlink = 3 });
	cpio_put(&archive, &(struct item){ .name = "etc/h2", .ino = 9, .nlink = 3, .data = "hard" });
	cpio_put(&archive, &(struct item){ .name = "etc/tty", .mode = 020620, .major = 4,
					   .minor = 1048575 });
	cpio_end(&archive);
	test_source_init(&sources[0], &archive, base);
	archive_free(&archive);
	tar_put(&archive, &(struct item){ .name = "etc/b", .data = "from tar" });
	tar_put(&archive, &(struct item){ .name = "etc/.wh.fifo" });
	tar_end(&archive);
	test_source_init(&sources[1], &archive, base);
	archive_free(&archive);
}

static enum om_status make_tree(struct om_tree *tree, const struct om_mem *mem,
				struct test_source sources[2], bool page_align)
{
	struct om_tree_options options = { .source_date_epoch = 1800000000,
					   .page_align = page_align };
	enum om_status status = om_tree_init(tree, mem, &options);

	if (status == OM_OK)
		status = om_tree_add_cpio(tree, "base", &sources[0].source);
	if (status == OM_OK)
		status = om_tree_add_tar(tree, "top", &sources[1].source);
	if (status == OM_OK)
		status = om_tree_finish(tree);
	return status;
}

/* Into memory; *ret_image is malloc()ed and filled with junk before. */
static enum om_status write_image(struct om_tree *tree, struct archive *ret_image)
{
	struct om_image_sink sink = { 0 };
	enum om_status status;
	uint64_t size;

	status = om_image_layout(tree, &size);
	if (status != OM_OK)
		return status;
	ret_image->bytes = malloc(size);
	ret_image->len = ret_image->room = size;
	memset(ret_image->bytes, 0xaa, size);
	sink.base = ret_image->bytes;
	sink.size = size;
	return om_image_write(tree, &sink);
}

static char *text_of_image(const struct archive *image, bool *ret_aligned)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .no_devices = true,
					   .no_manifest = true };
	struct om_archive_reader reader;
	struct test_source source;
	struct om_member member;
	struct om_arena arena;
	struct test_mem mem;
	struct om_tree tree;
	bool more = true;
	char *text;

	test_mem_init(&mem, 0);
	test_source_init(&source, image, false);
	*ret_aligned = true;
	om_arena_init(&arena, &mem.mem);
	assert_int_equal(om_cpio_open(&reader, &source.source, &arena, NULL), OM_OK);
	while (om_cpio_next(&reader, &member, &more) == OM_OK && more)
		if ((member.mode & OM_S_IFMT) == OM_S_IFREG && member.size >= 4096 &&
		    member.data_offset % 4096)
			*ret_aligned = false;
	om_arena_release(&arena);

	assert_int_equal(om_tree_init(&tree, &mem.mem, &options), OM_OK);
	assert_int_equal(om_tree_add_cpio(&tree, "image", &source.source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	text = tree_text(&tree, false);
	om_tree_release(&tree);
	test_source_free(&source);
	test_mem_check(&mem);
	return text;
}

static const char tree_expected[] =
	". d755 0:0\n"
	".overmount d755 0:0\n"
	".overmount/manifest -444 0:0\n"
	"bin d755 0:0\n"
	"bin/big1 -644 0:0 4097 bytes\n"
	"bin/big2 -644 0:0 70001 bytes\n"
	"bin/big3 -644 0:0 100000 bytes\n"
	"bin/big4 -644 0:0 4095 bytes\n"
	"bin/big5 -644 0:0 4096 bytes\n"
	"bin/sh l777 0:0 ->big1\n"
	"dev d755 0:0\n"
	"dev/console c600 0:0 5,1\n"
	"dev/null c666 0:0 1,3\n"
	"etc d755 0:0\n"
	"etc/a -644 1000:65534 =hello, world\n"
	"etc/b -644 0:0 =from tar\n"
	"etc/h2 -644 0:0 =hard *3\n"
	"etc/tty c620 0:0 4,1048575\n"
	"h0 -644 0:0 =hard *3\n"
	"h1 -644 0:0 =hard *3\n";

static void test_round_trip(void **state)
{
	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		struct test_source sources[2];
		struct archive image;
		struct test_mem mem;
		struct om_tree tree;
		bool aligned;
		char *text;

		test_mem_init(&mem, 0);
		make_layers(sources, variant & 1);
		assert_int_equal(make_tree(&tree, &mem.mem, sources, variant & 2), OM_OK);
		text = tree_text(&tree, false);
		assert_text("the tree", text, tree_expected);
		free(text);
		sources[0].went_back = false;
		sources[0].last_offset = 0;
		assert_int_equal(write_image(&tree, &image), OM_OK);
		/* large files are read in the order in which they lie in the source */
		assert_false(sources[0].went_back);
		assert_int_equal(image.len % (variant & 2 ? 4096 : 512), 0);
		text = text_of_image(&image, &aligned);
		assert_text("read back", text, tree_expected);
		assert_true(aligned || !(variant & 2));
		free(text);
		archive_free(&image);
		om_tree_release(&tree);
		test_source_free(&sources[0]);
		test_source_free(&sources[1]);
		test_mem_check(&mem);
	}
}

struct header_case {
	const char *path;
	const char *header;		/* ino mode uid gid nlink mtime size ... check */
};

/* Written out by hand from the description of newc; # = not looked at. */
static const struct header_case header_cases[] = {
	{ ".", "070701" "00000001" "000041ED" "00000000" "00000000" "00000006" "00000005"
	  "00000000" "00000000" "00000000" "00000000" "00000000" "00000002" "00000000" },
	/* later than SOURCE_DATE_EPOCH */
	{ "bin", "070701" "00000004" "000041ED" "00000000" "00000000" "00000002" "6B49D200"
	  "00000000" "00000000" "00000000" "00000000" "00000000" "00000004" "00000000" },
	{ "etc/a", "070701" "0000000F" "000081A4" "000003E8" "0000FFFE" "00000001" "6553F100"
	  "0000000C" "00000000" "00000000" "00000000" "00000000" "00000006" "00000000" },
	{ "etc/h2", "070701" "00000011" "000081A4" "00000000" "00000000" "00000003" "00000000"
	  "00000000" "00000000" "00000000" "00000000" "00000000" "00000007" "00000000" },
	{ "etc/tty", "070701" "00000012" "00002190" "00000000" "00000000" "00000001" "00000000"
	  "00000000" "00000000" "00000000" "00000004" "000FFFFF" "00000008" "00000000" },
	/* newc: the data is with the last name */
	{ "h1", "070701" "00000011" "000081A4" "00000000" "00000000" "00000003" "00000000"
	  "00000004" "00000000" "00000000" "00000000" "00000000" "00000003" "00000000" },
	{ "TRAILER!!!", "070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000"
	  "00000000" "00000000" "00000000" "00000000" "00000000" "0000000B" "00000000" },
};

static const uint8_t *find_header(const struct archive *image, const char *path)
{
	for (size_t at = 0; at + 110 + strlen(path) < image->len; at += 4)
		if (memcmp(image->bytes + at, "070701", 6) == 0 &&
		    strcmp((char *)image->bytes + at + 110, path) == 0)
			return image->bytes + at;
	fail_msg("no header of %s", path);
	return NULL;
}

static void test_headers(void **state)
{
	struct test_source sources[2];
	struct archive image;
	struct test_mem mem;
	struct om_tree tree;

	(void)state;
	test_mem_init(&mem, 0);
	make_layers(sources, true);
	assert_int_equal(make_tree(&tree, &mem.mem, sources, false), OM_OK);
	assert_int_equal(write_image(&tree, &image), OM_OK);
	for (size_t i = 0; i < ARRAY_SIZE(header_cases); i++) {
		const uint8_t *header = find_header(&image, header_cases[i].path);

		if (memcmp(header, header_cases[i].header, 110) != 0)
			fail_msg("%s: %.110s\nexpected %s", header_cases[i].path,
				 (const char *)header, header_cases[i].header);
	}
	om_tree_release(&tree);
	archive_free(&image);
	test_source_free(&sources[0]);
	test_source_free(&sources[1]);
}

/* File data survives to the byte, and the bytes between are zeros. */
static void test_data(void **state)
{
	(void)state;
	for (int align = 0; align < 2; align++) {
		struct test_source sources[2];
		struct archive image;
		struct test_mem mem;
		struct om_tree tree;
		uint8_t expected[100000];
		char name[16];

		test_mem_init(&mem, 0);
		make_layers(sources, false);
		assert_int_equal(make_tree(&tree, &mem.mem, sources, align), OM_OK);
		assert_int_equal(write_image(&tree, &image), OM_OK);
		for (uint32_t i = 0; i < BIG_FILES; i++) {
			const uint8_t *header, *data;
			unsigned name_size;

			snprintf(name, sizeof(name), "bin/big%u", BIG_FILES - i);
			header = find_header(&image, name);
			assert_int_equal(sscanf((char *)header + 94, "%8x", &name_size), 1);
			data = image.bytes + om_align_up((uint64_t)(header - image.bytes) + 110 +
							 name_size, 4);
			for (const uint8_t *p = header + 110 + strlen(name); p < data; p++)
				assert_int_equal(*p, 0);
			fill_pattern(expected, big_sizes[i], i);
			assert_memory_equal(data, expected, big_sizes[i]);
		}
		om_tree_release(&tree);
		archive_free(&image);
		test_source_free(&sources[0]);
		test_source_free(&sources[1]);
	}
}

struct collector {
	struct archive image;
	size_t calls, fail_at;
	uint64_t last_done, total;
};

static enum om_status collect(void *ctx, const void *bytes, size_t len)
{
	struct collector *collector = ctx;

	if (++collector->calls == collector->fail_at)
		return OM_IO;
	archive_put(&collector->image, bytes, len);
	return OM_OK;
}

static void report(void *ctx, uint64_t done, uint64_t total)
{
	struct collector *collector = ctx;

	assert_true(done >= collector->last_done && done <= total);
	collector->last_done = done;
	collector->total = total;
}

/* A stream gets the same bytes; the same layers in another shape give the same bytes. */
static void test_same_bytes(void **state)
{
	struct archive first = { 0 };

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		struct test_source sources[2];
		struct collector collector = { 0 };
		struct om_image_sink sink = { .write = collect, .progress = report,
					      .ctx = &collector };
		struct test_mem mem;
		struct om_tree tree;
		uint64_t size;

		test_mem_init(&mem, 0);
		make_layers(sources, variant & 1);
		assert_int_equal(make_tree(&tree, &mem.mem, sources, true), OM_OK);
		if (variant & 2) {
			assert_int_equal(om_image_layout(&tree, &size), OM_OK);
			assert_int_equal(om_image_write(&tree, &sink), OM_OK);
			assert_int_equal(collector.image.len, size);
			assert_int_equal(collector.last_done, size);
			assert_int_equal(collector.total, size);
		} else {
			assert_int_equal(write_image(&tree, &collector.image), OM_OK);
		}
		if (variant == 0) {
			first = collector.image;
		} else {
			test_assert_bytes(collector.image.bytes, collector.image.len, first.bytes,
					  first.len);
			archive_free(&collector.image);
		}
		om_tree_release(&tree);
		test_source_free(&sources[0]);
		test_source_free(&sources[1]);
		test_mem_check(&mem);
	}
	archive_free(&first);
}

/* Every gap before the data, for short names and for names that leave no room to pad. */
static void test_page_align(void **state)
{
	static const size_t depths[] = { 0, 1, 3, 15 };
	uint8_t data[4096];

	(void)state;
	fill_pattern(data, sizeof(data), 1);
	for (size_t depth = 0; depth < ARRAY_SIZE(depths); depth++) {
		for (uint32_t shift = 0; shift < 4400; shift += 52) {
			struct om_tree_options options = { .source_date_epoch = 0,
							   .page_align = true, .no_devices = true,
							   .no_manifest = true };
			struct test_mem mem;
			struct archive image;
			struct om_tree tree;
			char path[4096] = "", filler[4400];
			const uint8_t *header;
			unsigned name_size;
			bool aligned;
			char *text;

			memset(path, 'd', depths[depth] * 251);
			for (size_t i = 1; i <= depths[depth]; i++)
				path[i * 251 - 1] = '/';
			memcpy(path + depths[depth] * 251, "zzz", 4);
			memset(filler, 'f', sizeof(filler));
			test_mem_init(&mem, 0);
			assert_int_equal(om_tree_init(&tree, &mem.mem, &options), OM_OK);
			assert_int_equal(om_tree_add_bytes(&tree, "aaa", 0644,
				(struct om_span){ (uint8_t *)filler, shift }), OM_OK);
			assert_int_equal(om_tree_add_bytes(&tree, path, 0644,
				(struct om_span){ data, sizeof(data) }), OM_OK);
			assert_int_equal(om_tree_finish(&tree), OM_OK);
			assert_int_equal(write_image(&tree, &image), OM_OK);
			assert_int_equal(image.len % 4096, 0);
			header = find_header(&image, path);
			assert_int_equal(sscanf((char *)header + 94, "%8x", &name_size), 1);
			assert_true(name_size <= 4096);
			text = text_of_image(&image, &aligned);
			assert_true(aligned);
			assert_int_equal((header - image.bytes + 110 + name_size + 3) / 4 * 4 % 4096,
					 0);
			free(text);
			archive_free(&image);
			om_tree_release(&tree);
			test_mem_check(&mem);
		}
	}
}

/* crc archives: the sum is checked where the data is moved. */
static void test_checksum(void **state)
{
	(void)state;
	for (int variant = 0; variant < 8; variant++) {
		struct om_image_sink stream = { .write = collect };
		struct archive archive = { 0 }, image = { 0 };
		struct collector collector = { 0 };
		struct test_source source;
		struct test_mem mem;
		struct om_tree tree;
		enum om_status status;
		char *data = malloc(100001);
		uint64_t size;

		/* large: read by the writer; small: kept when the archive was read */
		memset(data, 'q', 100000);
		data[variant & 1 ? 100000 : 100] = '\0';
		cpio_put_crc(&archive, &(struct item){ .name = "good", .data = data });
		cpio_put_crc(&archive, &(struct item){ .name = "bad", .data = data });
		archive.bytes[archive.len - 9] ^= 1;
		cpio_end(&archive);
		test_source_init(&source, &archive, variant & 2);
		test_mem_init(&mem, 0);
		assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
		assert_int_equal(om_tree_add_cpio(&tree, "crc", &source.source), OM_OK);
		assert_int_equal(om_tree_finish(&tree), OM_OK);
		if (variant & 4) {
			stream.ctx = &collector;
			assert_int_equal(om_image_layout(&tree, &size), OM_OK);
			status = om_image_write(&tree, &stream);
		} else {
			status = write_image(&tree, &image);
		}
		assert_int_equal(status, OM_CHECKSUM);
		assert_non_null(strstr(tree.diag.text, "layer crc: bad: the checksum"));
		om_tree_release(&tree);
		test_mem_check(&mem);
		test_source_free(&source);
		archive_free(&archive);
		archive_free(&image);
		archive_free(&collector.image);
		free(data);
	}
}

static enum om_status build_and_write(const struct om_mem *mem, void *ctx)
{
	struct test_source *sources = ctx;
	struct collector collector = { 0 };
	struct om_image_sink sink = { .write = collect, .ctx = &collector };
	struct archive image = { 0 };
	enum om_status status;
	struct om_tree tree;

	status = make_tree(&tree, mem, sources, true);
	if (status == OM_OK)
		status = write_image(&tree, &image);
	if (status == OM_OK)
		status = om_image_write(&tree, &sink);
	if (status != OM_OK && tree.priv)
		assert_true(tree.diag.text[0] != '\0');
	om_tree_release(&tree);
	archive_free(&image);
	archive_free(&collector.image);
	return status;
}

static void test_failures(void **state)
{
	struct test_source sources[2];

	(void)state;
	make_layers(sources, false);
	assert_true(test_each_allocation_fails(build_and_write, sources) > 2);
	for (int which = 0; which < 2; which++) {
		enum om_status status;
		size_t n = 0;

		do {
			struct test_mem mem;

			test_mem_init(&mem, 0);
			sources[which].calls = 0;
			sources[which].fail_at = ++n;
			status = build_and_write(&mem.mem, sources);
			test_mem_check(&mem);
			assert_true(status == OM_OK || status == OM_IO);
		} while (status == OM_IO);
		assert_true(n > 1);
		sources[which].fail_at = 0;
	}
	test_source_free(&sources[0]);
	test_source_free(&sources[1]);
}

/* The N-th write of a stream fails. */
static void test_write_fails(void **state)
{
	struct test_source sources[2];
	enum om_status status;
	size_t n = 0;

	(void)state;
	make_layers(sources, true);
	do {
		struct collector collector = { .fail_at = ++n };
		struct om_image_sink sink = { .write = collect, .ctx = &collector };
		struct test_mem mem;
		struct om_tree tree;
		uint64_t size;

		test_mem_init(&mem, 0);
		assert_int_equal(make_tree(&tree, &mem.mem, sources, false), OM_OK);
		assert_int_equal(om_image_layout(&tree, &size), OM_OK);
		status = om_image_write(&tree, &sink);
		if (status != OM_OK) {
			assert_int_equal(status, OM_IO);
			assert_non_null(strstr(tree.diag.text, "cannot write the archive"));
		}
		om_tree_release(&tree);
		test_mem_check(&mem);
		archive_free(&collector.image);
	} while (status != OM_OK);
	assert_true(n > 1);
	test_source_free(&sources[0]);
	test_source_free(&sources[1]);
}

static void test_edges(void **state)
{
	struct om_member member = { .path = OM_STR("huge"), .mode = OM_S_IFREG | 0644,
				    .size = (uint64_t)UINT32_MAX + 1 };
	struct om_source source = { .size = UINT64_C(1) << 40 };
	struct om_image_sink sink = { 0 };
	struct test_mem mem;
	struct om_tree tree;
	uint8_t byte[512];
	uint64_t size = 0;

	(void)state;
	test_mem_init(&mem, 0);
	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "big"), OM_OK);
	assert_int_equal(om_tree_add_member(&tree, &member, &source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	assert_int_equal(om_image_layout(&tree, &size), OM_LIMIT);
	assert_int_equal(size, 0);
	assert_non_null(strstr(tree.diag.text, "layer big: huge: 4294967296 bytes"));
	om_tree_release(&tree);

	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "big"), OM_OK);
	member.size = UINT64_C(1) << 41;
	assert_int_equal(om_tree_add_member(&tree, &member, &source), OM_TRUNCATED);
	om_tree_release(&tree);

	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	assert_int_equal(om_image_write(&tree, &sink), OM_MISUSE);
	assert_int_equal(om_image_layout(&tree, &size), OM_OK);
	assert_int_equal(om_image_write(&tree, &sink), OM_MISUSE);
	sink.base = byte;
	sink.size = sizeof(byte);
	assert_true(size > sizeof(byte));
	assert_int_equal(om_image_write(&tree, &sink), OM_TOO_SMALL);
	om_tree_release(&tree);
	test_mem_check(&mem);
}

/* More than the stream's buffer at once: from memory, from a source, from a caller's member. */
static void test_stream_large(void **state)
{
	enum { SIZE = 700001 };
	struct archive archive = { 0 }, image = { 0 };
	struct om_member member = { .path = OM_STR("by/caller"), .mode = OM_S_IFREG | 0644,
				    .size = SIZE, .data_offset = 7 };
	struct test_source base, read;
	struct collector collector = { 0 };
	struct om_image_sink sink = { .write = collect, .ctx = &collector };
	uint8_t *expected = malloc(SIZE);
	struct test_mem mem;
	struct om_tree tree;
	uint64_t size;

	(void)state;
	fill_pattern(expected, SIZE, 9);
	cpio_put_big(&archive, "in/archive", SIZE, 9);
	cpio_end(&archive);
	test_source_init(&read, &archive, false);
	archive.len = 0;
	archive_put(&archive, "before:", 7);
	archive_put(&archive, expected, SIZE);
	test_source_init(&base, &archive, true);
	archive_free(&archive);
	test_mem_init(&mem, 0);
	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_add_cpio(&tree, "one", &read.source), OM_OK);
	assert_int_equal(om_tree_begin_layer(&tree, "two"), OM_OK);
	assert_int_equal(om_tree_add_member(&tree, &member, &base.source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	assert_int_equal(om_image_layout(&tree, &size), OM_OK);
	assert_int_equal(om_image_write(&tree, &sink), OM_OK);
	assert_memory_equal(find_header(&collector.image, "in/archive") + 124, expected, SIZE);
	assert_memory_equal(find_header(&collector.image, "by/caller") + 120, expected, SIZE);
	assert_int_equal(write_image(&tree, &image), OM_OK);
	test_assert_bytes(image.bytes, image.len, collector.image.bytes, collector.image.len);
	/* every write may be the one that fails */
	for (size_t n = 1; n < collector.calls; n++) {
		struct collector failing = { .fail_at = n };

		sink.ctx = &failing;
		assert_int_equal(om_image_write(&tree, &sink), OM_IO);
		archive_free(&failing.image);
	}
	om_tree_release(&tree);
	test_mem_check(&mem);
	test_source_free(&base);
	test_source_free(&read);
	archive_free(&image);
	archive_free(&collector.image);
	free(expected);
}

#ifndef OM_SMALL_LIMITS
/* Large files are passed over and read once, by the writer; indexing costs a little each. */
static void test_large(void **state)
{
	struct archive archive = { 0 }, image = { 0 };
	struct test_source source;
	struct test_mem mem;
	struct om_tree tree;
	uint64_t indexed;
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		cpio_put_big(&archive, name, 3 << 20, i);
	}
	cpio_end(&archive);
	test_source_init(&source, &archive, false);
	archive_free(&archive);
	test_mem_init(&mem, 0);
	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_add_cpio(&tree, "large", &source.source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	indexed = source.read_bytes;
	assert_true(indexed < (1 << 20) + 8 * 8192);
	assert_int_equal(write_image(&tree, &image), OM_OK);
	assert_int_equal(source.read_bytes - indexed, 8 * (3 << 20));
	/* nothing of the data is held */
	assert_true(mem.peak_bytes < 2 << 20);
	om_tree_release(&tree);
	archive_free(&image);
	test_source_free(&source);
	test_mem_check(&mem);
}

/* 10,000 names in one directory and 10,000 in a chain of them; reads in few large steps. */
static void test_many(void **state)
{
	struct archive archive = { 0 }, image = { 0 };
	struct test_source source;
	struct test_mem mem;
	struct om_tree tree;
	char name[64];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "flat/%d", i * 7919 % 10007);
		cpio_put(&archive, &(struct item){ .name = name, .data = name });
		snprintf(name, sizeof(name), "deep/%d/%d/%d", i % 10, i / 10 % 100, i);
		cpio_put(&archive, &(struct item){ .name = name, .data = name });
	}
	cpio_end(&archive);
	test_source_init(&source, &archive, false);
	archive_free(&archive);
	test_mem_init(&mem, 0);
	assert_int_equal(om_tree_init(&tree, &mem.mem, NULL), OM_OK);
	assert_int_equal(om_tree_add_cpio(&tree, "many", &source.source), OM_OK);
	assert_int_equal(om_tree_finish(&tree), OM_OK);
	assert_int_equal(write_image(&tree, &image), OM_OK);
	assert_int_equal(tree.node_count, 20000 + 2 + 10 + 10 * 100 + 5);
	/* nothing read twice but what a window's end cuts */
	assert_true(source.calls <= 8);
	assert_true(source.read_bytes <= source.source.size + 8 * 4096);
	om_tree_release(&tree);
	archive_free(&image);
	test_source_free(&source);
	test_mem_check(&mem);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_page_align),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_stream_large),
#ifndef OM_SMALL_LIMITS
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
