/* SPDX-License-Identifier: MIT */
#ifndef STUB_DEVICE_H
#define STUB_DEVICE_H
/* What dev/ gives to the rest of the kernel, and what it asks of arch/, mm/ and task/. */
#include "port.h"

struct om_handoff_framebuffer;
struct task;
struct tty;

/* -- dev/ gives ------------------------------------------------------------------------------ */
void console_early_init(void);		/* the serial line; needs no memory */
/* Text on the framebuffer too; FB is a copy in kernel memory, .addr 0 = none. */
void console_init(const struct om_handoff_framebuffer *fb);
void console_write(const char *text, size_t len);
/* Called on every timer tick with interrupts off: received bytes go into the tty. */
void console_poll(void);
/* Called by klog() with each line, its newline included: kept in the ring, not printed. */
void log_append(const char *line, size_t len);
/* The ring of what klog() said, for syslog(2) and /dev/kmsg: bytes copied, oldest first. */
size_t log_read(char *buf, size_t size);
/* PCI, virtio disks and their partitions, tty, in this order; after vfs_init(). */
void devices_init(void);
/* Disks that were plugged in since; may sleep as reading does. */
void devices_look(void);
/* They are given up again, so that what is in use can be compared; nothing may be mounted. */
void devices_release_late(void);
/* null, zero, full, random, urandom, kmsg: 0 or -ENOMEM. */
int memory_devices_register(void);
/* A session leader ends: its terminal is free again, its foreground group gets SIGHUP. */
void tty_hangup_session(struct task *leader);
/* ACPI S5 and reset (keyboard controller, then triple fault): only return if it does not work. */
void acpi_power_off(uint64_t rsdp_phys);
void machine_reset(void);

/* -- arch/ and mm/ give ------------------------------------------------------------------------- */
/* Uncached device memory, page-aligned inside; stays mapped.  NULL when there is no memory. */
void *mmio_map(uint64_t phys, uint64_t len);
uint64_t clock_tsc_hz(void);

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

#endif
