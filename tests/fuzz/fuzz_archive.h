/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_ARCHIVE_H
#define FUZZ_ARCHIVE_H
/* Shared by the targets that take archives. */
#include <stdlib.h>

#include <overmount/image.h>

#define FUZZ_CHECK(condition) do { if (!(condition)) abort(); } while (0)

static inline void *fuzz_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size ? size : 1);
}

static inline void fuzz_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)size;
	free(ptr);
}

static const struct om_mem fuzz_mem = { fuzz_alloc, fuzz_free, NULL };

static inline enum om_status fuzz_read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct om_span *span = ctx;

	FUZZ_CHECK(om_range_inside(offset, len, span->len));
	memcpy(buf, span->ptr + offset, len);
	return OM_OK;
}

typedef enum om_status fuzz_open(struct om_archive_reader *reader, const struct om_source *source,
				 struct om_arena *scratch, struct om_diag *diag);
typedef enum om_status fuzz_next(struct om_archive_reader *reader, struct om_member *ret_member,
				 bool *ret_more);

static inline void fuzz_compare_readers(const uint8_t *data, size_t size, fuzz_open *open,
					fuzz_next *next)
{
	struct om_span span = { data, size };
	struct om_source source[2] = {
		{ .size = size, .base = data, .name = "base" },
		{ .read_at = fuzz_read_at, .ctx = &span, .size = size, .name = "read" },
	};
	struct om_archive_reader reader[2];
	struct om_member member[2];
	enum om_status status[2];
	struct om_diag diag[2];
	struct om_arena arena;
	bool more[2] = { true, true };
	int i;

	om_arena_init(&arena, &fuzz_mem);
	for (i = 0; i < 2; i++)
		status[i] = open(&reader[i], &source[i], &arena, &diag[i]);
	while (status[0] == OM_OK && more[0]) {
		for (i = 0; i < 2; i++)
			status[i] = next(&reader[i], &member[i], &more[i]);
		FUZZ_CHECK(status[0] == status[1]);
		FUZZ_CHECK(status[0] != OM_OK || more[0] == more[1]);
		if (status[0] != OM_OK || !more[0])
			break;
		FUZZ_CHECK(member[0].path.len > 0 && om_str_equal(member[0].path, member[1].path));
		FUZZ_CHECK(om_str_equal(member[0].link, member[1].link));
		FUZZ_CHECK(member[0].data_offset == member[1].data_offset);
		FUZZ_CHECK(om_range_inside(member[0].data_offset, member[0].size, size) ||
			   !member[0].size);
	}
	om_arena_release(&arena);
}

#endif
