/* SPDX-License-Identifier: MIT */
/* Other programs, without a shell: an argument is never more than an argument. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

extern char **environ;

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(b, "=");

	return strncmp(a, b, len) == 0 && a[len] == '=';
}

/* environ without the names that EXTRA sets anew, and EXTRA; the array only is to be freed. */
static char **environment_with(const char *const *extra)
{
	size_t count = 0, used = 0, i, j;
	char **all;

	for (i = 0; environ[i]; i++)
		count++;
	for (j = 0; extra && extra[j]; j++)
		count++;
	all = xalloc((count + 1) * sizeof(*all));
	for (i = 0; environ[i]; i++) {
		for (j = 0; extra && extra[j] && !same_name(environ[i], extra[j]); j++)
			;
		if (!extra || !extra[j])
			all[used++] = environ[i];
	}
	for (j = 0; extra && extra[j]; j++)
		all[used++] = (char *)(uintptr_t)extra[j];
	return all;
}

static const char *package_of(const char *program)
{
	static const char *const known[][2] = {
		{ "mformat", "mtools" }, { "mcopy", "mtools" }, { "mmd", "mtools" },
		{ "sgdisk", "gdisk" }, { "mke2fs", "e2fsprogs" }, { "debugfs", "e2fsprogs" },
		{ "qemu-system-x86_64", "qemu-system-x86" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i][0], program) == 0)
			return known[i][1];
	return NULL;
}

static int spawn_failed(const char *program, int error)
{
	const char *package = package_of(program);

	refuse(program, "cannot be run: %s", strerror(error));
	if (error == ENOENT && package)
		hint("it comes with the package '%s'; a user's PATH may lack /usr/sbin", package);
	return REFUSED;
}

/* Programs of administrators lie where a user's PATH does not look. */
static const char *const search_path = "/usr/local/sbin:/usr/sbin:/sbin";

static int spawn_program(const char *const *argv, const posix_spawn_file_actions_t *actions,
			 char **environment, pid_t *ret_pid)
{
	char **args = (char **)(uintptr_t)argv;
	const char *at = search_path;
	int error;

	error = posix_spawnp(ret_pid, argv[0], actions, NULL, args, environment);
	while (error == ENOENT && *at) {
		size_t len = strcspn(at, ":");
		char *path = xprintf("%.*s/%s", (int)len, at, argv[0]);

		error = posix_spawn(ret_pid, path, actions, NULL, args, environment);
		free(path);
		at += len + (at[len] == ':');
	}
	return error;
}

/* What it printed: only interesting when it failed. */
static void show_output(const char *program, FILE *output)
{
	char line[512];

	rewind(output);
	while (fgets(line, sizeof(line), output)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			fprintf(stderr, "%s: %s\n", program, line);
	}
}

static int wait_for(const char *program, pid_t pid, FILE *output)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return refuse_errno(program, "wait");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return DONE;
	show_output(program, output);
	if (WIFEXITED(status))
		return refuse(program, "failed with exit status %d", WEXITSTATUS(status));
	return refuse(program, "was ended by signal %d", WTERMSIG(status));
}

static FILE *input_file(const char *input)
{
	FILE *file = tmpfile();

	if (file && input)
		fputs(input, file);
	if (file && fflush(file)) {
		fclose(file);
		return NULL;
	}
	if (file)
		lseek(fileno(file), 0, SEEK_SET);
	return file;
}

static char *read_output(FILE *output)
{
	long len = ftell(output);
	char *text = xalloc(len > 0 ? (size_t)len + 1 : 1);

	rewind(output);
	text[len > 0 ? fread(text, 1, (size_t)len, output) : 0] = '\0';
	return text;
}

int run_program_output(const char *const *argv, const char *const *environment,
		       const char *input, char **ret_output)
{
	posix_spawn_file_actions_t actions;
	char **all = environment_with(environment);
	FILE *output = tmpfile(), *in = input_file(input);
	int error, result = REFUSED;
	pid_t pid;

	if (!output || !in) {
		refuse_errno(argv[0], "make a temporary file");
		goto release;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(in), 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(output), 1);
	posix_spawn_file_actions_adddup2(&actions, fileno(output), 2);
	error = spawn_program(argv, &actions, all, &pid);
	posix_spawn_file_actions_destroy(&actions);
	result = error ? spawn_failed(argv[0], error) : wait_for(argv[0], pid, output);
	if (result == DONE && ret_output) {
		fseek(output, 0, SEEK_END);
		*ret_output = read_output(output);
	}
release:
	if (in)
		fclose(in);
	if (output)
		fclose(output);
	free(all);
	return result;
}

int run_program(const char *const *argv, const char *const *environment, const char *input)
{
	return run_program_output(argv, environment, input, NULL);
}

int start_program(const char *const *argv, int in, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (out >= 0) {
		posix_spawn_file_actions_adddup2(&actions, out, 1);
		posix_spawn_file_actions_adddup2(&actions, out, 2);
	}
	error = spawn_program(argv, &actions, environ, ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	return error ? spawn_failed(argv[0], error) : DONE;
}

void argument_add(struct arguments *arguments, const char *word)
{
	size_t room = 16;

	while (room < arguments->count + 2)
		room *= 2;
	arguments->words = realloc(arguments->words, room * sizeof(*arguments->words));
	if (!arguments->words)
		no_memory_left();
	arguments->words[arguments->count++] = word;
	arguments->words[arguments->count] = NULL;
}
