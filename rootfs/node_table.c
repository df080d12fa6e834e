/* SPDX-License-Identifier: MIT */
/* (parent, name) to node, for directories of any size; chained, doubled when full. */
#include "tree.h"

#define FIRST_BUCKETS 64u

/* Eight bytes at a time; the high ones reach the low half before they are multiplied again. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	hash ^= hash >> 32;
	return hash * 0xd6e8feb86659fd93u;
}

uint32_t om_node_hash(const struct om_node *parent, struct om_str name)
{
	const uint8_t *at = (const uint8_t *)name.ptr, *end = at + name.len;
	uint64_t hash = mix((uint64_t)(uintptr_t)parent >> 4, name.len), rest = 0;

	for (; end - at >= 8; at += 8)
		hash = mix(hash, om_get_le64(at));
	for (; at < end; at++)
		rest = rest << 8 | *at;
	return (uint32_t)(mix(hash, rest) >> 32);
}

struct om_node *om_node_table_find(const struct om_node_table *table,
				   const struct om_node *parent, struct om_str name)
{
	uint32_t hash = om_node_hash(parent, name);
	struct om_node *node;

	if (!table->bucket_count)
		return NULL;
	for (node = table->buckets[hash & (table->bucket_count - 1)]; node; node = node->hash_next)
		if (node->hash == hash && node->parent == parent && om_str_equal(node->name, name))
			return node;
	return NULL;
}

static enum om_status grow(struct om_node_table *table)
{
	uint32_t i, count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
	size_t size = count * sizeof(*table->buckets);
	struct om_node **buckets = table->mem->alloc(table->mem->ctx, size);
	struct om_node *node, *next, **slot;

	if (!buckets)
		return OM_NO_MEMORY;
	memset(buckets, 0, size);
	for (i = 0; i < table->bucket_count; i++) {
		for (node = table->buckets[i]; node; node = next) {
			next = node->hash_next;
			slot = &buckets[node->hash & (count - 1)];
			node->hash_next = *slot;
			*slot = node;
		}
	}
	om_node_table_release(table);
	table->buckets = buckets;
	table->bucket_count = count;
	return OM_OK;
}

enum om_status om_node_table_add(struct om_node_table *table, struct om_node *node)
{
	struct om_node **slot;

	if (table->count >= table->bucket_count && grow(table) != OM_OK)
		return OM_NO_MEMORY;
	node->hash = om_node_hash(node->parent, node->name);
	slot = &table->buckets[node->hash & (table->bucket_count - 1)];
	node->hash_next = *slot;
	*slot = node;
	table->count++;
	return OM_OK;
}

void om_node_table_remove(struct om_node_table *table, struct om_node *node)
{
	struct om_node **slot = &table->buckets[node->hash & (table->bucket_count - 1)];

	while (*slot != node)
		slot = &(*slot)->hash_next;
	*slot = node->hash_next;
	node->hash_next = NULL;
	table->count--;
}

void om_node_table_reset(struct om_node_table *table)
{
	if (table->buckets)
		memset(table->buckets, 0, table->bucket_count * sizeof(*table->buckets));
	table->count = 0;
}

void om_node_table_release(struct om_node_table *table)
{
	if (table->buckets)
		table->mem->free(table->mem->ctx, table->buckets,
				 table->bucket_count * sizeof(*table->buckets));
	table->buckets = NULL;
	table->bucket_count = 0;
}
