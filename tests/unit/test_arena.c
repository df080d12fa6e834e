/* SPDX-License-Identifier: MIT */
/* The arena: alignment, zeros, chunks, overflow, and memory that runs out. */
#include "support.h"

struct fixture {
	struct test_mem mem;
	struct om_arena arena;
};

static void begin(struct fixture *fixture, size_t fail_at)
{
	test_mem_init(&fixture->mem, fail_at);
	om_arena_init(&fixture->arena, &fixture->mem.mem);
}

static void end(struct fixture *fixture)
{
	om_arena_release(&fixture->arena);
	test_mem_check(&fixture->mem);
}

static void check_block(const uint8_t *block, size_t size)
{
	assert_non_null(block);
	assert_int_equal((uintptr_t)block % 16, 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(block[i], 0);
}

static void test_blocks(void **state)
{
	static const size_t sizes[] = {
		0, 1, 15, 16, 17, 100, OM_ARENA_CHUNK / 2, OM_ARENA_CHUNK - 33, OM_ARENA_CHUNK - 32,
		OM_ARENA_CHUNK - 31, OM_ARENA_CHUNK, 3 * OM_ARENA_CHUNK + 5, 8,
	};
	uint8_t *blocks[ARRAY_SIZE(sizes)];
	struct fixture fixture;

	(void)state;
	begin(&fixture, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		blocks[i] = om_arena_alloc(&fixture.arena, sizes[i]);
		check_block(blocks[i], sizes[i]);
		memset(blocks[i], (int)i + 1, sizes[i]);
	}
	/* none of them lies in another */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(blocks[i][k], i + 1);
	}
	end(&fixture);
	/* once released it can be used again */
	assert_int_equal(fixture.arena.bytes, 0);
	check_block(om_arena_alloc(&fixture.arena, 5), 5);
	end(&fixture);
}

/* Small requests share chunks; a large one does not cost the room left in the present one. */
static void test_chunks(void **state)
{
	struct fixture fixture;
	size_t calls;

	(void)state;
	begin(&fixture, 0);
	for (size_t i = 0; i < OM_ARENA_CHUNK / 16 - 2; i++)
		assert_non_null(om_arena_alloc(&fixture.arena, 16));
	assert_int_equal(fixture.mem.calls, 1);
	assert_non_null(om_arena_alloc(&fixture.arena, 1));
	assert_int_equal(fixture.mem.calls, 2);
	assert_non_null(om_arena_alloc(&fixture.arena, 2 * OM_ARENA_CHUNK));
	calls = fixture.mem.calls;
	assert_non_null(om_arena_alloc(&fixture.arena, OM_ARENA_CHUNK / 2));
	assert_int_equal(fixture.mem.calls, calls);
	assert_true(fixture.arena.bytes >= 3 * OM_ARENA_CHUNK);
	end(&fixture);
}

static void test_overflow(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 0);
	assert_null(om_arena_alloc(&fixture.arena, SIZE_MAX));
	assert_null(om_arena_alloc(&fixture.arena, SIZE_MAX - 15));
	assert_null(om_arena_alloc(&fixture.arena, SIZE_MAX - 40));
	assert_null(om_arena_array(&fixture.arena, SIZE_MAX / 2 + 1, 2));
	assert_null(om_arena_str(&fixture.arena, (struct om_str){ "", SIZE_MAX }).ptr);
	assert_int_equal(fixture.mem.calls, 0);
	check_block(om_arena_array(&fixture.arena, 7, 9), 63);
	check_block(om_arena_array(&fixture.arena, 0, 9), 0);
	end(&fixture);
}

static void test_strings(void **state)
{
	struct fixture fixture;
	struct om_str copy;

	(void)state;
	begin(&fixture, 0);
	copy = om_arena_str(&fixture.arena, (struct om_str){ "abcdef", 3 });
	assert_string_equal(copy.ptr, "abc");
	assert_int_equal(copy.len, 3);
	copy = om_arena_str(&fixture.arena, (struct om_str){ NULL, 0 });
	assert_string_equal(copy.ptr, "");
	end(&fixture);
}

static enum om_status body(const struct om_mem *mem, void *ctx)
{
	struct om_arena arena;
	enum om_status status = OM_OK;

	(void)ctx;
	/* header 32, byte 16, text 16: one byte less would fit into the first chunk */
	om_arena_init(&arena, mem);
	if (!om_arena_alloc(&arena, 1) || !om_arena_array(&arena, 3, OM_ARENA_CHUNK) ||
	    !om_arena_str(&arena, OM_STR("text")).ptr || !om_arena_alloc(&arena, OM_ARENA_CHUNK - 63))
		status = OM_NO_MEMORY;
	om_arena_release(&arena);
	return status;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(test_each_allocation_fails(body, NULL), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
