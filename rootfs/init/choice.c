/* SPDX-License-Identifier: MIT */
/*
 * /proc/root-descriptor and /proc/sys/kernel/real-root-dev, which this kernel does not have: files
 * in memory, reached by way of our /proc/PID/fd in whatever place a program has mounted proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <overmount/choice.h>
#include <overmount/descriptor.h>

#include "init.h"
#include "trace.h"

#define PROC_MAGIC	0x9fa0

enum { NUMBER, LINES, FILE_COUNT };

static const struct {
	const char *path;		/* below proc's own root */
} files[FILE_COUNT] = { { "sys/kernel/real-root-dev" }, { "root-descriptor" } };

static int fds[FILE_COUNT] = { -1, -1 };
static bool written[FILE_COUNT];
static int last = -1;			/* which was opened for writing last */
static int opening = -1;		/* that, as soon as the call is on its way */
static uint32_t number;
static char lines[OM_CHOICE_TEXT_MAX];
static struct om_candidate candidates[OM_CANDIDATES_MAX];
static uint32_t candidate_count;

/* ------------------------------------------------------------------ the files */

static void put_line(void *ctx, const char *line)
{
	int *fd = ctx;

	if (write(*fd, line, strlen(line)) < 0 || write(*fd, "\n", 1) < 0)
		return;		/* memory is short: the file ends here */
}

static void put_number(void)
{
	char text[16];

	if (ftruncate(fds[NUMBER], 0) || lseek(fds[NUMBER], 0, SEEK_SET) < 0)
		return;
	om_format(text, sizeof(text), "%u", number);
	put_line(&fds[NUMBER], text);
}

int choice_open(uint32_t major, uint32_t minor)
{
	int i;

	for (i = 0; i < FILE_COUNT; i++) {
		if (i == NUMBER && !world.root->real_root_dev_compat)
			continue;
		fds[i] = memfd_create(files[i].path, MFD_CLOEXEC);
		if (fds[i] < 0)
			return -errno;
		fchmod(fds[i], 0644);
	}
	number = om_device_number(major, minor);
	if (fds[NUMBER] >= 0)
		put_number();
	om_descriptor_to_text(world.root, put_line, &fds[LINES]);
	return 0;
}

/* How many bytes of it are in BUF now. */
static size_t content(int which, char *buf, size_t size)
{
	ssize_t len = pread(fds[which], buf, size, 0);

	return len < 0 ? 0 : (size_t)len;
}

static void take_number(void)
{
	char text[64];
	size_t len = content(NUMBER, text, sizeof(text) - 1);

	text[len] = '\0';
	if (!om_device_number_parse((struct om_str){ text, len }, &number))
		say("real-root-dev: '%.*s' is no number", (int)strcspn(text, "\n"), text);
	else
		written[NUMBER] = true;
}

/* ------------------------------------------------------------------ who opens them */

/* Is PREFIX, as TID sees it, where a proc is mounted? */
static bool is_proc(pid_t tid, const char *prefix, bool relative)
{
	char path[512];
	struct statfs fs;
	int fd, err;

	om_format(path, sizeof(path), "%d/%s/%s", (int)tid, relative ? "cwd" : "root", prefix);
	fd = openat(world.proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	err = fstatfs(fd, &fs);
	if (err)
		say("linuxrc: /proc/%s: %s", path, om_errno_text(-errno));
	close(fd);
	return !err && fs.f_type == PROC_MAGIC;
}

/*
 * PATH = PREFIX + the end of FILE: then the rest of FILE must be the way from the proc's root to
 * the current directory, so that it lies as many levels up.
 */
static bool split(pid_t tid, const char *path, const char *file, char *ret_prefix, size_t size)
{
	size_t len = strlen(path), tail = strlen(file);
	const char *rest = file;
	unsigned up = 0;
	char link[32], cwd[512], *end;
	ssize_t got;

	if (len >= tail && strcmp(path + len - tail, file) == 0 &&
	    (len == tail || path[len - tail - 1] == '/')) {
		om_format(ret_prefix, size, "%.*s", (int)(len - tail), path);
		return is_proc(tid, ret_prefix, path[0] != '/');
	}
	if (path[0] == '/' || strchr(path, '.'))
		return false;
	while (rest && strcmp(rest, path) != 0) {
		rest = strchr(rest, '/');
		rest = rest ? rest + 1 : NULL;
		up++;
	}
	if (!rest)
		return false;
	om_format(link, sizeof(link), "%d/cwd", (int)tid);
	got = readlinkat(world.proc, link, cwd, sizeof(cwd) - 1);
	if (got < 0)
		return false;
	cwd[got] = '\0';
	len = (size_t)(rest - file) - 1;	/* "sys/kernel" */
	end = cwd + got - len;
	if ((size_t)got < len || strncmp(end, file, len) != 0)
		return false;
	om_format(ret_prefix, size, "%s", up == 2 ? "../../" : "../");
	return is_proc(tid, ret_prefix, true);
}

bool choice_path(pid_t tid, const char *path, bool for_write, char *ret_path, size_t size)
{
	char prefix[256];
	int i;

	for (i = 0; i < FILE_COUNT; i++)
		if (fds[i] >= 0 && split(tid, path, files[i].path, prefix, sizeof(prefix)))
			break;
	if (i == FILE_COUNT)
		return false;
	if (i == NUMBER && last == NUMBER) {
		/* What it shows is the number, however it was written. */
		take_number();
		put_number();
	}
	opening = for_write ? i : last;
	om_format(ret_path, size, "%s%d/fd/%d", prefix, (int)getpid(), fds[i]);
	return true;
}

void choice_opened(void)
{
	last = opening;
}

/* ------------------------------------------------------------------ what was chosen */

static void say_diag(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	say("root-descriptor: %u:%u: %s%s%s", diag->line, diag->column, diag->text,
	    diag->hint[0] ? "; " : "", diag->hint);
}

static void take_lines(void)
{
	const struct om_diag_sink sink = { say_diag, NULL };
	struct om_entry *scratch = malloc(sizeof(*scratch));
	size_t len = content(LINES, lines, sizeof(lines));
	struct om_arena arena;

	if (!scratch)
		return;
	om_arena_init(&arena, &world_mem);
	if (om_choice_lines((struct om_str){ lines, len }, &arena, scratch, &sink, candidates,
			    &candidate_count) != OM_OK)
		candidate_count = 0;
	om_arena_release(&arena);
	free(scratch);
}

void choice_close(void)
{
	int i;

	if (last == NUMBER) {
		take_number();
		if (written[NUMBER]) {
			candidates[0] = om_choice_number(world.root, number);
			candidate_count = 1;
		}
	} else if (last == LINES) {
		take_lines();
	}
	for (i = 0; i < FILE_COUNT; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void world_linuxrc_choice(void *ctx, struct om_choice *ret_choice)
{
	(void)ctx;
	*ret_choice = (struct om_choice){ candidates, candidate_count };
}
