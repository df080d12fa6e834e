/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H
/*
 * A world for prepare_namespace() that exists only in tables: every operation is written down
 * as one line of a trace, and answered from what the test says is there.
 */
#include <overmount/sys.h>

#define RECORDER_TRACE_MAX 16384
#define RECORDER_WRONG_HASH 0xbau	/* a root hash that begins so fits nothing */

struct recorder_device {
	struct om_device device;
	uint64_t appears_ms;		/* not there before */
	const char *holds;		/* the one type that can mount it; NULL = none */
	int mount_error;		/* instead of mounting; applies to every type */
	bool write_protected;		/* -EACCES unless read-only */
	const char *programs;		/* executables on it: "/sbin/init /bin/sh" */
	bool has_initrd_dir;		/* an empty /initrd */
};

struct recorder {
	const struct recorder_device *devices;
	uint32_t device_count;
	const char *programs;		/* in the absolute root */
	const char *fstypes;		/* registered: "ext2 romfs" */
	const char *fail;		/* "move" or "mknod": this operation fails, with -EIO */
	int fail_at;			/* the N-th operation of all fails with -EIO; 0 = none */

	bool no_verity;			/* a world that cannot verify */
	bool no_network;		/* a world without NFS */
	bool no_overlay;		/* a kernel without that type */
	bool slow_disks;		/* a world that reads them only when it is asked to */

	int linuxrc_status;		/* how /linuxrc ends, as of wait(2) */
	bool linuxrc_stays;		/* it becomes init itself */
	const struct om_candidate *choice;	/* the one that /linuxrc chooses, or NULL */

	int operations;
	uint64_t now_ms;
	const struct recorder_device *node;	/* what /dev/root is */
	struct recorder_device verified;	/* dm-0, as long as it has a name */
	const struct recorder_device *mounted;	/* on /root */
	const struct recorder_device *lower;	/* moved out of the way of an overlay */
	const struct recorder_device *covering;	/* after the move */
	const struct recorder_device *initrd;	/* on /old, or over "/" while /linuxrc runs */
	bool in_old;			/* the last chdir was to /old */
	bool tree_mounted;		/* /root is a ramfs */
	bool entered;			/* chroot done */
	char ran[128];			/* the program that exec would have started */
	char trace[RECORDER_TRACE_MAX];	/* operations with "> " in front, log lines without */
	char story[RECORDER_TRACE_MAX];	/* only the log lines */
};

void recorder_sys(struct recorder *recorder, struct om_sys *ret_sys);
/* Run, and give back what prepare_namespace() returned, or 0 when a program was started. */
int recorder_run(struct recorder *recorder, const struct om_root *root);

#endif
