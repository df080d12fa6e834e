/* SPDX-License-Identifier: MIT */
/* The checks of `overmount handoff`, in the order in which a kernel would stumble. */
#include <stdlib.h>
#include <string.h>

#include "dry_run.h"
#include "handoff.h"

#define REASON_MAX 512

struct state {
	const struct handoff_set *set;
	struct tap *tap;
	uint8_t *descriptor;
	size_t descriptor_size;
	struct om_root *root;		/* NULL: no valid descriptor */
	struct om_tree tree;
	bool tree_made;
	char reason[REASON_MAX];
};

static void keep_diag(void *ctx, const struct om_diag *diag)
{
	struct state *state = ctx;

	if (!diag->warning && !state->reason[0])
		snprintf(state->reason, REASON_MAX, "byte %llu: %s",
			 (unsigned long long)diag->offset, diag->text);
}

/* ------------------------------------------------------------------ the archive */

/* What one walk over the members tells. */
struct survey {
	enum om_status status;
	uint32_t members;
	uint64_t loose;			/* files of a page or more whose data is not on a page */
	char first_loose[128];
	bool console, null;
};

static bool is_char_device(const struct om_member *member, uint32_t major, uint32_t minor)
{
	return (member->mode & OM_S_IFMT) == OM_S_IFCHR && member->rdev_major == major &&
	       member->rdev_minor == minor;
}

static void survey_member(struct survey *survey, const struct om_member *member)
{
	struct om_str name = member_name(member->path);

	survey->members++;
	if ((member->mode & OM_S_IFMT) == OM_S_IFREG && member->size >= OM_PAGE_SIZE &&
	    member->data_offset % OM_PAGE_SIZE != 0 && survey->loose++ == 0)
		snprintf(survey->first_loose, sizeof(survey->first_loose), "%.*s at byte %llu",
			 (int)(name.len > 90 ? 90 : name.len), name.ptr,
			 (unsigned long long)member->data_offset);
	if (om_str_is(name, "dev/console"))
		survey->console = is_char_device(member, 5, 1);
	else if (om_str_is(name, "dev/null"))
		survey->null = is_char_device(member, 1, 3);
}

static void survey_archive(struct host_file *file, struct survey *survey, char *reason)
{
	struct om_archive_reader reader;
	struct om_diag diag = { .text = "" };
	struct om_member member;
	struct om_arena scratch;
	bool more = true;

	om_arena_init(&scratch, &host_mem);
	survey->status = om_cpio_open(&reader, &file->source, &scratch, &diag);
	while (survey->status == OM_OK && more) {
		survey->status = om_cpio_next(&reader, &member, &more);
		if (survey->status == OM_OK && more)
			survey_member(survey, &member);
	}
	if (survey->status != OM_OK)
		snprintf(reason, REASON_MAX, "byte %llu: %s", (unsigned long long)diag.offset,
			 diag.text[0] ? diag.text : om_status_text(survey->status));
	om_arena_release(&scratch);
}

static void check_survey(struct state *state, const struct survey *survey)
{
	char loose[256];

	snprintf(loose, sizeof(loose), "%llu files are elsewhere, the first is %s; the kernel copies "
		 "them", (unsigned long long)survey->loose, survey->first_loose);
	tap_check(state->tap, survey->loose == 0, loose,
		  "archive: files of a page or more start on a page");
	tap_check(state->tap, survey->console, "expected a character device 5:1",
		  "archive: /dev/console is there");
	tap_check(state->tap, survey->null, "expected a character device 1:3",
		  "archive: /dev/null is there");
}

/* The archive as the kernel will unpack it. */
static bool make_tree(struct state *state, struct host_file *file)
{
	struct om_tree_options options = { .source_date_epoch = INT64_MAX, .no_devices = true,
					   .no_manifest = true };
	enum om_status status;

	status = om_tree_init(&state->tree, &host_mem, &options);
	if (status != OM_OK)
		return false;
	state->tree_made = true;
	status = om_tree_add_cpio(&state->tree, file->path, &file->source);
	if (status == OM_OK)
		status = om_tree_finish(&state->tree);
	snprintf(state->reason, REASON_MAX, "%s", status == OM_OK ? "" :
		 state->tree.diag.text[0] ? state->tree.diag.text : om_status_text(status));
	return status == OM_OK;
}

/* False: nothing can be looked up in it. */
static bool check_archive(struct state *state, struct host_file *file)
{
	struct survey survey = { .status = OM_OK };
	enum om_image_kind kind = host_file_probe(file);

	snprintf(state->reason, REASON_MAX, "found %s", kind ? om_image_kind_text(kind) :
		 "something else");
	if (!tap_check(state->tap, kind == OM_IMAGE_CPIO, state->reason,
		       "archive: is a newc cpio archive"))
		return false;
	state->reason[0] = '\0';
	survey_archive(file, &survey, state->reason);
	if (!tap_check(state->tap, survey.status == OM_OK, state->reason,
		       "archive: well-formed, %u members", survey.members))
		return false;
	check_survey(state, &survey);
	return tap_check(state->tap, make_tree(state, file), state->reason,
			 "archive: makes one tree");
}

/* ------------------------------------------------------------------ the descriptor */

static bool read_whole(const char *path, uint8_t **ret_bytes, size_t *ret_size)
{
	struct host_file file;
	bool good = false;

	if (host_file_open(&file, path) != DONE)
		return false;
	if (file.source.size <= OM_DESCRIPTOR_MAX && host_file_load(&file) == DONE) {
		*ret_bytes = file.loaded;
		*ret_size = (size_t)file.source.size;
		file.loaded = NULL;
		good = true;
	}
	host_file_close(&file);
	return good;
}

static bool read_from_tree(struct state *state, uint8_t **ret_bytes, size_t *ret_size)
{
	const struct om_node *node;
	struct om_member member;
	const char *layer;
	uint8_t *bytes;

	if (om_tree_lookup(&state->tree, OM_DESCRIPTOR_PATH, &node) != OM_OK)
		return false;
	om_node_describe(&state->tree, node, &member, &layer);
	if ((member.mode & OM_S_IFMT) != OM_S_IFREG || member.size > OM_DESCRIPTOR_MAX)
		return false;
	bytes = xalloc((size_t)member.size + 1);
	if (om_node_read(node, 0, bytes, (size_t)member.size) != OM_OK) {
		free(bytes);
		return false;
	}
	*ret_bytes = bytes;
	*ret_size = (size_t)member.size;
	return true;
}

static void check_same(struct state *state)
{
	uint8_t *inside = NULL;
	size_t size = 0;

	if (!read_from_tree(state, &inside, &size)) {
		tap_check(state->tap, false, "a program of the booted system looks for it there",
			  "descriptor: is also at " OM_DESCRIPTOR_PATH);
		return;
	}
	tap_check(state->tap, size == state->descriptor_size &&
		  memcmp(inside, state->descriptor, size) == 0, "the two differ",
		  "descriptor: is also at " OM_DESCRIPTOR_PATH ", the same bytes");
	free(inside);
}

static void check_descriptor(struct state *state, bool tree)
{
	struct om_diag_sink sink = { keep_diag, state };
	struct om_root *root = xalloc(sizeof(*root));
	enum om_status status = OM_MISSING;
	bool found;

	if (state->set->descriptor)
		found = read_whole(state->set->descriptor, &state->descriptor,
				   &state->descriptor_size);
	else
		found = tree && read_from_tree(state, &state->descriptor, &state->descriptor_size);
	tap_check(state->tap, found, state->set->descriptor ? "it cannot be read" :
		  "expected " OM_DESCRIPTOR_PATH " in the archive, or --descriptor FILE",
		  "descriptor: is there");
	state->reason[0] = '\0';
	if (found)
		status = om_descriptor_decode((struct om_span){ state->descriptor,
								state->descriptor_size },
					      &sink, root);
	tap_check(state->tap, status == OM_OK, state->reason[0] ? state->reason :
		  om_status_text(status), "descriptor: valid, checksum right");
	if (status == OM_OK)
		state->root = root;
	else
		free(root);
	if (found && tree && state->set->descriptor)
		check_same(state);
}

/* ------------------------------------------------------------------ images */

static const char *image_of(const struct handoff_set *set, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < set->image_count; i++)
		if (set->images[i].index == index)
			return set->images[i].path;
	return NULL;
}

/* KIND is that of the file; what counts is what the kernel will find in it. */
static void check_kind(struct state *state, const struct om_ramdisk *disk, const char *path,
		       enum om_image_kind kind)
{
	const char *packed = "", *in = "";
	uint64_t size;

	if (om_image_is_compressed(kind)) {
		in = " in ";
		packed = om_image_kind_text(kind);
		if (!packed_image_probe(path, &kind, &size)) {
			tap_check(state->tap, false, "it is broken, cut off, or lzo",
				  "ram disk %u: %s can be unpacked", disk->index, packed);
			return;
		}
	}
	tap_check(state->tap, om_image_is_filesystem(kind), kind ? om_image_kind_text(kind) :
		  "no file system is recognised in it", "ram disk %u: is a file system%s%s%s%s",
		  disk->index, om_image_is_filesystem(kind) ? ", " : "",
		  om_image_is_filesystem(kind) ? om_image_kind_text(kind) : "", in, packed);
}

static void check_content(struct state *state, const struct om_ramdisk *disk, const char *path,
			  struct host_file *file)
{
	uint8_t digest[OM_SHA256_SIZE];
	char reason[160];

	snprintf(reason, sizeof(reason), "it has %llu bytes, the descriptor says %llu",
		 (unsigned long long)file->source.size, (unsigned long long)disk->size);
	tap_check(state->tap, file->source.size == disk->size, reason, "ram disk %u: size",
		  disk->index);
	check_kind(state, disk, path, host_file_probe(file));
	if (disk->has_digest)
		tap_check(state->tap, host_file_digest(&file->source, digest) == OM_OK &&
			  memcmp(digest, disk->digest, sizeof(digest)) == 0,
			  "the image is not the one that the descriptor means",
			  "ram disk %u: sha256 matches", disk->index);
}

static void check_ramdisk(struct state *state, const struct om_ramdisk *disk)
{
	const char *path = image_of(state->set, disk->index);
	enum om_image_kind kind;
	struct host_file file;
	uint64_t size;
	char name[OM_PATH_MAX];

	if (disk->in_archive) {
		snprintf(name, sizeof(name), "%.*s", (int)disk->text.len, disk->text.ptr);
		tap_check(state->tap, state->tree_made &&
			  tree_probe(&state->tree, name, &kind, &size) == 0 &&
			  om_image_is_filesystem(kind), "no file-system image is there",
			  "ram disk %u: %s of the absolute root", disk->index, name);
		return;
	}
	if (!tap_check(state->tap, path != NULL, "give it with --image N=FILE",
		       "ram disk %u: its image is there", disk->index))
		return;
	if (host_file_open(&file, path) != DONE) {
		tap_check(state->tap, false, path, "ram disk %u: can be read", disk->index);
		return;
	}
	check_content(state, disk, path, &file);
	host_file_close(&file);
}

static bool has_ramdisk(const struct om_root *root, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < root->ramdisk_count; i++)
		if (root->ramdisks[i].index == index)
			return true;
	return false;
}

static void check_images(struct state *state)
{
	uint32_t i;

	for (i = 0; i < state->root->ramdisk_count; i++)
		check_ramdisk(state, &state->root->ramdisks[i]);
	for (i = 0; i < state->set->image_count; i++)
		if (!has_ramdisk(state->root, state->set->images[i].index))
			tap_check(state->tap, false, state->set->images[i].path,
				  "image %u: the descriptor has a ram disk %u for it",
				  state->set->images[i].index, state->set->images[i].index);
}

/* ------------------------------------------------------------------ candidates */

static void check_in_root(struct state *state, const struct om_rootspec *spec, const char *name)
{
	enum om_image_kind kind = OM_IMAGE_UNKNOWN;
	char path[OM_PATH_MAX], reason[160] = "";
	uint64_t size;
	bool good;
	int err;

	if (!state->tree_made) {
		tap_skip(state->tap, "the archive is broken", "candidate %s", name);
		return;
	}
	snprintf(path, sizeof(path), "%.*s", (int)spec->text.len, spec->text.ptr);
	err = tree_probe(&state->tree, path, &kind, &size);
	good = !err && (spec->kind == OM_ROOT_TAR ? kind == OM_IMAGE_TAR :
			spec->kind == OM_ROOT_CPIO ? kind == OM_IMAGE_CPIO :
						     om_image_is_filesystem(kind));
	snprintf(reason, sizeof(reason), "%s", err ? om_errno_text(err) :
		 kind ? om_image_kind_text(kind) : "its content is not recognised");
	tap_check(state->tap, good, reason, "candidate %s: is there and of the right kind", name);
}

static void check_candidates(struct state *state)
{
	const struct om_root *root = state->root;
	char name[128], reason[64];
	uint32_t i;

	for (i = 0; i < root->candidate_count; i++) {
		const struct om_rootspec *spec = &root->candidates[i].spec;

		om_rootspec_format(spec, name, sizeof(name));
		switch (spec->kind) {
		case OM_ROOT_RAMFS:
			tap_check(state->tap, true, "", "candidate %s: needs nothing", name);
			break;
		case OM_ROOT_RAM:
			snprintf(reason, sizeof(reason), "the descriptor has no ram disk %u",
				 spec->minor);
			tap_check(state->tap, has_ramdisk(root, spec->minor), reason,
				  "candidate %s: its ram disk is there", name);
			break;
		case OM_ROOT_IMAGE:
		case OM_ROOT_TAR:
		case OM_ROOT_CPIO:
			check_in_root(state, spec, name);
			break;
		default:
			tap_skip(state->tap, "needs the machine", "candidate %s", name);
		}
	}
}

void handoff_check(const struct handoff_set *set, struct tap *tap)
{
	struct state state = { .set = set, .tap = tap };
	struct host_file file;
	bool tree;

	if (host_file_open(&file, set->archive) != DONE) {
		tap_check(tap, false, set->archive, "archive: can be read");
		return;
	}
	tree = check_archive(&state, &file);
	check_descriptor(&state, tree);
	if (state.root) {
		check_images(&state);
		check_candidates(&state);
	}
	if (tree)
		handoff_check_init(set, state.root, &state.tree, tap);
	else
		tap_skip(tap, "the archive is broken", "init");
	if (state.tree_made)
		om_tree_release(&state.tree);
	free(state.descriptor);
	free(state.root);
	host_file_close(&file);
}
