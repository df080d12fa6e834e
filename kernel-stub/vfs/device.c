/* SPDX-License-Identifier: MIT */
/* Devices as files: character devices by number, block devices, and files without a name. */
#include "internal.h"

#define CHRDEVS_MAX 64u

struct chrdev {
	uint32_t dev, mode;
	const char *name;
	const struct file_ops *ops;
};

static struct chrdev chrdevs[CHRDEVS_MAX];
static unsigned chrdev_count;
struct mount *pseudo_mount;

int register_chrdev(unsigned major, unsigned minor, const char *devfs_name, uint32_t mode,
		    const struct file_ops *ops)
{
	if (chrdev_ops(MKDEV(major, minor)))
		return -EBUSY;
	if (chrdev_count == CHRDEVS_MAX)
		return -ENOMEM;
	chrdevs[chrdev_count++] = (struct chrdev){ MKDEV(major, minor), mode, devfs_name, ops };
	return 0;
}

const struct file_ops *chrdev_ops(uint32_t dev)
{
	for (unsigned i = 0; i < chrdev_count; i++)
		if (chrdevs[i].dev == dev)
			return chrdevs[i].ops;
	return NULL;
}

bool chrdev_by_index(unsigned index, uint32_t *ret_dev, const char **ret_name,
		     uint32_t *ret_mode)
{
	if (index >= chrdev_count)
		return false;
	*ret_dev = chrdevs[index].dev;
	*ret_name = chrdevs[index].name;
	*ret_mode = chrdevs[index].mode;
	return true;
}

/* -- block devices ----------------------------------------------------------------------------- */

static long block_file_rw(struct file *file, struct uio *uio, uint64_t *pos, bool write)
{
	struct block_device *bdev = block_find(file->inode->rdev);
	uint64_t size = bdev ? bdev->sectors * SECTOR_SIZE : 0;
	char *buf;
	long done = 0, n;

	if (!bdev)
		return -ENXIO;
	if (write && bdev->readonly)
		return -EPERM;
	if (*pos >= size)
		return write ? -ENOSPC : 0;
	buf = kmalloc(PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	while (uio->left > 0 && *pos < size) {
		size_t len = uio->left < PAGE_SIZE ? uio->left : PAGE_SIZE;
		int err = 0;

		if (len > size - *pos)
			len = (size_t)(size - *pos);
		n = (long)len;
		if (write)
			n = uio_get(uio, buf, len);
		if (n > 0)
			err = write ? block_write(bdev, *pos, buf, (size_t)n)
				    : block_read(bdev, *pos, buf, (size_t)n);
		if (err == 0 && n > 0 && !write)
			n = uio_put(uio, buf, len);
		if (err < 0 || n <= 0) {
			if (done == 0)
				done = err < 0 ? err : n;
			break;
		}
		*pos += (uint64_t)n;
		done += n;
	}
	kfree(buf);
	return done;
}

static long block_file_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return block_file_rw(file, uio, pos, false);
}

static long block_file_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	return block_file_rw(file, uio, pos, true);
}

static int64_t block_file_llseek(struct file *file, int64_t offset, int whence)
{
	struct block_device *bdev = block_find(file->inode->rdev);
	int64_t size = bdev ? (int64_t)(bdev->sectors * SECTOR_SIZE) : 0;
	int64_t pos = whence == 0 ? offset : whence == 1 ? (int64_t)file->pos + offset : size + offset;

	if (whence < 0 || whence > 2 || pos < 0 || pos > size)
		return -EINVAL;
	file->pos = (uint64_t)pos;
	return pos;
}

#define BLKROGET	0x125e
#define BLKRRPART	0x125f
#define BLKGETSIZE	0x1260
#define BLKFLSBUF	0x1261
#define BLKSSZGET	0x1268
#define BLKGETSIZE64	0x80081272
#define BLKBSZGET	0x80081270

static long put_value(uintptr_t arg, uint64_t value, size_t size)
{
	struct uio uio = { (char *)arg, size, true };

	return uio_put(&uio, &value, size) < 0 ? -EFAULT : 0;
}

static long block_file_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
	struct block_device *bdev = block_find(file->inode->rdev);
	int err;

	if (!bdev)
		return -ENXIO;
	switch (cmd) {
	case BLKGETSIZE64:
		return put_value(arg, bdev->sectors * SECTOR_SIZE, 8);
	case BLKGETSIZE:
		return put_value(arg, bdev->sectors, 8);
	case BLKSSZGET:
		return put_value(arg, SECTOR_SIZE, 4);
	case BLKBSZGET:
		return put_value(arg, PAGE_SIZE, 4);
	case BLKROGET:
		return put_value(arg, bdev->readonly, 4);
	case BLKFLSBUF:
		/* All that a ram disk has are its buffers: without them it is gone. */
		if (bdev->memory)
			return ramdisk_free(bdev);
		err = block_sync(bdev);
		block_forget(bdev);
		return err;
	case BLKRRPART:
		return -EINVAL;
	default:
		return -ENOTTY;
	}
}

static int block_file_fsync(struct file *file)
{
	struct block_device *bdev = block_find(file->inode->rdev);

	return bdev ? block_sync(bdev) : -ENXIO;
}

const struct file_ops block_file_ops = {
	.read = block_file_read,
	.write = block_file_write,
	.llseek = block_file_llseek,
	.ioctl = block_file_ioctl,
	.fsync = block_file_fsync,
};

/* -- files without a name ------------------------------------------------------------------------ */

static const struct super_ops pseudo_super_ops = { .drop_dentries = true };
static const struct inode_ops pseudo_inode_ops = { 0 };
static const struct file_system_type pseudo_type = { .name = "pseudo" };

struct super_block *pseudo_super(void)
{
	struct super_block *sb;
	struct inode *inode;

	if (pseudo_mount)
		return pseudo_mount->sb;
	sb = sb_new(&pseudo_type, 0);
	if (!sb)
		return NULL;
	sb->internal = true;
	sb->ops = &pseudo_super_ops;
	inode = inode_new(sb);
	if (!inode)
		goto out_sb;
	inode->mode = S_IFDIR | 0500;
	inode->ops = &pseudo_inode_ops;
	sb->root = d_make_root(sb, inode);
	if (!sb->root)
		goto out_inode;
	pseudo_mount = mnt_alloc(sb, sb->root, "pseudo", 0);
	if (!pseudo_mount)
		goto out_root;
	return sb;
out_root:
	dput(sb->root);
	sb_free(sb);
	return NULL;
out_inode:
	iput(inode);
out_sb:
	sb_free(sb);
	return NULL;
}

/* A place for INODE (its reference goes over, also on failure) that no walk can reach. */
int pseudo_path(struct inode *inode, const char *name, struct path *ret_path)
{
	struct dentry *dentry;

	if (!pseudo_super() || !(dentry = d_make_root(pseudo_mount->sb, inode))) {
		iput(inode);
		return -ENOMEM;
	}
	kfree(dentry->name);
	dentry->name = kstrndup(name, strlen(name));
	dentry->len = (uint16_t)strlen(name);
	if (!dentry->name) {
		dentry->len = 0;
		dput(dentry);
		return -ENOMEM;
	}
	ret_path->mnt = mntget(pseudo_mount);
	ret_path->dentry = dentry;
	return 0;
}

int file_open_chrdev(uint32_t dev, const char *name, unsigned flags, struct file **ret_file)
{
	struct inode *inode = pseudo_super() ? inode_new(pseudo_super()) : NULL;

	if (!inode)
		return -ENOMEM;
	inode->mode = S_IFCHR | 0600;
	inode->rdev = dev;
	inode->ops = &pseudo_inode_ops;
	inode->atime = inode->mtime = inode->ctime = time_now();
	return file_open_inode(inode, name, flags, ret_file);
}
