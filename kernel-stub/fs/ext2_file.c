/* SPDX-License-Identifier: MIT */
/* ext2: contents of files. */
#include "ext2.h"

static long ext2_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	struct ext2_sb *es = ext2_sb(inode->sb);
	long done = 0, n;

	while (uio->left > 0 && *pos < inode->size) {
		uint64_t want = inode->size - *pos, bytes;
		uint32_t offset = (uint32_t)(*pos % es->blocksize), block, count;

		want = want < uio->left ? want : uio->left;
		n = ext2_map(inode, (uint32_t)(*pos / es->blocksize),
			     (uint32_t)((offset + want - 1) / es->blocksize + 1), &block, &count);
		if (n == 0) {
			bytes = (uint64_t)count * es->blocksize - offset;
			bytes = bytes < want ? bytes : want;
			n = block ? device_read(inode->sb->bdev,
						(uint64_t)block * es->blocksize + offset, uio,
						(size_t)bytes)
				  : uio_zero(uio, (size_t)bytes);
		}
		if (n <= 0)
			return done > 0 ? done : n;
		*pos += (uint64_t)n;
		done += n;
	}
	return done;
}

/* What is behind the end in the last block becomes zeros: from SIZE on, before the file grows. */
static int clear_tail(struct inode *inode, uint64_t size)
{
	struct ext2_sb *es = ext2_sb(inode->sb);
	uint32_t offset = (uint32_t)(size % es->blocksize), block, count;
	int err;

	if (offset == 0)
		return 0;
	err = ext2_map(inode, (uint32_t)(size / es->blocksize), 1, &block, &count);
	if (err < 0 || block == 0)
		return err;
	return ext2_block_write(inode->sb, block, offset, ext2_zeros, es->blocksize - offset);
}

/* LEN bytes of DATA at OFFSET of the file's block LOGICAL.  DATA is a whole block, zeros around. */
static int write_block(struct inode *inode, uint32_t logical, const uint8_t *data, uint32_t offset,
		       uint32_t len)
{
	uint32_t block, count;
	int err = ext2_map(inode, logical, 1, &block, &count);

	if (err < 0)
		return err;
	if (block == 0)
		return ext2_map_new(inode, logical, data);
	return ext2_block_write(inode->sb, block, offset, data + offset, len);
}

/*
 * One block's worth: bytes or -errno.  The bytes are fetched before anything is allocated:
 * fetching may fail, and may even have to read this very file.
 */
static long write_some(struct inode *inode, struct uio *uio, uint64_t pos, uint8_t *buffer)
{
	struct ext2_sb *es = ext2_sb(inode->sb);
	uint32_t offset = (uint32_t)(pos % es->blocksize), room = es->blocksize - offset;
	struct uio before = *uio;
	long n;
	int err;

	memset(buffer, 0, es->blocksize);
	n = uio_get(uio, buffer + offset, room);
	if (n <= 0)
		return n;
	err = write_block(inode, (uint32_t)(pos / es->blocksize), buffer, offset, (uint32_t)n);
	if (err < 0) {
		*uio = before;
		return err;
	}
	return n;
}

static long ext2_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	struct ext2_sb *es = ext2_sb(inode->sb);
	uint8_t *buffer;
	long done = 0, n = 0;

	if (*pos >= es->size_max)
		return -EFBIG;
	buffer = page_alloc();
	if (!buffer)
		return -ENOMEM;
	if (*pos > inode->size)
		n = clear_tail(inode, inode->size);
	while (n >= 0 && uio->left > 0 && *pos < es->size_max) {
		n = write_some(inode, uio, *pos, buffer);
		if (n <= 0)
			break;
		*pos += (uint64_t)n;
		done += n;
		if (*pos > inode->size)
			inode->size = *pos;
	}
	page_put(buffer);
	if (done > 0) {
		inode_touch(inode);
		ext2_inode_changed(inode);
		return done;
	}
	if (ext2_i(inode)->dirty)
		ext2_inode_changed(inode);
	return n;
}

static int ext2_truncate(struct inode *inode, uint64_t size)
{
	struct ext2_sb *es = ext2_sb(inode->sb);
	int err = 0;

	if (size > es->size_max)
		return -EFBIG;
	if (size > inode->size)
		err = clear_tail(inode, inode->size);
	else if (size < inode->size)
		err = ext2_cut(inode, (uint32_t)((size + es->blocksize - 1) / es->blocksize));
	if (err == 0 && size < inode->size)
		err = clear_tail(inode, size);
	/* When it failed half-way the size stays, and what was freed reads as zeros. */
	if (err == 0) {
		inode->size = size;
		inode_touch(inode);
	}
	ext2_inode_changed(inode);
	return err;
}

int ext2_fsync(struct file *file)
{
	struct inode *inode = file->inode;
	int err = 0;

	if (inode->sb->flags & SB_RDONLY)
		return 0;
	if (ext2_i(inode)->dirty)
		err = ext2_inode_write(inode);
	if (err < 0)
		return err;
	err = block_sync(inode->sb->bdev);
	if (err < 0)
		ext2_sb(inode->sb)->damaged = true;
	return err;
}

const struct inode_ops ext2_file_inode_ops = {
	.truncate = ext2_truncate,
	.setattr = ext2_setattr,
};

const struct file_ops ext2_file_ops = {
	.read = ext2_read,
	.write = ext2_write,
	.fsync = ext2_fsync,
};
