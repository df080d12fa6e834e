/* SPDX-License-Identifier: MIT */
/*
 * ext4's way to say where a file lies, to read: a tree of extents with its root in the inode.
 *
 * Each node is a header of 12 bytes and entries of 12 bytes, sorted by logical block: in a leaf a
 * run of blocks, above it the block of a node.  The header states its depth, which has to
 * become one less with each step: no tree makes the walk longer than that.
 */
#include <overmount/bytes.h>

#include "ext2.h"

#define NODE_MAGIC	0xf30au
#define ENTRY_SIZE	12u
#define DEPTH_LIMIT	5u		/* 2^32 blocks fit below that, whatever the block size */
#define WRITTEN_MAX	32768u		/* longer: the run is allocated, but reads as zeros */
#define NO_BLOCK	UINT64_MAX

/* A node: in the inode (block 0) or in a block. */
struct node {
	uint32_t block;
	uint32_t count;
	uint32_t depth;
};

static int broken(struct inode *inode, const char *what)
{
	return ext2_error(inode->sb, "inode %u: extents: %s", (unsigned)inode->ino, what);
}

/* LEN bytes from byte FROM of the node. */
static int node_bytes(struct inode *inode, const struct node *node, uint32_t from, uint8_t *ret,
		      size_t len)
{
	if (node->block != 0)
		return ext2_block_read(inode->sb, node->block, from, ret, len);
	memcpy(ret, (const uint8_t *)ext2_i(inode)->block + from, len);
	return 0;
}

static int read_header(struct inode *inode, struct node *node)
{
	uint32_t room = node->block ? ext2_sb(inode->sb)->blocksize : EXT2_NBLOCKS * 4;
	uint8_t raw[ENTRY_SIZE];
	int err = node_bytes(inode, node, 0, raw, sizeof(raw));

	if (err < 0)
		return err;
	if (om_get_le16(raw) != NODE_MAGIC)
		return broken(inode, "a node has no magic");
	node->count = om_get_le16(raw + 2);
	node->depth = om_get_le16(raw + 6);
	if (node->count > om_get_le16(raw + 4) || node->count > room / ENTRY_SIZE - 1)
		return broken(inode, "a node has more entries than room");
	return 0;
}

/* The last entry that starts at or before LOGICAL, and where the one after it starts. */
static int find_entry(struct inode *inode, const struct node *node, uint32_t logical,
		      uint8_t *ret_entry, bool *ret_found, uint64_t *ret_next)
{
	uint32_t low = 0, high = node->count;
	uint8_t raw[ENTRY_SIZE];
	int err;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		err = node_bytes(inode, node, (middle + 1) * ENTRY_SIZE, raw, sizeof(raw));
		if (err < 0)
			return err;
		if (om_get_le32(raw) <= logical) {
			memcpy(ret_entry, raw, sizeof(raw));
			*ret_found = true;
			low = middle + 1;
		} else {
			*ret_next = om_get_le32(raw);
			high = middle;
		}
	}
	return 0;
}

/* Nothing from LOGICAL to the next extent, or to the end of what a file can have. */
static int hole(uint32_t logical, uint64_t next, uint32_t *ret_block, uint32_t *ret_count)
{
	uint64_t count = next > logical ? next - logical : 1;

	*ret_block = 0;
	*ret_count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	return 0;
}

static int read_leaf(struct inode *inode, const uint8_t *entry, uint32_t logical, uint64_t next,
		     uint32_t *ret_block, uint32_t *ret_count)
{
	uint32_t first = om_get_le32(entry), len = om_get_le16(entry + 4);
	uint32_t start = om_get_le32(entry + 8), skip = logical - first;
	bool written = len <= WRITTEN_MAX;

	if (!written)
		len -= WRITTEN_MAX;
	if (len == 0 || len > UINT32_MAX - first)
		return broken(inode, "a run of no blocks, or beyond the end of all files");
	if (skip >= len)
		return hole(logical, next, ret_block, ret_count);
	if ((uint64_t)first + len > next)
		return broken(inode, "runs overlap");
	if (om_get_le16(entry + 6) != 0 || !ext2_blocks_valid(ext2_sb(inode->sb), start, len))
		return broken(inode, "a run is not on the volume");
	*ret_block = written ? start + skip : 0;
	*ret_count = len - skip;
	return 0;
}

int ext2_extent_run(struct inode *inode, uint32_t logical, uint32_t *ret_block,
		    uint32_t *ret_count)
{
	struct node node = { 0, 0, 0 };
	uint64_t next = NO_BLOCK;
	uint8_t entry[ENTRY_SIZE];
	int err = read_header(inode, &node);

	if (err == 0 && node.depth > DEPTH_LIMIT)
		err = broken(inode, "the tree is too deep");
	while (err == 0) {
		uint32_t depth = node.depth;
		bool found;

		err = find_entry(inode, &node, logical, entry, &found, &next);
		if (err < 0)
			break;
		if (!found)
			return hole(logical, next, ret_block, ret_count);
		if (depth == 0)
			return read_leaf(inode, entry, logical, next, ret_block, ret_count);
		node.block = om_get_le32(entry + 4);
		if (om_get_le16(entry + 8) != 0 || node.block == 0)
			return broken(inode, "a node is not on the volume");
		err = read_header(inode, &node);
		if (err == 0 && node.depth + 1 != depth)
			err = broken(inode, "a node has the wrong depth");
	}
	return err;
}
