/* SPDX-License-Identifier: MIT */
#include "vfs_script.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct file *held;

static int walk(const char *name, unsigned flags, struct path *ret_path)
{
	return path_walk(world_fs(), NULL, name, flags, ret_path);
}

/* CALL with the place A. */
static int with_place(const char *a, unsigned flags, int (*call)(const struct path *))
{
	struct path path;
	int err = walk(a, flags, &path);

	if (err)
		return err;
	err = call(&path);
	path_put(&path);
	return err;
}

static int call_chdir(const struct path *path)
{
	return vfs_chdir(world_fs(), path);
}

static int call_chroot(const struct path *path)
{
	return vfs_chroot(world_fs(), path);
}

static int two_places(const struct script_step *step)
{
	struct path a, b;
	int err = walk(step->a, LOOKUP_FOLLOW, &a);

	if (err)
		return err;
	err = walk(step->b, LOOKUP_FOLLOW, &b);
	if (!err) {
		if (step->op == MOVE)
			err = vfs_move_mount(&a, &b);
		else if (step->op == PIVOT)
			err = vfs_pivot_root(&a, &b);
		else if (a.mnt != b.mnt || a.dentry != b.dentry)
			err = -ESTALE;
		path_put(&b);
	}
	path_put(&a);
	return err;
}

static int mount_on(const char *source, const char *target, const char *type, unsigned flags)
{
	struct path path;
	int err = walk(target, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = vfs_mount(source, &path, type, flags, NULL);
	path_put(&path);
	return err;
}

static int do_umount(const struct script_step *step)
{
	struct path path;
	int err = walk(step->a, LOOKUP_FOLLOW | LOOKUP_MOUNTPOINT, &path);

	if (err)
		return err;
	err = vfs_umount(&path, (int)step->n);
	path_put(&path);
	return err;
}

static int make_file(const struct script_step *step)
{
	int n = write_file(step->a, O_CREAT | O_TRUNC, 0, step->b, strlen(step->b));

	return n < 0 ? n : 0;
}

static int append(const struct script_step *step)
{
	struct inode inode;
	int n = stat_at(step->a, true, &inode);

	if (n == 0)
		n = write_file(step->a, 0, inode.size, step->b, strlen(step->b));
	return n < 0 ? n : 0;
}

static int check_text(const struct script_step *step)
{
	char text[256];
	int n = read_file(step->a, 0, text, sizeof(text) - 1);

	if (n < 0)
		return n;
	text[n] = '\0';
	assert_string_equal(text, step->b);
	return 0;
}

static int check_list(const struct script_step *step)
{
	int err;
	char *names = list_dir(step->a, &err);

	if (!names)
		return err;
	assert_string_equal(names, step->b);
	free(names);
	return 0;
}

static int check_cwd(const struct script_step *step)
{
	char buf[512];
	char *text = path_text(&world_fs()->cwd, &world_fs()->root, buf, sizeof(buf));

	assert_non_null(text);
	assert_string_equal(text, step->a);
	return 0;
}

static int hold(const struct script_step *step)
{
	return file_open(world_fs(), NULL, step->a, O_RDONLY, 0, &held);
}

static int release(void)
{
	if (held)
		file_put(held);
	held = NULL;
	return 0;
}

static int do_walk(const struct script_step *step)
{
	unsigned flags = step->n & NOFOLLOW ? step->n & ~NOFOLLOW : step->n | LOOKUP_FOLLOW;
	struct path path;
	int err = walk(step->a, flags, &path);

	if (!err)
		path_put(&path);
	return err;
}

static int do_step(const struct script_step *step)
{
	struct fs_struct *fs = world_fs();

	switch (step->op) {
	case MKDIR:
		return vfs_mkdir(fs, NULL, step->a, 0755);
	case FILE_:
		return make_file(step);
	case READ:
		return check_text(step);
	case APPEND:
		return append(step);
	case TRUNCATE:
		return truncate_file(step->a, step->n);
	case LINK:
		return link_file(step->a, step->b);
	case SYMLINK:
		return vfs_symlink(fs, NULL, step->a, step->b);
	case RENAME:
		return vfs_rename(fs, NULL, step->a, NULL, step->b, step->n);
	case UNLINK:
		return vfs_unlink(fs, NULL, step->a);
	case RMDIR:
		return vfs_rmdir(fs, NULL, step->a);
	case LIST:
		return check_list(step);
	case MOUNT:
		return mount_on("none", step->a, step->b, step->n);
	case BIND:
		return mount_on(step->a, step->b, NULL, MS_BIND | step->n);
	case REMOUNT:
		return mount_on("none", step->a, NULL, MS_REMOUNT | step->n);
	case UMOUNT:
		return do_umount(step);
	case MOVE:
	case PIVOT:
	case SAME:
		return two_places(step);
	case CHDIR:
		return with_place(step->a, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, call_chdir);
	case CHROOT:
		return with_place(step->a, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, call_chroot);
	case HOLD:
		return hold(step);
	case RELEASE:
		return release();
	case WALK:
		return do_walk(step);
	case CWD:
		return check_cwd(step);
	case DONE:
		break;
	}
	return -EINVAL;
}

/* With the AT-th allocation failing, 0 = none; gives how many there were. */
static unsigned long run_once(const struct script_step *steps, unsigned long at)
{
	const struct script_step *step;
	int got;

	world_begin();
	register_filesystem(&ramfs_type);
	host_fail_allocation(at);
	for (step = steps; step->op != DONE; step++) {
		unsigned long before = host_allocations;

		got = do_step(step);
		if (got == -ENOMEM && step->want != -ENOMEM && before < at &&
		    at <= host_allocations)
			got = do_step(step);
		if (got != step->want)
			fail_msg("step %d: %s %s: %d, expected %d (allocation %lu fails)",
				 (int)(step - steps), step->a ? step->a : "",
				 step->b ? step->b : "", got, step->want, at);
	}
	at = host_allocations;
	host_fail_allocation(0);
	release();
	world_end();
	return at;
}

void script_run(const struct script_step *steps)
{
	unsigned long count = run_once(steps, 0), at;

	for (at = 1; at <= count; at++)
		run_once(steps, at);
	assert_int_equal(host_live, 0);
	assert_int_equal(host_live_pages, 0);
}
