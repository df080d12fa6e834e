/* SPDX-License-Identifier: MIT */
/* "Did you mean": the nearest word by typing errors. */
#include <overmount/entry.h>

#include "words.h"

#define SUGGEST_WORD_MAX 32u	/* longer than any word of ours */

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Letters left out, added, changed, or two neighbours swapped; case does not count. */
static uint32_t distance(struct om_str a, struct om_str b)
{
	uint32_t rows[3][SUGGEST_WORD_MAX + 1];
	uint32_t *two = rows[0], *one = rows[1], *now = rows[2], *spare;
	uint32_t cost;
	size_t i, j;

	for (j = 0; j <= b.len; j++)
		one[j] = (uint32_t)j;
	for (i = 1; i <= a.len; i++) {
		now[0] = (uint32_t)i;
		for (j = 1; j <= b.len; j++) {
			cost = om_fold(a.ptr[i - 1]) != om_fold(b.ptr[j - 1]);
			now[j] = min3(one[j] + 1, now[j - 1] + 1, one[j - 1] + cost);
			if (i > 1 && j > 1 && om_fold(a.ptr[i - 1]) == om_fold(b.ptr[j - 2]) &&
			    om_fold(a.ptr[i - 2]) == om_fold(b.ptr[j - 1]) && two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[b.len];
}

const char *om_suggest(struct om_str word, const char *const *words)
{
	const char *best = NULL;
	uint32_t best_distance, now;

	if (word.len == 0 || word.len > SUGGEST_WORD_MAX)
		return NULL;
	/* In a short word two errors leave nothing that could be recognised. */
	best_distance = word.len <= 4 ? 2 : 3;
	for (; *words; words++) {
		struct om_str known = om_str_from(*words);

		if (known.len == 0 || known.len > SUGGEST_WORD_MAX)
			continue;
		now = distance(word, known);
		/* Replacing every letter is not a typing error. */
		if (now >= known.len && now > 0)
			continue;
		if (now < best_distance) {
			best = *words;
			best_distance = now;
		}
	}
	return best;
}
