/* SPDX-License-Identifier: MIT */
/* The start of /init: places to look at, the story's way out, the descriptor, late boot. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <overmount/descriptor.h>

#include "init.h"
#include "trace.h"

struct world world = {
	.console = -1, .kmsg = -1, .proc = -1, .sysfs = -1, .dev = -1, .below = -1, .uevents = -1,
	.log_limited = true, .stale = true, .first = -1,
};

int result_of(long result)
{
	return result < 0 ? -errno : (int)result;
}

int read_text_at(int dir, const char *path, char *buf, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else
		buf[len && buf[len - 1] == '\n' ? len - 1 : len] = '\0';
	close(fd);
	return len < 0 ? (int)len : 0;
}

/* ------------------------------------------------------------------ the story */

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t world_now_ms(void *ctx)
{
	(void)ctx;
	return now_usec() / 1000;
}

static void put(int fd, const char *text, size_t len)
{
	if (fd >= 0 && write(fd, text, len) < 0)
		return;		/* there is no other place to say so */
}

void log_limit(bool limited)
{
	static const char path[] = "sys/kernel/printk_devkmsg";
	const char *from = limited ? "on" : "ratelimit";
	/* Without the end of its line the kernel takes it for another word (EINVAL). */
	const char *to = limited ? "ratelimit\n" : "on\n";
	char word[16];
	int fd;

	if (world.log_limited == limited || read_text_at(world.proc, path, word, sizeof(word)) ||
	    strcmp(word, from) != 0)
		return;
	fd = openat(world.proc, path, O_WRONLY | O_CLOEXEC);
	put(fd, to, strlen(to));
	if (fd >= 0)
		close(fd);
	world.log_limited = limited;
}

/* To the console, and at the level that the console does not show again into the kernel's log. */
static void world_log(void *ctx, const char *text)
{
	char line[OM_LOG_LINE_MAX + 64];
	size_t len;

	(void)ctx;
	len = om_log_line(line, sizeof(line) - 1, now_usec(), text);
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	put(world.console, line, len);
	/* A line that does not end is not shown before there is another one. */
	len = om_format(line, sizeof(line), "<7>overmount: %s\n", text);
	put(world.kmsg, line, len < sizeof(line) ? len : sizeof(line) - 1);
	failure_line(text);
}

void say(const char *format, ...)
{
	char text[OM_LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	world_log(NULL, text);
}

/* ------------------------------------------------------------------ plain operations */

static int world_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)ctx;
	return result_of(mkdir(path, mode));
}

static int world_rmdir(void *ctx, const char *path)
{
	(void)ctx;
	return result_of(rmdir(path));
}

static int world_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return result_of(unlink(path));
}

static int world_mknod(void *ctx, const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
	(void)ctx;
	return result_of(mknod(path, mode, makedev(major, minor)));
}

static int world_symlink(void *ctx, const char *text, const char *path)
{
	(void)ctx;
	return result_of(symlink(text, path));
}

static int world_umount(void *ctx, const char *target, bool detach)
{
	(void)ctx;
	return result_of(umount2(target, detach ? MNT_DETACH : 0));
}

static int world_chdir(void *ctx, const char *path)
{
	(void)ctx;
	return result_of(chdir(path));
}

static int world_check_directory(void *ctx, const char *path)
{
	struct stat st;

	(void)ctx;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int world_prompt(void *ctx, const char *text)
{
	(void)ctx, (void)text;
	return -ENOSYS;
}

static void world_give_up(void *ctx)
{
	(void)ctx;
	world.failed = true;
	failure_begin();
}

/* ------------------------------------------------------------------ programs */

static int open_below(const char *root, const char *path)
{
	/* struct open_how; RESOLVE_IN_ROOT = 0x10 */
	const struct { uint64_t flags, mode, resolve; } how = { O_PATH | O_CLOEXEC, 0, 0x10 };
	char joined[OM_PATH_MAX];
	int dir = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return -errno;
	fd = result_of(syscall(437 /* openat2 */, dir, path, &how, sizeof(how)));
	close(dir);
	if (fd != -ENOSYS)
		return fd;
	om_format(joined, sizeof(joined), "%s%s", root, path);
	return result_of(open(joined, O_PATH | O_CLOEXEC));
}

/* Ourselves under the name of /init: whoever ran that would come back here. */
static bool is_self(const struct stat *st)
{
	struct stat self;

	return stat("/proc/self/exe", &self) == 0 && self.st_dev == st->st_dev &&
	       self.st_ino == st->st_ino;
}

static int world_check_program(void *ctx, const char *root, const char *path)
{
	int fd = open_below(root, path), err = 0;
	struct stat st;

	(void)ctx;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		err = -errno;
	else if (!*root && is_self(&st))
		err = -ENOENT;
	else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		err = -EACCES;
	close(fd);
	return err;
}

/* ------------------------------------------------------------------ the start */

static const struct om_sys linux_sys = {
	.mkdir = world_mkdir, .rmdir = world_rmdir, .unlink = world_unlink, .mknod = world_mknod,
	.symlink = world_symlink, .mount = world_mount, .move = world_move,
	.umount = world_umount, .chdir = world_chdir, .chroot = world_chroot,
	.check_program = world_check_program, .check_directory = world_check_directory,
	.find_device = world_find_device, .look_into = world_look_into, .list_device = world_list_device,
	.list_fstype = world_list_fstype, .wait_devices = world_wait_devices,
	.attach_image = world_attach_image, .verity_open = world_verity_open,
	.verity_close = world_verity_close, .unpack = world_unpack,
	.load_module = world_load_module, .run_linuxrc = world_run_linuxrc,
	.linuxrc_choice = world_linuxrc_choice, .free_ramdisk = world_free_ramdisk,
	.mount_nfs = world_mount_nfs, .prompt = world_prompt, .reap = world_reap,
	.exec = world_exec, .log = world_log, .give_up = world_give_up, .now_ms = world_now_ms,
};

/* A file system of the kernel on PATH; its directory, open, or -errno. */
static int mount_own(const char *type, const char *path, unsigned long flags)
{
	int made = result_of(mkdir(path, 0755));

	if (mount(type, path, type, flags, "") && errno != EBUSY)
		return made && made != -EEXIST ? made : -errno;
	return result_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* 0, 1 and 2 are closed where the kernel found no /dev/console; nothing else may become one of them. */
static void standard_reserve(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	close(fd);
}

void places_make(void)
{
	world.below = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world.dev = mount_own("devtmpfs", "/dev", MS_NOSUID);
	world.proc = mount_own("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	world.sysfs = mount_own("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	console_open();
	world.console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (world.console < 0)		/* what the kernel has opened */
		world.console = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	world.kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	log_limit(false);
	if (world.dev < 0)
		say("init: no devtmpfs on /dev: %s", om_errno_text(world.dev));
	if (world.proc < 0)
		say("init: no proc on /proc: %s", om_errno_text(world.proc));
	if (world.sysfs < 0)
		say("init: no sysfs on /sys: %s", om_errno_text(world.sysfs));
}

static void say_diag(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	say("descriptor: offset %llu: %s", (unsigned long long)diag->offset, diag->text);
}

static int descriptor_read(struct om_root *root)
{
	static uint8_t bytes[OM_DESCRIPTOR_MAX];
	const struct om_diag_sink sink = { say_diag, NULL };
	int fd = open(OM_DESCRIPTOR_PATH, O_RDONLY | O_CLOEXEC);
	enum om_status status;
	ssize_t len;

	if (fd < 0) {
		say("descriptor: " OM_DESCRIPTOR_PATH ": %s; an entry gets one if it names this archive by"
		    " `ramfs`", om_errno_text(-errno));
		return -ENOENT;
	}
	len = read(fd, bytes, sizeof(bytes));
	if (len < 0) {
		say("descriptor: " OM_DESCRIPTOR_PATH ": %s", om_errno_text(-errno));
		return -EIO;
	}
	close(fd);
	status = om_descriptor_decode((struct om_span){ bytes, (size_t)len }, &sink, root);
	if (status == OM_OK)
		return 0;
	say("descriptor: refused: %s", om_status_text(status));
	return -EINVAL;
}

static void *mem_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void mem_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx, (void)size;
	free(ptr);
}

const struct om_mem world_mem = { mem_alloc, mem_free, NULL };

/*
 * The end of PID 1 is the end of the kernel, which then does what panic= says: as it always did
 * when no root could be mounted.
 */
int main(int argc, char **argv)
{
	static struct om_root root;

	if (getpid() == 1 && argc > 0 && !argv[0][0])
		first_wait(FIRST_SOCKET);
	standard_reserve();
	if (getpid() != 1) {
		fputs("init: runs as PID 1 of an absolute root, and nowhere else\n", stderr);
		return 2;
	}
	world.argv = argv;
	places_make();
	if (descriptor_read(&root))
		return 1;
	world.root = &root;
	devices_start();
	modules_start();
	prepare_namespace(&root, &linux_sys);
	failure_keep();
	return 1;
}
