/* SPDX-License-Identifier: MIT */
#ifndef STUB_PORT_H
#define STUB_PORT_H
/*
 * All that vfs/ and fs/ ask of the rest of the kernel.  kernel-stub/mm and kernel-stub/task
 * provide it in the stub, tests/stub/port_host.c on the host, where the VFS is tested.
 *
 * One processor; the kernel is not preempted: code runs until it sleeps.  Interrupts are off
 * in the kernel except while idle, so nothing here needs a lock.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAGE_SIZE	4096u
#define PAGE_SHIFT	12

/* -- memory ------------------------------------------------------------------------------ */
/* 16-byte aligned; NULL when there is none.  kfree(NULL) is fine. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *ptr);
char *kstrndup(const char *text, size_t len);

/*
 * Pages are named by their kernel address and counted: page_alloc() gives one reference (NULL
 * when there is none; contents zeroed), page_get() adds one, page_put() drops one and frees
 * the page with the last.  Pages of the handed-over archive and images are counted too.
 */
void *page_alloc(void);
/*
 * What programs can pile up without being programs, such as files in memory and what waits in
 * pipes, leaves some memory to them: else nobody could start to clean up.
 */
void *page_alloc_file(void);
bool memory_for_files(void);
void page_get(void *page);
void page_put(void *page);
unsigned page_count(const void *page);
/* 2^ORDER contiguous pages, for rings and stacks; freed as a whole. */
void *pages_alloc(unsigned order);
void pages_free(void *pages, unsigned order);
/*
 * Memory in one piece of addresses that grows at its end, for what has no size yet.  Its pages
 * are not page_put()'s: growing_cut() gives back all behind the first PAGES.
 */
struct growing {
	uint8_t *start;
	size_t pages;
};
int growing_init(struct growing *growing);		/* -ENOMEM: too many of them */
int growing_add(struct growing *growing, size_t pages);	/* all or nothing: -ENOMEM */
void growing_cut(struct growing *growing, size_t pages);
void growing_free(struct growing *growing);
uint64_t page_phys(const void *page);
void *phys_to_virt(uint64_t phys);

/* -- log, time, the end --------------------------------------------------------------------- */
/* One line of the boot log, without newline: "overmount: " and the time come from here. */
void klog(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define BUG_ON(cond) \
	do { if (cond) panic("%s:%d: %s", __FILE__, __LINE__, #cond); } while (0)

uint64_t clock_ns(void);	/* since entry of the kernel */
uint64_t clock_unix(void);	/* seconds since 1970 */
void random_bytes(void *buf, size_t len);

/* -- sleeping ----------------------------------------------------------------------------- */
struct waitq {
	struct task *first;
};

/* Sleep until woken: 0, or -EINTR when a signal is pending.  Callers loop on their condition. */
int sleep_on(struct waitq *queue);
/* As above but at most NS nanoseconds: -ETIMEDOUT. */
int sleep_on_timeout(struct waitq *queue, uint64_t ns);
void wake_up(struct waitq *queue);
/* Is a signal waiting for the running task? */
bool signal_pending(void);
void signal_self(int signo);	/* SIGPIPE */

/* -- errors: Linux' numbers ----------------------------------------------------------------- */
#include "errno.h"

#endif
