/* SPDX-License-Identifier: MIT */
/* overmount descriptor: root descriptors made, shown and checked. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "archive_file.h"

static int run_descriptor(int argc, char **argv);

const struct command cmd_descriptor = {
	"descriptor", "make, show and verify root descriptors",
	"Usage: overmount descriptor build [--esp DIR] -o FILE ENTRY\n"
	"       overmount descriptor show [--json] FILE\n"
	"       overmount descriptor verify FILE\n"
	"\n"
	"  -o, --output FILE   where to write; - is standard output\n"
	"      --esp DIR       the ESP with the entry's files (default: the one that ENTRY lies in)\n"
	"      --json          one JSON object\n"
	"      --help\n"
	"\n"
	"FILE is a descriptor, or an archive with a " OM_DESCRIPTOR_PATH " in it.\n",
	run_descriptor,
};

/* ------------------------------------------------------------------ build */

static int build(const char *output, const char *esp, const char *entry)
{
	struct entry_file *file = xalloc(sizeof(*file));
	uint8_t *bytes = NULL;
	size_t size = 0;
	int result;

	result = entry_file_read(file, entry, esp, false);
	if (result == DONE)
		result = entry_file_plan(file);
	if (result == DONE)
		result = entry_file_descriptor(file, &bytes, &size);
	if (result == DONE)
		result = out_bytes(output, bytes, size);
	free(bytes);
	entry_file_release(file);
	free(file);
	return result;
}

/* ------------------------------------------------------------------ reading */

/* The descriptor itself, or the one inside an archive. */
static int load(const char *path, uint8_t **ret_bytes, size_t *ret_size)
{
	struct host_file file;
	int result;

	if (host_file_open(&file, path) != DONE)
		return REFUSED;
	if (om_image_is_archive(host_file_probe(&file))) {
		host_file_close(&file);
		result = archive_file_extract(path, OM_DESCRIPTOR_PATH, ret_bytes, ret_size);
		if (result != DONE)
			refuse(path, "no " OM_DESCRIPTOR_PATH " can be taken from this archive");
		return result;
	}
	if (file.source.size > OM_DESCRIPTOR_MAX) {
		result = refuse(path, "has %llu bytes; a descriptor has at most %u",
				(unsigned long long)file.source.size, OM_DESCRIPTOR_MAX);
	} else {
		result = host_file_load(&file);
	}
	if (result == DONE) {
		*ret_bytes = file.loaded;
		*ret_size = (size_t)file.source.size;
		file.loaded = NULL;
	}
	host_file_close(&file);
	return result;
}

static int decode(const char *path, struct om_span bytes, struct om_root *root)
{
	struct diag_printer printer;
	enum om_status status;

	diag_printer_init(&printer, path);
	status = om_descriptor_decode(bytes, &printer.sink, root);
	if (status == OM_OK)
		return DONE;
	return printer.errors ? REFUSED : refuse_status(path, status);
}

static void print_line(void *ctx, const char *text)
{
	(void)ctx;
	puts(text);
}

/* ------------------------------------------------------------------ JSON */

static json_t *text_json(struct om_str text)
{
	json_t *value = json_stringn(text.ptr, text.len);

	return value ? value : json_string("(not UTF-8)");
}

static json_t *digest_json(const uint8_t *digest)
{
	char text[2 * OM_SHA256_SIZE + 1];
	size_t i;

	for (i = 0; i < OM_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_string(text);
}

static json_t *milliseconds_json(uint32_t ms)
{
	return ms == OM_WAIT_FOREVER ? json_string("forever") : json_integer(ms);
}

static json_t *candidate_json(const struct om_candidate *candidate)
{
	static const char *const modes[] = { "default", "ro", "rw" };
	char spec[OM_PATH_MAX + 64];
	json_t *object = json_object();

	om_rootspec_format(&candidate->spec, spec, sizeof(spec));
	json_object_set_new(object, "root", text_json(om_str_from(spec)));
	if (candidate->fstypes.len)
		json_object_set_new(object, "fstype", text_json(candidate->fstypes));
	if (candidate->flags.len)
		json_object_set_new(object, "flags", text_json(candidate->flags));
	json_object_set_new(object, "mode", json_string(modes[candidate->mode]));
	return object;
}

static json_t *ramdisk_json(const struct om_ramdisk *ramdisk)
{
	json_t *object = json_object();

	json_object_set_new(object, "index", json_integer(ramdisk->index));
	json_object_set_new(object, "size", json_integer((json_int_t)ramdisk->size));
	json_object_set_new(object, "classic-initrd", json_boolean(ramdisk->classic_initrd));
	json_object_set_new(object, ramdisk->in_archive ? "path" : "from", text_json(ramdisk->text));
	if (ramdisk->has_digest)
		json_object_set_new(object, "sha256", digest_json(ramdisk->digest));
	return object;
}

static json_t *words_json(const struct om_str *words, uint32_t count)
{
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, text_json(words[i]));
	return array;
}

static void lists_json(const struct om_root *root, json_t *object)
{
	json_t *candidates = json_array(), *ramdisks = json_array();
	uint32_t i;

	for (i = 0; i < root->candidate_count; i++)
		json_array_append_new(candidates, candidate_json(&root->candidates[i]));
	for (i = 0; i < root->ramdisk_count; i++)
		json_array_append_new(ramdisks, ramdisk_json(&root->ramdisks[i]));
	json_object_set_new(object, "candidates", candidates);
	json_object_set_new(object, "init", words_json(root->init, root->init_count));
	json_object_set_new(object, "ramdisks", ramdisks);
	json_object_set_new(object, "modules", words_json(root->modules, root->module_count));
}

static json_t *root_json(const struct om_root *root)
{
	static const char *const keeps[] = { "nothing", "skeleton", "all" };
	static const char *const linuxrcs[] = { "auto", "never", "path" };
	json_t *object = json_object(), *devfs = json_array();

	json_object_set_new(object, "title", text_json(root->title));
	json_object_set_new(object, "entry", text_json(root->entry_id));
	lists_json(root, object);
	json_object_set_new(object, "wait-ms", milliseconds_json(root->wait_ms));
	json_object_set_new(object, "delay-ms", milliseconds_json(root->delay_ms));
	if (root->rdinit.len)
		json_object_set_new(object, "rdinit", text_json(root->rdinit));
	json_object_set_new(object, "linuxrc", root->linuxrc == OM_LINUXRC_PATH ?
			    text_json(root->linuxrc_path) : json_string(linuxrcs[root->linuxrc]));
	json_object_set_new(object, "real-root-dev", json_boolean(root->real_root_dev_compat));
	if (root->devfs & OM_DEVFS_INITRD)
		json_array_append_new(devfs, json_string("initrd"));
	if (root->devfs & OM_DEVFS_ROOT)
		json_array_append_new(devfs, json_string("root"));
	json_object_set_new(object, "devfs", devfs);
	json_object_set_new(object, "keep", json_string(keeps[root->keep]));
	json_object_set_new(object, "options", text_json(root->cmdline));
	return object;
}

/* ------------------------------------------------------------------ show, verify */

static int show(const char *path, bool json)
{
	struct om_root *root = xalloc(sizeof(*root));
	uint8_t *bytes = NULL;
	size_t size = 0;
	json_t *object;
	int result;

	result = load(path, &bytes, &size);
	if (result == DONE)
		result = decode(path, (struct om_span){ bytes, size }, root);
	if (result == DONE && json) {
		object = root_json(root);
		json_dumpf(object, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(object);
	} else if (result == DONE) {
		om_descriptor_to_text(root, print_line, NULL);
	}
	free(bytes);
	free(root);
	return result;
}

/* Readable, and the bytes that this program would write for it. */
static int verify(const char *path)
{
	struct om_root *root = xalloc(sizeof(*root));
	uint8_t *bytes = NULL, *again, digest[OM_SHA256_SIZE];
	size_t size = 0, again_size = 0, i;
	int result;

	result = load(path, &bytes, &size);
	if (result == DONE)
		result = decode(path, (struct om_span){ bytes, size }, root);
	if (result != DONE)
		goto free;
	again = xalloc(OM_DESCRIPTOR_MAX);
	if (om_descriptor_encode(root, again, OM_DESCRIPTOR_MAX, &again_size) != OM_OK ||
	    again_size != size || memcmp(again, bytes, size) != 0)
		fprintf(stderr, "%s: warning: valid, but not in canonical form, or from a newer "
			"program\n", path);
	free(again);
	om_sha256(bytes, size, digest);
	printf("%s: good: version %u.%u, %zu bytes, sha256=", path, om_get_le16(bytes + 8),
	       om_get_le16(bytes + 10), size);
	for (i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	putchar('\n');
free:
	free(bytes);
	free(root);
	return result;
}

static int run_descriptor(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' }, { "esp", required_argument, NULL, 'E' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const verbs[] = { "build", "show", "verify", NULL };
	const char *output = NULL, *esp = NULL, *path;
	bool json = false;
	int c, verb;

	while ((c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1) {
		if (c == 'o')
			output = optarg;
		else if (c == 'E')
			esp = optarg;
		else if (c == 'j')
			json = true;
		else if (c == 'h')
			return command_help(&cmd_descriptor);
		else
			return usage_option(&cmd_descriptor, argv, c);
	}
	verb = optind < argc ? verb_find(verbs, argv[optind]) : -1;
	if (verb < 0)
		return usage_error(&cmd_descriptor, "expected build, show or verify");
	if (argc - optind != 2)
		return usage_error(&cmd_descriptor, "descriptor %s: expected one %s", verbs[verb],
				   verb ? "FILE" : "ENTRY");
	path = argv[optind + 1];
	if (verb && (output || esp))
		return usage_error(&cmd_descriptor, "-o and --esp belong to `descriptor build`");
	if (json && verb != 1)
		return usage_error(&cmd_descriptor, "--json belongs to `descriptor show`");
	if (verb == 0 && !output)
		return usage_error(&cmd_descriptor, "descriptor build: where to? -o FILE is missing");
	return verb == 0 ? build(output, esp, path) : verb == 1 ? show(path, json) : verify(path);
}
