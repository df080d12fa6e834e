/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_HOST_H
#define TOOLS_HOST_H
/* What the subcommands of overmount(1) share. */
#include <stdio.h>
#include <sys/types.h>

#include <overmount/descriptor.h>
#include <overmount/fmt.h>
#include <overmount/image.h>
#include <overmount/plan.h>


enum { DONE = 0, REFUSED = 1, USAGE = 2 };

/* ------------------------------------------------------------------ main.c */

struct command {
	const char *name;
	const char *summary;
	const char *help;		/* the whole of --help */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_check, cmd_explain, cmd_descriptor, cmd_image, cmd_disk, cmd_boot,
	cmd_handoff, cmd_install;

/* "overmount CMD: text", a hint at --help; gives USAGE back. */
int usage_error(const struct command *command, const char *format, ...) OM_PRINTF(2, 3);
/* What getopt_long() said with '?' or ':'; the messages are ours. */
int usage_option(const struct command *command, char **argv, int result);
int command_help(const struct command *command);
/* The verb of `overmount image VERB`: its index in NAMES (ends with NULL), or -1. */
int verb_find(const char *const *names, const char *word);
/* A number from MIN to MAX, nothing else. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/* ------------------------------------------------------------------ diag_print.c */

/* "NAME: error: text"; gives REFUSED back.  NAME may be NULL. */
int refuse(const char *name, const char *format, ...) OM_PRINTF(2, 3);
void hint(const char *format, ...) OM_PRINTF(1, 2);
int refuse_status(const char *name, enum om_status status);
/* "NAME: error: cannot VERB: reason of errno" */
int refuse_errno(const char *name, const char *verb);

/* Prints "name:line:column: error: text" and "hint:" lines, and counts. */
struct diag_printer {
	struct om_diag_sink sink;
	const char *name;
	uint32_t errors, warnings;
};

void diag_printer_init(struct diag_printer *printer, const char *name);
/* Two hexadecimal digits a byte, and a NUL. */
void hex_text(const void *bytes, size_t len, char *ret_text);
void diag_print(const char *name, const struct om_diag *diag);

/* ------------------------------------------------------------------ host_mem.c */

extern const struct om_mem host_mem;

_Noreturn void no_memory_left(void);
/* malloc() and friends that end the program when there is no memory. */
void *xalloc(size_t size);
char *xprintf(const char *format, ...) OM_PRINTF(1, 2);
char *xstrndup(const char *text, size_t len);

/* ------------------------------------------------------------------ host_file.c */

/*
 * A file as a source, read by pread().  ON_DEMAND files are opened by the first read and
 * closed by another's, so that a layer may have any number.
 */
struct host_file {
	struct om_source source;
	char *path;
	int fd;
	bool on_demand;
	void *loaded;			/* the whole file, when it was read into memory */
};

/* Prints why not. */
int host_file_open(struct host_file *file, const char *path);
void host_file_on_demand(struct host_file *file, const char *path, uint64_t size);
/* All of it into memory: file->source.base is set. */
int host_file_load(struct host_file *file);
void host_file_close(struct host_file *file);
enum om_image_kind host_file_probe(struct host_file *file);
/* packed_image.c: kind and length of what the compressed file PATH holds; false: it is broken. */
bool packed_image_probe(const char *path, enum om_image_kind *ret_kind, uint64_t *ret_size);
/* The digest of everything in it; a number as errno on failure. */
enum om_status host_file_digest(const struct om_source *source,
				uint8_t ret_digest[OM_SHA256_SIZE]);

/* Output that appears under its name only when it is complete; "-" is standard output. */
struct out_file {
	const char *path;
	char *temporary;
	int fd;
	uint8_t *buffer;
	size_t used;
};

int out_open(struct out_file *out, const char *path);
int out_write(struct out_file *out, const void *bytes, size_t len);
/* Rename to the final name, or with !KEEP throw away. */
int out_close(struct out_file *out, bool keep);
/* One go. */
int out_bytes(const char *path, const void *bytes, size_t len);

int64_t source_date_epoch(int64_t fallback);

/* A temporary directory below TMPDIR; NULL after a message. */
char *temporary_directory(void);
/* Everything below PATH and PATH itself. */
void remove_tree(const char *path);
/* A whole tree of directories, files and symbolic links. */
int copy_tree(const char *from, const char *to);
int copy_file(const char *from, const char *to);
int make_directories(const char *path);

/* ------------------------------------------------------------------ run.c */

/*
 * Run a program found in PATH and wait; its output is kept back and shown only when it fails.
 * ENVIRONMENT: NULL-terminated "NAME=value" that are added.  INPUT is given as standard input
 * when not NULL.  Gives 0 or REFUSED after a message.
 */
int run_program(const char *const *argv, const char *const *environment, const char *input);
/* The same, and what it printed goes to *RET_OUTPUT, to be freed. */
int run_program_output(const char *const *argv, const char *const *environment,
		       const char *input, char **ret_output);
/* Start it with our standard output and error, IN as its standard input; 0 or an error number. */
int start_program(const char *const *argv, int in, int out, pid_t *ret_pid);

/* A list of arguments that grows. */
struct arguments {
	const char **words;
	size_t count;
};

void argument_add(struct arguments *arguments, const char *word);

/* ------------------------------------------------------------------ layers */

/* Names that only live as long as the layers do. */
struct layer_store {
	struct om_arena arena;
	struct held *held;		/* files that must stay until the archive is written */
};

void layer_store_init(struct layer_store *store);
void layer_store_release(struct layer_store *store);
struct host_file *layer_store_file(struct layer_store *store);

/* FAT keeps no modes or owners, and only even seconds: see a tree as the stage would. */
struct layer_view {
	bool as_fat;
	int64_t mtime;			/* as_fat: of everything, unless INT64_MIN */
};

/* layer_dir.c: the tree below PATH, each directory in sorted order. */
int layer_directory(struct om_tree *tree, struct layer_store *store, const char *name,
		    const char *path, const struct layer_view *view);
/* layer_foreign.c: whatever libarchive reads, converted member by member. */
int layer_foreign(struct om_tree *tree, struct layer_store *store, const char *name,
		  const char *path);
/* layer.c: a directory, an archive by content, or what libarchive reads. */
int layer_add(struct om_tree *tree, struct layer_store *store, const char *path);
/* What the tree itself said, or the status. */
int layer_refuse(const struct om_tree *tree, const char *name, enum om_status status);
/* Finish TREE, lay it out and write it to PATH; what is wrong with it is said of NAME. */
int image_write(struct om_tree *tree, const char *name, const char *path);

/* ------------------------------------------------------------------ esp.c */

/* An ESP seen as a directory: names are matched without regard to case, as FAT does. */

/* The ESP that the entry file lies in, or NULL: nothing like \loader\entries above it. */
char *esp_of_entry(const char *entry_path);
bool esp_is(const char *directory);
/* Host path of PATH (/ or \) below ESP; NULL when it is not there. */
char *esp_find(const char *esp, struct om_str path);
/* "\dir\file" as the stage names it; NULL when it climbs. */
char *esp_name(struct om_str path);
/* The entries of \loader\entries, sorted by name; NULL-terminated, each an allocated path. */
char **esp_entries(const char *esp);
void esp_entries_free(char **entries);
char *esp_config(const char *esp);

/* ------------------------------------------------------------------ entry_file.c */

struct entry_file {
	char *path;
	char *id;			/* its name without counters */
	char *esp;			/* NULL: not known */
	char *text;			/* as in the file, NULs too */
	size_t text_len;
	struct om_arena arena;
	struct diag_printer printer;
	struct om_entry entry;
	struct om_plan_facts facts;
	struct om_plan plan;
	bool planned;
};

/* Parse; every finding has been printed.  The struct is large: allocate it. */
int entry_file_read(struct entry_file *file, const char *path, const char *esp, bool global);
/* Look at the files it names (only with an ESP) and make the plan. */
int entry_file_plan(struct entry_file *file);
/* Compare every #sha256 with its file. */
int entry_file_digests(struct entry_file *file);
/* The canonical descriptor; free() it. */
int entry_file_descriptor(struct entry_file *file, uint8_t **ret_bytes, size_t *ret_size);
/*
 * The layers as the stage would lay them, with the descriptor.  What a `linux` entry hands over
 * as it is does not belong to that archive; to LOOK means to add it all the same, if it can be read.
 */
int entry_file_layers(struct entry_file *file, struct om_tree *tree, struct layer_store *store,
		      struct om_span descriptor, bool look);
void entry_file_release(struct entry_file *file);

/* ------------------------------------------------------------------ network_check.c */

/* ip= and the roots on other machines, where our /init will read them. */
int network_check(struct entry_file *file);

#endif
