/* SPDX-License-Identifier: MIT */
/* Words of the command line. */
#include "boot.h"

bool boot_option(const char *word, char *buf, size_t size)
{
	const char *at = boot_info.cmdline;
	size_t len = strlen(word), n;

	while (at && *at) {
		while (*at == ' ')
			at++;
		for (n = 0; at[n] && at[n] != ' '; n++)
			;
		if (n >= len && memcmp(at, word, len) == 0 && (n == len || at[len] == '=')) {
			size_t start = n == len ? n : len + 1, copy = n - start;

			if (copy >= size)
				copy = size - 1;
			memcpy(buf, at + start, copy);
			buf[copy] = '\0';
			return true;
		}
		at += n;
	}
	return false;
}
