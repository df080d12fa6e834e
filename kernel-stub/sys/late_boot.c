/* SPDX-License-Identifier: MIT */
/*
 * The stub's world for prepare_namespace(): the same operations that a program has by system
 * calls, in the context of PID 1, plus what only the kernel can do.
 */
#include <overmount/descriptor.h>
#include <overmount/fmt.h>
#include <overmount/sys.h>

#include "block.h"
#include "boot.h"
#include "device.h"
#include "identify.h"
#include "root_choice.h"
#include "task.h"
#include "../fs/ramfs.h"

#define NS_PER_MS	UINT64_C(1000000)
#define WHAT_MAX	256

/* ------------------------------------------------------------------ places */

static int walk(const char *path, struct path *ret_path)
{
	return path_walk(current->fs, NULL, path, LOOKUP_FOLLOW, ret_path);
}

static int sys_op_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)ctx;
	return vfs_mkdir(current->fs, NULL, path, mode);
}

static int sys_op_rmdir(void *ctx, const char *path)
{
	(void)ctx;
	return vfs_rmdir(current->fs, NULL, path);
}

static int sys_op_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return vfs_unlink(current->fs, NULL, path);
}

static int sys_op_mknod(void *ctx, const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
	(void)ctx;
	return vfs_mknod(current->fs, NULL, path, mode, MKDEV(major, minor));
}

static int sys_op_symlink(void *ctx, const char *text, const char *path)
{
	(void)ctx;
	return vfs_symlink(current->fs, NULL, path, text);
}

static int sys_op_umount(void *ctx, const char *target, bool detach)
{
	struct path path;
	int err = walk(target, &path);

	(void)ctx;
	if (err)
		return err;
	err = vfs_umount(&path, detach ? MNT_DETACH : 0);
	path_put(&path);
	return err;
}

/* What cannot be written although it was asked for is no success here: the caller asks again. */
static int refuse_readonly(const char *target)
{
	struct path path;
	bool readonly;
	int err = walk(target, &path);

	if (err)
		return err;
	readonly = path.mnt->sb->flags & SB_RDONLY;
	path_put(&path);
	return readonly ? -EROFS : 0;
}

static int sys_op_mount(void *ctx, const char *source, const char *target, const char *fstype,
			uint32_t flags, const char *data)
{
	struct path path;
	int err = walk(target, &path);

	(void)ctx;
	if (err)
		return err;
	err = vfs_mount(source, &path, fstype, flags & OM_MS_RDONLY ? MS_RDONLY : 0, data);
	path_put(&path);
	if (!err && !(flags & OM_MS_RDONLY)) {
		err = refuse_readonly(target);
		if (err)
			(void)sys_op_umount(ctx, target, true);
	}
	return err;
}

static int sys_op_move(void *ctx, const char *from, const char *to)
{
	struct path source, target;
	int err = walk(from, &source);

	(void)ctx;
	if (err)
		return err;
	err = walk(to, &target);
	if (!err) {
		err = vfs_move_mount(&source, &target);
		path_put(&target);
	}
	path_put(&source);
	return err;
}

static int sys_op_chdir(void *ctx, const char *path)
{
	struct path dir;
	int err = walk(path, &dir);

	(void)ctx;
	if (err)
		return err;
	err = vfs_chdir(current->fs, &dir);
	path_put(&dir);
	return err;
}

static int sys_op_chroot(void *ctx, const char *path)
{
	struct path dir;
	int err = walk(path, &dir);

	(void)ctx;
	if (err)
		return err;
	err = vfs_chroot(current->fs, &dir);
	path_put(&dir);
	return err;
}

/* PATH as a program below ROOT would see it. */
static int walk_below(const char *root, const char *path, struct path *ret_path)
{
	struct fs_struct below = *current->fs;
	int err = 0;

	path_get(&below.root);
	if (*root) {
		struct path dir;

		err = walk(root, &dir);
		if (!err) {
			path_put(&below.root);
			below.root = dir;
		}
	}
	below.cwd = below.root;
	if (!err)
		err = path_walk(&below, NULL, path, LOOKUP_FOLLOW, ret_path);
	path_put(&below.root);
	return err;
}

static int sys_op_check_program(void *ctx, const char *root, const char *path)
{
	struct path place;
	int err = walk_below(root, path, &place);

	(void)ctx;
	if (err)
		return err;
	if (!S_ISREG(place.dentry->inode->mode))
		err = -EACCES;
	else
		err = inode_permission(place.dentry->inode, MAY_EXEC);
	path_put(&place);
	return err;
}

static int sys_op_check_directory(void *ctx, const char *path)
{
	struct path place;
	int err = path_walk(current->fs, NULL, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &place);

	(void)ctx;
	if (!err)
		path_put(&place);
	return err;
}

/* ------------------------------------------------------------------ devices */

static void text_copy(char *to, size_t size, const char *from)
{
	om_format(to, size, "%s", from);
}

/* What is known without reading it. */
static void describe_place(const struct block_device *bdev, struct om_device *ret_device)
{
	memset(ret_device, 0, sizeof(*ret_device));
	text_copy(ret_device->name, sizeof(ret_device->name), bdev->name);
	ret_device->major = MAJOR(bdev->dev);
	ret_device->minor = MINOR(bdev->dev);
	ret_device->size = bdev->sectors * SECTOR_SIZE;
	text_copy(ret_device->partuuid, sizeof(ret_device->partuuid), bdev->partuuid);
	text_copy(ret_device->partlabel, sizeof(ret_device->partlabel), bdev->partlabel);
}

static void describe(struct block_device *bdev, struct om_device *ret_device)
{
	struct identity identity;

	describe_place(bdev, ret_device);
	if (identify(bdev, &identity) < 0)
		return;
	text_copy(ret_device->fstype, sizeof(ret_device->fstype), identity.type);
	text_copy(ret_device->uuid, sizeof(ret_device->uuid), identity.uuid);
	text_copy(ret_device->label, sizeof(ret_device->label), identity.label);
}

static int sys_op_find_device(void *ctx, const struct om_rootspec *spec,
			      struct om_device *ret_device)
{
	/* Content is read only where it is asked for. */
	bool by_content = spec->kind == OM_ROOT_UUID || spec->kind == OM_ROOT_LABEL;
	struct block_device *bdev;
	struct om_device device;
	unsigned i;

	(void)ctx;
	for (i = 0; (bdev = block_by_index(i)); i++) {
		if (by_content)
			describe(bdev, &device);
		else
			describe_place(bdev, &device);
		if (!om_device_matches(&device, spec))
			continue;
		if (spec->kind == OM_ROOT_PARTUUID && spec->partnroff) {
			bdev = block_find(bdev->dev + (uint32_t)spec->partnroff);
			if (!bdev || !bdev->disk)
				return -ENXIO;
		}
		describe(bdev, ret_device);
		return 0;
	}
	return -ENXIO;
}

static int sys_op_list_device(void *ctx, uint32_t index, struct om_device *ret_device)
{
	struct block_device *bdev = block_by_index(index);

	(void)ctx;
	if (!bdev)
		return -ENXIO;
	describe(bdev, ret_device);
	return 0;
}

static int sys_op_list_fstype(void *ctx, uint32_t index, char *ret_name, size_t size)
{
	const struct file_system_type *type;
	unsigned i;

	(void)ctx;
	for (i = 0; (type = filesystem_by_index(i)); i++) {
		if (!type->needs_device || index-- > 0)
			continue;
		text_copy(ret_name, size, type->name);
		return 0;
	}
	return -ENOENT;
}

/* Nobody tells when something is plugged in: the time passes, then it is looked for. */
static int sys_op_wait_devices(void *ctx, uint32_t timeout_ms)
{
	struct waitq queue = { NULL };

	(void)ctx;
	sleep_on_timeout(&queue, timeout_ms * NS_PER_MS);
	devices_look();
	return 0;
}

/* A ram disk over the bytes of the file where they are. */
static int sys_op_attach_image(void *ctx, const char *path, struct om_device *ret_device)
{
	struct block_device *bdev = NULL;
	struct path place;
	unsigned index = 0;
	uint64_t at, len;
	void *data;
	int err = walk(path, &place);

	(void)ctx;
	if (err)
		return err;
	len = place.dentry->inode->size;
	err = -EINVAL;
	if (!S_ISREG(place.dentry->inode->mode) || len == 0 ||
	    !ramfs_in_place(place.dentry->inode, &data) || (uintptr_t)data % PAGE_SIZE)
		goto put;
	while (block_find(MKDEV(1, index)))
		index++;
	for (at = 0; at < len; at += PAGE_SIZE)
		page_get((char *)data + at);
	err = ramdisk_make(index, data, len, &bdev);
	if (!err)
		describe(bdev, ret_device);
put:
	path_put(&place);
	return err;
}

static int sys_op_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target)
{
	struct om_source source = { .name = path };
	struct ramfs_build build = { .source = &source };
	char what[WHAT_MAX] = "";
	struct path file, dir;
	void *data;
	int err = walk(path, &file);

	(void)ctx;
	if (err)
		return err;
	err = -EINVAL;
	if (!S_ISREG(file.dentry->inode->mode) || !ramfs_in_place(file.dentry->inode, &data))
		goto put;
	source.base = data;
	source.size = file.dentry->inode->size;
	err = walk(target, &dir);
	if (err)
		goto put;
	build.sb = dir.mnt->sb;
	err = ramfs_build_archive(&build, kind == OM_ROOT_TAR, what, sizeof(what));
	ramfs_build_end(&build);
	if (err)
		klog("unpack: %s: %s", path, what);
	path_put(&dir);
put:
	path_put(&file);
	return err;
}

/* ------------------------------------------------------------------ the rest */

static int sys_op_load_module(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return -ENOSYS;		/* everything this kernel can do is in it */
}

static int sys_op_prompt(void *ctx, const char *text)
{
	(void)ctx, (void)text;
	return -ENOSYS;
}

static int sys_op_reap(void *ctx, enum om_keep keep, uint32_t *ret_dentries, uint32_t *ret_inodes,
		       uint64_t *ret_pages)
{
	struct super_block *sb = absolute_root();

	(void)ctx;
	ramfs_reap(sb, keep == OM_KEEP_SKELETON);
	*ret_dentries = sb->dentry_count;
	*ret_inodes = sb->inode_count;
	*ret_pages = sb->data_pages;
	return 0;
}

/* 0, 1 and 2 on the console, as the kernel does for init. */
static int open_console(void)
{
	struct file *file;
	int err = file_open(current->fs, NULL, "/dev/console", O_RDWR, 0, &file);
	unsigned fd;

	if (err) {
		klog("init: no /dev/console (error %d), the console is opened without it", -err);
		err = file_open_chrdev(MKDEV(5, 1), "console", O_RDWR, &file);
	}
	for (fd = 0; !err && fd < 3; fd++) {
		if (current->files->fd[fd])
			fd_close(current->files, (int)fd);
		if (fd_install(current->files, file_get(file), fd, false) != (int)fd)
			err = -EMFILE;
	}
	if (!err || fd > 0)
		file_put(file);
	return err;
}

static int sys_op_exec(void *ctx, const char *path, const char *const *argv)
{
	static const char *const envp[] = { "HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
					    NULL };

	(void)ctx;
	if (open_console() < 0)
		klog("init: started without a console");
	return kernel_execve(path, argv, envp);
}

/* ------------------------------------------------------------------ /linuxrc */

static struct {
	const char *root, *program;
	struct super_block *initrd;
} linuxrc;

/* As PID 1, in a task of its own. */
static void linuxrc_thread(void)
{
	static const char *const envp[] = { "HOME=/", "TERM=linux", NULL };
	const char *name = linuxrc.program, *at, *argv[2] = { NULL, NULL };
	int err;

	for (at = name; *at; at++)
		if (*at == '/')
			name = at + 1;
	argv[0] = name;
	err = sys_op_chdir(NULL, linuxrc.root);
	if (!err)
		err = sys_op_move(NULL, ".", "/");
	if (!err)
		err = sys_op_chroot(NULL, ".");
	if (!err) {
		current->initrd = current->fs->root.mnt->sb;
		if (open_console() < 0)
			klog("linuxrc: started without a console");
		err = kernel_execve(linuxrc.program, argv, envp);
	}
	klog("linuxrc: %s: %s", linuxrc.program, om_errno_text(err));
	task_exit(127 << 8);
}

static int sys_op_run_linuxrc(void *ctx, const char *root, const char *program, int *ret_status)
{
	const struct om_root *wanted = ctx;
	struct om_device device = { .major = 0, .minor = 0 };

	linuxrc.root = root;
	linuxrc.program = program;
	if (wanted->candidate_count)
		(void)sys_op_find_device(NULL, &wanted->candidates[0].spec, &device);
	root_choice_open(device.major, device.minor);
	return first_run(linuxrc_thread, ret_status);
}

static void sys_op_linuxrc_choice(void *ctx, struct om_choice *ret_choice)
{
	(void)ctx;
	root_choice_close(ret_choice);
}

static int sys_op_free_ramdisk(void *ctx, uint32_t index, uint64_t *ret_bytes)
{
	struct block_device *bdev = block_find(MKDEV(1, index));

	(void)ctx;
	if (!bdev)
		return -ENXIO;
	*ret_bytes = bdev->sectors * SECTOR_SIZE;
	return ramdisk_free(bdev);
}

/* ------------------------------------------------------------------ the table */

static void sys_op_log(void *ctx, const char *text)
{
	(void)ctx;
	klog("%s", text);
}

static uint64_t sys_op_now_ms(void *ctx)
{
	(void)ctx;
	return clock_ns() / NS_PER_MS;
}

static struct om_sys stub_sys = {
	.mkdir = sys_op_mkdir, .rmdir = sys_op_rmdir, .unlink = sys_op_unlink,
	.mknod = sys_op_mknod, .symlink = sys_op_symlink, .mount = sys_op_mount,
	.move = sys_op_move, .umount = sys_op_umount, .chdir = sys_op_chdir,
	.chroot = sys_op_chroot, .check_program = sys_op_check_program,
	.check_directory = sys_op_check_directory, .find_device = sys_op_find_device,
	.list_device = sys_op_list_device, .list_fstype = sys_op_list_fstype,
	.wait_devices = sys_op_wait_devices, .attach_image = sys_op_attach_image,
	.unpack = sys_op_unpack, .load_module = sys_op_load_module,
	.run_linuxrc = sys_op_run_linuxrc,
	.linuxrc_choice = sys_op_linuxrc_choice, .free_ramdisk = sys_op_free_ramdisk, .prompt = sys_op_prompt, .reap = sys_op_reap,
	.exec = sys_op_exec, .log = sys_op_log, .now_ms = sys_op_now_ms,
};

/* ------------------------------------------------------------------ what was handed over */

static void say_diag(void *ctx, const struct om_diag *diag)
{
	(void)ctx;
	klog("descriptor: offset %llu: %s", (unsigned long long)diag->offset, diag->text);
}

static int read_descriptor(struct om_root *root)
{
	const struct om_diag_sink sink = { say_diag, NULL };
	struct om_span bytes = { boot_info.descriptor, boot_info.descriptor_len };
	enum om_status status = om_descriptor_decode(bytes, &sink, root);

	if (status == OM_OK)
		return 0;
	klog("descriptor: refused: %s", om_status_text(status));
	return -EINVAL;
}

static int fill_absolute_root(void)
{
	struct super_block *sb = absolute_root();
	char what[WHAT_MAX] = "";
	int err = ramfs_populate(sb, boot_info.archive, boot_info.archive_len, what, sizeof(what));

	boot_info.archive = NULL;		/* its pages are the ramfs' now */
	if (err) {
		klog("absolute root: the archive cannot be used: %s", what);
		return err;
	}
	klog("absolute root: %u files, %llu KiB", sb->inode_count,
	     (unsigned long long)(boot_info.archive_len >> 10));
	return 0;
}

static void make_ramdisks(void)
{
	struct block_device *bdev;
	unsigned i;

	/* What cannot be made has been logged, and is missing when a candidate asks for it. */
	for (i = 0; i < boot_info.image_count; i++) {
		const struct boot_image *image = &boot_info.images[i];

		(void)ramdisk_make(image->index, image->data, image->len, &bdev);
	}
}

int late_boot(void)
{
	static struct om_root decoded;	/* exec does not come back to free it */
	struct om_root *root = &decoded;
	int err;

	err = read_descriptor(root);
	if (!err)
		err = fill_absolute_root();
	make_ramdisks();
	if (!err) {
		root_choice_root(root);
		stub_sys.ctx = root;
		err = prepare_namespace(root, &stub_sys);
	}
	return err;
}
