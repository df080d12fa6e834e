/* SPDX-License-Identifier: MIT */
/* mount(2), the namespaces that own mounts, and roots and working directories in them. */
#include "internal.h"

unsigned namespace_total;
static uint64_t last_ns_id;
static struct super_block *absolute_sb;

struct super_block *absolute_root(void)
{
	return absolute_sb;
}

/* -- fs_struct ------------------------------------------------------------------------------- */

struct fs_struct *fs_copy(struct fs_struct *fs)
{
	struct fs_struct *copy = kmalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *fs;
	copy->count = 1;
	path_get(&copy->root);
	path_get(&copy->cwd);
	return copy;
}

void fs_put(struct fs_struct *fs)
{
	if (!fs || --fs->count != 0)
		return;
	path_put(&fs->cwd);
	path_put(&fs->root);
	kfree(fs);
}

static void set_path(struct path *path, const struct path *value)
{
	struct path old = *path;

	path_get(value);
	*path = *value;
	path_put(&old);
}

int vfs_chdir(struct fs_struct *fs, const struct path *dir)
{
	int err;

	if (!S_ISDIR(dir->dentry->inode->mode))
		return -ENOTDIR;
	err = inode_permission(dir->dentry->inode, MAY_EXEC);
	if (err == 0)
		set_path(&fs->cwd, dir);
	return err;
}

int vfs_chroot(struct fs_struct *fs, const struct path *dir)
{
	int err;

	if (!S_ISDIR(dir->dentry->inode->mode))
		return -ENOTDIR;
	err = inode_permission(dir->dentry->inode, MAY_EXEC);
	if (err == 0)
		set_path(&fs->root, dir);
	return err;
}

/* The fs_structs in use are those of the tasks; a shared one is simply seen twice. */
void fs_replace_all(const struct path *from, const struct path *to)
{
	struct path old = *from;	/* FROM may be one of those that are replaced */

	path_get(&old);
	for (unsigned i = 0; i < TASKS_MAX; i++) {
		struct fs_struct *fs = tasks[i].state != TASK_FREE ? tasks[i].fs : NULL;

		if (!fs)
			continue;
		if (fs->root.mnt == old.mnt && fs->root.dentry == old.dentry)
			set_path(&fs->root, to);
		if (fs->cwd.mnt == old.mnt && fs->cwd.dentry == old.dentry)
			set_path(&fs->cwd, to);
	}
	path_put(&old);
}

/* -- namespaces -------------------------------------------------------------------------------- */

static struct mnt_namespace *ns_new(void)
{
	struct mnt_namespace *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	list_init(&ns->mounts);
	ns->count = 1;
	ns->id = ++last_ns_id;
	namespace_total++;
	return ns;
}

int mnt_init(struct mnt_namespace **ret_ns)
{
	struct super_block *sb;
	struct mnt_namespace *ns;
	int err;

	register_filesystem(&ramfs_type);
	ns = ns_new();
	if (!ns)
		return -ENOMEM;
	err = sb_get(&ramfs_type, 0, NULL, NULL, &sb);
	if (err < 0)
		goto out_ns;
	ns->root = mnt_alloc(sb, sb->root, "rootfs", 0);
	err = -ENOMEM;
	if (!ns->root)
		goto out_sb;
	sb_put(sb);		/* the mount has its own */
	ns_own(ns, ns->root);
	absolute_sb = sb;
	*ret_ns = ns;
	return 0;
out_sb:
	sb_put(sb);
out_ns:
	namespace_total--;
	kfree(ns);
	return err;
}

struct mnt_namespace *mnt_ns_get(struct mnt_namespace *ns)
{
	ns->count++;
	return ns;
}

void mnt_ns_put(struct mnt_namespace *ns)
{
	if (!ns || --ns->count != 0)
		return;
	if (ns->root) {
		bool last = ns->root->sb == absolute_sb && absolute_sb->count == 1 &&
			    ns->root->count == 1;

		mnt_drop_tree(ns->root);
		if (last)
			absolute_sb = NULL;
	}
	namespace_total--;
	kfree(ns);
}

/* The copy of MNT in the tree COPY of the tree ROOT, walking both in step. */
static struct mount *counterpart(struct mount *mnt, struct mount *root, struct mount *copy)
{
	struct mount *a = root, *b = copy;

	while (a && b) {
		if (a == mnt)
			return b;
		a = mnt_next(a, root);
		b = mnt_next(b, copy);
	}
	return NULL;
}

int mnt_ns_copy(struct mnt_namespace *ns, struct fs_struct *fs, struct mnt_namespace **ret_ns)
{
	struct mnt_namespace *copy = ns_new();
	struct path *places[2];
	int err;

	if (!copy)
		return -ENOMEM;
	err = mnt_copy_tree(ns->root, ns->root->root, true, &copy->root);
	if (err < 0) {
		namespace_total--;
		kfree(copy);
		return err;
	}
	ns_own(copy, copy->root);
	places[0] = fs ? &fs->root : NULL;
	places[1] = fs ? &fs->cwd : NULL;
	for (unsigned i = 0; i < 2 && places[i]; i++) {
		struct mount *mnt = counterpart(places[i]->mnt, ns->root, copy->root);
		struct path moved = { mnt, places[i]->dentry };

		if (mnt)
			set_path(places[i], &moved);
	}
	*ret_ns = copy;
	return 0;
}

/* -- mount(2) ------------------------------------------------------------------------------------ */

static bool check_mnt(const struct mount *mnt)
{
	return mnt->ns && (!current || !current->ns || mnt->ns == current->ns);
}

/* Put MNT, whose tree reference goes over, on TARGET. */
static int graft(struct mount *mnt, const struct path *target)
{
	int err;

	if (!check_mnt(target->mnt))
		return -EINVAL;
	if (S_ISDIR(mnt->root->inode->mode) != S_ISDIR(target->dentry->inode->mode))
		return -ENOTDIR;
	err = mnt_attach(mnt, target);
	if (err == 0)
		ns_own(target->mnt->ns, mnt);
	return err;
}

static int source_device(const char *source, struct block_device **ret_bdev)
{
	struct block_device *bdev;
	struct inode *inode;
	struct path path;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_walk(current->fs, NULL, source, LOOKUP_FOLLOW, &path);
	if (err < 0)
		return err;
	inode = path.dentry->inode;
	err = -ENOTBLK;
	if (!S_ISBLK(inode->mode))
		goto out;
	err = -EACCES;
	if (path.mnt->flags & MS_NODEV)
		goto out;
	err = -ENXIO;
	bdev = block_find(inode->rdev);
	if (!bdev)
		goto out;
	*ret_bdev = bdev;
	err = 0;
out:
	path_put(&path);
	return err;
}

static int mount_new(const char *source, const struct path *target, const char *fstype,
		     unsigned flags, const char *data)
{
	struct file_system_type *type;
	struct block_device *bdev = NULL;
	struct super_block *sb;
	struct mount *mnt;
	int err;

	if (!fstype)
		return -EINVAL;
	type = find_filesystem(fstype);
	if (!type)
		return -ENODEV;
	if (type->needs_device) {
		err = source_device(source, &bdev);
		if (err < 0)
			return err;
	}
	/* The same file system on the same place twice is refused. */
	sb = sb_find_bdev(bdev);
	if (sb && target->mnt->sb == sb && target->dentry == target->mnt->root)
		return -EBUSY;
	err = sb_get(type, flags & MS_RDONLY ? SB_RDONLY : 0, bdev, data, &sb);
	if (err < 0)
		return err;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		flags |= MS_RELATIME;
	mnt = mnt_alloc(sb, sb->root, source && *source ? source : "none", flags);
	sb_put(sb);
	if (!mnt)
		return -ENOMEM;
	err = graft(mnt, target);
	if (err < 0)
		mntput(mnt);
	return err;
}

static int mount_bind(const char *source, const struct path *target, bool recursive)
{
	struct mount *copy;
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_walk(current->fs, NULL, source, LOOKUP_FOLLOW, &from);
	if (err < 0)
		return err;
	err = -EINVAL;
	if (!check_mnt(from.mnt) || !check_mnt(target->mnt))
		goto out;
	err = mnt_copy_tree(from.mnt, from.dentry, recursive, &copy);
	if (err < 0)
		goto out;
	err = graft(copy, target);
	if (err < 0)
		mnt_drop_tree(copy);
out:
	path_put(&from);
	return err;
}

static int mount_move(const char *source, const struct path *target)
{
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_walk(current->fs, NULL, source, LOOKUP_FOLLOW, &from);
	if (err < 0)
		return err;
	err = vfs_move_mount(&from, target);
	path_put(&from);
	return err;
}

static bool sb_has_writers(const struct super_block *sb)
{
	return files_writing(sb) != 0;
}

static int mount_remount(const struct path *target, unsigned flags, const char *data)
{
	const unsigned mask = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_RELATIME;
	struct mount *mnt = target->mnt;
	struct super_block *sb = mnt->sb;
	unsigned sb_flags = flags & MS_RDONLY ? SB_RDONLY : 0;
	int err;

	if (target->dentry != mnt->root || !check_mnt(mnt))
		return -EINVAL;
	if (!(flags & MS_BIND)) {
		if (!sb_flags && sb->bdev && sb->bdev->readonly)
			return -EACCES;
		if (sb_flags && !(sb->flags & SB_RDONLY)) {
			if (sb_has_writers(sb))
				return -EBUSY;
			vfs_sync(sb);
		}
		if (sb->ops->remount) {
			err = sb->ops->remount(sb, sb_flags, data);
			if (err < 0)
				return err;
		}
		sb->flags = (sb->flags & ~SB_RDONLY) | sb_flags;
	}
	/* Nothing said of access times: they stay as they are. */
	if (!(flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)))
		flags |= mnt->flags & (MS_NOATIME | MS_RELATIME);
	mnt->flags = (mnt->flags & ~mask) | (flags & mask);
	return 0;
}

int vfs_mount(const char *source, const struct path *target, const char *fstype, unsigned flags,
	      const char *data)
{
	const unsigned propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

	if (flags & MS_REMOUNT)
		return mount_remount(target, flags, data);
	if (flags & MS_BIND)
		return mount_bind(source, target, flags & MS_REC);
	if (flags & propagation) {
		unsigned kind = flags & ~(MS_REC | MS_SILENT);

		/* One kind at a time and nothing else; there is no propagation here, so all mean private. */
		if (kind & (kind - 1) || target->dentry != target->mnt->root)
			return -EINVAL;
		return 0;
	}
	if (flags & MS_MOVE)
		return mount_move(source, target);
	return mount_new(source, target, fstype, flags, data);
}
