/* SPDX-License-Identifier: MIT */
/* Messages in the form that editors understand: file:line:column: error: text. */
#include <errno.h>
#include <string.h>

#include "host.h"

static void put(const char *name, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: error: ", name ? name : "overmount");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int refuse(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(name, format, args);
	va_end(args);
	return REFUSED;
}

void hint(const char *format, ...)
{
	va_list args;

	fputs("hint: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int refuse_status(const char *name, enum om_status status)
{
	return refuse(name, "%s", om_status_text(status));
}

int refuse_errno(const char *name, const char *verb)
{
	int error = errno;

	return refuse(name, "cannot %s: %s", verb, strerror(error));
}

void hex_text(const void *bytes, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = bytes;

	while (len--) {
		*ret_text++ = digits[*at >> 4];
		*ret_text++ = digits[*at++ & 15];
	}
	*ret_text = '\0';
}

void diag_print(const char *name, const struct om_diag *diag)
{
	const char *kind = diag->warning ? "warning" : "error";

	fflush(stdout);
	if (diag->line)
		fprintf(stderr, "%s:%u:%u: %s: %s\n", name, diag->line, diag->column, kind,
			diag->text);
	else if (diag->offset)
		fprintf(stderr, "%s: %s: byte %llu: %s\n", name, kind,
			(unsigned long long)diag->offset, diag->text);
	else
		fprintf(stderr, "%s: %s: %s\n", name, kind, diag->text);
	if (diag->hint[0])
		hint("%s", diag->hint);
}

static void emit(void *ctx, const struct om_diag *diag)
{
	struct diag_printer *printer = ctx;

	if (diag->warning)
		printer->warnings++;
	else
		printer->errors++;
	diag_print(printer->name, diag);
}

void diag_printer_init(struct diag_printer *printer, const char *name)
{
	*printer = (struct diag_printer){ { emit, printer }, name, 0, 0 };
}
