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

#define DEVICES_MAX	256u
#define SECTOR_SIZE	512u
#define ZFS_LABEL	(256 << 10)	/* four of them: two at the start, two at the end */
#define ZFS_PAIRS	(16 << 10)	/* what a label says about the pool */

struct entry {
	struct om_device device;
	char disk[OM_DEVICE_NAME_MAX];	/* of a partition; "" = is a disk */
	int partition;
	bool content_known;		/* fstype, uuid, label */
	bool table_known;		/* partuuid, partlabel */
};

static struct entry entries[DEVICES_MAX];
static uint32_t entry_count;

/* ------------------------------------------------------------------ uevents */

int devices_start(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	world.uevents = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       NETLINK_KOBJECT_UEVENT);
	if (world.uevents < 0)
		return -errno;
	return result_of(bind(world.uevents, (struct sockaddr *)&address, sizeof(address)));
}

static bool take_events(void)
{
	char event[4096];
	bool any = false;
	ssize_t len;

	/* What was lost because there was too much (ENOBUFS) is news as well. */
	while ((len = recv(world.uevents, event, sizeof(event), 0)) > 0 ||
	       (len < 0 && errno == ENOBUFS))
		any = true;
	return any;
}

int world_wait_devices(void *ctx, uint32_t timeout_ms)
{
	struct pollfd wait = { .fd = world.uevents, .events = POLLIN };

	(void)ctx;
	if (poll(&wait, world.uevents < 0 ? 0 : 1, timeout_ms > INT32_MAX ? -1 : (int)timeout_ms) > 0)
		world.stale = take_events() || world.stale;
	return 0;
}

/* ------------------------------------------------------------------ the list */

static void set(char *to, size_t size, const char *from)
{
	om_format(to, size, "%s", from ? from : "");
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
		set(disk, size, slash + 1);
}

static void add(int class, const char *name)
{
	struct entry *entry = &entries[entry_count];
	char path[320], text[64], *at;

	memset(entry, 0, sizeof(*entry));
	om_format(path, sizeof(path), "%s/dev", name);
	if (strlen(name) >= OM_DEVICE_NAME_MAX || read_text_at(class, path, text, sizeof(text)) ||
	    !device_numbers(text, &entry->device.major, &entry->device.minor))
		return;
	om_format(path, sizeof(path), "%s/size", name);
	if (read_text_at(class, path, text, sizeof(text)))
		return;
	/* Without a medium, a loop device without a file. */
	entry->device.size = strtoull(text, NULL, 10) * SECTOR_SIZE;
	if (!entry->device.size)
		return;
	om_format(path, sizeof(path), "%s/partition", name);
	if (read_text_at(class, path, text, sizeof(text)) == 0) {
		entry->partition = (int)strtol(text, NULL, 10);
		disk_of(class, name, entry->disk, sizeof(entry->disk));
	}
	set(entry->device.name, sizeof(entry->device.name), name);
	for (at = entry->device.name; *at; at++)
		if (*at == '!')
			*at = '/';
	entry_count++;
}

/* vda2 before vda10. */
static int by_name(const void *a, const void *b)
{
	return strverscmp(((const struct entry *)a)->device.name,
			  ((const struct entry *)b)->device.name);
}

static void look(void)
{
	int class = openat(world.sysfs, "class/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = class < 0 ? NULL : fdopendir(dup(class));
	struct dirent *found;

	world.stale = false;
	entry_count = 0;
	while (dir && entry_count < DEVICES_MAX && (found = readdir(dir)))
		/* Ram disks and loop devices are ours; ramdisk_device() knows them. */
		if (found->d_name[0] != '.' && strncmp(found->d_name, "loop", 4) != 0 &&
		    strncmp(found->d_name, "ram", 3) != 0)
			add(class, found->d_name);
	if (dir)
		closedir(dir);
	if (class >= 0)
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

void content_probe(const char *path, struct om_device *device)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	char zfs[] = "zfs_member", *costly[] = { zfs, NULL };
	const char *text;

	if (!probe)
		return;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
					  BLKID_SUBLKS_LABEL);
	/* It reads 1 MiB, more than all other types together. */
	if (!may_be_zfs(blkid_probe_get_fd(probe)))
		blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_NOTIN, costly);
	if (blkid_do_safeprobe(probe) == 0) {
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

	(void)ctx;
	if (om_rootspec_is_ram(spec))
		return ramdisk_device(spec->minor, ret_device);
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
	if (index >= entry_count)
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
