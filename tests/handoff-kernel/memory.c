/* SPDX-License-Identifier: MIT */
#include "checks.h"
#include "tap.h"

#define LOADER_DATA	2u
#define BOOT_CODE	3u
#define BOOT_DATA	4u
#define CONVENTIONAL	7u
#define PAGE		4096u
#define OWNED_MAX	32u

size_t map_count(const struct om_handoff *handoff)
{
	return handoff->memory_descriptor_size ?
	       handoff->memory_map.len / handoff->memory_descriptor_size : 0;
}

struct range map_range(const struct om_handoff *handoff, size_t index)
{
	const uint8_t *at = (const uint8_t *)handoff->memory_map.addr +
			    index * handoff->memory_descriptor_size;

	return (struct range){ om_get_le32(at), om_get_le64(at + 8), om_get_le64(at + 24) * PAGE };
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

static bool map_is_sane(const struct om_handoff *handoff)
{
	size_t i, j, count = map_count(handoff);

	for (i = 0; i < count; i++) {
		struct range a = map_range(handoff, i);

		if (a.addr % PAGE || a.len == 0 || a.addr + a.len < a.addr)
			return false;
		for (j = 0; j < i; j++) {
			struct range b = map_range(handoff, j);

			if (overlap(a.addr, a.len, b.addr, b.len))
				return false;
		}
	}
	return count > 0;
}

/* All pages of the range of type EfiLoaderData; neighbours may be split. */
static bool is_loader_data(const struct om_handoff *handoff, struct om_handoff_range want)
{
	uint64_t at = want.addr, end = (want.addr + want.len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	size_t i;

	while (at < end) {
		uint64_t before = at;

		for (i = 0; i < map_count(handoff); i++) {
			struct range range = map_range(handoff, i);

			if (range.type == LOADER_DATA && at >= range.addr &&
			    at < range.addr + range.len)
				at = range.addr + range.len;
		}
		if (at == before)
			return false;
	}
	return true;
}

static size_t owned(const struct om_handoff *handoff, struct om_handoff_range *ranges)
{
	const struct om_handoff_image *images = (const void *)handoff->images;
	size_t count = 0, i;

	ranges[count++] = (struct om_handoff_range){ (uint64_t)handoff, sizeof(*handoff) };
	ranges[count++] = handoff->descriptor;
	ranges[count++] = handoff->archive;
	ranges[count++] = handoff->memory_map;
	ranges[count++] = handoff->kernel;
	ranges[count++] = handoff->tables;
	ranges[count++] = handoff->stack;
	for (i = 0; i < handoff->image_count && count < OWNED_MAX; i++)
		ranges[count++] = images[i].data;
	return count;
}

void check_memory(const struct om_handoff *handoff)
{
	struct om_handoff_range ranges[OWNED_MAX];
	size_t count, i, j;
	bool aligned = true, typed = true, apart = true;
	uint64_t free = 0;

	ok_found(handoff->memory_descriptor_size >= 40 &&
		 handoff->memory_map.len % handoff->memory_descriptor_size == 0,
		 "the memory map is whole descriptors", handoff->memory_descriptor_size);
	ok_found(handoff->memory_descriptor_version == 1, "descriptor version 1",
		 handoff->memory_descriptor_version);
	ok(map_is_sane(handoff), "ranges of the map are page-aligned and do not overlap");
	count = owned(handoff, ranges);
	for (i = 0; i < count; i++) {
		aligned = aligned && ranges[i].addr % PAGE == 0 && ranges[i].len > 0;
		typed = typed && is_loader_data(handoff, ranges[i]);
		for (j = 0; j < i; j++)
			apart = apart && !overlap(ranges[i].addr, ranges[i].len, ranges[j].addr,
						  ranges[j].len);
	}
	ok(aligned, "everything handed over starts on a page and is not empty");
	ok(typed, "everything handed over lies in EfiLoaderData");
	ok(apart, "nothing handed over overlaps");
	ok(is_loader_data(handoff, (struct om_handoff_range){ handoff->cmdline, 1 }),
	   "the command line lies in EfiLoaderData");
	for (i = 0; i < map_count(handoff); i++)
		if (map_range(handoff, i).type == CONVENTIONAL)
			free += map_range(handoff, i).len;
	ok_found(free > (UINT64_C(1) << 20), "there is free memory", free);
}

void scribble(const struct om_handoff *handoff)
{
	uint64_t at;
	size_t i;

	for (i = 0; i < map_count(handoff); i++) {
		struct range range = map_range(handoff, i);

		if (range.type != CONVENTIONAL && range.type != BOOT_CODE && range.type != BOOT_DATA)
			continue;
		for (at = range.addr; at < range.addr + range.len; at += PAGE)
			*(volatile uint64_t *)at = ~at;
	}
}
