/* SPDX-License-Identifier: MIT */
/* Pipes and named pipes, and waiting for them. */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>

static char buf[131072];
static int ends[2];

static void say_poll(int fd, int events)
{
	struct pollfd entry = { .fd = fd, .events = (short)events };
	int ready = poll(&entry, 1, 0);

	SAY("poll: %d%s%s%s%s%s", ready, entry.revents & POLLIN ? " in" : "",
	    entry.revents & POLLOUT ? " out" : "", entry.revents & POLLHUP ? " hup" : "",
	    entry.revents & POLLERR ? " err" : "", entry.revents & POLLNVAL ? " nval" : "");
}

static void basics(void)
{
	struct stat st;

	SEE(pipe(ends));
	SAY("%d %d", ends[0], ends[1]);
	SEE(write(ends[1], "hello", 5));
	SEE(write(ends[1], " world", 6));
	SEE(read(ends[0], buf, 3));
	SEE(read(ends[0], buf, 100));
	abi_bytes("rest", buf, 8);
	SEE(write(ends[0], "x", 1));
	SEE(read(ends[1], buf, 1));
	SEE(lseek(ends[0], 0, SEEK_SET));
	SEE(pread(ends[0], buf, 1, 0));
	SEE(ftruncate(ends[1], 0));
	SEE(fstat(ends[0], &st));
	SAY("%o", st.st_mode);
	SEE(write(ends[1], buf, 0));
	SEE(read(ends[0], buf, 0));
	SEE(fcntl(ends[0], F_GETFL));
	SEE(fcntl(ends[1], F_GETFL));
	SEE(close(ends[1]));
	SEE(read(ends[0], buf, 1));
	SEE(pipe(nowhere));
	SEE(pipe2(ends, 0x1));
	SEE(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	SEE(fcntl(ends[0], F_GETFD));
	SEE(fcntl(ends[0], F_GETFL));
	SEE(fsync(ends[0]));
}

static void broken(void)
{
	pipe(ends);
	close(ends[0]);
	IN_CHILD(SEE(write(ends[1], "x", 1)));
	signal(SIGPIPE, SIG_IGN);
	SEE(write(ends[1], "x", 1));
	SEE(write(ends[1], "", 0));
	say_poll(ends[1], POLLOUT);
	close(ends[1]);
	pipe(ends);
	write(ends[1], "left", 4);
	close(ends[1]);
	SEE(read(ends[0], buf, 2));
	say_poll(ends[0], POLLIN);
	SEE(read(ends[0], buf, 9));
	SEE(read(ends[0], buf, 9));
	say_poll(ends[0], POLLIN);
}

static void capacity(void)
{
	long total = 0, n;

	pipe2(ends, O_NONBLOCK);
	SEE(read(ends[0], buf, 1));
	while ((n = write(ends[1], buf, 4096)) > 0)
		total += n;
	SAY("%ld bytes, then %s", total, strerrorname_np(errno));
	SEE(write(ends[1], buf, 1));
	say_poll(ends[1], POLLOUT);
	SEE(read(ends[0], buf, 4095));
	say_poll(ends[1], POLLOUT);
	SEE(write(ends[1], buf, 1));
	SEE(read(ends[0], buf, 1));
	say_poll(ends[1], POLLOUT);
	SEE(write(ends[1], buf, 4096));
	SEE(write(ends[1], buf, 1));
	SEE(fcntl(ends[0], F_GETPIPE_SZ));
	SEE(ioctl(ends[0], FIONREAD, &n));
	SAY("%d to be read", (int)n);
}

/* More than PIPE_BUF is written in part, less than it all or not. */
static void atomic_writes(void)
{
	pipe2(ends, O_NONBLOCK);
	SEE(write(ends[1], buf, 100000));
	SEE(write(ends[1], buf, 100000));
	SEE(read(ends[0], buf, 4096));
	SEE(write(ends[1], buf, 4096));
	SEE(read(ends[0], buf, 4096));
	SEE(write(ends[1], buf, 8192));
	SEE(read(ends[0], buf, sizeof(buf)));
	SEE(read(ends[0], buf, sizeof(buf)));
}

static void blocking(void)
{
	long total = 0, n;
	pid_t pid;

	pipe(ends);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		memset(buf, 'b', sizeof(buf));
		n = write(ends[1], buf, sizeof(buf));
		abi_exit(n == (long)sizeof(buf) ? 7 : 1);
	}
	close(ends[1]);
	while ((n = read(ends[0], buf, 1000)) > 0)
		total += n;
	SAY("%ld", total);
	abi_ended(pid);
}

static void polling(void)
{
	struct pollfd two[2];
	fd_set set;
	struct timeval none = { 0, 0 };

	pipe(ends);
	say_poll(ends[0], POLLIN);
	say_poll(ends[1], POLLOUT);
	say_poll(ends[0], POLLOUT);
	say_poll(99, POLLIN);
	say_poll(-1, POLLIN);
	write(ends[1], "x", 1);
	say_poll(ends[0], POLLIN);
	say_poll(ends[0], 0);
	abi_put("f", "");
	say_poll(open("f", O_RDONLY), POLLIN | POLLOUT);
	say_poll(open(".", O_RDONLY), POLLIN | POLLOUT);
	two[0] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	two[1] = (struct pollfd){ .fd = ends[1], .events = POLLOUT };
	SEE(poll(two, 2, -1));
	SEE(poll(NULL, 0, 10));
	SEE(poll(nowhere, 1, 0));
	SEE(poll(two, 100000, 0));
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	SEE(select(ends[0] + 1, &set, NULL, NULL, &none));
	SEE(read(ends[0], buf, 1));
	SEE(select(ends[0] + 1, &set, NULL, NULL, &none));
	SAY("left %d", FD_ISSET(ends[0], &set));
	FD_ZERO(&set);
	FD_SET(50, &set);	/* Linux looks no further than the table of descriptors */
	SEE(select(51, &set, NULL, NULL, &none));
	SEE(select(-1, NULL, NULL, NULL, &none));
	SEE(select(0, NULL, NULL, NULL, &none));
	none.tv_usec = -1;
	SEE(select(0, NULL, NULL, NULL, &none));
}

static void named(void)
{
	int in, out;

	SEE(mkfifo("p", 0644));
	SEE(mkfifo("p", 0644));
	SEE(open("p", O_WRONLY | O_NONBLOCK));
	SEE(in = open("p", O_RDONLY | O_NONBLOCK));
	SEE(read(in, buf, 1));
	say_poll(in, POLLIN);
	SEE(out = open("p", O_WRONLY | O_NONBLOCK));
	SEE(read(in, buf, 1));
	SEE(write(out, "abc", 3));
	say_poll(in, POLLIN);
	SEE(read(in, buf, 2));
	SEE(close(out));
	say_poll(in, POLLIN);
	SEE(read(in, buf, 9));
	SEE(read(in, buf, 9));
	SEE(out = open("p", O_WRONLY));
	SEE(write(out, "z", 1));
	close(out);
	close(in);
	SEE(in = open("p", O_RDONLY | O_NONBLOCK));
	SEE(read(in, buf, 9));
	close(in);
	SEE(in = open("p", O_RDWR));
	SEE(write(in, "both", 4));
	SEE(read(in, buf, 9));
	close(in);
	abi_stat("p");
	SEE(unlink("p"));
}

static void named_blocking(void)
{
	int fd;

	mkfifo("p", 0644);
	fflush(stdout);
	if (fork() == 0) {
		fd = open("p", O_WRONLY);
		write(fd, "from the child", 14);
		_exit(fd >= 0 ? 0 : 1);
	}
	SEE(fd = open("p", O_RDONLY));
	SEE(read(fd, buf, 100));
	SEE(read(fd, buf, 100));
	abi_ended(-1);
	close(fd);
	fflush(stdout);
	if (fork() == 0) {
		fd = open("p", O_RDONLY);
		_exit(read(fd, buf, 10) == 3 ? 4 : 1);
	}
	SEE(fd = open("p", O_WRONLY));
	SEE(write(fd, "abc", 3));
	close(fd);
	abi_ended(-1);
}

static void through_proc(void)
{
	char name[64], text[64] = "";
	int fd;

	pipe(ends);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	SEE(readlink(name, text, 6) );
	abi_bytes("link", text, 6);
	SEE(write(ends[1], "x", 1));
	SEE(fd = open(name, O_RDONLY | O_NONBLOCK));
	SEE(read(fd, buf, 1));
	SEE(read(fd, buf, 1));
	SEE(open(name, O_WRONLY | O_NONBLOCK));
	SEE(open(name, O_RDONLY | O_DIRECTORY));
}

static const struct abi_case cases[] = {
	{ "basics", basics }, { "broken", broken }, { "capacity", capacity },
	{ "atomic-writes", atomic_writes }, { "blocking", blocking }, { "polling", polling },
	{ "named", named }, { "named-blocking", named_blocking }, { "through-proc", through_proc },
};

AREA(pipes, cases);
