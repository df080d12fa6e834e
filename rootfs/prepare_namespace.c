/* SPDX-License-Identifier: MIT */
/*
 * Late boot: from the absolute root to init as PID 1.
 *
 *	modules, devices	what the descriptor asks for first
 *	classic initrd		/linuxrc, which may choose the root, or become init itself
 *	candidates		in order, each with its reason when it fails
 *	overmount		the final root is moved over "/", and the task enters it
 *	reap			the absolute root gives back what nobody needs
 *	init			the first program of the list that runs
 *
 * The order inside overmount() is the point of it all: after the move, "/" still names the
 * absolute root for this task, and only chroot(".") from inside the moved mount brings it to
 * the other side.  Everything that can fail is tried before that.
 */
#include "late_boot.h"

#define INITRD_NODE	"/dev/root.old"	/* as Linux named it */
#define INITRD_PLACE	"/old"
#define INITRD_KEPT	"/initrd"	/* where the final root may want to have it */
#define LINUXRC		"/linuxrc"
#define POLL_MS		100u		/* between two looks for devices that may still appear */

static const char *const default_init[] = { "/sbin/init", "/bin/init", "/etc/init", "/bin/sh" };
#define DEFAULT_INIT_COUNT (sizeof(default_init) / sizeof(default_init[0]))

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
		om_late_say(boot, "devices: %s %u:%u, %s%s%s%s%s", device.name, device.major, device.minor,
			    size, device.fstype[0] ? ", " : "", device.fstype,
		    device.partuuid[0] ? ", PARTUUID=" : "", device.partuuid);
	}
	if (i == 0)
		om_late_say(boot, "devices: none");
}

static void modules_load(const struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX];
	uint32_t i;
	int err;

	for (i = 0; i < boot->root->module_count; i++) {
		err = om_late_text(boot->root->modules[i], path, sizeof(path));
		if (!err)
			err = sys->load_module(sys->ctx, path);
		om_late_say(boot, "module: %.*s%s%s", (int)boot->root->modules[i].len,
			    boot->root->modules[i].ptr, err ? ": " : " loaded",
		    err ? om_errno_text(err) : "");
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
		err = om_late_text(boot->root->init[i], boot->words + used, WORDS_MAX - used);
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

	om_late_say(boot, "init: %s", program);
	err = sys->exec(sys->ctx, program, argv);
	om_late_say(boot, "init: %s: %s", program, om_errno_text(err));
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
				om_late_say(boot, "init: %s: %s", program, om_errno_text(err));
			continue;
		}
		plain[0] = program;
		run(boot, program, i == 0 && boot->root->init_count ? boot->argv : plain);
	}
	om_late_say(boot, "init: nothing could be started; name a program with `init`");
	return -OM_ENOENT;
}

/* ------------------------------------------------------------------ the overmount */

static void devfs_mount(const struct late_boot *boot, enum om_devfs where, const char *target)
{
	const struct om_sys *sys = boot->sys;
	int err;

	if (!(boot->root->devfs & where))
		return;
	err = sys->check_directory(sys->ctx, target);
	if (err == 0)
		err = sys->mount(sys->ctx, "devtmpfs", target, "devtmpfs", 0, "");
	if (err)
		om_late_say(boot, "devfs: not mounted on /dev: %s", om_errno_text(err));
}

static void reap(const struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	uint32_t dentries, inodes;
	uint64_t pages;
	int err;

	if (boot->root->keep == OM_KEEP_ALL) {
		om_late_say(boot, "absolute root: kept as it is");
		return;
	}
	err = sys->reap(sys->ctx, boot->root->keep, &dentries, &inodes, &pages);
	if (err)
		om_late_say(boot, "absolute root: cannot be emptied: %s", om_errno_text(err));
	else
		om_late_say(boot, "absolute root: %u dentries, %u inodes, %llu data pages remain", dentries,
			    inodes, (unsigned long long)pages);
}

/* Move what is mounted on PLACE over "/" and enter it; devfs on DEV before, unless NULL. */
static int overmount(struct late_boot *boot, const char *place, const char *dev)
{
	const struct om_sys *sys = boot->sys;
	int err;

	err = sys->chdir(sys->ctx, place);
	if (err)
		return err;
	if (dev)
		devfs_mount(boot, OM_DEVFS_ROOT, dev);
	err = sys->move(sys->ctx, ".", "/");
	if (err) {
		if (dev)
			sys->umount(sys->ctx, dev, true);
		sys->chdir(sys->ctx, "/");
		return err;
	}
	/* "." is the moved mount, "/" still the absolute root below it: this is the forced chroot. */
	err = sys->chroot(sys->ctx, ".");
	if (err)
		return err;
	om_late_say(boot, "overmount: the final root covers /");
	return 0;
}

/* ------------------------------------------------------------------ the classic initrd */

static const struct om_ramdisk *classic_initrd(const struct om_root *root)
{
	uint32_t i;

	for (i = 0; i < root->ramdisk_count; i++)
		if (root->ramdisks[i].classic_initrd)
			return &root->ramdisks[i];
	return NULL;
}

static bool names_ramdisk(const struct om_candidate *candidate, const struct om_ramdisk *disk)
{
	const struct om_rootspec *spec = &candidate->spec;

	return om_rootspec_is_ram(spec) &&
	       spec->minor == disk->index;
}

/* Is the initrd itself among what may become the root?  Then it is nobody's helper. */
static bool initrd_is_root(const struct late_boot *boot, const struct om_ramdisk *disk)
{
	uint32_t i;

	for (i = 0; i < boot->candidate_count; i++)
		if (names_ramdisk(&boot->candidates[i], disk))
			return true;
	return false;
}

/* On MOUNT_POINT, writable if it can be, with a place on the absolute root to put it later. */
static bool initrd_mount(struct late_boot *boot, const struct om_ramdisk *disk)
{
	const struct om_candidate candidate = {
		.spec = { .kind = OM_ROOT_RAM, .text = { "", 0 }, .minor = disk->index },
		.fstypes = { "", 0 }, .flags = { "", 0 }, .mode = OM_MODE_RW,
	};
	const struct om_sys *sys = boot->sys;
	struct attempt attempt = { 0 };
	struct om_device device;
	char why[256];
	int err;

	err = sys->find_device(sys->ctx, &candidate.spec, &device);
	if (err)
		om_attempt_fail(&attempt, STEP_FIND, err);
	else if (om_mount_device(boot, &candidate, &device, INITRD_NODE, "initrd", &attempt))
		err = sys->mkdir(sys->ctx, INITRD_PLACE, 0700);
	if (attempt.step != STEP_NONE) {
		om_attempt_text(boot, &candidate, &attempt, why, sizeof(why));
		om_late_say(boot, "initrd: /dev/ram%u: %s", disk->index, why);
		return false;
	}
	if (err && err != -OM_EEXIST) {
		om_late_say(boot, "initrd: cannot make " INITRD_PLACE ": %s", om_errno_text(err));
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return false;
	}
	devfs_mount(boot, OM_DEVFS_INITRD, MOUNT_POINT "/dev");
	return true;
}

/* Run /linuxrc as PID 1 in the initrd.  With true it ran, and the initrd now covers "/". */
static bool linuxrc_run(struct late_boot *boot)
{
	const struct om_sys *sys = boot->sys;
	char path[OM_LOG_LINE_MAX] = LINUXRC;
	int err = 0, status = 0;

	if (boot->root->linuxrc == OM_LINUXRC_PATH)
		err = om_late_text(boot->root->linuxrc_path, path, sizeof(path));
	if (!err)
		err = sys->check_program(sys->ctx, MOUNT_POINT, path);
	if (!err) {
		om_late_say(boot, "linuxrc: %s runs as PID 1", path);
		err = sys->run_linuxrc(sys->ctx, MOUNT_POINT, path, &status);
	}
	if (err) {
		om_late_say(boot, "linuxrc: %s: %s, boot goes on", path, om_errno_text(err));
		return false;
	}
	if (status & 0x7f)
		om_late_say(boot, "linuxrc: killed by signal %d, boot goes on", status & 0x7f);
	else
		om_late_say(boot, "linuxrc: ended with %d, boot goes on", status >> 8 & 0xff);
	return true;
}

/*
 * The initrd is not the root: /linuxrc prepares one.  Afterwards the initrd lies on /old, until
 * the final root is there.  Its choice replaces the descriptor's candidates.
 */
static void initrd_handle(struct late_boot *boot, const struct om_ramdisk *disk)
{
	const struct om_sys *sys = boot->sys;
	struct om_choice choice = { 0 };
	int err;

	if (!initrd_mount(boot, disk))
		return;
	err = sys->chdir(sys->ctx, INITRD_PLACE);
	/* ".." of a directory of the absolute root is the absolute root, and what covers it. */
	if (!err)
		err = sys->move(sys->ctx, linuxrc_run(boot) ? ".." : MOUNT_POINT, ".");
	sys->chdir(sys->ctx, "/");
	if (err) {
		om_late_say(boot, "initrd: cannot be moved to " INITRD_PLACE ": %s",
			    om_errno_text(err));
		return;
	}
	boot->initrd_kept = true;
	sys->linuxrc_choice(sys->ctx, &choice);
	if (!choice.candidate_count)
		return;
	boot->candidates = choice.candidates;
	boot->candidate_count = choice.candidate_count;
	om_late_say(boot, "linuxrc: chose the root%s",
		    names_ramdisk(&choice.candidates[0], disk) ? ": the initrd stays" : "");
}

/* The final root is there: the initrd goes to PLACE, if that is a directory, or altogether. */
static void initrd_put_away(struct late_boot *boot, const char *place)
{
	const struct om_ramdisk *disk = classic_initrd(boot->root);
	const struct om_sys *sys = boot->sys;
	uint64_t bytes = 0;
	char size[24];
	int err;

	if (!boot->initrd_kept)
		return;
	boot->initrd_kept = false;
	err = sys->check_directory(sys->ctx, place);
	if (!err)
		err = sys->move(sys->ctx, INITRD_PLACE, place);
	if (!err) {
		om_late_say(boot, "initrd: moved to " INITRD_KEPT);
		return;
	}
	err = sys->umount(sys->ctx, INITRD_PLACE, true);
	if (!err)
		err = sys->free_ramdisk(sys->ctx, disk->index, &bytes);
	size_text(bytes, size, sizeof(size));
	if (err)
		om_late_say(boot, "initrd: no " INITRD_KEPT ", detached; its memory stays: %s",
			    om_errno_text(err));
	else
		om_late_say(boot, "initrd: no " INITRD_KEPT ", detached; %s given back", size);
}

/* ------------------------------------------------------------------ the candidates */

/* The initrd that lies on /old becomes the root, with everything that is mounted inside it. */
static bool initrd_stays(struct late_boot *boot, uint32_t at)
{
	struct attempt *attempt = &boot->attempts[at];
	/* devfs of the initrd's own time is still there. */
	const char *dev = boot->root->devfs & OM_DEVFS_INITRD ? NULL : INITRD_PLACE "/dev";
	const char *place = INITRD_PLACE;
	int err = init_check(boot, place);

	if (err)
		return om_attempt_fail(attempt, STEP_INIT, err);
	if (boot->root->overlay != OM_OVERLAY_NONE) {
		/* An overlay shows one file system, and nothing that is mounted inside it. */
		if (!om_mount_overlay(boot, place, attempt))
			return false;
		boot->initrd_kept = false;
		place = MOUNT_POINT;
		dev = MOUNT_POINT "/dev";
	}
	err = overmount(boot, place, dev);
	if (err)
		return om_attempt_fail(attempt, STEP_MOVE, err);
	boot->initrd_kept = false;
	om_late_say(boot, "root: the initrd stays");
	reap(boot);
	return true;
}

/* Mount, look for an init, overmount.  With true this task is inside the final root. */
static bool candidate_try(struct late_boot *boot, uint32_t at)
{
	enum om_root_kind kind = boot->candidates[at].spec.kind;
	struct attempt *attempt = &boot->attempts[at];
	const struct om_sys *sys = boot->sys;
	bool stays = boot->initrd_kept &&
		     names_ramdisk(&boot->candidates[at], classic_initrd(boot->root));
	int err;

	attempt->why = NULL;
	/* Nobody who asks for it means "or else without", and the initrd has been written to. */
	if (boot->root->verity.hash_len > 0 &&
	    (stays || !sys->verity_open || !om_root_is_device(kind)))
		return om_attempt_fail(attempt, STEP_VERITY, 0);
	if (stays)
		return initrd_stays(boot, at);
	if (kind == OM_ROOT_RAMFS) {
		err = init_check(boot, "");
		if (err)
			return om_attempt_fail(attempt, STEP_INIT, err);
		om_late_say(boot, "root: the absolute root stays, nothing is mounted over it");
		initrd_put_away(boot, INITRD_KEPT);
		devfs_mount(boot, OM_DEVFS_ROOT, "/dev");
		return true;
	}
	if (!om_mount_candidate(boot, at))
		return false;
	err = init_check(boot, MOUNT_POINT);
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return om_attempt_fail(attempt, STEP_INIT, err);
	}
	initrd_put_away(boot, MOUNT_POINT INITRD_KEPT);
	err = overmount(boot, MOUNT_POINT, MOUNT_POINT "/dev");
	if (err) {
		sys->umount(sys->ctx, MOUNT_POINT, true);
		return om_attempt_fail(attempt, STEP_MOVE, err);
	}
	reap(boot);
	return true;
}

/* What was read through it and did not match is the reason, whatever failed by it. */
static void verity_close(const struct late_boot *boot, struct attempt *attempt)
{
	const struct om_sys *sys = boot->sys;
	const char *why = sys->verity_close ? sys->verity_close(sys->ctx) : NULL;

	if (why) {
		attempt->why = why;
		om_attempt_fail(attempt, STEP_VERITY, 0);
	}
}

static void candidate_name(const struct late_boot *boot, uint32_t at, char *buf, size_t size)
{
	om_rootspec_format(&boot->candidates[at].spec, buf, size);
}

/* One look at all candidates that have not failed for good. */
static bool candidates_round(struct late_boot *boot, bool first)
{
	char name[128], why[256];
	uint32_t i;

	for (i = 0; i < boot->candidate_count; i++) {
		enum step before = boot->attempts[i].step;

		/* Only a device that was not there may have changed its mind. */
		if (before != STEP_NONE && before != STEP_FIND)
			continue;
		if (candidate_try(boot, i))
			return true;
		verity_close(boot, &boot->attempts[i]);
		if (first || boot->attempts[i].step != STEP_FIND) {
			candidate_name(boot, i, name, sizeof(name));
			om_attempt_text(boot, &boot->candidates[i], &boot->attempts[i], why,
				sizeof(why));
			om_late_say(boot, "root: %s: %s", name, why);
		}
	}
	return false;
}

static bool candidates_waiting(const struct late_boot *boot)
{
	uint32_t i;

	for (i = 0; i < boot->candidate_count; i++)
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
		om_late_say(boot, "root: waiting until it appears");
	else
		om_late_say(boot, "root: waiting at most %u.%03u s for it to appear", wait_ms / 1000,
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

	om_late_say(boot, "root: no candidate works");
	if (sys->give_up)
		sys->give_up(sys->ctx);
	for (i = 0; i < boot->candidate_count; i++) {
		candidate_name(boot, i, name, sizeof(name));
		om_attempt_text(boot, &boot->candidates[i], &boot->attempts[i], why,
				sizeof(why));
		om_late_say(boot, "root: %u. %s: %s", i + 1, name, why);
	}
	devices_say(boot);
	if (sys->check_program(sys->ctx, "", shell[0]) != 0) {
		om_late_say(boot, "rescue: no /bin/sh in the absolute root, so this is the end;"
			    " correct the `root` lines of the entry");
		return -OM_ENXIO;
	}
	om_late_say(boot, "rescue: a shell on the absolute root; correct the `root` lines of the entry");
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
		err = om_late_text(boot->root->rdinit, path, sizeof(path));
		plain[0] = path;
		if (!err)
			err = sys->check_program(sys->ctx, "", path);
		if (err) {
			om_late_say(boot, "rdinit: %.*s: %s, ignored", (int)boot->root->rdinit.len,
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
	const struct om_ramdisk *initrd = classic_initrd(root);
	struct late_boot boot = {
		.root = root, .sys = sys,
		.candidates = root->candidates, .candidate_count = root->candidate_count,
	};
	int err;

	err = init_argv(&boot);
	if (err) {
		om_late_say(&boot, "init: its words have more than %u bytes", WORDS_MAX);
		return err;
	}
	modules_load(&boot);
	/* Also for /init: scripts expect the directory that Linux' own archive has. */
	err = sys->mkdir(sys->ctx, MOUNT_POINT, 0700);
	if (err && err != -OM_EEXIST) {
		om_late_say(&boot, "root: cannot make " MOUNT_POINT ": %s", om_errno_text(err));
		return err;
	}
	rdinit_run(&boot);
	if (root->delay_ms) {
		om_late_say(&boot, "root: waiting %u.%03u s as asked by root-delay", root->delay_ms / 1000,
			    root->delay_ms % 1000);
		pause_ms(sys, root->delay_ms);
	}
	if (root->candidate_count == 0 && !initrd) {
		/* Nothing to mount: what the archive brought is the system. */
		om_late_say(&boot, "root: none given, the absolute root stays");
		devfs_mount(&boot, OM_DEVFS_ROOT, "/dev");
		return init_run(&boot);
	}
	devices_say(&boot);
	if (initrd && root->linuxrc != OM_LINUXRC_NEVER && !initrd_is_root(&boot, initrd))
		initrd_handle(&boot, initrd);
	if (!candidates_try(&boot))
		return give_up(&boot);
	return init_run(&boot);
}
