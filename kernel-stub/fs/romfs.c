/* SPDX-License-Identifier: MIT */
/*
 * romfs: a read-only list of headers, each followed by its name and its data.
 *
 * Everything is big-endian and aligned to 16 bytes; an inode's number is the offset of its
 * header.  Headers carry checksums, which are checked, and so is every offset: a broken image
 * gives -EIO and a line in the log, never an endless chain.
 */
#include "device_read.h"

#define ROMFS_MAGIC	0x7275u
#define ALIGNMENT	16u
#define TYPE_MASK	7u
#define EXECUTABLE	8u
#define FLAGS_MASK	15u
#define CHECKED_MAX	512u		/* bytes of the superblock that its checksum covers */
#define SHARED_HOPS	8u		/* hard links to hard links */

enum { ROMFS_LINK, ROMFS_DIR, ROMFS_FILE, ROMFS_SYMLINK, ROMFS_BLOCK, ROMFS_CHAR, ROMFS_SOCKET,
       ROMFS_FIFO };

/* A header, decoded, with its name. */
struct romfs_node {
	uint32_t at;
	uint32_t next;		/* 0: the last one of its directory */
	uint32_t spec;		/* link: target; directory: first entry; device: numbers */
	uint32_t size;
	uint32_t data;		/* where the contents start */
	unsigned type;
	bool executable;
	size_t len;
	char name[NAME_MAX + 1];
};

/* In inode.private, as a number: where the data starts or, of a directory, the first entry. */
static uint32_t start_of(const struct inode *inode)
{
	return (uint32_t)(uintptr_t)inode->private;
}

/* The size that the superblock states; in super_block.private. */
static uint32_t volume_size(const struct super_block *sb)
{
	return (uint32_t)(uintptr_t)sb->private;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 4 <= len; i += 4)
		sum += be32(bytes + i);
	return sum;
}

/* Bytes before the NUL in the first MAX of TEXT; MAX when there is none. */
static size_t text_length(const uint8_t *text, size_t max)
{
	size_t len = 0;

	while (len < max && text[len])
		len++;
	return len;
}

static int broken(const struct super_block *sb, uint32_t at, const char *what)
{
	klog("romfs: %s: header at %u: %s", sb->bdev->name, at, what);
	return -EIO;
}

static int node_read(struct super_block *sb, uint32_t at, struct romfs_node *ret)
{
	uint8_t raw[16 + NAME_MAX + 1];
	uint32_t size = volume_size(sb), available, flags, span;
	struct romfs_node node = { .at = at };
	int err;

	if (at % ALIGNMENT != 0 || at < ALIGNMENT || at > size || size - at < 2 * ALIGNMENT)
		return broken(sb, at, "outside of the file system");
	available = size - at < sizeof(raw) ? size - at : (uint32_t)sizeof(raw);
	err = block_read(sb->bdev, at, raw, available);
	if (err < 0)
		return err;
	node.len = text_length(raw + 16, available - 16);
	if (node.len == available - 16)
		return broken(sb, at, "name without an end, or longer than 255 bytes");
	span = 16 + (uint32_t)(node.len / ALIGNMENT + 1) * ALIGNMENT;
	if (span > available)
		return broken(sb, at, "name beyond the end of the file system");
	if (checksum(raw, span) != 0)
		return broken(sb, at, "wrong checksum");
	memcpy(node.name, raw + 16, node.len + 1);
	flags = be32(raw) & FLAGS_MASK;
	node.next = be32(raw) & ~FLAGS_MASK;
	node.type = flags & TYPE_MASK;
	node.executable = flags & EXECUTABLE;
	node.spec = be32(raw + 4);
	node.size = be32(raw + 8);
	node.data = at + span;
	/* Entries of a directory are written one behind the other; this also ends every chain. */
	if (node.next != 0 && node.next <= at)
		return broken(sb, at, "the next entry does not lie behind it");
	if ((node.type == ROMFS_FILE || node.type == ROMFS_SYMLINK) && node.size > size - node.data)
		return broken(sb, at, "contents reach beyond the end of the file system");
	*ret = node;
	return 0;
}

/* As above, but the file itself where AT is another name of it. */
static int node_read_file(struct super_block *sb, uint32_t at, struct romfs_node *ret)
{
	int err = node_read(sb, at, ret);

	for (unsigned i = 0; err == 0 && ret->type == ROMFS_LINK; i++) {
		if (i == SHARED_HOPS)
			return broken(sb, at, "hard link to nothing but hard links");
		err = node_read(sb, ret->spec & ~FLAGS_MASK, ret);
	}
	return err;
}

/* -- inodes -------------------------------------------------------------------------------------- */

static const struct inode_ops romfs_dir_ops;
static const struct inode_ops romfs_link_ops;
static const struct inode_ops romfs_plain_ops = { 0 };
static const struct file_ops romfs_dir_file_ops;
static const struct file_ops romfs_file_ops;

static uint32_t mode_of(const struct romfs_node *node)
{
	static const uint32_t modes[8] = {
		[ROMFS_DIR] = S_IFDIR | 0644, [ROMFS_FILE] = S_IFREG | 0644,
		[ROMFS_SYMLINK] = S_IFLNK | 0777, [ROMFS_BLOCK] = S_IFBLK | 0600,
		[ROMFS_CHAR] = S_IFCHR | 0600, [ROMFS_SOCKET] = S_IFSOCK | 0644,
		[ROMFS_FIFO] = S_IFIFO | 0644,
	};
	bool may = node->type == ROMFS_DIR || node->type == ROMFS_FILE;

	return modes[node->type] | (node->executable && may ? 0111u : 0);
}

static void inode_fill(struct inode *inode, const struct romfs_node *node)
{
	uint32_t start = node->type == ROMFS_DIR ? node->spec & ~FLAGS_MASK : node->data;

	inode->mode = mode_of(node);
	inode->nlink = 1;		/* not recorded */
	inode->private = (void *)(uintptr_t)start;
	inode->ops = &romfs_plain_ops;
	if (node->type == ROMFS_DIR) {
		inode->ops = &romfs_dir_ops;
		inode->fops = &romfs_dir_file_ops;
	} else if (node->type == ROMFS_FILE || node->type == ROMFS_SYMLINK) {
		inode->size = node->size;
		inode->blocks = ((uint64_t)node->size + 511) / 512;
		if (node->type == ROMFS_FILE)
			inode->fops = &romfs_file_ops;
		else
			inode->ops = &romfs_link_ops;
	} else if (node->type == ROMFS_BLOCK || node->type == ROMFS_CHAR) {
		inode->rdev = MKDEV(node->spec >> 16, node->spec & 0xffff);
	}
}

static int romfs_iget(struct super_block *sb, uint32_t at, struct inode **ret_inode)
{
	struct romfs_node *node = kmalloc(sizeof(*node));
	struct inode *inode;
	bool new;
	int err;

	if (!node)
		return -ENOMEM;
	err = node_read_file(sb, at, node);
	if (err < 0)
		goto out;
	err = -ENOMEM;
	inode = iget(sb, node->at, &new);
	if (!inode)
		goto out;
	if (new)
		inode_fill(inode, node);
	*ret_inode = inode;
	err = 0;
out:
	kfree(node);
	return err;
}

static bool is_dots(const struct romfs_node *node)
{
	return node->len <= 2 && node->name[0] == '.' && node->name[node->len - 1] == '.';
}

static int romfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct romfs_node *node = kmalloc(sizeof(*node));
	struct inode *inode;
	uint32_t at;
	int err = 0;

	if (!node)
		return -ENOMEM;
	for (at = start_of(dir); at != 0; at = node->next) {
		err = node_read(dir->sb, at, node);
		if (err < 0)
			break;
		if (node->len != dentry->len || memcmp(node->name, dentry->name, node->len) != 0)
			continue;
		err = romfs_iget(dir->sb, at, &inode);
		if (err == 0)
			d_instantiate(dentry, inode);
		break;
	}
	kfree(node);
	return err;
}

/* Number and type of what the entry NODE stands for: the file's, where it is a hard link. */
static int entry_target(struct super_block *sb, const struct romfs_node *node, uint64_t *ret_ino,
			unsigned *ret_type)
{
	struct romfs_node *file;
	int err = 0;

	*ret_ino = node->at;
	*ret_type = mode_of(node) & S_IFMT;
	if (node->type != ROMFS_LINK)
		return 0;
	file = kmalloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	err = node_read_file(sb, node->at, file);
	if (err == 0) {
		*ret_ino = file->at;
		*ret_type = mode_of(file) & S_IFMT;
	}
	kfree(file);
	return err;
}

/* The entries from *POS on; a position is 2 or the offset of a header. */
static int read_entries(struct inode *dir, uint64_t *pos, struct dir_sink *sink,
			struct romfs_node *node)
{
	uint32_t at;

	/* From the start, as nobody vouches for a position that a program gave. */
	for (at = start_of(dir); at != 0; at = node->next) {
		unsigned type;
		uint64_t ino;
		int err = node_read(dir->sb, at, node);

		if (err < 0)
			return err;
		if (at < *pos || node->len == 0 || is_dots(node))
			continue;
		err = entry_target(dir->sb, node, &ino, &type);
		if (err < 0)
			return err;
		if (sink->entry(sink, node->name, node->len, ino, type, (uint64_t)at + 1))
			return 0;
		*pos = (uint64_t)at + 1;
	}
	return 0;
}

static int romfs_readdir(struct file *file, struct dir_sink *sink)
{
	struct romfs_node *node;
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

static long romfs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct inode *inode = file->inode;
	size_t len = uio->left;
	long n;

	if (*pos >= inode->size)
		return 0;
	if (len > inode->size - *pos)
		len = (size_t)(inode->size - *pos);
	n = device_read(inode->sb->bdev, start_of(inode) + *pos, uio, len);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static long romfs_readlink(struct inode *inode, char *buf, size_t size)
{
	int err;

	if (size > inode->size)
		size = (size_t)inode->size;
	err = block_read(inode->sb->bdev, start_of(inode), buf, size);
	return err < 0 ? err : (long)size;
}

static const struct inode_ops romfs_dir_ops = { .lookup = romfs_lookup };
static const struct inode_ops romfs_link_ops = { .readlink = romfs_readlink };
static const struct file_ops romfs_dir_file_ops = { .readdir = romfs_readdir };
static const struct file_ops romfs_file_ops = { .read = romfs_read };

/* -- the super block ----------------------------------------------------------------------------- */

static int romfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct kstatfs st = { .type = ROMFS_MAGIC, .bsize = 1024, .namelen = NAME_MAX };

	st.blocks = ((uint64_t)volume_size(sb) + 1023) / 1024;
	*ret = st;
	return 0;
}

static const struct super_ops romfs_super_ops = {
	.statfs = romfs_statfs,
	.remount = readonly_remount,
};

/* Check the superblock in RAW: the file system's size and its first header. */
static int check_super(struct block_device *bdev, const uint8_t *raw, size_t available,
		       uint32_t *ret_size, uint32_t *ret_first)
{
	uint32_t size;
	size_t len;

	if (memcmp(raw, "-rom1fs-", 8) != 0)
		return -EINVAL;		/* something else: not worth a line */
	size = be32(raw + 8);
	if (size < 4 * ALIGNMENT || !device_has(bdev, 0, size)) {
		klog("romfs: %s: states %u bytes, the device has %llu", bdev->name, size,
		     (unsigned long long)bdev->sectors * SECTOR_SIZE);
		return -EINVAL;
	}
	if (available > size)
		available = size;
	if (checksum(raw, available) != 0) {
		klog("romfs: %s: wrong checksum of the superblock", bdev->name);
		return -EINVAL;
	}
	len = text_length(raw + 16, available - 16);
	if (len == available - 16) {
		klog("romfs: %s: volume name without an end", bdev->name);
		return -EINVAL;
	}
	*ret_size = size;
	*ret_first = 16 + (uint32_t)(len / ALIGNMENT + 1) * ALIGNMENT;
	return 0;
}

static int romfs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	struct super_block *sb;
	struct inode *root;
	uint8_t raw[CHECKED_MAX];
	uint32_t size = 0, first = 0;
	int err;

	(void)flags, (void)data;
	if (!device_has(bdev, 0, sizeof(raw)))
		return -EINVAL;
	err = block_read(bdev, 0, raw, sizeof(raw));
	if (err == 0)
		err = check_super(bdev, raw, sizeof(raw), &size, &first);
	if (err < 0)
		return err;
	sb = sb_new(type, SB_RDONLY);
	if (!sb)
		return -ENOMEM;
	sb->ops = &romfs_super_ops;
	sb->magic = ROMFS_MAGIC;
	sb->bdev = bdev;
	sb->blocksize = 1024;
	sb->private = (void *)(uintptr_t)size;
	err = romfs_iget(sb, first, &root);
	if (err < 0)
		goto out_sb;
	err = -EINVAL;
	if (!S_ISDIR(root->mode)) {
		klog("romfs: %s: the first entry is no directory", bdev->name);
		goto out_root;
	}
	err = -ENOMEM;
	sb->root = d_make_root(sb, root);
	if (!sb->root)
		goto out_root;
	*ret_sb = sb;
	return 0;
out_root:
	iput(root);
out_sb:
	sb_free(sb);
	return err;
}

struct file_system_type romfs_type = {
	.name = "romfs",
	.needs_device = true,
	.mount = romfs_mount,
};
