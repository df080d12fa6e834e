/* SPDX-License-Identifier: MIT */
/*
 * A text screen that understands UTF-8 and as much of ECMA-48 as editors and pagers need.  What
 * it should show is kept apart from what was drawn, so that a line that scrolls costs only the
 * characters that differ.
 */
#include "screen.h"

#include <overmount/handoff.h>

#define COLUMNS_MAX	512u
#define ROWS_MAX	256u
#define PARAMETERS	8u
#define NORMAL		0x07u
#define REPLACEMENT	0xfffd

enum state { TEXT, ESCAPE, CSI, STRING, SKIP_ONE };

static struct cell *wanted, *shown;
static unsigned columns, rows, top, bottom;	/* scrolling region: [top, bottom) */
static unsigned column, row, saved_column, saved_row;
static bool wrap_due, cursor_hidden;		/* the last column is full; the next one wraps */
static uint8_t attributes = NORMAL;
static bool reversed, bold;

static enum state parser;
static unsigned parameters[PARAMETERS], parameter_count;
static bool private_sequence;
static uint32_t utf8_code;
static unsigned utf8_left;

/* Rows from dirty_low up to below dirty_high may differ from what is shown. */
static unsigned dirty_low, dirty_high, cursor_row;

static void mark_dirty(unsigned low, unsigned high)
{
	if (low < dirty_low)
		dirty_low = low;
	if (high > dirty_high)
		dirty_high = high;
}

static struct cell *cell_at(unsigned x, unsigned y)
{
	return &wanted[y * columns + x];
}

const struct cell *screen_cell(unsigned x, unsigned y)
{
	return cell_at(x, y);
}

void screen_size(unsigned *ret_columns, unsigned *ret_rows)
{
	*ret_columns = columns;
	*ret_rows = rows;
}

/* Foreground and background as they will be drawn. */
static uint8_t colours_now(void)
{
	uint8_t front = attributes & 15, back = attributes >> 4;

	if (bold && front < 8)
		front |= 8;
	return reversed ? (uint8_t)(back | (front & 7) << 4) : (uint8_t)(front | back << 4);
}

static void clear_cells(unsigned x, unsigned y, unsigned count)
{
	struct cell blank = { ' ', attributes, 0 };

	for (unsigned i = 0; i < count; i++)
		*(cell_at(x, y) + i) = blank;
	mark_dirty(y, (y * columns + x + count + columns - 1) / columns);
}

static void flush(void)
{
	mark_dirty(cursor_row, cursor_row + 1);
	mark_dirty(row, row + 1);
	for (unsigned y = dirty_low; y < dirty_high; y++)
		for (unsigned x = 0; x < columns; x++) {
			struct cell *cell = cell_at(x, y), *old = &shown[y * columns + x];

			cell->cursor = x == column && y == row && !cursor_hidden;
			if (memcmp(cell, old, sizeof(*cell)) == 0)
				continue;
			framebuffer_draw(x, y, cell);
			*old = *cell;
		}
	cursor_row = row;
	dirty_low = rows;
	dirty_high = 0;
}

/* -- movement ---------------------------------------------------------------------------------------- */

/* Lines of the region from FIRST on go up (COUNT > 0) or down; empty ones come in. */
static void scroll(unsigned first, int count)
{
	unsigned height = bottom - first, n = (unsigned)(count < 0 ? -count : count);

	if (first < top || first >= bottom)
		return;
	if (n > height)
		n = height;
	mark_dirty(first, bottom);
	if (count > 0) {
		memmove(cell_at(0, first), cell_at(0, first + n),
			(size_t)(height - n) * columns * sizeof(struct cell));
		clear_cells(0, bottom - n, n * columns);
	} else {
		memmove(cell_at(0, first + n), cell_at(0, first),
			(size_t)(height - n) * columns * sizeof(struct cell));
		clear_cells(0, first, n * columns);
	}
}

static void line_feed(void)
{
	if (row + 1 == bottom)
		scroll(top, 1);
	else if (row + 1 < rows)
		row++;
	wrap_due = false;
}

static void reverse_line_feed(void)
{
	if (row == top)
		scroll(top, -1);
	else if (row > 0)
		row--;
	wrap_due = false;
}

static void move_to(int x, int y)
{
	column = x < 0 ? 0 : (unsigned)x >= columns ? columns - 1 : (unsigned)x;
	row = y < 0 ? 0 : (unsigned)y >= rows ? rows - 1 : (unsigned)y;
	wrap_due = false;
}

static void put_code(uint32_t code)
{
	if (wrap_due) {
		column = 0;
		line_feed();
	}
	mark_dirty(row, row + 1);
	*cell_at(column, row) = (struct cell){ code > 0xffff ? REPLACEMENT : (uint16_t)code,
					       colours_now(), 0 };
	if (column + 1 < columns)
		column++;
	else
		wrap_due = true;
}

/* -- escape sequences ------------------------------------------------------------------------------------- */

static unsigned parameter(unsigned index, unsigned otherwise)
{
	return index < parameter_count && parameters[index] ? parameters[index] : otherwise;
}

/* 38;5;N and 38;2;R;G;B: how many parameters belong to it. */
static unsigned long_colour(unsigned i, unsigned shift)
{
	unsigned kind = i + 1 < parameter_count ? parameters[i + 1] : 0;

	if (kind == 5 && i + 2 < parameter_count && parameters[i + 2] < 16)
		attributes = (uint8_t)((attributes & ~(15u << shift)) | parameters[i + 2] << shift);
	return kind == 5 ? 2 : kind == 2 ? 4 : 0;
}

static void set_colour(unsigned shift, unsigned colour)
{
	attributes = (uint8_t)((attributes & ~(15u << shift)) | colour << shift);
}

static void select_rendition(void)
{
	if (parameter_count == 0)
		parameter_count = 1;
	for (unsigned i = 0; i < parameter_count; i++) {
		unsigned p = parameters[i];

		if (p == 0) {
			attributes = NORMAL;
			reversed = bold = false;
		} else if (p == 1 || p == 22) {
			bold = p == 1;
		} else if (p == 7 || p == 27) {
			reversed = p == 7;
		} else if (p == 38 || p == 48) {
			i += long_colour(i, p == 48 ? 4 : 0);
		} else if (p == 39 || p == 49) {
			set_colour(p == 49 ? 4 : 0, p == 49 ? NORMAL >> 4 : NORMAL & 15);
		} else if (p >= 30 && p <= 37) {
			set_colour(0, p - 30);
		} else if (p >= 40 && p <= 47) {
			set_colour(4, p - 40);
		} else if (p >= 90 && p <= 97) {
			set_colour(0, p - 90 + 8);
		} else if (p >= 100 && p <= 107) {
			set_colour(4, p - 100 + 8);
		}
	}
}

static void erase_display(void)
{
	unsigned here = row * columns + column, all = rows * columns;

	switch (parameter(0, 0)) {
	case 0:
		clear_cells(column, row, all - here);
		break;
	case 1:
		clear_cells(0, 0, here + 1);
		break;
	case 2:
	case 3:
		clear_cells(0, 0, all);
		break;
	}
}

static void erase_line(void)
{
	switch (parameter(0, 0)) {
	case 0:
		clear_cells(column, row, columns - column);
		break;
	case 1:
		clear_cells(0, row, column + 1);
		break;
	case 2:
		clear_cells(0, row, columns);
		break;
	}
}

/* Characters come in at the cursor (COUNT > 0), or go. */
static void shift_characters(int count)
{
	unsigned left = columns - column, n = (unsigned)(count < 0 ? -count : count);

	if (n > left)
		n = left;
	mark_dirty(row, row + 1);
	if (count > 0) {
		memmove(cell_at(column, row) + n, cell_at(column, row),
			(left - n) * sizeof(struct cell));
		clear_cells(column, row, n);
	} else {
		memmove(cell_at(column, row), cell_at(column, row) + n,
			(left - n) * sizeof(struct cell));
		clear_cells(columns - n, row, n);
	}
}

static void set_region(void)
{
	unsigned first = parameter(0, 1) - 1, end = parameter(1, rows);

	if (end > rows)
		end = rows;
	if (first + 1 >= end)
		return;
	top = first;
	bottom = end;
	move_to(0, 0);
}

static void control_sequence(char final)
{
	int n = (int)parameter(0, 1);

	if (private_sequence) {
		if (parameter(0, 0) == 25 && (final == 'h' || final == 'l'))
			cursor_hidden = final == 'l';
		return;
	}
	switch (final) {
	case 'A': move_to((int)column, (int)row - n); break;
	case 'B': case 'e': move_to((int)column, (int)row + n); break;
	case 'C': case 'a': move_to((int)column + n, (int)row); break;
	case 'D': move_to((int)column - n, (int)row); break;
	case 'E': move_to(0, (int)row + n); break;
	case 'F': move_to(0, (int)row - n); break;
	case 'G': case '`': move_to(n - 1, (int)row); break;
	case 'd': move_to((int)column, n - 1); break;
	case 'H': case 'f': move_to((int)parameter(1, 1) - 1, n - 1); break;
	case 'J': erase_display(); break;
	case 'K': erase_line(); break;
	case 'L': scroll(row, -n); break;
	case 'M': scroll(row, n); break;
	case 'S': scroll(top, n); break;
	case 'T': scroll(top, -n); break;
	case '@': shift_characters(n); break;
	case 'P': shift_characters(-n); break;
	case 'X':
		clear_cells(column, row, (unsigned)n < columns - column ? (unsigned)n : columns - column);
		break;
	case 'm': select_rendition(); break;
	case 'r': set_region(); break;
	case 's': saved_column = column; saved_row = row; break;
	case 'u': move_to((int)saved_column, (int)saved_row); break;
	}
}

static void reset_screen(void)
{
	attributes = NORMAL;
	reversed = bold = cursor_hidden = false;
	top = 0;
	bottom = rows;
	clear_cells(0, 0, rows * columns);
	move_to(0, 0);
}

static void escape(char c)
{
	parser = TEXT;
	switch (c) {
	case '[':
		parser = CSI;
		memset(parameters, 0, sizeof(parameters));
		parameter_count = 0;
		private_sequence = false;
		break;
	case ']': case 'P': case '_': case '^': parser = STRING; break;
	case '(': case ')': case '#': case '%': parser = SKIP_ONE; break;
	case '7': saved_column = column; saved_row = row; break;
	case '8': move_to((int)saved_column, (int)saved_row); break;
	case 'D': line_feed(); break;
	case 'E': column = 0; line_feed(); break;
	case 'M': reverse_line_feed(); break;
	case 'c': reset_screen(); break;
	}
}

static void in_control_sequence(char c)
{
	if (c >= '0' && c <= '9') {
		unsigned *p;

		if (parameter_count == 0)
			parameter_count = 1;
		p = &parameters[parameter_count - 1];
		if (*p < 1000)
			*p = *p * 10 + (unsigned)(c - '0');
	} else if (c == ';') {
		if (parameter_count == 0)
			parameter_count = 1;
		if (parameter_count < PARAMETERS)
			parameter_count++;
	} else if (c == '?' || c == '>' || c == '=') {
		private_sequence = true;
	} else if (c >= '@' && c <= '~') {
		parser = TEXT;
		control_sequence(c);
	} else if (c < ' ') {
		parser = TEXT;
	}
}

/* -- text ---------------------------------------------------------------------------------------------- */

static bool control_character(uint8_t c)
{
	switch (c) {
	case '\n': case '\v': case '\f': line_feed(); return true;
	case '\r': move_to(0, (int)row); return true;
	case '\b': move_to((int)column - 1, (int)row); return true;
	case '\t': move_to((int)(column | 7) + 1, (int)row); return true;
	case 0x1b: parser = ESCAPE; return true;
	}
	return c < ' ' || c == 0x7f;
}

/* A byte of a character; a broken one is shown as such and does not swallow its successor. */
static void text_byte(uint8_t c)
{
	if (utf8_left > 0 && (c & 0xc0) == 0x80) {
		utf8_code = utf8_code << 6 | (c & 0x3f);
		if (--utf8_left == 0)
			put_code(utf8_code);
		return;
	}
	if (utf8_left > 0) {
		utf8_left = 0;
		put_code(REPLACEMENT);
	}
	if (control_character(c))
		return;
	if (c < 0x80) {
		put_code(c);
	} else if (c >= 0xc2 && c < 0xf5) {
		utf8_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		utf8_code = c & (0x3fu >> utf8_left);
	} else {
		put_code(REPLACEMENT);
	}
}

static void take(char c)
{
	switch (parser) {
	case TEXT: text_byte((uint8_t)c); break;
	case ESCAPE: escape(c); break;
	case CSI: in_control_sequence(c); break;
	case SKIP_ONE: parser = TEXT; break;
	case STRING:
		/* A title or the like, until BEL or ESC \. */
		if (c == '\a')
			parser = TEXT;
		else if (c == 0x1b)
			parser = SKIP_ONE;
		break;
	}
}

void screen_write(const char *text, size_t len)
{
	if (!wanted)
		return;
	for (size_t i = 0; i < len; i++)
		take(text[i]);
	flush();
}

bool screen_begin(unsigned new_columns, unsigned new_rows)
{
	size_t bytes;
	unsigned order = 0;

	columns = new_columns < COLUMNS_MAX ? new_columns : COLUMNS_MAX;
	rows = new_rows < ROWS_MAX ? new_rows : ROWS_MAX;
	bytes = (size_t)columns * rows * sizeof(struct cell);
	while ((size_t)PAGE_SIZE << order < 2 * bytes)
		order++;
	wanted = pages_alloc(order);
	if (!wanted)
		return false;
	shown = wanted + (size_t)columns * rows;
	memset(shown, 0, bytes);
	parser = TEXT;
	utf8_left = 0;
	reset_screen();
	return true;
}

void screen_init(const struct om_handoff_framebuffer *fb)
{
	unsigned x, y;

	if (!framebuffer_init(fb, &x, &y))
		return;
	if (!screen_begin(x, y)) {
		klog("framebuffer: no memory for %ux%u characters", x, y);
		return;
	}
	flush();
}
