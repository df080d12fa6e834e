/* SPDX-License-Identifier: MIT */
#ifndef ROOTFS_TREE_H
#define ROOTFS_TREE_H
/*
 * Private to rootfs/: what the tree of the absolute root is made of.
 *
 * A layer is first staged by itself and merged when it is complete, so that its whiteouts,
 * its symbolic links and its directories mean the same in every order of its members.
 * Staged nodes are kept in the order of their making, parents first; merging walks that list
 * and either moves a node into the tree or lets the node that is there take its file.
 */
#include <overmount/fmt.h>
#include <overmount/image.h>

#ifdef OM_SMALL_LIMITS
#define OM_WINDOW_BYTES		8192u
#define OM_KEEP_FILE_MAX	512u
#define OM_KEEP_TOTAL_MAX	16384u
#define OM_STREAM_BYTES		4096u
#else
#define OM_WINDOW_BYTES		(1u << 20)	/* read at once while members follow each other */
#define OM_KEEP_FILE_MAX	(64u << 10)	/* files up to this size stay in their window */
#define OM_KEEP_TOTAL_MAX	(64u << 20)	/* of windows; what comes later is read again */
#define OM_STREAM_BYTES		(128u << 10)	/* collected before a sink's write is called */
#endif
#define OM_WINDOW_FIRST		(OM_WINDOW_BYTES / 256)	/* after a jump over a large file */


#define OM_WHITEOUT_PREFIX	".wh."
#define OM_WHITEOUT_OPAQUE	".wh..wh..opq"

/* ------------------------------------------------------------------ messages */

/* Printable, at most MAX bytes of TEXT into BUF: control characters become '?', a long text
 * loses its head, for its end says more. */
#define OM_CLIP_MAX 96
const char *om_clip(char buf[OM_CLIP_MAX + 4], struct om_str text, size_t max);
/* Fill DIAG (may be NULL) and return STATUS. */
enum om_status om_archive_fail(struct om_diag *diag, enum om_status status, uint64_t offset,
			       const char *format, ...) OM_PRINTF(4, 5);

/* ------------------------------------------------------------------ windows of a source */

/*
 * A source seen through blocks of memory.  A block is filled piece by piece; pieces that hold
 * kept bytes stay, the others give their room to the next piece.
 */
struct om_window {
	const struct om_source *source;
	struct om_arena *arena;
	uint8_t *block;
	size_t block_size;
	size_t block_used;		/* before the current piece */
	uint64_t offset;		/* of the current piece in the source */
	size_t len;			/* of the current piece */
	size_t next_len;		/* to read at the next refill */
	bool kept;			/* something of the current piece is kept */
	uint64_t *keep_total;		/* shared by the layers of a tree; NULL = keep nothing */
};

void om_window_init(struct om_window *window, const struct om_source *source,
		    struct om_arena *arena);
/* LEN bytes at OFFSET; they stay until the next call, or for ever after om_window_keep(). */
enum om_status om_window_get(struct om_window *window, uint64_t offset, size_t len,
			     const uint8_t **ret_bytes) OM_CHECKED;
/* Bytes of a small file for good; *RET_BYTES is NULL when it has to be read later. */
enum om_status om_window_keep(struct om_window *window, uint64_t offset, uint64_t len,
			      const uint8_t **ret_bytes) OM_CHECKED;

/* ------------------------------------------------------------------ hard links */

struct om_link_entry {
	struct om_link_entry *next;
	uint64_t key[2];
	uint64_t id;
	void *file;
};

/* (dev, ino) to whatever stands for the file.  All memory comes from the arena. */
struct om_link_table {
	struct om_link_entry **buckets;
	uint32_t bucket_count;		/* a power of two */
	uint32_t count;
};

/* The entry of KEY, made when it is not there; NULL without memory. */
struct om_link_entry *om_link_table_get(struct om_link_table *table, struct om_arena *arena,
					uint64_t key0, uint64_t key1);
void om_link_table_reset(struct om_link_table *table);

/* ------------------------------------------------------------------ readers */

/* What both readers keep in reader->priv. */
struct om_reader_common {
	struct om_window window;
	char name[OM_PATH_MAX + 1];
	char link[OM_PATH_MAX + 1];
};

/* ------------------------------------------------------------------ the tree */

/* An inode: what the names of one file share. */
struct om_file {
	uint32_t mode, uid, gid;
	uint32_t rdev_major, rdev_minor;
	int64_t mtime;
	struct om_str link;		/* of a symbolic link */
	uint64_t size;
	const struct om_source *source;	/* of data that is not in memory */
	uint64_t data_offset;
	uint32_t source_order;		/* of SOURCE, in the order of its first use */
	const uint8_t *bytes;		/* data in memory, or NULL */
	bool has_checksum;
	uint32_t checksum;
	uint16_t data_layer;		/* whose data it is, for messages */
	/* om_tree_finish() and om_image_layout() */
	uint32_t ino, nlink;		/* of what can have several names */
	struct om_node *last_name;	/* carries the data */
	struct om_file *next_read;
};

/* What a node replaced, the last one first. */
struct om_hidden {
	struct om_hidden *next;
	uint16_t layer;
};

struct om_whiteout {
	struct om_whiteout *next;
	struct om_str name;
};

struct om_node {
	struct om_node *parent;		/* NULL: the root */
	struct om_node *child, *next, *prev;
	struct om_node *hash_next;
	struct om_str name;		/* "" for the root */
	struct om_file *file;
	struct om_hidden *hidden;
	uint32_t hash;
	uint16_t layer;
	/* while its layer is staged */
	struct om_node *next_made;
	struct om_node *twin;		/* where it went in the tree */
	struct om_whiteout *whiteouts;
	bool opaque;			/* what lower layers have in this directory goes */
	bool implied;			/* a directory no member named */
	bool content;			/* something other than whiteouts is in or below it */
	bool has_children;
	/* om_tree_finish() and om_image_layout() */
	uint32_t ino, nlink;
	uint32_t path_len;		/* of its path from the root, "." for the root */
	uint32_t name_size;		/* of the name field, padding included */
	uint32_t filler_size;		/* of the name field of a filler before it; 0 = none */
	uint64_t header_place;		/* of the filler, or of the header */
	uint64_t data_place;
};

/* (parent, name) to node. */
struct om_node_table {
	const struct om_mem *mem;
	struct om_node **buckets;
	uint32_t bucket_count;		/* a power of two */
	uint32_t count;
};

uint32_t om_node_hash(const struct om_node *parent, struct om_str name);
struct om_node *om_node_table_find(const struct om_node_table *table,
				   const struct om_node *parent, struct om_str name);
/* NODE has parent, name and hash. */
enum om_status om_node_table_add(struct om_node_table *table, struct om_node *node) OM_CHECKED;
void om_node_table_remove(struct om_node_table *table, struct om_node *node);
void om_node_table_reset(struct om_node_table *table);
void om_node_table_release(struct om_node_table *table);

/* A path that a layer took away without putting something in its place. */
struct om_deleted {
	struct om_deleted *next;
	struct om_str path;
	uint16_t layer;
	uint16_t hidden;
};

struct om_tree_private {
	struct om_node_table nodes;	/* of the tree */
	struct om_node_table staged;	/* of the layer being added */
	struct om_node *staged_root, *last_made;
	struct om_link_table links;	/* of the layer being added */
	bool layer_open;
	bool finished;
	enum om_status failed;		/* what could not be added: never a half-built image */
	uint16_t layer;			/* index into layers */
	struct om_str layers[OM_LAYERS_MAX + 1];	/* [0]: "overmount", what it makes itself */
	uint32_t staged_count;
	const struct om_source *last_source;
	uint32_t source_count;
	uint64_t keep_total;
	struct om_deleted *deleted, **deleted_end;
	uint64_t image_size;		/* 0 before om_image_layout() */
	char path[OM_PATH_MAX + 1];	/* of the node being walked */
	char lookup[2][OM_PATH_MAX + 1];	/* what is left to resolve */
};

#define OM_LAYER_OWN 0
#define OM_MANIFEST_PATH "/.overmount/manifest"
/* A layer for what overmount itself adds. */
enum om_status om_tree_begin_own(struct om_tree *tree) OM_CHECKED;

/* Fill tree->diag with "layer NAME: member PATH: ..." and return STATUS. */
enum om_status om_tree_fail(struct om_tree *tree, enum om_status status, uint16_t layer,
			    struct om_str member, const char *format, ...) OM_PRINTF(5, 6);
enum om_status om_tree_no_memory(struct om_tree *tree);

static inline uint32_t om_file_type(const struct om_file *file)
{
	return file->mode & OM_S_IFMT;
}

static inline bool om_node_is_dir(const struct om_node *node)
{
	return om_file_type(node->file) == OM_S_IFDIR;
}

/* Bytes of data after its header: the last name of a file has them. */
uint64_t om_node_data_size(const struct om_node *node);

/* Its path from the root, no leading slash; "." for the root.  In tree->priv->path. */
struct om_str om_node_path(struct om_tree *tree, const struct om_node *node);

/* As om_tree_add_member(); BYTES: the data, when it is in memory for good. */
enum om_status om_stage_member(struct om_tree *tree, const struct om_member *member,
			       const struct om_source *source, const uint8_t *bytes) OM_CHECKED;
/* Was it a whiteout?  DIR is where it lies, NAME its last component. */
enum om_status om_stage_whiteout(struct om_tree *tree, struct om_node *dir, struct om_str name,
				 const struct om_member *member) OM_CHECKED;
static inline bool om_is_whiteout(struct om_str name)
{
	return om_str_starts(name, OM_WHITEOUT_PREFIX);
}

/* layer.c: the staged layer becomes part of the tree. */
enum om_status om_layer_merge(struct om_tree *tree) OM_CHECKED;
/* Take NODE and all below it out of the tree. */
void om_tree_remove(struct om_tree *tree, struct om_node *node);
enum om_status om_tree_insert(struct om_tree *tree, struct om_node *dir,
			      struct om_node *node) OM_CHECKED;

/* manifest.c */
enum om_status om_manifest_text(struct om_tree *tree, struct om_span *ret_text) OM_CHECKED;

/* The node after NODE in archive order: a directory before what is in it, names sorted. */
struct om_node *om_node_next(const struct om_node *node);

/* Stable merge sort of a list; LINK is the offset of the pointer to the next element. */
void *om_list_sort(void *head, size_t link, bool (*before)(const void *a, const void *b));

#endif
