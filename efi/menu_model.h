/* SPDX-License-Identifier: MIT */
#ifndef STAGE_MENU_MODEL_H
#define STAGE_MENU_MODEL_H
/*
 * The menu without a screen: what is selected, what is visible, how long until the default
 * boots, and what a key means.  Pure, so that every way through it is tested on the host.
 */
#include <overmount/boot_count.h>
#include <overmount/bytes.h>
#include <overmount/entry.h>
#include <overmount/failure.h>

enum menu_key {
	MENU_KEY_NONE,			/* nothing was pressed within the tick */
	MENU_KEY_UP, MENU_KEY_DOWN, MENU_KEY_HOME, MENU_KEY_END, MENU_KEY_PAGE_UP,
	MENU_KEY_PAGE_DOWN, MENU_KEY_ENTER, MENU_KEY_ESCAPE, MENU_KEY_DESCRIPTOR, MENU_KEY_PLAN,
	MENU_KEY_DISMISS,		/* the last start's failure */
	MENU_KEY_OTHER,
};

enum menu_action {
	MENU_WAIT,			/* nothing changed on the screen */
	MENU_REDRAW,			/* the list changed */
	MENU_COUNTDOWN,			/* only the countdown line changed */
	MENU_BOOT, MENU_SHOW_DESCRIPTOR, MENU_SHOW_PLAN, MENU_LEAVE,
};

struct menu_model {
	uint32_t count;
	uint32_t selected;
	uint32_t top;			/* first visible */
	uint32_t rows;			/* visible at once, at least 1 */
	bool counting;
	uint32_t left_ms;
};

/* Scan code and character as EFI_SIMPLE_TEXT_INPUT gives them. */
enum menu_key menu_key_from_efi(uint16_t scan, uint16_t character);

/*
 * What a terminal sends behind ESC for a key that the firmware does not know: "[6~".  Firmware
 * passes it on character by character; taken for Esc it would end the menu.
 */
enum menu_key menu_key_from_sequence(const char *text);
#define MENU_SEQUENCE_MAX 8u	/* of all the keys of xterm and the Linux console, with NUL */
/* Is TEXT a whole sequence?  What does not begin like one is, too. */
bool menu_sequence_ends(const char *text);

/* TIMEOUT_MS: OM_WAIT_FOREVER = no countdown. */
void menu_model_init(struct menu_model *menu, uint32_t count, uint32_t selected, uint32_t rows,
		     uint32_t timeout_ms);
/* A key, or MENU_KEY_NONE after ELAPSED_MS without one. */
enum menu_action menu_model_step(struct menu_model *menu, enum menu_key key,
				 uint32_t elapsed_ms);
uint32_t menu_model_seconds(const struct menu_model *menu);	/* left, rounded up */

/* How a screen is shared between the failure of the last start and the entries. */
struct menu_layout {
	uint32_t failure_lines;		/* of it that are shown: at most half of the screen */
	uint32_t rows;			/* for entries, at least 1 */
};

/* What the menu knows of one entry. */
struct boot_item {
	struct om_entry *entry;		/* its id is the file's name without counters */
	struct om_str file;		/* in the folder of entries */
	struct om_boot_count count;
	char error[OM_DIAG_TEXT_MAX];	/* why it cannot boot, "" = it can */
};

/* So many of ITEMS that wherever one begins they fit, the rows that each of them takes counted. */
struct menu_layout menu_layout(const struct om_failure *failure, struct boot_item *const *items,
			       size_t count, uint32_t columns, uint32_t rows);
/* TEXT as far as the menu shows it. */
struct om_str menu_cut(struct om_str text);

/* Boot Loader Specification order, bad ones last; equal entries stay as they were. */
void boot_items_sort(struct boot_item **items, size_t count);
/*
 * The item that PATTERN (may be empty) names, even if broken: who names an entry wants to see
 * what is wrong with it.  Without a match the first that can boot, else the first.
 */
size_t boot_items_default(struct boot_item *const *items, size_t count, struct om_str pattern,
			  bool *ret_matched);

#endif
