/* SPDX-License-Identifier: MIT */
/*
 * A root file system by mke2fs -d.  What mke2fs takes from the host (owner, times of the
 * inode) is set anew by debugfs, so that the image depends on the tree only.
 */
#include <stdlib.h>
#include <string.h>

#include "disk.h"

static bool is_small(const struct root_options *options)
{
	return options->size_mib <= 512;
}

static int format(const char *image, const struct root_options *options, const char *directory,
		  const char *const *environment, size_t nodes)
{
	bool ext4 = strcmp(options->type, "ext4") == 0;
	uint64_t inodes = (options->size_mib << 20) / (is_small(options) ? 4096 : 16384);
	char count[24], *extended;
	/* All that mke2fs.conf of the host would decide is said. */
	const char *argv[] = {
		"mke2fs", "-q", "-F", "-t", options->type, "-O",
		ext4 ? "none,sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr,"
		       "has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize" :
		       "none,sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr",
		"-b", is_small(options) ? "1024" : "4096", "-I", "256", "-m", "0", "-N", count,
		"-U", options->uuid, "-L", options->label, "-E", NULL, "-d", directory, image, NULL,
	};
	size_t i;
	int result;

	if (inodes < nodes + nodes / 8 + 64)
		inodes = nodes + nodes / 8 + 64;
	snprintf(count, sizeof(count), "%llu", (unsigned long long)inodes);
	extended = xprintf("hash_seed=%s,root_owner=0:0,no_copy_xattrs,lazy_itable_init=0,"
			   "lazy_journal_init=0,nodiscard", options->uuid);
	for (i = 0; argv[i]; i++)
		;
	argv[i] = extended;
	result = run_program(argv, environment, NULL);
	free(extended);
	return result;
}

/* Inside double quotes debugfs takes two of them for one. */
static void put_path(FILE *script, const char *path)
{
	fputs("\"/", script);
	for (; *path; path++) {
		if (*path == '"')
			fputc('"', script);
		fputc(*path, script);
	}
	fputc('"', script);
}

static void set_field(FILE *script, const char *path, const char *field, int64_t value, bool time)
{
	fputs("sif ", script);
	put_path(script, path);
	fprintf(script, " %s %s%lld\n", field, time ? "@" : "", (long long)value);
}

static char *write_script(const struct tree_list *list, const struct root_options *options,
			  int64_t latest)
{
	static const char *const times[] = { "atime", "ctime", "mtime" };
	char *text = NULL;
	size_t len, i, j;
	FILE *script = open_memstream(&text, &len);

	if (!script)
		return NULL;
	for (i = 0; i < list->count; i++) {
		int64_t when = list->times[i] < latest ? list->times[i] : latest;

		if (!options->keep_owners) {
			set_field(script, list->paths[i], "uid", 0, false);
			set_field(script, list->paths[i], "gid", 0, false);
		}
		for (j = 0; j < 3; j++)
			set_field(script, list->paths[i], times[j], when < 0 ? 0 : when, true);
	}
	if (fclose(script)) {
		free(text);
		return NULL;
	}
	return text;
}

/* debugfs exits with 0 whatever happens; a line that is no echo of a command is a complaint. */
static int check_output(char *output)
{
	char *line, *rest = output;

	while ((line = strsep(&rest, "\n"))) {
		while (strncmp(line, "debugfs: debugfs", 16) == 0)
			line += 9;	/* several prompts; a path may have the word in it, too */
		if (line[0] && strncmp(line, "debugfs:", 8) != 0 && strncmp(line, "debugfs 1", 9) != 0)
			return refuse("debugfs", "%s", line);
	}
	return DONE;
}

static int settle(const char *image, const struct tree_list *list,
		  const struct root_options *options, const char *const *environment, int64_t when)
{
	char *script = write_script(list, options, when), *output = NULL;
	const char *argv[] = { "debugfs", "-w", "-f", "-", image, NULL };
	int result;

	if (!script)
		return refuse(NULL, "out of memory");
	result = run_program_output(argv, environment, script, &output);
	if (result == DONE)
		result = check_output(output);
	free(output);
	free(script);
	return result;
}

static int check_names(const struct tree_list *list, const char *directory)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strchr(list->paths[i], '\n'))
			return refuse(directory, "has a name with a newline in it");
	return DONE;
}

int disk_root(const char *output, const struct root_options *options, const char *directory)
{
	const char *environment[5] = { NULL, "TZ=UTC0", "LC_ALL=C", "MKE2FS_CONFIG=/dev/null", NULL };
	char *temporary = NULL, *epoch;
	struct tree_list list;
	int64_t when;
	int result;

	result = tree_list_read(&list, directory);
	if (result != DONE)
		return result;
	result = check_names(&list, directory);
	when = source_date_epoch(list.newest);
	epoch = xprintf("E2FSPROGS_FAKE_TIME=%lld", (long long)when);
	environment[0] = epoch;
	if (result == DONE)
		temporary = disk_begin(output, options->size_mib << 20);
	result = temporary ? format(temporary, options, directory, environment, list.count) :
			     REFUSED;
	if (result == DONE)
		result = settle(temporary, &list, options, environment, when);
	if (temporary)
		result = disk_end(temporary, output, result);
	free(epoch);
	tree_list_release(&list);
	return result;
}
