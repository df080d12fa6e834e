/* SPDX-License-Identifier: MIT */
#include "menu_model.h"

#define ROWS_AROUND	9u	/* heading, message, help, countdown */
#define ROWS_OF_FAILURE	4u	/* around its lines */
#define INDENT		3u
#define SHOWN_MAX	100u	/* bytes of a title, an id and a version: a line of the log has room for them */

/* Scan codes of EFI_SIMPLE_TEXT_INPUT_PROTOCOL (UEFI 2.10, table 12.1). */
enum scan {
	SCAN_NONE = 0, SCAN_CODE_UP = 1, SCAN_CODE_DOWN = 2, SCAN_CODE_HOME = 5, SCAN_CODE_END = 6,
	SCAN_CODE_PAGE_UP = 9, SCAN_CODE_PAGE_DOWN = 10, SCAN_CODE_ESC = 0x17,
};

enum menu_key menu_key_from_efi(uint16_t scan, uint16_t character)
{
	switch (scan) {
	case SCAN_NONE:
		break;
	case SCAN_CODE_UP:
		return MENU_KEY_UP;
	case SCAN_CODE_DOWN:
		return MENU_KEY_DOWN;
	case SCAN_CODE_HOME:
		return MENU_KEY_HOME;
	case SCAN_CODE_END:
		return MENU_KEY_END;
	case SCAN_CODE_PAGE_UP:
		return MENU_KEY_PAGE_UP;
	case SCAN_CODE_PAGE_DOWN:
		return MENU_KEY_PAGE_DOWN;
	case SCAN_CODE_ESC:
		return MENU_KEY_ESCAPE;
	default:
		return MENU_KEY_OTHER;
	}
	switch (character) {
	case 0:
		return MENU_KEY_NONE;
	case '\r': case '\n':
		return MENU_KEY_ENTER;
	case 0x1b:
		return MENU_KEY_ESCAPE;
	case 'd': case 'D':
		return MENU_KEY_DESCRIPTOR;
	case 'p': case 'P':
		return MENU_KEY_PLAN;
	case 'x': case 'X':
		return MENU_KEY_DISMISS;
	default:
		return MENU_KEY_OTHER;
	}
}

bool menu_sequence_ends(const char *text)
{
	size_t len = strlen(text);
	char last = len ? text[len - 1] : '\0';

	if (len == 0)
		return false;
	if (text[0] != '[' && text[0] != 'O')
		return true;
	return len > 1 && ((last >= '@' && last != '[') || last == '~');
}

enum menu_key menu_key_from_sequence(const char *text)
{
	static const struct {
		const char *text;
		enum menu_key key;
	} known[] = {
		{ "[A", MENU_KEY_UP }, { "OA", MENU_KEY_UP },
		{ "[B", MENU_KEY_DOWN }, { "OB", MENU_KEY_DOWN },
		{ "[H", MENU_KEY_HOME }, { "OH", MENU_KEY_HOME }, { "[1~", MENU_KEY_HOME },
		{ "[7~", MENU_KEY_HOME }, { "[F", MENU_KEY_END }, { "OF", MENU_KEY_END },
		{ "[4~", MENU_KEY_END }, { "[8~", MENU_KEY_END },
		{ "[5~", MENU_KEY_PAGE_UP }, { "[6~", MENU_KEY_PAGE_DOWN },
	};
	size_t i;

	if (!text[0])
		return MENU_KEY_ESCAPE;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (om_str_is(om_str_from(text), known[i].text))
			return known[i].key;
	return MENU_KEY_OTHER;
}

static void scroll(struct menu_model *menu)
{
	if (menu->selected < menu->top)
		menu->top = menu->selected;
	if (menu->selected >= menu->top + menu->rows)
		menu->top = menu->selected - menu->rows + 1;
}

void menu_model_init(struct menu_model *menu, uint32_t count, uint32_t selected, uint32_t rows,
		     uint32_t timeout_ms)
{
	menu->count = count;
	menu->selected = selected < count ? selected : 0;
	menu->top = 0;
	menu->rows = rows ? rows : 1;
	menu->counting = timeout_ms != OM_WAIT_FOREVER && count > 0;
	menu->left_ms = menu->counting ? timeout_ms : 0;
	scroll(menu);
}

uint32_t menu_model_seconds(const struct menu_model *menu)
{
	return menu->left_ms / 1000 + (menu->left_ms % 1000 != 0);
}

struct om_str menu_cut(struct om_str text)
{
	if (text.len <= SHOWN_MAX)
		return text;
	/* Not in the middle of a character. */
	for (text.len = SHOWN_MAX; text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80;)
		text.len--;
	return text;
}

/* A long line goes on in the next row. */
static uint32_t rows_of(size_t len, uint32_t columns)
{
	return 1 + (columns && len ? (uint32_t)(len - 1) / columns : 0);
}

static uint32_t rows_of_item(const struct boot_item *item, uint32_t columns)
{
	const struct om_entry *entry = item->entry;
	struct om_str title = entry->title.text.len ? entry->title.text : entry->id;
	size_t len = INDENT + menu_cut(title).len + 4 + menu_cut(entry->id).len + 1 +
		     menu_cut(entry->version.text).len;
	uint32_t rows = rows_of(len, columns);

	if (item->error[0])
		return rows + rows_of(INDENT + 4 + strlen(item->error), columns);
	return rows + item->count.counted;
}

/* The items from the first on that fit, or UINT32_MAX: all of them do. */
static uint32_t that_fit(struct boot_item *const *items, size_t count, uint32_t columns, uint32_t room)
{
	uint32_t fit = 0, rows;

	for (; fit < count; room -= rows, fit++) {
		rows = rows_of_item(items[fit], columns);
		if (rows > room)
			return fit ? fit : 1;
	}
	return UINT32_MAX;
}

struct menu_layout menu_layout(const struct om_failure *failure, struct boot_item *const *items,
			       size_t count, uint32_t columns, uint32_t rows)
{
	uint32_t room = rows > ROWS_AROUND ? rows - ROWS_AROUND : 1, used = ROWS_OF_FAILURE, more;
	struct menu_layout layout = { 0, 0 };
	size_t i;

	for (; layout.failure_lines < failure->count; layout.failure_lines++, used += more) {
		more = rows_of(failure->lines[layout.failure_lines].len + INDENT, columns);
		if (used + more > rows / 2)
			break;
	}
	if (failure->count > 0)
		room = room > used ? room - used : 1;
	layout.rows = room;
	for (i = 0; i < count; i++) {
		more = that_fit(items + i, count - i, columns, room);
		if (more < layout.rows)
			layout.rows = more;
	}
	return layout;
}

static enum menu_action tick(struct menu_model *menu, uint32_t elapsed_ms)
{
	uint32_t before = menu_model_seconds(menu);

	if (!menu->counting)
		return MENU_WAIT;
	if (elapsed_ms >= menu->left_ms) {
		menu->left_ms = 0;
		menu->counting = false;
		return MENU_BOOT;
	}
	menu->left_ms -= elapsed_ms;
	return menu_model_seconds(menu) != before ? MENU_COUNTDOWN : MENU_WAIT;
}

static enum menu_action move_to(struct menu_model *menu, uint32_t index)
{
	menu->selected = index;
	scroll(menu);
	return MENU_REDRAW;
}

enum menu_action menu_model_step(struct menu_model *menu, enum menu_key key,
				 uint32_t elapsed_ms)
{
	uint32_t last = menu->count ? menu->count - 1 : 0;
	uint32_t at = menu->selected;

	if (key == MENU_KEY_NONE)
		return tick(menu, elapsed_ms);
	/* Any key is somebody at the keyboard: the countdown is over. */
	menu->counting = false;
	switch (key) {
	case MENU_KEY_ESCAPE:
		return MENU_LEAVE;
	case MENU_KEY_UP:
		return move_to(menu, at ? at - 1 : 0);
	case MENU_KEY_DOWN:
		return move_to(menu, at < last ? at + 1 : last);
	case MENU_KEY_HOME:
		return move_to(menu, 0);
	case MENU_KEY_END:
		return move_to(menu, last);
	case MENU_KEY_PAGE_UP:
		return move_to(menu, at > menu->rows ? at - menu->rows : 0);
	case MENU_KEY_PAGE_DOWN:
		return move_to(menu, last - at > menu->rows ? at + menu->rows : last);
	case MENU_KEY_ENTER:
		return menu->count ? MENU_BOOT : MENU_WAIT;
	case MENU_KEY_DESCRIPTOR:
		return menu->count ? MENU_SHOW_DESCRIPTOR : MENU_WAIT;
	case MENU_KEY_PLAN:
		return menu->count ? MENU_SHOW_PLAN : MENU_WAIT;
	default:
		return MENU_REDRAW;
	}
}

static bool belongs_behind(const struct boot_item *a, const struct boot_item *b)
{
	bool bad_a = om_boot_count_is_bad(&a->count), bad_b = om_boot_count_is_bad(&b->count);

	return bad_a != bad_b ? bad_a : om_entry_compare(a->entry, b->entry) > 0;
}

void boot_items_sort(struct boot_item **items, size_t count)
{
	size_t i, j;

	for (i = 1; i < count; i++) {
		struct boot_item *item = items[i];

		for (j = i; j > 0 && belongs_behind(items[j - 1], item); j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

size_t boot_items_default(struct boot_item *const *items, size_t count, struct om_str pattern,
			  bool *ret_matched)
{
	size_t i;

	*ret_matched = true;
	for (i = 0; pattern.len > 0 && i < count; i++)
		if (om_entry_id_matches(pattern, items[i]->entry->id))
			return i;
	*ret_matched = false;
	for (i = 0; i < count; i++)
		if (items[i]->error[0] == '\0')
			return i;
	return 0;
}
