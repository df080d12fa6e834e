/* SPDX-License-Identifier: MIT */
#include "dry_run.h"

#include <stdlib.h>
#include <string.h>

#include <overmount/verity.h>

#define DISK_MAJOR	254u		/* virtio */
#define VERITY_MAJOR	253u		/* of the device mapper, as long as nobody else takes it */

const char *const dry_run_stub_fstypes[] = { "ext2", "minix", "romfs", "cramfs",
					     "squashfs", "erofs", NULL };
const char *const dry_run_linux_fstypes[] = { "ext4", "ext3", "ext2", "squashfs", "erofs", "romfs",
					      "vfat", "iso9660", "xfs", "btrfs", NULL };

/* ------------------------------------------------------------------ the absolute root */

static int from_status(enum om_status status)
{
	switch (status) {
	case OM_OK:
		return 0;
	case OM_MISSING:
		return -OM_ENOENT;
	case OM_TYPE:
		return -OM_ENOTDIR;
	case OM_LIMIT:
		return -OM_ELOOP;
	case OM_NO_MEMORY:
		return -OM_ENOMEM;
	default:
		return -OM_EIO;
	}
}

int tree_check_program(struct om_tree *tree, const char *path)
{
	const struct om_node *node;
	struct om_member member;
	const char *layer;
	int err;

	err = from_status(om_tree_lookup(tree, path, &node));
	if (err)
		return err;
	om_node_describe(tree, node, &member, &layer);
	if ((member.mode & OM_S_IFMT) != OM_S_IFREG)
		return -OM_EACCES;
	return member.mode & 0111 ? 0 : -OM_EACCES;
}

int tree_probe(struct om_tree *tree, const char *path, enum om_image_kind *ret_kind,
	       uint64_t *ret_size)
{
	const struct om_node *node;
	struct om_member member;
	const char *layer;
	uint8_t *head;
	size_t len;
	int err;

	err = from_status(om_tree_lookup(tree, path, &node));
	if (err)
		return err;
	om_node_describe(tree, node, &member, &layer);
	if ((member.mode & OM_S_IFMT) != OM_S_IFREG)
		return (member.mode & OM_S_IFMT) == OM_S_IFDIR ? -OM_EISDIR : -OM_EINVAL;
	len = member.size < OM_IMAGE_PROBE_BYTES ? (size_t)member.size : OM_IMAGE_PROBE_BYTES;
	head = xalloc(len);
	err = from_status(om_node_read(node, 0, head, len));
	if (err == 0) {
		*ret_kind = om_image_probe((struct om_span){ head, len });
		*ret_size = member.size;
	}
	free(head);
	return err;
}

/* ------------------------------------------------------------------ operations that only succeed */

static int dry_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)ctx, (void)path, (void)mode;
	return 0;
}

static int dry_path(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return 0;
}

static int dry_mknod(void *ctx, const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
	(void)ctx, (void)path, (void)mode, (void)major, (void)minor;
	return 0;
}

static int dry_symlink(void *ctx, const char *text, const char *path)
{
	(void)ctx, (void)text, (void)path;
	return 0;
}

static int dry_umount(void *ctx, const char *target, bool detach)
{
	struct dry_run *run = ctx;

	(void)detach;
	if (strcmp(target, "/root") == 0)
		run->mounted = NULL;
	return 0;
}

static int dry_move(void *ctx, const char *from, const char *to)
{
	struct dry_run *run = ctx;

	(void)from;
	if (strcmp(to, "/") == 0)
		run->covered = true;
	return 0;
}

static int dry_chroot(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return 0;
}

static int dry_linuxrc(void *ctx, const char *root, const char *program, int *ret_status)
{
	(void)ctx, (void)root, (void)program;
	*ret_status = 0;
	return 0;
}

static void dry_linuxrc_choice(void *ctx, struct om_choice *ret_choice)
{
	(void)ctx;
	*ret_choice = (struct om_choice){ NULL, 0 };
}

static int dry_free_ramdisk(void *ctx, uint32_t index, uint64_t *ret_bytes)
{
	const struct dry_run *run = ctx;
	uint32_t i;

	for (i = 0; i < run->root->ramdisk_count; i++)
		if (run->root->ramdisks[i].index == index)
			*ret_bytes = run->root->ramdisks[i].size;
	return 0;
}

/* ------------------------------------------------------------------ devices */

static void set_text(char *to, size_t size, struct om_str text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.ptr);
}

static bool has_fstype(const struct dry_run *run, struct om_str name)
{
	size_t i;

	for (i = 0; run->fstypes[i]; i++)
		if (om_str_is(name, run->fstypes[i]))
			return true;
	return false;
}

/* The first type of the candidate's list that the kernel has; without a list the first it has. */
static void plausible_type(const struct dry_run *run, const struct om_candidate *candidate,
			   struct om_device *device)
{
	struct om_str rest = candidate->fstypes, word;

	while (rest.len) {
		for (word = (struct om_str){ rest.ptr, 0 };
		     word.len < rest.len && rest.ptr[word.len] != ','; word.len++)
			;
		rest = om_str_skip(rest, word.len + 1);
		if (has_fstype(run, word)) {
			set_text(device->fstype, sizeof(device->fstype), word);
			return;
		}
	}
	set_text(device->fstype, sizeof(device->fstype), om_str_from(run->fstypes[0]));
}

/* "vda2": the number at its end is the minor, as it would be on the first virtio disk. */
static uint32_t minor_of(const char *name)
{
	size_t len = strlen(name);

	while (len && name[len - 1] >= '0' && name[len - 1] <= '9')
		len--;
	return name[len] ? (uint32_t)strtoul(name + len, NULL, 10) : 0;
}

static int ram_device(const struct dry_run *run, uint32_t index, struct om_device *ret_device)
{
	uint32_t i;

	for (i = 0; i < run->root->ramdisk_count; i++) {
		const struct om_ramdisk *disk = &run->root->ramdisks[i];

		if (disk->index != index)
			continue;
		memset(ret_device, 0, sizeof(*ret_device));
		snprintf(ret_device->name, sizeof(ret_device->name), "ram%u", index);
		ret_device->major = RAM_MAJOR;
		ret_device->minor = index;
		ret_device->size = run->ramdisk_sizes[i] ? run->ramdisk_sizes[i] : disk->size;
		if (run->ramdisk_types[i])
			set_text(ret_device->fstype, sizeof(ret_device->fstype),
				 om_str_from(run->ramdisk_types[i]));
		return 0;
	}
	return -OM_ENXIO;
}

/* The device that SPEC means, as it might be; NUMBER is that of a partition if nothing says more. */
static int make_device(const struct dry_run *run, const struct om_rootspec *spec, uint32_t number,
		       struct om_device *ret_device)
{
	struct om_device device = { .major = DISK_MAJOR, .size = DISK_SIZE };

	if (om_rootspec_is_ram(spec))
		return ram_device(run, spec->minor, ret_device);
	if (spec->kind == OM_ROOT_NAME) {
		set_text(device.name, sizeof(device.name), spec->text);
		device.minor = minor_of(device.name);
	} else if (spec->kind == OM_ROOT_NUMBER) {
		device.major = spec->major;
		device.minor = spec->minor;
		snprintf(device.name, sizeof(device.name), "block-%u-%u", spec->major, spec->minor);
	} else {
		device.minor = number;
		snprintf(device.name, sizeof(device.name), "vda%u", number);
	}
	if (spec->kind == OM_ROOT_PARTUUID)
		set_text(device.partuuid, sizeof(device.partuuid), spec->text);
	else if (spec->kind == OM_ROOT_PARTLABEL)
		set_text(device.partlabel, sizeof(device.partlabel), spec->text);
	else if (spec->kind == OM_ROOT_UUID)
		set_text(device.uuid, sizeof(device.uuid), spec->text);
	else if (spec->kind == OM_ROOT_LABEL)
		set_text(device.label, sizeof(device.label), spec->text);
	*ret_device = device;
	return 0;
}

static int candidate_device(const struct dry_run *run, uint32_t at, struct om_device *ret_device)
{
	const struct om_candidate *candidate = &run->root->candidates[at];
	int err = run->missing[at] ? -OM_ENXIO :
				     make_device(run, &candidate->spec, at + 2, ret_device);

	if (!err && !om_rootspec_is_ram(&candidate->spec))
		plausible_type(run, candidate, ret_device);
	return err;
}

static bool wants_device(enum om_root_kind kind)
{
	return kind >= OM_ROOT_NAME && kind <= OM_ROOT_LABEL;
}

/* The candidate that asks: its specification is part of the root. */
static int dry_find_device(void *ctx, const struct om_rootspec *spec, struct om_device *ret_device)
{
	struct dry_run *run = ctx;
	uint32_t i;

	for (i = 0; i < run->root->candidate_count; i++) {
		if (&run->root->candidates[i].spec == spec) {
			int err = candidate_device(run, i, ret_device);

			if (!err)
				run->device = *ret_device;
			return err;
		}
	}
	if (&run->root->verity.device == spec)
		return make_device(run, spec, i + 2, ret_device);
	return -OM_ENXIO;
}

static int dry_list_device(void *ctx, uint32_t index, struct om_device *ret_device)
{
	struct dry_run *run = ctx;
	struct om_device device;
	uint32_t i;

	if (index < run->root->ramdisk_count)
		return ram_device(run, run->root->ramdisks[index].index, ret_device);
	index -= run->root->ramdisk_count;
	for (i = 0; i < run->root->candidate_count; i++) {
		const struct om_rootspec *spec = &run->root->candidates[i].spec;

		if (!wants_device(spec->kind) ||
		    (spec->kind == OM_ROOT_NUMBER && spec->major == RAM_MAJOR) ||
		    candidate_device(run, i, &device))
			continue;
		if (index-- == 0) {
			*ret_device = device;
			return 0;
		}
	}
	return -OM_ENXIO;
}

static int dry_list_fstype(void *ctx, uint32_t index, char *ret_name, size_t size)
{
	struct dry_run *run = ctx;
	uint32_t i;

	for (i = 0; run->fstypes[i]; i++) {
		if (i == index) {
			set_text(ret_name, size, om_str_from(run->fstypes[i]));
			return 0;
		}
	}
	return -OM_ENOENT;
}

static int dry_wait_devices(void *ctx, uint32_t timeout_ms)
{
	struct dry_run *run = ctx;

	run->now_ms += timeout_ms;
	/* Nothing will appear: who waits forever has waited long enough to see it. */
	return run->now_ms > 3600000 ? -OM_ETIMEDOUT : 0;
}

void dry_log(void *ctx, const char *text)
{
	struct dry_run *run = ctx;
	char line[OM_LOG_LINE_MAX + 32];

	om_log_line(line, sizeof(line), UINT64_MAX, text);
	run->line(run->ctx, line);
}

/* Nobody has looked at the tree of hashes: everything matches. */
static const char *dry_verity_open(void *ctx, const struct om_verity *verity,
				   const struct om_device *hash, struct om_device *device)
{
	struct dry_run *run = ctx;
	char line[OM_LOG_LINE_MAX];

	(void)verity;
	om_format(line, sizeof(line), OM_VERITY_STORY, "dm-0", device->name, hash->name);
	dry_log(ctx, line);
	set_text(device->name, sizeof(device->name), OM_STR("dm-0"));
	device->major = VERITY_MAJOR;
	device->minor = 0;
	run->device = *device;
	return NULL;
}

/* ------------------------------------------------------------------ mounting and running */

/* The types that a kernel only reads are write-protected. */
static bool writes(const struct dry_run *run, const char *fstype)
{
	static const char *const stub[] = { "ext2", "ext3", NULL };
	static const char *const linux_too[] = { "ext2", "ext3", "ext4", "vfat", "xfs", "btrfs", NULL };
	const char *const *types = run->fstypes == dry_run_stub_fstypes ? stub : linux_too;

	while (*types && strcmp(*types, fstype) != 0)
		types++;
	return *types;
}

static int dry_mount(void *ctx, const char *source, const char *target, const char *fstype,
		     uint32_t flags, const char *data)
{
	struct dry_run *run = ctx;

	(void)source, (void)data;
	if (strcmp(target, "/root") != 0)
		return 0;
	if (strcmp(fstype, "ramfs") == 0 || strcmp(fstype, "overlay") == 0) {
		run->mounted = fstype;
		return 0;
	}
	if (!has_fstype(run, om_str_from(fstype)))
		return -OM_ENODEV;
	if (strcmp(fstype, run->device.fstype) != 0)
		return -OM_EINVAL;
	if (!(flags & OM_MS_RDONLY) && (!writes(run, fstype) || run->device.major == VERITY_MAJOR))
		return -OM_EROFS;
	run->mounted = "device";
	return 0;
}

/* Nobody has looked into the final root: the program that is asked for first is there. */
static int dry_check_program(void *ctx, const char *root, const char *path)
{
	struct dry_run *run = ctx;
	const struct om_root *wanted = run->root;
	bool linuxrc = wanted->linuxrc == OM_LINUXRC_PATH ? om_str_is(wanted->linuxrc_path, path) :
							    strcmp(path, "/linuxrc") == 0;

	if (linuxrc && strcmp(root, "/root") == 0)
		return 0;
	if (strcmp(root, "/root") == 0 || run->covered) {
		if (wanted->init_count)
			return om_str_is(wanted->init[0], path) ? 0 : -OM_ENOENT;
		return strcmp(path, "/sbin/init") == 0 ? 0 : -OM_ENOENT;
	}
	if (run->tree)
		return tree_check_program(run->tree, path);
	if (wanted->init_count && om_str_is(wanted->init[0], path))
		return 0;
	if (wanted->rdinit.len && om_str_is(wanted->rdinit, path))
		return 0;
	return strcmp(path, "/bin/sh") == 0 || (!wanted->init_count &&
						strcmp(path, "/sbin/init") == 0) ? 0 : -OM_ENOENT;
}

static int dry_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target)
{
	struct dry_run *run = ctx;
	enum om_image_kind found;
	uint64_t size;
	int err;

	(void)target;
	if (!run->tree)
		return 0;
	err = tree_probe(run->tree, path, &found, &size);
	if (err)
		return err;
	return found == (kind == OM_ROOT_TAR ? OM_IMAGE_TAR : OM_IMAGE_CPIO) ? 0 : -OM_EINVAL;
}

/* Nobody has asked the server either. */
static const char *dry_mount_nfs(void *ctx, const struct om_candidate *candidate,
				 const char *target)
{
	struct dry_run *run = ctx;
	uint32_t i;

	(void)target;
	for (i = 0; i < run->root->candidate_count; i++)
		if (run->missing[i] && run->root->candidates[i].spec.kind == OM_ROOT_NFS &&
		    om_str_equal(run->root->candidates[i].spec.text, candidate->spec.text))
			return "the server does not answer";
	run->mounted = "nfs";
	return NULL;
}

static int dry_load_module(void *ctx, const char *path)
{
	struct dry_run *run = ctx;
	enum om_image_kind kind;
	uint64_t size;

	if (run->fstypes == dry_run_stub_fstypes)
		return -OM_ENOSYS;
	return run->tree ? tree_probe(run->tree, path, &kind, &size) : 0;
}

static int dry_reap(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
		    uint64_t *ret_pages)
{
	(void)ctx;
	/* /, /dev, /dev/console, /dev/null, /dev/root and /root */
	*ret_dentries = *ret_inodes = keep == OM_KEEP_NOTHING ? 1 : 6;
	*ret_pages = 0;
	return 0;
}

static int dry_exec(void *ctx, const char *path, const char *const *argv)
{
	struct dry_run *run = ctx;

	(void)argv;
	snprintf(run->ran, sizeof(run->ran), "%s", path);
	longjmp(run->started, 1);
}

static uint64_t dry_now_ms(void *ctx)
{
	struct dry_run *run = ctx;

	return run->now_ms;
}

int dry_run(struct dry_run *run)
{
	struct om_sys sys = {
		.ctx = run,
		.mkdir = dry_mkdir, .rmdir = dry_path, .unlink = dry_path, .mknod = dry_mknod,
		.symlink = dry_symlink, .mount = dry_mount, .move = dry_move, .umount = dry_umount,
		.chdir = dry_path, .chroot = dry_chroot, .check_program = dry_check_program,
		.check_directory = dry_path, .find_device = dry_find_device,
		.list_device = dry_list_device, .list_fstype = dry_list_fstype,
		.wait_devices = dry_wait_devices, .attach_image = dry_attach_image,
		.unpack = dry_unpack, .load_module = dry_load_module, .run_linuxrc = dry_linuxrc,
		.linuxrc_choice = dry_linuxrc_choice, .free_ramdisk = dry_free_ramdisk,
		.prompt = dry_path, .reap = dry_reap, .exec = dry_exec, .log = dry_log,
		.now_ms = dry_now_ms,
		.mount_nfs = run->fstypes == dry_run_stub_fstypes ? NULL : dry_mount_nfs,
	};

	run->ran[0] = '\0';
	/* The stub's world has none. */
	if (run->fstypes == dry_run_linux_fstypes)
		sys.verity_open = dry_verity_open;
	if (setjmp(run->started))
		return 0;
	return prepare_namespace(run->root, &sys);
}
