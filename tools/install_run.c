/* SPDX-License-Identifier: MIT */
/* overmount install and --remove: the order of the steps. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "install.h"

static bool is_above(const char *directory, const char *path)
{
	size_t len = strlen(directory);

	return strncasecmp(directory, path, len) == 0 && path[len] == '/';
}

static bool is_home(const char *directory)
{
	return is_above(directory, INSTALL_RECORD);
}

/* HOME: those that the record itself needs, before anything can be recorded; or the others. */
static int make_missing(struct install *install, bool home)
{
	size_t i;
	int result = DONE;

	for (i = 0; result == DONE && i < install->make.count; i++) {
		const char *path = install->make.lines[i].name;

		if (is_home(path) == home)
			result = step_make_directory(install, path);
	}
	return result;
}

static int write_wanted(struct install *install)
{
	size_t i;
	int result = DONE;

	for (i = 0; result == DONE && i < install->wanted_count; i++) {
		const struct wanted *wanted = &install->wanted[i];

		if (wanted->state == WANTED_NEW || wanted->state == WANTED_REPLACE)
			result = step_write(install, wanted);
		else if (!wanted->ours)
			install_say("keep", wanted->there, "  %s", wanted->reason);
	}
	return result;
}

/* What is there under that name; *RET_MORE: it went, and an entry may be there once more. */
static int remove_one(struct install *install, const char *path, bool *ret_more)
{
	uint8_t digest[OM_SHA256_SIZE];
	enum place_kind kind = PLACE_ABSENT;
	char *there, *place;
	int result = install_there(install, path, &there);

	*ret_more = false;
	if (result != DONE)
		return result;
	place = install_place(install, there);
	if (!place)
		result = REFUSED;
	else if (!manifest_names(&install->gone, OWNED_FILE, place))
		result = install_look(place, &kind, digest);
	if (result == DONE && kind != PLACE_ABSENT) {
		*ret_more = kind == PLACE_FILE &&
			    manifest_owns(&install->have, OWNED_FILE, path, digest);
		if (*ret_more)
			result = step_remove(install, there);
		else
			install_say("keep", there, "  was changed");
	}
	free(place);
	free(there);
	return result;
}

static int remove_file(struct install *install, const char *path)
{
	bool more = true;
	int result = DONE;

	while (result == DONE && more)
		result = remove_one(install, path, &more);
	return result;
}

/* The lines are sorted, and after a run that was cut off a file may have two. */
static bool same_as_before(const struct install *install, size_t i)
{
	const struct owned *line = &install->have.lines[i];

	return i > 0 && line[-1].kind == line->kind && strcasecmp(line[-1].name, line->name) == 0;
}

/* ALL, or only what is not wanted: entries before what they name. */
static int remove_files(struct install *install, bool all)
{
	int pass, result = DONE;
	size_t i;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; result == DONE && i < install->have.count; i++) {
			const struct owned *line = &install->have.lines[i];

			if (line->kind == OWNED_FILE && install_is_entry(line->name) == (pass == 0) &&
			    !same_as_before(install, i) &&
			    (all || !install_wants(install, line->name)))
				result = remove_file(install, line->name);
		}
	}
	return result;
}

static bool holds_wanted(const struct install *install, const char *directory)
{
	size_t i;

	for (i = 0; i < install->wanted_count; i++)
		if (is_above(directory, install->wanted[i].path))
			return true;
	return false;
}

/* The record has them sorted, so a directory comes before what is in it. */
static int remove_directories(struct install *install, bool home)
{
	int result = DONE;
	size_t i;

	for (i = install->have.count; result == DONE && i-- > 0;) {
		const struct owned *line = &install->have.lines[i];

		if (line->kind == OWNED_DIRECTORY && is_home(line->name) == home &&
		    !holds_wanted(install, line->name))
			result = step_remove_directory(install, line->name);
	}
	return result;
}

/* What is there and not wanted: a kernel that is gone, most often. */
static int settle_unwanted(struct install *install)
{
	size_t i;
	char *there;
	int result = DONE;

	if (install->prune) {
		result = remove_files(install, false);
		return result == DONE ? remove_directories(install, false) : result;
	}
	for (i = 0; result == DONE && i < install->have.count; i++) {
		const char *name = install->have.lines[i].name;

		if (install->have.lines[i].kind != OWNED_FILE || install_wants(install, name) ||
		    same_as_before(install, i) || !manifest_names(&install->next, OWNED_FILE, name))
			continue;
		result = install_there(install, name, &there);
		if (result == DONE) {
			install_say("keep", there, "  is not found any more: --prune removes it");
			free(there);
		}
	}
	return result;
}

/* A /boot that is not mounted looks like a system without kernels. */
static int check_prune(const struct install *install)
{
	size_t i, len;

	if (!install->prune || install->found_kernel)
		return DONE;
	for (i = 0; i < install->have.count; i++) {
		const struct owned *line = &install->have.lines[i];

		len = strlen(line->name);
		if (line->kind == OWNED_FILE && len > 6 && strcmp(line->name + len - 6, "/linux") == 0) {
			refuse(NULL, "--prune: no kernel is found at all; it would remove every one");
			hint("is /boot mounted? --remove takes everything away");
			return REFUSED;
		}
	}
	return DONE;
}

/* The record names both what is replaced and what comes until all is written. */
static int put_on(struct install *install)
{
	struct manifest both = { 0 };
	int result;

	result = check_prune(install);
	if (result == DONE)
		result = install_plan(install);
	if (result == DONE)
		result = step_clean(install);
	if (result == DONE)
		result = make_missing(install, true);
	manifest_copy(&both, &install->have);
	manifest_copy(&both, &install->next);
	if (result == DONE)
		result = step_record(install, &both);
	if (result == DONE)
		result = make_missing(install, false);
	if (result == DONE)
		result = write_wanted(install);
	if (result == DONE && install->use_variables)
		result = variables_apply(install);
	if (result == DONE)
		result = settle_unwanted(install);
	if (result == DONE)
		result = step_record(install, &install->next);
	manifest_release(&both);
	return result;
}

/* Variables that stay need the record, and the record its directories. */
static int keep_record(struct install *install)
{
	size_t i;

	for (i = 0; i < install->have.count; i++)
		if (install->have.lines[i].kind == OWNED_DIRECTORY &&
		    is_home(install->have.lines[i].name))
			manifest_add(&install->next, OWNED_DIRECTORY, install->have.lines[i].name,
				     NULL);
	return step_record(install, &install->next);
}

static int take_off(struct install *install)
{
	int result;

	if (!install->have.text) {
		puts("nothing is installed: there is no \\EFI\\overmount\\installed");
		return DONE;
	}
	result = step_clean(install);
	if (result == DONE)
		result = variables_remove(install);
	if (result == DONE)
		result = remove_files(install, true);
	if (result == DONE)
		result = remove_directories(install, false);
	if (result != DONE)
		return result;
	if (install->next.count)
		return keep_record(install);
	result = step_remove(install, INSTALL_RECORD);
	return result == DONE ? remove_directories(install, true) : result;
}

/* Two at the same time would spoil each other's record. */
static int lock_esp(const struct install *install)
{
	int fd = open(install->esp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0 && errno == EWOULDBLOCK)
		refuse(install->esp, "another program is at work on it");
	else
		refuse_errno(install->esp, fd < 0 ? "open" : "lock");
	if (fd >= 0)
		close(fd);
	return -1;
}

static void release(struct install *install)
{
	size_t i;

	for (i = 0; i < install->wanted_count; i++) {
		free(install->wanted[i].path);
		free(install->wanted[i].source);
		free(install->wanted[i].text);
		free(install->wanted[i].there);
		free(install->wanted[i].place);
	}
	free(install->wanted);
	manifest_release(&install->have);
	manifest_release(&install->next);
	manifest_release(&install->make);
	manifest_release(&install->gone);
	variables_release(&install->variables);
	if (install->work)
		remove_tree(install->work);
	free(install->work);
	for (i = 0; i < (size_t)install->init.alias_count; i++)
		free((char *)(uintptr_t)install->init.aliases[i]);
}

/* A mount point with nothing on it is filled as well: it may be what is wanted. */
static void say_what_it_is(const struct install *install)
{
	struct statfs fs;

	if (statfs(install->esp, &fs) == 0 && (uint32_t)fs.f_type != MSDOS_SUPER_MAGIC)
		install_say("note", "", "%s is no FAT file system: filled as a folder that becomes one",
			    install->esp);
}

int install_run(struct install *install)
{
	int lock = lock_esp(install), result = DONE;
	char *record;

	if (lock < 0)
		return REFUSED;
	if (install->dry_run)
		puts("dry run: nothing is touched");
	if (!install->remove)
		say_what_it_is(install);
	record = install_place(install, INSTALL_RECORD);
	result = record ? manifest_read(&install->have, record) : REFUSED;
	if (result == DONE && !install->remove)
		result = install_want_all(install);
	if (result == DONE)
		result = install->remove ? take_off(install) : put_on(install);
	free(record);
	close(lock);
	release(install);
	return result;
}
