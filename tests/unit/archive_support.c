/* SPDX-License-Identifier: MIT */
#include "archive_support.h"

void archive_put(struct archive *archive, const void *bytes, size_t len)
{
	if (!len)
		return;
	if (archive->len + len > archive->room) {
		archive->room = (archive->len + len) * 2;
		archive->bytes = realloc(archive->bytes, archive->room);
	}
	memcpy(archive->bytes + archive->len, bytes, len);
	archive->len += len;
}

void archive_pad(struct archive *archive, size_t align)
{
	while (archive->len % align)
		archive_put(archive, "", 1);
}

void archive_free(struct archive *archive)
{
	free(archive->bytes);
	memset(archive, 0, sizeof(*archive));
}

static void put_newc(struct archive *archive, const struct item *item, const void *data,
		     size_t len, bool crc)
{
	uint32_t mode = item->mode ? item->mode : 0100644, sum = 0;
	char header[160];

	if (!(mode & 0170000))
		mode |= 0100000;
	for (size_t i = 0; crc && i < len; i++)
		sum += ((const uint8_t *)data)[i];
	snprintf(header, sizeof(header),
		 "07070%c%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		 crc ? '2' : '1', item->ino, mode, item->uid, item->gid,
		 item->nlink ? item->nlink : 1, item->mtime, len, 8u, 1u, item->major, item->minor,
		 strlen(item->name) + 1, sum);
	archive_put(archive, header, 110);
	archive_put(archive, item->name, strlen(item->name) + 1);
	archive_pad(archive, 4);
	archive_put(archive, data, len);
	archive_pad(archive, 4);
}

void cpio_put(struct archive *archive, const struct item *item)
{
	put_newc(archive, item, item->data, item->data ? strlen(item->data) : 0, false);
}

void cpio_put_crc(struct archive *archive, const struct item *item)
{
	put_newc(archive, item, item->data, item->data ? strlen(item->data) : 0, true);
}

void fill_pattern(uint8_t *bytes, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(seed >> 24);
	}
}

void cpio_put_big(struct archive *archive, const char *name, size_t len, uint32_t seed)
{
	uint8_t *data = malloc(len);

	fill_pattern(data, len, seed);
	put_newc(archive, &(struct item){ .name = name }, data, len, false);
	free(data);
}

void cpio_end(struct archive *archive)
{
	put_newc(archive, &(struct item){ .name = "TRAILER!!!", .mode = 0100000 }, NULL, 0, false);
}

/* DIGITS octal digits and a NUL. */
static void put_octal(uint8_t *to, int digits, uint64_t value)
{
	to[digits] = '\0';
	while (digits--) {
		to[digits] = (uint8_t)('0' + (value & 7));
		value >>= 3;
	}
}

void tar_fix_checksum(uint8_t *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	put_octal(block + 148, 6, sum);
	block[155] = ' ';
}

static char tar_type(uint32_t mode)
{
	switch (mode & 0170000) {
	case 0040000: return '5';
	case 0120000: return '2';
	case 0020000: return '3';
	case 0060000: return '4';
	case 0010000: return '6';
	default: return '0';
	}
}

static void put_tar_block(struct archive *archive, const struct item *item, size_t size)
{
	uint8_t block[512] = { 0 };

	snprintf((char *)block, 100, "%s", item->name);
	put_octal(block + 100, 7, (item->mode ? item->mode : 0644) & 07777);
	put_octal(block + 108, 7, item->uid);
	put_octal(block + 116, 7, item->gid);
	put_octal(block + 124, 11, size);
	put_octal(block + 136, 11, item->mtime);
	block[156] = (uint8_t)(item->type ? item->type : tar_type(item->mode));
	if (item->link)
		memcpy(block + 157, item->link, strlen(item->link));
	memcpy(block + 257, "ustar\0" "00", 8);
	put_octal(block + 329, 7, item->major);
	put_octal(block + 337, 7, item->minor);
	tar_fix_checksum(block);
	archive_put(archive, block, 512);
}

void tar_put(struct archive *archive, const struct item *item)
{
	size_t size = item->data ? strlen(item->data) : 0;

	put_tar_block(archive, item, size);
	archive_put(archive, item->data, size);
	archive_pad(archive, 512);
}

void tar_put_extension(struct archive *archive, char type, const char *data, size_t len)
{
	put_tar_block(archive, &(struct item){ .name = "././@LongLink", .type = type }, len);
	archive_put(archive, data, len);
	archive_pad(archive, 512);
}

void tar_end(struct archive *archive)
{
	static const uint8_t zeros[1024];

	archive_put(archive, zeros, sizeof(zeros));
}

static enum om_status read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct test_source *test = ctx;

	if (++test->calls == test->fail_at)
		return OM_IO;
	if (!om_range_inside(offset, len, test->source.size))
		fail_msg("a read of %zu bytes at %llu, the source has %llu", len,
			 (unsigned long long)offset, (unsigned long long)test->source.size);
	test->went_back = test->went_back || offset < test->last_offset;
	test->last_offset = offset;
	test->read_bytes += len;
	memcpy(buf, test->bytes + offset, len);
	return OM_OK;
}

void test_source_init(struct test_source *test, const struct archive *archive, bool base)
{
	memset(test, 0, sizeof(*test));
	test->bytes = malloc(archive->len ? archive->len : 1);
	if (archive->len)
		memcpy(test->bytes, archive->bytes, archive->len);
	test->source = (struct om_source){
		.read_at = read_at, .ctx = test, .size = archive->len,
		.base = base ? test->bytes : NULL, .name = "test",
	};
}

void test_source_free(struct test_source *test)
{
	free(test->bytes);
	test->bytes = NULL;
}

struct text {
	char *ptr;
	size_t len;
	bool layers;
};

static char type_letter(uint32_t mode)
{
	switch (mode & OM_S_IFMT) {
	case OM_S_IFDIR: return 'd';
	case OM_S_IFLNK: return 'l';
	case OM_S_IFCHR: return 'c';
	case OM_S_IFBLK: return 'b';
	case OM_S_IFIFO: return 'p';
	case OM_S_IFSOCK: return 's';
	default: return '-';
	}
}

static void add(struct text *text, const char *format, ...) OM_PRINTF(2, 3);

static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	text->ptr = realloc(text->ptr, text->len + 2 * OM_PATH_MAX);
	va_start(args, format);
	len = vsnprintf(text->ptr + text->len, 2 * OM_PATH_MAX, format, args);
	va_end(args);
	assert_true(len >= 0 && len < (int)(2 * OM_PATH_MAX));
	text->len += (size_t)len;
}

static int add_line(void *ctx, const struct om_node *node, const struct om_member *member,
		    const char *layer)
{
	struct text *text = ctx;
	char data[64] = "";

	add(text, "%.*s %c%o %u:%u", (int)member->path.len, member->path.ptr,
	    type_letter(member->mode), member->mode & 07777, member->uid, member->gid);
	switch (member->mode & OM_S_IFMT) {
	case OM_S_IFREG:
		if (om_str_is(member->path, ".overmount/manifest"))
			break;
		if (member->size < sizeof(data)) {
			assert_int_equal(om_node_read(node, 0, data, member->size), OM_OK);
			add(text, " =%s", data);
		} else {
			add(text, " %llu bytes", (unsigned long long)member->size);
		}
		break;
	case OM_S_IFLNK:
		add(text, " ->%.*s", (int)member->link.len, member->link.ptr);
		break;
	case OM_S_IFCHR:
	case OM_S_IFBLK:
		add(text, " %u,%u", member->rdev_major, member->rdev_minor);
		break;
	}
	if (member->link_id)
		add(text, " *%u", member->nlink);
	if (text->layers)
		add(text, " [%s]", layer);
	add(text, "\n");
	return 0;
}

char *tree_text(struct om_tree *tree, bool layers)
{
	struct text text = { calloc(1, 1), 0, layers };

	assert_int_equal(om_tree_walk(tree, add_line, &text), 0);
	return text.ptr;
}

void assert_text(const char *what, const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		fail_msg("%s: found\n%s\nexpected\n%s", what, found, expected);
}
