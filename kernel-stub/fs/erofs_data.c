/* SPDX-License-Identifier: MIT */
/* erofs: the bytes of a file, whichever way they are kept. */
#include "device_read.h"
#include "erofs.h"

/* The format of chunks */
#define CHUNK_LOG_MASK	0x1fu		/* over the block's */
#define CHUNK_INDEXES	0x20u		/* eight bytes each, else four */
#define CHUNK_KNOWN	(CHUNK_LOG_MASK | CHUNK_INDEXES)
#define CHUNK_LOG_MAX	31u

static int map_plain(struct inode *inode, uint64_t pos, struct erofs_piece *piece)
{
	struct erofs_inode *ei = erofs_inode(inode);
	struct erofs_sb *es = erofs_sb(inode->sb);
	uint64_t whole = inode->size;

	/* The end lies behind the inode unless it is a whole block. */
	if (ei->layout == EROFS_INLINE)
		whole -= inode->size & (es->block_size - 1);
	piece->how = EROFS_AS_IS;
	if (pos < whole) {
		piece->len = whole;
		piece->at = (uint64_t)ei->block << es->block_log;
		return 0;
	}
	piece->from = whole;
	piece->len = inode->size - whole;
	piece->at = ei->tail;
	if ((ei->tail & (es->block_size - 1)) + piece->len > es->block_size)
		return erofs_broken(inode->sb, ei->tail, "the end of a file leaves its block");
	return 0;
}

static int map_chunk(struct inode *inode, uint64_t pos, struct erofs_piece *piece)
{
	struct erofs_inode *ei = erofs_inode(inode);
	struct erofs_sb *es = erofs_sb(inode->sb);
	unsigned log = es->block_log + (ei->block & CHUNK_LOG_MASK);
	uint32_t size = ei->block & CHUNK_INDEXES ? 8 : 4, block;
	uint8_t raw[8] = { 0 };
	int err;

	if ((ei->block & 0xffff & ~CHUNK_KNOWN) || log > CHUNK_LOG_MAX)
		return erofs_complain(inode->sb, ei->tail, "the format of chunks", -EOPNOTSUPP);
	err = erofs_read_at(inode->sb, om_align_up(ei->tail, size) + (pos >> log) * size, raw, size);
	if (err < 0)
		return err;
	if (om_get_le16(raw + 2) != 0 && size == 8)
		return erofs_complain(inode->sb, ei->tail, "a chunk on another device", -EOPNOTSUPP);
	block = om_get_le32(size == 8 ? raw + 4 : raw);
	piece->from = pos >> log << log;
	piece->len = inode->size - piece->from;
	if (piece->len > UINT64_C(1) << log)
		piece->len = UINT64_C(1) << log;
	piece->how = block == EROFS_NO_BLOCK ? EROFS_HOLE : EROFS_AS_IS;
	piece->at = (uint64_t)block << es->block_log;
	return 0;
}

static int map(struct inode *inode, uint64_t pos, struct erofs_piece *piece)
{
	struct erofs_piece *last = &erofs_inode(inode)->last;
	int err;

	*piece = *last;
	if (pos >= last->from && pos - last->from < last->len)
		return 0;
	*piece = (struct erofs_piece){ 0 };
	switch (erofs_inode(inode)->layout) {
	case EROFS_PLAIN:
	case EROFS_INLINE:
		err = map_plain(inode, pos, piece);
		break;
	case EROFS_CHUNKS:
		err = map_chunk(inode, pos, piece);
		break;
	default:
		err = erofs_map_packed(inode, pos, piece);
	}
	if (err == 0)
		*last = *piece;
	return err;
}

static long put_packed(struct inode *inode, const struct erofs_piece *piece, uint64_t skip,
		       struct uio *uio)
{
	struct erofs_sb *es = erofs_sb(inode->sb);
	struct packed packed = { .at = piece->at, .len = piece->packed_len,
				 .room = (uint32_t)piece->len, .codec = CODEC_LZ4,
				 .padded = es->padded };
	struct unpacked *block;
	long n = unpacked_get(&es->data, inode->sb->bdev, &packed, &block);

	if (n == -EIO)
		return erofs_broken(inode->sb, piece->at, "a cluster cannot be unpacked");
	if (n < 0)
		return n;
	if (block->len >= piece->len)
		n = uio_put(uio, block->bytes + skip, (size_t)(piece->len - skip));
	else
		n = erofs_broken(inode->sb, piece->at, "a cluster is too short");
	unpacked_put(&es->data, block);
	return n;
}

/* From byte SKIP of the piece on. */
static long put_piece(struct inode *inode, const struct erofs_piece *piece, uint64_t skip,
		      struct uio *uio)
{
	uint64_t left = piece->len - skip;
	size_t want = uio->left < left ? uio->left : (size_t)left;

	if (piece->how == EROFS_HOLE)
		return uio_zero(uio, want);
	if (!om_range_inside(piece->at, piece->how == EROFS_PACKED ? piece->packed_len : piece->len,
			     erofs_sb(inode->sb)->size))
		return erofs_broken(inode->sb, piece->at, "a file lies beyond the end");
	return piece->how == EROFS_PACKED ? put_packed(inode, piece, skip, uio) :
	       device_read(inode->sb->bdev, piece->at + skip, uio, want);
}

long erofs_read_bytes(struct inode *inode, struct uio *uio, uint64_t *pos)
{
	struct erofs_piece piece;
	long done = 0, n = 0;

	while (uio->left > 0 && *pos < inode->size) {
		n = map(inode, *pos, &piece);
		if (n == 0)
			n = put_piece(inode, &piece, *pos - piece.from, uio);
		if (n <= 0)
			break;
		*pos += (uint64_t)n;
		done += n;
	}
	return done > 0 ? done : n;
}

static long erofs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return erofs_read_bytes(file->inode, uio, pos);
}

const struct file_ops erofs_file_ops = { .read = erofs_read };
