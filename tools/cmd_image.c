/* SPDX-License-Identifier: MIT */
/* overmount image: absolute root images, made and looked into. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <jansson.h>

#include "archive_file.h"
#include "linux_layer.h"

#define MANIFEST_PATH "/.overmount/manifest"

static int run_image(int argc, char **argv);

const struct command cmd_image = {
	"image", "make and read absolute root images",
	"Usage: overmount image build -o FILE [--page-align] LAYER...\n"
	"       overmount image build -o FILE --entry ENTRY [--esp DIR]\n"
	"       overmount image build -o FILE [--modules RELEASE]... [--module NAME]... [LAYER...]\n"
	"       overmount image list [--long|--json] FILE\n"
	"       overmount image extract [-o FILE] IMAGE PATH\n"
	"       overmount image manifest [-o FILE] IMAGE\n"
	"\n"
	"  -o, --output FILE   where to write; - is standard output\n"
	"      --page-align    data of files of a page or more starts on a page\n"
	"      --entry ENTRY   the layers of this boot entry and its root descriptor: the bytes\n"
	"                      that the stage makes\n"
	"      --esp DIR       the ESP with the files (default: the one that ENTRY lies in)\n"
	"      --modules RELEASE  /init for a stock Linux, and modules for this one; repeatable\n"
	"      --module NAME   this module (or alias) with all that it needs; repeatable\n"
	"      --modules-dir DIR  where RELEASE is a folder (default: /lib/modules)\n"
	"      --init FILE     another /init than the one beside this program\n"
	"      --no-devices    without /dev/console and /dev/null\n"
	"      --no-manifest   without /.overmount/manifest\n"
	"  -l, --long          with mode, owner, size and time\n"
	"      --json          one JSON array\n"
	"      --help\n"
	"\n"
	"A LAYER is a directory, a cpio or tar archive, or anything else that libarchive reads.\n"
	"Later layers win; .wh.NAME deletes NAME and .wh..wh..opq empties its directory.\n"
	"SOURCE_DATE_EPOCH is the latest time that a file of a LAYER may have.\n",
	run_image,
};

struct options {
	const char *output, *entry, *esp;
	bool page_align, no_devices, no_manifest, long_list, json;
	struct linux_layer linux_layer;
};

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' }, { "page-align", no_argument, NULL, 'p' },
		{ "entry", required_argument, NULL, 'e' }, { "esp", required_argument, NULL, 'E' },
		{ "no-devices", no_argument, NULL, 'D' }, { "no-manifest", no_argument, NULL, 'M' },
		{ "long", no_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
		{ "modules", required_argument, NULL, 'r' }, LINUX_LAYER_OPTIONS,
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, ":o:l", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			options->output = optarg;
			break;
		case 'p':
			options->page_align = true;
			break;
		case 'e':
			options->entry = optarg;
			break;
		case 'E':
			options->esp = optarg;
			break;
		case 'D':
			options->no_devices = true;
			break;
		case 'M':
			options->no_manifest = true;
			break;
		case 'l':
			options->long_list = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'r':
			if (!linux_layer_release(&options->linux_layer, optarg))
				return usage_error(&cmd_image, "'%s': too many of them", optarg);
			break;
		case LINUX_OPTION_MODULE:
		case LINUX_OPTION_DIRECTORY:
		case LINUX_OPTION_INIT:
			if (!linux_layer_option(&options->linux_layer, c, optarg))
				return usage_error(&cmd_image, "'%s': too many of them", optarg);
			break;
		case 'h':
			command_help(&cmd_image);
			return -1;
		default:
			return usage_option(&cmd_image, argv, c);
		}
	}
	return DONE;
}

/* ------------------------------------------------------------------ build */

static int build_from_layers(const struct options *options, int count, char **layers)
{
	struct om_tree_options tree_options = {
		.source_date_epoch = source_date_epoch(INT64_MAX),
		.page_align = options->page_align,
		.no_devices = options->no_devices,
		.no_manifest = options->no_manifest,
	};

	return linux_layer_archive(&options->linux_layer, count, layers, &tree_options,
				   options->output);
}

static int build_planned(const struct options *options, struct entry_file *file)
{
	/* What boot_assemble() of the stage says. */
	struct om_tree_options tree_options = {
		.source_date_epoch = INT64_MAX,
		.page_align = options->page_align || file->plan.path == OM_BOOT_HANDOFF,
		.no_devices = options->no_devices,
		.no_manifest = options->no_manifest,
	};
	struct layer_store store;
	struct om_tree tree;
	uint8_t *descriptor;
	size_t size;
	int result;

	if (file->plan.path == OM_BOOT_EFI)
		return refuse(file->path, "starts another EFI program and has no absolute root");
	result = entry_file_descriptor(file, &descriptor, &size);
	if (result != DONE)
		return result;
	layer_store_init(&store);
	if (om_tree_init(&tree, &host_mem, &tree_options) != OM_OK) {
		result = refuse(NULL, "out of memory");
		goto free;
	}
	result = entry_file_layers(file, &tree, &store, (struct om_span){ descriptor, size },
				   false);
	if (result == DONE)
		result = image_write(&tree, options->output, options->output);
	om_tree_release(&tree);
free:
	layer_store_release(&store);
	free(descriptor);
	return result;
}

static int build_from_entry(const struct options *options)
{
	struct entry_file *file = xalloc(sizeof(*file));
	int result;

	result = entry_file_read(file, options->entry, options->esp, false);
	if (result == DONE && !file->esp) {
		refuse(options->entry, "lies in no ESP");
		hint("say where its files are: --esp DIR");
		result = REFUSED;
	}
	if (result == DONE)
		result = entry_file_plan(file);
	if (result == DONE)
		result = entry_file_digests(file);
	if (result == DONE)
		result = build_planned(options, file);
	entry_file_release(file);
	free(file);
	return result;
}

static int build(const struct options *options, int count, char **layers)
{
	if (!options->output)
		return usage_error(&cmd_image, "image build: where to? -o FILE is missing");
	if (options->entry && count)
		return usage_error(&cmd_image, "'%s': with --entry the layers come from the entry",
				   layers[0]);
	if (options->linux_layer.module_count && !options->linux_layer.release_count)
		return usage_error(&cmd_image, "--module: for which Linux? --modules RELEASE is missing");
	if (options->entry && linux_layer_wanted(&options->linux_layer))
		return usage_error(&cmd_image, "--modules and --init make a layer, which an entry names");
	if (options->entry)
		return build_from_entry(options);
	if (options->esp)
		return usage_error(&cmd_image, "--esp belongs to --entry");
	if (count == 0 && !linux_layer_wanted(&options->linux_layer))
		return usage_error(&cmd_image, "image build: expected a LAYER or --entry");
	return build_from_layers(options, count, layers);
}

/* ------------------------------------------------------------------ list */

static const char *type_text(uint32_t mode)
{
	switch (mode & OM_S_IFMT) {
	case OM_S_IFDIR:
		return "directory";
	case OM_S_IFLNK:
		return "link";
	case OM_S_IFCHR:
		return "character device";
	case OM_S_IFBLK:
		return "block device";
	case OM_S_IFIFO:
		return "fifo";
	case OM_S_IFSOCK:
		return "socket";
	default:
		return "file";
	}
}

static void mode_text(uint32_t mode, char *text)
{
	static const char bits[] = "rwxrwxrwx";
	static const char types[] = { [0] = '?', [1] = 'p', [2] = 'c', [4] = 'd', [6] = 'b',
				      [8] = '-', [10] = 'l', [12] = 's', [15] = '?' };
	char type = types[(mode & OM_S_IFMT) >> 12];
	int i;

	text[0] = type ? type : '?';
	for (i = 0; i < 9; i++)
		text[i + 1] = mode & (0400u >> i) ? bits[i] : '-';
	if (mode & 04000)
		text[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		text[6] = mode & 010 ? 's' : 'S';
	if (mode & 01000)
		text[9] = mode & 1 ? 't' : 'T';
	text[10] = '\0';
}

static bool is_device(uint32_t mode)
{
	return (mode & OM_S_IFMT) == OM_S_IFCHR || (mode & OM_S_IFMT) == OM_S_IFBLK;
}

/* Names come from whoever made the archive: nothing in them may reach a terminal as it is. */
static void put_name(struct om_str name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c == '\\')
			fputs("\\\\", stdout);
		else if (c < 0x20 || c == 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static struct om_str shown_name(const struct om_member *member)
{
	struct om_str name = member_name(member->path);

	return name.len ? name : OM_STR(".");
}

static void print_long(const struct om_member *member)
{
	char mode[12], when[32], size[32];
	time_t seconds = (time_t)member->mtime;
	struct tm tm;

	mode_text(member->mode, mode);
	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (is_device(member->mode))
		snprintf(size, sizeof(size), "%u,%u", member->rdev_major, member->rdev_minor);
	else
		snprintf(size, sizeof(size), "%llu", (unsigned long long)member->size);
	printf("%s %3u %5u %5u %10s %s ", mode, member->nlink, member->uid, member->gid, size,
	       when);
}

static void print_member(const struct om_member *member, bool long_list)
{
	if (long_list)
		print_long(member);
	put_name(shown_name(member));
	if (long_list && member->link.len) {
		fputs(member->hard_link ? " link to " : " -> ", stdout);
		put_name(member->link);
	}
	putchar('\n');
}

/* JSON is UTF-8: bytes that are not become U+FFFD, and "raw" has them in hex. */
static void set_text(json_t *object, const char *key, struct om_str text)
{
	json_t *value = json_stringn(text.ptr, text.len);
	char *hex;
	size_t i;

	if (value) {
		json_object_set_new(object, key, value);
		return;
	}
	hex = xalloc(text.len * 2 + 1);
	for (i = 0; i < text.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text.ptr[i]);
	json_object_set_new(object, key, json_null());
	json_object_set_new(object, "raw", json_string(hex));
	free(hex);
}

static json_t *member_json(const struct om_member *member)
{
	json_t *object = json_object();
	char mode[8];

	set_text(object, "path", shown_name(member));
	json_object_set_new(object, "type", json_string(member->hard_link ? "hard link" :
							type_text(member->mode)));
	snprintf(mode, sizeof(mode), "%04o", member->mode & 07777u);
	json_object_set_new(object, "mode", json_string(mode));
	json_object_set_new(object, "uid", json_integer(member->uid));
	json_object_set_new(object, "gid", json_integer(member->gid));
	json_object_set_new(object, "mtime", json_integer(member->mtime));
	json_object_set_new(object, "size", json_integer((json_int_t)member->size));
	json_object_set_new(object, "offset", json_integer((json_int_t)member->data_offset));
	if (member->link.len)
		set_text(object, "target", member->link);
	if (is_device(member->mode)) {
		json_object_set_new(object, "major", json_integer(member->rdev_major));
		json_object_set_new(object, "minor", json_integer(member->rdev_minor));
	}
	return object;
}

static int list(const struct options *options, const char *path)
{
	json_t *array = options->json ? json_array() : NULL;
	struct archive_file archive;
	struct om_member member;
	int more;

	if (archive_file_open(&archive, path) != DONE)
		return REFUSED;
	while ((more = archive_file_next(&archive, &member)) > 0) {
		if (array)
			json_array_append_new(array, member_json(&member));
		else
			print_member(&member, options->long_list);
	}
	archive_file_close(&archive);
	if (array && more == 0) {
		json_dumpf(array, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(array);
	return more < 0 ? REFUSED : DONE;
}

/* ------------------------------------------------------------------ extract, manifest */

static int extract(const char *output, const char *image, const char *path)
{
	uint8_t *bytes = NULL;
	struct host_file file;
	size_t len = 0;
	int result;

	/* So that "no such file" below means the member and nothing else. */
	if (host_file_open(&file, image) != DONE)
		return REFUSED;
	host_file_close(&file);
	result = archive_file_extract(image, path, &bytes, &len);
	if (result != DONE) {
		refuse(image, "no regular file '%s' can be taken from it", path);
		hint("overmount image list --long %s", image);
		return REFUSED;
	}
	result = out_bytes(output, bytes, len);
	free(bytes);
	return result;
}

static int run_verb(int verb, const struct options *options, int count, char **args)
{
	switch (verb) {
	case 0:
		return build(options, count, args);
	case 1:
		if (count != 1)
			return usage_error(&cmd_image, "image list: expected one FILE");
		return list(options, args[0]);
	case 2:
		if (count != 2)
			return usage_error(&cmd_image, "image extract: expected IMAGE and PATH");
		fflush(stdout);
		return extract(options->output ? options->output : "-", args[0], args[1]);
	default:
		if (count != 1)
			return usage_error(&cmd_image, "image manifest: expected one FILE");
		fflush(stdout);
		return extract(options->output ? options->output : "-", args[0], MANIFEST_PATH);
	}
}

static int run_image(int argc, char **argv)
{
	static const char *const verbs[] = { "build", "list", "extract", "manifest", NULL };
	struct options options = { 0 };
	int result, verb;

	result = parse(argc, argv, &options);
	if (result != DONE)
		return result < 0 ? DONE : result;
	if (optind >= argc)
		return usage_error(&cmd_image, "expected build, list, extract or manifest");
	verb = verb_find(verbs, argv[optind]);
	if (verb < 0)
		return usage_error(&cmd_image, "expected build, list, extract or manifest, not '%s'",
				   argv[optind]);
	return run_verb(verb, &options, argc - optind - 1, argv + optind + 1);
}
