/* SPDX-License-Identifier: MIT */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H
/* What the unit tests share: memory that fails on request, a recording sink, hex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <overmount/mem.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Memory that counts, and whose allocation number FAIL_AT (from 1; 0 = none) fails. */
struct test_mem {
	struct om_mem mem;
	size_t calls;
	size_t fail_at;
	size_t live_count;		/* given and not yet taken back */
	size_t live_bytes;
	size_t peak_bytes;
};

void test_mem_init(struct test_mem *test, size_t fail_at);
/* Fails the test when something was not given back. */
void test_mem_check(const struct test_mem *test);

/*
 * For N = 1, 2, ...: run BODY with the N-th allocation failing, until it gets through without
 * reaching the failure.  BODY gives back what it took and returns the status of the function
 * under test, which is OM_NO_MEMORY whenever an allocation failed.  Returns how many failed.
 */
size_t test_each_allocation_fails(enum om_status (*body)(const struct om_mem *mem, void *ctx),
				  void *ctx);

#define TEST_DIAGS_MAX 64u

struct test_sink {
	struct om_diag_sink sink;
	struct om_diag diags[TEST_DIAGS_MAX];
	size_t count;			/* all of them, stored or not */
	size_t errors, warnings;
};

void test_sink_init(struct test_sink *test);
void test_sink_print(const struct test_sink *test);
/* Is there a diagnostic whose text contains WORDS? */
bool test_sink_has(const struct test_sink *test, const char *words);
void test_sink_assert_has(const struct test_sink *test, const char *words);

/* "00 ff 1a", spaces and newlines ignored; fails the test on anything else.  Returns the length. */
size_t test_from_hex(const char *hex, uint8_t *buf, size_t size);
/* Writes 2 * LEN characters and a NUL. */
void test_to_hex(const uint8_t *data, size_t len, char *text);
/* Like assert_memory_equal, but prints the first difference with its offset. */
void test_assert_bytes(const uint8_t *found, size_t found_len, const uint8_t *expected,
		       size_t expected_len);
void test_assert_str(struct om_str found, const char *expected);

/* The whole file, NUL-terminated, to be freed with free(); fails the test if it is not there. */
char *test_read_file(const char *path, size_t *ret_len);

#endif
