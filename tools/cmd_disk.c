/* SPDX-License-Identifier: MIT */
/* overmount disk: images of an ESP, a root partition, a whole disk. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"

static int run_disk(int argc, char **argv);

const struct command cmd_disk = {
	"disk", "make images of an ESP, a root partition or a whole disk, without root",
	"Usage: overmount disk esp -o FILE [--size MIB] DIR\n"
	"       overmount disk root -o FILE --size MIB [--type ext2|ext4] [--uuid UUID]\n"
	"                           [--label LABEL] [--keep-owners] DIR\n"
	"       overmount disk gpt -o FILE PART...\n"
	"\n"
	"  -o, --output FILE   where to write\n"
	"      --size MIB      size of the image (esp: as much as DIR needs)\n"
	"      --type TYPE     ext2 (default) or ext4\n"
	"      --uuid UUID     of the file system (default: a fixed one)\n"
	"      --label LABEL   of the file system, at most 16 bytes (default: root)\n"
	"      --keep-owners   owners as in DIR; without it everything is root's\n"
	"      --help\n"
	"\n"
	"PART is FILE[:TYPE[:NAME[:PARTUUID]]]: an image, its type as sgdisk has it (ef00 for an\n"
	"ESP; default 8300), name and GUID of the partition.  The same input gives the same bytes;\n"
	"the time in them is SOURCE_DATE_EPOCH, or that of the newest file.\n"
	"Needs mtools, e2fsprogs and gdisk.\n",
	run_disk,
};

#define SIZE_MIB_MAX (UINT64_C(1) << 22)	/* 4 TiB */

struct options {
	const char *output;
	struct root_options root;
	bool root_given;		/* an option that only `disk root` has */
};

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' }, { "size", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 't' }, { "uuid", required_argument, NULL, 'u' },
		{ "label", required_argument, NULL, 'l' }, { "keep-owners", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			options->output = optarg;
			continue;
		case 's':
			if (!number_parse(optarg, 1, SIZE_MIB_MAX, &options->root.size_mib))
				return usage_error(&cmd_disk, "--size '%s': expected MiB, at least 1",
						   optarg);
			continue;
		case 't':
			if (strcmp(optarg, "ext2") != 0 && strcmp(optarg, "ext4") != 0)
				return usage_error(&cmd_disk, "--type '%s': expected ext2 or ext4",
						   optarg);
			options->root.type = optarg;
			break;
		case 'u':
			if (!uuid_is(optarg))
				return usage_error(&cmd_disk, "--uuid '%s' is not a UUID", optarg);
			options->root.uuid = optarg;
			break;
		case 'l':
			if (strlen(optarg) > 16)
				return usage_error(&cmd_disk, "--label '%s' has more than 16 bytes",
						   optarg);
			options->root.label = optarg;
			break;
		case 'k':
			options->root.keep_owners = true;
			break;
		case 'h':
			command_help(&cmd_disk);
			return -1;
		default:
			return usage_option(&cmd_disk, argv, c);
		}
		options->root_given = true;
	}
	return DONE;
}

static int make_tree(struct options *options, bool esp, const char *directory)
{
	char derived[37];
	struct stat st;

	if (stat(directory, &st))
		return refuse_errno(directory, "open");
	if (!S_ISDIR(st.st_mode))
		return refuse(directory, "is not a directory");
	if (esp)
		return disk_esp(options->output, options->root.size_mib, directory);
	if (!options->root.type)
		options->root.type = "ext2";
	if (!options->root.label)
		options->root.label = "root";
	uuid_derive("root", 0, derived);
	if (!options->root.uuid)
		options->root.uuid = derived;
	return disk_root(options->output, &options->root, directory);
}

static int run_disk(int argc, char **argv)
{
	static const char *const verbs[] = { "esp", "root", "gpt", NULL };
	struct options options = { 0 };
	int result, verb, count;

	result = parse(argc, argv, &options);
	if (result != DONE)
		return result < 0 ? DONE : result;
	verb = optind < argc ? verb_find(verbs, argv[optind]) : -1;
	if (verb < 0)
		return usage_error(&cmd_disk, "expected esp, root or gpt");
	if (!options.output)
		return usage_error(&cmd_disk, "disk %s: where to? -o FILE is missing", verbs[verb]);
	if (verb != 1 && options.root_given)
		return usage_error(&cmd_disk, "--type, --uuid, --label and --keep-owners belong to "
				   "`disk root`");
	count = argc - optind - 1;
	if (verb == 2) {
		if (count == 0)
			return usage_error(&cmd_disk, "disk gpt: expected a PART");
		if (options.root.size_mib)
			return usage_error(&cmd_disk, "disk gpt: the size is that of the parts");
		return disk_gpt(options.output, count, argv + optind + 1);
	}
	if (count != 1)
		return usage_error(&cmd_disk, "disk %s: expected one DIR", verbs[verb]);
	if (verb == 1 && !options.root.size_mib)
		return usage_error(&cmd_disk, "disk root: --size MIB is missing");
	return make_tree(&options, verb == 0, argv[optind + 1]);
}
