/* SPDX-License-Identifier: MIT */
/* Checks of the plan against what the caller found out about the files. */
#include <overmount/fmt.h>

#include "planner.h"

/* Descriptor, page tables and what a firmware keeps for itself. */
#define MEMORY_RESERVE (UINT64_C(2) << 20)

static bool looked_at(const struct om_file_facts *facts)
{
	return facts && facts->known;
}

/* Names long enough to fill a message are cut from the left: the end tells more. */
static struct om_str shown(struct om_str path)
{
	return path.len > 100 ? om_str_skip(path, path.len - 100) : path;
}

/* ------------------------------------------------------------------ kernel */

static const char *kernel_text(enum om_kernel_kind kind)
{
	switch (kind) {
	case OM_KERNEL_ELF64:
		return "an ELF64 program";
	case OM_KERNEL_LINUX_PE:
		return "a Linux kernel";
	case OM_KERNEL_PE:
		return "an EFI program";
	default:
		return "unknown";
	}
}

static bool kind_fits(enum om_boot_path path, enum om_kernel_kind kind)
{
	if (path == OM_BOOT_HANDOFF)
		return kind == OM_KERNEL_ELF64;
	if (path == OM_BOOT_LINUX)
		return kind == OM_KERNEL_LINUX_PE;
	return kind == OM_KERNEL_PE || kind == OM_KERNEL_LINUX_PE;
}

void plan_check_kernel(struct planner *planner)
{
	static const char *const keys[] = { "kernel", "linux", "efi" };
	static const char *const expected[] = {
		"an ELF64 kernel for the handoff protocol", "a Linux kernel with the EFI stub",
		"an EFI program",
	};
	static const char *const right_key[] = { "", "kernel", "linux", "efi" };
	const struct om_plan_facts *facts = planner->facts;
	enum om_boot_path path = planner->plan->path;
	struct om_value at = planner->plan->kernel.path;
	struct om_str name = shown(at.text);
	char hint[OM_DIAG_HINT_MAX];

	if (!facts || !facts->kernel.known)
		return;
	if (!facts->kernel.exists) {
		plan_error(planner, OM_MISSING, at, "", "%s '%.*s' is not there", keys[path],
			   (int)name.len, name.ptr);
	} else if (facts->kernel.directory) {
		plan_error(planner, OM_TYPE, at, "", "%s '%.*s' is a directory; expected %s",
			   keys[path], (int)name.len, name.ptr, expected[path]);
	} else if (facts->kernel_kind != OM_KERNEL_UNKNOWN && !kind_fits(path, facts->kernel_kind)) {
		om_format(hint, sizeof(hint), "write '%s' instead of '%s'",
			  right_key[facts->kernel_kind], keys[path]);
		plan_error(planner, OM_TYPE, at, hint, "%s '%.*s' is %s; expected %s", keys[path],
			   (int)name.len, name.ptr, kernel_text(facts->kernel_kind),
			   expected[path]);
	}
}

/* ------------------------------------------------------------------ layers */

static const char *role_text(enum om_layer_role role)
{
	static const char *const texts[] = { "ramfs", "initrd", "overlay", "file" };

	return texts[role];
}

/* An archive would have to be merged by the stage, which does not unpack; an image goes as it is. */
static void check_compressed(struct planner *planner, struct om_value at, const char *what,
			     enum om_image_kind kind)
{
	struct om_str name = shown(at.text);

	plan_error(planner, OM_UNSUPPORTED, at, "store it unpacked: memory and result are the same",
		   "%s '%.*s' is compressed (%s), which the stage does not unpack", what,
		   (int)name.len, name.ptr, om_image_kind_text(kind));
}

bool plan_is_packed_image(const struct om_file_facts *facts)
{
	return looked_at(facts) && om_image_is_compressed(facts->image) &&
	       facts->image != OM_IMAGE_LZO;
}

bool plan_is_untouched(const struct planner *planner, const struct om_layer_ref *layer,
		       const struct om_file_facts *facts)
{
	if (planner->plan->path != OM_BOOT_LINUX || layer->role == OM_LAYER_FILE)
		return false;
	if (!looked_at(facts))
		return layer->role == OM_LAYER_INITRD;
	/* Linux knows no tar; an uncompressed cpio may have anything behind it, microcode has. */
	return om_image_is_compressed(facts->image) ||
	       (layer->role == OM_LAYER_INITRD && facts->image == OM_IMAGE_CPIO);
}

static void check_directory(struct planner *planner, const struct om_layer_ref *layer)
{
	struct om_value at = layer->source.path;
	struct om_str name = shown(at.text);

	if (layer->role == OM_LAYER_INITRD || layer->role == OM_LAYER_FILE)
		plan_error(planner, OM_TYPE, at, "write 'overlay' for a directory",
			   "%s '%.*s' is a directory", role_text(layer->role), (int)name.len,
			   name.ptr);
	else if (layer->source.has_digest)
		plan_error(planner, OM_TYPE, at, "make an archive of it",
			   "'%.*s' is a directory, which has no digest", (int)name.len, name.ptr);
}

static void check_kind(struct planner *planner, const struct om_layer_ref *layer,
		       const struct om_file_facts *facts)
{
	struct om_value at = layer->source.path;
	struct om_str name = shown(at.text);
	const char *role = role_text(layer->role);

	if (om_image_is_archive(facts->image) || plan_is_untouched(planner, layer, facts))
		return;
	if (om_image_is_compressed(facts->image))
		check_compressed(planner, at, role, facts->image);
	else if (om_image_is_filesystem(facts->image))
		plan_error(planner, OM_TYPE, at, "write 'initrd' or 'ramdisk' for an image",
			   "%s '%.*s' is a file-system image (%s); expected an archive or a directory",
			   role, (int)name.len, name.ptr, om_image_kind_text(facts->image));
	else if (facts->size == 0)
		plan_error(planner, OM_TYPE, at, "", "%s '%.*s' is empty", role, (int)name.len,
			   name.ptr);
	else
		plan_error(planner, OM_TYPE, at, layer->role == OM_LAYER_INITRD ?
			   "write 'ramdisk' for an image of a kind that is not known here" :
			   "a single file is added with: file SOURCE DESTINATION",
			   "%s '%.*s' is neither a cpio nor a tar archive%s", role, (int)name.len,
			   name.ptr, layer->role == OM_LAYER_INITRD ?
			   " nor a file-system image" : " nor a directory");
}

void plan_check_layer(struct planner *planner, const struct om_layer_ref *layer,
		      const struct om_file_facts *facts)
{
	struct om_value at = layer->source.path;
	struct om_str name = shown(at.text);

	if (!looked_at(facts))
		return;
	if (!facts->exists)
		plan_error(planner, OM_MISSING, at, "", "%s '%.*s' is not there",
			   role_text(layer->role), (int)name.len, name.ptr);
	else if (facts->directory)
		check_directory(planner, layer);
	else if (layer->role != OM_LAYER_FILE)
		check_kind(planner, layer, facts);
}

/* ------------------------------------------------------------------ ram disks */

uint64_t plan_ramdisk_size(const struct om_ramdisk_ref *ramdisk, const struct om_file_facts *facts)
{
	uint64_t start = (uint64_t)ramdisk->start_kib << 10;

	return looked_at(facts) && facts->size > start ? facts->size - start : 0;
}

void plan_check_ramdisk(struct planner *planner, const struct om_ramdisk_ref *ramdisk,
			const struct om_file_facts *facts)
{
	struct om_value at = ramdisk->volumes[0].path;
	struct om_str name = shown(at.text);
	bool whole = ramdisk->start_kib == 0;

	if (!looked_at(facts))
		return;
	if (!facts->exists)
		plan_error(planner, OM_MISSING, at, "", "ramdisk '%.*s' is not there", (int)name.len,
			   name.ptr);
	else if (facts->directory)
		plan_error(planner, OM_TYPE, at, "make an image of it with mke2fs -d or genromfs",
			   "ramdisk '%.*s' is a directory", (int)name.len, name.ptr);
	else if (plan_ramdisk_size(ramdisk, facts) == 0)
		plan_error(planner, OM_TYPE, at, "", whole ? "ramdisk '%.*s' is empty" :
			   "ramdisk '%.*s' ends before start=", (int)name.len, name.ptr);
	else if (whole && facts->image == OM_IMAGE_LZO)
		plan_error(planner, OM_UNSUPPORTED, at,
			   "compress it with gzip, bzip2, lzma, xz, lz4 or zstd",
			   "ramdisk '%.*s' is compressed with lzo, which no kernel here unpacks",
			   (int)name.len, name.ptr);
	else if (whole && plan_is_packed_image(facts))
		return;			/* the kernel unpacks it, and sees what is inside */
	else if (whole && om_image_is_archive(facts->image))
		plan_error(planner, OM_TYPE, at, "write 'ramfs' or 'overlay' for an archive",
			   "ramdisk '%.*s' is an archive (%s); expected a file-system image",
			   (int)name.len, name.ptr, om_image_kind_text(facts->image));
	else if (whole && !om_image_is_filesystem(facts->image))
		plan_warning(planner, at, "", "ramdisk '%.*s': no file system is recognised in it",
			     (int)name.len, name.ptr);
}

/* ------------------------------------------------------------------ memory */

static bool add_size(const struct om_file_facts *facts, uint64_t *sum)
{
	if (!looked_at(facts))
		return false;
	if (!facts->directory && !om_add_u64(*sum, facts->size, sum))
		*sum = UINT64_MAX;
	return true;
}

/* Everything is in memory once; directories are counted when they are walked. */
static bool sum_sizes(const struct planner *planner, uint64_t *ret_sum)
{
	uint64_t sum = MEMORY_RESERVE;
	uint32_t i;

	if (!planner->facts || !add_size(&planner->facts->kernel, &sum))
		return false;
	for (i = 0; i < planner->entry->layer_count; i++)
		if (!add_size(&planner->facts->layers[i], &sum))
			return false;
	for (i = 0; i < planner->entry->ramdisk_count; i++)
		if (!add_size(&planner->facts->ramdisks[i], &sum))
			return false;
	*ret_sum = sum;
	return true;
}

static uint64_t to_mib(uint64_t bytes)
{
	return (bytes >> 20) + ((bytes & 0xfffff) != 0);
}

void plan_check_memory(struct planner *planner)
{
	uint64_t need, have;

	if (!sum_sizes(planner, &need))
		return;
	planner->plan->bytes_needed = need;
	have = planner->facts->memory_bytes;
	if (have == 0 || need <= have)
		return;
	plan_error(planner, OM_NO_MEMORY, (struct om_value){ { "", 0 }, 0, 0 },
		   "give the machine more memory or the entry smaller files",
		   "too little memory: the entry needs %llu MiB, %llu MiB are free",
		   (unsigned long long)to_mib(need), (unsigned long long)(have >> 20));
}
