/* The table of one minute; the contract is in minute.h. */
#include "tally/minute.h"

#include "base/hash.h"
#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MIN 1024u
#define INDEX_INITIAL 1024u /* words */
#define HITS_INITIAL 1024u

static inline uint32_t index_at(const struct minute_table *t, uint64_t hash)
{
	return (uint32_t)hash & t->index_mask;
}

/* Address space for all rows there can be, or as many as the system allows: what is not used stays
 * untouched, and a table that grows is never copied. */
static int allocate_rows(struct minute_table *t)
{
	for (t->capacity = MINUTE_ROWS_MAX; t->capacity >= ROWS_MIN; t->capacity /= 2) {
		t->rows = large_alloc((size_t)t->capacity * t->row_size);
		if (t->rows)
			return ST_OK;
	}
	t->capacity = 0;
	return -ENOMEM;
}

static size_t index_size(const struct minute_table *t)
{
	return t->index ? ((size_t)t->index_mask + 1) * sizeof(*t->index) : 0;
}

static int grow_index(struct minute_table *t)
{
	uint32_t words = t->index ? (t->index_mask + 1) * 2 : INDEX_INITIAL;
	uint32_t *index = large_alloc(words * sizeof(*index));

	if (!index)
		return -ENOMEM;
	large_free(t->index, index_size(t));
	t->index = index;
	t->index_mask = words - 1;
	for (uint32_t i = 0; i < t->count; i++) {
		uint64_t hash = minute_key_hash(&minute_table_row(t, i)->key);
		uint32_t at = index_at(t, hash);

		while (t->index[at])
			at = (at + 1) & t->index_mask;
		t->index[at] = minute_tag(hash) | (i + 1);
	}
	return ST_OK;
}

int minute_table_init(struct minute_table *t, bool has_tail)
{
	memset(t, 0, sizeof(*t));
	t->has_tail = has_tail;
	t->row_size = sizeof(struct minute_row);
	if (has_tail)
		t->row_size += sizeof(struct minute_tail);
	return allocate_rows(t) ? -ENOMEM : grow_index(t);
}

void minute_table_fini(struct minute_table *t)
{
	large_free(t->rows, (size_t)t->capacity * t->row_size);
	large_free(t->index, index_size(t));
	memset(t, 0, sizeof(*t));
}

bool minute_table_reserve(struct minute_table *t, uint32_t rows)
{
	if (t->count + rows > t->capacity)
		return false;
	/* The index is kept at most five eighths full. */
	while (t->count + rows > t->index_mask / 8 * 5)
		if (grow_index(t))
			return false;
	return true;
}

void minute_table_clear(struct minute_table *t)
{
	if (t->count < t->index_mask / 16) {
		/* Few rows: visit their words only, so that an empty day costs nothing. */
		for (uint32_t i = 0; i < t->count; i++) {
			uint64_t hash = minute_key_hash(&minute_table_row(t, i)->key);

			for (uint32_t at = index_at(t, hash); t->index[at];
			     at = (at + 1) & t->index_mask)
				t->index[at] = 0;
		}
	} else {
		memset(t->index, 0, ((size_t)t->index_mask + 1) * sizeof(*t->index));
	}
	t->count = 0;
}

bool minute_hits_reserve(struct minute_hits *h, uint32_t hits)
{
	while (h->count + hits > h->capacity) {
		uint32_t capacity = h->capacity ? h->capacity * 2 : HITS_INITIAL;
		struct minute_hit *more;

		if (capacity > MINUTE_HITS_MAX)
			return false;
		more = realloc(h->hits, capacity * sizeof(*more));
		if (!more)
			return false;
		h->hits = more;
		h->capacity = capacity;
	}
	return true;
}

/* Makes *array hold at least `want` elements of `size`, zeroed; old content is lost. */
static void *scratch(void *array, size_t *capacity, size_t want, size_t size)
{
	if (want > *capacity) {
		free(array);
		*capacity = want * 2;
		return calloc(*capacity, size);
	}
	memset(array, 0, want * size);
	return array;
}

/* Distinct values of list that are not `first`; leaves bits as they were: all zero. */
static uint32_t count_distinct(const uint32_t *list, uint32_t count, uint32_t first,
    uint64_t *bits)
{
	uint32_t distinct = 0;

	if (count == 1)
		return list[0] != first;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *word = &bits[list[i] / 64];
		uint64_t bit = 1ull << list[i] % 64;

		distinct += list[i] != first && !(*word & bit);
		*word |= bit;
	}
	for (uint32_t i = 0; i < count; i++)
		bits[list[i] / 64] = 0;
	return distinct;
}

int minute_hits_count(struct minute_hits *h, const struct minute_table *t, uint32_t dst_end)
{
	if (h->count == 0)
		return ST_OK;
	h->starts = scratch(h->starts, &h->starts_capacity, (size_t)t->count + 2,
	    sizeof(*h->starts));
	h->sorted = scratch(h->sorted, &h->sorted_capacity, h->count, sizeof(*h->sorted));
	h->bits = scratch(h->bits, &h->bits_capacity, (size_t)dst_end / 64 + 1, sizeof(*h->bits));
	if (!h->starts || !h->sorted || !h->bits)
		return -ENOMEM;
	/* Counting sort by row; starts is shifted by two so that it ends as the ranges' starts. */
	for (uint32_t i = 0; i < h->count; i++)
		h->starts[h->hits[i].row + 2]++;
	for (uint32_t r = 2; r < t->count + 2; r++)
		h->starts[r] += h->starts[r - 1];
	for (uint32_t i = 0; i < h->count; i++)
		h->sorted[h->starts[h->hits[i].row + 1]++] = h->hits[i].dst;
	for (uint32_t r = 0; r < t->count; r++) {
		uint32_t n = h->starts[r + 1] - h->starts[r];
		struct minute_row *row;

		if (n == 0)
			continue;
		row = minute_table_row(t, r);
		row->dsts_above += count_distinct(&h->sorted[h->starts[r]], n, row->first_dst,
		    h->bits);
	}
	h->count = 0;
	return ST_OK;
}

void minute_hits_fini(struct minute_hits *h)
{
	free(h->hits);
	free(h->starts);
	free(h->sorted);
	free(h->bits);
	memset(h, 0, sizeof(*h));
}
