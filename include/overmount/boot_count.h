/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_BOOT_COUNT_H
#define OVERMOUNT_BOOT_COUNT_H
/*
 * Boot counting of the Boot Loader Specification: an entry's file is called NAME+LEFT-DONE.conf or
 * NAME+LEFT.conf as long as nobody has seen it work.  Each attempt takes one from LEFT and adds
 * one to DONE; at 0 the entry is bad and goes to the end of the menu.  The system that came up
 * takes the counters out of the name.
 */
#include <overmount/bytes.h>

struct om_boot_count {
	bool counted;			/* false: the name has no counters, the rest is 0 */
	uint32_t left, done;
	uint32_t left_digits, done_digits;	/* which stay so many; done_digits 0: there is no DONE yet */
	uint32_t stem;			/* bytes in front of the + */
};

/* Of a name that ends in ".conf". */
struct om_boot_count om_boot_count_parse(struct om_str name);
static inline bool om_boot_count_is_bad(const struct om_boot_count *count)
{
	return count->counted && count->left == 0;
}

/* One attempt more. */
void om_boot_count_spend(struct om_boot_count *count);
/*
 * NAME, which COUNT was parsed from, without its counters, or with those of now; the length that it
 * has, as of om_format().
 */
size_t om_boot_count_id(struct om_str name, const struct om_boot_count *count, char *buf, size_t size);
size_t om_boot_count_name(struct om_str name, const struct om_boot_count *count, char *buf, size_t size);

#endif
