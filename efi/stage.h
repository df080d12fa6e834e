/* SPDX-License-Identifier: MIT */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H
/*
 * The stage as seen from inside: one struct, made by efi_main() and passed to everything.
 * EFI_STATUS stays next to firmware calls; between our own functions errors are enum
 * om_status, and stage_fail() has already told the user what and why.
 */
#include <efi.h>

#include <overmount/descriptor.h>
#include <overmount/failure.h>
#include <overmount/fmt.h>
#include <overmount/handoff.h>
#include <overmount/image.h>
#include <overmount/plan.h>
#include <overmount/segments.h>

#include "memory_map.h"
#include "menu_model.h"
#include "text_forms.h"

#ifndef OM_STAGE_FAULTS
#define OM_STAGE_FAULTS 0
#endif

#define STAGE_MESSAGE_MAX	(OM_DIAG_TEXT_MAX + OM_DIAG_HINT_MAX + 128)
#define STAGE_PATH_MAX		512u	/* 16-bit units of a path on the volume */
#define STAGE_NAME_BYTES	(OM_NAME_MAX * 3 + 1)	/* a name of it, or an id, as UTF-8 with NUL */

enum stage_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* What the stage took from the firmware and has not given back. */
struct stage_account {
	uint64_t pages;
	uint64_t files;
};

struct stage_faults {
	uint32_t alloc_at, read_at;	/* 1-based number that fails; 0 = none */
	uint32_t allocs, reads;		/* so far in this attempt */
};

struct stage_file;
struct stage_config;

struct stage {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *table;
	EFI_BOOT_SERVICES *bs;
	EFI_RUNTIME_SERVICES *rt;
	EFI_LOADED_IMAGE *loaded;
	SIMPLE_INPUT_INTERFACE *in;	/* the keyboard; NULL when there is none */

	EFI_FILE_HANDLE root;		/* of our own volume */
	bool volume_failed;		/* a read went wrong: reconnect before the next attempt */
	struct stage_file *lazy;	/* the one on-demand file that is open now */

	struct om_mem mem;
	struct stage_account account;
	uint64_t peak_pages;		/* since the kernel's file was given back */
	struct stage_faults faults;

	const struct stage_config *config;	/* what there was to choose from */

	uint64_t tsc_entry, tsc_menu, tsc_selected, tsc_hz;
	uint64_t tsc_said;		/* when a line was last printed */
	uint32_t log_level;
	bool to_text;			/* console: ConOut */
	void *serial;			/* console: EFI_SERIAL_IO_PROTOCOL, or NULL */

	char message[STAGE_MESSAGE_MAX];	/* the last failure, shown in the menu */
	struct om_failure failure;		/* of the last start, shown there too, in */
	char failure_bytes[OM_FAILURE_MAX];
};

/* console.c */
void stage_put(struct stage *stage, const char *text);
void stage_log(struct stage *stage, enum stage_level level, const char *format, ...)
	OM_PRINTF(3, 4);
/* Log an error, keep it for the menu, and give STATUS back. */
enum om_status stage_fail(struct stage *stage, enum om_status status, const char *format, ...)
	OM_PRINTF(3, 4);
/* A line when nothing was said for half a second; DONE of TOTAL bytes. */
void stage_progress(struct stage *stage, const char *what, uint64_t done, uint64_t total);
void stage_console(struct stage *stage, struct om_str kind);
/* The text mode of LoaderConfigConsoleMode, if there is one. */
void stage_console_mode(struct stage *stage);
/* The next key, or MENU_KEY_NONE when none comes within WAIT_MS. */
enum menu_key stage_key(struct stage *stage, uint32_t wait_ms);
/* Microseconds since the stage began, and of TICKS of the processor's clock; 0 without a clock. */
uint64_t stage_usec(const struct stage *stage);
uint64_t stage_ticks_usec(const struct stage *stage, uint64_t ticks);

/* memory.c */
void stage_memory_init(struct stage *stage);
/* All memory of the stage comes in whole pages, and is counted; NULL when there is none. */
void *stage_pages(struct stage *stage, uint64_t bytes);
/* The same, which the kernel will not take for free memory. */
void *stage_reserved_pages(struct stage *stage, uint64_t bytes);
void stage_pages_free(struct stage *stage, void *pages, uint64_t bytes);
/*
 * The firmware's map in pages of ours, with room for some hundred descriptors more; release with
 * stage_pages_free(map->bytes, *ret_size).
 */
enum om_status stage_memory_map(struct stage *stage, struct memory_map *ret_map,
				uint64_t *ret_size) OM_CHECKED;

/* machine.c */
/* Of protocols that several files ask for, and of our own variables. */
extern EFI_GUID loaded_image_guid, device_path_guid, file_system_guid, variables_guid, esrt_guid;
/* A table of the firmware, 0 when it has none. */
uint64_t stage_config_table(struct stage *stage, const EFI_GUID *guid);
uint64_t stage_rdtsc(void);
uint64_t stage_calibrate(struct stage *stage);
void stage_machine_facts(struct stage *stage, struct om_handoff *handoff);
uint64_t stage_unix_time(struct stage *stage);
const char *stage_efi_text(EFI_STATUS status);
EFI_STATUS stage_efi_status(enum om_status status);

/* volume.c */
struct stage_file {
	struct om_source source;
	struct stage *stage;
	struct stage_file *next;	/* in the list of its run */
	EFI_FILE_HANDLE root;		/* of its volume; NULL: the stage's own */
	EFI_FILE_HANDLE handle;		/* NULL when not open now */
	bool on_demand;			/* opened by the first read, closed by another's */
	bool directory;
	uint64_t mtime;
	enum om_image_kind image;	/* by its head, once boot_probe() has looked */
	struct om_str asked;		/* as the entry names it; len 0: found in a directory */
	void *loaded;			/* the whole file, when it was read into memory */
	uint16_t path[STAGE_PATH_MAX];
	char name[STAGE_PATH_MAX];
};

struct stage_dirent {
	char name[STAGE_NAME_BYTES];
	bool directory;
	uint64_t size;
	uint64_t mtime;
};

EFI_STATUS stage_volume_open(struct stage *stage);
void stage_volume_close(struct stage *stage);
/* After a read error FAT goes on failing until its driver is taken off the device. */
EFI_STATUS stage_volume_recover(struct stage *stage);
/*
 * Open PATH; FILE is zeroed memory of the caller's.  OM_MISSING when it is not there; nothing
 * is printed for that.
 */
enum om_status stage_file_open(struct stage *stage, struct stage_file *file,
			       struct om_str path) OM_CHECKED;
/* The same without a look at the volume: ENTRY was read from its directory. */
enum om_status stage_file_found(struct stage *stage, struct stage_file *file, struct om_str path,
				const struct stage_dirent *entry) OM_CHECKED;
/* Ready to be read from its beginning once more, whether it is open now or not. */
enum om_status stage_file_again(struct stage_file *file) OM_CHECKED;
enum om_status stage_file_read(struct stage_file *file, uint64_t offset, void *buf,
			       size_t len) OM_CHECKED;
/* Read all of it; file->source.base is set afterwards. */
enum om_status stage_file_load(struct stage_file *file) OM_CHECKED;
/* Does the loaded file have this digest? */
enum om_status stage_file_verify(struct stage_file *file, const uint8_t *digest) OM_CHECKED;
void stage_file_close(struct stage_file *file);
/* The file PATH of our volume is called NAME afterwards, in the same folder. */
EFI_STATUS stage_file_rename(struct stage *stage, struct om_str path, const char *name) OM_CHECKED;
/* Not open until somebody reads it, nor longer than until somebody reads another such file. */
void stage_file_later(struct stage_file *file);
void stage_file_release(struct stage_file *file);
/* Next name in an open directory, without . and ..; *ret_more false at the end. */
enum om_status stage_dir_next(struct stage_file *dir, struct stage_dirent *ret_entry,
			      bool *ret_more) OM_CHECKED;

/* config.c */
struct stage_config {
	struct om_arena arena;
	struct om_entry *global;	/* overmount.conf, or an empty entry */
	struct boot_item **items;
	size_t count;
	char option[128];		/* entry named by LoadOptions, or "" */
	const struct boot_item *once;	/* the system's for this boot only, or NULL */
	bool menu_disabled;		/* no key brings the menu before the first attempt */
};

enum om_status stage_config_load(struct stage *stage, struct stage_config *config) OM_CHECKED;
/* An entry that is counted loses a try, which its file's name says from now on. */
void stage_count_attempt(struct stage *stage, struct stage_config *config, struct boot_item *item);
void stage_config_release(struct stage_config *config);

/* choose.c */
size_t stage_choose_entry(struct stage *stage, struct stage_config *config);
uint32_t stage_choose_timeout(struct stage *stage, struct stage_config *config);
/* ITEM is about to be started: what `@saved` means at the next start. */
void stage_choice_keep(struct stage *stage, const struct stage_config *config,
		       const struct boot_item *item);

/* last_start.c: what /init left when it found no root; read once, then deleted. */
void stage_last_start(struct stage *stage);

/* menu.c */
enum menu_action stage_menu(struct stage *stage, struct stage_config *config, size_t *at,
			    uint32_t timeout_ms);
void stage_menu_page(struct stage *stage, const char *title,
		     void (*print)(struct stage *stage, void *ctx), void *ctx);

/* boot.c */
enum boot_goal {
	BOOT_GO,			/* returns only on failure, or when `efi` came back */
	BOOT_REHEARSE,			/* everything but the point of no return */
	BOOT_PLAN, BOOT_DESCRIPTOR,	/* show and come back */
};

struct boot_image {
	struct om_handoff_image place;
	void *pages;
	uint64_t page_bytes;
	void *ram_disk;			/* its device path, while the firmware has it as a RAM disk */
};

struct boot_tree {
	struct om_tree tree;
	struct boot_tree *next;
};

struct boot_run {
	struct stage *stage;
	struct boot_item *item;
	enum boot_goal goal;
	struct om_arena arena;
	struct stage_file *files;	/* everything that was opened */
	struct om_plan_facts *facts;
	struct om_plan *plan;
	struct stage_file *kernel;	/* loaded */
	enum om_kernel_kind kernel_kind;
	struct om_elf elf;
	struct om_span descriptor;
	uint64_t descriptor_bytes;	/* of its pages */
	struct memory_map map;		/* when memory was checked; what lies where stays so */
	uint64_t map_bytes;		/* of its pages */
	struct om_tree *tree;		/* the one that layers are added to now */
	struct boot_tree *trees;
	void *archive;
	uint64_t archive_size;
	struct boot_image images[OM_IMAGES_MAX];
	uint32_t image_count;
	struct boot_image removable[OM_IMAGES_MAX];	/* as the entry's ram disks: read before the plan */

	/* OM_BOOT_LINUX */
	struct om_segment segments[OM_LAYERS_MAX + 2];
	const char *segment_names[OM_LAYERS_MAX + 2];
	uint32_t segment_count;
	uint64_t initrd_size;
	struct om_verified *verified;	/* sources whose digest is checked while they are read */
	uint8_t *scratch;
	struct initrd_offer *offer;
	enum om_status initrd_status;	/* of the last load, which the kernel does not pass on */
};

enum om_status stage_boot(struct stage *stage, struct boot_item *item, enum boot_goal goal);
/* A file of the run, released with it; one that the run has already is not opened again. */
enum om_status boot_open(struct boot_run *run, struct om_str path, const char *what,
			 struct stage_file **ret_file) OM_CHECKED;
/*
 * The same for what was found in a directory, which the run has not seen before.  A file that
 * ENTRY tells all about is only opened when it is read.
 */
enum om_status boot_open_found(struct boot_run *run, struct om_str path,
			       const struct stage_dirent *entry, const char *what,
			       struct stage_file **ret_file) OM_CHECKED;
/* No file of the run stays open; who reads one later opens it again. */
void boot_close_files(struct boot_run *run);
/* A sink that logs warnings and turns the first error into the run's failure. */
void boot_diag(void *ctx, const struct om_diag *diag);
void stage_diag_text(const struct om_diag *diag, char *buf, size_t size);

/* probe.c: fills run->facts and loads the kernel. */
enum om_status boot_probe(struct boot_run *run) OM_CHECKED;
/* removable.c: ram disks whose volumes somebody brings. */
bool removable_is_meant(const struct om_entry *entry, uint32_t at);
/* Ram disk AT of the entry to run->removable[AT], and its facts. */
enum om_status removable_load(struct boot_run *run, uint32_t at) OM_CHECKED;
/* The image that was brought for ram disk INDEX; NULL: none was. */
struct boot_image *removable_image(struct boot_run *run, uint32_t index);
/* layers.c: layers to trees. */
enum om_status boot_new_tree(struct boot_run *run,
			     const struct om_tree_options *options) OM_CHECKED;
enum om_status boot_tree_fail(struct boot_run *run, enum om_status status, const char *name);
enum om_status boot_add_layer(struct boot_run *run, const struct om_layer_ref *layer) OM_CHECKED;
/* With a digest: into memory and hashed. */
enum om_status boot_verify(struct boot_run *run, struct stage_file *file,
			   const struct om_path_ref *ref, const char *what) OM_CHECKED;
/* What is to be read instead of the file itself, so that its digest is checked. */
enum om_status boot_source(struct boot_run *run, struct stage_file *file,
			   const struct om_path_ref *ref, const char *what,
			   const struct om_source **ret_source) OM_CHECKED;
/* assemble.c: layers to archive; images to memory. */
enum om_status boot_check_memory(struct boot_run *run) OM_CHECKED;
enum om_status boot_assemble(struct boot_run *run) OM_CHECKED;
enum om_status boot_images(struct boot_run *run) OM_CHECKED;
/* initrd.c: the pieces of a stock Linux' initrd, and the firmware's memory for them. */
enum om_status boot_initrd(struct boot_run *run) OM_CHECKED;
/* Everything to BASE, which has room for run->initrd_size. */
enum om_status boot_initrd_write(struct boot_run *run, void *base) OM_CHECKED;
/* initrd_offer.c: the protocol by which a kernel fetches it; NULL: nobody registered one before. */
const struct om_source *initrd_earlier(struct boot_run *run);
enum om_status initrd_offer(struct boot_run *run) OM_CHECKED;
void initrd_withdraw(struct boot_run *run);
/* loader_interface.c: the variables by which a loader and an operating system know of each other. */
/* The text of the variable NAME, taken away if it is for ONCE; false: there is none, or it is empty. */
bool loader_value_read(struct stage *stage, const uint16_t *name, bool once, char *buf, size_t size);
/* TEXT, or nothing when it is empty, as one that stays. */
void loader_value_keep(struct stage *stage, const uint16_t *name, struct om_str text);
/* Tell the system that its firmware reports a failed update. */
void loader_interface_failed(struct stage *stage);
/* Before another program is started: who we are, what there was to choose, how long it took. */
void loader_interface_tell(struct boot_run *run);
/* It came back: what would be believed of the next one is taken away. */
void loader_interface_back(struct boot_run *run);
/* ram_disk.c: the images that were read as RAM disks of the firmware, until the second. */
enum om_status ram_disks_enter(struct boot_run *run) OM_CHECKED;
void ram_disks_remove(struct boot_run *run);
/* handoff.c, chain.c: the ends. */
enum om_status boot_handoff(struct boot_run *run) OM_CHECKED;
enum om_status boot_chain(struct boot_run *run) OM_CHECKED;
/* The volatile variable with the descriptor. */
void boot_variable(struct boot_run *run, bool set);

/* faults.c: only in test builds do they do anything. */
void stage_faults_init(struct stage *stage);
void stage_faults_loop(struct stage *stage, struct boot_item *item);

#endif
