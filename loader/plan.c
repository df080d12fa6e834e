/* SPDX-License-Identifier: MIT */
/* From the entry to the plan: what is booted, from which files, and the descriptor's content. */
#include <overmount/fmt.h>

#include "planner.h"

#define RESERVED_DIR "/.overmount"

enum om_status plan_error(struct planner *planner, enum om_status status, struct om_value at,
			  const char *hint, const char *format, ...)
{
	char text[OM_DIAG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	if (planner->status == OM_OK)
		planner->status = status;
	return om_diag_text(planner->sink, status, false, at.line, at.column,
			    (uint32_t)at.text.len, hint, "%s", text);
}

void plan_warning(struct planner *planner, struct om_value at, const char *hint,
		  const char *format, ...)
{
	char text[OM_DIAG_TEXT_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	om_diag_text(planner->sink, OM_CONFLICT, true, at.line, at.column, (uint32_t)at.text.len,
		     hint, "%s", text);
}

/* ------------------------------------------------------------------ the kernel */

static void choose_kernel(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;
	const struct {
		const char *key;
		const struct om_path_ref *ref;
		enum om_boot_path path;
	} ways[] = {
		{ "kernel", &entry->kernel, OM_BOOT_HANDOFF },
		{ "linux", &entry->linux_image, OM_BOOT_LINUX },
		{ "efi", &entry->efi, OM_BOOT_EFI },
	};
	const char *taken = NULL;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].ref->path.text.len == 0)
			continue;
		if (taken) {
			plan_error(planner, OM_CONFLICT, ways[i].ref->path, "keep one of them",
				   "'%s' and '%s' exclude each other", taken, ways[i].key);
			continue;
		}
		taken = ways[i].key;
		planner->plan->kernel = *ways[i].ref;
		planner->plan->path = ways[i].path;
	}
	if (!taken)
		plan_error(planner, OM_MISSING, (struct om_value){ { "", 0 }, 0, 0 }, "",
			   "nothing to boot: expected a line with kernel, linux or efi");
}

static void check_architecture(struct planner *planner)
{
	struct om_value arch = planner->entry->architecture;

	if (!om_entry_fits(planner->entry))
		plan_error(planner, OM_UNSUPPORTED, arch, "",
			   "the entry is for '%.*s', this machine is x64", (int)arch.text.len,
			   arch.text.ptr);
}

/* ------------------------------------------------------------------ layers */

static bool is_filesystem(const struct om_file_facts *facts)
{
	return facts && facts->known && facts->exists && !facts->directory &&
	       om_image_is_filesystem(facts->image);
}

/* Paths without what does not change them: "//" and "/./". */
static bool same_place(struct om_str a, struct om_str b)
{
	struct om_str part_a, part_b;

	do {
		part_a = plan_component(&a);
		part_b = plan_component(&b);
		if (!om_str_equal(part_a, part_b))
			return false;
	} while (part_a.len > 0);
	return true;
}

struct om_str plan_component(struct om_str *path)
{
	struct om_str part;

	do {
		while (path->len > 0 && path->ptr[0] == '/')
			*path = om_str_skip(*path, 1);
		part = (struct om_str){ path->ptr, 0 };
		while (part.len < path->len && part.ptr[part.len] != '/')
			part.len++;
		*path = om_str_skip(*path, part.len);
	} while (om_str_is(part, "."));
	return part;
}

static void check_destination(struct planner *planner, uint32_t at)
{
	const struct om_layer_ref *layers = planner->entry->layers;
	struct om_value source = layers[at].source.path;
	struct om_str rest = layers[at].dest;
	uint32_t i;

	if (om_str_is(plan_component(&rest), &RESERVED_DIR[1]))
		plan_error(planner, OM_CONFLICT, source, "choose another place",
			   "'%.*s': " RESERVED_DIR " is made by the stage itself",
			   (int)layers[at].dest.len, layers[at].dest.ptr);
	for (i = 0; i < at; i++) {
		if (layers[i].role != OM_LAYER_FILE || !same_place(layers[i].dest, layers[at].dest))
			continue;
		plan_error(planner, OM_CONFLICT, source, "leave one of them out",
			   "'%.*s' is the place of the file of line %u already",
			   (int)layers[at].dest.len, layers[at].dest.ptr,
			   layers[i].source.path.line);
		return;
	}
}

/* A file-system image that came as initrd: ram disk 0, as a classic kernel makes it. */
static void add_classic_initrd(struct planner *planner, const struct om_layer_ref *layer,
			       const struct om_file_facts *facts)
{
	struct om_plan *plan = planner->plan;

	if (planner->classic) {
		plan_error(planner, OM_CONFLICT, layer->source.path, "keep one image; archives may be more",
			   "'%.*s' is a second classic initrd", (int)layer->source.path.text.len,
			   layer->source.path.text.ptr);
		return;
	}
	/* Layers come before ram disks: it is the first. */
	planner->classic = true;
	planner->ramdisk_facts[0] = facts;
	planner->ramdisk_classic[0] = true;
	plan->ramdisks[0].volumes = &layer->source;
	plan->ramdisks[0].volume_count = 1;
	plan->ramdisk_count = 1;
}

static void take_layers(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;
	struct om_plan *plan = planner->plan;
	uint32_t i;

	for (i = 0; i < entry->layer_count; i++) {
		const struct om_layer_ref *layer = &entry->layers[i];
		const struct om_file_facts *facts = planner->facts ? &planner->facts->layers[i] : NULL;

		if (layer->role == OM_LAYER_INITRD && (!facts || !facts->known))
			planner->maybe_classic = true;
		/* For a stock Linux a compressed initrd is an archive; here it can be an image only. */
		if (layer->role == OM_LAYER_INITRD &&
		    (is_filesystem(facts) ||
		     (plan->path != OM_BOOT_LINUX && plan_is_packed_image(facts)))) {
			add_classic_initrd(planner, layer, facts);
			continue;
		}
		plan_check_layer(planner, layer, facts);
		if (layer->role == OM_LAYER_FILE)
			check_destination(planner, i);
		plan->layers[plan->layer_count] = *layer;
		plan->layers[plan->layer_count].untouched = plan_is_untouched(planner, layer, facts);
		plan->layer_count++;
	}
}

/* ------------------------------------------------------------------ ram disks */

static void take_ramdisks(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;
	struct om_plan *plan = planner->plan;
	uint32_t i, j;

	for (i = 0; i < entry->ramdisk_count; i++) {
		const struct om_ramdisk_ref *ramdisk = &entry->ramdisks[i];
		struct om_value at = ramdisk->volumes[0].path;

		for (j = 0; j < plan->ramdisk_count; j++)
			if (plan->ramdisks[j].index == ramdisk->index)
				break;
		if (j < plan->ramdisk_count) {
			plan_error(planner, OM_CONFLICT, at, "give one of them another index=",
				   "'%.*s' and '%.*s' are both ram disk %u", (int)at.text.len,
				   at.text.ptr, (int)plan->ramdisks[j].volumes[0].path.text.len,
				   plan->ramdisks[j].volumes[0].path.text.ptr, ramdisk->index);
			continue;
		}
		if (plan->ramdisk_count == OM_IMAGES_MAX) {
			plan_error(planner, OM_LIMIT, at, "", "more than %u ram disks",
				   OM_IMAGES_MAX);
			return;
		}
		planner->ramdisk_facts[plan->ramdisk_count] =
			planner->facts ? &planner->facts->ramdisks[i] : NULL;
		planner->ramdisk_classic[plan->ramdisk_count] = false;
		plan->ramdisks[plan->ramdisk_count++] = *ramdisk;
	}
}

static void swap_ramdisks(struct planner *planner, uint32_t a, uint32_t b)
{
	struct om_ramdisk_ref *refs = planner->plan->ramdisks;
	const struct om_file_facts *facts = planner->ramdisk_facts[a];
	bool classic = planner->ramdisk_classic[a];
	uint8_t *left = (uint8_t *)&refs[a], *right = (uint8_t *)&refs[b], byte;
	size_t i;

	/* Large; the firmware's stack is not. */
	for (i = 0; i < sizeof(*refs); i++) {
		byte = left[i];
		left[i] = right[i];
		right[i] = byte;
	}
	planner->ramdisk_facts[a] = planner->ramdisk_facts[b];
	planner->ramdisk_facts[b] = facts;
	planner->ramdisk_classic[a] = planner->ramdisk_classic[b];
	planner->ramdisk_classic[b] = classic;
}

static enum om_status describe_ramdisk(struct planner *planner, uint32_t at)
{
	const struct om_ramdisk_ref *ref = &planner->plan->ramdisks[at];
	const struct om_file_facts *facts = planner->ramdisk_facts[at];
	struct om_ramdisk *ramdisk = &planner->plan->root.ramdisks[at];
	char path[32];

	*ramdisk = (struct om_ramdisk){
		.index = ref->index,
		.size = plan_ramdisk_size(ref, facts),
		.classic_initrd = planner->ramdisk_classic[at],
		.text = ref->volumes[0].path.text,
	};
	if (ref->volume_count == 1 && ref->volumes[0].has_digest) {
		ramdisk->has_digest = true;
		memcpy(ramdisk->digest, ref->volumes[0].digest, sizeof(ramdisk->digest));
	}
	if (planner->plan->path != OM_BOOT_LINUX ||
	    planner->plan->root.attach == OM_ATTACH_PMEM)
		return OM_OK;
	/* A stock Linux has no handoff images: they travel inside its initrd. */
	om_format(path, sizeof(path), RESERVED_DIR "/ramdisk.%u", ref->index);
	ramdisk->in_archive = true;
	ramdisk->text = om_arena_str(planner->arena, om_str_from(path));
	return ramdisk->text.ptr ? OM_OK : OM_NO_MEMORY;
}

static void describe_ramdisks(struct planner *planner)
{
	struct om_plan *plan = planner->plan;
	uint32_t i, j;

	for (i = 1; i < plan->ramdisk_count; i++)
		for (j = i; j > 0 && plan->ramdisks[j - 1].index > plan->ramdisks[j].index; j--)
			swap_ramdisks(planner, j - 1, j);
	plan->root.ramdisk_count = plan->ramdisk_count;
	for (i = 0; i < plan->ramdisk_count; i++) {
		plan_check_ramdisk(planner, &plan->ramdisks[i], planner->ramdisk_facts[i]);
		if (describe_ramdisk(planner, i) != OM_OK)
			plan_error(planner, OM_NO_MEMORY, plan->ramdisks[i].volumes[0].path, "",
				   "out of memory");
	}
}

/* ------------------------------------------------------------------ the final root */

static bool has_ramdisk(const struct planner *planner, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < planner->plan->ramdisk_count; i++)
		if (planner->plan->ramdisks[i].index == index)
			return true;
	return index == 0 && planner->maybe_classic;
}

static bool has_archive_initrd(const struct planner *planner)
{
	uint32_t i;

	for (i = 0; i < planner->plan->layer_count; i++)
		if (planner->plan->layers[i].role == OM_LAYER_INITRD)
			return true;
	return false;
}

/* True: the candidate stays. */
static bool check_candidate(struct planner *planner, uint32_t at)
{
	const struct om_entry *entry = planner->entry;
	const struct om_rootspec *spec = &entry->root.candidates[at].spec;
	struct om_value place = entry->candidates_at[at];
	bool ram = om_rootspec_is_ram(spec);
	char hint[OM_DIAG_HINT_MAX];

	if (spec->text.len + entry->root.candidates[at].fstypes.len +
	    entry->root.candidates[at].flags.len > OM_CMDLINE_MAX)
		plan_error(planner, OM_LIMIT, place, "", "the candidate, its types and its options have "
			   "more than %u bytes", OM_CMDLINE_MAX);
	if (spec->kind == OM_ROOT_RAMFS && at + 1 < entry->root.candidate_count)
		plan_warning(planner, entry->candidates_at[at + 1], "put 'root ramfs' last",
			     "never tried: 'root ramfs' before it always works");
	if ((spec->kind == OM_ROOT_IMAGE || spec->kind == OM_ROOT_TAR || spec->kind == OM_ROOT_CPIO) &&
	    !om_str_starts(spec->text, "/"))
		plan_error(planner, OM_SYNTAX, place, "",
			   "'%.*s': expected an absolute path in the absolute root",
			   (int)spec->text.len, spec->text.ptr);
	if (!ram || has_ramdisk(planner, spec->minor))
		return true;
	if (entry->root_from_options && spec->minor == 0 && has_archive_initrd(planner)) {
		/* Often written, never obeyed: with an initramfs Linux does not look at root=. */
		plan_warning(planner, place, "leave it out",
			     "the initrd is an archive, not a ram disk: root= is ignored");
		return false;
	}
	om_format(hint, sizeof(hint), spec->minor == 0 ?
		  "add a line: initrd PATH or ramdisk index=%u PATH" :
		  "add a line: ramdisk index=%u PATH", spec->minor);
	plan_error(planner, OM_CONFLICT, place, hint, "there is no ram disk %u", spec->minor);
	return true;
}

static void take_candidates(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;
	struct om_root *root = &planner->plan->root;
	uint32_t i, kept = 0;

	for (i = 0; i < entry->root.candidate_count; i++)
		if (check_candidate(planner, i))
			root->candidates[kept++] = entry->root.candidates[i];
	root->candidate_count = kept;
	if (kept == 0 && planner->classic) {
		/* An image and nothing else: it is the root itself. */
		root->candidates[0] = entry->root_default;
		root->candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_RAM,
								 .text = { "", 0 }, .major = 1 };
		root->candidate_count = 1;
	}
	/*
	 * An initramfs with /init never came to look at root=.  A stock Linux has our own /init
	 * there, which must not start itself.
	 */
	if (planner->plan->path == OM_BOOT_HANDOFF && entry->root_from_options && kept > 0 &&
	    root->rdinit.len == 0 && has_archive_initrd(planner) && !planner->maybe_classic)
		root->rdinit = OM_STR("/init");
	if (planner->plan->path == OM_BOOT_HANDOFF && planner->plan->kernel.path.text.len > 0 &&
	    root->candidate_count == 0 && planner->plan->layer_count == 0)
		plan_error(planner, OM_MISSING, planner->plan->kernel.path,
			   "add a line with ramfs, initrd or root",
			   "nothing to run: the absolute root is empty and no root is given");
	if (root->linuxrc == OM_LINUXRC_PATH && !planner->classic && !planner->maybe_classic)
		plan_error(planner, OM_CONFLICT, entry->linuxrc_at,
			   "add initrd with a file-system image, or leave linuxrc out",
			   "'linuxrc' needs a classic initrd and there is none");
}

/* ------------------------------------------------------------------ the whole */

/* As the descriptor counts them: each word may get quotes and a blank. */
static void check_init(struct planner *planner)
{
	const struct om_root *root = &planner->entry->root;
	struct om_value at = { { "", 0 }, 0, 0 };
	size_t total = 0;
	uint32_t i;

	for (i = 0; i < root->init_count; i++)
		total += root->init[i].len + 3;
	if (total > OM_CMDLINE_MAX)
		plan_error(planner, OM_LIMIT, at, "", "init and its words have more than %u bytes",
			   OM_CMDLINE_MAX);
}

/* `efi` starts another program, which knows nothing of an absolute root. */
static void check_unused(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;

	if (planner->plan->path != OM_BOOT_EFI)
		return;
	if (entry->layer_count > 0)
		plan_warning(planner, entry->layers[0].source.path, "",
			     "with 'efi' layers have no effect");
	if (entry->ramdisk_count > 0)
		plan_warning(planner, entry->ramdisks[0].volumes[0].path, "",
			     "with 'efi' ram disks have no effect");
	if (entry->root.candidate_count > 0 && !entry->root_from_options)
		plan_warning(planner, entry->candidates_at[0], "", "with 'efi' root has no effect");
}

/* Is there anything of ours for a stock Linux, or only an initrd that somebody else made? */
static bool needs_archive(const struct planner *planner)
{
	const struct om_plan *plan = planner->plan;
	uint32_t i;

	if (plan->path != OM_BOOT_LINUX)
		return true;
	if (!planner->entry->plain || plan->ramdisk_count > 0)
		return true;
	for (i = 0; i < plan->layer_count; i++)
		if (!plan->layers[i].untouched)
			return true;
	return false;
}

/* What only a stock Linux does; the kernel of a handoff must not be left to ignore verity. */
static void check_stock(struct planner *planner)
{
	const struct om_entry *entry = planner->entry;
	const struct om_root *root = &entry->root;

	if (planner->plan->path == OM_BOOT_LINUX) {
		if (entry->options.len > OM_LINUX_CMDLINE_MAX)
			plan_warning(planner, entry->options_at, "",
				     "the options have %zu bytes, a stock Linux reads the first %u",
				     entry->options.len, OM_LINUX_CMDLINE_MAX);
		if (root->attach != OM_ATTACH_LOOP && planner->plan->ramdisk_count == 0 &&
		    !planner->maybe_classic)
			plan_warning(planner, entry->attach_at, "",
				     "there is no ram disk for 'initrd-attach'");
		return;
	}
	if (root->attach != OM_ATTACH_LOOP)
		plan_warning(planner, entry->attach_at, "",
			     "'initrd-attach' has no effect without 'linux'");
	planner->plan->root.attach = OM_ATTACH_LOOP;
	if (planner->plan->path == OM_BOOT_EFI)
		return;
	if (root->overlay != OM_OVERLAY_NONE)
		plan_error(planner, OM_UNSUPPORTED, entry->overlay_at, "leave it out",
			   "'root-overlay' is for 'linux'; this kernel has no overlay");
	if (root->verity.hash_len > 0)
		plan_error(planner, OM_UNSUPPORTED, entry->verity_at, "leave it out",
			   "'root-verity' is for 'linux'; this kernel cannot verify");
}

enum om_status om_plan_make(const struct om_entry *entry, const struct om_plan_facts *facts,
			    struct om_arena *arena, const struct om_diag_sink *sink,
			    struct om_plan *ret_plan)
{
	struct planner planner = { .entry = entry, .facts = facts, .arena = arena, .sink = sink };
	struct om_value nowhere = { { "", 0 }, 0, 0 };

	if (entry->error_count > 0)
		return plan_error(&planner, OM_SYNTAX, nowhere, "", "the entry has %u error%s",
				  entry->error_count, entry->error_count > 1 ? "s" : "");
	planner.plan = om_arena_alloc(arena, sizeof(*planner.plan));
	if (!planner.plan)
		return plan_error(&planner, OM_NO_MEMORY, nowhere, "", "plan: out of memory");
	planner.plan->options = entry->options;
	planner.plan->ramdisk_prompt = entry->ramdisk_prompt;
	planner.plan->root = entry->root;
	choose_kernel(&planner);
	check_architecture(&planner);
	if (planner.status == OM_OK)
		plan_check_kernel(&planner);
	check_unused(&planner);
	if (planner.plan->path != OM_BOOT_EFI) {
		take_layers(&planner);
		take_ramdisks(&planner);
		describe_ramdisks(&planner);
		take_candidates(&planner);
		check_stock(&planner);
		planner.plan->archive = needs_archive(&planner);
		check_init(&planner);
		plan_check_memory(&planner);
	}
	if (planner.status == OM_OK)
		memcpy(ret_plan, planner.plan, sizeof(*ret_plan));
	return planner.status;
}
