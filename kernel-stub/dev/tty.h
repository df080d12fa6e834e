/* SPDX-License-Identifier: MIT */
#ifndef DEV_TTY_H
#define DEV_TTY_H
/* The one terminal: what comes from serial line and keyboard, what goes to line and screen. */
#include "console.h"
#include "task.h"

#define TTY_CCS 19

/* The layout of TCGETS. */
struct termios_k {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[TTY_CCS];
};

_Static_assert(sizeof(struct termios_k) == 36, "as programs know it");

enum {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL,
	VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2
};

#define ISTRIP	040u
#define INLCR	0100u
#define IGNCR	0200u
#define ICRNL	0400u
#define IXON	02000u
#define IXANY	04000u
#define IUTF8	040000u

#define OPOST	01u
#define ONLCR	04u
#define OCRNL	010u
#define ONLRET	040u

#define ISIG	01u
#define ICANON	02u
#define ECHO	010u
#define ECHOE	020u
#define ECHOK	040u
#define ECHONL	0100u
#define NOFLSH	0200u
#define TOSTOP	0400u
#define ECHOCTL	01000u
#define ECHOKE	04000u
#define IEXTEN	0100000u

struct winsize {
	uint16_t rows, columns, xpixel, ypixel;
};

/* Entries of the input: a byte and, in canonical mode, whether a line ends with it. */
#define INPUT_SIZE	4096u
#define INPUT_LINE	0x100u
#define INPUT_EOF	0x200u		/* ends a line and is not a byte itself */

struct tty {
	struct termios_k termios;
	struct winsize winsize;
	uint16_t input[INPUT_SIZE];
	unsigned head, tail;		/* counters: written, read */
	unsigned lines;			/* ends of lines in the input */
	unsigned column;		/* of the cursor, as far as it is known */
	unsigned line_column;		/* where the unfinished line of input began */
	bool literal;			/* the next byte has no meaning */
	bool stopped;			/* by VSTOP */
	int sid, pgid;			/* session that it controls, foreground group; 0 = none */
	unsigned hangups;		/* files opened before the last one are dead */
	struct waitq wait;		/* readers, stopped writers, poll */
};

extern struct tty console_tty;

/* -- tty_input.c ------------------------------------------------------------------------------ */
void tty_flush_input(struct tty *tty);
/* Unfinished lines can be read, too (the mode has changed). */
void tty_push_input(struct tty *tty);
/* Bytes that a read would give now, 0 = it would sleep; *ret_eof: it would give an end of file. */
unsigned tty_available(struct tty *tty, bool *ret_eof);

/* -- tty_output.c ----------------------------------------------------------------------------- */
void tty_output(struct tty *tty, const char *text, size_t len);	/* as OPOST says */

/* -- tty_ioctl.c -------------------------------------------------------------------------------- */
long tty_ioctl(struct file *file, unsigned cmd, uintptr_t arg);

/* -- tty.c ---------------------------------------------------------------------------------------- */
/* Is this file from before a hangup? */
bool tty_file_dead(const struct file *file);
/* May the running task do what only the foreground may?  0, -EIO, or SIGNO has been sent: -EINTR. */
int tty_check_foreground(struct tty *tty, int signo);
/* The running task, a session leader, takes it. */
void tty_acquire(struct tty *tty);
/* All tasks of session SID lose it. */
void tty_detach_session(struct tty *tty, int sid);

#endif
