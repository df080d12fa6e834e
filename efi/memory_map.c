/* SPDX-License-Identifier: MIT */
#include "memory_map.h"

#include <overmount/fmt.h>

#define DESCRIPTOR_BYTES	40u	/* what EFI 2.x defines of a descriptor */
#define GIB_SHIFT		30
#define ALWAYS_GIB		4u	/* the handoff promises the first 4 GiB */
#define MIB			(UINT64_C(1) << 20)
#define OWN_BYTES		(4 * MIB)	/* tables, stack, maps, firmware's pools */

size_t memory_map_count(const struct memory_map *map)
{
	return map->descriptor_size < DESCRIPTOR_BYTES ? 0 : map->len / map->descriptor_size;
}

struct memory_range memory_map_get(const struct memory_map *map, size_t index)
{
	const uint8_t *at = map->bytes + index * map->descriptor_size;
	struct memory_range range = { om_get_le32(at), om_get_le64(at + 8), 0 };
	uint64_t pages = om_get_le64(at + 24);
	uint64_t room = (UINT64_MAX - range.addr) / OM_PAGE_SIZE;

	range.len = (pages < room ? pages : room) * OM_PAGE_SIZE;
	return range;
}

struct memory_summary memory_map_summary(const struct memory_map *map)
{
	struct memory_summary sum = { 0, 0, 0, ALWAYS_GIB };
	uint64_t free_end = 0, free_len = 0, last_gib = ALWAYS_GIB - 1;
	size_t i;

	for (i = 0; i < memory_map_count(map); i++) {
		struct memory_range range = memory_map_get(map, i);
		uint64_t first, last;

		if (range.len == 0)
			continue;
		if (range.addr + range.len > sum.top)
			sum.top = range.addr + range.len;
		first = range.addr >> GIB_SHIFT;
		last = (range.addr + range.len - 1) >> GIB_SHIFT;
		/* Ascending as firmware gives it; in another order this counts too many: harmless. */
		if (first == last_gib || first < ALWAYS_GIB)
			first = last_gib > first ? last_gib + 1 : first + 1;
		if (last >= first && last >= ALWAYS_GIB) {
			sum.identity_gib += last - first + 1;
			last_gib = last;
		}
		if (range.type != MEMORY_CONVENTIONAL)
			continue;
		sum.free_bytes += range.len;
		free_len = range.addr == free_end ? free_len + range.len : range.len;
		free_end = range.addr + range.len;
		if (free_len > sum.largest_free)
			sum.largest_free = free_len;
	}
	return sum;
}

/* MiB, rounded up, so that "0 MiB missing" cannot be. */
static unsigned long long mib(uint64_t bytes)
{
	return bytes / MIB + (bytes % MIB != 0);
}

bool memory_check(const struct memory_summary *summary, const struct memory_need *needs,
		  size_t count, char *text, size_t size)
{
	const struct memory_need *largest = NULL, *piece = NULL;
	uint64_t total = OWN_BYTES;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!om_add_u64(total, needs[i].bytes, &total))
			total = UINT64_MAX;
		if (!largest || needs[i].bytes > largest->bytes)
			largest = &needs[i];
		if (!needs[i].scattered && (!piece || needs[i].bytes > piece->bytes))
			piece = &needs[i];
	}
	if (piece && piece->bytes > summary->largest_free) {
		om_format(text, size, "too little memory: %s needs %llu MiB in one piece, the largest "
			  "free range has %llu MiB (%llu MiB missing)", piece->name,
			  mib(piece->bytes), (unsigned long long)(summary->largest_free / MIB),
			  mib(piece->bytes - summary->largest_free));
		return false;
	}
	if (total > summary->free_bytes) {
		om_format(text, size, "too little memory: %llu MiB are needed, %llu MiB are free "
			  "(%llu MiB missing); the largest piece is %s with %llu MiB", mib(total),
			  (unsigned long long)(summary->free_bytes / MIB),
			  mib(total - summary->free_bytes), largest ? largest->name : "the stage",
			  largest ? mib(largest->bytes) : 0);
		return false;
	}
	return true;
}
