/* SPDX-License-Identifier: MIT */
/*
 * ext2: names: looking up, making, linking, removing, renaming.
 *
 * The VFS has checked permissions and types.  Each operation either happens or leaves things
 * as they were: what can fail comes first, what was done is undone.
 */
#include "ext2.h"

static int ext2_lookup(struct inode *dir, struct dentry *dentry)
{
	struct ext2_slot slot;
	struct inode *inode;
	int err = ext2_dir_find(dir, dentry->name, dentry->len, &slot);

	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	if (slot.ino == dir->ino || slot.ino == EXT2_ROOT_INO)
		return ext2_error(dir->sb, "directory %u: an entry leads back up to %u",
				  (unsigned)dir->ino, slot.ino);
	err = ext2_iget(dir->sb, slot.ino, &inode);
	if (err == 0)
		d_instantiate(dentry, inode);
	return err;
}

/* The entry must still name what the VFS knows by it. */
static int find_entry(struct inode *dir, const struct dentry *dentry, struct ext2_slot *ret_slot)
{
	struct ext2_slot slot;
	int err = ext2_dir_find(dir, dentry->name, dentry->len, &slot);

	if (err < 0)
		return err;
	if (slot.ino != dentry->inode->ino)
		return ext2_error(dir->sb, "directory %u: entry names %u instead of %u",
				  (unsigned)dir->ino, slot.ino, (unsigned)dentry->inode->ino);
	*ret_slot = slot;
	return 0;
}

/* Its last step: give the file its name.  INODE's reference is used up in any case. */
static int add_new(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	int err = ext2_dir_add(dir, dentry->name, dentry->len, (uint32_t)inode->ino, inode->mode);

	if (err < 0) {
		inode->nlink = 0;
		iput(inode);
		return err;
	}
	d_instantiate(dentry, inode);
	return 0;
}

static int ext2_mknod(struct inode *dir, struct dentry *dentry, uint32_t mode, uint32_t rdev)
{
	struct inode *inode;
	int err = ext2_inode_make(dir, mode, rdev, &inode);

	return err < 0 ? err : add_new(dir, dentry, inode);
}

static int ext2_create(struct inode *dir, struct dentry *dentry, uint32_t mode)
{
	return ext2_mknod(dir, dentry, mode, 0);
}

static int write_text(struct inode *inode, const char *text, size_t len)
{
	struct ext2_inode *ei = ext2_i(inode);
	void *buffer;
	int err = 0;

	if (len < sizeof(ei->block)) {
		memcpy(ei->block, text, len);
	} else {
		buffer = page_alloc();
		if (!buffer)
			return -ENOMEM;
		memcpy(buffer, text, len);
		err = ext2_map_new(inode, 0, buffer);
		page_put(buffer);
	}
	if (err < 0)
		return err;
	inode->size = len;
	return ext2_inode_write(inode);
}

static int ext2_symlink(struct inode *dir, struct dentry *dentry, const char *text)
{
	size_t len = strlen(text);
	struct inode *inode;
	int err;

	if (len >= ext2_sb(dir->sb)->blocksize)
		return -ENAMETOOLONG;
	err = ext2_inode_make(dir, S_IFLNK | 0777, 0, &inode);
	if (err < 0)
		return err;
	err = write_text(inode, text, len);
	if (err < 0) {
		inode->nlink = 0;
		iput(inode);
		return err;
	}
	return add_new(dir, dentry, inode);
}

static int ext2_mkdir(struct inode *dir, struct dentry *dentry, uint32_t mode)
{
	struct inode *inode;
	int err;

	if (dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	err = ext2_inode_make(dir, mode, 0, &inode);
	if (err < 0)
		return err;
	inode->nlink = 2;
	err = ext2_dir_init(inode, (uint32_t)dir->ino);
	if (err < 0) {
		inode->nlink = 0;
		iput(inode);
		return err;
	}
	err = add_new(dir, dentry, inode);
	if (err < 0)
		return err;
	dir->nlink++;
	ext2_inode_changed(dir);
	return 0;
}

static int ext2_link(struct inode *old, struct inode *dir, struct dentry *dentry)
{
	struct timespec64 ctime = old->ctime;
	int err;

	if (old->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	/* Counted before it is there: one too many is harmless, one too few is not. */
	old->nlink++;
	old->ctime = time_now();
	err = ext2_inode_write(old);
	if (err == 0)
		err = ext2_dir_add(dir, dentry->name, dentry->len, (uint32_t)old->ino, old->mode);
	if (err < 0) {
		old->nlink--;
		old->ctime = ctime;
		ext2_inode_changed(old);
		return err;
	}
	old->count++;
	d_instantiate(dentry, old);
	return 0;
}

/* INODE has a name less, and a directory no name at all. */
static void drop_link(struct inode *inode)
{
	/* On a broken volume there may be more names than were counted. */
	if (inode->nlink)
		inode->nlink = S_ISDIR(inode->mode) ? 0 : inode->nlink - 1;
	inode->ctime = time_now();
	/* Without names it is written when it is freed. */
	if (inode->nlink)
		ext2_inode_changed(inode);
}

/* A directory has one below it less; on a broken volume it may never have counted that. */
static void drop_parent(struct inode *dir)
{
	if (dir->nlink > 2)
		dir->nlink--;
	else
		(void)ext2_error(dir->sb, "directory %u counts %u links", (unsigned)dir->ino,
				 dir->nlink);
	ext2_inode_changed(dir);
}

static int ext2_unlink(struct inode *dir, struct dentry *dentry)
{
	struct ext2_slot slot;
	int err = find_entry(dir, dentry, &slot);

	if (err == 0)
		err = ext2_dir_remove(dir, &slot);
	if (err == 0)
		drop_link(dentry->inode);
	return err;
}

static int ext2_rmdir(struct inode *dir, struct dentry *dentry)
{
	int err = ext2_dir_empty(dentry->inode);

	if (err == 0)
		err = ext2_unlink(dir, dentry);
	if (err < 0)
		return err;
	drop_parent(dir);
	return 0;
}

/* -- rename --------------------------------------------------------------------------------------- */

struct rename {
	struct inode *old_dir, *new_dir, *inode, *victim;
	struct dentry *old, *new;
	struct ext2_slot dotdot;	/* in INODE, when it changes its parent */
	struct ext2_slot target;	/* of the entry that is replaced */
	bool moves;			/* a directory into another one */
};

/* All that can forbid it, and where the entries are. */
static int rename_prepare(struct rename *r)
{
	bool directory = S_ISDIR(r->inode->mode);
	int err = 0;

	r->moves = directory && r->old_dir != r->new_dir;
	if (r->moves && !r->victim && r->new_dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	if (r->victim && S_ISDIR(r->victim->mode))
		err = ext2_dir_empty(r->victim);
	if (err == 0 && r->victim)
		err = find_entry(r->new_dir, r->new, &r->target);
	if (err == 0 && r->moves)
		err = ext2_dir_find(r->inode, "..", 2, &r->dotdot);
	if (err == -ENOENT)
		err = ext2_error(r->inode->sb, "directory %u has no ..", (unsigned)r->inode->ino);
	return err;
}

static int set_parent(struct rename *r, struct inode *parent)
{
	return ext2_dir_set(r->inode, &r->dotdot, (uint32_t)parent->ino, r->dotdot.type);
}

static int put_new_entry(struct rename *r)
{
	if (r->victim)
		return ext2_dir_set(r->new_dir, &r->target, (uint32_t)r->inode->ino,
				    ext2_dir_type(r->inode->sb, r->inode->mode));
	return ext2_dir_add(r->new_dir, r->new->name, r->new->len, (uint32_t)r->inode->ino,
			    r->inode->mode);
}

static void undo_new_entry(struct rename *r)
{
	struct ext2_slot slot;
	int err;

	if (r->victim) {
		err = ext2_dir_set(r->new_dir, &r->target, r->target.ino, r->target.type);
	} else {
		err = ext2_dir_find(r->new_dir, r->new->name, r->new->len, &slot);
		if (err == 0)
			err = ext2_dir_remove(r->new_dir, &slot);
	}
	if (err < 0)
		ext2_sb(r->inode->sb)->damaged = true;
}

static void rename_count(struct rename *r)
{
	if (r->victim)
		drop_link(r->victim);
	if (S_ISDIR(r->inode->mode)) {
		r->new_dir->nlink += !r->victim;
		ext2_inode_changed(r->new_dir);
		drop_parent(r->old_dir);
	}
	r->inode->ctime = time_now();
	ext2_inode_changed(r->inode);
}

static int ext2_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		       struct dentry *new)
{
	struct rename r = {
		.old_dir = old_dir, .new_dir = new_dir, .inode = old->inode,
		.victim = new->inode, .old = old, .new = new,
	};
	struct ext2_slot slot;
	int err = rename_prepare(&r);

	if (err == 0)
		err = find_entry(old_dir, old, &slot);
	if (err == 0 && r.moves)
		err = set_parent(&r, new_dir);
	if (err < 0)
		return err;
	err = put_new_entry(&r);
	if (err < 0)
		goto out_parent;
	/* Once more: the new entry may have become its neighbour. */
	err = find_entry(old_dir, old, &slot);
	if (err == 0)
		err = ext2_dir_remove(old_dir, &slot);
	if (err < 0)
		goto out_entry;
	rename_count(&r);
	return 0;
out_entry:
	undo_new_entry(&r);
out_parent:
	if (r.moves && set_parent(&r, old_dir) < 0)
		ext2_sb(old->sb)->damaged = true;
	return err;
}

const struct inode_ops ext2_dir_inode_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.mkdir = ext2_mkdir,
	.mknod = ext2_mknod,
	.symlink = ext2_symlink,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rmdir = ext2_rmdir,
	.rename = ext2_rename,
	.setattr = ext2_setattr,
};
