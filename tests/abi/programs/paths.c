/* SPDX-License-Identifier: MIT */
/* From a name to a place: components, links, `..`, slashes, lengths. */
#include "abi.h"

#include <limits.h>

static void tree(void)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	abi_put("f", "f");
	abi_put("a/b/f", "abf");
}

static void walk(void)
{
	tree();
	SEE(access("a/b/f", F_OK));
	SEE(access("a//b///f", F_OK));
	SEE(access("./a/./b/./f", F_OK));
	SEE(access("a/b/../b/f", F_OK));
	SEE(access("a/none/f", F_OK));
	SEE(access("a/none/../b/f", F_OK));
	SEE(access("f/x", F_OK));
	SEE(access("f/..", F_OK));
	SEE(access("f/.", F_OK));
	SEE(access("", F_OK));
	SEE(access("../case/f", F_OK));
	SEE(access("/case/f", F_OK));
	SEE(access("//case//f", F_OK));
	SEE(access("../../../../case/f", F_OK));
}

static void slashes(void)
{
	tree();
	symlink("f", "to-file");
	symlink("a", "to-dir");
	symlink("none", "to-none");
	SEE(access("f/", F_OK));
	SEE(access("a/", F_OK));
	SEE(access("to-file/", F_OK));
	SEE(access("to-dir/", F_OK));
	SEE(open("f/", O_RDONLY));
	SEE(open("new/", O_WRONLY | O_CREAT, 0644));
	SEE(open("a/", O_WRONLY | O_CREAT, 0644));
	SEE(open("to-none/", O_WRONLY | O_CREAT, 0644));
	SEE(mkdir("d/", 0755));
	SEE(mkdir("d/e//", 0755));
	SEE(mkdir("to-none/", 0755));
	SEE(mkdir("f/", 0755));
	SEE(mknod("n/", S_IFREG | 0644, 0));
	SEE(symlink("x", "s/"));
	SEE(link("f", "g/"));
	SEE(unlink("f/"));
	SEE(unlink("to-file/"));
	SEE(unlink("to-dir/"));
	SEE(rmdir("to-dir/"));
	SEE(rmdir("d/e/"));
	SEE(rename("f", "h/"));
	SEE(rename("f/", "h"));
	SEE(rename("d/", "moved/"));
	SEE(rename("to-dir/", "gone"));
	SEE(readlink("to-dir/", (char[8]){ 0 }, 8));
	abi_list(".");
}

static void links(void)
{
	tree();
	SEE(symlink("a/b", "ab"));
	SEE(symlink("../f", "a/up"));
	SEE(symlink("/case/a", "absolute"));
	SEE(symlink("none", "dangling"));
	SEE(symlink("", "empty"));
	SEE(symlink("x", "f"));
	abi_show("ab/f");
	abi_show("a/up");
	abi_show("ab/../up");
	abi_show("absolute/b/f");
	abi_show("dangling");
	SEE(access("dangling", F_OK));
	SEE(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	SEE(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
	SEE(open("dangling", O_WRONLY | O_CREAT, 0644));
	SEE(open("ab", O_RDONLY | O_NOFOLLOW));
	SEE(open("ab/f", O_RDONLY | O_NOFOLLOW));
	SEE(open("ab", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	SEE(mkdir("dangling", 0755));
	SEE(rmdir("ab"));
	SEE(unlink("ab"));
	abi_list(".");
}

static void loops(void)
{
	symlink("b", "a");
	symlink("a", "b");
	symlink("self/x", "self");
	SEE(open("a", O_RDONLY));
	SEE(open("a", O_WRONLY | O_CREAT, 0644));
	SEE(open("a", O_RDONLY | O_NOFOLLOW));
	SEE(open("self", O_RDONLY));
	SEE(access("a/x", F_OK));
	SEE(chdir("a"));
	SEE(mkdir("a/x", 0755));
	SEE(mkdir("a", 0755));
	SEE(unlink("a/"));
	SEE(rename("a", "c"));
	abi_stat("c");
}

/* A chain of N links to a file: 40 are followed. */
static void chain(void)
{
	char from[16], to[16];
	int i;

	abi_put("l0", "end");
	for (i = 1; i <= 42; i++) {
		snprintf(to, sizeof(to), "l%d", i - 1);
		snprintf(from, sizeof(from), "l%d", i);
		symlink(to, from);
	}
	SEE(access("l39", F_OK));
	SEE(access("l40", F_OK));
	SEE(access("l41", F_OK));
	SEE(open("l41", O_RDONLY | O_NOFOLLOW));
	mkdir("d", 0755);
	symlink(".", "d/here");
	SEE(access("d/here/here/here/here/here/here/here/here/here/here", F_OK));
	for (i = 0; i < 2; i++) {
		char path[512] = "d";

		while (strlen(path) < (size_t)(i ? 41 : 40) * 5 + 1)
			stpcpy(path + strlen(path), "/here");
		SAY("%d links", i ? 41 : 40);
		SEE(access(path, F_OK));
	}
}

static void long_names(void)
{
	char name[300], path[PATH_MAX + 10];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	SEE(mkdir(name, 0755));
	SEE(rmdir(name));
	name[255] = 'n';
	name[256] = '\0';
	SEE(mkdir(name, 0755));
	SEE(access(name, F_OK));
	SEE(open(name, O_RDONLY));
	SEE(open(name, O_WRONLY | O_CREAT, 0644));
	SEE(symlink("x", name));
	SEE(unlink(name));
	abi_put("f", "");
	SEE(rename("f", name));
	SEE(link("f", name));
	memset(path, '/', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	SEE(access(path, F_OK));
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = '\0';
	SEE(access(path, F_OK));
	memset(path, 't', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	SEE(symlink(path, "long-link"));
	path[PATH_MAX - 2] = '\0';
	SEE(symlink(path, "long-link2"));
	SEE(access("long-link2", F_OK));
	SEE(access(nowhere, F_OK));
}

static void dot_dot(void)
{
	char text[64];

	tree();
	SEE(chdir("a/b/c"));
	SEE(access("../f", F_OK));
	SEE(access("../../../f", F_OK));
	SEE(rmdir("."));
	SEE(rmdir(".."));
	SEE(rmdir("../c"));
	SAY("cwd is removed");
	SEE(access(".", F_OK));
	SEE(access("..", F_OK));
	SEE(access("../f", F_OK));
	SEE(open("new", O_WRONLY | O_CREAT, 0644));
	SEE(mkdir("new", 0755));
	SEE(getcwd(text, sizeof(text)) ? 0 : -1);
	abi_list(".");
	SEE(chdir(".."));
	SEE(getcwd(text, sizeof(text)) ? 0 : -1);
	SAY("%s", text);
}

static void last_component(void)
{
	tree();
	SEE(mkdir(".", 0755));
	SEE(mkdir("..", 0755));
	SEE(mkdir("a/.", 0755));
	SEE(mkdir("/", 0755));
	SEE(mkdir("none/.", 0755));
	SEE(unlink("."));
	SEE(unlink("a/.."));
	SEE(unlink("/"));
	SEE(rmdir("/"));
	SEE(rmdir("a/."));
	SEE(rmdir("a/.."));
	SEE(rename("a/.", "x"));
	SEE(rename("a/..", "x"));
	SEE(rename("f", "."));
	SEE(rename("/", "x"));
	SEE(symlink("x", "."));
	SEE(symlink("x", "/"));
	SEE(link("f", "."));
	SEE(mknod(".", S_IFIFO | 0644, 0));
	SEE(open(".", O_WRONLY | O_CREAT, 0644));
	SEE(open("/", O_RDONLY | O_CREAT, 0644));
	SEE(open("a/..", O_RDWR));
}

static void working_directory(void)
{
	char text[64];
	int fd;

	tree();
	SEE(chdir("a"));
	SEE(getcwd(text, 8) ? 0 : -1);
	SEE(syscall(SYS_getcwd, text, 7));
	SEE(syscall(SYS_getcwd, text, 8));
	SEE(syscall(SYS_getcwd, text, 0));
	SAY("%s", text);
	SEE(chdir("../f"));
	SEE(chdir("none"));
	SEE(chdir(""));
	SEE(fd = open("b", O_RDONLY));
	SEE(fchdir(fd));
	SEE(syscall(SYS_getcwd, text, sizeof(text)));
	SAY("%s", text);
	SEE(rename("/case/a", "/case/z"));
	SEE(syscall(SYS_getcwd, text, sizeof(text)));
	SAY("%s", text);
	close(fd);
	SEE(fd = open("f", O_RDONLY));
	SEE(fchdir(fd));
	SEE(fchdir(99));
}

static void at_functions(void)
{
	int dir, file;

	tree();
	dir = open("a", O_RDONLY | O_DIRECTORY);
	file = open("f", O_RDONLY);
	SEE(faccessat(dir, "b/f", F_OK, 0));
	SEE(faccessat(file, "b/f", F_OK, 0));
	SEE(faccessat(99, "b/f", F_OK, 0));
	SEE(faccessat(99, "/case/f", F_OK, 0));
	SEE(faccessat(dir, "", F_OK, AT_EMPTY_PATH));
	SEE(faccessat(dir, "", F_OK, 0));
	SEE(mkdirat(dir, "new", 0755));
	SEE(unlinkat(dir, "new", 0));
	SEE(unlinkat(dir, "new", AT_REMOVEDIR));
	SEE(unlinkat(dir, "b/f", AT_REMOVEDIR));
	SEE(unlinkat(dir, "b/f", 0x4000));
	SEE(symlinkat("b", dir, "link"));
	SEE(linkat(dir, "b/f", AT_FDCWD, "hard", 0));
	SEE(linkat(dir, "link", AT_FDCWD, "hardlink", 0));
	SEE(linkat(file, "", AT_FDCWD, "by-fd", AT_EMPTY_PATH));
	SEE(renameat(dir, "link", dir, "renamed"));
	SEE(openat(dir, "../f", O_RDONLY));
	SEE(openat(dir, "renamed/f", O_RDONLY));
	SEE(openat(-1, "f", O_RDONLY));
	abi_list("a");
	abi_list(".");
	abi_stat("hardlink");
}

static void open_path(void)
{
	char text[8];
	struct stat st;
	int fd;

	tree();
	symlink("f", "link");
	fd = open("f", O_PATH);
	SEE(read(fd, text, 1));
	SEE(write(fd, text, 1));
	SEE(fstat(fd, &st));
	SEE(fchmod(fd, 0600));
	SEE(ftruncate(fd, 0));
	SEE(lseek(fd, 0, SEEK_SET));
	SEE(fcntl(fd, F_GETFL) & (O_PATH | O_ACCMODE));
	close(fd);
	fd = open("link", O_PATH | O_NOFOLLOW);
	SEE(readlinkat(fd, "", text, sizeof(text)));
	abi_bytes("link", text, 1);
	SEE(fstat(fd, &st));
	SAY("%o", st.st_mode & S_IFMT);
	close(fd);
	fd = open("a", O_PATH | O_DIRECTORY);
	SEE(openat(fd, "b/f", O_RDONLY));
	SEE(fchdir(fd));
	SEE(open("f", O_PATH | O_DIRECTORY));
}

static void permission(void)
{
	tree();
	mkdir("closed", 0700);
	abi_put("closed/f", "x");
	mkdir("search", 0711);
	abi_put("search/f", "x");
	mkdir("listed", 0744);
	abi_put("listed/f", "x");
	abi_user(1000);
	SEE(access("closed/f", F_OK));
	SEE(access("closed/none", F_OK));
	abi_list("closed");
	SEE(chdir("closed"));
	SEE(access("search/f", R_OK));
	SEE(access("search/none", R_OK));
	abi_list("search");
	SEE(access("listed/f", F_OK));
	abi_list("listed");
	SEE(access("closed/../f", F_OK));
	SEE(mkdir("new", 0755));
	SEE(mkdir("a", 0755));
	SEE(mkdir("none/x", 0755));
	SEE(unlink("f"));
	SEE(unlink("none"));
	SEE(open("f", O_WRONLY));
	SEE(open("f", O_WRONLY | O_CREAT, 0644));
	SEE(open("new", O_WRONLY | O_CREAT, 0644));
	SEE(rename("f", "g"));
	SEE(symlink("x", "s"));
}

static const struct abi_case cases[] = {
	{ "walk", walk }, { "slashes", slashes }, { "links", links }, { "loops", loops },
	{ "chain", chain }, { "long-names", long_names }, { "dot-dot", dot_dot },
	{ "last-component", last_component }, { "working-directory", working_directory },
	{ "at-functions", at_functions }, { "open-path", open_path },
	{ "permission", permission },
};

AREA(paths, cases);
