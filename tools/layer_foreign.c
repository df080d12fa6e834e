/* SPDX-License-Identifier: MIT */
/*
 * Archives that the stage does not read (zip, xz tar, iso, ...), converted member by member
 * with libarchive; data is kept in memory until the archive has been written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <archive.h>
#include <archive_entry.h>

#include "host.h"

struct foreign {
	struct om_tree *tree;
	struct layer_store *store;
	struct archive *archive;
	const char *name;
};

static int refuse_archive(const struct foreign *foreign)
{
	const char *text = archive_error_string(foreign->archive);

	return refuse(foreign->name, "%s", text ? text : "cannot be read as an archive");
}

static struct om_str keep(struct foreign *foreign, const char *text)
{
	return om_arena_str(&foreign->store->arena, om_str_from(text ? text : ""));
}

/* Directories come as "name/"; the path of a member has no slash at its end. */
static struct om_str keep_path(struct foreign *foreign, const char *text)
{
	struct om_str path = keep(foreign, text);

	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

static int read_data(struct foreign *foreign, struct archive_entry *entry, struct om_member *member,
		     struct om_source **ret_source)
{
	struct om_source *source = om_arena_alloc(&foreign->store->arena, sizeof(*source));
	size_t room = archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0 ?
			      (size_t)archive_entry_size(entry) : 0;
	size_t used = 0;
	uint8_t *bytes = malloc(room + 1), *more, *kept;

	for (;;) {
		la_ssize_t got;

		if (bytes && used == room + 1) {
			room = room * 2 + 65536;
			more = realloc(bytes, room + 1);
			if (!more)
				free(bytes);
			bytes = more;
		}
		if (!bytes || !source)
			return refuse(foreign->name, "out of memory");
		got = archive_read_data(foreign->archive, bytes + used, room + 1 - used);
		if (got < 0) {
			free(bytes);
			return refuse_archive(foreign);
		}
		if (got == 0)
			break;
		used += (size_t)got;
	}
	kept = om_arena_alloc(&foreign->store->arena, used);
	if (kept)
		memcpy(kept, bytes, used);
	free(bytes);
	if (!kept)
		return refuse(foreign->name, "out of memory");
	*source = (struct om_source){ .size = used, .base = kept, .name = foreign->name };
	member->size = used;
	*ret_source = source;
	return DONE;
}

static int fill_member(struct foreign *foreign, struct archive_entry *entry,
		       struct om_member *member)
{
	const char *hard = archive_entry_hardlink(entry);
	const char *path = archive_entry_pathname(entry);

	if (!path)
		return refuse(foreign->name, "a member's name cannot be converted to UTF-8");
	*member = (struct om_member){
		.path = keep_path(foreign, path),
		.mode = (uint32_t)archive_entry_mode(entry),
		.uid = (uint32_t)archive_entry_uid(entry),
		.gid = (uint32_t)archive_entry_gid(entry),
		.nlink = 1,
		.mtime = archive_entry_mtime(entry) < 0 ? 0 : archive_entry_mtime(entry),
	};
	if ((member->mode & OM_S_IFMT) == 0)
		member->mode |= OM_S_IFREG;
	if (hard) {
		member->hard_link = true;
		member->link = keep_path(foreign, hard);
	} else if ((member->mode & OM_S_IFMT) == OM_S_IFLNK) {
		member->link = keep(foreign, archive_entry_symlink(entry));
		member->size = member->link.len;
	} else if ((member->mode & OM_S_IFMT) == OM_S_IFCHR ||
		   (member->mode & OM_S_IFMT) == OM_S_IFBLK) {
		member->rdev_major = (uint32_t)archive_entry_rdevmajor(entry);
		member->rdev_minor = (uint32_t)archive_entry_rdevminor(entry);
	}
	return DONE;
}

static int add_entry(struct foreign *foreign, struct archive_entry *entry)
{
	struct om_source *source = NULL;
	struct om_member member;
	enum om_status status;
	int result;

	if (archive_entry_is_encrypted(entry))
		return refuse(foreign->name, "'%s' is encrypted", archive_entry_pathname(entry));
	result = fill_member(foreign, entry, &member);
	if (result != DONE)
		return result;
	if (!member.hard_link && (member.mode & OM_S_IFMT) == OM_S_IFREG) {
		result = read_data(foreign, entry, &member, &source);
		if (result != DONE)
			return result;
	}
	status = om_tree_add_member(foreign->tree, &member, source);
	return status == OM_OK ? DONE : layer_refuse(foreign->tree, foreign->name, status);
}

static int add_all(struct foreign *foreign)
{
	struct archive_entry *entry;
	enum om_status status;
	int got, result;

	status = om_tree_begin_layer(foreign->tree, foreign->name);
	if (status != OM_OK)
		return layer_refuse(foreign->tree, foreign->name, status);
	for (;;) {
		got = archive_read_next_header(foreign->archive, &entry);
		if (got == ARCHIVE_EOF)
			break;
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return refuse_archive(foreign);
		result = add_entry(foreign, entry);
		if (result != DONE)
			return result;
	}
	status = om_tree_end_layer(foreign->tree);
	return status == OM_OK ? DONE : layer_refuse(foreign->tree, foreign->name, status);
}

/* By name, since "all" includes mtree, which is a text that refers to other files of the host. */
static void support_formats(struct archive *archive)
{
	static int (*const supports[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
		archive_read_support_filter_compress, archive_read_support_filter_lzma,
		archive_read_support_filter_xz, archive_read_support_filter_lzip,
		archive_read_support_filter_lz4, archive_read_support_filter_zstd,
		archive_read_support_format_tar, archive_read_support_format_cpio,
		archive_read_support_format_zip, archive_read_support_format_7zip,
		archive_read_support_format_iso9660, archive_read_support_format_xar,
		archive_read_support_format_cab, archive_read_support_format_lha,
		archive_read_support_format_rar, archive_read_support_format_rar5,
		archive_read_support_format_ar,
	};
	size_t i;

	/* What this build of libarchive lacks is then not recognised, and the layer refused. */
	for (i = 0; i < sizeof(supports) / sizeof(supports[0]); i++)
		supports[i](archive);
}

int layer_foreign(struct om_tree *tree, struct layer_store *store, const char *name,
		  const char *path)
{
	struct foreign foreign = { tree, store, archive_read_new(), name };
	int result = REFUSED;

	if (!foreign.archive)
		return refuse(name, "out of memory");
	support_formats(foreign.archive);
	if (archive_read_open_filename(foreign.archive, path, 1u << 18) != ARCHIVE_OK) {
		refuse(name, "is neither an archive nor a directory: %s",
		       archive_error_string(foreign.archive));
		hint("expected cpio, tar, or anything else that libarchive reads");
	} else {
		result = add_all(&foreign);
	}
	archive_read_free(foreign.archive);
	return result;
}
