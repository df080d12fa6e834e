/* SPDX-License-Identifier: MIT */
/*
 * minix, versions 1 to 3, to read: a superblock at byte 1024, two bit maps from block 2 on, the
 * table of inodes, the data.  Little-endian; versions differ in the width of their numbers.
 *
 * Every block number is checked when it is used and no chain is longer than a file's size says:
 * a broken image gives -EIO and a line in the log.
 */
#include <overmount/bytes.h>

#include "device_read.h"

#define SUPER_OFFSET	1024u
#define ROOT_INO	1u
#define STATE_CLEAN	1u
#define DIRECT		7u		/* then one pointer for each level of indirection */
#define ZONES		10u
#define COMPLAINTS_MAX	20u		/* lines in the log for one broken volume */
#define RUN_MAX		64u		/* blocks read at once */

struct minix_sb {
	unsigned version;
	uint32_t blocksize;
	uint32_t inodes, zones, first_zone;
	uint32_t table;			/* block where the inodes start */
	uint32_t pointer_size;		/* 2 or 4 bytes */
	uint32_t inode_size;
	uint32_t levels;		/* of indirection */
	uint32_t number_size;		/* of the inode's number before a name */
	uint32_t name_max;
	uint32_t entry_size;
	unsigned complaints;
};

/* inode.private */
struct minix_inode {
	uint32_t zone[ZONES];
};

static struct minix_sb *minix_sb(const struct super_block *sb)
{
	return sb->private;
}

static int broken(struct super_block *sb, uint64_t ino, const char *what)
{
	if (minix_sb(sb)->complaints++ < COMPLAINTS_MAX)
		klog("minix: %s: broken: inode %llu: %s; run fsck.minix", sb->bdev->name,
		     (unsigned long long)ino, what);
	return -EIO;
}

/* -- blocks -------------------------------------------------------------------------------------- */

/* A number read from the disk: 0 (a hole) or a data block. */
static int check_zone(struct super_block *sb, uint64_t ino, uint32_t zone)
{
	const struct minix_sb *ms = minix_sb(sb);

	if (zone != 0 && (zone < ms->first_zone || zone >= ms->zones))
		return broken(sb, ino, "names a block that is not on the volume");
	return 0;
}

static int read_pointer(struct super_block *sb, uint32_t block, uint32_t index, uint32_t *ret)
{
	const struct minix_sb *ms = minix_sb(sb);
	uint8_t raw[4] = { 0 };
	int err = block_read(sb->bdev, (uint64_t)block * ms->blocksize + index * ms->pointer_size,
			     raw, ms->pointer_size);

	if (err == 0)
		*ret = om_get_le32(raw);
	return err;
}

/* Which block holds block LOGICAL of the file; 0 is a hole. */
static int map(struct inode *inode, uint64_t logical, uint32_t *ret_block)
{
	const struct minix_sb *ms = minix_sb(inode->sb);
	const struct minix_inode *mi = inode->private;
	uint64_t pointers = ms->blocksize / ms->pointer_size, span = 1;
	uint32_t level = 0, block;
	int err;

	if (logical < DIRECT) {
		block = mi->zone[logical];
	} else {
		logical -= DIRECT;
		for (level = 1, span = pointers; level <= ms->levels && logical >= span; level++) {
			logical -= span;
			span *= pointers;
		}
		if (level > ms->levels)
			return broken(inode->sb, inode->ino, "is larger than a file can be");
		block = mi->zone[DIRECT + level - 1];
	}
	err = check_zone(inode->sb, inode->ino, block);
	while (err == 0 && level-- > 0 && block != 0) {
		span /= pointers;
		err = read_pointer(inode->sb, block, (uint32_t)(logical / span), &block);
		logical %= span;
		if (err == 0)
			err = check_zone(inode->sb, inode->ino, block);
	}
	if (err == 0)
		*ret_block = block;
	return err;
}

/* As above, and how many of the MAX blocks from there on lie side by side (or are holes). */
static int map_run(struct inode *inode, uint64_t logical, uint64_t max, uint32_t *ret_block,
		   uint32_t *ret_count)
{
	uint32_t block, next, count = 1;
	int err = map(inode, logical, &block);

	if (err < 0)
		return err;
	while (count < max && count < RUN_MAX) {
		/* What is wrong further on is for the read that gets there. */
		if (map(inode, logical + count, &next) < 0 || next != (block ? block + count : 0))
			break;
		count++;
	}
	*ret_block = block;
	*ret_count = count;
	return 0;
}

/* -- inodes -------------------------------------------------------------------------------------- */

static const struct inode_ops minix_dir_ops;
static const struct inode_ops minix_link_ops;
static const struct inode_ops minix_plain_ops = { 0 };
static const struct file_ops minix_dir_file_ops;
static const struct file_ops minix_file_ops;

static bool set_ops(struct inode *inode)
{
	inode->ops = &minix_plain_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &minix_dir_ops;
		inode->fops = &minix_dir_file_ops;
		break;
	case S_IFREG:
		inode->fops = &minix_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &minix_link_ops;
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

static void decode_1(struct inode *inode, const uint8_t *raw, struct minix_inode *mi)
{
	inode->uid = om_get_le16(raw + 2);
	inode->size = om_get_le32(raw + 4);
	inode->mtime.sec = om_get_le32(raw + 8);
	inode->atime = inode->ctime = inode->mtime;
	inode->gid = raw[12];
	inode->nlink = raw[13];
	for (unsigned i = 0; i < 9; i++)
		mi->zone[i] = om_get_le16(raw + 14 + 2 * i);
}

static void decode_2(struct inode *inode, const uint8_t *raw, struct minix_inode *mi)
{
	inode->nlink = om_get_le16(raw + 2);
	inode->uid = om_get_le16(raw + 4);
	inode->gid = om_get_le16(raw + 6);
	inode->size = om_get_le32(raw + 8);
	inode->atime.sec = om_get_le32(raw + 12);
	inode->mtime.sec = om_get_le32(raw + 16);
	inode->ctime.sec = om_get_le32(raw + 20);
	for (unsigned i = 0; i < ZONES; i++)
		mi->zone[i] = om_get_le32(raw + 24 + 4 * i);
}

static int fill(struct inode *inode, const uint8_t *raw)
{
	const struct minix_sb *ms = minix_sb(inode->sb);
	struct minix_inode *mi = kzalloc(sizeof(*mi));

	if (!mi)
		return -ENOMEM;
	inode->private = mi;
	inode->mode = om_get_le16(raw);
	if (ms->version == 1)
		decode_1(inode, raw, mi);
	else
		decode_2(inode, raw, mi);
	inode->blocks = (inode->size + 511) / 512;
	if (!set_ops(inode))
		return broken(inode->sb, inode->ino, "has a mode that is nothing");
	if (inode->nlink == 0)
		return broken(inode->sb, inode->ino, "is in use, but deleted");
	/* No holes in directories: this bounds every search. */
	if (S_ISDIR(inode->mode) && inode->size > (uint64_t)ms->zones * ms->blocksize)
		return broken(inode->sb, inode->ino, "is a directory larger than the volume");
	if (S_ISLNK(inode->mode) && inode->size > ms->blocksize)
		return broken(inode->sb, inode->ino, "is a symbolic link of more than a block");
	if (S_ISBLK(inode->mode) || S_ISCHR(inode->mode)) {
		inode->rdev = MKDEV(mi->zone[0] >> 8 & 0xff, mi->zone[0] & 0xff);
		inode->size = inode->blocks = 0;
	}
	return 0;
}

static int minix_iget(struct super_block *sb, uint32_t ino, struct inode **ret_inode)
{
	const struct minix_sb *ms = minix_sb(sb);
	struct inode *inode;
	uint8_t raw[64];
	bool new;
	int err = 0;

	if (ino == 0 || ino > ms->inodes)
		return broken(sb, ino, "is named by an entry, but does not exist");
	inode = iget(sb, ino, &new);
	if (!inode)
		return -ENOMEM;
	if (new) {
		err = block_read(sb->bdev, (uint64_t)ms->table * ms->blocksize +
				 (uint64_t)(ino - 1) * ms->inode_size, raw, ms->inode_size);
		if (err == 0)
			err = fill(inode, raw);
	}
	if (err < 0) {
		iput(inode);
		return err;
	}
	*ret_inode = inode;
	return 0;
}

static void minix_evict(struct inode *inode)
{
	kfree(inode->private);
	inode->private = NULL;
}

/* -- directories --------------------------------------------------------------------------------- */

static int read_dir_block(struct inode *dir, uint64_t logical, void *buffer)
{
	const struct minix_sb *ms = minix_sb(dir->sb);
	uint32_t block;
	int err = map(dir, logical, &block);

	if (err < 0)
		return err;
	if (block == 0)
		return broken(dir->sb, dir->ino, "is a directory with a hole");
	return block_read(dir->sb->bdev, (uint64_t)block * ms->blocksize, buffer, ms->blocksize);
}

static uint32_t entry_ino(const struct minix_sb *ms, const uint8_t *entry)
{
	return ms->number_size == 2 ? om_get_le16(entry) : om_get_le32(entry);
}

static size_t entry_len(const struct minix_sb *ms, const uint8_t *entry)
{
	size_t len = 0;

	while (len < ms->name_max && entry[ms->number_size + len])
		len++;
	return len;
}

static int minix_lookup(struct inode *dir, struct dentry *dentry)
{
	const struct minix_sb *ms = minix_sb(dir->sb);
	uint8_t *buffer;
	uint32_t found = 0;
	struct inode *inode;
	int err = 0;

	if (dentry->len > ms->name_max)
		return -ENAMETOOLONG;
	buffer = page_alloc();
	if (!buffer)
		return -ENOMEM;
	for (uint64_t at = 0; !found && at + ms->entry_size <= dir->size; at += ms->entry_size) {
		const uint8_t *entry = buffer + at % ms->blocksize;

		if (at % ms->blocksize == 0)
			err = read_dir_block(dir, at / ms->blocksize, buffer);
		if (err < 0)
			break;
		if (entry_len(ms, entry) == dentry->len &&
		    memcmp(entry + ms->number_size, dentry->name, dentry->len) == 0)
			found = entry_ino(ms, entry);
	}
	page_put(buffer);
	if (err < 0 || !found)
		return err;
	err = minix_iget(dir->sb, found, &inode);
	if (err == 0)
		d_instantiate(dentry, inode);
	return err;
}

/* A position is that of an entry; the dots are on the disk, too. */
static int minix_readdir(struct file *file, struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	const struct minix_sb *ms = minix_sb(dir->sb);
	uint64_t at = file->pos - file->pos % ms->entry_size;
	bool loaded = false;
	uint8_t *buffer = page_alloc();
	int err = 0;

	if (!buffer)
		return -ENOMEM;
	for (; at < dir->size && dir->size - at >= ms->entry_size; at += ms->entry_size) {
		const uint8_t *entry = buffer + at % ms->blocksize;
		uint32_t ino;
		size_t len;

		if (!loaded || at % ms->blocksize == 0)
			err = read_dir_block(dir, at / ms->blocksize, buffer);
		if (err < 0)
			break;
		loaded = true;
		ino = entry_ino(ms, entry);
		len = entry_len(ms, entry);
		if (ino != 0 && len > 0 &&
		    sink->entry(sink, (const char *)entry + ms->number_size, len, ino, 0,
				at + ms->entry_size))
			break;
		file->pos = at + ms->entry_size;
	}
	page_put(buffer);
	return err;
}

/* -- contents ------------------------------------------------------------------------------------ */

static long minix_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	uint32_t size = minix_sb(inode->sb)->blocksize;
	long done = 0, n;

	while (uio->left > 0 && *pos < inode->size) {
		uint64_t want = inode->size - *pos, bytes;
		uint32_t offset = (uint32_t)(*pos % size), block = 0, count = 0;

		want = want < uio->left ? want : uio->left;
		n = map_run(inode, *pos / size, (offset + want - 1) / size + 1, &block, &count);
		if (n == 0) {
			bytes = (uint64_t)count * size - offset;
			bytes = bytes < want ? bytes : want;
			n = block ? device_read(inode->sb->bdev, (uint64_t)block * size + offset, uio,
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

static long minix_readlink(struct inode *inode, char *buf, size_t size)
{
	uint32_t block;
	int err = map(inode, 0, &block);

	if (err == 0 && block == 0)
		err = broken(inode->sb, inode->ino, "is a symbolic link without a text");
	if (size > inode->size)
		size = (size_t)inode->size;
	if (err == 0)
		err = block_read(inode->sb->bdev, (uint64_t)block * minix_sb(inode->sb)->blocksize,
				 buf, size);
	return err < 0 ? err : (long)size;
}

static const struct inode_ops minix_dir_ops = { .lookup = minix_lookup };
static const struct inode_ops minix_link_ops = { .readlink = minix_readlink };
static const struct file_ops minix_dir_file_ops = { .readdir = minix_readdir };
static const struct file_ops minix_file_ops = { .read = minix_read };

/* -- the super block ----------------------------------------------------------------------------- */

static int minix_statfs(struct super_block *sb, struct kstatfs *ret)
{
	const struct minix_sb *ms = minix_sb(sb);
	struct kstatfs st = { .type = sb->magic, .bsize = ms->blocksize, .namelen = ms->name_max };

	st.blocks = ms->zones - ms->first_zone;
	st.files = ms->inodes;
	*ret = st;
	return 0;
}

static void minix_put_super(struct super_block *sb)
{
	kfree(sb->private);
}

static const struct super_ops minix_super_ops = {
	.evict_inode = minix_evict,
	.statfs = minix_statfs,
	.remount = readonly_remount,
	.put_super = minix_put_super,
};

static int refuse(const struct block_device *bdev, const char *what, uint32_t value)
{
	klog("minix: %s: superblock: %s: %u", bdev->name, what, value);
	return -EINVAL;
}

/* Which version RAW is, and the widths that come with it; 0 = none. */
static uint32_t decode_version(const uint8_t *raw, struct minix_sb *ms)
{
	uint32_t magic = om_get_le16(raw + 16);

	if (om_get_le16(raw + 24) == 0x4d5a) {
		*ms = (struct minix_sb){ .version = 3, .pointer_size = 4, .inode_size = 64,
					 .levels = 3, .number_size = 4, .name_max = 60 };
		ms->blocksize = om_get_le16(raw + 28);
		ms->inodes = om_get_le32(raw);
		ms->zones = om_get_le32(raw + 20);
		ms->entry_size = 64;
		return 0x4d5a;
	}
	if (magic == 0x137f || magic == 0x138f)
		*ms = (struct minix_sb){ .version = 1, .pointer_size = 2, .inode_size = 32,
					 .levels = 2, .zones = om_get_le16(raw + 2) };
	else if (magic == 0x2468 || magic == 0x2478)
		*ms = (struct minix_sb){ .version = 2, .pointer_size = 4, .inode_size = 64,
					 .levels = 3, .zones = om_get_le32(raw + 20) };
	else
		return 0;
	ms->blocksize = 1024;
	ms->inodes = om_get_le16(raw);
	ms->number_size = 2;
	ms->name_max = magic == 0x138f || magic == 0x2478 ? 30 : 14;
	ms->entry_size = ms->number_size + ms->name_max;
	return magic;
}

static int check_super(struct block_device *bdev, const uint8_t *raw, struct minix_sb *ms,
		       uint32_t *ret_magic)
{
	uint32_t magic = decode_version(raw, ms), from = ms->version == 3 ? 6 : 4, log;
	uint64_t table_end;

	if (magic == 0)
		return -EINVAL;		/* something else: not worth a line */
	if (ms->blocksize != 1024 && ms->blocksize != 2048 && ms->blocksize != 4096)
		return refuse(bdev, "block size is not 1, 2 or 4 KiB", ms->blocksize);
	log = om_get_le16(raw + from + 6);
	if (log != 0)
		return refuse(bdev, "zones of several blocks are not understood; log2 is", log);
	ms->first_zone = om_get_le16(raw + from + 4);
	ms->table = 2 + om_get_le16(raw + from) + om_get_le16(raw + from + 2);
	table_end = (uint64_t)ms->table +
		    ((uint64_t)ms->inodes * ms->inode_size + ms->blocksize - 1) / ms->blocksize;
	if (ms->inodes == 0)
		return refuse(bdev, "number of inodes", ms->inodes);
	/* 0 in version 3 where the number does not fit in its 16 bits. */
	if (ms->version == 3 && ms->first_zone == 0 && table_end <= UINT32_MAX)
		ms->first_zone = (uint32_t)table_end;
	if (ms->first_zone < table_end || ms->first_zone >= ms->zones)
		return refuse(bdev, "first data block is not behind the inodes and on the volume",
			      ms->first_zone);
	if (!device_has(bdev, 0, (uint64_t)ms->zones * ms->blocksize))
		return refuse(bdev, "more blocks than the device has", ms->zones);
	if (ms->version != 3 && !(om_get_le16(raw + 18) & STATE_CLEAN))
		klog("minix: %s: was not unmounted cleanly; fsck.minix should look at it",
		     bdev->name);
	*ret_magic = magic;
	return 0;
}

static int minix_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	struct super_block *sb = NULL;
	struct minix_sb *ms;
	struct inode *root;
	uint32_t magic = 0;
	uint8_t raw[32];
	int err;

	(void)flags, (void)data;
	if (!device_has(bdev, SUPER_OFFSET, sizeof(raw)))
		return -EINVAL;
	ms = kzalloc(sizeof(*ms));
	if (!ms)
		return -ENOMEM;
	err = block_read(bdev, SUPER_OFFSET, raw, sizeof(raw));
	if (err == 0)
		err = check_super(bdev, raw, ms, &magic);
	if (err < 0)
		goto out;
	err = -ENOMEM;
	sb = sb_new(type, SB_RDONLY);
	if (!sb)
		goto out;
	sb->ops = &minix_super_ops;
	sb->magic = magic;
	sb->bdev = bdev;
	sb->blocksize = ms->blocksize;
	sb->private = ms;
	err = minix_iget(sb, ROOT_INO, &root);
	if (err < 0)
		goto out;
	err = S_ISDIR(root->mode) ? 0 : broken(sb, ROOT_INO, "is the root, but no directory");
	if (err < 0)
		goto out_root;
	err = -ENOMEM;
	sb->root = d_make_root(sb, root);
	if (!sb->root)
		goto out_root;
	*ret_sb = sb;
	return 0;
out_root:
	iput(root);
out:
	if (sb)
		sb_free(sb);
	kfree(ms);
	return err;
}

struct file_system_type minix_type = {
	.name = "minix",
	.needs_device = true,
	.mount = minix_mount,
};
