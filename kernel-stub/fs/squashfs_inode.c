/* SPDX-License-Identifier: MIT */
/* squashfs: the fourteen kinds of inodes. */
#include "squashfs.h"

#define INODE_HEAD	16u	/* type, mode, owners, time, number: of every kind */
#define INODE_BODY_MAX	40u	/* what else has a fixed size */

/* Kinds 1 to 7; the extended form of each is 7 more. */
enum { DIRECTORY = 1, FILE = 2, LINK = 3, BLOCK = 4, CHARACTER = 5, FIFO = 6, SOCKET = 7,
       EXTENDED = 7, KINDS = 14 };

static const struct inode_ops plain_ops = { 0 };
static const struct inode_ops link_ops;

static const uint8_t body_size[KINDS + 1] = {
	[DIRECTORY] = 16, [FILE] = 16, [LINK] = 8, [BLOCK] = 8, [CHARACTER] = 8, [FIFO] = 4,
	[SOCKET] = 4,
	[EXTENDED + DIRECTORY] = 24, [EXTENDED + FILE] = 40, [EXTENDED + LINK] = 8,
	[EXTENDED + BLOCK] = 12, [EXTENDED + CHARACTER] = 12, [EXTENDED + FIFO] = 8,
	[EXTENDED + SOCKET] = 8,
};

static int inode_pos(struct super_block *sb, uint64_t ref, struct squashfs_pos *ret_pos)
{
	struct squashfs_sb *ss = squashfs_sb(sb);

	if (!om_add_u64(ss->inode_table, ref >> 16, &ret_pos->block))
		return squashfs_broken(sb, ss->inode_table, "an inode lies beyond the end");
	ret_pos->offset = ref & 0xffff;
	return 0;
}

static int owner(struct super_block *sb, uint32_t index, uint32_t *ret_id)
{
	struct squashfs_sb *ss = squashfs_sb(sb);
	uint8_t raw[4];
	int err;

	if (index >= ss->ids)
		return squashfs_broken(sb, ss->id_table, "an owner that is not in the table");
	err = squashfs_table_read(sb, ss->id_table, index, sizeof(raw), raw);
	*ret_id = om_get_le32(raw);
	return err;
}

static void fill_directory(struct inode *inode, const uint8_t *body, bool extended)
{
	struct squashfs_inode *si = squashfs_inode(inode);
	uint32_t size;

	if (extended) {
		inode->nlink = om_get_le32(body);
		size = om_get_le32(body + 4);
		si->listing.block = om_get_le32(body + 8);
		si->index_count = om_get_le16(body + 16);
		si->listing.offset = om_get_le16(body + 18);
	} else {
		si->listing.block = om_get_le32(body);
		inode->nlink = om_get_le32(body + 4);
		size = om_get_le16(body + 8);
		si->listing.offset = om_get_le16(body + 10);
	}
	si->listing.block += squashfs_sb(inode->sb)->dir_table;
	inode->size = size;
	inode->ops = &squashfs_dir_ops;
	inode->fops = &squashfs_dir_file_ops;
}

static void fill_file(struct inode *inode, const uint8_t *body, bool extended)
{
	struct squashfs_inode *si = squashfs_inode(inode);

	if (extended) {
		si->start = om_get_le64(body);
		inode->size = om_get_le64(body + 8);
		inode->nlink = om_get_le32(body + 24);
		body += 28;
	} else {
		si->start = om_get_le32(body);
		inode->nlink = 1;
		inode->size = om_get_le32(body + 12);
		body += 4;
	}
	si->fragment = om_get_le32(body);
	si->fragment_offset = om_get_le32(body + 4);
	si->next_start = si->start;
	si->next_tail = si->tail;
	inode->fops = &squashfs_file_ops;
}

/* BODY: as long as body_size[] says; S_IFMT of the inode's mode is empty so far. */
static void fill_kind(struct inode *inode, unsigned kind, const uint8_t *body)
{
	static const uint32_t types[EXTENDED + 1] = {
		[DIRECTORY] = S_IFDIR, [FILE] = S_IFREG, [LINK] = S_IFLNK, [BLOCK] = S_IFBLK,
		[CHARACTER] = S_IFCHR, [FIFO] = S_IFIFO, [SOCKET] = S_IFSOCK,
	};
	bool extended = kind > EXTENDED;
	unsigned basic = extended ? kind - EXTENDED : kind;
	uint32_t dev;

	inode->mode |= types[basic];
	inode->ops = &plain_ops;
	if (basic == DIRECTORY) {
		fill_directory(inode, body, extended);
		return;
	}
	if (basic == FILE) {
		fill_file(inode, body, extended);
		return;
	}
	inode->nlink = om_get_le32(body);
	if (basic == LINK) {
		inode->size = om_get_le32(body + 4);
		inode->ops = &link_ops;
	} else if (basic == BLOCK || basic == CHARACTER) {
		/* as the kernel's new_encode_dev() has it */
		dev = om_get_le32(body + 4);
		inode->rdev = MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
	}
}

static int read_head(struct super_block *sb, uint64_t ref, struct squashfs_pos *pos,
		     uint8_t head[INODE_HEAD])
{
	int err = inode_pos(sb, ref, pos);

	return err < 0 ? err : squashfs_meta_read(sb, pos, head, INODE_HEAD);
}

static int inode_fill(struct inode *inode, uint64_t ref)
{
	struct super_block *sb = inode->sb;
	struct squashfs_inode *si = kzalloc(sizeof(*si));
	uint8_t head[INODE_HEAD], body[INODE_BODY_MAX];
	unsigned kind;
	int err;

	if (!si)
		return -ENOMEM;
	inode->private = si;
	err = read_head(sb, ref, &si->tail, head);
	if (err < 0)
		return err;
	kind = om_get_le16(head);
	if (kind == 0 || kind > KINDS)
		return squashfs_broken(sb, si->tail.block, "an inode of no known kind");
	if (om_get_le32(head + 12) != inode->ino)
		return squashfs_broken(sb, si->tail.block, "an inode with another's number");
	err = squashfs_meta_read(sb, &si->tail, body, body_size[kind]);
	if (err == 0)
		err = owner(sb, om_get_le16(head + 4), &inode->uid);
	if (err == 0)
		err = owner(sb, om_get_le16(head + 6), &inode->gid);
	if (err < 0)
		return err;
	inode->mode = om_get_le16(head + 2) & 07777;
	inode->mtime.sec = om_get_le32(head + 8);
	inode->atime = inode->ctime = inode->mtime;
	fill_kind(inode, kind, body);
	inode->blocks = inode->size / 512 + (inode->size % 512 != 0);
	if (inode->size > INT64_MAX)
		return squashfs_broken(sb, si->tail.block, "a file that is too long");
	return 0;
}

int squashfs_number(struct super_block *sb, uint64_t ref, uint32_t *ret_number)
{
	struct squashfs_pos pos;
	uint8_t head[INODE_HEAD];
	int err = read_head(sb, ref, &pos, head);

	if (err == 0)
		*ret_number = om_get_le32(head + 12);
	return err;
}

int squashfs_iget(struct super_block *sb, uint64_t ref, uint32_t number, struct inode **ret_inode)
{
	struct inode *inode;
	bool new;
	int err = 0;

	inode = iget(sb, number, &new);
	if (!inode)
		return -ENOMEM;
	if (new)
		err = inode_fill(inode, ref);
	if (err < 0) {
		iput(inode);
		return err;
	}
	*ret_inode = inode;
	return 0;
}

void squashfs_evict(struct inode *inode)
{
	kfree(inode->private);
}

static long squashfs_readlink(struct inode *inode, char *buf, size_t size)
{
	struct squashfs_pos pos = squashfs_inode(inode)->tail;
	int err;

	if (inode->size == 0 || inode->size > PATH_MAX)
		return squashfs_broken(inode->sb, pos.block, "a link of no or too many bytes");
	if (size > inode->size)
		size = (size_t)inode->size;
	err = squashfs_meta_read(inode->sb, &pos, buf, size);
	return err < 0 ? err : (long)size;
}

static const struct inode_ops link_ops = { .readlink = squashfs_readlink };
