/* SPDX-License-Identifier: MIT */
/*
 * The cache of disk blocks: pages by (whole disk, page of the disk), so that a disk and its
 * partitions never disagree.  Each page knows which of its eight sectors are valid and which are
 * dirty; so sectors can be written without being read, and one bad sector spoils only itself.
 * Dirty pages are written when they become many, when room is needed, and by block_sync().
 */
#include "block.h"
#include "task.h"

#define PAGE_SECTORS	(PAGE_SIZE / SECTOR_SIZE)
#define BUCKETS		1024u
#define AHEAD_MAX	16u		/* pages: 64 KiB */
#define CACHE_PAGES_MIN	64u
#define CACHE_PAGES_MAX	8192u		/* 32 MiB */

struct block_page {
	struct list lru;		/* the oldest first; on none while it is being read */
	struct block_page *hash_next;
	struct block_page *sort_next;	/* the list that is being written */
	struct block_device *disk;
	uint64_t index;
	uint8_t *data;
	uint8_t valid, dirty;		/* one bit a sector */
};

static struct block_page *buckets[BUCKETS];
static struct list lru = { &lru, &lru };
static unsigned page_total, page_dirty, page_limit;

static struct block_page **bucket_of(const struct block_device *disk, uint64_t index)
{
	return &buckets[(index ^ index >> 10 ^ disk->dev * 31u) % BUCKETS];
}

static struct block_page *find_page(const struct block_device *disk, uint64_t index)
{
	struct block_page *page = *bucket_of(disk, index);

	while (page && (page->disk != disk || page->index != index))
		page = page->hash_next;
	return page;
}

/* Off all lists; only its memory is left. */
static void unhash_page(struct block_page *page)
{
	struct block_page **slot = bucket_of(page->disk, page->index);

	while (*slot != page)
		slot = &(*slot)->hash_next;
	*slot = page->hash_next;
	list_del(&page->lru);
	if (page->dirty)
		page_dirty--;
	page_total--;
}

static void free_page(struct block_page *page)
{
	unhash_page(page);
	page_put(page->data);
	kfree(page);
}

static void mark_recent(struct block_page *page)
{
	list_del(&page->lru);
	list_add_tail(&page->lru, &lru);
}

/* The sectors that a page has: the last one of a disk may be short. */
static uint8_t sectors_of(const struct block_device *disk, uint64_t index)
{
	uint64_t left = disk->sectors - index * PAGE_SECTORS;

	return left >= PAGE_SECTORS ? 0xff : (uint8_t)((1u << left) - 1);
}

/* -- writing back --------------------------------------------------------------------------------- */

static bool page_before(const struct block_page *a, const struct block_page *b)
{
	return a->disk == b->disk ? a->index < b->index : a->disk->dev < b->disk->dev;
}

static struct block_page *merge(struct block_page *a, struct block_page *b)
{
	struct block_page *head = NULL, **tail = &head;

	while (a && b) {
		struct block_page **less = page_before(a, b) ? &a : &b;

		*tail = *less;
		tail = &(*less)->sort_next;
		*less = *tail;
	}
	*tail = a ? a : b;
	return head;
}

/* The dirty pages of DISK (NULL: of all), sorted; needs no memory. */
static struct block_page *dirty_pages(const struct block_device *disk)
{
	struct block_page *runs[32] = { 0 }, *sorted = NULL;
	struct list *pos;

	list_for_each(pos, &lru) {
		struct block_page *page = list_entry(pos, struct block_page, lru);
		unsigned i = 0;

		if (!page->dirty || (disk && page->disk != disk))
			continue;
		page->sort_next = NULL;
		/* runs[i] is empty or has 2^i pages. */
		for (; runs[i]; i++) {
			page = merge(runs[i], page);
			runs[i] = NULL;
		}
		runs[i] = page;
	}
	for (unsigned i = 0; i < 32; i++)
		sorted = merge(runs[i], sorted);
	return sorted;
}

/* One sector at a time, to learn which ones are bad.  What cannot be written is lost. */
static void write_singly(struct block_page *page)
{
	struct block_device *disk = page->disk;

	for (unsigned i = 0; i < PAGE_SECTORS; i++) {
		uint64_t sector = page->index * PAGE_SECTORS + i;
		struct block_piece piece = { page->data + i * SECTOR_SIZE, 1 };

		if (!(page->dirty & 1u << i) || block_transfer(disk, true, sector, &piece, 1) == 0)
			continue;
		block_log_error(disk, true, sector);
		disk->write_failed = true;
	}
}

static bool whole_page_dirty(const struct block_page *page)
{
	return page->dirty == sectors_of(page->disk, page->index);
}

/* The first pages of the list, as many as make one request: how many. */
static unsigned take_run(struct block_page *page, struct block_piece *pieces)
{
	unsigned count = 0;
	uint64_t next = page->index;

	for (; page && count < BLOCK_PIECES_MAX && page->index == next; page = page->sort_next) {
		if (!whole_page_dirty(page))
			break;
		pieces[count].ptr = page->data;
		pieces[count++].sectors = (unsigned)__builtin_popcount(page->dirty);
		next++;
		if (page->sort_next && page->sort_next->disk != page->disk)
			break;
	}
	return count;
}

/* The runs of dirty sectors within one page, one request each. */
static int write_runs(struct block_page *page)
{
	for (unsigned i = 0; i < PAGE_SECTORS; i++) {
		struct block_piece piece = { page->data + i * SECTOR_SIZE, 0 };
		uint64_t sector = page->index * PAGE_SECTORS + i;

		while (i < PAGE_SECTORS && page->dirty & 1u << i) {
			piece.sectors++;
			i++;
		}
		if (piece.sectors && block_transfer(page->disk, true, sector, &piece, 1) < 0)
			return -EIO;
	}
	return 0;
}

static void write_back(struct block_device *disk)
{
	struct block_page *page = dirty_pages(disk), *next;
	struct block_piece pieces[BLOCK_PIECES_MAX];

	while (page) {
		unsigned count = take_run(page, pieces);
		int err;

		if (count)
			err = block_transfer(page->disk, true, page->index * PAGE_SECTORS, pieces,
					     count);
		else
			err = write_runs(page);
		page->disk->unflushed = true;
		for (count += count == 0; count > 0; count--, page = next) {
			next = page->sort_next;
			if (err < 0)
				write_singly(page);
			page->dirty = 0;
			page_dirty--;
		}
	}
}

int block_cache_sync(struct block_device *disk)
{
	bool failed;

	write_back(disk);
	failed = disk->write_failed;
	disk->write_failed = false;
	return failed ? -EIO : 0;
}

/* -- room -------------------------------------------------------------------------------------------- */

static struct block_page *oldest_clean(void)
{
	struct list *pos;

	list_for_each(pos, &lru) {
		struct block_page *page = list_entry(pos, struct block_page, lru);

		if (!page->dirty)
			return page;
	}
	return NULL;
}

/* The memory of the page that was not needed for the longest time; NULL: there is none at all. */
static struct block_page *reuse_page(void)
{
	struct block_page *page = oldest_clean();

	if (!page && page_dirty > 0) {
		write_back(NULL);
		page = oldest_clean();
	}
	if (page)
		unhash_page(page);
	return page;
}

static struct block_page *fresh_page(void)
{
	struct block_page *page = kzalloc(sizeof(*page));

	if (!page)
		return NULL;
	page->data = page_alloc();
	if (!page->data) {
		kfree(page);
		return NULL;
	}
	list_init(&page->lru);
	return page;
}

static void choose_limit(void)
{
	uint64_t total, available;

	memory_counts(&total, &available);
	page_limit = total / 8 > CACHE_PAGES_MAX ? CACHE_PAGES_MAX : (unsigned)(total / 8);
	if (page_limit < CACHE_PAGES_MIN)
		page_limit = CACHE_PAGES_MIN;
}

/* A new page without contents, on no list but the hash; NULL when memory is out. */
static struct block_page *new_page(struct block_device *disk, uint64_t index)
{
	struct block_page *page = NULL, **slot;

	if (!page_limit)
		choose_limit();
	if (page_total < page_limit)
		page = fresh_page();
	if (!page)
		page = reuse_page();
	if (!page)
		page = fresh_page();
	if (!page)
		return NULL;
	page->valid = page->dirty = 0;
	page->disk = disk;
	page->index = index;
	slot = bucket_of(disk, index);
	page->hash_next = *slot;
	*slot = page;
	page_total++;
	return page;
}

void block_cache_forget(struct block_device *disk)
{
	struct list *pos, *next;

	for (pos = lru.next; pos != &lru; pos = next) {
		struct block_page *page = list_entry(pos, struct block_page, lru);

		next = pos->next;
		if (!page->dirty && (!disk || page->disk == disk))
			free_page(page);
	}
}

void block_cache_drop(struct block_device *disk)
{
	struct list *pos, *next;

	for (pos = lru.next; pos != &lru; pos = next) {
		struct block_page *page = list_entry(pos, struct block_page, lru);

		next = pos->next;
		if (page->disk == disk)
			free_page(page);
	}
}

void block_cache_counts(unsigned *ret_pages, unsigned *ret_dirty)
{
	*ret_pages = page_total;
	*ret_dirty = page_dirty;
}

/* -- reading ------------------------------------------------------------------------------------------ */

static int read_singly(struct block_page *page, uint8_t need)
{
	for (unsigned i = 0; i < PAGE_SECTORS; i++) {
		struct block_piece piece = { page->data + i * SECTOR_SIZE, 1 };
		uint64_t sector = page->index * PAGE_SECTORS + i;

		if (!(need & ~page->valid & 1u << i))
			continue;
		if (block_transfer(page->disk, false, sector, &piece, 1) < 0) {
			block_log_error(page->disk, false, sector);
			return -EIO;
		}
		page->valid |= (uint8_t)(1u << i);
	}
	return 0;
}

/* PAGE, which has no contents, and COUNT - 1 that follow, as far as they are not cached yet. */
static int read_ahead(struct block_page *page, unsigned count)
{
	struct block_page *batch[AHEAD_MAX] = { page };
	struct block_piece pieces[AHEAD_MAX];
	struct block_device *disk = page->disk;
	uint64_t pages = (disk->sectors + PAGE_SECTORS - 1) / PAGE_SECTORS;
	unsigned n = 1;
	int err;

	list_del(&page->lru);
	for (; n < count && page->index + n < pages; n++) {
		if (find_page(disk, page->index + n))
			break;
		batch[n] = new_page(disk, page->index + n);
		if (!batch[n])
			break;
	}
	for (unsigned i = 0; i < n; i++) {
		pieces[i].ptr = batch[i]->data;
		pieces[i].sectors = (unsigned)__builtin_popcount(sectors_of(disk, page->index + i));
	}
	err = block_transfer(disk, false, page->index * PAGE_SECTORS, pieces, n);
	for (unsigned i = 0; i < n; i++) {
		if (err == 0)
			batch[i]->valid = sectors_of(disk, batch[i]->index);
		if (err == 0 || i == 0)
			list_add_tail(&batch[i]->lru, &lru);
		else
			free_page(batch[i]);
	}
	return err;
}

/* The page with the sectors of NEED valid.  WANT: pages that the caller is about to ask for. */
static int get_page(struct block_device *disk, uint64_t index, uint8_t need, unsigned want,
		    struct block_page **ret_page)
{
	struct block_page *page = find_page(disk, index);
	int err = 0;

	if (!page) {
		page = new_page(disk, index);
		if (!page)
			return -ENOMEM;
		list_add_tail(&page->lru, &lru);
	}
	if (need & ~page->valid) {
		disk->ahead = index == disk->next_page ? disk->ahead * 2 : 1;
		if (disk->ahead < want)
			disk->ahead = want;
		if (disk->ahead > AHEAD_MAX)
			disk->ahead = AHEAD_MAX;
		if (page->valid || read_ahead(page, disk->ahead) < 0)
			err = read_singly(page, need);
	}
	if (err < 0)
		return err;
	disk->next_page = index + 1;
	mark_recent(page);
	*ret_page = page;
	return 0;
}

/* The sectors that the bytes from START to END of a page touch. */
static uint8_t sector_mask(unsigned start, unsigned end)
{
	unsigned first = start / SECTOR_SIZE, last = (end - 1) / SECTOR_SIZE;

	return (uint8_t)((2u << last) - (1u << first));
}

int block_cache_read(struct block_device *disk, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len > 0) {
		unsigned start = offset % PAGE_SIZE;
		unsigned n = PAGE_SIZE - start < len ? PAGE_SIZE - start : (unsigned)len;
		size_t want = (start + len + PAGE_SIZE - 1) / PAGE_SIZE;
		struct block_page *page;
		int err;

		err = get_page(disk, offset / PAGE_SIZE, sector_mask(start, start + n),
			       want < AHEAD_MAX ? (unsigned)want : AHEAD_MAX, &page);
		if (err < 0)
			return err;
		memcpy(out, page->data + start, n);
		offset += n;
		out += n;
		len -= n;
	}
	return 0;
}

/* -- writing ------------------------------------------------------------------------------------------- */

/* Sectors that are only partly overwritten must be read first. */
static uint8_t partial_sectors(unsigned start, unsigned end)
{
	uint8_t mask = 0;

	if (start % SECTOR_SIZE)
		mask |= (uint8_t)(1u << start / SECTOR_SIZE);
	if (end % SECTOR_SIZE)
		mask |= (uint8_t)(1u << end / SECTOR_SIZE);
	return mask;
}

int block_cache_write(struct block_device *disk, uint64_t offset, const void *buf, size_t len)
{
	const uint8_t *in = buf;

	while (len > 0) {
		unsigned start = offset % PAGE_SIZE;
		unsigned n = PAGE_SIZE - start < len ? PAGE_SIZE - start : (unsigned)len;
		struct block_page *page;
		int err;

		err = get_page(disk, offset / PAGE_SIZE, partial_sectors(start, start + n), 1, &page);
		if (err < 0)
			return err;
		memcpy(page->data + start, in, n);
		if (!page->dirty)
			page_dirty++;
		page->valid |= sector_mask(start, start + n);
		page->dirty |= sector_mask(start, start + n);
		offset += n;
		in += n;
		len -= n;
		if (page_dirty > page_limit / 2)
			write_back(NULL);
	}
	return 0;
}
