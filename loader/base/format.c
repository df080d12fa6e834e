/* SPDX-License-Identifier: MIT */
/*
 * The one printf.  It writes what fits, counts everything and never allocates, so that a log
 * line can be made in firmware, in an exception handler and under a sanitizer alike.
 */
#include <overmount/bytes.h>
#include <overmount/fmt.h>

/* Where the text goes: SIZE counts the final NUL, LENGTH what has been asked for. */
struct output {
	char *buf;
	size_t size;
	size_t length;
};

/* One conversion, as written between '%' and its letter. */
struct conversion {
	bool left;			/* '-' */
	bool zero;			/* '0' */
	bool space;			/* ' ' */
	bool has_precision;
	size_t width;
	size_t precision;
	unsigned int size;		/* bytes of an integer argument */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buf[out->length] = c;
	out->length++;
}

static void put_repeated(struct output *out, char c, size_t count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_padded(struct output *out, const struct conversion *conv, const char *text,
		       size_t len)
{
	if (!conv->left && conv->width > len)
		put_repeated(out, ' ', conv->width - len);
	for (size_t i = 0; i < len; i++)
		put(out, text[i]);
	if (conv->left && conv->width > len)
		put_repeated(out, ' ', conv->width - len);
}

static void put_text(struct output *out, const struct conversion *conv, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	/* With a precision the text need not be terminated: do not look past it. */
	while ((!conv->has_precision || len < conv->precision) && text[len] != '\0')
		len++;
	put_padded(out, conv, text, len);
}

/* PREFIX ("-", " ", "0x", "") stands before the zeros that fill the width. */
static void put_number(struct output *out, const struct conversion *conv, uint64_t value,
		       unsigned int base, bool capitals, const char *prefix)
{
	const char *digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
	char reversed[24];
	size_t count = 0, zeros = 0, total;

	while (value != 0) {
		reversed[count++] = digits[value % base];
		value /= base;
	}
	/* C prints nothing at all for a zero with precision 0. */
	if (count == 0 && !(conv->has_precision && conv->precision == 0))
		reversed[count++] = '0';
	if (conv->has_precision && conv->precision > count)
		zeros = conv->precision - count;
	total = strlen(prefix) + zeros + count;
	if (conv->zero && !conv->left && !conv->has_precision && conv->width > total) {
		zeros += conv->width - total;
		total = conv->width;
	}
	if (!conv->left && conv->width > total)
		put_repeated(out, ' ', conv->width - total);
	while (*prefix != '\0')
		put(out, *prefix++);
	put_repeated(out, '0', zeros);
	while (count > 0)
		put(out, reversed[--count]);
	if (conv->left && conv->width > total)
		put_repeated(out, ' ', conv->width - total);
}

static const char *read_flags(const char *at, struct conversion *conv)
{
	for (;; at++) {
		if (*at == '-')
			conv->left = true;
		else if (*at == '0')
			conv->zero = true;
		else if (*at == ' ')
			conv->space = true;
		else
			return at;
	}
}

static const char *read_count(const char *at, size_t *count)
{
	*count = 0;
	while (*at >= '0' && *at <= '9')
		*count = *count * 10 + (size_t)(*at++ - '0');
	return at;
}

static const char *read_size(const char *at, struct conversion *conv)
{
	conv->size = sizeof(int);
	if (*at == 'l') {
		conv->size = sizeof(long);
		if (*++at == 'l') {
			conv->size = sizeof(long long);
			at++;
		}
	} else if (*at == 'z') {
		conv->size = sizeof(size_t);
		at++;
	} else if (*at == 'h') {
		conv->size = sizeof(short);
		if (*++at == 'h') {
			conv->size = sizeof(char);
			at++;
		}
	}
	return at;
}

static void put_signed(struct output *out, const struct conversion *conv, int64_t value)
{
	const char *prefix = conv->space ? " " : "";

	if (conv->size == sizeof(char))
		value = (signed char)value;
	else if (conv->size == sizeof(short))
		value = (short)value;
	if (value < 0)
		put_number(out, conv, 0 - (uint64_t)value, 10, false, "-");
	else
		put_number(out, conv, (uint64_t)value, 10, false, prefix);
}

static void put_unsigned(struct output *out, const struct conversion *conv, uint64_t value,
			 char letter)
{
	if (conv->size < sizeof(uint64_t))
		value &= (UINT64_C(1) << 8 * conv->size) - 1;
	put_number(out, conv, value, letter == 'u' ? 10 : 16, letter == 'X', "");
}

/* In a struct, because a parameter of type va_list cannot be handed on by address. */
struct arguments {
	va_list list;
};

static const char *read_conversion(const char *at, struct conversion *conv,
				   struct arguments *args)
{
	at = read_flags(at, conv);
	if (*at == '*') {
		int width = va_arg(args->list, int);

		conv->left = conv->left || width < 0;
		conv->width = width < 0 ? 0 - (size_t)width : (size_t)width;
		at++;
	} else {
		at = read_count(at, &conv->width);
	}
	if (*at == '.' && at[1] == '*') {
		int precision = va_arg(args->list, int);

		conv->has_precision = precision >= 0;
		conv->precision = conv->has_precision ? (size_t)precision : 0;
		at += 2;
	} else if (*at == '.') {
		conv->has_precision = true;
		at = read_count(at + 1, &conv->precision);
	}
	return read_size(at, conv);
}

/* False if LETTER is none of ours; then no argument was read. */
static bool put_argument(struct output *out, struct conversion *conv, char letter,
			 struct arguments *args)
{
	char c[1];

	switch (letter) {
	case '%':
		put(out, '%');
		return true;
	case 'c':
		c[0] = (char)va_arg(args->list, int);
		put_padded(out, conv, c, 1);
		return true;
	case 's':
		put_text(out, conv, va_arg(args->list, const char *));
		return true;
	case 'd':
	case 'i':
		put_signed(out, conv, conv->size > sizeof(int) ? va_arg(args->list, long long) :
			   va_arg(args->list, int));
		return true;
	case 'u':
	case 'x':
	case 'X':
		put_unsigned(out, conv, conv->size > sizeof(int) ?
			     va_arg(args->list, unsigned long long) :
			     va_arg(args->list, unsigned int), letter);
		return true;
	case 'p':
		put_number(out, conv, (uintptr_t)va_arg(args->list, void *), 16, false, "0x");
		return true;
	default:
		return false;
	}
}

size_t om_vformat(char *buf, size_t size, const char *format, va_list args)
{
	struct output out = { buf, size, 0 };
	struct arguments arguments;

	va_copy(arguments.list, args);
	for (const char *at = format; *at != '\0'; at++) {
		struct conversion conv = { 0 };
		const char *start = at;

		if (*at != '%') {
			put(&out, *at);
			continue;
		}
		at = read_conversion(at + 1, &conv, &arguments);
		if (put_argument(&out, &conv, *at, &arguments))
			continue;
		/* Not ours: the rest of the format is shown as it stands, arguments unread. */
		for (at = start; *at != '\0'; at++)
			put(&out, *at);
		break;
	}
	va_end(arguments.list);
	if (size > 0)
		buf[out.length < size ? out.length : size - 1] = '\0';
	return out.length;
}

size_t om_format(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = om_vformat(buf, size, format, args);
	va_end(args);
	return length;
}

size_t om_log_line(char *buf, size_t size, uint64_t usec, const char *text)
{
	if (usec == UINT64_MAX)
		return om_format(buf, size, "overmount: %s", text);
	return om_format(buf, size, "[%5llu.%06llu] overmount: %s",
			 (unsigned long long)(usec / 1000000),
			 (unsigned long long)(usec % 1000000), text);
}
