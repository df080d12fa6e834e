/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_LATE_BOOT_H
#define ROOTFS_LATE_BOOT_H
/* What prepare_namespace.c and root_mount.c share. */
#include <overmount/fmt.h>
#include <overmount/sys.h>

#define MOUNT_POINT	"/root"
#define WORDS_MAX	2048u		/* init and its arguments; COMMAND_LINE_SIZE of x86 */

enum step {
	STEP_NONE,
	STEP_FIND,		/* there is no such device */
	STEP_NODE,
	STEP_ATTACH,		/* an image of the absolute root as a device */
	STEP_UNPACK,
	STEP_MOUNT,
	STEP_TYPE,		/* no type of the list recognised it */
	STEP_INIT,		/* mounted, but there is nothing to run */
	STEP_NETWORK,
	STEP_VERITY,		/* it must not be read unverified */
	STEP_OVERLAY,		/* no writable layer */
	STEP_MOVE,
};

/* How far a candidate came. */
struct attempt {
	enum step step;
	int error;		/* 0: the step says all of it */
	const char *why;	/* instead of the step's own words, or NULL */
	char seen[OM_FSTYPE_MAX];	/* file system by content */
};

struct late_boot {
	const struct om_root *root;
	const struct om_sys *sys;
	const struct om_candidate *candidates;	/* the descriptor's, or what /linuxrc chose */
	uint32_t candidate_count;
	bool initrd_kept;		/* the classic initrd is mounted on /old */
	struct attempt attempts[OM_CANDIDATES_MAX];
	char words[WORDS_MAX];
	const char *argv[OM_ARGS_MAX + 1];
};


/* One line of the story. */
void om_late_say(const struct late_boot *boot, const char *format, ...) OM_PRINTF(2, 3);
/* A borrowed string as a C string; -E2BIG when it does not fit. */
int om_late_text(struct om_str text, char *buf, size_t size);

/*
 * Mount DEVICE, by way of a fresh NODE, on MOUNT_POINT as CANDIDATE asks; says what it did under
 * the name of WHAT.  What fails is written into ATTEMPT.
 */
bool om_mount_device(struct late_boot *boot, const struct om_candidate *candidate,
		     struct om_device *device, const char *node, const char *what,
		     struct attempt *attempt);
/*
 * Move what is on PLACE below an overlay on MOUNT_POINT whose upper layer is a tmpfs.  On failure it is
 * on PLACE as before.
 */
bool om_mount_overlay(struct late_boot *boot, const char *place, struct attempt *attempt);
/* Find candidate AT and mount it on MOUNT_POINT; with false its attempt says why not. */
bool om_mount_candidate(struct late_boot *boot, uint32_t at);
/* Why the attempt at CANDIDATE failed, in words. */
void om_attempt_text(const struct late_boot *boot, const struct om_candidate *candidate,
		     const struct attempt *attempt, char *buf, size_t size);

static inline bool om_attempt_fail(struct attempt *attempt, enum step step, int error)
{
	attempt->step = step;
	attempt->error = error;
	return false;
}

#endif
