/* SPDX-License-Identifier: MIT */
/* Address spaces: mmap and its relatives, brk, the stack. */
#include "abi.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/resource.h>

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void anonymous(void)
{
	unsigned char *map = mmap(NULL, 10 * PAGE, RW, ANON, -1, 0);

	SEE_OK(map);
	SAY("zero %d", map[0] == 0 && map[10 * PAGE - 1] == 0);
	map[5 * PAGE] = 7;
	SEE(munmap(map + 3 * PAGE, PAGE));
	SAY("still %d", map[5 * PAGE]);
	IN_CHILD(map[3 * PAGE] = 1);
	IN_CHILD(map[2 * PAGE] = 1; map[4 * PAGE] = 1);
	SEE(munmap(map, 10 * PAGE));
	SEE(munmap(map, 10 * PAGE));
	SEE(munmap(map + 1, PAGE));
	SEE(munmap(map, 0));
	IN_CHILD(map[0] = 1);
	SEE_OK(mmap(NULL, 0, RW, ANON, -1, 0));
	SEE_OK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	SEE_OK(mmap(NULL, 1ul << 50, RW, ANON, -1, 0));
	SEE_OK(mmap(NULL, PAGE, RW, ANON, -1, 1));
	SEE_OK(mmap((void *)(1ul << 60), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SEE_OK(mmap((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SEE_OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static void fixed(void)
{
	unsigned char *map = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);

	memset(map, 'm', 4 * PAGE);
	SEE(mmap(map + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == map + PAGE);
	SAY("%d %d %d", map[0], map[PAGE], map[2 * PAGE]);
	SEE_OK(mmap(map, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	SEE(munmap(map + 2 * PAGE, PAGE));
	SEE(mmap(map + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == map + 2 * PAGE);
	SEE(munmap(map + 2 * PAGE, PAGE));
	SEE(mmap(map + 2 * PAGE, PAGE, RW, ANON, -1, 0) == map + 2 * PAGE);
	SEE(mmap(map + 2 * PAGE, PAGE, RW, ANON, -1, 0) == map + 2 * PAGE);
	SAY("%d", map[3 * PAGE]);
}

static void of_files(void)
{
	unsigned char *map;
	int fd, readonly, writeonly;

	abi_put("f", "0123456789");
	fd = open("f", O_RDWR);
	readonly = open("f", O_RDONLY);
	writeonly = open("f", O_WRONLY);
	map = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	abi_bytes("map", map, 12);
	map[0] = 'P';
	abi_show("f");
	pwrite(fd, "AB", 2, 4);
	SAY("private, written page: %c", map[0]);
	SEE(munmap(map, PAGE));
	SEE_OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, readonly, 0));
	SEE_OK(mmap(NULL, PAGE, RW, MAP_SHARED, readonly, 0));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writeonly, 0));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writeonly, 0));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE * 10));
	SEE_OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, readonly, 0));
	map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	unlink("f");
	abi_bytes("after unlink", map, 12);
	SEE(write(1, "x", 0));
}

static void shared_files(void)
{
	unsigned char *map, *other;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	SEE(ftruncate(fd, 2 * PAGE));
	SEE_OK(map = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0));
	if (map == MAP_FAILED)
		return;
	SEE_OK(other = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0));
	memcpy(map, "shared", 6);
	abi_bytes("other", other, 7);
	char text[8] = "";
	SEE(pread(fd, text, 7, 0));
	abi_bytes("file", text, 7);
	SEE(pwrite(fd, "WRITE", 5, PAGE));
	abi_bytes("map", map + PAGE, 6);
	IN_CHILD(map[0] = 'S');
	abi_bytes("map", map, 6);
	SEE(msync(map, PAGE, MS_SYNC));
	SEE(munmap(map, 2 * PAGE));
	SEE(ftruncate(fd, PAGE));
	IN_CHILD(SAY("%d", other[PAGE]));
	SAY("%c", other[0]);
}

static void shared_anonymous(void)
{
	volatile int *map = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *own = mmap(NULL, PAGE, RW, ANON, -1, 0);

	SEE_OK(map);
	*map = 1;
	*own = 1;
	IN_CHILD(*map = 2; *own = 2; SAY("child %d %d", *map, *own));
	SAY("parent %d %d", *map, *own);
	IN_CHILD(SEE(munmap((void *)map, PAGE)));
	*map += 1;
	SAY("parent %d", *map);
}

static void protection(void)
{
	unsigned char *map = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);

	map[0] = 0xc3;		/* ret */
	SEE(mprotect(map, PAGE, PROT_READ));
	IN_CHILD(SAY("%d", map[0]); map[0] = 1);
	SEE(mprotect(map, PAGE, PROT_NONE));
	IN_CHILD(SAY("%d", map[0]));
	SEE(write(1, map, 1));
	SEE(mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	IN_CHILD(((void (*)(void))map)(); SAY("returned"));
	SEE(mprotect(map, PAGE, RW));
	IN_CHILD(((void (*)(void))map)(); SAY("returned"));
	SEE(mprotect(map + 1, PAGE, RW));
	SEE(mprotect(map, 0, RW));
	SEE(munmap(map + PAGE, PAGE));
	SEE(mprotect(map, 3 * PAGE, PROT_READ));
	IN_CHILD(map[0] = 1);
	IN_CHILD(map[2 * PAGE] = 1);
	SEE(mprotect(map, PAGE, 0x100));
	int fd = open("/bin/abi", O_RDONLY);
	unsigned char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	SEE_OK(file);
	SEE(file == MAP_FAILED ? 0 : mprotect(file, PAGE, RW));
	IN_CHILD(mprotect(map, PAGE, PROT_WRITE); map[0] = 5; SAY("%d", map[0]));
}

static void program_break(void)
{
	char *start = sbrk(0), *end;

	SEE_OK(start);
	end = sbrk(10 * PAGE);
	SAY("same %d", end == start);
	end[10 * PAGE - 1] = 'x';
	SAY("zero %d", end[0]);
	SEE(brk(start) );
	IN_CHILD(end[5 * PAGE] = 1);
	SEE(syscall(SYS_brk, 0) == (long)start);
	SEE(syscall(SYS_brk, 1) == (long)start);
	SEE(syscall(SYS_brk, (long)start + PAGE) == (long)start + PAGE);
	SAY("zero %d", start[0]);
	SEE(syscall(SYS_brk, 1ul << 46) == (long)start + PAGE);
}

static int grow(int depth)
{
	volatile char room[4000];

	room[0] = (char)depth;
	return depth == 0 ? 0 : grow(depth - 1) + room[0] * 0 + 1;
}

static void stack(void)
{
	SAY("%d frames", grow(1500));
	IN_CHILD(SAY("%d", grow(1000000)));
	IN_CHILD(char *volatile p = (char *)__builtin_frame_address(0); p[-100 * PAGE] = 1; SAY("far"));
	IN_CHILD(char *volatile p = (char *)__builtin_frame_address(0);
		 p[-20 * 1024 * 1024] = 1; SAY("too far"));
}

static void null_pages(void)
{
	IN_CHILD(*(volatile char *)nowhere = 1);
	IN_CHILD(SAY("%d", *(volatile char *)nowhere));
	IN_CHILD(((void (*)(void))nowhere)());
	IN_CHILD(SAY("%d", *(volatile char *)0xffff800000000000ul));
	IN_CHILD(SAY("%d", *(volatile char *)0x7ffffffff000ul));
	SEE(read(0, nowhere, 0));
	SEE(write(1, nowhere, 1));
	SEE(write(1, (void *)0xffffffff80100000ul, 1));
	SEE(syscall(SYS_read, open("/dev/zero", O_RDONLY), 0xffffffff80100000ul, 16));
	SEE(access((char *)0xffffffff80100000ul, F_OK));
}

static void remapping(void)
{
	char *map = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *moved;

	stpcpy(map, "content");
	stpcpy(map + PAGE, "second");
	SEE(mremap(map, 4 * PAGE, 2 * PAGE, 0) == map);
	IN_CHILD(map[2 * PAGE] = 1);
	SEE_OK(moved = mremap(map, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE));
	SAY("%s %s %d", moved, moved + PAGE, moved[63 * PAGE]);
	SEE_OK(mremap(moved + 1, PAGE, PAGE, 0));
	SEE_OK(mremap(moved, PAGE, 0, 0));
	SEE_OK(mremap(nowhere, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	SEE_OK(mremap((void *)0x10000, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	SEE_OK(mremap(moved, PAGE, PAGE, 99));
}

static void advice(void)
{
	char *map = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);

	map[0] = 'x';
	SEE(madvise(map, PAGE, MADV_NORMAL));
	SEE(madvise(map, PAGE, MADV_WILLNEED));
	SEE(madvise(map, PAGE, MADV_DONTNEED));
	SAY("%d", map[0]);
	SEE(madvise(map + 1, PAGE, MADV_DONTNEED));
	SEE(madvise(map, PAGE, 9999));
	SEE(madvise(map, 0, MADV_DONTNEED));
	SEE(munmap(map + PAGE, PAGE));
	SEE(madvise(map, 3 * PAGE, MADV_DONTNEED));
}

/* A copy is made by whoever writes first, the kernel's own writes too. */
static void copy_on_write(void)
{
	char *map = mmap(NULL, PAGE, RW, ANON, -1, 0);
	int ends[2];

	stpcpy(map, "before");
	pipe(ends);
	IN_CHILD(write(ends[1], "CHILD", 6);
		 SEE(read(ends[0], map, 6));
		 SAY("child has %s", map));
	SAY("parent has %s", map);
	IN_CHILD(stpcpy(map, "c"); IN_CHILD(stpcpy(map, "g"); SAY("%s", map)); SAY("%s", map));
	SAY("%s", map);
}

static void in_memory_file(void)
{
	char text[64] = "";
	struct stat st;
	int fd;

	SEE(fd = memfd_create("name", 0));
	SEE(write(fd, "text", 4));
	SEE(fstat(fd, &st));
	SAY("%o links %lu size %ld", st.st_mode, (unsigned long)st.st_nlink, (long)st.st_size);
	SEE(readlink("/proc/self/fd/3", text, sizeof(text) - 1));
	SAY("%s", text);
	SEE(memfd_create("name", 0x1000));
	SEE(memfd_create(nowhere, 0));
}

/* A program is not written while it runs, and does not run while it is written. */
static void running_program(void)
{
	char line[64];
	int in = open("/bin/busybox", O_RDONLY), out = open("prog", O_WRONLY | O_CREAT, 0755), ends[2];
	int never[2];
	pid_t pid;

	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	IN_CHILD(SEE(execl("prog", "true", NULL)));
	close(out);
	IN_CHILD(SEE(execl("prog", "true", NULL)));
	if (pipe(ends) < 0 || pipe(never) < 0)
		return;
	pid = abi_fork();
	if (pid == 0) {
		dup2(never[0], 0);
		dup2(ends[1], 1);
		execl("prog", "sh", "-c", "echo; read -r x", NULL);
		abi_exit(1);
	}
	(void)!read(ends[0], line, sizeof(line));
	SEE(open("prog", O_WRONLY));
	SEE(open("prog", O_RDWR | O_APPEND));
	SEE(open("prog", O_RDONLY | O_TRUNC));
	SEE(truncate("prog", 0));
	SEE(open("prog", O_WRONLY | O_CREAT | O_EXCL, 0755));
	SEE(access("prog", W_OK));
	SEE(chmod("prog", 0700));
	SEE(link("prog", "other"));
	SEE(open("other", O_WRONLY));
	SEE(rename("prog", "moved"));
	SEE(unlink("other"));
	kill(pid, SIGKILL);
	abi_ended(pid);
	SEE(truncate("moved", 10));
	abi_put("script", "#!/bin/busybox sh\necho > script2\n");
	chmod("script", 0755);
	SEE(out = open("script", O_WRONLY | O_APPEND));
	IN_CHILD(SEE(execl("script", "script", NULL)));
	close(out);
	IN_CHILD(SEE(execl("script", "script", NULL)));
}

static const struct abi_case cases[] = {
	{ "anonymous", anonymous }, { "fixed", fixed }, { "files", of_files },
	{ "shared-files", shared_files }, { "shared-anonymous", shared_anonymous },
	{ "protection", protection }, { "break", program_break }, { "stack", stack },
	{ "null", null_pages }, { "remapping", remapping }, { "advice", advice },
	{ "copy-on-write", copy_on_write }, { "in-memory-file", in_memory_file },
	{ "running-program", running_program },
};

AREA(memory, cases);
