/* SPDX-License-Identifier: MIT */
/*
 * Which modules the disk and the file system of a mounted root need: the aliases by which the kernel
 * itself asks for them, of the file system's type and of every device that the disk hangs on.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "install.h"

#define VIRTUAL		"/sys/devices/virtual/"
#define SUBSYSTEMS	VIRTUAL "nvme-subsystem/"

/* A line of /proc/self/mountinfo, proc(5). */
struct mounted {
	unsigned major, minor;
	char type[64], source[256];
};

static int add_alias(struct linux_layer *layer, char *alias)
{
	if (layer->alias_count == LINUX_ALIASES_MAX) {
		free(alias);
		return refuse(NULL, "the root's disk hangs on more than %d devices", LINUX_ALIASES_MAX);
	}
	layer->aliases[layer->alias_count++] = alias;
	return DONE;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks, line ends and backslashes stand there as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static bool read_line(const char *line, const char *path, struct mounted *ret)
{
	const char *rest = strstr(line, " - ");
	char *point = NULL;
	bool found = rest &&
		     sscanf(line, "%*u %*u %u:%u %*s %ms", &ret->major, &ret->minor, &point) == 3 &&
		     sscanf(rest, " - %63s %255s", ret->type, ret->source) == 2;

	if (found) {
		unescape(point);
		unescape(ret->source);
		found = strcmp(point, path) == 0;
	}
	free(point);
	return found;
}

/* What is mounted on PATH; of several on top of each other the last one is seen. */
static bool find_mounted(const char *path, struct mounted *ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct mounted one;
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		if (read_line(line, path, &one)) {
			*ret = one;
			found = true;
		}
	}
	if (file)
		fclose(file);
	free(line);
	return found;
}

/* Those of DEVICE in sysfs and of everything above it; DEVICE is cut. */
static int add_above(struct linux_layer *layer, char *device)
{
	char alias[512], *path, *slash;
	int result = DONE;
	FILE *file;

	while (result == DONE && (slash = strrchr(device, '/')) && slash > device) {
		path = xprintf("%s/modalias", device);
		file = fopen(path, "re");
		if (file && fgets(alias, sizeof(alias), file)) {
			alias[strcspn(alias, "\n")] = '\0';
			result = add_alias(layer, xstrndup(alias, strlen(alias)));
		}
		if (file)
			fclose(file);
		free(path);
		*slash = '\0';
	}
	return result;
}

/*
 * NVMe that several controllers may reach belongs to none of them: its disk is below a folder of
 * its subsystem, which has links to the controllers.
 */
static int add_controllers(struct linux_layer *layer, const char *device)
{
	size_t len = strlen(SUBSYSTEMS);
	char *subsystem = xstrndup(device, len + strcspn(device + len, "/"));
	DIR *list = opendir(subsystem);
	struct dirent *entry;
	int result = DONE;

	while (list && result == DONE && (entry = readdir(list))) {
		char *path = xprintf("%s/%s", subsystem, entry->d_name);
		char *controller = entry->d_type == DT_LNK && strncmp(entry->d_name, "nvme", 4) == 0 ?
				   realpath(path, NULL) : NULL;

		if (controller)
			result = add_above(layer, controller);
		free(controller);
		free(path);
	}
	if (list)
		closedir(list);
	free(subsystem);
	return result;
}

static int cannot_tell(const char *root, const char *why)
{
	refuse(root, "%s, so nothing says what its disk needs", why);
	hint("name the modules instead of --module auto: the disk's driver, and the file system");
	return REFUSED;
}

int root_aliases(const char *root, struct linux_layer *layer)
{
	char *path = realpath(root, NULL), *link, *device;
	struct mounted mounted;
	struct stat st;
	int result;

	if (!path)
		return refuse_errno(root, "look at");
	result = find_mounted(path, &mounted) ? DONE : cannot_tell(root, "is no mounted file system");
	free(path);
	if (result != DONE)
		return result;
	/* btrfs has a number of its own; its source is the disk all the same. */
	if (mounted.major == 0 && stat(mounted.source, &st) == 0 && S_ISBLK(st.st_mode)) {
		mounted.major = major(st.st_rdev);
		mounted.minor = minor(st.st_rdev);
	}
	link = xprintf("/sys/dev/block/%u:%u", mounted.major, mounted.minor);
	device = realpath(link, NULL);
	free(link);
	if (!device)
		return cannot_tell(root, "is on no block device");
	if (strncmp(device, SUBSYSTEMS, strlen(SUBSYSTEMS)) == 0)
		result = add_controllers(layer, device);
	else if (strncmp(device, VIRTUAL, strlen(VIRTUAL)) == 0)
		result = cannot_tell(root, "is on a device that /init cannot put together");
	else
		result = add_above(layer, device);
	if (result == DONE)
		result = add_alias(layer, xprintf("fs-%s", mounted.type));
	free(device);
	return result;
}
