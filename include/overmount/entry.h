/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_ENTRY_H
#define OVERMOUNT_ENTRY_H
/*
 * A boot entry: lines of `key value` with # comments, the grammar of Boot Loader
 * Specification type #1 plus our keys.  The parser borrows from the text and never writes
 * into it; what has to be composed comes from the arena.
 *
 * om_entry_keys[] (loader/keys.c) is the one table of keys: parser, docs/, the man page and
 * `overmount check` are made from or checked against it.
 */
#include <overmount/mem.h>
#include <overmount/root.h>

enum om_key {
	/* Boot Loader Specification */
	OM_KEY_TITLE, OM_KEY_VERSION, OM_KEY_MACHINE_ID, OM_KEY_SORT_KEY, OM_KEY_LINUX, OM_KEY_INITRD,
	OM_KEY_EFI, OM_KEY_OPTIONS, OM_KEY_ARCHITECTURE,
	/* ours */
	OM_KEY_KERNEL, OM_KEY_RAMFS, OM_KEY_OVERLAY, OM_KEY_FILE, OM_KEY_ROOT, OM_KEY_ROOT_FSTYPE,
	OM_KEY_ROOT_FLAGS, OM_KEY_ROOT_MODE, OM_KEY_ROOT_WAIT, OM_KEY_ROOT_DELAY, OM_KEY_RAMDISK,
	OM_KEY_RAMDISK_PROMPT, OM_KEY_LINUXRC, OM_KEY_INIT, OM_KEY_DEVFS, OM_KEY_MODULE,
	OM_KEY_KEEP_RAMFS, OM_KEY_REAL_ROOT_DEV, OM_KEY_INITRD_ATTACH, OM_KEY_ROOT_OVERLAY,
	OM_KEY_ROOT_VERITY,
	/* global, only in overmount.conf */
	OM_KEY_TIMEOUT, OM_KEY_DEFAULT, OM_KEY_CONSOLE, OM_KEY_LOG_LEVEL,
	OM_KEY_COUNT
};

enum om_key_type {
	OM_TYPE_TEXT, OM_TYPE_PATH, OM_TYPE_PATHS, OM_TYPE_FILE, OM_TYPE_ROOT, OM_TYPE_WORDS,
	OM_TYPE_MILLISECONDS, OM_TYPE_SECONDS, OM_TYPE_CHOICE, OM_TYPE_BOOLEAN,
};

struct om_key_info {
	const char *name;
	enum om_key_type type;
	bool repeatable;
	bool global;			/* belongs to overmount.conf */
	const char *choices;		/* OM_TYPE_CHOICE: "ro|rw" */
	const char *default_text;	/* as a user would write it; "" = none */
	const char *summary;		/* one sentence for the manual page */
};

extern const struct om_key_info om_entry_keys[OM_KEY_COUNT];

/* A value and where it stands. */
struct om_value {
	struct om_str text;
	uint32_t line;
	uint32_t column;
};

/* A path with its optional #sha256=HEX taken off. */
struct om_path_ref {
	struct om_value path;		/* as written; / and \ both separate */
	struct om_str label;		/* of the volume it is on (only ramdisk); len 0: the boot volume */
	bool has_digest;
	uint8_t digest[OM_SHA256_SIZE];
};

enum om_layer_role {
	OM_LAYER_RAMFS,			/* base */
	OM_LAYER_INITRD,		/* a BLS initrd line: archive, or a classic image by content */
	OM_LAYER_OVERLAY,
	OM_LAYER_FILE,
};

/* One input of the absolute root, in the order in which it is laid on. */
struct om_layer_ref {
	enum om_layer_role role;
	struct om_path_ref source;
	struct om_str dest;		/* OM_LAYER_FILE: absolute path in the root; else "" */
	uint32_t mode;			/* OM_LAYER_FILE: permission bits, default 0644 */
	uint32_t uid, gid;
	bool untouched;			/* of a plan for Linux: handed over as it is, not merged */
};

/*
 * `ramdisk [index=N] [start=KIB] PATH [PATH ...]`: one image over one or more volumes; a PATH may
 * be LABEL=NAME:PATH, on the volume of that label.
 */
struct om_ramdisk_ref {
	uint32_t index;
	uint32_t start_kib;
	const struct om_path_ref *volumes;	/* in the entry or its arena; at most OM_VOLUMES_MAX */
	uint32_t volume_count;
};

struct om_entry {
	struct om_str id;			/* file name, as given by the caller */
	struct om_value title, version, machine_id, sort_key, architecture;
	struct om_path_ref linux_image, efi, kernel;	/* path.text.len == 0: absent */
	struct om_str options;			/* all options lines joined by one space (arena) */

	struct om_layer_ref layers[OM_LAYERS_MAX];	/* ramfs, initrd, overlay, file: in file order */
	uint32_t layer_count;
	struct om_ramdisk_ref ramdisks[OM_IMAGES_MAX];
	uint32_t ramdisk_count;
	bool ramdisk_prompt;

	/* Global keys; only for the file given as the configuration. */
	bool has_timeout;
	uint32_t timeout_ms;			/* OM_WAIT_FOREVER = until a key is pressed */
	struct om_str default_id;		/* glob of an entry id */
	struct om_str console;			/* "auto", "text", "serial" or "both" */
	uint32_t log_level;			/* 0 errors ... 3 debug */

	/* Everything that goes into the descriptor, keys and classic parameters merged. */
	struct om_root root;
	/* Where root.candidates[] and root.linuxrc_path were said, for messages of the plan. */
	struct om_value candidates_at[OM_CANDIDATES_MAX];
	struct om_value options_at;		/* the first line of them */
	struct om_value linuxrc_at;
	struct om_value attach_at, overlay_at, verity_at;
	struct om_value ip, nfsroot;		/* parameters of that name, for late boot on Linux */
	bool root_from_options;			/* the candidate is a classic root= */
	bool plain;				/* only keys of the specification: nothing of ours */
	struct om_candidate root_default;	/* root-fstype, root-flags, root-mode or the classic ones */

	uint32_t error_count, warning_count;
};

/*
 * Parse TEXT.  Every finding goes to SINK and parsing goes on after an error, so that one run
 * shows them all.  ret_entry is filled as far as it was understood even when the result is
 * not OM_OK (a menu shows a broken entry with its title); the first error is returned.
 * GLOBAL allows the keys of overmount.conf.
 */
enum om_status om_entry_parse(struct om_str text, struct om_str id, bool global,
			      struct om_arena *arena, const struct om_diag_sink *sink,
			      struct om_entry *ret_entry) OM_CHECKED;

/*
 * Only the lines that say what the root is: root, root-fstype, root-flags and root-mode; any other
 * is an error.  For what a running system may say; a kernel links no more of the parser than this.
 */
enum om_status om_entry_parse_root(struct om_str text, struct om_arena *arena,
				   const struct om_diag_sink *sink,
				   struct om_entry *ret_entry) OM_CHECKED;

/* Has it anything to boot (kernel, linux or efi)? */
bool om_entry_bootable(const struct om_entry *entry);

/* Is it for this kind of machine? */
bool om_entry_fits(const struct om_entry *entry);

/* Menu order of the Boot Loader Specification: <0, 0, >0 as for qsort. */
int om_entry_compare(const struct om_entry *a, const struct om_entry *b);

/* Does the `default` pattern (glob with *, ? and sets, any case, .conf optional) name this id? */
bool om_entry_id_matches(struct om_str pattern, struct om_str id);

/* The nearest word within two typing errors, or NULL.  WORDS ends with NULL. */
const char *om_suggest(struct om_str word, const char *const *words);

#endif
