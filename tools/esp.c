/* SPDX-License-Identifier: MIT */
/* An ESP seen as a directory of the host. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

static bool is_separator(char c)
{
	return c == '/' || c == '\\';
}

/* The next component of *REST; an empty one at the end. */
static struct om_str next_name(struct om_str *rest)
{
	struct om_str name;

	while (rest->len && is_separator(rest->ptr[0]))
		*rest = om_str_skip(*rest, 1);
	name = (struct om_str){ rest->ptr, 0 };
	while (name.len < rest->len && !is_separator(rest->ptr[name.len]))
		name.len++;
	*rest = om_str_skip(*rest, name.len);
	return name;
}

static bool same_name(const char *have, struct om_str want)
{
	return strlen(have) == want.len && strncasecmp(have, want.ptr, want.len) == 0;
}

/* DIR/NAME whatever the case; the exact spelling first. */
static char *find_name(const char *dir, struct om_str name)
{
	char *path = xprintf("%s/%.*s", dir, (int)name.len, name.ptr);
	struct dirent *entry;
	struct stat st;
	DIR *list;

	if (lstat(path, &st) == 0)
		return path;
	free(path);
	path = NULL;
	list = opendir(dir);
	if (!list)
		return NULL;
	while (!path && (entry = readdir(list)))
		if (same_name(entry->d_name, name))
			path = xprintf("%s/%s", dir, entry->d_name);
	closedir(list);
	return path;
}

char *esp_find(const char *esp, struct om_str path)
{
	char *at = xstrndup(esp, strlen(esp)), *next;
	struct om_str name;

	while (at) {
		name = next_name(&path);
		if (name.len == 0)
			break;
		if (om_str_is(name, "."))
			continue;
		next = om_str_is(name, "..") ? NULL : find_name(at, name);
		free(at);
		at = next;
	}
	return at;
}

char *esp_name(struct om_str path)
{
	char *text = xalloc(path.len + 2);
	size_t used = 0;
	struct om_str name;

	for (;;) {
		name = next_name(&path);
		if (name.len == 0)
			break;
		if (om_str_is(name, "."))
			continue;
		if (om_str_is(name, "..")) {
			free(text);
			return NULL;
		}
		text[used++] = '\\';
		memcpy(text + used, name.ptr, name.len);
		used += name.len;
	}
	if (used == 0)
		text[used] = '\\';
	return text;
}

static bool has(const char *directory, const char *path)
{
	char *found = esp_find(directory, om_str_from(path));

	free(found);
	return found != NULL;
}

bool esp_is(const char *directory)
{
	return has(directory, "EFI/overmount/overmount.conf") || has(directory, "loader/entries") ||
	       has(directory, "EFI");
}

char *esp_of_entry(const char *entry_path)
{
	char *path = realpath(entry_path, NULL), *slash;

	while (path && (slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (esp_is(path[0] ? path : "/"))
			return path;
	}
	free(path);
	return NULL;
}

char *esp_config(const char *esp)
{
	return esp_find(esp, OM_STR("EFI/overmount/overmount.conf"));
}

static int is_entry(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && entry->d_name[0] != '.' &&
	       strcasecmp(entry->d_name + len - 5, ".conf") == 0;
}

char **esp_entries(const char *esp)
{
	char *dir = esp_find(esp, OM_STR("loader/entries")), **paths;
	struct dirent **found = NULL;
	size_t used = 0;
	struct stat st;
	int count, i;

	count = dir ? scandir(dir, &found, is_entry, alphasort) : 0;
	paths = xalloc((size_t)(count > 0 ? count + 1 : 1) * sizeof(*paths));
	for (i = 0; i < count; i++) {
		char *path = xprintf("%s/%s", dir, found[i]->d_name);

		/* As the stage does: a folder is none, whatever its name. */
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			free(path);
		else
			paths[used++] = path;
		free(found[i]);
	}
	free(found);
	free(dir);
	return paths;
}

void esp_entries_free(char **entries)
{
	size_t i;

	for (i = 0; entries[i]; i++)
		free(entries[i]);
	free(entries);
}
