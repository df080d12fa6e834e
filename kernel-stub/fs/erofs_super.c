/* SPDX-License-Identifier: MIT */
/* erofs: the super block, and what this kernel makes of it. */
#include "device_read.h"
#include "erofs.h"

#define SUPER_AT	1024u
#define SUPER_SIZE	128u
#define INODE_UNIT_LOG	5u
#define BLOCK_LOG_MIN	9u
#define BLOCK_LOG_MAX	12u		/* a page */
#define DATA_IDLE	((size_t)1 << 20)	/* unpacked bytes that are kept though nobody uses them */
#define COMPLAINTS_MAX	20u

/* Incompatible features */
#define ZERO_PADDING	0x01u
#define BIG_CLUSTERS	0x02u		/* or a list of compressors */
#define CHUNKED		0x04u
#define MORE_DEVICES	0x08u		/* or a second compressor */
#define XATTR_PREFIXES	0x40u
#define KNOWN		(ZERO_PADDING | BIG_CLUSTERS | CHUNKED | MORE_DEVICES | XATTR_PREFIXES)
#define LZ4_ONLY	1u

static const struct {
	uint32_t bit;
	const char *name;
} not_here[] = {
	{ 0x10, "ztailpacking" }, { 0x20, "fragments or dedupe" },
};

int erofs_complain(struct super_block *sb, uint64_t at, const char *what, int err)
{
	if (erofs_sb(sb)->complaints++ < COMPLAINTS_MAX)
		klog("erofs: %s: %s at byte %llu: %s", sb->bdev->name,
		     err == -EIO ? "broken" : "not understood", (unsigned long long)at, what);
	return err;
}

int erofs_broken(struct super_block *sb, uint64_t at, const char *what)
{
	return erofs_complain(sb, at, what, -EIO);
}

int erofs_read_at(struct super_block *sb, uint64_t at, void *buf, size_t len)
{
	if (!om_range_inside(at, len, erofs_sb(sb)->size))
		return erofs_broken(sb, at, "reaches beyond the end of the file system");
	return block_read(sb->bdev, at, buf, len);
}

static int refused(const struct block_device *bdev, const char *what, unsigned long long number)
{
	klog("erofs: %s: %s 0x%llx is not understood", bdev->name, what, number);
	return -EINVAL;
}

static int check_features(const struct block_device *bdev, const uint8_t *raw)
{
	uint32_t features = om_get_le32(raw + 80);
	unsigned compressors = om_get_le16(raw + 84);

	for (size_t i = 0; i < sizeof(not_here) / sizeof(not_here[0]); i++)
		if (features & not_here[i].bit) {
			klog("erofs: %s: made with %s, which this kernel does not read", bdev->name,
			     not_here[i].name);
			return -EINVAL;
		}
	if (features & ~KNOWN)
		return refused(bdev, "feature", features & ~KNOWN);
	/* Without big clusters the field is a distance. */
	if ((features & BIG_CLUSTERS) && (compressors & ~LZ4_ONLY))
		return refused(bdev, "compressor", compressors & ~LZ4_ONLY);
	if ((features & MORE_DEVICES) && om_get_le16(raw + 86) > 0) {
		klog("erofs: %s: has its contents on other devices", bdev->name);
		return -EINVAL;
	}
	return 0;
}

/* -EINVAL without a line where there is no super block at all. */
static int super_read(struct block_device *bdev, struct erofs_sb *es, uint64_t *ret_root)
{
	uint64_t size = bdev->sectors * SECTOR_SIZE;
	uint8_t raw[SUPER_SIZE];
	int err;

	if (!device_has(bdev, SUPER_AT, sizeof(raw)))
		return -EINVAL;
	err = block_read(bdev, SUPER_AT, raw, sizeof(raw));
	if (err < 0)
		return err;
	if (om_get_le32(raw) != EROFS_MAGIC)
		return -EINVAL;
	err = check_features(bdev, raw);
	if (err < 0)
		return err;
	es->block_log = raw[12];
	if (es->block_log < BLOCK_LOG_MIN || es->block_log > BLOCK_LOG_MAX)
		return refused(bdev, "block size of 1 <<", es->block_log);
	es->block_size = 1u << es->block_log;
	if (raw[90] != 0)
		return refused(bdev, "size of directory blocks", raw[90]);
	*ret_root = om_get_le16(raw + 14);
	es->files = om_get_le64(raw + 16);
	es->build_sec = om_get_le64(raw + 24);
	es->build_nsec = om_get_le32(raw + 32);
	es->size = (uint64_t)om_get_le32(raw + 36) << es->block_log;
	es->inodes = (uint64_t)om_get_le32(raw + 40) << es->block_log;
	es->padded = om_get_le32(raw + 80) & ZERO_PADDING;
	if (es->size < SUPER_AT + SUPER_SIZE || es->size > size) {
		klog("erofs: %s: states %llu bytes, the device has %llu", bdev->name,
		     (unsigned long long)es->size, (unsigned long long)size);
		return -EINVAL;
	}
	return 0;
}

static int erofs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct erofs_sb *es = erofs_sb(sb);

	*ret = (struct kstatfs){ .type = EROFS_MAGIC, .bsize = es->block_size,
				 .blocks = es->size >> es->block_log, .files = es->files,
				 .namelen = NAME_MAX };
	return 0;
}

static void sb_drop(struct erofs_sb *es)
{
	unpacked_free(&es->data);
	kfree(es);
}

static void erofs_put_super(struct super_block *sb)
{
	sb_drop(erofs_sb(sb));
}

static const struct super_ops erofs_super_ops = {
	.evict_inode = erofs_evict,
	.statfs = erofs_statfs,
	.remount = readonly_remount,
	.put_super = erofs_put_super,
};

static int root_make(struct super_block *sb, uint64_t nid)
{
	struct inode *root = NULL;
	int err = erofs_iget(sb, nid, &root);

	if (err < 0)
		return err;
	if (!S_ISDIR(root->mode)) {
		iput(root);
		return erofs_broken(sb, erofs_sb(sb)->inodes + (nid << INODE_UNIT_LOG),
				    "the root is no directory");
	}
	sb->root = d_make_root(sb, root);
	if (!sb->root) {
		iput(root);
		return -ENOMEM;
	}
	return 0;
}

static int erofs_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		       const char *data, struct super_block **ret_sb)
{
	struct erofs_sb *es = kzalloc(sizeof(*es));
	struct super_block *sb;
	uint64_t root = 0;
	int err;

	(void)flags, (void)data;
	if (!es)
		return -ENOMEM;
	unpacked_init(&es->data, DATA_IDLE);
	err = super_read(bdev, es, &root);
	sb = err == 0 ? sb_new(type, SB_RDONLY) : NULL;
	if (!sb) {
		sb_drop(es);
		return err < 0 ? err : -ENOMEM;
	}
	sb->ops = &erofs_super_ops;
	sb->magic = EROFS_MAGIC;
	sb->bdev = bdev;
	sb->blocksize = es->block_size;
	sb->private = es;
	err = root_make(sb, root);
	if (err < 0) {
		sb_free(sb);
		sb_drop(es);
		return err;
	}
	*ret_sb = sb;
	return 0;
}

struct file_system_type erofs_type = {
	.name = "erofs",
	.needs_device = true,
	.mount = erofs_mount,
};
