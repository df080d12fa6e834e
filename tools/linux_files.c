/* SPDX-License-Identifier: MIT */
/* Modules and firmware as files: where they are, and what is inside. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <archive.h>
#include <archive_entry.h>

#include "linux_layer.h"

int unpacked_read(const char *path, uint8_t **ret_bytes, size_t *ret_len)
{
	const char *ending = strrchr(path, '.');
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	uint8_t *bytes = NULL, *more;
	size_t used = 0, room = 0;
	la_ssize_t got = -1;

	if (ending && strcmp(ending, ".gz") == 0)
		archive_read_support_filter_gzip(archive);
	else if (ending && strcmp(ending, ".xz") == 0)
		archive_read_support_filter_xz(archive);
	else if (ending && strcmp(ending, ".zst") == 0)
		archive_read_support_filter_zstd(archive);
	archive_read_support_format_raw(archive);
	archive_read_support_format_empty(archive);
	if (archive_read_open_filename(archive, path, 1u << 18) == ARCHIVE_OK &&
	    archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		do {
			if (used == room) {
				room = room * 2 + (1u << 18);
				more = realloc(bytes, room);
				if (!more)
					break;
				bytes = more;
			}
			got = archive_read_data(archive, bytes + used, room - used);
			used += got > 0 ? (size_t)got : 0;
		} while (got > 0);
	}
	archive_read_free(archive);
	if (got != 0) {
		free(bytes);
		return refuse(path, "cannot be read or unpacked");
	}
	*ret_bytes = bytes;
	*ret_len = used;
	return DONE;
}

char *firmware_find(const char *directory, const char *release, const char *name)
{
	static const char *const endings[] = { "", ".zst", ".xz" };
	static const char *const folders[][2] = {
		{ "updates/", "/" }, { "updates/", NULL }, { "", "/" }, { "", NULL },
	};
	struct stat st;
	char *path;
	size_t i, j;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		for (j = 0; j < sizeof(folders) / sizeof(folders[0]); j++) {
			const char *slash = folders[j][1];

			path = xprintf("%s/../firmware/%s%s%s%s%s", directory, folders[j][0],
				       slash ? release : "", slash ? slash : "", name,
				       endings[i]);
			if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
				return path;
			free(path);
		}
	}
	return NULL;
}
