/*
 * One open minute: an exact count per flow key, in memory that is allocated once and reused.
 *
 * Rows lie densely in the order they began; an open-addressing index of 32-bit words (22 bits of
 * row, 10 bits of hash) finds them, and the whole key is compared.  IPv4 rows are one cache line.
 * Nothing is allocated per packet; there is a bound, at which the caller closes the minute early.
 */
#pragma once

#include "base/choose.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/prefetch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MINUTE_ROWS_MAX (1u << 21)
#define MINUTE_HITS_MAX (1u << 22)
#define MINUTE_ROW_MASK ((1u << 22) - 1) /* of an index word */

/*
 * The key, packed in two words because it is hashed and compared as such: writing fields and then
 * reading words would stall.  For IPv6 the first word holds a hash of the addresses, which are in
 * the row's tail.
 */
struct minute_key {
	uint64_t addresses; /* source below, victim (backscatter, else 0) above */
	uint64_t fields;    /* port 16, proto 8, class 8, TCP flags 8, attacked proto 8, marks 16 */
};

static inline uint64_t minute_key_addresses(uint32_t src, uint32_t victim)
{
	return (uint64_t)victim << 32 | src;
}

static inline uint64_t minute_key_fields(uint16_t port, uint8_t proto, uint8_t class,
    uint8_t tcp_flags, uint8_t attack_proto, uint16_t marks)
{
	return port | (uint64_t)proto << 16 | (uint64_t)class << 24 | (uint64_t)tcp_flags << 32
	    | (uint64_t)attack_proto << 40 | (uint64_t)marks << 48;
}

static inline uint32_t minute_key_src(const struct minute_key *k)
{
	return (uint32_t)k->addresses;
}

static inline uint32_t minute_key_victim(const struct minute_key *k)
{
	return (uint32_t)(k->addresses >> 32);
}

static inline uint16_t minute_key_port(const struct minute_key *k)
{
	return (uint16_t)k->fields;
}

static inline uint8_t minute_key_proto(const struct minute_key *k)
{
	return (uint8_t)(k->fields >> 16);
}

static inline uint8_t minute_key_class(const struct minute_key *k)
{
	return (uint8_t)(k->fields >> 24);
}

static inline uint8_t minute_key_tcp_flags(const struct minute_key *k)
{
	return (uint8_t)(k->fields >> 32);
}

static inline uint8_t minute_key_attack_proto(const struct minute_key *k)
{
	return (uint8_t)(k->fields >> 40);
}

static inline uint16_t minute_key_marks(const struct minute_key *k)
{
	return (uint16_t)(k->fields >> 48);
}

struct minute_row {
	struct minute_key key;
	uint64_t bytes;
	uint64_t dst_bits; /* of destination indices below 64 */
	uint32_t packets;
	uint32_t first_dst; /* index */
	uint32_t dsts_above; /* distinct destinations with an index of 64 or more */
	uint32_t signature;
	uint32_t pair_keys[2];
	uint16_t rules;
	uint8_t ttl;
	uint8_t first_second;
	uint8_t last_second;
	uint8_t reserved[3];
};
_Static_assert(sizeof(struct minute_row) == 64, "one cache line");

/* What IPv6 rows have behind. */
struct minute_tail {
	struct ip src;
	struct ip victim;
};

struct minute_table {
	uint8_t *rows; /* row_size bytes each */
	uint32_t *index;
	uint32_t index_mask;
	uint32_t count;
	uint32_t capacity;
	uint32_t row_size;
	bool has_tail;
};

ST_MUST_CHECK int minute_table_init(struct minute_table *t, bool has_tail);
void minute_table_fini(struct minute_table *t);

static inline struct minute_row *minute_table_row(const struct minute_table *t, uint32_t i)
{
	return (struct minute_row *)(void *)(t->rows + (size_t)i * t->row_size);
}

static inline struct minute_tail *minute_table_tail(const struct minute_table *t, uint32_t i)
{
	return (struct minute_tail *)(void *)(t->rows + (size_t)i * t->row_size
	    + sizeof(struct minute_row));
}

static inline uint64_t minute_key_hash(const struct minute_key *key)
{
	return hash_pair(key->addresses, key->fields);
}

static inline bool minute_keys_equal(const struct minute_key *a, const struct minute_key *b)
{
	return ((a->addresses ^ b->addresses) | (a->fields ^ b->fields)) == 0;
}

/* The ten bits of the hash in an index word. */
static inline uint32_t minute_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~MINUTE_ROW_MASK;
}

/* Makes room for so many more rows; false when the table is full (MINUTE_ROWS_MAX) or memory is
 * out: close the minute. */
bool minute_table_reserve(struct minute_table *t, uint32_t rows);

/*
 * Finding a row in three steps, so that many keys can wait for memory at once: the index word, the
 * row it names, the row itself.  Nothing moves in between as long as there is room (reserve).
 */
PREFETCH_HELPER void minute_table_prefetch(const struct minute_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->index[(uint32_t)hash & t->index_mask]);
}

/* So many words from the hash's on are passed without branches: few keys lie farther. */
#define MINUTE_STEPS 1

/*
 * Where the key's word is, as far as hash and MINUTE_STEPS can tell, in the lower half; the upper
 * half of the hash.  Asks for the row there, or for the next new one when the word is free.  Which
 * of the two, and how many words are passed, nobody could foretell: a branch would often go wrong.
 */
static inline uint64_t minute_table_seek(const struct minute_table *t, uint64_t hash)
{
	uint32_t tag = minute_tag(hash);
	uint32_t at = (uint32_t)hash & t->index_mask;
	uint32_t word = t->index[at];
	uint32_t row;

	for (int i = 0; i < MINUTE_STEPS; i++) {
		at = (at + ((word != 0) & ((word ^ tag) > MINUTE_ROW_MASK))) & t->index_mask;
		word = t->index[at];
	}
	row = choose_u32(word != 0, (word & MINUTE_ROW_MASK) - 1, t->count);
	__builtin_prefetch(minute_table_row(t, row), 1);
	return (hash & ~(uint64_t)UINT32_MAX) | at;
}

/*
 * The number of the key's row, from what minute_table_seek returned.  A new row (*ret_new) has its
 * tail; the caller fills all the rest.  tail is NULL for IPv4.
 */
static inline uint32_t minute_table_enter(struct minute_table *t, const struct minute_key *key,
    const struct minute_tail *tail, uint64_t sought, bool *ret_new)
{
	uint32_t tag = minute_tag(sought);
	uint32_t at = (uint32_t)sought;

	for (uint32_t word = t->index[at]; word; word = t->index[at]) {
		uint32_t i = (word & MINUTE_ROW_MASK) - 1;

		if ((word & ~MINUTE_ROW_MASK) == tag
		    && minute_keys_equal(&minute_table_row(t, i)->key, key)
		    && (!tail || memcmp(minute_table_tail(t, i), tail, sizeof(*tail)) == 0)) {
			*ret_new = false;
			return i;
		}
		at = (at + 1) & t->index_mask;
	}
	t->index[at] = tag | (t->count + 1);
	if (tail)
		*minute_table_tail(t, t->count) = *tail;
	*ret_new = true;
	return t->count++;
}

/* Forgets all rows, keeps the memory. */
void minute_table_clear(struct minute_table *t);

/*
 * The further destinations that rows reached: appended as they come, counted when the minute
 * closes.  Exact, and cheaper per packet than looking each one up.
 */
struct minute_hits {
	struct minute_hit {
		uint32_t row;
		uint32_t dst;
	} *hits;
	uint32_t count;
	uint32_t capacity;
	uint32_t *starts; /* scratch of the count: per row, then per hit, then a bit per index */
	uint32_t *sorted;
	uint64_t *bits;
	size_t starts_capacity;
	size_t sorted_capacity;
	size_t bits_capacity;
};

/* Makes room for so many more; false when MINUTE_HITS_MAX is reached or memory is out: close the
 * minute. */
bool minute_hits_reserve(struct minute_hits *h, uint32_t hits);

static inline void minute_hits_add(struct minute_hits *h, uint32_t row, uint32_t dst)
{
	h->hits[h->count++] = (struct minute_hit){row, dst};
}

/*
 * Adds to each row's dsts_above the distinct destinations among its hits that are not its first
 * one; all indices are below dst_end.  Then forgets the hits.
 */
ST_MUST_CHECK int minute_hits_count(struct minute_hits *h, const struct minute_table *t,
    uint32_t dst_end);
void minute_hits_fini(struct minute_hits *h);
