/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_ROOT_H
#define OVERMOUNT_ROOT_H
/*
 * struct om_root: what a root descriptor says, in memory.  The plan makes it from a boot
 * entry, <overmount/descriptor.h> turns it into bytes and back, prepare_namespace() obeys it.
 * All strings are borrowed; none is NUL-terminated unless said.
 */
#include <overmount/bytes.h>
#include <overmount/limits.h>
#include <overmount/sha256.h>
#include <overmount/status.h>

enum om_root_kind {
	OM_ROOT_RAMFS = 1,	/* `ramfs`: the absolute root is the final root, nothing is mounted over it */
	OM_ROOT_NAME,		/* /dev/NAME                  text = NAME without /dev/ */
	OM_ROOT_NUMBER,		/* major:minor or bare hex    major, minor */
	OM_ROOT_PARTUUID,	/* PARTUUID=X[/PARTNROFF=N]   text = X, partnroff = N */
	OM_ROOT_PARTLABEL,	/* PARTLABEL=X                text = X */
	OM_ROOT_UUID,		/* UUID=X                     text = X, of the file system */
	OM_ROOT_LABEL,		/* LABEL=X                    text = X, of the file system */
	OM_ROOT_RAM,		/* /dev/ram, /dev/ramN        minor = N */
	OM_ROOT_IMAGE,		/* image:PATH                 text = PATH in the absolute root */
	OM_ROOT_TAR,		/* tar:PATH                   a tree unpacked into a fresh ramfs */
	OM_ROOT_CPIO,		/* cpio:PATH */
	OM_ROOT_NFS,		/* nfs:[SERVER:]DIR[,OPTS] or /dev/nfs (empty text) */
};

struct om_rootspec {
	enum om_root_kind kind;
	struct om_str text;
	uint32_t major;
	uint32_t minor;
	int32_t partnroff;
};

#define OM_RAM_MAJOR 1u			/* of ram disks, Linux' devices.txt */

/* Does SPEC mean ram disk spec->minor, by name or by number? */
static inline bool om_rootspec_is_ram(const struct om_rootspec *spec)
{
	return spec->kind == OM_ROOT_RAM ||
	       (spec->kind == OM_ROOT_NUMBER && spec->major == OM_RAM_MAJOR);
}

/* Is what a specification of KIND means a block device, or becomes one? */
static inline bool om_root_is_device(enum om_root_kind kind)
{
	return kind >= OM_ROOT_NAME && kind <= OM_ROOT_IMAGE;
}

enum om_root_mode {
	OM_MODE_DEFAULT = 0,	/* as the kernel always did: read-only */
	OM_MODE_RO,
	OM_MODE_RW,
};

/* One of the ordered alternatives for the final root. */
struct om_candidate {
	struct om_rootspec spec;
	struct om_str fstypes;	/* comma-separated, "" = every registered type that needs a device */
	struct om_str flags;	/* mount data as in rootflags= */
	enum om_root_mode mode;
};

enum om_linuxrc {
	OM_LINUXRC_AUTO = 0,	/* /linuxrc of a classic initrd whose root is not ram0 */
	OM_LINUXRC_NEVER,
	OM_LINUXRC_PATH,	/* this program */
};

enum om_devfs {
	OM_DEVFS_NONE = 0,
	OM_DEVFS_INITRD = 1 << 0,	/* mounted on /dev while a classic initrd is the root */
	OM_DEVFS_ROOT = 1 << 1,		/* mounted on /dev of the final root */
};

enum om_keep {
	OM_KEEP_NOTHING = 0,	/* the absolute root is reaped: 1 dentry, 1 inode */
	OM_KEEP_SKELETON,	/* what late boot itself made: at most 8 dentries, 8 inodes, no data */
	OM_KEEP_ALL,
};

/* How a stock Linux gets the block device of an image of the absolute root. */
enum om_attach {
	OM_ATTACH_LOOP = 0,	/* a loop device over the file */
	OM_ATTACH_RAMDISK,	/* copied into a brd ram disk, which is writable and has /dev/ramN */
	OM_ATTACH_PMEM,		/* the firmware's RAM disk that the stage registered: /dev/pmemN */
};

enum om_overlay {
	OM_OVERLAY_NONE = 0,
	OM_OVERLAY_TMPFS,	/* a tmpfs over the final root, which is mounted read-only */
};

#define OM_VERITY_HASH_MAX 64u
#define OM_VERITY_UNIT 512u		/* of offsets */

/* The final root is read through dm-verity. */
struct om_verity {
	uint32_t hash_len;		/* bytes; 0 = no verity, else 20, 32, 48 or 64 */
	uint8_t root_hash[OM_VERITY_HASH_MAX];
	struct om_rootspec device;	/* with the hash tree; kind 0: the candidate's own device */
	uint64_t offset;		/* of the verity superblock on that device, in bytes */
};

/* An image that becomes ram disk INDEX (/dev/ramINDEX). */
struct om_ramdisk {
	uint32_t index;
	uint64_t size;			/* bytes, all volumes together */
	bool classic_initrd;		/* came as `initrd`: /linuxrc and root=/dev/ram0 semantics */
	bool in_archive;		/* text = path in the absolute root; else handoff image INDEX */
	struct om_str text;		/* where it came from, for the log */
	bool has_digest;
	uint8_t digest[OM_SHA256_SIZE];
};

#define OM_WAIT_FOREVER UINT32_MAX

struct om_root {
	struct om_str title;		/* of the entry, for the log */
	struct om_str entry_id;		/* file name of the entry */

	struct om_candidate candidates[OM_CANDIDATES_MAX];
	uint32_t candidate_count;
	uint32_t wait_ms;		/* for any candidate to appear; OM_WAIT_FOREVER */
	uint32_t delay_ms;		/* before the first look */

	struct om_str init[OM_ARGS_MAX];	/* path and arguments; none = default list */
	uint32_t init_count;
	struct om_str rdinit;		/* program of the absolute root that replaces late boot, or "" */

	enum om_linuxrc linuxrc;
	struct om_str linuxrc_path;
	bool real_root_dev_compat;	/* /proc/sys/kernel/real-root-dev exists while a classic initrd runs */

	uint32_t devfs;			/* enum om_devfs bits */
	enum om_keep keep;

	struct om_ramdisk ramdisks[OM_IMAGES_MAX];
	uint32_t ramdisk_count;

	struct om_str modules[OM_MODULES_MAX];	/* in load order */
	uint32_t module_count;

	struct om_str cmdline;		/* the kernel command line the entry gave */

	/* Only for a stock Linux; a plan for another kernel has none of them. */
	enum om_attach attach;		/* of all ram disks */
	enum om_overlay overlay;
	struct om_verity verity;
};

/*
 * Read one root specification.  On failure a diagnostic is emitted whose column is relative to
 * TEXT (1 = its first byte) and whose line is LINE.
 */
enum om_status om_rootspec_parse(struct om_str text, uint32_t line, uint32_t column,
				 const struct om_diag_sink *sink,
				 struct om_rootspec *ret_spec) OM_CHECKED;

/* The canonical spelling ("/dev/vda2", "254:2", "PARTUUID=...").  Returns the length as om_format(). */
size_t om_rootspec_format(const struct om_rootspec *spec, char *buf, size_t size);

#endif
