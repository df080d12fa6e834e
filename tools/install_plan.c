/* SPDX-License-Identifier: MIT */
/* What an ESP shall have, compared with what it has. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "boot.h"
#include "install.h"

struct wanted *install_want(struct install *install, char *path, char *source, char *text)
{
	struct wanted *wanted;

	if (install->wanted_count == install->wanted_room) {
		size_t room = install->wanted_room ? install->wanted_room * 2 : 16;
		struct wanted *all = xalloc(room * sizeof(*all));

		if (install->wanted_count)
			memcpy(all, install->wanted, install->wanted_count * sizeof(*all));
		free(install->wanted);
		install->wanted = all;
		install->wanted_room = room;
	}
	wanted = &install->wanted[install->wanted_count++];
	wanted->path = path;
	wanted->source = source;
	wanted->text = text;
	return wanted;
}

/* ------------------------------------------------------------------ what shall be there */

/* A build folder has them below folders of their own. */
char *install_program(const struct install *install, const char *built)
{
	const char *name = strrchr(built, '/') + 1;
	char *path;

	if (!install->from)
		return boot_default_file(built);
	path = xprintf("%s/%s", install->from, name);
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return xprintf("%s/%s", install->from, built);
}

static int want_program(struct install *install, const char *built, const char *path,
			enum om_kernel_kind kind)
{
	enum om_kernel_kind found = OM_KERNEL_UNKNOWN;
	char *source = install_program(install, built);
	struct host_file file;
	int result;

	if (!source) {
		refuse(NULL, "there is no %s beside this program", strrchr(built, '/') + 1);
		hint("build it (make efi stub), or say where it is: --from DIR");
		return REFUSED;
	}
	result = host_file_open(&file, source);
	if (result == DONE) {
		result = host_file_load(&file);
		if (result == DONE &&
		    (om_kernel_probe((struct om_span){ file.loaded, (size_t)file.source.size }, NULL,
				     &found) != OM_OK || found != kind))
			result = refuse(source, kind == OM_KERNEL_PE ?
					"is no EFI application for x64" : "is no handoff kernel");
		host_file_close(&file);
	}
	install_want(install, xprintf("%s", path), source, NULL);
	return result;
}

/* In the order of writing: what an entry names comes before it, and what the firmware starts last. */
int install_want_all(struct install *install)
{
	struct wanted *fallback;
	int result;

	result = want_program(install, "efi/overmount.efi", INSTALL_STAGE, OM_KERNEL_PE);
	if (result == DONE)
		result = want_program(install, "stub/overmount-stub.elf", INSTALL_STUB,
				      OM_KERNEL_ELF64);
	if (result == DONE)
		result = install_want_entries(install);
	if (result == DONE) {
		const char *stage = install->wanted[0].source;

		fallback = install_want(install, xprintf(INSTALL_DEFAULT),
					xstrndup(stage, strlen(stage)), NULL);
		fallback->take_over = install->default_loader;
	}
	return result;
}

/* ------------------------------------------------------------------ the plan */

static int measure(struct wanted *wanted)
{
	struct host_file file;
	enum om_status status;
	int result;

	if (wanted->text) {
		wanted->size = strlen(wanted->text);
		om_sha256(wanted->text, (size_t)wanted->size, wanted->digest);
		return DONE;
	}
	result = host_file_open(&file, wanted->source);
	if (result != DONE)
		return result;
	wanted->size = file.source.size;
	status = host_file_digest(&file.source, wanted->digest);
	if (status != OM_OK)
		result = refuse_status(wanted->source, status);
	else if (wanted->size > UINT32_MAX)
		result = refuse(wanted->source, "has more than 4 GiB, which FAT cannot hold");
	host_file_close(&file);
	return result;
}

static int decide(const struct install *install, struct wanted *wanted)
{
	const struct manifest *have = &install->have;
	uint8_t there[OM_SHA256_SIZE];
	enum place_kind kind;
	bool ours;
	int result;

	result = measure(wanted);
	if (result != DONE)
		return result;
	result = install_there(install, wanted->path, &wanted->there);
	if (result != DONE)
		return result;
	wanted->place = install_place(install, wanted->there);
	if (!wanted->place)
		return REFUSED;
	result = install_look(wanted->place, &kind, there);
	if (result != DONE)
		return result;
	ours = kind == PLACE_FILE && (wanted->take_over ||
				      manifest_owns(have, OWNED_FILE, wanted->path, there));
	if (kind == PLACE_ABSENT)
		wanted->state = WANTED_NEW;
	else if (kind == PLACE_FILE && memcmp(there, wanted->digest, sizeof(there)) == 0)
		wanted->state = WANTED_SAME;
	else
		wanted->state = ours ? WANTED_REPLACE : WANTED_KEEP;
	wanted->ours = ours || wanted->state == WANTED_NEW;
	wanted->reason = manifest_names(have, OWNED_FILE, wanted->path) ?
			 "was changed" : "was not written by overmount install";
	return DONE;
}

/* The directories above PATH that are missing. */
static int plan_directories(struct install *install, const char *path)
{
	const char *slash = path;
	enum place_kind kind = PLACE_OTHER;
	char *directory, *place;
	int result = DONE;

	while (result == DONE && (slash = strchr(slash, '/'))) {
		directory = xstrndup(path, (size_t)(slash++ - path));
		place = install_place(install, directory);
		result = place ? install_look(place, &kind, NULL) : REFUSED;
		if (result == DONE && kind == PLACE_ABSENT)
			manifest_add(&install->make, OWNED_DIRECTORY, directory, NULL);
		free(place);
		free(directory);
	}
	return result;
}

bool install_wants(const struct install *install, const char *path)
{
	size_t i;

	for (i = 0; i < install->wanted_count; i++)
		if (strcasecmp(install->wanted[i].path, path) == 0)
			return true;
	return false;
}

/* Lines of the record that this run does not write anew. */
static int plan_line(struct install *install, const struct owned *line)
{
	uint8_t there[OM_SHA256_SIZE];
	enum place_kind kind;
	char *place, *name;
	int result;

	if (line->kind == OWNED_VARIABLE) {
		if (strcmp(line->name, install->variables.option_name) != 0)
			manifest_add(&install->next, line->kind, line->name, line->digest);
		return DONE;
	}
	result = install_there(install, line->name, &name);
	if (result != DONE)
		return result;
	place = install_place(install, name);
	result = place ? install_look(place, &kind, there) : REFUSED;
	free(place);
	free(name);
	if (result != DONE || kind == PLACE_ABSENT)
		return result;
	if (line->kind == OWNED_DIRECTORY) {
		manifest_add(&install->next, line->kind, line->name, NULL);
		return DONE;
	}
	if (install_wants(install, line->name))
		return DONE;
	if (kind == PLACE_FILE && manifest_owns(&install->have, OWNED_FILE, line->name, there)) {
		if (!install->prune)
			manifest_add(&install->next, OWNED_FILE, line->name, there);
		return DONE;
	}
	manifest_add(&install->next, line->kind, line->name, line->digest);
	return DONE;
}

int install_plan(struct install *install)
{
	size_t i, j;
	int result = DONE;

	for (i = 0; result == DONE && i < install->wanted_count; i++) {
		struct wanted *wanted = &install->wanted[i];

		result = decide(install, wanted);
		if (result == DONE && wanted->state == WANTED_NEW)
			result = plan_directories(install, wanted->path);
		if (result == DONE && wanted->ours)
			manifest_add(&install->next, OWNED_FILE, wanted->path, wanted->digest);
		/* A change that is taken back makes it ours again. */
		for (j = 0; result == DONE && !wanted->ours && j < install->have.count; j++)
			if (strcasecmp(install->have.lines[j].name, wanted->path) == 0)
				manifest_add(&install->next, OWNED_FILE, wanted->path,
					     install->have.lines[j].digest);
	}
	if (result == DONE && install->use_variables)
		result = variables_plan(install);
	for (i = 0; result == DONE && i < install->have.count; i++)
		result = plan_line(install, &install->have.lines[i]);
	manifest_copy(&install->next, &install->make);
	/* By its name; a run may have ended between making it and recording that. */
	manifest_add(&install->next, OWNED_DIRECTORY, INSTALL_HOME, NULL);
	return result;
}
