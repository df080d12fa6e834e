/* SPDX-License-Identifier: MIT */
/* Which partition the ESP is, and the boot option that names a file of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <overmount/gpt.h>

#include "install.h"

#define BLOCK_MAX 4096u

/* ------------------------------------------------------------------ the partition table */

/* A disk or an image of one, and its table. */
struct disk {
	const char *name;
	int fd;
	uint64_t size;
	uint32_t block;
	struct om_gpt gpt;
};

static bool read_exactly(const struct disk *disk, void *buf, size_t len, uint64_t at)
{
	return om_range_inside(at, len, disk->size) &&
	       pread(disk->fd, buf, len, (off_t)at) == (ssize_t)len;
}

static const char *check_entries(const struct disk *disk)
{
	size_t len = (size_t)disk->gpt.count * disk->gpt.entry_size;
	uint8_t *entries = xalloc(len);
	const char *wrong = NULL;

	if (!read_exactly(disk, entries, len, disk->gpt.entries_lba * disk->block))
		wrong = "the entries cannot be read";
	else if (~om_crc32_more(~0u, entries, len) != disk->gpt.entries_crc)
		wrong = "the checksum of the entries is wrong";
	free(entries);
	return wrong;
}

/* The table whose header is in block LBA; NULL when all is well, else what is wrong. */
static const char *read_table(struct disk *disk, uint64_t lba)
{
	uint8_t header[BLOCK_MAX];
	const char *wrong;

	if (!read_exactly(disk, header, disk->block, lba * disk->block))
		return "the header cannot be read";
	wrong = om_gpt_header_read(header, disk->block, lba, disk->size / disk->block, &disk->gpt);
	return wrong ? wrong : check_entries(disk);
}

/* A file does not say how large its blocks are: as large as makes one of the two tables right. */
static int find_table(struct disk *disk)
{
	const char *wrong = NULL, *other;

	for (disk->block = 512; disk->block <= BLOCK_MAX; disk->block *= 2) {
		other = read_table(disk, 1);
		if (!other)
			return DONE;
		/* What a header that is there says is worth more than that there is none. */
		if (!wrong || strncmp(wrong, "there is no", 11) == 0)
			wrong = other;
	}
	for (disk->block = 512; disk->block <= BLOCK_MAX; disk->block *= 2)
		if (!read_table(disk, disk->size / disk->block - 1))
			return DONE;
	return refuse(disk->name, "has no GUID partition table that is whole: %s; nor at its end",
		      wrong);
}

static int read_partition(struct disk *disk, uint32_t number, struct esp_partition *ret)
{
	/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B, the first three fields little-endian */
	static const uint8_t esp_type[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
	uint8_t entry[OM_GPT_ENTRY_MIN];
	uint64_t first, last;
	int result;

	result = find_table(disk);
	if (result != DONE)
		return result;
	if (number == 0 || number > disk->gpt.count ||
	    !read_exactly(disk, entry, sizeof(entry), disk->gpt.entries_lba * disk->block +
			  (uint64_t)(number - 1) * disk->gpt.entry_size))
		return refuse(disk->name, "has no partition %u", number);
	first = om_get_le64(entry + OM_GPT_ENTRY_FIRST);
	last = om_get_le64(entry + OM_GPT_ENTRY_LAST);
	if (memcmp(entry + OM_GPT_ENTRY_TYPE, esp_type, sizeof(esp_type)) != 0 || last < first)
		return refuse(disk->name, "partition %u is no EFI system partition", number);
	*ret = (struct esp_partition){ number, first, last - first + 1, { 0 } };
	memcpy(ret->guid, entry + OM_GPT_ENTRY_GUID, sizeof(ret->guid));
	return DONE;
}

static int open_disk(const char *name, uint32_t number, struct esp_partition *ret)
{
	struct disk disk = { .name = name, .fd = open(name, O_RDONLY | O_CLOEXEC) };
	off_t size;
	int result;

	if (disk.fd < 0)
		return refuse_errno(name, "open");
	size = lseek(disk.fd, 0, SEEK_END);
	disk.size = size > 0 ? (uint64_t)size : 0;
	result = read_partition(&disk, number, ret);
	close(disk.fd);
	return result;
}

/* ------------------------------------------------------------------ which partition it is */

/* A number or NAME=VALUE of a file of sysfs; free() it. */
static char *sysfs_value(const char *path, const char *name)
{
	char line[256], *value = NULL;
	FILE *file = fopen(path, "re");
	size_t len = strlen(name);

	while (file && !value && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, len) == 0)
			value = xstrndup(line + len, strlen(line + len));
	}
	if (file)
		fclose(file);
	return value;
}

static int of_file_system(const struct install *install, struct esp_partition *ret)
{
	char *here, *number, *name, *path, *disk;
	struct stat st;
	uint64_t value;
	int result = REFUSED;

	if (stat(install->esp, &st))
		return refuse_errno(install->esp, "look at");
	here = xprintf("/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	path = xprintf("%s/partition", here);
	number = sysfs_value(path, "");
	free(path);
	path = xprintf("%s/../uevent", here);
	name = sysfs_value(path, "DEVNAME=");
	free(path);
	if (number && name && number_parse(number, 1, UINT32_MAX, &value)) {
		disk = xprintf("/dev/%s", name);
		result = open_disk(disk, (uint32_t)value, ret);
		free(disk);
	} else {
		refuse(install->esp, "is not the file system of a partition");
		hint("say which one it will be: --partition DISK:NUMBER");
	}
	free(here);
	free(number);
	free(name);
	return result;
}

int esp_partition_find(const struct install *install, struct esp_partition *ret_partition)
{
	const char *colon;
	uint64_t number;
	char *disk;
	int result;

	if (!install->partition)
		return of_file_system(install, ret_partition);
	colon = strrchr(install->partition, ':');
	if (!colon || !number_parse(colon + 1, 1, UINT32_MAX, &number))
		return refuse(install->partition, "expected DISK:NUMBER");
	disk = xstrndup(install->partition, (size_t)(colon - install->partition));
	result = open_disk(disk, (uint32_t)number, ret_partition);
	free(disk);
	return result;
}

/* ------------------------------------------------------------------ the boot option */

#define ATTRIBUTES_SIZE		4	/* of efivarfs, before the variable's data */
#define OPTION_HEAD		6	/* attributes, length of the path list */
#define HARD_DRIVE_SIZE		42
#define END_SIZE		4
#define VARIABLE_ATTRIBUTES	7u	/* non-volatile, boot service and run-time access */

static const char description[] = "overmount";
static const char file_path[] = "/" INSTALL_STAGE;

/* ASCII to UCS-2 with the NUL; what follows it. */
static uint8_t *put_ucs2(uint8_t *to, const char *text)
{
	do {
		om_put_le16(to, *text == '/' ? '\\' : (uint8_t)*text);
		to += 2;
	} while (*text++);
	return to;
}

static uint8_t *put_node(uint8_t *to, uint8_t type, uint8_t subtype, size_t size)
{
	to[0] = type;
	to[1] = subtype;
	om_put_le16(to + 2, (uint16_t)size);
	return to + 4;
}

/* UEFI 2.10, 3.1.3 (EFI_LOAD_OPTION), 10.3.5.1 (hard drive), 10.3.5.4 (file path). */
uint8_t *boot_option_make(const struct esp_partition *partition, size_t *ret_size)
{
	size_t file_size = 4 + 2 * sizeof(file_path);
	size_t list = HARD_DRIVE_SIZE + file_size + END_SIZE;
	size_t size = ATTRIBUTES_SIZE + OPTION_HEAD + 2 * sizeof(description) + list;
	uint8_t *bytes = xalloc(size), *at = bytes;

	om_put_le32(at, VARIABLE_ATTRIBUTES);
	om_put_le32(at + ATTRIBUTES_SIZE, 1);			/* LOAD_OPTION_ACTIVE */
	om_put_le16(at + ATTRIBUTES_SIZE + 4, (uint16_t)list);
	at = put_ucs2(at + ATTRIBUTES_SIZE + OPTION_HEAD, description);
	at = put_node(at, 4, 1, HARD_DRIVE_SIZE);
	om_put_le32(at, partition->number);
	om_put_le64(at + 4, partition->start);
	om_put_le64(at + 12, partition->sectors);
	memcpy(at + 20, partition->guid, sizeof(partition->guid));
	at[36] = 2;						/* a GUID partition table */
	at[37] = 2;						/* and so the signature is a GUID */
	at = put_node(at + HARD_DRIVE_SIZE - 4, 4, 4, file_size);
	at = put_ucs2(at, file_path);
	put_node(at, 0x7f, 0xff, END_SIZE);
	*ret_size = size;
	return bytes;
}

/* The path list of a variable's bytes; empty when they are no boot option. */
static struct om_span path_list(const uint8_t *bytes, size_t size)
{
	size_t at = ATTRIBUTES_SIZE + OPTION_HEAD, len;

	if (size < at)
		return (struct om_span){ NULL, 0 };
	len = om_get_le16(bytes + ATTRIBUTES_SIZE + 4);
	while (size - at >= 2 && om_get_le16(bytes + at))
		at += 2;
	if (size - at < 2 || len > size - at - 2)
		return (struct om_span){ NULL, 0 };
	return (struct om_span){ bytes + at + 2, len };
}

/*
 * From the partition on: firmware may put the way to the disk in front.  Empty when there is none that is
 * named by a GUID.
 */
static struct om_span partition_path(const uint8_t *bytes, size_t size)
{
	struct om_span path = path_list(bytes, size);
	size_t len;

	while (path.len >= END_SIZE) {
		len = om_get_le16(path.ptr + 2);
		if (len < END_SIZE || len > path.len)
			break;
		if (path.ptr[0] == 4 && path.ptr[1] == 1 && len == HARD_DRIVE_SIZE &&
		    path.ptr[HARD_DRIVE_SIZE - 1] == 2)
			return path;
		path = (struct om_span){ path.ptr + len, path.len - len };
	}
	return (struct om_span){ NULL, 0 };
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* The partition by its GUID, the file's name as FAT has it: whatever the case. */
bool boot_option_same_file(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	struct om_span left = partition_path(a, a_size), right = partition_path(b, b_size);
	size_t i = HARD_DRIVE_SIZE;

	if (!left.len || left.len != right.len || memcmp(left.ptr + 24, right.ptr + 24, 16) != 0)
		return false;
	while (i < left.len && lower(left.ptr[i]) == lower(right.ptr[i]))
		i++;
	return i == left.len;
}
