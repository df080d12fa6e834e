/* SPDX-License-Identifier: MIT */
/* Regular files: opening, reading, writing, positions, lengths, names. */
#include "abi.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buf[8192];

static long open_close(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd >= 0)
		close(fd);
	return fd;
}

static void open_flags(void)
{
	abi_put("f", "text");
	mkdir("d", 0755);
	SEE(open_close("none", O_RDONLY));
	SEE(open_close("f", O_RDONLY));
	SEE(open_close("f", O_RDONLY | O_DIRECTORY));
	SEE(open_close("d", O_RDONLY));
	SEE(open_close("d", O_WRONLY));
	SEE(open_close("d", O_RDWR));
	SEE(open_close("d", O_RDONLY | O_TRUNC));
	SEE(open_close("d", O_RDONLY | O_CREAT));
	SEE(open_close("d", O_RDONLY | O_CREAT | O_DIRECTORY));
	SEE(open_close("none", O_RDONLY | O_CREAT | O_DIRECTORY));
	SEE(open_close("f", O_RDONLY | O_CREAT | O_EXCL));
	SEE(open_close("d", O_RDONLY | O_CREAT | O_EXCL));
	SEE(open_close("new", O_RDONLY | O_CREAT | O_EXCL));
	SEE(open_close("f", O_ACCMODE));
	SEE(open_close("none/x", O_WRONLY | O_CREAT));
	SEE(open_close("f/x", O_WRONLY | O_CREAT));
	abi_list(".");
}

static void open_truncates(void)
{
	int fd;

	abi_put("f", "hello");
	fd = open("f", O_RDONLY | O_TRUNC);
	SEE(fd);
	abi_stat("f");
	abi_put("f", "hello");
	fd = open("f", O_WRONLY | O_TRUNC);
	abi_stat("f");
	SEE(write(fd, "abc", 3));
	SEE(read(fd, buf, 1));
	abi_show("f");
	SEE(open("f", O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, 0644));
	abi_show("f");
}

static void append(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0644), other;

	SEE(write(fd, "one", 3));
	SEE(lseek(fd, 0, SEEK_SET));
	SEE(write(fd, "two", 3));
	SEE(lseek(fd, 0, SEEK_CUR));
	other = open("f", O_WRONLY);
	SEE(pwrite(other, "later", 5, 10));
	SEE(write(fd, "end", 3));
	SEE(pwrite(fd, "X", 1, 0));
	abi_show("f");
	SEE(fcntl(fd, F_SETFL, 0));
	SEE(pwrite(fd, "Y", 1, 0));
	abi_show("f");
	SEE(fcntl(other, F_SETFL, O_APPEND | O_WRONLY));
	SEE(write(other, "Z", 1));
	abi_show("f");
}

static void positions(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(write(fd, "0123456789", 10));
	SEE(lseek(fd, 3, SEEK_SET));
	SEE(read(fd, buf, 2));
	abi_bytes("read", buf, 2);
	SEE(lseek(fd, -1, SEEK_CUR));
	SEE(lseek(fd, -100, SEEK_CUR));
	SEE(lseek(fd, 0, SEEK_CUR));
	SEE(lseek(fd, -2, SEEK_END));
	SEE(read(fd, buf, 10));
	SEE(read(fd, buf, 10));
	SEE(lseek(fd, 100, SEEK_SET));
	SEE(read(fd, buf, 10));
	SEE(lseek(fd, 0, 99));
	SEE(lseek(fd, -1, SEEK_SET));
	SEE(lseek(fd, LONG_MAX, SEEK_SET));
	SEE(lseek(fd, 1, SEEK_CUR));
	SEE(lseek(99, 0, SEEK_SET));
	SEE(lseek(fd, LONG_MAX, SEEK_END));
}

static void read_at(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(pwrite(fd, "abcdef", 6, 2));
	SEE(lseek(fd, 0, SEEK_CUR));
	SEE(pread(fd, buf, 4, 0));
	abi_bytes("read", buf, 4);
	SEE(pread(fd, buf, 100, 6));
	SEE(pread(fd, buf, 100, 8));
	SEE(pread(fd, buf, 100, 9));
	SEE(pread(fd, buf, 0, 0));
	SEE(pread(fd, buf, 1, -1));
	SEE(pwrite(fd, buf, 1, -1));
	SEE(pwrite(fd, buf, 0, 100));
	SEE(pread(fd, nowhere, 1, 0));
	SEE(pwrite(fd, nowhere, 1, 0));
	SEE(read(fd, nowhere, 1));
	SEE(write(fd, nowhere, 1));
	SEE(write(fd, nowhere, 0));
	abi_stat("f");
}

static void truncate_files(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), readonly;

	SEE(write(fd, "0123456789", 10));
	SEE(ftruncate(fd, 4));
	SEE(lseek(fd, 0, SEEK_CUR));
	SEE(write(fd, "x", 1));
	abi_show("f");
	SEE(ftruncate(fd, 2));
	SEE(ftruncate(fd, 20));
	abi_show("f");
	SEE(ftruncate(fd, -1));
	readonly = open("f", O_RDONLY);
	SEE(ftruncate(readonly, 1));
	SEE(truncate("f", 3));
	abi_show("f");
	SEE(truncate("none", 3));
	SEE(truncate(".", 3));
	SEE(truncate("f", -1));
	SEE(ftruncate(99, 0));
}

static void sparse(void)
{
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(pwrite(fd, "end", 3, 1 << 20));
	SEE(fstat(fd, &st));
	SAY("size %ld, small %d", (long)st.st_size, st.st_blocks < 64);
	SEE(pread(fd, buf, 100, 5000));
	abi_bytes("hole", buf, 100);
	SEE(pread(fd, buf, 8, (1 << 20) - 4));
	abi_bytes("edge", buf, 7);
	SEE(ftruncate(fd, 1 << 19));
	SEE(ftruncate(fd, (1 << 20) + 3));
	SEE(pread(fd, buf, 8, (1 << 20) - 4));
	abi_bytes("edge", buf, 7);
	SEE(pwrite(fd, "middle", 6, 4093));
	SEE(pread(fd, buf, 20, 4090));
	abi_bytes("middle", buf, 20);
}

static void vectors(void)
{
	char a[4] = "", b[8] = "";
	struct iovec out[] = { { (void *)"one", 3 }, { (void *)"", 0 }, { (void *)"two", 3 } };
	struct iovec in[] = { { a, 2 }, { b, sizeof(b) } };
	struct iovec bad[] = { { a, 2 }, { nowhere, 2 } };
	struct iovec huge[] = { { a, SIZE_MAX } };
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(writev(fd, out, 3));
	SEE(preadv(fd, in, 2, 0));
	abi_bytes("a", a, 2);
	abi_bytes("b", b, 4);
	SEE(readv(fd, in, 2));
	SEE(lseek(fd, 0, SEEK_SET));
	SEE(readv(fd, in, 2));
	SEE(readv(fd, in, 0));
	SEE(readv(fd, in, -1));
	SEE(readv(fd, in, 1025));
	SEE(writev(fd, huge, 1));
	SEE(pwritev(fd, out, 3, 4));
	abi_show("f");
	SEE(lseek(fd, 0, SEEK_SET));
	SEE(readv(fd, bad, 2));
	SEE(writev(99, out, 3));
}

static void rename_files(void)
{
	abi_put("a", "a");
	abi_put("b", "b");
	mkdir("d", 0755);
	mkdir("e", 0755);
	abi_put("e/x", "x");
	SEE(rename("a", "c"));
	SEE(rename("a", "c"));
	SEE(rename("c", "b"));
	abi_show("b");
	SEE(rename("b", "d"));
	SEE(rename("d", "b"));
	SEE(rename("d", "e"));
	SEE(rename("e", "d"));
	abi_list(".");
	SEE(rename("d", "d/inside"));
	SEE(rename("d", "d/x/inside"));
	SEE(rename("d/x", "d"));
	SEE(rename("d/x", "."));
	SEE(rename("b", "b"));
	SEE(link("b", "b2"));
	SEE(rename("b", "b2"));
	abi_list(".");
	SEE(rename("b/x", "y"));
	SEE(rename("b", "none/y"));
	SEE(rename("", "y"));
	symlink("b", "l");
	SEE(rename("l", "l2"));
	SEE(rename("b", "l2"));
	abi_list(".");
}

static void rename_special(void)
{
	abi_put("a", "a");
	abi_put("b", "b");
	mkdir("d", 0755);
	abi_put("d/x", "x");
	SEE(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	SEE(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	SEE(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
	abi_show("b");
	abi_show("c");
	SEE(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE));
	abi_list(".");
	abi_list("c");
	SEE(renameat2(AT_FDCWD, "c", AT_FDCWD, "c/x", RENAME_EXCHANGE));
	SEE(renameat2(AT_FDCWD, "c/x", AT_FDCWD, "c", RENAME_EXCHANGE));
	SEE(renameat2(AT_FDCWD, "b", AT_FDCWD, "none", RENAME_EXCHANGE));
	SEE(renameat2(AT_FDCWD, "b", AT_FDCWD, "y", RENAME_EXCHANGE | RENAME_NOREPLACE));
	SEE(renameat2(AT_FDCWD, "b", AT_FDCWD, "y", 64));
}

static void hard_links(void)
{
	abi_put("a", "a");
	mkdir("d", 0755);
	symlink("a", "s");
	SEE(link("a", "b"));
	abi_stat("a");
	SEE(link("a", "b"));
	SEE(link("d", "d2"));
	SEE(link("none", "x"));
	SEE(link("a", "none/x"));
	SEE(link("s", "s2"));
	abi_stat("s2");
	SEE(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
	abi_stat("s3");
	SEE(link("a", "/proc/x"));
	SEE(unlink("a"));
	abi_stat("b");
	SEE(unlink("a"));
	SEE(unlink("d"));
	abi_show("b");
}

static void unlink_open(void)
{
	struct stat st;
	char text[64] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	int dir;

	SEE(write(fd, "still here", 10));
	SEE(unlink("f"));
	SEE(access("f", F_OK));
	SEE(fstat(fd, &st));
	SAY("links %lu size %ld", (unsigned long)st.st_nlink, (long)st.st_size);
	SEE(pread(fd, buf, 5, 6));
	SEE(write(fd, "!", 1));
	SEE(readlink("/proc/self/fd/3", text, sizeof(text) - 1));
	SAY("%s", text);
	SEE(open("/proc/self/fd/3", O_RDONLY));
	abi_put("f", "new");
	SEE(pread(fd, buf, 100, 0));
	abi_show("f");
	SEE(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH));
	mkdir("d", 0755);
	dir = open("d", O_RDONLY);
	SEE(rmdir("d"));
	SEE(openat(dir, "x", O_WRONLY | O_CREAT, 0644));
	SEE(fstat(dir, &st));
	SAY("links %lu", (unsigned long)st.st_nlink);
}

static void special_files(void)
{
	int fd;

	SEE(fd = open("/dev/null", O_RDWR));
	SEE(write(fd, "x", 1));
	SEE(read(fd, buf, 1));
	SEE(lseek(fd, 5, SEEK_SET));
	SEE(ftruncate(fd, 0));
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	memset(buf, 1, 16);
	SEE(read(fd, buf, 16));
	abi_bytes("zero", buf, 16);
	close(fd);
	fd = open("/dev/full", O_RDWR);
	SEE(write(fd, "x", 1));
	SEE(read(fd, buf, 4));
	SEE(open("/dev/null", O_RDONLY | O_CREAT | O_EXCL, 0600));
	SEE(open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600));
	SEE(mknod("c", S_IFCHR | 0600, (11 << 8) | 77));
	abi_stat("c");
	SEE(open("c", O_RDONLY));
	SEE(mknod("b", S_IFBLK | 0600, (99 << 8) | 1));
	SEE(open("b", O_RDONLY));
	SEE(mknod("d", S_IFDIR | 0600, 0));
	SEE(mknod("l", S_IFLNK | 0600, 0));
	SEE(mknod("r", 0600, 0));
	SEE(mknod("s", S_IFSOCK | 0600, 0));
	SEE(open("s", O_RDONLY));
	abi_list(".");
}

static void descriptors(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), i;

	SEE(write(fd, "abc", 3));
	SEE(dup(fd));
	SEE(lseek(4, 0, SEEK_CUR));
	SEE(dup2(fd, 9));
	SEE(dup2(fd, fd));
	SEE(dup2(99, 9));
	SEE(dup2(99, 99));
	SEE(dup2(fd, -1));
	SEE(dup2(fd, 1 << 30));
	SEE(dup3(fd, fd, 0));
	SEE(dup3(fd, 10, O_CLOEXEC));
	SEE(fcntl(10, F_GETFD));
	SEE(dup3(fd, 10, 1));
	SEE(fcntl(fd, F_DUPFD, 20));
	SEE(fcntl(fd, F_DUPFD, -1));
	SEE(fcntl(fd, F_DUPFD, 1 << 30));
	SEE(fcntl(fd, F_DUPFD_CLOEXEC, 5));
	SEE(fcntl(5, F_GETFD));
	SEE(fcntl(fd, F_SETFD, FD_CLOEXEC));
	SEE(fcntl(fd, F_GETFD));
	SEE(fcntl(4, F_GETFD));
	SEE(fcntl(99, F_GETFD));
	SEE(fcntl(fd, 9999));
	SEE(close(9));
	SEE(close(9));
	SEE(close(-1));
	for (i = 3; i < 30; i++)
		if (fcntl(i, F_GETFD) >= 0)
			SAY("open %d", i);
	SEE(close_range(4, 19, 0));
	for (i = 3; i < 30; i++)
		if (fcntl(i, F_GETFD) >= 0)
			SAY("open %d", i);
	SEE(close_range(9, 8, 0));
}

static void file_flags(void)
{
	const int shown = O_ACCMODE | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_CREAT | O_TRUNC;
	int fd = open("f", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	SEE(fcntl(fd, F_GETFL) & shown);
	SEE(fcntl(fd, F_GETFD));
	SEE(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK));
	SEE(fcntl(fd, F_GETFL) & shown);
	SEE(read(fd, buf, 1));
	close(fd);
	fd = open(".", O_RDONLY);
	SEE(read(fd, buf, 1));
	SEE(write(fd, buf, 1));
	SEE(pread(fd, buf, 1, 0));
	SEE(ftruncate(fd, 0));
	SEE(fsync(fd));
	SEE(fsync(99));
	SEE(fdatasync(fd));
}

static void copying(void)
{
	int in, out;
	loff_t at = 1;
	off_t from = 2;

	abi_put("in", "0123456789");
	in = open("in", O_RDONLY);
	out = open("out", O_RDWR | O_CREAT, 0644);
	SEE(sendfile(out, in, NULL, 4));
	SEE(sendfile(out, in, &from, 100));
	SAY("from %ld", (long)from);
	SEE(lseek(in, 0, SEEK_CUR));
	SEE(copy_file_range(in, NULL, out, NULL, 3, 0));
	SEE(copy_file_range(in, &at, out, NULL, 3, 0));
	SAY("at %ld", (long)at);
	SEE(copy_file_range(in, NULL, out, NULL, 3, 1));
	SEE(copy_file_range(out, NULL, in, NULL, 3, 0));
	abi_show("out");
	SEE(sendfile(in, out, NULL, 1));
	SEE(sendfile(out, 99, NULL, 1));
	SEE(sendfile(out, in, NULL, 0));
}

static void allocate(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(write(fd, "0123456789", 10));
	SEE(fallocate(fd, 0, 0, 100));
	abi_stat("f");
	SEE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
	abi_stat("f");
	SEE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 4));
	SEE(pread(fd, buf, 12, 0));
	abi_bytes("punched", buf, 12);
	SEE(fallocate(fd, 0, 0, 0));
	SEE(fallocate(fd, 0, -1, 10));
	SEE(fallocate(99, 0, 0, 10));
	SEE(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	SEE(posix_fadvise(fd, 0, 0, 99));
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int fd = open("f", O_RDWR | O_CREAT, 0644), other = open("f", O_RDWR);

	SEE(fcntl(fd, F_SETLK, &lock));
	SEE(fcntl(fd, F_GETLK, &lock));
	SAY("type %d", lock.l_type);
	lock.l_type = F_UNLCK;
	SEE(fcntl(fd, F_SETLK, &lock));
	SEE(syscall(SYS_flock, fd, 2));
	SEE(syscall(SYS_flock, other, 2 | 4));
	SEE(syscall(SYS_flock, fd, 8));
	SEE(syscall(SYS_flock, other, 2 | 4));
	SEE(syscall(SYS_flock, other, 0));
}

static const struct abi_case cases[] = {
	{ "open-flags", open_flags }, { "open-truncates", open_truncates }, { "append", append },
	{ "positions", positions }, { "read-at", read_at }, { "truncate", truncate_files },
	{ "sparse", sparse }, { "vectors", vectors }, { "rename", rename_files },
	{ "rename-special", rename_special }, { "hard-links", hard_links },
	{ "unlink-open", unlink_open }, { "special-files", special_files },
	{ "descriptors", descriptors }, { "flags", file_flags }, { "copying", copying },
	{ "allocate", allocate }, { "locks", locks },
};

AREA(files, cases);
