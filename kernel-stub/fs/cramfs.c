/* SPDX-License-Identifier: MIT */
/*
 * cramfs: a read-only tree of short inodes, each followed by its name; contents are blocks of
 * 4 KiB, each compressed on its own, behind a table of where each one ends.
 *
 * Offsets count from the start of the device, also where the superblock lies at 512.  An inode's
 * number is where it lies.  No offset is trusted: a broken image gives -EIO and a line in the log.
 */
#include <overmount/bytes.h>

#include "decompress.h"
#include "device_read.h"

#define CRAMFS_MAGIC	0x28cd3d45u
#define SUPER_SIZE	76u		/* with the root's inode at 64 */
#define ROOT_AT		64u
#define INODE_SIZE	12u
#define NAME_LIMIT	252u		/* 63 times 4 bytes */
#define BLOCK		4096u
#define PACKED_MAX	(2 * BLOCK)	/* zlib makes no block that much longer */
#define PACKED_ORDER	1u
#define COMPLAINTS_MAX	20u

#define FLAG_FSID_2	0x1u		/* the superblock's size can be relied on */
#define FLAGS_KNOWN	0x7ffu		/* compatible ones, holes, signature, shifted root */

struct cramfs_sb {
	uint32_t size;			/* nothing lies behind it */
	uint32_t root;			/* where the root's inode is */
	unsigned complaints;
};

/* An inode, decoded; with its name where it is an entry of a directory. */
struct cramfs_node {
	uint32_t mode, uid, gid, size;
	uint32_t start;			/* of its data or entries */
	uint32_t name_room;		/* with the zeros behind it */
	size_t len;
	char name[NAME_LIMIT];
};

static struct cramfs_sb *cramfs_sb(const struct super_block *sb)
{
	return sb->private;
}

/* In inode.private, as a number: where the data or the first entry starts. */
static uint32_t start_of(const struct inode *inode)
{
	return (uint32_t)(uintptr_t)inode->private;
}

static int broken(struct super_block *sb, uint32_t at, const char *what)
{
	if (cramfs_sb(sb)->complaints++ < COMPLAINTS_MAX)
		klog("cramfs: %s: broken at byte %u: %s", sb->bdev->name, at, what);
	return -EIO;
}

static int read_at(struct super_block *sb, uint32_t at, void *buf, uint32_t len)
{
	uint32_t size = cramfs_sb(sb)->size;

	if (at > size || len > size - at)
		return broken(sb, at, "reaches beyond the end of the file system");
	return block_read(sb->bdev, at, buf, len);
}

/* -- inodes -------------------------------------------------------------------------------------- */

static const struct inode_ops cramfs_dir_ops;
static const struct inode_ops cramfs_link_ops;
static const struct inode_ops cramfs_plain_ops = { 0 };
static const struct file_ops cramfs_dir_file_ops;
static const struct file_ops cramfs_file_ops;

static int node_read(struct super_block *sb, uint32_t at, bool named, struct cramfs_node *node)
{
	uint8_t raw[INODE_SIZE];
	uint32_t word;
	int err = read_at(sb, at, raw, sizeof(raw));

	if (err < 0)
		return err;
	node->mode = om_get_le16(raw);
	node->uid = om_get_le16(raw + 2);
	word = om_get_le32(raw + 4);
	node->size = word & 0xffffff;
	node->gid = word >> 24;
	word = om_get_le32(raw + 8);
	node->name_room = (word & 63) * 4;
	node->start = (word >> 6) * 4;
	node->len = 0;
	if (!named)
		return 0;
	err = read_at(sb, at + INODE_SIZE, node->name, node->name_room);
	if (err < 0)
		return err;
	while (node->len < node->name_room && node->name[node->len])
		node->len++;
	return node->len > 0 ? 0 : broken(sb, at, "an entry has no name");
}

static int inode_fill(struct inode *inode, const struct cramfs_node *node)
{
	inode->mode = node->mode;
	inode->uid = node->uid;
	inode->gid = node->gid;
	inode->nlink = 1;		/* not recorded */
	inode->size = node->size;
	inode->blocks = ((uint64_t)node->size + 511) / 512;
	inode->private = (void *)(uintptr_t)node->start;
	inode->ops = &cramfs_plain_ops;
	switch (node->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &cramfs_dir_ops;
		inode->fops = &cramfs_dir_file_ops;
		break;
	case S_IFREG:
		inode->fops = &cramfs_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &cramfs_link_ops;
		break;
	case S_IFBLK:
	case S_IFCHR:
		inode->rdev = MKDEV(node->size >> 8 & 0xff, node->size & 0xff);
		inode->size = inode->blocks = 0;
		break;
	case S_IFIFO:
	case S_IFSOCK:
		inode->size = inode->blocks = 0;
		break;
	default:
		return broken(inode->sb, (uint32_t)inode->ino, "a mode that is nothing");
	}
	return 0;
}

static int cramfs_iget(struct super_block *sb, uint32_t at, const struct cramfs_node *node,
		       struct inode **ret_inode)
{
	struct inode *inode;
	bool new;
	int err = 0;

	inode = iget(sb, at, &new);
	if (!inode)
		return -ENOMEM;
	if (new)
		err = inode_fill(inode, node);
	if (err < 0) {
		iput(inode);
		return err;
	}
	*ret_inode = inode;
	return 0;
}

/* -- directories: entries one behind the other, as many bytes as the size says ------------------- */

static int cramfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct cramfs_node *node = kmalloc(sizeof(*node));
	uint32_t at = 0, size = (uint32_t)dir->size;
	struct inode *inode;
	int err = 0;

	if (!node)
		return -ENOMEM;
	while (at < size) {
		err = node_read(dir->sb, start_of(dir) + at, true, node);
		if (err < 0)
			break;
		if (node->len == dentry->len && memcmp(node->name, dentry->name, node->len) == 0) {
			err = cramfs_iget(dir->sb, start_of(dir) + at, node, &inode);
			if (err == 0)
				d_instantiate(dentry, inode);
			break;
		}
		at += INODE_SIZE + node->name_room;
	}
	kfree(node);
	return err;
}

/* A position is 2 more than the number of bytes before the entry. */
static int read_entries(struct inode *dir, uint64_t *pos, struct dir_sink *sink,
			struct cramfs_node *node)
{
	uint32_t at = 0, size = (uint32_t)dir->size;

	/* From the start, as nobody vouches for a position that a program gave. */
	while (at < size) {
		uint32_t where = start_of(dir) + at;
		bool wanted = at + 2ull >= *pos;
		int err = node_read(dir->sb, where, true, node);

		if (err < 0)
			return err;
		at += INODE_SIZE + node->name_room;
		if (!wanted)
			continue;
		if (sink->entry(sink, node->name, node->len, where, node->mode & S_IFMT, at + 2ull))
			return 0;
		*pos = at + 2ull;
	}
	return 0;
}

static int cramfs_readdir(struct file *file, struct dir_sink *sink)
{
	struct cramfs_node *node;
	int err;

	if (!dir_dots(file, sink))
		return 0;
	node = kmalloc(sizeof(*node));
	if (!node)
		return -ENOMEM;
	err = read_entries(file->inode, &file->pos, sink, node);
	kfree(node);
	return err;
}

/* -- contents ------------------------------------------------------------------------------------ */

/* Where block INDEX lies; no bytes are a hole. */
static int find_block(struct inode *inode, uint32_t index, uint32_t *ret_at, uint32_t *ret_len)
{
	uint32_t count = (uint32_t)((inode->size + BLOCK - 1) / BLOCK);
	uint32_t table = start_of(inode), from = table + count * 4, to;
	uint8_t raw[4];
	int err = 0;

	if (index > 0) {
		err = read_at(inode->sb, table + (index - 1) * 4, raw, sizeof(raw));
		from = om_get_le32(raw);
	}
	if (err == 0)
		err = read_at(inode->sb, table + index * 4, raw, sizeof(raw));
	if (err < 0)
		return err;
	to = om_get_le32(raw);
	if (to < from || to - from > PACKED_MAX || from < table + count * 4)
		return broken(inode->sb, table + index * 4, "a block ends before it starts, or late");
	*ret_at = from;
	*ret_len = to - from;
	return 0;
}

/* Block INDEX into PAGE, by way of PACKED (PACKED_MAX bytes). */
static int read_block(struct inode *inode, uint32_t index, uint8_t *page, void *packed)
{
	uint64_t left = inode->size - (uint64_t)index * BLOCK;
	size_t want = left < BLOCK ? (size_t)left : BLOCK, got = 0;
	uint32_t at = 0, len = 0;
	int err = find_block(inode, index, &at, &len);

	if (err < 0)
		return err;
	if (len == 0) {
		memset(page, 0, BLOCK);
		return 0;
	}
	err = read_at(inode->sb, at, packed, len);
	if (err < 0)
		return err;
	err = decompress_block(CODEC_ZLIB, packed, len, page, BLOCK, &got);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || got < want)
		return broken(inode->sb, at, "a compressed block cannot be unpacked");
	return 0;
}

static int buffers(uint8_t **ret_page, void **ret_packed)
{
	uint8_t *page = page_alloc();
	void *packed = pages_alloc(PACKED_ORDER);

	if (page && packed) {
		*ret_page = page;
		*ret_packed = packed;
		return 0;
	}
	if (page)
		page_put(page);
	if (packed)
		pages_free(packed, PACKED_ORDER);
	return -ENOMEM;
}

static long cramfs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	uint8_t *page;
	void *packed;
	long done = 0, n = buffers(&page, &packed);

	if (n < 0)
		return n;
	while (uio->left > 0 && *pos < inode->size) {
		uint32_t offset = (uint32_t)(*pos % BLOCK);
		uint64_t left = inode->size - *pos;

		n = read_block(inode, (uint32_t)(*pos / BLOCK), page, packed);
		if (n == 0)
			n = uio_put(uio, page + offset,
				    left < BLOCK - offset ? (size_t)left : BLOCK - offset);
		if (n <= 0)
			break;
		*pos += (uint64_t)n;
		done += n;
	}
	page_put(page);
	pages_free(packed, PACKED_ORDER);
	return done > 0 ? done : n;
}

static long cramfs_readlink(struct inode *inode, char *buf, size_t size)
{
	uint8_t *page;
	void *packed;
	int err;

	if (inode->size == 0 || inode->size > BLOCK)
		return broken(inode->sb, (uint32_t)inode->ino, "a link of no or too many bytes");
	err = buffers(&page, &packed);
	if (err < 0)
		return err;
	err = read_block(inode, 0, page, packed);
	if (size > inode->size)
		size = (size_t)inode->size;
	if (err == 0)
		memcpy(buf, page, size);
	page_put(page);
	pages_free(packed, PACKED_ORDER);
	return err < 0 ? err : (long)size;
}

static const struct inode_ops cramfs_dir_ops = { .lookup = cramfs_lookup };
static const struct inode_ops cramfs_link_ops = { .readlink = cramfs_readlink };
static const struct file_ops cramfs_dir_file_ops = { .readdir = cramfs_readdir };
static const struct file_ops cramfs_file_ops = { .read = cramfs_read };

/* -- the super block ----------------------------------------------------------------------------- */

static int cramfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct kstatfs st = { .type = CRAMFS_MAGIC, .bsize = BLOCK, .namelen = NAME_LIMIT };

	st.blocks = ((uint64_t)cramfs_sb(sb)->size + BLOCK - 1) / BLOCK;
	*ret = st;
	return 0;
}

static void cramfs_put_super(struct super_block *sb)
{
	kfree(sb->private);
}

static const struct super_ops cramfs_super_ops = {
	.statfs = cramfs_statfs,
	.remount = readonly_remount,
	.put_super = cramfs_put_super,
};

/* The superblock at byte AT; -EINVAL without a line where there is none. */
static int super_read(struct block_device *bdev, uint32_t at, struct cramfs_sb *ret)
{
	uint64_t size = bdev->sectors * SECTOR_SIZE;
	uint8_t raw[SUPER_SIZE];
	uint32_t flags;
	int err;

	if (!device_has(bdev, at, sizeof(raw)))
		return -EINVAL;
	err = block_read(bdev, at, raw, sizeof(raw));
	if (err < 0)
		return err;
	if (om_get_le32(raw) != CRAMFS_MAGIC)
		return -EINVAL;
	flags = om_get_le32(raw + 8);
	if (flags & ~FLAGS_KNOWN) {
		klog("cramfs: %s: flags 0x%x are not understood", bdev->name, flags & ~FLAGS_KNOWN);
		return -EINVAL;
	}
	if (memcmp(raw + 16, "Compressed ROMFS", 16) != 0) {
		klog("cramfs: %s: the magic without the signature", bdev->name);
		return -EINVAL;
	}
	ret->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
	if (flags & FLAG_FSID_2) {
		ret->size = om_get_le32(raw + 4);
		if (ret->size < at + SUPER_SIZE || ret->size > size) {
			klog("cramfs: %s: states %u bytes, the device has %llu", bdev->name, ret->size,
			     (unsigned long long)size);
			return -EINVAL;
		}
	}
	ret->root = at + ROOT_AT;
	return 0;
}

static int cramfs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
			const char *data, struct super_block **ret_sb)
{
	struct cramfs_node *node = kmalloc(sizeof(*node));
	struct cramfs_sb *cs = kzalloc(sizeof(*cs));
	struct super_block *sb = NULL;
	struct inode *root;
	int err = -ENOMEM;

	(void)flags, (void)data;
	if (!cs || !node)
		goto out;
	err = super_read(bdev, 0, cs);
	if (err == -EINVAL)
		err = super_read(bdev, 512, cs);
	if (err < 0)
		goto out;
	err = -ENOMEM;
	sb = sb_new(type, SB_RDONLY);
	if (!sb)
		goto out;
	sb->ops = &cramfs_super_ops;
	sb->magic = CRAMFS_MAGIC;
	sb->bdev = bdev;
	sb->private = cs;
	err = node_read(sb, cs->root, false, node);
	if (err == 0 && !S_ISDIR(node->mode))
		err = broken(sb, cs->root, "the root is no directory");
	if (err == 0)
		err = cramfs_iget(sb, cs->root, node, &root);
	if (err < 0)
		goto out;
	err = -ENOMEM;
	sb->root = d_make_root(sb, root);
	if (!sb->root) {
		iput(root);
		goto out;
	}
	kfree(node);
	*ret_sb = sb;
	return 0;
out:
	if (sb)
		sb_free(sb);
	kfree(cs);
	kfree(node);
	return err;
}

struct file_system_type cramfs_type = {
	.name = "cramfs",
	.needs_device = true,
	.mount = cramfs_mount,
};
