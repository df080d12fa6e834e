/* SPDX-License-Identifier: MIT */
/* overmount handoff: judge what a kernel would be handed. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handoff.h"

static int run_handoff(int argc, char **argv);

const struct command cmd_handoff = {
	"handoff", "check what a handoff kernel would be given; TAP and a verdict",
	"Usage: overmount handoff [--init PATH] --archive FILE [--descriptor FILE] [--image N=FILE]...\n"
	"       overmount handoff [--init PATH] ESP-DIR ENTRY\n"
	"\n"
	"      --archive FILE      the absolute root, a newc cpio archive\n"
	"      --descriptor FILE   the root descriptor (default: " OM_DESCRIPTOR_PATH "\n"
	"                          of the archive)\n"
	"      --image N=FILE      the image that becomes /dev/ramN (repeatable)\n"
	"      --init PATH         a program of the absolute root that has to start\n"
	"      --help\n"
	"\n"
	"With ESP-DIR ENTRY everything is made as the stage would make it, and then checked.\n"
	"The last line is `handoff: good` or `handoff: bad: N of M checks failed`.\n",
	run_handoff,
};

static int take_image(struct handoff_set *set, const char *text)
{
	const char *equal = strchr(text, '=');
	char *number = xstrndup(text, equal ? (size_t)(equal - text) : 0);
	uint64_t index;
	bool good = equal && equal[1] && number_parse(number, 0, UINT32_MAX, &index);

	free(number);
	if (!good)
		return usage_error(&cmd_handoff, "--image '%s': expected N=FILE", text);
	if (set->image_count == OM_IMAGES_MAX)
		return usage_error(&cmd_handoff, "more than %u images", OM_IMAGES_MAX);
	set->images[set->image_count++] = (struct handoff_image){ (uint32_t)index, equal + 1 };
	return DONE;
}

/* ------------------------------------------------------------------ as the stage makes it */

static int append_volume(struct out_file *out, const char *path, uint64_t start)
{
	struct host_file file;
	uint8_t *buf;
	int result;

	result = host_file_open(&file, path);
	if (result != DONE)
		return result;
	buf = xalloc(1u << 20);
	while (result == DONE && start < file.source.size) {
		uint64_t left = file.source.size - start;
		size_t part = left < 1u << 20 ? (size_t)left : 1u << 20;
		enum om_status status = file.source.read_at(&file, start, buf, part);

		result = status == OM_OK ? out_write(out, buf, part) : refuse_status(path, status);
		start += part;
	}
	free(buf);
	host_file_close(&file);
	return result;
}

static int make_image(const struct entry_file *entry, const struct om_ramdisk_ref *ref,
		      const char *to)
{
	struct out_file out;
	uint32_t i;
	int result;

	result = out_open(&out, to);
	if (result != DONE)
		return result;
	for (i = 0; result == DONE && i < ref->volume_count; i++) {
		const struct om_path_ref *volume = &ref->volumes[i];
		char *path = volume->label.len ? NULL : esp_find(entry->esp, volume->path.text);

		result = path ? append_volume(&out, path, i ? 0 : (uint64_t)ref->start_kib << 10) :
				refuse(entry->path, "a volume of ram disk %u is not there",
				       ref->index);
		free(path);
	}
	if (out_close(&out, result == DONE) != DONE)
		result = REFUSED;
	return result;
}

static int make_archive(struct entry_file *entry, struct om_span descriptor, const char *to)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .page_align = true };
	struct layer_store store;
	struct om_tree tree;
	int result;

	if (om_tree_init(&tree, &host_mem, &options) != OM_OK)
		return refuse(NULL, "out of memory");
	layer_store_init(&store);
	result = entry_file_layers(entry, &tree, &store, descriptor, true);
	if (result == DONE)
		result = image_write(&tree, entry->path, to);
	om_tree_release(&tree);
	layer_store_release(&store);
	return result;
}

/* Everything below WORK; the paths in SET are allocated and live as long as the program. */
static int make_set(struct entry_file *entry, const char *work, struct handoff_set *set)
{
	char *archive = xprintf("%s/archive.cpio", work), *path = xprintf("%s/descriptor", work);
	uint8_t *descriptor = NULL;
	size_t size = 0;
	uint32_t i;
	int result;

	result = entry_file_descriptor(entry, &descriptor, &size);
	if (result == DONE)
		result = make_archive(entry, (struct om_span){ descriptor, size }, archive);
	if (result == DONE)
		result = out_bytes(path, descriptor, size);
	set->archive = archive;
	set->descriptor = path;
	for (i = 0; result == DONE && i < entry->plan.ramdisk_count; i++) {
		char *image = xprintf("%s/image-%u", work, entry->plan.ramdisks[i].index);

		result = make_image(entry, &entry->plan.ramdisks[i], image);
		set->images[set->image_count++] =
			(struct handoff_image){ entry->plan.ramdisks[i].index, image };
	}
	free(descriptor);
	return result;
}

static void free_set(struct handoff_set *set)
{
	uint32_t i;

	free((char *)(uintptr_t)set->archive);
	free((char *)(uintptr_t)set->descriptor);
	for (i = 0; i < set->image_count; i++)
		free((char *)(uintptr_t)set->images[i].path);
}

static int check_entry(const char *esp, const char *path, const char *init)
{
	struct entry_file *entry = xalloc(sizeof(*entry));
	struct handoff_set set = { .init = init };
	char *work = temporary_directory();
	struct tap tap = { 0 };
	bool planned;

	if (!work) {
		free(entry);
		return REFUSED;
	}
	planned = entry_file_read(entry, path, esp, false) == DONE &&
		  entry_file_plan(entry) == DONE;
	tap_check(&tap, planned, path, "entry: makes a plan");
	if (planned) {
		tap_check(&tap, entry->plan.path == OM_BOOT_HANDOFF, "expected a line with kernel",
			  "entry: is for a handoff kernel");
		tap_check(&tap, entry_file_digests(entry) == DONE, "see the messages",
			  "entry: every sha256 matches");
		if (tap_check(&tap, entry->plan.path != OM_BOOT_EFI &&
			      make_set(entry, work, &set) == DONE, "see the messages",
			      "entry: archive, descriptor and images can be made"))
			handoff_check(&set, &tap);
	}
	free_set(&set);
	entry_file_release(entry);
	free(entry);
	remove_tree(work);
	free(work);
	return tap_end(&tap);
}

/* ------------------------------------------------------------------ the command */

static int judge(int count, char **args, const struct handoff_set *set)
{
	struct tap tap = { 0 };

	if (!set->archive) {
		if (set->descriptor || set->image_count)
			return usage_error(&cmd_handoff, "--descriptor and --image belong to --archive");
		if (count != 2)
			return usage_error(&cmd_handoff, "expected --archive FILE, or ESP-DIR and ENTRY");
		return check_entry(args[0], args[1], set->init);
	}
	if (count)
		return usage_error(&cmd_handoff, "'%s': nothing goes with --archive", args[0]);
	if (access(set->archive, R_OK))
		return refuse_errno(set->archive, "open");
	handoff_check(set, &tap);
	return tap_end(&tap);
}

static int run_handoff(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "archive", required_argument, NULL, 'a' },
		{ "descriptor", required_argument, NULL, 'd' },
		{ "image", required_argument, NULL, 'i' }, { "init", required_argument, NULL, 'I' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct handoff_set set = { 0 };
	int c, result = DONE;

	while (result == DONE && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 'a')
			set.archive = optarg;
		else if (c == 'd')
			set.descriptor = optarg;
		else if (c == 'i')
			result = take_image(&set, optarg);
		else if (c == 'I')
			set.init = optarg;
		else if (c == 'h')
			return command_help(&cmd_handoff);
		else
			result = usage_option(&cmd_handoff, argv, c);
	}
	return result == DONE ? judge(argc - optind, argv + optind, &set) : result;
}
