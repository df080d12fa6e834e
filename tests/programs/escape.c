/* SPDX-License-Identifier: MIT */
/*
 * Ways out of a chroot that root has, tried one after the other.  TAP on standard output; exit
 * status 0 only when every one of them ended in the root that this program started in.
 *
 * The root outside has a file /.overmount-absolute; whoever sees it has got out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER	".overmount-absolute"
#define CLIMB	64
#define JAIL	"/jail"
#define NEW	"/new"

static struct stat covering;	/* "/" at the start */
static int kept_root;		/* a directory kept open from before */

static int same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void climb(void)
{
	int i;

	for (i = 0; i < CLIMB; i++)
		if (chdir("..") < 0)
			return;
}

/* Called in the child: is this place inside?  Says where it is otherwise. */
static int inside(const char *where)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", where, MARKER);
	if (access(path, F_OK) == 0) {
		printf("# %s is the absolute root\n", where);
		return 0;
	}
	if (stat(where, &st) < 0)
		return 1;		/* nowhere is not outside */
	if (!same(&st, &covering)) {
		printf("# %s is %lx:%lu, expected %lx:%lu\n", where, (long)st.st_dev,
		       (long)st.st_ino, (long)covering.st_dev, (long)covering.st_ino);
		return 0;
	}
	return 1;
}

static int ends_inside(void)
{
	climb();
	if (!inside("."))
		return 0;
	if (chroot(".") == 0 && chdir("/") == 0) {
		climb();
		return inside("/") && inside(".");
	}
	return 1;
}

/* chroot below the working directory, which stays outside; then up. */
static int chroot_and_climb(void)
{
	if (chdir("/") < 0 || chroot(JAIL) < 0)
		return 0;
	return ends_inside();
}

static int chroot_with_open_directory(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd < 0 || chroot(JAIL) < 0 || chdir("/") < 0 || fchdir(fd) < 0)
		return 0;
	return ends_inside();
}

static int kept_descriptor(void)
{
	if (chroot(JAIL) < 0 || chdir("/") < 0 || fchdir(kept_root) < 0)
		return 0;
	return ends_inside();
}

static int dotdot_chain(void)
{
	char path[CLIMB * 3 + 2] = "/";
	int i;

	for (i = 0; i < CLIMB; i++)
		memcpy(path + 1 + 3 * i, "../", sizeof("../"));
	return inside(path) && chdir(path) == 0 && ends_inside();
}

static int chroot_dot_after_climbing(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		climb();
		if (chroot(".") < 0)
			return 0;
	}
	return inside("/") && ends_inside();
}

static int proc_self_root(void)
{
	return inside("/proc/self/root/") && inside("/proc/self/root/..") &&
	       inside("/proc/self/root/../../..") && chdir("/proc/self/root/..") == 0 &&
	       ends_inside();
}

static int proc_self_cwd(void)
{
	if (chdir("/") < 0 || chroot(JAIL) < 0)
		return 0;
	climb();
	return inside(".") && ends_inside();
}

static int proc_pid1_root(void)
{
	return inside("/proc/1/root/") && inside("/proc/1/root/..") &&
	       inside("/proc/1/cwd/../../../..") && chdir("/proc/1/root/..") == 0 && ends_inside();
}

static int pid1_descriptors(void)
{
	char path[64];
	int fd;

	for (fd = 0; fd < 32; fd++) {
		snprintf(path, sizeof(path), "/proc/1/fd/%d/..", fd);
		if (chdir(path) == 0 && !ends_inside())
			return 0;
	}
	return inside("/");
}

static int bind_root_elsewhere(void)
{
	if (mount("/", NEW, NULL, MS_BIND | MS_REC, NULL) < 0)
		return inside("/");
	return inside(NEW "/..") && inside(NEW) && chdir(NEW) == 0 && chroot(".") == 0 &&
	       ends_inside();
}

static int bind_parent_of_root(void)
{
	if (mount("/..", NEW, NULL, MS_BIND, NULL) < 0)
		return inside("/");
	return inside(NEW) && chdir(NEW) == 0 && ends_inside();
}

static int move_root_away(void)
{
	mount("tmpfs", NEW, "tmpfs", 0, NULL);
	mkdir(NEW "/old", 0700);
	mount("/", NEW "/old", NULL, MS_MOVE, NULL);
	return inside("/") && chdir("/..") == 0 && ends_inside();
}

static int umount_root(void)
{
	umount("/");
	umount2("/", MNT_FORCE);
	return inside("/") && chdir("/") == 0 && ends_inside();
}

static int umount_root_lazily(void)
{
	umount2("/", MNT_DETACH);
	return inside("/") && chdir("/") == 0 && ends_inside();
}

static int umount_dotdot(void)
{
	if (chdir("/") < 0)
		return 0;
	umount2("..", MNT_DETACH);
	umount2(".", MNT_DETACH);
	return inside("/") && ends_inside();
}

/* pivot_root onto itself and unmount the old one: what is below must not appear. */
static int pivot_in_place(void)
{
	if (chdir("/") < 0)
		return 0;
	syscall(SYS_pivot_root, ".", ".");
	umount2(".", MNT_DETACH);
	return inside("/") && ends_inside();
}

/* Into a tmpfs and back again. */
static int pivot_and_back(void)
{
	if (mount("tmpfs", NEW, "tmpfs", 0, NULL) < 0 || mkdir(NEW "/old", 0700) < 0 ||
	    chdir(NEW) < 0)
		return 0;
	if (syscall(SYS_pivot_root, ".", "old") < 0)
		return chdir("/") == 0 && inside("/") && ends_inside();
	if (access("/../" MARKER, F_OK) == 0 || access("/old/../" MARKER, F_OK) == 0)
		return 0;
	return inside("/old") && chdir("/old") == 0 && chroot(".") == 0 && ends_inside();
}

static int namespace_copy(void)
{
	if (unshare(CLONE_NEWNS) < 0 || chroot(JAIL) < 0)
		return 0;
	umount2("/", MNT_DETACH);
	return ends_inside();
}

static int descriptor_over_fork(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY), status;
	pid_t child;

	if (fd < 0)
		return 0;
	child = fork();
	if (child == 0) {
		if (chroot(JAIL) < 0 || chdir("/") < 0 || fchdir(fd) < 0)
			_exit(1);
		_exit(!ends_inside());
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
	       fchdir(fd) == 0 && ends_inside();
}

/* The place moves out of the jail while somebody is in it. */
static int rename_under_jail(void)
{
	int fd;

	mkdir(JAIL "/deep", 0700);
	fd = open(JAIL "/deep", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || chroot(JAIL) < 0 || chdir("/deep") < 0)
		return 0;
	if (fchdir(kept_root) < 0 || rename("jail/deep", "tmp/deep") < 0 || fchdir(fd) < 0)
		return 0;
	climb();
	rename("tmp/deep", "jail/deep");
	return inside(".");
}

static const struct {
	const char *name;
	int (*attempt)(void);
} attempts[] = {
	{ "chroot below the working directory and climb", chroot_and_climb },
	{ "chroot with an open directory, fchdir, climb", chroot_with_open_directory },
	{ "fchdir to a descriptor kept from before", kept_descriptor },
	{ "a chain of ..", dotdot_chain },
	{ "chroot to . after climbing, several times", chroot_dot_after_climbing },
	{ "/proc/self/root", proc_self_root },
	{ "a working directory outside the chroot", proc_self_cwd },
	{ "/proc/1/root and /proc/1/cwd", proc_pid1_root },
	{ "descriptors of PID 1", pid1_descriptors },
	{ "bind / elsewhere and climb", bind_root_elsewhere },
	{ "bind the parent of /", bind_parent_of_root },
	{ "move / away", move_root_away },
	{ "unmount /", umount_root },
	{ "unmount / lazily", umount_root_lazily },
	{ "unmount ..", umount_dotdot },
	{ "pivot_root in place", pivot_in_place },
	{ "pivot_root and back", pivot_and_back },
	{ "a copied mount namespace", namespace_copy },
	{ "a descriptor passed over fork", descriptor_over_fork },
	{ "a directory renamed out of the chroot", rename_under_jail },
};

#define COUNT ((int)(sizeof(attempts) / sizeof(attempts[0])))

/* In a child with a mount namespace of its own, so that one attempt does not help the next. */
static int try(int i)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			printf("# unshare: %s\n", strerror(errno));
		status = attempts[i].attempt();
		if (!status)
			printf("# errno: %s\n", strerror(errno));
		fflush(stdout);
		_exit(!status);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
	int i, failed = 0;

	mkdir(JAIL, 0755);
	mkdir(NEW, 0755);
	mkdir("/tmp", 01777);
	kept_root = open("/", O_RDONLY | O_DIRECTORY);
	if (kept_root < 0 || stat("/", &covering) < 0) {
		perror("/");
		return 2;
	}
	printf("1..%d\n", COUNT);
	for (i = 0; i < COUNT; i++) {
		int ok = try(i);

		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, attempts[i].name);
		failed += !ok;
	}
	printf("# %d of %d got out\n", failed, COUNT);
	return failed != 0;
}
