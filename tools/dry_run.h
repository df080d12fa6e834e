/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_DRY_RUN_H
#define TOOLS_DRY_RUN_H
/*
 * A world for prepare_namespace() in which nothing happens.  Ram disks and the absolute root
 * are the real ones as far as they are known; a device that is asked for is there, unless its
 * candidate is declared missing.
 */
#include <setjmp.h>

#include <overmount/sys.h>

#include "host.h"

struct dry_run {
	const struct om_root *root;
	struct om_tree *tree;		/* of the absolute root, finished; NULL: not known */
	const char *ramdisk_types[OM_IMAGES_MAX];	/* as root->ramdisks; "" = not known */
	uint64_t ramdisk_sizes[OM_IMAGES_MAX];		/* unpacked; 0 = as the descriptor says */
	const char *const *fstypes;	/* that the kernel has; NULL-terminated */
	bool missing[OM_CANDIDATES_MAX];
	void (*line)(void *ctx, const char *text);
	void *ctx;

	uint64_t now_ms;
	uint32_t loops;			/* devices made of images so far, with stock Linux */
	const char *mounted;		/* type of what is mounted last; NULL: nothing */
	struct om_device device;	/* that /dev/root names */
	bool covered;			/* the final root covers "/" */
	char ran[OM_PATH_MAX];		/* the program that became PID 1, or "" */
	jmp_buf started;		/* exec does not come back */
};

extern const char *const dry_run_stub_fstypes[], *const dry_run_linux_fstypes[];

#define RAM_MAJOR	1u
#define DISK_SIZE	(UINT64_C(64) << 20)	/* of a disk that nobody has seen */

/* dry_image.c and what it needs: operations of om_sys. */
int dry_attach_image(void *ctx, const char *path, struct om_device *ret_device);
void dry_log(void *ctx, const char *text);

/* 0 when a program was started; else what prepare_namespace() returned. */
int dry_run(struct dry_run *run);

/*
 * Is PATH of the finished tree a regular file that root may execute?  0 or a negative error
 * number as check_program of om_sys.
 */
int tree_check_program(struct om_tree *tree, const char *path);
/* The first bytes of PATH: what it is by content; -error when it is no regular file. */
int tree_probe(struct om_tree *tree, const char *path, enum om_image_kind *ret_kind,
	       uint64_t *ret_size);

#endif
