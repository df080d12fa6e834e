/* SPDX-License-Identifier: MIT */
/* Directories: making, reading, removing, depth. */
#include "abi.h"

#include <dirent.h>

static char buf[32768];

static void removing(void)
{
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	abi_put("f", "");
	SEE(rmdir("d"));
	SEE(rmdir("f"));
	SEE(rmdir("none"));
	SEE(rmdir("d/e/."));
	SEE(rmdir("d/e/.."));
	SEE(rmdir("d/e"));
	SEE(rmdir("d"));
	SEE(unlink("d"));
	SEE(rmdir(""));
	SEE(rmdir("/proc"));
	SEE(rmdir("/proc/self"));
	SEE(rmdir("/case"));
	SEE(mkdir("/proc/x", 0755));
	abi_list(".");
}

static void reading(void)
{
	static const char letters[] = "?pc?d?b?f?l?s???";
	int fd, count = 0;
	long n, at;

	mkdir("d", 0755);
	abi_put("d/f", "");
	symlink("x", "d/l");
	mkfifo("d/p", 0644);
	mknod("d/c", S_IFCHR | 0600, 259);
	mknod("d/s", S_IFSOCK | 0600, 0);
	abi_list("d");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	SEE(syscall(SYS_getdents64, fd, buf, 10));
	SEE(syscall(SYS_getdents64, fd, buf, 0));
	SEE(syscall(SYS_getdents64, 99, buf, sizeof(buf)));
	SEE(syscall(SYS_getdents64, fd, nowhere, 1000));
	while ((n = syscall(SYS_getdents64, fd, buf, 32)) > 0)
		for (at = 0; at < n; at += ((struct dirent64 *)(buf + at))->d_reclen)
			count++;
	SAY("%d entries in small pieces, then %ld", count, n);
	SEE(lseek(fd, 0, SEEK_SET));
	n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	SAY("first %s, %c", ((struct dirent64 *)buf)->d_name,
	    letters[((struct dirent64 *)buf)->d_type & 15]);
	SEE(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	close(fd);
	abi_put("f", "");
	fd = open("f", O_RDONLY);
	SEE(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
}

static void many(void)
{
	struct dirent *entry;
	unsigned long sum = 0;
	char name[32];
	int i, count = 0, lost = 0;
	DIR *dir;

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		close(open(name, O_WRONLY | O_CREAT, 0644));
	}
	dir = opendir(".");
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "file-%d", &i) == 1) {
			count++;
			sum += (unsigned long)i;
		}
	SAY("%d files, sum %lu", count, sum);
	/* What is removed while it is read: each other name is seen exactly once. */
	rewinddir(dir);
	count = 0;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "file-%d", &i) == 1) {
			count++;
			lost += unlink(entry->d_name) != 0;
		}
	SAY("%d seen, %d not removed", count, lost);
	closedir(dir);
	abi_list(".");
}

static void deep(void)
{
	static char text[16384];
	int i, good = 0;

	for (i = 0; i < 1200; i++)
		good += mkdir("deep", 0755) == 0 && chdir("deep") == 0;
	SAY("%d levels", good);
	SEE(syscall(SYS_getcwd, text, sizeof(text)));
	SEE(access("../../../deep", F_OK));
	abi_put("f", "bottom");
	abi_show("f");
	for (i = 0; i < 1200; i++)
		good -= chdir("..") == 0;
	SAY("%d left", good);
	SEE(syscall(SYS_getcwd, text, sizeof(text)));
	SAY("%s", text);
	memset(text, 0, sizeof(text));
	for (i = 0; i < 800; i++)
		stpcpy(text + strlen(text), "deep/");
	SEE(access(text, F_OK));
	stpcpy(text + strlen(text), "deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/"
		     "deep/deep/deep/deep/deep/deep/");
	SEE(access(text, F_OK));
}

static void position(void)
{
	int fd, other;

	mkdir("d", 0755);
	fd = open("d", O_RDONLY);
	SEE_OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	abi_put("d/new", "");
	SEE(lseek(fd, 0, SEEK_SET));
	other = dup(fd);
	SEE_OK(syscall(SYS_getdents64, other, buf, sizeof(buf)));
	SEE(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	SEE(lseek(fd, -1, SEEK_SET));
	SEE(rename("d", "e"));
	SEE(lseek(fd, 0, SEEK_SET));
	SEE_OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	unlink("e/new");
	SEE(rmdir("e"));
	SEE(lseek(fd, 0, SEEK_SET));
	SEE(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
}

static void busy(void)
{
	mkdir("d", 0755);
	mkdir("d/m", 0755);
	SEE(mount("x", "d/m", "tmpfs", 0, NULL));
	SEE(rmdir("d/m"));
	SEE(rename("d/m", "x"));
	SEE(rename("d", "moved"));
	mkdir("y", 0755);
	SEE(rename("y", "moved/m"));
	SEE(access("moved/m", F_OK));
	SEE(umount("moved/m"));
	SEE(rename("y", "moved/m"));
	abi_put("f", "");
	abi_put("g", "");
	SEE(mount("f", "g", NULL, MS_BIND, NULL));
	SEE(unlink("g"));
	SEE(rename("g", "h"));
	SEE(rename("f", "g"));
	SEE(link("f", "g"));
	SEE(umount("g"));
	SEE(unlink("g"));
}

static void dot_inodes(void)
{
	struct stat a, b;

	mkdir("d", 0755);
	mkdir("d/e", 0755);
	stat("d", &a);
	stat("d/e/..", &b);
	SAY("same %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	rename("d/e", "e");
	stat(".", &a);
	stat("e/..", &b);
	SAY("same %d", a.st_ino == b.st_ino);
	stat("d", &a);
	SEE(rename("d", "e/d"));
	stat("e/d", &b);
	SAY("same %d", a.st_ino == b.st_ino);
	stat("/", &a);
	stat("/..", &b);
	SAY("same %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

static void exchange(void)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("c", 0755);
	abi_put("c/f", "");
	SEE(rename("a", "a/b/x"));
	SEE(rename("a/b", "c"));
	SEE(rename("c", "a/b"));
	SEE(rename("a/b/f", "f"));
	SEE(rename("a/b", "."));
	SEE(rename("a/b", "a/b"));
	SEE(rename("a", "b"));
	SEE(rename("b/b", "a"));
	abi_list(".");
	abi_list("a");
	abi_list("b");
}

static const struct abi_case cases[] = {
	{ "removing", removing }, { "reading", reading }, { "many", many }, { "deep", deep },
	{ "position", position }, { "busy", busy }, { "dot-inodes", dot_inodes },
	{ "exchange", exchange },
};

AREA(directories, cases);
