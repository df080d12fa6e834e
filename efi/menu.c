/* SPDX-License-Identifier: MIT */
/* The menu on the firmware's console; what keys mean is in menu_model.c. */
#include "stage.h"

#include <stdarg.h>

#define TICK_MS		100u
#define COLUMNS_DEFAULT	80u
#define ROWS_DEFAULT	25u

static void put(struct stage *stage, const char *format, ...) OM_PRINTF(2, 3);

static void put(struct stage *stage, const char *format, ...)
{
	char text[OM_LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	om_vformat(text, sizeof(text), format, args);
	va_end(args);
	stage_put(stage, text);
}

static struct menu_layout layout(struct stage *stage, const struct stage_config *config)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = stage->table->ConOut;
	UINTN columns = COLUMNS_DEFAULT, rows = ROWS_DEFAULT;

	if (!out || !out->Mode ||
	    EFI_ERROR(out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows))) {
		columns = COLUMNS_DEFAULT;
		rows = ROWS_DEFAULT;
	}
	return menu_layout(&stage->failure, config->items, config->count, (uint32_t)columns,
			   (uint32_t)rows);
}

static void clear(struct stage *stage)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = stage->table->ConOut;

	if (stage->to_text && out)
		out->ClearScreen(out);
}

static void draw_item(struct stage *stage, const struct boot_item *item, bool selected)
{
	const struct om_entry *entry = item->entry;
	struct om_str title = menu_cut(entry->title.text.len ? entry->title.text : entry->id);
	struct om_str id = menu_cut(entry->id), version = menu_cut(entry->version.text);

	put(stage, " %s %.*s  (%.*s)%.*s%.*s\n", selected ? ">" : " ", (int)title.len, title.ptr,
	    (int)id.len, id.ptr, version.len ? 1 : 0, " ", (int)version.len, version.ptr);
	if (item->error[0])
		put(stage, "     ! %s\n", item->error);
	else if (item->count.counted)
		put(stage, "     ! not seen working yet, tries left: %u\n", item->count.left);
}

static void draw_failure(struct stage *stage, uint32_t lines)
{
	const struct om_failure *failure = &stage->failure;
	uint32_t i;

	put(stage, " The last start found no root: %.*s\n", (int)failure->entry.len, failure->entry.ptr);
	for (i = 0; i < lines; i++)
		put(stage, "   %.*s\n", (int)failure->lines[i].len, failure->lines[i].ptr);
	if (lines < failure->count)
		put(stage, "   ... %u more lines\n", failure->count - lines);
	put(stage, " Shown this once.  x: take it away\n\n");
}

static void draw(struct stage *stage, const struct stage_config *config,
		 const struct menu_model *menu, const struct menu_layout *layout)
{
	uint32_t i;

	clear(stage);
	put(stage, "overmount: boot menu, %u entries\n\n", menu->count);
	if (stage->failure.count)
		draw_failure(stage, layout->failure_lines);
	for (i = menu->top; i < menu->count && i < menu->top + menu->rows; i++)
		draw_item(stage, config->items[i], i == menu->selected);
	if (i < menu->count)
		put(stage, "   ... %u more\n", menu->count - i);
	if (stage->message[0])
		put(stage, "\n %s\n", stage->message);
	put(stage, "\n Enter: boot  d: descriptor  p: plan  Esc: firmware\n");
}

static void draw_countdown(struct stage *stage, const struct menu_model *menu)
{
	if (menu->counting)
		put(stage, "\r booting the selected entry in %u s ", menu_model_seconds(menu));
}

enum menu_action stage_menu(struct stage *stage, struct stage_config *config, size_t *at,
			    uint32_t timeout_ms)
{
	struct menu_layout space = layout(stage, config);
	struct menu_model menu;
	enum menu_action action = MENU_REDRAW;
	enum menu_key key;
	uint64_t before, elapsed;

	menu_model_init(&menu, (uint32_t)config->count, (uint32_t)*at, space.rows, timeout_ms);
	for (;;) {
		if (action == MENU_REDRAW)
			draw(stage, config, &menu, &space);
		if (action == MENU_REDRAW || action == MENU_COUNTDOWN)
			draw_countdown(stage, &menu);
		before = stage_usec(stage);
		key = stage_key(stage, TICK_MS);
		elapsed = (stage_usec(stage) - before) / 1000;
		action = menu_model_step(&menu, key, elapsed ? (uint32_t)elapsed : 1);
		if (action > MENU_COUNTDOWN)
			break;
		if (key == MENU_KEY_DISMISS && stage->failure.count) {
			stage->failure.count = 0;
			space = layout(stage, config);
			menu_model_init(&menu, menu.count, menu.selected, space.rows, OM_WAIT_FOREVER);
		}
	}
	*at = menu.selected;
	stage_put(stage, "\n");
	return action;
}

void stage_menu_page(struct stage *stage, const char *title,
		     void (*print)(struct stage *stage, void *ctx), void *ctx)
{
	clear(stage);
	put(stage, "overmount: %s\n\n", title);
	print(stage, ctx);
	put(stage, "\n any key: back to the menu\n");
	while (stage_key(stage, TICK_MS) == MENU_KEY_NONE)
		;
}
