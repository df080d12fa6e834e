/* SPDX-License-Identifier: MIT */
/*
 * Block devices: what /sys/class/block lists, with what libblkid finds on them.  News come from
 * the kernel's uevents; between two of them the last look stays good.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <blkid/blkid.h>

#include "init.h"

#define ENTRIES_STEP	64u
#define SECTOR_SIZE	512u
#define PROBE_AMBIVALENT	-2	/* of libblkid */
#define ZFS_LABEL	(256 << 10)	/* four of them: two at the start, two at the end */
#define ZFS_PAIRS	(16 << 10)	/* what a label says about the pool */

struct entry {
	struct om_device device;
	char disk[OM_DEVICE_NAME_MAX];	/* of a partition; "" = is a disk */
	int partition;
	bool hidden;			/* a ram disk that is nobody's until it is asked for by number */
	bool content_known;		/* fstype, uuid, label */
	bool table_known;		/* partuuid, partlabel */
};

static struct entry *entries;
static uint32_t entry_count, entry_room;

/* ------------------------------------------------------------------ uevents */

void devices_start(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	world.uevents = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       NETLINK_KOBJECT_UEVENT);
	if (world.uevents >= 0 && bind(world.uevents, (struct sockaddr *)&address, sizeof(address)) == 0)
		return;
	say("devices: no events from the kernel, so they are looked for again and again: %s",
	    om_errno_text(-errno));
	if (world.uevents >= 0)
		close(world.uevents);
	world.uevents = -1;
}

/* One of block devices?  All others, and there are many, are no reason to read every disk again. */
static bool is_block(const char *event, size_t len)
{
	static const char subsystem[] = "SUBSYSTEM=block";
	size_t at;

	for (at = 0; at < len; at += strnlen(event + at, len - at) + 1)
		if (len - at >= sizeof(subsystem) && memcmp(event + at, subsystem, sizeof(subsystem)) == 0)
			return true;
	return false;
}

static bool take_events(void)
{
	char event[4096];
	bool any = false;
	ssize_t len;

	/* What was lost because there was too much (ENOBUFS) is news as well. */
	while ((len = recv(world.uevents, event, sizeof(event), 0)) > 0 ||
	       (len < 0 && errno == ENOBUFS))
		any |= len < 0 || is_block(event, (size_t)len);
	return any;
}

int world_wait_devices(void *ctx, uint32_t timeout_ms)
{
	struct pollfd wait = { .fd = world.uevents, .events = POLLIN };

	(void)ctx;
	if (poll(&wait, world.uevents < 0 ? 0 : 1, timeout_ms > INT32_MAX ? -1 : (int)timeout_ms) > 0)
		world.stale = take_events() || world.stale;
	world.stale |= world.uevents < 0;
	return 0;
}

/* ------------------------------------------------------------------ the list */

static void set(char *to, size_t size, const char *from)
{
	om_format(to, size, "%s", from ? from : "");
}

/* A name in sysfs as it is in /dev: cciss!c0d0. */
static void set_node(char *to, size_t size, const char *from)
{
	set(to, size, from);
	for (; *to; to++)
		if (*to == '!')
			*to = '/';
}

static bool device_numbers(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	return sscanf(text, "%u:%u", ret_major, ret_minor) == 2;
}

/* The folder above a partition's is that of its disk. */
static void disk_of(int class, const char *name, char *disk, size_t size)
{
	char target[512], *slash;
	ssize_t len = readlinkat(class, name, target, sizeof(target) - 1);

	disk[0] = '\0';
	if (len < 0)
		return;
	target[len] = '\0';
	slash = strrchr(target, '/');
	if (!slash)
		return;
	*slash = '\0';
	slash = strrchr(target, '/');
	if (slash)
		set_node(disk, size, slash + 1);
}

/* The numbers of NAME, and its size in bytes: 1, 0 if it is nothing that could be mounted, or -errno. */
static int facts_read(int class, const char *name, struct om_device *device)
{
	char path[320], text[64];
	int err;

	om_format(path, sizeof(path), "%s/dev", name);
	err = read_text_at(class, path, text, sizeof(text));
	if (err)		/* a path of a multipath device has none; it may also be gone by now */
		return err == -ENOENT ? 0 : err;
	if (!device_numbers(text, &device->major, &device->minor) ||
	    attached_is_ours(device->major, device->minor))
		return 0;
	om_format(path, sizeof(path), "%s/size", name);
	err = read_text_at(class, path, text, sizeof(text));
	if (err)
		return err == -ENOENT ? 0 : err;
	/* None without a medium, or of a loop device without a file. */
	device->size = strtoull(text, NULL, 10) * SECTOR_SIZE;
	return device->size != 0;
}

static int add(int class, const char *name)
{
	struct entry *more, entry = { .hidden = false };
	char path[320], text[64];
	int known;

	if (strlen(name) >= sizeof(entry.device.name))
		return 0;
	known = facts_read(class, name, &entry.device);
	if (known <= 0)
		return known;
	om_format(path, sizeof(path), "%s/partition", name);
	if (read_text_at(class, path, text, sizeof(text)) == 0) {
		entry.partition = (int)strtol(text, NULL, 10);
		disk_of(class, name, entry.disk, sizeof(entry.disk));
	}
	set_node(entry.device.name, sizeof(entry.device.name), name);
	entry.hidden = entry.device.major == OM_RAM_MAJOR;
	if (entry_count == entry_room) {
		more = realloc(entries, (entry_room + ENTRIES_STEP) * sizeof(*entries));
		if (!more)
			return -ENOMEM;
		entries = more;
		entry_room += ENTRIES_STEP;
	}
	entries[entry_count++] = entry;
	return 0;
}

/* vda2 before vda10; who is hidden comes last. */
static int by_name(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	if (one->hidden != other->hidden)
		return one->hidden - other->hidden;
	return strverscmp(one->device.name, other->device.name);
}

static void look(void)
{
	int class = openat(world.sysfs, "class/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = class < 0 ? NULL : fdopendir(class);
	struct dirent *found;
	int err;

	world.stale = !dir;
	entry_count = 0;
	errno = dir ? 0 : errno;
	while (dir && (found = readdir(dir))) {
		err = found->d_name[0] == '.' ? 0 : add(class, found->d_name);
		if (err)
			say("devices: %s: %s", found->d_name, om_errno_text(err));
		world.stale |= err != 0;
		errno = 0;
	}
	/* Another look may see more. */
	if (errno && world.sysfs >= 0) {
		say("devices: /sys/class/block: %s", om_errno_text(-errno));
		world.stale = true;
	}
	if (dir)
		closedir(dir);
	else if (class >= 0)
		close(class);
	qsort(entries, entry_count, sizeof(entries[0]), by_name);
}

/* ------------------------------------------------------------------ content */

/*
 * In the place of libblkid's own, which brings its cache of devices along, 36 KiB: a probe asks for it
 * only when it is given a hint, and nobody here gives one.
 */
int blkid_parse_tag_string(const char *token, char **ret_type, char **ret_val)
{
	(void)token, (void)ret_type, (void)ret_val;
	return -1;
}

/* Does one of the first two labels hold a list of pairs, in the encoding that they have on disk? */
static bool may_be_zfs(int fd)
{
	static const uint8_t unique_names[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	uint8_t head[4 + sizeof(unique_names)];
	off_t at;

	for (at = ZFS_PAIRS; at < 2 * ZFS_LABEL; at += ZFS_LABEL)
		if (pread(fd, head, sizeof(head), at) == (ssize_t)sizeof(head) && head[0] == 1 &&
		    memcmp(head + 4, unique_names, sizeof(unique_names)) == 0)
			return true;
	return false;
}

/* Why nothing is known of what lies there. */
static void probe_failed(const char *path, int result)
{
	if (result == PROBE_AMBIVALENT)
		say("devices: %s: looks like several file systems at once; wipefs(8) removes what is left of old ones",
		    path);
	else if (errno != ENOMEDIUM && errno != ENXIO)
		say("devices: %s: cannot be read: %s", path, om_errno_text(-errno));
}

void content_probe(const char *path, struct om_device *device)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	char zfs[] = "zfs_member", *costly[] = { zfs, NULL };
	const char *text;
	int result;

	if (!probe) {
		probe_failed(path, -1);
		return;
	}
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
					  BLKID_SUBLKS_LABEL);
	/* It reads 1 MiB, more than all other types together. */
	if (!may_be_zfs(blkid_probe_get_fd(probe)))
		blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_NOTIN, costly);
	errno = EIO;
	result = blkid_do_safeprobe(probe);
	if (result < 0)
		probe_failed(path, result);
	if (result == 0) {
		if (!blkid_probe_lookup_value(probe, "TYPE", &text, NULL))
			set(device->fstype, sizeof(device->fstype), text);
		if (!blkid_probe_lookup_value(probe, "UUID", &text, NULL))
			set(device->uuid, sizeof(device->uuid), text);
		if (!blkid_probe_lookup_value(probe, "LABEL", &text, NULL))
			set(device->label, sizeof(device->label), text);
	}
	blkid_free_probe(probe);
}

static void partition_probe(struct entry *entry)
{
	blkid_partition partition = NULL;
	blkid_partlist list = NULL;
	blkid_probe probe;
	char path[64];

	om_format(path, sizeof(path), "/dev/%s", entry->disk);
	probe = blkid_new_probe_from_filename(path);
	if (!probe)
		return;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	if (list)
		partition = blkid_partlist_get_partition_by_partno(list, entry->partition);
	if (partition) {
		set(entry->device.partuuid, sizeof(entry->device.partuuid),
		    blkid_partition_get_uuid(partition));
		set(entry->device.partlabel, sizeof(entry->device.partlabel),
		    blkid_partition_get_name(partition));
	}
	blkid_free_probe(probe);
}

static void content_know(struct entry *entry)
{
	char path[64];

	if (entry->content_known)
		return;
	entry->content_known = true;
	om_format(path, sizeof(path), "/dev/%s", entry->device.name);
	content_probe(path, &entry->device);
}

static void table_know(struct entry *entry)
{
	if (!entry->table_known && entry->disk[0])
		partition_probe(entry);
	entry->table_known = true;
}

void world_look_into(void *ctx, struct om_device *device)
{
	uint32_t i;

	(void)ctx;
	for (i = 0; i < entry_count; i++) {
		const struct om_device *known = &entries[i].device;

		if (known->major != device->major || known->minor != device->minor)
			continue;
		content_know(&entries[i]);
		set(device->fstype, sizeof(device->fstype), known->fstype);
		set(device->uuid, sizeof(device->uuid), known->uuid);
		set(device->label, sizeof(device->label), known->label);
	}
}

/* ------------------------------------------------------------------ finding */

static bool by_content(const struct om_rootspec *spec)
{
	return spec->kind == OM_ROOT_UUID || spec->kind == OM_ROOT_LABEL;
}

static bool by_table(const struct om_rootspec *spec)
{
	return spec->kind == OM_ROOT_PARTUUID || spec->kind == OM_ROOT_PARTLABEL;
}

/* A device is only read where its content, or the table it stands in, is asked for. */
static bool matches(struct entry *entry, const struct om_rootspec *spec)
{
	if (entry->hidden && by_content(spec))
		return false;
	if (by_content(spec))
		content_know(entry);
	if (by_table(spec))
		table_know(entry);
	return om_device_matches(&entry->device, spec);
}

static struct entry *neighbour(const struct entry *entry, int32_t distance)
{
	uint32_t i;

	for (i = 0; i < entry_count; i++)
		if (strcmp(entries[i].disk, entry->disk) == 0 &&
		    entries[i].partition == entry->partition + distance)
			return &entries[i];
	return NULL;
}

int world_find_device(void *ctx, const struct om_rootspec *spec, struct om_device *ret_device)
{
	struct entry *found = NULL;
	uint32_t i;
	int err;

	(void)ctx;
	if (om_rootspec_is_ram(spec)) {
		err = ramdisk_device(spec->minor, ret_device);
		if (err != -ENOENT)
			return err;
	}
	if (take_events() || world.stale)
		look();
	for (i = 0; i < entry_count && !found; i++)
		if (matches(&entries[i], spec))
			found = &entries[i];
	if (found && spec->kind == OM_ROOT_PARTUUID && spec->partnroff)
		found = neighbour(found, spec->partnroff);
	if (!found)
		return -ENXIO;
	*ret_device = found->device;
	return 0;
}

/* Disks are slow: for a list they are read only when they have to be anyway, or when it is the last one. */
static bool lists_content(void)
{
	const struct om_root *root = world.root;
	bool any = world.failed;
	uint32_t i;

	for (i = 0; i < root->candidate_count && !any; i++)
		any = by_content(&root->candidates[i].spec) || by_table(&root->candidates[i].spec);
	return any;
}

int world_list_device(void *ctx, uint32_t index, struct om_device *ret_device)
{
	(void)ctx;
	if (index < world.root->ramdisk_count)
		return ramdisk_listed(&world.root->ramdisks[index], ret_device);
	index -= world.root->ramdisk_count;
	if (index == 0 && (take_events() || world.stale))
		look();
	if (index >= entry_count || entries[index].hidden)
		return -ENXIO;
	if (lists_content()) {
		content_know(&entries[index]);
		table_know(&entries[index]);
	}
	*ret_device = entries[index].device;
	return 0;
}

int world_list_fstype(void *ctx, uint32_t index, char *ret_name, size_t size)
{
	int fd = openat(world.proc, "filesystems", O_RDONLY | O_CLOEXEC);
	FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
	char line[128], *name;
	int err = -ENOENT;

	(void)ctx;
	while (list && err && fgets(line, sizeof(line), list)) {
		if (strncmp(line, "nodev", 5) == 0 || index-- > 0)
			continue;
		name = line + strspn(line, "\t ");
		name[strcspn(name, "\n")] = '\0';
		set(ret_name, size, name);
		err = 0;
	}
	if (list)
		fclose(list);
	return err;
}
