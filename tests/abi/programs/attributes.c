/* SPDX-License-Identifier: MIT */
/* Modes, owners, times, access: what stands in an inode and who may change it. */
#include "abi.h"

#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <utime.h>

static void modes(void)
{
	int fd;

	umask(0);
	close(open("f", O_WRONLY | O_CREAT, 07777));
	abi_stat("f");
	SEE(chmod("f", 0));
	abi_stat("f");
	SEE(chmod("f", 0177777));
	abi_stat("f");
	SEE(mkdir("d", 07777));
	abi_stat("d");
	SEE(chmod("d", 01755));
	abi_stat("d");
	symlink("f", "l");
	SEE(chmod("l", 0640));
	abi_stat("f");
	SEE(chmod("none", 0640));
	fd = open("f", O_RDONLY);
	SEE(fchmod(fd, 0600));
	abi_stat("f");
	SEE(fchmod(99, 0600));
	SEE(fchmodat(AT_FDCWD, "f", 0644, 0));
	SEE(syscall(SYS_fchmodat, AT_FDCWD, "f/", 0644));
	SEE(mkfifo("p", 0666));
	abi_stat("p");
}

static void masks(void)
{
	SEE(umask(077));
	SEE(umask(01777));
	SEE(umask(027));
	close(open("f", O_WRONLY | O_CREAT, 0666));
	mkdir("d", 0777);
	mkfifo("p", 0666);
	symlink("x", "l");
	abi_stat("f");
	abi_stat("d");
	abi_stat("p");
	abi_stat("l");
	SEE(chmod("f", 0777));
	abi_stat("f");
	IN_CHILD(SEE(umask(0)));
	SEE(umask(0));
}

static void owners(void)
{
	int fd = open("f", O_WRONLY | O_CREAT, 0644);

	SEE(chown("f", 1000, 2000));
	abi_stat("f");
	SEE(chown("f", (uid_t)-1, 3000));
	abi_stat("f");
	SEE(chown("f", 0, (gid_t)-1));
	abi_stat("f");
	SEE(fchown(fd, 5, 6));
	abi_stat("f");
	symlink("f", "l");
	SEE(lchown("l", 7, 8));
	abi_stat("l");
	abi_stat("f");
	SEE(chown("l", 9, 10));
	abi_stat("f");
	SEE(fchownat(AT_FDCWD, "l", 1, 2, AT_SYMLINK_NOFOLLOW));
	abi_stat("l");
	SEE(fchownat(fd, "", 3, 4, AT_EMPTY_PATH));
	abi_stat("f");
	SEE(fchownat(AT_FDCWD, "f", 3, 4, 0x8000));
	SEE(chown("none", 1, 1));
	SEE(fchown(99, 1, 1));
}

/* A change of owner takes the bits that would give rights away. */
static void set_id_bits(void)
{
	abi_put("f", "x");
	mkdir("d", 0755);
	SEE(chmod("f", 06755));
	SEE(chown("f", 1000, 1000));
	abi_stat("f");
	SEE(chmod("f", 06745));
	SEE(chown("f", 1000, 1000));
	abi_stat("f");
	SEE(chmod("f", 02644));
	SEE(chown("f", 1000, 1000));
	abi_stat("f");
	SEE(chmod("d", 06755));
	SEE(chown("d", 1000, 1000));
	abi_stat("d");
	SEE(chmod("f", 06777));
	IN_CHILD(abi_user(1000);
		 int fd = open("f", O_WRONLY);
		 SEE(write(fd, "y", 1)));
	abi_stat("f");
	SEE(chmod("f", 06777));
	IN_CHILD(abi_user(1000); SEE(truncate("f", 0)));
	abi_stat("f");
	SEE(chmod("f", 06777));
	SEE(truncate("f", 5));
	abi_stat("f");
	SEE(chown("f", 1000, 50));
	IN_CHILD(abi_user(1000); SEE(chmod("f", 02755)));
	abi_stat("f");
}

static void group_directory(void)
{
	mkdir("d", 0755);
	SEE(chown("d", 0, 77));
	SEE(chmod("d", 02777));
	abi_put("d/f", "x");
	mkdir("d/sub", 0755);
	abi_stat("d/f");
	abi_stat("d/sub");
	IN_CHILD(abi_user(1000);
		 abi_put("d/mine", "x");
		 SEE(mkdir("d/mine-dir", 0755)));
	abi_stat("d/mine");
	abi_stat("d/mine-dir");
	umask(0);
	IN_CHILD(abi_user(1000); SEE(close(open("d/gid", O_CREAT | O_WRONLY, 02775))));
	abi_stat("d/gid");
	IN_CHILD(abi_user(1000); SEE(close(open("d/gid2", O_CREAT | O_WRONLY, 02665))));
	abi_stat("d/gid2");
}

static void sticky_directory(void)
{
	umask(0);
	mkdir("t", 01777);
	chmod("t", 01777);
	IN_CHILD(abi_user(1000); abi_put("t/a", "a"); abi_put("t/b", "b"); mkdir("t/d", 0777));
	IN_CHILD(abi_user(1001);
		 SEE(unlink("t/a"));
		 SEE(rename("t/a", "t/c"));
		 SEE(rmdir("t/d"));
		 abi_put("t/mine", "m");
		 SEE(rename("t/mine", "t/a"));
		 SEE(link("t/a", "t/link"));
		 SEE(unlink("t/mine")));
	IN_CHILD(abi_user(1000); SEE(rename("t/a", "t/c")); SEE(unlink("t/c")));
	abi_list("t");
}

static void access_rights(void)
{
	abi_put("none", "");
	abi_put("read", "");
	abi_put("exec", "");
	chmod("none", 0);
	chmod("read", 0444);
	chmod("exec", 0711);
	SEE(access("none", R_OK | W_OK));
	SEE(access("none", X_OK));
	SEE(access("exec", X_OK));
	SEE(access("read", X_OK));
	SEE(access("read", 8));
	SEE(access("missing", R_OK));
	IN_CHILD(abi_user(1000);
		 SEE(access("none", F_OK));
		 SEE(access("none", R_OK));
		 SEE(access("read", R_OK));
		 SEE(access("read", R_OK | W_OK));
		 SEE(access("exec", X_OK));
		 SEE(access("exec", R_OK));
		 SEE(open("read", O_RDWR));
		 SEE(open("none", O_RDONLY)));
	IN_CHILD(SEE(setresuid(1000, 0, 0));
		 SEE(access("none", R_OK));
		 SEE(faccessat(AT_FDCWD, "none", R_OK, AT_EACCESS)));
	IN_CHILD(SEE(setresuid(0, 1000, 0));
		 SEE(access("none", R_OK));
		 SEE(open("none", O_RDONLY)));
}

/* Owner, then group, then others: the first that fits decides. */
static void classes(void)
{
	abi_put("f", "x");
	chown("f", 1000, 2000);
	chmod("f", 0077);
	IN_CHILD(abi_user(1000); SEE(open("f", O_RDONLY)));
	IN_CHILD(abi_user(2000); SEE(open("f", O_RDONLY)));
	IN_CHILD(abi_user(3000); SEE(open("f", O_RDONLY)));
	chmod("f", 0707);
	IN_CHILD(abi_user(2000); SEE(open("f", O_RDONLY)));
	IN_CHILD(abi_user(1000); SEE(open("f", O_RDONLY)));
	IN_CHILD(gid_t group = 2000;
		 SEE(syscall(SYS_setgroups, 1, &group));
		 SEE(setresgid(5, 5, 5));
		 SEE(setresuid(5, 5, 5));
		 SEE(open("f", O_RDONLY));
		 SEE(syscall(SYS_getgroups, 0, NULL)));
}

static void strangers(void)
{
	abi_put("f", "x");
	abi_put("mine", "x");
	chown("mine", 1000, 1000);
	abi_user(1000);
	SEE(chmod("f", 0666));
	SEE(chown("f", 1000, 1000));
	SEE(chown("mine", 1001, (gid_t)-1));
	SEE(chown("mine", (uid_t)-1, 5));
	SEE(chown("mine", 1000, 1000));
	SEE(chown("mine", (uid_t)-1, (gid_t)-1));
	SEE(chown("f", (uid_t)-1, (gid_t)-1));
	SEE(chmod("mine", 04711));
	abi_stat("mine");
	SEE(utimensat(AT_FDCWD, "f", NULL, 0));
	SEE(utimensat(AT_FDCWD, "mine", NULL, 0));
	SEE(mount("x", "/case", "tmpfs", 0, NULL));
	SEE(umount("/case"));
	SEE(chroot("."));
	SEE(mknod("dev", S_IFCHR | 0600, makedev(1, 3)));
	SEE(mkfifo("/tmp/fifo", 0600));
	SEE(sethostname("x", 1));
}

static void say_times(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		SAY("%s: %s", path, strerrorname_np(errno));
	else
		SAY("%s: atime %ld.%09ld mtime %ld.%09ld", path, (long)st.st_atim.tv_sec,
		    st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void times(void)
{
	struct timespec both[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 3000, 5 } };
	struct timespec bad[2] = { { 0, 1000000000 }, { 0, 0 } };
	struct timeval tv[2] = { { 10, 20 }, { 30, 40 } };
	struct timeval bad_tv[2] = { { 10, 1000000 }, { 30, 40 } };
	struct utimbuf plain = { 50, 60 };
	int fd;

	abi_put("f", "x");
	symlink("f", "l");
	SEE(utimensat(AT_FDCWD, "f", both, 0));
	say_times("f");
	SEE(utimensat(AT_FDCWD, "f", omit, 0));
	say_times("f");
	SEE(utimensat(AT_FDCWD, "f", bad, 0));
	SEE(utimensat(AT_FDCWD, "l", both, AT_SYMLINK_NOFOLLOW));
	say_times("l");
	say_times("f");
	fd = open("f", O_RDONLY);
	SEE(futimens(fd, both));
	say_times("f");
	SEE(utimes("f", tv));
	say_times("f");
	SEE(utimes("f", bad_tv));
	SEE(utime("f", &plain));
	say_times("f");
	SEE(utimensat(AT_FDCWD, "none", both, 0));
	SEE(utimensat(AT_FDCWD, "f", both, 0x4000));
	SEE(syscall(SYS_utimensat, 99, NULL, both, 0));
}

static long newer(const char *path, long than)
{
	struct stat st;

	stat(path, &st);
	return st.st_mtime > than;
}

/* What moves the time of modification: all start in 1970. */
static void time_stamps(void)
{
	struct timespec old[2] = { { 100, 0 }, { 100, 0 } };
	int fd;

	mkdir("d", 0755);
	abi_put("f", "hello");
	abi_put("g", "hello");
	fd = open("f", O_RDWR);
	utimensat(AT_FDCWD, "f", old, 0);
	SEE(write(fd, "", 0));
	SEE(newer("f", 100));
	SEE(write(fd, "x", 1));
	SEE(newer("f", 100));
	utimensat(AT_FDCWD, "f", old, 0);
	SEE(ftruncate(fd, 5));
	SEE(newer("f", 100));
	utimensat(AT_FDCWD, "f", old, 0);
	SEE(truncate("f", 5));
	SEE(newer("f", 100));
	utimensat(AT_FDCWD, "f", old, 0);
	SEE(chmod("f", 0600));
	SEE(link("f", "d/l"));
	SEE(newer("f", 100));
	SEE(open("f", O_WRONLY | O_TRUNC));
	SEE(newer("f", 100));
	utimensat(AT_FDCWD, "d", old, 0);
	abi_list("d");
	SEE(newer("d", 100));
	SEE(unlink("d/l"));
	SEE(newer("d", 100));
	utimensat(AT_FDCWD, "d", old, 0);
	SEE(chmod("d", 0700));
	SEE(newer("d", 100));
	SEE(rename("g", "d/g"));
	SEE(newer("d", 100));
	utimensat(AT_FDCWD, "d", old, 0);
	utimensat(AT_FDCWD, "d/g", old, 0);
	SEE(rename("d/g", "d/h"));
	SEE(newer("d", 100));
	SEE(newer("d/h", 100));
}

static void link_counts(void)
{
	struct stat st;

	mkdir("d", 0755);
	stat("d", &st);
	SAY("empty directory: %lu", (unsigned long)st.st_nlink);
	mkdir("d/a", 0755);
	mkdir("d/b", 0755);
	abi_put("d/f", "");
	stat("d", &st);
	SAY("with two: %lu", (unsigned long)st.st_nlink);
	rmdir("d/a");
	rename("d/b", "b");
	stat("d", &st);
	SAY("with none: %lu", (unsigned long)st.st_nlink);
	symlink("12345", "l");
	abi_stat("l");
	stat("d/f", &st);
	SAY("blksize %ld blocks %ld", (long)st.st_blksize, (long)st.st_blocks);
}

static void statx_and_statfs(void)
{
	struct statx sx;
	struct statfs fs;
	int fd;

	abi_put("f", "hello");
	symlink("f", "l");
	SEE(statx(AT_FDCWD, "l", 0, STATX_BASIC_STATS, &sx));
	SAY("mode %o size %llu links %u mask %d", sx.stx_mode, (unsigned long long)sx.stx_size,
	    sx.stx_nlink, (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	SEE(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx));
	SAY("type %o", sx.stx_mode & S_IFMT);
	SEE(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_TYPE, &sx));
	SEE(statx(AT_FDCWD, "f", 0, 0x80000000u, &sx));
	SEE(statx(AT_FDCWD, "f", 0x10, 0, &sx));
	SEE(statx(AT_FDCWD, "none", 0, 0, &sx));
	SEE(statfs("f", &fs));
	SAY("type %lx namelen %ld", (unsigned long)fs.f_type, (long)fs.f_namelen);
	SEE(statfs("/proc", &fs));
	SAY("type %lx", (unsigned long)fs.f_type);
	fd = open("f", O_RDONLY);
	SEE(fstatfs(fd, &fs));
	SEE(fstatfs(99, &fs));
	SEE(statfs("none", &fs));
	SEE(syscall(SYS_newfstatat, fd, "", nowhere, AT_EMPTY_PATH));
	SEE(syscall(SYS_newfstatat, AT_FDCWD, "f", &(struct stat){ 0 }, 0x10000));
}

static const struct abi_case cases[] = {
	{ "modes", modes }, { "masks", masks }, { "owners", owners },
	{ "set-id-bits", set_id_bits }, { "group-directory", group_directory },
	{ "sticky-directory", sticky_directory }, { "access", access_rights },
	{ "classes", classes }, { "strangers", strangers }, { "times", times },
	{ "time-stamps", time_stamps }, { "link-counts", link_counts },
	{ "statx-statfs", statx_and_statfs },
};

AREA(attributes, cases);
