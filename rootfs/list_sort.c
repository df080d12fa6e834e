/* SPDX-License-Identifier: MIT */
#include "tree.h"

static void *get_next(const void *element, size_t link)
{
	void *next;

	memcpy(&next, (const char *)element + link, sizeof(next));
	return next;
}

static void set_next(void *element, size_t link, void *next)
{
	memcpy((char *)element + link, &next, sizeof(next));
}

/* Cut the first COUNT elements off and return the rest. */
static void *split(void *head, size_t link, size_t count)
{
	void *rest;

	while (head && --count)
		head = get_next(head, link);
	if (!head)
		return NULL;
	rest = get_next(head, link);
	set_next(head, link, NULL);
	return rest;
}

/* Bottom-up: runs of 1, 2, 4, ... are merged, so no recursion and no memory. */
void *om_list_sort(void *head, size_t link, bool (*before)(const void *a, const void *b))
{
	void *a, *b, *rest, *tail, *sorted, *take;
	size_t run;

	for (run = 1; head; run *= 2) {
		bool merged = false;

		sorted = tail = NULL;
		for (rest = head; rest;) {
			a = rest;
			b = split(a, link, run);
			rest = split(b, link, run);
			merged = merged || b;
			while (a || b) {
				/* B goes first only when it must: equal elements keep their order. */
				take = !a || (b && before(b, a)) ? b : a;
				if (take == a)
					a = get_next(a, link);
				else
					b = get_next(b, link);
				if (tail)
					set_next(tail, link, take);
				else
					sorted = take;
				tail = take;
			}
			set_next(tail, link, NULL);
		}
		head = sorted;
		if (!merged)
			break;
	}
	return head;
}
