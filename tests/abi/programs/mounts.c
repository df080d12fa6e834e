/* SPDX-License-Identifier: MIT */
/* mount(2) and umount2(2), and how mountinfo tells of it. */
#include "abi.h"

/*
 * What mountinfo says of mounts below /case, without the numbers: root, place, options | type,
 * source, ro or rw.
 */
static void say_mounts(void)
{
	char line[1024], root[256], place[256], options[256], type[64], source[64], more[256];
	FILE *file = fopen("/proc/self/mountinfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		char *rest = strstr(line, " - ");

		if (rest && sscanf(line, "%*d %*d %*s %255s %255s %255s", root, place, options) == 3 &&
		    sscanf(rest, " - %63s %63s %255s", type, source, more) == 3 &&
		    strncmp(place, "/case/", 6) == 0)
			SAY("  %s on %s %s, %s %s %.2s", root, place, options, type, source, more);
	}
	if (file)
		fclose(file);
}

static void mount_tmpfs(void)
{
	mkdir("m", 0755);
	abi_put("m/under", "under");
	SEE(mount("name", "m", "tmpfs", 0, NULL));
	abi_list("m");
	abi_put("m/f", "inside");
	say_mounts();
	SEE(umount("m"));
	abi_list("m");
	say_mounts();
	SEE(umount("m"));
	SEE(umount("none"));
	SEE(umount("m/under"));
	SEE(mount("name", "m", "tmpfs", 0, "mode=1777,uid=5,gid=6"));
	abi_stat("m");
	SEE(umount("m"));
	SEE(mount("name", "m", "tmpfs", 0, "nonsense=1"));
	SEE(mount("name", "m", "tmpfs", 0, "size=1m"));
	SEE(umount("m"));
}

static void refusals(void)
{
	mkdir("m", 0755);
	abi_put("f", "");
	SEE(mount("x", "none", "tmpfs", 0, NULL));
	SEE(mount("x", "f", "tmpfs", 0, NULL));
	SEE(mount("x", "m", "nofs", 0, NULL));
	SEE(mount("x", "m", NULL, 0, NULL));
	SEE(mount("x", "m", "", 0, NULL));
	SEE(mount(NULL, "m", NULL, MS_BIND, NULL));
	SEE(mount("", "m", NULL, MS_BIND, NULL));
	SEE(mount("none", "m", NULL, MS_BIND, NULL));
	SEE(mount("f", "m", NULL, MS_BIND, NULL));
	SEE(mount("m", "f", NULL, MS_BIND, NULL));
	SEE(mount(NULL, "m", NULL, MS_MOVE, NULL));
	SEE(mount("m", "m", NULL, MS_MOVE, NULL));
	SEE(mount("x", "m", NULL, MS_REMOUNT, NULL));
	SEE(mount("x", "m", NULL, MS_PRIVATE, NULL));
	SEE(mount("x", "m", NULL, MS_PRIVATE | MS_SHARED, NULL));
	SEE(mount("x", "/case", NULL, MS_PRIVATE, NULL));
	SEE(mount("x", "/case", NULL, MS_PRIVATE | MS_REC, NULL));
	SEE(mount(NULL, "m", "tmpfs", 0, NULL));
	say_mounts();
	SEE(umount2("m", 0x100));
	SEE(umount2("m", MNT_EXPIRE | MNT_FORCE));
	SEE(umount2("m", 0));
	SEE(mount(nowhere, "m", "tmpfs", 0, NULL));
	SEE(mount("x", nowhere, "tmpfs", 0, NULL));
	SEE(mount("x", "m", nowhere, 0, NULL));
	SEE(mount("x", "m", "tmpfs", 0, nowhere));
}

static void bind_mounts(void)
{
	mkdir("a", 0755);
	mkdir("a/sub", 0755);
	mkdir("b", 0755);
	abi_put("a/f", "text");
	SEE(mount("a", "b", NULL, MS_BIND, NULL));
	abi_show("b/f");
	abi_put("b/new", "by b");
	abi_show("a/new");
	say_mounts();
	SEE(rename("a/f", "b/f2"));
	SEE(link("a/f", "b/f2"));
	SEE(rename("b/f", "b/f2"));
	SEE(mount("x", "a/sub", "tmpfs", 0, NULL));
	abi_put("a/sub/inside", "");
	abi_list("b/sub");
	SEE(access("b/..", F_OK));
	SEE(umount("b"));
	abi_list("b");
	SEE(umount("a/sub"));
	abi_put("g", "g");
	abi_put("h", "h");
	SEE(mount("g", "h", NULL, MS_BIND, NULL));
	abi_show("h");
	abi_put("h", "through h");
	abi_show("g");
	say_mounts();
	SEE(umount("h"));
	abi_show("h");
}

static void bind_recursive(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	SEE(mount("one", "a", "tmpfs", 0, NULL));
	mkdir("a/in", 0755);
	SEE(mount("two", "a/in", "tmpfs", 0, NULL));
	abi_put("a/in/f", "deep");
	SEE(mount("a", "b", NULL, MS_BIND, NULL));
	abi_list("b/in");
	SEE(mount("a", "c", NULL, MS_BIND | MS_REC, NULL));
	abi_list("c/in");
	say_mounts();
	SEE(umount("c"));
	SEE(umount("c/in"));
	SEE(umount("c"));
	SEE(umount2("a", MNT_DETACH));
	say_mounts();
	SEE(access("a/in", F_OK));
	SEE(umount("b"));
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	SEE(mount("d", "d/e", NULL, MS_BIND | MS_REC, NULL));
	SEE(access("d/e/e", F_OK));
	abi_list("d/e/e");
	SEE(umount("d/e"));
}

static void move_mounts(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	SEE(mount("x", "a", "tmpfs", 0, NULL));
	abi_put("a/f", "moved");
	mkdir("a/sub", 0755);
	SEE(mount("y", "a/sub", "tmpfs", 0, NULL));
	SEE(mount("a", "a/sub", NULL, MS_MOVE, NULL));
	SEE(mount("a/sub", "a", NULL, MS_MOVE, NULL));
	say_mounts();
	SEE(umount("a"));
	SEE(mount("a", "b", NULL, MS_MOVE, NULL));
	abi_show("b/f");
	abi_list("a");
	say_mounts();
	SEE(mount("a", "b", NULL, MS_MOVE, NULL));
	SEE(mount("b/f", "a", NULL, MS_MOVE, NULL));
	SEE(mount("none", "a", NULL, MS_MOVE, NULL));
	SEE(mount("b", "b/f", NULL, MS_MOVE, NULL));
	SEE(umount("b"));
	SEE(umount("b"));
}

static void read_only(void)
{
	int fd;

	mkdir("m", 0755);
	mkdir("b", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	abi_put("m/f", "f");
	fd = open("m/f", O_WRONLY);
	SEE(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(fd);
	SEE(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	say_mounts();
	SEE(open("m/f", O_WRONLY));
	SEE(open("m/f", O_RDONLY | O_TRUNC));
	SEE(open("m/new", O_WRONLY | O_CREAT, 0644));
	SEE(open("m/f", O_WRONLY | O_CREAT, 0644));
	SEE(open("m/f", O_RDONLY | O_CREAT, 0644));
	SEE(mkdir("m/d", 0755));
	SEE(mkdir("m/f", 0755));
	SEE(unlink("m/f"));
	SEE(unlink("m/none"));
	SEE(rename("m/f", "m/g"));
	SEE(chmod("m/f", 0600));
	SEE(utimensat(AT_FDCWD, "m/f", NULL, 0));
	SEE(truncate("m/f", 0));
	SEE(access("m/f", W_OK));
	SEE(access("m/f", R_OK));
	SEE(symlink("x", "m/s"));
	SEE(link("m/f", "m/h"));
	SEE(mknod("m/n", S_IFIFO | 0644, 0));
	SEE(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	SEE(mkdir("m/d", 0755));
	SEE(mount("m", "b", NULL, MS_BIND, NULL));
	SEE(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SEE(mkdir("b/e", 0755));
	SEE(mkdir("m/e", 0755));
	say_mounts();
}

static void mount_flags(void)
{
	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	say_mounts();
	SEE(mknod("m/null", S_IFCHR | 0666, 259));
	SEE(open("m/null", O_RDONLY));
	abi_put("m/prog", "#!/bin/abi\n");
	chmod("m/prog", 0755);
	SEE(execl("m/prog", "prog", NULL));
	SEE(access("m/prog", X_OK));
	SEE(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	say_mounts();
	SEE(open("m/null", O_RDONLY));
	SEE(umount("m"));
	SEE(mount("x", "m", "tmpfs", MS_RDONLY, NULL));
	SEE(mkdir("m/d", 0755));
	say_mounts();
	SEE(mount("m", "m", NULL, MS_BIND, NULL));
	say_mounts();
	SEE(umount("m"));
	SEE(umount("m"));
	SEE(mount("with space", "m", "tmpfs", 0, NULL));
	say_mounts();
	SEE(umount("m"));
	mkdir("a b", 0755);
	SEE(mount("x", "a b", "tmpfs", 0, NULL));
	say_mounts();
}

static void over_each_other(void)
{
	mkdir("m", 0755);
	SEE(mount("one", "m", "tmpfs", 0, NULL));
	abi_put("m/one", "");
	SEE(mount("two", "m", "tmpfs", 0, NULL));
	abi_put("m/two", "");
	abi_list("m");
	SEE(mount("three", "m", "tmpfs", 0, NULL));
	abi_list("m");
	SEE(access("m/..", F_OK));
	abi_list("m/../m");
	say_mounts();
	SEE(umount("m"));
	abi_list("m");
	SEE(chdir("m"));
	SEE(mount("three", ".", "tmpfs", 0, NULL));
	abi_list(".");
	abi_list("../m");
	SEE(umount("../m"));
	SEE(umount("../m"));
	SEE(chdir(".."));
	SEE(umount("m"));
	SEE(umount("m"));
	SEE(umount("m"));
	abi_list("m");
}

static void busy_mounts(void)
{
	int fd;

	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	abi_put("m/f", "x");
	fd = open("m/f", O_RDONLY);
	SEE(umount("m"));
	close(fd);
	SEE(chdir("m"));
	SEE(umount("."));
	SEE(umount("/case/m"));
	SEE(chdir(".."));
	mkdir("m/sub", 0755);
	SEE(mount("y", "m/sub", "tmpfs", 0, NULL));
	SEE(umount("m"));
	SEE(umount("m/sub"));
	SEE(umount("m"));
	symlink("m", "link");
	SEE(mount("x", "link", "tmpfs", 0, NULL));
	say_mounts();
	SEE(umount2("link", UMOUNT_NOFOLLOW));
	SEE(umount2("link", 0));
}

static void expire(void)
{
	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	SEE(umount2("m", MNT_EXPIRE));
	SEE(umount2("m", MNT_EXPIRE));
	SEE(umount("m"));
}

/* To unmount one's own root makes its file system read-only. */
static void unmount_root(void)
{
	SEE(umount("/"));
	SEE(mkdir("/tmp/new", 0755));
	SEE(mount(NULL, "/", NULL, MS_REMOUNT, NULL));
	SEE(mkdir("/tmp/new", 0755));
	SEE(rmdir("/tmp/new"));
}

static void lazy(void)
{
	char text[64];
	int fd, dir;

	mkdir("m", 0755);
	SEE(mount("x", "m", "tmpfs", 0, NULL));
	abi_put("m/f", "kept");
	mkdir("m/d", 0755);
	fd = open("m/f", O_RDWR);
	dir = open("m/d", O_RDONLY);
	SEE(umount2("m", MNT_DETACH));
	say_mounts();
	abi_list("m");
	SEE(pread(fd, text, 10, 0));
	SEE(write(fd, "still", 5));
	SEE(openat(dir, "../f", O_RDONLY));
	SEE(openat(dir, "new", O_WRONLY | O_CREAT, 0644));
	SEE(openat(dir, "../../..", O_RDONLY));
	SEE(fchdir(dir));
	SEE(syscall(SYS_getcwd, text, sizeof(text)));
	SAY("%s", text);
	SEE(access("/case/m", F_OK));
	SEE(chdir("../../../.."));
	abi_list(".");
	SEE(mount("x", ".", "tmpfs", 0, NULL));
	SEE(chdir("/case"));
	SEE(umount2("m", MNT_DETACH));
}

static void shared_super(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	SEE(mount("x", "a", "tmpfs", 0, NULL));
	SEE(mount("a", "b", NULL, MS_BIND, NULL));
	abi_put("a/f", "both");
	abi_show("b/f");
	SEE(umount("a"));
	abi_show("b/f");
	SEE(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	SEE(mkdir("b/d", 0755));
	say_mounts();
	SEE(umount("b"));
	SEE(mount("p", "a", "proc", 0, NULL));
	SEE(mount("p", "b", "proc", 0, NULL));
	SEE(access("a/self/status", F_OK));
	SEE(mount("p", "b", "proc", 0, NULL));
	say_mounts();
}

/* A bind of a directory that is then moved out from under it. */
static void moved_away(void)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	mkdir("m", 0755);
	SEE(mount("a/b", "m", NULL, MS_BIND, NULL));
	SEE(chdir("m/c"));
	SEE(rename("/case/a/b/c", "/case/c"));
	SEE(access("..", F_OK));
	SEE(access("../..", F_OK));
	SEE(chdir("/case"));
	SEE(rename("a/b", "b2"));
	say_mounts();
	SEE(rmdir("b2"));
	say_mounts();
	SEE(access("m", F_OK));
	SEE(mkdir("m/new", 0755));
	SEE(umount("m"));
}

static void proc_mounts(void)
{
	char line[512];
	FILE *file;

	mkdir("m", 0755);
	SEE(mount("src", "m", "tmpfs", MS_NOSUID | MS_RDONLY, NULL));
	file = fopen("/proc/mounts", "r");
	while (file && fgets(line, sizeof(line), file)) {
		char source[64], place[64], type[64], options[128];

		if (sscanf(line, "%63s %63s %63s %127s", source, place, type, options) == 4 &&
		    strncmp(place, "/case/", 6) == 0)
			SAY("%s %s %s %.9s", source, place, type, options);
	}
	if (file)
		fclose(file);
	SEE(access("/proc/self/mounts", R_OK));
	SEE(access("/proc/1/mountinfo", R_OK));
}

static void bind_devices(void)
{
	char c;
	int fd;

	abi_put("null", "");
	SEE(mount("/dev/zero", "null", NULL, MS_BIND, NULL));
	fd = open("null", O_RDONLY);
	SEE(read(fd, &c, 1));
	close(fd);
	SEE(umount("null"));
	symlink("null", "l");
	SEE(mount("/dev/zero", "l", NULL, MS_BIND, NULL));
	abi_stat("l");
	SEE(umount("null"));
	mkfifo("p", 0644);
	mkfifo("q", 0644);
	SEE(mount("p", "q", NULL, MS_BIND, NULL));
	SEE(mount("p", "null", NULL, MS_BIND, NULL));
	SEE(umount("q"));
	SEE(umount("null"));
}

static const struct abi_case cases[] = {
	{ "tmpfs", mount_tmpfs }, { "refusals", refusals }, { "bind", bind_mounts },
	{ "bind-recursive", bind_recursive }, { "move", move_mounts }, { "read-only", read_only },
	{ "flags", mount_flags }, { "over-each-other", over_each_other }, { "busy", busy_mounts },
	{ "expire", expire }, { "unmount-root", unmount_root },
	{ "lazy", lazy }, { "shared-super", shared_super }, { "moved-away", moved_away },
	{ "proc-mounts", proc_mounts }, { "bind-devices", bind_devices },
};

AREA(mounts, cases);
