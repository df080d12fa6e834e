/* SPDX-License-Identifier: MIT */
/* ext2: inodes, from the disk and back. */
#include "task.h"

#include "ext2.h"

#define SECONDS_MAX	INT32_MAX	/* signed on the disk: until 2038 */

static const struct inode_ops ext2_link_ops = {
	.readlink = ext2_readlink,
	.setattr = ext2_setattr,
};
static const struct inode_ops ext2_special_ops = { .setattr = ext2_setattr };

/* Where inode INO lies on the device, in bytes. */
static int position_of(struct super_block *sb, uint32_t ino, uint64_t *ret)
{
	struct ext2_sb *es = ext2_sb(sb);
	struct ext2_group desc;
	int err = ext2_group_read(sb, (ino - 1) / es->disk.inodes_per_group, &desc);

	if (err < 0)
		return err;
	*ret = (uint64_t)desc.inode_table * es->blocksize +
	       (uint64_t)((ino - 1) % es->disk.inodes_per_group) * es->inode_size;
	return 0;
}

static struct timespec64 time_from(uint32_t disk)
{
	return (struct timespec64){ (int32_t)disk, 0 };
}

static uint32_t time_to(struct timespec64 time)
{
	return (uint32_t)(time.sec > SECONDS_MAX ? SECONDS_MAX : time.sec);
}

/* -- device numbers: the first pointer in the old format, or the second in the new one ------------ */

static uint32_t rdev_from(const uint32_t *block)
{
	if (block[0])
		return MKDEV(block[0] >> 8 & 0xff, block[0] & 0xff);
	return MKDEV(block[1] >> 8 & 0xfff, (block[1] & 0xff) | (block[1] >> 12 & 0xfff00));
}

static void rdev_to(uint32_t rdev, uint32_t *block)
{
	uint32_t major = MAJOR(rdev), minor = MINOR(rdev);

	block[0] = block[1] = 0;
	if (major < 256 && minor < 256)
		block[0] = major << 8 | minor;
	else
		block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* -- reading ------------------------------------------------------------------------------------- */

static bool set_ops(struct inode *inode)
{
	inode->ops = &ext2_special_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &ext2_dir_inode_ops;
		inode->fops = &ext2_dir_file_ops;
		break;
	case S_IFREG:
		inode->ops = &ext2_file_inode_ops;
		inode->fops = &ext2_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &ext2_link_ops;
		break;
	case S_IFBLK:
	case S_IFCHR:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return false;
	}
	return true;
}

static int fill(struct inode *inode, const struct ext2_raw_inode *raw)
{
	struct ext2_inode *ei;

	inode->mode = raw->mode;
	if (raw->links_count == 0)
		return ext2_error(inode->sb, "inode %u is in use, but deleted",
				  (unsigned)inode->ino);
	if (!set_ops(inode))
		return ext2_error(inode->sb, "inode %u has mode 0%o, which is nothing",
				  (unsigned)inode->ino, raw->mode);
	inode->nlink = raw->links_count;
	inode->uid = raw->uid | (uint32_t)raw->uid_high << 16;
	inode->gid = raw->gid | (uint32_t)raw->gid_high << 16;
	inode->size = raw->size;
	if (S_ISREG(inode->mode))
		inode->size |= (uint64_t)raw->size_high << 32;
	inode->blocks = raw->blocks;
	if (ext2_sb(inode->sb)->disk.feature_ro_compat & EXT2_RO_HUGE_FILE) {
		inode->blocks |= (uint64_t)raw->blocks_high << 32;
		if (raw->flags & EXT2_HUGE_FILE_FL)
			inode->blocks *= ext2_sb(inode->sb)->sectors;
	}
	inode->atime = time_from(raw->atime);
	inode->mtime = time_from(raw->mtime);
	inode->ctime = time_from(raw->ctime);
	if (S_ISREG(inode->mode) && inode->size > ext2_sb(inode->sb)->size_max)
		return ext2_error(inode->sb, "inode %u is larger than a file can be",
				  (unsigned)inode->ino);
	ei = kzalloc(sizeof(*ei));
	if (!ei)
		return -ENOMEM;
	memcpy(ei->block, raw->block, sizeof(ei->block));
	ei->flags = raw->flags;
	ei->file_acl = raw->file_acl;
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		inode->rdev = rdev_from(ei->block);
	inode->private = ei;
	return 0;
}

int ext2_iget(struct super_block *sb, uint32_t ino, struct inode **ret_inode)
{
	struct ext2_sb *es = ext2_sb(sb);
	struct ext2_raw_inode raw;
	struct inode *inode;
	uint64_t at = 0;
	bool new;
	int err;

	if ((ino < es->first_ino && ino != EXT2_ROOT_INO) || ino > es->disk.inodes_count)
		return ext2_error(sb, "an entry names inode %u, which no file can have", ino);
	inode = iget(sb, ino, &new);
	if (!inode)
		return -ENOMEM;
	if (new) {
		err = position_of(sb, ino, &at);
		if (err == 0)
			err = block_read(sb->bdev, at, &raw, sizeof(raw));
		if (err == 0)
			err = fill(inode, &raw);
		if (err < 0) {
			iput(inode);
			return err;
		}
	}
	*ret_inode = inode;
	return 0;
}

/* -- writing ------------------------------------------------------------------------------------- */

static void update_raw(const struct inode *inode, struct ext2_raw_inode *raw)
{
	const struct ext2_inode *ei = ext2_i(inode);

	raw->mode = (uint16_t)inode->mode;
	raw->links_count = (uint16_t)inode->nlink;
	raw->uid = (uint16_t)inode->uid;
	raw->uid_high = (uint16_t)(inode->uid >> 16);
	raw->gid = (uint16_t)inode->gid;
	raw->gid_high = (uint16_t)(inode->gid >> 16);
	raw->size = (uint32_t)inode->size;
	if (S_ISREG(inode->mode))
		raw->size_high = (uint32_t)(inode->size >> 32);
	raw->blocks = (uint32_t)inode->blocks;
	raw->atime = time_to(inode->atime);
	raw->mtime = time_to(inode->mtime);
	raw->ctime = time_to(inode->ctime);
	if (inode->nlink == 0)
		raw->dtime = (uint32_t)clock_unix();
	raw->flags = ei->flags;
	raw->file_acl = ei->file_acl;
	memcpy(raw->block, ei->block, sizeof(raw->block));
}

/* A first file of 2 GiB or more: old systems must not write to the volume any more. */
static int need_large_file(struct inode *inode)
{
	struct ext2_super *disk = &ext2_sb(inode->sb)->disk;
	int err;

	if (!S_ISREG(inode->mode) || inode->size <= INT32_MAX ||
	    (disk->feature_ro_compat & EXT2_RO_LARGE_FILE))
		return 0;
	disk->feature_ro_compat |= EXT2_RO_LARGE_FILE;
	err = ext2_super_write(inode->sb);
	if (err < 0)
		disk->feature_ro_compat &= ~EXT2_RO_LARGE_FILE;
	return err;
}

int ext2_inode_write(struct inode *inode)
{
	struct super_block *sb = inode->sb;
	struct ext2_raw_inode raw;
	uint64_t at = 0;
	int err;

	ext2_i(inode)->dirty = true;
	err = need_large_file(inode);
	if (err == 0)
		err = position_of(sb, (uint32_t)inode->ino, &at);
	if (err == 0)
		err = block_read(sb->bdev, at, &raw, sizeof(raw));
	if (err < 0)
		return err;
	update_raw(inode, &raw);
	err = block_write(sb->bdev, at, &raw, sizeof(raw));
	if (err == 0)
		ext2_i(inode)->dirty = false;
	return err;
}

void ext2_inode_changed(struct inode *inode)
{
	(void)ext2_inode_write(inode);
}

int ext2_sync_inodes(struct super_block *sb)
{
	struct list *pos;
	int err = 0;

	list_for_each(pos, &sb->inodes) {
		struct inode *inode = list_entry(pos, struct inode, sb_list);
		int one = ext2_i(inode) && ext2_i(inode)->dirty ? ext2_inode_write(inode) : 0;

		if (one < 0)
			err = one;
	}
	return err;
}

int ext2_setattr(struct inode *inode)
{
	return ext2_inode_write(inode);
}

/* -- making and removing -------------------------------------------------------------------------- */

/* Nothing of the file that had the number before stays. */
static int clear_on_disk(struct super_block *sb, uint32_t ino)
{
	uint64_t at = 0;
	int err = position_of(sb, ino, &at);

	return err < 0 ? err : block_write(sb->bdev, at, ext2_zeros, ext2_sb(sb)->inode_size);
}

static void set_owner(struct inode *inode, const struct inode *dir)
{
	if (current) {
		inode->uid = current->euid;
		inode->gid = current->egid;
	}
	if (dir->mode & 02000) {
		inode->gid = dir->gid;
		if (S_ISDIR(inode->mode))
			inode->mode |= 02000;
	}
}

int ext2_inode_make(struct inode *dir, uint32_t mode, uint32_t rdev, struct inode **ret_inode)
{
	struct super_block *sb = dir->sb;
	struct ext2_inode *ei = kzalloc(sizeof(*ei));
	struct inode *inode;
	uint32_t ino;
	bool new;
	int err;

	if (!ei)
		return -ENOMEM;
	err = ext2_inode_alloc(dir, S_ISDIR(mode), &ino);
	if (err < 0)
		goto out;
	inode = iget(sb, ino, &new);
	if (!inode || !new) {
		err = inode ? ext2_error(sb, "inode %u is in use, but marked as free", ino) : -ENOMEM;
		iput(inode);
		if (err == -ENOMEM && ext2_inode_free(sb, ino, S_ISDIR(mode)) < 0)
			ext2_sb(sb)->damaged = true;
		goto out;
	}
	inode->private = ei;
	inode->mode = mode;
	inode->rdev = rdev;
	inode->nlink = 1;
	inode->atime = inode->mtime = inode->ctime = time_now();
	set_owner(inode, dir);
	set_ops(inode);
	if (S_ISCHR(mode) || S_ISBLK(mode))
		rdev_to(rdev, ei->block);
	err = clear_on_disk(sb, ino);
	if (err == 0)
		err = ext2_inode_write(inode);
	if (err < 0) {
		inode->nlink = 0;
		iput(inode);
		return err;
	}
	*ret_inode = inode;
	return 0;
out:
	kfree(ei);
	return err;
}

/* Symbolic links of up to 59 bytes are in the inode, and devices have numbers there. */
static bool has_blocks(const struct inode *inode)
{
	uint32_t acl = ext2_i(inode)->file_acl ? ext2_sb(inode->sb)->sectors : 0;

	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		return true;
	return S_ISLNK(inode->mode) && inode->blocks > acl;
}

/* Several files may share a block of extended attributes; it counts them. */
static int free_attributes(struct inode *inode)
{
	const uint32_t magic = 0xea020000;
	struct super_block *sb = inode->sb;
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t header[2];
	int err;

	if (!ei->file_acl)
		return 0;
	err = ext2_block_read(sb, ei->file_acl, 0, header, sizeof(header));
	if (err < 0)
		return err;
	if (header[0] != magic || header[1] == 0)
		return ext2_error(sb, "inode %u: block %u has no attributes", (unsigned)inode->ino,
				  ei->file_acl);
	if (--header[1] == 0)
		err = ext2_blocks_free(sb, ei->file_acl, 1);
	else
		err = ext2_block_write(sb, ei->file_acl, 0, header, sizeof(header));
	if (err == 0)
		ei->file_acl = 0;
	return err;
}

static int delete_inode(struct inode *inode)
{
	int err = has_blocks(inode) ? ext2_cut(inode, 0) : 0;

	if (err == 0)
		err = free_attributes(inode);
	if (err < 0)
		return err;
	inode->size = 0;
	inode->blocks = 0;
	err = ext2_inode_write(inode);
	if (err == 0)
		err = ext2_inode_free(inode->sb, (uint32_t)inode->ino, S_ISDIR(inode->mode));
	return err;
}

void ext2_evict(struct inode *inode)
{
	struct super_block *sb = inode->sb;
	struct ext2_inode *ei = ext2_i(inode);
	int err = 0;

	if (!ei)
		return;		/* it was never read */
	if (!(sb->flags & SB_RDONLY)) {
		/* There is nobody to report to and no later: a second try, then it stays as it is. */
		for (unsigned i = 0; i < 2; i++) {
			if (inode->nlink == 0)
				err = delete_inode(inode);
			else
				err = ei->dirty ? ext2_inode_write(inode) : 0;
			if (err == 0)
				break;
		}
		if (err < 0) {
			klog("ext2: %s: inode %u cannot be %s; e2fsck should look at it",
			     sb->bdev->name, (unsigned)inode->ino,
			     inode->nlink ? "written" : "freed");
			ext2_sb(sb)->damaged = true;
		}
	}
	inode->private = NULL;
	kfree(ei);
}

long ext2_readlink(struct inode *inode, char *buf, size_t size)
{
	struct ext2_inode *ei = ext2_i(inode);
	uint32_t block, count;
	int err;

	if (size > inode->size)
		size = (size_t)inode->size;
	if (!has_blocks(inode)) {
		if (inode->size >= sizeof(ei->block))
			goto broken;
		memcpy(buf, ei->block, size);
		return (long)size;
	}
	if (inode->size > ext2_sb(inode->sb)->blocksize)
		goto broken;
	err = ext2_map(inode, 0, 1, &block, &count);
	if (err < 0)
		return err;
	if (block == 0)
		goto broken;
	err = ext2_block_read(inode->sb, block, 0, buf, size);
	return err < 0 ? err : (long)size;
broken:
	return ext2_error(inode->sb, "symbolic link %u has %llu bytes and no room for them",
			  (unsigned)inode->ino, (unsigned long long)inode->size);
}
