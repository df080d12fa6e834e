/* SPDX-License-Identifier: MIT */
/*
 * PID 1 of the comparison, the same on every kernel.  The archive of the boot becomes the source
 * of a tmpfs that is moved over it, as overmount and switch_root do, so that the mounts look the
 * same below every case.  Then each case gets a fresh tmpfs as its directory, a mount namespace
 * and a session of its own; what it writes is framed, what it leaves behind is killed.
 */
#include "abi.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/reboot.h>
#include <sys/sysmacros.h>

#define CASE_SECONDS 20
#define SESSION_SECONDS 100

static void must(bool good, const char *what)
{
	if (good)
		return;
	printf("abi: %s: %s\n", what, strerrorname_np(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void copy(const char *from, const char *to)
{
	static char block[65536];
	ssize_t got;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	must(in >= 0 && out >= 0, from);
	while ((got = read(in, block, sizeof(block))) > 0)
		must(write(out, block, (size_t)got) == got, to);
	close(in);
	close(out);
}

/* The programs of klibc-utils and the library that interprets them. */
static void copy_klibc(void)
{
	DIR *dir = opendir("/klibc");
	struct dirent *entry;
	char from[300], to[300];

	must(dir, "/klibc");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "/klibc/%s", entry->d_name);
		snprintf(to, sizeof(to), "%s/%s", strstr(entry->d_name, ".so") ? "lib" : "klibc",
			 entry->d_name);
		copy(from, to);
	}
	closedir(dir);
}

static void device(const char *path, mode_t mode, unsigned minor_number)
{
	must(mknod(path, S_IFCHR | 0666, makedev(1, minor_number)) == 0, path);
	must(chmod(path, mode) == 0, path);
}

/* The system of the cases, and nothing else. */
static void set_up(void)
{
	static const char *const dirs[] = { "bin", "case", "dev", "etc", "klibc", "lib",
					    "proc", "tmp" };
	unsigned i;

	umask(022);
	mkdir("/root", 0755);
	must(mount("root", "/root", "tmpfs", 0, "mode=755") == 0, "mount /root");
	must(chdir("/root") == 0, "/root");
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		must(mkdir(dirs[i], 0755) == 0, dirs[i]);
	copy("/init", "bin/abi");
	copy("/bin/busybox", "bin/busybox");
	copy("/session.sh", "etc/session.sh");
	copy("/klibc.sh", "etc/klibc.sh");
	copy_klibc();
	device("dev/null", 0666, 3);
	device("dev/zero", 0666, 5);
	device("dev/full", 0666, 7);
	must(mount("/root", "/", NULL, MS_MOVE, NULL) == 0, "move /root");
	must(chroot(".") == 0 && chdir("/") == 0, "chroot");
	must(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount /proc");
}

static void child(const char *program, char *const *words, int output)
{
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	close(null);
	close(output);
	must(unshare(CLONE_NEWNS) == 0, "unshare");
	must(chdir("/case") == 0, "/case");
	execv(program, words);
	_exit(127);
}

/* Print what comes from FD with a mark before each line, so that no kernel message is taken for it. */
static void pass_on(const char *data, ssize_t count, bool *at_start)
{
	for (ssize_t i = 0; i < count; i++) {
		unsigned char c = (unsigned char)data[i];

		if (*at_start)
			printf("| ");
		*at_start = c == '\n';
		if (c != '\n' && (c < ' ' || c > '~'))
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static void run_words(const char *name, const char *program, char *const *words, int seconds)
{
	int ends[2], status = 0, left = seconds * 1000;
	bool ended = false, at_start = true, late = false;
	static char data[4096];
	ssize_t got = 1;
	pid_t pid;

	printf("==== %s\n", name);
	fflush(stdout);
	must(mount("case", "/case", "tmpfs", 0, "mode=755") == 0, "mount /case");
	must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		child(program, words, ends[1]);
	close(ends[1]);
	while (got > 0) {
		struct pollfd poll_in = { .fd = ends[0], .events = POLLIN };
		int ready = poll(&poll_in, 1, ended ? -1 : 20);

		if (ready > 0) {
			got = read(ends[0], data, sizeof(data));
			pass_on(data, got, &at_start);
		}
		left -= ready == 0 ? 20 : 0;
		if (!ended && left <= 0) {
			late = true;
			kill(-1, SIGKILL);
		}
		if (!ended && (ready == 0 || got <= 0 || late) &&
		    waitpid(pid, &status, got <= 0 || late ? 0 : WNOHANG) == pid) {
			ended = true;
			kill(-1, SIGKILL);	/* so that the other end of the pipe is closed */
		}
	}
	close(ends[0]);
	while (wait(NULL) > 0)
		;
	if (!at_start)
		printf("\\\n");
	umount2("/case", MNT_DETACH);
	printf("==== end %s: ", name);
	if (late)
		printf("too late\n");
	else
		abi_say_status("status", status);
	fflush(stdout);
}

/* The cases of which the boot wants to know: those whose name begins with the text of /only. */
static char only[128];

static void read_only_file(void)
{
	int fd = open("/only", O_RDONLY);

	if (fd >= 0 && read(fd, only, sizeof(only) - 1) > 0)
		only[strcspn(only, "\n")] = '\0';
	close(fd);
}

static bool wanted(const char *name)
{
	return strncmp(name, only, strlen(only)) == 0;
}

void abi_run_all(const struct abi_area *const *areas, unsigned count)
{
	char *session[] = { (char *)"sh", (char *)"/etc/session.sh", NULL };
	char *klibc[] = { (char *)"sh", (char *)"/etc/klibc.sh", NULL };
	char name[128];
	unsigned i, j;

	read_only_file();
	set_up();
	setenv("PATH", "/bin", 1);
	for (i = 0; i < count; i++)
		for (j = 0; j < areas[i]->count; j++) {
			char *words[] = { (char *)"abi", name, NULL };

			snprintf(name, sizeof(name), "%s/%s", areas[i]->name, areas[i]->cases[j].name);
			if (wanted(name))
				run_words(name, "/bin/abi", words, CASE_SECONDS);
		}
	if (wanted("session"))
		run_words("session", "/bin/busybox", session, SESSION_SECONDS);
	if (wanted("klibc"))
		run_words("klibc", "/klibc/sh", klibc, SESSION_SECONDS);
	printf("==== done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(0);
}
