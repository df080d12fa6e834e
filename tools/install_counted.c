/* SPDX-License-Identifier: MIT */
/*
 * Entries that are counted: NAME.conf is NAME+3.conf while its boots are tried, NAME+2-1.conf after the
 * first one, and NAME.conf again once a boot was good.  The record knows it as NAME.conf all the time.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <overmount/boot_count.h>

#include "install.h"

#define SUFFIX	".conf"

bool install_is_entry(const char *path)
{
	return strncmp(path, INSTALL_ENTRIES, strlen(INSTALL_ENTRIES)) == 0;
}

bool install_is_counted(const char *name)
{
	return om_boot_count_parse(om_str_from(name)).counted;
}

/* Is FILE the entry NAME, with counters? */
static bool is_counted_as(const char *file, const char *name)
{
	size_t len = strlen(file), size = len + 1;
	struct om_boot_count count;
	char *id;
	bool same;

	if (len <= strlen(SUFFIX) || strcasecmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	count = om_boot_count_parse(om_str_from(file));
	if (!count.counted)
		return false;
	id = xalloc(size);
	om_boot_count_id(om_str_from(file), &count, id, size);
	same = strcasecmp(id, name) == 0;
	free(id);
	return same;
}

enum judged { NOT_THERE, FOREIGN, OURS };

/* Of the file THERE, which is the entry PATH. */
static int judge(const struct install *install, const char *path, const char *there,
		 enum judged *ret_judged)
{
	char *place = install_place(install, there);
	enum place_kind kind = PLACE_ABSENT;
	uint8_t digest[OM_SHA256_SIZE];
	int result = place ? DONE : REFUSED;

	if (place && !manifest_names(&install->gone, OWNED_FILE, place))
		result = install_look(place, &kind, digest);
	free(place);
	if (result == DONE)
		*ret_judged = kind == PLACE_ABSENT ? NOT_THERE :
			      kind == PLACE_FILE &&
			      manifest_owns(&install->have, OWNED_FILE, path, digest) ? OURS : FOREIGN;
	return result;
}

/* Takes THERE; of several one that is ours is best, and of the others the first. */
static int consider(const struct install *install, const char *path, char *there, enum judged *best,
		    char **ret_there)
{
	enum judged judged = NOT_THERE;
	int result = judge(install, path, there, &judged);

	if (result == DONE && judged > *best) {
		free(*ret_there);
		*ret_there = there;
		*best = judged;
		return DONE;
	}
	free(there);
	return result;
}

int install_there(const struct install *install, const char *path, char **ret_there)
{
	const char *name = path + strlen(INSTALL_ENTRIES);
	char *there = xprintf("%s", path), *folder;
	struct dirent **names = NULL;
	enum judged best = NOT_THERE;
	int count = 0, i, result = DONE;

	if (install_is_entry(path) && !install_is_counted(path)) {
		result = consider(install, path, xprintf("%s", path), &best, &there);
		folder = esp_find(install->esp, OM_STR(INSTALL_ENTRIES));
		if (folder)
			count = scandir(folder, &names, NULL, alphasort);
		free(folder);
	}
	for (i = 0; i < count; i++) {
		if (result == DONE && is_counted_as(names[i]->d_name, name))
			result = consider(install, path, xprintf(INSTALL_ENTRIES "%s", names[i]->d_name),
					  &best, &there);
		free(names[i]);
	}
	free(names);
	if (result == DONE)
		*ret_there = there;
	else
		free(there);
	return result;
}
