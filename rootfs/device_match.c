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
		return same(spec->text, device->partlabel, false);
	case OM_ROOT_UUID:
		return same(spec->text, device->uuid, true);
	case OM_ROOT_LABEL:
		return same(spec->text, device->label, false);
	default:
		return false;
	}
}
