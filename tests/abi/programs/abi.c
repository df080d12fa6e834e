/* SPDX-License-Identifier: MIT */
/* abi [list | AREA/CASE]: one case in the working directory; as PID 1, all of them. */
#include "abi.h"

#include <dirent.h>
#include <grp.h>

static const struct abi_area *const areas[] = {
	&abi_paths, &abi_files, &abi_attributes, &abi_directories, &abi_mounts, &abi_roots, &abi_namespaces,
	&abi_processes, &abi_signals, &abi_pipes, &abi_memory,
};

void *volatile nowhere = (void *)8;

#define AREA_COUNT (sizeof(areas) / sizeof(areas[0]))

/* ------------------------------------------------------------------ what cases print */

long abi_see(const char *what, long result)
{
	int err = errno;

	if (result == -1 && err != 0)
		printf("%s: %s\n", what, strerrorname_np(err));
	else
		printf("%s: %ld\n", what, result);
	errno = err;
	return result;
}

long abi_see_ok(const char *what, long result)
{
	int err = errno;

	printf("%s: %s\n", what, result == -1 ? strerrorname_np(err) : "ok");
	errno = err;
	return result;
}

void abi_bytes(const char *what, const void *data, long count)
{
	const unsigned char *bytes = data;
	long i, run;

	printf("%s: %ld \"", what, count);
	for (i = 0; i < count; i += run) {
		for (run = 1; i + run < count && bytes[i + run] == bytes[i]; run++)
			;
		if (run > 8)
			printf("{%ld x \\x%02x}", run, bytes[i]);
		else if (bytes[i] == '\n')
			run = 1, printf("\\n");
		else if (bytes[i] < ' ' || bytes[i] > '~')
			run = 1, printf("\\x%02x", bytes[i]);
		else
			run = 1, printf("%c", bytes[i]);
	}
	printf("\"\n");
}

void abi_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("put %s: %s\n", path, strerrorname_np(errno));
	close(fd);
}

void abi_show(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	long count = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (count < 0)
		printf("%s: %s\n", path, strerrorname_np(errno));
	else
		abi_bytes(path, text, count);
	if (fd >= 0)
		close(fd);
}

static char type_letter(mode_t mode)
{
	return S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' :
	       S_ISFIFO(mode) ? 'p' : S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' : '?';
}

void abi_stat(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		printf("stat %s: %s\n", path, strerrorname_np(errno));
		return;
	}
	printf("stat %s: %c %04o %u:%u", path, type_letter(st.st_mode), st.st_mode & 07777,
	       st.st_uid, st.st_gid);
	if (!S_ISDIR(st.st_mode))
		printf(" links %lu size %ld", (unsigned long)st.st_nlink, (long)st.st_size);
	printf("\n");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void abi_list(const char *path)
{
	static const char letters[] = "?pc?d?b?f?l?s???";
	char *names[256];
	struct dirent *entry;
	unsigned count = 0, i;
	DIR *dir = opendir(path);

	if (!dir) {
		printf("list %s: %s\n", path, strerrorname_np(errno));
		return;
	}
	while ((entry = readdir(dir)) && count < 256)
		if (asprintf(&names[count], "%s(%c)", entry->d_name, letters[entry->d_type & 15]) > 0)
			count++;
	closedir(dir);
	qsort(names, count, sizeof(names[0]), by_name);
	printf("list %s:", path);
	for (i = 0; i < count; i++) {
		printf(" %s", names[i]);
		free(names[i]);
	}
	printf("\n");
}

/* ------------------------------------------------------------------ children */

pid_t abi_fork(void)
{
	fflush(stdout);
	return fork();
}

void abi_exit(int code)
{
	fflush(stdout);
	_exit(code);
}

void abi_say_status(const char *who, int status)
{
	if (WIFEXITED(status))
		printf("%s: exit %d\n", who, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: killed by SIG%s\n", who, sigabbrev_np(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		printf("%s: stopped by SIG%s\n", who, sigabbrev_np(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		printf("%s: continued\n", who);
}

void abi_ended(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		printf("waitpid: %s\n", strerrorname_np(errno));
	else
		abi_say_status("child", status);
}

void abi_user(unsigned id)
{
	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		printf("user %u: %s\n", id, strerrorname_np(errno));
}

/* ------------------------------------------------------------------ choosing */

static int run_one(const char *name)
{
	unsigned i, j;

	for (i = 0; i < AREA_COUNT; i++) {
		size_t len = strlen(areas[i]->name);

		if (strncmp(name, areas[i]->name, len) != 0 || name[len] != '/')
			continue;
		for (j = 0; j < areas[i]->count; j++)
			if (strcmp(name + len + 1, areas[i]->cases[j].name) == 0) {
				setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
				areas[i]->cases[j].run();
				return 0;
			}
	}
	fprintf(stderr, "abi: no case '%s'; see `abi list`\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	unsigned i, j;

	if (getpid() == 1)
		abi_run_all(areas, AREA_COUNT);
	if (argc == 2 && strcmp(argv[1], "list") != 0)
		return run_one(argv[1]);
	for (i = 0; i < AREA_COUNT; i++)
		for (j = 0; j < areas[i]->count; j++)
			printf("%s/%s\n", areas[i]->name, areas[i]->cases[j].name);
	return 0;
}
