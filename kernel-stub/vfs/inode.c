/* SPDX-License-Identifier: MIT */
/* Inodes: found by number, counted, and gone with their last reference. */
#include "internal.h"

#define BUCKETS 512u

static struct list buckets[BUCKETS];
unsigned inode_total;

static struct list *bucket_of(const struct super_block *sb, uint64_t ino)
{
	if (!buckets[0].next)
		for (unsigned i = 0; i < BUCKETS; i++)
			list_init(&buckets[i]);
	return &buckets[(ino ^ (uintptr_t)sb >> 6) % BUCKETS];
}

struct timespec64 time_now(void)
{
	return (struct timespec64){ (int64_t)clock_unix(), (int64_t)(clock_ns() % 1000000000u) };
}

void inode_touch(struct inode *inode)
{
	inode->mtime = inode->ctime = time_now();
}

struct inode *inode_new(struct super_block *sb)
{
	struct inode *inode = kzalloc(sizeof(*inode));

	if (!inode)
		return NULL;
	inode->sb = sb;
	inode->count = 1;
	inode->nlink = 1;
	list_init(&inode->hash);
	list_add_tail(&inode->sb_list, &sb->inodes);
	sb->inode_count++;
	if (!sb->internal)
		inode_total++;
	return inode;
}

struct inode *iget(struct super_block *sb, uint64_t ino, bool *ret_new)
{
	struct list *bucket = bucket_of(sb, ino);
	struct inode *inode;
	struct list *pos;

	list_for_each(pos, bucket) {
		inode = list_entry(pos, struct inode, hash);
		if (inode->sb == sb && inode->ino == ino) {
			inode->count++;
			*ret_new = false;
			return inode;
		}
	}
	inode = inode_new(sb);
	if (!inode)
		return NULL;
	inode->ino = ino;
	list_add(&inode->hash, bucket);
	*ret_new = true;
	return inode;
}

void iput(struct inode *inode)
{
	struct super_block *sb;

	if (!inode)
		return;
	BUG_ON(inode->count == 0);
	if (--inode->count != 0)
		return;
	sb = inode->sb;
	page_cache_free(inode);
	pipe_free(inode);
	if (sb->ops && sb->ops->evict_inode)
		sb->ops->evict_inode(inode);
	list_del(&inode->hash);
	list_del(&inode->sb_list);
	sb->inode_count--;
	if (!sb->internal)
		inode_total--;
	kfree(inode);
}

/* Is the running task in group GID? */
static bool in_group(uint32_t gid)
{
	if (current->egid == gid)
		return true;
	for (unsigned i = 0; i < current->group_count; i++)
		if (current->groups[i] == gid)
			return true;
	return false;
}

int inode_permission(const struct inode *inode, int mask)
{
	uint32_t mode = inode->mode;

	if (!current || current->euid == 0) {
		/* Root may everything, but what nobody may execute is no program. */
		if ((mask & MAY_EXEC) && !S_ISDIR(mode) && !(mode & 0111))
			return -EACCES;
		return 0;
	}
	if (current->euid == inode->uid)
		mode >>= 6;
	else if (in_group(inode->gid))
		mode >>= 3;
	return ((uint32_t)mask & ~mode & 7) ? -EACCES : 0;
}

long vfs_readlink(struct inode *inode, char *buf, size_t size)
{
	if (!S_ISLNK(inode->mode) || !inode->ops->readlink)
		return -EINVAL;
	return inode->ops->readlink(inode, buf, size);
}
