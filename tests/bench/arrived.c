/* SPDX-License-Identifier: MIT */
/*
 * The final init of a bench: says when it came, on the clock of the kernel's own lines, and how
 * much memory is in use then.  Static and small, so that little lies between exec and its first
 * instruction.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>
#include <x86intrin.h>

#define MARK "bench-mark-"

uint64_t first;

/* The entry point of the program (-e): the counter first, then the C library. */
__asm__(".globl arrive\n"
	"arrive: mov %rdx, %r8\n"
	"rdtsc\n"
	"shl $32, %rdx\n"
	"or %rdx, %rax\n"
	"mov %rax, first(%rip)\n"
	"mov %r8, %rdx\n"
	"jmp _start\n");

/* One record of the kernel's log: "level,number,microseconds,flags;text". */
static void look(const char *record, long long *run, long long *modules, long long *marks)
{
	const char *text = strchr(record, ';');
	const char *comma = strchr(record, ',');

	comma = comma ? strchr(comma + 1, ',') : NULL;
	if (!text || !comma)
		return;
	if (strncmp(text + 1, "Run /init as init process", 25) == 0)
		*run = atoll(comma + 1);
	if (strncmp(text + 1, "overmount: modules:", 19) == 0)
		*modules = atoll(comma + 1);
	if (strncmp(text + 1, MARK, sizeof(MARK) - 1) == 0)
		marks[text[sizeof(MARK)] == '1'] = atoll(comma + 1);
}

/* Free pages that each processor keeps for itself are missing in MemFree: up to 80 MiB. */
static long kept_kib(void)
{
	FILE *zones = fopen("/proc/zoneinfo", "r");
	long pages = 0, count;
	char line[256];

	while (zones && fgets(line, sizeof(line), zones))
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	return pages * 4;
}

static void memory(void)
{
	FILE *info = fopen("/proc/meminfo", "r");
	char name[64];
	long kib;

	while (info && fscanf(info, "%63[^:]: %ld kB\n", name, &kib) >= 1)
		printf("bench: %s %ld\n", name, kib);
	printf("bench: Kept %ld\n", kept_kib());
}

static int mark(int log, const char *text)
{
	return write(log, text, strlen(text)) < 0;
}

int main(void)
{
	long long run = -1, modules = -1, marks[2] = { -1, -1 };
	uint64_t ticks[2];
	char record[2048];
	ssize_t len;
	int log, bad;

	/* Some hand over with devices, some without. */
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	log = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	ticks[0] = __rdtsc();
	bad = mark(log, "<7>" MARK "0\n");
	/* A second one, for how many ticks of the counter a microsecond of the log has. */
	while (__rdtsc() - ticks[0] < 50000000)
		;
	ticks[1] = __rdtsc();
	bad |= mark(log, "<7>" MARK "1\n");
	while ((len = read(log, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		look(record, &run, &modules, marks);
	}
	if (bad || !freopen("/dev/console", "w", stdout))
		return 1;
	printf("\nbench: ticks %llu %llu %llu\n", (unsigned long long)first,
	       (unsigned long long)ticks[0], (unsigned long long)ticks[1]);
	printf("bench: log %lld %lld %lld %lld\n", run, modules, marks[0], marks[1]);
	memory();
	printf("bench: end\n");
	fflush(stdout);
	usleep(100000);
	reboot(RB_POWER_OFF);
	return 0;
}
