/* SPDX-License-Identifier: MIT */
/* Whole images and single blocks, compressed by the usual tools. */
#include "flip_support.h"

#include "decompress.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Half of it compresses well, half does not; more than a block of any format but lz4 -l. */
#define PLAIN_BYTES 700416u

static const struct kind {
	const char *command;
	enum om_image_kind kind;
	bool checked;		/* the format has a checksum over the data */
	bool hungry;		/* needs megabytes of memory, which the host fills: fewer tries */
} kinds[] = {
	{ "gzip -n", OM_IMAGE_GZIP, true, false },
	{ "bzip2", OM_IMAGE_BZIP2, true, false },
	{ "xz --check=crc32", OM_IMAGE_XZ, true, false },
	{ "xz", OM_IMAGE_XZ, true, true },
	{ "lzma", OM_IMAGE_LZMA, false, false },
	{ "zstd -q", OM_IMAGE_ZSTD, true, false },
	{ "zstd -q -19", OM_IMAGE_ZSTD, true, false },
	{ "lz4 -q", OM_IMAGE_LZ4, true, false },
	{ "lz4 -q -l", OM_IMAGE_LZ4, false, true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *plain, *packed[KINDS];
static size_t packed_len[KINDS];

/* A file of the scratch directory, to the last byte: a disk would end with a whole sector. */
static uint8_t *load(const char *name, size_t *ret_len)
{
	char *text = shell_output("stat -c %%s %s", name);
	size_t padded;
	uint8_t *bytes;

	*ret_len = strtoul(text, NULL, 10);
	free(text);
	assert_int_equal(shell("head -c 511 /dev/zero >> %s", name), 0);
	bytes = load_image(name, &padded);
	assert_true(padded >= *ret_len);
	return bytes;
}

static int make_streams(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(shell("python3 -c 'import random, sys; random.seed(1); "
			       "text = b\"\".join(b\"%%d\\n\" %% i for i in range(60000)); "
			       "noise = random.randbytes(%u - len(text)); "
			       "sys.stdout.buffer.write(text + noise)' > plain", PLAIN_BYTES), 0);
	plain = load("plain", &len);
	assert_int_equal(shell("truncate -s %u plain", PLAIN_BYTES), 0);
	assert_int_equal(len, PLAIN_BYTES);
	for (unsigned i = 0; i < KINDS; i++) {
		assert_int_equal(shell("%s -c < plain > packed", kinds[i].command), 0);
		packed[i] = load("packed", &packed_len[i]);
	}
	return 0;
}

static int drop_streams(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++)
		free(packed[i]);
	free(plain);
	return 0;
}

/* ------------------------------------------------------------------ where it goes */

struct room {
	struct unpacker unpacker;
	uint8_t *bytes;
	size_t size, given, piece, consumed;
	int err;
};

static int more_room(struct unpacker *unpacker, uint8_t **ret_room, size_t *ret_len)
{
	struct room *room = (struct room *)unpacker;
	size_t left = room->size - room->given;

	assert_int_equal(room->unpacker.out_len, room->given);
	if (left == 0)
		return room->err;
	*ret_len = left < room->piece ? left : room->piece;
	*ret_room = room->bytes + room->given;
	room->given += *ret_len;
	return 0;
}

static void consumed(struct unpacker *unpacker, size_t done)
{
	struct room *room = (struct room *)unpacker;

	assert_true(done >= room->consumed);
	room->consumed = done;
}

static void room_init(struct room *room, size_t size, size_t piece)
{
	*room = (struct room){ .unpacker = { .more_room = more_room, .consumed = consumed },
			       .bytes = malloc(size), .size = size, .piece = piece, .err = -ENOSPC };
}

static int unpack(const struct kind *kind, const uint8_t *in, size_t len, struct room *room)
{
	long live = host_live;
	/* A copy that ends where it ends, so that reading past it is seen. */
	uint8_t *copy = memcpy(malloc(len ? len : 1), in, len);
	int err = decompress_image(kind->kind, copy, len, &room->unpacker);

	assert_int_equal(host_live, live);
	free(copy);
	return err;
}

/* ------------------------------------------------------------------ tests */

static void all_come_back(void **state)
{
	static const size_t pieces[] = { 4096, 65536, 4 << 20 };

	(void)state;
	for (unsigned i = 0; i < KINDS * 3; i++) {
		const unsigned k = i / 3;
		struct room room;

		room_init(&room, PLAIN_BYTES + 5000, pieces[i % 3]);
		assert_int_equal(unpack(&kinds[k], packed[k], packed_len[k], &room), 0);
		assert_int_equal(room.unpacker.out_len, PLAIN_BYTES);
		assert_int_equal(room.unpacker.in_len, packed_len[k]);
		assert_memory_equal(room.bytes, plain, PLAIN_BYTES);
		free(room.bytes);
	}
}

/* What follows a stream: another one, the zeros of a padded file, something else. */
static void what_follows(void **state)
{
	static const char junk[] = "what a boot loader left behind it";

	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		uint8_t *two = calloc(1, 2 * packed_len[k] + 4096);
		struct room room;

		memcpy(two, packed[k], packed_len[k]);
		room_init(&room, 2 * PLAIN_BYTES, 65536);
		assert_int_equal(unpack(&kinds[k], two, packed_len[k] + 512, &room), 0);
		assert_int_equal(room.unpacker.out_len, PLAIN_BYTES);
		free(room.bytes);

		memcpy(two + packed_len[k], packed[k], packed_len[k]);
		room_init(&room, 2 * PLAIN_BYTES + 1, 65536);
		assert_int_equal(unpack(&kinds[k], two, 2 * packed_len[k] + 3, &room), 0);
		assert_int_equal(room.unpacker.out_len, 2 * PLAIN_BYTES);
		assert_memory_equal(room.bytes + PLAIN_BYTES, plain, PLAIN_BYTES);
		free(room.bytes);

		memcpy(two + packed_len[k], junk, sizeof(junk));
		room_init(&room, 2 * PLAIN_BYTES, 65536);
		assert_int_equal(unpack(&kinds[k], two, packed_len[k] + sizeof(junk), &room), 0);
		assert_int_equal(room.unpacker.out_len, PLAIN_BYTES);
		free(room.bytes);
		free(two);
	}
}

static void cut_off(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		for (unsigned part = 0; part < 40; part += kinds[k].hungry ? 5 : 1) {
			size_t len = part < 20 ? part : packed_len[k] * (part - 20) / 20 + 20;
			struct room room;
			int err;

			room_init(&room, PLAIN_BYTES, 65536);
			err = unpack(&kinds[k], packed[k], len, &room);
			/* lz4 -l has no end mark: its magic number alone is an empty file. */
			assert_int_equal(err, k == KINDS - 1 && part >= 4 && part < 8 ? 0 : -EIO);
			free(room.bytes);
		}
	}
}

static void no_room(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct room room;

		room_init(&room, PLAIN_BYTES - 1, 65536);
		assert_int_equal(unpack(&kinds[k], packed[k], packed_len[k], &room), -ENOSPC);
		free(room.bytes);
	}
}

static void damaged(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		uint8_t *copy = memcpy(malloc(packed_len[k]), packed[k], packed_len[k]);

		srand(1);
		for (unsigned n = 0; n < (kinds[k].hungry ? 5 : 50); n++) {
			size_t at = (size_t)rand() % packed_len[k];
			struct room room;
			int err;

			copy[at] ^= 1u << rand() % 8;
			room_init(&room, PLAIN_BYTES * 2, 65536);
			err = unpack(&kinds[k], copy, packed_len[k], &room);
			/* Some bytes mean nothing; but what is checked comes out right or not at all. */
			if (err == 0 && kinds[k].checked && room.unpacker.out_len)
				assert_memory_equal(room.bytes, plain, PLAIN_BYTES);
			free(room.bytes);
			copy[at] = packed[k][at];
		}
		free(copy);
	}
}

static void every_allocation_fails(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		for (unsigned long n = 1;; n++) {
			struct room room;
			int err;

			room_init(&room, PLAIN_BYTES + 4096, 4 << 20);
			host_fail_allocation(n);
			err = unpack(&kinds[k], packed[k], packed_len[k], &room);
			host_fail_allocation(0);
			free(room.bytes);
			if (err == 0)
				break;
			assert_int_equal(err, -ENOMEM);
		}
	}
}

static void kinds_that_are_not_read(void **state)
{
	struct kind lzo = { "", OM_IMAGE_LZO, false, false };
	struct room room;

	(void)state;
	room_init(&room, 10, 10);
	assert_int_equal(unpack(&lzo, (const uint8_t *)"\x89LZO\0\r\n\x1a\n", 9, &room), -EOPNOTSUPP);
	free(room.bytes);
}

static void blocks(void **state)
{
	static const struct {
		enum codec codec;
		const char *command;
	} cases[] = {
		{ CODEC_XZ, "xz" }, { CODEC_LZMA, "lzma" }, { CODEC_ZSTD, "zstd -q" },
		/* zlib's format, by the tool that everybody has. */
		{ CODEC_ZLIB, "python3 -c 'import sys, zlib; sys.stdout.buffer.write("
			      "zlib.compress(sys.stdin.buffer.read()))'" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len, got = 0;
		uint8_t *in, *out = malloc(100000);

		assert_int_equal(shell("head -c 100000 plain | %s -c > packed", cases[i].command), 0);
		in = load("packed", &len);
		assert_int_equal(decompress_block(cases[i].codec, in, len, out, 100000, &got), 0);
		assert_int_equal(got, 100000);
		assert_memory_equal(out, plain, got);
		assert_int_equal(decompress_block(cases[i].codec, in, len, out, 99999, &got), -EIO);
		assert_int_equal(decompress_block(cases[i].codec, in, len - 1, out, 100000, &got), -EIO);
		in[len / 2] ^= 0x55;
		in[len / 2 + 1] ^= 0x55;
		(void)decompress_block(cases[i].codec, in, len, out, 100000, &got);
		free(in);
		free(out);
	}
}

/* From the format's description: a token of 3 literals, then 4+1 bytes from 3 back. */
static void lz4_block_by_hand(void **state)
{
	static const uint8_t in[] = { 0x31, 'a', 'b', 'c', 3, 0, 0x50, 'v', 'w', 'x', 'y', 'z' };
	uint8_t out[16];
	size_t got = 0;

	(void)state;
	assert_int_equal(decompress_block(CODEC_LZ4, in, sizeof(in), out, sizeof(out), &got), 0);
	assert_int_equal(got, 13);
	assert_memory_equal(out, "abcabcabvwxyz", got);
	assert_int_equal(decompress_block(CODEC_LZ4, in, sizeof(in), out, 6, &got), 0);
	assert_int_equal(got, 6);
	assert_int_equal(decompress_block(CODEC_LZ4, in + 4, 8, out, sizeof(out), &got), -EIO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_back),
		cmocka_unit_test(what_follows),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(no_room),
		cmocka_unit_test(damaged),
		cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(kinds_that_are_not_read),
		cmocka_unit_test(blocks),
		cmocka_unit_test(lz4_block_by_hand),
	};

	return cmocka_run_group_tests(tests, make_streams, drop_streams);
}
