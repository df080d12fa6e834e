/* SPDX-License-Identifier: MIT */
/* squashfs: the super block, and what this kernel makes of it. */
#include "device_read.h"
#include "squashfs.h"

#define SUPER_SIZE	96u
#define BLOCK_LOG_MIN	12u
#define BLOCK_LOG_MAX	20u
/* What is kept though nobody uses it: two of the largest data blocks, some metadata. */
#define DATA_IDLE	((size_t)2 << BLOCK_LOG_MAX)
#define META_IDLE	((size_t)32 * SQUASHFS_META_SIZE)

/* How the format numbers them; those without a codec are refused by name. */
static const struct {
	const char *name;
	enum codec codec;
	bool here;
} compressors[] = {
	[1] = { "gzip", CODEC_ZLIB, true },
	[2] = { "lzma", CODEC_LZMA, true },
	[3] = { "lzo", 0, false },
	[4] = { "xz", CODEC_XZ, true },
	[5] = { "lz4", CODEC_LZ4, true },
	[6] = { "zstd", CODEC_ZSTD, true },
};

static int refused(const struct block_device *bdev, const char *what, unsigned long long number)
{
	klog("squashfs: %s: %s %llu is not understood", bdev->name, what, number);
	return -EINVAL;
}

static int set_codec(const struct block_device *bdev, struct squashfs_sb *ss, unsigned number)
{
	if (number >= sizeof(compressors) / sizeof(compressors[0]) || !compressors[number].name)
		return refused(bdev, "compressor", number);
	if (!compressors[number].here) {
		klog("squashfs: %s: packed with %s, which this kernel cannot unpack", bdev->name,
		     compressors[number].name);
		return -EINVAL;
	}
	ss->codec = compressors[number].codec;
	return 0;
}

/* -EINVAL without a line where there is no super block at all. */
static int super_read(struct block_device *bdev, struct squashfs_sb *ss, uint64_t *ret_root)
{
	uint64_t size = bdev->sectors * SECTOR_SIZE;
	uint8_t raw[SUPER_SIZE];
	int err;

	if (size < sizeof(raw))
		return -EINVAL;
	err = block_read(bdev, 0, raw, sizeof(raw));
	if (err < 0)
		return err;
	if (om_get_le32(raw) != SQUASHFS_MAGIC)
		return -EINVAL;
	if (om_get_le16(raw + 28) != 4 || om_get_le16(raw + 30) != 0)
		return refused(bdev, "version", om_get_le16(raw + 28));
	ss->inodes = om_get_le32(raw + 4);
	ss->block_size = om_get_le32(raw + 12);
	ss->fragments = om_get_le32(raw + 16);
	ss->block_log = om_get_le16(raw + 22);
	ss->ids = om_get_le16(raw + 26);
	*ret_root = om_get_le64(raw + 32);
	ss->size = om_get_le64(raw + 40);
	ss->id_table = om_get_le64(raw + 48);
	ss->inode_table = om_get_le64(raw + 64);
	ss->dir_table = om_get_le64(raw + 72);
	ss->fragment_table = om_get_le64(raw + 80);
	if (ss->block_log < BLOCK_LOG_MIN || ss->block_log > BLOCK_LOG_MAX ||
	    ss->block_size != 1u << ss->block_log)
		return refused(bdev, "block size", ss->block_size);
	if (ss->size < SUPER_SIZE || ss->size > size) {
		klog("squashfs: %s: states %llu bytes, the device has %llu", bdev->name,
		     (unsigned long long)ss->size, (unsigned long long)size);
		return -EINVAL;
	}
	if (ss->inode_table > ss->size || ss->dir_table > ss->size)
		return refused(bdev, "table beyond the end at", ss->inode_table);
	return set_codec(bdev, ss, om_get_le16(raw + 20));
}

static int squashfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct squashfs_sb *ss = squashfs_sb(sb);
	struct kstatfs st = { .type = SQUASHFS_MAGIC, .bsize = ss->block_size,
			      .files = ss->inodes, .namelen = SQUASHFS_NAME_MAX };

	st.blocks = (ss->size + ss->block_size - 1) >> ss->block_log;
	*ret = st;
	return 0;
}

static void sb_drop(struct squashfs_sb *ss)
{
	unpacked_free(&ss->meta);
	unpacked_free(&ss->data);
	kfree(ss);
}

static void squashfs_put_super(struct super_block *sb)
{
	sb_drop(squashfs_sb(sb));
}

static const struct super_ops squashfs_super_ops = {
	.evict_inode = squashfs_evict,
	.statfs = squashfs_statfs,
	.remount = readonly_remount,
	.put_super = squashfs_put_super,
};

static int root_make(struct super_block *sb, uint64_t ref)
{
	struct inode *root = NULL;
	uint32_t number = 0;
	int err = squashfs_number(sb, ref, &number);

	if (err == 0)
		err = squashfs_iget(sb, ref, number, &root);
	if (err < 0)
		return err;
	if (!S_ISDIR(root->mode)) {
		iput(root);
		return squashfs_broken(sb, squashfs_sb(sb)->inode_table, "the root is no directory");
	}
	sb->root = d_make_root(sb, root);
	if (!sb->root) {
		iput(root);
		return -ENOMEM;
	}
	return 0;
}

static int squashfs_mount(struct file_system_type *type, unsigned flags,
			  struct block_device *bdev, const char *data,
			  struct super_block **ret_sb)
{
	struct squashfs_sb *ss = kzalloc(sizeof(*ss));
	struct super_block *sb;
	uint64_t root = 0;
	int err;

	(void)flags, (void)data;
	if (!ss)
		return -ENOMEM;
	unpacked_init(&ss->meta, META_IDLE);
	unpacked_init(&ss->data, DATA_IDLE);
	err = super_read(bdev, ss, &root);
	sb = err == 0 ? sb_new(type, SB_RDONLY) : NULL;
	if (!sb) {
		sb_drop(ss);
		return err < 0 ? err : -ENOMEM;
	}
	sb->ops = &squashfs_super_ops;
	sb->magic = SQUASHFS_MAGIC;
	sb->bdev = bdev;
	sb->blocksize = ss->block_size;
	sb->private = ss;
	err = root_make(sb, root);
	if (err < 0) {
		sb_free(sb);
		sb_drop(ss);
		return err;
	}
	*ret_sb = sb;
	return 0;
}

struct file_system_type squashfs_type = {
	.name = "squashfs",
	.needs_device = true,
	.mount = squashfs_mount,
};
