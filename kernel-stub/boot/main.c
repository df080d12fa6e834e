/* SPDX-License-Identifier: MIT */
/* From the handoff to PID 1. */
#include <overmount/limits.h>

#include "arch.h"
#include "boot.h"
#include "device.h"
#include "mm.h"
#include "task.h"

#define CRC_POLYNOMIAL 0xedb88320u	/* IEEE 802.3, reflected */

struct boot_info boot_info;

static char cmdline[OM_CMDLINE_MAX];
static uint8_t descriptor[OM_DESCRIPTOR_MAX];

void kernel_main(uint64_t handoff_phys);

static uint32_t crc32(const uint8_t *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		/* The field itself counts as zeros. */
		crc ^= i >= offsetof(struct om_handoff, crc32) &&
		       i < offsetof(struct om_handoff, image_count) ? 0 : bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	}
	return ~crc;
}

/* The stage's one-to-one map is still loaded. */
static void handoff_read(const struct om_handoff *handoff)
{
	uint32_t crc;

	if (handoff->magic != OM_HANDOFF_MAGIC)
		panic("handoff: no block at %p: this kernel has to be started by overmount.efi",
		      (const void *)handoff);
	if (handoff->major != OM_HANDOFF_MAJOR)
		panic("handoff: version %u.%u, this kernel knows %u", handoff->major,
		      handoff->minor, OM_HANDOFF_MAJOR);
	if (handoff->size < sizeof(*handoff) || handoff->size > PAGE_SIZE)
		panic("handoff: a block of %u bytes, expected at least %zu", handoff->size,
		      sizeof(*handoff));
	crc = crc32((const uint8_t *)handoff, handoff->size);
	if (crc != handoff->crc32)
		panic("handoff: checksum %08x, expected %08x", crc, handoff->crc32);
	if (handoff->image_count > BOOT_IMAGES_MAX)
		panic("handoff: %u images, at most %u are possible", handoff->image_count,
		      BOOT_IMAGES_MAX);
	if (handoff->descriptor.len > sizeof(descriptor))
		panic("handoff: a descriptor of %llu bytes, at most %zu are possible",
		      (unsigned long long)handoff->descriptor.len, sizeof(descriptor));
	boot_info.handoff = *handoff;
}

/* Copies of what lies in memory that is about to be given out. */
static void handoff_copy(const struct om_handoff *handoff)
{
	const struct om_handoff_image *images =
		(const struct om_handoff_image *)(uintptr_t)handoff->images;
	const char *words = (const char *)(uintptr_t)handoff->cmdline;
	uint32_t i;

	for (i = 0; words && words[i] && i < sizeof(cmdline) - 1; i++)
		cmdline[i] = words[i];
	boot_info.cmdline = cmdline;
	memcpy(descriptor, (const void *)(uintptr_t)handoff->descriptor.addr,
	       handoff->descriptor.len);
	boot_info.descriptor = descriptor;
	boot_info.descriptor_len = handoff->descriptor.len;
	boot_info.archive = phys_to_virt(handoff->archive.addr);
	boot_info.archive_len = handoff->archive.len;
	boot_info.image_count = handoff->image_count;
	for (i = 0; i < handoff->image_count; i++) {
		boot_info.images[i] = (struct boot_image){
			.data = phys_to_virt(images[i].data.addr),
			.len = images[i].data.len,
			.index = images[i].index,
			.initrd = images[i].flags & OM_HANDOFF_IMAGE_INITRD,
		};
	}
}

/* PID 1, until it becomes a program. */
static void init_thread(void)
{
	int err = late_boot();

	klog("late boot: nothing could be started (error %d)", -err);
	machine_stop(VERDICT_STOPPED);
}

static struct task *make_pid1(void)
{
	struct task *task;

	if (kernel_thread(init_thread, &task) < 0)
		return NULL;
	task->pgid = task->sid = task->pid;
	memcpy(task->comm, "late-boot", sizeof("late-boot"));
	task->files = files_new();
	task->fs = kzalloc(sizeof(*task->fs));
	if (!task->files || !task->fs || mnt_init(&task->ns) < 0)
		return NULL;
	task->fs->count = 1;
	task->fs->umask = 022;
	task->fs->root = (struct path){ task->ns->root, task->ns->root->root };
	task->fs->cwd = task->fs->root;
	path_get(&task->fs->root);
	path_get(&task->fs->cwd);
	return task;
}

void kernel_main(uint64_t handoff_phys)
{
	const struct om_handoff *handoff = (const struct om_handoff *)(uintptr_t)handoff_phys;
	struct task *init;

	console_early_init();
	clock_init(0, 0);
	segments_init();
	traps_init();
	handoff_read(handoff);
	clock_init(handoff->tsc_hz, handoff->unix_time);
	handoff_copy(handoff);
	memory_init(&boot_info.handoff);
	memory_release_stage(&boot_info.handoff);
	task_init();
	console_init(&boot_info.handoff.framebuffer);
	klog("kernel: overmount stub, %llu MiB of memory, %llu MiB handed over",
	     (unsigned long long)(memory_stats.total >> 8),
	     (unsigned long long)(memory_stats.handed >> 8));
	timer_init();
	if (vfs_init() < 0)
		panic("the file systems could not be set up: no memory");
	devices_init();
	leak_baseline();
	init = make_pid1();
	if (!init)
		panic("PID 1 could not be made: no memory");
	task_wake(init);
	schedule();
	panic("the boot context ran again");
}
