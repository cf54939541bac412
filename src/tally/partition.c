/* The tables of a partition; the contract is in partition.h. */
#include "tally/partition.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define SOURCES_INITIAL 16u
#define PAIRS_INITIAL 32u
#define EVIDENCE_INITIAL 16u
#define OVERFLOW_INITIAL 16u

#define PAIR_COUNT_BITS 13
#define PAIR_COUNT_MAX ((1u << PAIR_COUNT_BITS) - 1)

void partition_fini(struct partition *p)
{
	struct aside_block *lists[] = {p->first, p->spare};

	for (size_t i = 0; i < 2; i++) {
		while (lists[i]) {
			struct aside_block *next = lists[i]->next;

			free(lists[i]);
			lists[i] = next;
		}
	}
	free(p->sources);
	free(p->pairs);
	free(p->overflow);
	free(p->evidence);
	memset(p, 0, sizeof(*p));
}

struct aside *partition_aside_more(struct partition *p)
{
	struct aside_block *b = p->spare;

	if (b)
		p->spare = b->next;
	else
		b = malloc(sizeof(*b));
	if (!b)
		return NULL;
	b->next = NULL;
	b->count = 1;
	if (p->last)
		p->last->next = b;
	else
		p->first = b;
	p->last = b;
	return &b->rows[0];
}

void partition_forget_aside(struct partition *p)
{
	if (!p->first)
		return;
	p->last->next = p->spare;
	p->spare = p->first;
	p->first = NULL;
	p->last = NULL;
}

static void warm(const void *memory, size_t len)
{
	for (size_t i = 0; i < len; i += 64)
		__builtin_prefetch((const char *)memory + i, 1, 2);
}

void partition_warm(const struct partition *p)
{
	warm(p->sources, p->source_size * sizeof(*p->sources));
	warm(p->pairs, p->pair_size * sizeof(*p->pairs));
}

static inline uint32_t source_at(uint64_t key, uint32_t size)
{
	return (uint32_t)(hash_source_key(key) >> 32) & (size - 1);
}

struct source *partition_find(const struct partition *p, uint64_t key)
{
	uint32_t at;

	if (!p->source_size)
		return NULL;
	for (at = source_at(key, p->source_size); p->sources[at].key;
	     at = (at + 1) & (p->source_size - 1))
		if (p->sources[at].key == key)
			return &p->sources[at];
	return NULL;
}

static struct source *place_source(struct source *sources, uint32_t size, uint64_t key)
{
	uint32_t at = source_at(key, size);

	while (sources[at].key)
		at = (at + 1) & (size - 1);
	return &sources[at];
}

struct source *partition_insert(struct partition *p, uint64_t key)
{
	struct source *source;

	if (p->source_count >= p->source_size / 2) {
		uint32_t size = p->source_size ? p->source_size * 2 : SOURCES_INITIAL;
		struct source *fresh = calloc(size, sizeof(*fresh));

		if (!fresh)
			return NULL;
		for (uint32_t i = 0; i < p->source_size; i++)
			if (p->sources[i].key)
				*place_source(fresh, size, p->sources[i].key) = p->sources[i];
		free(p->sources);
		p->sources = fresh;
		p->source_size = size;
	}
	source = place_source(p->sources, p->source_size, key);
	source->key = key;
	p->source_count++;
	return source;
}

/* Makes room for one more element; NULL leaves the array as it is. */
static void *reserve(void *array, uint32_t count, uint32_t *capacity, uint32_t initial, size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : initial;
	void *fresh;

	if (count < *capacity)
		return array;
	fresh = realloc(array, more * size);
	if (fresh)
		*capacity = more;
	return fresh;
}

struct tools_evidence *partition_evidence(struct partition *p, struct source *source)
{
	struct tools_evidence *list;

	if (source->evidence)
		return &p->evidence[source->evidence - 1];
	list = reserve(p->evidence, p->evidence_count, &p->evidence_capacity, EVIDENCE_INITIAL,
	    sizeof(*list));
	if (!list)
		return NULL;
	p->evidence = list;
	memset(&list[p->evidence_count], 0, sizeof(*list));
	source->evidence = ++p->evidence_count;
	return &list[source->evidence - 1];
}

static inline uint32_t pair_at(uint64_t pair, uint32_t size)
{
	return (uint32_t)(hash_u64(pair)) & (size - 1);
}

static bool grow_pairs(struct partition *p)
{
	uint32_t size = p->pair_size ? p->pair_size * 2 : PAIRS_INITIAL;
	uint64_t *fresh = calloc(size, sizeof(*fresh));

	if (!fresh)
		return false;
	for (uint32_t i = 0; i < p->pair_size; i++) {
		uint32_t at;

		if (!p->pairs[i])
			continue;
		at = pair_at(p->pairs[i] >> PAIR_COUNT_BITS, size);
		while (fresh[at])
			at = (at + 1) & (size - 1);
		fresh[at] = p->pairs[i];
	}
	free(p->pairs);
	p->pairs = fresh;
	p->pair_size = size;
	return true;
}

/* Packets beyond what a pair's word can count. */
static bool add_overflow(struct partition *p, uint64_t key, uint32_t slot, uint64_t packets)
{
	struct pair_overflow *list = reserve(p->overflow, p->overflow_count,
	    &p->overflow_capacity, OVERFLOW_INITIAL, sizeof(*list));

	if (!list)
		return false;
	p->overflow = list;
	list[p->overflow_count++] = (struct pair_overflow){key, slot, packets};
	return true;
}

enum pair_result partition_count_pair(struct partition *p, uint64_t key, uint32_t slot,
    uint32_t packets, bool may_add)
{
	uint64_t pair = key << SLOT_BITS | slot;
	enum pair_result result = PAIR_KNOWN;
	uint64_t count;
	uint32_t at;

	if (p->pair_count >= p->pair_size / 8 * 5 && !grow_pairs(p))
		return PAIR_REFUSED;
	for (at = pair_at(pair, p->pair_size); p->pairs[at]; at = (at + 1) & (p->pair_size - 1))
		if (p->pairs[at] >> PAIR_COUNT_BITS == pair)
			break;
	if (!p->pairs[at]) {
		if (!may_add)
			return PAIR_REFUSED;
		p->pairs[at] = pair << PAIR_COUNT_BITS;
		p->pair_count++;
		result = PAIR_NEW;
	}
	count = (p->pairs[at] & PAIR_COUNT_MAX) + packets;
	if (count > PAIR_COUNT_MAX) {
		if (!add_overflow(p, key, slot, count))
			return PAIR_REFUSED;
		count = 0;
	}
	p->pairs[at] = pair << PAIR_COUNT_BITS | count;
	return result;
}

void partition_walk(const struct partition *p, partition_walk_fn each, void *arg)
{
	for (uint32_t i = 0; i < p->pair_size; i++) {
		uint64_t pair = p->pairs[i] >> PAIR_COUNT_BITS;
		const struct source *source;

		if (!p->pairs[i])
			continue;
		source = partition_find(p, pair >> SLOT_BITS);
		if (source)
			each(arg, source, (uint32_t)pair & SLOT_MASK, p->pairs[i] & PAIR_COUNT_MAX);
	}
	for (uint32_t i = 0; i < p->overflow_count; i++) {
		const struct source *source = partition_find(p, p->overflow[i].key);

		if (source)
			each(arg, source, p->overflow[i].slot, p->overflow[i].packets);
	}
}
