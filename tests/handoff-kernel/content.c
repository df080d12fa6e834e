/* SPDX-License-Identifier: MIT */
#include "checks.h"
#include "tap.h"

#include <overmount/descriptor.h>
#include <overmount/fmt.h>
#include <overmount/image.h>
#include <overmount/sha256.h>

#define HEAP_BYTES	(2u << 20)

static uint8_t heap[HEAP_BYTES] __attribute__((aligned(16)));
static size_t heap_used;
static struct om_root root;

static void *heap_alloc(void *ctx, size_t size)
{
	uint8_t *at = heap + heap_used;

	(void)ctx;
	size = (size + 15) & ~(size_t)15;
	if (size > HEAP_BYTES - heap_used)
		return NULL;
	heap_used += size;
	return at;
}

static void heap_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)ptr;
	(void)size;
}

uint32_t crc32_of(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;
	int bit;

	for (crc = ~crc; len; len--) {
		crc ^= *at++;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
	}
	return ~crc;
}

/*
 * Over everything that must not change when free memory is written to.  Not the page tables:
 * the processor notes there what was accessed.
 */
uint32_t content_sum(const struct om_handoff *handoff)
{
	const struct om_handoff_image *images = (const void *)handoff->images;
	uint32_t crc = crc32_of(0, handoff, sizeof(*handoff)), i;

	crc = crc32_of(crc, (const void *)handoff->descriptor.addr, handoff->descriptor.len);
	crc = crc32_of(crc, (const void *)handoff->archive.addr, handoff->archive.len);
	crc = crc32_of(crc, (const void *)handoff->memory_map.addr, handoff->memory_map.len);
	crc = crc32_of(crc, (const char *)handoff->cmdline, strlen((const char *)handoff->cmdline));
	for (i = 0; i < handoff->image_count; i++)
		crc = crc32_of(crc, (const void *)images[i].data.addr, images[i].data.len);
	return crc;
}

static bool ends_with(struct om_str path, const char *tail)
{
	size_t len = strlen(tail);

	return path.len >= len && om_str_is(om_str_skip(path, path.len - len), tail);
}

static void check_archive(const struct om_handoff *handoff, struct om_arena *arena)
{
	const uint8_t *base = (const uint8_t *)handoff->archive.addr;
	struct om_source source = { .size = handoff->archive.len, .base = base, .name = "archive" };
	bool found = false, console = false, aligned = true, more = true;
	struct om_archive_reader reader;
	struct om_member member;
	enum om_status status;

	status = om_cpio_open(&reader, &source, arena, NULL);
	while (status == OM_OK) {
		status = om_cpio_next(&reader, &member, &more);
		if (status != OM_OK || !more)
			break;
		console = console || ends_with(member.path, "dev/console");
		if ((member.mode & OM_S_IFMT) == OM_S_IFREG && member.size >= 4096)
			aligned = aligned && member.data_offset % 4096 == 0;
		if (ends_with(member.path, ".overmount/root.descriptor"))
			found = member.size == handoff->descriptor.len &&
				memcmp(base + member.data_offset,
				       (const void *)handoff->descriptor.addr, member.size) == 0;
	}
	ok_found(status == OM_OK && !more, "the archive can be walked to its end", status);
	ok(found, "the archive holds the same descriptor");
	ok(console, "the archive holds /dev/console");
	ok(aligned, "data of files of a page or more starts on a page");
}

/* Not judged here: the boot test compares it with what the host command makes. */
static void put_digest(const struct om_handoff *handoff)
{
	uint8_t digest[OM_SHA256_SIZE];
	char text[2 * OM_SHA256_SIZE + 1];
	uint32_t i;

	om_sha256((const void *)handoff->archive.addr, handoff->archive.len, digest);
	for (i = 0; i < OM_SHA256_SIZE; i++)
		om_format(text + 2 * i, 3, "%02x", digest[i]);
	put("# archive sha256 ");
	put(text);
	put("\n");
}

static void check_images(const struct om_handoff *handoff)
{
	const struct om_handoff_image *images = (const void *)handoff->images;
	bool known = true, listed;
	uint32_t i, j;

	for (i = 0; i < handoff->image_count; i++) {
		for (listed = false, j = 0; j < root.ramdisk_count; j++)
			listed = listed || (root.ramdisks[j].index == images[i].index &&
					    root.ramdisks[j].size == images[i].data.len &&
					    root.ramdisks[j].classic_initrd ==
					    !!(images[i].flags & OM_HANDOFF_IMAGE_INITRD));
		known = known && listed;
	}
	ok(known && (handoff->image_count == 0) == (handoff->images == 0),
	   "the images are those of the descriptor");
}

void check_content(const struct om_handoff *handoff)
{
	static const struct om_mem mem = { heap_alloc, heap_free, NULL };
	struct om_span bytes = { (const uint8_t *)handoff->descriptor.addr,
				 handoff->descriptor.len };
	struct om_arena arena;
	enum om_status status;

	status = om_descriptor_decode(bytes, NULL, &root);
	ok_found(status == OM_OK, "the descriptor decodes, its checksum holds", status);
	ok(om_str_is(root.cmdline, (const char *)handoff->cmdline),
	   "the command line is the descriptor's");
	om_arena_init(&arena, &mem);
	check_archive(handoff, &arena);
	put_digest(handoff);
	check_images(handoff);
}
