/* SPDX-License-Identifier: MIT */
#ifndef STUB_VFS_H
#define STUB_VFS_H
/*
 * The VFS: inodes, dentries, mounts, open files, and the one path walk.
 *
 * A place is a pair (mount, dentry).  References: dget/dput, iget/iput (inside file systems),
 * mntget/mntput, path_get/path_put, file_get/file_put.  Functions return 0 or -errno.
 */
#include "block.h"
#include "port.h"
#include "uio.h"

struct super_block;
struct inode;
struct dentry;
struct mount;
struct mnt_namespace;
struct file;
struct dir_sink;
struct path;
struct kstatfs;
struct fs_struct;

#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define S_IFLNK		0120000
#define S_IFREG		0100000
#define S_ISUID		0004000
#define S_ISGID		0002000
#define S_IXGRP		0000010
#define S_IFBLK		0060000
#define S_IFDIR		0040000
#define S_IFCHR		0020000
#define S_IFIFO		0010000
#define S_ISVTX		0001000
#define S_ISDIR(m)	(((m) & S_IFMT) == S_IFDIR)
#define S_ISREG(m)	(((m) & S_IFMT) == S_IFREG)
#define S_ISLNK(m)	(((m) & S_IFMT) == S_IFLNK)
#define S_ISBLK(m)	(((m) & S_IFMT) == S_IFBLK)
#define S_ISCHR(m)	(((m) & S_IFMT) == S_IFCHR)
#define S_ISFIFO(m)	(((m) & S_IFMT) == S_IFIFO)

/* dev_t as the kernel keeps it: 12 bits major, 20 bits minor. */
#define MKDEV(major, minor)	((uint32_t)(major) << 20 | (uint32_t)(minor))
#define MAJOR(dev)		((dev) >> 20)
#define MINOR(dev)		((dev) & 0xfffff)

/* A hosted <limits.h> has them as plain numbers. */
#undef NAME_MAX
#undef PATH_MAX
#define NAME_MAX	255u
#define PATH_MAX	4096u

struct timespec64 {
	int64_t sec;
	int64_t nsec;
};

/* A ring; an empty one points to itself, and so does an element that is on none. */
struct list {
	struct list *next, *prev;
};

#define list_entry(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

/* Before HEAD: at the end of the ring that starts there. */
static inline void list_add_tail(struct list *item, struct list *head)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_add(struct list *item, struct list *head)
{
	list_add_tail(item, head->next);
}

static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

struct inode {
	struct super_block *sb;
	uint64_t ino;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid, gid;
	uint32_t rdev;			/* MKDEV */
	uint64_t size;
	uint64_t blocks;		/* of 512 bytes */
	struct timespec64 atime, mtime, ctime;
	unsigned count;			/* references */
	unsigned writers, running;	/* files open for writing, or being executed: never both */
	const struct inode_ops *ops;
	const struct file_ops *fops;	/* of files opened on it */
	void *private;			/* the file system's */
	struct pipe *pipe;		/* FIFO */
	struct page_cache *cache;	/* pages kept for mapping, vfs/page_cache.c */
	struct list hash;
	struct list sb_list;
};

struct inode_ops {
	/* DENTRY is negative and its parent is DIR; on success d_instantiate() has been called. */
	int (*lookup)(struct inode *dir, struct dentry *dentry);	/* stays negative: 0 */
	int (*create)(struct inode *dir, struct dentry *dentry, uint32_t mode);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, uint32_t mode);
	int (*mknod)(struct inode *dir, struct dentry *dentry, uint32_t mode, uint32_t rdev);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *text);
	int (*link)(struct inode *old, struct inode *dir, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		      struct dentry *new);
	/* The text of a symbolic link: its length (not NUL-terminated) or -errno. */
	long (*readlink)(struct inode *inode, char *buf, size_t size);
	/* proc's magic links: the place itself, with references. NULL for everything else. */
	int (*follow)(struct inode *inode, struct path *ret_path);
	int (*truncate)(struct inode *inode, uint64_t size);
	int (*setattr)(struct inode *inode);	/* mode, uid, gid, times were changed in INODE */
	/* Whole-page contents for mapping: one reference; pages of data in place come from here. */
	int (*map_page)(struct inode *inode, uint64_t index, void **ret_page);
};

struct super_ops {
	void (*evict_inode)(struct inode *inode);	/* last reference gone; nlink 0: free the data */
	int (*statfs)(struct super_block *sb, struct kstatfs *ret);
	int (*sync)(struct super_block *sb);
	void (*put_super)(struct super_block *sb);
	int (*remount)(struct super_block *sb, unsigned flags, const char *data);
	bool keep_dentries;		/* ramfs: dentries are the directory */
	bool drop_dentries;		/* proc: nothing is remembered once it is not in use */
	/* ",size=64k" for /proc/mounts; may be NULL.  Returns as om_format(). */
	size_t (*show_options)(struct super_block *sb, char *buf, size_t size);
};

struct kstatfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags;
};

#define SB_RDONLY	1u

struct super_block {
	const struct file_system_type *type;
	const struct super_ops *ops;
	struct dentry *root;
	struct block_device *bdev;	/* NULL for those without */
	uint32_t dev;			/* MKDEV of bdev, or an anonymous 0:N */
	unsigned flags;			/* SB_* */
	unsigned blocksize;
	unsigned count;			/* mounts */
	uint64_t magic;
	void *private;
	struct list inodes;		/* through inode.sb_list */
	struct list list;		/* all super blocks */
	unsigned writers;		/* files open for writing */
	bool internal;			/* pipes and the like: not counted as leaks */
	unsigned inode_count, dentry_count;	/* for /proc and the leak checks */
	uint64_t data_pages;		/* ramfs, tmpfs */
};

struct file_system_type {
	const char *name;
	bool needs_device;
	bool by_name_only;		/* never tried, nor listed: another name of one that is */
	/* SOURCE is the device's path for messages; *ret_sb has .root set. */
	int (*mount)(struct file_system_type *type, unsigned flags, struct block_device *bdev,
		     const char *data, struct super_block **ret_sb);
	struct file_system_type *next;
};

void register_filesystem(struct file_system_type *type);
struct file_system_type *find_filesystem(const char *name);
struct file_system_type *filesystem_by_index(unsigned index);

/* -- dentries and inodes, for file systems ---------------------------------------------------- */
struct dentry {
	struct dentry *parent;		/* itself for a root */
	struct inode *inode;		/* NULL: negative */
	struct super_block *sb;
	unsigned count;
	unsigned mounts;		/* how many mounts sit on it, in all namespaces */
	bool unhashed;			/* deleted */
	struct list children;
	struct list sibling;
	struct list hash;
	struct list lru;		/* unused ones, oldest first */
	uint64_t cookie;		/* position in a directory of a ramfs; never given twice */
	bool pinned;			/* ramfs: one reference is the directory's */
	uint16_t len;
	char *name;			/* NUL-terminated */
};

struct inode *inode_new(struct super_block *sb);	/* count 1, on the sb's list; NULL = no memory */
struct inode *iget(struct super_block *sb, uint64_t ino, bool *ret_new);	/* find or make, hashed */
void iput(struct inode *inode);
struct dentry *d_make_root(struct super_block *sb, struct inode *inode);
struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len);	/* count 1, negative, hashed */
void d_instantiate(struct dentry *dentry, struct inode *inode);	/* takes the inode's reference */
struct dentry *dget(struct dentry *dentry);
void dput(struct dentry *dentry);
/* Cached child with a reference, or NULL; never asks the file system. */
struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len);
/* Take it out of its directory (deleted, or stale); whoever holds it keeps it. */
void d_drop(struct dentry *dentry);
/* Rename: DENTRY takes the place and name of TARGET (negative or about to die). */
void d_move(struct dentry *dentry, struct dentry *target);
/* Forget the unused dentries of SB (NULL: of all): how many went. */
unsigned d_shrink(struct super_block *sb);
/* What NAME in DIR is, cached or looked up; negative if it is not there.  With a reference. */
int d_find(struct dentry *dir, const char *name, size_t len, struct dentry **ret_dentry);
/* . and .., the entries at positions 0 and 1, unless they were given; false: the buffer is full. */
bool dir_dots(struct file *file, struct dir_sink *sink);
/* super_ops.remount of what nobody can write: only to be read-only is granted. */
int readonly_remount(struct super_block *sb, unsigned flags, const char *data);
struct super_block *sb_new(const struct file_system_type *type, unsigned flags);
void sb_free(struct super_block *sb);	/* for a mount that failed half-way */

/* -- mounts ------------------------------------------------------------------------------------ */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* mount(2)'s flags */
#define MS_RDONLY	1u
#define MS_NOSUID	2u
#define MS_NODEV	4u
#define MS_NOEXEC	8u
#define MS_REMOUNT	32u
#define MS_NOATIME	1024u
#define MS_BIND		4096u
#define MS_MOVE		8192u
#define MS_REC		16384u
#define MS_SILENT	32768u
#define MS_UNBINDABLE	(1u << 17)
#define MS_PRIVATE	(1u << 18)
#define MS_SLAVE	(1u << 19)
#define MS_SHARED	(1u << 20)
#define MS_RELATIME	(1u << 21)
#define MS_STRICTATIME	(1u << 24)
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW	8

struct mount {
	struct mount *parent;		/* itself for the bottom of a namespace */
	struct dentry *mountpoint;	/* in the parent */
	struct dentry *root;
	struct super_block *sb;
	struct mnt_namespace *ns;	/* NULL: detached */
	unsigned flags;			/* MS_RDONLY NOSUID NODEV NOEXEC, per mount */
	unsigned count;
	int id;
	char *source;			/* "/dev/vda2", "proc"; for mountinfo */
	struct list children, sibling;	/* the tree */
	struct list hash;		/* by (parent, mountpoint) */
	struct list ns_list;
};

struct mnt_namespace {
	struct mount *root;
	struct list mounts;
	unsigned count;
	uint64_t id;
};

struct mount *mntget(struct mount *mnt);
void mntput(struct mount *mnt);
void path_get(const struct path *path);
void path_put(const struct path *path);

/* The first namespace: a ramfs as the absolute root. */
int mnt_init(struct mnt_namespace **ret_ns);
struct mnt_namespace *mnt_ns_get(struct mnt_namespace *ns);
void mnt_ns_put(struct mnt_namespace *ns);
/* CLONE_NEWNS: a copy; FS's root and cwd are moved into it. */
int mnt_ns_copy(struct mnt_namespace *ns, struct fs_struct *fs, struct mnt_namespace **ret_ns);

int vfs_mount(const char *source, const struct path *target, const char *fstype, unsigned flags,
	      const char *data);
int vfs_umount(const struct path *target, int flags);
int vfs_move_mount(const struct path *from, const struct path *to);
int vfs_pivot_root(const struct path *new_root, const struct path *put_old);

/* -- the walk ---------------------------------------------------------------------------------- */
/* Root and cwd of a task; shared with CLONE_FS. */
struct fs_struct {
	unsigned count;
	struct path root, cwd;
	uint32_t umask;
};

#define LOOKUP_FOLLOW	1u	/* a last symbolic link */
#define LOOKUP_DIRECTORY 2u	/* the result must be one */
#define LOOKUP_PARENT	4u	/* stop before the last component: nameidata.last */
#define LOOKUP_EMPTY	8u	/* AT_EMPTY_PATH */
#define LOOKUP_NO_XDEV	16u
#define LOOKUP_MOUNTPOINT 32u	/* umount: enter what covers the result, even for "." and "/" */
#define SYMLINKS_MAX	40u

/*
 * NAME relative to BASE (NULL: cwd of FS), never above FS->root.  Mounts on the result are
 * followed.  With references.
 */
int path_walk(struct fs_struct *fs, const struct path *base, const char *name, unsigned flags,
	      struct path *ret_path);
/* The directory that holds the last component, and that component (inside NAME). */
int path_parent(struct fs_struct *fs, const struct path *base, const char *name,
		struct path *ret_dir, const char **ret_last, size_t *ret_len);
/* Text of PATH as seen from ROOT ("(unreachable)..." when it is not below). Points into BUF. */
char *path_text(const struct path *path, const struct path *root, char *buf, size_t size);

/* -- files ------------------------------------------------------------------------------------- */
#define O_ACCMODE	3
#define O_RDONLY	0
#define O_WRONLY	1
#define O_RDWR		2
#define O_CREAT		0100
#define O_EXCL		0200
#define O_NOCTTY	0400
#define O_TRUNC		01000
#define O_APPEND	02000
#define O_NONBLOCK	04000
#define O_DSYNC		010000	/* also a part of O_SYNC */
#define O_DIRECTORY	0200000
#define O_NOFOLLOW	0400000
#define O_CLOEXEC	02000000
#define O_PATH		010000000

#define MAY_EXEC	1
#define MAY_WRITE	2
#define MAY_READ	4

/* May the running task do this with INODE?  0 or -EACCES; root may all but execute data. */
int inode_permission(const struct inode *inode, int mask);
/* 0, or -EROFS when the mount or the file system is read-only. */
int mnt_want_write(const struct mount *mnt);
struct timespec64 time_now(void);
void inode_touch(struct inode *inode);		/* mtime and ctime are now */

#define POLLIN		1
#define POLLOUT		4
#define POLLERR		8
#define POLLHUP		16
#define POLLNVAL	32

/* One entry of a directory; non-zero stops (the buffer is full). */
struct dir_sink {
	int (*entry)(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
		     unsigned type, uint64_t next_pos);
};

struct file_ops {
	int (*open)(struct inode *inode, struct file *file);
	void (*release)(struct file *file);
	/* Bytes or -errno; *pos is moved. */
	long (*read)(struct file *file, struct uio *uio, uint64_t *pos);
	long (*write)(struct file *file, struct uio *uio, uint64_t *pos);
	int (*readdir)(struct file *file, struct dir_sink *sink);	/* from file->pos */
	int64_t (*llseek)(struct file *file, int64_t offset, int whence);	/* NULL: by size */
	long (*ioctl)(struct file *file, unsigned cmd, uintptr_t arg);	/* ARG: user address or value */
	int (*poll)(struct file *file, struct waitq **ret_queue);	/* POLL* that hold now */
	int (*fsync)(struct file *file);
};

struct file {
	const struct file_ops *ops;
	struct path path;
	struct inode *inode;
	unsigned flags;			/* O_* */
	uint64_t pos;
	unsigned count;
	bool opened;			/* release() is due */
	bool running;			/* it is a program that somebody executes */
	void *private;
};

/* Open by name; *ret_file has one reference. */
int file_open(struct fs_struct *fs, const struct path *base, const char *name, unsigned flags,
	      uint32_t mode, struct file **ret_file);
int file_open_path(const struct path *path, unsigned flags, struct file **ret_file);
struct file *file_get(struct file *file);
void file_put(struct file *file);
/* Until the last file_put() nobody may open it for writing. */
void file_run(struct file *file);
long file_read(struct file *file, struct uio *uio, uint64_t *pos);
long file_write(struct file *file, struct uio *uio, uint64_t *pos);
/* A page of the file for mmap and exec, never to be written by the caller; one reference. */
int file_map_page(struct file *file, uint64_t index, void **ret_page);

#define FILES_MAX	256

struct files_struct {
	unsigned count;
	struct file *fd[FILES_MAX];
	uint64_t cloexec[FILES_MAX / 64];
};

struct files_struct *files_new(void);
struct files_struct *files_copy(struct files_struct *files);	/* fork without CLONE_FILES */
void files_put(struct files_struct *files);
void files_close_on_exec(struct files_struct *files);
int fd_install(struct files_struct *files, struct file *file, unsigned lowest, bool cloexec);
struct file *fd_get(struct files_struct *files, int fd);	/* with a reference; NULL = EBADF */
int fd_close(struct files_struct *files, int fd);
void fd_set_cloexec(struct files_struct *files, int fd, bool cloexec);
struct fs_struct *fs_copy(struct fs_struct *fs);
void fs_put(struct fs_struct *fs);

/* Character devices by number; drivers register before late boot. */
int register_chrdev(unsigned major, unsigned minor, const char *devfs_name, uint32_t mode,
		    const struct file_ops *ops);

/* Both ends of a new pipe, read end first. */
int pipe_create(unsigned flags, struct file **ret_files);
/* A file on a character device that needs no name in any tree; NAME is for /proc/PID/fd. */
int file_open_chrdev(uint32_t dev, const char *name, unsigned flags, struct file **ret_file);
/* A new file on an inode that has no name: pipes, memfd.  Takes the inode's reference. */
int file_open_inode(struct inode *inode, const char *name, unsigned flags,
		    struct file **ret_file);
const struct file_ops *chrdev_ops(uint32_t dev);
/* The drivers in order of registration; false after the last. */
bool chrdev_by_index(unsigned index, uint32_t *ret_dev, const char **ret_name,
		     uint32_t *ret_mode);

/* -- changing directories: NAME is relative to BASE as in path_walk() ------------------------------- */
int vfs_mkdir(struct fs_struct *fs, const struct path *base, const char *name, uint32_t mode);
int vfs_mknod(struct fs_struct *fs, const struct path *base, const char *name, uint32_t mode,
	      uint32_t rdev);
int vfs_symlink(struct fs_struct *fs, const struct path *base, const char *name,
		const char *text);
int vfs_link(struct fs_struct *fs, const struct path *old, const struct path *base,
	     const char *name);
int vfs_unlink(struct fs_struct *fs, const struct path *base, const char *name);
int vfs_rmdir(struct fs_struct *fs, const struct path *base, const char *name);
#define RENAME_NOREPLACE 1u
int vfs_rename(struct fs_struct *fs, const struct path *old_base, const char *old_name,
	       const struct path *new_base, const char *new_name, unsigned flags);
int vfs_truncate(const struct path *path, uint64_t size);
int inode_truncate(struct inode *inode, uint64_t size);	/* no permission is asked for */
long vfs_readlink(struct inode *inode, char *buf, size_t size);
int vfs_chdir(struct fs_struct *fs, const struct path *dir);
int vfs_chroot(struct fs_struct *fs, const struct path *dir);
int vfs_sync(struct super_block *sb);	/* NULL = all */
/* What can be had again: clean blocks, unpacked ones, unused dentries. */
void vfs_forget(void);
void unpacked_forget(void);		/* fs/unpacked.c's part of it */

/* Pages of file systems that keep no data in memory; vfs/page_cache.c. */
void page_cache_update(struct file *file, uint64_t pos, uint64_t len);	/* after a write */
void page_cache_cut(struct inode *inode, uint64_t size);		/* after a truncation */
void page_cache_free(struct inode *inode);

/* -- ramfs: the absolute root ------------------------------------------------------------------- */
extern struct file_system_type ramfs_type, tmpfs_type, devfs_type, devtmpfs_type, proc_type;
/* On block devices. */
extern struct file_system_type ext2_type, ext3_type, ext4_type, minix_type, romfs_type, cramfs_type,
	squashfs_type, erofs_type;
/*
 * Fill an empty ramfs from the newc archive at DATA (page-aligned, one reference on each of its
 * pages, which goes over to the ramfs in any case).  ret_what names the member on failure.
 */
int ramfs_populate(struct super_block *sb, void *data, uint64_t len, char *ret_what, size_t size);
/* Does the data lie in one piece in the archive, untouched?  Then where. */
bool ramfs_in_place(struct inode *inode, void **ret_data);
/* Empty the file system as far as nobody uses it; SKELETON leaves /dev, console, null, mount points. */
void ramfs_reap(struct super_block *sb, bool skeleton);
/* Kernel-made inode for memfd; memfd_init() once, before. */
int memfd_init(void);
int memfd_create_file(const char *name, unsigned flags, struct file **ret_file);
/* The super block below everything, for reaping and /proc/absolute-root. */
struct super_block *absolute_root(void);

/* -- the checks at power-off -------------------------------------------------------------------- */
struct vfs_counts {
	unsigned dentries, inodes, mounts, files, supers, namespaces;
};
void vfs_count(struct vfs_counts *ret_counts);

#endif
