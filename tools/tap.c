/* SPDX-License-Identifier: MIT */
#include "handoff.h"

#include <string.h>

/* In a description # would begin a directive. */
static void put_description(const char *format, va_list args)
{
	char text[512];
	char *at;

	vsnprintf(text, sizeof(text), format, args);
	for (at = text; *at; at++)
		putchar(*at == '#' || *at == '\n' ? '_' : *at);
}

bool tap_check(struct tap *tap, bool ok, const char *reason, const char *format, ...)
{
	va_list args;

	printf("%sok %u - ", ok ? "" : "not ", ++tap->count);
	va_start(args, format);
	put_description(format, args);
	va_end(args);
	putchar('\n');
	if (ok)
		return true;
	tap->failed++;
	if (reason && reason[0])
		printf("# %s\n", reason);
	return false;
}

void tap_skip(struct tap *tap, const char *why, const char *format, ...)
{
	va_list args;

	printf("ok %u - ", ++tap->count);
	va_start(args, format);
	put_description(format, args);
	va_end(args);
	printf(" # SKIP %s\n", why);
}

int tap_end(const struct tap *tap)
{
	printf("1..%u\n", tap->count);
	if (tap->failed == 0) {
		puts("handoff: good");
		return DONE;
	}
	printf("handoff: bad: %u of %u checks failed\n", tap->failed, tap->count);
	return REFUSED;
}
