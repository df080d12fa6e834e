/* SPDX-License-Identifier: MIT */
/* chroot, pivot_root and mount namespaces: what a task takes for "/". */
#include "abi.h"

#include <sched.h>
#include <sys/mman.h>

static void where(void)
{
	char text[256];
	long n = syscall(SYS_getcwd, text, sizeof(text));

	SAY("cwd: %s", n < 0 ? strerrorname_np(errno) : text);
}

static void chroot_plain(void)
{
	mkdir("r", 0755);
	mkdir("r/in", 0755);
	abi_put("r/f", "inside");
	abi_put("f", "outside");
	symlink("/f", "r/absolute");
	symlink("../../f", "r/up");
	SEE(chroot("none"));
	SEE(chroot("f"));
	SEE(chroot(""));
	SEE(chroot("r"));
	where();
	abi_show("f");
	abi_show("/f");
	SEE(chdir("/"));
	where();
	abi_show("f");
	abi_show("absolute");
	abi_show("up");
	abi_show("../f");
	abi_show("/../../f");
	SEE(chdir("in"));
	abi_show("../../../f");
	where();
	SEE(access("/proc/self", F_OK));
}

static void chroot_twice(void)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	abi_put("a/b/f", "b");
	abi_put("a/f", "a");
	SEE(chroot("a"));
	SEE(chdir("/"));
	SEE(chroot("b"));
	abi_show("/f");
	abi_show("f");
	where();
	SEE(chdir("/"));
	where();
	abi_show("f");
	abi_show("../f");
}

/* The old trick: cwd stays outside of the new root, so `..` never meets it. */
static void chroot_escape(void)
{
	mkdir("jail", 0755);
	mkdir("jail/deeper", 0755);
	abi_put("f", "free");
	SEE(chroot("jail"));
	SEE(chdir("/"));
	SEE(chroot("deeper"));
	SEE(access("../f", F_OK));
	SEE(chdir(".."));
	where();
	SEE(chdir("../../../../.."));
	SEE(access("case/f", F_OK));
	abi_list("case");
	SEE(chroot("."));
	where();
	SEE(access("/case/f", F_OK));
	SEE(access("/init", F_OK));
}

static void chroot_descriptor(void)
{
	int fd = open(".", O_RDONLY);

	mkdir("jail", 0755);
	abi_put("f", "free");
	SEE(chroot("jail"));
	SEE(chdir("/"));
	SEE(openat(fd, "f", O_RDONLY));
	SEE(openat(fd, "/f", O_RDONLY));
	SEE(openat(fd, "../case/f", O_RDONLY));
	SEE(fchdir(fd));
	where();
	abi_show("f");
	SEE(access("/f", F_OK));
}

static void chroot_children(void)
{
	mkdir("r", 0755);
	abi_put("r/f", "");
	IN_CHILD(SEE(chroot("r"));
		 SEE(chdir("/"));
		 IN_CHILD(SEE(access("/f", F_OK)));
		 SEE(execl("/bin/abi", "abi", NULL)));
	SEE(access("/f", F_OK));
	where();
	IN_CHILD(abi_user(1000); SEE(chroot("r")));
	IN_CHILD(SEE(chroot("r/f")));
	IN_CHILD(mkdir("closed", 0700);
		 SEE(setresuid(0, 1000, 0));
		 SEE(chroot("closed")));
}

static void chroot_mountinfo(void)
{
	char line[1024], place[256];
	FILE *file = fopen("/proc/self/mountinfo", "r");

	mkdir("r", 0755);
	mkdir("r/m", 0755);
	SEE(mount("x", "r/m", "tmpfs", 0, NULL));
	SEE(chroot("r"));
	SEE(chdir("/"));
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %*d %*s %*s %255s", place) == 1)
			SAY("sees %s", place);
	SEE(umount("/m"));
	SEE(umount("/"));
}

static void pivot_refusals(void)
{
	mkdir("new", 0755);
	mkdir("new/old", 0755);
	abi_put("f", "");
	SEE(syscall(SYS_pivot_root, "new", "new/old"));
	SEE(syscall(SYS_pivot_root, "none", "new/old"));
	SEE(syscall(SYS_pivot_root, "f", "new/old"));
	SEE(syscall(SYS_pivot_root, "new", "f"));
	SEE(syscall(SYS_pivot_root, "/", "/"));
	SEE(mount("x", "new", "tmpfs", 0, NULL));
	SEE(syscall(SYS_pivot_root, "new", "new"));
	mkdir("new/old", 0755);
	SEE(syscall(SYS_pivot_root, "new", "/case"));
	SEE(syscall(SYS_pivot_root, "new/old", "new"));
	SEE(syscall(SYS_pivot_root, "new", "none"));
	IN_CHILD(abi_user(1000); SEE(syscall(SYS_pivot_root, "new", "new/old")));
	where();
}

static void pivot(void)
{
	mkdir("new", 0755);
	SEE(mount("x", "new", "tmpfs", 0, NULL));
	mkdir("new/old", 0755);
	abi_put("new/f", "new root");
	SEE(syscall(SYS_pivot_root, "new", "new/old"));
	where();
	abi_show("/f");
	SEE(access("/old/bin/abi", F_OK));
	SEE(access("/old/case/new", F_OK));
	SEE(chdir("/"));
	where();
	SEE(umount("/old"));
	SEE(umount2("/old", MNT_DETACH));
	abi_list("/");
	SEE(access("/bin/abi", F_OK));
	SEE(access("/..", F_OK));
	abi_list("/..");
}

static void pivot_onto_itself(void)
{
	mkdir("new", 0755);
	SEE(mount("x", "new", "tmpfs", 0, NULL));
	abi_put("new/f", "");
	SEE(chdir("new"));
	SEE(syscall(SYS_pivot_root, ".", "."));
	where();
	SEE(umount2(".", MNT_DETACH));
	where();
	abi_list("/");
	abi_list(".");
}

static void switch_root(void)
{
	mkdir("new", 0755);
	SEE(mount("x", "new", "tmpfs", 0, NULL));
	abi_put("new/f", "");
	SEE(chdir("new"));
	SEE(mount(".", "/", NULL, MS_MOVE, NULL));
	where();
	SEE(access("/bin/abi", F_OK));
	SEE(chroot("."));
	SEE(chdir("/"));
	where();
	abi_list("/");
	abi_list("/..");
	SEE(access("/bin/abi", F_OK));
}

static void private_namespace(void)
{
	mkdir("m", 0755);
	IN_CHILD(SEE(unshare(CLONE_NEWNS));
		 SEE(mount("x", "m", "tmpfs", 0, NULL));
		 abi_put("m/f", "seen by the child");
		 abi_list("m"));
	abi_list("m");
	SEE(mount("y", "m", "tmpfs", 0, NULL));
	IN_CHILD(SEE(unshare(CLONE_NEWNS));
		 SEE(umount("m"));
		 abi_put("m/under", ""));
	abi_list("m");
	SEE(umount("m"));
	abi_list("m");
	IN_CHILD(abi_user(1000); SEE(unshare(CLONE_NEWNS)));
	SEE(unshare(0));
	SEE(unshare(0x1));
	SEE(unshare(CLONE_FS));
	SEE(unshare(CLONE_FILES));
}

static int in_clone(void *argument)
{
	(void)argument;
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	abi_put("m/f", "");
	abi_list("m");
	where();
	fflush(stdout);
	return 7;
}

static void clone_namespace(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid;

	mkdir("m", 0755);
	fflush(stdout);
	pid = clone(in_clone, stack + sizeof(stack), CLONE_NEWNS | SIGCHLD, NULL);
	abi_ended(pid);
	abi_list("m");
	SEE(clone(in_clone, stack + sizeof(stack), CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL));
	pid = clone(in_clone, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	abi_ended(pid);
	abi_list("m");
}

static int change_root(void *argument)
{
	chdir(argument);
	umask(077);
	return 0;
}

static void shared_fs(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid;

	mkdir("d", 0755);
	fflush(stdout);
	pid = clone(change_root, stack + sizeof(stack), CLONE_FS | SIGCHLD, (void *)"d");
	abi_ended(pid);
	where();
	SEE(umask(0));
	pid = clone(change_root, stack + sizeof(stack), SIGCHLD, (void *)"/");
	abi_ended(pid);
	where();
	SEE(unshare(CLONE_FS));
}

static void cwd_in_namespace(void)
{
	int fd;

	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	mkdir("m/d", 0755);
	SEE(chdir("m/d"));
	fd = open(".", O_RDONLY);
	SEE(unshare(CLONE_NEWNS));
	where();
	SEE(chdir("/"));
	SEE(umount("/case/m"));
	SEE(fchdir(fd));
	where();
	SEE(mkdir("new", 0755));
	SEE(mount("y", "new", "tmpfs", 0, NULL));
	SEE(access("../..", F_OK));
}

static const struct abi_case cases[] = {
	{ "chroot", chroot_plain }, { "chroot-twice", chroot_twice },
	{ "chroot-escape", chroot_escape }, { "chroot-descriptor", chroot_descriptor },
	{ "chroot-children", chroot_children }, { "chroot-mountinfo", chroot_mountinfo },
	{ "pivot-refusals", pivot_refusals }, { "pivot", pivot },
	{ "pivot-onto-itself", pivot_onto_itself }, { "switch-root", switch_root },
	{ "private-namespace", private_namespace }, { "clone-namespace", clone_namespace },
	{ "shared-fs", shared_fs }, { "cwd-in-namespace", cwd_in_namespace },
};

AREA(roots, cases);
