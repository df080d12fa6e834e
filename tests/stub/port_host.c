/* SPDX-License-Identifier: MIT */
/* Memory, log, time and tasks of the stub, played on the host. */
#include "port_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../kernel-stub/dev/console.h"
#include "boot.h"

unsigned long host_allocations, host_fail_at;
bool host_fail_on;
long host_live, host_live_pages;
uint64_t host_pages_free = 65536;
char host_log[8192];
uint64_t host_clock_ns, host_unix = 1700000000;
int host_signal;
bool host_signal_pending;
void (*host_on_sleep)(void);

struct task tasks[TASKS_MAX];
struct task *current = &tasks[0];
struct boot_info boot_info;

/* -- memory ------------------------------------------------------------------------------------ */

void host_fail_allocation(unsigned long at)
{
	host_allocations = 0;
	host_fail_at = at;
	host_fail_on = false;
}

static bool allocation_fails(void)
{
	host_allocations++;
	if (!host_fail_at)
		return false;
	return host_allocations == host_fail_at ||
	       (host_fail_on && host_allocations > host_fail_at);
}

void *kmalloc(size_t size)
{
	void *ptr;

	if (allocation_fails())
		return NULL;
	ptr = malloc(size ? size : 1);
	if (!ptr)
		abort();
	/* Whoever relies on zeroes has to ask for them. */
	memset(ptr, 0xa5, size);
	host_live++;
	return ptr;
}

void *kzalloc(size_t size)
{
	void *ptr = kmalloc(size);

	return ptr ? memset(ptr, 0, size) : NULL;
}

void kfree(void *ptr)
{
	if (ptr)
		host_live--;
	free(ptr);
}

char *kstrndup(const char *text, size_t len)
{
	char *copy;

	len = strnlen(text, len);
	copy = kmalloc(len + 1);
	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

/* The counts of the pages, in a table by address. */
struct host_page {
	void *addr;
	unsigned count;
	void *block;		/* of handed-over memory: freed with its last page */
	struct host_page *next;
};

struct host_block {
	void *memory;
	unsigned long pages;
};

#define PAGE_BUCKETS 4096u
static struct host_page *page_table[PAGE_BUCKETS];

static struct host_page **page_slot(const void *addr)
{
	struct host_page **slot = &page_table[((uintptr_t)addr >> PAGE_SHIFT) % PAGE_BUCKETS];

	while (*slot && (*slot)->addr != addr)
		slot = &(*slot)->next;
	return slot;
}

static struct host_page *page_of(const void *addr)
{
	struct host_page *page = *page_slot(addr);

	if (!page)
		panic("%p is not a page that is in use", addr);
	return page;
}

static void page_add(void *addr, void *block)
{
	struct host_page **slot = page_slot(addr), *page = malloc(sizeof(*page));

	if (*slot || !page)
		abort();
	*page = (struct host_page){ addr, 1, block, NULL };
	*slot = page;
	host_live_pages++;
}

void *page_alloc(void)
{
	void *addr;

	if (allocation_fails())
		return NULL;
	addr = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!addr)
		abort();
	memset(addr, 0, PAGE_SIZE);
	page_add(addr, NULL);
	return addr;
}

void *page_alloc_file(void)
{
	return page_alloc();
}

bool memory_for_files(void)
{
	return !allocation_fails();
}

void page_get(void *page)
{
	page_of(page)->count++;
}

void page_put(void *addr)
{
	struct host_page *page = page_of(addr), **slot = page_slot(addr);
	struct host_block *block = page->block;

	if (--page->count)
		return;
	*slot = page->next;
	free(page);
	host_live_pages--;
	if (!block) {
		free(addr);
	} else if (--block->pages == 0) {
		free(block->memory);
		free(block);
	}
}

unsigned page_count(const void *page)
{
	return page_of(page)->count;
}

void *host_handed_over(const void *data, size_t len)
{
	size_t pages = (len + PAGE_SIZE - 1) / PAGE_SIZE;
	struct host_block *block = malloc(sizeof(*block));
	uint8_t *memory = pages ? aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE) : NULL;

	if (!block || !memory)
		abort();
	*block = (struct host_block){ memory, pages };
	memset(memory + (pages - 1) * PAGE_SIZE, 0, PAGE_SIZE);
	memcpy(memory, data, len);
	for (size_t i = 0; i < pages; i++)
		page_add(memory + i * PAGE_SIZE, block);
	return memory;
}

void *pages_alloc(unsigned order)
{
	size_t size = (size_t)PAGE_SIZE << order;
	void *addr;

	if (allocation_fails())
		return NULL;
	addr = aligned_alloc(PAGE_SIZE, size);
	if (!addr)
		abort();
	memset(addr, 0xa5, size);
	host_live_pages++;
	return addr;
}

void pages_free(void *pages, unsigned order)
{
	(void)order;
	if (pages)
		host_live_pages--;
	free(pages);
}

#define GROWING_HOST (16384u)		/* pages: 64 MiB */

int growing_init(struct growing *growing)
{
	growing->start = aligned_alloc(PAGE_SIZE, GROWING_HOST * PAGE_SIZE);
	if (!growing->start)
		abort();
	growing->pages = 0;
	return 0;
}

int growing_add(struct growing *growing, size_t pages)
{
	if (allocation_fails() || pages > GROWING_HOST - growing->pages)
		return -ENOMEM;
	growing->pages += pages;
	host_live_pages += (long)pages;
	return 0;
}

void growing_cut(struct growing *growing, size_t pages)
{
	host_live_pages -= (long)(growing->pages - pages);
	growing->pages = pages;
}

void growing_free(struct growing *growing)
{
	growing_cut(growing, 0);
	free(growing->start);
	growing->start = NULL;
}

uint64_t page_phys(const void *page)
{
	return (uintptr_t)page;
}

void *phys_to_virt(uint64_t phys)
{
	return (void *)(uintptr_t)phys;
}

void memory_counts(uint64_t *ret_total, uint64_t *ret_free)
{
	*ret_total = host_pages_free + 1024;
	*ret_free = host_pages_free;
}

/* -- log, time, the end --------------------------------------------------------------------------- */

void host_log_clear(void)
{
	host_log[0] = '\0';
}

void klog(const char *format, ...)
{
	char line[512];
	size_t used = strlen(host_log), len;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	len = strlen(line);
	line[len] = '\n';
	line[len + 1] = '\0';
	len = strlen(line);
	if (used + len >= sizeof(host_log)) {
		memmove(host_log, host_log + sizeof(host_log) / 2, sizeof(host_log) / 2);
		used = strlen(host_log);
	}
	memcpy(host_log + used, line, len + 1);
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("panic: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

uint64_t clock_ns(void)
{
	return host_clock_ns;
}

uint64_t clock_unix(void)
{
	return host_unix;
}

void random_bytes(void *buf, size_t len)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	uint8_t *bytes = buf;

	for (size_t i = 0; i < len; i++) {
		state = state * 6364136223846793005 + 1442695040888963407;
		bytes[i] = (uint8_t)(state >> 56);
	}
}

/* -- tasks ------------------------------------------------------------------------------------------ */

void host_task_init(void)
{
	memset(tasks, 0, sizeof(tasks));
	current = &tasks[0];
	current->pid = current->tgid = current->pgid = current->sid = 1;
	current->state = TASK_RUNNABLE;
	memcpy(current->comm, "test", 5);
	host_signal = 0;
	host_signal_pending = false;
	host_on_sleep = NULL;
}

int sleep_on(struct waitq *queue)
{
	(void)queue;
	if (host_signal_pending)
		return -EINTR;
	if (!host_on_sleep)
		panic("the test would sleep for ever");
	host_on_sleep();
	return host_signal_pending ? -EINTR : 0;
}

int sleep_on_timeout(struct waitq *queue, uint64_t ns)
{
	(void)queue;
	if (host_signal_pending)
		return -EINTR;
	host_clock_ns += ns;
	if (!host_on_sleep)
		return -ETIMEDOUT;
	host_on_sleep();
	return host_signal_pending ? -EINTR : 0;
}

void wake_up(struct waitq *queue)
{
	(void)queue;
}

bool signal_pending(void)
{
	return host_signal_pending;
}

void signal_self(int signo)
{
	host_signal = signo;
}

void signal_task(struct task *task, int signo)
{
	(void)task;
	host_signal = signo;
}

struct task *task_find(int pid)
{
	for (unsigned i = 0; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].pid == pid)
			return &tasks[i];
	return NULL;
}

int signal_group(int pgid, int signo)
{
	for (unsigned i = 0; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE && tasks[i].pgid == pgid) {
			host_signal = signo;
			return 0;
		}
	return -ESRCH;
}

bool group_is_orphaned(int pgid)
{
	(void)pgid;
	return false;
}

bool signal_unwanted(int signo)
{
	(void)signo;
	return false;
}

int copy_from_user(void *dst, uintptr_t src, size_t n)
{
	if (!src && n)
		return -EFAULT;
	memcpy(dst, (const void *)src, n);
	return 0;
}

int copy_to_user(uintptr_t dst, const void *src, size_t n)
{
	if (!dst && n)
		return -EFAULT;
	memcpy((void *)dst, src, n);
	return 0;
}

int clear_user(uintptr_t dst, size_t n)
{
	if (!dst && n)
		return -EFAULT;
	memset((void *)dst, 0, n);
	return 0;
}

long strncpy_from_user(char *dst, uintptr_t src, size_t size)
{
	size_t len;

	if (!src)
		return -EFAULT;
	len = strnlen((const char *)src, size);
	if (len == size)
		return -ENAMETOOLONG;
	memcpy(dst, (const char *)src, len + 1);
	return (long)len;
}

long task_cmdline(struct task *task, char *buf, size_t size)
{
	size_t len = strlen(task->comm) + 1;

	if (len > size)
		len = size;
	memcpy(buf, task->comm, len);
	return (long)len;
}

uint64_t task_memory_pages(struct task *task)
{
	(void)task;
	return 0;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	(void)path, (void)argv, (void)envp;
	return -ENOENT;
}

const char *host_name_text(void)
{
	return "host";
}

bool boot_option(const char *word, char *buf, size_t size)
{
	(void)word, (void)buf, (void)size;
	return false;
}

void machine_stop(enum boot_verdict verdict)
{
	panic("the machine stops with verdict %#x", (unsigned)verdict);
}

/* -- devices ------------------------------------------------------------------------------------------ */

size_t log_read(char *buf, size_t size)
{
	size_t len = strlen(host_log);

	if (len > size)
		len = size;
	memcpy(buf, host_log, len);
	return len;
}

void console_write(const char *text, size_t len)
{
	fwrite(text, 1, len, stdout);
}

char host_console[8192];
size_t host_console_len;

void console_write_raw(const char *text, size_t len)
{
	if (len > sizeof(host_console) - 1 - host_console_len)
		len = sizeof(host_console) - 1 - host_console_len;
	memcpy(host_console + host_console_len, text, len);
	host_console_len += len;
	host_console[host_console_len] = '\0';
}

void host_console_clear(void)
{
	host_console_len = 0;
	host_console[0] = '\0';
}

void console_poll(void)
{
}

/* -- user memory ------------------------------------------------------------------------------------------ */

long uio_put(struct uio *uio, const void *src, size_t n)
{
	if (n > uio->left)
		n = uio->left;
	if (uio->user && copy_to_user((uintptr_t)uio->ptr, src, n) < 0)
		return -EFAULT;
	if (!uio->user && n)
		memcpy(uio->ptr, src, n);
	uio->ptr += n;
	uio->left -= n;
	return (long)n;
}

long uio_get(struct uio *uio, void *dst, size_t n)
{
	if (n > uio->left)
		n = uio->left;
	if (uio->user && copy_from_user(dst, (uintptr_t)uio->ptr, n) < 0)
		return -EFAULT;
	if (!uio->user && n)
		memcpy(dst, uio->ptr, n);
	uio->ptr += n;
	uio->left -= n;
	return (long)n;
}

long uio_zero(struct uio *uio, size_t n)
{
	if (n > uio->left)
		n = uio->left;
	if (uio->user && clear_user((uintptr_t)uio->ptr, n) < 0)
		return -EFAULT;
	if (!uio->user && n)
		memset(uio->ptr, 0, n);
	uio->ptr += n;
	uio->left -= n;
	return (long)n;
}
