/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_PLAN_H
#define OVERMOUNT_PLAN_H
/*
 * The plan: an entry with its defaults filled in and its contradictions refused.  It says which
 * files are read, in which order, and what the descriptor will hold.  It still does no I/O:
 * sizes and kinds come from the caller, who has looked (struct om_plan_facts).
 */
#include <overmount/entry.h>
#include <overmount/probe.h>

/* What the caller found out about one file named by the entry. */
struct om_file_facts {
	bool known;			/* the caller has looked */
	bool exists;
	bool directory;
	uint64_t size;
	enum om_image_kind image;	/* by content; OM_IMAGE_UNKNOWN when not recognised */
};

struct om_plan_facts {
	struct om_file_facts kernel;
	enum om_kernel_kind kernel_kind;		/* OM_KERNEL_UNKNOWN: not looked at */
	struct om_file_facts layers[OM_LAYERS_MAX];	/* as entry->layers */
	struct om_file_facts ramdisks[OM_IMAGES_MAX];	/* all volumes together */
	uint64_t memory_bytes;				/* free, 0 = not known */
};

enum om_boot_path {
	OM_BOOT_HANDOFF,		/* `kernel`: ELF64 with the handoff block */
	OM_BOOT_LINUX,			/* `linux`: PE with the EFI stub, initrd by LoadFile2 */
	OM_BOOT_EFI,			/* `efi`: just start it */
};

struct om_plan {
	enum om_boot_path path;
	struct om_path_ref kernel;
	struct om_str options;
	struct om_layer_ref layers[OM_LAYERS_MAX];	/* only archives, directories and files */
	uint32_t layer_count;
	struct om_ramdisk_ref ramdisks[OM_IMAGES_MAX];	/* classic initrd images included, by index */
	uint32_t ramdisk_count;
	bool ramdisk_prompt;
	/*
	 * OM_BOOT_LINUX: an archive with the merged layers, the ram disks and the descriptor goes
	 * behind what is untouched.  Not for an entry that has only keys of the specification and
	 * archives that need no merging: its initrd is what its maker made.
	 */
	bool archive;
	uint64_t bytes_needed;		/* estimate for the memory check; 0 when sizes are not known */
	struct om_root root;
};

/* FACTS may be NULL: then only what the entry itself says is checked. */
enum om_status om_plan_make(const struct om_entry *entry, const struct om_plan_facts *facts,
			    struct om_arena *arena, const struct om_diag_sink *sink,
			    struct om_plan *ret_plan) OM_CHECKED;

/* The plan as lines of text for `p` in the menu and `overmount explain --plan`. */
void om_plan_describe(const struct om_plan *plan, void (*line)(void *ctx, const char *text),
		      void *ctx);

#endif
