/* SPDX-License-Identifier: MIT */
/* The terminal: what is typed, what a program reads, and what appears on the screen. */
#include "../../kernel-stub/dev/tty.h"
#include "port_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define CONSOLE MKDEV(5, 1)
#define TTY MKDEV(5, 0)
#define TTYS0 MKDEV(4, 64)

static struct inode inode;
static struct file file;
static struct tty fresh;

static int open_tty(uint32_t dev, unsigned flags)
{
	inode.rdev = dev;
	file = (struct file){ .inode = &inode, .ops = chrdev_ops(dev), .flags = flags };
	return file.ops->open(&inode, &file);
}

static int begin(void **state)
{
	(void)state;
	if (!chrdev_ops(CONSOLE)) {
		tty_init();
		fresh = console_tty;
	}
	console_tty = fresh;
	host_task_init();
	host_console_clear();
	return open_tty(CONSOLE, O_RDWR);
}

static void type(const char *text)
{
	while (*text)
		tty_receive(*text++);
}

static long read_tty(char *buf, size_t size)
{
	struct uio uio = uio_kernel(buf, size);
	uint64_t pos = 0;

	return file.ops->read(&file, &uio, &pos);
}

static void expect(const char *text)
{
	char buf[256];
	long n;

	/* Whatever is not there yet, is not coming. */
	file.flags |= O_NONBLOCK;
	n = read_tty(buf, sizeof(buf));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void expect_nothing(void)
{
	char buf[16];

	file.flags |= O_NONBLOCK;
	assert_int_equal(read_tty(buf, sizeof(buf)), -EAGAIN);
}

static void shows(const char *text)
{
	assert_string_equal(host_console, text);
	host_console_clear();
}

static void set_lflag(uint32_t set, uint32_t clear)
{
	struct termios_k t;

	assert_int_equal(file.ops->ioctl(&file, 0x5401, (uintptr_t)&t), 0);
	t.lflag = (t.lflag | set) & ~clear;
	assert_int_equal(file.ops->ioctl(&file, 0x5402, (uintptr_t)&t), 0);
}

static void lines(void **state)
{
	char buf[4];

	(void)state;
	type("hello");
	expect_nothing();
	type("\r");
	shows("hello\r\n");
	expect("hello\n");
	type("one\ntwo\n");
	assert_int_equal(read_tty(buf, 2), 2);
	assert_memory_equal(buf, "on", 2);
	expect("e\n");
	expect("two\n");
	expect_nothing();
}

static void editing(void **state)
{
	(void)state;
	type("abx\177c\n");
	shows("abx\b \bc\r\n");
	expect("abc\n");
	type("\177\177x\n");
	shows("x\r\n");
	expect("x\n");
	type("first second  \027third\n");
	expect("first third\n");
	shows("first second  \b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \bthird\r\n");
	type("gone\025left\n");
	shows("gone\b \b\b \b\b \b\b \bleft\r\n");
	expect("left\n");
	/* A control character takes two columns, a tab up to eight, a letter of two bytes one. */
	type("\001\177");
	shows("^A\b \b\b \b");
	type("ab\t\177");
	shows("ab\t\b \b\b \b\b \b\b \b\b \b\b \b");
	type("\025");
	host_console_clear();
	type("\xc3\xa9\177\n");
	shows("\xc3\xa9\b \b\r\n");
	expect("\n");
	type("a\026\003b\n");
	shows("a^\b^Cb\r\n");
	expect("a\003b\n");
	assert_int_equal(host_signal, 0);
	/* Lines that are finished are out of reach. */
	type("done\nx\177\177\177\025\027\n");
	expect("done\n");
	expect("\n");
}

static void end_of_file(void **state)
{
	(void)state;
	type("\004");
	expect("");
	expect_nothing();
	type("abc\004");
	expect("abc");
	expect_nothing();
	type("x\n\004");
	expect("x\n");
	expect("");
	expect_nothing();
}

static void signals(void **state)
{
	(void)state;
	console_tty.pgid = 1;
	type("typed\003");
	assert_int_equal(host_signal, SIGINT);
	shows("typed^C");
	type("\n");
	expect("\n");
	type("\032");
	assert_int_equal(host_signal, SIGTSTP);
	type("\034");
	assert_int_equal(host_signal, SIGQUIT);
	host_signal = 0;
	set_lflag(0, ISIG);
	type("\003\n");
	assert_int_equal(host_signal, 0);
	expect("\003\n");
}

static void raw_mode(void **state)
{
	char buf[8];

	(void)state;
	set_lflag(0, ICANON | ECHO | ISIG);
	host_console_clear();
	type("a\003\004\177");
	shows("");
	expect("a\003\004\177");
	expect_nothing();
	/* VMIN 0: nothing is an answer, at once or after VTIME. */
	console_tty.termios.cc[VMIN] = 0;
	file.flags = 0;
	assert_int_equal(read_tty(buf, 8), 0);
	console_tty.termios.cc[VTIME] = 5;
	host_clock_ns = 0;
	assert_int_equal(read_tty(buf, 8), 0);
	assert_int_equal(host_clock_ns, 500000000);
	/* VMIN 3 with VTIME: the clock runs from the first byte on. */
	console_tty.termios.cc[VMIN] = 3;
	type("x");
	assert_int_equal(read_tty(buf, 8), 1);
	/* Asking for less than VMIN needs no more. */
	console_tty.termios.cc[VTIME] = 0;
	type("yz");
	assert_int_equal(read_tty(buf, 2), 2);
}

static unsigned sleeps;

static void type_a_byte(void)
{
	sleeps++;
	tty_receive((char)('0' + sleeps));
	if (sleeps == 4)
		tty_receive('\n');
}

static void sleeps_until_there_is_enough(void **state)
{
	char buf[8];

	(void)state;
	host_on_sleep = type_a_byte;
	sleeps = 0;
	assert_int_equal(read_tty(buf, 8), 5);
	assert_memory_equal(buf, "1234\n", 5);
	set_lflag(0, ICANON);
	console_tty.termios.cc[VMIN] = 3;
	sleeps = 0;
	assert_int_equal(read_tty(buf, 8), 3);
	host_signal_pending = true;
	assert_int_equal(read_tty(buf, 8), -EINTR);
}

static void mode_changes(void **state)
{
	(void)state;
	type("half");
	set_lflag(0, ICANON);
	expect("half");
	type("more");
	set_lflag(ICANON, 0);
	expect("more");
	type("x");
	assert_int_equal(file.ops->ioctl(&file, 0x540b, 0), 0);		/* TCFLSH, TCIFLUSH */
	type("\n");
	expect("\n");
	assert_int_equal(file.ops->ioctl(&file, 0x540b, 3), -EINVAL);
}

static void flood(void **state)
{
	char buf[8192];
	long n;

	(void)state;
	set_lflag(0, ECHO);
	for (unsigned i = 0; i < 10000; i++)
		tty_receive('x');
	type("\n");
	n = read_tty(buf, sizeof(buf));
	assert_int_equal(n, INPUT_SIZE);
	assert_int_equal(buf[n - 1], '\n');
	type("again\n");
	expect("again\n");
}

static void output(void **state)
{
	struct uio uio = uio_kernel("a\nb\r\n", 5);
	uint64_t pos = 0;

	(void)state;
	assert_int_equal(file.ops->write(&file, &uio, &pos), 5);
	shows("a\r\nb\r\r\n");
	console_tty.termios.oflag = 0;
	uio = uio_kernel("a\n", 2);
	assert_int_equal(file.ops->write(&file, &uio, &pos), 2);
	shows("a\n");
	/* ^S and ^Q */
	type("\023");
	file.flags |= O_NONBLOCK;
	uio = uio_kernel("b", 1);
	assert_int_equal(file.ops->write(&file, &uio, &pos), -EAGAIN);
	type("\021");
	assert_int_equal(file.ops->write(&file, &uio, &pos), 1);
	shows("b");
	expect_nothing();
}

static void controlling_terminal(void **state)
{
	int pgid = 0, sid = 0;

	(void)state;
	assert_int_equal(open_tty(TTY, O_RDWR), -ENXIO);
	/* The system console is not taken by opening it, a line is. */
	assert_int_equal(open_tty(CONSOLE, O_RDWR), 0);
	assert_null(current->tty);
	assert_int_equal(file.ops->ioctl(&file, 0x540f, (uintptr_t)&pgid), -ENOTTY);
	assert_int_equal(open_tty(TTYS0, O_RDWR | O_NOCTTY), 0);
	assert_null(current->tty);
	assert_int_equal(open_tty(TTYS0, O_RDWR), 0);
	assert_ptr_equal(current->tty, &console_tty);
	assert_int_equal(open_tty(TTY, O_RDWR), 0);
	assert_int_equal(file.ops->ioctl(&file, 0x540f, (uintptr_t)&pgid), 0);
	assert_int_equal(file.ops->ioctl(&file, 0x5429, (uintptr_t)&sid), 0);
	assert_int_equal(pgid, 1);
	assert_int_equal(sid, 1);
	/* Another session cannot have it, unless root takes it by force. */
	tasks[1] = (struct task){ .pid = 2, .tgid = 2, .pgid = 2, .sid = 2, .state = TASK_RUNNABLE };
	current = &tasks[1];
	assert_int_equal(file.ops->ioctl(&file, 0x540e, 0), -EPERM);
	assert_int_equal(file.ops->ioctl(&file, 0x540e, 1), 0);
	assert_null(tasks[0].tty);
	assert_ptr_equal(tasks[1].tty, &console_tty);
}

static void foreground_and_background(void **state)
{
	int pgid = 3;
	char buf[4];

	(void)state;
	assert_int_equal(open_tty(TTYS0, O_RDWR), 0);
	tasks[1] = (struct task){ .pid = 3, .tgid = 3, .pgid = 3, .sid = 1, .state = TASK_RUNNABLE,
				  .tty = &console_tty };
	assert_int_equal(file.ops->ioctl(&file, 0x5410, (uintptr_t)&pgid), 0);
	assert_int_equal(console_tty.pgid, 3);
	/* Now this task is in the background. */
	type("for the other one\n");
	assert_int_equal(read_tty(buf, 4), -EINTR);
	assert_int_equal(host_signal, SIGTTIN);
	assert_int_equal(file.ops->ioctl(&file, 0x5410, (uintptr_t)&pgid), -EINTR);
	assert_int_equal(host_signal, SIGTTOU);
	pgid = 77;
	console_tty.pgid = 1;
	assert_int_equal(file.ops->ioctl(&file, 0x5410, (uintptr_t)&pgid), -ESRCH);
	tasks[2] = (struct task){ .pid = 77, .pgid = 77, .sid = 77, .state = TASK_RUNNABLE };
	assert_int_equal(file.ops->ioctl(&file, 0x5410, (uintptr_t)&pgid), -EPERM);
}

static void hangup(void **state)
{
	struct waitq *queue;
	struct uio uio = uio_kernel("x", 1);
	uint64_t pos = 0;
	char buf[4];

	(void)state;
	assert_int_equal(open_tty(TTYS0, O_RDWR), 0);
	tty_hangup_session(current);
	assert_null(current->tty);
	assert_int_equal(console_tty.sid, 0);
	assert_int_equal(host_signal, SIGCONT);		/* after SIGHUP */
	assert_int_equal(read_tty(buf, 4), 0);
	assert_int_equal(file.ops->write(&file, &uio, &pos), -EIO);
	assert_int_equal(file.ops->poll(&file, &queue) & POLLHUP, POLLHUP);
	/* Opened again it is a new one; the console never was another. */
	assert_int_equal(open_tty(TTYS0, O_RDWR), 0);
	assert_ptr_equal(current->tty, &console_tty);
	type("y\n");
	expect("y\n");
}

static void polling(void **state)
{
	struct waitq *queue = NULL;
	int n = 0;

	(void)state;
	assert_int_equal(file.ops->poll(&file, &queue), POLLOUT);
	assert_ptr_equal(queue, &console_tty.wait);
	type("ab");
	assert_int_equal(file.ops->poll(&file, &queue), POLLOUT);
	type("\n");
	assert_int_equal(file.ops->poll(&file, &queue), POLLIN | POLLOUT);
	assert_int_equal(file.ops->ioctl(&file, 0x541b, (uintptr_t)&n), 0);
	assert_int_equal(n, 3);
	expect("ab\n");
	type("\004");
	assert_int_equal(file.ops->poll(&file, &queue), POLLIN | POLLOUT);
	assert_int_equal(file.ops->ioctl(&file, 0x5401, 0), -EFAULT);
	assert_int_equal(file.ops->ioctl(&file, 0x1234, 0), -ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines, begin),
		cmocka_unit_test_setup(editing, begin),
		cmocka_unit_test_setup(end_of_file, begin),
		cmocka_unit_test_setup(signals, begin),
		cmocka_unit_test_setup(raw_mode, begin),
		cmocka_unit_test_setup(sleeps_until_there_is_enough, begin),
		cmocka_unit_test_setup(mode_changes, begin),
		cmocka_unit_test_setup(flood, begin),
		cmocka_unit_test_setup(output, begin),
		cmocka_unit_test_setup(controlling_terminal, begin),
		cmocka_unit_test_setup(foreground_and_background, begin),
		cmocka_unit_test_setup(hangup, begin),
		cmocka_unit_test_setup(polling, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
