/* SPDX-License-Identifier: MIT */
/* The console: serial line and screen as one, and the ring of what was logged. */
#include "console.h"

#include <overmount/handoff.h>

#define RING_SIZE 16384u

static char ring[RING_SIZE];
static size_t ring_end;			/* bytes ever written */

void console_early_init(void)
{
	serial_init();
}

void console_init(const struct om_handoff_framebuffer *fb)
{
	if (fb && fb->addr)
		screen_init(fb);
	keyboard_init();
}

void console_write_raw(const char *text, size_t len)
{
	serial_write(text, len);
	screen_write(text, len);
}

/* A terminal wants carriage returns; the kernel's own text has none. */
void console_write(const char *text, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		console_write_raw(text + start, i - start);
		console_write_raw("\r\n", 2);
		start = i + 1;
	}
	console_write_raw(text + start, len - start);
}

void console_poll(void)
{
	int c;

	while ((c = serial_read()) >= 0)
		tty_receive((char)c);
	keyboard_poll(tty_receive);
}

void log_append(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ring[ring_end++ % RING_SIZE] = line[i];
}

/* From the first whole line that fits, so that no text begins in the middle. */
size_t log_read(char *buf, size_t size)
{
	size_t kept = ring_end < RING_SIZE ? ring_end : RING_SIZE;
	size_t start = ring_end - kept, n = 0;

	if (kept > size)
		start = ring_end - size;
	if (start > 0)
		while (start < ring_end && ring[(start - 1) % RING_SIZE] != '\n')
			start++;
	while (start < ring_end && n < size)
		buf[n++] = ring[start++ % RING_SIZE];
	return n;
}
