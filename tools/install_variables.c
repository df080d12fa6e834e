/* SPDX-License-Identifier: MIT */
/* Boot#### and BootOrder, through efivarfs: four bytes of attributes, then the data. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "install.h"

#define GLOBAL_GUID	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ATTRIBUTES	4u
#define VARIABLE_MAX	(64u << 10)

static char *variable_path(const struct install *install, const char *name)
{
	return xprintf("%s/%s-" GLOBAL_GUID, install->efivars, name);
}

/*
 * *RET_BYTES is NULL when there is no such variable.  An empty file is none: it was opened to be
 * written, and that did not happen.
 */
static int variable_read(const struct install *install, const char *name, uint8_t **ret_bytes,
			 size_t *ret_size)
{
	char *path = variable_path(install, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = DONE;
	uint8_t *bytes;
	ssize_t len;

	*ret_bytes = NULL;
	*ret_size = 0;
	if (fd < 0) {
		if (errno != ENOENT)
			result = refuse_errno(path, "open");
		free(path);
		return result;
	}
	bytes = xalloc(VARIABLE_MAX);
	len = read(fd, bytes, VARIABLE_MAX);
	if (len >= (ssize_t)ATTRIBUTES) {
		*ret_bytes = bytes;
		*ret_size = (size_t)len;
	} else {
		if (len)
			result = len < 0 ? refuse_errno(path, "read") :
					   refuse(path, "is no EFI variable");
		free(bytes);
	}
	close(fd);
	free(path);
	return result;
}

/* efivarfs guards variables against rm -r: what shall change has to be asked for. */
static void variable_unlock(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL)) {
		flags &= ~FS_IMMUTABLE_FL;
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
			return;			/* what follows fails, and says why */
	}
}

static void unlock_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		variable_unlock(fd);
		close(fd);
	}
}

/* One write() is one SetVariable(): the firmware has the old one or the new one. */
static int variable_write(struct install *install, const char *name, const uint8_t *bytes,
			  size_t size)
{
	char *path = variable_path(install, name);
	struct stat st;
	ssize_t done;
	int fd, result = DONE;

	install_say("set", name, "  %zu bytes", size);
	if (install->dry_run)
		goto free;
	unlock_path(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		result = refuse_errno(path, "write");
		goto free;
	}
	done = write(fd, bytes, size);
	if (done != (ssize_t)size)
		result = done < 0 ? refuse_errno(path, "write") : refuse(path, "was cut off");
	else if (fstat(fd, &st) == 0 && st.st_size > (off_t)size && ftruncate(fd, (off_t)size))
		result = refuse_errno(path, "write");	/* a copy in a plain directory was longer */
	if (close(fd) && result == DONE)
		result = refuse_errno(path, "write");
free:
	free(path);
	return result;
}

static int variable_remove(struct install *install, const char *name)
{
	char *path = variable_path(install, name);
	int result = DONE;

	install_say("unset", name, "%s", "");
	if (!install->dry_run) {
		unlock_path(path);
		if (unlink(path))
			result = refuse_errno(path, "remove");
	}
	free(path);
	return result;
}

/* ------------------------------------------------------------------ the order */

static bool order_has(const uint8_t *order, size_t size, unsigned number)
{
	size_t at;

	for (at = ATTRIBUTES; at + 2 <= size; at += 2)
		if (om_get_le16(order + at) == number)
			return true;
	return false;
}

static unsigned number_of(const char *name)
{
	return (unsigned)strtoul(name + 4, NULL, 16);
}

/* In front of the others, unless it has a place already: the user may have chosen it. */
static int plan_order(struct install *install, unsigned number)
{
	struct variables *variables = &install->variables;
	uint8_t *order;
	size_t size;
	int result;

	result = variable_read(install, "BootOrder", &order, &size);
	if (result != DONE)
		return result;
	if (!order || !order_has(order, size, number)) {
		size_t rest = order ? size - ATTRIBUTES : 0;

		variables->order_size = ATTRIBUTES + 2 + rest;
		variables->order = xalloc(variables->order_size);
		om_put_le32(variables->order, order ? om_get_le32(order) : 7);
		om_put_le16(variables->order + ATTRIBUTES, (uint16_t)number);
		if (rest)
			memcpy(variables->order + ATTRIBUTES + 2, order + ATTRIBUTES, rest);
	}
	free(order);
	return DONE;
}

static int leave_order(struct install *install, unsigned number)
{
	uint8_t *order;
	size_t size, from, to = ATTRIBUTES;
	int result;

	result = variable_read(install, "BootOrder", &order, &size);
	if (result != DONE || !order)
		return result;
	for (from = ATTRIBUTES; from + 2 <= size; from += 2) {
		if (om_get_le16(order + from) == number)
			continue;
		memmove(order + to, order + from, 2);
		to += 2;
	}
	/* An empty one cannot be written: no data means that the variable goes. */
	if (to == ATTRIBUTES)
		result = variable_remove(install, "BootOrder");
	else if (to < size)
		result = variable_write(install, "BootOrder", order, to);
	free(order);
	return result;
}

/* ------------------------------------------------------------------ the option */

enum found { FOUND_NONE, FOUND_OURS, FOUND_SAME, FOUND_FOREIGN };

struct search {
	const uint8_t *option;		/* what it shall be */
	size_t size;
	enum found found;
	char name[9];
	bool used[65536];
};

static bool option_name(const char *file, char ret_name[9])
{
	if (strncmp(file, "Boot", 4) != 0 || strspn(file + 4, "0123456789ABCDEF") != 4 ||
	    strcmp(file + 8, "-" GLOBAL_GUID) != 0)
		return false;
	memcpy(ret_name, file, 8);
	ret_name[8] = '\0';
	return true;
}

/* Ours and right before ours, ours before somebody's that does the same. */
static int judge_option(const struct install *install, struct search *search, const char *name)
{
	uint8_t *bytes, digest[OM_SHA256_SIZE];
	enum found found = FOUND_NONE;
	size_t size;
	int result;

	result = variable_read(install, name, &bytes, &size);
	if (result != DONE || !bytes)
		return result;
	search->used[number_of(name)] = true;
	om_sha256(bytes, size, digest);
	if (manifest_owns(&install->have, OWNED_VARIABLE, name, digest))
		found = size == search->size && memcmp(bytes, search->option, size) == 0 ?
			FOUND_SAME : FOUND_OURS;
	else if (boot_option_same_file(bytes, size, search->option, search->size))
		found = FOUND_FOREIGN;
	if (found != FOUND_NONE && (search->found == FOUND_NONE || found == FOUND_SAME ||
				    (found == FOUND_OURS && search->found == FOUND_FOREIGN))) {
		search->found = found;
		memcpy(search->name, name, sizeof(search->name));
	}
	free(bytes);
	return DONE;
}

/* Without efivarfs every variable would seem to be gone. */
static int open_variables(const struct install *install, DIR **ret_list)
{
	bool usual = strcmp(install->efivars, INSTALL_EFIVARS) == 0;
	struct statfs fs;
	int result = DONE;

	*ret_list = opendir(install->efivars);
	if (!*ret_list) {
		result = refuse_errno(install->efivars, "read");
	} else if (usual && (statfs(install->efivars, &fs) || (uint32_t)fs.f_type != EFIVARFS_MAGIC)) {
		result = refuse(install->efivars, "has no efivarfs mounted on it");
		closedir(*ret_list);
	}
	if (result != DONE)
		hint("was this system booted by UEFI, and is efivarfs mounted?");
	return result;
}

static int search_options(const struct install *install, struct search *search)
{
	struct dirent *entry;
	char name[9];
	DIR *list;
	int result = open_variables(install, &list);

	if (result != DONE)
		return result;
	while (result == DONE && (entry = readdir(list))) {
		if (option_name(entry->d_name, name))
			result = judge_option(install, search, name);
	}
	closedir(list);
	return result;
}

/* The order may name what is not there: such a number would bring its place along. */
static int free_number(const struct install *install, struct search *search, char *ret_name)
{
	unsigned number = 0;
	uint8_t *order;
	size_t size, at;
	int result = variable_read(install, "BootOrder", &order, &size);

	if (result != DONE)
		return result;
	for (at = ATTRIBUTES; at + 2 <= size; at += 2)
		search->used[om_get_le16(order + at)] = true;
	free(order);
	while (number < 0xffff && search->used[number])
		number++;
	if (search->used[number])
		return refuse(install->efivars, "has no free number for a boot option");
	snprintf(ret_name, 9, "Boot%04X", number & 0xffff);
	return DONE;
}

static int decide(struct install *install, struct search *search)
{
	struct variables *variables = &install->variables;
	uint8_t digest[OM_SHA256_SIZE];
	int result = DONE;

	if (search->found == FOUND_FOREIGN) {
		install_say("keep", search->name, "  names the stage, and was not written by "
			    "overmount install");
		return DONE;
	}
	if (search->found == FOUND_NONE)
		result = free_number(install, search, search->name);
	if (result == DONE)
		result = plan_order(install, number_of(search->name));
	if (result != DONE)
		return result;
	memcpy(variables->option_name, search->name, sizeof(variables->option_name));
	if (search->found != FOUND_SAME) {
		variables->option = xalloc(search->size);
		memcpy(variables->option, search->option, search->size);
		variables->option_size = search->size;
	}
	om_sha256(search->option, search->size, digest);
	manifest_add(&install->next, OWNED_VARIABLE, search->name, digest);
	return DONE;
}

int variables_plan(struct install *install)
{
	struct esp_partition partition;
	struct search *search;
	uint8_t *option;
	size_t size;
	int result;

	result = esp_partition_find(install, &partition);
	if (result != DONE)
		return result;
	option = boot_option_make(&partition, &size);
	search = xalloc(sizeof(*search));
	search->option = option;
	search->size = size;
	result = search_options(install, search);
	if (result == DONE)
		result = decide(install, search);
	free(search);
	free(option);
	return result;
}

int variables_apply(struct install *install)
{
	const struct variables *variables = &install->variables;
	int result = DONE;

	if (variables->option)
		result = variable_write(install, variables->option_name, variables->option,
					variables->option_size);
	if (result == DONE && variables->order)
		result = variable_write(install, "BootOrder", variables->order,
					variables->order_size);
	return result;
}

/* The order first: it must not name what is not there. */
static int remove_option(struct install *install, const struct owned *line)
{
	uint8_t *bytes, digest[OM_SHA256_SIZE];
	size_t size;
	int result;

	result = variable_read(install, line->name, &bytes, &size);
	if (result != DONE || !bytes)
		return result;
	om_sha256(bytes, size, digest);
	free(bytes);
	if (!manifest_owns(&install->have, OWNED_VARIABLE, line->name, digest)) {
		install_say("keep", line->name, "  was changed");
		return DONE;
	}
	/* Two lines of one variable: the run that replaced it was cut off. */
	if (memcmp(digest, line->digest, sizeof(digest)) != 0)
		return DONE;
	result = leave_order(install, number_of(line->name));
	return result == DONE ? variable_remove(install, line->name) : result;
}

int variables_remove(struct install *install)
{
	size_t i;
	int result = DONE;
	DIR *list = NULL;

	for (i = 0; result == DONE && i < install->have.count; i++) {
		const struct owned *line = &install->have.lines[i];

		if (line->kind != OWNED_VARIABLE)
			continue;
		if (install->use_variables) {
			if (!list)
				result = open_variables(install, &list);
			if (result == DONE)
				result = remove_option(install, line);
			continue;
		}
		install_say("keep", line->name, "  is a variable: --efi-variables removes it");
		manifest_add(&install->next, line->kind, line->name, line->digest);
	}
	if (list)
		closedir(list);
	return result;
}

void variables_release(struct variables *variables)
{
	free(variables->option);
	free(variables->order);
}
