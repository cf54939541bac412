/*
 * Private to stream/: slots, found by their five-tuple.
 *
 * The index is set-associative: a bucket is one cache line, so finding costs the same whatever
 * traffic somebody makes up; whoever fills a bucket on purpose loses streams of that bucket only.
 */
#pragma once

#include "base/prefetch.h"
#include "stream/slot.h"

#define TABLE_LINE 64u /* of the cache */
#define TABLE_WAYS 16u
#define TABLE_STREAMS_MAX (1u << 24)

struct table_bucket {
	uint32_t entries[TABLE_WAYS]; /* tag and slot number + 1; from the front, 0 ends */
};

struct table {
	struct slot *slots;
	uint8_t *contexts;
	struct table_bucket *buckets;
	uint64_t *filled; /* bits: buckets that are not empty; small, so the others cost no cache line */
	size_t context_size; /* rounded up so that contexts are aligned */
	uint32_t slots_max;
	uint32_t fresh; /* slots from here on were never used */
	uint32_t free;  /* list of freed ones */
	uint32_t used;
	uint32_t bucket_count;
	uint32_t number_mask; /* of an entry; the rest is the tag */
};

/* Bytes that a table of so many streams takes. */
uint64_t table_size(uint32_t slots_max, size_t context_size);

ST_MUST_CHECK int table_init(struct table *table, uint32_t slots_max, size_t context_size);
void table_fini(struct table *table);

/* The slot of the packet's conversation or SLOT_NONE; *ret_from is who sent the packet. */
uint32_t table_find(const struct table *table, const struct decode_packet *packet, uint64_t hash,
    enum stream_side *ret_from);

/* Who must go before table_add: a slot of a full bucket, or SLOT_NONE. */
uint32_t table_crowded(const struct table *table, uint64_t hash);

static inline bool table_is_full(const struct table *table)
{
	return table->used == table->slots_max;
}

/* A zeroed slot with a zeroed context, in the index.  The table is neither full nor crowded, and
 * the caller writes the addresses. */
uint32_t table_add(struct table *table, uint64_t hash);
void table_remove(struct table *table, uint32_t number);

static inline void *table_context(const struct table *table, uint32_t number)
{
	return table->context_size ? table->contexts + (size_t)number * table->context_size : NULL;
}

static inline struct table_bucket *table_bucket_of(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->bucket_count - 1)];
}

static inline bool table_has_bucket(const struct table *table, uint64_t hash)
{
	uint32_t bucket = (uint32_t)hash & (table->bucket_count - 1);

	return table->used > 0 && table->filled[bucket / 64] >> bucket % 64 & 1;
}

PREFETCH_HELPER void table_prefetch_bucket(const struct table *table, uint64_t hash)
{
	if (table_has_bucket(table, hash))
		__builtin_prefetch(table_bucket_of(table, hash));
}

/* Asks for a slot and its context. */
PREFETCH_HELPER void table_prefetch(const struct table *table, uint32_t number)
{
	const uint8_t *slot = (const uint8_t *)&table->slots[number];
	const uint8_t *context = table->contexts + (size_t)number * table->context_size;

	for (size_t at = 0; at < sizeof(*table->slots); at += TABLE_LINE)
		__builtin_prefetch(slot + at, 1);
	for (size_t at = 0; at < table->context_size; at += TABLE_LINE)
		__builtin_prefetch(context + at, 1);
}

/* Asks for the slots that the hash may stand for. */
void table_prefetch_slots(const struct table *table, uint64_t hash);
