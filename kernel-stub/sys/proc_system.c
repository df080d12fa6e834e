/* SPDX-License-Identifier: MIT */
/* The files of /proc itself and of /proc/sys/kernel. */
#include "boot.h"
#include "proc.h"

#define NS_PER_SEC	UINT64_C(1000000000)

static int link_self(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "%d", current->tgid);
	return 0;
}

static int link_mounts(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "self/mounts");
	return 0;
}

static int show_filesystems(struct text *text, struct task *task)
{
	const struct file_system_type *type;

	(void)task;
	for (unsigned i = 0; (type = filesystem_by_index(i)); i++)
		text_add(text, "%s\t%s\n", type->needs_device ? "" : "nodev", type->name);
	return 0;
}

static int show_partitions(struct text *text, struct task *task)
{
	const struct block_device *bdev;

	(void)task;
	text_add(text, "major minor  #blocks  name\n\n");
	for (unsigned i = 0; (bdev = block_by_index(i)); i++)
		text_add(text, "%4u  %7u %10lu %s\n", MAJOR(bdev->dev), MINOR(bdev->dev),
			 (unsigned long)(bdev->sectors / 2), bdev->name);
	return 0;
}

static int show_meminfo(struct text *text, struct task *task)
{
	uint64_t total, free_pages;
	unsigned cached, dirty;

	(void)task;
	memory_counts(&total, &free_pages);
	block_cache_counts(&cached, &dirty);
	text_add(text, "MemTotal:       %8lu kB\n", (unsigned long)(total * (PAGE_SIZE / 1024)));
	text_add(text, "MemFree:        %8lu kB\n", (unsigned long)(free_pages * (PAGE_SIZE / 1024)));
	text_add(text, "MemAvailable:   %8lu kB\n",
		 (unsigned long)((free_pages + cached - dirty) * (PAGE_SIZE / 1024)));
	text_add(text, "Buffers:        %8lu kB\n", (unsigned long)cached * (PAGE_SIZE / 1024));
	text_add(text, "Cached:                0 kB\nSwapCached:            0 kB\n"
		       "SwapTotal:             0 kB\nSwapFree:              0 kB\n");
	text_add(text, "Dirty:          %8lu kB\n", (unsigned long)dirty * (PAGE_SIZE / 1024));
	text_add(text, "Shmem:                 0 kB\nSReclaimable:          0 kB\n");
	return 0;
}

static int show_uptime(struct text *text, struct task *task)
{
	uint64_t now = clock_ns();

	(void)task;
	text_add(text, "%lu.%02lu 0.00\n", (unsigned long)(now / NS_PER_SEC),
		 (unsigned long)(now % NS_PER_SEC / (NS_PER_SEC / 100)));
	return 0;
}

static int show_loadavg(struct text *text, struct task *task)
{
	unsigned running = 0, all = 0;
	int last = 0;

	(void)task;
	for (unsigned i = 0; i < TASKS_MAX; i++) {
		all += tasks[i].state != TASK_FREE;
		running += tasks[i].state == TASK_RUNNABLE;
		if (tasks[i].state != TASK_FREE && tasks[i].pid > last)
			last = tasks[i].pid;
	}
	text_add(text, "0.00 0.00 0.00 %u/%u %d\n", running, all, last);
	return 0;
}

static int show_version(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "Linux version " OS_RELEASE " (overmount kernel stub) #1\n");
	return 0;
}

static int show_cmdline(struct text *text, struct task *task)
{
	(void)task;
	if (boot_info.cmdline)
		text_bytes(text, boot_info.cmdline, strlen(boot_info.cmdline));
	text_add(text, "\n");
	return 0;
}

static void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

static int show_cpuinfo(struct text *text, struct task *task)
{
	char vendor[13] = "", model[49] = "";
	uint32_t out[4], swap;

	(void)task;
	cpuid(0, out);
	swap = out[2];
	out[2] = out[3];
	out[3] = swap;
	memcpy(vendor, out + 1, 12);
	cpuid(0x80000000u, out);
	for (uint32_t i = 0; out[0] >= 0x80000004u && i < 3; i++) {
		uint32_t part[4];

		cpuid(0x80000002u + i, part);
		memcpy(model + 16 * i, part, 16);
	}
	text_add(text, "processor\t: 0\nvendor_id\t: %s\nmodel name\t: %s\ncpu cores\t: 1\n\n", vendor,
		 model);
	return 0;
}

static int show_stat(struct text *text, struct task *task)
{
	uint64_t now = clock_ns(), busy = 0;

	(void)task;
	for (unsigned i = 1; i < TASKS_MAX; i++)
		if (tasks[i].state != TASK_FREE)
			busy += tasks[i].cpu_ns;
	if (busy > now)
		busy = now;
	for (unsigned i = 0; i < 2; i++)
		text_add(text, "cpu%s %lu 0 0 %lu 0 0 0 0 0 0\n", i ? "0" : " ",
			 (unsigned long)(busy / 10000000), (unsigned long)((now - busy) / 10000000));
	text_add(text, "btime %lu\nprocesses 0\nprocs_running 1\nprocs_blocked 0\n",
		 (unsigned long)(clock_unix() - now / NS_PER_SEC));
	return 0;
}

static const char *block_driver(unsigned major)
{
	return major == 1 ? "ramdisk" : major == 259 ? "blkext" : "virtblk";
}

static int show_devices(struct text *text, struct task *task)
{
	const struct block_device *bdev;
	unsigned last = 0;
	const char *name;
	uint32_t dev, mode;

	(void)task;
	text_add(text, "Character devices:\n");
	for (unsigned i = 0; chrdev_by_index(i, &dev, &name, &mode); i++) {
		if (MAJOR(dev) != last)
			text_add(text, "%3u %s\n", MAJOR(dev), MAJOR(dev) == 1 ? "mem" : name ? name : "-");
		last = MAJOR(dev);
	}
	text_add(text, "\nBlock devices:\n");
	last = 0;
	for (unsigned i = 0; (bdev = block_by_index(i)); i++) {
		if (MAJOR(bdev->dev) != last)
			text_add(text, "%3u %s\n", MAJOR(bdev->dev), block_driver(MAJOR(bdev->dev)));
		last = MAJOR(bdev->dev);
	}
	return 0;
}

static int show_absolute_root(struct text *text, struct task *task)
{
	const struct super_block *sb = absolute_root();

	(void)task;
	if (!sb)
		return -ENOENT;
	text_add(text, "dentries %u\ninodes %u\ndata-pages %lu\n", sb->dentry_count,
		 sb->inode_count, (unsigned long)sb->data_pages);
	return 0;
}

static int show_hostname(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "%s\n", host_name_text());
	return 0;
}

static int show_ostype(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, "Linux\n");
	return 0;
}

static int show_osrelease(struct text *text, struct task *task)
{
	(void)task;
	text_add(text, OS_RELEASE "\n");
	return 0;
}

static enum boot_verdict sysrq_verdict;

static void sysrq_stop(void)
{
	machine_stop(sysrq_verdict);
}

/* What scripts use when there is no time for a proper end.  As in Linux, write(2) returns first. */
static int sysrq(const char *bytes, size_t len, bool first)
{
	struct task *task;
	int err;

	(void)first;
	if (len && bytes[0] == 's') {
		(void)block_sync(NULL);
		return 0;
	}
	if (!len || (bytes[0] != 'o' && bytes[0] != 'b'))
		return -EINVAL;
	sysrq_verdict = bytes[0] == 'o' ? VERDICT_POWEROFF : VERDICT_REBOOT;
	err = kernel_thread(sysrq_stop, &task);
	if (!err)
		task_wake(task);
	return err;
}

static int show_nothing(struct text *text, struct task *task)
{
	(void)text, (void)task;
	return -EIO;
}

#define FILE_MODE	(S_IFREG | 0444)
#define LINK_MODE	(S_IFLNK | 0777)

const struct proc_file proc_system_files[] = {
	{ "self", LINK_MODE, NULL, NULL, link_self, NULL, NULL },
	{ "mounts", LINK_MODE, NULL, NULL, link_mounts, NULL, NULL },
	{ "absolute-root", FILE_MODE, show_absolute_root, NULL, NULL, NULL, NULL },
	{ "cmdline", FILE_MODE, show_cmdline, NULL, NULL, NULL, NULL },
	{ "cpuinfo", FILE_MODE, show_cpuinfo, NULL, NULL, NULL, NULL },
	{ "devices", FILE_MODE, show_devices, NULL, NULL, NULL, NULL },
	{ "filesystems", FILE_MODE, show_filesystems, NULL, NULL, NULL, NULL },
	{ "loadavg", FILE_MODE, show_loadavg, NULL, NULL, NULL, NULL },
	{ "meminfo", FILE_MODE, show_meminfo, NULL, NULL, NULL, NULL },
	{ "partitions", FILE_MODE, show_partitions, NULL, NULL, NULL, NULL },
	{ "root-descriptor", FILE_MODE | 0200, root_choice_show, NULL, NULL, root_choice_write, NULL },
	{ "stat", FILE_MODE, show_stat, NULL, NULL, NULL, NULL },
	{ "sysrq-trigger", S_IFREG | 0200, show_nothing, NULL, NULL, sysrq, NULL },
	{ "uptime", FILE_MODE, show_uptime, NULL, NULL, NULL, NULL },
	{ "version", FILE_MODE, show_version, NULL, NULL, NULL, NULL },
};
const unsigned proc_system_count = sizeof(proc_system_files) / sizeof(proc_system_files[0]);

const struct proc_file proc_kernel_files[] = {
	{ "hostname", FILE_MODE, show_hostname, NULL, NULL, NULL, NULL },
	{ "osrelease", FILE_MODE, show_osrelease, NULL, NULL, NULL, NULL },
	{ "ostype", FILE_MODE, show_ostype, NULL, NULL, NULL, NULL },
	{ "real-root-dev", FILE_MODE | 0200, real_root_dev_show, NULL, NULL, real_root_dev_write,
	  real_root_dev_exists },
};
const unsigned proc_kernel_count = sizeof(proc_kernel_files) / sizeof(proc_kernel_files[0]);
