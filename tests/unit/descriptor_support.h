/* SPDX-License-Identifier: MIT */
#ifndef UNIT_DESCRIPTOR_SUPPORT_H
#define UNIT_DESCRIPTOR_SUPPORT_H
/* What the tests of the root descriptor share. */
#include <overmount/descriptor.h>

#include "support.h"

#define NONE { "", 0 }
#define S(text) { text, sizeof(text) - 1 }
#define BUFFER_MAX 65600u

/* Nothing in it, and something in every field, within the small limits. */
extern const struct om_root root_minimal, root_full;

/* What test_encode() wrote last, room for another, and what was decoded last. */
extern uint8_t test_bytes[BUFFER_MAX], test_again[BUFFER_MAX];
extern struct om_root test_found;

size_t test_encode(const struct om_root *root);
/* The length and the checksum of what has been changed on purpose. */
void test_seal(uint8_t *bytes, size_t len);
/*
 * Decodes a block of exactly LEN bytes into test_found, so that a read past its end is seen; on
 * failure there is one diagnostic and test_found is untouched.
 */
enum om_status test_decode(const uint8_t *bytes, size_t len, struct test_sink *sink);
/* ROOT to bytes, to struct, to text, to struct, to the same bytes. */
void test_survives_check(const struct om_root *root);

#endif
