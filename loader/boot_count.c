/* SPDX-License-Identifier: MIT */
#include <overmount/boot_count.h>
#include <overmount/fmt.h>

#include "words.h"

#define SUFFIX		5u		/* .conf */
#define DIGITS_MAX	9u

/* The number that ends in front of *END, which then stands at its first digit. */
static bool number_before(struct om_str name, size_t *end, uint32_t *ret_number, uint32_t *ret_digits)
{
	size_t start = *end;
	uint64_t number;

	while (start > 0 && om_is_digit(name.ptr[start - 1]))
		start--;
	if (start == *end || *end - start > DIGITS_MAX ||
	    om_number_parse((struct om_str){ name.ptr + start, *end - start }, 10, UINT32_MAX,
			    &number) != OM_OK)
		return false;
	*ret_digits = (uint32_t)(*end - start);
	*ret_number = (uint32_t)number;
	*end = start;
	return true;
}

struct om_boot_count om_boot_count_parse(struct om_str name)
{
	const struct om_boot_count none = { 0 };
	struct om_boot_count count = { .counted = true };
	size_t at = name.len > SUFFIX ? name.len - SUFFIX : 0;

	if (!number_before(name, &at, &count.left, &count.left_digits) || at == 0)
		return none;
	if (name.ptr[at - 1] == '-') {
		count.done = count.left;
		count.done_digits = count.left_digits;
		at--;
		if (!number_before(name, &at, &count.left, &count.left_digits))
			return none;
	}
	/* Something has to be in front of the +. */
	if (at < 2 || name.ptr[at - 1] != '+')
		return none;
	count.stem = (uint32_t)at - 1;
	return count;
}

void om_boot_count_spend(struct om_boot_count *count)
{
	uint32_t most = 1, i;

	if (count->left > 0)
		count->left--;
	if (count->done_digits == 0)
		count->done_digits = 1;
	for (i = 0; i < count->done_digits; i++)
		most *= 10;
	if (count->done < most - 1)
		count->done++;
}

size_t om_boot_count_id(struct om_str name, const struct om_boot_count *count, char *buf, size_t size)
{
	return om_format(buf, size, "%.*s%s", (int)count->stem, name.ptr, ".conf");
}

size_t om_boot_count_name(struct om_str name, const struct om_boot_count *count, char *buf, size_t size)
{
	return om_format(buf, size, "%.*s+%0*u-%0*u%s", (int)count->stem, name.ptr,
			 (int)count->left_digits, count->left, (int)count->done_digits, count->done,
			 ".conf");
}
