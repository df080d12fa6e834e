/* SPDX-License-Identifier: MIT */
#include "support.h"

static void *counting_alloc(void *ctx, size_t size)
{
	struct test_mem *test = ctx;
	void *ptr;

	if (++test->calls == test->fail_at)
		return NULL;
	ptr = malloc(size ? size : 1);
	if (!ptr)
		return NULL;
	/* Whoever reads what he has not written shall see it. */
	memset(ptr, 0xa5, size);
	test->live_count++;
	test->live_bytes += size;
	if (test->live_bytes > test->peak_bytes)
		test->peak_bytes = test->live_bytes;
	return ptr;
}

static void counting_free(void *ctx, void *ptr, size_t size)
{
	struct test_mem *test = ctx;

	if (!ptr)
		return;
	if (test->live_count == 0 || test->live_bytes < size)
		fail_msg("more memory is given back than was taken (%zu bytes)", size);
	test->live_count--;
	test->live_bytes -= size;
	free(ptr);
}

void test_mem_init(struct test_mem *test, size_t fail_at)
{
	*test = (struct test_mem){
		.mem = { counting_alloc, counting_free, test }, .fail_at = fail_at,
	};
}

void test_mem_check(const struct test_mem *test)
{
	if (test->live_count != 0 || test->live_bytes != 0)
		fail_msg("%zu allocations with %zu bytes were not given back", test->live_count,
			 test->live_bytes);
}

size_t test_each_allocation_fails(enum om_status (*body)(const struct om_mem *mem, void *ctx),
				  void *ctx)
{
	for (size_t n = 1; n < 100000; n++) {
		struct test_mem test;
		enum om_status status;

		test_mem_init(&test, n);
		status = body(&test.mem, ctx);
		test_mem_check(&test);
		if (test.calls < n) {
			if (status != OM_OK)
				fail_msg("without a failure: %s", om_status_text(status));
			return n - 1;
		}
		if (status != OM_NO_MEMORY)
			fail_msg("allocation %zu failed, but the status was: %s", n,
				 om_status_text(status));
	}
	fail_msg("allocations without end");
	return 0;
}

static void record(void *ctx, const struct om_diag *diag)
{
	struct test_sink *test = ctx;

	if (test->count < TEST_DIAGS_MAX)
		test->diags[test->count] = *diag;
	test->count++;
	if (diag->warning)
		test->warnings++;
	else
		test->errors++;
	assert_int_not_equal(diag->text[0], '\0');
	assert_non_null(memchr(diag->text, '\0', sizeof(diag->text)));
	assert_non_null(memchr(diag->hint, '\0', sizeof(diag->hint)));
}

void test_sink_init(struct test_sink *test)
{
	memset(test, 0, sizeof(*test));
	test->sink = (struct om_diag_sink){ record, test };
}

void test_sink_print(const struct test_sink *test)
{
	for (size_t i = 0; i < test->count && i < TEST_DIAGS_MAX; i++) {
		const struct om_diag *diag = &test->diags[i];

		print_message("  %u:%u (+%u, offset %llu) %s: %s%s%s\n", diag->line, diag->column,
			      diag->length, (unsigned long long)diag->offset,
			      diag->warning ? "warning" : "error", diag->text,
			      diag->hint[0] ? " -- " : "", diag->hint);
	}
}

bool test_sink_has(const struct test_sink *test, const char *words)
{
	for (size_t i = 0; i < test->count && i < TEST_DIAGS_MAX; i++) {
		if (strstr(test->diags[i].text, words) || strstr(test->diags[i].hint, words))
			return true;
	}
	return false;
}

void test_sink_assert_has(const struct test_sink *test, const char *words)
{
	if (test_sink_has(test, words))
		return;
	test_sink_print(test);
	fail_msg("no diagnostic says '%s'", words);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t test_from_hex(const char *hex, uint8_t *buf, size_t size)
{
	size_t len = 0;

	for (; *hex; hex++) {
		if (*hex == ' ' || *hex == '\n' || *hex == '\t')
			continue;
		if (hex_digit(hex[0]) < 0 || hex_digit(hex[1]) < 0)
			fail_msg("not hexadecimal: '%.8s'", hex);
		if (len == size)
			fail_msg("more than %zu bytes of hexadecimal", size);
		buf[len++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
		hex++;
	}
	return len;
}

void test_to_hex(const uint8_t *data, size_t len, char *text)
{
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = "0123456789abcdef"[data[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
	}
	text[2 * len] = '\0';
}

void test_assert_bytes(const uint8_t *found, size_t found_len, const uint8_t *expected,
		       size_t expected_len)
{
	for (size_t i = 0; i < found_len && i < expected_len; i++) {
		if (found[i] != expected[i])
			fail_msg("offset %zu: found %02x, expected %02x", i, found[i], expected[i]);
	}
	if (found_len != expected_len)
		fail_msg("found %zu bytes, expected %zu", found_len, expected_len);
}

void test_assert_str(struct om_str found, const char *expected)
{
	if (!om_str_is(found, expected))
		fail_msg("found '%.*s', expected '%s'", (int)found.len, found.ptr ? found.ptr : "",
			 expected);
}

char *test_read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	char *text;
	long len = -1;

	if (!file)
		fail_msg("cannot open %s; tests run in the project's top folder", path);
	if (fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0)
		fail_msg("cannot measure %s", path);
	rewind(file);
	text = malloc((size_t)len + 1);
	if (!text || fread(text, 1, (size_t)len, file) != (size_t)len)
		fail_msg("cannot read %s", path);
	text[len] = '\0';
	fclose(file);
	*ret_len = (size_t)len;
	return text;
}
