/* SPDX-License-Identifier: MIT */
/* erofs: inodes, of 32 bytes (compact) or 64 (extended). */
#include "erofs.h"

#define UNIT_LOG	5u
#define COMPACT_SIZE	32u
#define EXTENDED_SIZE	64u
#define NID_MAX		(UINT64_MAX >> (UNIT_LOG + 1))

static const struct inode_ops plain_ops = { 0 };
static const struct inode_ops link_ops;

/* Bytes of extended attributes, which nobody here reads. */
static uint32_t attributes_size(unsigned count)
{
	return count > 0 ? 12 + 4 * (count - 1) : 0;
}

static void fill_compact(struct inode *inode, const uint8_t *raw)
{
	inode->nlink = om_get_le16(raw + 6);
	inode->size = om_get_le32(raw + 8);
	inode->uid = om_get_le16(raw + 24);
	inode->gid = om_get_le16(raw + 26);
	inode->mtime.sec = (int64_t)erofs_sb(inode->sb)->build_sec;
	inode->mtime.nsec = erofs_sb(inode->sb)->build_nsec;
}

static void fill_extended(struct inode *inode, const uint8_t *raw)
{
	inode->size = om_get_le64(raw + 8);
	inode->uid = om_get_le32(raw + 24);
	inode->gid = om_get_le32(raw + 28);
	inode->mtime.sec = (int64_t)om_get_le64(raw + 32);
	inode->mtime.nsec = om_get_le32(raw + 40);
	inode->nlink = om_get_le32(raw + 44);
}

static int fill_type(struct inode *inode, uint64_t at, uint32_t dev)
{
	inode->ops = &plain_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &erofs_dir_ops;
		inode->fops = &erofs_dir_file_ops;
		break;
	case S_IFREG:
		inode->fops = &erofs_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &link_ops;
		break;
	case S_IFBLK:
	case S_IFCHR:
		/* as the kernel's new_encode_dev() has it */
		inode->rdev = MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
		/* fall through */
	case S_IFIFO:
	case S_IFSOCK:
		inode->size = 0;
		break;
	default:
		return erofs_broken(inode->sb, at, "a mode that is nothing");
	}
	inode->blocks = inode->size / 512 + (inode->size % 512 != 0);
	return 0;
}

static int inode_fill(struct inode *inode)
{
	struct super_block *sb = inode->sb;
	struct erofs_inode *ei = kzalloc(sizeof(*ei));
	uint8_t raw[EXTENDED_SIZE];
	uint64_t at;
	bool extended;
	unsigned format;
	int err;

	if (!ei)
		return -ENOMEM;
	inode->private = ei;
	if (inode->ino > NID_MAX)
		return erofs_broken(sb, erofs_sb(sb)->inodes, "an inode beyond the end");
	at = erofs_sb(sb)->inodes + (inode->ino << UNIT_LOG);
	err = erofs_read_at(sb, at, raw, COMPACT_SIZE);
	if (err < 0)
		return err;
	format = om_get_le16(raw);
	extended = format & 1;
	if (extended)
		err = erofs_read_at(sb, at, raw, EXTENDED_SIZE);
	if (err < 0)
		return err;
	ei->layout = format >> 1 & 7;
	if (format >> 4 || ei->layout > EROFS_CHUNKS)
		return erofs_complain(sb, at, "the format of an inode", -EOPNOTSUPP);
	inode->mode = om_get_le16(raw + 4);
	if (extended)
		fill_extended(inode, raw);
	else
		fill_compact(inode, raw);
	inode->atime = inode->ctime = inode->mtime;
	ei->block = om_get_le32(raw + 16);
	ei->tail = at + (extended ? EXTENDED_SIZE : COMPACT_SIZE) +
		   attributes_size(om_get_le16(raw + 2));
	if (inode->size > INT64_MAX)
		return erofs_broken(sb, at, "a file that is too long");
	return fill_type(inode, at, ei->block);
}

int erofs_iget(struct super_block *sb, uint64_t nid, struct inode **ret_inode)
{
	struct inode *inode;
	bool new;
	int err = 0;

	inode = iget(sb, nid, &new);
	if (!inode)
		return -ENOMEM;
	if (new)
		err = inode_fill(inode);
	if (err < 0) {
		iput(inode);
		return err;
	}
	*ret_inode = inode;
	return 0;
}

void erofs_evict(struct inode *inode)
{
	kfree(inode->private);
}

static long erofs_readlink(struct inode *inode, char *buf, size_t size)
{
	struct uio uio = uio_kernel(buf, size < inode->size ? size : (size_t)inode->size);
	uint64_t pos = 0;

	if (inode->size == 0 || inode->size > PATH_MAX)
		return erofs_broken(inode->sb, erofs_inode(inode)->tail,
				    "a link of no or too many bytes");
	return erofs_read_bytes(inode, &uio, &pos);
}

static const struct inode_ops link_ops = { .readlink = erofs_readlink };
