/* SPDX-License-Identifier: MIT */
/* Is this the device that a root specification means? */
#include <overmount/sys.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* An empty text is nobody's name. */
static bool same(struct om_str want, const char *have, bool fold)
{
	size_t i;

	if (want.len == 0 || want.len != strlen(have))
		return false;
	for (i = 0; i < want.len; i++)
		if (fold ? lower(want.ptr[i]) != lower(have[i]) : want.ptr[i] != have[i])
			return false;
	return true;
}

/* A label as udev names a link in /dev/disk/by-label: what would not do in a name is \xHH. */
static bool same_link(struct om_str want, const char *have)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char c;
	size_t used;

	for (; *have; have++, want = om_str_skip(want, used)) {
		c = (unsigned char)*have;
		if (want.len >= 4 && want.ptr[0] == '\\' && want.ptr[1] == 'x' &&
		    lower(want.ptr[2]) == digits[c >> 4] && lower(want.ptr[3]) == digits[c & 15])
			used = 4;
		else if (want.len > 0 && (unsigned char)want.ptr[0] == c)
			used = 1;
		else
			return false;
	}
	return want.len == 0;
}

static bool same_label(struct om_str want, const char *have)
{
	return same(want, have, false) || (want.len > 0 && same_link(want, have));
}

bool om_device_matches(const struct om_device *device, const struct om_rootspec *spec)
{
	switch (spec->kind) {
	case OM_ROOT_NAME:
		return same(spec->text, device->name, false);
	case OM_ROOT_NUMBER:
		return device->major == spec->major && device->minor == spec->minor;
	case OM_ROOT_RAM:
		return device->major == OM_RAM_MAJOR && device->minor == spec->minor;
	case OM_ROOT_PARTUUID:
		return same(spec->text, device->partuuid, true);
	case OM_ROOT_PARTLABEL:
		return same_label(spec->text, device->partlabel);
	case OM_ROOT_UUID:
		return same(spec->text, device->uuid, true);
	case OM_ROOT_LABEL:
		return same_label(spec->text, device->label);
	default:
		return false;
	}
}
