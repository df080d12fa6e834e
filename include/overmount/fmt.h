/* SPDX-License-Identifier: MIT */
#ifndef OVERMOUNT_FMT_H
#define OVERMOUNT_FMT_H
/*
 * The one printf of the freestanding worlds.  Understood: %% %c %s %.*s %d %i %u %x %X %p with
 * flags - 0 and space, width (also *), precision for %s, and the sizes hh h l ll z.
 * The result is always NUL-terminated when SIZE > 0; the return value is the length that the
 * whole text would have had.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <overmount/status.h>

size_t om_vformat(char *buf, size_t size, const char *format, va_list args);
size_t om_format(char *buf, size_t size, const char *format, ...) OM_PRINTF(3, 4);

/*
 * The one format of the boot log, in stage, stub, /init and `overmount explain`:
 *
 *	[    1.234567] overmount: root: /dev/vda2 is ext2, mounted read-only
 *
 * USEC is the time since the edge started; UINT64_MAX leaves the bracket out (explain, traces).
 */
size_t om_log_line(char *buf, size_t size, uint64_t usec, const char *text);

#endif
