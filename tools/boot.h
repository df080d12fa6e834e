/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_BOOT_H
#define TOOLS_BOOT_H
/* `overmount boot`: from an entry, an ESP or a disk to a machine and its verdict. */
#include "disk.h"

#define BOOT_DISKS_MAX 16

struct boot_options {
	const char *what;		/* ENTRY, ESP-DIR or DISK-IMAGE */
	const char *esp;		/* of an ENTRY that lies in none */
	const char *kernel, *stage;	/* NULL: the defaults where something is missing */
	const char *firmware, *variables;
	const char *disks[BOOT_DISKS_MAX];
	int disk_count;
	char *options;			/* words that are added to the entry's */
	uint64_t memory_mib, timeout_s, gdb_port;
	bool interactive;
};

/* boot_disk.c: the disk to boot below WORK, never one of the user's; NULL after a message. */
char *boot_disk_make(const struct boot_options *options, const char *work);
/* build/NAME beside this program, or PREFIX/lib/overmount/NAME's last part; NULL: neither. */
char *boot_default_file(const char *name);

/* boot_machine.c: runs it and prints the verdict; the exit status of the command. */
int boot_machine(const struct boot_options *options, const char *disk, const char *work);

#endif
