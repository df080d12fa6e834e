/* SPDX-License-Identifier: MIT */
/* The plan in plain English, a line for each step, in the order in which they happen. */
#include <overmount/fmt.h>
#include <overmount/plan.h>

struct teller {
	void (*line)(void *ctx, const char *text);
	void *ctx;
	char buf[OM_LOG_LINE_MAX];
	size_t len;
};

/* Too long a line is cut; the menu is no place to scroll sideways. */
static void OM_PRINTF(2, 3) add(struct teller *teller, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	teller->len += om_vformat(teller->buf + teller->len, sizeof(teller->buf) - teller->len,
				  format, args);
	va_end(args);
	if (teller->len >= sizeof(teller->buf))
		teller->len = sizeof(teller->buf) - 1;
}

static void end(struct teller *teller)
{
	teller->line(teller->ctx, teller->buf);
	teller->len = 0;
	teller->buf[0] = '\0';
}

static void add_str(struct teller *teller, struct om_str text)
{
	add(teller, "%.*s", (int)text.len, text.ptr);
}

static void add_path(struct teller *teller, const struct om_path_ref *ref)
{
	if (ref->label.len)
		add(teller, "LABEL=%.*s:", (int)ref->label.len, ref->label.ptr);
	add_str(teller, ref->path.text);
	if (ref->has_digest)
		add(teller, ", its SHA-256 is checked");
}

static void add_seconds(struct teller *teller, uint32_t ms)
{
	add(teller, "%u", ms / 1000);
	if (ms % 1000)
		add(teller, ".%03u", ms % 1000);
	add(teller, " s");
}

static void add_size(struct teller *teller, uint64_t bytes)
{
	if (bytes >= 10 << 20)
		add(teller, "%llu MiB", (unsigned long long)(bytes >> 20));
	else
		add(teller, "%llu KiB", (unsigned long long)((bytes + 1023) >> 10));
}

/* ------------------------------------------------------------------ the stage's steps */

static void tell_kernel(struct teller *teller, const struct om_plan *plan)
{
	static const char *const ways[] = {
		"kernel: hand over to ", "linux: start ", "efi: start ",
	};

	add(teller, "%s", ways[plan->path]);
	add_path(teller, &plan->kernel);
	end(teller);
	if (plan->options.len) {
		add(teller, "command line: ");
		add_str(teller, plan->options);
		end(teller);
	}
}

static void tell_layers(struct teller *teller, const struct om_plan *plan)
{
	static const char *const roles[] = { "base ", "initrd ", "overlay ", "file " };
	uint32_t i;

	for (i = 0; i < plan->layer_count; i++) {
		const struct om_layer_ref *layer = &plan->layers[i];

		add(teller, "layer %u: %s", i + 1, roles[layer->role]);
		add_path(teller, &layer->source);
		if (layer->role == OM_LAYER_FILE) {
			add(teller, ", goes to ");
			add_str(teller, layer->dest);
			add(teller, ", mode %c%c%c%c, owner %u:%u", '0' + (layer->mode >> 9 & 7),
			    '0' + (layer->mode >> 6 & 7), '0' + (layer->mode >> 3 & 7),
			    '0' + (layer->mode & 7), layer->uid, layer->gid);
		}
		end(teller);
	}
	if (plan->layer_count == 0) {
		add(teller, "layers: none, the absolute root has only what is always there");
		end(teller);
	}
}

static void tell_ramdisks(struct teller *teller, const struct om_plan *plan)
{
	uint32_t i;

	for (i = 0; i < plan->ramdisk_count; i++) {
		const struct om_ramdisk_ref *ref = &plan->ramdisks[i];
		const struct om_ramdisk *ramdisk = &plan->root.ramdisks[i];

		add(teller, "ram disk %u: ", ref->index);
		add_path(teller, &ref->volumes[0]);
		if (ref->volume_count > 1)
			add(teller, " and %u more volume%s", ref->volume_count - 1,
			    ref->volume_count > 2 ? "s" : "");
		if (ref->start_kib)
			add(teller, ", from KiB %u on", ref->start_kib);
		if (ramdisk->size) {
			add(teller, ", ");
			add_size(teller, ramdisk->size);
		}
		if (ramdisk->classic_initrd)
			add(teller, ", a classic initrd");
		if (plan->ramdisk_prompt)
			add(teller, ", asked for first");
		end(teller);
	}
}

/* ------------------------------------------------------------------ late boot's steps */

static void tell_candidate(struct teller *teller, const struct om_root *root, uint32_t at)
{
	const struct om_candidate *candidate = &root->candidates[at];
	char name[OM_LOG_LINE_MAX / 2];

	om_rootspec_format(&candidate->spec, name, sizeof(name));
	if (candidate->spec.kind == OM_ROOT_RAMFS) {
		add(teller, "root %u: the absolute root stays, nothing is mounted over it", at + 1);
		end(teller);
		return;
	}
	add(teller, "root %u: %s%s, read-%s", at + 1, at ? "else " : "", name,
	    candidate->mode == OM_MODE_RW ? "write" : "only");
	if (candidate->fstypes.len) {
		add(teller, ", as ");
		add_str(teller, candidate->fstypes);
	}
	if (candidate->flags.len) {
		add(teller, ", with ");
		add_str(teller, candidate->flags);
	}
	end(teller);
}

static void tell_linuxrc(struct teller *teller, const struct om_root *root)
{
	bool classic = false;
	uint32_t i;

	for (i = 0; i < root->ramdisk_count; i++)
		classic = classic || root->ramdisks[i].classic_initrd;
	if (!classic)
		return;
	if (root->linuxrc == OM_LINUXRC_NEVER) {
		add(teller, "linuxrc: not run");
	} else if (root->linuxrc == OM_LINUXRC_PATH) {
		add(teller, "linuxrc: ");
		add_str(teller, root->linuxrc_path);
		add(teller, " of the initrd runs as PID 1");
	} else {
		add(teller, "linuxrc: /linuxrc of the initrd runs as PID 1, unless the initrd is the root");
	}
	end(teller);
}

static void tell_root(struct teller *teller, const struct om_root *root)
{
	uint32_t i;

	if (root->delay_ms) {
		add(teller, "root: wait ");
		add_seconds(teller, root->delay_ms);
		add(teller, " before the first look");
		end(teller);
	}
	if (root->candidate_count == 0) {
		add(teller, "root: none, /init of the absolute root runs if there is one, else its init");
		end(teller);
	}
	for (i = 0; i < root->candidate_count; i++)
		tell_candidate(teller, root, i);
	if (root->candidate_count && root->wait_ms) {
		add(teller, "root: wait ");
		if (root->wait_ms == OM_WAIT_FOREVER) {
			add(teller, "as long as it takes");
		} else {
			add(teller, "up to ");
			add_seconds(teller, root->wait_ms);
		}
		add(teller, " for one of them to appear");
		end(teller);
	}
}

/* What lies between a candidate and the final root, on a stock Linux. */
static void tell_layers_of_root(struct teller *teller, const struct om_root *root)
{
	const struct om_verity *verity = &root->verity;
	char name[128];

	if (verity->hash_len) {
		if (verity->device.kind)
			om_rootspec_format(&verity->device, name, sizeof(name));
		add(teller, "verity: read-only, as far as it matches the hash tree on %s, byte %llu",
		    verity->device.kind ? name : "the same device", (unsigned long long)verity->offset);
		end(teller);
	}
	if (root->overlay == OM_OVERLAY_TMPFS) {
		add(teller, "overlay: a tmpfs takes what is written, the root stays read-only");
		end(teller);
	}
}

static void tell_modules(struct teller *teller, const struct om_root *root)
{
	uint32_t i;

	for (i = 0; i < root->module_count; i++) {
		add(teller, "module: ");
		add_str(teller, root->modules[i]);
		end(teller);
	}
	if (root->rdinit.len) {
		add(teller, "rdinit: ");
		add_str(teller, root->rdinit);
		add(teller, " of the absolute root takes over, if it is there");
		end(teller);
	}
}

static void tell_init(struct teller *teller, const struct om_root *root)
{
	static const char *const devfs[] = {
		"nowhere", "while a classic initrd is the root", "on the final root",
		"on a classic initrd and on the final root",
	};
	static const char *const keep[] = {
		"all of it is given back", "its skeleton stays", "it stays as it is",
	};
	uint32_t i;

	add(teller, "devfs: %s", devfs[root->devfs & (OM_DEVFS_INITRD | OM_DEVFS_ROOT)]);
	end(teller);
	if (root->candidate_count) {
		add(teller, "absolute root: once covered, %s", keep[root->keep]);
		end(teller);
	}
	add(teller, "init:");
	if (root->init_count == 0)
		add(teller, " the first of /sbin/init, /bin/init, /etc/init, /bin/sh");
	for (i = 0; i < root->init_count; i++) {
		add(teller, " ");
		add_str(teller, root->init[i]);
	}
	end(teller);
}

void om_plan_describe(const struct om_plan *plan, void (*line)(void *ctx, const char *text),
		      void *ctx)
{
	struct teller teller = { .line = line, .ctx = ctx };

	if (plan->path != OM_BOOT_EFI) {
		tell_layers(&teller, plan);
		tell_ramdisks(&teller, plan);
		if (plan->bytes_needed) {
			add(&teller, "memory: about ");
			add_size(&teller, plan->bytes_needed);
			add(&teller, " needed");
			end(&teller);
		}
	}
	tell_kernel(&teller, plan);
	if (plan->path == OM_BOOT_EFI)
		return;
	tell_modules(&teller, &plan->root);
	tell_linuxrc(&teller, &plan->root);
	tell_root(&teller, &plan->root);
	tell_layers_of_root(&teller, &plan->root);
	tell_init(&teller, &plan->root);
}
