/* SPDX-License-Identifier: MIT */
#include "flip_support.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define VISITS_MAX 300u		/* a broken tree may be a ring */
#define DEPTH_MAX 6u

static unsigned visits;
static int first_error;
static char content[1 << 18];

static void note(int err)
{
	/* Only these, whatever the bits say; a name that is too long or a ring is the walk's. */
	assert_true(err >= 0 || err == -EIO || err == -EUCLEAN || err == -ENOENT ||
		    err == -EINVAL || err == -ENOTDIR || err == -ENAMETOOLONG || err == -EFBIG ||
		    err == -ELOOP || err == -ENXIO || err == -EOPNOTSUPP);
	if (err < 0 && first_error == 0)
		first_error = err;
}

static void visit(const char *path, unsigned depth)
{
	struct inode inode;
	char *names, *name, below[2048];
	int err;

	if (visits++ >= VISITS_MAX)
		return;
	err = stat_at(path, false, &inode);
	note(err);
	if (err < 0)
		return;
	if (S_ISREG(inode.mode)) {
		note(read_file(path, 0, content, sizeof(content)));
		if (inode.size > sizeof(content))
			note(read_file(path, inode.size - 5000, content, sizeof(content)));
	} else if (S_ISLNK(inode.mode)) {
		note(read_link(path, content, sizeof(content)));
	} else if (S_ISDIR(inode.mode) && depth < DEPTH_MAX) {
		names = list_dir(path, &err);
		note(err);
		for (name = names; name && *name; name += strcspn(name, "\n") + 1) {
			if (snprintf(below, sizeof(below), "%s/%.*s", path, (int)strcspn(name, "\n"),
				     name) >= (int)sizeof(below) || visits >= VISITS_MAX)
				break;
			visit(below, depth + 1);
		}
		free(names);
	}
}

int visit_image(const char *type)
{
	int err;

	visits = 0;
	first_error = 0;
	host_log_clear();
	world_begin();
	err = world_mount(type, MS_RDONLY, NULL);
	note(err);
	if (err == 0) {
		visit("/mnt", 0);
		assert_int_equal(world_umount(), 0);
	}
	vfs_forget();			/* whoever has gone by now must not be asked */
	world_end();
	/* What is broken is said; the block layer names a bad sector only once. */
	if ((first_error == -EIO || first_error == -EUCLEAN) && disk->bad_count == 0)
		assert_true(host_log[0] != '\0');
	return first_error;
}

void flip_image(const char *type, const uint8_t *image, size_t size, size_t span, unsigned count)
{
	const char *seed = getenv("OM_SEED");
	uint64_t state = seed ? strtoull(seed, NULL, 0) : 1;

	disk_copy(image, size);
	for (unsigned i = 0; i < count; i++) {
		struct { size_t at; uint8_t bit; } flips[4];
		unsigned n = 0;

		for (; n <= i % 4; n++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			flips[n].at = (state >> 33) % span;
			flips[n].bit = (uint8_t)(1u << (state >> 29 & 7));
			disk->data[flips[n].at] ^= flips[n].bit;
		}
		(void)visit_image(type);
		assert_int_equal(disk->writes, 0);
		while (n-- > 0)
			disk->data[flips[n].at] ^= flips[n].bit;
		disk_reset();
	}
	/* Whatever a broken one left behind would show here. */
	assert_int_equal(visit_image(type), 0);
}

void truncate_image(const char *type, const uint8_t *image, size_t size)
{
	for (size_t len = 0; len < size; len += len < 16384 ? 512 : size / 37) {
		disk_copy(image, len);
		assert_true(visit_image(type) < 0);
	}
}

void fail_reads_of(const char *type, const uint8_t *image, size_t size)
{
	unsigned long total;

	disk_copy(image, size);
	assert_int_equal(visit_image(type), 0);
	total = disk->reads;
	assert_true(total > 0);
	for (unsigned long n = 1; n <= total; n++) {
		disk_copy(image, size);
		disk->fail_read = n;
		(void)visit_image(type);
	}
}

uint8_t *load_image(const char *name, size_t *ret_size)
{
	uint8_t *image;

	disk_load(name);
	*ret_size = disk->bdev.sectors * SECTOR_SIZE;
	image = malloc(*ret_size);
	assert_non_null(image);
	memcpy(image, disk->data, *ret_size);
	return image;
}
