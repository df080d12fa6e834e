/* SPDX-License-Identifier: MIT */
/*
 * Dentries: names in directories, and a bounded cache of those nobody uses.
 *
 * A child holds a reference on its parent.  A dentry of a ramfs is pinned by one reference
 * while it is in its directory; any other goes to the list of the unused with its last
 * reference, and from there away when the list grows too long or its file system is unmounted.
 */
#include "internal.h"

#define BUCKETS		8192u	/* few names in each, also with 100,000 in a ramfs */
#define UNUSED_MAX	384u

static struct list buckets[BUCKETS];
static struct list unused;
static unsigned unused_count;
static uint64_t last_cookie = 2;	/* 0 and 1 are . and .. */
unsigned dentry_total;

static struct list *bucket_of(const struct dentry *parent, const char *name, size_t len)
{
	uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)parent >> 5);

	if (!buckets[0].next) {
		for (unsigned i = 0; i < BUCKETS; i++)
			list_init(&buckets[i]);
		list_init(&unused);
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return &buckets[(hash ^ hash >> 15) % BUCKETS];
}

static struct dentry *d_new(struct super_block *sb, const char *name, size_t len)
{
	struct dentry *dentry = kzalloc(sizeof(*dentry));

	if (!dentry)
		return NULL;
	dentry->name = kstrndup(name, len);
	if (!dentry->name) {
		kfree(dentry);
		return NULL;
	}
	dentry->len = (uint16_t)len;
	dentry->sb = sb;
	dentry->count = 1;
	dentry->parent = dentry;
	list_init(&dentry->children);
	list_init(&dentry->sibling);
	list_init(&dentry->hash);
	list_init(&dentry->lru);
	sb->dentry_count++;
	if (!sb->internal)
		dentry_total++;
	return dentry;
}

struct dentry *d_make_root(struct super_block *sb, struct inode *inode)
{
	struct dentry *root = d_new(sb, "/", 1);

	if (root)
		root->inode = inode;
	return root;
}

struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *dentry;

	if (len > NAME_MAX)
		return NULL;
	dentry = d_new(parent->sb, name, len);
	if (!dentry)
		return NULL;
	dentry->parent = dget(parent);
	dentry->cookie = ++last_cookie;
	list_add_tail(&dentry->sibling, &parent->children);
	list_add(&dentry->hash, bucket_of(parent, name, len));
	return dentry;
}

void d_instantiate(struct dentry *dentry, struct inode *inode)
{
	dentry->inode = inode;
	if (inode && dentry->sb->ops->keep_dentries && !dentry->pinned) {
		dentry->pinned = true;
		dentry->count++;
	}
}

struct dentry *dget(struct dentry *dentry)
{
	if (dentry->count++ == 0 && !list_empty(&dentry->lru)) {
		list_del(&dentry->lru);
		unused_count--;
	}
	return dentry;
}

/* Free DENTRY, which has no references and no children: its parent, to be put, or NULL. */
static struct dentry *d_free(struct dentry *dentry)
{
	struct dentry *parent = dentry->parent != dentry ? dentry->parent : NULL;
	struct super_block *sb = dentry->sb;

	BUG_ON(dentry->mounts != 0 || !list_empty(&dentry->children));
	if (!list_empty(&dentry->lru)) {
		list_del(&dentry->lru);
		unused_count--;
	}
	list_del(&dentry->sibling);
	list_del(&dentry->hash);
	if (dentry->inode)
		iput(dentry->inode);
	sb->dentry_count--;
	if (!sb->internal)
		dentry_total--;
	kfree(dentry->name);
	kfree(dentry);
	return parent;
}

static bool d_worth_keeping(const struct dentry *dentry)
{
	return dentry->inode && !dentry->unhashed && dentry->parent != dentry &&
	       dentry->inode->nlink != 0 && !dentry->sb->ops->drop_dentries &&
	       !dentry->sb->ops->keep_dentries;
}

void dput(struct dentry *dentry)
{
	while (dentry) {
		BUG_ON(dentry->count == 0);
		if (--dentry->count != 0)
			return;
		if (!d_worth_keeping(dentry)) {
			dentry = d_free(dentry);
			continue;
		}
		list_add_tail(&dentry->lru, &unused);
		if (++unused_count <= UNUSED_MAX)
			return;
		dentry = d_free(list_entry(unused.next, struct dentry, lru));
	}
}

struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len)
{
	struct list *bucket = bucket_of(parent, name, len);
	struct list *pos;

	list_for_each(pos, bucket) {
		struct dentry *dentry = list_entry(pos, struct dentry, hash);

		if (dentry->parent == parent && dentry->len == len &&
		    memcmp(dentry->name, name, len) == 0)
			return dget(dentry);
	}
	return NULL;
}

void d_drop(struct dentry *dentry)
{
	if (dentry->unhashed)
		return;
	dentry->unhashed = true;
	list_del(&dentry->hash);
	list_del(&dentry->sibling);
	if (dentry->pinned) {
		dentry->pinned = false;
		dput(dentry);
	}
}

/* The names change places, so that nothing can fail once the file system has done its part. */
void d_move(struct dentry *dentry, struct dentry *target)
{
	struct dentry *old_parent = dentry->parent;
	char *name = target->name;
	size_t len = target->len;

	target->name = dentry->name;
	target->len = dentry->len;
	dentry->name = name;
	dentry->len = len;
	dentry->parent = dget(target->parent);
	list_del(&dentry->sibling);
	list_del(&dentry->hash);
	dentry->cookie = ++last_cookie;
	list_add_tail(&dentry->sibling, &dentry->parent->children);
	d_drop(target);
	list_add(&dentry->hash, bucket_of(dentry->parent, name, dentry->len));
	dput(old_parent);
}

unsigned d_shrink(struct super_block *sb)
{
	unsigned freed = 0;
	bool again = unused.next != NULL;

	/* Freeing a child may make its parent unused: until nothing is left. */
	while (again) {
		struct list *pos, *next;

		again = false;
		for (pos = unused.next; pos != &unused; pos = next) {
			struct dentry *dentry = list_entry(pos, struct dentry, lru);
			struct dentry *parent;

			next = pos->next;
			if (sb && dentry->sb != sb)
				continue;
			parent = d_free(dentry);
			freed++;
			again = true;
			if (parent)
				dput(parent);
			break;
		}
	}
	return freed;
}

int d_find(struct dentry *dir, const char *name, size_t len, struct dentry **ret_dentry)
{
	struct dentry *dentry;
	int err = 0;

	if (!dir->inode || !S_ISDIR(dir->inode->mode))
		return -ENOTDIR;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	dentry = d_lookup(dir, name, len);
	if (!dentry) {
		if (dir->unhashed || dir->inode->nlink == 0)
			return -ENOENT;
		dentry = d_alloc(dir, name, len);
		if (!dentry)
			return -ENOMEM;
		if (dir->inode->ops->lookup)
			err = dir->inode->ops->lookup(dir->inode, dentry);
		if (err < 0) {
			dput(dentry);
			return err;
		}
	}
	*ret_dentry = dentry;
	return 0;
}

bool d_is_below(const struct dentry *dentry, const struct dentry *top)
{
	while (dentry != top && dentry->parent != dentry)
		dentry = dentry->parent;
	return dentry == top;
}

bool dir_dots(struct file *file, struct dir_sink *sink)
{
	struct dentry *dir = file->path.dentry;

	if (file->pos == 0) {
		if (sink->entry(sink, ".", 1, dir->inode->ino, S_IFDIR, 1))
			return false;
		file->pos = 1;
	}
	if (file->pos == 1) {
		if (sink->entry(sink, "..", 2, dir->parent->inode->ino, S_IFDIR, 2))
			return false;
		file->pos = 2;
	}
	return true;
}
