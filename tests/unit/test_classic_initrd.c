/* SPDX-License-Identifier: MIT */
/*
 * The classic initrd over a recorder: who runs, on which root, and where the initrd ends, as
 * Linux 6.1 and older did it, but for /linuxrc being PID 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorder.h"

enum { RAM0, VDA, DEVICES };

static const struct recorder_device disks[DEVICES] = {
	[RAM0] = {
		.device = { .name = "ram0", .major = 1, .size = 8 << 20, .fstype = "ext2" },
		.holds = "ext2", .programs = "/linuxrc /sbin/init",
	},
	[VDA] = {
		.device = { .name = "vda", .major = 254, .size = 8 << 20, .fstype = "ext2" },
		.holds = "ext2", .programs = "/sbin/init",
	},
};

static struct om_root classic_root(const char *name)
{
	struct om_root root = {
		.candidates = { { .spec = { .kind = OM_ROOT_NAME, .text = om_str_from(name) } } },
		.candidate_count = 1,
		.ramdisks = { { .index = 0, .size = 8 << 20, .classic_initrd = true } },
		.ramdisk_count = 1,
		.keep = OM_KEEP_SKELETON,
	};

	if (strcmp(name, "ram0") == 0)
		root.candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_RAM };
	return root;
}

static void run_with(struct recorder *recorder, const struct recorder_device *devices,
		     const struct om_root *root, int want)
{
	recorder->devices = devices;
	recorder->device_count = DEVICES;
	recorder->fstypes = "ext2 romfs";
	assert_int_equal(recorder_run(recorder, root), want);
}

/* The whole trace, once. */
static void linuxrc_exits(void **state)
{
	struct om_root root = classic_root("vda");
	struct recorder recorder = { 0 };

	(void)state;
	root.devfs = OM_DEVFS_INITRD | OM_DEVFS_ROOT;
	run_with(&recorder, disks, &root, 0);
	assert_string_equal(recorder.trace,
		"> mkdir /root 0700\n"
		"devices: ram0 1:0, 8192 KiB, ext2\n"
		"devices: vda 254:0, 8192 KiB, ext2\n"
		"> find /dev/ram0\n"
		"> unlink /dev/root.old\n"
		"> mknod /dev/root.old 60600 1:0\n"
		"> mount /dev/root.old /root ext2 rw ''\n"
		"initrd: /dev/ram0 is ext2, mounted read-write\n"
		"> mkdir /old 0700\n"
		"> mount devtmpfs /root/dev devtmpfs rw ''\n"
		"> chdir /old\n"
		"linuxrc: /linuxrc runs as PID 1\n"
		"> linuxrc /root /linuxrc\n"
		"linuxrc: ended with 0, boot goes on\n"
		"> move .. .\n"
		"> chdir /\n"
		"> find /dev/vda\n"
		"> unlink /dev/root\n"
		"> mknod /dev/root 60600 254:0\n"
		"> mount /dev/root /root ext2 ro ''\n"
		"root: /dev/vda is ext2, mounted read-only\n"
		"> umount /old detach\n"
		"> free ram0\n"
		"initrd: no /initrd, detached; 8192 KiB given back\n"
		"> chdir /root\n"
		"> mount devtmpfs /root/dev devtmpfs rw ''\n"
		"> move . /\n"
		"> chroot .\n"
		"overmount: the final root covers /\n"
		"> reap skeleton\n"
		"absolute root: 6 dentries, 6 inodes, 0 data pages remain\n"
		"init: /sbin/init\n"
		"> exec /sbin/init [/sbin/init]\n");
}

static void how_it_ends_does_not_matter(void **state)
{
	static const struct { int status; const char *line; } ends[] = {
		{ 7 << 8, "linuxrc: ended with 7, boot goes on\n" },
		{ 9, "linuxrc: killed by signal 9, boot goes on\n" },
		{ 11 | 0x80, "linuxrc: killed by signal 11, boot goes on\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct om_root root = classic_root("vda");
		struct recorder recorder = { .linuxrc_status = ends[i].status };

		run_with(&recorder, disks, &root, 0);
		assert_non_null(strstr(recorder.story, ends[i].line));
		assert_string_equal(recorder.ran, "/sbin/init");
		assert_ptr_equal(recorder.covering, &disks[VDA]);
	}
}

static void initrd_directory(void **state)
{
	struct recorder_device devices[DEVICES] = { disks[RAM0], disks[VDA] };
	struct om_root root = classic_root("vda");
	struct recorder recorder = { 0 };

	(void)state;
	devices[VDA].has_initrd_dir = true;
	run_with(&recorder, devices, &root, 0);
	assert_non_null(strstr(recorder.trace, "> move /old /root/initrd\ninitrd: moved to /initrd\n"));
	assert_null(strstr(recorder.trace, "> free"));
	assert_null(strstr(recorder.trace, "> umount"));
}

static void no_linuxrc(void **state)
{
	struct recorder_device devices[DEVICES] = { disks[RAM0], disks[VDA] };
	struct om_root root = classic_root("vda");
	struct recorder recorder = { 0 };

	(void)state;
	devices[RAM0].programs = "/sbin/init";
	run_with(&recorder, devices, &root, 0);
	assert_non_null(strstr(recorder.trace,
			       "linuxrc: /linuxrc: not there (ENOENT), boot goes on\n"
			       "> move /root .\n"));
	assert_ptr_equal(recorder.covering, &devices[VDA]);
}

static void linuxrc_becomes_init(void **state)
{
	struct om_root root = classic_root("vda");
	struct recorder recorder = { .linuxrc_stays = true };

	(void)state;
	run_with(&recorder, disks, &root, 0);
	assert_string_equal(recorder.ran, "/linuxrc");
}

static void another_program(void **state)
{
	struct om_root root = classic_root("vda");
	struct recorder recorder = { 0 };

	(void)state;
	root.linuxrc = OM_LINUXRC_PATH;
	root.linuxrc_path = OM_STR("/sbin/init");
	run_with(&recorder, disks, &root, 0);
	assert_non_null(strstr(recorder.trace, "> linuxrc /root /sbin/init\n"));
}

/* root=/dev/ram0, by name or number: /linuxrc is not run, and neither with `linuxrc no`. */
static void initrd_is_the_root(void **state)
{
	struct om_root root = classic_root("ram0");
	struct recorder recorder = { 0 }, by_number = { 0 }, never = { 0 };

	(void)state;
	run_with(&recorder, disks, &root, 0);
	assert_null(strstr(recorder.trace, "linuxrc"));
	assert_ptr_equal(recorder.covering, &disks[RAM0]);

	root = classic_root("vda");
	root.linuxrc = OM_LINUXRC_NEVER;
	run_with(&never, disks, &root, 0);
	assert_null(strstr(never.trace, "linuxrc"));
	assert_ptr_equal(never.covering, &disks[VDA]);

	root.linuxrc = OM_LINUXRC_AUTO;
	root.candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_NUMBER, .major = 1 };
	/* The recorder finds nothing by number; what counts is that /linuxrc does not run. */
	run_with(&by_number, disks, &root, -OM_ENXIO);
	assert_null(strstr(by_number.trace, "linuxrc"));
}

static void choices(void **state)
{
	static const struct om_candidate vda = {
		.spec = { .kind = OM_ROOT_NAME, .text = { "vda", 3 } }, .mode = OM_MODE_RW,
	};
	static const struct om_candidate stay = {
		.spec = { .kind = OM_ROOT_NUMBER, .text = { "", 0 }, .major = 1 },
	};
	struct om_root root = classic_root("vdz");
	struct recorder chosen = { .choice = &vda }, stays = { .choice = &stay }, none = { 0 };

	(void)state;
	run_with(&chosen, disks, &root, 0);
	assert_non_null(strstr(chosen.trace, "linuxrc: chose the root\n> find /dev/vda\n"));
	assert_non_null(strstr(chosen.trace, "> mount /dev/root /root ext2 rw ''\n"));

	root = classic_root("vda");
	run_with(&stays, disks, &root, 0);
	assert_non_null(strstr(stays.trace,
			       "linuxrc: chose the root: the initrd stays\n"
			       "> chdir /old\n"
			       "> move . /\n"
			       "> chroot .\n"));
	assert_ptr_equal(stays.covering, &disks[RAM0]);
	assert_null(strstr(stays.trace, "> find /dev/vda"));

	root = classic_root("vdz");
	run_with(&none, disks, &root, -OM_ENXIO);
	assert_non_null(strstr(none.story, "root: 1. /dev/vdz: no such device (ENXIO)\n"));
}

/* The initrd stays, below a tmpfs; what was mounted inside it is not to be seen through an overlay. */
static void overlay_over_the_initrd(void **state)
{
	static const struct om_candidate stay = { .spec = { .kind = OM_ROOT_RAM, .text = { "", 0 } } };
	struct om_root root = classic_root("vda");
	struct recorder recorder = { .choice = &stay }, fails = { .choice = &stay };

	(void)state;
	root.overlay = OM_OVERLAY_TMPFS;
	root.devfs = OM_DEVFS_INITRD | OM_DEVFS_ROOT;
	run_with(&recorder, disks, &root, 0);
	assert_non_null(strstr(recorder.trace,
			       "linuxrc: chose the root: the initrd stays\n"
			       "> mkdir /overlay 0700\n"
			       "> mount overlay /overlay tmpfs rw 'mode=0755'\n"
			       "> mkdir /overlay/upper 0755\n"
			       "> mkdir /overlay/work 0755\n"
			       "> mkdir /overlay/lower 0755\n"
			       "> move /old /overlay/lower\n"
			       "> mount overlay /root overlay rw"));
	assert_non_null(strstr(recorder.trace,
			       "root: a tmpfs over it takes what is written\n"
			       "> chdir /root\n"
			       "> mount devtmpfs /root/dev devtmpfs rw ''\n"
			       "> move . /\n"
			       "> chroot .\n"));
	assert_ptr_equal(recorder.covering, &disks[RAM0]);

	/* A kernel without overlays: the initrd is where it was, and the next candidate may keep it. */
	fails.no_overlay = true;
	run_with(&fails, disks, &root, -OM_ENXIO);
	assert_non_null(strstr(fails.trace, "> move /overlay/lower /old\n> umount /overlay detach\n"));
	assert_non_null(strstr(fails.story, "root: 1. /dev/ram0: mounted, but nothing writable can be laid"
			       " over it: no such file system type (ENODEV)\n"));
	assert_ptr_equal(fails.initrd, &disks[RAM0]);
}

/* Nothing may be lost on the way: some init starts, or the table says why none could. */
static void each_fails_once(enum om_overlay overlay, const struct om_candidate *choice)
{
	bool reached = true;
	int n;

	for (n = 1; reached; n++) {
		struct om_root root = classic_root("vda");
		struct recorder recorder = { .fail_at = n, .programs = "/bin/sh", .choice = choice };

		root.overlay = overlay;
		root.devfs = OM_DEVFS_INITRD | OM_DEVFS_ROOT;
		recorder.devices = disks;
		recorder.device_count = DEVICES;
		recorder.fstypes = "ext2 romfs";
		recorder_run(&recorder, &root);
		reached = recorder.operations >= n;
		assert_true(recorder.ran[0] || strstr(recorder.story, "(EIO)"));
	}
	assert_true(n > 20);
}

static void every_operation_fails_once(void **state)
{
	static const struct om_candidate stay = { .spec = { .kind = OM_ROOT_RAM, .text = { "", 0 } } };

	(void)state;
	each_fails_once(OM_OVERLAY_NONE, NULL);
	each_fails_once(OM_OVERLAY_TMPFS, &stay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linuxrc_exits),
		cmocka_unit_test(how_it_ends_does_not_matter),
		cmocka_unit_test(initrd_directory),
		cmocka_unit_test(no_linuxrc),
		cmocka_unit_test(linuxrc_becomes_init),
		cmocka_unit_test(another_program),
		cmocka_unit_test(initrd_is_the_root),
		cmocka_unit_test(choices),
		cmocka_unit_test(overlay_over_the_initrd),
		cmocka_unit_test(every_operation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
