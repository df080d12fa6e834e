/* SPDX-License-Identifier: MIT */
/* Images that are compressed as a whole: unpacked beside themselves, before they are attached. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_image.h"
#include "init.h"

#define ROOM		((size_t)1 << 20)
#define RESERVE_KIB	16384u	/* for what comes after: the kernel would end PID 1 otherwise */

/* The output is a file that grows, seen through a window that moves. */
struct output {
	struct unpacker unpacker;
	int from, to;
	uint8_t *window;
	uint64_t size;			/* of the file so far */
	size_t gone;			/* of the input: bytes whose memory has been given back */
};

/* A ramfs grows until memory is full; KiB that can be had, at least. */
static unsigned long long memory_left(void)
{
	char text[512];
	const char *at;

	if (read_text_at(world.proc, "meminfo", text, sizeof(text)))
		return RESERVE_KIB;
	at = strstr(text, "MemAvailable:");
	return at ? strtoull(at + 13, NULL, 10) : RESERVE_KIB;
}

/* Memory for all of it now: a page of a mapping that cannot be had is the end of PID 1 (SIGBUS). */
static int grow(int file, uint64_t from, size_t len)
{
	if (memory_left() < RESERVE_KIB)
		return -ENOSPC;
	if (fallocate(file, 0, (off_t)from, (off_t)len) == 0)
		return 0;
	return errno == EOPNOTSUPP ? result_of(ftruncate(file, (off_t)(from + len))) : -errno;
}

static int more_room(struct unpacker *unpacker, uint8_t **ret_room, size_t *ret_len)
{
	struct output *output = (struct output *)unpacker;	/* its first member */
	int err;

	if (output->window)
		munmap(output->window, ROOM);
	output->window = NULL;
	err = grow(output->to, output->size, ROOM);
	if (err)
		return err;
	output->window = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, output->to,
			      (off_t)output->size);
	if (output->window == MAP_FAILED) {
		output->window = NULL;
		return -errno;
	}
	output->size += ROOM;
	*ret_room = output->window;
	*ret_len = ROOM;
	return 0;
}

/* A tmpfs gives the pages back at once; a ramfs cannot, and has both until the end. */
static void consumed(struct unpacker *unpacker, size_t done)
{
	struct output *output = (struct output *)unpacker;

	done &= ~(ROOM - 1);
	if (done <= output->gone)
		return;
	fallocate(output->from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)output->gone,
		  (off_t)(done - output->gone));
	output->gone = done;
}

static int unpack_file(enum om_image_kind kind, int from, size_t len, int to)
{
	struct output output = { .unpacker = { .more_room = more_room, .consumed = consumed },
				 .from = from, .to = to };
	uint8_t *in = mmap(NULL, len, PROT_READ, MAP_SHARED, from, 0);
	int err;

	if (in == MAP_FAILED)
		return -errno;
	err = decompress_image(kind, in, len, &output.unpacker);
	if (output.window)
		munmap(output.window, ROOM);
	munmap(in, len);
	if (!err)
		err = result_of(ftruncate(to, (off_t)output.unpacker.out_len));
	return err;
}

int image_unpack(const char *path)
{
	static uint8_t head[OM_IMAGE_PROBE_BYTES];
	char plain[OM_PATH_MAX];
	enum om_image_kind kind;
	struct stat st;
	ssize_t len;
	int from = open(path, O_RDWR | O_CLOEXEC), to, err = 0;

	if (from < 0)
		return -errno;
	len = read(from, head, sizeof(head));
	kind = len > 0 ? om_image_probe((struct om_span){ head, (size_t)len }) : OM_IMAGE_UNKNOWN;
	if (fstat(from, &st) || !om_image_is_compressed(kind)) {
		close(from);
		return 0;
	}
	om_format(plain, sizeof(plain), "%s.plain", path);
	to = open(plain, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	err = to < 0 ? -errno : unpack_file(kind, from, (size_t)st.st_size, to);
	if (!err)
		err = result_of(rename(plain, path));
	if (err)
		unlink(plain);
	if (to >= 0)
		close(to);
	close(from);
	if (err)
		say("unpack: %s: %s: %s", path, om_image_kind_text(kind), om_errno_text(err));
	return err;
}
