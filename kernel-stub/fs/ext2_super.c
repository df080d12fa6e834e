/* SPDX-License-Identifier: MIT */
/* ext2: mounting, the superblock, and what is told of the whole volume. */
#include <overmount/fmt.h>

#include "ext2.h"

#define COMPLAINTS_MAX 20u	/* lines in the log for one broken volume */

int ext2_super_write(struct super_block *sb)
{
	struct ext2_sb *es = ext2_sb(sb);

	es->disk.wtime = (uint32_t)clock_unix();
	return block_write(sb->bdev, EXT2_SUPER_OFFSET, &es->disk, sizeof(es->disk));
}

int ext2_error(struct super_block *sb, const char *format, ...)
{
	struct ext2_sb *es = ext2_sb(sb);
	char text[160];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	if (es->complaints++ < COMPLAINTS_MAX)
		klog("ext2: %s: broken: %s; run e2fsck", sb->bdev->name, text);
	es->damaged = true;
	if (!(sb->flags & SB_RDONLY) && !(es->disk.state & EXT2_STATE_ERRORS)) {
		es->disk.state |= EXT2_STATE_ERRORS;
		(void)ext2_super_write(sb);	/* the unmount tries again */
		if (es->disk.errors == EXT2_ERRORS_READONLY) {
			klog("ext2: %s: goes on read-only", sb->bdev->name);
			sb->flags |= SB_RDONLY;
		}
	}
	return -EIO;
}

static bool is_power_of(uint32_t value, uint32_t base)
{
	while (value > 1 && value % base == 0)
		value /= base;
	return value == 1;
}

bool ext2_has_super(const struct ext2_sb *es, uint32_t group)
{
	if (es->disk.rev_level == 0 || !(es->disk.feature_ro_compat & EXT2_RO_SPARSE_SUPER))
		return true;
	return group <= 1 || is_power_of(group, 3) || is_power_of(group, 5) ||
	       is_power_of(group, 7);
}

static int refuse(const struct block_device *bdev, const char *field, uint64_t value,
		  const char *expected)
{
	klog("ext2: %s: superblock: %s is %llu; expected %s", bdev->name, field,
	     (unsigned long long)value, expected);
	return -EINVAL;
}

/* The geometry, from numbers that nobody vouches for. */
static int check_geometry(const struct block_device *bdev, struct ext2_sb *es)
{
	const struct ext2_super *disk = &es->disk;
	uint32_t bits;

	if (disk->log_block_size > 2)
		return refuse(bdev, "log2 of the block size - 10", disk->log_block_size,
			      "0, 1 or 2 (1, 2 or 4 KiB)");
	es->blocksize = 1024u << disk->log_block_size;
	es->pointers = es->blocksize / 4;
	es->sectors = es->blocksize / 512;
	bits = es->blocksize * 8;
	es->inode_size = disk->rev_level == 0 ? 128 : disk->inode_size;
	es->first_ino = disk->rev_level == 0 ? EXT2_FIRST_INO_0 : disk->first_ino;
	if (es->inode_size < 128 || es->inode_size > es->blocksize ||
	    (es->inode_size & (es->inode_size - 1)))
		return refuse(bdev, "inode size", es->inode_size, "128, 256 ... block size");
	if (es->first_ino < EXT2_FIRST_INO_0 || es->first_ino > disk->inodes_count)
		return refuse(bdev, "first inode", es->first_ino, "at least 11");
	if (disk->first_data_block != (es->blocksize == 1024))
		return refuse(bdev, "first data block", disk->first_data_block,
			      "1 with blocks of 1 KiB, else 0");
	if (disk->blocks_per_group < 8 || disk->blocks_per_group > bits)
		return refuse(bdev, "blocks per group", disk->blocks_per_group,
			      "at most the bits of a block");
	if (disk->inodes_per_group < 8 || disk->inodes_per_group > bits)
		return refuse(bdev, "inodes per group", disk->inodes_per_group,
			      "at most the bits of a block");
	es->descriptor_size = sizeof(struct ext2_group);
	if (disk->rev_level != 0 && (disk->feature_incompat & EXT2_INCOMPAT_64BIT)) {
		es->descriptor_size = disk->desc_size;
		if (es->descriptor_size < 64 || es->descriptor_size > es->blocksize ||
		    (es->descriptor_size & (es->descriptor_size - 1)))
			return refuse(bdev, "size of a group descriptor", es->descriptor_size,
				      "64, 128 ... block size");
		if (disk->blocks_count_high)
			return refuse(bdev, "number of blocks, upper half", disk->blocks_count_high,
				      "0: 2^32 blocks are the most");
	}
	if (disk->blocks_count <= disk->first_data_block + 1 ||
	    !device_has(bdev, 0, (uint64_t)disk->blocks_count * es->blocksize))
		return refuse(bdev, "number of blocks", disk->blocks_count,
			      "not more than the device has");
	es->groups = (disk->blocks_count - disk->first_data_block - 1) / disk->blocks_per_group + 1;
	if (disk->inodes_count != (uint64_t)es->groups * disk->inodes_per_group)
		return refuse(bdev, "number of inodes", disk->inodes_count,
			      "groups times inodes per group");
	es->table_blocks = (disk->inodes_per_group * es->inode_size - 1) / es->blocksize + 1;
	es->descriptor_blocks = (es->groups - 1) / (es->blocksize / es->descriptor_size) + 1;
	es->filetype = disk->rev_level != 0 &&
		       (disk->feature_incompat & EXT2_INCOMPAT_FILETYPE);
	es->extents = disk->rev_level != 0 &&
		      (disk->feature_incompat & EXT2_INCOMPAT_EXTENTS);
	return 0;
}

static void set_size_max(struct ext2_sb *es)
{
	uint64_t p = es->pointers;
	uint64_t blocks = EXT2_NDIR + p + p * p + p * p * p;
	/* inode.blocks counts in 32 bits, the indirect blocks too. */
	uint64_t counted = (UINT32_MAX - UINT32_MAX / 128) / es->sectors;

	es->size_max = (blocks < counted ? blocks : counted) * es->blocksize;
	if (es->extents)
		es->size_max = (uint64_t)UINT32_MAX * es->blocksize;
	if (es->disk.rev_level == 0)
		es->size_max = INT32_MAX;
}

/* Every group's own blocks are where they may be; the free counts are the sum of theirs. */
static int check_groups(struct super_block *sb)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint64_t free_blocks = 0, free_inodes = 0;
	struct ext2_group desc;

	for (uint32_t group = 0; group < es->groups; group++) {
		int err = ext2_group_read(sb, group, &desc);

		if (err < 0)
			return err;
		if (desc.free_blocks_count > ext2_group_blocks(es, group) ||
		    desc.free_inodes_count > es->disk.inodes_per_group)
			return ext2_error(sb, "group %u has more free than it holds", group);
		free_blocks += desc.free_blocks_count;
		free_inodes += desc.free_inodes_count;
	}
	es->disk.free_blocks_count = (uint32_t)free_blocks;
	es->disk.free_inodes_count = (uint32_t)free_inodes;
	return 0;
}

/* From here on the volume counts as not clean, until it is unmounted. */
static int begin_writing(struct super_block *sb)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint16_t state = es->disk.state;
	int err;

	es->was_clean = (state & EXT2_STATE_CLEAN) && !(state & EXT2_STATE_ERRORS);
	if (!es->was_clean)
		klog("ext2: %s: was not unmounted cleanly%s; e2fsck should look at it",
		     sb->bdev->name, state & EXT2_STATE_ERRORS ? ", and had errors" : "");
	es->disk.state = (uint16_t)(state & ~EXT2_STATE_CLEAN);
	es->disk.mtime = (uint32_t)clock_unix();
	es->disk.mnt_count++;
	err = ext2_super_write(sb);
	if (err < 0)
		es->disk.state = state;
	return err;
}

/* What was written is on the disk, or the volume does not count as clean any more. */
static int flush(struct super_block *sb)
{
	int err = block_sync(sb->bdev);

	if (err < 0)
		ext2_sb(sb)->damaged = true;
	return err;
}

static int end_writing(struct super_block *sb)
{
	struct ext2_sb *es = ext2_sb(sb);
	uint16_t state = es->disk.state;
	int err = flush(sb);

	if (err < 0)
		klog("ext2: %s: not all could be written; e2fsck should look at it",
		     sb->bdev->name);
	if (es->was_clean && !es->damaged)
		es->disk.state |= EXT2_STATE_CLEAN;
	err = ext2_super_write(sb);
	if (err < 0)
		es->disk.state = state;
	return err;
}

/* Options that change nothing here are taken, as /etc/fstab may have them; others are named. */
static int check_options(const struct block_device *bdev, const char *data)
{
	static const char *const known[] = {
		"errors=continue", "errors=remount-ro", "user_xattr", "nouser_xattr", "acl",
		"noacl", "nocheck", "check=none", "nogrpid", "sysvgroups", "nouid32", "orlov",
	};

	while (data && *data) {
		size_t len = 0;
		bool found = false;

		while (data[len] && data[len] != ',')
			len++;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || (strlen(known[i]) == len && memcmp(known[i], data, len) == 0);
		if (!found && len > 0) {
			klog("ext2: %s: option `%.*s' is not known", bdev->name, (int)len, data);
			return -EINVAL;
		}
		data += len + (data[len] == ',');
	}
	return 0;
}

static int super_read(struct block_device *bdev, bool write, struct ext2_sb *es)
{
	int err;

	if (!device_has(bdev, EXT2_SUPER_OFFSET, sizeof(es->disk)))
		return -EINVAL;
	err = block_read(bdev, EXT2_SUPER_OFFSET, &es->disk, sizeof(es->disk));
	if (err < 0)
		return err;
	if (es->disk.magic != EXT2_MAGIC)
		return -EINVAL;		/* something else: not worth a line */
	err = ext2_features_check(bdev, &es->disk, write);
	if (err == 0)
		err = check_geometry(bdev, es);
	if (err == 0)
		set_size_max(es);
	return err;
}

static int ext2_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		      const char *data, struct super_block **ret_sb)
{
	bool write = !(flags & SB_RDONLY);
	struct ext2_sb *es;
	struct super_block *sb;
	struct inode *root;
	int err;

	if (write && bdev->readonly)
		return -EACCES;
	es = kzalloc(sizeof(*es));
	sb = sb_new(type, SB_RDONLY);
	err = -ENOMEM;
	if (!es || !sb)
		goto out;
	err = super_read(bdev, write, es);
	if (err == 0)
		err = check_options(bdev, data);
	if (err < 0)
		goto out;
	sb->ops = &ext2_super_ops;
	sb->magic = EXT2_MAGIC;
	sb->bdev = bdev;
	sb->blocksize = es->blocksize;
	sb->private = es;
	err = check_groups(sb);
	if (err == 0)
		err = ext2_iget(sb, EXT2_ROOT_INO, &root);
	if (err < 0)
		goto out;
	err = S_ISDIR(root->mode) ? 0 : ext2_error(sb, "the root is no directory");
	if (err < 0)
		goto out_root;
	err = -ENOMEM;
	sb->root = d_make_root(sb, root);
	if (!sb->root)
		goto out_root;
	/* Last, so that a failed mount has not written. */
	err = write ? begin_writing(sb) : 0;
	if (err < 0)
		goto out_dentry;
	sb->flags = flags & SB_RDONLY;
	*ret_sb = sb;
	return 0;
out_dentry:
	dput(sb->root);		/* with the inode */
	goto out;
out_root:
	iput(root);
out:
	if (sb)
		sb_free(sb);
	kfree(es);
	return err;
}

static uint32_t overhead(const struct ext2_sb *es)
{
	uint64_t blocks = es->disk.first_data_block + (uint64_t)es->groups * (2 + es->table_blocks);

	for (uint32_t group = 0; group < es->groups; group++)
		if (ext2_has_super(es, group))
			blocks += 1 + es->descriptor_blocks;
	return blocks < es->disk.blocks_count ? (uint32_t)blocks : es->disk.blocks_count;
}

static int ext2_statfs(struct super_block *sb, struct kstatfs *ret)
{
	const struct ext2_sb *es = ext2_sb(sb);
	const struct ext2_super *disk = &es->disk;
	struct kstatfs st = { .type = EXT2_MAGIC, .bsize = es->blocksize, .namelen = NAME_MAX };

	st.blocks = disk->blocks_count - overhead(es);
	st.bfree = disk->free_blocks_count;
	st.bavail = st.bfree > disk->r_blocks_count ? st.bfree - disk->r_blocks_count : 0;
	st.files = disk->inodes_count;
	st.ffree = disk->free_inodes_count;
	*ret = st;
	return 0;
}

static int ext2_sync(struct super_block *sb)
{
	int err = ext2_sync_inodes(sb);
	int super = ext2_super_write(sb);
	int disk = flush(sb);

	return err < 0 ? err : super < 0 ? super : disk;
}

static void ext2_put_super(struct super_block *sb)
{
	if (!(sb->flags & SB_RDONLY) && end_writing(sb) < 0)
		klog("ext2: %s: the superblock cannot be written; e2fsck should look at it",
		     sb->bdev->name);
	kfree(sb->private);
}

/* Files that are open without a name hold blocks that only their last close gives back. */
static bool has_orphans(const struct super_block *sb)
{
	const struct list *pos;

	list_for_each(pos, &sb->inodes)
		if (list_entry(pos, struct inode, sb_list)->nlink == 0)
			return true;
	return false;
}

static int ext2_remount(struct super_block *sb, unsigned flags, const char *data)
{
	struct ext2_sb *es = ext2_sb(sb);
	int err = check_options(sb->bdev, data);

	if (err < 0 || (flags & SB_RDONLY) == (sb->flags & SB_RDONLY))
		return err;
	if (flags & SB_RDONLY) {
		if (has_orphans(sb))
			return -EBUSY;
		err = ext2_sync_inodes(sb);
		if (err == 0)
			err = end_writing(sb);
		return err < 0 ? err : flush(sb);
	}
	err = ext2_features_check(sb->bdev, &es->disk, true);
	if (err == 0 && es->damaged) {
		klog("ext2: %s: was found broken; not for writing before e2fsck ran",
		     sb->bdev->name);
		err = -EROFS;
	}
	return err < 0 ? err : begin_writing(sb);
}

const struct super_ops ext2_super_ops = {
	.evict_inode = ext2_evict,
	.statfs = ext2_statfs,
	.sync = ext2_sync,
	.put_super = ext2_put_super,
	.remount = ext2_remount,
};

struct file_system_type ext2_type = {
	.name = "ext2",
	.needs_device = true,
	.mount = ext2_mount,
};

/* For those who ask for them, as late boot does when it recognises one. */
struct file_system_type ext3_type = {
	.name = "ext3",
	.needs_device = true,
	.by_name_only = true,
	.mount = ext2_mount,
};

struct file_system_type ext4_type = {
	.name = "ext4",
	.needs_device = true,
	.by_name_only = true,
	.mount = ext2_mount,
};
