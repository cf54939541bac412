/* Numbers of sources and sets of words; the contract is in source_index.h. */
#include "report/source_index.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_FIRST 1024
#define WORDS_FIRST 4096

/* ---- addresses ------------------------------------------------------------------------------- */

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

/* ---- words ----------------------------------------------------------------------------------- */

int word_list_add(struct word_list *list, uint64_t word)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : WORDS_FIRST;
		uint64_t *words = realloc(list->words, cap * sizeof(*words));

		if (!words)
			return -ENOMEM;
		list->words = words;
		list->cap = cap;
	}
	list->words[list->count++] = word;
	return 0;
}

/* By one byte of each, smallest first; the others keep their order.  False: all have the same. */
static bool sort_byte(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
	size_t starts[256] = {0};
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		starts[from[i] >> shift & 0xff]++;
	if (count == 0 || starts[from[0] >> shift & 0xff] == count)
		return false;
	for (size_t i = 0; i < 256; i++) {
		size_t here = starts[i];

		starts[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[from[i] >> shift & 0xff]++] = from[i];
	return true;
}

int word_list_unique(struct word_list *list)
{
	uint64_t *other = calloc(list->cap ? list->cap : 1, sizeof(*other));
	size_t kept = 0;

	if (!other)
		return -ENOMEM;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint64_t *from = list->words;

		if (!sort_byte(from, other, list->count, shift))
			continue;
		list->words = other;
		other = from;
	}
	free(other);
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || list->words[i] != list->words[kept - 1])
			list->words[kept++] = list->words[i];
	list->count = kept;
	return 0;
}

void word_list_fini(struct word_list *list)
{
	free(list->words);
	*list = (struct word_list){0};
}
