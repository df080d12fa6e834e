/* SPDX-License-Identifier: MIT */
/*
 * Pipes without end: as many as there can be, each of them full, by many processes at once; and
 * many writers of one pipe, whose pieces must stay whole.  Twice, because all of it has to come
 * back.  The lines are TAP.
 */
#include <fcntl.h>
#include <stdint.h>

#include "kernel_check.h"

#define PROCESSES	16
#define PIPES_MAX	2048	/* of one process */
#define WRITERS		32
#define PIECES		500

static char block[4096];
static int pipes[PIPES_MAX][2];

/* Pipes until there are no more descriptors or memory, then data until all are full. */
static void flood(int gate, int out)
{
	long bytes = 0;
	int count = 0;
	ssize_t n;

	/* All have their own memory before the pipes get the rest. */
	memset(pipes, 0, sizeof(pipes));
	memset(block, 'x', sizeof(block));
	(void)!read(gate, &bytes, 1);
	while (count < PIPES_MAX && pipe2(pipes[count], O_NONBLOCK) == 0)
		count++;
	if (count < PIPES_MAX && errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		_exit(1);
	for (int i = 0; i < count; i++) {
		while ((n = write(pipes[i][1], block, sizeof(block))) > 0)
			bytes += n;
		if (errno != EAGAIN && errno != ENOMEM)
			_exit(2);
	}
	/* So that all of it is there at once. */
	if (write(out, &bytes, sizeof(bytes)) != sizeof(bytes))
		_exit(3);
	pause();
}

static long floods(void)
{
	pid_t pids[PROCESSES];
	long total = 0, bytes;
	int ends[2], gate[2], started = 0, killed = 0, told = 0, status;

	CHECK(pipe(ends) == 0 && pipe(gate) == 0);
	fflush(stdout);
	for (; started < PROCESSES; started++) {
		pids[started] = fork();
		if (pids[started] == 0) {
			close(ends[0]);
			close(gate[1]);
			flood(gate[0], ends[1]);
		}
		if (pids[started] < 0)
			break;
	}
	CHECK(started > 0);
	close(ends[1]);
	close(gate[0]);
	close(gate[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* Those that ran out of memory for their own pages were killed and tell nothing. */
	while (told + killed < started) {
		while (read(ends[0], &bytes, sizeof(bytes)) == sizeof(bytes)) {
			told++;
			total += bytes;
		}
		while (waitpid(-1, &status, WNOHANG) > 0) {
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
			killed++;
		}
		usleep(1000);
	}
	CHECK(told > 0);
	/* While all is full, the system still works. */
	CHECK(system("/bin/true") == 0);
	for (int i = 0; i < started; i++)
		kill(pids[i], SIGKILL);
	while (wait(&status) > 0)
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(ends[0]);
	printf("# %d processes, %ld MiB in pipes\n", told, total >> 20);
	return total;
}

static void flood_twice(void)
{
	long first = floods(), second = floods();

	CHECK(first > 0 && second >= first - first / 8);
}

struct piece {
	uint32_t writer, number;
	char rest[1000];
};

static void write_pieces(int out, uint32_t writer)
{
	struct piece piece = { .writer = writer };

	memset(piece.rest, (int)writer + 1, sizeof(piece.rest));
	for (; piece.number < PIECES; piece.number++)
		if (write(out, &piece, sizeof(piece)) != sizeof(piece))
			_exit(1);
	_exit(0);
}

static void many_writers(void)
{
	uint32_t next[WRITERS] = { 0 };
	struct piece piece;
	int ends[2], status;
	size_t got;
	ssize_t n;

	CHECK(pipe(ends) == 0);
	for (uint32_t i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			write_pieces(ends[1], i);
	}
	close(ends[1]);
	for (unsigned i = 0; i < WRITERS * PIECES; i++) {
		for (got = 0; got < sizeof(piece); got += (size_t)n)
			CHECK((n = read(ends[0], (char *)&piece + got, sizeof(piece) - got)) > 0);
		CHECK(piece.writer < WRITERS && piece.number == next[piece.writer]++);
		for (size_t k = 0; k < sizeof(piece.rest); k++)
			CHECK(piece.rest[k] == (char)(piece.writer + 1));
	}
	CHECK(read(ends[0], &piece, 1) == 0);
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK(wait(&status) > 0 && status == 0);
}

int main(void)
{
	static const struct check_test tests[] = {
		{ "pipes without end, twice", flood_twice },
		{ "the pieces of many writers are whole and in order", many_writers },
	};

	return check_run(tests, sizeof(tests) / sizeof(tests[0]));
}
