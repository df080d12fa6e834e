/* SPDX-License-Identifier: MIT */
/* ext2: blocks of the volume, group descriptors, and the bitmaps of what is in use. */
#include "task.h"

#include "ext2.h"

#define PIECE 128u		/* bytes of a bitmap looked at in one go, on the stack */

bool ext2_blocks_valid(const struct ext2_sb *es, uint32_t block, uint32_t count)
{
	return block > es->disk.first_data_block && block < es->disk.blocks_count &&
	       count <= es->disk.blocks_count - block;
}

int ext2_block_read(struct super_block *sb, uint32_t block, uint32_t from, void *buf, size_t len)
{
	struct ext2_sb *es = ext2_sb(sb);

	if (!ext2_blocks_valid(es, block, 1))
		return ext2_error(sb, "block %u is not on the volume of %u", block,
				  es->disk.blocks_count);
	return block_read(sb->bdev, (uint64_t)block * es->blocksize + from, buf, len);
}

int ext2_block_write(struct super_block *sb, uint32_t block, uint32_t from, const void *buf,
		     size_t len)
{
	struct ext2_sb *es = ext2_sb(sb);

	if (!ext2_blocks_valid(es, block, 1))
		return ext2_error(sb, "block %u is not on the volume of %u", block,
				  es->disk.blocks_count);
	return block_write(sb->bdev, (uint64_t)block * es->blocksize + from, buf, len);
}

/* -- groups ----------------------------------------------------------------------------------- */

static uint32_t group_start(const struct ext2_sb *es, uint32_t group)
{
	return es->disk.first_data_block + group * es->disk.blocks_per_group;
}

uint32_t ext2_group_blocks(const struct ext2_sb *es, uint32_t group)
{
	uint32_t left = es->disk.blocks_count - group_start(es, group);

	return left < es->disk.blocks_per_group ? left : es->disk.blocks_per_group;
}

uint32_t ext2_group_left(const struct ext2_sb *es, uint32_t block)
{
	uint32_t at = block - es->disk.first_data_block;

	return es->disk.blocks_per_group - at % es->disk.blocks_per_group;
}

static uint64_t descriptor_offset(const struct ext2_sb *es, uint32_t group)
{
	return ((uint64_t)es->disk.first_data_block + 1) * es->blocksize +
	       (uint64_t)group * es->descriptor_size;
}

int ext2_group_read(struct super_block *sb, uint32_t group, struct ext2_group *ret)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t high[3] = { 0 };	/* upper halves of the three numbers of blocks */
	struct ext2_group desc;
	int err = block_read(sb->bdev, descriptor_offset(es, group), &desc, sizeof(desc));

	if (err == 0 && es->descriptor_size > sizeof(desc))
		err = block_read(sb->bdev, descriptor_offset(es, group) + sizeof(desc), high,
				 sizeof(high));
	if (err < 0)
		return err;
	if (high[0] || high[1] || high[2] || !ext2_blocks_valid(es, desc.block_bitmap, 1) ||
	    !ext2_blocks_valid(es, desc.inode_bitmap, 1) ||
	    !ext2_blocks_valid(es, desc.inode_table, es->table_blocks))
		return ext2_error(sb, "descriptor of group %u points outside of the volume", group);
	*ret = desc;
	return 0;
}

static int group_write(struct super_block *sb, uint32_t group, const struct ext2_group *desc)
{
	return block_write(sb->bdev, descriptor_offset(ext2_sb(sb), group), desc, sizeof(*desc));
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

/* Do the blocks touch those that describe GROUP itself? A bitmap may be wrong about that. */
static bool is_metadata(const struct ext2_sb *es, uint32_t group, const struct ext2_group *desc,
			uint32_t block, uint32_t count)
{
	if (overlaps(block, count, desc->block_bitmap, 1) ||
	    overlaps(block, count, desc->inode_bitmap, 1) ||
	    overlaps(block, count, desc->inode_table, es->table_blocks))
		return true;
	return ext2_has_super(es, group) &&
	       overlaps(block, count, group_start(es, group), 1 + es->descriptor_blocks);
}

/* -- bits --------------------------------------------------------------------------------------- */

/* The first zero bit in [FROM, TO) of the bitmap in BLOCK, or -ENOSPC. */
static int find_zero(struct super_block *sb, uint32_t block, uint32_t from, uint32_t to,
		     uint32_t *ret_bit)
{
	uint8_t piece[PIECE];
	uint32_t start = 0, len = 0;

	for (uint32_t bit = from; bit < to; bit++) {
		uint32_t byte = bit / 8;

		if (byte >= start + len) {
			uint32_t left = (to - 1) / 8 + 1 - byte;
			int err;

			start = byte;
			/* Near the goal a look at little is mostly enough. */
			len = bit == from ? 8 : PIECE;
			len = left < len ? left : len;
			err = ext2_block_read(sb, block, start, piece, len);
			if (err < 0)
				return err;
		}
		if (bit % 8 == 0 && piece[byte - start] == 0xff) {
			bit += 7;
			continue;
		}
		if (!(piece[byte - start] >> bit % 8 & 1)) {
			*ret_bit = bit;
			return 0;
		}
	}
	return -ENOSPC;
}

/* The byte of a bitmap that holds BIT, with the bit as SET says. */
static int set_bit(struct super_block *sb, uint32_t block, uint32_t bit, bool set)
{
	uint8_t byte, mask = (uint8_t)(1u << bit % 8);
	int err = ext2_block_read(sb, block, bit / 8, &byte, 1);

	if (err < 0)
		return err;
	byte = (uint8_t)(set ? byte | mask : byte & ~mask);
	return ext2_block_write(sb, block, bit / 8, &byte, 1);
}

/* Set BIT in the bitmap in BLOCK and write DESC, which counts it already; all or nothing. */
static int claim(struct super_block *sb, uint32_t group, const struct ext2_group *desc,
		 uint32_t block, uint32_t bit)
{
	int err = set_bit(sb, block, bit, true);

	if (err < 0)
		return err;
	err = group_write(sb, group, desc);
	if (err < 0 && set_bit(sb, block, bit, false) < 0)
		ext2_sb(sb)->damaged = true;
	return err;
}

/* -- blocks --------------------------------------------------------------------------------------- */

static int alloc_in_group(struct super_block *sb, uint32_t group, uint32_t from,
			  uint32_t *ret_block)
{
	struct ext2_sb *es = ext2_sb(sb);
	struct ext2_group desc;
	uint32_t bit, block, count = ext2_group_blocks(es, group);
	int err = ext2_group_read(sb, group, &desc);

	if (err < 0)
		return err;
	if (desc.free_blocks_count == 0)
		return -ENOSPC;
	err = find_zero(sb, desc.block_bitmap, from, count, &bit);
	if (err == -ENOSPC && from > 0)
		err = find_zero(sb, desc.block_bitmap, 0, from, &bit);
	if (err == -ENOSPC) {
		(void)ext2_error(sb, "group %u has no free block, but counts %u", group,
				 desc.free_blocks_count);
		return -ENOSPC;
	}
	if (err < 0)
		return err;
	block = group_start(es, group) + bit;
	if (is_metadata(es, group, &desc, block, 1))
		return ext2_error(sb, "bitmap of group %u has its own blocks free", group);
	desc.free_blocks_count--;
	err = claim(sb, group, &desc, desc.block_bitmap, bit);
	if (err < 0)
		return err;
	es->disk.free_blocks_count--;
	*ret_block = block;
	return 0;
}

/* What is reserved is for root and the one the superblock names. */
static bool may_use_reserve(const struct ext2_sb *es)
{
	return !current || current->euid == 0 || current->euid == es->disk.def_resuid;
}

int ext2_block_alloc(struct super_block *sb, uint32_t goal, uint32_t *ret_block)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t group, from;

	if (es->disk.free_blocks_count == 0 ||
	    (es->disk.free_blocks_count <= es->disk.r_blocks_count && !may_use_reserve(es)))
		return -ENOSPC;
	if (!ext2_blocks_valid(es, goal, 1))
		goal = es->disk.first_data_block + 1;
	group = (goal - es->disk.first_data_block) / es->disk.blocks_per_group;
	from = (goal - es->disk.first_data_block) % es->disk.blocks_per_group;
	for (uint32_t i = 0; i < es->groups; i++) {
		int err = alloc_in_group(sb, group, from, ret_block);

		if (err != -ENOSPC)
			return err;
		group = group + 1 < es->groups ? group + 1 : 0;
		from = 0;
	}
	return -ENOSPC;
}

/* Clear COUNT bits from BIT on, which lie in one piece of the bitmap: how many were set. */
static int clear_bits(struct super_block *sb, uint32_t bitmap, uint32_t bit, uint32_t count,
		      uint32_t *ret_cleared)
{
	uint32_t first = bit / 8, len = (bit + count - 1) / 8 - first + 1, cleared = 0;
	uint8_t piece[PIECE];
	int err = ext2_block_read(sb, bitmap, first, piece, len);

	if (err < 0)
		return err;
	for (uint32_t i = bit; i < bit + count; i++) {
		uint8_t mask = (uint8_t)(1u << i % 8);

		cleared += (piece[i / 8 - first] & mask) != 0;
		piece[i / 8 - first] &= (uint8_t)~mask;
	}
	err = ext2_block_write(sb, bitmap, first, piece, len);
	if (err == 0)
		*ret_cleared = cleared;
	return err;
}

static int free_piece(struct super_block *sb, uint32_t group, uint32_t bit, uint32_t count)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t cleared = 0, block = group_start(es, group) + bit;
	struct ext2_group desc;
	int err = ext2_group_read(sb, group, &desc);

	if (err < 0)
		return err;
	if (is_metadata(es, group, &desc, block, count))
		return ext2_error(sb, "a file has blocks of group %u's own, near %u", group, block);
	err = clear_bits(sb, desc.block_bitmap, bit, count, &cleared);
	if (err < 0)
		return err;
	desc.free_blocks_count = (uint16_t)(desc.free_blocks_count + cleared);
	es->disk.free_blocks_count += cleared;
	err = group_write(sb, group, &desc);
	if (err < 0)
		es->damaged = true;	/* the blocks are free, only the count is wrong */
	if (cleared != count)
		(void)ext2_error(sb, "%u of %u blocks at %u were free already", count - cleared,
				 count, block);
	return 0;
}

int ext2_blocks_free(struct super_block *sb, uint32_t block, uint32_t count)
{
	struct ext2_sb *es = ext2_sb(sb);

	if (!ext2_blocks_valid(es, block, count))
		return ext2_error(sb, "blocks %u to free at %u are not on the volume", count, block);
	while (count > 0) {
		uint32_t at = block - es->disk.first_data_block;
		uint32_t group = at / es->disk.blocks_per_group;
		uint32_t bit = at % es->disk.blocks_per_group;
		uint32_t part = PIECE * 8 - bit % 8;
		int err;

		if (part > es->disk.blocks_per_group - bit)
			part = es->disk.blocks_per_group - bit;
		if (part > count)
			part = count;
		err = free_piece(sb, group, bit, part);
		if (err < 0)
			return err;
		block += part;
		count -= part;
	}
	return 0;
}

/* -- inodes --------------------------------------------------------------------------------------- */

/* Directories go where most is free, so that their files find room next to them. */
static int group_for_directory(struct super_block *sb, uint32_t parent, uint32_t *ret_group)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t average = es->disk.free_inodes_count / es->groups, most = 0, best = parent;

	for (uint32_t i = 0; i < es->groups; i++) {
		uint32_t group = (parent + i) % es->groups;
		struct ext2_group desc;
		int err = ext2_group_read(sb, group, &desc);

		if (err < 0)
			return err;
		if (desc.free_inodes_count == 0 || desc.free_inodes_count < average)
			continue;
		if (desc.free_blocks_count > most) {
			most = desc.free_blocks_count;
			best = group;
		}
	}
	*ret_group = best;
	return 0;
}

static int inode_in_group(struct super_block *sb, uint32_t group, bool directory,
			  uint32_t *ret_ino)
{
	struct ext2_sb *es = ext2_sb(sb);
	struct ext2_group desc;
	uint32_t bit, ino;
	int err = ext2_group_read(sb, group, &desc);

	if (err < 0)
		return err;
	if (desc.free_inodes_count == 0)
		return -ENOSPC;
	err = find_zero(sb, desc.inode_bitmap, 0, es->disk.inodes_per_group, &bit);
	if (err == -ENOSPC)
		(void)ext2_error(sb, "group %u has no free inode, but counts %u", group,
				 desc.free_inodes_count);
	if (err < 0)
		return err;
	ino = group * es->disk.inodes_per_group + bit + 1;
	if (ino < es->first_ino)
		return ext2_error(sb, "reserved inode %u is marked as free", ino);
	desc.free_inodes_count--;
	desc.used_dirs_count = (uint16_t)(desc.used_dirs_count + directory);
	err = claim(sb, group, &desc, desc.inode_bitmap, bit);
	if (err < 0)
		return err;
	es->disk.free_inodes_count--;
	*ret_ino = ino;
	return 0;
}

int ext2_inode_alloc(struct inode *dir, bool directory, uint32_t *ret_ino)
{
	struct super_block *sb = dir->sb;
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t group = (uint32_t)(dir->ino - 1) / es->disk.inodes_per_group;
	int err;

	if (directory) {
		err = group_for_directory(sb, group, &group);
		if (err < 0)
			return err;
	}
	for (uint32_t i = 0; i < es->groups; i++) {
		err = inode_in_group(sb, (group + i) % es->groups, directory, ret_ino);
		if (err != -ENOSPC)
			return err;
	}
	return -ENOSPC;
}

int ext2_inode_free(struct super_block *sb, uint32_t ino, bool directory)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint32_t group = (ino - 1) / es->disk.inodes_per_group;
	uint32_t cleared = 0;
	struct ext2_group desc;
	int err = ext2_group_read(sb, group, &desc);

	if (err == 0)
		err = clear_bits(sb, desc.inode_bitmap, (ino - 1) % es->disk.inodes_per_group, 1,
				 &cleared);
	if (err < 0)
		return err;
	if (!cleared)
		return ext2_error(sb, "inode %u was free already", ino);
	desc.free_inodes_count++;
	if (directory && desc.used_dirs_count > 0)
		desc.used_dirs_count--;
	es->disk.free_inodes_count++;
	err = group_write(sb, group, &desc);
	if (err < 0)
		es->damaged = true;
	return 0;
}
