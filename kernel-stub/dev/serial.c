/* SPDX-License-Identifier: MIT */
/* The first serial port, a 16550 at 115200 8N1, polled. */
#include "console.h"

#define COM1		0x3f8
#define REG_DATA	0
#define REG_IER		1
#define REG_FCR		2
#define REG_LCR		3
#define REG_MCR		4
#define REG_LSR		5
#define REG_SCRATCH	7
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define LSR_READY	0x01
#define LSR_EMPTY	0x20
/* A port that never gets ready must not stop the boot; 115200 baud need some 90 us a byte. */
#define SPIN_MAX	1000000u

static bool present;

void serial_init(void)
{
	outb(COM1 + REG_SCRATCH, 0x5a);
	present = inb(COM1 + REG_SCRATCH) == 0x5a;
	if (!present)
		return;
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, LCR_DLAB | LCR_8N1);
	outb(COM1 + REG_DATA, 1);	/* divisor 1: 115200 baud */
	outb(COM1 + REG_IER, 0);
	outb(COM1 + REG_LCR, LCR_8N1);
	/* FIFO on, but not cleared: what was typed ahead of the kernel stays. */
	outb(COM1 + REG_FCR, 0x01);
	outb(COM1 + REG_MCR, 0x03);
}

static void serial_put(char c)
{
	for (unsigned i = 0; i < SPIN_MAX; i++)
		if (inb(COM1 + REG_LSR) & LSR_EMPTY) {
			outb(COM1 + REG_DATA, (uint8_t)c);
			return;
		}
	present = false;
}

void serial_write(const char *text, size_t len)
{
	for (size_t i = 0; i < len && present; i++)
		serial_put(text[i]);
}

int serial_read(void)
{
	if (!present || !(inb(COM1 + REG_LSR) & LSR_READY))
		return -1;
	return inb(COM1 + REG_DATA);
}
