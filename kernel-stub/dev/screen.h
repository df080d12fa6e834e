/* SPDX-License-Identifier: MIT */
#ifndef DEV_SCREEN_H
#define DEV_SCREEN_H
/* Between the text screen, which knows characters, and the framebuffer, which knows pixels. */
#include "console.h"

#define GLYPH_WIDTH	8u
#define GLYPH_HEIGHT	16u

struct cell {
	uint16_t code;			/* Unicode */
	uint8_t colours;		/* foreground, background << 4: indexes of the palette */
	uint8_t cursor;
};

/* The font, generated when the stub is built: codes in rising order, each with its glyph. */
struct font_code {
	uint16_t code, glyph;
};

extern const uint8_t font_glyphs[][GLYPH_HEIGHT];	/* a byte a line, the left pixel on top */
extern const struct font_code font_codes[];
extern const unsigned font_code_count;

/* -- framebuffer.c -------------------------------------------------------------------------------- */
/* False: there is none that can be used; the reason has been logged. */
bool framebuffer_init(const struct om_handoff_framebuffer *fb, unsigned *ret_columns,
		      unsigned *ret_rows);
void framebuffer_draw(unsigned column, unsigned row, const struct cell *cell);

/* -- screen.c, for tests: a screen without a framebuffer ------------------------------------------- */
bool screen_begin(unsigned columns, unsigned rows);
const struct cell *screen_cell(unsigned column, unsigned row);

#endif
