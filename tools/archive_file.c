/* SPDX-License-Identifier: MIT */
#include "archive_file.h"

#include <stdlib.h>
#include <string.h>

int archive_file_open(struct archive_file *archive, const char *path)
{
	enum om_status status;

	memset(archive, 0, sizeof(*archive));
	if (host_file_open(&archive->file, path) != DONE)
		return REFUSED;
	om_arena_init(&archive->scratch, &host_mem);
	archive->kind = host_file_probe(&archive->file);
	if (archive->kind == OM_IMAGE_CPIO) {
		status = om_cpio_open(&archive->reader, &archive->file.source, &archive->scratch,
				      &archive->diag);
	} else if (archive->kind == OM_IMAGE_TAR) {
		status = om_tar_open(&archive->reader, &archive->file.source, &archive->scratch,
				     &archive->diag);
	} else {
		refuse(path, "is not a cpio or tar archive%s%s",
		       archive->kind ? ", but " : "",
		       archive->kind ? om_image_kind_text(archive->kind) : "");
		archive_file_close(archive);
		return REFUSED;
	}
	if (status == OM_OK)
		return DONE;
	refuse_status(path, status);
	archive_file_close(archive);
	return REFUSED;
}

int archive_file_next(struct archive_file *archive, struct om_member *ret_member)
{
	enum om_status status;
	bool more = false;

	archive->diag.text[0] = '\0';
	if (archive->kind == OM_IMAGE_CPIO)
		status = om_cpio_next(&archive->reader, ret_member, &more);
	else
		status = om_tar_next(&archive->reader, ret_member, &more);
	if (status == OM_OK)
		return more;
	if (archive->diag.text[0])
		diag_print(archive->file.path, &archive->diag);
	else
		refuse_status(archive->file.path, status);
	return -1;
}

void archive_file_close(struct archive_file *archive)
{
	om_arena_release(&archive->scratch);
	host_file_close(&archive->file);
}

struct om_str member_name(struct om_str path)
{
	for (;;) {
		if (om_str_starts(path, "/"))
			path = om_str_skip(path, 1);
		else if (om_str_starts(path, "./"))
			path = om_str_skip(path, 2);
		else if (path.len && path.ptr[path.len - 1] == '/')
			path.len--;
		else if (om_str_is(path, "."))
			path.len = 0;
		else
			return path;
	}
}

/* What is known of the wanted file so far. */
struct wanted {
	struct om_str name;
	bool found;
	uint64_t offset, size;
	uint64_t link_id;		/* cpio: the name with the data may come later */
	struct om_str target;		/* tar: an earlier name; to be looked for in another pass */
};

static void look_at(struct wanted *wanted, const struct om_member *member, struct om_arena *arena)
{
	bool same = om_str_equal(member_name(member->path), wanted->name);

	if (same && member->hard_link) {
		wanted->target = om_arena_str(arena, member_name(member->link));
		return;
	}
	if (same) {
		wanted->found = (member->mode & OM_S_IFMT) == OM_S_IFREG;
		wanted->link_id = member->link_id;
		wanted->offset = member->data_offset;
		wanted->size = member->size;
		wanted->target.len = 0;
	} else if (wanted->found && member->link_id && member->link_id == wanted->link_id &&
		   member->size > 0) {
		wanted->offset = member->data_offset;
		wanted->size = member->size;
	}
}

static int find(const char *archive_path, struct wanted *wanted, struct om_arena *arena)
{
	struct archive_file archive;
	struct om_member member;
	int more;

	if (archive_file_open(&archive, archive_path) != DONE)
		return REFUSED;
	while ((more = archive_file_next(&archive, &member)) > 0)
		look_at(wanted, &member, arena);
	archive_file_close(&archive);
	return more < 0 ? REFUSED : DONE;
}

static int read_found(const char *archive_path, const struct wanted *wanted, uint8_t **ret_bytes,
		      size_t *ret_len)
{
	struct host_file file;
	enum om_status status;
	uint8_t *bytes;

	if (host_file_open(&file, archive_path) != DONE)
		return REFUSED;
	bytes = xalloc((size_t)wanted->size + 1);
	status = file.source.read_at(file.source.ctx, wanted->offset, bytes, (size_t)wanted->size);
	host_file_close(&file);
	if (status != OM_OK) {
		free(bytes);
		return refuse_status(archive_path, status);
	}
	*ret_bytes = bytes;
	*ret_len = (size_t)wanted->size;
	return DONE;
}

int archive_file_extract(const char *archive_path, const char *path, uint8_t **ret_bytes,
			 size_t *ret_len)
{
	struct wanted wanted = { .name = member_name(om_str_from(path)) };
	struct om_arena arena;
	uint32_t hops;
	int result;

	om_arena_init(&arena, &host_mem);
	for (hops = 0; hops < OM_SYMLINKS_MAX; hops++) {
		result = find(archive_path, &wanted, &arena);
		if (result != DONE || wanted.target.len == 0)
			break;
		wanted = (struct wanted){ .name = wanted.target };
	}
	if (result == DONE)
		result = wanted.found ? read_found(archive_path, &wanted, ret_bytes, ret_len) :
					REFUSED;
	om_arena_release(&arena);
	return result;
}
