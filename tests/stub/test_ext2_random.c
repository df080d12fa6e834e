/* SPDX-License-Identifier: MIT */
/*
 * ext2 against a model: thousands of random operations on a volume and on a tree in memory,
 * compared now and then, also after mounting again, and judged by e2fsck.
 *
 * OM_SEED repeats a run, OM_STEPS makes it longer.
 */
#include "fs_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ENTRIES		160u
#define SIZE_MAX_FILE	(420u << 10)	/* reaches doubly indirect blocks of 1 KiB */
#define PATH		2048
#define DEPTH_MAX	20	/* of a tree: paths stay shorter than PATH */

/* A file, which may have several names. */
struct node {
	uint32_t mode, uid, rdev;
	unsigned links;
	size_t size;
	uint8_t *data;		/* contents, or the text of a symbolic link */
};

struct entry {
	bool used;
	int parent;		/* index of a directory's entry, -1 = the root */
	char name[80];
	struct node *node;
};

static struct entry entries[ENTRIES];
static uint64_t random_state;

static uint32_t rnd(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % below);
}

/* -- the model ------------------------------------------------------------------------------------- */

static void path_of(int index, char *buf)
{
	char tail[PATH], copy[PATH];

	tail[0] = '\0';
	for (; index >= 0; index = entries[index].parent) {
		memcpy(copy, tail, sizeof(copy));
		snprintf(tail, sizeof(tail), "/%.79s%.1900s", entries[index].name, copy);
	}
	snprintf(buf, PATH, "/mnt%.2000s", tail);
}

static int free_entry(void)
{
	for (int i = 0; i < (int)ENTRIES; i++)
		if (!entries[i].used)
			return i;
	return -1;
}

static int depth_of(int index)
{
	int depth = 0;

	for (; index >= 0; index = entries[index].parent)
		depth++;
	return depth;
}

/* A random entry of this type, -1 if there is none. */
static int pick(uint32_t type)
{
	int start = (int)rnd(ENTRIES);

	for (unsigned i = 0; i < ENTRIES; i++) {
		int at = (start + (int)i) % (int)ENTRIES;

		if (entries[at].used && (!type || (entries[at].node->mode & S_IFMT) == type))
			return at;
	}
	return -1;
}

static int pick_dir(void)
{
	int dir = rnd(4) ? pick(S_IFDIR) : -1;

	return dir >= 0 && depth_of(dir) > 4 ? -1 : dir;
}

static bool is_empty(int dir)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (entries[i].used && entries[i].parent == dir)
			return false;
	return true;
}

static bool is_below(int index, int top)
{
	for (; index >= 0; index = entries[index].parent)
		if (index == top)
			return true;
	return false;
}

/* Would the tree below FROM reach too deep in directory PARENT? */
static bool too_deep(int from, int parent)
{
	int deepest = 0;

	for (int i = 0; i < (int)ENTRIES; i++)
		if (entries[i].used && is_below(i, from) && depth_of(i) > deepest)
			deepest = depth_of(i);
	return deepest - depth_of(from) + 1 + depth_of(parent) > DEPTH_MAX;
}

static void node_drop(struct node *node)
{
	if (--node->links > 0)
		return;
	free(node->data);
	free(node);
}

static struct node *node_make(uint32_t mode)
{
	struct node *node = calloc(1, sizeof(*node));

	assert_non_null(node);
	node->mode = mode;
	node->links = 1;
	node->data = calloc(1, S_ISREG(mode) ? SIZE_MAX_FILE : PATH);
	assert_non_null(node->data);
	return node;
}

static void new_name(char *buf, size_t size)
{
	static unsigned counter;

	snprintf(buf, size, "%u-%.*s", ++counter, (int)rnd(60),
		 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl");
}

/* -- operations: the same on both sides ---------------------------------------------------------------- */

/* No room is a result like any other, as long as nothing happened. */
static bool done(int err)
{
	if (err == -ENOSPC)
		return false;
	assert_int_equal(err, 0);
	return true;
}

static void op_make(void)
{
	static const uint32_t modes[] = {
		S_IFREG | 0644, S_IFREG | 0600, S_IFREG | 0755, S_IFDIR | 0755, S_IFLNK | 0777,
		S_IFCHR | 0600, S_IFIFO | 0644,
	};
	int index = free_entry(), dir = pick_dir(), err;
	struct fs_struct *fs = world_fs();
	uint32_t mode = modes[rnd(7)];
	struct entry *entry;
	char path[PATH];

	if (index < 0)
		return;
	entry = &entries[index];
	entry->parent = dir;
	new_name(entry->name, sizeof(entry->name));
	path_of(index, path);
	entry->node = node_make(mode);
	if (S_ISREG(mode)) {
		err = write_file(path, O_CREAT | O_EXCL, 0, "", 0);
		/* The world's umask is 0, write_file() asks for 0644. */
		if (err == 0)
			err = chmod_file(path, mode & 07777, 0, 0);
	} else if (S_ISDIR(mode)) {
		err = vfs_mkdir(fs, NULL, path, mode & 07777);
	} else if (S_ISLNK(mode)) {
		entry->node->size = 1 + rnd(200);
		memset(entry->node->data, 'a' + (int)rnd(26), entry->node->size);
		err = vfs_symlink(fs, NULL, path, (const char *)entry->node->data);
	} else {
		entry->node->rdev = S_ISCHR(mode) ? MKDEV(rnd(500), rnd(500)) : 0;
		err = vfs_mknod(fs, NULL, path, mode, entry->node->rdev);
	}
	/* Directories in a set-group-ID one are that, too. */
	if (S_ISDIR(mode) && dir >= 0)
		entry->node->mode |= entries[dir].node->mode & 02000;
	if (done(err))
		entry->used = true;
	else
		node_drop(entry->node);
}

static void op_write(void)
{
	static uint8_t buf[30000];
	int index = pick(S_IFREG), n;
	uint32_t len = 1 + rnd(rnd(4) ? 3000 : sizeof(buf)), pos;
	struct node *node;
	char path[PATH];

	if (index < 0)
		return;
	node = entries[index].node;
	pos = rnd(3) ? (uint32_t)node->size : rnd(SIZE_MAX_FILE);
	if (pos + len > SIZE_MAX_FILE)
		return;
	pattern(buf, len, rnd(1000), pos);
	path_of(index, path);
	n = write_file(path, rnd(2) && pos == node->size ? O_APPEND : 0, pos, buf, len);
	if (n == -ENOSPC)
		return;
	assert_true(n > 0 && n <= (int)len);
	memcpy(node->data + pos, buf, (size_t)n);
	if (pos + (size_t)n > node->size)
		node->size = pos + (size_t)n;
}

static void op_truncate(void)
{
	int index = pick(S_IFREG);
	struct node *node;
	char path[PATH];
	size_t size;

	if (index < 0)
		return;
	node = entries[index].node;
	size = rnd(4) ? rnd((uint32_t)node->size + 1) : rnd(SIZE_MAX_FILE);
	path_of(index, path);
	assert_int_equal(truncate_file(path, size), 0);
	if (size < node->size)
		memset(node->data + size, 0, node->size - size);
	node->size = size;
}

static void op_link(void)
{
	int from = pick(S_IFREG), index = free_entry();
	char path[PATH], old[PATH];

	if (from < 0 || index < 0)
		return;
	entries[index].parent = pick_dir();
	new_name(entries[index].name, sizeof(entries[index].name));
	path_of(from, old);
	path_of(index, path);
	if (!done(link_file(old, path)))
		return;
	entries[index].node = entries[from].node;
	entries[index].node->links++;
	entries[index].used = true;
}

static void op_remove(void)
{
	int index = pick(0);
	char path[PATH];

	if (index < 0)
		return;
	path_of(index, path);
	if (S_ISDIR(entries[index].node->mode)) {
		assert_int_equal(vfs_unlink(world_fs(), NULL, path), -EISDIR);
		if (!is_empty(index)) {
			assert_int_equal(vfs_rmdir(world_fs(), NULL, path), -ENOTEMPTY);
			return;
		}
		assert_int_equal(vfs_rmdir(world_fs(), NULL, path), 0);
	} else {
		assert_int_equal(vfs_unlink(world_fs(), NULL, path), 0);
	}
	node_drop(entries[index].node);
	entries[index].used = false;
}

static void rename_to_new(int from)
{
	char old[PATH], path[PATH];
	struct entry moved = entries[from];

	moved.parent = pick_dir();
	new_name(moved.name, sizeof(moved.name));
	path_of(from, old);
	if (is_below(moved.parent, from)) {
		path_of(moved.parent, path);
		snprintf(path + strlen(path), 60, "/x");
		assert_int_equal(rename_file(old, path), -EINVAL);
		return;
	}
	if (too_deep(from, moved.parent))
		return;
	path_of(moved.parent, path);
	snprintf(path + strlen(path), 90, "/%s", moved.name);
	if (done(rename_file(old, path)))
		entries[from] = moved;
}

static void op_rename(void)
{
	int from = pick(0), to = pick(0), err;
	char old[PATH], path[PATH];
	bool dir;

	if (from < 0)
		return;
	if (rnd(2) || from == to || is_below(to, from) || is_below(from, to)) {
		rename_to_new(from);
		return;
	}
	if (too_deep(from, entries[to].parent))
		return;
	path_of(from, old);
	path_of(to, path);
	err = rename_file(old, path);
	dir = S_ISDIR(entries[from].node->mode);
	if (dir != S_ISDIR(entries[to].node->mode)) {
		assert_int_equal(err, dir ? -ENOTDIR : -EISDIR);
	} else if (dir && !is_empty(to)) {
		assert_int_equal(err, -ENOTEMPTY);
	} else {
		assert_int_equal(err, 0);
		if (entries[from].node == entries[to].node)
			return;
		node_drop(entries[to].node);
		entries[to].node = entries[from].node;
		for (unsigned i = 0; i < ENTRIES; i++)
			if (entries[i].used && entries[i].parent == from)
				entries[i].parent = to;
		entries[from].used = false;
	}
}

static void op_chmod(void)
{
	int index = pick(0);
	struct node *node;
	char path[PATH];

	if (index < 0 || S_ISLNK(entries[index].node->mode))
		return;
	node = entries[index].node;
	node->mode = (node->mode & S_IFMT) | rnd(010000);
	node->uid = rnd(200000);
	path_of(index, path);
	assert_int_equal(chmod_file(path, node->mode & 07777, node->uid, 0), 0);
}

/* -- comparing ------------------------------------------------------------------------------------------ */

static unsigned expected_links(int index)
{
	unsigned links = 2;

	if (!S_ISDIR(entries[index].node->mode))
		return entries[index].node->links;
	for (unsigned i = 0; i < ENTRIES; i++)
		links += entries[i].used && entries[i].parent == index &&
			 S_ISDIR(entries[i].node->mode);
	return links;
}

static void compare_entry(int index)
{
	static uint8_t buf[SIZE_MAX_FILE + 1];
	const struct node *node = entries[index].node;
	struct inode inode;
	char path[PATH];

	path_of(index, path);
	assert_int_equal(stat_at(path, false, &inode), 0);
	assert_int_equal(inode.mode, node->mode);
	assert_int_equal(inode.uid, node->uid);
	assert_int_equal(inode.rdev, node->rdev);
	assert_int_equal(inode.nlink, expected_links(index));
	if (S_ISREG(node->mode)) {
		assert_int_equal(inode.size, node->size);
		assert_int_equal(read_file(path, 0, buf, sizeof(buf)), node->size);
		assert_memory_equal(buf, node->data, node->size);
	} else if (S_ISLNK(node->mode)) {
		assert_int_equal(read_link(path, (char *)buf, sizeof(buf)), node->size);
		assert_memory_equal(buf, node->data, node->size);
	}
}

/* Everything of the model is there; that nothing else is, the number of names tells. */
static void compare_all(void)
{
	unsigned expected = 1, found = 0;	/* lost+found */
	char path[PATH];

	for (int dir = -1; dir < (int)ENTRIES; dir++) {
		char *names;
		int err;

		if (dir >= 0) {
			if (!entries[dir].used)
				continue;
			compare_entry(dir);
			expected++;
			if (!S_ISDIR(entries[dir].node->mode))
				continue;
		}
		path_of(dir, path);
		names = list_dir(path, &err);
		assert_int_equal(err, 0);
		for (char *p = names; *p; p++)
			found += *p == '\n';
		free(names);
	}
	assert_int_equal(found, expected);
}

static void step(void)
{
	switch (rnd(20)) {
	case 0: case 1: case 2: case 3: op_make(); break;
	case 4: case 5: case 6: case 7: case 8: case 9: op_write(); break;
	case 10: case 11: op_truncate(); break;
	case 12: op_link(); break;
	case 13: case 14: case 15: op_remove(); break;
	case 16: case 17: case 18: op_rename(); break;
	default: op_chmod(); break;
	}
}

static void clear_model(void)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (entries[i].used)
			node_drop(entries[i].node);
	memset(entries, 0, sizeof(entries));
}

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

static void run_on(const char *options, const char *size)
{
	unsigned seed = number_from("OM_SEED", 20), steps = number_from("OM_STEPS", 3000);

	random_state = 0x9e3779b97f4a7c15u * (seed + 1);
	assert_int_equal(shell("rm -f e.img; mke2fs -q -F %s -E root_owner=0:0 e.img %s > out 2>&1",
			       options, size), 0);
	disk_load("e.img");
	world_begin();
	assert_int_equal(world_mount("ext2", 0, NULL), 0);
	for (unsigned i = 1; i <= steps; i++) {
		step();
		if (i % 200 == 0)
			compare_all();
		if (i % 500 == 0) {
			assert_int_equal(vfs_sync(NULL), 0);
			assert_int_equal(e2fsck("e.img"), 0);
		}
		if (i % 700 == 0) {
			assert_int_equal(world_umount(), 0);
			block_forget(&disk->bdev);
			assert_int_equal(world_mount("ext2", 0, NULL), 0);
			compare_all();
		}
	}
	compare_all();
	assert_int_equal(world_umount(), 0);
	world_end();
	assert_int_equal(e2fsck("e.img"), 0);
	disk_free();
	clear_model();
}

static void blocks_of_1k(void **state)
{
	(void)state;
	run_on("-t ext2 -b 1024", "16M");
}

static void blocks_of_2k(void **state)
{
	(void)state;
	run_on("-t ext2 -b 2048", "16M");
}

static void blocks_of_4k(void **state)
{
	(void)state;
	run_on("-t ext2 -b 4096", "16M");
}

static void revision_0(void **state)
{
	(void)state;
	run_on("-t ext2 -b 1024 -r 0", "16M");
}

static void small_groups_and_little_room(void **state)
{
	(void)state;
	run_on("-t ext2 -b 1024 -g 512 -N 144 -m 0", "3M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_1k),
		cmocka_unit_test(blocks_of_2k),
		cmocka_unit_test(blocks_of_4k),
		cmocka_unit_test(revision_0),
		cmocka_unit_test(small_groups_and_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
