/* SPDX-License-Identifier: MIT */
/* overmount explain: what an entry will do, in the words of the boot log. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dry_run.h"

static int run_explain(int argc, char **argv);

const struct command cmd_explain = {
	"explain", "say what the boot of an entry will do, step by step",
	"Usage: overmount explain [--plan] [--esp DIR] [--missing N]... ENTRY\n"
	"\n"
	"      --esp DIR     the ESP with the entry's files (default: the one that ENTRY lies in)\n"
	"      --plan        only the plan: which files are read, what the descriptor says\n"
	"      --missing N   the device of the N-th candidate is not there\n"
	"      --help\n"
	"\n"
	"The steps are made by running late boot without a machine: programs of the absolute root and\n"
	"ram disks are looked up; devices are there, with the file system that is asked for.\n",
	run_explain,
};

static void print_line(void *ctx, const char *text)
{
	(void)ctx;
	puts(text);
}

/* File system and length of the image at PATH as the kernel will see it; SIZE 0: as it is. */
static enum om_image_kind look_into(const char *path, uint64_t *ret_size)
{
	enum om_image_kind kind;
	struct host_file file;

	*ret_size = 0;
	if (host_file_open(&file, path) != DONE)
		return OM_IMAGE_UNKNOWN;
	kind = host_file_probe(&file);
	host_file_close(&file);
	if (om_image_is_compressed(kind) && !packed_image_probe(path, &kind, ret_size))
		return OM_IMAGE_UNKNOWN;
	return kind;
}

/* As the plan's ram disks come; of several volumes the first tells. */
static void find_types(const struct entry_file *file, struct dry_run *run)
{
	uint32_t i;

	for (i = 0; i < run->root->ramdisk_count; i++) {
		const struct om_ramdisk_ref *ref = &file->plan.ramdisks[i];
		bool here = file->esp && !ref->volumes[0].label.len;
		char *path = here ? esp_find(file->esp, ref->volumes[0].path.text) : NULL;
		enum om_image_kind kind = path ? look_into(path, &run->ramdisk_sizes[i]) :
						 OM_IMAGE_UNKNOWN;

		run->ramdisk_types[i] = om_image_is_filesystem(kind) ? om_image_kind_text(kind) :
				       here ? "" : run->fstypes[0];
		free(path);
	}
}

static int rehearse(struct entry_file *file, struct dry_run *run)
{
	int err;

	run->line = print_line;
	run->root = &file->plan.root;
	run->fstypes = file->plan.path == OM_BOOT_LINUX ? dry_run_linux_fstypes :
							  dry_run_stub_fstypes;
	find_types(file, run);
	err = dry_run(run);
	if (err == 0)
		return DONE;
	return refuse(file->path, "nothing would be started: %s", om_errno_text(err));
}

static int explain_steps(struct entry_file *file, struct dry_run *run)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX };
	struct layer_store store;
	struct om_tree tree;
	uint8_t *descriptor;
	enum om_status status;
	size_t size;
	int result;

	if (file->plan.path == OM_BOOT_EFI) {
		printf("overmount: start: %.*s\n", (int)file->plan.kernel.path.text.len,
		       file->plan.kernel.path.text.ptr);
		return DONE;
	}
	/* Nothing of ours goes along: neither /init nor a descriptor. */
	if (!file->plan.archive) {
		printf("overmount: start: %.*s: %s\n", (int)file->plan.kernel.path.text.len,
		       file->plan.kernel.path.text.ptr, file->plan.layer_count ?
		       "its initrd is handed over as it is, and what follows is up to that" :
		       "without an initrd the kernel mounts its root itself");
		return DONE;
	}
	if (!file->esp)
		return rehearse(file, run);
	result = entry_file_descriptor(file, &descriptor, &size);
	if (result != DONE)
		return result;
	layer_store_init(&store);
	if (om_tree_init(&tree, &host_mem, &options) != OM_OK) {
		result = refuse(NULL, "out of memory");
		goto free;
	}
	result = entry_file_layers(file, &tree, &store, (struct om_span){ descriptor, size },
				   true);
	if (result == DONE) {
		status = om_tree_finish(&tree);
		if (status != OM_OK)
			result = layer_refuse(&tree, file->path, status);
	}
	if (result == DONE) {
		run->tree = &tree;
		result = rehearse(file, run);
	}
	om_tree_release(&tree);
free:
	layer_store_release(&store);
	free(descriptor);
	return result;
}

static int explain(const char *path, const char *esp, bool plan_only, struct dry_run *run)
{
	struct entry_file *file = xalloc(sizeof(*file));
	int result;

	result = entry_file_read(file, path, esp, false);
	if (result == DONE)
		result = entry_file_plan(file);
	if (result == DONE) {
		om_plan_describe(&file->plan, print_line, NULL);
		if (!plan_only) {
			putchar('\n');
			result = explain_steps(file, run);
		}
	}
	entry_file_release(file);
	free(file);
	return result;
}

static int run_explain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "esp", required_argument, NULL, 'E' }, { "plan", no_argument, NULL, 'p' },
		{ "missing", required_argument, NULL, 'm' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct dry_run *run = xalloc(sizeof(*run));
	const char *esp = NULL;
	bool plan_only = false;
	int c, result = DONE;
	uint64_t number;

	while (result == DONE && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 'E') {
			esp = optarg;
		} else if (c == 'p') {
			plan_only = true;
		} else if (c == 'm') {
			if (number_parse(optarg, 1, OM_CANDIDATES_MAX, &number))
				run->missing[number - 1] = true;
			else
				result = usage_error(&cmd_explain, "--missing '%s': expected a number "
						     "from 1 to %u", optarg, OM_CANDIDATES_MAX);
		} else if (c == 'h') {
			free(run);
			return command_help(&cmd_explain);
		} else {
			result = usage_option(&cmd_explain, argv, c);
		}
	}
	if (result == DONE && argc - optind != 1)
		result = usage_error(&cmd_explain, "expected one ENTRY");
	if (result == DONE)
		result = explain(argv[optind], esp, plan_only, run);
	free(run);
	return result;
}
