/* SPDX-License-Identifier: MIT */
#include "tree.h"

#define FIRST_BUCKETS 64u

static uint32_t bucket_of(uint64_t key0, uint64_t key1, uint32_t count)
{
	uint64_t hash = (key0 ^ (key1 << 32 | key1 >> 32)) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(hash >> 40) & (count - 1);
}

static bool grow(struct om_link_table *table, struct om_arena *arena)
{
	uint32_t i, bucket, count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
	struct om_link_entry **buckets = om_arena_array(arena, count, sizeof(*buckets));
	struct om_link_entry *entry, *next;

	if (!buckets)
		return false;
	for (i = 0; i < table->bucket_count; i++) {
		for (entry = table->buckets[i]; entry; entry = next) {
			next = entry->next;
			bucket = bucket_of(entry->key[0], entry->key[1], count);
			entry->next = buckets[bucket];
			buckets[bucket] = entry;
		}
	}
	table->buckets = buckets;
	table->bucket_count = count;
	return true;
}

struct om_link_entry *om_link_table_get(struct om_link_table *table, struct om_arena *arena,
					uint64_t key0, uint64_t key1)
{
	struct om_link_entry *entry;
	uint32_t bucket;

	if (table->count >= table->bucket_count && !grow(table, arena))
		return NULL;
	bucket = bucket_of(key0, key1, table->bucket_count);
	for (entry = table->buckets[bucket]; entry; entry = entry->next)
		if (entry->key[0] == key0 && entry->key[1] == key1)
			return entry;
	entry = om_arena_alloc(arena, sizeof(*entry));
	if (!entry)
		return NULL;
	*entry = (struct om_link_entry){
		.next = table->buckets[bucket],
		.key = { key0, key1 },
	};
	table->buckets[bucket] = entry;
	table->count++;
	return entry;
}

/* Forget the entries; the room of the buckets is used again. */
void om_link_table_reset(struct om_link_table *table)
{
	if (table->buckets)
		memset(table->buckets, 0, table->bucket_count * sizeof(*table->buckets));
	table->count = 0;
}
