/* SPDX-License-Identifier: MIT */
/* Glyphs on the framebuffer that the firmware has set up: 32 bits a pixel. */
#include "screen.h"

#include <overmount/handoff.h>

#define FALLBACK_CODE 0xfffd

/* The colours of the VGA palette, red first. */
static const uint8_t palette[16][3] = {
	{ 0, 0, 0 },	   { 170, 0, 0 },    { 0, 170, 0 },    { 170, 85, 0 },
	{ 0, 0, 170 },	   { 170, 0, 170 },  { 0, 170, 170 },  { 170, 170, 170 },
	{ 85, 85, 85 },	   { 255, 85, 85 },  { 85, 255, 85 },  { 255, 255, 85 },
	{ 85, 85, 255 },   { 255, 85, 255 }, { 85, 255, 255 }, { 255, 255, 255 },
};

static volatile uint32_t *pixels;
static uint32_t stride;			/* pixels */
static uint32_t colours[16];		/* as the framebuffer wants them */

bool framebuffer_init(const struct om_handoff_framebuffer *fb, unsigned *ret_columns,
		      unsigned *ret_rows)
{
	uint64_t len = (uint64_t)fb->stride * fb->height * 4;

	if (fb->format > 1 || fb->width < GLYPH_WIDTH || fb->height < GLYPH_HEIGHT ||
	    fb->stride < fb->width || len > fb->len) {
		klog("framebuffer: %ux%u with %u pixels a line, format %u in %llu bytes cannot be used",
		     fb->width, fb->height, fb->stride, fb->format, (unsigned long long)fb->len);
		return false;
	}
	pixels = mmio_map(fb->addr, len);
	if (!pixels) {
		klog("framebuffer: no memory to map it");
		return false;
	}
	stride = fb->stride;
	for (unsigned i = 0; i < 16; i++) {
		const uint8_t *c = palette[i];

		/* Format 0 has red in the first byte, 1 has blue there. */
		colours[i] = fb->format == 0 ? c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16
					     : c[2] | (uint32_t)c[1] << 8 | (uint32_t)c[0] << 16;
	}
	for (uint64_t i = 0; i < len / 4; i++)
		pixels[i] = colours[0];
	*ret_columns = fb->width / GLYPH_WIDTH;
	*ret_rows = fb->height / GLYPH_HEIGHT;
	return true;
}

static const uint8_t *find_glyph(uint16_t code)
{
	unsigned low = 0, high = font_code_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (font_codes[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < font_code_count && font_codes[low].code == code)
		return font_glyphs[font_codes[low].glyph];
	return NULL;
}

void framebuffer_draw(unsigned column, unsigned row, const struct cell *cell)
{
	const uint8_t *glyph = find_glyph(cell->code);
	uint32_t front = colours[cell->colours & 15], back = colours[cell->colours >> 4];
	volatile uint32_t *line = pixels + (uint64_t)row * GLYPH_HEIGHT * stride +
				  column * GLYPH_WIDTH;

	if (!glyph)
		glyph = find_glyph(FALLBACK_CODE);
	if (!glyph)
		glyph = find_glyph('?');
	if (cell->cursor) {
		uint32_t swap = front;

		front = back;
		back = swap;
	}
	for (unsigned y = 0; y < GLYPH_HEIGHT; y++, line += stride)
		for (unsigned x = 0; x < GLYPH_WIDTH; x++)
			line[x] = glyph && glyph[y] & 0x80u >> x ? front : back;
}
