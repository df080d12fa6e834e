/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

static jmp_buf started;		/* exec does not return */

static void append(char *to, size_t size, const char *format, va_list args)
{
	size_t used = strlen(to);

	vsnprintf(to + used, size - used, format, args);
}

/* Write the operation down; is it the one that has to fail? */
static int __attribute__((format(printf, 3, 4)))
note(struct recorder *recorder, const char *name, const char *format, ...)
{
	size_t used = strlen(recorder->trace);
	va_list args;

	snprintf(recorder->trace + used, sizeof(recorder->trace) - used, "> %s ", name);
	va_start(args, format);
	append(recorder->trace, sizeof(recorder->trace), format, args);
	va_end(args);
	used = strlen(recorder->trace);
	snprintf(recorder->trace + used, sizeof(recorder->trace) - used, "\n");
	recorder->operations++;
	if (recorder->fail_at == recorder->operations)
		return -OM_EIO;
	return recorder->fail && strcmp(recorder->fail, name) == 0 ? -OM_EIO : 0;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while (at && (at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static int rec_mkdir(void *ctx, const char *path, uint32_t mode)
{
	return note(ctx, "mkdir", "%s %04o", path, mode);
}

static int rec_unlink(void *ctx, const char *path)
{
	return note(ctx, "unlink", "%s", path) ? -OM_EIO : -OM_ENOENT;
}

static int rec_rmdir(void *ctx, const char *path)
{
	return note(ctx, "rmdir", "%s", path);
}

static int rec_mknod(void *ctx, const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "mknod", "%s %o %u:%u", path, mode, major, minor);
	uint32_t i;

	recorder->node = NULL;
	for (i = 0; !err && i < recorder->device_count; i++)
		if (recorder->devices[i].device.major == major &&
		    recorder->devices[i].device.minor == minor)
			recorder->node = &recorder->devices[i];
	if (!err && recorder->verified.device.name[0] && major == 253)
		recorder->node = &recorder->verified;
	return err;
}

static int rec_mount(void *ctx, const char *source, const char *target, const char *fstype,
		     uint32_t flags, const char *data)
{
	struct recorder *recorder = ctx;
	const struct recorder_device *device = recorder->node;
	int err = note(ctx, "mount", "%s %s %s %s '%s'", source, target, fstype,
		       flags & OM_MS_RDONLY ? "ro" : "rw", data);

	if (err || strcmp(fstype, "devtmpfs") == 0 || strcmp(fstype, "tmpfs") == 0)
		return err;
	if (strcmp(fstype, "overlay") == 0) {
		if (recorder->no_overlay)
			return -OM_ENODEV;
		recorder->mounted = recorder->lower;
		return 0;
	}
	if (strcmp(fstype, "ramfs") == 0) {
		recorder->tree_mounted = true;
		return 0;
	}
	if (!has_word(recorder->fstypes, fstype))
		return -OM_ENODEV;
	if (!device)
		return -OM_ENXIO;
	if (device->mount_error)
		return device->mount_error;
	if (!device->holds || strcmp(device->holds, fstype) != 0)
		return -OM_EINVAL;
	if (device->write_protected && !(flags & OM_MS_RDONLY))
		return -OM_EACCES;
	recorder->mounted = device;
	return 0;
}

static int rec_move(void *ctx, const char *from, const char *to)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "move", "%s %s", from, to);

	if (err)
		return err;
	if (strcmp(to, "/") == 0) {
		recorder->covering = recorder->in_old ? recorder->initrd : recorder->mounted;
		recorder->mounted = NULL;
	} else if (strcmp(from, "/root") == 0) {
		*(strcmp(to, ".") == 0 ? &recorder->initrd : &recorder->lower) = recorder->mounted;
		recorder->mounted = NULL;
	} else if (strcmp(from, "/old") == 0) {
		recorder->lower = recorder->initrd;
		recorder->initrd = NULL;
	} else if (strcmp(from, "/overlay/lower") == 0) {
		*(strcmp(to, "/old") == 0 ? &recorder->initrd : &recorder->mounted) = recorder->lower;
	}
	return 0;
}

static int rec_run_linuxrc(void *ctx, const char *root, const char *program, int *ret_status)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "linuxrc", "%s %s", root, program);

	if (err)
		return err;
	recorder->initrd = recorder->mounted;
	recorder->mounted = NULL;
	if (recorder->linuxrc_stays) {
		snprintf(recorder->ran, sizeof(recorder->ran), "%s", program);
		longjmp(started, 1);
	}
	*ret_status = recorder->linuxrc_status;
	return 0;
}

static void rec_linuxrc_choice(void *ctx, struct om_choice *ret_choice)
{
	struct recorder *recorder = ctx;

	ret_choice->candidates = recorder->choice;
	ret_choice->candidate_count = recorder->choice ? 1 : 0;
}

static int rec_free_ramdisk(void *ctx, uint32_t index, uint64_t *ret_bytes)
{
	int err = note(ctx, "free", "ram%u", index);

	*ret_bytes = 8u << 20;
	return err;
}

static int rec_umount(void *ctx, const char *target, bool detach)
{
	struct recorder *recorder = ctx;

	if (strcmp(target, "/root") == 0) {
		recorder->mounted = NULL;
		recorder->tree_mounted = false;
	}
	return note(ctx, "umount", "%s%s", target, detach ? " detach" : "");
}

static int rec_chdir(void *ctx, const char *path)
{
	struct recorder *recorder = ctx;

	recorder->in_old = strcmp(path, "/old") == 0;
	return note(ctx, "chdir", "%s", path);
}

static int rec_chroot(void *ctx, const char *path)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "chroot", "%s", path);

	recorder->entered = !err;
	return err;
}

static int rec_check_program(void *ctx, const char *root, const char *path)
{
	struct recorder *recorder = ctx;
	const char *programs = recorder->programs;

	if (strcmp(root, "/root") == 0)
		programs = recorder->mounted ? recorder->mounted->programs :
			   recorder->tree_mounted ? "/sbin/init" : NULL;
	else if (strcmp(root, "/old") == 0)
		programs = recorder->initrd ? recorder->initrd->programs : NULL;
	else if (recorder->entered)
		programs = recorder->covering ? recorder->covering->programs : "/sbin/init";
	return has_word(programs, path) ? 0 : -OM_ENOENT;
}

static int rec_check_directory(void *ctx, const char *path)
{
	struct recorder *recorder = ctx;

	if (strcmp(path, "/root/initrd") == 0 &&
	    !(recorder->mounted && recorder->mounted->has_initrd_dir))
		return -OM_ENOENT;
	return strcmp(path, "/initrd") == 0 ? -OM_ENOENT : 0;
}

static bool there(const struct recorder *recorder, const struct recorder_device *device)
{
	return device->appears_ms <= recorder->now_ms;
}

static int rec_find_device(void *ctx, const struct om_rootspec *spec, struct om_device *ret_device)
{
	struct recorder *recorder = ctx;
	char name[64];
	uint32_t i;
	int err;

	om_rootspec_format(spec, name, sizeof(name));
	err = note(ctx, "find", "%s", name);
	if (err)
		return err;
	for (i = 0; i < recorder->device_count; i++) {
		const struct recorder_device *device = &recorder->devices[i];
		bool match = (spec->kind == OM_ROOT_NAME &&
			      om_str_is(spec->text, device->device.name)) ||
			     (spec->kind == OM_ROOT_PARTUUID &&
			      om_str_is(spec->text, device->device.partuuid)) ||
			     (spec->kind == OM_ROOT_RAM && device->device.major == 1 &&
			      device->device.minor == spec->minor);

		if (match && there(recorder, device)) {
			*ret_device = device->device;
			if (recorder->slow_disks)
				ret_device->fstype[0] = '\0';
			return 0;
		}
	}
	return -OM_ENXIO;
}

static void rec_look_into(void *ctx, struct om_device *device)
{
	struct recorder *recorder = ctx;
	uint32_t i;

	note(ctx, "look into", "%s", device->name);
	for (i = 0; i < recorder->device_count; i++)
		if (recorder->devices[i].device.major == device->major &&
		    recorder->devices[i].device.minor == device->minor)
			memcpy(device->fstype, recorder->devices[i].device.fstype, sizeof(device->fstype));
}

static int rec_list_device(void *ctx, uint32_t index, struct om_device *ret_device)
{
	struct recorder *recorder = ctx;
	uint32_t i;

	for (i = 0; i < recorder->device_count; i++) {
		if (!there(recorder, &recorder->devices[i]))
			continue;
		if (index-- == 0) {
			*ret_device = recorder->devices[i].device;
			return 0;
		}
	}
	return -OM_ENXIO;
}

static int rec_list_fstype(void *ctx, uint32_t index, char *ret_name, size_t size)
{
	struct recorder *recorder = ctx;
	const char *at = recorder->fstypes;
	size_t len;

	for (;;) {
		len = strcspn(at, " ");
		if (len == 0)
			return -OM_ENOENT;
		if (index-- == 0)
			break;
		at += len + (at[len] == ' ');
	}
	snprintf(ret_name, size, "%.*s", (int)len, at);
	return 0;
}

static int rec_wait_devices(void *ctx, uint32_t timeout_ms)
{
	struct recorder *recorder = ctx;

	recorder->now_ms += timeout_ms;
	return note(ctx, "wait", "%u", timeout_ms);
}

static int rec_attach_image(void *ctx, const char *path, struct om_device *ret_device)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "attach", "%s", path);
	uint32_t i;

	if (err)
		return err;
	for (i = 0; i < recorder->device_count; i++) {
		if (recorder->devices[i].device.major == 1) {
			*ret_device = recorder->devices[i].device;
			return 0;
		}
	}
	return -OM_ENOENT;
}

/* dm-0 holds what the device holds; with a wrong hash it is not even made. */
static const char *rec_verity_open(void *ctx, const struct om_verity *verity,
				   const struct om_device *hash, struct om_device *device)
{
	struct recorder *recorder = ctx;
	int err = note(ctx, "verity", "%s %s %llu", device->name, hash->name,
		       (unsigned long long)verity->offset);
	uint32_t i;

	if (err || verity->root_hash[0] == RECORDER_WRONG_HASH)
		return "verity: refused";
	for (i = 0; i < recorder->device_count; i++)
		if (strcmp(recorder->devices[i].device.name, device->name) == 0)
			recorder->verified = recorder->devices[i];
	recorder->verified.write_protected = true;
	snprintf(device->name, sizeof(device->name), "dm-0");
	device->major = 253;
	device->minor = 0;
	recorder->verified.device = *device;
	return NULL;
}

static const char *rec_verity_close(void *ctx)
{
	struct recorder *recorder = ctx;
	bool corrupt = recorder->verified.mount_error == -OM_EIO;

	if (!recorder->verified.device.name[0])
		return NULL;
	note(ctx, "verity", "close");
	recorder->verified = (struct recorder_device){ 0 };
	return corrupt ? "verity: mismatch" : NULL;
}

static int rec_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target)
{
	return note(ctx, "unpack", "%s %s %s", kind == OM_ROOT_TAR ? "tar" : "cpio", path, target);
}

static const char *rec_mount_nfs(void *ctx, const struct om_candidate *candidate,
				 const char *target)
{
	struct recorder *recorder = ctx;
	char name[64];

	om_rootspec_format(&candidate->spec, name, sizeof(name));
	if (note(ctx, "nfs", "%s %s %s '%.*s'", name, target, candidate->mode != OM_MODE_RW ? "ro" : "rw",
		 (int)candidate->flags.len, candidate->flags.ptr))
		return "no answer";
	recorder->tree_mounted = true;
	return NULL;
}

static int rec_load_module(void *ctx, const char *path)
{
	return note(ctx, "module", "%s", path);
}

static int rec_reap(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
		    uint64_t *ret_pages)
{
	int err = note(ctx, "reap", "%s", keep == OM_KEEP_NOTHING ? "nothing" : "skeleton");

	if (err)
		return err;
	*ret_dentries = *ret_inodes = keep == OM_KEEP_NOTHING ? 1 : 6;
	*ret_pages = 0;
	return 0;
}

static int rec_exec(void *ctx, const char *path, const char *const *argv)
{
	struct recorder *recorder = ctx;
	char words[128] = "";
	int err, i;

	for (i = 0; argv[i]; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			 i ? " " : "", argv[i]);
	err = note(ctx, "exec", "%s [%s]", path, words);
	if (err)
		return err;
	snprintf(recorder->ran, sizeof(recorder->ran), "%s", words);
	longjmp(started, 1);
}

static void rec_log(void *ctx, const char *text)
{
	struct recorder *recorder = ctx;
	size_t used = strlen(recorder->trace);

	snprintf(recorder->trace + used, sizeof(recorder->trace) - used, "%s\n", text);
	used = strlen(recorder->story);
	snprintf(recorder->story + used, sizeof(recorder->story) - used, "%s\n", text);
}

static uint64_t rec_now_ms(void *ctx)
{
	struct recorder *recorder = ctx;

	return recorder->now_ms;
}

void recorder_sys(struct recorder *recorder, struct om_sys *ret_sys)
{
	*ret_sys = (struct om_sys){
		.ctx = recorder,
		.mkdir = rec_mkdir, .unlink = rec_unlink, .rmdir = rec_rmdir, .mknod = rec_mknod,
		.mount = rec_mount, .move = rec_move, .umount = rec_umount,
		.chdir = rec_chdir, .chroot = rec_chroot,
		.check_program = rec_check_program, .check_directory = rec_check_directory,
		.find_device = rec_find_device, .list_device = rec_list_device,
		.look_into = recorder->slow_disks ? rec_look_into : NULL,
		.list_fstype = rec_list_fstype, .wait_devices = rec_wait_devices,
		.attach_image = rec_attach_image, .verity_open = rec_verity_open,
		.verity_close = rec_verity_close, .unpack = rec_unpack,
		.load_module = rec_load_module, .run_linuxrc = rec_run_linuxrc,
		.mount_nfs = recorder->no_network ? NULL : rec_mount_nfs,
		.linuxrc_choice = rec_linuxrc_choice, .free_ramdisk = rec_free_ramdisk,
		.reap = rec_reap, .exec = rec_exec,
		.log = rec_log, .now_ms = rec_now_ms,
	};
}

int recorder_run(struct recorder *recorder, const struct om_root *root)
{
	struct om_sys sys;

	recorder_sys(recorder, &sys);
	if (recorder->no_verity)
		sys.verity_open = NULL, sys.verity_close = NULL;
	if (setjmp(started))
		return 0;
	return prepare_namespace(root, &sys);
}
