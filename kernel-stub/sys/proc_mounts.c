/* SPDX-License-Identifier: MIT */
/*
 * mounts and mountinfo: the mount tree as a task sees it.  The bottom of the tree is shown as
 * well, on "/", so that one sees what the final root lies over; mounts that the task cannot
 * reach are not.
 */
#include "proc.h"

struct flag_name {
	unsigned flag;
	const char *name;
};

static const struct flag_name mount_flags[] = {
	{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" },
	{ MS_NOATIME, ",noatime" }, { MS_RELATIME, ",relatime" },
};

static void add_flags(struct text *text, const struct mount *mnt)
{
	for (unsigned i = 0; i < sizeof(mount_flags) / sizeof(mount_flags[0]); i++)
		if (mnt->flags & mount_flags[i].flag)
			text_add(text, "%s", mount_flags[i].name);
}

static void add_options(struct text *text, struct super_block *sb)
{
	char options[128] = "";

	if (sb->ops->show_options)
		sb->ops->show_options(sb, options, sizeof(options));
	text_add(text, "%s", options);
}

/* A bind of a directory that was removed: path_text() says so at the end of BUF, a place does not. */
static bool removed_mark_take(char *buf, size_t size)
{
	static const char mark[] = " (deleted)";
	char *at = buf + size - sizeof(mark);

	if (size < sizeof(mark) || memcmp(at, mark, sizeof(mark)) != 0)
		return false;
	*at = '\0';
	return true;
}

/* Where MNT sits, as seen from the root of FS; NULL when it cannot be reached. Points into BUF. */
static const char *place_of(struct mount *mnt, const struct fs_struct *fs, char *buf, size_t size)
{
	const struct path place = { mnt, mnt->root };
	const char *text;

	if (mnt->parent == mnt)
		return "/";
	text = path_text(&place, &fs->root, buf, size);
	if (text)
		removed_mark_take(buf, size);
	return text && text[0] == '/' ? text : NULL;
}

/* The root of MNT in its file system. */
static void add_root(struct text *text, const struct mount *mnt, char *buf, size_t size)
{
	struct mount whole = *mnt;
	struct path place = { &whole, mnt->root }, root = { &whole, mnt->sb->root };
	const char *name;

	whole.root = mnt->sb->root;
	name = path_text(&place, &root, buf, size);
	if (name && mnt->root->unhashed && removed_mark_take(buf, size)) {
		text_escaped(text, name);
		text_add(text, "//deleted");	/* as Linux puts it */
		return;
	}
	text_escaped(text, name ? name : "/");
}

static const char *access_text(bool readonly)
{
	return readonly ? "ro" : "rw";
}

static void add_mount(struct text *text, struct mount *mnt, const char *place)
{
	text_escaped(text, mnt->source);
	text_add(text, " ");
	text_escaped(text, place);
	text_add(text, " %s %s", mnt->sb->type->name, access_text(mnt_want_write(mnt) < 0));
	add_flags(text, mnt);
	add_options(text, mnt->sb);
	text_add(text, " 0 0\n");
}

static void add_mountinfo(struct text *text, struct mount *mnt, const char *place, char *buf,
			  size_t size)
{
	const struct super_block *sb = mnt->sb;

	text_add(text, "%d %d %u:%u ", mnt->id, mnt->parent->id, MAJOR(sb->dev), MINOR(sb->dev));
	add_root(text, mnt, buf, size);
	text_add(text, " ");
	text_escaped(text, place);
	text_add(text, " %s", access_text(mnt->flags & MS_RDONLY));
	add_flags(text, mnt);
	text_add(text, " - %s ", sb->type->name);
	text_escaped(text, mnt->source);
	text_add(text, " %s", access_text(sb->flags & SB_RDONLY));
	add_options(text, mnt->sb);
	text_add(text, "\n");
}

static int show(struct text *text, struct task *task, bool info)
{
	struct list *pos;
	char *bufs;

	if (!task->ns || !task->fs)
		return -EINVAL;
	bufs = kmalloc(2 * PATH_MAX);
	if (!bufs)
		return -ENOMEM;
	list_for_each(pos, &task->ns->mounts) {
		struct mount *mnt = list_entry(pos, struct mount, ns_list);
		const char *place = place_of(mnt, task->fs, bufs, PATH_MAX);

		if (place && info)
			add_mountinfo(text, mnt, place, bufs + PATH_MAX, PATH_MAX);
		else if (place)
			add_mount(text, mnt, place);
	}
	kfree(bufs);
	return 0;
}

int proc_show_mounts(struct text *text, struct task *task)
{
	return show(text, task, false);
}

int proc_show_mountinfo(struct text *text, struct task *task)
{
	return show(text, task, true);
}
