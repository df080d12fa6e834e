/* SPDX-License-Identifier: MIT */
/*
 * The absolute root: a ramfs whose files lie where the loader put them, in the archive.
 *
 * Each page of the archive came with one reference.  Pages that no file uses are given back at
 * once; a page goes when the last file that lies in it does.  Neighbours in the archive tell
 * who shares the first and the last page, so nothing is counted and no data are touched.
 */
#include <overmount/fmt.h>

#include "ramfs.h"

#include "task.h"

struct ramfs_archive {
	uint8_t *data;			/* page-aligned */
	uint64_t pages;
	unsigned count;			/* files, and the one who fills */
	bool filling;			/* put_gaps() is still to come */
	struct list files;		/* struct ramfs_in_place, by address */
};

static uint64_t first_page(const struct ramfs_in_place *file)
{
	return (uint64_t)(file->data - file->archive->data) / PAGE_SIZE;
}

/* One past the last. */
static uint64_t end_page(const struct ramfs_in_place *file)
{
	return ((uint64_t)(file->data - file->archive->data) + file->len + PAGE_SIZE - 1) / PAGE_SIZE;
}

static void put_pages(struct ramfs_archive *archive, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		page_put(archive->data + from * PAGE_SIZE);
}

static void archive_put(struct ramfs_archive *archive)
{
	if (--archive->count == 0)
		kfree(archive);
}

void ramfs_in_place_release(struct ramfs_in_place *file)
{
	struct ramfs_archive *archive = file->archive;
	uint64_t from = first_page(file), to = end_page(file);

	if (file->list.prev != &archive->files) {
		struct ramfs_in_place *prev = list_entry(file->list.prev, struct ramfs_in_place, list);

		if (end_page(prev) > from)
			from = end_page(prev);
	}
	if (file->list.next != &archive->files) {
		struct ramfs_in_place *next = list_entry(file->list.next, struct ramfs_in_place, list);

		if (first_page(next) < to)
			to = first_page(next);
	}
	list_del(&file->list);
	if (!archive->filling)
		put_pages(archive, from, to);
	kfree(file);
	archive_put(archive);
}

int ramfs_in_place_attach(struct ramfs_archive *archive, struct inode *inode, uint64_t offset,
			  uint64_t len)
{
	struct ramfs_inode *ri = ramfs_i(inode);
	struct ramfs_in_place *file;
	int64_t pages = (int64_t)((len + PAGE_SIZE - 1) / PAGE_SIZE);

	if (len > RAMFS_SIZE_MAX)
		return -EFBIG;
	if (offset > archive->pages * PAGE_SIZE || len > archive->pages * PAGE_SIZE - offset)
		return -EINVAL;
	file = kzalloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->archive = archive;
	file->data = archive->data + offset;
	file->len = len;
	/* Members are read from the front to the end. */
	list_add_tail(&file->list, &archive->files);
	archive->count++;
	ri->in_place = file;
	ri->in_place_len = len;
	inode->size = len;
	inode->sb->data_pages += (uint64_t)pages;
	inode->blocks += (uint64_t)pages * (PAGE_SIZE / 512);
	return 0;
}

/* Give back what lies between the files. */
static void put_gaps(struct ramfs_archive *archive)
{
	struct list *pos;
	uint64_t done = 0;

	list_for_each(pos, &archive->files) {
		struct ramfs_in_place *file = list_entry(pos, struct ramfs_in_place, list);

		put_pages(archive, done, first_page(file));
		if (end_page(file) > done)
			done = end_page(file);
	}
	put_pages(archive, done, archive->pages);
}

int ramfs_populate(struct super_block *sb, void *data, uint64_t len, char *ret_what, size_t size)
{
	const struct om_source source = { .base = data, .size = len, .name = "absolute root" };
	struct ramfs_archive *archive = kzalloc(sizeof(*archive));
	struct ramfs_build build = { .sb = sb, .source = &source, .archive = archive };
	int err;

	if (!archive) {
		om_format(ret_what, size, "out of memory");
		for (uint64_t at = 0; at < len; at += PAGE_SIZE)
			page_put((uint8_t *)data + at);
		return -ENOMEM;
	}
	archive->data = data;
	archive->pages = (len + PAGE_SIZE - 1) / PAGE_SIZE;
	archive->count = 1;
	archive->filling = true;
	list_init(&archive->files);
	err = ramfs_build_archive(&build, false, ret_what, size);
	ramfs_build_end(&build);
	put_gaps(archive);
	archive->filling = false;
	archive_put(archive);
	return err;
}

/* -- reaping ------------------------------------------------------------------------------------- */

/* Late boot's own: what a skeleton keeps. */
static const char *const skeleton[] = { "dev", "dev/console", "dev/null", "root", "dev/root" };

static bool is_skeleton(const struct dentry *dentry)
{
	char text[NAME_MAX + 8];
	const struct dentry *parent = dentry->parent;

	if (parent->parent == parent)
		om_format(text, sizeof(text), "%s", dentry->name);
	else if (parent->parent->parent == parent->parent)
		om_format(text, sizeof(text), "%s/%s", parent->name, dentry->name);
	else
		return false;
	for (unsigned i = 0; i < sizeof(skeleton) / sizeof(skeleton[0]); i++)
		if (strcmp(text, skeleton[i]) == 0)
			return true;
	return false;
}

/* Take DENTRY out of its directory as unlink or rmdir would. */
static void reap_one(struct dentry *dentry)
{
	struct inode *inode = dentry->inode;

	if (S_ISDIR(inode->mode)) {
		inode->nlink = 0;
		dentry->parent->inode->nlink--;
	} else {
		inode->nlink--;
	}
	inode_touch(dentry->parent->inode);
	d_drop(dentry);
}

/* The first dentry below DENTRY when children come before their parents. */
static struct dentry *deepest(struct dentry *dentry)
{
	while (!list_empty(&dentry->children))
		dentry = list_entry(dentry->children.next, struct dentry, sibling);
	return dentry;
}

void ramfs_reap(struct super_block *sb, bool keep_skeleton)
{
	struct dentry *root = sb->root, *dentry = deepest(root), *next;

	if (sb->ops != &ramfs_super_ops)
		return;
	while (dentry != root) {
		struct dentry *parent = dentry->parent;
		bool keep = dentry->mounts != 0 || !dentry->inode || !list_empty(&dentry->children) ||
			    (keep_skeleton && is_skeleton(dentry));

		if (dentry->sibling.next != &parent->children)
			next = deepest(list_entry(dentry->sibling.next, struct dentry, sibling));
		else
			next = parent;
		if (!keep)
			reap_one(dentry);
		dentry = next;
	}
}

/* -- memfd: files of a ramfs that no tree shows ------------------------------------------------------- */

static const struct file_system_type memfd_type = { .name = "memfd" };

static struct super_block *memfd_sb;

/* Before the first program, so that what it takes for good is not counted as lost. */
int memfd_init(void)
{
	int err = ramfs_mount_common(&memfd_type, 0, TMPFS_MAGIC, 0, &ramfs_dir_ops, &memfd_sb);

	if (err == 0)
		memfd_sb->internal = true;
	return err;
}

int memfd_create_file(const char *name, unsigned flags, struct file **ret_file)
{
	struct inode *inode;
	char shown[NAME_MAX + 16];

	inode = ramfs_inode_new(memfd_sb, S_IFREG | 0777, 0);
	if (!inode)
		return -ENOMEM;
	inode->nlink = 0;
	om_format(shown, sizeof(shown), "/memfd:%s (deleted)", name);
	return file_open_inode(inode, shown, flags, ret_file);
}
