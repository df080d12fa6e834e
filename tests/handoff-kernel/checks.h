/* SPDX-License-Identifier: MIT */
#ifndef HANDOFF_CHECKS_H
#define HANDOFF_CHECKS_H
#include <stddef.h>
#include <stdint.h>

#include <overmount/bytes.h>
#include <overmount/handoff.h>

struct range {
	uint32_t type;
	uint64_t addr, len;
};

/* memory.c: the firmware's memory map */
size_t map_count(const struct om_handoff *handoff);
struct range map_range(const struct om_handoff *handoff, size_t index);
void check_memory(const struct om_handoff *handoff);
/* Write to free memory: nothing that was handed over may change by it. */
void scribble(const struct om_handoff *handoff);

void check_paging(const struct om_handoff *handoff, uint64_t cr3, uint64_t code);
/* content.c */
void check_content(const struct om_handoff *handoff);
uint32_t content_sum(const struct om_handoff *handoff);
uint32_t crc32_of(uint32_t crc, const void *data, size_t len);

#endif
