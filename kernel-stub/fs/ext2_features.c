/* SPDX-License-Identifier: MIT */
/* Which ext2 this is: features by name, and what is refused because of them. */
#include "ext2.h"

struct feature {
	uint32_t bit;
	const char *name;
};

static const struct feature incompat_names[] = {
	{ 0x1, "compression" }, { 0x4, "needs_recovery" }, { 0x8, "journal_dev" },
	{ 0x10, "meta_bg" }, { 0x40, "extents" }, { 0x80, "64bit" }, { 0x100, "mmp" },
	{ 0x200, "flex_bg" }, { 0x400, "ea_inode" }, { 0x1000, "dirdata" },
	{ 0x2000, "metadata_csum_seed" }, { 0x4000, "large_dir" }, { 0x8000, "inline_data" },
	{ 0x10000, "encrypt" }, { 0x20000, "casefold" },
};

static const struct feature ro_names[] = {
	{ 0x8, "huge_file" }, { 0x10, "uninit_bg" }, { 0x20, "dir_nlink" },
	{ 0x40, "extra_isize" }, { 0x80, "has_snapshot" }, { 0x100, "quota" },
	{ 0x200, "bigalloc" }, { 0x400, "metadata_csum" }, { 0x800, "replica" },
	{ 0x1000, "read-only" }, { 0x2000, "project" }, { 0x4000, "shared_blocks" },
	{ 0x8000, "verity" }, { 0x10000, "orphan_present" },
};

#define RO_BIGALLOC 0x200u	/* group sizes and bitmaps count clusters */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_of(const struct feature *names, size_t count, uint32_t bit)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].bit == bit)
			return names[i].name;
	return "unknown";
}

static uint32_t lowest_bit(uint32_t bits)
{
	return bits & (0u - bits);
}

int ext2_features_check(const struct block_device *bdev, const struct ext2_super *disk,
			bool write)
{
	const uint32_t writable = EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_BTREE_DIR;
	/* What changes only where things are written, or is understood by those who read. */
	const uint32_t readable = EXT2_INCOMPAT_EXTENTS | EXT2_INCOMPAT_64BIT |
				  EXT2_INCOMPAT_FLEX_BG | EXT2_INCOMPAT_CSUM_SEED;
	uint32_t only_read = disk->feature_incompat & readable;
	uint32_t incompat = disk->feature_incompat & ~(EXT2_INCOMPAT_FILETYPE | readable);
	uint32_t ro = disk->feature_ro_compat & ~writable;
	uint32_t bit;

	if (disk->rev_level == 0)
		return 0;		/* the fields do not exist yet */
	if (disk->rev_level > 1) {
		klog("ext2: %s: revision %u; 0 and 1 are understood", bdev->name, disk->rev_level);
		return -EINVAL;
	}
	/* The journal first: it is the one that is got rid of without making a new file system. */
	bit = incompat & 0x4 ? 0x4 : lowest_bit(incompat);
	if (bit == 0x4) {
		klog("ext2: %s: feature needs_recovery: the journal holds changes; run e2fsck",
		     bdev->name);
		return -EINVAL;
	}
	if (bit) {
		klog("ext2: %s: feature %s (incompat 0x%x) is not understood; "
		     "make the file system with `mke2fs -t ext2`", bdev->name,
		     name_of(incompat_names, COUNT(incompat_names), bit), bit);
		return -EINVAL;
	}
	if (ro & RO_BIGALLOC) {
		klog("ext2: %s: feature bigalloc (ro_compat 0x200) is not understood; "
		     "make the file system with `mke2fs -t ext2`", bdev->name);
		return -EINVAL;
	}
	bit = lowest_bit(only_read);
	if (write && bit) {
		klog("ext2: %s: feature %s (incompat 0x%x) allows reading only; "
		     "to write, make the file system with `mke2fs -t ext2`", bdev->name,
		     name_of(incompat_names, COUNT(incompat_names), bit), bit);
		return -EROFS;
	}
	bit = lowest_bit(ro);
	if (write && bit) {
		klog("ext2: %s: feature %s (ro_compat 0x%x) allows reading only; "
		     "to write, make the file system with `mke2fs -t ext2`", bdev->name,
		     name_of(ro_names, COUNT(ro_names), bit), bit);
		return -EROFS;
	}
	return 0;
}
