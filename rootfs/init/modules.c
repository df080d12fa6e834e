/* SPDX-License-Identifier: MIT */
/* Kernel modules: those that the archive brought, in the order that the host computed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"

#define COMPRESSED_FILE	4		/* MODULE_INIT_COMPRESSED_FILE */
#define ORDER_NAME	"overmount.order"

#define PARAMETERS_MAX	1024u

static char directory[160];		/* /lib/modules/RELEASE */
static char command_line[OM_CMDLINE_MAX];

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* "virtio_blk" is the file virtio_blk.ko, or virtio-blk.ko. */
static bool names(const char *path, struct om_str name)
{
	const char *base = strrchr(path, '/') + 1;
	size_t i;

	for (i = 0; i < name.len; i++)
		if (base[i] != name.ptr[i] && !(name.ptr[i] == '_' && base[i] == '-') &&
		    !(name.ptr[i] == '-' && base[i] == '_'))
			return false;
	return strncmp(base + i, ".ko", 3) == 0;
}

/* ------------------------------------------------------------------ the command line */

/* The word after WORD; blanks in quotation marks are none.  Empty after the last. */
static struct om_str word_next(struct om_str word)
{
	const char *at = word.ptr + word.len;
	bool quoted = false;
	size_t i;

	at += strspn(at, " \t\n");
	for (i = 0; at[i] && (quoted || !strchr(" \t\n", at[i])); i++)
		quoted ^= at[i] == '"';
	return (struct om_str){ at, i };
}

/* TEXT as far as the first END, or all of it. */
static struct om_str up_to(struct om_str text, char end)
{
	const char *found = memchr(text.ptr, end, text.len);

	return (struct om_str){ text.ptr, found ? (size_t)(found - text.ptr) : text.len };
}

/* NAME.PARAMETER=VALUE is for the module of that name, as modprobe(8) has it; the kernel takes only its own. */
static void parameters_read(const char *path, char *buf, size_t size)
{
	struct om_str word = { command_line, 0 }, name, value;
	size_t used = 0;

	buf[0] = '\0';
	while ((word = word_next(word)).len) {
		name = up_to(word, '.');
		if (name.len == word.len || !names(path, name))
			continue;
		value = om_str_skip(word, name.len + 1);
		if (used + word.len + 2 > size)
			say("module: %s: more parameters than there is room for", path);
		else
			used += om_format(buf + used, size - used, "%s%.*s", used ? " " : "",
					  (int)value.len, value.ptr);
	}
}

/* modprobe.blacklist=NAME,NAME: the way out when a driver breaks the boot. */
static bool is_forbidden(const char *path)
{
	static const char key[] = "modprobe.blacklist=";
	struct om_str word = { command_line, 0 }, rest, name;

	while ((word = word_next(word)).len) {
		if (!om_str_starts(word, key))
			continue;
		for (rest = om_str_skip(word, sizeof(key) - 1); rest.len; rest = om_str_skip(rest, name.len + 1)) {
			name = up_to(rest, ',');
			if (names(path, name))
				return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------ loading */

/* WITH goes before what the command line says. */
static int insert(const char *path, const char *with)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	bool packed = ends_with(path, ".xz") || ends_with(path, ".zst") || ends_with(path, ".gz");
	char parameters[PARAMETERS_MAX];
	size_t used;

	if (fd < 0)
		return -errno;
	used = om_format(parameters, sizeof(parameters), "%s%s", with, *with ? " " : "");
	parameters_read(path, parameters + used, sizeof(parameters) - used);
	err = result_of(syscall(SYS_finit_module, fd, parameters, packed ? COMPRESSED_FILE : 0));
	close(fd);
	return err == -EEXIST ? 0 : err;
}

/* Line by line: the path of a module below DIRECTORY; false at the end. */
static bool order_next(FILE *order, char *path, size_t size)
{
	char line[256];

	if (!fgets(line, sizeof(line), order))
		return false;
	line[strcspn(line, "\n")] = '\0';
	om_format(path, size, "%s/%s", directory, line);
	return true;
}

static FILE *order_open(void)
{
	char path[200];

	om_format(path, sizeof(path), "%s/" ORDER_NAME, directory);
	return fopen(path, "re");
}

/* brd's size is known when it is asked for; without UEFI there are no variables for efivarfs. */
static bool is_left_out(const char *path)
{
	struct stat st;

	if (is_forbidden(path)) {
		say("module: %s: not loaded, as modprobe.blacklist= asks", path);
		return true;
	}
	return names(path, OM_STR("brd")) ||
	       (names(path, OM_STR("efivarfs")) && fstatat(world.sysfs, "firmware/efi", &st, 0) != 0);
}

void modules_start(void)
{
	unsigned loaded = 0;
	struct utsname name;
	char path[448];
	FILE *order;
	int err;

	if (read_text_at(world.proc, "cmdline", command_line, sizeof(command_line)))
		command_line[0] = '\0';
	uname(&name);
	om_format(directory, sizeof(directory), "/lib/modules/%s", name.release);
	order = order_open();
	if (!order) {
		say("modules: none here for Linux %s", name.release);
		return;
	}
	while (order_next(order, path, sizeof(path))) {
		if (is_left_out(path))
			continue;
		err = insert(path, "");
		/* ENODEV: what it drives is not in this machine. */
		if (err && err != -ENODEV)
			say("module: %s: %s", path, om_errno_text(err));
		loaded += err == 0;
	}
	fclose(order);
	say("modules: %u loaded for Linux %s", loaded, name.release);
}

int module_load(const char *name, const char *parameters)
{
	char found[448];
	FILE *order = order_open();
	int err = -ENOENT;

	while (order && order_next(order, found, sizeof(found))) {
		if (!names(found, om_str_from(name)))
			continue;
		err = insert(found, parameters);
		break;
	}
	if (order)
		fclose(order);
	return err;
}

int world_load_module(void *ctx, const char *path)
{
	(void)ctx;
	return strchr(path, '/') ? insert(path, "") : module_load(path, "");
}
