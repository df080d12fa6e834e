/* SPDX-License-Identifier: MIT */
/* The initrd of a stock Linux in pieces: alignment, zeros, digests, every read and allocation failing. */
#include <overmount/segments.h>

#include "archive_support.h"

#define PIECES	8u
#define JUNK	0xaa

/* sha256sum of "abc": FIPS 180-4, example 1 */
static const uint8_t sha_abc[OM_SHA256_SIZE] = {
	0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
	0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

static void bytes_source(struct test_source *source, const void *bytes, size_t len, bool base)
{
	struct archive archive = { 0 };

	archive_put(&archive, bytes, len);
	test_source_init(source, &archive, base);
	archive_free(&archive);
}

static void test_layout(void **state)
{
	/* sizes, and where the kernel's unpacker looks for the next magic */
	static const uint64_t sizes[PIECES] = { 0, 1, 2, 3, 4, 5, 4096, 7 };
	static const uint64_t offsets[PIECES] = { 0, 0, 4, 8, 12, 16, 24, 4120 };
	struct om_segment segments[PIECES];
	struct om_source sources[PIECES];
	uint64_t size = 0;

	(void)state;
	for (uint32_t i = 0; i < PIECES; i++) {
		sources[i] = (struct om_source){ .size = sizes[i] };
		segments[i] = (struct om_segment){ .source = &sources[i] };
	}
	assert_int_equal(om_segments_layout(segments, PIECES, &size), OM_OK);
	for (uint32_t i = 0; i < PIECES; i++) {
		assert_int_equal(segments[i].offset, offsets[i]);
		assert_int_equal(segments[i].size, sizes[i]);
	}
	assert_int_equal(size, 4128);
	assert_int_equal(om_segments_layout(segments, 0, &size), OM_OK);
	assert_int_equal(size, 0);
	sources[6].size = INT64_MAX;
	assert_int_equal(om_segments_layout(segments, PIECES, &size), OM_LIMIT);
	sources[6].size = UINT64_MAX;
	assert_int_equal(om_segments_layout(segments, PIECES, &size), OM_LIMIT);
}

/* Two layers: small files beside each other, and two that are large. */
static void make_layers(struct test_source sources[2])
{
	struct archive archive = { 0 };
	char name[32];

	for (uint32_t i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "f%02u", 39 - i);
		cpio_put_big(&archive, name, i == 20 ? 30000 : 100 + i, i);
	}
	cpio_put_crc(&archive, &(struct item){ .name = "sum", .data = "checked" });
	cpio_end(&archive);
	test_source_init(&sources[0], &archive, false);
	archive_free(&archive);
	cpio_put(&archive, &(struct item){ .name = ".wh.f01" });
	cpio_put_big(&archive, "f02", 9000, 3);
	cpio_put(&archive, &(struct item){ .name = "etc/x", .data = "x" });
	cpio_end(&archive);
	test_source_init(&sources[1], &archive, false);
	archive_free(&archive);
}

static enum om_status make_tree(struct om_tree *tree, const struct om_mem *mem,
				const struct om_source *a, const struct om_source *b, bool reread)
{
	struct om_tree_options options = { .source_date_epoch = 1, .reread = reread };
	enum om_status status = om_tree_init(tree, mem, &options);

	if (status == OM_OK)
		status = om_tree_add_cpio(tree, "a", a);
	if (status == OM_OK)
		status = om_tree_add_cpio(tree, "b", b);
	if (status == OM_OK)
		status = om_tree_finish(tree);
	return status;
}

/* What the pieces give: "abcde", the tree, "abc" with a digest, the tree's layer a as it is. */
struct kit {
	struct test_source pieces[2], layers[2];
	struct om_verified verified[2];
	uint8_t scratch[64], digests[2][OM_SHA256_SIZE];
	struct om_tree tree;
	bool tree_made;
	struct om_segment segments[4];
	uint8_t *out;
	uint64_t size;
	uint32_t failed;
};

static void kit_init(struct kit *kit)
{
	memset(kit, 0, sizeof(*kit));
	bytes_source(&kit->pieces[0], "abcde", 5, true);
	bytes_source(&kit->pieces[1], "abc", 3, false);
	make_layers(kit->layers);
	for (int i = 0; i < 2; i++) {
		om_sha256(kit->layers[i].bytes, kit->layers[i].source.size, kit->digests[i]);
		om_verified_init(&kit->verified[i], &kit->layers[i].source, kit->digests[i],
				 kit->scratch, sizeof(kit->scratch));
	}
}

static enum om_status kit_write(struct kit *kit, const struct om_mem *mem)
{
	struct om_image_sink sink = { 0 };
	enum om_status status, ended;

	kit->tree_made = true;
	status = make_tree(&kit->tree, mem, &kit->verified[0].source, &kit->verified[1].source, true);
	if (status != OM_OK)
		return status;
	kit->segments[0] = (struct om_segment){ .source = &kit->pieces[0].source };
	kit->segments[1] = (struct om_segment){ .tree = &kit->tree };
	kit->segments[2] = (struct om_segment){ .source = &kit->pieces[1].source, .digest = sha_abc };
	kit->segments[3] = (struct om_segment){ .source = &kit->layers[0].source,
						.digest = kit->digests[0], .whole = true };
	status = om_segments_layout(kit->segments, 4, &kit->size);
	if (status != OM_OK)
		return status;
	kit->out = malloc(kit->size);
	assert_non_null(kit->out);
	memset(kit->out, JUNK, kit->size);
	sink.base = kit->out;
	sink.size = kit->size;
	for (int i = 0; i < 2; i++)
		om_verified_begin(&kit->verified[i]);
	status = om_segments_write(kit->segments, 4, &sink, &kit->failed);
	for (int i = 0; i < 2; i++) {
		ended = om_verified_end(&kit->verified[i]);
		if (status == OM_OK)
			status = ended;
	}
	return status;
}

static void kit_release(struct kit *kit)
{
	if (kit->tree_made)
		om_tree_release(&kit->tree);
	for (int i = 0; i < 2; i++) {
		test_source_free(&kit->pieces[i]);
		test_source_free(&kit->layers[i]);
	}
	free(kit->out);
}

static void test_write(void **state)
{
	struct om_image_sink sink = { 0 };
	struct om_segment *segments;
	struct test_mem mem;
	struct om_tree kept;
	struct kit kit;
	uint8_t *image;
	uint64_t size, at;

	(void)state;
	kit_init(&kit);
	segments = kit.segments;
	test_mem_init(&mem, 0);
	assert_int_equal(kit_write(&kit, &mem.mem), OM_OK);
	assert_memory_equal(kit.out, "abcde\0\0\0", 8);

	/* The same tree, made by a reader that keeps what it saw, written on its own. */
	assert_int_equal(make_tree(&kept, &mem.mem, &kit.layers[0].source, &kit.layers[1].source, false),
			 OM_OK);
	assert_int_equal(om_image_layout(&kept, &size), OM_OK);
	image = malloc(size);
	sink.base = image;
	sink.size = size;
	assert_int_equal(om_image_write(&kept, &sink), OM_OK);
	assert_int_equal(segments[1].size, size);
	test_assert_bytes(kit.out + segments[1].offset, segments[1].size, image, size);
	om_tree_release(&kept);
	free(image);

	assert_memory_equal(kit.out + segments[2].offset, "abc\0", 4);
	test_assert_bytes(kit.out + segments[3].offset, segments[3].size, kit.layers[0].bytes,
			  kit.layers[0].source.size);
	for (at = segments[3].offset + segments[3].size; at < kit.size; at++)
		assert_int_equal(kit.out[at], 0);
	kit_release(&kit);
	test_mem_check(&mem);
}

static struct test_source *source_at(struct kit *kit, int which)
{
	return which < 2 ? &kit->layers[which] : &kit->pieces[1];
}

/* One bit anywhere in a layer, or in a piece, is found. */
static void test_mismatch(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		struct test_source *source;
		struct test_mem mem;
		struct kit kit;
		enum om_status status;

		for (size_t part = 0; part < 8; part++) {
			size_t at;

			kit_init(&kit);
			source = source_at(&kit, which);
			at = (source->source.size - 1) * part / 7;
			source->bytes[at] ^= 0x10;
			test_mem_init(&mem, 0);
			status = kit_write(&kit, &mem.mem);
			/* In a header the archive itself may not be read any more, which is as good. */
			if (status != OM_CHECKSUM && status != OM_SYNTAX && status != OM_LIMIT &&
			    status != OM_TRUNCATED && status != OM_UNSUPPORTED)
				fail_msg("source %d, byte %zu: %s", which, at, om_status_text(status));
			if (which == 2) {
				assert_int_equal(status, OM_CHECKSUM);
				assert_int_equal(kit.failed, 2);
			}
			kit_release(&kit);
			test_mem_check(&mem);
		}
	}
}

/* Data that arrives in the right place, but is not that of the digest: found at the end. */
static void test_changed_digest(void **state)
{
	struct test_mem mem;
	struct kit kit;

	(void)state;
	for (int i = 0; i < 2; i++) {
		kit_init(&kit);
		kit.digests[i][31] ^= 1;
		test_mem_init(&mem, 0);
		assert_int_equal(kit_write(&kit, &mem.mem), OM_CHECKSUM);
		kit_release(&kit);
		test_mem_check(&mem);
	}
}

static void test_reads_fail(void **state)
{
	size_t failed = 0;

	(void)state;
	for (int which = 0; which < 3; which++) {
		for (size_t n = 1;; n++) {
			struct test_mem mem;
			struct kit kit;
			enum om_status status;
			bool reached;

			kit_init(&kit);
			source_at(&kit, which)->fail_at = n;
			test_mem_init(&mem, 0);
			status = kit_write(&kit, &mem.mem);
			reached = source_at(&kit, which)->calls >= n;
			if (reached)
				assert_int_equal(status, OM_IO);
			else
				assert_int_equal(status, OM_OK);
			kit_release(&kit);
			test_mem_check(&mem);
			if (!reached)
				break;
			failed++;
		}
	}
	/* headers, runs of small files, large ones, what lies between, and the pieces */
	assert_true(failed > 10);
}

static enum om_status body(const struct om_mem *mem, void *ctx)
{
	struct kit kit;
	enum om_status status;

	(void)ctx;
	kit_init(&kit);
	status = kit_write(&kit, mem);
	kit_release(&kit);
	return status;
}

static void test_allocations_fail(void **state)
{
	(void)state;
	assert_true(test_each_allocation_fails(body, NULL) > 2);
}

/* Bytes that were hashed are not read again: they might be others. */
static void test_verified_goes_forward(void **state)
{
	struct test_source source;
	struct om_verified verified;
	uint8_t scratch[1], buf[3];

	(void)state;
	bytes_source(&source, "abc", 3, false);
	om_verified_init(&verified, &source.source, sha_abc, scratch, sizeof(scratch));
	assert_int_equal(verified.source.read_at(verified.source.ctx, 0, buf, 3), OM_OK);
	om_verified_begin(&verified);
	assert_int_equal(verified.source.read_at(verified.source.ctx, 1, buf, 1), OM_OK);
	assert_int_equal(buf[0], 'b');
	assert_int_equal(verified.source.read_at(verified.source.ctx, 1, buf, 1), OM_MISUSE);
	assert_int_equal(om_verified_end(&verified), OM_OK);
	source.bytes[2] = 'd';
	om_verified_begin(&verified);
	assert_int_equal(om_verified_end(&verified), OM_CHECKSUM);
	test_source_free(&source);
}

static void test_no_room(void **state)
{
	struct om_image_sink sink = { 0 };
	struct test_source source;
	struct om_segment segment;
	uint8_t out[3];
	uint64_t size;
	uint32_t at;

	(void)state;
	bytes_source(&source, "abc", 3, false);
	segment = (struct om_segment){ .source = &source.source };
	assert_int_equal(om_segments_layout(&segment, 1, &size), OM_OK);
	assert_int_equal(size, 4);
	sink.base = out;
	sink.size = sizeof(out);
	assert_int_equal(om_segments_write(&segment, 1, &sink, &at), OM_TOO_SMALL);
	test_source_free(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_changed_digest),
		cmocka_unit_test(test_reads_fail),
		cmocka_unit_test(test_allocations_fail),
		cmocka_unit_test(test_verified_goes_forward),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
