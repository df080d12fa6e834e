/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_CHOICE_H
#define OVERMOUNT_CHOICE_H
/*
 * What /linuxrc may decide about the root while it runs: lines of the entry's own grammar in
 * /proc/root-descriptor, or the old number in /proc/sys/kernel/real-root-dev.
 */
#include <overmount/entry.h>
#include <overmount/mem.h>

#define OM_CHOICE_TEXT_MAX	4096u

/* The 32-bit form that programs see: 12 bits of major between 8 and 12 of minor. */
uint32_t om_device_number(uint32_t major, uint32_t minor);
/* Decimal, 0x hexadecimal or 0 octal, as sysctl has always read them; blanks around are allowed. */
bool om_device_number_parse(struct om_str text, uint32_t *ret_number);
/* A number as a candidate; how it is mounted stays what root= and its kin said. */
struct om_candidate om_choice_number(const struct om_root *root, uint32_t number);

/*
 * Lines with root, root-fstype, root-flags and root-mode as candidates, whose strings point into
 * TEXT.  SCRATCH is large and needs not live on.  What is wrong is told with line and column.
 */
enum om_status om_choice_lines(struct om_str text, struct om_arena *arena,
			       struct om_entry *scratch, const struct om_diag_sink *sink,
			       struct om_candidate *ret_candidates, uint32_t *ret_count) OM_CHECKED;

#endif
