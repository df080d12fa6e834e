/* SPDX-License-Identifier: MIT */
#ifndef STAGE_MEMORY_MAP_H
#define STAGE_MEMORY_MAP_H
/*
 * Reading the firmware's memory map.  Its descriptors are DESCRIPTOR_SIZE bytes apart, which
 * is more than their own size on purpose; fields are read by byte.
 */
#include <overmount/bytes.h>

#define MEMORY_CONVENTIONAL	7u
#define MEMORY_TYPES		15u

struct memory_map {
	const uint8_t *bytes;
	size_t len;
	size_t descriptor_size;
};

struct memory_range {
	uint32_t type;
	uint64_t addr;
	uint64_t len;
};

size_t memory_map_count(const struct memory_map *map);
/* INDEX below the count.  A range that would wrap is cut at the end of the address space. */
struct memory_range memory_map_get(const struct memory_map *map, size_t index);

struct memory_summary {
	uint64_t free_bytes;
	uint64_t largest_free;
	uint64_t top;			/* end of the highest range */
	uint64_t identity_gib;		/* gigabytes that an identity map of everything touches */
};

struct memory_summary memory_map_summary(const struct memory_map *map);

/* One thing that has to lie in memory, in one piece if it is not scattered. */
struct memory_need {
	const char *name;
	uint64_t bytes;
	bool scattered;
};

/*
 * True when the needs can fit.  Otherwise TEXT says which piece is the largest, what it needs
 * and how much is missing.
 */
bool memory_check(const struct memory_summary *summary, const struct memory_need *needs,
		  size_t count, char *text, size_t size);

#endif
