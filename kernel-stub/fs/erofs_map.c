/* SPDX-License-Identifier: MIT */
/*
 * erofs: which packed cluster holds a byte of a file.
 *
 * A file is cut into logical clusters (a block each, as a rule), and an index says of each one
 * where in it a new extent starts, and where that extent's bytes are packed (a head), or how far
 * back its head is.  An extent ends where the next one starts.
 */
#include "erofs.h"

#define HEADER_SIZE	8u
#define FULL_GAP	8u		/* an unused header before an index of eight bytes each */
#define FULL_SIZE	8u

/* Advice in the header */
#define COMPACT_2	0x1u		/* some of a compact index takes two bytes a cluster */
#define BIG_CLUSTERS_1	0x2u
#define BIG_CLUSTERS_2	0x4u
#define ADVICE_KNOWN	(COMPACT_2 | BIG_CLUSTERS_1 | BIG_CLUSTERS_2)

#define LZ4		0u
#define WHOLE_FILE	0x80u		/* in a fragment */
#define BLOCKS_FLAG	0x800u		/* the number of packed blocks, in the place of a distance */
#define PACKED_BLOCKS_MAX 256u		/* 1 MiB in 4 KiB */

enum kind { AS_IS = 0, HEAD = 1, BELONGS = 2, HEAD_2 = 3 };

struct map {
	struct inode *inode;
	uint64_t index;			/* behind the header */
	unsigned advice;
	unsigned log;			/* of a logical cluster */
	uint64_t count;			/* of them */
};

/* What the index says of one logical cluster. */
struct cluster {
	uint64_t number;
	enum kind kind;
	uint32_t offset;		/* a head's, in the cluster */
	uint32_t block;
	uint32_t back;			/* clusters to the head, or to one that knows more */
	uint32_t packed_blocks;		/* if this is the one after a head that says so; else 0 */
};

static int broken(const struct map *map, const char *what)
{
	return erofs_broken(map->inode->sb, map->index, what);
}

static int map_begin(struct inode *inode, struct map *map)
{
	struct erofs_inode *ei = erofs_inode(inode);
	uint64_t at = om_align_up(ei->tail, 8);
	uint8_t raw[HEADER_SIZE];
	int err = erofs_read_at(inode->sb, at, raw, sizeof(raw));

	if (err < 0)
		return err;
	*map = (struct map){ .inode = inode, .index = at + HEADER_SIZE };
	map->advice = om_get_le16(raw + 4);
	map->log = erofs_sb(inode->sb)->block_log + (raw[7] & 7);
	map->count = (inode->size + (UINT64_C(1) << map->log) - 1) >> map->log;
	if ((map->advice & ~ADVICE_KNOWN) || raw[7] & WHOLE_FILE)
		return erofs_complain(inode->sb, at, "a way of packing", -EOPNOTSUPP);
	if ((raw[6] & 15) != LZ4 || raw[6] >> 4 != LZ4)
		return erofs_complain(inode->sb, at, "a compressor", -EOPNOTSUPP);
	return 0;
}

/* -- eight bytes each ------------------------------------------------------------------------------ */

static int load_full(const struct map *map, struct cluster *cluster)
{
	uint64_t at = map->index + FULL_GAP + cluster->number * FULL_SIZE;
	uint8_t raw[FULL_SIZE];
	int err = erofs_read_at(map->inode->sb, at, raw, sizeof(raw));

	if (err < 0)
		return err;
	if (om_get_le16(raw) & ~3u)
		return erofs_complain(map->inode->sb, at, "a cluster's flags", -EOPNOTSUPP);
	cluster->kind = om_get_le16(raw) & 3;
	if (cluster->kind != BELONGS) {
		cluster->offset = om_get_le16(raw + 2);
		cluster->block = om_get_le32(raw + 4);
		return 0;
	}
	cluster->back = om_get_le16(raw + 4);
	if (cluster->back & BLOCKS_FLAG) {
		cluster->packed_blocks = cluster->back & (BLOCKS_FLAG - 1);
		cluster->back = 1;
	}
	return 0;
}

/* -- packs: so many clusters' bits, then four bytes, the block before the pack's first one ------------- */

struct pack {
	uint8_t raw[32];
	unsigned clusters;		/* 2 or 16 */
	unsigned bits;			/* of each */
	unsigned low_bits;		/* offset or distance; the kind is above */
};

static uint32_t pack_get(const struct pack *pack, unsigned number, enum kind *ret_kind)
{
	unsigned bit = number * pack->bits;
	uint32_t value = om_get_le32(pack->raw + bit / 8) >> bit % 8;

	*ret_kind = value >> pack->low_bits & 3;
	return value & ((1u << pack->low_bits) - 1);
}

/*
 * A compact index begins with packs of eight bytes until a boundary of 32, goes on with packs of
 * 32 bytes if it may, and ends with packs of eight.  Where cluster NUMBER is, and its pack's size.
 */
static uint64_t compact_place(const struct map *map, uint64_t number, unsigned *ret_each)
{
	uint64_t at = map->index, first = (32 - at % 32) / 4, middle = 0;

	if (first == 8)
		first = 0;
	if ((map->advice & COMPACT_2) && first < map->count)
		middle = (map->count - first) / 16 * 16;
	*ret_each = 4;
	if (number < first)
		return at + number * 4;
	at += first * 4;
	number -= first;
	if (number < middle) {
		*ret_each = 2;
		return at + number * 2;
	}
	return at + middle * 2 + (number - middle) * 4;
}

static int pack_load(const struct map *map, uint64_t number, struct pack *pack,
		     unsigned *ret_which)
{
	unsigned each, size;
	uint64_t at = compact_place(map, number, &each), base;

	pack->clusters = each == 4 ? 2 : 16;
	size = pack->clusters * each;
	pack->bits = (size - 4) * 8 / pack->clusters;
	pack->low_bits = map->log > 12 ? map->log : 12;
	if (pack->low_bits + 2 > pack->bits)
		return erofs_complain(map->inode->sb, at, "the size of logical clusters",
				      -EOPNOTSUPP);
	base = at / size * size;
	*ret_which = (unsigned)(at - base) / each;
	return erofs_read_at(map->inode->sb, base, pack->raw, size);
}

/* How many packed blocks of this pack lie before those of number WHICH; -EIO silently. */
static int blocks_before(const struct pack *pack, unsigned which, bool big)
{
	int blocks = big ? 0 : 1;
	int i = (int)which;
	enum kind kind;

	while (i > 0) {
		uint32_t low = pack_get(pack, (unsigned)--i, &kind);

		if (kind != BELONGS) {
			blocks++;
		} else if (!big) {
			i -= (int)low;
			if (i >= 0)
				blocks++;
		} else if (low & BLOCKS_FLAG) {
			/* It stands right behind its head. */
			blocks += (int)(low & (BLOCKS_FLAG - 1));
			i--;
		} else if (low > 1) {
			i -= (int)low - 2;
		} else {
			return -EIO;
		}
	}
	return blocks;
}

/* The last cluster of a pack tells the distance to the next head: ask the one before it. */
static uint32_t distance(const struct pack *pack, unsigned which, uint32_t low)
{
	enum kind kind;

	if (which + 1 != pack->clusters)
		return low;
	low = pack_get(pack, which - 1, &kind);
	if (kind != BELONGS)
		low = 0;
	else if (low & BLOCKS_FLAG)
		low = 1;
	return low + 1;
}

static int load_compact(const struct map *map, struct cluster *cluster)
{
	bool big = map->advice & BIG_CLUSTERS_1;
	struct pack pack;
	unsigned which = 0;
	uint32_t low;
	int blocks, err = pack_load(map, cluster->number, &pack, &which);

	if (err < 0)
		return err;
	low = pack_get(&pack, which, &cluster->kind);
	if (cluster->kind == BELONGS) {
		if (low & BLOCKS_FLAG) {
			cluster->packed_blocks = low & (BLOCKS_FLAG - 1);
			cluster->back = 1;
		} else {
			cluster->back = distance(&pack, which, low);
		}
		return 0;
	}
	blocks = blocks_before(&pack, which, big);
	if (blocks < 0)
		return broken(map, "a distance in the index of a packed file");
	cluster->offset = low;
	/* The number before the pack's first block stands behind the bits. */
	cluster->block = om_get_le32(pack.raw + pack.clusters * pack.bits / 8) + (uint32_t)blocks;
	return 0;
}

/* -- extents --------------------------------------------------------------------------------------------- */

static int load(const struct map *map, uint64_t number, struct cluster *cluster)
{
	int err;

	*cluster = (struct cluster){ .number = number };
	err = erofs_inode(map->inode)->layout == EROFS_PACKED_FULL ? load_full(map, cluster) :
	      load_compact(map, cluster);
	if (err == 0 && cluster->offset >> map->log)
		return broken(map, "an extent that starts outside its cluster");
	if (err == 0 && cluster->packed_blocks && !(map->advice & (BIG_CLUSTERS_1 | BIG_CLUSTERS_2)))
		return broken(map, "a big cluster in a file that has none");
	return err;
}

static uint64_t start_of(const struct map *map, const struct cluster *head)
{
	return (head->number << map->log) + head->offset;
}

/* The head of the extent that holds POS. */
static int find_head(const struct map *map, uint64_t pos, struct cluster *head)
{
	int err = load(map, pos >> map->log, head);

	if (err == 0 && head->kind != BELONGS && start_of(map, head) > pos) {
		if (head->number == 0)
			return broken(map, "a packed file without a beginning");
		err = load(map, head->number - 1, head);
	}
	while (err == 0 && head->kind == BELONGS) {
		if (head->back == 0 || head->back > head->number)
			return broken(map, "a cluster's head lies before the file");
		err = load(map, head->number - head->back, head);
	}
	return err;
}

/* Where the extent of HEAD ends, and how many blocks it is packed in. */
static int find_end(const struct map *map, const struct cluster *head, uint64_t *ret_end,
		    uint32_t *ret_blocks)
{
	uint64_t last = head->number + (EROFS_EXTENT_MAX >> map->log) + 1;
	struct cluster next;
	int err;

	*ret_blocks = 1u << (map->log - erofs_sb(map->inode->sb)->block_log);
	for (uint64_t number = head->number + 1; number < map->count; number++) {
		if (number > last)
			return broken(map, "an extent that is too long");
		err = load(map, number, &next);
		if (err < 0)
			return err;
		if (number == head->number + 1 && next.packed_blocks > 0)
			*ret_blocks = next.packed_blocks;
		if (next.kind != BELONGS) {
			*ret_end = start_of(map, &next);
			return 0;
		}
	}
	*ret_end = map->inode->size;
	return 0;
}

int erofs_map_packed(struct inode *inode, uint64_t pos, struct erofs_piece *ret)
{
	struct cluster head;
	struct map map;
	uint64_t end = 0;
	uint32_t blocks = 0;
	int err = map_begin(inode, &map);

	if (err == 0)
		err = find_head(&map, pos, &head);
	if (err == 0)
		err = find_end(&map, &head, &end, &blocks);
	if (err < 0)
		return err;
	if (end > inode->size)
		end = inode->size;
	ret->from = start_of(&map, &head);
	if (ret->from > pos || end <= pos || end - ret->from > EROFS_EXTENT_MAX ||
	    blocks > PACKED_BLOCKS_MAX)
		return broken(&map, "an extent of no or too many bytes");
	ret->len = end - ret->from;
	ret->how = head.kind == AS_IS ? EROFS_AS_IS : EROFS_PACKED;
	ret->at = (uint64_t)head.block << erofs_sb(inode->sb)->block_log;
	ret->packed_len = blocks << erofs_sb(inode->sb)->block_log;
	return 0;
}
