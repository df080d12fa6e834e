/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_IMAGE_H
#define OVERMOUNT_IMAGE_H
/*
 * The absolute root image: layers merged into one tree, written as one newc archive.
 *
 *	om_tree_init
 *	om_tree_add_cpio / _add_tar / _add_file / _add_node    a layer at a time, in order
 *	om_tree_finish     whiteouts gone, /dev/console, /dev/null, manifest, order fixed
 *	om_image_layout    every offset and the total size
 *	om_image_write     one pass: headers generated, data moved or read straight to its place
 *	om_tree_release
 *
 * Bytes are read once and moved once: indexing an archive reads its headers (and small files
 * that lie in the same window, which are kept); large files are read by om_image_write()
 * directly to where they end up.
 */
#include <overmount/mem.h>
#include <overmount/source.h>

/* Linux' own numbers (S_IFMT and friends), as in newc headers. */
#define OM_S_IFMT	0170000u
#define OM_S_IFSOCK	0140000u
#define OM_S_IFLNK	0120000u
#define OM_S_IFREG	0100000u
#define OM_S_IFBLK	0060000u
#define OM_S_IFDIR	0040000u
#define OM_S_IFCHR	0020000u
#define OM_S_IFIFO	0010000u

/* What a member of a layer is, before merging; also what readers of archives give. */
struct om_member {
	struct om_str path;		/* as written in the archive */
	uint32_t mode;			/* type and permissions */
	uint32_t uid, gid;
	uint32_t nlink;
	int64_t mtime;			/* seconds */
	uint32_t rdev_major, rdev_minor;
	struct om_str link;		/* symbolic link's text, or a tar hard link's target */
	bool hard_link;			/* tar: LINK names an earlier member */
	uint64_t link_id;		/* cpio: (dev, ino) folded, equal for names of one file; 0 = none */
	uint64_t size;			/* of the data */
	uint64_t data_offset;		/* of the data in the source */
	uint64_t header_offset;		/* for messages */
	bool has_checksum;		/* cpio crc: CHECKSUM is the 32-bit sum of the data's bytes */
	uint32_t checksum;
};

struct om_tree_options {
	int64_t source_date_epoch;	/* later times are clamped to it; INT64_MAX = keep all */
	bool page_align;		/* data of files of a page or more starts on a page */
	bool no_devices;		/* leave /dev/console and /dev/null out */
	bool no_manifest;
	bool reread;			/* keep no data while indexing: small files are read again */
};

struct om_node;				/* rootfs/tree.c */

struct om_tree {
	struct om_arena arena;
	struct om_tree_options options;
	struct om_node *root;
	uint32_t layer_count;
	uint32_t node_count;
	uint64_t data_bytes;
	struct om_diag diag;		/* the last failure: layer and member named in .text */
	struct om_tree_private *priv;
};

enum om_status om_tree_init(struct om_tree *tree, const struct om_mem *mem,
			    const struct om_tree_options *options) OM_CHECKED;
void om_tree_release(struct om_tree *tree);

/* SOURCE and what it points to must live until om_image_write() has returned. LAYER names it. */
enum om_status om_tree_add_cpio(struct om_tree *tree, const char *layer,
				const struct om_source *source) OM_CHECKED;
enum om_status om_tree_add_tar(struct om_tree *tree, const char *layer,
			       const struct om_source *source) OM_CHECKED;
/*
 * Directory layers: the caller walks, begins a layer, and adds each node; the path is relative
 * to the layer's root.  SOURCE is for regular files only.
 */
enum om_status om_tree_begin_layer(struct om_tree *tree, const char *layer) OM_CHECKED;
enum om_status om_tree_add_member(struct om_tree *tree, const struct om_member *member,
				  const struct om_source *source) OM_CHECKED;
/* A generated file, /.overmount/root.descriptor for instance; BYTES must live on. */
enum om_status om_tree_add_bytes(struct om_tree *tree, const char *path, uint32_t mode,
				 struct om_span bytes) OM_CHECKED;

/*
 * The layer begun last is complete; merging it may find what no single member showed.  Optional:
 * the next layer, om_tree_add_bytes() and om_tree_finish() do it too.
 */
enum om_status om_tree_end_layer(struct om_tree *tree) OM_CHECKED;

/* Merge done: make the nodes that are always there and the manifest, fix order and inodes. */
enum om_status om_tree_finish(struct om_tree *tree) OM_CHECKED;

/* Look a path up in the merged tree (symbolic links followed). */
enum om_status om_tree_lookup(struct om_tree *tree, const char *path,
			      const struct om_node **ret_node) OM_CHECKED;
/* What a node is: path ("." for the root), owner, times, size; LAYER that won, or NULL. */
void om_node_describe(struct om_tree *tree, const struct om_node *node,
		      struct om_member *ret_member, const char **ret_layer);
/* Bytes of a regular file's data; OM_TRUNCATED past its end. */
enum om_status om_node_read(const struct om_node *node, uint64_t offset, void *buf,
			    size_t len) OM_CHECKED;
/* Every node in archive order; a non-zero return of VISIT stops and is returned. */
int om_tree_walk(struct om_tree *tree,
		 int (*visit)(void *ctx, const struct om_node *node, const struct om_member *member,
			      const char *layer),
		 void *ctx);

/* Total size of the archive, a multiple of 512 bytes (of a page with page_align). */
enum om_status om_image_layout(struct om_tree *tree, uint64_t *ret_size) OM_CHECKED;

/*
 * Where the archive goes.  Either BASE (SIZE bytes, everything is written in place and file
 * data is read straight into it) or WRITE for host tools that stream in ascending order.
 */
struct om_image_sink {
	uint8_t *base;
	uint64_t size;
	enum om_status (*write)(void *ctx, const void *bytes, size_t len);
	/* May be NULL: told now and then how many of how many bytes are done. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

enum om_status om_image_write(struct om_tree *tree, const struct om_image_sink *sink) OM_CHECKED;

/* ------------------------------------------------------------------ reading archives */

/*
 * Walk the members of an archive in order.  The strings of a member live until the next call.
 * SCRATCH holds windows of the source when it has no base.
 */
struct om_archive_reader {
	const struct om_source *source;
	struct om_arena *scratch;
	struct om_diag *diag;		/* may be NULL; filled with offset and text on failure */
	uint64_t offset;		/* of the next header */
	bool done;
	void *priv;
};

enum om_status om_cpio_open(struct om_archive_reader *reader, const struct om_source *source,
			    struct om_arena *scratch, struct om_diag *diag) OM_CHECKED;
/* OM_OK with *ret_more false at the end of the archive. */
enum om_status om_cpio_next(struct om_archive_reader *reader, struct om_member *ret_member,
			    bool *ret_more) OM_CHECKED;
enum om_status om_tar_open(struct om_archive_reader *reader, const struct om_source *source,
			   struct om_arena *scratch, struct om_diag *diag) OM_CHECKED;
enum om_status om_tar_next(struct om_archive_reader *reader, struct om_member *ret_member,
			   bool *ret_more) OM_CHECKED;

#endif
