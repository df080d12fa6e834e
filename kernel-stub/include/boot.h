/* SPDX-License-Identifier: MIT */
#ifndef STUB_BOOT_H
#define STUB_BOOT_H
/* What the boot part learned from the handoff block, for late boot. */
#include <overmount/handoff.h>

#include "port.h"

#define BOOT_IMAGES_MAX 64

struct boot_image {
	void *data;			/* kernel address, page-aligned; one reference a page */
	uint64_t len;
	unsigned index;			/* /dev/ramINDEX */
	bool initrd;
};

struct boot_info {
	struct om_handoff handoff;	/* a copy; its pointers are physical */
	const char *cmdline;
	const void *descriptor;		/* a copy in kernel memory */
	size_t descriptor_len;
	void *archive;			/* page-aligned; one reference a page: late boot's to give away */
	uint64_t archive_len;
	struct boot_image images[BOOT_IMAGES_MAX];
	unsigned image_count;
};

extern struct boot_info boot_info;

/* Value of "WORD=value" in the command line into BUF (cut to size); for "WORD" alone an empty one. */
bool boot_option(const char *word, char *buf, size_t size);

/*
 * sys/late_boot.c: everything from the empty ramfs to kernel_execve(), in the context of PID 1.
 * Returns -errno only when no init could be started; the reason has been logged.
 */
int late_boot(void);
/* boot/file_systems.c: file systems and memory devices are known from here on. */
int vfs_init(void);

/* boot/main.c: what the machine had given out before PID 1 existed; -> boot/stop.c */
void leak_baseline(void);

/* The verdict for the test harness and the end of the machine. */
enum boot_verdict {
	VERDICT_POWEROFF = 0x10,
	VERDICT_STOPPED = 0x11,		/* PID 1 died, or there is no root */
	VERDICT_PANIC = 0x12,
	VERDICT_REBOOT = 0x13,
	VERDICT_LEAK = 0x14,
};
void machine_stop(enum boot_verdict verdict) __attribute__((noreturn));

#endif
