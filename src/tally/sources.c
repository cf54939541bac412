/* The sources of a run; the contract is in sources.h. */
#include "tally/sources.h"

#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_BITS_INITIAL 14
#define PAIR_BITS_INITIAL 14
#define SOURCES_MIN 1024u
#define EVIDENCE_INITIAL 1024u
#define OVERFLOW_INITIAL 16u

static size_t words_of(unsigned shift)
{
	return (size_t)(UINT64_MAX >> shift) + 1;
}

/* Address space for all sources there can be, or as many as the system allows: what is not used
 * stays untouched, and the list is never copied. */
static int allocate_list(struct sources *s, uint32_t count_max)
{
	for (s->capacity = count_max; s->capacity >= SOURCES_MIN; s->capacity /= 2) {
		s->list = large_alloc((size_t)s->capacity * sizeof(*s->list));
		if (s->list)
			return ST_OK;
	}
	return -ENOMEM;
}

int sources_init(struct sources *s, uint32_t count_max)
{
	memset(s, 0, sizeof(*s));
	s->index_shift = 64 - INDEX_BITS_INITIAL;
	s->pair_shift = 64 - PAIR_BITS_INITIAL;
	s->index = large_alloc(words_of(s->index_shift) * sizeof(*s->index));
	s->pairs = large_alloc(words_of(s->pair_shift) * sizeof(*s->pairs));
	return !s->index || !s->pairs || allocate_list(s, count_max) ? -ENOMEM : ST_OK;
}

void sources_fini(struct sources *s)
{
	large_free(s->list, (size_t)s->capacity * sizeof(*s->list));
	large_free(s->index, words_of(s->index_shift) * sizeof(*s->index));
	large_free(s->pairs, words_of(s->pair_shift) * sizeof(*s->pairs));
	free(s->overflow);
	large_free(s->evidence, s->evidence_capacity * sizeof(*s->evidence));
	memset(s, 0, sizeof(*s));
}

static bool grow_index(struct sources *s)
{
	unsigned shift = s->index_shift - 1;
	uint32_t mask = (uint32_t)(words_of(shift) - 1);
	uint32_t *fresh = large_alloc(words_of(shift) * sizeof(*fresh));

	if (!fresh)
		return false;
	for (uint32_t i = 0; i < s->count; i++) {
		uint64_t hash = sources_hash(s->list[i].key);
		uint32_t at = (uint32_t)(hash >> shift);

		while (fresh[at])
			at = (at + 1) & mask;
		fresh[at] = sources_tag(hash) | (i + 1);
	}
	large_free(s->index, words_of(s->index_shift) * sizeof(*s->index));
	s->index = fresh;
	s->index_shift = shift;
	return true;
}

/* Places follow the upper bits of the hash, so both tables are passed from end to end. */
static bool grow_pairs(struct sources *s)
{
	unsigned shift = s->pair_shift - 1;
	size_t mask = words_of(shift) - 1;
	uint64_t *fresh = large_alloc(words_of(shift) * sizeof(*fresh));

	if (!fresh)
		return false;
	for (size_t i = 0; i < words_of(s->pair_shift); i++) {
		size_t at;

		if (!s->pairs[i])
			continue;
		at = (size_t)(sources_hash(s->pairs[i] >> PAIR_COUNT_BITS) >> shift);
		while (fresh[at])
			at = (at + 1) & mask;
		fresh[at] = s->pairs[i];
	}
	large_free(s->pairs, words_of(s->pair_shift) * sizeof(*s->pairs));
	s->pairs = fresh;
	s->pair_shift = shift;
	return true;
}

bool sources_reserve(struct sources *s, uint32_t more)
{
	while (s->count + more > words_of(s->index_shift) / 2)
		if (!grow_index(s))
			return false;
	while (s->pair_count + more > words_of(s->pair_shift) / 8 * 5)
		if (!grow_pairs(s))
			return false;
	return true;
}

bool sources_new_evidence(struct sources *s, struct source *source)
{
	if (s->evidence_count == s->evidence_capacity) {
		uint32_t capacity = s->evidence_capacity ? s->evidence_capacity * 2
		                                         : EVIDENCE_INITIAL;
		struct source_evidence *fresh = large_alloc(capacity * sizeof(*fresh));

		if (!fresh)
			return false;
		if (s->evidence)
			memcpy(fresh, s->evidence, s->evidence_count * sizeof(*fresh));
		large_free(s->evidence, s->evidence_capacity * sizeof(*fresh));
		s->evidence = fresh;
		s->evidence_capacity = capacity;
	}
	source->evidence = ++s->evidence_count;
	return true;
}

bool sources_add_overflow(struct sources *s, uint64_t pair, uint64_t packets)
{
	if (s->overflow_count == s->overflow_capacity) {
		uint32_t capacity = s->overflow_capacity ? s->overflow_capacity * 2
		                                         : OVERFLOW_INITIAL;
		struct pair_overflow *more = realloc(s->overflow, capacity * sizeof(*more));

		if (!more)
			return false;
		s->overflow = more;
		s->overflow_capacity = capacity;
	}
	s->overflow[s->overflow_count++] = (struct pair_overflow){(uint32_t)(pair >> SLOT_BITS),
		(uint32_t)pair & SLOT_MASK, packets};
	return true;
}

void sources_count_ports(const struct sources *s, uint64_t packets[SLOTS], uint32_t counts[SLOTS])
{
	for (size_t i = 0; i < words_of(s->pair_shift); i++) {
		uint32_t slot = s->pairs[i] >> PAIR_COUNT_BITS & SLOT_MASK;

		if (!s->pairs[i])
			continue;
		packets[slot] += s->pairs[i] & PAIR_COUNT_MAX;
		counts[slot]++;
	}
	for (uint32_t i = 0; i < s->overflow_count; i++)
		packets[s->overflow[i].slot] += s->overflow[i].packets;
}
