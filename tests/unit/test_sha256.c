/* SPDX-License-Identifier: MIT */
/* FIPS 180-4 / NIST example messages, and the two implementations against each other. */
#include <overmount/sha256.h>

#include "support.h"

struct vector {
	const char *name;
	const char *text;
	size_t repeat;
	const char *digest;
};

static const struct vector vectors[] = {
	{ "empty", "", 1,
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "abc", 1,
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "448 bits", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "896 bits", "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
	  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	{ "a million a", "aaaaaaaaaa", 100000,
	  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

static void begin(struct om_sha256 *sha, bool fast)
{
	if (fast)
		om_sha256_init_fast(sha);
	else
		om_sha256_init(sha);
}

static void check_vectors(bool fast)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct om_sha256 sha;
		uint8_t digest[OM_SHA256_SIZE];
		char hex[2 * OM_SHA256_SIZE + 1];

		begin(&sha, fast);
		for (size_t n = 0; n < vectors[i].repeat; n++)
			om_sha256_update(&sha, vectors[i].text, strlen(vectors[i].text));
		om_sha256_final(&sha, digest);
		test_to_hex(digest, sizeof(digest), hex);
		if (strcmp(hex, vectors[i].digest) != 0)
			fail_msg("%s (%s): found %s", vectors[i].name, fast ? "fast" : "portable", hex);
	}
}

static void test_vectors_portable(void **state)
{
	(void)state;
	check_vectors(false);
}

static void test_vectors_fast(void **state)
{
	(void)state;
	if (!om_sha256_has_extensions())
		skip();
	check_vectors(true);
}

/* Every length around the block edges, handed over in every split of two. */
static void test_splits(void **state)
{
	uint8_t data[200], expected[OM_SHA256_SIZE], found[OM_SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		om_sha256(data, len, expected);
		for (size_t split = 0; split <= len; split++) {
			struct om_sha256 sha;

			begin(&sha, split % 2 == 1);
			om_sha256_update(&sha, data, split);
			om_sha256_update(&sha, data + split, len - split);
			om_sha256_final(&sha, found);
			assert_memory_equal(found, expected, OM_SHA256_SIZE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_portable),
		cmocka_unit_test(test_vectors_fast),
		cmocka_unit_test(test_splits),
	};

	return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
