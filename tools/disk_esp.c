/* SPDX-License-Identifier: MIT */
/* An EFI system partition as a FAT image, by mtools. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "disk.h"

#define CLUSTER_SECTORS	"8"		/* 4 KiB: fewer would make the firmware slow */
#define SERIAL		"4f564d54"	/* "OVMT" */
#define ARGUMENTS_MAX	256		/* files in one call */
#define MIN_MIB		32u		/* less would be FAT12 with these clusters */
#define FAT32_MIB	272u		/* more than 65525 clusters, with room for the FATs */

struct maker {
	const char *image;		/* the file that is being filled */
	const char *directory;
	const struct tree_list *list;
	const char *environment[4];
	struct om_arena arena;		/* of arguments */
};

static uint64_t size_for(const struct tree_list *list)
{
	/* Contents, an eighth for directories and FATs, and some room to work in. */
	uint64_t mib = ((list->data_bytes + list->data_bytes / 8) >> 20) + 8;

	if (mib < MIN_MIB)
		return MIN_MIB;
	/* Between the types a reader and a writer may disagree about which one it is. */
	return mib > 240 && mib < FAT32_MIB ? FAT32_MIB : mib;
}

static int format(struct maker *maker, uint64_t size_mib)
{
	char sectors[24];
	const char *argv[] = { "mformat", "-i", maker->image, "-T", sectors, "-h", "64", "-s", "32",
			       "-c", CLUSTER_SECTORS, "-v", "ESP", "-N", SERIAL, "::", NULL };

	snprintf(sectors, sizeof(sectors), "%llu", (unsigned long long)size_mib * 2048);
	return run_program(argv, maker->environment, NULL);
}

static const char *target(struct maker *maker, const char *path, size_t len)
{
	char *text = xprintf("::/%.*s", (int)len, path);
	struct om_str kept = om_arena_str(&maker->arena, om_str_from(text));

	free(text);
	return kept.ptr;
}

static int make_directories_there(struct maker *maker)
{
	struct arguments args = { NULL, 0 };
	size_t i, base;
	int result = DONE;

	argument_add(&args, "mmd");
	argument_add(&args, "-i");
	argument_add(&args, maker->image);
	argument_add(&args, "--");
	base = args.count;
	for (i = 0; result == DONE && i <= maker->list->count; i++) {
		if (i < maker->list->count && maker->list->directories[i])
			argument_add(&args, target(maker, maker->list->paths[i],
						   strlen(maker->list->paths[i])));
		if (args.count > base &&
		    (i == maker->list->count || args.count - base == ARGUMENTS_MAX)) {
			result = run_program(args.words, maker->environment, NULL);
			args.count = base;
		}
	}
	free(args.words);
	return result;
}

static size_t dirname_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Files of one directory, from FIRST on, in one call; *RET_NEXT is where the next call begins. */
static int copy_some(struct maker *maker, size_t first, size_t *ret_next)
{
	const struct tree_list *list = maker->list;
	size_t len = dirname_len(list->paths[first]), i, files = 0;
	struct arguments args = { NULL, 0 };
	int result = DONE;

	argument_add(&args, "mcopy");
	argument_add(&args, "-i");
	argument_add(&args, maker->image);
	argument_add(&args, "--");
	for (i = first; i < list->count && files < ARGUMENTS_MAX; i++) {
		if (dirname_len(list->paths[i]) != len ||
		    memcmp(list->paths[i], list->paths[first], len) != 0)
			break;
		if (list->directories[i])
			continue;
		char *path = xprintf("%s/%s", maker->directory, list->paths[i]);

		argument_add(&args, om_arena_str(&maker->arena, om_str_from(path)).ptr);
		free(path);
		files++;
	}
	argument_add(&args, target(maker, list->paths[first], len));
	if (files)
		result = run_program(args.words, maker->environment, NULL);
	free(args.words);
	*ret_next = i;
	return result;
}

static int by_any_case(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that differ in nothing but their case are one name there. */
static int check_case(const struct tree_list *list, const char *directory)
{
	const char **sorted = xalloc(list->count * sizeof(*sorted));
	int result = DONE;
	size_t i;

	if (list->count)
		memcpy(sorted, list->paths, list->count * sizeof(*sorted));
	qsort(sorted, list->count, sizeof(*sorted), by_any_case);
	for (i = 1; result == DONE && i < list->count; i++)
		if (strcasecmp(sorted[i - 1], sorted[i]) == 0)
			result = refuse(directory, "'%s' and '%s' are the same name on FAT", sorted[i - 1],
					sorted[i]);
	free(sorted);
	return result;
}

static int check_names(const struct tree_list *list, const char *directory)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		const char *slash = strrchr(list->paths[i], '/');
		const char *name = slash ? slash + 1 : list->paths[i];
		char *full = NULL;

		if (strpbrk(name, "\\:*?\"<>|"))
			full = xprintf("%s/%s", directory, list->paths[i]);
		if (full) {
			refuse(full, "FAT has no names with \\ : * ? \" < > |");
			free(full);
			return REFUSED;
		}
		if (list->sizes[i] > UINT32_MAX) {
			full = xprintf("%s/%s", directory, list->paths[i]);
			refuse(full, "has more than 4 GiB, which FAT cannot hold");
			free(full);
			return REFUSED;
		}
	}
	return check_case(list, directory);
}

static int fill(struct maker *maker, uint64_t size_mib)
{
	size_t at = 0;
	int result;

	result = format(maker, size_mib);
	if (result == DONE)
		result = make_directories_there(maker);
	while (result == DONE && at < maker->list->count)
		result = copy_some(maker, at, &at);
	return result;
}

int disk_esp(const char *output, uint64_t size_mib, const char *directory)
{
	struct maker maker = { .environment = { NULL, "TZ=UTC0", "MTOOLSRC=/dev/null", NULL } };
	char *real = realpath(directory, NULL), *temporary, *epoch;
	struct tree_list list;
	int64_t when;
	int result;

	if (!real)
		return refuse_errno(directory, "open");
	result = tree_list_read(&list, real);
	if (result == DONE)
		result = check_names(&list, directory);
	if (result != DONE)
		goto free;
	if (size_mib == 0)
		size_mib = size_for(&list);
	when = source_date_epoch(list.newest);
	epoch = xprintf("SOURCE_DATE_EPOCH=%lld", (long long)(when < 315532800 ? 315532800 : when));
	maker.environment[0] = epoch;
	maker.directory = real;
	maker.list = &list;
	om_arena_init(&maker.arena, &host_mem);
	temporary = disk_begin(output, size_mib << 20);
	maker.image = temporary;
	result = temporary ? fill(&maker, size_mib) : REFUSED;
	if (temporary)
		result = disk_end(temporary, output, result);
	om_arena_release(&maker.arena);
	free(epoch);
	tree_list_release(&list);
free:
	free(real);
	return result;
}
