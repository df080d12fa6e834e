/* SPDX-License-Identifier: MIT */
/* One candidate for the final root: find it, mount it, say why that is not possible. */
#include "late_boot.h"

#define ROOT_NODE	"/dev/root"	/* as Linux names it; made anew, never taken from an archive */
#define DATA_MAX	512u		/* mount data */
#define LAYERS_PLACE	"/overlay"	/* while a writable layer is put together */
#define LAYER_BELOW	LAYERS_PLACE "/lower"

void om_late_say(const struct late_boot *boot, const char *format, ...)
{
	char text[OM_LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	boot->sys->log(boot->sys->ctx, text);
}

int om_late_text(struct om_str text, char *buf, size_t size)
{
	if (text.len >= size)
		return -OM_E2BIG;
	if (text.len)
		memcpy(buf, text.ptr, text.len);
	buf[text.len] = '\0';
	return 0;
}

/* ------------------------------------------------------------------ what failed, in words */

/* "; looked for ext2, romfs": what the kernel knows, where the candidate leaves it to the kernel. */
static void types_text(const struct late_boot *boot, char *buf, size_t size)
{
	char name[OM_DEVICE_NAME_MAX];
	size_t used = 0;
	uint32_t i;

	buf[0] = '\0';
	for (i = 0; used < size && boot->sys->list_fstype(boot->sys->ctx, i, name, sizeof(name)) == 0; i++)
		used += om_format(buf + used, size - used, "%s%s", i ? ", " : "; looked for ", name);
}

/* No type of the list, or none at all, knew the content. */
static void content_text(const struct late_boot *boot, const struct om_candidate *candidate,
			 const struct attempt *attempt, char *buf, size_t size)
{
	const char *look = attempt->seen[0] ? "it looks like " : "its content is not recognised";
	char types[128];

	if (candidate->fstypes.len) {
		om_format(buf, size, "cannot be mounted as %.*s: %s%s", (int)candidate->fstypes.len,
			  candidate->fstypes.ptr, look, attempt->seen);
		return;
	}
	types_text(boot, types, sizeof(types));
	om_format(buf, size, "cannot be mounted by any file system here: %s%s%s", look, attempt->seen,
		  types);
}

/* In front of the error, or instead of it. */
static const char *const step_words[] = {
	[STEP_NONE] = "not tried",
	[STEP_FIND] = "",
	[STEP_NODE] = "no device node can be made: ",
	[STEP_ATTACH] = "cannot make a device of the image: ",
	[STEP_UNPACK] = "cannot be unpacked: ",
	[STEP_MOUNT] = "cannot be mounted: ",
	[STEP_INIT] = "mounted, but has no init: ",
	[STEP_NETWORK] = "network roots are not supported here",
	[STEP_VERITY] = "its root-verity cannot be checked here, so it is not mounted",
	[STEP_OVERLAY] = "mounted, but nothing writable can be laid over it: ",
	[STEP_MOVE] = "cannot be moved over /: ",
};

void om_attempt_text(const struct late_boot *boot, const struct om_candidate *candidate,
		     const struct attempt *attempt, char *buf, size_t size)
{
	enum step step = attempt->step;

	if (step == STEP_TYPE)
		content_text(boot, candidate, attempt, buf, size);
	else
		om_format(buf, size, "%s%s", attempt->why ? attempt->why : step_words[step],
			  attempt->error ? om_errno_text(attempt->error) : "");
}

/* ------------------------------------------------------------------ mounting a candidate */

/* The next name of a comma-separated list into BUF; false after the last. */
static bool list_next(struct om_str *list, char *buf, size_t size)
{
	size_t len = 0;
	int err;

	while (list->len && list->ptr[0] == ',')
		*list = om_str_skip(*list, 1);
	while (len < list->len && list->ptr[len] != ',')
		len++;
	if (len == 0)
		return false;
	err = om_late_text((struct om_str){ list->ptr, len }, buf, size);
	if (err)
		buf[0] = '\0';		/* no type has such a name: mount() says so */
	*list = om_str_skip(*list, len);
	return true;
}

/*
 * The types to try, by index: those that were asked for; else what the content looks like and
 * then every type that needs a device, as the kernel does.
 */
struct types {
	const struct om_sys *sys;
	const char *seen;
	struct om_str list;
	bool listed;
	uint32_t index;
};

static bool type_next(struct types *types, char *buf, size_t size)
{
	if (types->listed)
		return list_next(&types->list, buf, size);
	if (types->index == 0 && types->seen[0]) {
		types->index++;
		return om_late_text(om_str_from(types->seen), buf, size) == 0;
	}
	do {
		uint32_t at = types->index - (types->seen[0] ? 1 : 0);

		types->index++;
		if (types->sys->list_fstype(types->sys->ctx, at, buf, size))
			return false;
	} while (om_str_is(om_str_from(buf), types->seen));
	return true;
}

/*
 * Try each type.  A type that does not know the content (EINVAL), is not there (ENODEV) or may
 * not write (EACCES, EROFS) leaves the next one its turn, unless the content was recognised as
 * its own; any other error ends it.
 */
static int mount_types(const struct late_boot *boot, const struct om_candidate *candidate,
		       const struct om_device *device, const char *node, bool readonly,
		       char *ret_type, size_t size)
{
	const struct om_sys *sys = boot->sys;
	struct types types = { sys, device->fstype, candidate->fstypes,
			       candidate->fstypes.len > 0, 0 };
	bool denied = false;
	char data[DATA_MAX];
	int err;

	err = om_late_text(candidate->flags, data, sizeof(data));
	if (err)
		return err;
	while (type_next(&types, ret_type, size)) {
		err = sys->mount(sys->ctx, node, MOUNT_POINT, ret_type,
				 readonly ? OM_MS_RDONLY : 0, data);
		if (err == 0)
			return 0;
		if (err == -OM_EACCES || err == -OM_EROFS) {
			if (om_str_is(om_str_from(ret_type), device->fstype))
				return -OM_EACCES;
			denied = true;
		} else if (err != -OM_EINVAL && err != -OM_ENODEV) {
			return err;
		}
	}
	return denied ? -OM_EACCES : -OM_EINVAL;
}

static void look_into(const struct late_boot *boot, struct om_device *device)
{
	if (boot->sys->look_into)
		boot->sys->look_into(boot->sys->ctx, device);
}

/* One type, and no list: there is nothing to choose by what the content looks like. */
static bool names_one_type(const struct om_candidate *candidate)
{
	size_t i;

	for (i = 0; i < candidate->fstypes.len; i++)
		if (candidate->fstypes.ptr[i] == ',')
			return false;
	return i > 0;
}

bool om_mount_device(struct late_boot *boot, const struct om_candidate *candidate,
		     struct om_device *device, const char *node, const char *what,
		     struct attempt *attempt)
{
	const struct om_sys *sys = boot->sys;
	bool readonly = candidate->mode != OM_MODE_RW;
	char type[OM_DEVICE_NAME_MAX];
	int err;

	if (!names_one_type(candidate))
		look_into(boot, device);
	/* A node that an archive brought could name any device. */
	sys->unlink(sys->ctx, node);
	err = sys->mknod(sys->ctx, node, 0060600, device->major, device->minor);
	if (err)
		return om_attempt_fail(attempt, STEP_NODE, err);
	err = mount_types(boot, candidate, device, node, readonly, type, sizeof(type));
	if (err == -OM_EACCES && !readonly) {
		om_late_say(boot, "%s: /dev/%s is write-protected, trying read-only", what,
			    device->name);
		readonly = true;
		err = mount_types(boot, candidate, device, node, readonly, type, sizeof(type));
	}
	if (err == -OM_EINVAL) {
		look_into(boot, device);
		memcpy(attempt->seen, device->fstype, sizeof(attempt->seen));
		return om_attempt_fail(attempt, STEP_TYPE, err);
	}
	if (err)
		return om_attempt_fail(attempt, STEP_MOUNT, err);
	om_late_say(boot, "%s: /dev/%s is %s, mounted read-%s", what, device->name, type,
		    readonly ? "only" : "write");
	return true;
}

static bool mount_tree(struct late_boot *boot, const struct om_rootspec *spec,
		       struct attempt *attempt)
{
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX];
	int err;

	err = om_late_text(spec->text, path, sizeof(path));
	if (err)
		return om_attempt_fail(attempt, STEP_UNPACK, err);
	err = sys->mount(sys->ctx, "root", MOUNT_POINT, "ramfs", 0, "");
	if (err)
		return om_attempt_fail(attempt, STEP_MOUNT, err);
	err = sys->unpack(sys->ctx, spec->kind, path, MOUNT_POINT);
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return om_attempt_fail(attempt, STEP_UNPACK, err);
	}
	om_late_say(boot, "root: %s unpacked into a ramfs of its own", path);
	return true;
}

/* A tmpfs and three directories; what was on PLACE lies on the last one. */
static int layers_make(const struct om_sys *sys, const char *place)
{
	static const char *const places[] = { LAYERS_PLACE "/upper", LAYERS_PLACE "/work", LAYER_BELOW };
	uint32_t i;
	int err = sys->mkdir(sys->ctx, LAYERS_PLACE, 0700);

	if (err && err != -OM_EEXIST)
		return err;
	err = sys->mount(sys->ctx, "overlay", LAYERS_PLACE, "tmpfs", 0, "mode=0755");
	if (err)
		return err;
	for (i = 0; !err && i < 3; i++)
		err = sys->mkdir(sys->ctx, places[i], 0755);
	if (!err)
		err = sys->move(sys->ctx, place, places[2]);
	if (err)
		sys->umount(sys->ctx, LAYERS_PLACE, true);
	return err;
}

/* The overlay keeps its layers by itself: their own places need not stay. */
bool om_mount_overlay(struct late_boot *boot, const char *place, struct attempt *attempt)
{
	const struct om_sys *sys = boot->sys;
	int err = layers_make(sys, place);

	if (err)
		return om_attempt_fail(attempt, STEP_OVERLAY, err);
	err = sys->mount(sys->ctx, "overlay", MOUNT_POINT, "overlay", 0, "lowerdir=" LAYER_BELOW
			 ",upperdir=" LAYERS_PLACE "/upper,workdir=" LAYERS_PLACE "/work");
	if (err)
		sys->move(sys->ctx, LAYER_BELOW, place);
	sys->umount(sys->ctx, LAYERS_PLACE, true);
	sys->rmdir(sys->ctx, LAYERS_PLACE);
	if (err)
		return om_attempt_fail(attempt, STEP_OVERLAY, err);
	om_late_say(boot, "root: a tmpfs over it takes what is written");
	return true;
}

/* The device that SPEC means. */
static bool device_find(struct late_boot *boot, const struct om_rootspec *spec,
			struct attempt *attempt, struct om_device *ret_device)
{
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX];
	int err;

	if (spec->kind != OM_ROOT_IMAGE) {
		err = sys->find_device(sys->ctx, spec, ret_device);
		return !err || om_attempt_fail(attempt, STEP_FIND, err);
	}
	err = om_late_text(spec->text, path, sizeof(path));
	if (!err)
		err = sys->attach_image(sys->ctx, path, ret_device);
	return !err || om_attempt_fail(attempt, STEP_ATTACH, err);
}

/* From here on DEVICE is what verifies it. */
static bool verity_open(struct late_boot *boot, struct om_device *device, struct attempt *attempt)
{
	const struct om_verity *verity = &boot->root->verity;
	struct om_device hash = *device;

	if (verity->device.kind && !device_find(boot, &verity->device, attempt, &hash)) {
		attempt->why = "its hash tree: ";
		return false;
	}
	attempt->why = boot->sys->verity_open(boot->sys->ctx, verity, &hash, device);
	return !attempt->why || om_attempt_fail(attempt, STEP_VERITY, 0);
}

static bool mount_network(struct late_boot *boot, const struct om_candidate *wanted,
			  struct attempt *attempt)
{
	const struct om_sys *sys = boot->sys;

	if (sys->mount_nfs)
		attempt->why = sys->mount_nfs(sys->ctx, wanted, MOUNT_POINT);
	if (!sys->mount_nfs || attempt->why)
		return om_attempt_fail(attempt, STEP_NETWORK, 0);
	om_late_say(boot, "root: NFS, mounted read-%s", wanted->mode == OM_MODE_RW ? "write" : "only");
	return true;
}

static bool mount_root(struct late_boot *boot, const struct om_candidate *candidate,
		       struct attempt *attempt)
{
	bool network = candidate->spec.kind == OM_ROOT_NFS;
	struct om_candidate wanted = *candidate;
	struct om_device device;

	if (!network && (!device_find(boot, &candidate->spec, attempt, &device) ||
			 (boot->root->verity.hash_len > 0 && !verity_open(boot, &device, attempt))))
		return false;
	if (boot->root->overlay != OM_OVERLAY_NONE)
		wanted.mode = OM_MODE_RO;
	if (network ? !mount_network(boot, &wanted, attempt) :
		      !om_mount_device(boot, &wanted, &device, ROOT_NODE, "root", attempt))
		return false;
	if (boot->root->overlay == OM_OVERLAY_NONE || om_mount_overlay(boot, MOUNT_POINT, attempt))
		return true;
	boot->sys->umount(boot->sys->ctx, MOUNT_POINT, true);
	return false;
}

bool om_mount_candidate(struct late_boot *boot, uint32_t at)
{
	const struct om_candidate *candidate = &boot->candidates[at];
	struct attempt *attempt = &boot->attempts[at];

	switch (candidate->spec.kind) {
	case OM_ROOT_TAR:
	case OM_ROOT_CPIO:
		return mount_tree(boot, &candidate->spec, attempt);
	default:
		return mount_root(boot, candidate, attempt);
	}
}
