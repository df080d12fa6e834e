/* SPDX-License-Identifier: MIT */
/*
 * The mount tree.  A mount that is in it holds a reference on its parent and on the dentry it
 * sits on, and the tree holds one on the mount; what nobody else holds is not busy.
 */
#include "internal.h"

#define BUCKETS		64u
#define MOUNTS_MAX	4096u

static struct list buckets[BUCKETS];
static int last_id;
unsigned mount_total;

static struct list *bucket_of(const struct mount *mnt, const struct dentry *dentry)
{
	if (!buckets[0].next)
		for (unsigned i = 0; i < BUCKETS; i++)
			list_init(&buckets[i]);
	return &buckets[((uintptr_t)mnt >> 5 ^ (uintptr_t)dentry >> 6) % BUCKETS];
}

struct mount *mnt_alloc(struct super_block *sb, struct dentry *root, const char *source,
			unsigned flags)
{
	struct mount *mnt;

	if (mount_total >= MOUNTS_MAX)
		return NULL;
	mnt = kzalloc(sizeof(*mnt));
	if (!mnt)
		return NULL;
	mnt->source = kstrndup(source, strlen(source));
	if (!mnt->source) {
		kfree(mnt);
		return NULL;
	}
	mnt->parent = mnt;
	mnt->sb = sb;
	sb->count++;
	mnt->root = dget(root);
	mnt->flags = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
			      MS_RELATIME);
	mnt->count = 1;
	mnt->id = ++last_id;
	list_init(&mnt->children);
	list_init(&mnt->sibling);
	list_init(&mnt->hash);
	list_init(&mnt->ns_list);
	if (!sb->internal)
		mount_total++;
	return mnt;
}

struct mount *mntget(struct mount *mnt)
{
	mnt->count++;
	return mnt;
}

void mntput(struct mount *mnt)
{
	struct super_block *sb;

	BUG_ON(mnt->count == 0);
	if (--mnt->count != 0)
		return;
	BUG_ON(mnt->parent != mnt || !list_empty(&mnt->children));
	sb = mnt->sb;
	list_del(&mnt->ns_list);
	if (!sb->internal)
		mount_total--;
	dput(mnt->root);
	kfree(mnt->source);
	kfree(mnt);
	sb_put(sb);
}

void path_get(const struct path *path)
{
	mntget(path->mnt);
	dget(path->dentry);
}

void path_put(const struct path *path)
{
	/* The dentry first: the last reference of a mount shuts its file system down. */
	dput(path->dentry);
	mntput(path->mnt);
}

struct mount *mnt_lookup(const struct mount *mnt, const struct dentry *dentry)
{
	struct list *bucket = bucket_of(mnt, dentry);
	struct list *pos;

	list_for_each(pos, bucket) {
		struct mount *child = list_entry(pos, struct mount, hash);

		if (child->parent == mnt && child->mountpoint == dentry)
			return child;
	}
	return NULL;
}

/* WHERE is not covered: callers have followed its mounts. */
int mnt_attach(struct mount *mnt, const struct path *where)
{
	if (where->dentry->unhashed)
		return -ENOENT;
	mnt->parent = mntget(where->mnt);
	mnt->mountpoint = dget(where->dentry);
	where->dentry->mounts++;
	list_add_tail(&mnt->sibling, &where->mnt->children);
	list_add(&mnt->hash, bucket_of(where->mnt, where->dentry));
	return 0;
}

void mnt_unhook(struct mount *mnt)
{
	struct mount *parent = mnt->parent;

	if (parent == mnt)
		return;
	list_del(&mnt->hash);
	list_del(&mnt->sibling);
	mnt->mountpoint->mounts--;
	dput(mnt->mountpoint);
	mnt->mountpoint = NULL;
	mnt->parent = mnt;
	mntput(parent);
}

void mnt_drop_tree(struct mount *top)
{
	struct mount *mnt = top;

	/* Leaves first; the walk goes back to the parent, which is still there. */
	for (;;) {
		struct mount *parent = mnt->parent;

		if (!list_empty(&mnt->children)) {
			mnt = list_entry(mnt->children.next, struct mount, sibling);
			continue;
		}
		mnt->ns = NULL;
		list_del(&mnt->ns_list);
		if (mnt == top) {
			mnt_unhook(mnt);
			mntput(mnt);
			return;
		}
		mnt_unhook(mnt);
		mntput(mnt);
		mnt = parent;
	}
}

struct mount *mnt_next(struct mount *mnt, struct mount *top)
{
	if (!list_empty(&mnt->children))
		return list_entry(mnt->children.next, struct mount, sibling);
	while (mnt != top) {
		if (mnt->sibling.next != &mnt->parent->children)
			return list_entry(mnt->sibling.next, struct mount, sibling);
		mnt = mnt->parent;
	}
	return NULL;
}

bool mnt_is_below(const struct mount *mnt, const struct mount *top)
{
	while (mnt != top && mnt->parent != mnt)
		mnt = mnt->parent;
	return mnt == top;
}

void ns_own(struct mnt_namespace *ns, struct mount *tree)
{
	struct mount *mnt;

	for (mnt = tree; mnt; mnt = mnt_next(mnt, tree)) {
		list_del(&mnt->ns_list);
		mnt->ns = ns;
		list_add_tail(&mnt->ns_list, &ns->mounts);
	}
}

/*
 * Copy MNT as seen from ROOT, with what sits below ROOT when RECURSIVE.  The copy belongs to
 * no namespace yet.
 */
int mnt_copy_tree(struct mount *mnt, struct dentry *root, bool recursive,
		  struct mount **ret_copy)
{
	struct mount *top = mnt_alloc(mnt->sb, root, mnt->source, mnt->flags);
	struct mount *from = mnt, *to = top;

	if (!top)
		return -ENOMEM;
	while (recursive) {
		struct mount *next, *copy;
		struct path where;

		next = mnt_next(from, mnt);
		/* Children that sit outside of ROOT are skipped with all below them. */
		while (next && next->parent == mnt && !d_is_below(next->mountpoint, root)) {
			struct mount *skip = next;

			next = skip->sibling.next != &mnt->children ?
			       list_entry(skip->sibling.next, struct mount, sibling) : NULL;
		}
		if (!next)
			break;
		while (from != next->parent) {
			from = from->parent;
			to = to->parent;
		}
		copy = mnt_alloc(next->sb, next->root, next->source, next->flags);
		if (!copy) {
			mnt_drop_tree(top);
			return -ENOMEM;
		}
		where = (struct path){ to, next->mountpoint };
		if (mnt_attach(copy, &where) < 0) {
			mntput(copy);
			mnt_drop_tree(top);
			return -EINVAL;
		}
		from = next;
		to = copy;
	}
	*ret_copy = top;
	return 0;
}

int vfs_umount(const struct path *target, int flags)
{
	struct mount *mnt = target->mnt;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (target->dentry != mnt->root || !mnt->ns)
		return -EINVAL;
	if (current && current->ns && mnt->ns != current->ns)
		return -EINVAL;
	if (mnt->parent == mnt)
		return -EINVAL;
	if (current && current->fs && current->fs->root.mnt == mnt)
		return -EBUSY;
	/* One reference is the tree's, one the caller's. */
	if (!(flags & MNT_DETACH) && (mnt->count > 2 || !list_empty(&mnt->children)))
		return -EBUSY;
	if (flags & MNT_EXPIRE)
		return -EAGAIN;
	mnt_drop_tree(mnt);
	return 0;
}

int vfs_move_mount(const struct path *from, const struct path *to)
{
	struct mount *mnt = from->mnt;
	struct mnt_namespace *ns = current && current->ns ? current->ns : mnt->ns;

	if (from->dentry != mnt->root || mnt->parent == mnt)
		return -EINVAL;
	if (!mnt->ns || mnt->ns != ns || to->mnt->ns != ns)
		return -EINVAL;
	if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(to->dentry->inode->mode))
		return -EINVAL;
	if (mnt_is_below(to->mnt, mnt))
		return -ELOOP;
	if (to->dentry->unhashed)
		return -ENOENT;
	mnt_unhook(mnt);
	return mnt_attach(mnt, to);
}

int vfs_pivot_root(const struct path *new_root, const struct path *put_old)
{
	const struct path root = current->fs->root;
	struct mount *root_mnt = root.mnt, *new_mnt = new_root->mnt;
	struct path root_place, old_place = *put_old;
	struct path covered;

	if (root_mnt->ns != current->ns || new_mnt->ns != current->ns || put_old->mnt->ns != current->ns)
		return -EINVAL;
	if (!S_ISDIR(new_root->dentry->inode->mode) || !S_ISDIR(put_old->dentry->inode->mode))
		return -ENOTDIR;
	if (new_root->dentry->unhashed)
		return -ENOENT;
	if (new_mnt == root_mnt || put_old->mnt == root_mnt)
		return -EBUSY;
	if (root.dentry != root_mnt->root)
		return -EINVAL;		/* a chroot, not a mount */
	if (root_mnt->parent == root_mnt)
		return -EINVAL;		/* the bare absolute root */
	if (new_root->dentry != new_mnt->root || new_mnt->parent == new_mnt)
		return -EINVAL;
	/* put_old lies at or below new_root, and new_root below the root. */
	if (put_old->mnt == new_mnt ? !d_is_below(put_old->dentry, new_root->dentry)
				    : !mnt_is_below(put_old->mnt, new_mnt))
		return -EINVAL;
	if (!mnt_is_below(new_mnt, root_mnt))
		return -EINVAL;

	root_place = (struct path){ root_mnt->parent, root_mnt->mountpoint };
	path_get(&root_place);
	mnt_unhook(new_mnt);
	mnt_unhook(root_mnt);
	(void)mnt_attach(root_mnt, &old_place);
	covered = root_place;
	(void)mnt_attach(new_mnt, &covered);
	path_put(&root_place);

	/* Everybody whose root or cwd was the old root's now has the new one's. */
	fs_replace_all(&root, new_root);
	return 0;
}

int mnt_want_write(const struct mount *mnt)
{
	return ((mnt->flags & MS_RDONLY) || (mnt->sb->flags & SB_RDONLY)) ? -EROFS : 0;
}
