/* SPDX-License-Identifier: MIT */
/* The terminal as a file: /dev/console, /dev/ttyS0, /dev/tty0 and /dev/tty are all the same one. */
#include "tty.h"

#define MAJOR_TTY	4u
#define MAJOR_CONSOLE	5u
#define MINOR_TTYS0	64u
#define DEV_TTY		MKDEV(MAJOR_CONSOLE, 0)
#define DEV_TTY0	MKDEV(MAJOR_TTY, 0)
#define DEV_CONSOLE	MKDEV(MAJOR_CONSOLE, 1)

#define CHUNK	256u
#define TENTH_NS UINT64_C(100000000)

struct tty console_tty;

static const struct termios_k sane = {
	.iflag = ICRNL | IXON,
	.oflag = OPOST | ONLCR,
	.cflag = 0x1cb2,	/* B115200 CS8 CREAD HUPCL CLOCAL */
	.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.cc = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4,
		[VMIN] = 1, [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18,
		[VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	},
};

/* -- sessions ------------------------------------------------------------------------------------- */

/* file->private is the number of hangups when it was opened; the system console survives them. */
bool tty_file_dead(const struct file *file)
{
	return file->inode->rdev != DEV_CONSOLE &&
	       (uintptr_t)file->private != console_tty.hangups;
}

int tty_check_foreground(struct tty *tty, int signo)
{
	if (current->tty != tty || tty->pgid == 0 || tty->pgid == current->pgid)
		return 0;
	if (signal_unwanted(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(current->pgid))
		return -EIO;
	signal_group(current->pgid, signo);
	return -EINTR;
}

void tty_acquire(struct tty *tty)
{
	tty->sid = current->sid;
	tty->pgid = current->pgid;
	current->tty = tty;
}

void tty_detach_session(struct tty *tty, int sid)
{
	for (unsigned i = 0; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].tty == tty && tasks[i].sid == sid)
			tasks[i].tty = NULL;
	tty->sid = tty->pgid = 0;
}

void tty_hangup_session(struct task *leader)
{
	struct tty *tty = leader->tty;

	if (!tty || tty->sid != leader->sid) {
		leader->tty = NULL;
		return;
	}
	if (tty->pgid > 0) {
		signal_group(tty->pgid, SIGHUP);
		signal_group(tty->pgid, SIGCONT);
	}
	tty_detach_session(tty, leader->sid);
	tty->hangups++;
	tty->stopped = false;
	tty_flush_input(tty);
	wake_up(&tty->wait);
}

/* -- the file --------------------------------------------------------------------------------------- */

static int tty_open(struct inode *inode, struct file *file)
{
	struct tty *tty = &console_tty;

	if (inode->rdev == DEV_TTY && !current->tty)
		return -ENXIO;
	file->private = (void *)(uintptr_t)tty->hangups;
	/* As on Linux, the system console is nobody's terminal unless TIOCSCTTY asks for it. */
	if (!(file->flags & O_NOCTTY) && inode->rdev != DEV_CONSOLE && inode->rdev != DEV_TTY0 &&
	    current->pid == current->sid && !current->tty && tty->sid == 0)
		tty_acquire(tty);
	return 0;
}

/* Moves what can be read now: bytes, 0 at an end of file, or -EFAULT. */
static long take_input(struct tty *tty, struct uio *uio)
{
	bool canonical = (tty->termios.lflag & ICANON) != 0, ended = false;
	long done = 0;

	while (!ended && tty->head != tty->tail) {
		char chunk[CHUNK];
		size_t n = 0;
		long put;

		while (!ended && n < CHUNK && tty->head != tty->tail) {
			uint16_t entry = tty->input[tty->tail % INPUT_SIZE];

			/* The end of file behind bytes that filled the buffer goes with them. */
			if (n == uio->left && !(entry & INPUT_EOF && done + (long)n > 0))
				break;
			tty->tail++;
			if (entry & INPUT_LINE) {
				tty->lines--;
				ended = canonical;
			}
			if (!(entry & INPUT_EOF))
				chunk[n++] = (char)entry;
		}
		if (n == 0)
			break;
		put = uio_put(uio, chunk, n);
		if (put < 0)
			return done > 0 ? done : put;
		done += put;
		if (uio->left == 0)
			break;
	}
	return done;
}

/* How many bytes must be there before a read in raw mode ends. */
static unsigned wanted_bytes(const struct tty *tty, size_t size)
{
	unsigned min = tty->termios.cc[VMIN];

	return size < min ? (unsigned)size : min;
}

/* 0 when there is something to take (in raw mode that may be nothing), else -errno. */
static int wait_for_input(struct tty *tty, struct file *file, size_t size)
{
	for (;;) {
		bool canonical = (tty->termios.lflag & ICANON) != 0, eof;
		uint64_t tenths = canonical ? 0 : tty->termios.cc[VTIME];
		unsigned available;
		int err;

		console_poll();
		if (tty_file_dead(file))
			return 0;
		err = tty_check_foreground(tty, SIGTTIN);
		if (err < 0)
			return err;
		available = tty_available(tty, &eof);
		if (canonical ? available > 0 || eof :
				available > 0 && available >= wanted_bytes(tty, size))
			return 0;
		if (!canonical && tty->termios.cc[VMIN] == 0 && tenths == 0)
			return 0;
		if (file->flags & O_NONBLOCK)
			return !canonical && available > 0 ? 0 : -EAGAIN;
		/* With VMIN the time begins with the first byte, and again with each. */
		if (tenths > 0 && (available > 0 || tty->termios.cc[VMIN] == 0))
			err = sleep_on_timeout(&tty->wait, tenths * TENTH_NS);
		else
			err = sleep_on(&tty->wait);
		if (err == -ETIMEDOUT || (err < 0 && !canonical && available > 0))
			return 0;
		if (err < 0)
			return err;
	}
}

static long tty_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct tty *tty = &console_tty;
	int err;

	(void)pos;
	if (uio->left == 0)
		return 0;
	err = wait_for_input(tty, file, uio->left);
	if (err < 0)
		return err;
	return tty_file_dead(file) ? 0 : take_input(tty, uio);
}

static int wait_for_output(struct tty *tty, struct file *file)
{
	int err = 0;

	while (tty->stopped && err == 0) {
		if (tty_file_dead(file))
			return -EIO;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		console_poll();
		if (tty->stopped)
			err = sleep_on(&tty->wait);
	}
	return err;
}

static long tty_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct tty *tty = &console_tty;
	long done = 0;
	int err = 0;

	(void)pos;
	if (tty_file_dead(file))
		return -EIO;
	if (tty->termios.lflag & TOSTOP)
		err = tty_check_foreground(tty, SIGTTOU);
	while (err == 0 && uio->left > 0) {
		char chunk[CHUNK];
		long n;

		err = wait_for_output(tty, file);
		if (err < 0)
			break;
		n = uio_get(uio, chunk, sizeof(chunk));
		if (n < 0)
			err = (int)n;
		if (n <= 0)
			break;
		tty_output(tty, chunk, (size_t)n);
		done += n;
	}
	return done > 0 ? done : err;
}

static int tty_poll(struct file *file, struct waitq **ret_queue)
{
	struct tty *tty = &console_tty;
	unsigned need = 1;
	int events = 0;
	bool eof;

	console_poll();
	*ret_queue = &tty->wait;
	if (tty_file_dead(file))
		return POLLIN | POLLOUT | POLLERR | POLLHUP;
	if (!(tty->termios.lflag & ICANON) && tty->termios.cc[VTIME] == 0 && tty->termios.cc[VMIN])
		need = tty->termios.cc[VMIN];
	if (tty_available(tty, &eof) >= need || eof)
		events |= POLLIN;
	if (!tty->stopped)
		events |= POLLOUT;
	return events;
}

static int64_t tty_llseek(struct file *file, int64_t offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return -ESPIPE;
}

static const struct file_ops tty_ops = {
	.open = tty_open,
	.read = tty_read,
	.write = tty_write,
	.llseek = tty_llseek,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
};

void tty_init(void)
{
	static const struct {
		unsigned major, minor;
		const char *name;
		uint32_t mode;
	} nodes[] = {
		{ MAJOR_CONSOLE, 1, "console", 0600 },
		{ MAJOR_CONSOLE, 0, "tty", 0666 },
		{ MAJOR_TTY, 0, "tty0", 0620 },
		{ MAJOR_TTY, MINOR_TTYS0, "ttyS0", 0660 },
	};

	console_tty.termios = sane;
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (register_chrdev(nodes[i].major, nodes[i].minor, nodes[i].name, nodes[i].mode,
				    &tty_ops) < 0)
			klog("/dev/%s: cannot be registered", nodes[i].name);
}
