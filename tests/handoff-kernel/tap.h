/* SPDX-License-Identifier: MIT */
#ifndef HANDOFF_TAP_H
#define HANDOFF_TAP_H
#include <stdbool.h>
#include <stdint.h>

#include <overmount/status.h>

void put(const char *text);
/* One line of TAP; a failure goes on. */
void ok(bool good, const char *what);
/* As ok(), with a note that says what was found when it is not good. */
void ok_found(bool good, const char *what, uint64_t found);
void tap_plan(void);
bool tap_passed(void);
void outb(uint16_t port, uint8_t value);
uint8_t inb(uint16_t port);

#endif
