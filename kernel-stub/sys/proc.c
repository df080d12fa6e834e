/* SPDX-License-Identifier: MIT */
/*
 * proc: its tree.  Nothing is kept: an inode number says which file of which task (or which
 * descriptor of it) is meant, and dentries go when nobody uses them.
 */
#include <overmount/fmt.h>

#include "proc.h"

#define PROC_MAGIC 0x9fa0u
#define PROC_WRITE_MAX PAGE_SIZE

enum proc_kind {
	PROC_ROOT, PROC_SYSTEM, PROC_SYS, PROC_SYS_KERNEL, PROC_KERNEL, PROC_TASK, PROC_TASK_FILE,
	PROC_FDS, PROC_FD,
};

/* ino = PID, kind, index; the root is 1. */
static uint64_t make_ino(enum proc_kind kind, int pid, unsigned index)
{
	return (uint64_t)pid << 32 | (uint64_t)kind << 16 | (index + 1);
}

static enum proc_kind kind_of(const struct inode *inode)
{
	return (enum proc_kind)(inode->ino >> 16 & 0xff);
}

static unsigned index_of(const struct inode *inode)
{
	return (unsigned)(inode->ino & 0xffff) - 1;
}

static struct task *task_of(const struct inode *inode)
{
	int pid = (int)(inode->ino >> 32);
	struct task *task = pid ? task_find(pid) : NULL;

	return task && task->state != TASK_FREE ? task : NULL;
}

static const struct proc_file *file_of(const struct inode *inode)
{
	switch (kind_of(inode)) {
	case PROC_SYSTEM:
		return &proc_system_files[index_of(inode)];
	case PROC_KERNEL:
		return &proc_kernel_files[index_of(inode)];
	case PROC_TASK_FILE:
		return &proc_task_files[index_of(inode)];
	default:
		return NULL;
	}
}

/* -- texts -------------------------------------------------------------------------------------- */

static bool text_room(struct text *text, size_t len)
{
	size_t size = text->size ? text->size : 512;
	char *buf;

	if (text->failed)
		return false;
	if (text->used + len < text->size)
		return true;
	while (size <= text->used + len)
		size *= 2;
	buf = kmalloc(size);
	if (!buf) {
		text->failed = true;
		return false;
	}
	if (text->used)
		memcpy(buf, text->buf, text->used);
	kfree(text->buf);
	text->buf = buf;
	text->size = size;
	return true;
}

void text_bytes(struct text *text, const void *bytes, size_t len)
{
	if (len == 0 || !text_room(text, len))
		return;
	memcpy(text->buf + text->used, bytes, len);
	text->used += len;
}

void text_add(struct text *text, const char *format, ...)
{
	char line[512];
	va_list args;
	size_t len;

	va_start(args, format);
	len = om_vformat(line, sizeof(line), format, args);
	va_end(args);
	text_bytes(text, line, len < sizeof(line) ? len : sizeof(line) - 1);
}

void text_escaped(struct text *text, const char *bytes)
{
	for (; *bytes; bytes++) {
		if (*bytes == ' ' || *bytes == '\t' || *bytes == '\n' || *bytes == '\\')
			text_add(text, "\\%d%d%d", *bytes >> 6 & 3, *bytes >> 3 & 7, *bytes & 7);
		else
			text_bytes(text, bytes, 1);
	}
}

/* -- files: the text is made by the first read, and kept until the file is closed ----------------- */

static long proc_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	const struct proc_file *entry = file_of(file->inode);
	struct text *text = file->private;
	struct task *task = task_of(file->inode);
	long n;
	int err;

	if (kind_of(file->inode) == PROC_TASK_FILE && !task)
		return -ESRCH;
	if (*pos == 0) {
		kfree(text->buf);
		*text = (struct text){ 0 };
		err = entry->show(text, task);
		if (err == 0 && text->failed)
			err = -ENOMEM;
		if (err < 0) {
			text->used = 0;
			return err;
		}
	}
	if (*pos >= text->used)
		return 0;
	n = uio_put(uio, text->buf + *pos, text->used - (size_t)*pos);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

/* A line or some, as one system call brought them. */
static long proc_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	const struct proc_file *entry = file_of(file->inode);
	size_t len = uio->left < PROC_WRITE_MAX ? uio->left : PROC_WRITE_MAX;
	char *bytes;
	long n;
	int err;

	if (!entry->write || (entry->exists && !entry->exists()))
		return -EACCES;
	bytes = kmalloc(len + 1);
	if (!bytes)
		return -ENOMEM;
	n = uio_get(uio, bytes, len);
	if (n > 0) {
		err = entry->write(bytes, (size_t)n, *pos == 0 && !(file->flags & O_APPEND));
		if (err < 0)
			n = err;
		else
			*pos += (uint64_t)n;
	}
	kfree(bytes);
	return n;
}

static int proc_open(struct inode *inode, struct file *file)
{
	const struct proc_file *entry = file_of(inode);

	if ((file->flags & O_ACCMODE) != O_RDONLY && (!entry || !entry->write))
		return -EACCES;
	file->private = kzalloc(sizeof(struct text));
	return file->private ? 0 : -ENOMEM;
}

static void proc_release(struct file *file)
{
	struct text *text = file->private;

	if (text)
		kfree(text->buf);
	kfree(text);
}

static const struct file_ops proc_file_ops = {
	.open = proc_open,
	.release = proc_release,
	.read = proc_read,
	.write = proc_write,
};

/* -- links ------------------------------------------------------------------------------------------- */

/* Another user's files are nobody's business. */
static int may_look(const struct task *task)
{
	return current->euid == 0 || current->euid == task->euid ? 0 : -EACCES;
}

static int fd_follow(struct task *task, unsigned fd, struct path *ret_path)
{
	struct file *file = fd_get(task->files, (int)fd);

	if (!file)
		return -ENOENT;
	*ret_path = file->path;
	path_get(ret_path);
	file_put(file);
	return 0;
}

static int proc_follow(struct inode *inode, struct path *ret_path)
{
	struct task *task = task_of(inode);
	int err;

	if (!task)
		return -ESRCH;
	err = may_look(task);
	if (err < 0)
		return err;
	if (kind_of(inode) == PROC_FD)
		return fd_follow(task, index_of(inode), ret_path);
	return file_of(inode)->follow(task, ret_path);
}

static long copy_out(const char *text, size_t len, char *buf, size_t size)
{
	if (len > size)
		len = size;
	memcpy(buf, text, len);
	return (long)len;
}

/* Where a magic link leads, as the reader would name it. */
static long proc_readlink_magic(struct inode *inode, char *buf, size_t size)
{
	struct path path;
	char *room = NULL, *text;
	long len = proc_follow(inode, &path);

	if (len < 0)
		return len;
	len = -ENOMEM;
	room = kmalloc(PATH_MAX);
	if (room) {
		text = path_text(&path, &current->fs->root, room, PATH_MAX);
		/* As Linux: only getcwd(2) says that a place is not below the root. */
		if (text && strlen(text) >= 14 && memcmp(text, "(unreachable)/", 14) == 0)
			text += 13;
		len = text ? copy_out(text, strlen(text), buf, size) : -ENAMETOOLONG;
	}
	kfree(room);
	path_put(&path);
	return len;
}

static long proc_readlink(struct inode *inode, char *buf, size_t size)
{
	struct text text = { 0 };
	long len = file_of(inode)->link(&text, task_of(inode));

	if (len == 0)
		len = text.failed ? -ENOMEM : copy_out(text.buf, text.used, buf, size);
	kfree(text.buf);
	return len;
}

/* A shell's ">" truncates; there is nothing to cut off. */
static int proc_truncate(struct inode *inode, uint64_t size)
{
	(void)inode, (void)size;
	return 0;
}

static const struct inode_ops proc_file_inode_ops = { .truncate = proc_truncate };
static const struct inode_ops proc_magic_ops = {
	.readlink = proc_readlink_magic,
	.follow = proc_follow,
};
static const struct inode_ops proc_link_ops = { .readlink = proc_readlink };

/* -- directories ---------------------------------------------------------------------------------------- */

static int proc_lookup(struct inode *dir, struct dentry *dentry);
static int proc_readdir(struct file *file, struct dir_sink *sink);

static const struct inode_ops proc_dir_ops = { .lookup = proc_lookup };
static const struct file_ops proc_dir_file_ops = { .readdir = proc_readdir };

static int proc_inode(struct super_block *sb, enum proc_kind kind, int pid, unsigned index,
		      uint32_t mode, struct inode **ret_inode)
{
	struct task *task = pid ? task_find(pid) : NULL;
	bool new;
	struct inode *inode = iget(sb, make_ino(kind, pid, index), &new);
	const struct proc_file *file;

	if (!inode)
		return -ENOMEM;
	inode->mode = mode;
	inode->uid = task ? task->euid : 0;
	inode->gid = task ? task->egid : 0;
	if (!new)
		goto done;
	inode->atime = inode->mtime = inode->ctime = time_now();
	if (S_ISDIR(mode)) {
		inode->nlink = 2;
		inode->ops = &proc_dir_ops;
		inode->fops = &proc_dir_file_ops;
		goto done;
	}
	file = file_of(inode);
	if (S_ISLNK(mode))
		inode->ops = !file || file->follow ? &proc_magic_ops : &proc_link_ops;
	else
		inode->ops = &proc_file_inode_ops;
	inode->fops = &proc_file_ops;
done:
	*ret_inode = inode;
	return 0;
}

/* A number without sign or leading zeros; -1 for anything else. */
static int parse_number(const char *text)
{
	int value = 0;

	if (!*text || (*text == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || value > 100000)
			return -1;
		value = value * 10 + (*text - '0');
	}
	return value;
}

/* The I-th entry of DIR that is a fixed name; false after the last. */
static bool fixed_entry(const struct inode *dir, unsigned i, const char **ret_name,
			enum proc_kind *ret_kind, uint32_t *ret_mode)
{
	const struct proc_file *files = NULL;
	unsigned count = 0;
	const char *sub = NULL;

	switch (kind_of(dir)) {
	case PROC_ROOT:
		files = proc_system_files, count = proc_system_count;
		sub = "sys", *ret_kind = PROC_SYS;
		break;
	case PROC_SYS:
		sub = "kernel", *ret_kind = PROC_SYS_KERNEL;
		break;
	case PROC_SYS_KERNEL:
		files = proc_kernel_files, count = proc_kernel_count;
		break;
	case PROC_TASK:
		files = proc_task_files, count = proc_task_count;
		sub = "fd", *ret_kind = PROC_FDS;
		break;
	default:
		break;
	}
	if (i < count) {
		*ret_name = files[i].name;
		*ret_mode = files[i].mode;
		*ret_kind = kind_of(dir) == PROC_ROOT ? PROC_SYSTEM :
			    kind_of(dir) == PROC_TASK ? PROC_TASK_FILE : PROC_KERNEL;
		return true;
	}
	if (i > count || !sub)
		return false;
	*ret_name = sub;
	*ret_mode = S_IFDIR | (*ret_kind == PROC_FDS ? 0500u : 0555u);
	return true;
}

/* Files that are there only at times; dentries of proc do not outlive their users. */
static bool is_hidden(enum proc_kind kind, unsigned i)
{
	return kind == PROC_KERNEL && proc_kernel_files[i].exists && !proc_kernel_files[i].exists();
}

static uint32_t fd_mode(const struct file *file)
{
	static const uint32_t bits[4] = { 0500, 0300, 0700, 0700 };

	return S_IFLNK | (file->flags & O_PATH ? 0 : bits[file->flags & O_ACCMODE]);
}

static int proc_lookup(struct inode *dir, struct dentry *dentry)
{
	int pid = (int)(dir->ino >> 32), number;
	struct inode *inode = NULL;
	struct task *task;
	enum proc_kind kind;
	const char *name;
	uint32_t mode;
	int err = 0;

	if (pid && !task_find(pid))
		return -ENOENT;
	for (unsigned i = 0; fixed_entry(dir, i, &name, &kind, &mode); i++) {
		if (strcmp(name, dentry->name) != 0)
			continue;
		if (is_hidden(kind, i))
			return 0;
		err = proc_inode(dir->sb, kind, pid, S_ISDIR(mode) ? 0 : i, mode, &inode);
		goto out;
	}
	number = parse_number(dentry->name);
	if (number < 0)
		return 0;
	if (kind_of(dir) == PROC_ROOT && number > 0 && (task = task_find(number))) {
		err = proc_inode(dir->sb, PROC_TASK, number, 0, S_IFDIR | 0555, &inode);
	} else if (kind_of(dir) == PROC_FDS && (task = task_find(pid)) && task->files &&
		   (unsigned)number < FILES_MAX && task->files->fd[number]) {
		err = proc_inode(dir->sb, PROC_FD, pid, (unsigned)number,
				 fd_mode(task->files->fd[number]), &inode);
	}
out:
	if (err == 0 && inode)
		d_instantiate(dentry, inode);
	return err;
}

static int emit_number(struct file *file, struct dir_sink *sink, unsigned number, uint64_t ino,
		       unsigned type, uint64_t next_pos)
{
	char name[16];
	size_t len = om_format(name, sizeof(name), "%u", number);

	if (sink->entry(sink, name, len, ino, type, next_pos))
		return 1;
	file->pos = next_pos;
	return 0;
}

#define POS_NUMBERS 256u		/* fixed names come before */

static int read_numbers(struct file *file, struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	struct task *task = task_of(dir);
	uint64_t from;

	if (file->pos < POS_NUMBERS)
		file->pos = POS_NUMBERS;
	from = file->pos - POS_NUMBERS;
	if (kind_of(dir) == PROC_ROOT) {
		for (uint64_t i = from; i < TASKS_MAX; i++) {
			int pid = tasks[i].pid;

			if (tasks[i].state != TASK_FREE && pid > 0 &&
			    emit_number(file, sink, (unsigned)pid, make_ino(PROC_TASK, pid, 0),
					S_IFDIR, POS_NUMBERS + i + 1))
				return 0;
		}
	} else if (kind_of(dir) == PROC_FDS && task && task->files) {
		for (uint64_t i = from; i < FILES_MAX; i++)
			if (task->files->fd[i] &&
			    emit_number(file, sink, (unsigned)i,
					make_ino(PROC_FD, task->pid, (unsigned)i), S_IFLNK,
					POS_NUMBERS + i + 1))
				return 0;
	}
	return 0;
}

static int proc_readdir(struct file *file, struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	int pid = (int)(dir->ino >> 32);
	enum proc_kind kind;
	const char *name;
	uint32_t mode;

	if (pid && !task_of(dir))
		return -ENOENT;
	if (kind_of(dir) == PROC_FDS && may_look(task_of(dir)) < 0)
		return -EACCES;
	while (file->pos < 2) {
		const char *dots = file->pos == 0 ? "." : "..";
		const struct dentry *parent = file->path.dentry->parent;

		if (sink->entry(sink, dots, strlen(dots),
				file->pos == 0 ? dir->ino : parent->inode->ino, S_IFDIR,
				file->pos + 1))
			return 0;
		file->pos++;
	}
	while (file->pos < POS_NUMBERS &&
	       fixed_entry(dir, (unsigned)file->pos - 2, &name, &kind, &mode)) {
		unsigned index = (unsigned)file->pos - 2;

		if (!is_hidden(kind, index) &&
		    sink->entry(sink, name, strlen(name),
				make_ino(kind, pid, S_ISDIR(mode) ? 0 : index), mode & S_IFMT,
				file->pos + 1))
			return 0;
		file->pos++;
	}
	return read_numbers(file, sink);
}

/* -- the super block --------------------------------------------------------------------------------------- */

static struct super_block *proc_sb;	/* one, mounted any number of times */

static int proc_statfs(struct super_block *sb, struct kstatfs *ret)
{
	*ret = (struct kstatfs){ .type = sb->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX };
	return 0;
}

static void proc_put_super(struct super_block *sb)
{
	(void)sb;
	proc_sb = NULL;
}

static const struct super_ops proc_super_ops = {
	.statfs = proc_statfs,
	.put_super = proc_put_super,
	.drop_dentries = true,
};

static int proc_mount(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		      const char *data, struct super_block **ret_sb)
{
	struct super_block *sb;
	struct inode *root;

	(void)bdev, (void)data;
	if (proc_sb) {
		*ret_sb = proc_sb;
		return 0;
	}
	sb = sb_new(type, flags);
	if (!sb)
		return -ENOMEM;
	sb->ops = &proc_super_ops;
	sb->magic = PROC_MAGIC;
	if (proc_inode(sb, PROC_ROOT, 0, 0, S_IFDIR | 0555, &root) < 0)
		goto out_sb;
	sb->root = d_make_root(sb, root);
	if (!sb->root)
		goto out_root;
	proc_sb = sb;
	*ret_sb = sb;
	return 0;
out_root:
	iput(root);
out_sb:
	sb_free(sb);
	return -ENOMEM;
}

struct file_system_type proc_type = { .name = "proc", .mount = proc_mount };
