/* SPDX-License-Identifier: MIT */
/* The configuration and the boot entries, read once when the stage starts. */
#include "stage.h"

#define CONFIG_PATH	"/EFI/overmount/overmount.conf"
#define ENTRIES_PATH	"/loader/entries"
#define ENTRIES_MAX	256u

struct collector {
	struct stage *stage;
	const char *id;
	struct boot_item *item;		/* keeps the first error; NULL: only log */
};

static void collect(void *ctx, const struct om_diag *diag)
{
	struct collector *collector = ctx;
	char text[STAGE_MESSAGE_MAX];

	stage_diag_text(diag, text, sizeof(text));
	stage_log(collector->stage, diag->warning ? LEVEL_WARNING : LEVEL_ERROR, "%s: %s%s",
		  collector->id, diag->warning ? "warning: " : "", text);
	if (!diag->warning && collector->item && !collector->item->error[0])
		om_format(collector->item->error, sizeof(collector->item->error), "%s", text);
}

static enum om_status no_memory(struct stage *stage, const char *what)
{
	return stage_fail(stage, OM_NO_MEMORY, "%s: out of memory", what);
}

/* The text of a small file, in the arena; OM_MISSING (silent) when it is not there. */
static enum om_status read_text(struct stage *stage, struct om_arena *arena, struct om_str path,
				struct om_str *ret_text)
{
	struct stage_file *file = om_arena_alloc(arena, sizeof(*file));
	enum om_status status;
	char *text;

	if (!file)
		return no_memory(stage, path.ptr);
	status = stage_file_open(stage, file, path);
	if (status == OM_MISSING)
		return status;
	if (status != OM_OK)
		return stage_fail(stage, status, "%s: %s", path.ptr, om_status_text(status));
	if (file->directory || file->source.size > OM_ENTRY_BYTES_MAX) {
		status = stage_fail(stage, OM_LIMIT, "%s: not a text file of at most %u bytes",
				    path.ptr, OM_ENTRY_BYTES_MAX);
		goto close;
	}
	text = om_arena_alloc(arena, file->source.size + 1);
	if (!text) {
		status = no_memory(stage, path.ptr);
		goto close;
	}
	status = stage_file_read(file, 0, text, file->source.size);
	if (status != OM_OK)
		stage_fail(stage, status, "%s: %s", path.ptr, om_status_text(status));
	else
		*ret_text = (struct om_str){ text, file->source.size };
close:
	stage_file_close(file);
	return status;
}

static struct boot_item *new_item(struct stage_config *config)
{
	struct boot_item *item = om_arena_alloc(&config->arena, sizeof(*item));

	if (!item)
		return NULL;
	item->entry = om_arena_alloc(&config->arena, sizeof(*item->entry));
	return item->entry ? item : NULL;
}

/* A broken entry is kept with what is wrong with it: the menu shows it. */
static void parse_item(struct stage *stage, struct stage_config *config, struct boot_item *item,
		       struct om_str text, struct om_str id, bool global)
{
	struct collector collector = { stage, id.ptr, item };
	struct om_diag_sink sink = { collect, &collector };
	enum om_status status;

	status = om_entry_parse(text, id, global, &config->arena, &sink, item->entry);
	item->entry->id = id;
	if (status != OM_OK && !item->error[0])
		om_format(item->error, sizeof(item->error), "%s", om_status_text(status));
	if (!global && !item->error[0] && !om_entry_bootable(item->entry))
		om_format(item->error, sizeof(item->error),
			  "nothing to boot: expected a line with kernel, linux or efi");
	/* Or it would be the default of a volume for several kinds of machines. */
	if (!item->error[0] && !om_entry_fits(item->entry))
		om_format(item->error, sizeof(item->error), "for '%.*s', this machine is x64",
			  (int)item->entry->architecture.text.len, item->entry->architecture.text.ptr);
}

static bool is_entry_name(const char *name)
{
	struct om_str str = om_str_from(name);

	return str.len > 5 && name[0] != '.' &&
	       (om_str_is(om_str_skip(str, str.len - 5), ".conf") ||
		om_str_is(om_str_skip(str, str.len - 5), ".CONF"));
}

static enum om_status add_entry(struct stage *stage, struct stage_config *config,
				const char *name)
{
	struct boot_item *item = new_item(config);
	char path[sizeof(ENTRIES_PATH) + OM_NAME_MAX * 3 + 2];
	struct om_str id, text = { "", 0 }, where;
	enum om_status status;

	if (!item)
		return no_memory(stage, name);
	id = item->file = om_arena_str(&config->arena, om_str_from(name));
	item->count = om_boot_count_parse(item->file);
	if (item->count.counted) {
		om_boot_count_id(item->file, &item->count, path, sizeof(path));
		id = om_arena_str(&config->arena, om_str_from(path));
	}
	if (!item->file.ptr || !id.ptr)
		return no_memory(stage, name);
	om_format(path, sizeof(path), "%s/%s", ENTRIES_PATH, name);
	where = om_str_from(path);
	status = read_text(stage, &config->arena, where, &text);
	if (status == OM_NO_MEMORY)
		return status;
	if (status != OM_OK) {
		/* Unreadable, but it exists: show it. */
		item->entry->id = id;
		om_format(item->error, sizeof(item->error), "%s", om_status_text(status));
	} else {
		parse_item(stage, config, item, text, id, false);
	}
	config->items[config->count++] = item;
	return OM_OK;
}

static enum om_status scan_entries(struct stage *stage, struct stage_config *config)
{
	struct stage_file *dir = om_arena_alloc(&config->arena, sizeof(*dir));
	struct stage_dirent name;
	enum om_status status;
	bool more = true;

	if (!dir)
		return no_memory(stage, ENTRIES_PATH);
	status = stage_file_open(stage, dir, OM_STR(ENTRIES_PATH));
	if (status == OM_MISSING)
		return OM_OK;
	if (status != OM_OK)
		return stage_fail(stage, status, "%s: %s", ENTRIES_PATH, om_status_text(status));
	while (dir->directory) {
		status = stage_dir_next(dir, &name, &more);
		if (status != OM_OK) {
			stage_fail(stage, status, "%s: %s", ENTRIES_PATH, om_status_text(status));
			break;
		}
		if (!more)
			break;
		if (name.directory || !is_entry_name(name.name))
			continue;
		if (config->count == ENTRIES_MAX - 1) {
			stage_log(stage, LEVEL_ERROR, "%s: more than %u entries; the rest is not read",
				  ENTRIES_PATH, ENTRIES_MAX - 1);
			break;
		}
		status = add_entry(stage, config, name.name);
		if (status != OM_OK)
			break;
	}
	stage_file_close(dir);
	return status;
}

static enum om_status read_global(struct stage *stage, struct stage_config *config)
{
	struct boot_item *item = new_item(config);
	struct om_str text;
	enum om_status status;

	if (!item)
		return no_memory(stage, CONFIG_PATH);
	config->global = item->entry;
	config->global->log_level = LEVEL_INFO;
	status = read_text(stage, &config->arena, OM_STR(CONFIG_PATH), &text);
	if (status == OM_MISSING) {
		stage_log(stage, LEVEL_INFO, "config: no %s, defaults hold", CONFIG_PATH);
		return OM_OK;
	}
	if (status == OM_NO_MEMORY)
		return status;
	if (status == OM_OK)
		parse_item(stage, config, item, text, OM_STR("overmount.conf"), true);
	/* It is an entry too when it has something to boot; a broken one stays visible. */
	if (status == OM_OK && (item->error[0] || om_entry_bootable(item->entry)))
		config->items[config->count++] = item;
	stage->log_level = item->error[0] ? LEVEL_INFO : item->entry->log_level;
	if (item->entry->console.len)
		stage_console(stage, item->entry->console);
	return OM_OK;
}

enum om_status stage_config_load(struct stage *stage, struct stage_config *config)
{
	enum om_status status;

	memset(config, 0, sizeof(*config));
	om_arena_init(&config->arena, &stage->mem);
	config->items = om_arena_array(&config->arena, ENTRIES_MAX, sizeof(*config->items));
	if (!config->items)
		return no_memory(stage, "config");
	load_option_word(stage->loaded->LoadOptions, stage->loaded->LoadOptionsSize,
			 config->option, sizeof(config->option));
	status = read_global(stage, config);
	if (status == OM_OK)
		status = scan_entries(stage, config);
	boot_items_sort(config->items, config->count);
	if (status == OM_OK)
		stage_log(stage, LEVEL_INFO, "config: %u entries", (unsigned)config->count);
	return status;
}

void stage_count_attempt(struct stage *stage, struct stage_config *config, struct boot_item *item)
{
	char path[sizeof(ENTRIES_PATH) + OM_NAME_MAX * 3 + 2], name[STAGE_NAME_BYTES];
	EFI_STATUS status = EFI_INVALID_PARAMETER;
	struct om_str renamed;

	if (!item->count.counted)
		return;
	om_boot_count_spend(&item->count);
	om_format(path, sizeof(path), "%s/%.*s", ENTRIES_PATH, (int)item->file.len, item->file.ptr);
	if (om_boot_count_name(item->file, &item->count, name, sizeof(name)) < sizeof(name))
		status = stage_file_rename(stage, om_str_from(path), name);
	renamed = om_arena_str(&config->arena, om_str_from(name));
	if (!EFI_ERROR(status) && renamed.ptr)
		item->file = renamed;
	stage_log(stage, EFI_ERROR(status) ? LEVEL_WARNING : LEVEL_INFO, "%s%s: tries left: %u%s%s",
		  EFI_ERROR(status) ? "warning: " : "", name, item->count.left,
		  EFI_ERROR(status) ? ", not noted: " : "",
		  EFI_ERROR(status) ? stage_efi_text(status) : "");
}

void stage_config_release(struct stage_config *config)
{
	om_arena_release(&config->arena);
}
