/* SPDX-License-Identifier: MIT */
/* ext2: which block of the volume holds which block of a file, direct to triple indirect. */
#include "ext2.h"

#define BATCH 128u		/* pointers looked at in one go, on the stack */

uint8_t ext2_zeros[4096];

/* The way to a block: an index into inode.block, then one into each indirect block. */
struct way {
	unsigned depth;
	uint32_t index[EXT2_DEPTH_MAX];
};

/* False when no file reaches that far. */
static bool find_way(const struct ext2_sb *es, uint64_t logical, struct way *ret)
{
	uint64_t span = es->pointers;
	struct way way = { 1, { 0 } };

	if (logical < EXT2_NDIR) {
		way.index[0] = (uint32_t)logical;
		*ret = way;
		return true;
	}
	logical -= EXT2_NDIR;
	for (way.depth = 2; way.depth <= EXT2_DEPTH_MAX; way.depth++) {
		if (logical < span) {
			way.index[0] = EXT2_NDIR + way.depth - 2;
			for (unsigned i = way.depth - 1; i > 0; i--) {
				way.index[i] = (uint32_t)(logical % es->pointers);
				logical /= es->pointers;
			}
			*ret = way;
			return true;
		}
		logical -= span;
		span *= es->pointers;
	}
	return false;
}

/* Follow WAY while there are blocks: how many steps were there, and the last pointer seen. */
static int follow(struct inode *inode, const struct way *way, unsigned steps,
		  unsigned *ret_steps, uint32_t *ret_parent, uint32_t *ret_block)
{
	uint32_t block = ext2_i(inode)->block[way->index[0]], parent = 0;
	unsigned i;

	for (i = 1; block != 0 && i < steps; i++) {
		int err;

		parent = block;
		err = ext2_block_read(inode->sb, parent, way->index[i] * 4, &block, 4);
		if (err < 0)
			return err;
	}
	*ret_steps = i;
	*ret_parent = parent;
	*ret_block = block;
	return 0;
}

/* How many of the N pointers continue the run that the first one starts. */
static uint32_t run_length(const uint32_t *pointers, uint32_t n)
{
	uint32_t i = 1;

	while (i < n && (pointers[0] ? pointers[i] == pointers[0] + i : pointers[i] == 0))
		i++;
	return i;
}

/* Look the run up that starts at LOGICAL, as far as one look reaches. */
static int find_run(struct inode *inode, uint32_t logical, uint32_t *ret_block,
		    uint32_t *ret_count)
{
	struct ext2_sb *es = ext2_sb(inode->sb);
	uint32_t batch[BATCH], *pointers = batch, parent, block, n, last;
	unsigned steps;
	struct way way;
	int err;

	if (es->extents && (ext2_i(inode)->flags & EXT2_EXTENTS_FL))
		return ext2_extent_run(inode, logical, ret_block, ret_count);
	if (!find_way(es, logical, &way))
		return -EFBIG;
	last = way.index[way.depth - 1];
	if (way.depth == 1) {
		pointers = &ext2_i(inode)->block[last];
		n = EXT2_NDIR - last;
	} else {
		err = follow(inode, &way, way.depth - 1, &steps, &parent, &block);
		if (err < 0)
			return err;
		n = es->pointers - last;
		if (block == 0) {
			/* Nothing up to the end of that indirect block, at least. */
			*ret_block = 0;
			*ret_count = n;
			return 0;
		}
		n = n < BATCH ? n : BATCH;
		err = ext2_block_read(inode->sb, block, last * 4, batch, n * 4);
		if (err < 0)
			return err;
	}
	n = run_length(pointers, n);
	if (pointers[0] && !ext2_blocks_valid(es, pointers[0], n))
		return ext2_error(inode->sb, "inode %u: block %u is not on the volume",
				  (unsigned)inode->ino, pointers[0]);
	*ret_block = pointers[0];
	*ret_count = n;
	return 0;
}

int ext2_map(struct inode *inode, uint32_t logical, uint32_t max, uint32_t *ret_block,
	     uint32_t *ret_count)
{
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t skip = logical - ei->run_logical, left;

	/* Who reads page by page must not come by the indirect block each time. */
	if (logical < ei->run_logical || skip >= ei->run_count) {
		int err = find_run(inode, logical, &ei->run_block, &ei->run_count);

		if (err < 0) {
			ei->run_count = 0;
			return err;
		}
		ei->run_logical = logical;
		skip = 0;
	}
	left = ei->run_count - skip;
	*ret_block = ei->run_block ? ei->run_block + skip : 0;
	*ret_count = left < max ? left : max;
	return 0;
}

/* -- growing ------------------------------------------------------------------------------------ */

/* Behind the block before it; the first one of a file at the start of its inode's group. */
static uint32_t goal_for(struct inode *inode, uint32_t logical)
{
	const struct ext2_sb *es = ext2_sb(inode->sb);
	uint32_t block = 0, count;

	if (logical > 0 && ext2_map(inode, logical - 1, 1, &block, &count) == 0 && block)
		return block + 1;
	return es->disk.first_data_block +
	       (uint32_t)(inode->ino - 1) / es->disk.inodes_per_group * es->disk.blocks_per_group;
}

/* COUNT blocks into BLOCKS, near GOAL and one behind the other; all or none. */
static int alloc_all(struct super_block *sb, uint32_t goal, uint32_t *blocks, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int err = ext2_block_alloc(sb, goal, &blocks[i]);

		if (err < 0) {
			while (i-- > 0)
				if (ext2_blocks_free(sb, blocks[i], 1) < 0)
					ext2_sb(sb)->damaged = true;
			return err;
		}
		goal = blocks[i] + 1;
	}
	return 0;
}

/* The COUNT new blocks: each indirect one points to the next, the last one has the data. */
static int write_all(struct super_block *sb, const uint32_t *blocks, unsigned count,
		     const struct way *way, const void *data)
{
	uint32_t size = ext2_sb(sb)->blocksize;
	int err = ext2_block_write(sb, blocks[count - 1], 0, data, size);

	for (unsigned i = 0; err == 0 && i + 1 < count; i++) {
		uint32_t index = way->index[way->depth - count + i + 1];

		err = ext2_block_write(sb, blocks[i], 0, ext2_zeros, size);
		if (err == 0)
			err = ext2_block_write(sb, blocks[i], index * 4, &blocks[i + 1], 4);
	}
	return err;
}

int ext2_map_new(struct inode *inode, uint32_t logical, const void *data)
{
	struct super_block *sb = inode->sb;
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t blocks[EXT2_DEPTH_MAX], parent, present;
	unsigned steps, count;
	struct way way;
	int err;

	if (!find_way(ext2_sb(sb), logical, &way))
		return -EFBIG;
	err = follow(inode, &way, way.depth, &steps, &parent, &present);
	if (err < 0)
		return err;
	if (present)
		return ext2_error(sb, "inode %u: block %u appeared", (unsigned)inode->ino, logical);
	count = way.depth - steps + 1;
	err = alloc_all(sb, goal_for(inode, logical), blocks, count);
	if (err < 0)
		return err;
	err = write_all(sb, blocks, count, &way, data);
	if (err < 0)
		goto out;
	if (steps == 1) {
		ei->block[way.index[0]] = blocks[0];
	} else {
		err = ext2_block_write(sb, parent, way.index[steps - 1] * 4, &blocks[0], 4);
		if (err < 0)
			goto out;
	}
	ei->dirty = true;
	ei->run_logical = logical;
	ei->run_block = blocks[count - 1];
	ei->run_count = 1;
	inode->blocks += (uint64_t)count * ext2_sb(sb)->sectors;
	return 0;
out:
	for (unsigned i = 0; i < count; i++)
		if (ext2_blocks_free(sb, blocks[i], 1) < 0)
			ext2_sb(sb)->damaged = true;
	return err;
}

/* -- shrinking ---------------------------------------------------------------------------------- */

static void uncount(struct inode *inode, uint32_t blocks)
{
	uint64_t sectors = (uint64_t)blocks * ext2_sb(inode->sb)->sectors;

	inode->blocks = inode->blocks > sectors ? inode->blocks - sectors : 0;
	ext2_i(inode)->dirty = true;
}

/*
 * Free what the N pointers name, in runs, and zero them in memory.  When it fails, those that
 * are left are the ones that were not freed.
 */
static int free_pointers(struct inode *inode, uint32_t *pointers, uint32_t n)
{
	uint32_t i = 0;

	while (i < n) {
		uint32_t run = run_length(pointers + i, n - i);

		if (pointers[i]) {
			uint32_t left = ext2_group_left(ext2_sb(inode->sb), pointers[i]);
			int err;

			run = run < left ? run : left;
			err = ext2_blocks_free(inode->sb, pointers[i], run);
			if (err < 0)
				return err;
			uncount(inode, run);
			memset(pointers + i, 0, run * 4);
		}
		i += run;
	}
	return 0;
}

/*
 * Take the N pointers at INDEX of the indirect block BLOCK, copied in POINTERS, out of it and
 * free what they name.  First out, then free: a block must never be both free and in use.
 */
static int detach(struct inode *inode, uint32_t block, uint32_t index, uint32_t *pointers,
		  uint32_t n)
{
	struct super_block *sb = inode->sb;
	int err = ext2_block_write(sb, block, index * 4, ext2_zeros, n * 4);

	if (err < 0)
		return err;
	err = free_pointers(inode, pointers, n);
	if (err < 0 && ext2_block_write(sb, block, index * 4, pointers, n * 4) < 0)
		ext2_sb(sb)->damaged = true;
	return err;
}

/* Free the data blocks in the indirect block BLOCK from pointer FROM on. */
static int cut_leaf(struct inode *inode, uint32_t block, uint32_t from)
{
	uint32_t batch[BATCH], pointers = ext2_sb(inode->sb)->pointers;

	while (from < pointers) {
		uint32_t n = pointers - from < BATCH ? pointers - from : BATCH;
		int err = ext2_block_read(inode->sb, block, from * 4, batch, n * 4);

		if (err == 0)
			err = detach(inode, block, from, batch, n);
		if (err < 0)
			return err;
		from += n;
	}
	return 0;
}

/* Where the walk over a tree of indirect blocks stands on each level. */
struct level {
	uint32_t block;
	uint32_t next;			/* pointer to go to */
	bool whole;			/* the block itself goes, too */
};

/* Are all numbers of the position from level FROM on zero? */
static bool from_start(const uint32_t *index, unsigned from, unsigned height)
{
	while (from < height && index[from] == 0)
		from++;
	return from == height;
}

/* The next block below the one on level DEPTH, into the level after it; 0: there is none. */
static int descend(struct inode *inode, struct level *levels, unsigned depth, unsigned height,
		   const uint32_t *index, uint32_t *ret_child)
{
	struct level *level = &levels[depth];
	bool edge = true;		/* of what stays: start in the middle */
	uint32_t child = 0;

	while (level->next < ext2_sb(inode->sb)->pointers) {
		int err = ext2_block_read(inode->sb, level->block, level->next * 4, &child, 4);

		if (err < 0)
			return err;
		if (child)
			break;
		level->next++;
	}
	for (unsigned i = 0; i <= depth; i++)
		edge = edge && levels[i].next == index[i];
	levels[depth + 1] = (struct level){ child, edge ? index[depth + 1] : 0,
					    !edge || from_start(index, depth + 1, height) };
	*ret_child = child;
	return 0;
}

/*
 * Free all from position INDEX (one number for each level) of the tree of HEIGHT levels of
 * indirect blocks at *ROOT; *ROOT becomes 0 when the whole tree went.
 */
static int cut_tree(struct inode *inode, uint32_t *root, unsigned height, const uint32_t *index)
{
	struct level levels[EXT2_DEPTH_MAX];
	unsigned depth = 0;
	uint32_t child;
	int err;

	levels[0] = (struct level){ *root, index[0], from_start(index, 0, height) };
	for (;;) {
		struct level *level = &levels[depth];

		if (depth + 1 < height) {
			err = descend(inode, levels, depth, height, index, &child);
			if (err < 0)
				return err;
			if (child) {
				depth++;
				continue;
			}
		} else {
			err = cut_leaf(inode, level->block, level->next);
			if (err < 0)
				return err;
		}
		if (depth == 0)
			return level->whole ? free_pointers(inode, root, 1) : 0;
		depth--;
		if (level->whole) {
			err = detach(inode, levels[depth].block, levels[depth].next, &level->block, 1);
			if (err < 0)
				return err;
		}
		levels[depth].next++;
	}
}

int ext2_cut(struct inode *inode, uint32_t first)
{
	const uint32_t start[EXT2_DEPTH_MAX] = { 0 };
	struct ext2_inode *ei = ext2_i(inode);
	struct way way;
	int err;

	ei->run_count = 0;
	if (!find_way(ext2_sb(inode->sb), first, &way))
		return 0;
	if (way.depth == 1) {
		err = free_pointers(inode, ei->block + first, EXT2_NDIR - first);
		if (err < 0)
			return err;
	}
	for (unsigned height = 1; height < EXT2_DEPTH_MAX; height++) {
		uint32_t *root = &ei->block[EXT2_NDIR + height - 1];

		if (height + 1 < way.depth || *root == 0)
			continue;
		err = cut_tree(inode, root, height,
			       height + 1 == way.depth ? way.index + 1 : start);
		if (err < 0)
			return err;
	}
	return 0;
}
