/* The table of one minute; the contract is in minute.h. */
#include "tally/minute.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_INITIAL 1024u
#define ROW_BITS 22
#define ROW_MASK ((1u << ROW_BITS) - 1)
#define TAG_MASK (~ROW_MASK)
#define CACHE_LINE 64
#define SET_INITIAL 1024u

uint64_t minute_key_hash(const struct minute_key *key)
{
	uint64_t w[2];

	memcpy(w, key, sizeof(w));
	return hash_pair(w[0], w[1]);
}

static inline uint32_t index_at(const struct minute_table *t, uint64_t hash)
{
	return (uint32_t)hash & t->index_mask;
}

/* An index word: row + 1 below, ten bits of the hash above. */
static inline uint32_t word_of(uint64_t hash, uint32_t row)
{
	return ((uint32_t)(hash >> 32) & TAG_MASK) | (row + 1);
}

static int resize(struct minute_table *t, uint32_t capacity)
{
	uint8_t *rows = NULL;
	uint32_t *index;

	if (posix_memalign((void **)&rows, CACHE_LINE, (size_t)capacity * t->row_size) != 0)
		return -ENOMEM;
	index = calloc((size_t)capacity * 2, sizeof(*index));
	if (!index) {
		free(rows);
		return -ENOMEM;
	}
	if (t->count)
		memcpy(rows, t->rows, (size_t)t->count * t->row_size);
	free(t->rows);
	free(t->index);
	t->rows = rows;
	t->index = index;
	t->index_mask = capacity * 2 - 1;
	t->capacity = capacity;
	for (uint32_t i = 0; i < t->count; i++) {
		uint64_t hash = minute_key_hash(&minute_table_row(t, i)->key);
		uint32_t at = index_at(t, hash);

		while (t->index[at])
			at = (at + 1) & t->index_mask;
		t->index[at] = word_of(hash, i);
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
	return resize(t, ROWS_INITIAL);
}

void minute_table_fini(struct minute_table *t)
{
	free(t->rows);
	free(t->index);
	memset(t, 0, sizeof(*t));
}

void minute_table_prefetch_index(const struct minute_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->index[index_at(t, hash)]);
}

void minute_table_prefetch_row(const struct minute_table *t, uint64_t hash)
{
	uint32_t word = t->index[index_at(t, hash)];

	if (word)
		__builtin_prefetch(minute_table_row(t, (word & ROW_MASK) - 1), 1);
}

static inline bool keys_equal(const struct minute_key *a, const struct minute_key *b)
{
	uint64_t x[2];
	uint64_t y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

struct minute_row *minute_table_add(struct minute_table *t, const struct minute_key *key,
    const struct minute_tail *tail, uint64_t hash, bool *ret_new, uint32_t *ret_row)
{
	uint32_t tag = (uint32_t)(hash >> 32) & TAG_MASK;
	struct minute_row *row;
	uint32_t at;

	if (t->count == t->capacity) {
		if (t->capacity >= MINUTE_ROWS_MAX || resize(t, t->capacity * 2))
			return NULL;
	}
	at = index_at(t, hash);
	for (uint32_t word = t->index[at]; word; word = t->index[at]) {
		uint32_t i = (word & ROW_MASK) - 1;

		if ((word & TAG_MASK) == tag) {
			row = minute_table_row(t, i);
			if (keys_equal(&row->key, key) && (!tail
			    || memcmp(minute_table_tail(t, i), tail, sizeof(*tail)) == 0)) {
				*ret_new = false;
				*ret_row = i;
				return row;
			}
		}
		at = (at + 1) & t->index_mask;
	}
	t->index[at] = word_of(hash, t->count);
	row = minute_table_row(t, t->count);
	memset(row, 0, sizeof(*row));
	row->key = *key;
	if (tail)
		*minute_table_tail(t, t->count) = *tail;
	*ret_new = true;
	*ret_row = t->count++;
	return row;
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

static int set_resize(struct minute_set *s, uint32_t slots)
{
	uint64_t *old = s->slots;
	uint32_t old_count = old ? s->mask + 1 : 0;
	uint64_t *fresh = calloc(slots, sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	s->slots = fresh;
	s->mask = slots - 1;
	for (uint32_t i = 0; i < old_count; i++) {
		uint32_t at;

		if (!old[i])
			continue;
		at = (uint32_t)hash_u64(old[i]) & s->mask;
		while (s->slots[at])
			at = (at + 1) & s->mask;
		s->slots[at] = old[i];
	}
	free(old);
	return ST_OK;
}

int minute_set_init(struct minute_set *s)
{
	memset(s, 0, sizeof(*s));
	return set_resize(s, SET_INITIAL);
}

void minute_set_fini(struct minute_set *s)
{
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

int minute_set_add(struct minute_set *s, uint32_t row, uint32_t dst)
{
	uint64_t value = (uint64_t)(row + 1) << 32 | dst;
	uint32_t at;

	if (s->count >= s->mask / 2 && set_resize(s, (s->mask + 1) * 2))
		return -ENOMEM;
	at = (uint32_t)hash_u64(value) & s->mask;
	while (s->slots[at]) {
		if (s->slots[at] == value)
			return 0;
		at = (at + 1) & s->mask;
	}
	s->slots[at] = value;
	s->count++;
	return 1;
}

void minute_set_clear(struct minute_set *s)
{
	if (s->count)
		memset(s->slots, 0, ((size_t)s->mask + 1) * sizeof(*s->slots));
	s->count = 0;
}
