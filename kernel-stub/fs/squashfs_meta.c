/* SPDX-License-Identifier: MIT */
/* squashfs: metadata blocks, and the tables in them. */
#include "device_read.h"
#include "squashfs.h"

#define RAW_FLAG	0x8000u		/* in the two bytes in front of each block */
#define COMPLAINTS_MAX	20u

int squashfs_broken(struct super_block *sb, uint64_t at, const char *what)
{
	if (squashfs_sb(sb)->complaints++ < COMPLAINTS_MAX)
		klog("squashfs: %s: broken at byte %llu: %s", sb->bdev->name,
		     (unsigned long long)at, what);
	return -EIO;
}

static int read_at(struct super_block *sb, uint64_t at, void *buf, size_t len)
{
	if (!om_range_inside(at, len, squashfs_sb(sb)->size))
		return squashfs_broken(sb, at, "reaches beyond the end of the file system");
	return block_read(sb->bdev, at, buf, len);
}

/* The block at AT, and where the next one lies. */
static int meta_get(struct super_block *sb, uint64_t at, struct unpacked **ret_block,
		    uint64_t *ret_next)
{
	struct squashfs_sb *ss = squashfs_sb(sb);
	struct packed packed = { .room = SQUASHFS_META_SIZE, .codec = ss->codec };
	uint8_t raw[2];
	int err = read_at(sb, at, raw, sizeof(raw));

	if (err < 0)
		return err;
	packed.at = at + sizeof(raw);
	packed.raw = om_get_le16(raw) & RAW_FLAG;
	packed.len = om_get_le16(raw) & (RAW_FLAG - 1);
	if (!om_range_inside(packed.at, packed.len, ss->size))
		return squashfs_broken(sb, at, "a metadata block reaches beyond the end");
	err = unpacked_get(&ss->meta, sb->bdev, &packed, ret_block);
	if (err == -EIO)
		return squashfs_broken(sb, at, "a metadata block cannot be unpacked");
	*ret_next = packed.at + packed.len;
	return err;
}

int squashfs_meta_read(struct super_block *sb, struct squashfs_pos *pos, void *buf, size_t len)
{
	struct unpacked_cache *cache = &squashfs_sb(sb)->meta;
	uint8_t *out = buf;

	while (len > 0) {
		struct unpacked *block;
		uint64_t next = 0;
		size_t part;
		int err = meta_get(sb, pos->block, &block, &next);

		if (err < 0)
			return err;
		/* Only a full block has a next one. */
		if (pos->offset >= block->len) {
			unpacked_put(cache, block);
			return squashfs_broken(sb, pos->block, "a metadata block is too short");
		}
		part = block->len - pos->offset;
		if (part > len)
			part = len;
		memcpy(out, block->bytes + pos->offset, part);
		unpacked_put(cache, block);
		out += part;
		len -= part;
		pos->offset += (uint32_t)part;
		if (pos->offset == SQUASHFS_META_SIZE)
			*pos = (struct squashfs_pos){ next, 0 };
	}
	return 0;
}

int squashfs_table_read(struct super_block *sb, uint64_t table, uint32_t index, size_t size,
			void *buf)
{
	uint32_t each = SQUASHFS_META_SIZE / (uint32_t)size;
	struct squashfs_pos pos = { 0, index % each * (uint32_t)size };
	uint8_t raw[8];
	int err;

	if (table > squashfs_sb(sb)->size)
		return squashfs_broken(sb, table, "a table lies beyond the end");
	err = read_at(sb, table + index / each * 8ull, raw, sizeof(raw));
	if (err < 0)
		return err;
	pos.block = om_get_le64(raw);
	return squashfs_meta_read(sb, &pos, buf, size);
}
