/* SPDX-License-Identifier: MIT */
/*
 * The line discipline: bytes from the line become signals, edited lines, or just bytes.  It runs
 * from the timer tick, but only while no task is in the kernel, so nothing needs a lock.
 */
#include "tty.h"

static uint16_t *entry_at(struct tty *tty, unsigned counter)
{
	return &tty->input[counter % INPUT_SIZE];
}

static bool is_cc(const struct tty *tty, unsigned index, char c)
{
	return tty->termios.cc[index] != 0 && tty->termios.cc[index] == (uint8_t)c;
}

static bool has_lflag(const struct tty *tty, uint32_t flags)
{
	return (tty->termios.lflag & flags) == flags;
}

void tty_flush_input(struct tty *tty)
{
	tty->head = tty->tail = 0;
	tty->lines = 0;
	tty->literal = false;
}

void tty_push_input(struct tty *tty)
{
	uint16_t *last;

	if (tty->head == tty->tail)
		return;
	last = entry_at(tty, tty->head - 1);
	if (!(*last & INPUT_LINE)) {
		*last |= INPUT_LINE;
		tty->lines++;
	}
}

unsigned tty_available(struct tty *tty, bool *ret_eof)
{
	unsigned count = 0;

	*ret_eof = false;
	if (!has_lflag(tty, ICANON))
		return tty->head - tty->tail;
	if (tty->lines == 0)
		return 0;
	for (unsigned i = tty->tail; i != tty->head; i++) {
		uint16_t entry = *entry_at(tty, i);

		if (!(entry & INPUT_EOF))
			count++;
		if (entry & INPUT_LINE)
			break;
	}
	*ret_eof = count == 0;
	return count;
}

/* -- echo --------------------------------------------------------------------------------------------- */

static void echo(struct tty *tty, char c)
{
	uint8_t byte = (uint8_t)c;

	if (has_lflag(tty, ECHOCTL) && ((byte < ' ' && c != '\t' && c != '\n') || byte == 0x7f)) {
		char text[2] = { '^', (char)(c ^ 0x40) };

		tty_output(tty, text, 2);
	} else {
		tty_output(tty, &c, 1);
	}
}

static bool in_unfinished_line(struct tty *tty)
{
	return tty->head != tty->tail && !(*entry_at(tty, tty->head - 1) & INPUT_LINE);
}

/* Column behind the unfinished line, if its echo began at line_column. */
static unsigned column_of_end(struct tty *tty)
{
	unsigned column = tty->line_column, start = tty->head;

	while (start != tty->tail && !(*entry_at(tty, start - 1) & INPUT_LINE))
		start--;
	for (; start != tty->head; start++) {
		uint8_t c = (uint8_t)*entry_at(tty, start);

		if (c == '\t')
			column = (column | 7) + 1;
		else if (c < ' ' || c == 0x7f)
			column += has_lflag(tty, ECHOCTL) ? 2 : 0;
		else if ((c & 0xc0) != 0x80)
			column++;
	}
	return column;
}

/* Take back the last character, all bytes of it. */
static char drop_character(struct tty *tty)
{
	uint8_t c;

	do {
		c = (uint8_t)*entry_at(tty, --tty->head);
	} while ((c & 0xc0) == 0x80 && in_unfinished_line(tty));
	return (char)c;
}

/* Make the screen agree with the line again. */
static void rub_out(struct tty *tty)
{
	unsigned end = column_of_end(tty);

	while (tty->column > end)
		tty_output(tty, "\b \b", 3);
}

static void erase_character(struct tty *tty)
{
	char c;

	if (!in_unfinished_line(tty))
		return;
	c = drop_character(tty);
	if (!has_lflag(tty, ECHO))
		return;
	if (has_lflag(tty, ECHOE))
		rub_out(tty);
	else
		echo(tty, c);
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 0x80;
}

static void erase_word(struct tty *tty)
{
	bool seen = false;

	while (in_unfinished_line(tty)) {
		bool word = is_word((uint8_t)*entry_at(tty, tty->head - 1));

		if (seen && !word)
			break;
		seen = seen || word;
		drop_character(tty);
	}
	if (has_lflag(tty, ECHO))
		rub_out(tty);
}

static void kill_line(struct tty *tty)
{
	while (in_unfinished_line(tty))
		drop_character(tty);
	if (!has_lflag(tty, ECHO))
		return;
	if (has_lflag(tty, ECHOE | ECHOKE)) {
		rub_out(tty);
		return;
	}
	echo(tty, (char)tty->termios.cc[VKILL]);
	if (has_lflag(tty, ECHOK))
		tty_output(tty, "\n", 1);
}

static void reprint_line(struct tty *tty)
{
	unsigned start = tty->head;

	echo(tty, (char)tty->termios.cc[VREPRINT]);
	tty_output(tty, "\n", 1);
	tty->line_column = tty->column;
	while (start != tty->tail && !(*entry_at(tty, start - 1) & INPUT_LINE))
		start--;
	for (; start != tty->head; start++)
		echo(tty, (char)*entry_at(tty, start));
}

/* -- bytes ---------------------------------------------------------------------------------------------- */

static void append(struct tty *tty, uint16_t entry)
{
	unsigned used = tty->head - tty->tail;
	bool ends = (entry & INPUT_LINE) != 0;

	/* In canonical mode the last place is kept for the end of the line. */
	if (used >= INPUT_SIZE - (has_lflag(tty, ICANON) && !ends)) {
		tty_output(tty, "\a", 1);
		return;
	}
	*entry_at(tty, tty->head++) = entry;
	tty->lines += ends;
}

static void append_echoed(struct tty *tty, char c)
{
	if (!in_unfinished_line(tty))
		tty->line_column = tty->column;
	append(tty, (uint8_t)c);
	if (has_lflag(tty, ECHO))
		echo(tty, c);
}

static bool signal_from(struct tty *tty, char c)
{
	static const struct {
		unsigned index;
		int signo;
	} keys[] = { { VINTR, SIGINT }, { VQUIT, SIGQUIT }, { VSUSP, SIGTSTP } };

	for (unsigned i = 0; i < 3; i++) {
		if (!is_cc(tty, keys[i].index, c))
			continue;
		if (!has_lflag(tty, NOFLSH))
			tty_flush_input(tty);
		if (has_lflag(tty, ECHO))
			echo(tty, c);
		tty->stopped = false;
		if (tty->pgid > 0)
			signal_group(tty->pgid, keys[i].signo);
		return true;
	}
	return false;
}

/* True: C was a command. */
static bool edit(struct tty *tty, char c)
{
	if (is_cc(tty, VERASE, c))
		erase_character(tty);
	else if (is_cc(tty, VKILL, c))
		kill_line(tty);
	else if (is_cc(tty, VWERASE, c) && has_lflag(tty, IEXTEN))
		erase_word(tty);
	else if (is_cc(tty, VREPRINT, c) && has_lflag(tty, IEXTEN | ECHO))
		reprint_line(tty);
	else if (is_cc(tty, VEOF, c))
		append(tty, INPUT_LINE | INPUT_EOF);
	else
		return false;
	return true;
}

static void end_line(struct tty *tty, char c)
{
	if (has_lflag(tty, ECHO) || (c == '\n' && has_lflag(tty, ECHONL)))
		echo(tty, c);
	append(tty, (uint16_t)((uint8_t)c | INPUT_LINE));
}

static void take_byte(struct tty *tty, char c)
{
	if (tty->literal) {
		tty->literal = false;
		append_echoed(tty, c);
		return;
	}
	if (has_lflag(tty, ISIG) && signal_from(tty, c))
		return;
	if (!has_lflag(tty, ICANON)) {
		append_echoed(tty, c);
		return;
	}
	if (is_cc(tty, VLNEXT, c) && has_lflag(tty, IEXTEN)) {
		tty->literal = true;
		if (has_lflag(tty, ECHO | ECHOCTL))
			tty_output(tty, "^\b", 2);
		return;
	}
	if (edit(tty, c))
		return;
	if (c == '\n' || is_cc(tty, VEOL, c) || (is_cc(tty, VEOL2, c) && has_lflag(tty, IEXTEN)))
		end_line(tty, c);
	else
		append_echoed(tty, c);
}

/* True: C only starts or stops the output. */
static bool flow_control(struct tty *tty, char c)
{
	if (!(tty->termios.iflag & IXON) || tty->literal)
		return false;
	if (is_cc(tty, VSTART, c)) {
		tty->stopped = false;
		return true;
	}
	if (is_cc(tty, VSTOP, c)) {
		tty->stopped = true;
		return true;
	}
	if (tty->termios.iflag & IXANY)
		tty->stopped = false;
	return false;
}

void tty_receive(char c)
{
	struct tty *tty = &console_tty;
	uint32_t iflag = tty->termios.iflag;

	if (iflag & ISTRIP)
		c &= 0x7f;
	if (!flow_control(tty, c)) {
		if (!tty->literal && c == '\r') {
			if (iflag & IGNCR)
				return;
			if (iflag & ICRNL)
				c = '\n';
		} else if (!tty->literal && c == '\n' && (iflag & INLCR)) {
			c = '\r';
		}
		take_byte(tty, c);
	}
	wake_up(&tty->wait);
}
