/* SPDX-License-Identifier: MIT */
/* overmount check: lint of one entry or of all that an ESP has. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host.h"

static int run_check(int argc, char **argv);

const struct command cmd_check = {
	"check", "lint boot entries: an entry file, or all of an ESP",
	"Usage: overmount check [--esp DIR] [--digests] [--strict] ENTRY|ESP-DIR...\n"
	"\n"
	"      --esp DIR   the ESP with the files of ENTRY (default: the one it lies in); without\n"
	"                  any, the files are not looked at\n"
	"      --digests   compare every #sha256 with its file\n"
	"      --strict    warnings refuse too\n"
	"      --help\n"
	"\n"
	"Of an ESP: \\EFI\\overmount\\overmount.conf and \\loader\\entries\\*.conf.\n",
	run_check,
};

struct check {
	const char *esp;
	bool digests, strict;
	unsigned entries, bad, warnings;
};

/* A mere configuration has nothing to boot, and that is right. */
static void check_entry(struct check *check, const char *path, const char *esp, bool global)
{
	struct entry_file *file = xalloc(sizeof(*file));
	int result;

	result = entry_file_read(file, path, esp, global);
	if (result == DONE && !(global && !om_entry_bootable(&file->entry))) {
		result = entry_file_plan(file);
		if (network_check(file) != DONE)
			result = REFUSED;
		if (check->digests && file->esp && entry_file_digests(file) != DONE)
			result = REFUSED;
	}
	if (result == DONE && check->digests && !file->esp) {
		result = refuse(path, "lies in no ESP: its digests cannot be compared");
		hint("say where its files are: --esp DIR");
	}
	check->entries++;
	check->warnings += file->printer.warnings;
	if (result != DONE || (check->strict && file->printer.warnings))
		check->bad++;
	entry_file_release(file);
	free(file);
}

static int check_esp(struct check *check, const char *esp)
{
	char **entries = esp_entries(esp), *config = esp_config(esp);
	size_t i;
	int result = DONE;

	if (!config && !entries[0]) {
		result = refuse(esp, "there is nothing to check");
		hint("expected EFI/overmount/overmount.conf or loader/entries/*.conf below it");
	}
	if (config)
		check_entry(check, config, esp, true);
	for (i = 0; entries[i]; i++)
		check_entry(check, entries[i], esp, false);
	esp_entries_free(entries);
	free(config);
	return result;
}

static bool is_config(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "overmount.conf") == 0;
}

static int check_one(struct check *check, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return refuse_errno(path, "open");
	if (S_ISDIR(st.st_mode))
		return check_esp(check, path);
	check_entry(check, path, check->esp, is_config(path));
	return DONE;
}

static int run_check(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "esp", required_argument, NULL, 'E' }, { "digests", no_argument, NULL, 'd' },
		{ "strict", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct check check = { 0 };
	int c, i, result = DONE;

	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 'E')
			check.esp = optarg;
		else if (c == 'd')
			check.digests = true;
		else if (c == 's')
			check.strict = true;
		else if (c == 'h')
			return command_help(&cmd_check);
		else
			return usage_option(&cmd_check, argv, c);
	}
	if (optind >= argc)
		return usage_error(&cmd_check, "expected an ENTRY or an ESP-DIR");
	for (i = optind; i < argc; i++)
		if (check_one(&check, argv[i]) != DONE)
			result = REFUSED;
	if (check.bad)
		result = REFUSED;
	printf("checked %u %s: %u refused, %u warning%s\n", check.entries,
	       check.entries == 1 ? "entry" : "entries", check.bad, check.warnings,
	       check.warnings == 1 ? "" : "s");
	return result;
}
