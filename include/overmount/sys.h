/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_SYS_H
#define OVERMOUNT_SYS_H
/*
 * What prepare_namespace() asks of the world it runs in.  Implementations: the kernel stub's
 * VFS (kernel-stub/sys/late_boot.c), Linux system calls (rootfs/init/), a recorder (tests/) and
 * the dry run behind `overmount explain` (tools/).
 *
 * Operations return 0 or a negative error number, Linux' x86 numbers in every world.
 * Paths are NUL-terminated and absolute unless said otherwise.
 */
#include <overmount/root.h>

enum om_errno {
	OM_EPERM = 1, OM_ENOENT = 2, OM_EINTR = 4, OM_EIO = 5, OM_ENXIO = 6, OM_E2BIG = 7,
	OM_ENOEXEC = 8, OM_EAGAIN = 11, OM_ENOMEM = 12, OM_EACCES = 13, OM_ENOTBLK = 15,
	OM_EBUSY = 16, OM_EEXIST = 17, OM_ENODEV = 19, OM_ENOTDIR = 20, OM_EISDIR = 21,
	OM_EINVAL = 22, OM_ENOSPC = 28, OM_EROFS = 30, OM_ENAMETOOLONG = 36, OM_ENOSYS = 38,
	OM_ELOOP = 40, OM_ENODATA = 61, OM_ETIMEDOUT = 110, OM_ENOMEDIUM = 123,
};

/* "no such device (ENXIO)"; also for -errno.  Never NULL. */
const char *om_errno_text(int error);

#define OM_DEVICE_NAME_MAX 32u

struct om_device {
	char name[OM_DEVICE_NAME_MAX];	/* without /dev/; NUL-terminated */
	uint32_t major, minor;
	uint64_t size;			/* bytes */
	char fstype[OM_FSTYPE_MAX];	/* by content, "" = not recognised */
	char uuid[40], label[OM_LABEL_MAX + 1], partuuid[40], partlabel[OM_PARTLABEL_MAX + 1];
};

/*
 * Does SPEC mean DEVICE?  Identifiers are compared without regard to case, names and labels exactly,
 * or as /dev/disk/by-label has them, where a blank is \x20; what DEVICE leaves empty matches nothing.
 * PARTNROFF is for the caller, and counts from the match.
 */
bool om_device_matches(const struct om_device *device, const struct om_rootspec *spec);

/* Candidates that replace those of the descriptor; they outlive prepare_namespace(). */
struct om_choice {
	const struct om_candidate *candidates;
	uint32_t candidate_count;
};

#define OM_MS_RDONLY 1u

struct om_sys {
	void *ctx;

	int (*mkdir)(void *ctx, const char *path, uint32_t mode);
	int (*rmdir)(void *ctx, const char *path);
	int (*unlink)(void *ctx, const char *path);
	/* mode with type bits */
	int (*mknod)(void *ctx, const char *path, uint32_t mode, uint32_t major, uint32_t minor);
	int (*symlink)(void *ctx, const char *text, const char *path);
	int (*mount)(void *ctx, const char *source, const char *target, const char *fstype,
		     uint32_t flags, const char *data);
	int (*move)(void *ctx, const char *from, const char *to);
	int (*umount)(void *ctx, const char *target, bool detach);
	int (*chdir)(void *ctx, const char *path);
	int (*chroot)(void *ctx, const char *path);
	/*
	 * 0: PATH is there and executable by root (a regular file); -ENOENT, -EACCES, ...
	 * PATH, with the symbolic links on the way, is resolved as if ROOT were "/" ("" = "/").
	 */
	int (*check_program)(void *ctx, const char *root, const char *path);
	/* 0: a directory is there */
	int (*check_directory)(void *ctx, const char *path);

	/* -ENXIO: not there (yet) */
	int (*find_device)(void *ctx, const struct om_rootspec *spec, struct om_device *ret_device);
	/*
	 * Read what is on DEVICE, which find_device() gave: fstype, uuid, label.  Asked for where it matters,
	 * as a disk is slow.  NULL: find_device() tells it all.
	 */
	void (*look_into)(void *ctx, struct om_device *device);
	/* Each device in turn by index, with as much of its content as is known; -ENXIO after the last. */
	int (*list_device)(void *ctx, uint32_t index, struct om_device *ret_device);
	/* File system types that need a device, in order of registration; -ENOENT after the last. */
	int (*list_fstype)(void *ctx, uint32_t index, char *ret_name, size_t size);
	/* Return when something may have changed or after TIMEOUT_MS. */
	int (*wait_devices)(void *ctx, uint32_t timeout_ms);
	/* Make a device of an image inside the absolute root, read-only or copied on write. */
	int (*attach_image)(void *ctx, const char *path, struct om_device *ret_device);
	/*
	 * Put a device in the place of *DEVICE through which it can be read only, and only as far as it
	 * matches the tree of hashes on HASH, as VERITY says.  NULL, or why not, in words that stay valid.
	 * NULL instead of a function: this world cannot.
	 */
	const char *(*verity_open)(void *ctx, const struct om_verity *verity,
				   const struct om_device *hash, struct om_device *device);
	/* The end of that device, if there is one: NULL, or what was found not to match. */
	const char *(*verity_close)(void *ctx);
	/* Unpack an archive of the absolute root below TARGET; kind OM_ROOT_TAR or OM_ROOT_CPIO. */
	int (*unpack)(void *ctx, enum om_root_kind kind, const char *path, const char *target);
	int (*load_module)(void *ctx, const char *path);
	/*
	 * Bring the network up and mount the directory that CANDIDATE names on TARGET, writable only
	 * with OM_MODE_RW.  NULL: done; else why not, in words that stay.  May be NULL.
	 */
	const char *(*mount_nfs)(void *ctx, const struct om_candidate *candidate, const char *target);

	/*
	 * Move the mount on ROOT over "/" and run PROGRAM inside it as PID 1, on the console, in places
	 * of its own: root and directory of this task stay.  0: it has ended, *ret_status as of wait(2).
	 * Does not come back when it has become the system's init.  On failure nothing has moved.
	 */
	int (*run_linuxrc)(void *ctx, const char *root, const char *program, int *ret_status);
	/* What /linuxrc chose while it ran; count 0: nothing. */
	void (*linuxrc_choice)(void *ctx, struct om_choice *ret_choice);
	/* Give back the memory of ram disk INDEX, which is mounted no more. */
	int (*free_ramdisk)(void *ctx, uint32_t index, uint64_t *ret_bytes);
	int (*prompt)(void *ctx, const char *text);

	/*
	 * After the overmount: give back what the absolute root holds.  ret_* say what is left.
	 * KEEP is never OM_KEEP_ALL.
	 */
	int (*reap)(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
		    uint64_t *ret_pages);

	/* Returns only on failure. argv[0] is the path; NULL-terminated. */
	int (*exec)(void *ctx, const char *path, const char *const *argv);

	/*
	 * No candidate works.  What is logged next is the table of what was tried: to be kept where the
	 * next start finds it; and what runs then is a rescue.  May be NULL.
	 */
	void (*give_up)(void *ctx);

	/* One step of the story, without newline; the edge adds the time (om_log_line). */
	void (*log)(void *ctx, const char *text);
	uint64_t (*now_ms)(void *ctx);
};

/*
 * Late boot, from the absolute root to init as PID 1.  Returns only when nothing could be run:
 * a negative error number, after the table of what was tried and why has been logged and, if
 * the absolute root has one, a rescue shell has ended.
 */
int prepare_namespace(const struct om_root *root, const struct om_sys *sys);

#endif
