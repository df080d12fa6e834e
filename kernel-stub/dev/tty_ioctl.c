/* SPDX-License-Identifier: MIT */
/* What programs ask of a terminal: its mode, its size, whose it is. */
#include "tty.h"

#define TCGETS		0x5401u
#define TCSETS		0x5402u
#define TCSETSW		0x5403u
#define TCSETSF		0x5404u
#define TCSBRK		0x5409u
#define TCXONC		0x540au
#define TCFLSH		0x540bu
#define TIOCEXCL	0x540cu
#define TIOCNXCL	0x540du
#define TIOCSCTTY	0x540eu
#define TIOCGPGRP	0x540fu
#define TIOCSPGRP	0x5410u
#define TIOCOUTQ	0x5411u
#define TIOCGWINSZ	0x5413u
#define TIOCSWINSZ	0x5414u
#define FIONREAD	0x541bu
#define TIOCNOTTY	0x5422u
#define TIOCGETD	0x5424u
#define TCSBRKP		0x5425u
#define TIOCGSID	0x5429u

#define TCIFLUSH	0u
#define TCOFLUSH	1u
#define TCIOFLUSH	2u

#define TCOOFF		0u
#define TCOON		1u

static long put_int(uintptr_t arg, int value)
{
	return copy_to_user(arg, &value, sizeof(value));
}

static long set_termios(struct tty *tty, uintptr_t arg, bool flush)
{
	struct termios_k termios;
	bool was_canonical = (tty->termios.lflag & ICANON) != 0;

	if (copy_from_user(&termios, arg, sizeof(termios)) < 0)
		return -EFAULT;
	if (flush)
		tty_flush_input(tty);
	tty->termios = termios;
	/* What was typed in the other mode must not wait for the end of a line. */
	if (!was_canonical && (termios.lflag & ICANON))
		tty_push_input(tty);
	if (!(termios.iflag & IXON))
		tty->stopped = false;
	tty->literal = false;
	wake_up(&tty->wait);
	return 0;
}

static long set_winsize(struct tty *tty, uintptr_t arg)
{
	struct winsize size;

	if (copy_from_user(&size, arg, sizeof(size)) < 0)
		return -EFAULT;
	if (memcmp(&size, &tty->winsize, sizeof(size)) == 0)
		return 0;
	tty->winsize = size;
	if (tty->pgid > 0)
		signal_group(tty->pgid, SIGWINCH);
	return 0;
}

/* ARG 1 takes it away from the session that has it, for the superuser. */
static long set_controlling(struct tty *tty, uintptr_t arg)
{
	bool leader = current->pid == current->sid;

	if (leader && current->tty == tty && tty->sid == current->sid)
		return 0;
	if (!leader || current->tty)
		return -EPERM;
	if (tty->sid != 0) {
		if (arg != 1 || current->euid != 0)
			return -EPERM;
		tty_detach_session(tty, tty->sid);
	}
	tty_acquire(tty);
	return 0;
}

static long give_up(struct tty *tty)
{
	if (current->tty != tty)
		return -ENOTTY;
	if (current->pid == current->sid)
		tty_hangup_session(current);
	current->tty = NULL;
	return 0;
}

static long set_foreground(struct tty *tty, uintptr_t arg)
{
	int pgid, found = -ESRCH;

	if (current->tty != tty || tty->sid != current->sid)
		return -ENOTTY;
	if (copy_from_user(&pgid, arg, sizeof(pgid)) < 0)
		return -EFAULT;
	if (pgid < 0)
		return -EINVAL;
	for (unsigned i = 0; i < TASKS_MAX && found != 0; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].pgid == pgid)
			found = tasks[i].sid == current->sid ? 0 : -EPERM;
	if (found == 0)
		tty->pgid = pgid;
	return found;
}

static long flush(struct tty *tty, uintptr_t arg)
{
	if (arg > TCIOFLUSH)
		return -EINVAL;
	/* Output is never queued. */
	if (arg != TCOFLUSH)
		tty_flush_input(tty);
	return 0;
}

static long start_stop(struct tty *tty, uintptr_t arg)
{
	if (arg > 3)
		return -EINVAL;
	if (arg <= TCOON)
		tty->stopped = arg == TCOOFF;
	wake_up(&tty->wait);
	return 0;
}

/* These change the terminal for everybody: only the foreground may. */
static bool changes_terminal(unsigned cmd)
{
	return cmd == TCSETS || cmd == TCSETSW || cmd == TCSETSF || cmd == TCSBRK ||
	       cmd == TCSBRKP || cmd == TCXONC || cmd == TCFLSH || cmd == TIOCSPGRP;
}

static long change(struct tty *tty, unsigned cmd, uintptr_t arg)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
		return set_termios(tty, arg, false);
	case TCSETSF:
		return set_termios(tty, arg, true);
	case TCXONC:
		return start_stop(tty, arg);
	case TCFLSH:
		return flush(tty, arg);
	case TIOCSPGRP:
		return set_foreground(tty, arg);
	default:
		return 0;	/* a break, or to wait for output that has gone already */
	}
}

long tty_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
	struct tty *tty = &console_tty;
	bool eof;
	int err;

	if (tty_file_dead(file))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	if (changes_terminal(cmd)) {
		if (cmd == TIOCSPGRP && current->tty != tty)
			return -ENOTTY;
		err = tty_check_foreground(tty, SIGTTOU);
		return err < 0 ? err : change(tty, cmd, arg);
	}
	switch (cmd) {
	case TCGETS:
		return copy_to_user(arg, &tty->termios, sizeof(tty->termios));
	case TIOCGWINSZ:
		return copy_to_user(arg, &tty->winsize, sizeof(tty->winsize));
	case TIOCSWINSZ:
		return set_winsize(tty, arg);
	case TIOCSCTTY:
		return set_controlling(tty, arg);
	case TIOCNOTTY:
		return give_up(tty);
	case TIOCGPGRP:
		return current->tty == tty ? put_int(arg, tty->pgid) : -ENOTTY;
	case TIOCGSID:
		return current->tty == tty ? put_int(arg, tty->sid) : -ENOTTY;
	case FIONREAD:
		return put_int(arg, (int)tty_available(tty, &eof));
	case TIOCOUTQ:
	case TIOCGETD:
		return put_int(arg, 0);
	case TIOCEXCL:
	case TIOCNXCL:
		return 0;
	default:
		return -ENOTTY;
	}
}
