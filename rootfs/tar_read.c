/* SPDX-License-Identifier: MIT */
/*
 * Reader of tar archives: ustar, pax (local and global headers) and GNU's long names and
 * base-256 numbers.  Sparse files, further volumes and dumps are refused, not guessed at.
 */
#include "tar_header.h"

#define TAR_EXTENDED_MAX OM_WINDOW_BYTES	/* an extended header is read in one piece */

struct tar_reader {
	struct om_reader_common common;
	struct tar_pax global, local;
	bool any;			/* a header was seen */
	/* GNU long names for the next member, in local.path and local.link */
};

static enum om_status fail(struct om_archive_reader *reader, enum om_status status,
			   const char *what)
{
	return om_archive_fail(reader->diag, status, reader->offset, "header at offset %llu: %s",
			       (unsigned long long)reader->offset, what);
}

static enum om_status fail_member(struct om_archive_reader *reader, enum om_status status,
				  struct om_str name, const char *what)
{
	char clip[OM_CLIP_MAX + 4];

	return om_archive_fail(reader->diag, status, reader->offset, "%s: %s (offset %llu)",
			       om_clip(clip, name, 72), what, (unsigned long long)reader->offset);
}

enum om_status om_tar_open(struct om_archive_reader *reader, const struct om_source *source,
			   struct om_arena *scratch, struct om_diag *diag)
{
	struct tar_reader *tar = om_arena_alloc(scratch, sizeof(*tar));

	if (!tar)
		return om_archive_fail(diag, OM_NO_MEMORY, 0, "out of memory");
	om_window_init(&tar->common.window, source, scratch);
	*reader = (struct om_archive_reader){
		.source = source, .scratch = scratch, .diag = diag, .priv = tar,
	};
	return OM_OK;
}

static enum om_status fetch(struct om_archive_reader *reader, uint64_t offset, size_t len,
			    const char *what, const uint8_t **ret_bytes)
{
	struct tar_reader *tar = reader->priv;
	enum om_status status = om_window_get(&tar->common.window, offset, len, ret_bytes);

	if (status == OM_OK)
		return OM_OK;
	if (status == OM_NO_MEMORY)
		return om_archive_fail(reader->diag, status, offset, "out of memory");
	return om_archive_fail(reader->diag, status, offset, status == OM_TRUNCATED ?
			       "the archive ends inside %s at offset %llu" :
			       "cannot read %s at offset %llu", what, (unsigned long long)offset);
}

/* After the two zero blocks: nothing but zeros, or it was not the end. */
static enum om_status check_rest(struct om_archive_reader *reader)
{
	uint64_t at = reader->offset, size = reader->source->size;
	enum om_status status;
	const uint8_t *bytes;
	size_t i, len;

	for (; at < size; at += len) {
		len = size - at < TAR_BLOCK ? (size_t)(size - at) : TAR_BLOCK;
		status = fetch(reader, at, len, "padding", &bytes);
		if (status != OM_OK)
			return status;
		for (i = 0; i < len; i++)
			if (bytes[i])
				return om_archive_fail(reader->diag, OM_SYNTAX, at + i,
						       "data at offset %llu, behind the end of the "
						       "archive (two archives in one file?)",
						       (unsigned long long)(at + i));
	}
	reader->done = true;
	return OM_OK;
}

/* The next block that is a header; *ret_block NULL at the end. */
static enum om_status next_block(struct om_archive_reader *reader, const uint8_t **ret_block)
{
	struct tar_reader *tar = reader->priv;
	enum om_status status;
	const uint8_t *block;

	if (reader->offset >= reader->source->size)
		return om_archive_fail(reader->diag, OM_TRUNCATED, reader->offset,
				       "the archive ends at offset %llu without two zero blocks",
				       (unsigned long long)reader->offset);
	status = fetch(reader, reader->offset, TAR_BLOCK, "a header", &block);
	if (status != OM_OK)
		return status;
	if (om_tar_is_zero(block)) {
		if (tar->local.path.ptr || tar->local.link.ptr || tar->local.has_size)
			return fail(reader, OM_SYNTAX, "an extended header without a member");
		*ret_block = NULL;
		return check_rest(reader);
	}
	if (!om_tar_checksum_right(block))
		return fail(reader, tar->any ? OM_CHECKSUM : OM_SYNTAX, tar->any ?
			    "its checksum does not match" : "no tar header, its checksum is wrong");
	tar->any = true;
	*ret_block = block;
	return OM_OK;
}

static enum om_status number(struct om_archive_reader *reader, const uint8_t *block,
			     enum tar_field field, int64_t *ret_value)
{
	if (om_tar_number(block, field, ret_value))
		return OM_OK;
	return om_archive_fail(reader->diag, OM_SYNTAX, reader->offset,
			       "header at offset %llu: %s is neither an octal nor a base-256 number",
			       (unsigned long long)reader->offset, om_tar_field_name(field));
}

/* Data of a header that describes the next member. */
static enum om_status extension_data(struct om_archive_reader *reader, const uint8_t *block,
				     size_t max, struct om_span *ret_data)
{
	enum om_status status;
	int64_t size;

	status = number(reader, block, TAR_SIZE, &size);
	if (status != OM_OK)
		return status;
	if ((uint64_t)size > max)
		return fail(reader, OM_LIMIT, "its extended data is too long");
	status = fetch(reader, reader->offset + TAR_BLOCK, (size_t)size, "an extended header",
		       &ret_data->ptr);
	ret_data->len = (size_t)size;
	return status;
}

static void skip_extension(struct om_archive_reader *reader, size_t len)
{
	uint64_t next = reader->offset + TAR_BLOCK + om_align_up(len, TAR_BLOCK);

	reader->offset = next < reader->source->size ? next : reader->source->size;
}

static enum om_status read_pax(struct om_archive_reader *reader, const uint8_t *block,
			       struct tar_pax *pax)
{
	struct om_span data = { NULL, 0 };
	struct om_str key = { "", 0 };
	char clip[OM_CLIP_MAX + 4];
	const char *why = "";
	enum om_status status;

	status = extension_data(reader, block, TAR_EXTENDED_MAX, &data);
	if (status != OM_OK)
		return status;
	status = om_tar_pax_parse(data, pax, &why, &key);
	if (status != OM_OK)
		return om_archive_fail(reader->diag, status, reader->offset,
				       "extended header at offset %llu: %s %s",
				       (unsigned long long)reader->offset,
				       key.len ? om_clip(clip, key, 48) : "the start", why);
	skip_extension(reader, data.len);
	return OM_OK;
}

/* GNU's L and K: a name too long for the header, NUL-terminated. */
static enum om_status read_long_name(struct om_archive_reader *reader, const uint8_t *block,
				     char *buf, struct om_str *ret_name)
{
	struct om_span data = { NULL, 0 };
	enum om_status status;

	status = extension_data(reader, block, OM_PATH_MAX, &data);
	if (status != OM_OK)
		return status;
	if (!data.len || data.ptr[data.len - 1] != '\0')
		return fail(reader, OM_SYNTAX, "a long name that does not end with a NUL");
	memcpy(buf, data.ptr, data.len);
	*ret_name = om_str_from(buf);
	if (!ret_name->len)
		return fail(reader, OM_SYNTAX, "a long name that is empty");
	skip_extension(reader, data.len);
	return OM_OK;
}

/* Names of a member: of GNU or pax, else of the header, with the prefix where there is one. */
static enum om_status read_names(struct om_archive_reader *reader, const uint8_t *block,
				 struct om_member *member)
{
	struct tar_reader *tar = reader->priv;
	struct om_str name = om_tar_text(block, TAR_NAME), link = om_tar_text(block, TAR_LINK);
	struct om_str prefix = { "", 0 };
	char *buf = tar->common.name;

	if (om_tar_is_ustar(block))
		prefix = om_tar_text(block, TAR_PREFIX);
	if (tar->global.path.ptr)
		name = tar->global.path;
	if (tar->local.path.ptr)
		name = tar->local.path;
	if (tar->global.path.ptr || tar->local.path.ptr)
		prefix.len = 0;
	if (tar->global.link.ptr)
		link = tar->global.link;
	if (tar->local.link.ptr)
		link = tar->local.link;
	if (!name.len)
		return fail(reader, OM_SYNTAX, "the name is empty");
	memcpy(buf, prefix.ptr, prefix.len);
	if (prefix.len)
		buf[prefix.len++] = '/';
	memcpy(buf + prefix.len, name.ptr, name.len);
	buf[prefix.len + name.len] = '\0';
	member->path = (struct om_str){ buf, prefix.len + name.len };
	memcpy(tar->common.link, link.ptr, link.len);
	tar->common.link[link.len] = '\0';
	member->link = (struct om_str){ tar->common.link, link.len };
	return OM_OK;
}

static enum om_status read_numbers(struct om_archive_reader *reader, const uint8_t *block,
				   struct om_member *member)
{
	struct tar_reader *tar = reader->priv;
	const struct tar_pax *packs[2] = { &tar->global, &tar->local };
	int64_t mode = 0, uid = 0, gid = 0, size = 0;
	enum om_status status;
	uint64_t owner[2], bytes;
	int i;

	status = number(reader, block, TAR_MODE, &mode);
	if (status == OM_OK)
		status = number(reader, block, TAR_UID, &uid);
	if (status == OM_OK)
		status = number(reader, block, TAR_GID, &gid);
	if (status == OM_OK)
		status = number(reader, block, TAR_SIZE, &size);
	if (status == OM_OK)
		status = number(reader, block, TAR_MTIME, &member->mtime);
	if (status != OM_OK)
		return status;
	owner[0] = (uint64_t)uid;
	owner[1] = (uint64_t)gid;
	bytes = (uint64_t)size;
	for (i = 0; i < 2; i++) {
		owner[0] = packs[i]->has_uid ? packs[i]->uid : owner[0];
		owner[1] = packs[i]->has_gid ? packs[i]->gid : owner[1];
		bytes = packs[i]->has_size ? packs[i]->size : bytes;
		member->mtime = packs[i]->has_mtime ? packs[i]->mtime : member->mtime;
	}
	if (owner[0] > UINT32_MAX || owner[1] > UINT32_MAX)
		return fail_member(reader, OM_LIMIT, member->path,
				   "an owner that does not fit into 32 bits");
	member->mode = (uint32_t)mode & 07777;
	member->uid = (uint32_t)owner[0];
	member->gid = (uint32_t)owner[1];
	member->size = bytes;
	return OM_OK;
}

static enum om_status read_device(struct om_archive_reader *reader, const uint8_t *block,
				  struct om_member *member)
{
	int64_t major = 0, minor = 0;
	enum om_status status;

	status = number(reader, block, TAR_MAJOR, &major);
	if (status == OM_OK)
		status = number(reader, block, TAR_MINOR, &minor);
	if (status != OM_OK)
		return status;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return fail_member(reader, OM_LIMIT, member->path,
				   "a device number that does not fit into 32 bits");
	member->rdev_major = (uint32_t)major;
	member->rdev_minor = (uint32_t)minor;
	return OM_OK;
}

/* What the type byte makes of a member. */
static enum om_status apply_type(struct om_archive_reader *reader, const uint8_t *block,
				 uint8_t type, struct om_member *member)
{
	bool slash = member->path.ptr[member->path.len - 1] == '/';

	switch (type) {
	case '\0': case '0': case '7':
		/* Before ustar a directory was a name with a slash at its end. */
		member->mode |= slash ? OM_S_IFDIR : OM_S_IFREG;
		break;
	case '1':
		member->mode |= OM_S_IFREG;
		member->hard_link = true;
		break;
	case '2':
		member->mode |= OM_S_IFLNK;
		break;
	case '3': case '4':
		member->mode |= type == '3' ? OM_S_IFCHR : OM_S_IFBLK;
		break;
	case '5':
		member->mode |= OM_S_IFDIR;
		break;
	case '6':
		member->mode |= OM_S_IFIFO;
		break;
	case 'S':
		return fail_member(reader, OM_UNSUPPORTED, member->path,
				   "a sparse file, make the archive without --sparse");
	case 'M':
		return fail_member(reader, OM_UNSUPPORTED, member->path,
				   "the rest of a file of an earlier volume, one complete archive "
				   "is expected");
	case 'D':
		return fail_member(reader, OM_UNSUPPORTED, member->path,
				   "a directory of an incremental dump, a plain archive is expected");
	default:
		return fail_member(reader, OM_UNSUPPORTED, member->path,
				   "an unknown type of member, expected 0 to 7");
	}
	/* These have no data, whatever the size says: POSIX lets it mean something else. */
	if (type == '1' || type == '5')
		member->size = 0;
	if ((member->mode & OM_S_IFMT) != OM_S_IFREG && member->size)
		return fail_member(reader, OM_SYNTAX, member->path,
				   "data, but it is no regular file");
	if ((type == '1' || type == '2') && !member->link.len)
		return fail_member(reader, OM_SYNTAX, member->path, "a link that leads nowhere");
	if (type != '1' && type != '2')
		member->link = (struct om_str){ "", 0 };
	return type == '3' || type == '4' ? read_device(reader, block, member) : OM_OK;
}

static enum om_status read_member(struct om_archive_reader *reader, const uint8_t *block,
				  struct om_member *ret_member)
{
	struct tar_reader *tar = reader->priv;
	struct om_member member = { .header_offset = reader->offset, .nlink = 1 };
	uint64_t end, size = reader->source->size;
	enum om_status status;

	status = read_names(reader, block, &member);
	if (status == OM_OK)
		status = read_numbers(reader, block, &member);
	if (status == OM_OK)
		status = apply_type(reader, block, block[156], &member);
	if (status != OM_OK)
		return status;
	member.data_offset = reader->offset + TAR_BLOCK;
	if (!om_range_inside(member.data_offset, member.size, size))
		return fail_member(reader, OM_TRUNCATED, member.path,
				   "the archive ends inside its data");
	end = om_align_up(member.data_offset + member.size, TAR_BLOCK);
	reader->offset = end < size ? end : size;
	memset(&tar->local, 0, offsetof(struct tar_pax, path_buf));
	*ret_member = member;
	return OM_OK;
}

enum om_status om_tar_next(struct om_archive_reader *reader, struct om_member *ret_member,
			   bool *ret_more)
{
	struct tar_reader *tar = reader->priv;
	const uint8_t *block = NULL;
	enum om_status status;

	while (!reader->done) {
		status = next_block(reader, &block);
		if (status != OM_OK)
			return status;
		if (!block)
			break;
		switch (block[156]) {
		case 'g':
			status = read_pax(reader, block, &tar->global);
			break;
		case 'x':
			status = read_pax(reader, block, &tar->local);
			break;
		case 'L':
			status = read_long_name(reader, block, tar->local.path_buf,
						&tar->local.path);
			break;
		case 'K':
			status = read_long_name(reader, block, tar->local.link_buf,
						&tar->local.link);
			break;
		case 'V':	/* the label of the volume */
			skip_extension(reader, 0);
			break;
		default:
			status = read_member(reader, block, ret_member);
			if (status == OM_OK)
				*ret_more = true;
			return status;
		}
		if (status != OM_OK)
			return status;
	}
	*ret_more = false;
	return OM_OK;
}
