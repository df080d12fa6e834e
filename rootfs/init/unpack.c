/* SPDX-License-Identifier: MIT */
/*
 * tar: and cpio: roots: an archive of the absolute root, laid out below a directory.  A child does
 * it that has that directory as its "/", so that no name and no link of the archive leads out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <overmount/image.h>

#include "init.h"

#define PATH_SIZE	(OM_PATH_MAX + 1)

/* Names of one file in a cpio archive. */
struct first_name {
	struct first_name *next;
	uint64_t id;
	char *path;
};

struct unpack {
	const uint8_t *base;
	struct first_name *names;
	char path[PATH_SIZE], link[PATH_SIZE];
};

/* ------------------------------------------------------------------ members */

static int take_text(struct om_str text, bool rooted, char *buf)
{
	if (text.len + 2 > PATH_SIZE)
		return -ENAMETOOLONG;
	om_format(buf, PATH_SIZE, "%s%.*s", rooted && !om_str_starts(text, "/") ? "/" : "",
		  (int)text.len, text.ptr);
	return 0;
}

/* The directories above PATH, when the archive has not named them. */
static void make_parents(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static int write_file(const struct unpack *unpack, const struct om_member *member)
{
	const uint8_t *at = unpack->base + member->data_offset;
	int fd = open(unpack->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint64_t left = member->size;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err && left) {
		ssize_t done = write(fd, at, left > (1u << 20) ? 1u << 20 : (size_t)left);

		if (done <= 0) {
			err = done ? -errno : -ENOSPC;
			break;
		}
		at += done;
		left -= (uint64_t)done;
	}
	close(fd);
	return err;
}

/* 1: a name of a file that is there already; 0: it is the first one. */
static int known_file(struct unpack *unpack, const struct om_member *member)
{
	struct first_name *name;

	if (member->hard_link) {
		int err = take_text(member->link, true, unpack->link);

		return err ? err : link(unpack->link, unpack->path) ? -errno : 1;
	}
	if (!member->link_id || member->nlink < 2)
		return 0;
	for (name = unpack->names; name; name = name->next)
		if (name->id == member->link_id)
			return link(name->path, unpack->path) ? -errno : member->size ? 0 : 1;
	name = malloc(sizeof(*name));
	if (!name)
		return -ENOMEM;
	*name = (struct first_name){ unpack->names, member->link_id, strdup(unpack->path) };
	unpack->names = name;
	return name->path ? 0 : -ENOMEM;
}

static int make_node(struct unpack *unpack, const struct om_member *member)
{
	int err;

	switch (member->mode & OM_S_IFMT) {
	case OM_S_IFDIR:
		err = result_of(mkdir(unpack->path, 0755));
		return err == -EEXIST ? 0 : err;
	case OM_S_IFLNK:
		err = take_text(member->link, false, unpack->link);
		return err ? err : result_of(symlink(unpack->link, unpack->path));
	case OM_S_IFREG:
		err = known_file(unpack, member);
		return err > 0 ? 0 : err ? err : write_file(unpack, member);
	default:
		return result_of(mknod(unpack->path, member->mode,
				       makedev(member->rdev_major, member->rdev_minor)));
	}
}

static int add_member(struct unpack *unpack, const struct om_member *member)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = member->mtime } };
	int err = take_text(member->path, true, unpack->path);
	bool is_link = (member->mode & OM_S_IFMT) == OM_S_IFLNK;

	if (err)
		return err;
	if ((member->mode & OM_S_IFMT) != OM_S_IFDIR)
		unlink(unpack->path);		/* a later member of the same name wins */
	err = make_node(unpack, member);
	if (err == -ENOENT) {
		make_parents(unpack->path);
		err = make_node(unpack, member);
	}
	if (err || member->hard_link)
		return err;
	if (lchown(unpack->path, member->uid, member->gid))
		return -errno;
	if (!is_link && chmod(unpack->path, member->mode & 07777))
		return -errno;
	utimensat(AT_FDCWD, unpack->path, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* ------------------------------------------------------------------ archives */

static int unpack_all(bool tar, const struct om_source *source)
{
	static struct unpack unpack;
	struct om_archive_reader reader;
	struct om_diag diag = { .text = "" };
	struct om_member member;
	struct om_arena arena;
	enum om_status status;
	bool more = true;
	int err = 0;

	unpack.base = source->base;
	om_arena_init(&arena, &world_mem);
	status = tar ? om_tar_open(&reader, source, &arena, &diag) :
		       om_cpio_open(&reader, source, &arena, &diag);
	while (status == OM_OK && !err) {
		status = tar ? om_tar_next(&reader, &member, &more) :
			       om_cpio_next(&reader, &member, &more);
		if (status != OM_OK || !more)
			break;
		err = add_member(&unpack, &member);
		if (err)
			say("unpack: %s: %s", unpack.path, om_errno_text(err));
	}
	if (status != OM_OK)
		say("unpack: %s: %s", source->name, diag.text[0] ? diag.text : om_status_text(status));
	om_arena_release(&arena);
	return status == OM_NO_MEMORY ? -ENOMEM : status != OM_OK ? -EINVAL : err;
}

int world_unpack(void *ctx, enum om_root_kind kind, const char *path, const char *target)
{
	struct om_source source = { .name = path };
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = 0;
	struct stat st;
	pid_t pid;

	(void)ctx;
	if (fd < 0)
		return -errno;
	status = fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) || !st.st_size ? -EINVAL : 0;
	if (status) {
		close(fd);
		return status;
	}
	source.size = (uint64_t)st.st_size;
	source.base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (source.base == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid == 0) {
		umask(0);
		_exit(chdir(target) || chroot(".") ? errno : -unpack_all(kind == OM_ROOT_TAR, &source));
	}
	munmap((void *)(uintptr_t)source.base, (size_t)st.st_size);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
