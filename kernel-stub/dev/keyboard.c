/* SPDX-License-Identifier: MIT */
/* A PS/2 keyboard with the US layout, polled; scan code set 1, as the controller translates. */
#include "console.h"

#define PORT_DATA	0x60
#define PORT_STATUS	0x64
#define STATUS_OUTPUT	0x01		/* there is a byte for us */
#define STATUS_INPUT	0x02		/* the controller is busy */
#define STATUS_MOUSE	0x20
#define COMMAND_READ	0x20
#define COMMAND_WRITE	0x60
#define COMMAND_ENABLE	0xae
#define CONFIG_INTERRUPTS 0x03
#define CONFIG_DISABLED	0x10
#define CONFIG_TRANSLATE 0x40
#define KEYBOARD_SCAN	0xf4
#define SPIN_MAX	10000u

#define KEY_CTRL	0x1d
#define KEY_LEFT_SHIFT	0x2a
#define KEY_RIGHT_SHIFT	0x36
#define KEY_ALT		0x38
#define KEY_CAPS	0x3a
#define RELEASED	0x80
#define EXTENDED	0xe0

static const char plain[] =
	"\0\033" "1234567890-=\177\t" "qwertyuiop[]\r\0" "asdfghjkl;'`\0\\" "zxcvbnm,./\0*\0 "
	"\0\0\0\0\0\0\0\0\0\0\0\0\0" "789-456+1230.";
static const char shifted[] =
	"\0\033" "!@#$%^&*()_+\177\t" "QWERTYUIOP{}\r\0" "ASDFGHJKL:\"~\0|" "ZXCVBNM<>?\0*\0 "
	"\0\0\0\0\0\0\0\0\0\0\0\0\0" "789-456+1230.";

/* The keys with a prefix, and what a terminal sends for them. */
static const struct {
	uint8_t code;
	const char *text;
} extended_keys[] = {
	{ 0x48, "\033[A" }, { 0x50, "\033[B" }, { 0x4d, "\033[C" }, { 0x4b, "\033[D" },
	{ 0x47, "\033[H" }, { 0x4f, "\033[F" }, { 0x49, "\033[5~" }, { 0x51, "\033[6~" },
	{ 0x52, "\033[2~" }, { 0x53, "\033[3~" }, { 0x1c, "\r" }, { 0x35, "/" },
};

static bool present, shift, ctrl, alt, caps, extended;

static bool wait_writable(void)
{
	for (unsigned i = 0; i < SPIN_MAX; i++)
		if (!(inb(PORT_STATUS) & STATUS_INPUT))
			return true;
	return false;
}

static int read_answer(void)
{
	for (unsigned i = 0; i < SPIN_MAX; i++)
		if (inb(PORT_STATUS) & STATUS_OUTPUT)
			return inb(PORT_DATA);
	return -1;
}

static bool put(uint16_t port, uint8_t value)
{
	if (!wait_writable())
		return false;
	outb(port, value);
	return true;
}

/* Without a controller all ports read 0xff. */
void keyboard_init(void)
{
	int config;

	if (inb(PORT_STATUS) == 0xff)
		return;
	for (unsigned i = 0; i < 64 && (inb(PORT_STATUS) & STATUS_OUTPUT); i++)
		(void)inb(PORT_DATA);
	if (!put(PORT_STATUS, COMMAND_READ) || (config = read_answer()) < 0)
		return;
	config = (config | CONFIG_TRANSLATE) & ~(CONFIG_INTERRUPTS | CONFIG_DISABLED);
	present = put(PORT_STATUS, COMMAND_WRITE) && put(PORT_DATA, (uint8_t)config) &&
		  put(PORT_STATUS, COMMAND_ENABLE) && put(PORT_DATA, KEYBOARD_SCAN);
	if (present)
		(void)read_answer();
}

static void send_extended(uint8_t code, void (*out)(char c))
{
	for (unsigned i = 0; i < sizeof(extended_keys) / sizeof(extended_keys[0]); i++)
		if (extended_keys[i].code == code)
			for (const char *p = extended_keys[i].text; *p; p++)
				out(*p);
}

static void send_key(uint8_t code, void (*out)(char c))
{
	char c;

	if (code >= sizeof(plain) - 1)
		return;
	c = shift ? shifted[code] : plain[code];
	if (caps && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
		c ^= 0x20;
	if (ctrl && c >= '@' && c < 0x7f)
		c &= 0x1f;
	else if (c == 0)
		return;
	if (alt)
		out('\033');
	out(c);
}

/* Modifiers; true: CODE was one. */
static bool modifier(uint8_t code, bool down)
{
	switch (code) {
	case KEY_LEFT_SHIFT:
	case KEY_RIGHT_SHIFT:
		/* With the prefix it only goes with the arrows. */
		if (!extended)
			shift = down;
		return true;
	case KEY_CTRL:
		ctrl = down;
		return true;
	case KEY_ALT:
		alt = down;
		return true;
	case KEY_CAPS:
		caps ^= down;
		return true;
	}
	return false;
}

void keyboard_poll(void (*out)(char c))
{
	uint8_t status;

	while (present && ((status = inb(PORT_STATUS)) & STATUS_OUTPUT)) {
		uint8_t byte = inb(PORT_DATA), code = byte & 0x7f;
		bool down = !(byte & RELEASED);

		if (status == 0xff)
			present = false;
		if (status & STATUS_MOUSE)
			continue;
		if (byte == EXTENDED) {
			extended = true;
			continue;
		}
		if (!modifier(code, down) && down) {
			if (extended)
				send_extended(code, out);
			else
				send_key(code, out);
		}
		extended = false;
	}
}
