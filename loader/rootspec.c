/* SPDX-License-Identifier: MIT */
/* Root specifications: how an entry, or `root=`, names a file system. */
#include <overmount/fmt.h>
#include <overmount/root.h>
#include <overmount/sys.h>

#include "words.h"

#define MINOR_MAX	0xfffffu	/* 20 bits, as Linux' dev_t has */
#define MAJOR_MAX	0xfffu		/* 12 bits */

struct spec_parser {
	struct om_str text;
	uint32_t line, column;
	const struct om_diag_sink *sink;
	struct om_rootspec spec;
};

/* A complaint about LEN bytes from AT on. */
static enum om_status complain(const struct spec_parser *parser, enum om_status status, size_t at,
			       size_t len, const char *hint, const char *text)
{
	return om_diag_text(parser->sink, status, false, parser->line,
			    parser->column + (uint32_t)at, (uint32_t)len, hint, "%s", text);
}

static const char spec_forms[] =
	"/dev/NAME, MAJOR:MINOR, a hexadecimal device number, PARTUUID=, PARTLABEL=, UUID=, LABEL=, "
	"image:, tar:, cpio:, nfs: or ramfs";

/* ------------------------------------------------------------------ /dev/... */

/* What udev's links say can be said without udev. */
static enum om_status parse_udev_link(struct spec_parser *parser)
{
	static const struct {
		const char *prefix, *tag;
	} links[] = {
		{ "disk/by-uuid/", "UUID" }, { "disk/by-label/", "LABEL" },
		{ "disk/by-partuuid/", "PARTUUID" }, { "disk/by-partlabel/", "PARTLABEL" },
	};
	struct om_str name = om_str_skip(parser->text, 5), rest;
	char hint[OM_DIAG_HINT_MAX] = "name the device itself, or use PARTUUID= or UUID=";
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (!om_str_starts(name, links[i].prefix))
			continue;
		rest = om_str_skip(name, strlen(links[i].prefix));
		om_format(hint, sizeof(hint), "write %s=%.*s", links[i].tag, (int)rest.len, rest.ptr);
	}
	return complain(parser, OM_UNSUPPORTED, 0, parser->text.len, hint,
			"links below /dev/disk/ are made by a running system and do not exist yet");
}

/* "sda1", "cciss/c0d0p1"; /dev/ never climbs out of itself. */
static enum om_status check_name(const struct spec_parser *parser, struct om_str name)
{
	size_t i, start = 0;

	if (name.len == 0)
		return complain(parser, OM_SYNTAX, 0, parser->text.len, "such as /dev/vda2",
				"no device name after /dev/");
	if (name.len >= OM_DEVICE_NAME_MAX)
		return complain(parser, OM_LIMIT, 5, name.len, "",
				"the device name is too long: 31 bytes at most");
	for (i = 0; i <= name.len; i++) {
		struct om_str part = { name.ptr + start, i - start };

		if (i < name.len && name.ptr[i] != '/')
			continue;
		if (part.len == 0 || om_str_is(part, ".") || om_str_is(part, ".."))
			return complain(parser, OM_SYNTAX, 5 + start, part.len, "such as /dev/vda2",
					"not the name of a device");
		start = i + 1;
	}
	return OM_OK;
}

static enum om_status parse_dev(struct spec_parser *parser)
{
	struct om_str name = om_str_skip(parser->text, 5);
	struct om_rootspec *spec = &parser->spec;
	enum om_status status;
	uint64_t number = 0;

	if (om_str_is(name, "nfs")) {
		spec->kind = OM_ROOT_NFS;
		return OM_OK;
	}
	if (om_str_is(name, "cifs"))
		return complain(parser, OM_UNSUPPORTED, 0, parser->text.len, "",
				"a root on CIFS is not supported");
	if (om_str_starts(name, "disk/"))
		return parse_udev_link(parser);
	status = check_name(parser, name);
	if (status != OM_OK)
		return status;
	if (om_str_is(name, "ram") ||
	    (om_str_starts(name, "ram") && om_is_digit(name.ptr[3]) &&
	     om_number_parse(om_str_skip(name, 3), 10, MINOR_MAX, &number) == OM_OK)) {
		spec->kind = OM_ROOT_RAM;
		spec->major = 1;
		spec->minor = (uint32_t)number;
		return OM_OK;
	}
	spec->kind = OM_ROOT_NAME;
	spec->text = name;
	return OM_OK;
}

/* ------------------------------------------------------------------ TAG=... */

/* "+2", "-1", "3" */
static bool parse_offset(struct om_str text, int32_t *ret_offset)
{
	bool minus = om_str_starts(text, "-");
	uint64_t number;

	if (minus || om_str_starts(text, "+"))
		text = om_str_skip(text, 1);
	if (om_number_parse(text, 10, INT32_MAX, &number) != OM_OK)
		return false;
	*ret_offset = minus ? -(int32_t)number : (int32_t)number;
	return true;
}

static enum om_status parse_uuid(struct spec_parser *parser, size_t prefix, enum om_root_kind kind)
{
	static const char offset_tag[] = "/PARTNROFF=";
	struct om_str uuid = om_str_skip(parser->text, prefix), rest;
	size_t i;

	for (i = 0; i < uuid.len && uuid.ptr[i] != '/'; i++)
		if (om_hex_digit(uuid.ptr[i]) < 0 && uuid.ptr[i] != '-')
			return complain(parser, OM_SYNTAX, prefix + i, 1, "",
					"expected hexadecimal digits and '-'");
	rest = om_str_skip(uuid, i);
	uuid.len = i;
	if (uuid.len == 0)
		return complain(parser, OM_SYNTAX, 0, parser->text.len, "see blkid(8) for it",
				"no identifier after '='");
	if (uuid.len > 36)
		return complain(parser, OM_SYNTAX, prefix, uuid.len, "",
				"the identifier is too long: a UUID has 36 characters");
	if (rest.len > 0 &&
	    (kind != OM_ROOT_PARTUUID || !om_str_starts(rest, offset_tag) ||
	     !parse_offset(om_str_skip(rest, sizeof(offset_tag) - 1), &parser->spec.partnroff)))
		return complain(parser, OM_SYNTAX, prefix + i, rest.len,
				kind == OM_ROOT_PARTUUID ? "such as /PARTNROFF=1" : "",
				kind == OM_ROOT_PARTUUID ?
				"only /PARTNROFF= with a number may follow the identifier" :
				"nothing may follow the identifier");
	parser->spec.kind = kind;
	parser->spec.text = uuid;
	return OM_OK;
}

static enum om_status parse_label(struct spec_parser *parser, size_t prefix,
				  enum om_root_kind kind)
{
	struct om_str label = om_str_skip(parser->text, prefix);

	if (label.len == 0)
		return complain(parser, OM_SYNTAX, 0, parser->text.len, "see blkid(8) for it",
				"no label after '='");
	if (label.len > OM_LABEL_MAX)
		return complain(parser, OM_LIMIT, prefix, label.len, "",
				"the label is too long: 256 bytes at most");
	parser->spec.kind = kind;
	parser->spec.text = label;
	return OM_OK;
}

/* image:, tar:, cpio: */
static enum om_status parse_inside(struct spec_parser *parser, size_t prefix,
				   enum om_root_kind kind)
{
	struct om_str path = om_str_skip(parser->text, prefix);
	char hint[OM_DIAG_HINT_MAX];
	size_t i, start = 0;

	if (path.len == 0 || path.ptr[0] != '/') {
		om_format(hint, sizeof(hint), "write %.*s/%.*s", (int)prefix, parser->text.ptr,
			  (int)path.len, path.ptr);
		return complain(parser, OM_SYNTAX, prefix, path.len, path.len ? hint : "",
				"expected an absolute path in the absolute root");
	}
	if (path.len >= OM_PATH_MAX)
		return complain(parser, OM_LIMIT, prefix, path.len, "", "the path is too long");
	for (i = 0; i <= path.len; i++) {
		if (i < path.len && path.ptr[i] != '/')
			continue;
		if (om_str_is((struct om_str){ path.ptr + start, i - start }, ".."))
			return complain(parser, OM_ESCAPES, prefix + start, 2, "",
					"the path may not contain '..'");
		start = i + 1;
	}
	parser->spec.kind = kind;
	parser->spec.text = path;
	return OM_OK;
}

static enum om_status parse_nfs(struct spec_parser *parser, size_t prefix, enum om_root_kind kind)
{
	parser->spec.kind = kind;
	parser->spec.text = om_str_skip(parser->text, prefix);
	if (parser->spec.text.len == 0)
		return complain(parser, OM_SYNTAX, 0, parser->text.len,
				"such as nfs:192.0.2.1:/export/root", "no directory after nfs:");
	if (parser->spec.text.len >= OM_PATH_MAX)
		return complain(parser, OM_LIMIT, prefix, parser->spec.text.len, "",
				"the directory is too long");
	return OM_OK;
}

static const struct spec_form {
	const char *prefix;
	enum om_root_kind kind;
	enum om_status (*parse)(struct spec_parser *parser, size_t prefix, enum om_root_kind kind);
} forms[] = {
	{ "PARTUUID=", OM_ROOT_PARTUUID, parse_uuid },
	{ "PARTLABEL=", OM_ROOT_PARTLABEL, parse_label },
	{ "UUID=", OM_ROOT_UUID, parse_uuid },
	{ "LABEL=", OM_ROOT_LABEL, parse_label },
	{ "image:", OM_ROOT_IMAGE, parse_inside },
	{ "tar:", OM_ROOT_TAR, parse_inside },
	{ "cpio:", OM_ROOT_CPIO, parse_inside },
	{ "nfs:", OM_ROOT_NFS, parse_nfs },
};
#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

/* ------------------------------------------------------------------ numbers */

/* MAJOR:MINOR in decimal, as Linux reads it. */
static enum om_status parse_major_minor(struct spec_parser *parser, size_t colon)
{
	struct om_str major = { parser->text.ptr, colon };
	struct om_str minor = om_str_skip(parser->text, colon + 1);
	uint64_t high, low;

	if (om_number_parse(major, 10, MAJOR_MAX, &high) != OM_OK)
		return complain(parser, OM_SYNTAX, 0, colon, "such as 254:2",
				"expected a major device number from 0 to 4095");
	if (om_number_parse(minor, 10, MINOR_MAX, &low) != OM_OK)
		return complain(parser, OM_SYNTAX, colon + 1, minor.len, "such as 254:2",
				"expected a minor device number from 0 to 1048575");
	parser->spec = (struct om_rootspec){ .kind = OM_ROOT_NUMBER, .major = (uint32_t)high,
					     .minor = (uint32_t)low };
	return OM_OK;
}

/*
 * The number as rdev(8) and lilo wrote it.  Linux keeps the low 8 bits of the minor below the
 * major; up to ffff this is the 16-bit form of the first kernels too.
 */
static enum om_status parse_hex(struct spec_parser *parser, struct om_str digits)
{
	uint64_t dev;

	if (om_number_parse(digits, 16, UINT32_MAX, &dev) != OM_OK)
		return complain(parser, OM_LIMIT, 0, parser->text.len, "",
				"the device number has more than 32 bits");
	if (dev == 0)
		return complain(parser, OM_SYNTAX, 0, parser->text.len, "",
				"device number 0 names no device");
	parser->spec = (struct om_rootspec){
		.kind = OM_ROOT_NUMBER,
		.major = (uint32_t)(dev >> 8 & MAJOR_MAX),
		.minor = (uint32_t)((dev & 0xff) | (dev >> 12 & 0xfff00)),
	};
	return OM_OK;
}

/* ------------------------------------------------------------------ neither of them */

static bool is_word(struct om_str text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!om_is_digit(text.ptr[i]) && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'z'))
			return false;
	return text.len > 0;
}

static enum om_status refuse(struct spec_parser *parser)
{
	const char *words[FORM_COUNT + 3];
	char hint[OM_DIAG_HINT_MAX] = "", text[OM_DIAG_TEXT_MAX];
	struct om_str head = parser->text;
	const char *near;
	size_t i;

	if (om_str_starts(head, "mtd") || om_str_starts(head, "ubi"))
		return complain(parser, OM_UNSUPPORTED, 0, head.len, "",
				"a root on MTD or UBI is not supported");
	for (i = 0; i < FORM_COUNT; i++)
		words[i] = forms[i].prefix;
	words[i++] = "ramfs";
	words[i++] = "/dev/";
	words[i] = NULL;
	for (i = 0; i < head.len && head.ptr[i] != '=' && head.ptr[i] != ':'; i++)
		;
	if (i == head.len)
		for (i = 0; i < head.len && !(i > 0 && head.ptr[i] == '/'); i++)
			;
	if (i < head.len)
		head.len = i + 1;
	near = om_suggest(head, words);
	if (near && head.len < parser->text.len)
		om_format(hint, sizeof(hint), "did you mean '%s%.*s'?", near,
			  (int)(parser->text.len - head.len), parser->text.ptr + head.len);
	else if (near)
		om_format(hint, sizeof(hint), "did you mean '%s'?", near);
	else if (is_word(parser->text) && parser->text.len < OM_DEVICE_NAME_MAX)
		om_format(hint, sizeof(hint), "did you mean '/dev/%.*s'?", (int)parser->text.len,
			  parser->text.ptr);
	om_format(text, sizeof(text), "no root specification: '%.*s'; expected %s",
		  (int)(parser->text.len > 40 ? 40 : parser->text.len), parser->text.ptr, spec_forms);
	return complain(parser, OM_SYNTAX, 0, parser->text.len, hint, text);
}

static enum om_status parse_number_or_refuse(struct spec_parser *parser)
{
	struct om_str digits = parser->text;
	size_t i;

	for (i = 0; i < digits.len && om_is_digit(digits.ptr[i]); i++)
		;
	if (i > 0 && i < digits.len && digits.ptr[i] == ':')
		return parse_major_minor(parser, i);
	if (om_str_starts(digits, "0x") || om_str_starts(digits, "0X"))
		digits = om_str_skip(digits, 2);
	for (i = 0; i < digits.len && om_hex_digit(digits.ptr[i]) >= 0; i++)
		;
	if (i > 0 && i == digits.len)
		return parse_hex(parser, digits);
	return refuse(parser);
}

enum om_status om_rootspec_parse(struct om_str text, uint32_t line, uint32_t column,
				 const struct om_diag_sink *sink, struct om_rootspec *ret_spec)
{
	struct spec_parser parser = { .text = text, .line = line, .column = column, .sink = sink,
				      .spec = { .text = { "", 0 } } };
	enum om_status status;
	size_t i;

	if (text.len == 0)
		return complain(&parser, OM_SYNTAX, 0, 0, "", "expected a root specification");
	for (i = 0; i < FORM_COUNT && !om_str_starts(text, forms[i].prefix); i++)
		;
	if (om_str_is(text, "ramfs")) {
		parser.spec.kind = OM_ROOT_RAMFS;
		status = OM_OK;
	} else if (om_str_starts(text, "/dev/")) {
		status = parse_dev(&parser);
	} else if (i < FORM_COUNT) {
		status = forms[i].parse(&parser, strlen(forms[i].prefix), forms[i].kind);
	} else {
		status = parse_number_or_refuse(&parser);
	}
	if (status == OM_OK)
		*ret_spec = parser.spec;
	return status;
}

size_t om_rootspec_format(const struct om_rootspec *spec, char *buf, size_t size)
{
	int len = (int)spec->text.len;
	const char *text = spec->text.ptr;
	size_t i;

	switch (spec->kind) {
	case OM_ROOT_RAMFS:
		return om_format(buf, size, "ramfs");
	case OM_ROOT_NAME:
		return om_format(buf, size, "/dev/%.*s", len, text);
	case OM_ROOT_NUMBER:
		return om_format(buf, size, "%u:%u", spec->major, spec->minor);
	case OM_ROOT_RAM:
		return om_format(buf, size, "/dev/ram%u", spec->minor);
	case OM_ROOT_NFS:
		if (len == 0)
			return om_format(buf, size, "/dev/nfs");
		break;
	case OM_ROOT_PARTUUID:
		if (spec->partnroff)
			return om_format(buf, size, "PARTUUID=%.*s/PARTNROFF=%d", len, text,
					 spec->partnroff);
		break;
	default:
		break;
	}
	for (i = 0; i < FORM_COUNT; i++)
		if (forms[i].kind == spec->kind)
			return om_format(buf, size, "%s%.*s", forms[i].prefix, len, text);
	return om_format(buf, size, "unknown");
}
