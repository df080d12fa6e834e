/* SPDX-License-Identifier: MIT */
/*
 * The path walk: from a name to a place, a pair (mount, dentry).
 *
 * Two rules make the forced chroot hold.  follow_mount(): whoever arrives at a place that is
 * covered goes on to what covers it.  follow_dotdot(): `..` stops at the task's root; else it
 * climbs in the dentry tree; else, at the root of a mount, it crosses to the place that the
 * mount sits on and climbs from there; and wherever it arrives it obeys follow_mount() again.
 * The bottom of the mount tree has no parent, so a climb ends at its root, and that is the
 * one place which the final root covers: the climber is back in the final root.
 */
#include "internal.h"

struct link_level {
	char *text;		/* owned */
	const char *rest;	/* of the text above it, once this one is used up */
};

struct nameidata {
	struct fs_struct *fs;
	struct path path;
	unsigned flags;
	const char *name;	/* what is left of the text being walked */
	unsigned depth;		/* symbolic links being walked */
	unsigned links;		/* followed in all */
	struct link_level levels[SYMLINKS_MAX];
	const char *last;	/* LOOKUP_PARENT */
	size_t last_len;
};

/* Enter what covers PATH, and what covers that. */
void follow_mount(struct path *path)
{
	while (path->dentry->mounts != 0) {
		struct mount *top = mnt_lookup(path->mnt, path->dentry);

		if (!top)
			return;
		mntget(top);
		dget(top->root);
		path_put(path);
		path->mnt = top;
		path->dentry = top->root;
	}
}

/* `..`; -ENOENT when the place was moved out of the part of the tree that its mount shows. */
static int follow_dotdot(struct nameidata *nd)
{
	const struct path *root = &nd->fs->root;
	struct path path = nd->path;

	while (path.mnt != root->mnt || path.dentry != root->dentry) {
		if (path.dentry != path.mnt->root) {
			if (path.mnt->root != path.mnt->sb->root &&
			    !d_is_below(path.dentry, path.mnt->root))
				return -ENOENT;
			path.dentry = path.dentry->parent;
			break;
		}
		if (path.mnt->parent == path.mnt)
			break;
		path.dentry = path.mnt->mountpoint;
		path.mnt = path.mnt->parent;
	}
	path_get(&path);
	path_put(&nd->path);
	nd->path = path;
	follow_mount(&nd->path);
	return 0;
}

static void jump_to_root(struct nameidata *nd)
{
	path_get(&nd->fs->root);
	path_put(&nd->path);
	nd->path = nd->fs->root;
}

/* DENTRY, a symbolic link in nd->path, is to be followed; its reference is consumed. */
static int follow_link(struct nameidata *nd, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	struct link_level *level;
	char *buf = NULL;
	long len;
	int err = -ELOOP;

	if (nd->links++ >= SYMLINKS_MAX || nd->depth >= SYMLINKS_MAX)
		goto out;
	if (inode->ops->follow) {
		struct path target;

		err = inode->ops->follow(inode, &target);
		if (err == 0) {
			path_put(&nd->path);
			nd->path = target;
		}
		goto out;
	}
	err = -ENOMEM;
	buf = kmalloc(PATH_MAX);
	if (!buf)
		goto out;
	len = vfs_readlink(inode, buf, PATH_MAX - 1);
	err = len < 0 ? (int)len : len == 0 ? -ENOENT : 0;
	if (err < 0)
		goto out;
	level = &nd->levels[nd->depth];
	level->text = kstrndup(buf, (size_t)len);
	err = -ENOMEM;
	if (!level->text)
		goto out;
	err = 0;
	level->rest = nd->name;
	nd->name = level->text;
	nd->depth++;
	if (level->text[0] == '/')
		jump_to_root(nd);
out:
	kfree(buf);
	dput(dentry);
	return err;
}

/* One component that is neither . nor .. */
static int walk_component(struct nameidata *nd, const char *name, size_t len, bool last,
			  bool slash)
{
	struct dentry *dentry;
	int err = d_find(nd->path.dentry, name, len, &dentry);

	if (err < 0)
		return err;
	if (!dentry->inode) {
		dput(dentry);
		return -ENOENT;
	}
	/* What is left of the links above counts: only the very last component is special. */
	if (S_ISLNK(dentry->inode->mode) && dentry->mounts == 0 &&
	    (!last || slash || (nd->flags & LOOKUP_FOLLOW)))
		return follow_link(nd, dentry);
	dput(nd->path.dentry);
	nd->path.dentry = dentry;
	follow_mount(&nd->path);
	return 0;
}

/* Is there another component in the texts above? */
static bool more_above(const struct nameidata *nd)
{
	for (unsigned i = nd->depth; i > 0; i--)
		for (const char *p = nd->levels[i - 1].rest; *p; p++)
			if (*p != '/')
				return true;
	return false;
}

static bool slash_above(const struct nameidata *nd)
{
	for (unsigned i = nd->depth; i > 0; i--)
		if (*nd->levels[i - 1].rest == '/')
			return true;
	return false;
}

/* The next step; *ret_done when the walk is over. */
static int walk_step(struct nameidata *nd, bool *ret_done)
{
	const char *name = nd->name;
	const char *rest;
	size_t len = 0;
	bool last, slash;
	int err;

	while (*name == '/')
		name++;
	if (!*name) {
		if (nd->depth == 0) {
			*ret_done = true;
			return 0;
		}
		nd->depth--;
		nd->name = nd->levels[nd->depth].rest;
		kfree(nd->levels[nd->depth].text);
		return 0;
	}
	while (name[len] && name[len] != '/')
		len++;
	rest = name + len;
	while (*rest == '/')
		rest++;
	last = !*rest && !more_above(nd);
	slash = name[len] == '/' || (last && slash_above(nd));
	if (!S_ISDIR(nd->path.dentry->inode->mode))
		return -ENOTDIR;
	err = inode_permission(nd->path.dentry->inode, MAY_EXEC);
	if (err < 0)
		return err;
	if (last && nd->depth == 0 && (nd->flags & LOOKUP_PARENT)) {
		nd->last = name;
		nd->last_len = len;
		*ret_done = true;
		return 0;
	}
	nd->name = rest;
	if (last && slash)
		nd->flags |= LOOKUP_DIRECTORY;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return follow_dotdot(nd);
	return walk_component(nd, name, len, last, slash);
}

static int walk_start(struct nameidata *nd, struct fs_struct *fs, const struct path *base,
		      const char *name, unsigned flags)
{
	memset(nd, 0, sizeof(*nd));
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	nd->fs = fs;
	nd->flags = flags;
	nd->name = name;
	nd->path = *name == '/' ? fs->root : base ? *base : fs->cwd;
	path_get(&nd->path);
	return 0;
}

static int walk_run(struct nameidata *nd)
{
	bool done = false;
	int err = 0;

	while (!done && err == 0)
		err = walk_step(nd, &done);
	while (nd->depth > 0)
		kfree(nd->levels[--nd->depth].text);
	if (err == 0 && (nd->flags & LOOKUP_MOUNTPOINT))
		follow_mount(&nd->path);
	if (err == 0 && (nd->flags & LOOKUP_DIRECTORY) && !(nd->flags & LOOKUP_PARENT) &&
	    !S_ISDIR(nd->path.dentry->inode->mode))
		err = -ENOTDIR;
	if (err < 0)
		path_put(&nd->path);
	return err;
}

int path_walk(struct fs_struct *fs, const struct path *base, const char *name, unsigned flags,
	      struct path *ret_path)
{
	struct nameidata *nd = kmalloc(sizeof(*nd));
	int err;

	if (!nd)
		return -ENOMEM;
	err = walk_start(nd, fs, base, name, flags & ~LOOKUP_PARENT);
	if (err == 0)
		err = walk_run(nd);
	if (err == 0)
		*ret_path = nd->path;
	kfree(nd);
	return err;
}

int path_parent(struct fs_struct *fs, const struct path *base, const char *name,
		struct path *ret_dir, const char **ret_last, size_t *ret_len)
{
	struct nameidata *nd = kmalloc(sizeof(*nd));
	int err;

	if (!nd)
		return -ENOMEM;
	err = walk_start(nd, fs, base, name, LOOKUP_PARENT);
	if (err == 0)
		err = walk_run(nd);
	if (err == 0) {
		*ret_dir = nd->path;
		*ret_last = nd->last ? nd->last : "";
		*ret_len = nd->last_len;
	}
	kfree(nd);
	return err;
}

/* Put TEXT in front of what stands at *POS: false when there is no room. */
static bool prepend(char *buf, char **pos, const char *text, size_t len)
{
	if ((size_t)(*pos - buf) < len)
		return false;
	*pos -= len;
	memcpy(*pos, text, len);
	return true;
}

char *path_text(const struct path *path, const struct path *root, char *buf, size_t size)
{
	static const char lost[] = "(unreachable)";
	const struct mount *mnt = path->mnt;
	const struct dentry *dentry = path->dentry;
	char *pos = buf + size - 1;
	bool room = true, reached = true, empty = true;

	*pos = '\0';
	if (dentry->unhashed && dentry->parent != dentry)
		room = prepend(buf, &pos, " (deleted)", 10);
	if (mnt == NULL || mnt->sb->internal) {
		room = room && prepend(buf, &pos, dentry->name, dentry->len);
		return room ? pos : NULL;
	}
	while (mnt != root->mnt || dentry != root->dentry) {
		if (dentry == mnt->root || dentry->parent == dentry) {
			if (mnt->parent == mnt || dentry != mnt->root) {
				reached = false;
				break;
			}
			dentry = mnt->mountpoint;
			mnt = mnt->parent;
			continue;
		}
		room = room && prepend(buf, &pos, dentry->name, dentry->len) &&
		       prepend(buf, &pos, "/", 1);
		empty = false;
		dentry = dentry->parent;
	}
	if (empty)
		room = room && prepend(buf, &pos, "/", 1);
	if (!reached)
		room = room && prepend(buf, &pos, lost, sizeof(lost) - 1);
	return room ? pos : NULL;
}
