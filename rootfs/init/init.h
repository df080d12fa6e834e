/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_INIT_H
#define ROOTFS_INIT_H
/*
 * /init on a stock Linux: the world of prepare_namespace() over system calls.  One static program,
 * which is PID 1 from the kernel's first exec to that of the final init.
 */
#include <sys/types.h>

#include <overmount/fmt.h>
#include <overmount/mem.h>
#include <overmount/sys.h>

#define SELF_PATH	"/init"
#define RESERVED	"/.overmount"
#define RAMDISK_PATH	RESERVED "/ramdisk.%u"

struct world {
	const struct om_root *root;
	char **argv;			/* as the kernel gave it */
	int console, kmsg;		/* where the story goes; -1 = nowhere */
	int proc;			/* the directory, for as long as we are there */
	int sysfs, dev;
	int below;			/* "/" of the absolute root, with nothing over it */
	int uevents;
	bool entered;			/* the final root is entered */
	bool pivoted;			/* the absolute root lies over "." of the final one */
	bool failed;			/* no candidate works: what runs now is a rescue */
	bool dev_asked;			/* the story itself wants devices on /dev of the absolute root */
	bool log_limited;		/* the kernel's log takes few lines of one program */
	bool stale;			/* devices have come or gone since the last look */
	int first;			/* socket to PID 1 when /linuxrc was there; -1: this is PID 1 */
};

extern struct world world;

/* -- main.c --------------------------------------------------------------------------------- */

/* malloc() and free(), for the library. */
extern const struct om_mem world_mem;
/* One line of the story that is this edge's own. */
void say(const char *format, ...) OM_PRINTF(1, 2);
/* The kernel drops what a program logs beyond ten lines in five seconds; we have more to tell. */
void log_limit(bool limited);
uint64_t world_now_ms(void *ctx);
/* 0 and up, or -errno. */
int result_of(long result);
/* devtmpfs, proc and sysfs on the absolute root, the console and the kernel's log. */
void places_make(void);
/* At most SIZE - 1 bytes of a small file as text without its last newline; -errno. */
int read_text_at(int dir, const char *path, char *buf, size_t size);

/* -- devices.c ------------------------------------------------------------------------------ */

void devices_start(void);
int world_find_device(void *ctx, const struct om_rootspec *spec, struct om_device *ret_device);
void world_look_into(void *ctx, struct om_device *device);
int world_list_device(void *ctx, uint32_t index, struct om_device *ret_device);
int world_list_fstype(void *ctx, uint32_t index, char *ret_name, size_t size);
int world_wait_devices(void *ctx, uint32_t timeout_ms);
/* What lies on a device or in a file: type, uuid and label are filled in. */
void content_probe(const char *path, struct om_device *device);

/* What an absolute root can be, as statfs() has it. */
#define RAMFS_MAGIC	0x858458f6u
#define TMPFS_MAGIC	0x01021994u

/* -- mount.c -------------------------------------------------------------------------------- */

int world_mount(void *ctx, const char *source, const char *target, const char *fstype,
		uint32_t flags, const char *data);

/* -- images.c ------------------------------------------------------------------------------- */

/* Ram disk INDEX, attached the first time that somebody asks; -ENOENT: none of ours, -ENXIO: it cannot be. */
int ramdisk_device(uint32_t index, struct om_device *ret_device);
/* Where its image is a file, until it is attached. */
void ramdisk_path(const struct om_ramdisk *disk, char *path, size_t size);
/* The same for a list; an initrd that maybe nobody takes (linuxrc no) is not attached for that. */
int ramdisk_listed(const struct om_ramdisk *disk, struct om_device *ret_device);
/* Is this the device of one of them, or of an image? */
bool attached_is_ours(uint32_t major, uint32_t minor);
int world_attach_image(void *ctx, const char *path, struct om_device *ret_device);
/* The image that NODE stands for where no device does; else NULL. */
const char *image_file(const char *node);
int world_free_ramdisk(void *ctx, uint32_t index, uint64_t *ret_bytes);

/* -- verity.c ------------------------------------------------------------------------------- */

const char *world_verity_open(void *ctx, const struct om_verity *verity,
			      const struct om_device *hash, struct om_device *device);
const char *world_verity_close(void *ctx);

/* -- packed.c ------------------------------------------------------------------------------- */

/* When PATH is compressed it becomes what is in it; the reason has been said when it cannot. */
int image_unpack(const char *path);

/* -- modules.c ------------------------------------------------------------------------------ */

/* Those that the archive has for this kernel, in their order. */
void modules_start(void);
/* One by NAME, which nobody has loaded yet because it needs PARAMETERS. */
int module_load(const char *name, const char *parameters);
int world_load_module(void *ctx, const char *path);

/* -- failure.c ------------------------------------------------------------------------------ */

/* No candidate works: lines of the story are collected from now on. */
void failure_begin(void);
void failure_line(const char *text);
/* The last thing before somebody else runs, or nobody: to the firmware with it. */
void failure_keep(void);

/* -- nfs.c, network.c ----------------------------------------------------------------------- */

const char *world_mount_nfs(void *ctx, const struct om_candidate *candidate, const char *target);
/* The final root is entered: leave there what only this program knows of the network. */
void network_leave(void);

/* -- unpack.c ------------------------------------------------------------------------------- */

int world_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target);

/* -- handover.c ----------------------------------------------------------------------------- */

int world_move(void *ctx, const char *from, const char *to);
int world_chroot(void *ctx, const char *path);
int world_reap(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
	       uint64_t *ret_pages);
int world_exec(void *ctx, const char *path, const char *const *argv);
/* 0, 1 and 2 on /dev/console. */
void console_open(void);
/* Run PATH in place of this program; -errno.  What the kernel gave us as ENVP belongs to init. */
int exec_now(const char *path, const char *const *argv, char *const *envp);

/* -- initramfs.c ---------------------------------------------------------------------------- */

/* "/" stays the absolute root: before its program is executed, and when that has failed. */
void initramfs_leave(void);
void initramfs_return(void);

/* -- linuxrc.c ------------------------------------------------------------------------------ */

int world_run_linuxrc(void *ctx, const char *root, const char *program, int *ret_status);
/* choice.c: what it chose. */
void world_linuxrc_choice(void *ctx, struct om_choice *ret_choice);
/* In the place of an ended /linuxrc: wait on socket FD for what to run.  Does not return. */
void first_wait(int fd) __attribute__((noreturn));
/* Let PID 1 run PATH on our root; -errno, or this process ends. */
int first_exec(const char *path, const char *const *argv);

#endif
