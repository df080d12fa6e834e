/* SPDX-License-Identifier: MIT */
/*
 * Late boot: from the absolute root to init as PID 1.
 *
 *	modules, devices	what the descriptor asks for first
 *	candidates		in order, each with its reason when it fails
 *	overmount		the final root is moved over "/", and the task enters it
 *	reap			the absolute root gives back what nobody needs
 *	init			the first program of the list that runs
 *
 * The order inside overmount() is the point of it all: after the move, "/" still names the
 * absolute root for this task, and only chroot(".") from inside the moved mount brings it to
 * the other side.  Everything that can fail is tried before that.
 */
#include <overmount/fmt.h>
#include <overmount/sys.h>

#define MOUNT_POINT	"/root"
#define ROOT_NODE	"/dev/root"	/* as Linux names it; made anew, never taken from an archive */
#define POLL_MS		100u		/* between two looks for devices that may still appear */
#define DATA_MAX	512u		/* mount data */
#define WORDS_MAX	2048u		/* init and its arguments; COMMAND_LINE_SIZE of x86 */

enum step {
	STEP_NONE,
	STEP_FIND,		/* there is no such device */
	STEP_NODE,
	STEP_ATTACH,		/* an image of the absolute root as a device */
	STEP_UNPACK,
	STEP_MOUNT,
	STEP_TYPE,		/* no type of the list recognised it */
	STEP_INIT,		/* mounted, but there is nothing to run */
	STEP_NETWORK,
	STEP_MOVE,
};

/* How far a candidate came. */
struct attempt {
	enum step step;
	int error;
	char seen[16];		/* file system by content */
};

struct late_boot {
	const struct om_root *root;
	const struct om_sys *sys;
	struct attempt attempts[OM_CANDIDATES_MAX];
	char words[WORDS_MAX];
	const char *argv[OM_ARGS_MAX + 1];
};

static const char *const default_init[] = { "/sbin/init", "/bin/init", "/etc/init", "/bin/sh" };
#define DEFAULT_INIT_COUNT (sizeof(default_init) / sizeof(default_init[0]))

static void OM_PRINTF(2, 3) say(const struct late_boot *boot, const char *format, ...)
{
	char text[OM_LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	boot->sys->log(boot->sys->ctx, text);
}

/* A borrowed string as a C string; -E2BIG when it does not fit. */
static int text_copy(struct om_str text, char *buf, size_t size)
{
	if (text.len >= size)
		return -OM_E2BIG;
	if (text.len)
		memcpy(buf, text.ptr, text.len);
	buf[text.len] = '\0';
	return 0;
}

/* ------------------------------------------------------------------ what failed, in words */

static void attempt_text(const struct late_boot *boot, uint32_t at, char *buf, size_t size)
{
	const struct attempt *attempt = &boot->attempts[at];
	const struct om_candidate *candidate = &boot->root->candidates[at];
	const char *why = om_errno_text(attempt->error);
	char wanted[64];

	switch (attempt->step) {
	case STEP_NONE:
		om_format(buf, size, "not tried");
		return;
	case STEP_FIND:
		om_format(buf, size, "%s", why);
		return;
	case STEP_NODE:
		om_format(buf, size, "cannot make " ROOT_NODE ": %s", why);
		return;
	case STEP_ATTACH:
		om_format(buf, size, "cannot make a device of the image: %s", why);
		return;
	case STEP_UNPACK:
		om_format(buf, size, "cannot be unpacked: %s", why);
		return;
	case STEP_MOUNT:
		om_format(buf, size, "cannot be mounted: %s", why);
		return;
	case STEP_TYPE:
		if (candidate->fstypes.len)
			om_format(wanted, sizeof(wanted), "as %.*s", (int)candidate->fstypes.len,
				  candidate->fstypes.ptr);
		else
			om_format(wanted, sizeof(wanted), "by any file system here");
		om_format(buf, size, "cannot be mounted %s: %s%s", wanted,
			  attempt->seen[0] ? "it looks like " : "its content is not recognised",
			  attempt->seen);
		return;
	case STEP_INIT:
		om_format(buf, size, "mounted, but has no init: %s", why);
		return;
	case STEP_NETWORK:
		om_format(buf, size, "network roots are not supported here");
		return;
	case STEP_MOVE:
		om_format(buf, size, "cannot be moved over /: %s", why);
		return;
	}
}

static bool fail(struct late_boot *boot, uint32_t at, enum step step, int error)
{
	boot->attempts[at].step = step;
	boot->attempts[at].error = error;
	return false;
}

/* Let MS pass, whatever happens meanwhile; an edge that cannot wait is not asked again. */
static void pause_ms(const struct om_sys *sys, uint32_t ms)
{
	uint64_t start = sys->now_ms(sys->ctx), gone = 0;

	while (gone < ms && sys->wait_devices(sys->ctx, (uint32_t)(ms - gone)) == 0)
		gone = sys->now_ms(sys->ctx) - start;
}

/* ------------------------------------------------------------------ devices */

static void size_text(uint64_t bytes, char *buf, size_t size)
{
	if (bytes >= (10u << 20))
		om_format(buf, size, "%llu MiB", (unsigned long long)(bytes >> 20));
	else
		om_format(buf, size, "%llu KiB", (unsigned long long)(bytes >> 10));
}

/* One line each; "devices: none" says that too. */
static void devices_say(const struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	struct om_device device;
	char size[24];
	uint32_t i;

	for (i = 0; sys->list_device(sys->ctx, i, &device) == 0; i++) {
		size_text(device.size, size, sizeof(size));
		say(boot, "devices: %s %u:%u, %s%s%s%s%s", device.name, device.major, device.minor,
		    size, device.fstype[0] ? ", " : "", device.fstype,
		    device.partuuid[0] ? ", PARTUUID=" : "", device.partuuid);
	}
	if (i == 0)
		say(boot, "devices: none");
}

static void modules_load(const struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX];
	uint32_t i;
	int err;

	for (i = 0; i < boot->root->module_count; i++) {
		err = text_copy(boot->root->modules[i], path, sizeof(path));
		if (!err)
			err = sys->load_module(sys->ctx, path);
		say(boot, "module: %.*s%s%s", (int)boot->root->modules[i].len,
		    boot->root->modules[i].ptr, err ? ": " : " loaded",
		    err ? om_errno_text(err) : "");
	}
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
	err = text_copy((struct om_str){ list->ptr, len }, buf, size);
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
		return text_copy(om_str_from(types->seen), buf, size) == 0;
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
 * not write (EACCES, EROFS) leaves the next one its turn; any other error ends it.
 */
static int mount_types(const struct late_boot *boot, const struct om_candidate *candidate,
		       const struct om_device *device, bool readonly, char *ret_type, size_t size)
{
	const struct om_sys *sys = boot->sys;
	struct types types = { sys, device->fstype, candidate->fstypes,
			       candidate->fstypes.len > 0, 0 };
	bool denied = false;
	char data[DATA_MAX];
	int err;

	err = text_copy(candidate->flags, data, sizeof(data));
	if (err)
		return err;
	while (type_next(&types, ret_type, size)) {
		err = sys->mount(sys->ctx, ROOT_NODE, MOUNT_POINT, ret_type,
				 readonly ? OM_MS_RDONLY : 0, data);
		if (err == 0)
			return 0;
		if (err == -OM_EACCES || err == -OM_EROFS)
			denied = true;
		else if (err != -OM_EINVAL && err != -OM_ENODEV)
			return err;
	}
	return denied ? -OM_EACCES : -OM_EINVAL;
}

static bool mount_device(struct late_boot *boot, uint32_t at, const struct om_device *device)
{
	const struct om_candidate *candidate = &boot->root->candidates[at];
	const struct om_sys *sys = boot->sys;
	bool readonly = candidate->mode != OM_MODE_RW;
	char type[OM_DEVICE_NAME_MAX];
	int err;

	memcpy(boot->attempts[at].seen, device->fstype, sizeof(boot->attempts[at].seen));
	/* A node that an archive brought could name any device. */
	sys->unlink(sys->ctx, ROOT_NODE);
	err = sys->mknod(sys->ctx, ROOT_NODE, 0060600, device->major, device->minor);
	if (err)
		return fail(boot, at, STEP_NODE, err);
	err = mount_types(boot, candidate, device, readonly, type, sizeof(type));
	if (err == -OM_EACCES && !readonly) {
		say(boot, "root: /dev/%s is write-protected, trying read-only", device->name);
		readonly = true;
		err = mount_types(boot, candidate, device, readonly, type, sizeof(type));
	}
	if (err)
		return fail(boot, at, err == -OM_EINVAL ? STEP_TYPE : STEP_MOUNT, err);
	say(boot, "root: /dev/%s is %s, mounted read-%s", device->name, type,
	    readonly ? "only" : "write");
	return true;
}

static bool mount_tree(struct late_boot *boot, uint32_t at)
{
	const struct om_rootspec *spec = &boot->root->candidates[at].spec;
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX];
	int err;

	err = text_copy(spec->text, path, sizeof(path));
	if (err)
		return fail(boot, at, STEP_UNPACK, err);
	err = sys->mount(sys->ctx, "root", MOUNT_POINT, "ramfs", 0, "");
	if (err)
		return fail(boot, at, STEP_MOUNT, err);
	err = sys->unpack(sys->ctx, spec->kind, path, MOUNT_POINT);
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return fail(boot, at, STEP_UNPACK, err);
	}
	say(boot, "root: %s unpacked into a ramfs of its own", path);
	return true;
}

/* Find and mount; with false the attempt says why not. */
static bool candidate_mount(struct late_boot *boot, uint32_t at)
{
	const struct om_rootspec *spec = &boot->root->candidates[at].spec;
	const struct om_sys *sys = boot->sys;
	struct om_device device;
	char path[OM_LOG_LINE_MAX];
	int err;

	switch (spec->kind) {
	case OM_ROOT_TAR:
	case OM_ROOT_CPIO:
		return mount_tree(boot, at);
	case OM_ROOT_NFS:
		return fail(boot, at, STEP_NETWORK, -OM_ENOSYS);
	case OM_ROOT_IMAGE:
		err = text_copy(spec->text, path, sizeof(path));
		if (!err)
			err = sys->attach_image(sys->ctx, path, &device);
		if (err)
			return fail(boot, at, STEP_ATTACH, err);
		return mount_device(boot, at, &device);
	default:
		err = sys->find_device(sys->ctx, spec, &device);
		if (err)
			return fail(boot, at, STEP_FIND, err);
		return mount_device(boot, at, &device);
	}
}

/* ------------------------------------------------------------------ init */

/* The words of `init` as argv; 0 or -E2BIG. */
static int init_argv(struct late_boot *boot)
{
	size_t used = 0;
	uint32_t i;
	int err;

	for (i = 0; i < boot->root->init_count; i++) {
		boot->argv[i] = boot->words + used;
		err = text_copy(boot->root->init[i], boot->words + used, WORDS_MAX - used);
		if (err)
			return err;
		used += boot->root->init[i].len + 1;
	}
	boot->argv[i] = NULL;
	return 0;
}

/* The I-th program of the search; NULL after the last. */
static const char *init_program(const struct late_boot *boot, uint32_t i)
{
	if (boot->root->init_count > 0) {
		if (i == 0)
			return boot->argv[0];
		i--;
	}
	return i < DEFAULT_INIT_COUNT ? default_init[i] : NULL;
}

/* Would any program of the search start below ROOT?  0, or why the first one would not. */
static int init_check(const struct late_boot *boot, const char *root)
{
	const struct om_sys *sys = boot->sys;
	const char *program;
	int err, first = 0;
	uint32_t i;

	for (i = 0; (program = init_program(boot, i)); i++) {
		err = sys->check_program(sys->ctx, root, program);
		if (err == 0)
			return 0;
		if (first == 0)
			first = err;
	}
	return first;
}

static void run(struct late_boot *boot, const char *program, const char *const *argv)
{
	const struct om_sys *sys = boot->sys;
	int err;

	say(boot, "init: %s", program);
	err = sys->exec(sys->ctx, program, argv);
	say(boot, "init: %s: %s", program, om_errno_text(err));
}

/* Returns only when nothing could be started. */
static int init_run(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	const char *plain[2] = { NULL, NULL };
	const char *program;
	uint32_t i;
	int err;

	for (i = 0; (program = init_program(boot, i)); i++) {
		err = sys->check_program(sys->ctx, "", program);
		if (err) {
			/* Silence about the defaults that are not there, as ever. */
			if ((i == 0 && boot->root->init_count) || err != -OM_ENOENT)
				say(boot, "init: %s: %s", program, om_errno_text(err));
			continue;
		}
		plain[0] = program;
		run(boot, program, i == 0 && boot->root->init_count ? boot->argv : plain);
	}
	say(boot, "init: nothing could be started; name a program with `init`");
	return -OM_ENOENT;
}

/* ------------------------------------------------------------------ the overmount */

static void devfs_mount(const struct late_boot *boot, const char *target)
{
	const struct om_sys *sys = boot->sys;
	int err;

	if (!(boot->root->devfs & OM_DEVFS_ROOT))
		return;
	err = sys->check_directory(sys->ctx, target);
	if (err == 0)
		err = sys->mount(sys->ctx, "devtmpfs", target, "devtmpfs", 0, "");
	if (err)
		say(boot, "devfs: not mounted on /dev: %s", om_errno_text(err));
}

static void reap(const struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	uint32_t dentries, inodes;
	uint64_t pages;
	int err;

	if (boot->root->keep == OM_KEEP_ALL) {
		say(boot, "absolute root: kept as it is");
		return;
	}
	err = sys->reap(sys->ctx, boot->root->keep, &dentries, &inodes, &pages);
	if (err)
		say(boot, "absolute root: cannot be emptied: %s", om_errno_text(err));
	else
		say(boot, "absolute root: %u dentries, %u inodes, %llu data pages remain", dentries,
		    inodes, (unsigned long long)pages);
}

/* Move what is mounted on MOUNT_POINT over "/" and enter it. */
static int overmount(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	int err;

	err = sys->chdir(sys->ctx, MOUNT_POINT);
	if (err)
		return err;
	devfs_mount(boot, MOUNT_POINT "/dev");
	err = sys->move(sys->ctx, ".", "/");
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT "/dev", true);
		sys->chdir(sys->ctx, "/");
		return err;
	}
	/* "." is the moved mount, "/" still the absolute root below it: this is the forced chroot. */
	err = sys->chroot(sys->ctx, ".");
	if (err)
		return err;
	say(boot, "overmount: the final root covers /");
	return 0;
}

/* Mount, look for an init, overmount.  With true this task is inside the final root. */
static bool candidate_try(struct late_boot *boot, uint32_t at)
{
	const struct om_sys *sys = boot->sys;
	int err;

	if (boot->root->candidates[at].spec.kind == OM_ROOT_RAMFS) {
		err = init_check(boot, "");
		if (err)
			return fail(boot, at, STEP_INIT, err);
		say(boot, "root: the absolute root stays, nothing is mounted over it");
		devfs_mount(boot, "/dev");
		return true;
	}
	if (!candidate_mount(boot, at))
		return false;
	err = init_check(boot, MOUNT_POINT);
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return fail(boot, at, STEP_INIT, err);
	}
	err = overmount(boot);
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return fail(boot, at, STEP_MOVE, err);
	}
	reap(boot);
	return true;
}

/* ------------------------------------------------------------------ the candidates */

static void candidate_name(const struct late_boot *boot, uint32_t at, char *buf, size_t size)
{
	om_rootspec_format(&boot->root->candidates[at].spec, buf, size);
}

/* One look at all candidates that have not failed for good. */
static bool candidates_round(struct late_boot *boot, bool first)
{
	char name[128], why[256];
	uint32_t i;

	for (i = 0; i < boot->root->candidate_count; i++) {
		enum step before = boot->attempts[i].step;

		/* Only a device that was not there may have changed its mind. */
		if (before != STEP_NONE && before != STEP_FIND)
			continue;
		if (candidate_try(boot, i))
			return true;
		if (first || boot->attempts[i].step != STEP_FIND) {
			candidate_name(boot, i, name, sizeof(name));
			attempt_text(boot, i, why, sizeof(why));
			say(boot, "root: %s: %s", name, why);
		}
	}
	return false;
}

static bool candidates_waiting(const struct late_boot *boot)
{
	uint32_t i;

	for (i = 0; i < boot->root->candidate_count; i++)
		if (boot->attempts[i].step == STEP_FIND)
			return true;
	return false;
}

/* Rounds until one works, none can work any more, or the time is over. */
static bool candidates_try(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	uint32_t wait_ms = boot->root->wait_ms, step;
	uint64_t start, gone;

	if (candidates_round(boot, true))
		return true;
	if (wait_ms == 0 || !candidates_waiting(boot))
		return false;
	if (wait_ms == OM_WAIT_FOREVER)
		say(boot, "root: waiting until it appears");
	else
		say(boot, "root: waiting at most %u.%03u s for it to appear", wait_ms / 1000,
		    wait_ms % 1000);
	start = sys->now_ms(sys->ctx);
	for (;;) {
		gone = sys->now_ms(sys->ctx) - start;
		if (wait_ms != OM_WAIT_FOREVER && gone >= wait_ms)
			return false;
		step = POLL_MS;
		if (wait_ms != OM_WAIT_FOREVER && wait_ms - gone < step)
			step = (uint32_t)(wait_ms - gone);
		/* An edge without events only lets the time pass. */
		if (sys->wait_devices(sys->ctx, step))
			return false;
		if (candidates_round(boot, false))
			return true;
		if (!candidates_waiting(boot))
			return false;
	}
}

/* The table of what was tried, the devices, and a shell if there is one. */
static int give_up(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	const char *const shell[] = { "/bin/sh", NULL };
	char name[128], why[256];
	uint32_t i;

	say(boot, "root: no candidate works");
	for (i = 0; i < boot->root->candidate_count; i++) {
		candidate_name(boot, i, name, sizeof(name));
		attempt_text(boot, i, why, sizeof(why));
		say(boot, "root: %u. %s: %s", i + 1, name, why);
	}
	devices_say(boot);
	if (sys->check_program(sys->ctx, "", shell[0]) != 0) {
		say(boot, "rescue: no /bin/sh in the absolute root, so this is the end;"
		    " correct the `root` lines of the entry");
		return -OM_ENXIO;
	}
	say(boot, "rescue: a shell on the absolute root; correct the `root` lines of the entry");
	run(boot, shell[0], shell);
	return -OM_ENXIO;
}

/* The classic initramfs: a program of the absolute root does everything itself. */
static void rdinit_run(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	const char *plain[2] = { "/init", NULL };
	char path[OM_LOG_LINE_MAX];
	int err;

	if (boot->root->rdinit.len) {
		err = text_copy(boot->root->rdinit, path, sizeof(path));
		plain[0] = path;
		if (!err)
			err = sys->check_program(sys->ctx, "", path);
		if (err) {
			say(boot, "rdinit: %.*s: %s, ignored", (int)boot->root->rdinit.len,
			    boot->root->rdinit.ptr, om_errno_text(err));
			return;
		}
	} else if (boot->root->candidate_count > 0 ||
		   sys->check_program(sys->ctx, "", plain[0]) != 0) {
		return;
	}
	run(boot, plain[0], plain);
}

int prepare_namespace(const struct om_root *root, const struct om_sys *sys)
{
	struct late_boot boot = { .root = root, .sys = sys };
	int err;

	err = init_argv(&boot);
	if (err) {
		say(&boot, "init: its words have more than %u bytes", WORDS_MAX);
		return err;
	}
	modules_load(&boot);
	rdinit_run(&boot);
	if (root->delay_ms) {
		say(&boot, "root: waiting %u.%03u s as asked by root-delay", root->delay_ms / 1000,
		    root->delay_ms % 1000);
		pause_ms(sys, root->delay_ms);
	}
	if (root->candidate_count == 0) {
		/* Nothing to mount: what the archive brought is the system. */
		say(&boot, "root: none given, the absolute root stays");
		devfs_mount(&boot, "/dev");
		return init_run(&boot);
	}
	devices_say(&boot);
	err = sys->mkdir(sys->ctx, MOUNT_POINT, 0700);
	if (err && err != -OM_EEXIST) {
		say(&boot, "root: cannot make " MOUNT_POINT ": %s", om_errno_text(err));
		return err;
	}
	if (!candidates_try(&boot))
		return give_up(&boot);
	return init_run(&boot);
}
