/* SPDX-License-Identifier: MIT */
/* What a compressed image holds, unpacked with libarchive as the kernel will do it. */
#include <string.h>
#include <archive.h>
#include <archive_entry.h>

#include "host.h"

/* The head goes to HEAD, up to ROOM; the length of all to *RET_SIZE. */
static bool unpack(struct archive *archive, uint8_t *head, size_t room, uint64_t *ret_size)
{
	static uint8_t rest[1u << 16];
	struct archive_entry *entry;
	uint64_t size = 0;
	la_ssize_t got;

	if (archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return false;
	for (;;) {
		bool into_head = size < room;

		got = archive_read_data(archive, into_head ? head + size : rest,
					into_head ? room - (size_t)size : sizeof(rest));
		if (got <= 0)
			break;
		size += (uint64_t)got;
	}
	*ret_size = size;
	return got == 0;
}

bool packed_image_probe(const char *path, enum om_image_kind *ret_kind, uint64_t *ret_size)
{
	static uint8_t head[OM_IMAGE_PROBE_BYTES];
	struct archive *archive = archive_read_new();
	bool good = false;

	if (!archive)
		return false;
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_format_raw(archive);
	if (archive_read_open_filename(archive, path, 1u << 18) == ARCHIVE_OK &&
	    unpack(archive, head, sizeof(head), ret_size)) {
		size_t len = *ret_size < sizeof(head) ? (size_t)*ret_size : sizeof(head);

		*ret_kind = om_image_probe((struct om_span){ head, len });
		good = true;
	}
	archive_read_free(archive);
	return good;
}
