/* Numbers of sources; the contract is in source_index.h. */
#include "report/source_index.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_FIRST 1024

static size_t sieve_bit(uint64_t hash)
{
	return hash >> 32 & (SOURCE_SIEVE_BITS - 1);
}

static void put(struct source_index *index, size_t number)
{
	const struct source_entry *entry = &index->entries[number];
	size_t at = hash_pair(entry->hi, entry->lo) & (index->table_size - 1);

	while (index->table[at])
		at = (at + 1) & (index->table_size - 1);
	index->table[at] = (uint32_t)number + 1;
}

static int grow(struct source_index *index)
{
	size_t cap = index->cap ? 2 * index->cap : ENTRIES_FIRST;
	struct source_entry *entries = realloc(index->entries, cap * sizeof(*entries));
	uint32_t *table;

	if (!entries)
		return -ENOMEM;
	index->entries = entries;
	if (!index->sieve)
		index->sieve = calloc(SOURCE_SIEVE_BITS / 64, sizeof(*index->sieve));
	table = calloc(2 * cap, sizeof(*table));
	if (!table || !index->sieve || cap > UINT32_MAX / 2) {
		free(table);
		return -ENOMEM;
	}
	free(index->table);
	index->table = table;
	index->table_size = 2 * cap;
	index->cap = cap;
	for (size_t i = 0; i < index->count; i++)
		put(index, i);
	return 0;
}

struct source_entry *source_index_find(const struct source_index *index, uint64_t hi, uint64_t lo)
{
	uint64_t hash = hash_pair(hi, lo);
	size_t bit = sieve_bit(hash);
	size_t at;

	if (!index->count || !(index->sieve[bit / 64] >> bit % 64 & 1))
		return NULL;
	at = hash & (index->table_size - 1);
	for (; index->table[at]; at = (at + 1) & (index->table_size - 1)) {
		struct source_entry *entry = &index->entries[index->table[at] - 1];

		if (entry->hi == hi && entry->lo == lo)
			return entry;
	}
	return NULL;
}

static struct source_entry *add(struct source_index *index, uint64_t hi, uint64_t lo)
{
	size_t bit = sieve_bit(hash_pair(hi, lo));
	struct source_entry *entry;

	if (index->count == index->cap && grow(index))
		return NULL;
	entry = &index->entries[index->count];
	*entry = (struct source_entry){.hi = hi, .lo = lo, .identity = (uint32_t)index->count};
	index->sieve[bit / 64] |= 1ull << bit % 64;
	put(index, index->count++);
	return entry;
}

struct source_entry *source_index_get(struct source_index *index, uint64_t hi, uint64_t lo)
{
	struct source_entry *entry = source_index_find(index, hi, lo);
	uint32_t identity;

	if (entry)
		return entry;
	if (hi == 0 || lo == 0)
		return add(index, hi, lo);
	/* The /64's first address stands for all of it. */
	entry = source_index_find(index, hi, 0);
	if (!entry)
		entry = add(index, hi, 0);
	if (!entry)
		return NULL;
	identity = entry->identity;
	entry = add(index, hi, lo);
	if (entry)
		entry->identity = identity;
	return entry;
}

void source_index_fini(struct source_index *index)
{
	free(index->entries);
	free(index->table);
	free(index->sieve);
	*index = (struct source_index){0};
}
