/* SPDX-License-Identifier: MIT */
/* Pipes: pipe(7) on capacity, atomic writes, and what happens when one side is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs_support.h"

#define CAPACITY 65536
#define ATOMIC 4096		/* PIPE_BUF */

static struct file *ends[2];
static uint8_t buf[2 * CAPACITY];
/* The file system that nameless pipes lie in is made with the first one, and stays. */
static long live_before;

static long put(size_t len)
{
	struct uio uio = uio_kernel(buf, len);
	uint64_t pos = 0;

	return file_write(ends[1], &uio, &pos);
}

static long get(size_t len)
{
	struct uio uio = uio_kernel(buf, len);
	uint64_t pos = 0;

	return file_read(ends[0], &uio, &pos);
}

static void begin(unsigned flags)
{
	world_begin();
	host_signal = 0;
	assert_int_equal(pipe_create(flags, ends), 0);
}

static void close_end(int i)
{
	if (ends[i])
		file_put(ends[i]);
	ends[i] = NULL;
}

static void end(void)
{
	close_end(0);
	close_end(1);
	world_end();
	assert_int_equal(host_live, live_before);
	assert_int_equal(host_live_pages, 0);
}

static void order_is_kept(void **state)
{
	unsigned long i, seen = 0;
	long n;

	(void)state;
	begin(O_NONBLOCK);
	for (i = 0; i < 3 * CAPACITY; i += 1000) {
		uint64_t word = i;
		size_t at;

		for (at = 0; at < 1000; at += sizeof(word))
			memcpy(buf + at, &word, sizeof(word));
		assert_int_equal(put(1000), 1000);
		n = get(1000);
		assert_int_equal(n, 1000);
		memcpy(&word, buf + 992, sizeof(word));
		assert_int_equal(word, i);
		seen += (unsigned long)n;
	}
	assert_true(seen >= 3 * CAPACITY);
	assert_int_equal(get(1), -EAGAIN);
	end();
}

static void full_and_empty(void **state)
{
	(void)state;
	begin(O_NONBLOCK);
	assert_int_equal(get(1), -EAGAIN);
	assert_int_equal(put(CAPACITY + 1), CAPACITY);
	assert_int_equal(put(1), -EAGAIN);
	assert_int_equal(get(ATOMIC - 1), ATOMIC - 1);
	/* Up to PIPE_BUF all or nothing; beyond it what fits. */
	assert_int_equal(put(ATOMIC), -EAGAIN);
	assert_int_equal(put(ATOMIC + 1), ATOMIC - 1);
	assert_int_equal(get(sizeof(buf)), CAPACITY);
	assert_int_equal(get(1), -EAGAIN);
	assert_int_equal(put(0), 0);
	assert_int_equal(get(1), -EAGAIN);
	end();
}

static void one_side_gone(void **state)
{
	(void)state;
	begin(0);
	assert_int_equal(put(10), 10);
	close_end(1);
	/* What was written is still there, then the end. */
	assert_int_equal(get(100), 10);
	assert_int_equal(get(100), 0);
	end();

	begin(0);
	close_end(0);
	assert_int_equal(put(1), -EPIPE);
	assert_int_equal(host_signal, SIGPIPE);
	end();
}

static void wrong_end(void **state)
{
	struct uio uio = uio_kernel(buf, 1);
	uint64_t pos = 0;

	(void)state;
	begin(0);
	assert_int_equal(file_write(ends[0], &uio, &pos), -EBADF);
	assert_int_equal(file_read(ends[1], &uio, &pos), -EBADF);
	end();
}

static void reader_makes_room(void)
{
	assert_true(get(ATOMIC) > 0);
}

static void writers_wait(void **state)
{
	(void)state;
	begin(0);
	assert_int_equal(put(CAPACITY), CAPACITY);
	host_on_sleep = reader_makes_room;
	assert_int_equal(put(3 * ATOMIC), 3 * ATOMIC);
	host_on_sleep = NULL;
	end();
}

static void every_allocation_fails_once(void **state)
{
	unsigned long at;
	int err = -ENOMEM;
	long n;

	(void)state;
	for (at = 1; err == -ENOMEM || at < 40; at++) {
		world_begin();
		host_fail_allocation(at);
		err = pipe_create(O_NONBLOCK, ends);
		if (err == 0) {
			n = put(CAPACITY);
			assert_true(n == -ENOMEM || n > 0);
			if (n > 0)
				assert_int_equal(get(sizeof(buf)), n);
		} else {
			assert_int_equal(err, -ENOMEM);
			ends[0] = ends[1] = NULL;
		}
		host_fail_allocation(0);
		end();
	}
}

static int first_pipe(void **state)
{
	(void)state;
	begin(0);
	close_end(0);
	close_end(1);
	world_end();
	live_before = host_live;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(full_and_empty),
		cmocka_unit_test(one_side_gone),
		cmocka_unit_test(wrong_end),
		cmocka_unit_test(writers_wait),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, first_pipe, NULL);
}
