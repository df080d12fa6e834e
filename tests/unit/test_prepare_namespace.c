/* SPDX-License-Identifier: MIT */
/*
 * Late boot over a recorder: the exact operations of the straight way, the story of each other
 * way, and every operation failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorder.h"

static const struct recorder_device vda2 = {
	.device = { .name = "vda2", .major = 254, .minor = 2, .size = 64 << 20, .fstype = "ext2",
		    .partuuid = "1111" },
	.holds = "ext2", .programs = "/sbin/init /bin/sh",
};
static const struct recorder_device vdb_empty = {
	.device = { .name = "vdb", .major = 254, .minor = 16, .size = 1 << 20 },
};
static const struct recorder_device vdc_no_init = {
	.device = { .name = "vdc", .major = 254, .minor = 32, .size = 1 << 20, .fstype = "romfs" },
	.holds = "romfs", .programs = "/bin/ls",
};
static const struct recorder_device vdd_protected = {
	.device = { .name = "vdd", .major = 254, .minor = 48, .size = 16 << 20, .fstype = "ext2" },
	.holds = "ext2", .programs = "/bin/init", .write_protected = true,
};
static const struct recorder_device vde_bad = {
	.device = { .name = "vde", .major = 254, .minor = 64, .size = 16 << 20, .fstype = "ext2" },
	.holds = "ext2", .mount_error = -OM_EIO,
};
static const struct recorder_device vdf_late = {
	.device = { .name = "vdf", .major = 254, .minor = 80, .size = 16 << 20, .fstype = "ext2" },
	.holds = "ext2", .programs = "/etc/init", .appears_ms = 250,
};
static const struct recorder_device ram0 = {
	.device = { .name = "ram0", .major = 1, .minor = 0, .size = 4 << 20, .fstype = "romfs" },
	.holds = "romfs", .programs = "/sbin/init",
};

static struct om_candidate on(const char *name)
{
	return (struct om_candidate){ .spec = { .kind = OM_ROOT_NAME, .text = om_str_from(name) } };
}

static struct om_root root_on(const char *name)
{
	return (struct om_root){ .candidates = { on(name) }, .candidate_count = 1,
				 .devfs = OM_DEVFS_ROOT, .keep = OM_KEEP_SKELETON };
}

static void run_on(struct recorder *recorder, const struct recorder_device *devices,
		   uint32_t count, const struct om_root *root, int want)
{
	recorder->devices = devices;
	recorder->device_count = count;
	if (!recorder->fstypes)
		recorder->fstypes = "ext2 romfs";
	assert_int_equal(recorder_run(recorder, root), want);
}

/* The whole trace, once: this order is what the forced chroot rests on. */
static void straight_way(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_string_equal(recorder.trace,
		"> mkdir /root 0700\n"
		"devices: vda2 254:2, 64 MiB, ext2, PARTUUID=1111\n"
		"> find /dev/vda2\n"
		"> unlink /dev/root\n"
		"> mknod /dev/root 60600 254:2\n"
		"> mount /dev/root /root ext2 ro ''\n"
		"root: /dev/vda2 is ext2, mounted read-only\n"
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

static void options_reach_mount(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[0].fstypes = OM_STR("xfs,ext2");
	root.candidates[0].flags = OM_STR("noatime,sb=1");
	root.candidates[0].mode = OM_MODE_RW;
	root.devfs = 0;
	root.keep = OM_KEEP_ALL;
	root.init[0] = OM_STR("/bin/sh");
	root.init[1] = OM_STR("-x y");
	root.init_count = 2;
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_non_null(strstr(recorder.trace,
			       "> mount /dev/root /root xfs rw 'noatime,sb=1'\n"
			       "> mount /dev/root /root ext2 rw 'noatime,sb=1'\n"
			       "root: /dev/vda2 is ext2, mounted read-write\n"));
	assert_null(strstr(recorder.trace, "devtmpfs"));
	assert_null(strstr(recorder.trace, "reap"));
	assert_string_equal(recorder.ran, "/bin/sh -x y");
}

static void write_protected_means_read_only(void **state)
{
	struct om_root root = root_on("vdd");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[0].mode = OM_MODE_RW;
	run_on(&recorder, &vdd_protected, 1, &root, 0);
	assert_non_null(strstr(recorder.story,
			       "root: /dev/vdd is write-protected, trying read-only\n"
			       "root: /dev/vdd is ext2, mounted read-only\n"));
	assert_string_equal(recorder.ran, "/bin/init");
}

/* Each failing candidate says its own reason, and the next one has its turn. */
static void candidates_in_order(void **state)
{
	const struct recorder_device devices[] = { vdb_empty, vdc_no_init, vde_bad, vda2 };
	struct om_root root = root_on("vdz");
	struct recorder recorder = { 0 };

	(void)state;
	if (OM_CANDIDATES_MAX < 5) {
		skip();		/* they do not fit */
		return;
	}
	root.candidates[1] = on("vdb");
	root.candidates[2] = on("vdc");
	root.candidates[3] = on("vde");
	root.candidates[4] = (struct om_candidate){ .spec = { .kind = OM_ROOT_PARTUUID,
							      .text = OM_STR("1111") } };
	root.candidate_count = 3;
	run_on(&recorder, devices, 4, &root, -OM_ENXIO);
	assert_string_equal(recorder.story,
		"devices: vdb 254:16, 1024 KiB\n"
		"devices: vdc 254:32, 1024 KiB, romfs\n"
		"devices: vde 254:64, 16 MiB, ext2\n"
		"devices: vda2 254:2, 64 MiB, ext2, PARTUUID=1111\n"
		"root: /dev/vdz: no such device (ENXIO)\n"
		"root: /dev/vdb: cannot be mounted by any file system here:"
		" its content is not recognised; looked for ext2, romfs\n"
		"root: /dev/vdc is romfs, mounted read-only\n"
		"root: /dev/vdc: mounted, but has no init: not there (ENOENT)\n"
		"root: no candidate works\n"
		"root: 1. /dev/vdz: no such device (ENXIO)\n"
		"root: 2. /dev/vdb: cannot be mounted by any file system here:"
		" its content is not recognised; looked for ext2, romfs\n"
		"root: 3. /dev/vdc: mounted, but has no init: not there (ENOENT)\n"
		"devices: vdb 254:16, 1024 KiB\n"
		"devices: vdc 254:32, 1024 KiB, romfs\n"
		"devices: vde 254:64, 16 MiB, ext2\n"
		"devices: vda2 254:2, 64 MiB, ext2, PARTUUID=1111\n"
		"rescue: no /bin/sh in the absolute root, so this is the end;"
		" correct the `root` lines of the entry\n");
	assert_false(recorder.entered);
	assert_null(recorder.mounted);		/* the one without init was unmounted again */

	root.candidate_count = 5;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, devices, 4, &root, 0);
	assert_non_null(strstr(recorder.story,
			       "root: /dev/vde: cannot be mounted: input/output error (EIO)\n"
			       "root: /dev/vda2 is ext2"));
	assert_ptr_equal(recorder.covering, &devices[3]);
	assert_true(recorder.entered);
}

static void a_wrong_type_is_named(void **state)
{
	struct om_root root = root_on("vdc");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[0].fstypes = OM_STR("ext2");
	run_on(&recorder, &vdc_no_init, 1, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. /dev/vdc: cannot be mounted as ext2:"
			       " it looks like romfs\n"));
}

/* The longest name that libblkid has. */
static void a_long_type_is_named_in_full(void **state)
{
	struct recorder_device member = vdc_no_init;
	struct om_root root = root_on("vdc");
	struct recorder recorder = { 0 };

	(void)state;
	memcpy(member.device.fstype, "silicon_medley_raid_member", 27);
	root.candidates[0].fstypes = OM_STR("ext2");
	run_on(&recorder, &member, 1, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. /dev/vdc: cannot be mounted as ext2:"
			       " it looks like silicon_medley_raid_member\n"));
}

/* What is on a disk is read where it decides something, or explains what went wrong. */
static void a_disk_is_read_when_it_matters(void **state)
{
	static const struct { const char *fstypes; const struct recorder_device *device; const char *steps; } rows[] = {
		{ "", &vda2, "> look into vda2\n> unlink /dev/root\n" },
		{ "xfs,ext2", &vda2, "> look into vda2\n> unlink /dev/root\n" },
		/* The list decides, and a write-protected device is not offered to the next of it. */
		{ "ext2,romfs", &vdd_protected, "> mount /dev/root /root ext2 rw ''\n"
						"root: /dev/vdd is write-protected, trying read-only\n" },
		{ "ext2", &vda2, NULL },
		{ "ext2", &vdd_protected, NULL },
		{ "ext2", &vde_bad, NULL },
		{ "ext2", &vdc_no_init, "> mount /dev/root /root ext2 rw ''\n> look into vdc\n"
					"root: /dev/vdc: cannot be mounted as ext2: it looks like romfs\n" },
	};
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct om_root root = root_on(rows[i].device->device.name);
		struct recorder slow = { .slow_disks = true }, other = { 0 };
		bool fails = rows[i].device == &vde_bad || rows[i].device == &vdc_no_init;

		root.candidates[0].fstypes = om_str_from(rows[i].fstypes);
		root.candidates[0].mode = OM_MODE_RW;
		run_on(&slow, rows[i].device, 1, &root, fails ? -OM_ENXIO : 0);
		run_on(&other, rows[i].device, 1, &root, fails ? -OM_ENXIO : 0);
		assert_string_equal(slow.story, other.story);
		if (rows[i].steps)
			assert_non_null(strstr(slow.trace, rows[i].steps));
		else
			assert_null(strstr(slow.trace, "look into"));
	}
}

static void rescue_shell(void **state)
{
	struct om_root root = root_on("vdz");
	struct recorder recorder = { .programs = "/bin/sh" };

	(void)state;
	run_on(&recorder, NULL, 0, &root, 0);
	assert_non_null(strstr(recorder.story, "devices: none\nrescue: a shell"));
	assert_string_equal(recorder.ran, "/bin/sh");
	assert_false(recorder.entered);
}

static void waiting(void **state)
{
	struct om_root root = root_on("vdf");
	struct recorder recorder = { 0 };

	(void)state;
	run_on(&recorder, &vdf_late, 1, &root, -OM_ENXIO);
	assert_int_equal(recorder.now_ms, 0);

	root.wait_ms = 10000;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, &vdf_late, 1, &root, 0);
	assert_int_equal(recorder.now_ms, 300);		/* the first look after 250 ms */
	assert_string_equal(recorder.ran, "/etc/init");

	root.wait_ms = 220;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, &vdf_late, 1, &root, -OM_ENXIO);
	assert_int_equal(recorder.now_ms, 220);

	root.wait_ms = OM_WAIT_FOREVER;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, &vdf_late, 1, &root, 0);

	root.wait_ms = 0;
	root.delay_ms = 260;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, &vdf_late, 1, &root, 0);
	assert_int_equal(recorder.now_ms, 260);
}

static void no_waiting_for_what_cannot_change(void **state)
{
	struct om_root root = root_on("vdb");
	struct recorder recorder = { 0 };

	(void)state;
	root.wait_ms = 10000;
	run_on(&recorder, &vdb_empty, 1, &root, -OM_ENXIO);
	assert_int_equal(recorder.now_ms, 0);
}

static void ramfs_only(void **state)
{
	struct om_root root = { .devfs = OM_DEVFS_ROOT };
	struct recorder recorder = { .programs = "/bin/sh" };

	(void)state;
	run_on(&recorder, NULL, 0, &root, 0);
	assert_string_equal(recorder.trace,
		"> mkdir /root 0700\n"
		"root: none given, the absolute root stays\n"
		"> mount devtmpfs /dev devtmpfs rw ''\n"
		"init: /bin/sh\n"
		"> exec /bin/sh [/bin/sh]\n");

	root.candidates[0].spec.kind = OM_ROOT_RAMFS;
	root.candidate_count = 1;
	recorder = (struct recorder){ .programs = "/bin/sh" };
	run_on(&recorder, NULL, 0, &root, 0);
	assert_non_null(strstr(recorder.story, "nothing is mounted over it"));
	assert_false(recorder.entered);
}

/* An initramfs does everything itself; a descriptor with candidates is asked first. */
static void rdinit(void **state)
{
	struct om_root root = { 0 };
	struct recorder recorder = { .programs = "/init /sbin/init /rescue" };

	(void)state;
	run_on(&recorder, NULL, 0, &root, 0);
	assert_string_equal(recorder.ran, "/init");

	root = root_on("vda2");
	recorder = (struct recorder){ .programs = "/init" };
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_string_equal(recorder.ran, "/sbin/init");
	assert_true(recorder.entered);

	root.rdinit = OM_STR("/rescue");
	recorder = (struct recorder){ .programs = "/init /rescue" };
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_string_equal(recorder.ran, "/rescue");

	root.rdinit = OM_STR("/nothing");
	recorder = (struct recorder){ .programs = "/init" };
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_non_null(strstr(recorder.story, "rdinit: /nothing: not there (ENOENT), ignored\n"));
	assert_string_equal(recorder.ran, "/sbin/init");
}

static void images_and_trees(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_IMAGE,
							.text = OM_STR("/root.romfs") };
	run_on(&recorder, &ram0, 1, &root, 0);
	assert_non_null(strstr(recorder.trace, "> attach /root.romfs\n> unlink /dev/root\n"
			       "> mknod /dev/root 60600 1:0\n"));
	root.candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_TAR,
							.text = OM_STR("/root.tar") };
	recorder = (struct recorder){ 0 };
	run_on(&recorder, NULL, 0, &root, 0);
	assert_non_null(strstr(recorder.trace, "> mount root /root ramfs rw ''\n"
			       "> unpack tar /root.tar /root\n"));
	assert_true(recorder.entered);
}

static void network_roots(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[0] = (struct om_candidate){
		.spec = { .kind = OM_ROOT_NFS, .text = OM_STR("10.0.2.2:/srv") },
		.flags = OM_STR("soft"), .fstypes = { "", 0 }, .mode = OM_MODE_RW,
	};
	run_on(&recorder, NULL, 0, &root, 0);
	assert_non_null(strstr(recorder.trace, "> nfs nfs:10.0.2.2:/srv /root rw 'soft'\n"
			       "root: NFS, mounted read-write\n"));
	assert_true(recorder.entered);

	root.overlay = OM_OVERLAY_TMPFS;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, NULL, 0, &root, 0);
	assert_non_null(strstr(recorder.trace, "> nfs nfs:10.0.2.2:/srv /root ro 'soft'\n"
			       "root: NFS, mounted read-only\n> mkdir /overlay 0700\n"));

	recorder = (struct recorder){ .no_network = true };
	run_on(&recorder, NULL, 0, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. nfs:10.0.2.2:/srv: "
			       "network roots are not supported here\n"));

	/* Not asked again while others are waited for: it has waited by itself. */
	root = root_on("vda2");
	root.candidates[1] = root.candidates[0];
	root.candidates[0].spec = (struct om_rootspec){ .kind = OM_ROOT_NFS, .text = { "", 0 } };
	root.candidate_count = 2;
	root.wait_ms = 300;
	recorder = (struct recorder){ .fail = "nfs" };
	run_on(&recorder, NULL, 0, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. /dev/nfs: no answer\n"));
	assert_null(strstr(strstr(recorder.trace, "> nfs") + 1, "> nfs"));
}

static void missing_init_falls_back(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.init[0] = OM_STR("/opt/start");
	root.init[1] = OM_STR("word");
	root.init_count = 2;
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_non_null(strstr(recorder.story, "init: /opt/start: not there (ENOENT)\n"
			       "init: /sbin/init\n"));
	assert_string_equal(recorder.ran, "/sbin/init");	/* not its arguments */
}

static void too_many_words(void **state)
{
	static char word[3000];
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	memset(word, 'x', sizeof(word));
	root.init[0] = (struct om_str){ word, sizeof(word) };
	root.init_count = 1;
	run_on(&recorder, &vda2, 1, &root, -OM_E2BIG);
}

static void modules_first(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { .fail = "module" };

	(void)state;
	root.modules[0] = OM_STR("/lib/a.ko");
	root.module_count = 1;
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_int_equal(strncmp(recorder.trace, "> module /lib/a.ko\n"
				 "module: /lib/a.ko: input/output error (EIO)\n", 40), 0);
}

/* Whatever single operation fails: an end with a reason, and never half inside. */
static void every_operation_fails_once(void **state)
{
	const struct recorder_device devices[] = { vda2, ram0 };
	struct om_root root = root_on("vda2");
	int at, result;

	(void)state;
	root.candidates[1] = (struct om_candidate){ .spec = { .kind = OM_ROOT_RAM } };
	root.candidate_count = 2;
	for (at = 1;; at++) {
		struct recorder recorder = { .devices = devices, .device_count = 2,
					     .fstypes = "ext2 romfs", .fail_at = at };

		result = recorder_run(&recorder, &root);
		if (recorder.operations < at)
			break;
		assert_true(strlen(recorder.story) > 0);
		if (result == 0)
			assert_true(recorder.entered && recorder.covering);
		else
			assert_true(result < 0);
	}
	assert_true(at > 8);
}

/* The final root lies under a tmpfs; nothing but the overlay stays to be seen. */
static void overlay(void **state)
{
	struct om_root root = root_on("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.overlay = OM_OVERLAY_TMPFS;
	root.candidates[0].mode = OM_MODE_RW;
	root.candidates[0].flags = OM_STR("noatime");
	run_on(&recorder, &vda2, 1, &root, 0);
	assert_non_null(strstr(recorder.trace,
			       "> mount /dev/root /root ext2 ro 'noatime'\n"
			       "root: /dev/vda2 is ext2, mounted read-only\n"
			       "> mkdir /overlay 0700\n"
			       "> mount overlay /overlay tmpfs rw 'mode=0755'\n"
			       "> mkdir /overlay/upper 0755\n"
			       "> mkdir /overlay/work 0755\n"
			       "> mkdir /overlay/lower 0755\n"
			       "> move /root /overlay/lower\n"
			       "> mount overlay /root overlay rw 'lowerdir=/overlay/lower,"
			       "upperdir=/overlay/upper,workdir=/overlay/work'\n"
			       "> umount /overlay detach\n"
			       "> rmdir /overlay\n"
			       "root: a tmpfs over it takes what is written\n"
			       "> chdir /root\n"));
	assert_ptr_equal(recorder.covering, &vda2);
}

/* With one failure anywhere: either the overlay is the root, or it is said why nothing is. */
static void overlay_fails_once(void **state)
{
	struct om_root root = root_on("vda2");
	int at, result;

	(void)state;
	root.overlay = OM_OVERLAY_TMPFS;
	for (at = 1;; at++) {
		struct recorder recorder = { .devices = &vda2, .device_count = 1, .fstypes = "ext2",
					     .fail_at = at };

		result = recorder_run(&recorder, &root);
		if (recorder.operations < at)
			break;
		if (result == 0)
			assert_non_null(strstr(recorder.story, "a tmpfs over it"));
		else
			assert_true(strlen(recorder.story) > 0 && !recorder.entered);
	}
	assert_true(at > 16);
}

/* ------------------------------------------------------------------ dm-verity */

static const struct recorder_device vda3_hash = {
	.device = { .name = "vda3", .major = 254, .minor = 3, .size = 1 << 20 },
};

static struct om_root verity_root(const char *name)
{
	struct om_root root = root_on(name);

	root.verity.hash_len = OM_SHA256_SIZE;
	root.verity.device = on("vda3").spec;
	return root;
}

/* Nobody who asks for verity means "or else without". */
static void verity_is_not_ignored(void **state)
{
	static const enum om_root_kind kinds[] = { OM_ROOT_NAME, OM_ROOT_RAMFS, OM_ROOT_TAR,
						   OM_ROOT_CPIO, OM_ROOT_NFS };
	struct om_root root = verity_root("vda2");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct recorder recorder = { .no_verity = kinds[i] == OM_ROOT_NAME };

		root.candidates[0].spec.kind = kinds[i];
		run_on(&recorder, &vda2, 1, &root, -OM_ENXIO);
		assert_non_null(strstr(recorder.story, "root-verity cannot be checked here"));
		assert_null(strstr(recorder.trace, "> mount"));
	}
}

/* The whole way: only what verifies is mounted, and never for writing. */
static void verity(void **state)
{
	const struct recorder_device devices[] = { vda2, vda3_hash };
	struct om_root root = verity_root("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	root.verity.offset = 4096;
	root.candidates[0].mode = OM_MODE_RW;
	run_on(&recorder, devices, 2, &root, 0);
	assert_non_null(strstr(recorder.trace,
			       "> find /dev/vda2\n"
			       "> find /dev/vda3\n"
			       "> verity vda2 vda3 4096\n"
			       "> unlink /dev/root\n"
			       "> mknod /dev/root 60600 253:0\n"
			       "> mount /dev/root /root ext2 rw ''\n"
			       "root: /dev/dm-0 is write-protected, trying read-only\n"
			       "> mount /dev/root /root ext2 ro ''\n"
			       "root: /dev/dm-0 is ext2, mounted read-only\n"
			       "> chdir /root\n"));

	/* The tree behind the data; an overlay asks for no writing at all. */
	root.verity.device = (struct om_rootspec){ 0 };
	root.overlay = OM_OVERLAY_TMPFS;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, devices, 2, &root, 0);
	assert_non_null(strstr(recorder.trace, "> find /dev/vda2\n> verity vda2 vda2 4096\n"));
	assert_null(strstr(recorder.trace, "ext2 rw"));
	assert_non_null(strstr(recorder.story, "root: a tmpfs over it takes what is written\n"));
}

/* Its own reason, the device ends, and the next candidate has its turn. */
static void verity_fails(void **state)
{
	const struct recorder_device devices[] = { vde_bad, vda2, vda3_hash };
	struct om_root root = verity_root("vde");
	struct recorder recorder = { 0 };

	(void)state;
	root.candidates[1] = on("vda2");
	root.candidate_count = 2;
	run_on(&recorder, devices, 3, &root, 0);
	assert_non_null(strstr(recorder.trace, "ext2 ro ''\n"
			       "> verity close\n"
			       "root: /dev/vde: verity: mismatch\n"
			       "> find /dev/vda2\n"));
	assert_non_null(strstr(recorder.story, "root: /dev/dm-0 is ext2, mounted read-only\n"));

	root.verity.root_hash[0] = RECORDER_WRONG_HASH;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, devices, 3, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. /dev/vde: verity: refused\n"
			       "root: 2. /dev/vda2: verity: refused\n"));
	assert_null(strstr(recorder.trace, "> mount"));
}

/* A tree that is not there yet is waited for like a root. */
static void verity_waits_for_the_tree(void **state)
{
	struct recorder_device devices[] = { vda2, vda3_hash };
	struct om_root root = verity_root("vda2");
	struct recorder recorder = { 0 };

	(void)state;
	devices[1].appears_ms = 250;
	run_on(&recorder, devices, 2, &root, -OM_ENXIO);
	assert_non_null(strstr(recorder.story, "root: 1. /dev/vda2: its hash tree: no such device (ENXIO)\n"));
	root.wait_ms = 1000;
	recorder = (struct recorder){ 0 };
	run_on(&recorder, devices, 2, &root, 0);
	assert_int_equal(recorder.now_ms, 300);
	assert_true(recorder.entered);
}

/* Whatever fails: nothing unverified is entered, and no device is left when no root is found. */
static void verity_fails_once(void **state)
{
	const struct recorder_device devices[] = { vda2, vda3_hash };
	struct om_root root = verity_root("vda2");
	int at, result;

	(void)state;
	for (at = 1;; at++) {
		struct recorder recorder = { .devices = devices, .device_count = 2,
					     .fstypes = "ext2 romfs", .fail_at = at };

		result = recorder_run(&recorder, &root);
		if (recorder.operations < at)
			break;
		assert_true(recorder.entered == (recorder.verified.device.name[0] != '\0'));
		if (result == 0)
			assert_ptr_equal(recorder.covering, &recorder.verified);
	}
	assert_true(at > 10);
}

static void errors_have_words(void **state)
{
	(void)state;
	assert_string_equal(om_errno_text(-OM_ENXIO), "no such device (ENXIO)");
	assert_string_equal(om_errno_text(OM_ENXIO), "no such device (ENXIO)");
	assert_string_equal(om_errno_text(0), "no error");
	assert_non_null(om_errno_text(-4000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(straight_way),
		cmocka_unit_test(options_reach_mount),
		cmocka_unit_test(write_protected_means_read_only),
		cmocka_unit_test(candidates_in_order),
		cmocka_unit_test(a_wrong_type_is_named),
		cmocka_unit_test(a_long_type_is_named_in_full), cmocka_unit_test(a_disk_is_read_when_it_matters),
		cmocka_unit_test(rescue_shell),
		cmocka_unit_test(waiting),
		cmocka_unit_test(no_waiting_for_what_cannot_change),
		cmocka_unit_test(ramfs_only),
		cmocka_unit_test(rdinit),
		cmocka_unit_test(images_and_trees), cmocka_unit_test(network_roots),
		cmocka_unit_test(missing_init_falls_back),
		cmocka_unit_test(too_many_words),
		cmocka_unit_test(modules_first),
		cmocka_unit_test(every_operation_fails_once),
		cmocka_unit_test(overlay),
		cmocka_unit_test(overlay_fails_once),
		cmocka_unit_test(verity_is_not_ignored),
		cmocka_unit_test(verity),
		cmocka_unit_test(verity_fails),
		cmocka_unit_test(verity_waits_for_the_tree),
		cmocka_unit_test(verity_fails_once),
		cmocka_unit_test(errors_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
