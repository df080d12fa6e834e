/* SPDX-License-Identifier: MIT */
#ifndef LOADER_PLANNER_H
#define LOADER_PLANNER_H
/* What plan.c (the entry's own logic) and plan_facts.c (what the files are) share. */
#include <overmount/plan.h>

#include "words.h"

struct planner {
	const struct om_entry *entry;
	const struct om_plan_facts *facts;	/* may be NULL */
	struct om_arena *arena;
	const struct om_diag_sink *sink;
	struct om_plan *plan;
	enum om_status status;			/* the first error */
	bool classic;				/* a classic initrd is ram disk 0 */
	bool maybe_classic;			/* an initrd nobody has looked at yet */
	/* as plan->ramdisks */
	const struct om_file_facts *ramdisk_facts[OM_IMAGES_MAX];
	bool ramdisk_classic[OM_IMAGES_MAX];
};

enum om_status plan_error(struct planner *planner, enum om_status status, struct om_value at,
			  const char *hint, const char *format, ...) OM_PRINTF(5, 6);
void plan_warning(struct planner *planner, struct om_value at, const char *hint,
		  const char *format, ...) OM_PRINTF(4, 5);

/* Take the first component off an absolute path, "." left out; empty at the end. */
struct om_str plan_component(struct om_str *path);

/* plan_facts.c; facts may be NULL or not known, then nothing is found wrong. */
void plan_check_kernel(struct planner *planner);
void plan_check_layer(struct planner *planner, const struct om_layer_ref *layer,
		      const struct om_file_facts *facts);
void plan_check_ramdisk(struct planner *planner, const struct om_ramdisk_ref *ramdisk,
			const struct om_file_facts *facts);
/* A layer that a stock Linux gets as it is: a BLS initrd, and whatever is compressed. */
bool plan_is_untouched(const struct planner *planner, const struct om_layer_ref *layer,
		       const struct om_file_facts *facts);
/* Compressed as a whole, in a way that the kernel unpacks: a ram disk. */
bool plan_is_packed_image(const struct om_file_facts *facts);
/* Bytes of the image, its start taken off; 0 = not known. */
uint64_t plan_ramdisk_size(const struct om_ramdisk_ref *ramdisk, const struct om_file_facts *facts);
void plan_check_memory(struct planner *planner);

#endif
