/* SPDX-License-Identifier: MIT */
/* Lines and numbers that /linuxrc writes, as candidates. */
#include <overmount/choice.h>
#include <overmount/fmt.h>

uint32_t om_device_number(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~UINT32_C(0xff)) << 12;
}

struct om_candidate om_choice_number(const struct om_root *root, uint32_t number)
{
	struct om_candidate candidate = { .fstypes = { "", 0 }, .flags = { "", 0 } };

	if (root->candidate_count)
		candidate = root->candidates[0];
	candidate.spec = (struct om_rootspec){
		.kind = OM_ROOT_NUMBER, .text = { "", 0 },
		.major = number >> 8 & 0xfff,
		.minor = (number & 0xff) | (number >> 12 & 0xfff00),
	};
	return candidate;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 32;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

bool om_device_number_parse(struct om_str text, uint32_t *ret_number)
{
	unsigned base = 10;
	uint64_t value = 0;
	size_t digits = 0;

	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = om_str_skip(text, 1);
	while (text.len && is_blank(text.ptr[text.len - 1]))
		text.len--;
	if (text.len > 1 && text.ptr[0] == '0') {
		base = (text.ptr[1] | 32) == 'x' ? 16 : 8;
		text = om_str_skip(text, base == 16 ? 2 : 0);
	}
	for (; digits < text.len && digit_of(text.ptr[digits]) < base && value <= UINT32_MAX; digits++)
		value = value * base + digit_of(text.ptr[digits]);
	if (!digits || digits < text.len || value > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)value;
	return true;
}

/* ------------------------------------------------------------------ lines */

enum om_status om_choice_lines(struct om_str text, struct om_arena *arena,
			       struct om_entry *scratch, const struct om_diag_sink *sink,
			       struct om_candidate *ret_candidates, uint32_t *ret_count)
{
	enum om_status status = om_entry_parse_root(text, arena, sink, scratch);

	if (status != OM_OK)
		return status;
	memcpy(ret_candidates, scratch->root.candidates, sizeof(scratch->root.candidates));
	*ret_count = scratch->root.candidate_count;
	return OM_OK;
}
