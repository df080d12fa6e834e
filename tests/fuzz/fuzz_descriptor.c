/* SPDX-License-Identifier: MIT */
/*
 * Root descriptor: whatever is accepted is written back the same, from the bytes and from its
 * text form.  The checksum is made to fit, or nothing would get past it.
 */
#include <stdlib.h>

#include <overmount/descriptor.h>
#include <overmount/fmt.h>

#define TEXT_SIZE (1u << 20)

struct text {
	char *buf;
	size_t len;
};

static void *take(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void give(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)size;
	free(ptr);
}

static void collect(void *ctx, const char *line)
{
	struct text *text = ctx;

	text->len += om_format(text->buf + text->len, TEXT_SIZE - text->len, "%s\n", line);
	if (text->len >= TEXT_SIZE)
		abort();
}

static void check(const struct om_root *root, const uint8_t *data, size_t size)
{
	static const struct om_mem mem = { take, give, NULL };
	static struct om_root again;
	static char buf[TEXT_SIZE];
	struct text text = { buf, 0 };
	uint8_t *first = malloc(OM_DESCRIPTOR_MAX), *second = malloc(OM_DESCRIPTOR_MAX);
	size_t first_len = 0, second_len = 0;
	struct om_arena arena;

	if (om_descriptor_encode(root, first, OM_DESCRIPTOR_MAX, &first_len) != OM_OK)
		abort();
	/* Shorter if unknown records were skipped; of a newer version the header differs. */
	if (first_len == size && memcmp(first + OM_DESCRIPTOR_HEADER_SIZE,
					data + OM_DESCRIPTOR_HEADER_SIZE,
					size - OM_DESCRIPTOR_HEADER_SIZE) != 0)
		abort();
	om_descriptor_to_text(root, collect, &text);
	om_arena_init(&arena, &mem);
	if (om_descriptor_from_text((struct om_str){ buf, text.len }, &arena, NULL, &again) != OM_OK)
		abort();
	if (om_descriptor_encode(&again, second, OM_DESCRIPTOR_MAX, &second_len) != OM_OK ||
	    second_len != first_len || memcmp(first, second, first_len) != 0)
		abort();
	om_arena_release(&arena);
	free(first);
	free(second);
}

static void from_text(const uint8_t *data, size_t size)
{
	static const struct om_mem mem = { take, give, NULL };
	static struct om_root root;
	struct om_arena arena;
	size_t needed;

	om_arena_init(&arena, &mem);
	if (om_descriptor_from_text((struct om_str){ (const char *)data, size }, &arena, NULL,
				    &root) == OM_OK &&
	    om_descriptor_size(&root, &needed) != OM_OK)
		abort();
	om_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct om_root root;
	uint8_t *copy, digest[OM_SHA256_SIZE];

	if (size < OM_DESCRIPTOR_HEADER_SIZE || memcmp(data, OM_DESCRIPTOR_MAGIC, 8) != 0) {
		from_text(data, size);
		return 0;
	}
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	om_put_le32(copy + 12, (uint32_t)size);
	memset(copy + 16, 0, OM_SHA256_SIZE);
	om_sha256(copy, size, digest);
	memcpy(copy + 16, digest, sizeof(digest));
	if (om_descriptor_decode((struct om_span){ copy, size }, NULL, &root) == OM_OK)
		check(&root, copy, size);
	free(copy);
	return 0;
}
