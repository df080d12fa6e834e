/* SPDX-License-Identifier: MIT */
/*
 * Reader of newc (070701) and crc (070702) cpio archives, as Linux reads them: several archives
 * may follow each other with zeros between, numbers are eight hex digits and nothing else.
 */
#include "newc.h"
#include "tree.h"

static const char *const field_names[F_COUNT] = {
	"inode", "mode", "uid", "gid", "nlink", "mtime", "file size", "dev major", "dev minor",
	"rdev major", "rdev minor", "name size", "checksum",
};

struct cpio_reader {
	struct om_reader_common common;
	struct om_link_table links;
	uint64_t next_link_id;
	uint64_t members;		/* since the last trailer, it included */
	bool any;			/* a trailer was seen */
};

enum om_status om_cpio_open(struct om_archive_reader *reader, const struct om_source *source,
			    struct om_arena *scratch, struct om_diag *diag)
{
	struct cpio_reader *cpio = om_arena_alloc(scratch, sizeof(*cpio));

	if (!cpio)
		return om_archive_fail(diag, OM_NO_MEMORY, 0, "out of memory");
	om_window_init(&cpio->common.window, source, scratch);
	*reader = (struct om_archive_reader){
		.source = source, .scratch = scratch, .diag = diag, .priv = cpio,
	};
	return OM_OK;
}

static enum om_status fetch(struct om_archive_reader *reader, uint64_t offset, size_t len,
			    const char *what, const uint8_t **ret_bytes)
{
	struct cpio_reader *cpio = reader->priv;
	enum om_status status = om_window_get(&cpio->common.window, offset, len, ret_bytes);

	if (status == OM_TRUNCATED)
		return om_archive_fail(reader->diag, status, offset,
				       "the archive ends inside %s at offset %llu", what,
				       (unsigned long long)offset);
	if (status == OM_NO_MEMORY)
		return om_archive_fail(reader->diag, status, offset, "out of memory");
	if (status != OM_OK)
		return om_archive_fail(reader->diag, status, offset,
				       "cannot read %s at offset %llu", what,
				       (unsigned long long)offset);
	return OM_OK;
}

/* Zeros between members and archives; *ret_more false at the end of the source. */
static enum om_status skip_zeros(struct om_archive_reader *reader, bool *ret_more)
{
	uint64_t size = reader->source->size, at = reader->offset;
	enum om_status status;
	const uint8_t *bytes;
	size_t i, len;

	while (at < size) {
		len = size - at < 512 ? (size_t)(size - at) : 512;
		status = fetch(reader, at, len, "padding", &bytes);
		if (status != OM_OK)
			return status;
		for (i = 0; i < len && bytes[i] == 0; i++)
			;
		at += i;
		if (i < len)
			break;
	}
	if (at < size && at % 4)
		return om_archive_fail(reader->diag, OM_SYNTAX, at,
				       "broken padding: offset %llu is no multiple of 4",
				       (unsigned long long)at);
	reader->offset = at;
	*ret_more = at < size;
	return OM_OK;
}

/* The archive's own members are over: is that where it may end? */
static enum om_status check_end(struct om_archive_reader *reader)
{
	struct cpio_reader *cpio = reader->priv;

	if (cpio->members || !cpio->any)
		return om_archive_fail(reader->diag, OM_TRUNCATED, reader->offset,
				       "the archive ends at offset %llu without " OM_NEWC_TRAILER,
				       (unsigned long long)reader->offset);
	reader->done = true;
	return OM_OK;
}

static enum om_status check_magic(struct om_archive_reader *reader, const uint8_t *magic)
{
	struct cpio_reader *cpio = reader->priv;
	uint64_t at = reader->offset;

	if (memcmp(magic, "070701", 6) == 0 || memcmp(magic, "070702", 6) == 0)
		return OM_OK;
	if (memcmp(magic, "070707", 6) == 0)
		return om_archive_fail(reader->diag, OM_UNSUPPORTED, at,
				       "old portable cpio (odc) at offset %llu; make it with "
				       "-H newc", (unsigned long long)at);
	if ((magic[0] == 0xc7 && magic[1] == 0x71) || (magic[0] == 0x71 && magic[1] == 0xc7))
		return om_archive_fail(reader->diag, OM_UNSUPPORTED, at,
				       "old binary cpio at offset %llu; make it with -H newc",
				       (unsigned long long)at);
	if (cpio->any && !cpio->members)
		return om_archive_fail(reader->diag, OM_UNSUPPORTED, at,
				       "something that is no cpio follows the archive at offset "
				       "%llu (a compressed part must be unpacked first)",
				       (unsigned long long)at);
	return om_archive_fail(reader->diag, OM_SYNTAX, at,
			       "no cpio header at offset %llu: expected 070701 or 070702",
			       (unsigned long long)at);
}

static enum om_status parse_fields(struct om_archive_reader *reader, const uint8_t *header,
				   uint32_t fields[F_COUNT])
{
	const uint8_t *at = header + OM_NEWC_MAGIC;
	uint32_t i;

	for (i = 0; i < F_COUNT; i++, at += OM_NEWC_DIGITS)
		if (!om_newc_get(at, &fields[i]))
			return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
					       "header at offset %llu: %s is not eight hex digits",
					       (unsigned long long)reader->offset, field_names[i]);
	return OM_OK;
}

static enum om_status read_name(struct om_archive_reader *reader, uint32_t size,
				struct om_str *ret_name)
{
	struct cpio_reader *cpio = reader->priv;
	enum om_status status;
	const uint8_t *bytes;

	if (size < 2 || size > OM_PATH_MAX)
		return om_archive_fail(reader->diag, size < 2 ? OM_SYNTAX : OM_LIMIT,
				       reader->offset,
				       "header at offset %llu: name size %u, expected 2 to %u",
				       (unsigned long long)reader->offset, size, OM_PATH_MAX);
	status = fetch(reader, reader->offset + OM_NEWC_HEADER, size, "a name", &bytes);
	if (status != OM_OK)
		return status;
	if (bytes[size - 1] != '\0')
		return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
				       "header at offset %llu: the name does not end with a NUL",
				       (unsigned long long)reader->offset);
	memcpy(cpio->common.name, bytes, size);
	*ret_name = om_str_from(cpio->common.name);
	if (ret_name->len == 0)
		return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
				       "header at offset %llu: the name is empty",
				       (unsigned long long)reader->offset);
	return OM_OK;
}

/* The text of a symbolic link; gen_init_cpio counts its NUL as data. */
static enum om_status read_link(struct om_archive_reader *reader, struct om_member *member)
{
	struct cpio_reader *cpio = reader->priv;
	char clip[OM_CLIP_MAX + 4];
	enum om_status status;
	const uint8_t *bytes;
	size_t len = (size_t)member->size;

	if (member->size > OM_PATH_MAX)
		return om_archive_fail(reader->diag, OM_LIMIT, reader->offset,
				       "%s: a symbolic link of %llu bytes, at most %u are possible",
				       om_clip(clip, member->path, 72),
				       (unsigned long long)member->size, OM_PATH_MAX - 1);
	status = fetch(reader, member->data_offset, len, "a symbolic link", &bytes);
	if (status != OM_OK)
		return status;
	memcpy(cpio->common.link, bytes, len);
	if (len && cpio->common.link[len - 1] == '\0')
		len--;
	member->link = (struct om_str){ cpio->common.link, len };
	cpio->common.link[len] = '\0';
	if (len == 0 || strlen(cpio->common.link) != len)
		return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
				       "%s: a symbolic link %s", om_clip(clip, member->path, 72),
				       len ? "with a NUL in its text" : "without a text");
	return OM_OK;
}

static enum om_status check_type(struct om_archive_reader *reader, const struct om_member *member)
{
	uint32_t type = member->mode & OM_S_IFMT;
	char clip[OM_CLIP_MAX + 4];

	if (member->mode > 0177777u || (type != OM_S_IFREG && type != OM_S_IFDIR &&
	    type != OM_S_IFLNK && type != OM_S_IFCHR && type != OM_S_IFBLK &&
	    type != OM_S_IFIFO && type != OM_S_IFSOCK))
		return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
				       "%s: mode %x is no type of file",
				       om_clip(clip, member->path, 72), member->mode);
	if (type != OM_S_IFREG && type != OM_S_IFLNK && member->size)
		return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
				       "%s: %llu bytes of data, but it is no regular file",
				       om_clip(clip, member->path, 72),
				       (unsigned long long)member->size);
	return OM_OK;
}

/* Names of one file get one number; the same (dev, ino) in the next archive is another file. */
static enum om_status number_link(struct om_archive_reader *reader, const uint32_t *fields,
				  struct om_member *member)
{
	struct cpio_reader *cpio = reader->priv;
	uint32_t type = member->mode & OM_S_IFMT;
	struct om_link_entry *entry;

	if (fields[F_NLINK] < 2 || type == OM_S_IFDIR || type == OM_S_IFLNK)
		return OM_OK;
	entry = om_link_table_get(&cpio->links, reader->scratch,
				  (uint64_t)fields[F_DEV_MAJOR] << 32 | fields[F_DEV_MINOR],
				  (uint64_t)type << 32 | fields[F_INO]);
	if (!entry)
		return om_archive_fail(reader->diag, OM_NO_MEMORY, reader->offset, "out of memory");
	if (!entry->id)
		entry->id = ++cpio->next_link_id;
	member->link_id = entry->id;
	return OM_OK;
}

static enum om_status locate_data(struct om_archive_reader *reader, uint32_t name_size,
				  struct om_member *member)
{
	uint64_t size = reader->source->size;
	char clip[OM_CLIP_MAX + 4];

	member->data_offset = om_align_up(reader->offset + OM_NEWC_HEADER + name_size, 4);
	if (member->size && !om_range_inside(member->data_offset, member->size, size))
		return om_archive_fail(reader->diag, OM_TRUNCATED, reader->offset,
				       "%s: %llu bytes of data at offset %llu, but the archive "
				       "has only %llu", om_clip(clip, member->path, 72),
				       (unsigned long long)member->size,
				       (unsigned long long)member->data_offset,
				       (unsigned long long)size);
	return OM_OK;
}

static enum om_status read_member(struct om_archive_reader *reader, const uint8_t *header,
				  struct om_member *ret_member, bool *ret_trailer)
{
	struct om_member member = { .header_offset = reader->offset };
	bool crc = header[5] == '2';
	uint32_t fields[F_COUNT];
	enum om_status status;

	status = parse_fields(reader, header, fields);
	if (status == OM_OK)
		status = read_name(reader, fields[F_NAME_SIZE], &member.path);
	if (status != OM_OK)
		return status;
	member.mode = fields[F_MODE];
	member.uid = fields[F_UID];
	member.gid = fields[F_GID];
	member.nlink = fields[F_NLINK];
	member.mtime = fields[F_MTIME];
	member.rdev_major = fields[F_RDEV_MAJOR];
	member.rdev_minor = fields[F_RDEV_MINOR];
	member.size = fields[F_SIZE];
	member.has_checksum = crc && (member.mode & OM_S_IFMT) == OM_S_IFREG;
	member.checksum = member.has_checksum ? fields[F_CHECK] : 0;
	status = locate_data(reader, fields[F_NAME_SIZE], &member);
	*ret_trailer = om_str_is(member.path, OM_NEWC_TRAILER);
	if (status == OM_OK && !*ret_trailer) {
		status = check_type(reader, &member);
		if (status == OM_OK)
			status = number_link(reader, fields, &member);
		if (status == OM_OK && (member.mode & OM_S_IFMT) == OM_S_IFLNK)
			status = read_link(reader, &member);
	}
	if (status == OM_OK)
		*ret_member = member;
	return status;
}

/* The next header, in check_magic()'s eyes; *ret_header NULL at a proper end. */
static enum om_status find_header(struct om_archive_reader *reader, const uint8_t **ret_header)
{
	enum om_status status;
	bool more = false;

	status = skip_zeros(reader, &more);
	if (status != OM_OK)
		return status;
	if (!more) {
		*ret_header = NULL;
		return check_end(reader);
	}
	status = fetch(reader, reader->offset, 6, "a header", ret_header);
	if (status == OM_OK)
		status = check_magic(reader, *ret_header);
	if (status == OM_OK)
		status = fetch(reader, reader->offset, OM_NEWC_HEADER, "a header", ret_header);
	return status;
}

enum om_status om_cpio_next(struct om_archive_reader *reader, struct om_member *ret_member,
			    bool *ret_more)
{
	struct cpio_reader *cpio = reader->priv;
	struct om_member member = { 0 };
	const uint8_t *header = NULL;
	enum om_status status;
	bool trailer = true;
	uint64_t end;

	while (!reader->done && trailer) {
		status = find_header(reader, &header);
		if (status == OM_OK && header)
			status = read_member(reader, header, &member, &trailer);
		if (status != OM_OK)
			return status;
		if (!header)
			break;
		end = om_align_up(member.data_offset + member.size, 4);
		reader->offset = end < reader->source->size ? end : reader->source->size;
		cpio->members = trailer ? 0 : cpio->members + 1;
		if (trailer) {
			om_link_table_reset(&cpio->links);
			cpio->any = true;
		}
	}
	*ret_more = !reader->done;
	if (!reader->done) {
		if ((member.mode & OM_S_IFMT) == OM_S_IFLNK)
			member.size = 0;
		*ret_member = member;
	}
	return OM_OK;
}
