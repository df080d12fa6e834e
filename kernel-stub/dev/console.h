/* SPDX-License-Identifier: MIT */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H
/* What a console consists of: the serial line, a screen, a keyboard. */
#include "device.h"

/* -- serial.c ----------------------------------------------------------------------------------- */
void serial_init(void);
void serial_write(const char *text, size_t len);	/* as it is */
int serial_read(void);					/* a byte, -1 = none */

/* -- framebuffer.c, a text screen --------------------------------------------------------------- */
void screen_init(const struct om_handoff_framebuffer *fb);
void screen_write(const char *text, size_t len);	/* UTF-8 and the common escape sequences */
/* Characters; 0 x 0 without a screen. */
void screen_size(unsigned *ret_columns, unsigned *ret_rows);

/* -- keyboard.c, PS/2 ----------------------------------------------------------------------------- */
void keyboard_init(void);
void keyboard_poll(void (*put)(char c));

/* -- tty.c ------------------------------------------------------------------------------------------ */
void tty_init(void);
/* A byte came in; interrupts are off. */
void tty_receive(char c);
/* Text of the kernel or a program, newlines already translated, to all consoles. */
void console_write_raw(const char *text, size_t len);

#endif
