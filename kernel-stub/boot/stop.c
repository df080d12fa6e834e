/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine.  With `leak-check` on the command line everything is taken down
 * first, as if each task had ended and each file system were unmounted, and what is left is
 * compared with what there was before PID 1.
 */
#include "arch.h"
#include "boot.h"
#include "device.h"
#include "mm.h"
#include "task.h"

#define DEBUG_EXIT_PORT 0xf4

static struct memory_stats before;
static struct vfs_counts before_vfs;

static const char *verdict_text(enum boot_verdict verdict)
{
	switch (verdict) {
	case VERDICT_POWEROFF:
		return "power off";
	case VERDICT_STOPPED:
		return "stopped";
	case VERDICT_PANIC:
		return "panic";
	case VERDICT_REBOOT:
		return "reboot";
	case VERDICT_LEAK:
		return "leak";
	}
	return "unknown";
}

void leak_baseline(void)
{
	struct file *ends[2];

	/* The first pipe makes the file system of all files without a name, which stays. */
	if (pipe_create(0, ends) == 0) {
		file_put(ends[0]);
		file_put(ends[1]);
	}
	vfs_forget();
	before = memory_stats;
	vfs_count(&before_vfs);
}

static bool differs(const char *what, uint64_t was, uint64_t is)
{
	if (was == is)
		return false;
	klog("leak: %s: %llu before PID 1, %llu now", what, (unsigned long long)was,
	     (unsigned long long)is);
	return true;
}

/* Tasks give up all they hold; their stacks stay, and are counted. */
static uint64_t release_tasks(void)
{
	uint64_t stacks = 0;
	unsigned i;

	for (i = 1; i < TASKS_MAX; i++) {
		struct task *task = &tasks[i];

		if (task->state == TASK_FREE)
			continue;
		if (task->state != TASK_ZOMBIE)
			task_release(task);
		stacks++;
	}
	return stacks;
}

/* Ram disks live as long as the machine; here is where they end. */
static void release_ramdisks(void)
{
	struct block_device *bdev;
	unsigned i = 0;

	while ((bdev = block_by_index(i)))
		if (MAJOR(bdev->dev) != 1 || ramdisk_free(bdev) < 0)
			i++;
}

static bool leaks(void)
{
	struct vfs_counts now;
	uint64_t stacks = release_tasks();
	bool found = false;

	vfs_forget();
	release_ramdisks();
	devices_release_late();
	vfs_count(&now);
	found |= differs("dentries", before_vfs.dentries, now.dentries);
	found |= differs("inodes", before_vfs.inodes, now.inodes);
	found |= differs("mounts", before_vfs.mounts, now.mounts);
	found |= differs("files", before_vfs.files, now.files);
	found |= differs("file systems", before_vfs.supers, now.supers);
	found |= differs("namespaces", before_vfs.namespaces, now.namespaces);
	/* A task that is still there holds its stack's pages and its FPU state. */
	found |= differs("allocations", before.objects, memory_stats.objects - stacks);
	found |= differs("pages", before.used,
			 memory_stats.used - stacks * (STACK_SIZE / PAGE_SIZE));
	found |= differs("pages of archive and images", 0, memory_stats.handed);
	klog("leak-check: %s", found ? "failed" : "nothing is left over");
	return found;
}

static void __attribute__((noreturn)) verdict_end(enum boot_verdict verdict)
{
	char how[16];

	klog("verdict: %s", verdict_text(verdict));
	if (boot_option("verdict", how, sizeof(how)) &&
	    memcmp(how, "debug-exit", sizeof("debug-exit")) == 0)
		outl(DEBUG_EXIT_PORT, verdict);
	if (verdict == VERDICT_REBOOT)
		machine_reset();
	else if (verdict == VERDICT_POWEROFF)
		acpi_power_off(boot_info.handoff.acpi_rsdp);
	klog("it is safe to switch the machine off");
	cpu_halt();
}

void machine_stop(enum boot_verdict verdict)
{
	static bool stopping;
	char unused[2];

	if (!stopping && verdict != VERDICT_PANIC) {
		stopping = true;
		if (vfs_sync(NULL) < 0)
			klog("sync: not everything could be written");
		if (boot_option("leak-check", unused, sizeof(unused)) && leaks())
			verdict = VERDICT_LEAK;
	}
	verdict_end(verdict);
}
