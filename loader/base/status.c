/* SPDX-License-Identifier: MIT */
/* Words for status codes, and the two ways to make a diagnostic. */
#include <overmount/bytes.h>
#include <overmount/fmt.h>
#include <overmount/status.h>

const char *om_status_text(enum om_status status)
{
	switch (status) {
	case OM_OK:
		return "no error";
	case OM_MISUSE:
		return "wrong use of a function";
	case OM_TOO_SMALL:
		return "buffer too small";
	case OM_SYNTAX:
		return "malformed";
	case OM_TRUNCATED:
		return "ends too early";
	case OM_CHECKSUM:
		return "checksum does not match";
	case OM_CONFLICT:
		return "contradiction";
	case OM_MISSING:
		return "something required is missing";
	case OM_ESCAPES:
		return "name leaves its tree";
	case OM_TYPE:
		return "wrong type of file";
	case OM_LIMIT:
		return "limit exceeded";
	case OM_NO_MEMORY:
		return "out of memory";
	case OM_IO:
		return "cannot be read";
	case OM_UNSUPPORTED:
		return "not supported";
	case OM_VERSION:
		return "version not known";
	case OM_ABORTED:
		return "stopped";
	case OM_STATUS_COUNT:
		break;
	}
	return "unknown status";
}

enum om_status om_diag_text(const struct om_diag_sink *sink, enum om_status status, bool warning,
			    uint32_t line, uint32_t column, uint32_t length, const char *hint,
			    const char *format, ...)
{
	struct om_diag diag = {
		.status = status, .warning = warning,
		.line = line, .column = column, .length = length,
	};
	va_list args;

	if (!sink || !sink->emit)
		return status;
	va_start(args, format);
	om_vformat(diag.text, sizeof(diag.text), format, args);
	va_end(args);
	om_format(diag.hint, sizeof(diag.hint), "%s", hint ? hint : "");
	sink->emit(sink->ctx, &diag);
	return status;
}

enum om_status om_diag_binary(const struct om_diag_sink *sink, enum om_status status,
			      uint64_t offset, const char *format, ...)
{
	struct om_diag diag = { .status = status, .offset = offset };
	va_list args;

	if (!sink || !sink->emit)
		return status;
	va_start(args, format);
	om_vformat(diag.text, sizeof(diag.text), format, args);
	va_end(args);
	sink->emit(sink->ctx, &diag);
	return status;
}
