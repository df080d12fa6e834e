/* SPDX-License-Identifier: MIT */
/* From programs and the echo to the console: newlines, and where the cursor is. */
#include "tty.h"

/* Follows the cursor closely enough to rub out a tab; escape sequences are not understood. */
static void follow_cursor(struct tty *tty, char c)
{
	uint8_t byte = (uint8_t)c;

	switch (c) {
	case '\r':
		tty->column = 0;
		break;
	case '\n':
		if (tty->termios.oflag & (ONLCR | ONLRET))
			tty->column = 0;
		break;
	case '\b':
		if (tty->column > 0)
			tty->column--;
		break;
	case '\t':
		tty->column = (tty->column | 7) + 1;
		break;
	default:
		/* Bytes that continue a character of UTF-8 take no place. */
		if (byte >= ' ' && byte != 0x7f && (byte & 0xc0) != 0x80)
			tty->column++;
	}
}

void tty_output(struct tty *tty, const char *text, size_t len)
{
	uint32_t oflag = tty->termios.oflag;
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		follow_cursor(tty, text[i]);
		if (!(oflag & OPOST))
			continue;
		if (text[i] == '\n' && (oflag & ONLCR)) {
			console_write_raw(text + start, i - start);
			console_write_raw("\r\n", 2);
			start = i + 1;
		} else if (text[i] == '\r' && (oflag & OCRNL)) {
			console_write_raw(text + start, i - start);
			console_write_raw("\n", 1);
			start = i + 1;
		}
	}
	console_write_raw(text + start, len - start);
}
