/* SPDX-License-Identifier: MIT */
/*
 * kmalloc: slabs of one size class a page, a page for what nearly fills one, whole runs of
 * pages for what is larger.
 *
 * A slab begins with its header, so the slab of an object is found by rounding down.  A large
 * block has a header of the same kind in the 16 bytes in front of it, also at the start of a
 * page; magic tells them apart.  Only a whole page begins where a page does: those are many
 * (names of PATH_MAX bytes), and two pages side by side are rare when memory is short.
 */
#include "mm.h"

#define SLAB_MAGIC	0x51ab51abu
#define LARGE_MAGIC	0x1a46e1a4u
#define LARGE_MAX	((size_t)1 << 32)
#define POISON		0x6b
#define CLASS_COUNT	8u

struct slab {
	uint32_t magic;
	uint16_t size_class;
	uint16_t used;
	void *free;		/* objects, linked through their first word */
	struct slab *next, *prev;	/* of the class, those with free objects */
};

struct large {
	uint32_t magic;
	uint32_t pages;
	uint64_t pad;
};

static const uint16_t sizes[CLASS_COUNT] = { 32, 64, 128, 256, 512, 1008, 2016, 0 };
static struct slab *partial[CLASS_COUNT];

_Static_assert(sizeof(struct slab) <= 48, "slab header");
#define SLAB_START	48u

static void partial_add(struct slab *slab)
{
	struct slab **head = &partial[slab->size_class];

	slab->next = *head;
	slab->prev = NULL;
	if (*head)
		(*head)->prev = slab;
	*head = slab;
}

static void partial_remove(struct slab *slab)
{
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		partial[slab->size_class] = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

static struct slab *slab_new(unsigned size_class)
{
	struct slab *slab = page_alloc();
	unsigned at, size = sizes[size_class];

	if (!slab)
		return NULL;
	memory_stats.used--;		/* counted as a slab instead */
	memory_stats.slabs++;
	slab->magic = SLAB_MAGIC;
	slab->size_class = (uint16_t)size_class;
	for (at = SLAB_START; at + size <= PAGE_SIZE; at += size) {
		void **object = (void **)(void *)((char *)slab + at);

		*object = slab->free;
		slab->free = object;
	}
	partial_add(slab);
	return slab;
}

static void *large_alloc(size_t size)
{
	struct large *large;
	size_t pages;

	if (size > LARGE_MAX)
		return NULL;
	pages = (size + sizeof(*large) + PAGE_SIZE - 1) / PAGE_SIZE;
	large = pages_alloc_run((uint32_t)pages);
	if (!large)
		return NULL;
	memory_stats.objects++;
	large->magic = LARGE_MAGIC;
	large->pages = (uint32_t)pages;
	return large + 1;
}

static void *whole_page(void)
{
	void *page = page_alloc();

	if (page)
		memory_stats.objects++;
	return page;
}

void *kmalloc(size_t size)
{
	unsigned size_class = 0;
	struct slab *slab;
	void **object;

	while (size_class < CLASS_COUNT - 1 && sizes[size_class] < size)
		size_class++;
	if (size_class == CLASS_COUNT - 1)
		return size <= PAGE_SIZE ? whole_page() : large_alloc(size);
	slab = partial[size_class];
	if (!slab)
		slab = slab_new(size_class);
	if (!slab)
		return NULL;
	object = slab->free;
	slab->free = *object;
	slab->used++;
	if (!slab->free)
		partial_remove(slab);
	memory_stats.objects++;
	return object;
}

void *kzalloc(size_t size)
{
	void *ptr = kmalloc(size);

	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}

void kfree(void *ptr)
{
	struct slab *slab = (struct slab *)((uintptr_t)ptr & ~(uintptr_t)(PAGE_SIZE - 1));
	struct large *large = (struct large *)slab;

	if (!ptr)
		return;
	memory_stats.objects--;
	if (ptr == (void *)slab) {
		page_put(ptr);
		return;
	}
	if (large->magic == LARGE_MAGIC && (char *)ptr == (char *)(large + 1)) {
		pages_free_run(large, large->pages);
		return;
	}
	BUG_ON(slab->magic != SLAB_MAGIC || slab->used == 0);
	memset(ptr, POISON, sizes[slab->size_class]);
	if (!slab->free)
		partial_add(slab);
	*(void **)ptr = slab->free;
	slab->free = ptr;
	if (--slab->used > 0)
		return;
	partial_remove(slab);
	slab->magic = 0;
	memory_stats.used++;
	memory_stats.slabs--;
	page_put(slab);
}

char *kstrndup(const char *text, size_t len)
{
	char *copy = kmalloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}
