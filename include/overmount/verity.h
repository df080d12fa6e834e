/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_VERITY_H
#define OVERMOUNT_VERITY_H
/*
 * What lies in front of a tree of hashes on disk, and the line with which the device mapper of
 * Linux makes a device of it.  The format is that of cryptsetup, version 1 of the superblock;
 * docs/linux.md says what is taken from it.
 */
#include <overmount/bytes.h>
#include <overmount/sys.h>

#define OM_VERITY_SUPERBLOCK_SIZE	512u
#define OM_VERITY_ALGORITHM_MAX		32u
#define OM_VERITY_SALT_MAX		256u
/* Numbers, a name, a hash and a salt in hexadecimal. */
#define OM_VERITY_LINE_MAX		1024u

/* The line of the story: the new device, that of the data, that of the tree. */
#define OM_VERITY_STORY	"verity: /dev/%s is /dev/%s, as far as it matches the hash tree on /dev/%s"

struct om_verity_tree {
	uint8_t uuid[16];
	uint32_t type;			/* 0 as Chrome OS began with, 1 */
	char algorithm[OM_VERITY_ALGORITHM_MAX + 1];
	uint32_t data_block, hash_block;	/* their sizes in bytes */
	uint64_t data_blocks;
	uint64_t size;			/* of the data, in bytes */
	uint64_t first;			/* hash block in which the tree begins, from the device's start */
	uint64_t hash_blocks;		/* of the tree */
	uint32_t salt_len;
	uint8_t salt[OM_VERITY_SALT_MAX];
};

/*
 * Read the superblock BYTES, which lie where VERITY says on HASH, and check that it is one, that its hash
 * is as long as the root hash, and that data and tree have room on DATA and HASH, which may be one device.
 * What is wrong goes to SINK, with its offset in BYTES.
 */
enum om_status om_verity_read(struct om_span bytes, const struct om_verity *verity,
			      const struct om_device *data, const struct om_device *hash,
			      const struct om_diag_sink *sink,
			      struct om_verity_tree *ret_tree) OM_CHECKED;

/* The parameters of a "verity" target of TREE->size bytes; the result is as om_format()'s. */
size_t om_verity_line(const struct om_verity_tree *tree, const struct om_verity *verity,
		      const struct om_device *data, const struct om_device *hash, char *buf,
		      size_t size);

#endif
