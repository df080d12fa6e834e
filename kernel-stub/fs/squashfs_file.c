/* SPDX-License-Identifier: MIT */
/* squashfs: contents of files, in blocks and in the fragment that holds their end. */
#include "squashfs.h"

#define RAW_FLAG	(1u << 24)	/* in a block's size: it is not packed */
#define SIZES		32u		/* read at once from the list */
#define FRAGMENT_SIZE	16u

/* A piece of a file: a block of the image, and where in it; a hole has no bytes. */
struct piece {
	struct packed packed;
	size_t offset, len;
};

static void set_packed(struct super_block *sb, struct piece *piece, uint64_t at, uint32_t size)
{
	piece->packed = (struct packed){
		.at = at, .len = size & (RAW_FLAG - 1), .raw = size & RAW_FLAG,
		.room = squashfs_sb(sb)->block_size, .codec = squashfs_sb(sb)->codec,
	};
}

static int find_fragment(struct inode *inode, struct piece *piece)
{
	struct squashfs_inode *si = squashfs_inode(inode);
	struct squashfs_sb *ss = squashfs_sb(inode->sb);
	uint8_t raw[FRAGMENT_SIZE];
	int err;

	if (si->fragment >= ss->fragments)
		return squashfs_broken(inode->sb, si->tail.block, "a fragment that is not there");
	err = squashfs_table_read(inode->sb, ss->fragment_table, si->fragment, sizeof(raw), raw);
	if (err < 0)
		return err;
	set_packed(inode->sb, piece, om_get_le64(raw), om_get_le32(raw + 8));
	piece->offset = si->fragment_offset;
	if (piece->packed.len == 0)
		return squashfs_broken(inode->sb, piece->packed.at, "a fragment of no bytes");
	return 0;
}

/* Block INDEX of the list: all sizes before it are added up, from where that ended last. */
static int find_block(struct inode *inode, uint32_t index, struct piece *piece)
{
	struct squashfs_inode *si = squashfs_inode(inode);
	struct squashfs_pos tail = si->tail, before;
	uint64_t start = si->start;
	uint32_t at = 0, size = 0;
	uint8_t raw[SIZES * 4];

	if (index >= si->next_index) {
		at = si->next_index;
		tail = si->next_tail;
		start = si->next_start;
	}
	for (;;) {
		uint32_t count = index - at < SIZES ? index - at : SIZES;
		int err;

		before = tail;
		err = squashfs_meta_read(inode->sb, &tail, raw, count > 0 ? count * 4 : 4);
		if (err < 0)
			return err;
		if (count == 0)
			break;
		for (uint32_t i = 0; i < count; i++)
			start += om_get_le32(raw + i * 4) & (RAW_FLAG - 1);
		at += count;
	}
	size = om_get_le32(raw);
	si->next_index = index;
	si->next_tail = before;
	si->next_start = start;
	set_packed(inode->sb, piece, start, size);
	return 0;
}

/* The piece that holds byte POS of the file; its LEN is what the file has of it. */
static int find_piece(struct inode *inode, uint64_t pos, struct piece *piece)
{
	struct squashfs_sb *ss = squashfs_sb(inode->sb);
	uint64_t index = pos >> ss->block_log, left = inode->size - (index << ss->block_log);
	bool is_end = left < ss->block_size &&
		      squashfs_inode(inode)->fragment != SQUASHFS_NONE;
	int err;

	if (index > UINT32_MAX)
		return squashfs_broken(inode->sb, squashfs_inode(inode)->start,
				       "a file of too many blocks");
	*piece = (struct piece){ .len = left < ss->block_size ? (size_t)left : ss->block_size };
	err = is_end ? find_fragment(inode, piece) : find_block(inode, (uint32_t)index, piece);
	if (err == 0 && piece->packed.len > ss->block_size)
		return squashfs_broken(inode->sb, piece->packed.at, "a block that is too long");
	return err;
}

/* From byte SKIP of the piece on. */
static long put_piece(struct inode *inode, const struct piece *piece, size_t skip,
		      struct uio *uio)
{
	struct unpacked_cache *cache = &squashfs_sb(inode->sb)->data;
	struct unpacked *block;
	long n;

	if (piece->packed.len == 0)
		return uio_zero(uio, piece->len - skip);
	if (!om_range_inside(piece->packed.at, piece->packed.len, squashfs_sb(inode->sb)->size))
		return squashfs_broken(inode->sb, piece->packed.at,
				       "a block reaches beyond the end of the file system");
	n = unpacked_get(cache, inode->sb->bdev, &piece->packed, &block);
	if (n == -EIO)
		return squashfs_broken(inode->sb, piece->packed.at, "a block cannot be unpacked");
	if (n < 0)
		return n;
	if (om_range_inside(piece->offset, piece->len, block->len))
		n = uio_put(uio, block->bytes + piece->offset + skip, piece->len - skip);
	else
		n = squashfs_broken(inode->sb, piece->packed.at, "a block is too short");
	unpacked_put(cache, block);
	return n;
}

static long squashfs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	uint32_t mask = squashfs_sb(inode->sb)->block_size - 1;
	struct piece piece;
	long done = 0, n = 0;

	while (uio->left > 0 && *pos < inode->size) {
		n = find_piece(inode, *pos, &piece);
		if (n == 0)
			n = put_piece(inode, &piece, *pos & mask, uio);
		if (n <= 0)
			break;
		*pos += (uint64_t)n;
		done += n;
	}
	return done > 0 ? done : n;
}

const struct file_ops squashfs_file_ops = { .read = squashfs_read };
