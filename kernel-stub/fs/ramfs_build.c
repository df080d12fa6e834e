/* SPDX-License-Identifier: MIT */
/* From the members of a cpio or tar archive to the nodes of a ramfs. */
#include <overmount/fmt.h>

#include "ramfs.h"

#define COPY_STEP PAGE_SIZE

struct ramfs_link {
	uint64_t id;			/* om_member.link_id */
	struct inode *inode;
	struct ramfs_link *left, *right;
};

/* Ids of a cpio archive ascend as a rule, so they are spread first. */
static uint64_t spread(uint64_t id)
{
	id ^= id >> 31;
	return id * UINT64_C(0x9e3779b97f4a7c15);
}

static struct ramfs_link **link_slot(struct ramfs_build *build, uint64_t id)
{
	struct ramfs_link **slot = &build->links;

	while (*slot && (*slot)->id != id)
		slot = id < (*slot)->id ? &(*slot)->left : &(*slot)->right;
	return slot;
}

static int link_remember(struct ramfs_build *build, uint64_t id, struct inode *inode)
{
	struct ramfs_link **slot = link_slot(build, id);
	struct ramfs_link *link;

	if (*slot)
		return 0;
	link = kzalloc(sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->id = id;
	link->inode = inode;
	inode->count++;
	*slot = link;
	return 0;
}

void ramfs_build_end(struct ramfs_build *build)
{
	struct ramfs_link *link = build->links;

	/* Rotate left branches away: a tree is taken down without recursion. */
	while (link) {
		struct ramfs_link *left = link->left;

		if (left) {
			link->left = left->right;
			left->right = link;
			link = left;
			continue;
		}
		left = link->right;
		iput(link->inode);
		kfree(link);
		link = left;
	}
	build->links = NULL;
}

/* The next component of *path; false at the end. */
static bool next_component(struct om_str *path, struct om_str *ret_name)
{
	size_t len = 0;

	for (;;) {
		while (path->len && path->ptr[0] == '/')
			*path = om_str_skip(*path, 1);
		if (path->len >= 1 && path->ptr[0] == '.' &&
		    (path->len == 1 || path->ptr[1] == '/'))
			*path = om_str_skip(*path, 1);
		else
			break;
	}
	while (len < path->len && path->ptr[len] != '/')
		len++;
	*ret_name = (struct om_str){ path->ptr, len };
	*path = om_str_skip(*path, len);
	return len > 0;
}

static bool is_last(struct om_str rest)
{
	struct om_str name;

	return !next_component(&rest, &name);
}

/*
 * The dentry of PATH, negative when it is not there, with a reference.  With MAKE missing
 * directories on the way are made.
 */
static int build_find(struct ramfs_build *build, struct om_str path, bool make,
		      struct dentry **ret_dentry)
{
	struct dentry *dentry = dget(build->sb->root), *child;
	struct om_str name;
	int err = 0;

	while (next_component(&path, &name)) {
		if (name.len == 2 && name.ptr[0] == '.' && name.ptr[1] == '.')
			err = -EINVAL;
		else
			err = d_find(dentry, name.ptr, name.len, &child);
		if (err < 0)
			break;
		if (!child->inode && !is_last(path))
			err = make ? ramfs_make(dentry->inode, child, S_IFDIR | 0755, 0) : -ENOENT;
		dput(dentry);
		dentry = child;
		if (err < 0)
			break;
	}
	if (err < 0) {
		dput(dentry);
		return err;
	}
	*ret_dentry = dentry;
	return 0;
}

/* Take what is in the way out of its directory: *dentry is a fresh negative one then. */
static int build_clear(struct dentry **dentry)
{
	struct dentry *old = *dentry, *parent = old->parent, *fresh = NULL;
	const struct inode_ops *ops = parent->inode->ops;
	int err;

	if (parent == old)
		return -EEXIST;
	err = S_ISDIR(old->inode->mode) ? ops->rmdir(parent->inode, old)
					: ops->unlink(parent->inode, old);
	if (err < 0)
		return err;
	d_drop(old);
	err = d_find(parent, old->name, old->len, &fresh);
	dput(old);
	*dentry = fresh;
	return err;
}

static int copy_data(struct ramfs_build *build, struct inode *inode,
		     const struct om_member *member)
{
	struct file file = { .inode = inode };
	uint64_t pos = 0;
	char *buf;
	int err = 0;

	buf = kmalloc(COPY_STEP);
	if (!buf)
		return -ENOMEM;
	while (pos < member->size && err == 0) {
		uint64_t left = member->size - pos, at = member->data_offset + pos;
		size_t step = left < COPY_STEP ? (size_t)left : COPY_STEP;
		const void *from = buf;
		struct uio uio;
		long n;

		if (build->source->base)
			from = build->source->base + at;
		else if (build->source->read_at(build->source->ctx, at, buf, step) != OM_OK)
			err = -EIO;
		uio = uio_kernel(from, step);
		n = err < 0 ? err : inode->fops->write(&file, &uio, &pos);
		if (n < 0)
			err = (int)n;
	}
	kfree(buf);
	return err;
}

static int fill(struct ramfs_build *build, struct inode *inode, const struct om_member *member)
{
	int err = 0;

	if (inode->size > 0)
		err = ramfs_truncate(inode, 0);
	if (err == 0)
		err = build->archive ? ramfs_in_place_attach(build->archive, inode,
							     member->data_offset, member->size)
				     : copy_data(build, inode, member);
	return err;
}

static int make_link_text(struct inode *dir, struct dentry *dentry, struct om_str text)
{
	char *copy = kmalloc(text.len + 1);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	err = dir->ops->symlink(dir, dentry, copy);
	kfree(copy);
	return err;
}

static void set_attributes(struct inode *inode, const struct om_member *member)
{
	inode->mode = (inode->mode & S_IFMT) | (member->mode & 07777);
	inode->uid = member->uid;
	inode->gid = member->gid;
	inode->atime = inode->mtime = inode->ctime = (struct timespec64){ member->mtime, 0 };
}

/* Another name of a file that is there already; *ret_done false when it is not. */
static int build_hard_link(struct ramfs_build *build, const struct om_member *member,
			   struct dentry *dentry, bool *ret_done)
{
	struct inode *inode = NULL;
	struct dentry *target = NULL;
	int err = 0;

	if (member->hard_link) {
		err = build_find(build, member->link, false, &target);
		if (err < 0)
			return err;
		inode = target->inode;
		err = !inode ? -ENOENT : S_ISDIR(inode->mode) ? -EPERM : 0;
	} else if (member->link_id != 0) {
		struct ramfs_link *link = *link_slot(build, spread(member->link_id));

		inode = link ? link->inode : NULL;
	}
	*ret_done = inode != NULL;
	if (err == 0 && inode)
		err = dentry->parent->inode->ops->link(inode, dentry->parent->inode, dentry);
	if (err == 0 && inode && !member->hard_link && member->size > 0 && S_ISREG(inode->mode))
		err = fill(build, inode, member);
	if (err == 0 && inode)
		inode->mtime = inode->ctime = (struct timespec64){ member->mtime, 0 };
	if (target)
		dput(target);
	return err;
}

static int build_node(struct ramfs_build *build, const struct om_member *member,
		      struct dentry *dentry)
{
	struct inode *dir = dentry->parent->inode;
	struct timespec64 times[2] = { dir->mtime, dir->ctime };
	bool linked = false;
	int err = build_hard_link(build, member, dentry, &linked);

	if (err < 0 || linked)
		goto out;
	if (S_ISLNK(member->mode))
		err = make_link_text(dir, dentry, member->link);
	else
		err = ramfs_make(dir, dentry, member->mode & (S_IFMT | 07777),
				 MKDEV(member->rdev_major, member->rdev_minor));
	if (err == 0 && S_ISREG(member->mode) && member->size > 0)
		err = fill(build, dentry->inode, member);
	if (err == 0)
		set_attributes(dentry->inode, member);
	if (err == 0 && member->link_id != 0 && !S_ISDIR(member->mode))
		err = link_remember(build, spread(member->link_id), dentry->inode);
out:
	/* A directory keeps the times that its own member gave it. */
	dir->mtime = times[0];
	dir->ctime = times[1];
	return err;
}

int ramfs_build_member(struct ramfs_build *build, const struct om_member *member)
{
	struct dentry *dentry;
	int err;

	if (!(member->mode & S_IFMT))
		return -EINVAL;
	err = build_find(build, member->path, true, &dentry);
	if (err < 0)
		return err;
	if (dentry->inode && S_ISDIR(dentry->inode->mode) && S_ISDIR(member->mode)) {
		set_attributes(dentry->inode, member);
		goto out;
	}
	if (dentry->inode)
		err = build_clear(&dentry);
	if (err == 0)
		err = build_node(build, member, dentry);
out:
	if (dentry)
		dput(dentry);
	return err;
}

/* -- a whole archive ----------------------------------------------------------------------------- */

static void *mem_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return kmalloc(size);
}

static void mem_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx, (void)size;
	kfree(ptr);
}

static int status_error(enum om_status status)
{
	switch (status) {
	case OM_NO_MEMORY:
		return -ENOMEM;
	case OM_IO:
		return -EIO;
	case OM_UNSUPPORTED:
	case OM_VERSION:
		return -ENOSYS;
	default:
		return -EINVAL;
	}
}

int ramfs_build_archive(struct ramfs_build *build, bool tar, char *what, size_t size)
{
	const struct om_mem mem = { mem_alloc, mem_free, NULL };
	struct om_archive_reader reader;
	struct om_diag *diag = kzalloc(sizeof(*diag));
	struct om_arena arena;
	enum om_status status;
	struct om_member member;
	bool more = true;
	int err = 0;

	if (!diag) {
		om_format(what, size, "out of memory");
		return -ENOMEM;
	}
	om_arena_init(&arena, &mem);
	status = (tar ? om_tar_open : om_cpio_open)(&reader, build->source, &arena, diag);
	while (status == OM_OK && err == 0) {
		status = (tar ? om_tar_next : om_cpio_next)(&reader, &member, &more);
		if (status != OM_OK || !more)
			break;
		err = ramfs_build_member(build, &member);
		if (err < 0)
			om_format(what, size, "%.*s: error %d", (int)member.path.len,
				  member.path.ptr, -err);
	}
	if (status != OM_OK) {
		om_format(what, size, "%s", diag->text[0] ? diag->text : om_status_text(status));
		err = status_error(status);
	}
	om_arena_release(&arena);
	kfree(diag);
	return err;
}
