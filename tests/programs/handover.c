/* SPDX-License-Identifier: MIT */
/*
 * As init of a stock Linux: what a final root must allow that a root on the bottom of everything
 * does not, and what late boot must not leave behind.  One line "H NAME ok" or "H NAME reason" each.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXT2_MAGIC	0xef53
#define NFS_MAGIC	0x6969
#define OVERLAY_MAGIC	0x794c7630

static void say(const char *name, int good, const char *what)
{
	if (good)
		printf("H %s ok\n", name);
	else
		printf("H %s %s (%s)\n", name, what, strerror(errno));
	fflush(stdout);
}

/* In a child: its exit status is the number of the step that failed. */
static void in_child(const char *name, int (*steps)(void))
{
	char what[32];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(steps());
	waitpid(pid, &status, 0);
	snprintf(what, sizeof(what), "step %d", WEXITSTATUS(status));
	say(name, status == 0, what);
}

static int pivot_steps(void)
{
	struct stat st;

	if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, ""))
		return 1;
	if (mount("/mnt", "/mnt", "", MS_BIND, "") || chdir("/mnt"))
		return 2;
	if (syscall(SYS_pivot_root, ".", "."))
		return 3;
	if (umount2(".", MNT_DETACH))
		return 4;
	return stat("/inside", &st) ? 5 : 0;
}

static int user_steps(void)
{
	if (setgid(1000) || setuid(1000))
		return 1;
	return unshare(CLONE_NEWUSER) ? 2 : 0;
}

/* The old trick: below an open directory and up again. */
static int escape_steps(void)
{
	struct stat root, up;
	int fd = open("/", O_RDONLY), i;

	if (stat("/", &root) || chroot("/mnt") || fchdir(fd))
		return 1;
	for (i = 0; i < 64; i++)
		if (chdir(".."))
			return 2;
	if (stat(".", &up))
		return 3;
	return up.st_dev == root.st_dev && up.st_ino == root.st_ino ? 0 : 4;
}

static void dotdot(void)
{
	struct stat root, up;

	say("dotdot", stat("/", &root) == 0 && stat("/../..", &up) == 0 && root.st_dev == up.st_dev &&
	    root.st_ino == up.st_ino, "leads elsewhere");
}

static void files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	say("files", count == 4, "more than 0, 1 and 2 are open");	/* and the directory */
	if (dir)
		closedir(dir);
}

static void lines(const char *path, const char *const *names)
{
	FILE *file = fopen(path, "r");
	char line[512];
	int i;

	while (file && fgets(line, sizeof(line), file))
		for (i = 0; names[i]; i++)
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				printf("H > %s", line);
	if (file)
		fclose(file);
}

int main(int argc, char **argv, char **envp)
{
	static const char *const memory[] = { "MemTotal", "MemAvailable", NULL };
	static const char *const signals[] = { "SigBlk", "SigIgn", "SigCgt", "TracerPid", NULL };
	static const char *const all[] = { "", NULL };
	struct statfs fs;
	struct stat st;
	int i;

	mount("proc", "/proc", "proc", 0, "");
	for (i = 0; i < argc; i++)
		printf("H > argv %d %s\n", i, argv[i]);
	for (i = 0; envp[i]; i++)
		printf("H > env %s\n", envp[i]);
	say("pid", getpid() == 1, "is not 1");
	say("kill", kill(1, SIGKILL) == 0, "cannot be sent");
	in_child("pivot_root", pivot_steps);
	in_child("user-namespace", user_steps);
	in_child("escape", escape_steps);
	dotdot();
	/* Linux at most makes it read-only; MNT_DETACH is allowed to root anywhere, and not tried. */
	umount2("/", 0);
	say("umount", stat("/mnt/inside", &st) == 0, "of / took it away");
	say("statfs", statfs("/", &fs) == 0 &&
	    (fs.f_type == EXT2_MAGIC || fs.f_type == NFS_MAGIC || fs.f_type == OVERLAY_MAGIC),
	    "shows another file system");
	files();
	lines("/proc/self/status", signals);
	lines("/proc/self/mountinfo", all);
	mount("sysfs", "/sys", "sysfs", 0, "");
	lines("/sys/module/virtio_blk/parameters/num_request_queues", all);
	lines("/proc/meminfo", memory);
	lines("/run/net-eth0.conf", all);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
