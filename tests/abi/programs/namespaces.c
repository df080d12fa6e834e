/* SPDX-License-Identifier: MIT */
/* Propagation between mounts, and what one task sees of another's root and mounts. */
#include "abi.h"

#include <sched.h>

/* Places below /case in the mountinfo of TASK, in its order. */
static void say_places(const char *task)
{
	char name[64], line[1024], place[256], type[64];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%s/mountinfo", task);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");

		if (rest && sscanf(line, "%*d %*d %*s %*s %255s", place) == 1 &&
		    sscanf(rest, " - %63s", type) == 1 && strncmp(place, "/case/", 6) == 0)
			SAY("  %s %s", place, type);
	}
	if (file)
		fclose(file);
	else
		SAY("  %s", strerrorname_np(errno));
}

static void make_kinds(void)
{
	mkdir("m", 0755);
	mkdir("m/d", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(mount(NULL, "m", NULL, MS_SHARED, NULL));
	SEE(mount("", "m", "", MS_SLAVE, ""));
	SEE(mount("none", "m", NULL, MS_PRIVATE | MS_REC, NULL));
	SEE(mount("none", "m", NULL, MS_UNBINDABLE | MS_SILENT, NULL));
	SEE(mount("none", "m", NULL, MS_PRIVATE, NULL));
	SEE(mount("none", "/", NULL, MS_PRIVATE | MS_REC, NULL));
	/* Not a mount, two kinds, and a flag of something else beside one. */
	mkdir("m/d", 0755);
	SEE(mount("none", "m/d", NULL, MS_SHARED, NULL));
	SEE(mount("none", "none", NULL, MS_SHARED, NULL));
	SEE(mount("none", "m", NULL, MS_SHARED | MS_SLAVE, NULL));
	SEE(mount("none", "m", NULL, MS_SHARED | MS_NOSUID, NULL));
	SEE(mount("none", "m", NULL, MS_PRIVATE | MS_RDONLY, NULL));
	SEE(mount("none", "m", NULL, MS_PRIVATE | MS_MOVE, NULL));
	say_places("self");
	SEE(umount("m"));
}

/* What is private stays in its namespace, in both directions. */
static void private_stays(void)
{
	int ready[2], go[2];
	char byte;
	pid_t pid;

	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
	mkdir("m/child", 0755);
	mkdir("m/parent", 0755);
	if (pipe(ready) < 0 || pipe(go) < 0)
		return;
	pid = abi_fork();
	if (pid == 0) {
		SEE(unshare(CLONE_NEWNS));
		SEE(mount("y", "m/child", "tmpfs", 0, NULL));
		fflush(stdout);
		(void)!write(ready[1], "x", 1);
		(void)!read(go[0], &byte, 1);
		say_places("self");
		abi_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	SEE(mount("z", "m/parent", "tmpfs", 0, NULL));
	say_places("self");
	fflush(stdout);
	(void)!write(go[1], "x", 1);
	abi_ended(pid);
}

static void shared_goes_over(void)
{
	mkdir("m", 0755);
	mkdir("b", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(mount(NULL, "m", NULL, MS_SHARED, NULL));
	mkdir("m/d", 0755);
	SEE(mount("m", "b", NULL, MS_BIND, NULL));
	SEE(mount("y", "m/d", "tmpfs", 0, NULL));
	say_places("self");
	IN_CHILD(SEE(unshare(CLONE_NEWNS)); SEE(umount("m/d")); say_places("self"));
	say_places("self");
}

static void unbindable(void)
{
	mkdir("m", 0755);
	mkdir("b", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
	SEE(mount("m", "b", NULL, MS_BIND, NULL));
	say_places("self");
}

/* A child in a namespace and a chroot of its own, looked at from outside. */
static void another_task(void)
{
	char name[64], task[16], text[128];
	int ready[2], go[2];
	ssize_t got;
	char byte;
	pid_t pid;

	mkdir("m", 0755);
	mkdir("m/jail", 0755);
	abi_put("m/jail/f", "in the jail");
	if (pipe(ready) < 0 || pipe(go) < 0)
		return;
	pid = abi_fork();
	if (pid == 0) {
		SEE(unshare(CLONE_NEWNS));
		SEE(mount("y", "m", "tmpfs", 0, NULL));
		mkdir("m/jail", 0755);
		mkdir("m/jail/in", 0755);
		abi_put("m/jail/f", "in the other jail");
		SEE(chroot("m/jail"));
		SEE(chdir("/in"));
		fflush(stdout);
		(void)!write(ready[1], "x", 1);
		(void)!read(go[0], &byte, 1);
		abi_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	snprintf(task, sizeof(task), "%d", (int)pid);
	snprintf(name, sizeof(name), "/proc/%s/root/f", task);
	SAY("f at its root: %s", (got = open(name, O_RDONLY)) < 0 ? strerrorname_np(errno) : "open");
	text[0] = 0;
	if (got >= 0)
		text[read((int)got, text, sizeof(text) - 1)] = 0;
	SAY("%s", text);
	snprintf(name, sizeof(name), "/proc/%s/cwd/../f", task);
	SAY("f above its directory: %s", access(name, F_OK) < 0 ? strerrorname_np(errno) : "there");
	/* ".." of a root that is not one's own climbs. */
	snprintf(name, sizeof(name), "/proc/%s/root/../jail/f", task);
	SAY("f beside its root: %s", access(name, F_OK) < 0 ? strerrorname_np(errno) : "there");
	snprintf(name, sizeof(name), "/proc/%s/exe", task);
	got = readlink(name, text, sizeof(text) - 1);
	SAY("exe: %.*s", got < 0 ? 0 : (int)got, text);
	snprintf(name, sizeof(name), "/proc/%s/fd/0", task);
	SAY("fd 0: %s", access(name, F_OK) < 0 ? strerrorname_np(errno) : "there");
	snprintf(name, sizeof(name), "/proc/%s/fd/99", task);
	SAY("fd 99: %s", access(name, F_OK) < 0 ? strerrorname_np(errno) : "there");
	say_places("self");
	(void)!write(go[1], "x", 1);
	abi_ended(pid);
	SAY("gone: %s", access(name, F_OK) < 0 ? strerrorname_np(errno) : "there");
}

/* /proc/self's links, followed and not. */
static void own_links(void)
{
	char text[128];
	long got;
	int fd;

	mkdir("d", 0755);
	mkdir("r", 0755);
	abi_put("d/f", "text");
	SEE(mount("p", "r", "proc", 0, NULL));
	SEE(chdir("d"));
	abi_show("/proc/self/cwd/f");
	abi_show("/proc/self/root/case/d/f");
	fd = open("f", O_RDWR);
	SEE(unlink("f"));
	got = SEE(readlink("/proc/self/fd/3", text, sizeof(text) - 1));
	if (fd == 3 && got > 0)
		SAY("%.*s", (int)got, text);
	SEE(open("/proc/self/fd/3", O_RDONLY));
	SEE(open("/proc/self/fd/3", O_RDONLY | O_NOFOLLOW));
	SEE(open("/proc/self/exe", O_WRONLY));
	SEE(access("/proc/self/exe", X_OK));
	SEE(unlink("/proc/self/cwd"));
	SEE(chdir("/proc/self/cwd/.."));
	got = syscall(SYS_getcwd, text, sizeof(text));
	SAY("%s", got < 0 ? strerrorname_np(errno) : text);
	SEE(rmdir("d"));
	SEE(chdir("/proc/self/fd"));
	SEE(access("3", F_OK));
	close(3);
	SEE(access("3", F_OK));
	SEE(chroot("/case/r"));
	got = SEE(readlink("/self/root", text, sizeof(text) - 1));
	SAY("%.*s", got < 0 ? 0 : (int)got, text);
	got = SEE(readlink("/self/cwd", text, sizeof(text) - 1));
}

static void forced(void)
{
	int fd;

	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	abi_put("m/f", "x");
	fd = open("m/f", O_RDONLY);
	SEE(umount2("m", MNT_FORCE));
	SEE(umount2("m", MNT_FORCE | MNT_DETACH));
	SEE(umount2("m", MNT_FORCE));
	close(fd);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(umount2("m", MNT_FORCE));
	IN_CHILD(abi_user(1000); SEE(umount2("m", MNT_FORCE)); SEE(umount("none")); SEE(umount("/")));
}

static void pivot_more(void)
{
	mkdir("new", 0755);
	mkdir("other", 0755);
	symlink("loop", "loop");
	SEE(mount("x", "new", "tmpfs", 0, NULL));
	SEE(mount("y", "other", "tmpfs", 0, NULL));
	mkdir("new/old", 0755);
	mkdir("new/in", 0755);
	SEE(syscall(SYS_pivot_root, "loop", "new/old"));
	SEE(syscall(SYS_pivot_root, "new", "loop"));
	SEE(syscall(SYS_pivot_root, "new", "other"));
	SEE(syscall(SYS_pivot_root, "new/in", "new/in"));
	SEE(syscall(SYS_pivot_root, "", "new/old"));
	SEE(syscall(SYS_pivot_root, nowhere, "new/old"));
	SEE(syscall(SYS_pivot_root, "new", nowhere));
	IN_CHILD(SEE(chroot("new")); SEE(syscall(SYS_pivot_root, "/", "/old")));
	IN_CHILD(SEE(chdir("new")); SEE(chroot("/case"));
		 SEE(syscall(SYS_pivot_root, ".", "old")));
	/* The old root may go into another file system below the new one. */
	SEE(mount("z", "new/in", "tmpfs", 0, NULL));
	mkdir("new/in/deep", 0755);
	SEE(syscall(SYS_pivot_root, "new", "new/in/deep"));
	SEE(chdir("/"));
	SEE(access("/in/deep/bin/abi", F_OK));
	SEE(umount("/in"));
	SEE(umount2("/in/deep", MNT_DETACH));
	SEE(umount("/in"));
	abi_list("/");
}

static const struct abi_case cases[] = {
	{ "make-kinds", make_kinds }, { "private-stays", private_stays },
	{ "shared-goes-over", shared_goes_over }, { "unbindable", unbindable },
	{ "another-task", another_task }, { "own-links", own_links }, { "forced", forced },
	{ "pivot-more", pivot_more },
};

AREA(namespaces, cases);
