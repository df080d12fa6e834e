/* SPDX-License-Identifier: MIT */
#ifndef STAGE_TEXT_FORMS_H
#define STAGE_TEXT_FORMS_H
/* Conversions between our texts and the firmware's: UTF-8 and UCS-2, paths, times, CRC-32. */
#include <overmount/bytes.h>
#include <overmount/status.h>

/*
 * An entry's path as the firmware wants it: UCS-2, one backslash before each component, ending
 * in NUL.  SIZE counts 16-bit units.  OM_ESCAPES for "..", OM_SYNTAX for what UCS-2 or FAT
 * cannot hold, OM_LIMIT when it is too long.
 */
enum om_status path_to_efi(struct om_str path, uint16_t *buf, size_t size) OM_CHECKED;

/* UCS-2 to UTF-8, NUL-terminated, cut at SIZE; returns the length. Surrogates become '?'. */
size_t utf8_from_ucs2(const uint16_t *text, size_t units, char *buf, size_t size);
/* UTF-8 to UCS-2 for the console, NUL-terminated, cut at SIZE units; "\n" becomes "\r\n". */
size_t ucs2_from_utf8(const char *text, uint16_t *buf, size_t size);

/* The last word of LoadOptions (UCS-2, BYTES long), or "" when it is not text. */
size_t load_option_word(const void *options, size_t bytes, char *buf, size_t size);

/* Blanks for a word of a kernel's command line, wherever it stands outside of quotes before "--". */
void word_blank(char *text, const char *word);

/* Is this the label that an entry names?  As FAT has them: case and blanks at the end do not count. */
bool volume_label_is(const char *label, struct om_str wanted);
/* Add a label to a list in words: "'ESP', 'DISK1', one without"; a full list ends in "...". */
void volume_label_list(char *list, size_t size, const char *label);

/*
 * LoaderConfigTimeout of the Boot Loader Interface in milliseconds, or OM_WAIT_FOREVER; false: it
 * makes no sense.  Of the variable for one boot, ONCE, 0 means a menu that stays.  DISABLED: not even
 * a key brings it.
 */
bool loader_timeout(const char *text, bool once, uint32_t *ret_ms, bool *ret_disabled);

/* Seconds since 1970 of a UTC date. 0 when the date is not one. */
uint64_t unix_time(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		   unsigned second);

uint32_t crc32_ieee(const void *data, size_t len);

#endif
