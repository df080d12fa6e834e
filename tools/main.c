/* SPDX-License-Identifier: MIT */
/* overmount(1): which subcommand, and what all of them say alike. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <overmount/version.h>

#include "host.h"

static const struct command *const commands[] = {
	&cmd_check, &cmd_explain, &cmd_descriptor, &cmd_image, &cmd_disk, &cmd_boot, &cmd_handoff,
	&cmd_install,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

int command_help(const struct command *command)
{
	fputs(command->help, stdout);
	return DONE;
}

int usage_error(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "overmount %s: error: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nhint: overmount %s --help\n", command->name);
	return USAGE;
}

int usage_option(const struct command *command, char **argv, int result)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		return usage_error(command, "option '%s' needs a value", word);
	return usage_error(command, "unknown option '%s'", word);
}

int verb_find(const char *const *names, const char *word)
{
	int i;

	for (i = 0; word && names[i]; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	unsigned long long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

static void print_help(FILE *to)
{
	size_t i;

	fputs("Usage: overmount COMMAND [OPTION]... [ARGUMENT]...\n\n"
	      "Find, assemble and mount a machine's root file system at boot: the host's side.\n\n",
	      to);
	for (i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  --help, --version\n\n"
	      "Each command has a --help of its own; overmount(1) says more.\n"
	      "Exit status: 0 done, 1 refused, 2 wrong usage.\n", to);
}

static int unknown_command(const char *word)
{
	const char *names[COMMAND_COUNT + 1];
	const char *near;
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i]->name;
	names[i] = NULL;
	fprintf(stderr, "overmount: error: there is no command '%s'\n", word);
	near = om_suggest(om_str_from(word), names);
	if (near)
		hint("did you mean '%s'?", near);
	else
		hint("overmount --help");
	return USAGE;
}

static int flush_output(int result)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	return refuse("standard output", "cannot be written");
}

int main(int argc, char **argv)
{
	size_t i;

	signal(SIGPIPE, SIG_DFL);
	setlocale(LC_CTYPE, "C.UTF-8");		/* names in archives are UTF-8 */
	if (argc < 2) {
		print_help(stderr);
		return USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return flush_output(DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("overmount " OVERMOUNT_VERSION);
		return flush_output(DONE);
	}
	for (i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i]->name, argv[1]) == 0) {
			opterr = 0;
			return flush_output(commands[i]->run(argc - 1, argv + 1));
		}
	}
	return unknown_command(argv[1]);
}
