/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_INSTALL_H
#define TOOLS_INSTALL_H
/*
 * overmount install: what an ESP shall have, what it has, and the steps between the two.
 *
 * Nothing is touched that \EFI\overmount\installed does not name with its digest.  The record
 * names a file before the file is written, and goes on naming what it replaces until everything
 * is written; so at whatever step a run ends, the next one knows what is ours and finishes.
 * Only \EFI and \EFI\overmount come before the record: cut off right there, an empty \EFI may
 * be left over when all is removed.
 */
#include "host.h"
#include "linux_layer.h"

#define INSTALL_HOME	"EFI/overmount"
#define INSTALL_RECORD	INSTALL_HOME "/installed"
#define INSTALL_STAGE	INSTALL_HOME "/overmount.efi"
#define INSTALL_STUB	INSTALL_HOME "/overmount-stub.elf"
#define INSTALL_DEFAULT	"EFI/BOOT/BOOTX64.EFI"
#define INSTALL_ENTRIES	"loader/entries/"
#define INSTALL_EFIVARS	"/sys/firmware/efi/efivars"
#define INSTALL_KERNEL_DIRS_MAX 16

/* ------------------------------------------------------------------ install_manifest.c */

enum owned_kind { OWNED_DIRECTORY, OWNED_FILE, OWNED_VARIABLE };

/* One line of the record.  A file may have two: the one there was, the one that comes. */
struct owned {
	enum owned_kind kind;
	char *name;			/* path below the ESP with /, or "Boot0003" */
	uint8_t digest[OM_SHA256_SIZE];
};

struct manifest {
	struct owned *lines;
	size_t count, room;
	char *text;			/* as it was read; NULL: there is none */
};

/* Names are those of FAT: their case does not count. */

/* A record that is not there is an empty one. */
int manifest_read(struct manifest *manifest, const char *path);
void manifest_release(struct manifest *manifest);
/* The same line twice is one. */
void manifest_add(struct manifest *manifest, enum owned_kind kind, const char *name,
		  const uint8_t *digest);
bool manifest_names(const struct manifest *manifest, enum owned_kind kind, const char *name);
bool manifest_owns(const struct manifest *manifest, enum owned_kind kind, const char *name,
		   const uint8_t *digest);
/* Every line of that kind and name. */
void manifest_drop(struct manifest *manifest, enum owned_kind kind, const char *name);
void manifest_copy(struct manifest *to, const struct manifest *from);
/* As it stands in the file; free() it. */
char *manifest_text(const struct manifest *manifest);

/* ------------------------------------------------------------------ what shall be there */

enum wanted_state { WANTED_NEW, WANTED_REPLACE, WANTED_SAME, WANTED_KEEP };

struct wanted {
	char *path;			/* below the ESP, as the record has it */
	char *source;			/* the file to copy, or */
	char *text;			/* what to write */
	uint64_t size;
	uint8_t digest[OM_SHA256_SIZE];
	bool take_over;			/* whoever wrote what is there */
	char *there;			/* as it is called there: an entry may have counters */
	char *place;			/* the same as the host spells it */
	enum wanted_state state;
	const char *reason;		/* WANTED_KEEP */
	bool ours;			/* afterwards */
};

/* The partition of the ESP as a device path names it. */
struct esp_partition {
	uint32_t number;
	uint64_t start, sectors;
	uint8_t guid[16];		/* as the table has it */
};

/* What shall become of the firmware's variables; made by variables_plan(). */
struct variables {
	char option_name[9];		/* "Boot0003" */
	uint8_t *option, *order;	/* attributes and data; NULL: stays as it is */
	size_t option_size, order_size;
};

struct install {
	/* as given */
	const char *esp, *from, *root, *options, *efivars, *partition;
	const char *kernels[INSTALL_KERNEL_DIRS_MAX];
	unsigned kernel_count;
	struct linux_layer init;	/* --module: of the archive with our /init, for each kernel */
	bool modules_of_root;		/* and what the disk of the root needs */
	bool default_loader, use_variables, prune, remove, dry_run;
	bool found_kernel;

	struct manifest have, next;	/* the record now, and when all is done */
	struct manifest make;		/* directories that are missing, in the order of making */
	struct manifest gone;		/* host paths of what was removed */
	struct wanted *wanted;
	size_t wanted_count, wanted_room;
	struct variables variables;
	char *work;			/* where archives are made; NULL: none was */
};

/* install_run.c: the exit status. */
int install_run(struct install *install);

/* ------------------------------------------------------------------ install_plan.c */

/* Takes PATH, and SOURCE or TEXT; all are allocated. */
struct wanted *install_want(struct install *install, char *path, char *source, char *text);
bool install_wants(const struct install *install, const char *path);
/* Everything that the ESP shall have, in the order of writing. */
int install_want_all(struct install *install);
/* Compare it with what is there: fills install->next and install->make. */
int install_plan(struct install *install);

/* The stage's, the stub's or our /init's file, BUILT is "efi/overmount.efi"; NULL: not found. */
char *install_program(const struct install *install, const char *built);

/* ------------------------------------------------------------------ install_counted.c */

/* PATH as it is called now: an entry may have got counters.  Without any it is PATH itself. */
int install_there(const struct install *install, const char *path, char **ret_there);
bool install_is_entry(const char *path);
/* Would the stage take a part of NAME, which ends in .conf, for counters? */
bool install_is_counted(const char *name);

/* install_entries.c: kernels, initrds and entries, in the order of writing. */
int install_want_entries(struct install *install);

/* ------------------------------------------------------------------ install_init.c */

/* Are entries wanted that boot with our /init, without an initramfs? */
bool install_init_wanted(const struct install *install);
/* Once, before the kernels: OPTIONS are the kernels'. *RET_ROOT is what such an entry says of them. */
int install_init_begin(struct install *install, const char *options, char **ret_root);
/* PATH becomes the archive for VERSION; *RET_DONE: there are modules for it. */
int install_init_want(struct install *install, char *path, const char *version, bool *ret_done);

/* install_root.c: aliases of the modules that the disk and the file system of ROOT need. */
int root_aliases(const char *root, struct linux_layer *layer);

/* ------------------------------------------------------------------ install_system.c */

struct system_facts {
	char *machine_id;		/* "" when there is none */
	char *id, *title;		/* of os-release */
	char *options;			/* one line */
};

void system_facts_read(struct system_facts *facts, const struct install *install);
void system_facts_release(struct system_facts *facts);

/* ------------------------------------------------------------------ install_steps.c */

/* Host path of PATH below the ESP, existing parts spelled as they are; NULL after a message. */
char *install_place(const struct install *install, const char *path);
enum place_kind { PLACE_ABSENT, PLACE_FILE, PLACE_OTHER };
/* What is at PLACE, and of a file its digest. */
int install_look(const char *place, enum place_kind *ret_kind, uint8_t ret_digest[OM_SHA256_SIZE]);

/* One line of output: what happens to \PATH. */
void install_say(const char *verb, const char *path, const char *format, ...) OM_PRINTF(3, 4);

/* Each says what it does and, unless it is a dry run, does it. */
int step_make_directory(struct install *install, const char *path);
int step_write(struct install *install, const struct wanted *wanted);
int step_remove(struct install *install, const char *path);
/* Only if nothing is left in it; silent if something is. */
int step_remove_directory(struct install *install, const char *path);
/* MANIFEST becomes the record, unless it is that already. */
int step_record(struct install *install, const struct manifest *manifest);
/* What a run that was cut off left half written. */
int step_clean(struct install *install);

/* ------------------------------------------------------------------ install_variables.c */

/* Reads everything and decides; adds to install->next. */
int variables_plan(struct install *install);
int variables_apply(struct install *install);
/* Those that the record names; lines for what has to stay are added to install->next. */
int variables_remove(struct install *install);
void variables_release(struct variables *variables);

/* install_partition.c: of --partition DISK:N, or of the file system that the ESP is. */
int esp_partition_find(const struct install *install, struct esp_partition *ret_partition);
/* Attributes, EFI_LOAD_OPTION of INSTALL_STAGE on PARTITION; free() it. */
uint8_t *boot_option_make(const struct esp_partition *partition, size_t *ret_size);
/* Do both name the same file of the same partition? */
bool boot_option_same_file(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

#endif
