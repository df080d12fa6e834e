/* SPDX-License-Identifier: MIT */
/* The last check of `overmount handoff`: is there a program to start, and would it start? */
#include <string.h>

#include "handoff.h"
#include "image_tree.h"

#define REASON_MAX 512

struct place {
	struct tap *tap;
	struct om_tree *tree;
	char name[32];			/* " of ram disk 0"; "" is the absolute root */
};

static bool absolute_root_runs(const struct om_root *root)
{
	uint32_t i;

	for (i = 0; i < root->candidate_count; i++)
		if (root->candidates[i].spec.kind == OM_ROOT_RAMFS)
			return true;
	return root->candidate_count == 0;
}

static void check_program(const struct place *place, const char *path)
{
	char reason[REASON_MAX] = "";
	bool good = program_check(place->tree, path, reason, sizeof(reason));

	tap_check(place->tap, good, reason, "init: %s%s can be started", path, place->name);
}

/* The first of late boot's list that is there at all; the /init of an initramfs in front. */
static void check_default_init(const struct place *place, bool initramfs)
{
	static const char *const defaults[] = { "/init", "/sbin/init", "/bin/init", "/etc/init",
						"/bin/sh" };
	const struct om_node *node;
	size_t i = initramfs ? 0 : 1;

	for (; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (om_tree_lookup(place->tree, defaults[i], &node) == OM_OK) {
			check_program(place, defaults[i]);
			return;
		}
	}
	tap_check(place->tap, false, "none of /sbin/init, /bin/init, /etc/init, /bin/sh is there",
		  "init%s: is there", place->name);
}

static void check_init_of(const struct place *place, const struct om_root *root, bool initramfs)
{
	char path[OM_PATH_MAX];

	if (!root || !root->init_count) {
		check_default_init(place, initramfs);
		return;
	}
	snprintf(path, sizeof(path), "%.*s", (int)root->init[0].len, root->init[0].ptr);
	check_program(place, path);
}

/* The first candidate, when it is a ram disk whose image can be looked into; or NULL. */
static const char *image_of_root(const struct handoff_set *set, const struct om_root *root,
				 uint32_t *ret_index)
{
	const struct om_rootspec *spec = &root->candidates[0].spec;
	uint32_t i;

	if (spec->kind != OM_ROOT_RAM)
		return NULL;
	for (i = 0; i < set->image_count; i++) {
		if (set->images[i].index == spec->minor) {
			*ret_index = spec->minor;
			return set->images[i].path;
		}
	}
	return NULL;
}

static bool is_ext(const char *path)
{
	enum om_image_kind kind = OM_IMAGE_UNKNOWN;
	struct host_file file;

	if (host_file_open(&file, path) != DONE)
		return false;
	kind = host_file_probe(&file);
	host_file_close(&file);
	return kind == OM_IMAGE_EXT2;	/* ext3 and ext4 are the same to the probe */
}

static void check_final_root(const struct handoff_set *set, const struct om_root *root,
			     struct tap *tap)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .no_devices = true,
					   .no_manifest = true };
	uint32_t index = 0;
	const char *path = image_of_root(set, root, &index);
	struct image_tree image;
	struct om_tree tree;
	struct place place = { tap, &tree, "" };
	char reason[REASON_MAX] = "";

	if (!path || !is_ext(path)) {
		tap_skip(tap, path ? "only ext2, ext3 and ext4 images are looked into" :
			 "it lies in the final root, which needs the machine", "init");
		return;
	}
	if (om_tree_init(&tree, &host_mem, &options) != OM_OK)
		return;
	snprintf(place.name, sizeof(place.name), " of ram disk %u", index);
	if (tap_check(tap, image_tree_open(&image, path, &tree, reason, sizeof(reason)), reason,
		      "ram disk %u: its tree can be read", index))
		check_init_of(&place, root, false);
	om_tree_release(&tree);
	image_tree_close(&image);
}

void handoff_check_init(const struct handoff_set *set, const struct om_root *root,
			struct om_tree *tree, struct tap *tap)
{
	struct place place = { tap, tree, "" };
	char path[OM_PATH_MAX];

	if (set->init) {
		check_program(&place, set->init);
	} else if (root && root->rdinit.len) {
		snprintf(path, sizeof(path), "%.*s", (int)root->rdinit.len, root->rdinit.ptr);
		check_program(&place, path);
	} else if (root && !absolute_root_runs(root)) {
		check_final_root(set, root, tap);
	} else {
		check_init_of(&place, root, !root || !root->candidate_count);
	}
}
