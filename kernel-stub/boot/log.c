/* SPDX-License-Identifier: MIT */
/* The boot log: one format, to every console and into the ring of syslog(2). */
#include <overmount/fmt.h>

#include "boot.h"
#include "device.h"

static void say(const char *format, va_list args)
{
	char text[OM_LOG_LINE_MAX], line[OM_LOG_LINE_MAX];
	size_t len;

	om_vformat(text, sizeof(text), format, args);
	len = om_log_line(line, sizeof(line) - 1, clock_ns() / 1000, text);
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	log_append(line, len);
	console_write(line, len);
}

void klog(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void panic(const char *format, ...)
{
	static bool again;
	va_list args;

	if (again)
		machine_stop(VERDICT_PANIC);
	again = true;
	klog("panic: the kernel cannot go on:");
	va_start(args, format);
	say(format, args);
	va_end(args);
	machine_stop(VERDICT_PANIC);
}
