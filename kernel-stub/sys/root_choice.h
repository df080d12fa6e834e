/* SPDX-License-Identifier: MIT */
#ifndef STUB_ROOT_CHOICE_H
#define STUB_ROOT_CHOICE_H
/* Between late boot, which asks, and proc, where /linuxrc answers. */
#include <overmount/sys.h>

/* ROOT stays for as long as the machine runs. */
void root_choice_root(const struct om_root *root);
/* /linuxrc starts; MAJOR:MINOR is the device that would be the root, 0:0 = none found. */
void root_choice_open(uint32_t major, uint32_t minor);
/* It has ended. */
void root_choice_close(struct om_choice *ret_choice);

#endif
