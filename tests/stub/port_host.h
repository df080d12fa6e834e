/* SPDX-License-Identifier: MIT */
#ifndef PORT_HOST_H
#define PORT_HOST_H
/*
 * The stub's port on the host: memory that is counted and can fail, a task to be, a clock that
 * only goes when told, and disks in memory whose N-th read or write fails.
 */
#include "task.h"

/* -- memory: what is out there, and when it runs out ------------------------------------------- */
extern unsigned long host_allocations;	/* attempts since the start: kmalloc and pages */
extern unsigned long host_fail_at;	/* this attempt fails (1 = the next after a reset); 0 = none */
extern bool host_fail_on;		/* and all that follow, too */
extern long host_live;			/* kmalloc blocks not freed yet */
extern long host_live_pages;		/* pages, and blocks of pages_alloc() */
extern uint64_t host_pages_free;	/* for memory_counts() */

/* Attempts are counted from 1 again; the AT-th fails (0 = none). */
void host_fail_allocation(unsigned long at);
/* Memory in whole pages as the loader hands it over: each page has one reference. */
void *host_handed_over(const void *data, size_t len);

/* -- what the code under test said and did ------------------------------------------------------- */
extern char host_log[8192];		/* all lines of klog(), oldest are dropped */
void host_log_clear(void);
extern char host_console[8192];		/* what the terminal printed */
extern size_t host_console_len;
void host_console_clear(void);
extern uint64_t host_clock_ns, host_unix;
extern int host_signal;			/* the last of signal_self/task/group */
extern bool host_signal_pending;
/* Called in place of sleeping, may change the world; without it sleeping ends the test. */
extern void (*host_on_sleep)(void);

/* A fresh running task without files; host_fs is its root and cwd, filled by the test. */
void host_task_init(void);

/* -- disks ------------------------------------------------------------------------------------------ */
struct host_disk {
	struct block_device bdev;
	uint8_t *data;
	unsigned long reads, writes, flushes;	/* requests */
	unsigned long read_sectors, written_sectors;
	/*
	 * The N-th request from now fails, 0 = none; and so does whatever touches the same sectors
	 * later, as on a real disk, until bad_count is set to 0.
	 */
	unsigned long fail_read, fail_write;
	bool fail_sticky;			/* every request after it fails, too */
	uint64_t bad_start, bad_count;		/* sectors that cannot be read or written */
	uint64_t last_written;			/* sector of the last write */
	bool out_of_order;			/* a write went to a lower sector than the one before */
};

/* Registered as NAME; its length is rounded down to sectors. */
struct host_disk *host_disk_new(const char *name, uint32_t dev, uint64_t len);
struct host_disk *host_disk_from(const char *name, uint32_t dev, const void *data, uint64_t len);
/* The bytes of a file; NULL when it cannot be read. */
struct host_disk *host_disk_open(const char *name, uint32_t dev, const char *path);
void host_disk_free(struct host_disk *disk);

#endif
