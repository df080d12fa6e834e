/* SPDX-License-Identifier: MIT */
/*
 * The worked examples of docs/root-descriptor.md: encode(text) == dump, text(decode(dump)) ==
 * text.  They were computed by a script of their own, so this is where both sides meet.
 */
#include <overmount/descriptor.h>

#include "support.h"

#define DOCUMENT "docs/root-descriptor.md"
#define EXAMPLES_MAX 16u
#define DUMP_MAX 4096u

struct example {
	char name[64];
	bool refused;
	uint8_t bytes[DUMP_MAX];
	size_t len;
	struct om_str text;		/* in the document */
};

struct document {
	char *text;
	size_t len;
	struct example examples[EXAMPLES_MAX];
	size_t count;
};

static struct document document;

/* The line at *AT, without its newline; moves *AT behind it. */
static struct om_str next_line(char **at)
{
	char *end = strchr(*at, '\n');
	struct om_str line = { *at, end ? (size_t)(end - *at) : strlen(*at) };

	*at += line.len + (end ? 1 : 0);
	return line;
}

static bool fence(struct om_str line, const char *head, char name[64])
{
	if (!om_str_starts(line, head))
		return false;
	line = om_str_skip(line, strlen(head));
	assert_in_range(line.len, 1, 63);
	memcpy(name, line.ptr, line.len);
	name[line.len] = '\0';
	return true;
}

/* Each line is an offset and up to 16 bytes. */
static void read_dump(char **at, struct example *example)
{
	for (;;) {
		struct om_str line = next_line(at);
		char row[128], offset[8];

		if (om_str_starts(line, "```"))
			return;
		assert_in_range(line.len, 8, sizeof(row) - 1);
		memcpy(row, line.ptr, line.len);
		row[line.len] = '\0';
		snprintf(offset, sizeof(offset), "%04zx", example->len);
		assert_memory_equal(row, offset, 4);
		example->len += test_from_hex(row + 4, example->bytes + example->len,
					      DUMP_MAX - example->len);
	}
}

static void read_text(char **at, struct example *example)
{
	char *start = *at, *line_start;

	do
		line_start = *at;
	while (!om_str_starts(next_line(at), "```"));
	example->text = (struct om_str){ start, (size_t)(line_start - start) };
}

static int read_document(void **state)
{
	char *at, name[64];

	(void)state;
	document.text = test_read_file(DOCUMENT, &document.len);
	for (at = document.text; *at;) {
		struct om_str line = next_line(&at);
		struct example *example = &document.examples[document.count];

		if (fence(line, "```hex name=", example->name) ||
		    (example->refused = fence(line, "```hex refused=", example->name))) {
			assert_in_range(document.count, 0, EXAMPLES_MAX - 2);
			read_dump(&at, example);
			document.count++;
		} else if (fence(line, "```text name=", name)) {
			assert_true(document.count > 0);
			assert_string_equal(name, example[-1].name);
			read_text(&at, example - 1);
		}
	}
	return 0;
}

static int free_document(void **state)
{
	(void)state;
	free(document.text);
	return 0;
}

static void test_there_are_examples(void **state)
{
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < document.count; i++) {
		if (document.examples[i].refused)
			continue;
		accepted++;
		assert_true(document.examples[i].text.len > 0);
	}
	assert_in_range(accepted, 3, EXAMPLES_MAX);
	assert_in_range(document.count - accepted, 2, EXAMPLES_MAX);
}

struct collected {
	char text[16384];
	size_t len;
};

static void collect(void *ctx, const char *text)
{
	struct collected *collected = ctx;
	int len = snprintf(collected->text + collected->len,
			   sizeof(collected->text) - collected->len, "%s\n", text);

	collected->len += (size_t)len;
	assert_true(collected->len < sizeof(collected->text));
}

static void test_dumps_decode_to_texts(void **state)
{
	static struct om_root root;
	static struct collected found;

	(void)state;
	for (size_t i = 0; i < document.count; i++) {
		const struct example *example = &document.examples[i];
		struct test_sink sink;
		enum om_status status;

		test_sink_init(&sink);
		status = om_descriptor_decode((struct om_span){ example->bytes, example->len },
					      &sink.sink, &root);
		if (example->refused) {
			assert_int_not_equal(status, OM_OK);
			assert_int_equal(sink.errors, 1);
			continue;
		}
		if (status != OM_OK) {
			test_sink_print(&sink);
			fail_msg("%s: refused: %s", example->name, om_status_text(status));
		}
		found.len = 0;
		om_descriptor_to_text(&root, collect, &found);
		if (!om_str_equal((struct om_str){ found.text, found.len }, example->text))
			fail_msg("%s: found\n%s\nexpected\n%.*s", example->name, found.text,
				 (int)example->text.len, example->text.ptr);
	}
}

static void test_texts_encode_to_dumps(void **state)
{
	static struct om_root root;

	(void)state;
	for (size_t i = 0; i < document.count; i++) {
		const struct example *example = &document.examples[i];
		struct test_mem mem;
		struct test_sink sink;
		struct om_arena arena;
		uint8_t bytes[DUMP_MAX];
		size_t len = 0;

		/* What was not understood cannot be written again. */
		if (example->refused || om_get_le16(example->bytes + 10) > OM_DESCRIPTOR_MINOR)
			continue;
		test_mem_init(&mem, 0);
		test_sink_init(&sink);
		om_arena_init(&arena, &mem.mem);
		if (om_descriptor_from_text(example->text, &arena, &sink.sink, &root) != OM_OK) {
			test_sink_print(&sink);
			fail_msg("%s: the text is refused", example->name);
		}
		assert_int_equal(om_descriptor_encode(&root, bytes, sizeof(bytes), &len), OM_OK);
		print_message("%s\n", example->name);
		test_assert_bytes(bytes, len, example->bytes, example->len);
		om_arena_release(&arena);
		test_mem_check(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_are_examples),
		cmocka_unit_test(test_dumps_decode_to_texts),
		cmocka_unit_test(test_texts_encode_to_dumps),
	};

	return cmocka_run_group_tests_name("descriptor_doc", tests, read_document, free_document);
}
